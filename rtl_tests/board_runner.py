"""Run the cocotb tests of a board's design: the core behind its serial bridge, from pin to pin."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mondeq_hw.base import InputError
from mondeq_hw.boards import OVERHEAD, LineTiming, emit_board, sample_bytes
from mondeq_hw.hardware import initiation_interval, load_schedule, module_name
from mondeq_hw.program import SolverProgram

from .probe import design_at_fault
from .runner import BenchResult, checked_inputs, rtl_design, word_array
from .simulation import read_results, simulate
from .simulators import HardwareDesign

#: Bits as short, and waits as brief, as the design allows: the same logic in fewer cycles.
QUICK = LineTiming(clocks_per_bit=8, timeout_clocks=8 * 10 * 12, reset_clocks=20)


def run_board_bench(
    build: Path,
    work: Path,
    *,
    timing: LineTiming = QUICK,
    **stimulus: Any,
) -> BenchResult:
    """Simulate a build folder's core with a board's logic around it, without the PLL.

    Parameters
    ----------
    build : Path
        Folder written by ``mondeq-hw compile``.
    work : Path
        Where every simulation product goes.
    timing : LineTiming
    **stimulus
        ``words``, ``seed``, ``simulator``, ``tests`` and ``waves`` of :func:`simulate_board`.

    Raises
    ------
    MissingToolError, InputError, SimulationError, BrokenToolError
    """
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="board-", dir=work.resolve()))
    write_design(build, timing, folder)
    return simulate_board(build, folder, timing=timing, **stimulus)


def write_design(build: Path, timing: LineTiming, folder: Path) -> None:
    """Put a build folder's core and the board's logic into ``rtl/`` and ``board/`` of another folder.

    Raises
    ------
    InputError
    """
    if not (build / "rtl" / "sources.f").is_file():
        raise InputError(f"{build / 'rtl' / 'sources.f'}: no such file; expected a folder written by 'compile'")
    shutil.copytree(build / "rtl", folder / "rtl")
    emit_board(SolverProgram.load(build), timing, None, folder)


def simulate_board(
    build: Path,
    folder: Path,
    *,
    words: np.ndarray,
    timing: LineTiming,
    seed: int = 0,
    simulator: str = "verilator",
    tests: Sequence[str] = (),
    waves: bool = False,
) -> BenchResult:
    """Run the tests of :mod:`mondeq_hw.rtl_tests.board_bench` on what :func:`write_design` wrote.

    Parameters
    ----------
    build : Path
        Its program says what is right.
    folder : Path
        The design; simulation products go there too.
    words : ndarray of int64 (samples, d)
        Input words, at least one sample.
    timing : LineTiming
        The design's.
    seed : int
        Of noise and pauses.
    simulator : str
        ``verilator`` or ``icarus``.
    tests : sequence of str
        Names of the tests to run; all when empty.
    waves : bool
        Record every signal to ``waves.vcd`` beside the log.

    Returns
    -------
    BenchResult
        Without cycles: the line's time is not the core's.

    Raises
    ------
    MissingToolError, InputError, SimulationError, BrokenToolError
    """
    program, words, tool = checked_inputs(build, words, simulator)
    hardware = _design(program.name, folder)
    with design_at_fault(tool):
        tool.build(hardware, folder, folder / "build.log", waves)
    np.save(folder / "words.npy", words.astype(np.int64))
    result = folder / "result.json"
    job = {"build": str(build.resolve()), "words": str(folder / "words.npy"), "seed": seed, "result": str(result)}
    (folder / "job.json").write_text(json.dumps({**job, **asdict(timing)}))
    start = time.perf_counter()
    limit = _time_limit(program, build, timing, len(words))
    with design_at_fault(tool):
        simulate(tool, folder, folder, hardware, tests, (), waves, limit, "board_bench")
    seconds = time.perf_counter() - start
    passed, failures = read_results(folder)
    outputs = json.loads(result.read_text())["outputs"] if result.exists() else []
    return BenchResult(
        design="board",
        simulator=tool.name,
        version=tool.version,
        outputs=word_array(outputs, program.k),
        cycles=np.array([], dtype=np.int64),
        passed=passed,
        failures=failures,
        simulated_cycles=0,
        seconds=seconds,
        log=folder / "simulation.log",
    )


def _design(name: str, folder: Path) -> HardwareDesign:
    core = rtl_design(name, folder / "rtl", ())
    board = tuple(folder / "board" / file for file in (folder / "board" / "sources.f").read_text().split())
    return replace(core, top=module_name(name, "board"), verilog=(*core.verilog, *board))


def _time_limit(program: SolverProgram, build: Path, timing: LineTiming, samples: int) -> float:
    """Seconds: a slow start of everything, then 2,000 cycles a second."""
    frame = 10 * timing.clocks_per_bit * (sample_bytes(program) + OVERHEAD)
    cycles = frame + timing.timeout_clocks + initiation_interval(load_schedule(build), program.iterations)
    return 300.0 + (samples + 150) * cycles / 2000
