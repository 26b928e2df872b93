"""Rounding for problems whose inputs fill a box: the drive makes up for what the iteration matrix lost.

``phi(s*)`` of the real recurrence is nearly affine in the input, ``Y x + y``.  A stored drive ``D - (M~ - M) Y`` then
leaves of the rounding of ``M`` only what that misses.  Samples are drawn from the box and its mirror image, so that
nothing is learned about either half.  With it and without, that is taken whose outputs are off by the least on the same
samples; what holds everywhere the certificate proves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..problem import MonDEQ, Recurrence, logits, preactivation, state_of
from .quantize import MAX_SHIFT, QuantizedRecurrence, quantize_nearest

#: Samples of the box, mirrored ones among them; inputs are this far from its middle at least, for errors grow outwards.
SAMPLES, LEAST_SHARE = 1024, 0.3
#: Updates of a quantised recurrence in floating point, and the change at which it stops.
MOST_UPDATES, SETTLED = 2000, 1e-10


@dataclass(frozen=True)
class Box:
    """Samples of the input's box and what the real problem makes of them.

    Parameters
    ----------
    raw : ndarray (samples, d)
        Raw inputs.
    preactivations : ndarray (samples, n)
    outputs : ndarray (samples, k)
    """

    raw: np.ndarray
    preactivations: np.ndarray
    outputs: np.ndarray

    @staticmethod
    def of(model: MonDEQ) -> Box:
        """Solve the real problem all over its box."""
        rng, words = np.random.default_rng(0), model.input_map.words
        first, last = words.format.to_float(np.array(words.ends))
        shape = (SAMPLES // 2, model.d)
        away = rng.choice([-1.0, 1.0], size=shape) * rng.uniform(LEAST_SHARE, 1.0, size=shape)
        raw = (first + last) / 2 + (last - first) / 2 * np.vstack([away, -away])
        return Box(raw, preactivation(model, raw), logits(model, raw))


def compensated(quantized: QuantizedRecurrence, box: Box, model: MonDEQ, granularity: str) -> QuantizedRecurrence:
    """The same matrix with a drive that makes up for its rounding, as far as that is affine in the input."""
    recurrence = quantized.recurrence
    phi = recurrence.phi(state_of(model.prox, box.preactivations, recurrence.step_size))
    known = np.column_stack([box.raw, np.ones(len(box.raw))])
    gain = np.linalg.lstsq(known, phi, rcond=None)[0].T
    lost = (recurrence.matrix - quantized.matrix.values) @ gain
    drive = quantize_nearest(recurrence.drive + lost[:, :-1], quantized.drive.word_length, granularity, -MAX_SHIFT)
    return replace(quantized, drive=drive, drive_bias=recurrence.drive_bias + lost[:, -1])


def least_error(candidates: Sequence[QuantizedRecurrence], box: Box) -> QuantizedRecurrence:
    """The one whose outputs are off by the least, state rounding left out."""
    return min(candidates, key=lambda quantized: _largest_error(quantized, box))


def _largest_error(quantized: QuantizedRecurrence, box: Box) -> float:
    recurrence = quantized.recurrence
    outputs = recurrence.clip.prox(_settled(recurrence, quantized, box.raw)) @ quantized.readout.values.T
    error = np.abs(outputs + quantized.readout_bias + _direct(quantized, box.raw) - box.outputs).max()
    return float(error) if np.isfinite(error) else np.inf


def _direct(quantized: QuantizedRecurrence, raw: np.ndarray) -> np.ndarray | float:
    return 0.0 if quantized.feedthrough is None else raw @ quantized.feedthrough.values.T


def _settled(recurrence: Recurrence, quantized: QuantizedRecurrence, raw: np.ndarray) -> np.ndarray:
    d = raw @ quantized.drive.values.T + quantized.drive_bias
    M = (quantized.matrix.values + recurrence.leak * np.eye(d.shape[1])).T
    state = d
    for _ in range(MOST_UPDATES):
        updated = recurrence.phi(state) @ M + d
        change, state = np.abs(updated - state).max(initial=0.0), updated
        if not change > SETTLED:
            break
    return state
