"""A quadratic program as a monotone inclusion: primal, saddle or dual, by what its constraints are.

primal
    Bounds of single variables only: ``M = P``, every row a clip.
saddle
    Other rows soft, with penalty ``slack^2 / (2 delta)``: ``M = [[P, G'], [-G, diag(delta)]]``, bounds of single
    variables stay clips, multipliers are nonnegative, free, or the complement of a clip.
dual
    Hard rows, linearly independent: ``M = G P^-1 G'``, one row a constraint; ``z`` is linear in multipliers and theta.

A weight of ``|z_i|``, or of a variable's distance from an affine number, makes the variable's row a soft threshold, and
is a row of the dual, its multiplier clipped; of a variable whose bounds fix its sign it is a linear cost.  So is the
multiplier of every row whose slack has a weight: the slack costs no more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base import FREE, InputError, Interval, soft_threshold
from .contents import listed, rows_of
from .equalities import substituted
from .quadratic_program import GUILTY, LEAST_EIGENVALUE, Affine, ProblemError, QuadraticProgram


@dataclass(frozen=True)
class Inclusion:
    """``0 in M s + E theta + c + N(s)``, ``y = O s + F theta + o``; the rows of ``N`` are those of a clip.

    Parameters
    ----------
    M : ndarray (rows, rows)
        ``M + M'`` positive definite.
    E : ndarray (rows, p)
    c : ndarray (rows,)
    kinds : tuple of Interval (rows,)
    O : ndarray (k, rows)
    F : ndarray (k, p)
    o : ndarray (k,)
    multipliers : ndarray of bool (rows,)
        Rows that are multipliers; the others are variables.
    source : ndarray (rows,)
        Number of each row's constraint, or variable, in the user's problem; of a weight's multiplier ``~variable``.
    """

    M: np.ndarray
    E: np.ndarray
    c: np.ndarray
    kinds: tuple[Interval, ...]
    O: np.ndarray  # noqa: E741 - the field's name for the readout
    F: np.ndarray
    o: np.ndarray
    multipliers: np.ndarray
    source: np.ndarray

    def scaled(self, scales: np.ndarray) -> Inclusion:
        """The same in ``s / scales``."""
        bounds = [
            # A complement is the prox of a support function, whose set grows with the scale.
            Interval(kind.lower * t, kind.upper * t, True)
            if kind.complement
            else Interval(kind.lower / t, kind.upper / t)
            for kind, t in zip(self.kinds, scales.tolist(), strict=True)
        ]
        column = scales[:, None]
        return replace(
            self,
            M=column * self.M * scales,
            E=column * self.E,
            c=scales * self.c,
            kinds=tuple(bounds),
            O=self.O * scales,
        )


def inclusion_of(problem: QuadraticProgram) -> Inclusion:
    _require_one_each(problem)
    own = problem.own_thresholds
    others = np.flatnonzero(~problem.clipping & ~own)
    if (problem.slack.delta[others] > 0).all():
        return _saddle(problem, np.flatnonzero(own), others)
    return _dual(problem)


def with_signs(problem: QuadraticProgram) -> QuadraticProgram:
    """Weights of a variable's distance from a number as linear costs, where its own bounds fix the sign of that."""
    weighing = np.flatnonzero(problem.thresholds & problem.single)
    if not len(weighing):
        return problem
    lower, upper = _variable_bounds(problem)
    at, number, weights = _distances(problem, weighing)
    sign = np.where(lower[at] >= number.offset, 1.0, np.where(upper[at] <= number.offset, -1.0, 0.0))
    offset = problem.q.offset.copy()
    np.add.at(offset, at, sign * weights)
    rows = np.setdiff1d(np.arange(len(problem.A)), weighing[sign != 0])
    return replace(problem.rows(rows), q=replace(problem.q, offset=offset))


