"""Integers for one matrix: symmetric levels, power-of-two scales chosen by error.

``value[i, j] = 2**-shift[i] * integers[i, j]`` with ``|integers| <= 2**(B-1) - 1``;
1 bit means {-1, +1}, 2 bits means {-1, 0, +1}.  The scale of a row minimises
its squared error, clipping included, rather than fitting the largest entry:
at few bits a clipped outlier costs less than a coarse grid for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import DenseOperator, InputError, max_level
from ..problem import Recurrence, StoredRecurrence, find_splitting

ROW = "row"
TENSOR = "tensor"
GRANULARITIES = (ROW, TENSOR)

#: A grid finer than this has no use and would only widen the accumulators; nor has one coarser than its inverse.
MAX_SHIFT = 40
#: Rows that are looked at at once.
CACHED_ROWS = 32
#: How many scales finer than the one that fits the largest entry are tried.
CLIP_OCTAVES = 8


def to_levels(scaled: np.ndarray, word_length: int) -> np.ndarray:
    """Nearest level of values given in units of the scale (1 bit: the sign)."""
    return _levels(scaled, word_length).astype(np.int64)


def _levels(scaled: np.ndarray, word_length: int) -> np.ndarray:
    if word_length == 1:
        return np.where(scaled < 0, -1.0, 1.0)
    top, levels = max_level(word_length), scaled + 0.5
    return np.clip(np.floor(levels, out=levels), -top, top, out=levels)


def choose_shifts(
    matrix: np.ndarray,
    word_length: int,
    granularity: str,
    min_shift: int,
    column_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Power-of-two scales of least weighted squared error.

    Parameters
    ----------
    matrix : ndarray (rows, columns)
    word_length : int
    granularity : {"row", "tensor"}
    min_shift : int
        Coarsest grid allowed (0 for the iteration matrix, whose entries a
        contraction keeps below one; ``-MAX_SHIFT`` for the others).
    column_weight : ndarray (columns,), optional
        Second moment of what multiplies each column; ones when absent.

    Returns
    -------
    ndarray of int64 (rows,)

    Raises
    ------
    InputError
        An entry is beyond every level of the grid ``-MAX_SHIFT``.
    """
    if granularity not in GRANULARITIES:
        raise InputError(f"granularity is {granularity!r}; expected one of {', '.join(GRANULARITIES)}")
    peak = np.abs(matrix).max(axis=1)
    if granularity == TENSOR:
        peak = np.full_like(peak, peak.max())
    largest = max_level(word_length) * 2.0**MAX_SHIFT
    if min_shift == -MAX_SHIFT and not peak.max(initial=0.0) <= largest:
        raise InputError(
            f"a matrix beside W has an entry of {peak.max():.3g}; expected at most {largest:.3g}, the largest level of "
            f"{word_length} bits on the coarsest grid. Rescale the network's U and b, or its O, c and F; a problem's "
            "q, l, u and theta, or its outputs"
        )
    # Coarsest candidate: the first grid on which the largest entry is not clipped.
    with np.errstate(divide="ignore", over="ignore"):
        fits = np.floor(np.log2(max_level(word_length) / peak))
    fits = np.clip(np.where(np.isfinite(fits), fits, 0), min_shift, MAX_SHIFT).astype(np.int64)
    candidates = np.clip(fits + np.arange(-1, CLIP_OCTAVES)[:, None], min_shift, MAX_SHIFT)
    errors = np.stack([_row_errors(matrix, shifts, word_length, column_weight) for shifts in candidates])
    if granularity == TENSOR:
        errors = np.broadcast_to(errors.sum(axis=1, keepdims=True), errors.shape)
    return np.take_along_axis(candidates, errors.argmin(axis=0)[None, :], axis=0)[0]


def _row_errors(matrix: np.ndarray, shifts: np.ndarray, word_length: int, weight: np.ndarray | None) -> np.ndarray:
    errors, scales = np.empty(len(matrix)), np.ldexp(1.0, shifts).astype(matrix.dtype)
    for first in range(0, len(matrix), CACHED_ROWS):  # every pass over so few rows finds them in the cache
        rows = slice(first, first + CACHED_ROWS)
        scaled = matrix[rows] * scales[rows, None]
        scaled -= _levels(scaled, word_length)
        scaled *= scaled
        if weight is not None:
            scaled *= weight
        errors[rows] = scaled.sum(axis=1)
    return np.ldexp(errors, -2 * shifts)


def quantize_nearest(
    matrix: np.ndarray,
    word_length: int,
    granularity: str = ROW,
    min_shift: int = 0,
    column_weight: np.ndarray | None = None,
) -> DenseOperator:
    """Round each entry to the nearest level of its row's best scale; a row of zeros has the scale 1."""
    shifts = choose_shifts(matrix, word_length, granularity, min_shift, column_weight)
    scales = np.ldexp(1.0, shifts).astype(matrix.dtype)
    levels = to_levels(matrix * scales[:, None], word_length)
    # What is left of a row that should be zero, 1e-17, asks for the finest scale there is.
    zero = ~levels.any(axis=1 if granularity == ROW else None)
    return DenseOperator(levels, np.where(zero, max(0, min_shift), shifts), word_length)


@dataclass(frozen=True)
class QuantizedRecurrence:
    """A recurrence whose three matrices are integers; the biases are still real.

    Parameters
    ----------
    recurrence : Recurrence
        The real recurrence that was quantised.
    matrix, drive, readout : DenseOperator
        ``matrix`` holds the iteration matrix without its leak.
    drive_bias : ndarray (n,)
    readout_bias : ndarray (k,)
        As in ``recurrence``, or refitted by the calibrated rounding.
    feedthrough : DenseOperator, optional
        Where the recurrence has one.
    """

    recurrence: Recurrence
    matrix: DenseOperator
    drive: DenseOperator
    readout: DenseOperator
    drive_bias: np.ndarray
    readout_bias: np.ndarray
    feedthrough: DenseOperator | None = None


def quantized_of(stored: StoredRecurrence) -> QuantizedRecurrence:
    """A retrained recurrence as it is: the real one that it rounds is itself."""
    recurrence = Recurrence(
        splitting=find_splitting(stored.solver),
        clip=stored.prox.at_step(stored.step_size),
        step_size=stored.step_size,
        matrix=stored.matrix.values,
        drive=stored.drive.values,
        drive_bias=stored.drive_bias,
        readout=stored.readout.values,
        readout_bias=stored.readout_bias,
        feedthrough=None if stored.feedthrough is None else stored.feedthrough.values,
    )
    return QuantizedRecurrence(
        recurrence,
        stored.matrix,
        stored.drive,
        stored.readout,
        stored.drive_bias,
        stored.readout_bias,
        stored.feedthrough,
    )
