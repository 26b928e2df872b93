"""Linear model predictive control, condensed to a quadratic program in the inputs of the horizon.

``min sum_k x_k'Q x_k + u_k'R u_k + du_k'S du_k + x_N' T x_N`` with ``x_(k+1) = A x_k + B u_k``, ``du_k = u_k -
u_(k-1)``; the parameter is the measured state (and a reference, and the previous input where ``S`` is given), the
output the first input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import InputError
from .arrays import Array, interval, matrix, require_shape, vector, whole
from .model import MonDEQ
from .observer import observed
from .qp import PARAMETER_BITS, posed, stated
from .quadratic_program import SYMMETRY, ProblemError, check_positive_definite, require_symmetric
from .slack import PENALTIES, Slack

LQR = "lqr"
#: Of a state within the horizon; beyond, the condensed problem's numbers mean nothing.
LARGEST_GROWTH = 1e12
#: What a solution of the Riccati equation may leave over, relative to its entries.
RICCATI = 1e-6
#: What its quadratic cost is called, and what helps where that is singular.
COST = ("the cost of the horizon's inputs", "shorten the horizon N, or give R larger weights")
#: What makes it slow, and what helps.
SLOW_STATES = "it is for soft bounds of states: give a larger soft, for example 0.1"
SLOW_INPUTS = "it is for inputs of little cost: give R larger weights, shorten the horizon N, or sample more rarely"
#: Inputs or states of a whole horizon; far more than any core holds.
LARGEST_HORIZON = 5000


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
    soft_l1: float | Array | None = None,
    terminal: str | Array = LQR,
    reference: tuple[Array, Array] | None = None,
    change: Array | None = None,
    observer: tuple[Array, Array] | None = None,
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
        Of the predicted states that inputs move; soft with penalty ``soft``; infinite where there is none.
    soft : float or array, optional
        ``delta`` of :func:`~mondeq_hw.problem.qp.from_qp`, for each bounded state of each sample, or one for all.
    soft_l1 : float or array, optional
        ``slack_l1`` of it, likewise: what lies farther out than ``soft * soft_l1`` costs in proportion.  A small
        ``soft`` beside it is an exact penalty, nearly, with multipliers that are bounded.
    terminal : "lqr" or array (n, n)
        Weight of the last state: the solution of the discrete Riccati equation, or a matrix.
    reference : pair of arrays (n,), optional
        Box of a state reference, constant over the horizon, which becomes a further parameter.
    change : array (m, m), optional
        Weight ``S`` of how much inputs change from sample to sample, positive semidefinite; the previous input becomes
        a further parameter, the last one, its box ``u_bounds``.
    observer : pair of arrays (p, n) and (n, p), optional
        ``C`` and gain ``L``: not the state is measured but ``y = C x``, whose box is that of the states; an observer
        ``x+ = A x + B u + L (y - C x)`` estimates it, a carried state that begins at zero.
    input_bits, source
        As of ``from_qp``.

    Raises
    ------
    InputError
        A shape or a value; or soft bounds without a penalty.
    """
    problem = condensed(
        A, B, Q, R, N, x_box=x_box, u_bounds=u_bounds, x_bounds=x_bounds, soft=soft, terminal=terminal,
        soft_l1=soft_l1, reference=reference, change=change,
    )  # fmt: skip
    names = {key: problem.pop(key) for key in ("names", "output_names")}
    try:
        controller, slow = posed(stated(**problem)[0], **names, input_bits=input_bits, source=source, cost=COST)
    except ProblemError:
        if not isinstance(terminal, str) and (least := np.linalg.eigvalsh(matrix("terminal", terminal))[0]) < 0:
            raise InputError(
                f"terminal has the eigenvalue {least:.3g}, and the cost over the horizon is not convex with it; "
                "expected a positive semidefinite matrix"
            ) from None
        raise
    if slow is not None:
        slow.announced(source, SLOW_STATES if slow.rows else SLOW_INPUTS, stacklevel=2)
    return controller if observer is None else observed(controller, matrix("A", A), matrix("B", B), observer)


