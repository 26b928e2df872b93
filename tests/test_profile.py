"""Counts equal an independent recount; the float solver beside the integers is the network that was compiled."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from random_models import random_model, random_program, random_words

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Project
from mondeq_hw.cli import main
from mondeq_hw.problem import CLASSES, FORWARD_BACKWARD, PEACEMAN_RACHFORD, SameClass, folded_input
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import load
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.profile.plot import figure_of
from mondeq_hw.profile.profile import BATCH, profile
from mondeq_hw.profile.traces import FloatSolver, trace
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.proof.plain import model_from_plain

#: Programs of every kind: narrow states saturate, wide ones need Python integers.
PROGRAMS: dict[str, dict[str, Any]] = {
    "reflected": {"seed": 1},
    "forward-backward": {"seed": 2, "solver": FORWARD_BACKWARD, "iterations": 40},
    "saturates": {"seed": 3, "state_bits": 4, "state_integer_bits": 1},
    "one bit": {"seed": 4, "bits": 1, "drive_bits": 1, "readout_bits": 1, "state_bits": 2, "state_integer_bits": 2},
    "wide": {"seed": 5, "bits": 16, "drive_bits": 16, "readout_bits": 16, "state_bits": 32, "input_bits": 16},
    "one state": {"seed": 6, "n": 1, "d": 1, "k": 1},
}
SAMPLES = 9


def half_up(value: int, shift: int) -> int:
    return (value + ((1 << shift) >> 1)) >> shift


def recount(program: SolverProgram, words: np.ndarray) -> tuple[dict[str, list[int]], Counter[int], list[int]]:
    """The contract of ``program.py`` in plain Python: every word, the clipped rows, the updates of each sample."""
    seen: dict[str, list[int]] = {name: [] for name in ("drive accumulator", "drive", "state accumulator", "state")}
    seen |= {"input": words.ravel().tolist(), "logits": []}
    clipped: Counter[int] = Counter()
    updates = []
    top = program.state_format.max_word
    D, M, O = (m.integers.tolist() for m in (program.drive, program.matrix, program.readout))  # noqa: E741
    g, right, leak = program.matrix.shifts.tolist(), program.drive_right_shift.tolist(), program.leak.tolist()
    phi = abs if program.solver == PEACEMAN_RACHFORD else lambda s: max(s, 0)
    rows = range(program.n)

    def saturated(sums: list[int]) -> list[int]:
        rounded = [half_up(sums[i], g[i]) for i in rows]
        clipped.update(i for i in rows if abs(rounded[i]) > top)
        state = [max(-top, min(top, value)) for value in rounded]
        seen["state"] += state
        return state

    for x in words.tolist():
        sums = [
            (sum(a * b for a, b in zip(D[i], x, strict=True)) << program.drive_left_shift) + int(program.drive_bias[i])
            for i in rows
        ]
        drive = [half_up(sums[i], right[i]) for i in rows]
        seen["drive accumulator"] += sums
        seen["drive"] += drive
        state = saturated(drive)
        executed = program.iterations
        for update in range(1, program.iterations + 1):
            phis = [phi(s) for s in state]
            sums = [drive[i] + sum(a * b for a, b in zip(M[i], phis, strict=True)) + leak[i] * phis[i] for i in rows]
            seen["state accumulator"] += sums
            before, state = state, saturated(sums)
            if state == before:
                executed = update
                break
        updates.append(executed)
        z = [max(s, 0) for s in state]
        for row, bias, left in zip(O, program.readout_bias.tolist(), program.readout_left_shift.tolist(), strict=True):
            seen["logits"].append((sum(a * b for a, b in zip(row, z, strict=True)) << left) + bias)
    return seen, clipped, updates


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_count_equals_a_recount(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(**PROGRAMS[name])
    words = random_words(0, program, SAMPLES)
    monkeypatch.setattr(sys.modules[profile.__module__], "BATCH", 4)  # the last batch is a part of one
    result = profile(program, words, 0, None, CLASSES)
    seen, clipped, updates = recount(program, words)
    assert result.samples == SAMPLES
    for quantity in result.quantities:
        values = seen[quantity.name]
        lengths = Counter(abs(value).bit_length() for value in values)
        assert quantity.count == len(values)
        assert (quantity.low, quantity.high) == (min(values), max(values))
        assert {bits: count for bits, count in enumerate(quantity.magnitudes) if count} == lengths
        assert quantity.lowest_word <= quantity.low and quantity.high <= quantity.highest_word
        assert quantity.unused_bits == max(0, quantity.highest_word.bit_length() - max(lengths))
    assert dict(enumerate(result.saturations_by_row)) == {row: clipped[row] for row in range(program.n)}
    assert result.quantity("state").saturations == clipped.total()
    assert {i: count for i, count in enumerate(result.iterations) if count} == Counter(updates)
    assert clipped.total() > 0 or name not in ("saturates", "one bit")


@pytest.mark.parametrize("name", PROGRAMS)
def test_proved_ranges_hold_for_every_input(name: str) -> None:
    program = random_program(**PROGRAMS[name])
    rng = np.random.default_rng(0)
    # Corners of the input box reach further than anything inside.
    corners = rng.integers(0, 2, size=(64, program.d)) * program.input_format.max_word
    result = profile(program, corners, 0, None, CLASSES)
    seen, _, _ = recount(program, corners[:3])
    for quantity in result.quantities:
        assert quantity.proved_low <= quantity.low and quantity.high <= quantity.proved_high
        assert quantity.proved_low <= min(seen[quantity.name])
        fits = quantity.lowest_word <= quantity.proved_low and quantity.proved_high <= quantity.highest_word
        assert fits or quantity.name == "state"


def test_saturations_agree_with_the_golden_models() -> None:
    program = random_program(7, state_bits=4, state_integer_bits=1)
    words = random_words(1, program, 3 * BATCH // 2)
    golden = GoldenModel(program).trace(words)
    executed = np.arange(program.iterations + 1)[:, None] <= golden.iterations
    assert (
        profile(program, words, 0, None, CLASSES).quantity("state").saturations
        == golden.saturations[executed].sum()
        > 0
    )


# -- the project -------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_npz(tmp_path_factory.mktemp("profile") / "small.npz", plain(parameters(m=0.5)))


@pytest.fixture(scope="module", params=[PEACEMAN_RACHFORD, FORWARD_BACKWARD])
def project(request: Any, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("build") / "build"
    return mondeq_hw.compile(small, folder, bits=8, state_bits=14, input_bits=6, solver=request.param)


def raw_inputs(model: MonDEQ, samples: int = 20) -> np.ndarray:
    """On the grid of the six leading bits of eight, so that the integers see what the float network sees."""
    return 4 * np.random.default_rng(0).integers(0, 64, size=(samples, model.d))


def test_the_certificate_knows_the_network(project: Project, small: Path) -> None:
    model = load(small)
    found = model_from_plain(project.certificate.evidence["operator"], project.program.input_format.fractional_bits)
    U, b = folded_input(model)
    np.testing.assert_allclose(found.W, model.W, atol=2.0**-32)
    np.testing.assert_allclose(found.U, U, rtol=0, atol=np.abs(U).max() * 2.0**-23)
    np.testing.assert_allclose(folded_input(found)[1], b, atol=1e-6)
    X = raw_inputs(model)
    np.testing.assert_allclose(preactivation(found, X), preactivation(model, X), atol=1e-4)


def test_trace_against_the_float_solver(project: Project, small: Path) -> None:
    model, program = load(small), project.program
    X = raw_inputs(model)
    seen = project.trace(X)
    golden = GoldenModel(program).trace(GoldenModel(program).words(X))
    np.testing.assert_array_equal(seen.states, golden.states)
    np.testing.assert_array_equal(seen.saturations, golden.saturations)
    np.testing.assert_array_equal(seen.values, golden.states * 2.0**-program.state_format.fractional_bits)
    # The splitting written out: z = prox(s), and either a forward step or a resolvent.
    numerator, denominator = project.certificate.evidence["step_size"].split("/")
    alpha, eye = int(numerator) / int(denominator), np.eye(model.n)
    U, b = folded_input(model)
    bias = X @ U.T + b
    V = np.linalg.inv(eye + alpha * (eye - model.W))
    reflected = program.solver == PEACEMAN_RACHFORD
    state = 2 * alpha * bias @ V.T if reflected else alpha * bias
    assert seen.floating is not None
    for update in range(program.iterations + 1):
        np.testing.assert_allclose(seen.floating.states[update], state, atol=1e-4)
        z = np.maximum(state, 0)
        forward = z - alpha * (z @ (eye - model.W).T - bias)
        state = 2 * ((2 * z - state + alpha * bias) @ V.T) - (2 * z - state) if reflected else forward
    difference = seen.values - seen.floating.states
    np.testing.assert_allclose(seen.distances, np.sqrt((difference**2).sum(axis=2)))
    assert seen.residuals.shape == seen.float_residuals.shape == (program.iterations, len(X))
    # 8 bits of weights and 14 of state follow the float solver closely, and end near its equilibrium.
    size = np.linalg.norm(seen.floating.equilibrium, axis=1)
    assert (seen.distances < 0.05 * size).all()
    assert (seen.equilibrium_distances[-1] < 0.05 * size).all()
    v = preactivation(model, X)
    np.testing.assert_allclose(np.maximum(seen.floating.equilibrium, 0), np.maximum(v, 0), atol=1e-4)
    np.testing.assert_allclose(seen.floating.outputs, np.maximum(v, 0) @ model.O.T + model.c, atol=1e-4)
    given = project.trace(X, model)
    np.testing.assert_allclose(given.distances, seen.distances, atol=1e-4)


def test_profile_of_a_project(project: Project, small: Path, tmp_path: Path) -> None:
    X = raw_inputs(load(small), samples=BATCH + 7)
    result, seen = project.profile(X), project.trace(X)
    convergence = result.convergence
    assert convergence is not None
    for name in ("residual", "float_residual", "distance", "equilibrium_distance"):
        lengths = getattr(seen, f"{name}s")
        np.testing.assert_allclose(getattr(convergence, name).mean, lengths.mean(axis=1))
        np.testing.assert_allclose(getattr(convergence, name).largest, lengths.max(axis=1))
    floating = preactivation(load(small), X).clip(0) @ load(small).O.T + load(small).c
    agree = project.predict(X).argmax(axis=1) == floating.argmax(axis=1)
    assert convergence.outputs == SameClass(agree.mean())
    assert result.quantity("input").saturations == 0
    X[0, 2] = 254  # rounds to 256, which six bits of eight do not hold
    assert project.profile(X).quantity("input").saturations == 1
    X[0, :2], X[1, 0] = [260, 300], -9  # beyond eight bits; below zero
    with pytest.warns(UserWarning, match="3 saturated"):
        result = project.profile(X, on_overflow="saturate")
    assert result.quantity("input").saturations == 4
    lines = result.table().splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [quantity.name for quantity in result.quantities]
    assert all(str(quantity.high) in line for line, quantity in zip(lines[1:], result.quantities, strict=True))
    result.plot(tmp_path / "profile.svg")
    assert (tmp_path / "profile.svg").read_text().count("cannot clip") >= 4
    json.dumps(result.to_plain())


def test_a_narrow_state_shows_in_table_and_plot(digits_model: Path, tmp_path: Path) -> None:
    project = mondeq_hw.compile(digits_model, tmp_path / "build", bits=3, state_bits=8, calibration_samples=100)
    state = project.program.state_format
    two_less = replace(state, word_length=state.word_length - 2, integer_bits=state.integer_bits - 2)
    narrow, words = project.program.replace(state_format=two_less), project.build.stimulus[:8]
    result = profile(narrow, words, 0, None, CLASSES)
    _, clipped, _ = recount(narrow, words)
    assert clipped.total() > 0 and result.quantity("state").saturations == clipped.total()
    assert str(clipped.total()) in result.table()
    texts = [text.get_text() for text in figure_of("", result.quantities, result.convergence).axes[0].texts]
    assert f"{clipped.total():,} of {result.quantity('state').count:,} clipped" in texts
    assert len(figure_of("", result.quantities, result.convergence).axes) == 1  # no float network was given
    with pytest.raises(InputError, match="not known"):
        _ = trace(narrow, words, None).distances


def test_unknown_and_wrong_networks(small: Path, tmp_path: Path) -> None:
    project = mondeq_hw.compile(small, tmp_path / "build", bits=8)
    other = random_model(np.random.default_rng(0), 4, 5, 3)
    X = np.zeros((2, 5), dtype=int)
    with pytest.raises(InputError, match="compiled from"):
        project.trace(X, other)
    with pytest.raises(InputError, match="at least one"):
        project.profile(X[:0])
    with pytest.raises(InputError, match="expected"):
        project.profile(np.zeros((2, 4), dtype=int))
    for name in ("profile.txt", small / "profile.png"):  # no picture; below a file
        with pytest.raises(InputError, match=r"\.png"):
            project.profile(X).plot(tmp_path / name)
    (tmp_path / "build" / "certificate.json").write_text('{"evidence": {"step_size": "1/2", "operator": {}}}')
    with pytest.raises(InputError, match="compile again"):
        Project.load(tmp_path / "build").profile(X)
    (tmp_path / "build" / "certificate.json").unlink()
    with pytest.raises(InputError, match="compile again"):
        Project.load(tmp_path / "build").profile(X)
    assert profile(project.program, project.build.stimulus[:3], 0, None, CLASSES).convergence is None
    solver = FloatSolver.of(load(small), project.program, 0.5)
    assert profile(project.program, project.build.stimulus[:3], 0, solver, CLASSES).convergence is not None


def test_command(digits_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = str(tmp_path / "build")
    project = mondeq_hw.compile(digits_model, build, bits=3, calibration_samples=100)
    capsys.readouterr()
    assert main(["profile", build, "--json", "--plot", str(tmp_path / "profile.png")]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content == json.loads(json.dumps(project.profile().to_plain()))
    assert (tmp_path / "profile.png").read_bytes().startswith(b"\x89PNG")
    assert main(["profile", build, "--data", "digits"]) == 0
    printed = capsys.readouterr().out
    result = project.profile(digits("test").words)
    assert result.table() in printed and "360 samples" in printed
    assert max(map(len, result.table().splitlines())) <= 80
    assert main(["profile", build, "--plot", str(tmp_path / "profile.txt")]) == 2
    assert main(["profile", str(tmp_path / "none")]) == 2
    assert main(["profile", build, "--data-dir", str(tmp_path)]) == 2
