"""A network in other coordinates of its state: what is monotone in a diagonal metric becomes a MonDEQ in the plain one.

``z = t z'`` with ``t > 0`` turns ``z = prox(W z + U x + b)`` into ``z' = prox'(T^-1 W T z' + T^-1 (U x + b))``, for
relu commutes with positive factors, and the bounds of any other clip are divided by them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import Clip, Interval
from .model import MonDEQ, monotonicity_margin


def in_coordinates(model: MonDEQ, factors: np.ndarray) -> MonDEQ:
    """The same network on ``z / factors``; its margin is computed.

    Parameters
    ----------
    model : MonDEQ
    factors : ndarray (n,)
        Positive.
    """
    W = model.W * factors / factors[:, None]
    return replace(
        model,
        W=W,
        U=model.U / factors[:, None],
        b=model.b / factors,
        O=model.O * factors,
        monotonicity_margin=monotonicity_margin(W),
        clip=None if model.clip is None else _divided(model.clip, factors),
    )


def dominant_metric(W: np.ndarray) -> np.ndarray | None:
    """Factors in whose coordinates ``I - W`` is monotone, where it is diagonally dominant in some weighting.

    Let ``N`` be the comparison matrix of ``I - W``.  ``W`` contracts in a weighted infinity-norm, or has there a
    one-sided Lipschitz constant below 1, if and only if ``N v = 1`` and ``N' u = 1`` have positive solutions; then
    ``P = diag(u / v)`` makes ``P (I - W) + (I - W)' P`` positive definite (Berman & Plemmons, "Nonnegative matrices
    in the mathematical sciences", chapter 6), and the factors are ``P^-1/2``.

    Returns
    -------
    ndarray (n,) or None
        None where ``I - W`` is not diagonally dominant in any weighting.
    """
    operator = np.eye(len(W)) - W
    diagonal = np.diag(operator)
    comparison = np.diag(np.abs(diagonal) + np.abs(diagonal)) - np.abs(operator)
    try:
        v, u = (np.linalg.solve(matrix, np.ones(len(W))) for matrix in (comparison, comparison.T))
    except np.linalg.LinAlgError:
        return None
    return np.sqrt(v / u) if (diagonal > 0).all() and (v > 0).all() and (u > 0).all() else None


def _divided(clip: Clip, factors: np.ndarray) -> Clip:
    kinds = [clip.kinds[row] for row in clip.rows]
    return Clip.of(
        [
            Interval(kind.lower / factor, kind.upper / factor, kind.complement)
            for kind, factor in zip(kinds, factors.tolist(), strict=True)
        ]
    )
