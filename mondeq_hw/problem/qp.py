"""Parametric quadratic programs as equilibrium networks.

``min 1/2 z'Pz + q(theta)'z`` subject to ``l(theta) <= A z <= u(theta)`` (OSQP's form, ``q``, ``l``, ``u`` affine in a
parameter in a box) is a monotone inclusion ``0 in M s + E theta + c + N(s)`` whose rows have a clip for a prox, hence
the recurrence of a MonDEQ.  Three forms, by what the constraints are:

primal
    Bounds of single variables only: ``M = P``, every row a clip.
saddle
    Other rows soft, with penalty ``slack^2 / (2 delta)``: ``M = [[P, G'], [-G, diag(delta)]]``, bounds of single
    variables stay clips, multipliers are nonnegative, free, or the complement of a clip.
dual
    Hard rows, linearly independent: ``M = G P^-1 G'``, one row a constraint; ``z`` is linear in multipliers and theta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..base import FREE, RELU, Clip, InputError, Interval
from .model import MonDEQ, Preprocessing, monotonicity_margin

#: Smallest eigenvalue of a matrix that is to be positive definite, relative to its largest.
LEAST_EIGENVALUE = 1e-9
#: Largest asymmetry that counts as rounding, relative to the largest entry.
SYMMETRY = 1e-9
#: Bits of a parameter's word, where the user names none.
PARAMETER_BITS = 12
#: Scales of the multipliers against the variables that are tried, and step sizes.
BLOCK_SCALES = 2.0 ** (np.arange(-8, 9) / 2)
STEPS = 2.0 ** (np.arange(-8, 9) / 4)
#: A contraction factor below this needs no better scaling.
FAST_ENOUGH = 0.1
#: Octaves by which all scales move before those of the outputs become powers of two.
OUTPUT_SHIFTS = (-0.5, -0.25, 0.0, 0.25)
#: Of the norms that the scaling descends on, one after the other.
SCHATTEN_EXPONENTS = (8, 32, 128)

Array = np.ndarray | Sequence[float] | Sequence[Sequence[float]]


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

    def least(self, box: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Smallest value of each row over a box."""
        low, high = box
        return self.offset + np.where(self.gain > 0, self.gain * low, self.gain * high).sum(axis=1)


@dataclass(frozen=True)
class QuadraticProgram:
    """``min 1/2 z'Pz + q'z`` subject to ``l <= A z <= u``, outputs ``y = S z``.

    Parameters
    ----------
    P : ndarray (n, n)
        Symmetric positive definite.
    q : Affine (n rows)
    A : ndarray (m, n)
    l, u : Affine (m rows)
        Infinite offsets where there is no bound.
    box : pair of ndarray (p,)
        Smallest and largest parameter.
    S : ndarray (k, n)
    """

    P: np.ndarray
    q: Affine
    A: np.ndarray
    l: Affine  # noqa: E741 - OSQP's name
    u: Affine
    box: tuple[np.ndarray, np.ndarray]
    S: np.ndarray


@dataclass(frozen=True)
class Inclusion:
    """``0 in M s + E theta + c + N(s)``, ``y = O s + o``; the rows of ``N`` are those of a clip.

    Parameters
    ----------
    M : ndarray (rows, rows)
        ``M + M'`` positive definite.
    E : ndarray (rows, p)
    c : ndarray (rows,)
    kinds : tuple of Interval (rows,)
    O : ndarray (k, rows)
    o : ndarray (k,)
    """

    M: np.ndarray
    E: np.ndarray
    c: np.ndarray
    kinds: tuple[Interval, ...]
    O: np.ndarray  # noqa: E741 - the field's name for the readout
    o: np.ndarray

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
        return Inclusion(
            column * self.M * scales, column * self.E, scales * self.c, tuple(bounds), self.O * scales, self.o
        )


