"""Parametric quadratic programs as equilibrium networks.

``min 1/2 z'Pz + q(theta)'z + l1'|z|`` subject to ``l(theta) <= A z <= u(theta)`` (OSQP's form, ``q``, ``l``, ``u``
affine in a parameter in a box; rows may be soft) is a monotone inclusion ``0 in M s + E theta + c + N(s)`` whose rows
have a clip for a prox, hence the recurrence of a MonDEQ.

    stated: checked -> without_maxima -> summed -> with_signs -> slack
    posed: merged -> eliminated (equalities) -> inclusion_of (primal, saddle, dual) -> well_scaled -> network

What an output takes from theta itself is the network's feed-through ``F``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..base import Clip, InputError
from .arrays import Array, vector, whole
from .equalities import eliminated
from .inclusion import Inclusion, inclusion_of, with_signs
from .lifted import without_maxima
from .model import MonDEQ, monotonicity_margin
from .parallel import merged, summed
from .parameters import Parameters
from .preprocessing import Preprocessing
from .quadratic_program import QuadraticProgram, check_positive_definite, checked
from .scaling import well_scaled
from .slack import Slack, penalties
from .slowness import Slowness
from .task import VALUES

#: Bits of a parameter's word, where the user names none.
PARAMETER_BITS = 12
#: What the quadratic cost is called, and what helps where it is singular.
COST = ("P", "no unique solution: add a small multiple of the identity")


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
    l1: float | Array | None = None,
    delta: float | Array | None = None,
    slack_l1: float | Array | None = None,
    input_bits: int = PARAMETER_BITS,
    names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    source: str = "qp",
) -> MonDEQ:
    """The equilibrium network whose output is the solution of a parametric quadratic program.

    ``min 1/2 z'Pz + (q + Q theta)'z + l1'|z|`` subject to ``l + L theta <= A z <= u + U theta``.

    Parameters
    ----------
    P : array (n, n)
        Symmetric, positive definite where the equalities leave freedom.
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
    l1 : float or array (n,), optional
        Weights of the variables' magnitudes, at least zero: of variables without bounds of their own, or with such
        that fix the sign.
    delta : float or array (m,), optional
        Rows become soft, with penalty ``slack^2 / (2 delta)``: by one number all that bound no single variable (and
        weights of variables that have bounds as well), by an array those with an entry above zero.  Hard rows must be
        linearly independent, where not all are bounds of single variables.
    slack_l1 : float or array (m,), optional
        Rows become soft likewise, at the cost of ``slack_l1 |slack|``: an exact penalty, by which a row holds as long
        as its multiplier would be less.  It is a row without a ``delta`` otherwise, to be independent as if it were
        hard, but where it is an equality of one variable; with a ``delta`` the cost is quadratic, and goes on as a line
        from where its slope is ``slack_l1`` (Huber's function).
    input_bits : int
        Word length of a parameter on its box.
    names, output_names : sequence of str, optional
        Of the parameters and the outputs, for reports; ``theta0``, .. and ``y0``, .. when absent.
    source : str
        Name, for reports.

    Returns
    -------
    MonDEQ
        Its inputs are the parameters themselves, in words of ``input_bits`` bits spread evenly over their box.

    Raises
    ------
    InputError
        A shape, a value, an empty constraint or rows that no form can hold; says which and why.

    Warns
    -----
    InputWarning
        No scaling makes it fast enough for a controller; says which rows and variables that is due to.
    """
    given: dict[str, Any] = {
        "P": P,
        "q": q,
        "A": A,
        "l": l,
        "u": u,
        "theta": theta,
        "Q": Q,
        "L": L,
        "U": U,
        "outputs": outputs,
        "l1": l1,
    }
    problem, smoothing = stated(**given, delta=delta, slack_l1=slack_l1)
    solver, slow = posed(
        problem, smoothing=smoothing, input_bits=input_bits, names=names, output_names=output_names, source=source
    )
    if slow is not None:
        slow.announced(source, slow.due(), stacklevel=2)
    return solver


def stated(
    *,
    l1: float | Array | None = None,
    delta: float | Array | None = None,
    slack_l1: float | Array | None = None,
    **arguments: Any,
) -> tuple[QuadraticProgram, float]:
    """The arguments of :func:`from_qp` as a record, and the ``delta`` of all that has none, or zero."""
    problem = checked(**arguments)
    deltas, smoothing = penalties("delta", delta, len(problem.A))
    slopes, slope = penalties("slack_l1", slack_l1, len(problem.A))
    weights = np.zeros(len(problem.P)) if l1 is None else vector("l1", l1, len(problem.P))
    if (weights < 0).any():
        raise InputError(f"l1 has the entry {weights.min():g}; expected weights of magnitudes, at least zero")
    plain = prepared(replace(problem, slack=Slack(deltas, slopes)).with_magnitudes(weights))
    return replace(plain, slack=plain.slack.filled(plain.several, smoothing, slope)), smoothing


def prepared(problem: QuadraticProgram) -> QuadraticProgram:
    """Without what need be no row: one number for the slack of rows is of those that remain."""
    return with_signs(summed(without_maxima(problem)))


def posed(
    problem: QuadraticProgram,
    *,
    smoothing: float = 0.0,
    input_bits: int = PARAMETER_BITS,
    names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    source: str,
    cost: tuple[str, str] = COST,
) -> tuple[MonDEQ, Slowness | None]:
    """The network of a problem, and whether it is slow, which a front door says in its own words.

    ``smoothing`` is the ``delta``, or zero, of weights that are no clip of a variable of their own.
    """
    bits = whole(input_bits)
    if bits is None or not 1 <= bits <= 16:
        raise InputError(f"input_bits is {input_bits!r}; expected a whole number from 1 to 16")
    parameters = Parameters.named(names, len(problem.box[0]), output_names, len(problem.S))
    free = with_signs(summed(eliminated(merged(problem.bounded))))
    weighed = (free.slack.weight > 0) & ~free.own_thresholds
    free = replace(free, slack=free.slack.filled(weighed, smoothing, 0.0))
    if len(free.P):
        check_positive_definite(cost[0], free.P, cost[1], free.variables)
    inclusion = well_scaled(inclusion_of(free))
    slow = Slowness.of(inclusion, dict(zip(free.source.tolist(), free.slack.delta.tolist(), strict=True)))
    return network(inclusion, free.box, parameters, bits, source), slow


def network(
    inclusion: Inclusion, box: tuple[np.ndarray, np.ndarray], parameters: Parameters, input_bits: int, source: str
) -> MonDEQ:
    """A monotone inclusion as an equilibrium network, its parameters as words on their box."""
    low, high = box
    W = np.eye(len(inclusion.M)) - inclusion.M
    return MonDEQ(
        W=W,
        U=-inclusion.E,
        b=-inclusion.c,
        O=inclusion.O,
        c=inclusion.o,
        monotonicity_margin=monotonicity_margin(W),
        preprocessing=Preprocessing(scale=1.0, input_bits=input_bits, input_range=(low, high)),
        source=source,
        clip=Clip.of(inclusion.kinds),
        task=VALUES.name,
        F=inclusion.F if inclusion.F.any() else None,
        parameters=parameters,
    )
