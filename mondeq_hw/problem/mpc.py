"""Linear model predictive control, condensed to a quadratic program in the inputs of the horizon.

``min sum_k x_k'Q x_k + u_k'R u_k + x_N' T x_N`` with ``x_(k+1) = A x_k + B u_k``; the parameter is the measured state
(and a reference), the output the first input.
"""

from __future__ import annotations

import numpy as np

from ..base import InputError
from .model import MonDEQ
from .qp import PARAMETER_BITS, from_qp
from .quadratic_program import Array, check_positive_definite

LQR = "lqr"


def from_mpc(
    A: Array,
    B: Array,
    Q: Array,
    R: Array,
    N: int,
    *,
    x_box: tuple[Array, Array],
    u_bounds: tuple[Array, Array],
    x_bounds: tuple[Array, Array] | None = None,
    soft: float | Array | None = None,
    terminal: str | Array = LQR,
    reference: tuple[Array, Array] | None = None,
    input_bits: int = PARAMETER_BITS,
    source: str = "mpc",
) -> MonDEQ:
    """The network whose output is the first input of the optimal sequence.

    Parameters
    ----------
    A : array (n, n)
    B : array (n, m)
    Q : array (n, n)
        Weight of the state, positive semidefinite.
    R : array (m, m)
        Weight of the input, positive definite.
    N : int
        Horizon, in samples.
    x_box : pair of arrays (n,)
        The measured states for which every claim holds.
    u_bounds : pair of arrays (m,)
        Hard: they become clips.
    x_bounds : pair of arrays (n,), optional
        Of the predicted states; soft with penalty ``soft``; infinite where there is none.
    soft : float or array, optional
        ``delta`` of :func:`~mondeq_hw.problem.qp.from_qp`, for each bounded state of each sample, or one for all.
    terminal : "lqr" or array (n, n)
        Weight of the last state: the solution of the discrete Riccati equation, or a matrix.
    reference : pair of arrays (n,), optional
        Box of a state reference, constant over the horizon, which becomes a further parameter.
    input_bits, source
        As of ``from_qp``.

    Raises
    ------
    InputError
        A shape or a value; or soft bounds without a penalty.
    """
    A_, B_, Q_, R_ = (_matrix(name, value) for name, value in (("A", A), ("B", B), ("Q", Q), ("R", R)))
    n, m = B_.shape
    for name, matrix, shape in (("A", A_, (n, n)), ("Q", Q_, (n, n)), ("R", R_, (m, m))):
        if matrix.shape != shape:
            raise InputError(f"{name} has shape {matrix.shape}; expected {shape}, for {n} states and {m} inputs")
    check_positive_definite("R", R_, "every input needs a cost")
    if not isinstance(N, int) or N < 1:
        raise InputError(f"the horizon N is {N!r}; expected a whole number of samples, at least 1")
    from scipy.linalg import block_diag  # slow to import, and the command line starts with this wing

    Phi, Gamma = prediction(A_, B_, N)
    weight = block_diag(*[Q_] * (N - 1), _terminal(terminal, A_, B_, Q_, R_))
    P = Gamma.T @ weight @ Gamma + np.kron(np.eye(N), R_)
    gains, boxes, names = [Gamma.T @ weight @ Phi], [x_box], [f"x{i}" for i in range(n)]
    if reference is not None:
        gains.append(-Gamma.T @ weight @ np.tile(np.eye(n), (N, 1)))
        boxes.append(reference)
        names += [f"r{i}" for i in range(n)]
    low, high = (np.concatenate([_vector("a box", box[end], n) for box in boxes]) for end in (0, 1))
    p = len(low)
    rows, lower, upper, moved = _constraints(Phi, Gamma, N, u_bounds, x_bounds, m, n, p)
    delta = None
    if len(rows) > N * m:
        if soft is None:
            raise InputError("x_bounds got no penalty; give soft=..., for example 0.1, which adds slack^2 / (2 soft)")
        penalty = np.broadcast_to(np.asarray(soft, dtype=np.float64), (len(rows) - N * m,))
        delta = np.concatenate([np.zeros(N * m), penalty])
    first = np.zeros((m, N * m))
    first[:, :m] = np.eye(m)
    return from_qp(
        P, np.zeros(N * m), rows, lower, upper, theta=(low, high), Q=np.hstack(gains), L=moved, U=moved, outputs=first,
        delta=delta, input_bits=input_bits, names=names, output_names=[f"u{j}" for j in range(m)], source=source,
    )  # fmt: skip


