"""A parametric quadratic program as a record, every entry of it checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..base import InputError
from .arrays import Array, numbers, pair, require_ascending, require_shape
from .contents import listed
from .slack import Slack

#: Smallest eigenvalue of a matrix that is to be positive definite, relative to its largest.
LEAST_EIGENVALUE = 1e-9
#: Of a unit eigenvector's entries: smaller ones are rounding.
GUILTY = 1e-6
#: A bound as large is none: what OSQP has for infinity.
NO_BOUND = 1e30
#: Largest asymmetry that counts as rounding, relative to the largest entry.
SYMMETRY = 1e-9


class ProblemError(InputError):
    """Something about some rows and variables of a problem, by their numbers: a front door may have names for them.

    Parameters
    ----------
    message : str
    rows, variables : sequence of int
    """

    def __init__(self, message: str, rows: Iterable[int] = (), variables: Iterable[int] = ()):
        super().__init__(message)
        self.rows, self.variables = tuple(map(int, rows)), tuple(map(int, variables))


@dataclass(frozen=True)
class Affine:
    """``offset + gain theta``, with ``offset`` (rows,) and ``gain`` (rows, p)."""

    offset: np.ndarray
    gain: np.ndarray

    @property
    def is_constant(self) -> np.ndarray:
        """Rows that no parameter moves (rows,), bool."""
        return np.asarray(~self.gain.any(axis=1))

    def rows(self, index: np.ndarray) -> Affine:
        """Some rows."""
        return Affine(self.offset[index], self.gain[index])

    def plus(self, other: Affine) -> Affine:
        """The sum."""
        return Affine(self.offset + other.offset, self.gain + other.gain)

    def above(self, other: Affine) -> Affine:
        """Rows of both."""
        return Affine(np.concatenate([self.offset, other.offset]), np.vstack([self.gain, other.gain]))

    def times(self, matrix: np.ndarray) -> Affine:
        """``matrix`` applied."""
        return Affine(matrix @ self.offset, matrix @ self.gain)

    def least(self, box: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Smallest value of each row over a box."""
        low, high = box
        return self.offset + np.where(self.gain > 0, self.gain * low, self.gain * high).sum(axis=1)


