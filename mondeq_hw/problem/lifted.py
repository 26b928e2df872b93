"""Variables by which modelling languages write maxima: of no quadratic cost, in inequalities alone, and not shown.

Of ``t >= r`` and ``t >= s`` at a cost of ``c t`` there remains ``c max(r, s) = c (r + s) / 2 + c |r - s| / 2``: a
linear cost, and a row whose slack has a weight.  Of one that costs nothing, that no lower bound is above an upper one
(Fourier and Motzkin), where that takes no more rows.  So ``abs``, ``norm1``, ``pos`` and ``huber`` in a cost, ``abs``
and ``norm_inf`` in a constraint, are rows of the variables that they are of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .equalities import without_empty
from .quadratic_program import Affine, QuadraticProgram
from .slack import Slack


def without_maxima(problem: QuadraticProgram) -> QuadraticProgram:
    """The same problem in the other variables."""
    while (found := _without_first(problem)) is not None:
        problem = without_empty(found)
    return problem


@dataclass(frozen=True)
class _Bounds:
    """``G x + h``, which a variable is not below, or not above.

    Parameters
    ----------
    G : ndarray (bounds, n)
        Zero at the variable itself.
    h : Affine (bounds)
    source : ndarray of int (bounds,)
        Numbers of their rows in the user's problem.
    """

    G: np.ndarray
    h: Affine
    source: np.ndarray

    @staticmethod
    def of(problem: QuadraticProgram, t: int) -> tuple[_Bounds, _Bounds]:
        """The lower ones and the upper ones."""
        having = problem.rows(np.flatnonzero(problem.A[:, t]))
        scale = having.A[:, t]
        G = -having.A / scale[:, None]
        G[:, t] = 0.0
        bounds: tuple[list[_Bounds], list[_Bounds]] = ([], [])
        for end, rising in ((having.l, 0), (having.u, 1)):
            for side, turned in ((rising, scale > 0), (1 - rising, scale < 0)):
                which = turned & np.isfinite(end.offset)
                h = Affine(end.offset[which] / scale[which], end.gain[which] / scale[which, None])
                bounds[side].append(_Bounds(G[which], h, having.source[which]))
        return bounds[0][0].above(bounds[0][1]).tightest(-1), bounds[1][0].above(bounds[1][1]).tightest(1)

    def above(self, other: _Bounds) -> _Bounds:
        """The bounds of both."""
        return _Bounds(np.vstack([self.G, other.G]), self.h.above(other.h), np.append(self.source, other.source))

    def plus(self, other: _Bounds) -> _Bounds:
        """The sums, bound by bound."""
        return _Bounds(self.G + other.G, self.h.plus(other.h), self.source)

    def times(self, factor: float) -> _Bounds:
        """Those of a multiple; of a negative one they are on the other side."""
        return _Bounds(factor * self.G, Affine(factor * self.h.offset, factor * self.h.gain), self.source)

    def tightest(self, sign: int) -> _Bounds:
        """Of those that differ by a constant only the one of the least, by the sign."""
        moved = np.hstack([self.G, self.h.gain])
        order = np.argsort(sign * self.h.offset, kind="stable")
        return self.pick(np.sort(order[np.unique(moved[order], axis=0, return_index=True)[1]]))

    def pick(self, index: np.ndarray) -> _Bounds:
        """Some of them."""
        return _Bounds(self.G[index], self.h.rows(index), self.source[index])


def _without_first(problem: QuadraticProgram) -> QuadraticProgram | None:
    """The problem without the first such variable; None where there is none."""
    other = problem.P.any(axis=0) | problem.q.gain.any(axis=1) | problem.S.any(axis=0)
    other |= problem.A[problem.equal | problem.slack.soft].any(axis=0)
    for t in np.flatnonzero(~other & problem.A.any(axis=0)).tolist():
        (lower, upper), cost = _Bounds.of(problem, t), float(problem.q.offset[t])
        if cost < 0:  # a minimum, by the negative
            lower, upper, cost = upper.times(-1.0), lower.times(-1.0), -cost
        low, high = len(lower.source), len(upper.source)
        if low * high <= low + high and (cost == 0 or 1 <= low <= 2):
            return _without(problem, t, lower, upper, cost)
    return None


def _without(problem: QuadraticProgram, t: int, lower: _Bounds, upper: _Bounds, cost: float) -> QuadraticProgram:
    """With rows that are at most zero, one for each pair of bounds, and one whose distance from zero is weighed."""
    i, j = (index.ravel() for index in np.indices((len(lower.source), len(upper.source))))
    rows, weights = lower.pick(i).plus(upper.pick(j).times(-1.0)), np.zeros(len(i))
    offset = problem.q.offset.copy()
    if cost:
        offset += cost * lower.G.mean(axis=0)
        apart = lower.pick(np.array([0])).plus(lower.pick(np.array([-1])).times(-1.0))
        if apart.G.any():
            rows, weights = rows.above(apart.times(0.5)), np.append(weights, cost)
    right = rows.times(-1.0).h
    left = Affine(np.where(weights > 0, right.offset, -np.inf), np.where(weights[:, None] > 0, right.gain, 0.0))
    stay, kept = problem.rows(np.flatnonzero(problem.A[:, t] == 0)), np.arange(len(offset)) != t
    return replace(
        stay,
        P=problem.P[np.ix_(kept, kept)],
        q=Affine(offset, problem.q.gain).rows(kept),
        A=np.vstack([stay.A, rows.G])[:, kept],
        l=stay.l.above(left),
        u=stay.u.above(right),
        S=problem.S[:, kept],
        source=np.append(stay.source, rows.source),
        variables=problem.variables[kept],
        slack=stay.slack.above(Slack(np.zeros(len(weights)), weights)),
    )
