"""A sample that goes on from the state of the one before: contract, proof, and what cannot do it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rens
from corner_programs import WARM
from forgeries import forged
from random_models import random_program, random_words

import mondeq_hw
from mondeq_hw.base import FixedPointFormat, InputError
from mondeq_hw.config import CompileConfig
from mondeq_hw.export.hls4ml import MonDEQLayer
from mondeq_hw.export.onnx import integer_model, qdq_model
from mondeq_hw.hardware import schedule
from mondeq_hw.hardware.cycles import completion_cycles, latency
from mondeq_hw.problem.input_words import InputWords
from mondeq_hw.program import GoldenModel, SolverProgram, WarmStart
from mondeq_hw.proof import check_certificate
from mondeq_hw.rounding import LoweringOptions, lower
from mondeq_hw.steps import starting_warm

Plain = dict[str, Any]
LENGTHS: Plain = {"bits": 10, "drive_bits": 14, "readout_bits": 12, "state_bits": 18}
RATE = (0.02, 0.03)


def box_problem() -> mondeq_hw.MonDEQ:
    """Three variables in a box, two parameters that matter differently."""
    P = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 1.5]])
    Q = np.array([[1.0, 0.2], [-0.4, 0.7], [0.3, 0.5]])
    theta = (-2 * np.ones(2), 2 * np.ones(2))
    return mondeq_hw.from_qp(P, np.zeros(3), np.eye(3), -np.ones(3), np.ones(3), theta=theta, Q=Q)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> mondeq_hw.Project:
    """Compiled for parameters that change slowly."""
    folder = tmp_path_factory.mktemp("warm") / "build"
    return mondeq_hw.compile(box_problem(), folder, warm_start=RATE, **LENGTHS)


# -- the contract ---------------------------------------------------------------------


@pytest.mark.parametrize("name", WARM)
def test_golden_is_the_contract(name: str) -> None:
    """Written out: the state stays, the drive is the sample's own, so many updates."""
    program = WARM[name]().program
    warm, stage = program.warm, program.stage
    assert warm is not None
    words, top = random_words(3, program, 12), program.state_format.max_word
    matrix, shifts = stage.iteration_matrix(np.int64), program.matrix.shifts
    drives = GoldenModel(program.memoryless).trace(words).drive

    def updated(state: np.ndarray, drive: np.ndarray) -> np.ndarray:
        total = matrix @ program.phi(state) + drive
        return np.clip((total + ((1 << shifts) >> 1)) >> shifts, -top, top)

    state, states = np.zeros(program.n, dtype=np.int64), []
    for index, drive in enumerate(drives):
        for _ in range(1 + program.iterations if index == 0 else warm.iterations):
            state = updated(state, drive)
        states.append(state)
    golden = GoldenModel(program)
    np.testing.assert_array_equal(golden.final_states(words), states)
    trace = golden.trace(words)
    np.testing.assert_array_equal(trace.states[-1], states)
    np.testing.assert_array_equal(trace.outputs, golden.predict_raw(words))
    np.testing.assert_array_equal(trace.iterations, golden.iterations(words))
    np.testing.assert_array_equal(golden.after(words[:5]).predict_raw(words[5:]), trace.outputs[5:])
    assert trace.begun.tolist() == [0] + [program.iterations - warm.iterations + 1] * 11
    assert (GoldenModel(program.starting_anew).predict_raw(words) != trace.outputs).any()


def test_an_early_exit_changes_nothing() -> None:
    """The same sample again: its state is a fixed point by then, or the updates run out."""
    program = random_program(1, n=5, state_bits=6, iterations=40)
    program = program.replace(warm=WarmStart(9, np.zeros(program.d, dtype=np.int64)))
    words = random_words(0, program, 1).repeat(6, axis=0)
    found = GoldenModel(program).iterations(words)
    assert found[-1] == program.first_warm_update  # one update found out
    np.testing.assert_array_equal(
        GoldenModel(program).final_states(words)[-1], GoldenModel(program.starting_anew).final_states(words)[-1]
    )


def test_program_has_a_version_of_its_own(tmp_path: Path) -> None:
    for feedthrough in (False, True):
        program = random_program(3, feedthrough=feedthrough)
        program = program.replace(warm=WarmStart(2, np.arange(program.d)))
        assert program.to_plain()["version"] == 5
        program.save(tmp_path)
        assert SolverProgram.load(tmp_path).digest == program.digest
        assert program.starting_anew.to_plain()["version"] == 2 + feedthrough


