"""Parametrised problems of the modelling language CVXPY, by its own canonicalisation.

CVXPY's disciplined parametrised programming makes the canonical ``q``, ``b`` and ``G`` affine in the parameters and
leaves ``P``, ``A`` and ``F`` alone; both are looked at, not trusted, at as many parameters as there are and one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base import InputError, MissingToolError
from .arrays import Array, dense, interval, pair
from .model import MonDEQ
from .qp import PARAMETER_BITS, from_qp

if TYPE_CHECKING:
    import cvxpy

#: Relative; two canonical arrays that differ by more are two.
TOLERANCE = 1e-9


def from_cvxpy(
    problem: cvxpy.Problem,
    parameters: dict[cvxpy.Parameter, tuple[Array, Array]],
    outputs: Sequence[cvxpy.Variable],
    *,
    delta: float | None = None,
    input_bits: int = PARAMETER_BITS,
    source: str = "cvxpy",
) -> MonDEQ:
    """The network whose outputs are variables of a parametrised quadratic program.

    Parameters
    ----------
    problem : cvxpy.Problem
        A quadratic objective and linear constraints, by the rules of disciplined parametrised programming.
    parameters : dict from cvxpy.Parameter to pair of arrays
        The box of each parameter, in the order of the network's inputs; a vector or matrix is taken entry by entry,
        the first index running fastest, as CVXPY does.
    outputs : sequence of cvxpy.Variable
        What the network shows, entry by entry likewise.
    delta : float, optional
        Penalty that softens inequalities which bound no single variable, as of ``from_qp``.
    input_bits, source
        As of ``from_qp``.

    Raises
    ------
    InputError
        The problem is no quadratic program in its parameters, or what ``from_qp`` refuses.
    MissingToolError
        CVXPY is not installed.
    """
    _require_cvxpy()
    _check_arguments(problem, parameters, outputs)
    boxes = [_box(parameter, box) for parameter, box in parameters.items()]
    low, high = (np.concatenate([box[end] for box in boxes]) for end in (0, 1))
    canonical = _Canonical.of(problem, list(parameters), low)
    moved = [_Canonical.of(problem, list(parameters), low + step) for step in np.diag(high - low)]
    both = _Canonical.of(problem, list(parameters), high)
    gains = {}
    for name in ("q", "b", "G"):
        base = getattr(canonical, name)
        widths = np.where(high > low, high - low, 1.0)
        gain = np.column_stack([getattr(at, name) - base for at in moved]) / widths if len(base) else None
        gains[name] = np.zeros((len(base), len(low))) if gain is None else gain
        if not _same(base + gains[name] @ (high - low), getattr(both, name)):
            raise InputError(f"{source}: the canonical {name!r} is not affine in the parameters; rewrite the problem")
    for at in (*moved, both):
        if not all(_same(getattr(at, name), getattr(canonical, name)) for name in ("P", "A", "F")):
            raise InputError(
                f"{source}: a parameter stands in the quadratic part or multiplies a variable in a constraint; only "
                "linear costs and right-hand sides may depend on parameters"
            )
    free = np.full(len(canonical.G), -np.inf)
    penalties = None
    if delta is not None:
        penalties = np.concatenate([np.zeros(len(canonical.b)), np.full(len(canonical.G), float(delta))])
    fixed = {name: getattr(canonical, name) - gains[name] @ low for name in gains}
    return from_qp(
        canonical.P,
        fixed["q"],
        np.vstack([canonical.A, canonical.F]),
        np.concatenate([fixed["b"], free]),
        np.concatenate([fixed["b"], fixed["G"]]),
        theta=(low, high),
        Q=gains["q"],
        L=np.vstack([gains["b"], np.zeros_like(gains["G"])]),
        U=np.vstack([gains["b"], gains["G"]]),
        outputs=canonical.shown(outputs),
        delta=penalties,
        input_bits=input_bits,
        names=_entries(parameters),
        output_names=_entries(outputs),
        source=source,
    )


@dataclass(frozen=True)
class _Canonical:
    """``min 1/2 x'Px + q'x``, ``A x = b``, ``F x <= G`` of one value of the parameters."""

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray
    F: np.ndarray
    G: np.ndarray
    columns: dict[int, int]

    @staticmethod
    def of(problem: cvxpy.Problem, parameters: list[cvxpy.Parameter], theta: np.ndarray) -> _Canonical:
        import cvxpy

        at = 0
        for parameter in parameters:
            value = theta[at : at + parameter.size].reshape(parameter.shape, order="F")
            try:
                parameter.value = value
            except ValueError as error:  # nonneg=True, for example
                raise InputError(
                    f"the box of parameter {parameter.name()} holds values that its declaration does not ({error}); "
                    "narrow the box"
                ) from None
            at += parameter.size
        try:
            data, _, _ = problem.get_problem_data(cvxpy.OSQP, enforce_dpp=True)
        except (cvxpy.error.DPPError, cvxpy.error.DCPError, cvxpy.error.SolverError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"the problem is no quadratic program that CVXPY can parametrise ({reason}); expected a quadratic "
                "objective and linear constraints, by its DPP rules"
            ) from None
        arrays = {name: dense(data[name]) for name in ("P", "q", "A", "b", "F", "G")}
        return _Canonical(**arrays, columns=dict(data["param_prob"].var_id_to_col))

    def shown(self, outputs: Sequence[cvxpy.Variable]) -> np.ndarray:
        rows: list[np.ndarray] = []
        for variable in outputs:
            if variable.id not in self.columns:
                raise InputError(f"the variable {variable.name()} is not in the canonical problem; show one that is")
            rows.append(np.eye(len(self.q))[self.columns[variable.id] :][: variable.size])
        return np.vstack(rows)


def _require_cvxpy() -> None:
    try:
        import cvxpy  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingToolError("cvxpy is not installed; run: pip install 'mondeq-hw[cvxpy]'") from None


def _check_arguments(
    problem: cvxpy.Problem,
    parameters: dict[cvxpy.Parameter, tuple[Array, Array]],
    outputs: Sequence[cvxpy.Variable],
) -> None:
    import cvxpy

    if not isinstance(problem, cvxpy.Problem):
        raise InputError(f"problem is a {type(problem).__name__}; expected a cvxpy.Problem")
    missing = [parameter.name() for parameter in problem.parameters() if parameter not in parameters]
    if missing:
        raise InputError(f"parameter {missing[0]} has no box; name one for each parameter of the problem")
    if not parameters or not outputs:
        raise InputError("expected at least one parameter with its box, and at least one variable to show")
    if problem.is_mixed_integer():
        raise InputError("the problem has integer variables; expected a continuous one")
    if isinstance(problem.objective, cvxpy.Maximize):
        raise InputError("the problem maximises; write it as a minimisation")


def _entries(leaves: Iterable[cvxpy.Parameter | cvxpy.Variable]) -> list[str]:
    """A name for each entry: ``x``, or ``x[0]``, .. in the order that CVXPY has them."""

    def entry(leaf: cvxpy.Parameter | cvxpy.Variable, at: int) -> str:
        place = ",".join(map(str, np.unravel_index(at, leaf.shape, order="F")))
        return str(leaf.name()) + (f"[{place}]" if leaf.size > 1 else "")

    return [entry(leaf, at) for leaf in leaves for at in range(leaf.size)]


def _box(parameter: cvxpy.Parameter, box: tuple[Array, Array]) -> tuple[np.ndarray, np.ndarray]:
    name, ends = f"the box of parameter {parameter.name()}", []
    for end in pair(name, box):
        try:
            ends.append(np.broadcast_to(np.asarray(end, dtype=np.float64), parameter.shape).ravel(order="F"))
        except (TypeError, ValueError):
            raise InputError(f"{name} has an end that is no array of shape {parameter.shape}") from None
    return interval(name, ends, parameter.size)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE))
