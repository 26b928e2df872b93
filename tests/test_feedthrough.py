"""Outputs that take the input directly, ``y = O z + F x + c``: from the file to every back end and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from corner_programs import DIRECT
from forgeries import forged
from random_models import random_model, random_program, random_words

import mondeq_hw
from mondeq_hw.base import InputError
from mondeq_hw.export.onnx import export, float_model, from_onnx, integer_model, qdq_model, write
from mondeq_hw.problem import MonDEQ, load, logits, preactivation, save
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import check_certificate

Plain = dict[str, Any]


def network(seed: int = 0, n: int = 6, d: int = 5, k: int = 4) -> MonDEQ:
    return random_model(np.random.default_rng(seed), n, d, k, margin=0.8, feedthrough=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> mondeq_hw.Project:
    """Compiled with calibration samples."""
    words = np.random.default_rng(1).integers(0, 256, size=(200, 5))
    folder = tmp_path_factory.mktemp("feedthrough") / "build"
    model = network()
    test = words[:50], logits(model, words[:50]).argmax(axis=1)
    options: Plain = {"bits": 8, "drive_bits": 12, "readout_bits": 12, "state_bits": 14}
    return mondeq_hw.compile(model, folder, calibration=words, test=test, **options)


# -- the contract ------------------------------------------------------------------


def round_shift(value: int, shift: int) -> int:
    return (value + ((1 << shift) >> 1)) >> shift


@pytest.mark.parametrize("seed", range(6))
def test_golden_is_the_contract(seed: int) -> None:
    """In Python's integers, from the stored words alone."""
    program = random_program(seed, drive_bits=1 + 3 * seed, readout_bits=1 + 2 * seed, feedthrough=True)
    assert program.feedthrough is not None
    words = random_words(seed, program, 20)
    z = GoldenModel(program).equilibria(words).tolist()
    bias, expected = program.readout_bias.tolist(), []
    output_grid, f = max(program.readout.shifts.tolist()), program.state_format.fractional_bits
    for x, state in zip(words.tolist(), z, strict=True):
        row = []
        for k in range(program.k):
            e, fine = int(program.readout.shifts[k]), int(program.feedthrough.shifts[k]) + program.drive_left_shift
            sums = sum(a * b for a, b in zip(program.feedthrough.integers[k].tolist(), x, strict=True))
            u = round_shift(sums << program.drive_left_shift, fine - f - e)
            total = sum(a * b for a, b in zip(program.readout.integers[k].tolist(), state, strict=True)) + u
            row.append((total << (output_grid - e)) + bias[k])
        expected.append(row)
    assert GoldenModel(program).predict_raw(words).tolist() == expected
    assert GoldenModel(program).trace(words).outputs.tolist() == expected
    assert np.abs(expected).max() <= program.output_bound


def test_output_of_the_input_alone_loses_nothing() -> None:
    """A readout row of zeros takes the scale of its feed-through."""
    model = network()
    O = model.O.copy()  # noqa: E741 - the field's name for the readout
    O[2] = 0.0
    from mondeq_hw.rounding import LoweringOptions, assemble, lower

    found = lower(replace(model, O=O), LoweringOptions(8, drive_bits=6, state_bits=6))
    program = assemble(found.quantized, found.input_format, found.state_format, 30, True)
    assert program.feedthrough is not None and program.feedthrough_right_shift[2] == program.drive_left_shift
    words = random_words(0, program, 30)
    exact = program.feedthrough.apply(words)[:, 2] * Fraction(1, 2 ** int(program.feedthrough.shifts[2]))
    found_y = GoldenModel(program).predict_raw(words)[:, 2] - program.readout_bias[2]
    assert (found_y * Fraction(1, 2**program.output_fractional_bits) == exact).all()


def test_program_has_a_version_of_its_own(tmp_path: Path) -> None:
    program, plain = random_program(3, feedthrough=True), random_program(3).to_plain()
    assert plain["version"] == 2 and not any("feedthrough" in key for key in plain)
    assert program.to_plain()["version"] == 3
    program.save(tmp_path)
    assert SolverProgram.load(tmp_path).digest == program.digest
    scalars = json.loads((tmp_path / "program.json").read_text())
    (tmp_path / "program.json").write_text(json.dumps({**scalars, "version": 2}))
    with pytest.raises(InputError, match="digest"):
        SolverProgram.load(tmp_path)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda F: replace(F, integers=F.integers[:-1]), "feedthrough is"),
        (lambda F: replace(F, word_length=F.word_length + 1), "the drive's"),
        (lambda F: replace(F, shifts=F.shifts - 40), "grid is coarser"),
        (lambda F: replace(F, integers=F.integers + 100), "levels outside"),
    ],
)
def test_broken_programs_are_refused(change: Callable[[Any], Any], message: str) -> None:
    program = random_program(3, feedthrough=True)
    with pytest.raises(InputError, match=message):
        program.replace(feedthrough=change(program.feedthrough))


# -- the network -------------------------------------------------------------------