def condensed(
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
    soft_l1: float | Array | None = None,
    terminal: str | Array = LQR,
    reference: tuple[Array, Array] | None = None,
    change: Array | None = None,
) -> dict[str, Any]:
    """The quadratic program in the inputs of the horizon, as arguments of ``from_qp``; for what, see ``from_mpc``."""
    A_, B_, Q_, R_ = (matrix(name, value) for name, value in (("A", A), ("B", B), ("Q", Q), ("R", R)))
    n, m = len(A_), len(R_)
    for name, given, shape in (("A", A_, (n, n)), ("B", B_, (n, m)), ("Q", Q_, (n, n)), ("R", R_, (m, m))):
        require_shape(name, given, shape, f": A is of {n} states, R of {m} inputs")
    _require_semidefinite("Q", Q_)
    check_positive_definite("R", R_, "every input needs a cost")
    horizon = whole(N)
    if horizon is None or horizon < 1:
        raise InputError(f"the horizon N is {N!r}; expected a whole number of samples, at least 1")
    N = horizon
    if N * max(n, m) > LARGEST_HORIZON:
        raise InputError(
            f"the horizon N = {N} makes {N * m} inputs and {N * n} states; expected at most {LARGEST_HORIZON} of each"
        )
    if soft is not None and x_bounds is None:
        raise InputError("soft is a penalty of x_bounds, which are not given; give both, or leave it out")
    if soft_l1 is not None and soft is None:
        raise InputError("soft_l1 goes beside a penalty soft, which is not given; give a small one, for example 0.001")
    from scipy.linalg import block_diag  # slow to import, and the command line starts with this wing

    Phi, Gamma = prediction(A_, B_, N)
    weight = block_diag(*[Q_] * (N - 1), _terminal(terminal, A_, B_, Q_, R_))
    P = Gamma.T @ weight @ Gamma + np.kron(np.eye(N), R_)
    gains, boxes, names = [Gamma.T @ weight @ Phi], [interval("x_box", x_box, n)], [f"x{i}" for i in range(n)]
    if reference is not None:
        gains.append(-Gamma.T @ weight @ np.tile(np.eye(n), (N, 1)))
        boxes.append(interval("reference", reference, n))
        names += [f"r{i}" for i in range(n)]
    if change is not None:
        S = matrix("change", change)
        require_shape("change", S, (m, m), f", for {m} inputs")
        _require_semidefinite("change", S)
        more, gain = _change(S, N * m)
        P = P + more
        gains.append(gain)
        previous = interval("u_bounds", u_bounds, m, finite=False)
        if not np.isfinite(previous).all():
            raise InputError("u_bounds are infinite, and with change=... the box of a parameter, the previous input")
        boxes.append(previous)
        names += [f"p{j}" for j in range(m)]
    low, high = (np.concatenate([box[end] for box in boxes]) for end in (0, 1))
    inputs, p = N * m, len(low)
    rows, moved, slack = np.eye(inputs), np.zeros((inputs, p)), Slack.none(inputs)
    lower, upper = (np.tile(end, N) for end in interval("u_bounds", u_bounds, m, finite=False))
    if x_bounds is not None:
        ends = interval("x_bounds", x_bounds, n, finite=False)
        soft_rows, softness = _soft_rows(Phi, Gamma, ends, soft, soft_l1)
        rows, lower, upper = (np.concatenate(both) for both in zip((rows, lower, upper), soft_rows[:3], strict=True))
        moved = np.vstack([moved, np.pad(soft_rows[3], ((0, 0), (0, p - n)))])
        slack = slack.above(softness)
    return {
        "P": P,
        "q": np.zeros(inputs),
        "Q": np.hstack(gains),
        "A": rows,
        "l": lower,
        "u": upper,
        "L": moved,
        "U": moved,
        "theta": (low, high),
        "outputs": rows[:m],
        "delta": slack.delta,
        "slack_l1": slack.weight,
        "names": names,
        "output_names": [f"u{j}" for j in range(m)],
    }