@dataclass(frozen=True)
class QuadraticProgram:
    """``min 1/2 z'Pz + q'z`` subject to ``l <= A z <= u``, hard or soft; outputs ``y = S z + o``.

    Parameters
    ----------
    P : ndarray (n, n)
        Symmetric.
    q : Affine (n rows)
    A : ndarray (m, n)
    l, u : Affine (m rows)
        Infinite offsets where there is no bound.
    box : pair of ndarray (p,)
        Smallest and largest parameter.
    S : ndarray (k, n)
    o : Affine (k rows)
    source : ndarray (m,)
        Number of each row in the user's problem; of the weight of a variable's magnitude ``~variable``.
    variables : ndarray (n,)
        Number of each variable in the user's problem.
    slack : Slack (m,)
    """

    P: np.ndarray
    q: Affine
    A: np.ndarray
    l: Affine  # noqa: E741 - OSQP's name
    u: Affine
    box: tuple[np.ndarray, np.ndarray]
    S: np.ndarray
    o: Affine
    source: np.ndarray
    variables: np.ndarray
    slack: Slack

    @property
    def single(self) -> np.ndarray:
        """Rows that bound one variable by constants (m,), bool."""
        alone = np.count_nonzero(self.A, axis=1) == 1
        return np.asarray(alone & self.l.is_constant & self.u.is_constant)

    @property
    def equal(self) -> np.ndarray:
        """Rows whose bounds are one (m,), bool."""
        return np.asarray((self.l.offset == self.u.offset) & (self.l.gain == self.u.gain).all(axis=1))

    @property
    def clipping(self) -> np.ndarray:
        """Hard rows that bound one variable by constants (m,), bool."""
        return np.asarray(self.single & ~self.slack.soft)

    @property
    def weighing(self) -> np.ndarray:
        """Rows that weigh a distance, and nothing else of it (m,), bool."""
        return np.asarray(self.equal & (self.slack.weight > 0) & (self.slack.delta == 0))

    @property
    def thresholds(self) -> np.ndarray:
        """Those of one variable, from an affine number (m,), bool."""
        return np.asarray((np.count_nonzero(self.A, axis=1) == 1) & self.weighing)

    @property
    def own_thresholds(self) -> np.ndarray:
        """Those of the thresholds whose variable nothing else bounds or weighs (m,), bool."""
        weighing = self.thresholds
        clipped = (self.A[self.clipping | weighing] != 0).sum(axis=0)
        return np.asarray(weighing & (clipped[np.abs(self.A).argmax(axis=1)] == 1)) if len(self.A) else weighing

    @property
    def several(self) -> np.ndarray:
        """Rows that no clip of a variable stands for (m,), bool."""
        return np.asarray(~np.where(self.slack.weight > 0, self.own_thresholds, self.single))

    def rows(self, index: np.ndarray) -> QuadraticProgram:
        """Some rows of the constraints."""
        return replace(
            self, A=self.A[index], l=self.l.rows(index), u=self.u.rows(index), source=self.source[index],
            slack=self.slack.rows(index),
        )  # fmt: skip

    def with_magnitudes(self, weights: np.ndarray) -> QuadraticProgram:
        """And rows that weigh the magnitudes of variables (n,); zero for none."""
        at = np.flatnonzero(weights)
        zero = Affine(np.zeros(len(at)), np.zeros((len(at), self.q.gain.shape[1])))
        return replace(
            self, A=np.vstack([self.A, np.eye(len(weights))[at]]), l=self.l.above(zero), u=self.u.above(zero),
            source=np.append(self.source, ~at), slack=self.slack.above(Slack(np.zeros(len(at)), weights[at])),
        )  # fmt: skip

    @property
    def bounded(self) -> QuadraticProgram:
        """The same without rows that have no bound."""
        return self.rows(np.flatnonzero(np.isfinite(self.l.offset) | np.isfinite(self.u.offset)))


def checked(
    P: Array,
    q: Array,
    A: Array | None = None,
    l: Array | None = None,  # noqa: E741 - OSQP's name
    u: Array | None = None,
    *,
    theta: tuple[Array, Array],
    Q: Array | None = None,
    L: Array | None = None,
    U: Array | None = None,
    outputs: Array | None = None,
) -> QuadraticProgram:
    P_, q_ = numbers("P", P, 2), numbers("q", q, 1)
    n = len(q_)
    require_shape("P", P_, (n, n))
    ends = pair("theta", theta)
    low, high = (numbers(f"theta's {name} end", end, 1) for name, end in zip(("lower", "upper"), ends, strict=True))
    p = len(low)
    require_shape("theta's upper end", high, (p,))
    if not n or not p:
        raise InputError(f"there are {n} variables and {p} parameters; expected at least one of each")
    require_ascending("theta", low, high)
    bounds = {"l": l, "u": u, "L": L, "U": U}
    if A is None and (given := next((name for name, each in bounds.items() if each is not None), None)) is not None:
        raise InputError(
            f"{given} is of rows of A, which is not there; give A, for bounds of the variables the identity"
        )
    A_ = np.zeros((0, n)) if A is None else numbers("A", A, 2)
    m = len(A_)
    require_shape("A", A_, (m, n))
    lower = np.full(m, -np.inf) if l is None else _bounds("l", l, m)
    upper = np.full(m, np.inf) if u is None else _bounds("u", u, m)
    gains = {
        name: np.zeros((rows, p)) if given is None else numbers(name, given, 2)
        for name, given, rows in (("Q", Q, n), ("L", L, m), ("U", U, m))
    }
    for name, rows in (("Q", n), ("L", m), ("U", m)):
        require_shape(name, gains[name], (rows, p))
    S = np.eye(n) if outputs is None else numbers("outputs", outputs, 2)
    require_shape("outputs", S, (max(1, len(S)), n))
    require_symmetric("P", P_)
    problem = QuadraticProgram(
        (P_ + P_.T) / 2, Affine(q_, gains["Q"]), A_, Affine(lower, gains["L"]), Affine(upper, gains["U"]),
        (low, high), S, Affine(np.zeros(len(S)), np.zeros((len(S), p))), np.arange(m),
        np.arange(n), Slack.none(m),
    )  # fmt: skip
    _check_rows(problem)
    return problem


