"""The diagonal scaling of an inclusion whose reflected recurrence contracts fastest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..base import Interval
from .inclusion import Inclusion

#: Octaves, about the best ones so far: of the multipliers' scale against the variables', and of the step size.
BLOCK_SCALES = np.arange(-8, 9) / 2
STEPS = np.arange(-8, 9) / 4
#: Moves of such a grid onto a best point at its edge: more than any condition that is not refused asks for.
MOST_MOVES = 20
#: A contraction factor above this is worth a start that is far off.
SLOW = 0.99
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


def well_scaled(inclusion: Inclusion) -> Inclusion:
    """The diagonal scaling whose reflected recurrence contracts fastest, the step size among it.

    From a unit diagonal in each block and the best scale between the blocks, a descent on Schatten norms of
    ``C = 2 (I + T M T)^-1 - I`` in the logarithms of ``T``: smooth bounds of the spectral norm, ever sharper.
    Variables that are outputs as they are get powers of two, so that the stored readout and bounds are exact; the
    bounds of the others become short numbers, so that they are words of the state.
    """
    M, outputs = inclusion.M, _shown_alone(inclusion.O)
    scales = _fastest_from(_start(inclusion, 1), M, outputs)
    if _norm(M, scales) > SLOW:
        scales = min(scales, _fastest_from(_start(inclusion, MOST_MOVES), M, outputs), key=lambda T: _norm(M, T))
    return _with_short_bounds(inclusion, np.where(outputs, scales, _for_short_bounds(inclusion, scales)))


def _fastest_from(start: np.ndarray, M: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Where descents from some scales end, those of the outputs powers of two."""
    scales = _descend(M, start, np.ones(len(M), dtype=bool))
    if not outputs.any():
        return scales
    moves = [scales * 2.0**shift for shift in OUTPUT_SHIFTS]
    trials = [_descend(M, np.where(outputs, _dyadic(moved), moved), ~outputs) for moved in moves]
    return min(trials, key=lambda T: _norm(M, T))


def _start(inclusion: Inclusion, most_moves: int) -> np.ndarray:
    """The best of a grid of scales, which moves on until the best stands inside it: a small penalty asks for that."""
    M, multipliers = inclusion.M, inclusion.multipliers
    diagonal, two_blocks = np.diag(M).copy(), multipliers.any() and not multipliers.all()
    if two_blocks:
        # The multipliers of a saddle see the Schur complement.
        G = -M[np.ix_(multipliers, ~multipliers)]
        diagonal[multipliers] += np.einsum("ij,ij->i", G @ np.linalg.inv(M[np.ix_(~multipliers, ~multipliers)]), G)
    unit, moves = 1 / np.sqrt(diagonal), BLOCK_SCALES if two_blocks else np.zeros(1)
    grid = np.array([(block, step) for block in moves for step in STEPS])

    def scales(octaves: np.ndarray) -> np.ndarray:
        return np.asarray(unit * np.where(multipliers & two_blocks, 2.0 ** octaves[0], 1.0) * 2.0 ** octaves[1])

    return scales(_inside(lambda octaves: _norm(M, scales(octaves)), grid, most_moves))


def contraction(inclusion: Inclusion) -> float:
    """The contraction factor of the reflected recurrence as it is scaled."""
    return _norm(inclusion.M, np.ones(len(inclusion.M)))


def slowest(inclusion: Inclusion) -> tuple[float, np.ndarray]:
    """The contraction factor at the best step size, the scales as they are, and the direction (rows,) that has it."""
    M = inclusion.M

    def scales(octaves: np.ndarray) -> np.ndarray:
        return np.full(len(M), 2.0 ** octaves[0])

    best = _inside(lambda octaves: _norm(M, scales(octaves)), STEPS[:, None], MOST_MOVES)
    _, values, right = np.linalg.svd(2 * _resolvent(M, scales(best)) - np.eye(len(M)))
    # Both ends of a symmetric operator's spectrum have it; the lower one says what lacks curvature.
    direction = np.linalg.eigh(M)[1][:, 0] if (M == M.T).all() else right[0]
    return float(values[0]), direction


def _inside(value: Callable[[np.ndarray], float], grid: np.ndarray, most_moves: int) -> np.ndarray:
    """The point of least value on a grid (points, axes) about zero that moves on until that is not at its edge."""
    edge, centre = grid.max(axis=0), np.zeros(grid.shape[1])
    for _ in range(most_moves):
        best = min(centre + grid, key=value)
        moved, centre = np.abs(best - centre), best
        if not ((moved == edge) & (edge > 0)).any():
            break
    return centre


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
