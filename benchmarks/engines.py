"""What the hardware benchmarks share: programs of checkpoints, RTL folders, simulated cycles and mapped cells."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from published import compiled

from mondeq_hw.hardware import (
    ECP5,
    LUT_WEIGHT_BITS,
    TEMPLATE_NAME,
    Design,
    Schedule,
    Usage,
    completion_cycles,
    emit_rtl,
    find_part,
    load_schedule,
)
from mondeq_hw.problem import load_checkpoint
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.rounding import LoweringOptions
from mondeq_hw.rtl_tests import run_bench
from mondeq_hw.synthesis import ToolRun, yosys, yosys_usage
from mondeq_hw.synthesis.mapping import CELLS, map_design, synthesis_script
from mondeq_hw.synthesis.room import Room
from mondeq_hw.synthesis.synth import silent

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
DIGITS = EXAMPLES / "digits.pt"
PART = find_part("ecp5-85")


def program_of(checkpoint: Path, bits: int) -> SolverProgram:
    """Lower a checkpoint without images; a retrained one keeps its own bits."""
    model = load_checkpoint(checkpoint).prepared({}, mnist=True).model
    own = bits if model.stored is None else model.stored.matrix.word_length
    return compiled(model, LoweringOptions(own), None)[1]


def emitted(program: SolverProgram, plan: Schedule, folder: Path) -> Path:
    """A folder with all that the benches and Yosys read; modules have the templates' names."""
    shutil.rmtree(folder / "rtl", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    program = program.replace(name=TEMPLATE_NAME)
    program.save(folder)
    emit_rtl(Design.searched(program, plan), folder)
    return folder


# -- cycles ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Simulated:
    """Cycles per sample of the same samples, streamed back to back, by Verilator and by the cycle model."""

    samples: int
    simulated: float
    predicted: float


def simulated(build: Path, program: SolverProgram, plan: Schedule, samples: int, seed: int = 0) -> Simulated:
    """Run the back-to-back bench on random images; it compares every output word and every cycle.

    Raises
    ------
    RuntimeError
        The bench failed.
    """
    density = np.random.default_rng(seed).random((samples, 1))
    words = np.random.default_rng(seed + 1).integers(0, program.input_format.max_word + 1, size=(samples, program.d))
    words = np.where(np.random.default_rng(seed + 2).random(words.shape) < density, words, 0)
    result = run_bench(build, build / "sim", words=words, tests=("back_to_back",))
    if not result.ok:
        raise RuntimeError(f"{build}: {result.failures[0].message}; see {result.log}")
    predicted = completion_cycles(plan, GoldenModel(program).iterations(words))
    return Simulated(samples, _distance(result.cycles), _distance(predicted))


def _distance(cycles: np.ndarray) -> float:
    return float(cycles[-1] - cycles[0]) / (len(cycles) - 1)


# -- cells -----------------------------------------------------------------------------------------


def engine_cells(build: Path) -> Usage:
    """ECP5 cells of a whole core, mapped as ``mondeq-hw synth`` maps it."""
    program, plan = SolverProgram.load(build), load_schedule(build)
    depths = Room(program, plan, PART, LUT_WEIGHT_BITS).rom_depths()
    sources = [f"rtl/{name}" for name in (build / "rtl" / "sources.f").read_text().split()]
    script = synthesis_script(program, sources, PART.family, "top", LUT_WEIGHT_BITS, depths)
    (build / "synth.ys").write_text(script)
    map_design(yosys(), PART.family, build, ("synth.ys", *sources, "rtl/mem"), silent)
    return yosys_usage((build / CELLS).read_text(), PART.family)


def mapped_cells(folder: Path, sources: Sequence[str], top: str) -> Usage:
    """ECP5 cells of Verilog sources, mapped and flattened by Yosys.

    Parameters
    ----------
    folder : Path
        Where Yosys runs; a run whose sources have not changed is not repeated.
    sources : sequence of str
        In compile order, relative to the folder; weight files are in its ``rtl/mem``.
    top : str
    """
    (folder / "synth.ys").write_text(
        'verilog_defines -DMONDEQ_MEM_DIR="rtl/mem"\n'
        f"read_verilog -sv {' '.join(sources)}\n"
        f"synth_ecp5 -nodsp -top {top}\n"
        "tee -q -o cells.json stat -json\n"
    )
    memories = ("rtl/mem",) if (folder / "rtl" / "mem").is_dir() else ()
    run = ToolRun(yosys(), ("-s", "synth.ys"), ("synth.ys", *sources, *memories), ("cells.json",))
    run.execute(folder, silent)
    return yosys_usage((folder / "cells.json").read_text(), ECP5)


def traced(matrix: np.ndarray, top: int) -> Any:
    """The product with a constant matrix as da4ml records it (its ``CombLogic``), for words ``0 .. top``."""
    from da4ml.trace import FixedVariableArray, comb_trace

    columns = matrix.shape[1]
    x = FixedVariableArray.from_lhs(np.zeros(columns), np.full(columns, float(top)), np.ones(columns))
    return comb_trace(x, x @ matrix.T.astype(float))