def from_qp(
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
    delta: float | Array | None = None,
    input_bits: int = PARAMETER_BITS,
    source: str = "qp",
) -> MonDEQ:
    """The equilibrium network whose output is the solution of a parametric quadratic program.

    ``min 1/2 z'Pz + (q + Q theta)'z`` subject to ``l + L theta <= A z <= u + U theta``.

    Parameters
    ----------
    P : array (n, n)
        Symmetric positive definite.
    q : array (n,)
    A : array (m, n), optional
    l, u : array (m,), optional
        Infinite where there is no bound.
    theta : pair of arrays (p,)
        Smallest and largest parameter: every claim is about this box.
    Q : array (n, p), optional
    L, U : array (m, p), optional
    outputs : array (k, n), optional
        ``S`` of ``y = S z``; all of ``z`` when absent.
    delta : float or array (m,), optional
        Rows that bound no single variable become soft, with penalty ``slack^2 / (2 delta)``; an entry of zero
        stands for a hard row.  Hard rows must be linearly independent.
    input_bits : int
        Word length of a parameter on its box.
    source : str
        Name, for reports.

    Returns
    -------
    MonDEQ
        Its raw input words are the parameters on their box, ``2^input_bits - 1`` steps each.

    Raises
    ------
    InputError
        A shape, a value, an empty constraint or rows that no form can hold; says which and why.
    """
    problem = _checked(P, q, A, l, u, theta, Q, L, U, outputs)
    inclusion = _inclusion(problem, _penalties(delta, len(problem.A)))
    return network(_well_scaled(inclusion, len(problem.P)), problem.box, input_bits, source)


def network(inclusion: Inclusion, box: tuple[np.ndarray, np.ndarray], input_bits: int, source: str) -> MonDEQ:
    """A monotone inclusion as an equilibrium network, its parameters as words on their box."""
    low, high = box
    if not 1 <= input_bits <= 16:
        raise InputError(f"{source}: input_bits is {input_bits}; expected 1 to 16")
    # x = (word - mean) / std; a parameter that cannot move keeps its value at every word.
    std = (2.0**input_bits - 1) / np.where(high > low, high - low, 2.0**-40)
    W = np.eye(len(inclusion.M)) - inclusion.M
    return MonDEQ(
        W=W,
        U=-inclusion.E,
        b=-inclusion.c,
        O=inclusion.O,
        c=inclusion.o,
        monotonicity_margin=monotonicity_margin(W),
        preprocessing=Preprocessing(scale=1.0, mean=-low * std, std=std, input_bits=input_bits),
        source=source,
        clip=Clip.of(inclusion.kinds),
    )


# -- checks ------------------------------------------------------------------------


def _checked(
    P: Array,
    q: Array,
    A: Array | None,
    l: Array | None,  # noqa: E741 - OSQP's name
    u: Array | None,
    theta: tuple[Array, Array],
    Q: Array | None,
    L: Array | None,
    U: Array | None,
    outputs: Array | None,
) -> QuadraticProgram:
    P_, q_ = _array("P", P, 2), _array("q", q, 1)
    n = len(q_)
    _shape("P", P_, (n, n))
    low, high = (_array(f"theta's {name} end", end, 1) for name, end in zip(("lower", "upper"), theta, strict=True))
    p = len(low)
    _shape("theta's upper end", high, (p,))
    if not (low <= high).all():
        bad = int(np.argmax(low > high))
        raise InputError(f"theta[{bad}] goes from {low[bad]:g} to {high[bad]:g}; expected an ascending interval")
    A_ = np.zeros((0, n)) if A is None else _array("A", A, 2)
    m = len(A_)
    _shape("A", A_, (m, n))
    lower = np.full(m, -np.inf) if l is None else _array("l", l, 1, finite=False)
    upper = np.full(m, np.inf) if u is None else _array("u", u, 1, finite=False)
    _shape("l", lower, (m,))
    _shape("u", upper, (m,))
    gains = {
        name: np.zeros((rows, p)) if given is None else _array(name, given, 2)
        for name, given, rows in (("Q", Q, n), ("L", L, m), ("U", U, m))
    }
    for name, rows in (("Q", n), ("L", m), ("U", m)):
        _shape(name, gains[name], (rows, p))
    S = np.eye(n) if outputs is None else _array("outputs", outputs, 2)
    _shape("outputs", S, (len(S), n))
    if np.abs(P_ - P_.T).max(initial=0.0) > SYMMETRY * np.abs(P_).max(initial=0.0):
        raise InputError("P is not symmetric; give (P + P') / 2")
    check_positive_definite("P", (P_ + P_.T) / 2, "no unique solution: add a small multiple of the identity")
    problem = QuadraticProgram(
        (P_ + P_.T) / 2, Affine(q_, gains["Q"]), A_, Affine(lower, gains["L"]), Affine(upper, gains["U"]),
        (low, high), S,
    )  # fmt: skip
    _check_rows(problem)
    return problem


