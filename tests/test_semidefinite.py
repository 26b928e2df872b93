"""The distance by a semidefinite program: bounds hold, ratios are small, forgeries are refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import oscillating_masses
from random_models import random_model

from mondeq_hw import from_mpc, from_qp
from mondeq_hw.base import canonical_digest
from mondeq_hw.problem import VALUES, MonDEQ, logits
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import certify, check_certificate, choose_iterations
from mondeq_hw.proof.worst_input import largest_errors
from mondeq_hw.rounding import LoweringOptions, assemble, lower, with_proved_range

Plain = dict[str, Any]


def compiled(model: MonDEQ, bits: int) -> tuple[SolverProgram, Plain]:
    """A program and its certificate."""
    lowered = lower(model, LoweringOptions(bits=bits, state_bits=bits + 6, drive_bits=min(16, bits + 4)))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    return program, certify(program, lowered.proof, model, lowered.step_size, None, VALUES).to_dict()


def line(certificate: Plain) -> Plain:
    return next(dict(each["values"]) for each in certificate["lines"] if each["name"] == "output_distance")


def verdict(certificate: Plain, folder: Path) -> str | None:
    body = {key: value for key, value in certificate.items() if key != "digest"}
    path = folder / "certificate.json"
    path.write_text(json.dumps({**body, "digest": canonical_digest(body)}))
    return check_certificate.check(str(path))


@st.composite
def problems(draw: st.DrawFn) -> MonDEQ:
    """Small QPs: boxes that are never, always or sometimes active, rows twice, soft rows, no box at all."""
    n, p = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    root = rng.normal(size=(n, n))
    limit = draw(st.sampled_from([0.01, 0.3, 1.0, 100.0]))
    low, high = np.full(n, -limit), np.full(n, limit * draw(st.sampled_from([1.0, 0.37])))
    rows, delta = np.eye(n), np.zeros(n)
    soft = draw(st.sampled_from(["none", "one", "twice", "one-sided"]))
    if soft != "none":
        row = rng.normal(size=(1, n))
        copies = 2 if soft == "twice" else 1
        rows, delta = np.vstack([rows, *[row] * copies]), np.concatenate([delta, np.full(copies, 0.2)])
        below = -np.inf if soft == "one-sided" else -0.2
        low, high = np.concatenate([low, np.full(copies, below)]), np.concatenate([high, np.full(copies, 0.3)])
    Q = rng.normal(size=(n, p))
    return from_qp(
        root @ root.T + 0.3 * np.eye(n), rng.normal(size=n), rows, low, high,
        theta=(-np.ones(p), np.ones(p)), Q=Q, delta=delta,
    )  # fmt: skip


@given(problems(), st.integers(6, 10))
@settings(max_examples=8, deadline=None)
def test_no_output_is_further_off_than_proved(model: MonDEQ, bits: int) -> None:
    program, certificate = compiled(model, bits)
    values = line(certificate)
    rng = np.random.default_rng(0)
    theta = np.vstack([rng.uniform(-1, 1, size=(300, model.d)), rng.choice([-1.0, 1.0], size=(100, model.d))])
    words = model.input_map.words_within(theta)
    worst = np.abs(GoldenModel(program).predict(words) - logits(model, words)).max(axis=0)
    assert (worst <= np.array(values["bounds"]) + 1e-8).all()


@pytest.fixture(scope="module")
def certificate() -> Plain:
    """Of three variables, one of them soft-bounded through a row."""
    rows = np.vstack([np.eye(3), [[1.0, 1.0, 0.0]]])
    model = from_qp(
        np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 1.5]]), np.zeros(3), rows,
        [-1.0, -0.5, -1.0, -0.4], [1.0, 0.5, 1.0, 0.4], theta=(-2 * np.ones(3), 2 * np.ones(3)), Q=np.eye(3),
        delta=[0, 0, 0, 0.1],
    )  # fmt: skip
    return compiled(model, 8)[1]


def test_the_checker_proves_it_again(certificate: Plain, tmp_path: Path) -> None:
    assert line(certificate)["methods"] == ["semidefinite"] * 3
    assert verdict(certificate, tmp_path) is None


def _facts(witness: Plain) -> list[list[int]]:
    return witness["outputs"][0][0]["facts"]


def _of(family: int) -> Any:
    def largest(witness: Plain) -> list[int]:
        return max((fact for fact in _facts(witness) if fact[0] == family), key=lambda fact: fact[3])

    return largest


FORGERIES: dict[str, Any] = {
    "a smaller bound": lambda w: w["outputs"][0][0].update(bound=w["outputs"][0][0]["bound"] * 99 // 100),
    "a negative multiplier": lambda w: _of(2)(w).__setitem__(3, -_of(2)(w)[3]),
    "a fact less": lambda w: _facts(w).remove(_of(3)(w)),
    "monotony of the other sign": lambda w: _of(3)(w).__setitem__(0, 4),
    "a fact about a row that has none": lambda w: _of(3)(w).__setitem__(0, 5),
    "an unknown family": lambda w: _of(3)(w).__setitem__(0, 10),
    "another fact of the side": lambda w: _of(9)(w).__setitem__(2, (_of(9)(w)[2] + 1) % 3),
    "a fact of another output": lambda w: _of(9)(w).__setitem__(1, (_of(9)(w)[1] + 1) % 3),
    "one side for both": lambda w: w["outputs"][0].__setitem__(1, copy.deepcopy(w["outputs"][0][0])),
    "another row": lambda w: _of(3)(w).__setitem__(1, (_of(3)(w)[1] + 1) % 4),
    "another scale": lambda w: w.update(scale=w["scale"] + 1),
    "coarser bits": lambda w: w["outputs"][0][0].update(bits=w["outputs"][0][0]["bits"] + 1),
    "only one side": lambda w: w["outputs"][0].pop(),
    "a state without range": lambda w: w["states"].pop(),
    "a range that is not proved": lambda w: w["states"][0][0].update(facts=[]),
    "an output less": lambda w: w["outputs"].pop(),
    "a further field": lambda w: w.update(trust="me"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_witnesses_are_refused(certificate: Plain, tmp_path: Path, name: str) -> None:
    forged = copy.deepcopy(certificate)
    FORGERIES[name](forged["evidence"]["distance"]["semidefinite"])
    assert verdict(forged, tmp_path) is not None


@pytest.mark.parametrize(("n", "d"), [(12, 5), (26, 8)])
def test_a_network_of_few_inputs(n: int, d: int, tmp_path: Path) -> None:
    """Near the worst error found, with every fact and with the first ones; a state that saturates is not charged."""
    model = random_model(np.random.default_rng(n), n, d, 2, margin=0.8)
    lowered = with_proved_range(lower(model, LoweringOptions(bits=8)), keep_length=False)
    assert lowered.proof is not None and lowered.ranges is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    certificate = certify(program, lowered.proof, model, lowered.step_size, None, VALUES, lowered.ranges).to_dict()
    values, found = line(certificate), largest_errors(model, program, lowered.step_size)[0]
    assert values["methods"] == ["semidefinite"] * 2 and "unsaturated" not in values
    assert (found < values["bounds"]).all() and (np.array(values["bounds"]) < 6 * found).all()
    assert verdict(certificate, tmp_path) is None
    for name in ("a smaller bound", "a range that is not proved"):
        forged = copy.deepcopy(certificate)
        FORGERIES[name](forged["evidence"]["distance"]["semidefinite"])
        assert verdict(forged, tmp_path) is not None


def bounds_line(certificate: Plain) -> Plain:
    return next(each for each in certificate["lines"] if each["name"] == "hard_bounds")


def test_applied_inputs_never_leave_their_bounds(certificate: Plain, tmp_path: Path) -> None:
    values = bounds_line(certificate)["values"]
    assert values == {"lower": [-1.0, -0.5, -1.0], "upper": [1.0, 0.5, 1.0], "inside": [True] * 3}
    for name, value in (("upper", [1.0, 0.4, 1.0]), ("lower", [None, -0.5, -1.0]), ("inside", [True, None, True])):
        forged = copy.deepcopy(certificate)
        bounds_line(forged)["values"][name] = value
        assert verdict(forged, tmp_path) is not None
    forged = copy.deepcopy(certificate)
    forged["lines"] = [each for each in forged["lines"] if each["name"] != "hard_bounds"]
    assert verdict(forged, tmp_path) is not None


def test_model_predictive_controller_of_twenty_rows(tmp_path: Path) -> None:
    """Four oscillating masses, two forces: proved within 1 % of the input's range, and a few times the worst found."""
    A, B = oscillating_masses(4, 2)
    model = from_mpc(A, B, np.eye(8), np.eye(2), 10, x_box=(-1.0, 1.0), u_bounds=(-0.5, 0.5))
    lowered = lower(model, LoweringOptions(bits=10))
    assert model.n == 20 and lowered.proof is not None
    lengths = lowered.quantized.drive.word_length, lowered.state_format.word_length
    assert lengths == (14, 16)
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    certificate = certify(program, lowered.proof, model, lowered.step_size, None, VALUES).to_dict()
    bounds, found = np.array(line(certificate)["bounds"]), largest_errors(model, program, lowered.step_size)[0]
    assert (bounds < 0.01).all() and (found < bounds).all() and (bounds < 6 * found).all()
    assert bounds_line(certificate)["values"] == {"lower": [-0.5] * 2, "upper": [0.5] * 2, "inside": [True] * 2}
    assert verdict(certificate, tmp_path) is None


