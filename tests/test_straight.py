"""The strategy ``straight``: exact for any number of updates, sooner than a ring, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoints import parameters, plain, write_npz
from corner_programs import Corner, starting_warm
from random_models import random_program, random_words, with_random_clip

from mondeq_hw import InputError
from mondeq_hw.base.errors import EXIT_BAD_INPUT
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.hardware import Design, Schedule, latency, straightened
from mondeq_hw.hardware.straight import MOST_UPDATES
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rtl_tests.runner import run_bench
from mondeq_hw.steps import scheduled

PROGRAM = random_program(5, n=6, d=5, k=3, bits=3, iterations=9)


def planned(program: SolverProgram, strategy: str = "straight", **options: object) -> Schedule:
    return scheduled(program, CompileConfig(bits=3, strategy=strategy, **options))[0].schedule  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "updates", "adders", "beat"), [(1, 5, 1, None), (2, 23, 3, 2)])
def test_exact_whatever_many_updates(seed: int, updates: int, adders: int, beat: int | None, tmp_path: Path) -> None:
    """Outputs and cycles; every sample takes all its updates, also where states settle sooner."""
    program = with_random_clip(seed, random_program(seed, n=6, d=5, k=2, bits=3, state_bits=6, iterations=updates))
    plan = planned(program, adders_per_stage=adders, fewest="stages", input_beat=beat)
    assert plan.straight == updates and plan.drive.row_groups == 1 and plan.output_beat == 2
    words = random_words(3, program, 8)
    result = run_bench(Corner(program, plan).build(tmp_path / "build"), tmp_path / "work", words=words, seed=2)
    assert result.ok, result.failures
    assert (result.outputs == GoldenModel(program).predict_raw(words)).all()
    assert result.cycles[0] + 1 == latency(plan, updates) == latency(plan, 1)


def test_sooner_than_a_ring() -> None:
    ring, straight = (
        planned(PROGRAM, strategy, reuse_factor=1, input_beat=5, fewest="stages", graphs=("readout",))
        for strategy in ("unrolled", "straight")
    )
    # Three cycles fewer a turn, of which the start is one, and as many again between the engines.
    assert latency(ring, 9) - latency(straight, 9) > 3 * (1 + 9)


def test_only_few_updates_are_straight_unasked() -> None:
    for updates in (MOST_UPDATES, MOST_UPDATES + 1):
        program = PROGRAM.replace(iterations=updates)
        plan = planned(program, "unrolled", reuse_factor=1, input_beat=1, graphs=("readout",), output_beat=3)
        assert bool(plan.straight) == (updates == MOST_UPDATES)


@pytest.mark.parametrize(
    ("program", "options", "obstacle"),
    [
        (random_program(5, iterations=9, carried=2), {}, "states that are carried from sample to sample"),
        (starting_warm(PROGRAM, 3), {}, "a warm start"),
        (random_program(5, iterations=9, feedthrough=True), {}, "a feed-through"),
        (random_program(5, iterations=9, solver=FORWARD_BACKWARD), {}, "a leak"),
        (PROGRAM, {"graphs": ()}, "a folded readout"),
        (PROGRAM, {"graphs": ("drive", "readout")}, "a drive that is an adder graph"),
        (PROGRAM, {"output_beat": 2}, "output beats of 2 of 3 words"),
        (random_program(5, k=1, iterations=9), {"harden": "control"}, "a guard (harden 'control')"),
    ],
)
def test_obstacles(program: SolverProgram, options: dict[str, object], obstacle: str) -> None:
    with pytest.raises(InputError) as raised:
        planned(program, **options)
    assert obstacle in str(raised.value) and "or ask for the strategy 'unrolled'" in str(raised.value)


def test_a_folded_solver_is_none() -> None:
    with pytest.raises(InputError, match="a folded solver, a folded readout"):
        straightened(Design.searched(PROGRAM, planned(PROGRAM, "resource")))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what every sample takes, and a refusal leaves no folder."""
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    given = ["compile", str(model), "--bits", "6", "--strategy", "straight", "--out", str(tmp_path / "build")]
    assert main([*given, "--output-beat", "1"]) == EXIT_BAD_INPUT
    assert "strategy is 'straight', and the core has output beats of 1 of 3 words" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()
    assert main([*given, "--iterations", "9"]) == 0
    assert "9, of every sample" in capsys.readouterr().out