def _check_rows(problem: QuadraticProgram) -> None:
    lower, upper = problem.l, problem.u
    for i, row in enumerate(problem.A):
        if np.isnan(lower.offset[i]) or np.isnan(upper.offset[i]):
            raise InputError(f"row {i} of the constraints has a bound that is NaN; expected numbers or infinities")
        if lower.offset[i] == np.inf or upper.offset[i] == -np.inf:
            raise InputError(f"row {i} of the constraints has a lower bound of +inf or an upper one of -inf")
        if not row.any():
            raise InputError(f"row {i} of A is zero; leave it out")
    both = np.isfinite(lower.offset) & np.isfinite(upper.offset)
    width = Affine(np.where(both, upper.offset, 0) - np.where(both, lower.offset, 0), upper.gain - lower.gain)
    least = np.where(both, width.least(problem.box), 0.0)
    if (least < 0).any():
        bad = int(least.argmin())
        raise InputError(
            f"row {bad} of the constraints is empty for some theta in the box (its upper bound lies {-least[bad]:g} "
            "below its lower one); widen it, or narrow the box"
        )


def _array(name: str, values: Array, dimensions: int, finite: bool = True) -> np.ndarray:
    try:
        array = np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is no array of numbers; expected {dimensions} dimension(s)") from None
    if array.ndim != dimensions:
        raise InputError(f"{name} has shape {array.shape}; expected {dimensions} dimension(s)")
    if finite and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity; expected finite numbers")
    return array