def test_slow_problem_is_proved_too(tmp_path: Path) -> None:
    """A double integrator, condition number above 1000: the norm's bound is beyond the input's range."""
    A, B = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.5], [1.0]])
    model = from_mpc(
        A, B, np.eye(2), np.eye(1), 10, x_box=(np.array([-5.0, -2.0]), np.array([5.0, 2.0])), u_bounds=(-1.0, 1.0)
    )
    program, certificate = compiled(model, 14)
    values = line(certificate)
    grid = np.stack(np.meshgrid(*[np.linspace(-2047, 2047, 60).round().astype(np.int64)] * 2), axis=-1).reshape(-1, 2)
    found = np.abs(GoldenModel(program).predict(grid) - logits(model, grid)).max()
    assert values["methods"] == ["semidefinite"]
    assert found < values["bounds"][0] < min(0.02, 6 * found)  # 1 % of the input's range
    assert verdict(certificate, tmp_path) is None


def test_a_bound_between_words_is_kept_from_inside() -> None:
    model = from_qp(np.eye(1), [0.0], np.eye(1), [-0.3], [0.7], theta=([-2.0], [2.0]), Q=np.eye(1))
    program, certificate = compiled(model, 8)
    values = bounds_line(certificate)["values"]
    assert -0.3 <= values["lower"][0] < -0.29 and 0.69 < values["upper"][0] <= 0.7 and values["inside"] == [True]
    applied = GoldenModel(program).predict(model.input_map.words_within(np.linspace(-2, 2, 999)[:, None]))
    assert [applied.min(), applied.max()] == [values["lower"][0], values["upper"][0]]