def prediction(A: np.ndarray, B: np.ndarray, N: int) -> tuple[np.ndarray, np.ndarray]:
    """``(Phi, Gamma)`` with ``(x_1, .., x_N) = Phi x_0 + Gamma (u_0, .., u_(N-1))``."""
    n, m = B.shape
    powers = [np.eye(n)]
    for _ in range(N):
        powers.append(A @ powers[-1])
        if not np.abs(powers[-1]).max() < LARGEST_GROWTH:
            raise InputError(f"a state grows by {LARGEST_GROWTH:g} or more within the horizon N = {N}; shorten it")
    Gamma = np.zeros((N * n, N * m))
    for i in range(N):
        for j in range(i + 1):
            Gamma[i * n : (i + 1) * n, j * m : (j + 1) * m] = powers[i - j] @ B
    return np.vstack(powers[1:]), Gamma


def _soft_rows(
    Phi: np.ndarray,
    Gamma: np.ndarray,
    x_bounds: tuple[np.ndarray, np.ndarray],
    soft: float | Array | None,
    soft_l1: float | Array | None,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Slack]:
    """Rows, bounds, what the measured state adds to both, and their slack: of predicted states with a bound."""
    if soft is None:
        raise InputError("x_bounds got no penalty; give soft=..., for example 0.1, which adds slack^2 / (2 soft)")
    lower, upper = (np.tile(end, len(Phi) // len(end)) for end in x_bounds)
    bounded = np.flatnonzero(np.isfinite(lower) | np.isfinite(upper))
    slack = Slack(
        _positive("soft", soft, len(bounded)),
        np.zeros(len(bounded)) if soft_l1 is None else _positive("soft_l1", soft_l1, len(bounded)),
    )
    moving = np.asarray(Gamma[bounded].any(axis=1))  # a state that no input moves has no say
    bounded = bounded[moving]
    return (Gamma[bounded], lower[bounded], upper[bounded], -Phi[bounded]), slack.rows(moving)


def _positive(name: str, value: float | Array, rows: int) -> np.ndarray:
    """Penalties of so many rows."""
    found, (least, most) = vector(name, value, rows), PENALTIES
    if not (inside := (found >= least) & (found <= most)).all():
        wrong = found[np.argmin(inside)]
        raise InputError(f"{name} has the entry {wrong:g}; expected positive penalties, from {least:g} to {most:g}")
    return found


def _change(weight: np.ndarray, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """What the weight of changes adds to the quadratic cost of all inputs; the linear cost by the previous input."""
    m = len(weight)
    difference = np.eye(inputs) - np.eye(inputs, k=-m)
    weights = np.kron(np.eye(inputs // m), weight)
    return difference.T @ weights @ difference, np.vstack([-weight, np.zeros((inputs - m, m))])


def _require_semidefinite(name: str, weight: np.ndarray) -> None:
    require_symmetric(name, weight)
    if (smallest := np.linalg.eigvalsh(weight)[0]) < -SYMMETRY * np.abs(weight).max():
        raise InputError(f"{name} has the eigenvalue {smallest:.3g}; expected a positive semidefinite matrix")


def _terminal(terminal: str | Array, A: np.ndarray, B: np.ndarray, Q: np.ndarray, R: np.ndarray) -> np.ndarray:
    if not isinstance(terminal, str):
        weight = matrix("terminal", terminal)
        require_shape("terminal", weight, Q.shape)
        require_symmetric("terminal", weight)
        return weight
    if terminal != LQR:
        raise InputError(f"terminal is {terminal!r}; expected {LQR!r} or a matrix")
    from scipy.linalg import solve_discrete_are

    try:
        found = np.asarray(solve_discrete_are(A, B, Q, R))
        gain = np.linalg.solve(R + B.T @ found @ B, B.T @ found @ A)
        left_over = Q + A.T @ found @ (A - B @ gain) - found
        if not np.abs(left_over).max() <= RICCATI * max(np.abs(found).max(), np.abs(Q).max()):
            raise np.linalg.LinAlgError("double precision finds none")
    except (np.linalg.LinAlgError, ValueError) as error:
        raise InputError(
            f"the Riccati equation has no solution ({error}); expected a stabilisable (A, B), or give terminal=MATRIX"
        ) from None
    return found
