"""The behavioural stand-in for a design under test: its sources for a given program.

``mondeq_top.sv`` computes any program in one step of simulated time and has
faults on demand, so that the benches can be tested themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mondeq_hw.hardware import Schedule
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.program import SolverProgram


@dataclass(frozen=True)
class StandIn:
    """Arguments of ``run_bench`` for the stand-in."""

    sources: tuple[Path, ...]
    defines: tuple[str, ...]


def stand_in(program: SolverProgram, plan: Schedule, folder: Path) -> StandIn:
    """Write the program's memory image into ``folder``."""
    scalars = [
        *(program.n, program.d, program.k, plan.words_per_beat, program.input_format.word_length),
        *(program.drive_left_shift, program.iterations, program.state_format.max_word),
        program.solver == FORWARD_BACKWARD,
    ]
    arrays = [
        *(scalars, program.drive.integers, program.drive_bias, program.drive_right_shift),
        *(program.matrix.integers + np.diag(program.leak), program.matrix.shifts),
        *(program.readout.integers, program.readout_left_shift, program.readout_bias),
    ]
    words = [int(value) & (2**64 - 1) for array in arrays for value in np.ravel(array)]
    image = folder / "program.mem"
    image.write_text("".join(f"{word:016x}\n" for word in words))
    bits = {"IN_BITS": plan.words_per_beat * program.input_format.word_length, "OUT_BITS": program.output_bits}
    return StandIn(
        sources=(Path(__file__).with_name("mondeq_top.sv"), image),
        defines=tuple(f"{name}={-(-value // 8) * 8}" for name, value in bits.items()),
    )
