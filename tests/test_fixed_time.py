"""``fixed_time``: every sample takes all its updates, and a folded update begins sooner; no word changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from corner_programs import Corner, starting_warm
from random_models import random_program, random_words, with_random_clip

from mondeq_hw import Project
from mondeq_hw.base.errors import EXIT_BAD_INPUT
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.hardware import Schedule, completion_cycles, latency
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rtl_tests.runner import run_bench
from mondeq_hw.steps import scheduled

SETTLING = with_random_clip(4, random_program(4, n=6, d=5, k=2, bits=3, state_bits=6, iterations=30))


def planned(program: SolverProgram, **options: object) -> Schedule:
    return scheduled(program, CompileConfig(bits=3, **options))[0].schedule  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"strategy": "unrolled"}, {"strategy": "straight"}], ids=str)
def test_the_time_is_that_of_all_updates(options: dict[str, object]) -> None:
    plan = planned(SETTLING, fixed_time=True, **options)
    assert plan.fixed_time
    for iterations in (np.array([1, 30, 7]), np.array([30, 30, 30])):
        cycles = completion_cycles(plan, iterations)
        assert (cycles == completion_cycles(plan, np.full(3, 30))).all()
    assert latency(plan, 1) == latency(plan, 30)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "options"),
    [
        (SETTLING, {"reuse_factor": 1, "adders_per_stage": 4}),
        (SETTLING, {"reuse_factor": 7, "balance": "latency"}),
        (SETTLING, {"strategy": "unrolled", "input_beat": 3}),
        (starting_warm(random_program(9, n=7, d=4, k=3, bits=4, iterations=9), 4), {"reuse_factor": 5}),
        (
            random_program(2, n=9, d=4, k=2, carried=3, state_bits=9, iterations=6),
            {"reuse_factor": 9, "adders_per_stage": 2},
        ),
    ],
    ids=["parallel", "balanced", "ring", "warm", "carried"],
)
def test_words_and_cycles_are_those_that_are_said(
    program: SolverProgram, options: dict[str, object], tmp_path: Path
) -> None:
    """States settle sooner in all of them."""
    plan, words = planned(program, fixed_time=True, **options), random_words(3, program, 12)
    golden = GoldenModel(program)
    assert golden.trace(words).iterations.min() < program.iterations
    result = run_bench(Corner(program, plan).build(tmp_path / "build"), tmp_path / "work", words=words, seed=2)
    assert result.ok, result.failures
    assert (result.outputs == golden.predict_raw(words)).all()
    np.testing.assert_array_equal(
        result.cycles, completion_cycles(plan, golden.trace(words).iterations)[: len(result.cycles)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("fixed_time", [False, True])
def test_the_cpp_takes_as_many_updates(fixed_time: bool, tmp_path: Path) -> None:
    Corner(SETTLING, planned(SETTLING, fixed_time=fixed_time)).check_cpp(tmp_path)


def test_a_build_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    given = ["--bits", "6", "--fixed-time", "--adders-per-stage", "2", "--balance", "latency"]
    assert main(["compile", str(model), *given, "--out", str(tmp_path / "build")]) == 0
    project = Project.load(tmp_path / "build")
    plan, iterations = project.report.schedule, project.program.iterations
    assert (plan.fixed_updates, plan.solve.adders, plan.straight) == (iterations, 2, 0)
    assert "no input takes longer or shorter" in (tmp_path / "build" / "README.md").read_text()
    assert "Every sample takes all its updates." in (tmp_path / "build" / "report" / "report.md").read_text()
    assert "fixed_time = true" in (tmp_path / "build" / "hls" / "mondeq_params.h").read_text()
    capsys.readouterr()
    other = ["--bits", "6", "--strategy", "unrolled", "--balance", "latency", "--out", str(tmp_path / "other")]
    assert main(["compile", str(model), *other]) == EXIT_BAD_INPUT
    assert "--balance is for the strategy 'resource'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