def test_float_network() -> None:
    model, words = network(), np.random.default_rng(3).integers(0, 256, size=(20, 5))
    x = model.input_map.apply(words)
    z = model.prox.prox(preactivation(model, words))
    assert model.F is not None
    np.testing.assert_allclose(logits(model, words), z @ model.O.T + x @ model.F.T + model.c, atol=1e-9)
    assert model.digest() != replace(model, F=None).digest() != replace(model, F=0 * model.F).digest()
    with pytest.raises(InputError, match="F has shape"):
        replace(model, F=model.F.T)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_own_format(suffix: str, tmp_path: Path) -> None:
    model = network()
    save(model, tmp_path / f"model{suffix}")
    assert load(tmp_path / f"model{suffix}").digest() == model.digest()


def test_plain_arrays(tmp_path: Path) -> None:
    model = network()
    arrays = {key: getattr(model, key) for key in ("W", *"UbOcF")}
    np.savez(tmp_path / "model.npz", **arrays)
    np.testing.assert_array_equal(load(tmp_path / "model.npz").F, model.F)
    with pytest.raises(InputError, match="'F' has shape"):
        load({**arrays, "F": arrays["F"][:, 1:]})


def test_retraining_refuses_it() -> None:
    from mondeq_hw.rounding import LoweringOptions, lower
    from mondeq_hw.training.qat import QuantizedNetwork

    with pytest.raises(InputError, match="feed-through F"):
        QuantizedNetwork(lower(network(), LoweringOptions(8)), iterations=5)


# -- compiled ----------------------------------------------------------------------


def test_compiled_network_is_near_the_float_one(project: mondeq_hw.Project) -> None:
    model, words = network(), np.random.default_rng(5).integers(0, 256, size=(100, 5))
    assert project.program.feedthrough is not None
    exact = logits(model, words)
    assert np.abs(project.predict(words) - exact).max() < 0.02 < np.abs(exact).max() / 50


