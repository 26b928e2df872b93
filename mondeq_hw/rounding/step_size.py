"""The step size at which the stored integers contract fastest: searched without samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base import side_by_side
from ..problem import Splitting
from .quantize import quantize_nearest
from .spectral import contraction_estimate

#: Share of the best float contraction gap ``1 - rho`` that a step size must keep.
FAST_ENOUGH = 0.75
#: Rows from which on not every step size is tried, but every so many, and then those around the best one.
LARGE = 384
COARSE = 4


@dataclass(frozen=True)
class Trial:
    """One step size: contraction factors of the float iteration and of its nearest integers.

    Parameters
    ----------
    step_size, factor, stored_factor : float
    """

    step_size: float
    factor: float
    stored_factor: float


@dataclass(frozen=True)
class StepSearch:
    """What a step size is tried on.

    Parameters
    ----------
    W : ndarray (n, n)
    splitting : Splitting
    bits : int
        Word length of the iteration matrix.
    granularity : str
        Of its scales.
    threads : int
        That try step sizes side by side.
    """

    W: np.ndarray
    splitting: Splitting
    bits: int
    granularity: str
    threads: int

    def fastest(self, steps: Sequence[float]) -> Trial:
        """The trial of least stored factor among those whose float iteration contracts nearly as well as the best.

        At extreme step sizes the stored norm is small only because rounding has deleted the network: ``C`` tends to
        ``-I`` and its other entries to zero.
        """
        fast = _fast(self._around_the_best(steps) if len(self.W) >= LARGE else self._tried(steps))
        if _least(fast).stored_factor < 1:
            return _least(fast)
        # A weighting is searched only where the plain norm proves nothing: it takes longer.
        return _least(self._tried([trial.step_size for trial in fast], enough=0.0))

    def _around_the_best(self, steps: Sequence[float]) -> list[Trial]:
        """Every ``COARSE``-th step size, and then those half as far from the best one, and again."""
        tried: dict[int, Trial] = {}
        stride, indices = COARSE, list(range(0, len(steps), COARSE))
        while indices:
            tried |= zip(indices, self._tried([steps[index] for index in indices]), strict=True)
            best, stride = list(tried)[list(tried.values()).index(_least(_fast(list(tried.values()))))], stride // 2
            indices = [index for index in (best - stride, best + stride) if stride and 0 <= index < len(steps)]
        return list(tried.values())

    def _tried(self, steps: Sequence[float], enough: float = np.inf) -> list[Trial]:
        return side_by_side(lambda step: self._trial(step, enough), steps, self.threads)

    def _trial(self, step: float, enough: float) -> Trial:
        # Half the digits, and of the time: at these step sizes a resolvent's condition is below 4 / sqrt(LEAST_MARGIN).
        rough = len(self.W) >= LARGE and enough == np.inf
        W = self.W.astype(np.float32) if rough else self.W
        matrix, shift = self.splitting.fold(W, step)[0], self.splitting.leak_shift(step)
        stored = quantize_nearest(matrix, self.bits, self.granularity, shift).values.astype(W.dtype)
        for each in (matrix, stored):
            each[np.diag_indices(len(W))] += 1.0 - 2.0**-shift
        return Trial(step, contraction_estimate(matrix, np.inf), contraction_estimate(stored, enough))


def _fast(trials: list[Trial]) -> list[Trial]:
    least = FAST_ENOUGH * max(1 - trial.factor for trial in trials)
    return [trial for trial in trials if 1 - trial.factor >= least] or trials


def _least(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.stored_factor)