@pytest.mark.parametrize(
    "warm, message",
    [
        (WarmStart(0, np.zeros(5, dtype=np.int64)), "0 updates; expected 1 to 7"),
        (WarmStart(8, np.zeros(5, dtype=np.int64)), "8 updates"),
        (WarmStart(2, np.zeros(4, dtype=np.int64)), r"expected int64 \(5,\)"),
        (WarmStart(2, np.full(5, -1)), "none below zero"),
    ],
)
def test_wrong_warm_starts_are_refused(warm: WarmStart, message: str) -> None:
    with pytest.raises(InputError, match=message):
        random_program(3).replace(warm=warm)


def test_a_lone_sample_is_as_much_faster_as_it_runs_fewer_updates() -> None:
    program = random_program(3, n=12, iterations=20)
    warm = program.replace(warm=WarmStart(5, np.ones(program.d, dtype=np.int64)))
    plan, cold = schedule(warm), schedule(program)
    a_job = plan.solve.cycles_per_matvec + plan.update_depth
    start = cold.solve.row_groups + cold.update_depth
    assert latency(cold, 20) - latency(plan, 20) == 15 * a_job + start
    first, second = completion_cycles(plan, np.array([20, 20]))
    assert first == latency(cold, 20) - 1 and second < 2 * first


@pytest.mark.slow
@pytest.mark.parametrize("name", WARM)
def test_cpp_is_exact(name: str, tmp_path: Path) -> None:
    WARM[name]().check_cpp(tmp_path)


@pytest.mark.long
@pytest.mark.slow
def test_everything_agrees(project: mondeq_hw.Project) -> None:
    report = project.verify(rtl_samples=4)
    assert report.ok, report.mismatches


# -- the proof ---------------------------------------------------------------------------