def test_certificate_is_accepted(project: mondeq_hw.Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_certificate.main([str(project.folder / "certificate.json")]) == 0
    text = capsys.readouterr().out
    assert "class_of_float_model: proved" in text and "class_a_posteriori: proved" in text
    assert project.profile(np.random.default_rng(2).integers(0, 256, size=(30, 5))).convergence is not None


def test_outputs_are_within_the_proved_distance(project: mondeq_hw.Project) -> None:
    words = random_words(9, project.program, 200)
    line = project.certificate.line("output_distance")
    assert line.status == "proved"
    distance = np.abs(project.predict(words) - logits(network(), words)).max(axis=0)
    assert (distance <= np.array(line.values["bounds"])).all()


def other_integer(plain: Plain) -> None:
    row = plain["program"]["feedthrough"][0]
    row[0] = max(row, key=abs) if row[0] == 0 else -row[0]


def coarser(plain: Plain) -> None:
    plain["program"]["feedthrough_shifts"] = [shift - 50 for shift in plain["program"]["feedthrough_shifts"]]


def none(plain: Plain) -> None:
    for key in ("feedthrough", "feedthrough_shifts", "feedthrough_word_length"):
        plain["program"].pop(key)
    plain["program"]["version"] = 2


def none_in_the_model(plain: Plain) -> None:
    plain["evidence"]["operator"].pop("feedthrough")


def no_rounding(plain: Plain) -> None:
    radii = next(line for line in plain["lines"] if line["name"] == "logit_radius")["values"]["radii"]
    radii[0] -= 1e-9


def nearer(plain: Plain) -> None:
    bounds = next(line for line in plain["lines"] if line["name"] == "output_distance")["values"]["bounds"]
    bounds[0] -= 1e-9


@pytest.mark.parametrize("forgery", [other_integer, coarser, none, none_in_the_model, no_rounding, nearer])
def test_forgeries_are_rejected(
    forgery: Callable[[Plain], None],
    project: mondeq_hw.Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = json.loads((project.folder / "certificate.json").read_text())
    (tmp_path / "certificate.json").write_text(json.dumps(forged(plain, forgery)))
    assert check_certificate.main([str(tmp_path / "certificate.json")]) == 1, capsys.readouterr().out


def test_radius_of_the_outputs_covers_the_rounding(project: mondeq_hw.Project) -> None:
    """Against the exact equilibrium of the stored integers and an unrounded feed-through, in floating point."""
    program = project.program
    words = random_words(7, program, 40)
    assert program.feedthrough is not None and program.feedthrough_right_shift.max() > 0
    drive = np.ldexp(
        program.drive.apply(words.astype(np.float64)) * 2.0**program.drive_left_shift + program.drive_bias,
        -(program.drive_right_shift + program.matrix.shifts + program.state_format.fractional_bits),
    )
    clip, state = program.clip.scaled(program.state_format.step), drive
    for _ in range(2000):
        state = program.splitting.phi(clip, state) @ program.stage.iteration_matrix(np.float64).T
        state = state * 2.0**-program.matrix.shifts + drive
        top = program.state_format.max_word * program.state_format.step
        state = np.clip(state, -top, top)
    y = clip.prox(state) @ program.readout.values.T + words @ program.feedthrough.values.T
    y += np.ldexp(program.readout_bias.astype(np.float64), -program.output_fractional_bits)
    radii = project.certificate.line("logit_radius").values["radii"]
    assert (np.abs(project.golden.predict(words) - y) <= np.array(radii) + 1e-9).all()


# -- back ends ----------------------------------------------------------------------


def run(model: Any, **inputs: np.ndarray) -> np.ndarray:
    found: np.ndarray = onnxruntime.InferenceSession(model.SerializeToString()).run(None, inputs)[0]
    return found


@pytest.mark.parametrize("name", DIRECT)
def test_onnx_is_exact_and_reads_back(name: str, tmp_path: Path) -> None:
    program = DIRECT[name]().program
    words = random_words(3, program, 40)
    expected = GoldenModel(program).predict_raw(words)
    model = integer_model(program)
    kind = np.min_scalar_type(program.input_format.max_word)
    np.testing.assert_array_equal(run(model, words=words.astype(kind)), expected)
    real = run(qdq_model(program), inputs=words.astype(np.float32))
    np.testing.assert_array_equal(np.ldexp(real, program.output_fractional_bits), expected)
    write(model, tmp_path / "program.onnx")
    found = from_onnx(tmp_path / "program.onnx")
    assert isinstance(found, SolverProgram) and found.digest == program.digest
    stored = load(tmp_path / "program.onnx").stored
    assert stored is not None and stored.feedthrough is not None


def test_integer_file_compiles_to_the_same_integers(project: mondeq_hw.Project, tmp_path: Path) -> None:
    write(export(project.folder, "integer"), tmp_path / "program.onnx")
    again = mondeq_hw.compile(tmp_path / "program.onnx", tmp_path / "build")
    words = random_words(3, project.program, 20)
    np.testing.assert_array_equal(again.predict_raw(words), project.predict_raw(words))


def test_float_onnx(tmp_path: Path) -> None:
    model, words = network(), np.random.default_rng(4).integers(0, 256, size=(20, 5))
    file = float_model(model)
    np.testing.assert_allclose(run(file, inputs=words.astype(np.float64)), logits(model, words), atol=1e-6)
    write(file, tmp_path / "network.onnx")
    assert load(tmp_path / "network.onnx").digest() == model.digest()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["direct", "direct_serial", "ring_direct"])
def test_cpp_is_exact(name: str, tmp_path: Path) -> None:
    """Padded groups and shared ones; words wider than the solver's; unequal alignments."""
    DIRECT[name]().check_cpp(tmp_path)


# -- quadratic programs ----------------------------------------------------------------


def test_hard_rows_feed_the_parameter_through(tmp_path: Path) -> None:
    """In the dual form the solution takes the parameter directly; its rows are the constraints alone."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    P, q, A, Q = root @ root.T + np.eye(4), rng.normal(size=4), rng.normal(size=(2, 4)), rng.normal(size=(4, 3))
    half, box = np.full(2, 0.5), (-np.ones(3), np.ones(3))
    model = mondeq_hw.from_qp(P, q, A, -half, half, theta=box, Q=Q)
    assert model.n == 2 and model.F is not None
    np.testing.assert_allclose(model.F, -np.linalg.solve(P, Q), atol=1e-12)
    project = mondeq_hw.compile(model, tmp_path / "qp", bits=10, drive_bits=14, readout_bits=14, state_bits=18)
    words = random_words(2, project.program, 100)
    bounds = np.array(project.certificate.line("output_distance").values["bounds"])
    assert bounds.max() < 1e-3
    raw = project.program.input_format.to_float(words)
    assert (np.abs(project.golden.predict(raw) - logits(model, raw)) <= bounds).all()


def test_program_with_nothing_to_solve(tmp_path: Path) -> None:
    gain = np.array([[1.0, 2.0], [3.0, 4.0]])
    zero, eye, box = np.zeros(2), np.eye(2), (-np.ones(2), np.ones(2))
    model = mondeq_hw.from_qp(eye, zero, eye, zero, zero, theta=box, L=gain, U=gain)
    np.testing.assert_array_equal(model.F, gain)
    project = mondeq_hw.compile(model, tmp_path / "linear", bits=8, drive_bits=14)
    words = random_words(2, project.program, 50)
    assert project.program.n == project.program.iterations == 1
    raw = project.program.input_format.to_float(words)
    np.testing.assert_allclose(project.golden.predict(raw), logits(model, raw), atol=1e-3)
    with pytest.raises(InputError, match="outputs are constants"):
        mondeq_hw.from_qp(eye, zero, np.array([[1.0, 1.0], [1.0, -1.0]]), zero, zero, theta=box)


def test_qdq_of_one_output_is_exact() -> None:
    """A matrix of one row must not be fused with its dequantisation: onnxruntime would round the activations."""
    program = random_program(7, n=4, d=4, k=1)
    words = random_words(1, program, 50)
    real = run(qdq_model(program), inputs=words.astype(np.float32))
    np.testing.assert_array_equal(
        np.ldexp(real, program.output_fractional_bits), GoldenModel(program).predict_raw(words)
    )
