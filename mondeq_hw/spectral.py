"""Spectral rounding: choose up or down per entry so that the stored matrix contracts.

Nearest rounding minimises each entry's error and leaves the norm of the
whole to chance.  Here the rounding of single entries is flipped to their
other neighbour where that lowers ``||D M D^-1||_2`` the most for the error it
costs.  The gradient of the largest singular values ``sum_k u_k v_k'`` says
which flips do; a batch of them is kept only if the norm really falls.
"""

from __future__ import annotations

import numpy as np

from .quantize import IntegerMatrix, max_level
from .weighting import best_weighting

#: Singular values within this share of the largest pull together; one alone would zigzag.
CLUSTER = 0.03
#: Rounds of flips after which the search gives up.
MAX_ROUNDS = 400


def contraction_estimate(matrix: np.ndarray, enough: float = 0.0) -> float:
    """Floating-point ``min_D ||D M D^-1||_2``; the plain norm when that is small enough already."""
    norm = float(np.linalg.norm(matrix, 2))
    return norm if norm <= enough else min(norm, best_weighting(matrix)[0])


def weighted_norm(matrix: np.ndarray, weighting: np.ndarray) -> float:
    """``||D M D^-1||_2`` for ``D = diag(weighting)``."""
    return float(np.linalg.norm(matrix * weighting[:, None] / weighting[None, :], 2))


def round_spectral(target: np.ndarray, start: IntegerMatrix, leak: float, limit: float) -> IntegerMatrix:
    """Flip roundings of ``start`` until the iteration matrix has norm at most ``limit``.

    Parameters
    ----------
    target : ndarray (n, n)
        The real matrix that ``start`` rounds.
    start : IntegerMatrix (n, n)
        Any rounding of ``target``, nearest for instance.
    leak : float
        Diagonal term added to the matrix before the norm is taken.
    limit : float
        Norm at which to stop: each flip costs accuracy.

    Returns
    -------
    IntegerMatrix
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
    target: np.ndarray, start: IntegerMatrix, eye: np.ndarray, weighting: np.ndarray, limit: float
) -> IntegerMatrix:
    """Flip batches of entries while the norm for a fixed weighting falls."""
    scaled = np.ldexp(target, start.shifts[:, None])
    integers = start.integers.copy()
    step = np.ldexp(weighting, -start.shifts)[:, None] / weighting[None, :]
    outer = weighting[:, None] / weighting[None, :]
    norm = weighted_norm(start.values + eye, weighting)
    batch = max(1, integers.size // 200)
    for _ in range(MAX_ROUNDS):
        if norm <= limit or batch == 0:
            break
        values = np.ldexp(integers.astype(np.float64), -start.shifts[:, None]) + eye
        gradient = _norm_gradient(values * outer)
        move = _other_neighbour(scaled, integers, start.word_length) - integers
        gain = -gradient * move * step
        cost = (integers + move - scaled) ** 2 - (integers - scaled) ** 2
        # Flips that lower the error too are free; the floor keeps the ratio finite.
        merit = np.where(gain > 0, gain / np.maximum(cost, 0.05), 0.0)
        chosen = np.argsort(merit, axis=None)[::-1][:batch]
        chosen = chosen[merit.flat[chosen] > 0]
        if len(chosen) == 0:
            break
        trial = integers.copy()
        trial.flat[chosen] += move.flat[chosen]
        trial_norm = weighted_norm(np.ldexp(trial.astype(np.float64), -start.shifts[:, None]) + eye, weighting)
        if trial_norm < norm:
            integers, norm = trial, trial_norm
        else:
            batch //= 2
    return IntegerMatrix(integers, start.shifts, start.word_length)


def _norm_gradient(matrix: np.ndarray) -> np.ndarray:
    """Gradient of a smooth maximum of the singular values."""
    u, values, vt = np.linalg.svd(matrix)
    pull = np.exp((values - values[0]) / (CLUSTER * values[0]))
    return (u * (pull / pull.sum())) @ vt


def _other_neighbour(scaled: np.ndarray, integers: np.ndarray, word_length: int) -> np.ndarray:
    """The level on the other side of the target, or the entry itself where there is none."""
    if word_length == 1:
        # The two levels are neighbours of everything between them, and of zero.
        return np.where(np.abs(scaled) < 1, -integers, integers)
    top = max_level(word_length)
    other = np.where(integers > scaled, integers - 1, integers + 1)
    return np.where(np.abs(scaled) <= top, np.clip(other, -top, top), integers)
