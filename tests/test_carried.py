"""A state carried from sample to sample: recurrent equilibrium networks from the file to every back end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import rens
import scipy.io
from corner_programs import CARRIED
from forgeries import forged
from random_models import random_program, random_words

import mondeq_hw
from mondeq_hw.base import InputError, InputWarning
from mondeq_hw.export.hls4ml import MonDEQLayer
from mondeq_hw.export.onnx import float_model, from_onnx, integer_model, qdq_model, write
from mondeq_hw.problem import Preprocessing, load, logits, save, sequence
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import check_certificate
from mondeq_hw.proof.carried import prove_carried, prove_gain
from mondeq_hw.rounding import LoweringOptions, assemble, lower

Plain = dict[str, Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> mondeq_hw.Project:
    """A recurrent equilibrium network, calibrated on a sequence."""
    words, model = rens.words(1, 300), rens.network()
    test = words[:64], logits(model, words[:64])
    folder = tmp_path_factory.mktemp("carried") / "build"
    return mondeq_hw.compile(model, folder, bits=12, calibration=words, test=test)


# -- the file -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
def test_file_is_its_equations(suffix: str, tmp_path: Path) -> None:
    p = {**rens.ren(), "x0": np.array([0.5, -1.0, 0.25, 2.0])}
    file = tmp_path / f"ren{suffix}"
    if suffix == ".npz":
        np.savez(file, **p)
    else:
        scipy.io.savemat(file, {key: value[:, None] if value.ndim == 1 else value for key, value in p.items()})
    model = load(file, preprocessing=Preprocessing(1.0))
    u = np.random.default_rng(0).normal(size=(50, 2))
    outputs, states = rens.simulated(p, u)
    assert (model.n, model.d, model.k, model.carried_words, model.task) == (6, 2, 2, 4, "values")
    np.testing.assert_allclose(logits(model, u), outputs, atol=1e-6)
    np.testing.assert_allclose(sequence(model, u)[0][:, 2:], states, atol=1e-6)


def test_full_d11() -> None:
    """The equilibrium is no recursion then; it solves its equation."""
    p = rens.ren()
    p["D11"] = 0.3 * np.random.default_rng(0).normal(size=(6, 6)) / 6
    model = load(p, preprocessing=Preprocessing(1.0))
    u = np.random.default_rng(1).normal(size=(20, 2))
    inputs, outputs = sequence(model, u)
    x = inputs[:, 2:]
    w = np.zeros((20, 6))
    for _ in range(200):
        w = np.maximum(x @ p["C1"].T + w @ p["D11"].T + u @ p["D12"].T + p["bv"], 0)
    np.testing.assert_allclose(outputs, x @ p["C2"].T + w @ p["D21"].T + u @ p["D22"].T + p["by"], atol=1e-6)
    np.testing.assert_allclose(x[1:], (x @ p["A"].T + w @ p["B1"].T + u @ p["B2"].T + p["bx"])[:-1], atol=1e-6)


def test_an_upper_triangular_d11_is_read_as_it_is_and_asked_about() -> None:
    """Its rows settle from the last to the first; a file whose matrices are all transposed looks like that, too."""
    p, last_first = rens.ren(), np.arange(6)[::-1]
    turned = {**p, "D11": p["D11"][np.ix_(last_first, last_first)]}
    turned |= {key: p[key][last_first] for key in ("C1", "D12", "bv")}
    turned |= {key: p[key][:, last_first] for key in ("B1", "D21")}
    with pytest.warns(InputWarning, match="D11 is strictly upper triangular"):
        model = load(turned, preprocessing=Preprocessing(1.0))
    u = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(logits(model, u), rens.simulated(p, u)[0], atol=1e-6)


def without(key: str) -> Callable[[rens.Arrays], rens.Arrays]:
    return lambda p: {name: array for name, array in p.items() if name != key}


@pytest.mark.parametrize(
    "change, message",
    [
        (without("D22"), "'D22' is missing"),
        (without("D11"), "'D11' is missing"),  # of those, too, by which the family is recognised
        (lambda p: {**p, "C2": np.zeros((0, 4))}, r"'C2' is empty, of shape \(0, 4\)"),
        (lambda p: {**p, "bx": np.zeros(9)}, r"'bx' has shape \(9,\); expected \(4,\)"),
        (lambda p: {**p, "B1": p["B1"].T}, "looks transposed"),
        (lambda p: {**p, "B2": p["B2"][:, 0]}, r"'B2' has shape \(4,\); expected \(4, any\). Save it as a matrix"),
        (lambda p: {**p, "by": p["by"] * np.nan}, "NaN"),
        (lambda p: {**p, "D11": 3 * np.ones((6, 6))}, "I - D11 has no positive margin"),
        (lambda p: {**p, "x0": np.zeros(3)}, "'x0' has shape"),
        (
            lambda p: {**p, "E": np.eye(4), "nx": np.array([[4]])},
            "has E too, which recurrent equilibrium network .* has not",
        ),
        (lambda p: {**p, "activation": np.array("tanh")}, "activation is 'tanh'"),
    ],
)
def test_bad_files_are_named(change: Callable[[rens.Arrays], rens.Arrays], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(change(rens.ren()))


def test_own_format_keeps_the_state(tmp_path: Path) -> None:
    model = rens.network()
    for suffix in (".pt", ".safetensors"):
        save(model, tmp_path / f"model{suffix}")
        again = load(tmp_path / f"model{suffix}")
        assert again.digest() == model.digest() and again.carried_words == 4


def test_an_unstable_state_and_unsigned_words_are_refused() -> None:
    p = rens.ren()
    with pytest.raises(InputError, match="grows without bound"):
        lower(load({**p, "A": 3 * p["A"]}, preprocessing=rens.PREPROCESSING), LoweringOptions(8))
    with pytest.raises(InputError, match="expected a signed"):
        lower(load(p, preprocessing=Preprocessing(1 / 256)), LoweringOptions(8))


# -- the contract ---------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_golden_is_the_contract(seed: int) -> None:
    """A sample is the map of a program without memory; its last outputs, rounded and saturated, the next state."""
    program = random_program(seed, carried=3, input_bits=7, readout_bits=8)
    carried, form = program.carried, program.input_format
    assert carried is not None
    words, golden, h, expected = random_words(seed, program, 30), GoldenModel(program), carried.initial.tolist(), []
    alone = GoldenModel(program.memoryless)
    for x in words.tolist():
        y = alone.predict_raw(np.array([[*x, *h]]))[0].tolist()
        expected.append(y[: program.k])
        shift = program.output_fractional_bits - form.fractional_bits
        h = [min(max((v + (1 << shift >> 1)) >> shift, form.min_word), form.max_word) for v in y[program.k :]]
    assert golden.predict_raw(words).tolist() == golden.trace(words).outputs.tolist() == expected
    outputs, state = golden.advance(words, carried.initial)
    assert outputs.tolist() == expected and state.tolist() == h
    assert {form.min_word, form.max_word} & set(golden.inputs(words)[:, program.d :].ravel().tolist())


def test_a_sequence_goes_on_where_it_was_cut() -> None:
    program = random_program(0, carried=2)
    golden, words = GoldenModel(program), random_words(0, program, 20)
    whole = golden.predict_raw(words)
    np.testing.assert_array_equal(golden.after(words[:8]).predict_raw(words[8:]), whole[8:])
    assert len(golden.predict_raw(words[:0])) == 0
    with pytest.raises(InputError, match="outside"):
        golden.at(np.array([0, 10_000]))
    with pytest.raises(InputError, match="carries no state"):
        GoldenModel(random_program(0)).at(np.zeros(2))


def test_program_has_a_version_of_its_own(tmp_path: Path) -> None:
    program = random_program(3, carried=2)
    assert program.to_plain()["version"] == 4
    program.save(tmp_path)
    assert SolverProgram.load(tmp_path).digest == program.digest
    assert program.memoryless.to_plain()["version"] == 3


# -- compiled --------------------------------------------------------------------------


def test_compiled_network_is_near_the_float_one(project: mondeq_hw.Project) -> None:
    words = rens.words(5, 300)
    outputs, states = rens.simulated(rens.ren(), words / 256)
    program = project.program
    assert program.carried is not None
    assert np.abs(project.golden.predict(words) - outputs).max() < 0.05 < np.abs(outputs).max() / 50
    units = 2.0 ** -(program.carried.exponents + program.input_format.fractional_bits)
    assert np.abs(project.golden.inputs(words)[:, 2:] * units - states).max() < 0.02


def test_certificate_is_accepted(project: mondeq_hw.Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_certificate.main([str(project.folder / "certificate.json")]) == 0
    assert "carried_contraction: proved" in capsys.readouterr().out
    values = project.certificate.line("carried_contraction").values
    assert values["contraction_factor"].endswith("/1000") and len(values["radii"]) == 4


def test_a_certificate_beside_its_network(project: mondeq_hw.Project) -> None:
    """It holds the network in the units of the carried words, which the file does not have."""
    network = rens.network()
    assert project.check_model(network).accepted
    other = project.check_model(replace(network, c=network.c + 2.0**-9))
    assert not other.accepted and other.reason.startswith("O or c is another; its digest is")
    with pytest.raises(InputError, match="carries a state from sample to sample, beside which"):
        project.profile()


def exact_states(program: SolverProgram, words: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Of the stored integers without any rounding, in units of the input's grid."""
    return exact_run(program, words, h)[0]


