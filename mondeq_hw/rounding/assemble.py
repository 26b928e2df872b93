"""From quantised matrices and formats to the program: biases and shifts on their grids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import Clip, DenseOperator, FixedPointFormat, InputError, Interval
from ..problem import CarriedState
from ..program import CarriedWords, SolverProgram, Stage
from .quantize import MAX_SHIFT, QuantizedRecurrence


def assemble(
    quantized: QuantizedRecurrence,
    input_format: FixedPointFormat,
    state_format: FixedPointFormat,
    iterations: int,
    certified: bool,
    name: str = "mondeq",
) -> SolverProgram:
    """Put biases and shifts on their grids and freeze the program.

    The drive accumulator gets the smallest left shift that makes its grid at
    least as fine as the state accumulator's, so the drive is rounded once; so
    does a feed-through, whose rows go to the readout's accumulators.
    """
    f, g, direct = state_format.fractional_bits, quantized.matrix.shifts, quantized.feedthrough
    drive = _on_its_grid(quantized.drive, f + g, input_format)
    drive_grid = drive.shifts + input_format.fractional_bits
    left = max(0, int((f + g - drive_grid).max()))
    readout, recurrence = quantized.readout, quantized.recurrence
    if direct is not None:
        direct_grid = direct.shifts + input_format.fractional_bits
        readout = _resolved(readout, direct_grid - f)
        direct = _on_its_grid(direct, f + readout.shifts, input_format)
        direct_grid = direct.shifts + input_format.fractional_bits
        left = max(left, int((f + readout.shifts - direct_grid).max()))
    output_grid = int(readout.shifts.max()) + f
    stage = Stage(
        solver=recurrence.splitting.name,
        clip=on_words(recurrence.clip, state_format),
        input_format=input_format,
        state_format=state_format,
        drive=drive,
        drive_bias=_on_grid("drive bias", quantized.drive_bias, drive_grid + left),
        drive_left_shift=left,
        matrix=quantized.matrix,
        leak_shift=recurrence.leak_shift,
        iterations=iterations,
    )
    return SolverProgram(
        name=name,
        stages=(stage,),
        readout=readout,
        readout_bias=_on_grid("readout bias", quantized.readout_bias, output_grid),
        certified=certified,
        feedthrough=direct,
        carried=None if recurrence.carried is None else _carried(recurrence.carried, input_format),
    )


def _carried(state: CarriedState, words: FixedPointFormat) -> CarriedWords:
    return CarriedWords(words.quantize(state.initial), state.exponents)


def on_words(clip: Clip, state_format: FixedPointFormat) -> Clip:
    """A clip in units of the state as one in words of it: each bound to the next word inwards, or none beyond the last.

    Inwards, so that what is bounded in the real problem stays within its bounds.
    """

    def word(bound: float) -> float:
        inner = np.trunc(np.ldexp(bound, state_format.fractional_bits))
        return float(inner if abs(inner) < state_format.max_word else np.copysign(np.inf, bound))

    kinds = [Interval(word(kind.lower), word(kind.upper), kind.complement) for kind in clip.kinds]
    return Clip.of([kinds[row] for row in clip.rows])


def _on_its_grid(operator: DenseOperator, grid: np.ndarray, input_format: FixedPointFormat) -> DenseOperator:
    """Rows that take nothing from the input on what they are added to: they ask no other row for a left shift."""
    return _resolved(operator, np.clip(grid - input_format.fractional_bits, -MAX_SHIFT, MAX_SHIFT))


def _resolved(operator: DenseOperator, shifts: np.ndarray) -> DenseOperator:
    """With these scales where a row is zero and could have any: nothing of what is added to it is lost there."""
    zero = ~operator.integers.any(axis=1)
    return replace(operator, shifts=np.where(zero, shifts, operator.shifts))


def _on_grid(what: str, values: np.ndarray, fractional_bits: np.ndarray | int) -> np.ndarray:
    scaled = np.floor(np.ldexp(values, fractional_bits) + 0.5)
    if np.abs(scaled).max() >= 2**62:
        raise InputError(
            f"{what} needs more than 62 bits on its grid; rescale the network or the problem, or lower the word lengths"
        )
    return scaled.astype(np.int64)
