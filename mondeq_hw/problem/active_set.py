"""The equilibrium by active sets, for samples on which splitting is too slow.

``prox`` is linear on three pieces a row, so ``v = W prox(v) + q`` is a linear
system once the pieces are known.  All rows on a wrong piece move at once
(semismooth Newton: Hintermüller, Ito & Kunisch, SIAM J. Optim. 13, 2003);
where their number stops falling, only the last of them moves, which cannot
cycle for a strongly monotone ``I - W`` (Murty 1974; as in the block principal
pivoting of Júdice & Pires, Comput. Oper. Res. 21, 1994).
"""

from __future__ import annotations

import numpy as np

from ..base import Clip, InputError

#: Moves of all rows at once that need not lower the number of wrong rows.
PATIENCE = 10


def solve_active_set(W: np.ndarray, clip: Clip, q: np.ndarray, start: np.ndarray, tolerance: float) -> np.ndarray:
    """``v = W prox(v) + q`` of one sample.

    Parameters
    ----------
    W : ndarray (n, n)
    clip : Clip
    q : ndarray (n,)
    start : ndarray (n,)
        A guess of ``v``.
    tolerance : float
        Largest ``||v - W prox(v) - q||_2`` allowed, as a share of the largest ``|v_i|``.

    Returns
    -------
    ndarray (n,)

    Raises
    ------
    InputError
        No solution was found.
    """
    slopes, offsets = _pieces(clip)
    n, rows = len(q), np.arange(len(q))
    piece, fewest, patience, residual = _piece_of(clip, start), n + 1, PATIENCE, np.inf
    for _ in range(100 * (n + 1)):
        try:
            v = np.linalg.solve(np.eye(n) - W * slopes[piece, rows], W @ offsets[piece, rows] + q)
        except np.linalg.LinAlgError:
            break
        residual = float(np.linalg.norm(v - W @ clip.prox(v) - q))
        if residual <= tolerance * np.abs(v).max():
            return v
        right = _piece_of(clip, v)
        wrong = np.flatnonzero(right != piece)
        if len(wrong) == 0:
            break
        fewest, patience = (len(wrong), PATIENCE) if len(wrong) < fewest else (fewest, patience - 1)
        moved = wrong if patience >= 0 else wrong[-1:]
        piece[moved] += np.sign(right - piece)[moved]
    raise InputError(
        f"its equilibrium was not found: v - W prox(v) - q is {residual:.3g}, expected at most {tolerance:g} of "
        "v. I - W is not strongly monotone, or so nearly not that double precision fails; train with a larger margin"
    )


def _piece_of(clip: Clip, v: np.ndarray) -> np.ndarray:
    """0, 1 or 2: not above the lower bound, between, above the upper one."""
    return (v > clip.lower).astype(int) + (v > clip.upper)


def _pieces(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """``prox(v) = slope v + offset`` on each piece (3, n); an infinite bound has an empty piece beyond it."""
    lower, upper = (np.where(np.isfinite(bound), bound, 0.0) for bound in (clip.lower, clip.upper))
    outside = clip.complement.astype(float)
    sign = 1 - 2 * outside
    return np.stack([outside, 1 - outside, outside]), np.stack([sign * lower, np.zeros(clip.n), sign * upper])
