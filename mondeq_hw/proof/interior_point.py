"""A primal-dual interior point method for a small semidefinite program whose facts are products of two linear forms.

    minimise t    such that    Z = t e0 e0' - sym(q e0') - sum_k y_k sym(a_k b_k')  is positive semidefinite,

``y_k >= 0`` where fact ``k`` is an inequality.  If ``(a_k x)(b_k x) >= 0`` for every ``x = (1, ..)`` of interest
(``= 0`` for an equation), then ``q x <= t`` for all of these: *every* feasible ``(t, y)`` is a bound, so nothing
depends on how well the program was solved.  Each fact is of rank two, so the Schur complement of a step costs four
products of matrices (Helmberg, Rendl, Vanderbei, Wolkowicz, "An interior-point method for semidefinite programming",
SIAM J. Optim. 1996, whose direction this is; predictor and corrector after Mehrotra).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, eigvalsh, solve_triangular

#: A step goes this far towards the border of the cone.
STEP_SHARE = 0.9
MOST_STEPS = 80
#: Doublings of the first multipliers in search of a feasible start.
DOUBLINGS = 40


@dataclass(frozen=True)
class Facts:
    """Products of two linear forms of ``x = (1, ..)`` that are not negative.

    Parameters
    ----------
    left, right : ndarray (facts, forms)
        ``a_k`` and ``b_k``.
    free : ndarray of bool (facts,)
        The product is zero.
    start : ndarray (facts,)
        First multipliers.
    growth : ndarray (facts,)
        They are times ``2^(k growth)``, for the first ``k`` at which ``Z`` without its first row is definite.
    """

    left: np.ndarray
    right: np.ndarray
    free: np.ndarray
    start: np.ndarray
    growth: np.ndarray

    def combined(self, y: np.ndarray) -> np.ndarray:
        """``-sum_k y_k sym(a_k b_k')``."""
        half = (self.left.T * y) @ self.right
        return -(half + half.T) / 2


@dataclass(frozen=True)
class Solved:
    """A bound, the multipliers that prove it, and second moments of ``x`` that nearly reach it, in floating point."""

    bound: float
    multipliers: np.ndarray
    moments: np.ndarray


def least_bound(
    facts: Facts, objective: np.ndarray, relative_gap: float = 2e-3, enough: float = -np.inf
) -> Solved | None:
    """The least ``t`` and its ``y``, or None where floating point finds no feasible start.

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
    cost = np.zeros((len(objective), len(objective)))
    cost[0, 1:] = cost[1:, 0] = -objective[1:] / (2 * size)
    y = _start(facts)
    if y is None:
        return None
    try:
        search = _Search(facts, cost, y)
    except np.linalg.LinAlgError:
        return None
    search.run(relative_gap, (enough - float(objective[0])) / size)
    if search.best is None:
        return None
    bound, y = search.best
    return Solved(bound * size + float(objective[0]), y * size, search.X / search.X[0, 0])


def _start(facts: Facts) -> np.ndarray | None:
    """Multipliers for which the form is positive definite beside its constant."""
    for k in range(DOUBLINGS):
        try:
            np.linalg.cholesky(facts.combined(facts.start * 2.0 ** (k * facts.growth))[1:, 1:])
        except np.linalg.LinAlgError:
            continue
        return np.asarray(facts.start * 2.0 ** ((k + 1) * facts.growth))
    return None


class _Search:
    """The iterates: ``t``, ``y`` and ``Z`` on the one side, ``X`` and the slacks' duals ``x`` on the other."""

    def __init__(self, facts: Facts, cost: np.ndarray, y: np.ndarray) -> None:
        self.facts, self.cost, self.signed = facts, cost, np.flatnonzero(~facts.free)
        self.best: tuple[float, np.ndarray] | None = None
        block = facts.combined(y)
        # The scale of the multipliers for which the bound is least; closed form, the constant of the form given.
        reach = cost[0, 1:] @ cho_solve(cho_factor(block[1:, 1:]), cost[0, 1:])
        self.y = y * np.sqrt(reach / max(-block[0, 0], 1e-12))
        self.t = 1.5 * self._bound()
        self.Z, s = self._gap(), self.y[self.signed]
        self.order = len(cost) + len(self.signed)
        mu = 5 * abs(self.t) / self.order
        self.X, self.x = mu * _inverse(self.Z), mu / s

    def run(self, relative_gap: float, enough: float) -> None:
        """Steps until the gap is small or the bound good enough, or floating point is at its end."""
        for _ in range(MOST_STEPS):
            try:
                self._step()
                bound = self._bound()
            except np.linalg.LinAlgError:
                return
            if self.best is None or bound < self.best[0]:
                self.best = bound, self.y.copy()
            if bound < enough:
                return
            if self._complementarity() < relative_gap * abs(bound) and abs(self.X[0, 0] - 1) < 1e-3:
                return

    def _gap(self) -> np.ndarray:
        Z = self.facts.combined(self.y) + self.cost
        Z[0, 0] += self.t
        return Z

    def _bound(self) -> float:
        """The least ``t`` for these multipliers."""
        Z = self.facts.combined(self.y) + self.cost
        return float(Z[0, 1:] @ cho_solve(cho_factor(Z[1:, 1:]), Z[0, 1:]) - Z[0, 0])

    def _complementarity(self) -> float:
        return float((self.X * self.Z).sum() + self.x @ self.y[self.signed])

    def _step(self) -> None:
        facts, X, x, s = self.facts, self.X, self.x, self.y[self.signed]
        W = _inverse(self.Z)
        left_X, right_X, left_W, right_W = facts.left @ X, facts.right @ X, facts.left @ W, facts.right @ W
        across_X, across_W = left_X @ facts.right.T, left_W @ facts.right.T
        K = len(self.y)
        H = np.empty((K + 1, K + 1))
        H[1:, 1:] = across_X.T * across_W + (right_X @ facts.right.T) * (left_W @ facts.left.T)
        H[1:, 1:] += (left_X @ facts.left.T) * (right_W @ facts.right.T) + across_X * across_W.T
        H[1:, 1:] /= 4
        H[1 + self.signed, 1 + self.signed] += x / s
        H[0, 0] = X[0, 0] * W[0, 0]
        H[0, 1:] = H[1:, 0] = -(left_X[:, 0] * right_W[:, 0] + right_X[:, 0] * left_W[:, 0]) / 2
        solve = _scaled_solver((H + H.T) / 2)
        barrier = np.concatenate([[W[0, 0]], -np.diag(across_W)])
        barrier[1 + self.signed] += 1 / s

        def direction(mu: float, second: np.ndarray, third: np.ndarray) -> tuple[np.ndarray, ...]:
            """To the centre at ``mu``; what the predictor's changes multiply to is taken off beforehand."""
            right_side = mu * barrier
            right_side[0] -= 1 + second[0, 0]
            right_side[1:] += ((facts.left @ second) * facts.right).sum(axis=1)
            right_side[1 + self.signed] -= third
            d = solve(right_side)
            dZ = facts.combined(d[1:])
            dZ[0, 0] += d[0]
            turned = X @ dZ @ W
            dX = mu * W - X - (turned + turned.T) / 2 - second
            return d, dZ, dX, mu / s - x - x * d[1 + self.signed] / s - third

        gap = self._complementarity()
        d, dZ, dX, dx = direction(0.0, np.zeros_like(W), np.zeros_like(s))
        dual, primal = self._lengths(d, dZ, dX, dx)
        ahead = ((X + primal * dX) * (self.Z + dual * dZ)).sum()
        ahead += (x + primal * dx) @ (s + dual * d[1 + self.signed])
        centring = 0.8 if max(dual, primal) < 0.2 else float(np.clip((ahead / gap) ** 2, 0.05, 0.8))
        second = dX @ dZ @ W
        d, dZ, dX, dx = direction(centring * gap / self.order, (second + second.T) / 2, dx * d[1 + self.signed] / s)
        dual, primal = self._lengths(d, dZ, dX, dx)
        self.t, self.y = self.t + dual * d[0], self.y + dual * d[1:]
        self.Z, self.X, self.x = self._gap(), X + primal * (dX + dX.T) / 2, x + primal * dx

    def _lengths(self, d: np.ndarray, dZ: np.ndarray, dX: np.ndarray, dx: np.ndarray) -> tuple[float, float]:
        dual = min(_room(self.Z, dZ), _ratio(self.y[self.signed], d[1 + self.signed]))
        primal = min(_room(self.X, dX), _ratio(self.x, dx))
        return min(1.0, STEP_SHARE * dual), min(1.0, STEP_SHARE * primal)


def _inverse(matrix: np.ndarray) -> np.ndarray:
    inverse = cho_solve(cho_factor(matrix), np.eye(len(matrix)))
    return np.asarray((inverse + inverse.T) / 2)


def _room(matrix: np.ndarray, change: np.ndarray) -> float:
    """How far a positive definite matrix can go along a change."""
    L = np.linalg.cholesky(matrix)
    half = solve_triangular(L, change, lower=True, check_finite=False)
    turned = solve_triangular(L, half.T, lower=True, check_finite=False)
    least = eigvalsh((turned + turned.T) / 2, subset_by_index=[0, 0])[0]
    return float(1 / max(-least, 1e-9))


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
        try:
            factor = cho_factor(unit, check_finite=False)
        except np.linalg.LinAlgError:
            ridge *= 10
        else:
            return lambda right_side: np.asarray(cho_solve(factor, right_side / scale) / scale)
