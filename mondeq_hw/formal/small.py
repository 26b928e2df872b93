"""Programs small enough that their cores are proved as a whole, and mistakes that the proof must notice.

Between them they have every form of an engine, both splittings, every sort of
row and a feed-through.  Their integers are such that outputs take many values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..base import FREE, RELU, Clip, DenseOperator, FixedPointFormat, Interval, Overflow, Rounding, soft_threshold
from ..hardware import (
    Design,
    Schedule,
    emit_rtl,
    readout_graph,
    schedule,
    schedule_unrolled,
    solver_graph,
    straightened,
)
from ..problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from ..program import GoldenModel, SolverProgram, Stage
from .unit import Mutant


@dataclass(frozen=True)
class Engine:
    """A small core.

    Parameters
    ----------
    name : str
    claim : str
    program : SolverProgram
    form : {"folded", "timed", "unrolled", "straight"}
        Timed: folded, of a fixed time and with two adders between registers; straight: unrolled, all outputs at once.
    mutants : tuple of (str, Mutant)
        Each with the name of its module.
    """

    name: str
    claim: str
    program: SolverProgram
    form: Literal["folded", "timed", "unrolled", "straight"]
    mutants: tuple[tuple[str, Mutant], ...]

    def build(self, folder: Path) -> None:
        """Write what the compiler writes."""
        self.program.save(folder)
        design = Design.searched(self.program, self._schedule())
        emit_rtl(straightened(design) if self.form == "straight" else design, folder)

    def _schedule(self) -> Schedule:
        if self.form == "folded":
            return schedule(self.program)
        if self.form == "timed":
            return schedule(self.program, adders=2, fixed_time=True)
        program, solve = self.program, solver_graph(self.program).size
        if self.form == "unrolled":
            return schedule_unrolled(program, solve)
        plan = schedule_unrolled(program, solve, 1, readout=readout_graph(program).size, drive_rows=program.n)
        return replace(plan, output_beat=program.k)

    def distinct(self) -> int:
        """Different outputs over all inputs."""
        bits, program = self.program.input_format.word_length, self.program
        grid = np.meshgrid(*[np.arange(1 << bits) + program.input_format.min_word] * program.d)
        words = np.stack([axis.ravel() for axis in grid], axis=1)
        return len(np.unique(GoldenModel(program).predict_raw(words), axis=0))


def _matrix(rows: list[list[int]], shifts: list[int], bits: int) -> DenseOperator:
    return DenseOperator(np.array(rows), np.array(shifts), bits)


def _program(
    drive: DenseOperator,
    matrix: DenseOperator,
    readout: DenseOperator,
    *rows: Interval,
    solver: str = PEACEMAN_RACHFORD,
    leak_shift: int = 0,
    input_bits: int = 4,
    iterations: int = 2,
    feedthrough: DenseOperator | None = None,
) -> SolverProgram:
    n, k = matrix.shape[0], readout.shape[0]
    stage = Stage(
        solver=solver,
        clip=Clip.of([rows[i % len(rows)] for i in range(n)]),
        input_format=FixedPointFormat(input_bits, input_bits, False, Rounding.RND, Overflow.SAT),
        state_format=FixedPointFormat(5, 2),
        drive=drive,
        drive_bias=np.array([-37, 21, -9][:n]),
        drive_left_shift=1,
        matrix=matrix,
        leak_shift=leak_shift,
        iterations=iterations,
    )
    return SolverProgram("small", (stage,), readout, np.array([5, -3][:k]), False, feedthrough)


_TWO = _program(
    _matrix([[2, 2], [1, -2]], [4, 5], 3),
    _matrix([[1, -2], [0, -3]], [2, 3], 3),
    _matrix([[0, 1], [-1, 0]], [0, 2], 3),
    RELU,
)
_THREE = _program(
    _matrix([[0, 1], [1, -1], [1, 0]], [6, 4, 6], 2),
    _matrix([[0, 0, -1], [-1, 0, 1], [0, 1, 0]], [2, 2, 2], 2),
    _matrix([[0, -1, -1]], [0], 2),
    RELU,
    solver=FORWARD_BACKWARD,
    leak_shift=1,
)
_ROUNDING = ("round_shift", Mutant(" + OutBits'(shifted_q[0])", ""))
_SATURATION = ("saturate", Mutant("(value > Top) ? OutBits'(Top)", "(value > Top) ? OutBits'(-Top)"))
_UNROUNDED = ("solve", Mutant(" + SumBits'(shifted[0])", ""))

ENGINES = (
    Engine("folded", "Peaceman-Rachford, relu, folded", _TWO, "folded", (
        _ROUNDING, _SATURATION,
        ("solve", Mutant("start_q2 ? '0 : column_phi", "column_phi")),
        ("readout", Mutant("sum << sum_shift_q", "sum")),
    )),
    Engine("folded_leak", "forward-backward with a leak, 2-bit weights, folded", _THREE, "folded", (
        _ROUNDING, ("solve", Mutant("leak_start_q1 ? '0 : {phi", "{phi")),
    )),
    Engine("folded_clip", "a box and a soft threshold, folded",
           _TWO.replace(clip=Clip.of([Interval(-3, 6), soft_threshold(2)])), "folded", (
        ("clip", Mutant("(limit << 1) - word", "limit - word")),
        ("clip_lanes", Mutant("complement_q <= complement", "complement_q <= 1'b0")),
    )),
    Engine("folded_feedthrough", "outputs that take the input directly, folded",
           _TWO.replace(feedthrough=_matrix([[1, 2], [-3, 1]], [5, 5], 3)), "folded", (
        ("feedthrough", Mutant("pop = step_i &&", "pop = 1'b0 && step_i &&")),
    )),
    Engine("folded_timed", "no early exit, two adders between registers, folded", _TWO, "timed", (
        ("solve", Mutant("retire_valid = sum_valid", "retire_valid = load")),
        ("adder_tree", Mutant("l % ((Adders < 1) ? 1 : Adders) == 0", "1'b1")),
    )),
    Engine("unrolled", "Peaceman-Rachford, relu, an adder graph", _TWO, "unrolled", (
        _UNROUNDED, _SATURATION, ("solve", Mutant("again ? retire_phi_q : start_phi", "retire_phi_q")),
    )),
    Engine("unrolled_leak", "forward-backward with a leak and a free row, an adder graph",
           replace(_THREE, stages=(replace(_THREE.stage, clip=Clip.of([RELU, FREE, RELU])),)), "unrolled", (
        _UNROUNDED, ("solve", Mutant(" - {{LeakShift{sign}}, phi}", "")),
    )),
    Engine("straight", "Peaceman-Rachford, relu, all outputs at once", _TWO, "straight", (
        ("solve", Mutant("if (!enters_q) phi_q", "if (1'b0) phi_q")),
        ("solve", Mutant(": {negative,", ": {!negative,")),
        ("drive", Mutant("Starts[p*SumBits+LeftShift+:HeldBits]", "'0")),
        ("readout", Mutant("bias + aligned", "aligned")),
    )),
)  # fmt: skip
