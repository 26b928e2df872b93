"""Spectral rounding: choose up or down per entry so that the stored matrix contracts.

Nearest rounding minimises each entry's error and leaves the norm of the
whole to chance.  Here the rounding of single entries is flipped to their
other neighbour where that lowers ``||D M D^-1||_2`` the most for the error it
costs.  The descent is on Schatten norms ``(sum_k sigma_k^p)^(1/p)``: smooth
bounds of the spectral norm that see all large singular values at once, where
the largest one alone would zigzag.
"""

from __future__ import annotations

import numpy as np

from ..base import DenseOperator, max_level, spectral_norm
from ..proof import best_weighting

#: Of an estimate, by which step sizes are compared and no factor is proved.
ESTIMATE_TOLERANCE = 1e-4
#: Exponents of the Schatten norms descended on, one after the other.  Multiples of four.
EXPONENTS = (8, 32)
#: First batches flip this share of all entries.
FIRST_BATCH = 0.01
#: Single flips that may fail in a row: a flip can overshoot where the next best one does not.
MOST_FAILURES = 24
#: Trials per exponent: what large matrices gain beyond is not worth the time.
MOST_TRIALS = 400
#: Least rise of the squared error, in units of the scale, that a flip is charged: some are free.
LEAST_COST = 0.05


def contraction_estimate(matrix: np.ndarray, enough: float = 0.0) -> float:
    """Floating-point ``min_D ||D M D^-1||_2``; the plain norm when that is small enough already."""
    norm = spectral_norm(matrix, ESTIMATE_TOLERANCE)
    return norm if norm <= enough else min(norm, best_weighting(matrix)[0])


def weighted_norm(matrix: np.ndarray, weighting: np.ndarray) -> float:
    """``||D M D^-1||_2`` for ``D = diag(weighting)``."""
    return spectral_norm(matrix * weighting[:, None] / weighting[None, :])


def round_spectral(target: np.ndarray, start: DenseOperator, leak: float, limit: float) -> DenseOperator:
    """Flip roundings of ``start`` until the iteration matrix has norm at most ``limit``.

    Parameters
    ----------
    target : ndarray (n, n)
        The real matrix that ``start`` rounds.
    start : DenseOperator (n, n)
        Any rounding of ``target``, nearest for instance.
    leak : float
        Diagonal term added to the matrix before the norm is taken.
    limit : float
        Norm at which to stop: each flip costs accuracy.

    Returns
    -------
    DenseOperator
        Same scales.  Its weighted norm is the lowest found, at most that of
        ``start``; whether it contracts is for the certificate to prove.
    """
    eye = leak * np.eye(len(target))
    matrix = start
    norm, weighting = contraction_estimate(matrix.values + eye, limit), np.ones(len(target))
    if norm > limit:
        norm, weighting = best_weighting(matrix.values + eye)
    for _ in range(3):
        # The flips change the matrix, the matrix its best weighting: alternate.
        if norm <= limit:
            break
        matrix = _descend(target, matrix, eye, weighting, limit)
        previous, (norm, weighting) = norm, best_weighting(matrix.values + eye)
        if norm > previous - 1e-4:
            break
    return matrix


def _descend(
    target: np.ndarray, start: DenseOperator, eye: np.ndarray, weighting: np.ndarray, limit: float
) -> DenseOperator:
    """Flip batches of entries while the Schatten norms for a fixed weighting fall."""
    scaled = np.ldexp(target, start.shifts[:, None])
    outer = weighting[:, None] / weighting[None, :]
    step = np.ldexp(outer, -start.shifts[:, None])
    integers = start.integers
    best, best_norm = integers, weighted_norm(start.values + eye, weighting)
    for exponent in EXPONENTS:
        value = _schatten(integers * step + eye, exponent)
        moves, order = _flips(scaled, integers, step, eye, exponent, start.word_length)
        batch, failures = max(1, int(FIRST_BATCH * integers.size)), 0
        for _ in range(MOST_TRIALS):
            if failures == MOST_FAILURES or best_norm <= limit:
                break
            chosen = order[failures : failures + 1] if batch == 1 else order[:batch]
            trial = integers.copy()
            trial.flat[chosen] += moves.flat[chosen]
            trial_value = _schatten(trial * step + eye, exponent)
            if trial_value < value:
                integers, value, failures = trial, trial_value, 0
                moves, order = _flips(scaled, integers, step, eye, exponent, start.word_length)
                norm = spectral_norm(integers * step + eye)
                if norm < best_norm:
                    best, best_norm = integers, norm
            elif batch > 1:
                batch //= 2
            else:
                failures += 1  # the next best single flip
    return DenseOperator(best, start.shifts, start.word_length)


def _flips(
    scaled: np.ndarray, integers: np.ndarray, step: np.ndarray, eye: np.ndarray, exponent: int, word_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """The move of every entry to its other neighbour, and the entries by descent for the error, best first."""
    moves = _other_neighbour(scaled, integers, word_length) - integers
    gain = -_schatten_gradient(integers * step + eye, exponent) * moves * step
    cost = (integers + moves - scaled) ** 2 - (integers - scaled) ** 2
    merit = np.where(gain > 0, gain / np.maximum(cost, LEAST_COST), 0.0)
    order = np.argsort(-merit, axis=None)
    return moves, order[merit.flat[order] > 0]


def _schatten(matrix: np.ndarray, exponent: int) -> float:
    """``tr((M'M)^(p/2))^(1/p)``, by matrix powers: no decomposition needed."""
    scale = np.linalg.norm(matrix)
    if scale == 0:
        return 0.0
    gram = (matrix / scale).T @ (matrix / scale)
    power = np.linalg.matrix_power(gram, exponent // 4)
    return float(scale * np.linalg.norm(power) ** (2 / exponent))


def _schatten_gradient(matrix: np.ndarray, exponent: int) -> np.ndarray:
    """Direction of steepest ascent of :func:`_schatten`, up to a positive factor."""
    unit = matrix / max(np.linalg.norm(matrix), np.finfo(float).tiny)
    power = np.linalg.matrix_power(unit.T @ unit, exponent // 2 - 1)
    gradient = unit @ power
    return gradient / max(np.abs(gradient).max(), np.finfo(float).tiny)


def _other_neighbour(scaled: np.ndarray, integers: np.ndarray, word_length: int) -> np.ndarray:
    """The level on the other side of the target, or the entry itself where there is none."""
    if word_length == 1:
        # The two levels are neighbours of everything between them, and of zero.
        return np.where(np.abs(scaled) < 1, -integers, integers)
    top = max_level(word_length)
    other = np.where(integers > scaled, integers - 1, integers + 1)
    return np.where(np.abs(scaled) <= top, np.clip(other, -top, top), integers)