def exact_run(program: SolverProgram, words: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """These, and the outputs."""
    step = 2.0**-program.input_format.fractional_bits
    clip, states, outputs = program.clip.scaled(program.state_format.step), [], []
    M = program.stage.iteration_matrix(np.float64) * 2.0 ** -program.matrix.shifts[:, None]
    grid = program.drive.shifts + program.input_format.fractional_bits + program.drive_left_shift
    bias = np.ldexp(program.drive_bias.astype(np.float64), -grid)
    assert program.feedthrough is not None
    for x in words:
        states.append(h)
        inputs = np.append(x * step, h)
        drive, s = program.drive.values @ inputs + bias, np.zeros(program.n)
        for _ in range(300):
            s = M @ program.splitting.phi(clip, s) + drive
        y = program.readout.values @ clip.prox(s) + program.feedthrough.values @ inputs
        y = y + np.ldexp(program.readout_bias.astype(np.float64), -program.output_fractional_bits)
        outputs.append(y[: program.k])
        h = y[program.k :]
    return np.array(states), np.array(outputs)


def test_claims_hold(project: mondeq_hw.Project) -> None:
    """Trajectories with the same inputs approach each other by the factor, and the deployed one stays in its radius."""
    program, words = project.program, rens.words(7, 60)
    proof, carried = prove_carried(program), program.carried
    assert proof is not None and carried is not None
    step = 2.0**-program.input_format.fractional_bits
    start = carried.initial * step
    exact = exact_states(program, words, start)
    rng, form = np.random.default_rng(0), np.array(proof.form, dtype=np.float64)
    for _ in range(3):
        apart = exact_states(program, words, start + 40 * rng.normal(size=4)) - exact
        norms = np.sqrt(np.einsum("ti,ij,tj->t", apart, form, apart))
        assert (norms[1:] <= float(proof.contraction_factor) * norms[:-1] * (1 + 1e-9) + 1e-3).all()
    radii = np.array(project.certificate.line("carried_contraction").values["radii"])
    deployed = project.golden.inputs(words)[:, program.d :] * step
    assert (np.abs(deployed - exact) <= radii * 2.0**carried.exponents).all()


def test_outputs_differ_by_no_more_than_the_gain(project: mondeq_hw.Project) -> None:
    """Of two trajectories from one state, up to every sample."""
    program, rng = project.program, np.random.default_rng(0)
    assert program.carried is not None
    start = program.carried.initial * 2.0**-program.input_format.fractional_bits
    gain = project.certificate.line("carried_gain").values["gain"]
    words, largest = rens.words(3, 60), 0.0
    outputs = exact_run(program, words, start)[1]
    for other in (rens.words(4, 60), words + rng.integers(-9, 10, size=words.shape), words + 20):
        moved = exact_run(program, other, start)[1] - outputs
        squares = [np.cumsum((each**2).sum(axis=1)) for each in (moved, program.input_format.to_float(other - words))]
        ratio = np.sqrt(squares[0] / squares[1])
        assert (ratio <= gain).all()
        largest = max(largest, ratio.max())
    assert largest > gain / 20


@pytest.mark.parametrize("solver", ["peaceman_rachford", "forward_backward"])
def test_gain_of_a_linear_network_is_the_peak_of_its_response(solver: str) -> None:
    p = rens.ren()
    p |= {"B1": np.zeros_like(p["B1"]), "D21": np.zeros_like(p["D21"])}
    found = lower(load(p, preprocessing=rens.PREPROCESSING), LoweringOptions(12, solver=solver))
    proof = prove_gain(assemble(found.quantized, found.input_format, found.state_format, 1, True))
    z = np.exp(1j * np.linspace(0, np.pi, 500))
    response = [p["D22"] + p["C2"] @ np.linalg.solve(each * np.eye(4) - p["A"], p["B2"]) for each in z]
    peak = max(np.linalg.norm(each, 2) for each in response) / 256  # a word is a 256th
    assert proof is not None and 0.99 * peak < float(proof.square) ** 0.5 < 1.05 * peak


def at(*path: Any, change: Callable[[Any], Any]) -> Callable[[Plain], None]:
    def tamper(plain: Plain) -> None:
        for key in path[:-1]:
            plain = plain[key]
        plain[path[-1]] = change(plain[path[-1]])

    return tamper


def faster(plain: Plain) -> None:
    plain["evidence"]["carried"]["factor"] = "1/2"
    line = next(line for line in plain["lines"] if line["name"] == "carried_contraction")
    line["values"]["contraction_factor"] = "1/2"


def smaller_gain(plain: Plain) -> None:
    """Half of what is proved."""
    numerator, denominator = plain["evidence"]["carried_gain"]["square"].split("/")
    plain["evidence"]["carried_gain"]["square"] = f"{numerator}/{4 * int(denominator)}"
    line = next(line for line in plain["lines"] if line["name"] == "carried_gain")
    line["values"]["gain"] /= 2


def unstable(plain: Plain) -> None:
    """A feed-through from the state to itself that is four times as large."""
    shifts = plain["program"]["feedthrough_shifts"]
    shifts[2:] = [shift - 2 for shift in shifts[2:]]


FORGERIES: dict[str, Callable[[Plain], None]] = {
    "factor": faster,
    "unstable": unstable,
    "form": at("evidence", "carried", "form", 0, 0, change=lambda x: x // 8),
    "skew_form": at("evidence", "carried", "form", 0, 1, change=lambda x: x + 2**30),
    "multiplier": at("evidence", "carried", "multipliers", 0, change=lambda t: t * 64),
    "negative_multiplier": at("evidence", "carried", "multipliers", 0, change=lambda t: -t),
    "floor": at("evidence", "carried", "floor", change=lambda floor: 64 * floor),
    "exponents": at("program", "carried", "exponents", 0, change=lambda e: e + 1),
    "initial": at("program", "carried", "initial", 0, change=lambda word: 2**20),
    "fewer_words": at("program", "carried", "initial", change=lambda words: words[1:]),
    "no_evidence": at("evidence", change=lambda evidence: {k: v for k, v in evidence.items() if k != "carried"}),
    "smaller_gain": smaller_gain,
    "gain_form": at("evidence", "carried_gain", "form", 0, 0, change=lambda x: -x),
    "gain_multiplier": at("evidence", "carried_gain", "multipliers", 0, change=lambda t: t * 64),
    "gain_weight": at("evidence", "carried_gain", "weight", change=lambda weight: 64 * weight),
    "gain_without_weight": at("evidence", "carried_gain", "weight", change=lambda weight: 0),
    "no_gain": at("lines", change=lambda lines: [line for line in lines if line["name"] != "carried_gain"]),
    "no_line": at("lines", change=lambda lines: [line for line in lines if line["name"] != "carried_contraction"]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_rejected(
    name: str, project: mondeq_hw.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads((project.folder / "certificate.json").read_text())
    (tmp_path / "certificate.json").write_text(json.dumps(forged(plain, FORGERIES[name])))
    assert check_certificate.main([str(tmp_path / "certificate.json")]) == 1, capsys.readouterr().out


@pytest.mark.parametrize("solver", ["peaceman_rachford", "forward_backward"])
def test_factor_of_a_linear_state_is_its_spectral_radius(solver: str) -> None:
    """Where the equilibrium does not act on the state, nearly."""
    p = rens.ren()
    p["B1"] = np.zeros_like(p["B1"])
    found = lower(load(p, preprocessing=rens.PREPROCESSING), LoweringOptions(12, solver=solver))
    program = assemble(found.quantized, found.input_format, found.state_format, 1, True)
    proof = prove_carried(program)
    assert proof is not None and 0.7 <= float(proof.contraction_factor) < 0.75


def test_what_does_not_contract_has_no_proof() -> None:
    p = rens.ren()
    p["A"] = 1.1 * p["A"] / 0.7
    model = load({**p, "B2": 0 * p["B2"], "bx": 0 * p["bx"], "B1": 0 * p["B1"]}, preprocessing=rens.PREPROCESSING)
    found = lower(model, LoweringOptions(12))
    assert prove_carried(assemble(found.quantized, found.input_format, found.state_format, 1, True)) is None


def test_triangular_rows_settle_one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a unit step of forward-backward splitting the layer is its own recursion."""
    options: Plain = {"bits": 12, "solver": "forward_backward", "step_size": 1.0}
    project = mondeq_hw.compile(rens.network(), tmp_path / "build", **options)
    program = project.program
    assert program.iterations == 5 and not np.triu(program.matrix.integers).any()
    states = GoldenModel(program.replace(iterations=30)).final_states(rens.words(3, 50))
    np.testing.assert_array_equal(project.golden.final_states(rens.words(3, 50)), states)
    assert project.certificate.line("iterations").values["transient"] == 0
    assert check_certificate.main([str(project.folder / "certificate.json")]) == 0, capsys.readouterr().out


# -- back ends -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["carried_straddling", "graphs_carried"])
def test_onnx_takes_and_gives_the_state(name: str, tmp_path: Path) -> None:
    program = CARRIED[name]().program
    words, model = random_words(3, program, 30), integer_model(program)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    kind = session.get_inputs()[0].type.removeprefix("tensor(").removesuffix(")")
    assert program.carried is not None
    state, found = program.carried.initial[None], []
    for x in words:
        y, state = session.run(None, {"words": x[None].astype(kind), "carried": state})
        found.append(y[0])
    np.testing.assert_array_equal(found, GoldenModel(program).predict_raw(words))
    write(model, tmp_path / "program.onnx")
    again = from_onnx(tmp_path / "program.onnx")
    assert isinstance(again, SolverProgram) and again.digest == program.digest
    with pytest.raises(InputError, match="none that 'compile' assembles"):
        load(tmp_path / "program.onnx")


def test_float_onnx_takes_and_gives_the_state(tmp_path: Path) -> None:
    model, words = rens.network(), rens.words(2, 20).astype(np.float64)
    file = float_model(model)
    session = onnxruntime.InferenceSession(file.SerializeToString())
    assert model.carried is not None
    state, found = model.carried.initial[None], []
    for x in words:
        y, _, state = session.run(None, {"inputs": x[None], "carried": state})
        found.append(y[0])
    np.testing.assert_allclose(found, logits(model, words), atol=1e-6)
    write(file, tmp_path / "network.onnx")
    assert load(tmp_path / "network.onnx").digest() == model.digest()


def test_back_ends_without_a_state_say_so(tmp_path: Path) -> None:
    program = random_program(0, carried=2)
    with pytest.raises(InputError, match="qdq form"):
        qdq_model(program)
    with pytest.raises(InputError, match="a layer of hls4ml"):
        MonDEQLayer(program)
    with pytest.raises(InputError, match="task values"):
        mondeq_hw.compile(replace(rens.network(), task="classes"), tmp_path / "build", bits=8)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "byte_words"), [("carried_serial", False), ("tables_carried", True)])
def test_cpp_is_exact(name: str, byte_words: bool, tmp_path: Path) -> None:
    corner = CARRIED[name]()
    beats = {"byte_words": byte_words, "output_beat": corner.program.k, "output_bytes": byte_words}
    replace(corner, schedule=replace(corner.schedule, **beats)).check_cpp(tmp_path)


@pytest.mark.slow
def test_everything_agrees(project: mondeq_hw.Project) -> None:
    """C++, RTL and the C++ in the simulator, with loads of the state between samples."""
    report = project.verify(rtl_samples=4)
    assert report.ok, report.mismatches