def _saddle(problem: QuadraticProgram, own: np.ndarray, others: np.ndarray) -> Inclusion:
    """Variables, each with its clip or threshold, over the multipliers of the soft rows; primal without these."""
    lower, upper = _variable_bounds(problem)
    problem, weights = _from_thresholds(problem, own)
    origin = np.array([_simplest(a, b) for a, b in zip(lower.tolist(), upper.tolist(), strict=True)])
    rows = _one_kind_each(problem.rows(others))
    G, shift = rows.G, rows.target.offset - rows.G @ origin
    M = np.block([[problem.P, G.T], [-G, np.diag(rows.delta)]])
    E = np.vstack([problem.q.gain, rows.target.gain])
    c = np.concatenate([problem.q.offset + problem.P @ origin, shift])
    ends = zip((lower - origin).tolist(), (upper - origin).tolist(), weights.tolist(), strict=True)
    kinds = [soft_threshold(weight) if weight else Interval(a, b) for a, b, weight in ends]
    O = np.hstack([problem.S, np.zeros((len(problem.S), len(G)))])  # noqa: E741
    shown = problem.o.plus(Affine(problem.S @ origin, np.zeros_like(problem.o.gain)))
    multipliers = np.arange(len(M)) >= len(problem.P)
    source = np.concatenate([problem.variables, problem.source[others][rows.source]])
    kinds = [*kinds, *rows.kinds]
    return _with_a_row(Inclusion(M, E, c, tuple(kinds), O, shown.gain, shown.offset, multipliers, source))


def _dual(problem: QuadraticProgram) -> Inclusion:
    """A row a constraint; what the outputs take from theta itself goes through free rows."""
    rows = _one_kind_each(problem)
    inverse = np.linalg.inv(problem.P)
    GP = rows.G @ inverse
    core = GP @ rows.G.T + np.diag(rows.delta)
    _independent(problem, rows, core)
    c = GP @ problem.q.offset + rows.target.offset
    E = GP @ problem.q.gain + rows.target.gain
    shown = problem.o.plus(problem.q.times(-problem.S @ inverse))
    multipliers, source, O = np.ones(len(core), dtype=bool), problem.source[rows.source], -problem.S @ GP.T  # noqa: E741
    return _with_a_row(Inclusion(core, E, c, rows.kinds, O, shown.gain, shown.offset, multipliers, source))


def _with_a_row(inclusion: Inclusion) -> Inclusion:
    """At least one, for a layer has a state: where nothing is left to solve, a free one that stays zero."""
    if len(inclusion.M):
        return inclusion
    if not inclusion.F.any():
        raise InputError("the outputs are constants: no variable and no parameter moves them")
    p, k = inclusion.E.shape[1], len(inclusion.O)
    return replace(
        inclusion, M=np.eye(1), E=np.zeros((1, p)), c=np.zeros(1), kinds=(FREE,), O=np.zeros((k, 1)),
        multipliers=np.zeros(1, dtype=bool), source=np.zeros(1, dtype=np.int64),
    )  # fmt: skip


def _independent(problem: QuadraticProgram, rows: _Rows, core: np.ndarray) -> None:
    values, vectors = np.linalg.eigh(core)
    if values[0] > LEAST_EIGENVALUE * values[-1]:
        return
    loose = np.abs(vectors[:, values <= LEAST_EIGENVALUE * values[-1]]).max(axis=1) > GUILTY
    involved = problem.source[rows.source[loose]].tolist()
    guilty = sorted({row for row in involved if row >= 0})
    if apart := [row for row in guilty if involved.count(row) > 1]:
        raise ProblemError(
            f"bounds of {rows_of(apart)} of A move apart with theta, or have a slack_l1, which makes two rows of one "
            "that cannot both go without a delta; give one with delta=..., for example 0.01, or let L and U move them "
            "alike",
            apart,
        )
    weighted = sorted(~row for row in involved if row < 0)
    beside = f" and the l1 weights of variables {listed(weighted)}" if weighted else ""
    raise ProblemError(
        f"{rows_of(guilty)} of A{beside} are linearly dependent and cannot all be hard; give them a penalty with "
        "delta=..., for example 0.01, or leave out what the others imply",
        guilty,
        weighted,
    )


def _require_one_each(problem: QuadraticProgram) -> None:
    """Refuse a variable that its own hard rows bound and weigh, or weigh twice."""
    weighing = problem.thresholds & ~problem.own_thresholds
    if weighing.any():
        guilty = problem.variables[problem.A[weighing].any(axis=0)]
        raise ProblemError(
            f"variables {listed(guilty)} have a weight, and bounds of their own that leave the sign open or another "
            "weight: no row is both; soften the weight's row with delta=..., for example 0.001, or leave one out",
            variables=guilty,
        )


def _from_thresholds(problem: QuadraticProgram, rows: np.ndarray) -> tuple[QuadraticProgram, np.ndarray]:
    """The variables that rows weigh counted from where they cost nothing, and all variables' weights."""
    n, p = problem.q.gain.shape
    if not len(rows):
        return problem, np.zeros(n)
    weights, moved = np.zeros(n), Affine(np.zeros(n), np.zeros((n, p)))
    at, number, weights[at] = _distances(problem, rows)
    moved.offset[at], moved.gain[at] = number.offset, number.gain
    return substituted(problem, np.arange(n), np.eye(n), moved, np.arange(len(problem.A))), weights


