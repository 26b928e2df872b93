"""A primal-dual interior point method for a small semidefinite program whose facts are products of two linear forms.

    minimise t    such that    Z = t e0 e0' - sym(q e0') - sum_k y_k sym(a_k b_k')  is positive semidefinite,

``y_k >= 0`` where fact ``k`` is an inequality.  If ``(a_k x)(b_k x) >= 0`` for every ``x = (1, ..)`` of interest
(``= 0`` for an equation), then ``q x <= t`` for all of these: *every* feasible ``(t, y)`` is a bound, so nothing
depends on how well the program was solved.  Each fact is of rank two, so the Schur complement of a step costs six
products of matrices (Helmberg, Rendl, Vanderbei, Wolkowicz, "An interior-point method for semidefinite programming",
SIAM J. Optim. 1996, whose direction this is; predictor and corrector after Mehrotra).  It starts from multiples of the
identity, where no constraint holds yet: from a feasible point at the border of the cone the path is long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

#: A step goes this far towards the border of the cone.
STEP_SHARE = 0.9
MOST_STEPS = 80
#: First moments and first matrix, times the identity; forms and objective have norm one.
FIRST_MOMENTS, FIRST_MATRIX = 1.0, 100.0
#: Moments that miss their constraints by less are as good as feasible.
NEARLY_FEASIBLE = 1e-3


@dataclass(frozen=True)
class Facts:
    """Products of two linear forms of ``x = (1, ..)`` that are not negative.

    Parameters
    ----------
    left, right : ndarray (facts, forms)
        ``a_k`` and ``b_k``, of norm one.
    free : ndarray of bool (facts,)
        The product is zero.
    slack : ndarray (facts,)
        How far below zero the moments' product may be: what a multiplier costs, so that none grows without end.
    """

    left: np.ndarray
    right: np.ndarray
    free: np.ndarray
    slack: np.ndarray

    def combined(self, y: np.ndarray) -> np.ndarray:
        """``-sum_k y_k sym(a_k b_k')``."""
        half = (self.left.T * y) @ self.right
        return -(half + half.T) / 2

    def values(self, X: np.ndarray) -> np.ndarray:
        """``a_k' X b_k`` (facts,)."""
        return np.asarray(((self.left @ X) * self.right).sum(axis=1))


@dataclass(frozen=True)
class Solved:
    """A bound, the multipliers that prove it, and second moments of ``x`` that nearly reach it, in floating point."""

    bound: float
    multipliers: np.ndarray
    moments: np.ndarray


def least_bound(
    facts: Facts, objective: np.ndarray, relative_gap: float = 2e-3, enough: float = -np.inf
) -> Solved | None:
    """The least ``t`` and its ``y``, or None where floating point finds none.

    Parameters
    ----------
    facts : Facts
    objective : ndarray (forms,)
        ``q``; its first entry is the constant.
    relative_gap : float
        Of the duality gap to the bound, where the search stops.
    enough : float
        It stops at any bound below this, too.
    """
    size = float(np.linalg.norm(objective[1:])) or 1.0
    search = _Search(facts, objective / size)
    search.run(relative_gap, (enough - float(objective[0])) / size)
    if search.best is None:
        return None
    bound, y = search.best
    return Solved(bound * size + float(objective[0]), y * size, search.X / search.X[0, 0])


class _Search:
    """The iterates: ``t``, ``y``, matrix ``Z`` and slacks ``s`` on the one side, moments ``X`` and ``x`` on the other.

    ``Z`` and ``s`` become what ``t`` and ``y`` make of them with the first full step.
    """

    def __init__(self, facts: Facts, objective: np.ndarray) -> None:
        self.facts, self.signed = facts, np.flatnonzero(~facts.free)
        size, signed = len(objective), len(self.signed)
        self.cost = np.zeros((size, size))
        self.cost[0, 1:] = self.cost[1:, 0] = -objective[1:] / 2
        self.t, self.y = 0.0, np.zeros(len(facts.left))
        self.Z, self.s = FIRST_MATRIX * np.eye(size), np.full(signed, FIRST_MATRIX)
        self.X, self.x = FIRST_MOMENTS * np.eye(size), np.full(signed, FIRST_MOMENTS)
        self.best: tuple[float, np.ndarray] | None = None

    def run(self, relative_gap: float, enough: float) -> None:
        """Steps until the gap is small or the bound good enough, or floating point is at its end."""
        for _ in range(MOST_STEPS):
            try:
                self._step()
                bound = self._bound()
            except (np.linalg.LinAlgError, ValueError):  # singular, or beyond floating point
                return
            if bound < (np.inf if self.best is None else self.best[0]):
                self.best = bound, self.y.copy()
            missed = np.abs(self._constraints(self.X, self.x) - self._right_side()).max()
            closed = self._gap() < relative_gap * abs(bound) < np.inf
            if bound < enough or (closed and missed < NEARLY_FEASIBLE):
                return

    def _matrix(self) -> np.ndarray:
        Z = self.facts.combined(self.y) + self.cost
        Z[0, 0] += self.t
        return Z

    def _bound(self) -> float:
        """The least ``t`` for these multipliers; infinite where they prove nothing."""
        if not (self.y[self.signed] > 0).all():
            return np.inf
        Z = self.facts.combined(self.y) + self.cost
        try:
            factor = cho_factor(Z[1:, 1:])
        except np.linalg.LinAlgError:
            return np.inf
        return float(Z[0, 1:] @ cho_solve(factor, Z[0, 1:]) - Z[0, 0])

    def _gap(self) -> float:
        return float((self.X * self.Z).sum() + self.x @ self.s)

    def _constraints(self, X: np.ndarray, x: np.ndarray) -> np.ndarray:
        """What the moments are to satisfy: one for ``t``, then one a multiplier."""
        values = np.concatenate([[X[0, 0]], -self.facts.values(X)])
        values[1 + self.signed] += x
        return values

    def _right_side(self) -> np.ndarray:
        return np.concatenate([[1.0], self.facts.slack])

    def _step(self) -> None:
        X, x, s = self.X, self.x, self.s
        L = np.linalg.cholesky(self.Z)
        roots = np.linalg.cholesky(X), L
        half = _solved(L, np.eye(len(L)))
        W = half.T @ half
        solve = _scaled_solver(self._schur(W))
        missing, short = self._matrix() - self.Z, self.y[self.signed] - s

        def turned(change: np.ndarray) -> np.ndarray:
            product = X @ change @ W
            return (product + product.T) / 2

        away = turned(missing)

        def direction(mu: float, second: np.ndarray, third: np.ndarray) -> tuple[np.ndarray, ...]:
            """To the centre at ``mu``; what the predictor's changes multiply to is taken off beforehand."""
            aim = self._constraints(mu * W - away - second, mu / s - x * short / s - third)
            d = solve(aim - self._right_side())
            dZ = self.facts.combined(d[1:]) + missing
            dZ[0, 0] += d[0]
            ds = d[1 + self.signed] + short
            return d, dZ, ds, mu * W - X - turned(dZ) - second, mu / s - x - x * ds / s - third

        gap = self._gap()
        d, dZ, ds, dX, dx = direction(0.0, np.zeros_like(W), np.zeros_like(s))
        dual, primal = self._lengths(roots, dZ, ds, dX, dx)
        ahead = ((X + primal * dX) * (self.Z + dual * dZ)).sum() + (x + primal * dx) @ (s + dual * ds)
        centring = 0.8 if max(dual, primal) < 0.2 else float(np.clip((ahead / gap) ** 2, 0.05, 0.8))
        second = dX @ dZ @ W
        mu = centring * gap / (len(X) + len(x))
        d, dZ, ds, dX, dx = direction(mu, (second + second.T) / 2, dx * ds / s)
        dual, primal = self._lengths(roots, dZ, ds, dX, dx)
        self.t, self.y = self.t + dual * d[0], self.y + dual * d[1:]
        self.Z, self.s = self.Z + dual * dZ, s + dual * ds
        self.X, self.x = X + primal * dX, x + primal * dx

    def _schur(self, W: np.ndarray) -> np.ndarray:
        """What a change of ``t`` and ``y`` does to the moments' constraints."""
        left, right, X = self.facts.left, self.facts.right, self.X
        left_X, right_X, left_W, right_W = left @ X, right @ X, left @ W, right @ W
        across = (right @ left_X.T) * (left_W @ right.T)
        H = np.empty((len(left) + 1, len(left) + 1))
        H[1:, 1:] = across + across.T
        H[1:, 1:] += (right_X @ right.T) * (left_W @ left.T)
        H[1:, 1:] += (left_X @ left.T) * (right_W @ right.T)
        H[1:, 1:] /= 4
        H[1 + self.signed, 1 + self.signed] += self.x / self.s
        H[0, 0] = X[0, 0] * W[0, 0]
        H[0, 1:] = H[1:, 0] = -(left_X[:, 0] * right_W[:, 0] + right_X[:, 0] * left_W[:, 0]) / 2
        return H

    def _lengths(
        self, roots: tuple[np.ndarray, np.ndarray], dZ: np.ndarray, ds: np.ndarray, dX: np.ndarray, dx: np.ndarray
    ) -> tuple[float, float]:
        """How far the steps of both sides may go."""
        dual = min(_room(roots[1], dZ), _ratio(self.s, ds))
        primal = min(_room(roots[0], dX), _ratio(self.x, dx))
        return min(1.0, STEP_SHARE * dual), min(1.0, STEP_SHARE * primal)


def _room(root: np.ndarray, change: np.ndarray) -> float:
    """How far a positive definite matrix, given by its factor, can go along a change."""
    turned = _solved(root, _solved(root, change).T)
    least = np.linalg.eigvalsh((turned + turned.T) / 2)[0]
    return float(1 / max(-least, 1e-9))


def _solved(root: np.ndarray, right_side: np.ndarray) -> np.ndarray:
    """Of a lower triangle; the matrices are so small that checks around LAPACK would take most of the time."""
    found, singular = dtrtrs(root, right_side, lower=1)
    if singular:
        raise np.linalg.LinAlgError("singular")
    return np.asarray(found)


def _ratio(values: np.ndarray, change: np.ndarray) -> float:
    falling = change < 0
    return float(np.min(-values[falling] / change[falling], initial=np.inf))


def _scaled_solver(H: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Of a nearly singular positive semidefinite system, a little regularised where it must be."""
    scale = np.sqrt(np.maximum(np.diag(H), 1e-300))
    unit, diagonal = H / scale[:, None] / scale, np.diag_indices(len(H))
    ridge = 1e-14
    while True:
        unit[diagonal] += ridge
        factor, not_positive = dpotrf(unit)
        if not not_positive:
            return lambda right_side: np.asarray(dpotrs(factor, right_side / scale)[0] / scale)
        ridge *= 10