def _shape(name: str, array: np.ndarray, expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise InputError(f"{name} has shape {array.shape}; expected {expected}")


def check_positive_definite(name: str, matrix: np.ndarray, remedy: str) -> None:
    """Refuse a symmetric matrix that is not clearly positive definite.

    Raises
    ------
    InputError
    """
    eigenvalues = np.linalg.eigvalsh(matrix)
    if eigenvalues[0] < -LEAST_EIGENVALUE * max(eigenvalues[-1], 0.0):
        raise InputError(f"{name} has the eigenvalue {eigenvalues[0]:.3g}; expected a positive definite matrix")
    if eigenvalues[0] <= LEAST_EIGENVALUE * eigenvalues[-1]:
        raise InputError(f"{name} is singular (smallest eigenvalue {eigenvalues[0]:.3g}); {remedy}")


def _penalties(delta: float | Array | None, rows: int) -> np.ndarray:
    if delta is None:
        return np.zeros(rows)
    given = np.asarray(delta, dtype=np.float64)
    if given.shape not in ((), (rows,)):
        raise InputError(f"delta has shape {given.shape}; expected one number or ({rows},), one for each row of A")
    if not (np.isfinite(given).all() and (given >= 0).all()):
        raise InputError("delta has an entry that is negative or not finite; expected penalties, 0 for a hard row")
    return np.broadcast_to(given, (rows,)).copy()


# -- forms -------------------------------------------------------------------------


def _inclusion(problem: QuadraticProgram, delta: np.ndarray) -> Inclusion:
    single = (np.count_nonzero(problem.A, axis=1) == 1) & problem.l.is_constant & problem.u.is_constant
    others = np.flatnonzero(~single)
    if len(others) == 0 or (delta[others] > 0).all():
        return _saddle(problem, np.flatnonzero(single), others, delta[others])
    return _dual(problem, delta)


def _saddle(problem: QuadraticProgram, single: np.ndarray, others: np.ndarray, delta: np.ndarray) -> Inclusion:
    """Variables, clipped where single rows bound them, over the multipliers of the soft rows; primal without these."""
    n = len(problem.P)
    lower, upper = _variable_bounds(problem, single)
    origin = np.clip(0.0, lower, upper)
    rows = _one_kind_each(problem.A[others], problem.l.rows(others), problem.u.rows(others), delta)
    G, shift = rows.G, rows.target.offset - rows.G @ origin
    M = np.block([[problem.P, G.T], [-G, np.diag(rows.delta)]])
    E = np.vstack([problem.q.gain, rows.target.gain])
    c = np.concatenate([problem.q.offset + problem.P @ origin, shift])
    kinds = [Interval(a, b) for a, b in zip((lower - origin).tolist(), (upper - origin).tolist(), strict=True)]
    O = np.hstack([problem.S, np.zeros((len(problem.S), len(G)))])  # noqa: E741
    assert len(kinds) == n
    return Inclusion(M, E, c, (*kinds, *rows.kinds), O, problem.S @ origin)


def _dual(problem: QuadraticProgram, delta: np.ndarray) -> Inclusion:
    """A row a constraint; what the outputs take from theta itself goes through free rows."""
    rows = _one_kind_each(problem.A, problem.l, problem.u, delta)
    inverse = np.linalg.inv(problem.P)
    GP = rows.G @ inverse
    core = GP @ rows.G.T + np.diag(rows.delta)
    _independent(problem, rows, core)
    c = GP @ problem.q.offset + rows.target.offset
    E = GP @ problem.q.gain + rows.target.gain
    direct = -problem.S @ inverse @ problem.q.gain
    through = np.flatnonzero(direct.any(axis=1))
    extra = len(through)
    M = np.block([[core, np.zeros((len(core), extra))], [np.zeros((extra, len(core))), np.eye(extra)]])
    select = np.zeros((len(problem.S), extra))
    select[through, np.arange(extra)] = 1.0
    O = np.hstack([-problem.S @ GP.T, select])  # noqa: E741
    return Inclusion(
        M,
        np.vstack([E, -direct[through]]),
        np.concatenate([c, np.zeros(extra)]),
        (*rows.kinds, *[FREE] * extra),
        O,
        -problem.S @ inverse @ problem.q.offset,
    )


def _independent(problem: QuadraticProgram, rows: _Rows, core: np.ndarray) -> None:
    values, vectors = np.linalg.eigh(core)
    if values[0] > LEAST_EIGENVALUE * values[-1]:
        return
    guilty = sorted({int(rows.source[i]) for i in np.flatnonzero(np.abs(vectors[:, 0]) > 1e-6)})
    named = ", ".join(map(str, guilty[:8])) + (", ..." if len(guilty) > 8 else "")
    raise InputError(
        f"rows {named} of A are linearly dependent and cannot all be hard; give them a penalty with delta=..., for "
        "example 0.01, or leave out what the others imply"
    )


def _variable_bounds(problem: QuadraticProgram, single: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tightest bounds that rows of a single entry give each variable."""
    n = len(problem.P)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    for i in single.tolist():
        j = int(np.flatnonzero(problem.A[i])[0])
        ends = sorted((problem.l.offset[i] / problem.A[i, j], problem.u.offset[i] / problem.A[i, j]))
        lower[j], upper[j] = max(lower[j], ends[0]), min(upper[j], ends[1])
        if lower[j] > upper[j]:
            raise InputError(f"the bounds of variable {j} are empty: {lower[j]:g} to {upper[j]:g} (row {i} of A)")
    return lower, upper


@dataclass(frozen=True)
class _Rows:
    """Constraints of one kind a row: ``G z - target`` in an interval about zero, its multiplier in ``kinds``."""

    G: np.ndarray
    target: Affine
    delta: np.ndarray
    kinds: tuple[Interval, ...]
    source: np.ndarray


def _one_kind_each(A: np.ndarray, lower: Affine, upper: Affine, delta: np.ndarray) -> _Rows:
    """Equalities, one-sided rows, and two-sided ones of constant width; others become two one-sided rows.

    The multiplier's row reads ``-(G z - target) + delta y + N(y)``.
    """
    G, offsets, gains, deltas, kinds, source = [], [], [], [], [], []

    def add(i: int, sign: float, offset: float, gain: np.ndarray, kind: Interval) -> None:
        G.append(sign * A[i])
        offsets.append(sign * offset)
        gains.append(sign * gain)
        deltas.append(delta[i])
        kinds.append(kind)
        source.append(i)

    for i in range(len(A)):
        low, high = lower.offset[i], upper.offset[i]
        same_gain = np.array_equal(lower.gain[i], upper.gain[i])
        if low == high and same_gain:
            add(i, 1.0, low, lower.gain[i], FREE)
        elif np.isfinite(low) and np.isfinite(high) and same_gain:
            half = (high - low) / 2
            add(i, 1.0, low + half, lower.gain[i], Interval(-half, half, complement=True))
        else:
            if np.isfinite(high):
                add(i, 1.0, high, upper.gain[i], RELU)
            if np.isfinite(low):
                add(i, -1.0, low, lower.gain[i], RELU)
    p = lower.gain.shape[1]
    return _Rows(
        np.array(G).reshape(-1, A.shape[1]),
        Affine(np.array(offsets), np.array(gains).reshape(-1, p)),
        np.array(deltas),
        tuple(kinds),
        np.array(source, dtype=np.int64),
    )


# -- scaling -----------------------------------------------------------------------


def _well_scaled(inclusion: Inclusion, variables: int) -> Inclusion:
    """The diagonal scaling whose reflected recurrence contracts fastest, the step size among it.

    From a unit diagonal in each block and the best of some scales between the blocks, a descent on Schatten norms of
    ``C = 2 (I + T M T)^-1 - I`` in the logarithms of ``T``: smooth bounds of the spectral norm, ever sharper.
    Variables that are outputs as they are get powers of two, so that the stored readout and bounds are exact.
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
    if not outputs.any():
        return inclusion.scaled(scales)
    trials = []
    for shift in OUTPUT_SHIFTS:
        moved = scales * 2.0**shift
        trials.append(_descend(inclusion.M, np.where(outputs, _dyadic(moved), moved), ~outputs))
    return inclusion.scaled(min(trials, key=lambda T: _norm(inclusion.M, T)))


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
        found[free] = np.exp(minimize(objective, start[free], method="L-BFGS-B", jac=True).x)
        if _norm(M, found) < _norm(M, scales):
            scales = found
    return scales


def _resolvent(M: np.ndarray, scales: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.linalg.inv(np.eye(len(M)) + scales[:, None] * M * scales)
    return result


def _norm(M: np.ndarray, scales: np.ndarray) -> float:
    return float(np.linalg.norm(2 * _resolvent(M, scales) - np.eye(len(M)), 2))


def _schatten(logarithms: np.ndarray, M: np.ndarray, exponent: int) -> tuple[float, np.ndarray]:
    """Logarithm of the Schatten norm of ``C``, and its gradient."""
    T = np.exp(logarithms)
    R = _resolvent(M, T)
    left, values, right = np.linalg.svd(2 * R - np.eye(len(M)))
    ratios = values / values[0]
    total = (ratios**exponent).sum()
    outer = (left * (ratios ** (exponent - 1) / (total * values[0]))) @ right
    inner = (-2 * R.T @ outer @ R.T) * (T[:, None] * M * T)
    return float(np.log(values[0]) + np.log(total) / exponent), inner.sum(axis=0) + inner.sum(axis=1)