def prediction(A: np.ndarray, B: np.ndarray, N: int) -> tuple[np.ndarray, np.ndarray]:
    """``(Phi, Gamma)`` with ``(x_1, .., x_N) = Phi x_0 + Gamma (u_0, .., u_(N-1))``."""
    n, m = B.shape
    powers = [np.eye(n)]
    for _ in range(N):
        powers.append(A @ powers[-1])
    Gamma = np.zeros((N * n, N * m))
    for i in range(N):
        for j in range(i + 1):
            Gamma[i * n : (i + 1) * n, j * m : (j + 1) * m] = powers[i - j] @ B
    return np.vstack(powers[1:]), Gamma


def _constraints(
    Phi: np.ndarray,
    Gamma: np.ndarray,
    N: int,
    u_bounds: tuple[Array, Array],
    x_bounds: tuple[Array, Array] | None,
    m: int,
    n: int,
    p: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, bounds, and what the parameter adds to both bounds: inputs first, then every bounded predicted state."""
    ends = [np.tile(_vector("u_bounds", end, m, finite=False), N) for end in u_bounds]
    rows, moved = np.eye(N * m), np.zeros((N * m, p))
    if x_bounds is None:
        return rows, ends[0], ends[1], moved
    limits = [np.tile(_vector("x_bounds", end, n, finite=False), N) for end in x_bounds]
    bounded = np.flatnonzero(np.isfinite(limits[0]) | np.isfinite(limits[1]))
    shift = np.zeros((len(bounded), p))
    shift[:, :n] = -Phi[bounded]
    lower, upper = (np.concatenate([end, limit[bounded]]) for end, limit in zip(ends, limits, strict=True))
    return np.vstack([rows, Gamma[bounded]]), lower, upper, np.vstack([moved, shift])


def _terminal(terminal: str | Array, A: np.ndarray, B: np.ndarray, Q: np.ndarray, R: np.ndarray) -> np.ndarray:
    if not isinstance(terminal, str):
        weight = _matrix("terminal", terminal)
        if weight.shape != Q.shape:
            raise InputError(f"terminal has shape {weight.shape}; expected {Q.shape}")
        return weight
    if terminal != LQR:
        raise InputError(f"terminal is {terminal!r}; expected {LQR!r} or a matrix")
    from scipy.linalg import solve_discrete_are

    try:
        return np.asarray(solve_discrete_are(A, B, Q, R))
    except (np.linalg.LinAlgError, ValueError) as error:
        raise InputError(
            f"the Riccati equation has no solution ({error}); expected a stabilisable (A, B), or give terminal=MATRIX"
        ) from None


def _matrix(name: str, values: Array) -> np.ndarray:
    try:
        matrix = np.atleast_2d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"{name} is no matrix of numbers") from None
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise InputError(f"{name} has shape {matrix.shape}; expected a matrix of finite numbers")
    return matrix


def _vector(name: str, values: Array, length: int, finite: bool = True) -> np.ndarray:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is no vector of numbers") from None
    if vector.shape not in ((), (length,)) or np.isnan(vector).any() or (finite and not np.isfinite(vector).all()):
        raise InputError(f"{name} has an end of shape {vector.shape}; expected {length} numbers, or one for all")
    return np.broadcast_to(vector, (length,)).copy()