def _distances(problem: QuadraticProgram, rows: np.ndarray) -> tuple[np.ndarray, Affine, np.ndarray]:
    """Of rows that weigh one variable's distance from a number: the variables, the numbers and the weights."""
    at = (problem.A[rows] != 0).argmax(axis=1)
    size, bound = problem.A[rows, at], problem.l.rows(rows)
    return at, Affine(bound.offset / size, bound.gain / size[:, None]), problem.slack.weight[rows] * np.abs(size)


def _variable_bounds(problem: QuadraticProgram) -> tuple[np.ndarray, np.ndarray]:
    """The tightest bounds that hard rows of a single entry give each variable."""
    n = len(problem.P)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    for i in np.flatnonzero(problem.clipping).tolist():
        j = int(np.flatnonzero(problem.A[i])[0])
        ends = sorted((problem.l.offset[i] / problem.A[i, j], problem.u.offset[i] / problem.A[i, j]))
        lower[j], upper[j] = max(lower[j], ends[0]), min(upper[j], ends[1])
        if lower[j] > upper[j]:
            raise ProblemError(
                f"row {problem.source[i]} of A, and others that bound the same variable alone, leave it the empty "
                f"interval from {lower[j]:g} to {upper[j]:g}; widen them",
                [problem.source[i]],
            )
    return lower, upper


def _simplest(lower: float, upper: float) -> float:
    """The number of an interval with the fewest bits, a multiple of the largest power of two: a word is exactly that.

    What a variable is counted from stands in the outputs' bias, where rounding would move its bounds.
    """
    if lower <= 0.0 <= upper:
        return 0.0
    least, most = sorted((abs(lower), abs(upper)))
    exponent = np.frexp(least)[1]
    for step in np.ldexp(1.0, exponent - np.arange(np.finfo(np.float64).nmant + 2)).tolist():
        if (found := float(np.ceil(least / step)) * step) <= most:
            return float(np.copysign(found, lower if lower > 0 else upper))
    return lower if lower > 0 else upper  # a single number, of as many bits as it has


@dataclass(frozen=True)
class _Rows:
    """Constraints of one kind a row: ``G z - target`` in an interval about zero, its multiplier in ``kinds``."""

    G: np.ndarray
    target: Affine
    delta: np.ndarray
    kinds: tuple[Interval, ...]
    #: Of the problem's rows.
    source: np.ndarray


def _one_kind_each(problem: QuadraticProgram) -> _Rows:
    """Equalities, one-sided rows, and two-sided ones of constant width; others become two one-sided rows.

    The multiplier's row reads ``-(G z - target) + delta y + N(y)``; a weight of the slack bounds ``y``.
    """
    A, lower, upper, slack = problem.A, problem.l, problem.u, problem.slack
    G, offsets, gains, deltas, kinds, source = [], [], [], [], [], []

    def add(i: int, sign: float, offset: float, gain: np.ndarray, kind: Interval) -> None:
        G.append(sign * A[i])
        offsets.append(sign * offset)
        gains.append(sign * gain)
        deltas.append(slack.delta[i])
        kinds.append(kind)
        source.append(i)

    for i in range(len(A)):
        low, high, weight = lower.offset[i], upper.offset[i], slack.weight[i] or np.inf
        same_gain = np.array_equal(lower.gain[i], upper.gain[i])
        if low == high and same_gain:
            add(i, 1.0, low, lower.gain[i], Interval(-weight, weight))
        elif np.isfinite(low) and np.isfinite(high) and same_gain and weight == np.inf:
            half = (high - low) / 2
            add(i, 1.0, low + half, lower.gain[i], Interval(-half, half, complement=True))
        else:
            if np.isfinite(high):
                add(i, 1.0, high, upper.gain[i], Interval(0.0, weight))
            if np.isfinite(low):
                add(i, -1.0, low, lower.gain[i], Interval(0.0, weight))
    p = lower.gain.shape[1]
    return _Rows(
        np.array(G).reshape(len(kinds), A.shape[1]),
        Affine(np.array(offsets), np.array(gains).reshape(len(kinds), p)),
        np.array(deltas),
        tuple(kinds),
        np.array(source, dtype=np.int64),
    )