def _bounds(name: str, values: Array, rows: int) -> np.ndarray:
    bounds = numbers(name, values, 1, finite=False)
    require_shape(name, bounds, (rows,), ", one for each row of A")
    return np.where(np.abs(bounds) >= NO_BOUND, np.copysign(np.inf, bounds), bounds)


def _check_rows(problem: QuadraticProgram) -> None:
    lower, upper = problem.l, problem.u
    for i, row in enumerate(problem.A):
        if lower.offset[i] == np.inf or upper.offset[i] == -np.inf:
            raise ProblemError(f"row {i} of the constraints has a lower bound of +inf or an upper one of -inf", [i])
        if not row.any():
            raise ProblemError(f"row {i} of A is zero; leave it out", [i])
    both = np.isfinite(lower.offset) & np.isfinite(upper.offset)
    width = Affine(np.where(both, upper.offset, 0) - np.where(both, lower.offset, 0), upper.gain - lower.gain)
    least = np.where(both, width.least(problem.box), 0.0)
    if (least < 0).any():
        bad = int(least.argmin())
        raise ProblemError(
            f"row {bad} of the constraints is empty for some theta in the box (its upper bound lies {-least[bad]:g} "
            "below its lower one); widen it, or narrow the box",
            [bad],
        )


def require_symmetric(name: str, matrix: np.ndarray) -> None:
    """Refuse asymmetry beyond rounding; of a half the mean with its transpose would be another matrix."""
    if np.abs(matrix - matrix.T).max(initial=0.0) <= SYMMETRY * np.abs(matrix).max(initial=0.0):
        return
    mean = f"({name} + {name}') / 2"
    if np.tril(matrix, -1).any() and np.triu(matrix, 1).any():
        raise InputError(f"{name} is not symmetric; give {mean}")
    raise InputError(
        f"{name} is triangular; expected a symmetric matrix: {name} + {name}' - diag({name}) where this is half of it, "
        f"as OSQP takes it, or {mean} where it is all"
    )


def check_positive_definite(name: str, matrix: np.ndarray, remedy: str, variables: np.ndarray | None = None) -> None:
    """Refuse a symmetric matrix that is not clearly positive definite; ``variables`` are the numbers of its rows.

    Raises
    ------
    ProblemError
        With the variables along which it has no curvature.
    """
    eigenvalues, vectors = np.linalg.eigh(matrix)
    least, most = eigenvalues[0], eigenvalues[-1]
    flat = eigenvalues <= LEAST_EIGENVALUE * max(most, 0.0)
    guilty = np.flatnonzero((np.abs(vectors[:, flat]) > GUILTY).any(axis=1))
    guilty = guilty if variables is None else variables[guilty]
    if least < -LEAST_EIGENVALUE * max(most, 0.0):
        raise ProblemError(
            f"{name} has the eigenvalue {least:.3g}, on variables {listed(guilty)}; expected a positive definite "
            "matrix",
            variables=guilty,
        )
    if least <= LEAST_EIGENVALUE * most:
        raise ProblemError(
            f"{name} is singular, or nearly (eigenvalues from {least:.3g} to {most:.3g}), on variables "
            f"{listed(guilty)}; {remedy}",
            variables=guilty,
        )