def slow_words(program: SolverProgram, rate: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """As fast as the rate allows, in directions that change now and then."""
    rng, form = np.random.default_rng(seed), program.input_format
    turns = rng.choice([-1, 1], size=(samples, program.d))
    turns = np.where(rng.random(turns.shape) < 0.9, turns[0], turns)
    words = np.zeros((samples, program.d), dtype=np.int64)
    for index in range(1, samples):
        words[index] = np.clip(words[index - 1] + turns[index] * rate, form.min_word, form.max_word)
    return words


def test_every_sample_ends_within_the_radius(project: mondeq_hw.Project) -> None:
    program, line = project.program, project.certificate.line("warm_start")
    assert program.warm is not None and line.status == "proved"
    assert 1 <= line.values["iterations"] < program.iterations
    words = slow_words(program, program.warm.rate, 300, 0)
    radius = project.certificate.line("radius").values["infinity_norm"] / program.state_format.step
    finer = GoldenModel(program.starting_anew.replace(iterations=200))
    apart = np.abs(GoldenModel(program).final_states(words) - finer.final_states(words)).max()
    assert 0 < apart <= 2 * radius  # each is within one of the exact equilibrium
    one = program.replace(warm=WarmStart(1, program.warm.rate))
    assert np.abs(GoldenModel(one).final_states(words) - finer.final_states(words)).max() > 2 * radius


def test_certificate_is_accepted(project: mondeq_hw.Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_certificate.main([str(project.folder / "certificate.json")]) == 0
    assert "warm_start: proved" in capsys.readouterr().out


def change(**values: Any) -> Callable[[Plain], None]:
    def tamper(plain: Plain) -> None:
        line = next(line for line in plain["lines"] if line["name"] == "warm_start")
        for key, value in values.items():
            plain["program"]["warm"][key] = line["values"][key] = value(plain["program"]["warm"][key])

    return tamper


FORGERIES: dict[str, Callable[[Plain], None]] = {
    "fewer_updates": change(iterations=lambda count: count - 1),
    "no_updates": change(iterations=lambda count: 0),
    "faster": change(rate=lambda rate: [4 * word for word in rate]),
    "negative_rate": change(rate=lambda rate: [-word for word in rate]),
    "fewer_rates": change(rate=lambda rate: rate[1:]),
    "no_line": lambda plain: plain.update(lines=[line for line in plain["lines"] if line["name"] != "warm_start"]),
    "no_warm_start": lambda plain: plain["program"].pop("warm"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_rejected(
    name: str, project: mondeq_hw.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads((project.folder / "certificate.json").read_text())
    (tmp_path / "certificate.json").write_text(json.dumps(forged(plain, FORGERIES[name])))
    assert check_certificate.main([str(tmp_path / "certificate.json")]) == 1, capsys.readouterr().out


def test_a_smaller_rate_needs_fewer_updates(project: mondeq_hw.Project, tmp_path: Path) -> None:
    still = mondeq_hw.compile(box_problem(), tmp_path / "build", warm_start=0.0, **LENGTHS)
    assert still.program.warm is not None and project.program.warm is not None
    assert still.program.warm.rate.tolist() == [0, 0]
    assert still.program.warm.iterations < project.program.warm.iterations


@pytest.mark.parametrize(
    "options, message",
    [
        ({"warm_start": 100.0}, "needs no fewer updates.*smaller rate by warm_start"),
        ({"warm_start": (0.1, 0.2, 0.3)}, "one for each of 2 inputs"),
        ({"warm_start": -0.1}, "expected a number of at least 0"),
        ({"warm_start": "a,b"}, "expected a number of at least 0"),
        ({"warm_start": float("nan")}, "expected a number of at least 0"),
    ],
)
def test_wrong_rates_are_refused(options: Plain, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        mondeq_hw.compile(box_problem(), tmp_path / "build", **LENGTHS, **options)
    assert not (tmp_path / "build").exists()


def test_what_has_no_rate_or_no_proof_is_refused(project: mondeq_hw.Project, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="beside a carried state"):
        mondeq_hw.compile(rens.network(), tmp_path / "build", bits=12, warm_start=0.1)
    lowered, config = lower(box_problem(), LoweringOptions(10)), CompileConfig(bits=10, warm_start=0.1)
    with pytest.raises(InputError, match="needs a proof"):
        starting_warm(project.program.starting_anew, box_problem(), config, replace(lowered, proof=None))


@pytest.mark.parametrize("bits, kept", [(8, 8), (12, 12), (12, 9)])
def test_values_that_differ_by_the_rate_are_so_many_words_apart(bits: int, kept: int) -> None:
    words = InputWords.over(np.array([-3.0, 0.5]), np.array([5.0, 0.75]), bits)
    form = replace(words.format, word_length=kept)
    rate, rng = np.array([0.03, 0.004]), np.random.default_rng(0)
    values = rng.uniform([-3.0, 0.5], [5.0, 0.75], size=(20_000, 2))
    others = np.clip(values + rng.choice([-1, 1], size=values.shape) * rate, [-3.0, 0.5], [5.0, 0.75])
    a, b = (form.quantize(words.raw(each).raw) for each in (values, others))
    most = np.abs(a - b).max(axis=0)
    allowed = words.most_steps(rate, form)
    assert (most <= allowed).all() and (allowed <= most + 1).all()
    assert FixedPointFormat is type(form) and (words.most_steps(np.zeros(2), form) == 0).all()


# -- back ends without one -----------------------------------------------------------------


def test_back_ends_without_a_warm_start_say_so(project: mondeq_hw.Project, tmp_path: Path) -> None:
    for model in (integer_model, qdq_model):
        with pytest.raises(InputError, match="compile without warm_start"):
            model(project.program)
    with pytest.raises(InputError, match="a layer of hls4ml"):
        MonDEQLayer(project.program)


def test_closed_loop_goes_on_where_it_was(project: mondeq_hw.Project) -> None:
    """The controls of a loop are those of its words in one sequence."""
    plant = mondeq_hw.LinearPlant(0.98 * np.eye(2), 0.01 * np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    loop = mondeq_hw.simulate(project.program, box_problem(), plant, np.array([0.6, -0.5]), 40)
    np.testing.assert_array_equal(project.golden.predict(loop.words), loop.controls)
    bounds = np.array(project.certificate.line("output_distance").values["bounds"])
    exact = mondeq_hw.problem.logits(box_problem(), loop.words)
    assert (np.abs(loop.controls - exact) <= bounds).all()
