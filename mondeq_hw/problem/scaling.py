"""The diagonal scaling of an inclusion whose reflected recurrence contracts fastest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import Interval
from .inclusion import Inclusion

#: Scales of the multipliers against the variables that are tried, and step sizes.
BLOCK_SCALES = 2.0 ** (np.arange(-8, 9) / 2)
STEPS = 2.0 ** (np.arange(-8, 9) / 4)
#: A contraction factor below this needs no better scaling.
FAST_ENOUGH = 0.1
#: Octaves by which all scales move before those of the outputs become powers of two.
OUTPUT_SHIFTS = (-0.5, -0.25, 0.0, 0.25)
#: A finite bound becomes a number of so many bits on this grid, so that it is a word of the state; and how far off
#: floating point may put it.
BOUND_BITS = 8
BOUND_GRID = 10
ROUND_OFF = 1e-12
LARGEST_LOGARITHM = 100.0
#: Of the norms that the scaling descends on, one after the other.
SCHATTEN_EXPONENTS = (8, 32, 128)


def well_scaled(inclusion: Inclusion, variables: int) -> Inclusion:
    """The diagonal scaling whose reflected recurrence contracts fastest, the step size among it.

    From a unit diagonal in each block and the best of some scales between the blocks, a descent on Schatten norms of
    ``C = 2 (I + T M T)^-1 - I`` in the logarithms of ``T``: smooth bounds of the spectral norm, ever sharper.
    Variables that are outputs as they are get powers of two, so that the stored readout and bounds are exact; the
    bounds of the others become short numbers, so that they are words of the state.
    """
    diagonal, multipliers = np.diag(inclusion.M).copy(), np.arange(len(inclusion.M)) >= variables
    if (inclusion.M != inclusion.M.T).any():
        # The multipliers of a saddle see the Schur complement.
        G = -inclusion.M[variables:, :variables]
        diagonal[multipliers] += np.einsum("ij,ij->i", G @ np.linalg.inv(inclusion.M[:variables, :variables]), G)
    unit = 1 / np.sqrt(diagonal)
    starts = [unit * np.where(multipliers, block, 1.0) * step for block in BLOCK_SCALES for step in STEPS]
    if not multipliers.any():
        starts = [unit * step for step in STEPS]
    scales = min(starts, key=lambda T: _norm(inclusion.M, T))
    scales = _descend(inclusion.M, scales, np.ones(len(scales), dtype=bool))
    outputs = _shown_alone(inclusion.O)
    trials = [scales]
    if outputs.any():
        moves = [scales * 2.0**shift for shift in OUTPUT_SHIFTS]
        trials = [_descend(inclusion.M, np.where(outputs, _dyadic(moved), moved), ~outputs) for moved in moves]
    scales = min(trials, key=lambda T: _norm(inclusion.M, T))
    return _with_short_bounds(inclusion, np.where(outputs, scales, _for_short_bounds(inclusion, scales)))


def _for_short_bounds(inclusion: Inclusion, scales: np.ndarray) -> np.ndarray:
    """The nearest scales for which the larger bound of each row is a short number."""
    result = scales.copy()
    for i, (kind, t) in enumerate(zip(inclusion.kinds, scales.tolist(), strict=True)):
        bound = max((abs(end) for end in (kind.lower, kind.upper) if np.isfinite(end)), default=0.0)
        scaled = bound * t if kind.complement else bound / t
        if scaled > 0:
            grid = min(BOUND_GRID, BOUND_BITS - int(np.ceil(np.log2(scaled))))
            short = np.ldexp(max(1.0, np.round(np.ldexp(scaled, grid))), -grid)
            result[i] = short / bound if kind.complement else bound / short
    return result


def _with_short_bounds(inclusion: Inclusion, scales: np.ndarray) -> Inclusion:
    """The scaled problem, bounds that floating point put beside a short number moved to it."""

    def snapped(end: float) -> float:
        short = float(np.ldexp(np.round(np.ldexp(end, BOUND_GRID)), -BOUND_GRID)) if np.isfinite(end) else end
        return short if abs(end - short) <= ROUND_OFF * abs(end) else end

    scaled = inclusion.scaled(scales)
    kinds = (Interval(snapped(kind.lower), snapped(kind.upper), kind.complement) for kind in scaled.kinds)
    return replace(scaled, kinds=tuple(kinds))


def _dyadic(scales: np.ndarray) -> np.ndarray:
    return np.asarray(2.0 ** np.round(np.log2(scales)))


def _shown_alone(O: np.ndarray) -> np.ndarray:  # noqa: E741 - the field's name for the readout
    """Rows that an output shows and no other row with it, bool."""
    alone = np.count_nonzero(O, axis=1) == 1
    return np.asarray((O[alone] != 0).any(axis=0))


def _descend(M: np.ndarray, scales: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Better scales, of the free rows only."""
    from scipy.optimize import minimize  # slow to import, and the command line starts with this wing

    for exponent in SCHATTEN_EXPONENTS:
        if _norm(M, scales) < FAST_ENOUGH or not free.any():
            break
        start = np.log(scales)

        def objective(x: np.ndarray, start: np.ndarray = start, exponent: int = exponent) -> tuple[float, np.ndarray]:
            moved = start.copy()
            moved[free] = x
            value, gradient = _schatten(moved, M, exponent)
            return value, gradient[free]

        found = scales.copy()
        found[free] = _exponential(minimize(objective, start[free], method="L-BFGS-B", jac=True).x)
        if _norm(M, found) < _norm(M, scales):
            scales = found
    return scales


def _exponential(logarithms: np.ndarray) -> np.ndarray:
    """Scales, kept where a step that goes too far overflows nothing."""
    return np.asarray(np.exp(np.clip(logarithms, -LARGEST_LOGARITHM, LARGEST_LOGARITHM)))


def _resolvent(M: np.ndarray, scales: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.linalg.inv(np.eye(len(M)) + scales[:, None] * M * scales)
    return result


def _norm(M: np.ndarray, scales: np.ndarray) -> float:
    return float(np.linalg.norm(2 * _resolvent(M, scales) - np.eye(len(M)), 2))


def _schatten(logarithms: np.ndarray, M: np.ndarray, exponent: int) -> tuple[float, np.ndarray]:
    """Logarithm of the Schatten norm of ``C``, and its gradient."""
    T = _exponential(logarithms)
    R = _resolvent(M, T)
    left, values, right = np.linalg.svd(2 * R - np.eye(len(M)))
    ratios = values / values[0]
    total = (ratios**exponent).sum()
    outer = (left * (ratios ** (exponent - 1) / (total * values[0]))) @ right
    inner = (-2 * R.T @ outer @ R.T) * (T[:, None] * M * T)
    return float(np.log(values[0]) + np.log(total) / exponent), inner.sum(axis=0) + inner.sum(axis=1)
