"""Equality constraints solved for variables that have neither bounds nor, with a cost, a weight of their own."""

from __future__ import annotations

import numpy as np

from .quadratic_program import LEAST_EIGENVALUE, Affine, ProblemError, QuadraticProgram


def eliminated(problem: QuadraticProgram) -> QuadraticProgram:
    """Hard equalities solved for such variables, by Gaussian elimination with full pivoting."""
    lower, upper, single = problem.l, problem.u, problem.clipping
    # A variable that is pinned and costs nothing quadratic is an equality: as a clip it would leave P singular.
    costless = np.diag(problem.P) == 0
    pinned = (lower.offset == upper.offset) & ((problem.A != 0) & costless).any(axis=1)
    single &= ~pinned
    equal = problem.equal & ~problem.slack.soft & ~single
    weighed = (problem.A[problem.thresholds] != 0).any(axis=0)
    bounded = (problem.A[single] != 0).any(axis=0) | (weighed & ~costless)
    rest, size = np.flatnonzero(equal).tolist(), np.abs(problem.A).max(initial=0.0)
    E, f = problem.A.copy(), np.column_stack([lower.offset, lower.gain])
    pivots: dict[int, int] = {}  # row -> variable
    while rest:
        candidates = np.abs(E[rest]) * ~(bounded | weighed)
        if candidates.max() <= LEAST_EIGENVALUE * size:  # a weight of what costs nothing else may become one of a row
            candidates = np.abs(E[rest]) * ~bounded
        at = int(candidates.argmax())
        row, j = rest[at // E.shape[1]], at % E.shape[1]
        if candidates.flat[at] <= LEAST_EIGENVALUE * size:
            break
        rest.remove(row)
        pivots[row], bounded[j] = j, True
        f[row] /= E[row, j]
        E[row] /= E[row, j]
        for other in (*rest, *(done for done in pivots if done != row)):
            f[other] -= E[other, j] * f[row]
            E[other] -= E[other, j] * E[row]
    _check_implied(problem, rest, E, f, size)
    gone = list(pivots.values())
    kept = np.setdiff1d(np.arange(E.shape[1]), gone)
    T = np.zeros((E.shape[1], len(kept)))
    T[kept, np.arange(len(kept))] = 1.0
    T[gone] = -E[list(pivots)][:, kept]
    constant = np.zeros((E.shape[1], f.shape[1]))
    constant[gone] = f[list(pivots)]
    left = np.setdiff1d(np.arange(len(E)), list(pivots))
    return without_empty(substituted(problem, kept, T, Affine(constant[:, 0], constant[:, 1:]), left))


def _check_implied(problem: QuadraticProgram, rest: list[int], E: np.ndarray, f: np.ndarray, size: float) -> None:
    for row in rest:
        if np.abs(E[row]).max() <= LEAST_EIGENVALUE * size:
            state = "follows from" if np.abs(f[row]).max() <= LEAST_EIGENVALUE * max(size, 1.0) else "contradicts"
            number = problem.source[row]
            raise ProblemError(f"equality row {number} of A {state} the others; leave it out", [number])


def substituted(
    problem: QuadraticProgram, kept: np.ndarray, T: np.ndarray, t: Affine, rows: np.ndarray
) -> QuadraticProgram:
    """``z = T w + t``, ``w`` the variables that are kept, and some of the rows."""
    moved = t.times(-problem.A[rows])
    return QuadraticProgram(
        P=T.T @ problem.P @ T,
        q=problem.q.plus(t.times(problem.P)).times(T.T),
        A=problem.A[rows] @ T,
        l=problem.l.rows(rows).plus(moved),
        u=problem.u.rows(rows).plus(moved),
        box=problem.box,
        S=problem.S @ T,
        o=problem.o.plus(t.times(problem.S)),
        source=problem.source[rows],
        variables=problem.variables[kept],
        slack=problem.slack.rows(rows),
    )


def without_empty(problem: QuadraticProgram) -> QuadraticProgram:
    """Without rows in which no variable is left: hard ones hold all over the box, or are refused."""
    size = np.abs(problem.A).max(axis=1, initial=0.0)
    empty = size <= LEAST_EIGENVALUE * max(size.max(initial=0.0), 1.0)
    above = np.where(np.isfinite(problem.u.offset), problem.u.least(problem.box), 0.0)
    below = np.where(np.isfinite(problem.l.offset), Affine(-problem.l.offset, -problem.l.gain).least(problem.box), 0.0)
    broken = np.flatnonzero(empty & ~problem.slack.soft & (np.minimum(above, below) < -LEAST_EIGENVALUE))
    if len(broken):
        number = problem.source[broken[0]]
        raise ProblemError(
            f"row {number} of A says something of theta alone, which is not so all over the box; leave it out, or "
            "narrow the box",
            [number],
        )
    return problem.rows(np.flatnonzero(~empty))
