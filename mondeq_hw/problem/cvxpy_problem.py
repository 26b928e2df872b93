"""Parametrised problems of the modelling language CVXPY, by its own canonicalisation.

CVXPY's disciplined parametrised programming makes the canonical ``q``, ``b`` and ``G`` affine in the parameters and
leaves ``P``, ``A`` and ``F`` alone; both are looked at, not trusted, at as many parameters as there are and one more.
What is shown and is no plain variable is made one by an equality, which :mod:`.equalities` takes out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import InputError, MissingToolError
from .arrays import Array, dense, interval, pair, vector
from .contents import listed
from .model import MonDEQ
from .qp import PARAMETER_BITS, posed, prepared
from .quadratic_program import ProblemError, QuadraticProgram, checked
from .slack import penalties
from .slowness import Slowness

if TYPE_CHECKING:
    import cvxpy

#: Relative; two canonical arrays that differ by more are two.
TOLERANCE = 1e-9
#: Attributes of a parameter by which its entries depend on each other.
STRUCTURES = ("symmetric", "hermitian", "diag", "PSD", "NSD", "sparsity")
#: Constraints that an error names.
MOST_SAID = 4
#: What stands behind an error about variables that the user does not have.
OWN_VARIABLES = (
    ". Some variables are CVXPY's own, by which it writes a max of more than two or a norm_inf in a cost, a bound of "
    "norm1 and the like, and cost nothing quadratic: write what they stand for by rows, or take a variable of yours "
    "and a small square of it"
)


def from_cvxpy(
    problem: cvxpy.Problem,
    parameters: Mapping[cvxpy.Parameter, tuple[Array, Array]],
    outputs: cvxpy.Expression | Sequence[cvxpy.Expression],
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
    outputs : sequence of cvxpy.Variable or affine cvxpy.Expression
        What the network shows, entry by entry likewise.
    delta : float, optional
        Penalty that softens inequalities which bound no single variable, as of ``from_qp``, and smooths weights that
        are no clip of a variable of its own (``norm1``, ``pos``, .. of what else is bounded).
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
    import cvxpy

    shown = [outputs] if isinstance(outputs, cvxpy.Expression) else outputs
    _check_arguments(problem, parameters, shown)
    smoothing = 0.0 if delta is None else penalties("delta", vector("delta", delta, 1, finite=False)[0], 0)[1]
    boxes = [_box(parameter, box) for parameter, box in parameters.items()]
    low, high = (np.concatenate([box[end] for box in boxes]) for end in (0, 1))
    names, output_names = _entries("parameters", parameters), _entries("outputs", shown)
    asked, variables = _with_variables(problem, shown)
    points = [low, *(low + step for step in np.diag(high - low)), high]
    with _values_kept(parameters):
        found = [_canonicalised(asked, list(parameters), point) for point in points]
    form = _Form.of(asked, found[0]["param_prob"])
    canonical, *moved, both = map(_Canonical.of, found)
    gains = {}
    for name in ("q", "b", "G"):
        base = getattr(canonical, name)
        widths = np.where(high > low, high - low, 1.0)
        gain = np.column_stack([getattr(at, name) - base for at in moved]) / widths if len(base) else None
        gains[name] = np.zeros((len(base), len(low))) if gain is None else gain
        slack = TOLERANCE * (np.abs(base) + np.abs(gains[name]) @ (high - low))
        if not (np.abs(base + gains[name] @ (high - low) - getattr(both, name)) <= slack).all():
            raise InputError(f"{source}: the canonical {name!r} is not affine in the parameters; rewrite the problem")
    for at in (*moved, both):
        if not all(_same(getattr(at, name), getattr(canonical, name)) for name in ("P", "A", "F")):
            raise InputError(
                f"{source}: a parameter stands in the quadratic part or multiplies a variable in a constraint; only "
                "linear costs and right-hand sides may depend on parameters"
            )
    fixed = {name: getattr(canonical, name) - gains[name] @ low for name in gains}
    stated = canonical.stated(fixed, gains, (low, high), form.shown(variables))
    try:
        solver, slow = posed(
            _softened(prepared(checked(**stated)), smoothing), smoothing=smoothing, input_bits=input_bits, names=names,
            output_names=output_names, source=source,
        )  # fmt: skip
    except ProblemError as error:
        raise InputError(f"{source}: of CVXPY's canonical problem, {error.in_shell()}{form.said(error)}") from None
    if slow is not None:
        slow.announced(source, f"in CVXPY's canonical problem {slow.due()}{form.said(slow)}", stacklevel=2)
    return solver


def _softened(problem: QuadraticProgram, delta: float) -> QuadraticProgram:
    """Inequalities and weights with a penalty, or zero; equalities stay hard."""
    equal = problem.equal & ~problem.slack.soft
    return replace(problem, slack=problem.slack.filled(problem.several & ~equal, delta, 0.0))


def _canonicalised(problem: cvxpy.Problem, parameters: list[cvxpy.Parameter], theta: np.ndarray) -> dict[str, Any]:
    """What CVXPY hands a solver of quadratic programs at one value of the parameters."""
    import cvxpy

    at = 0
    for parameter in parameters:
        value = theta[at : at + parameter.size].reshape(parameter.shape, order="F")
        try:
            parameter.value = value
        except ValueError as error:  # nonneg=True, for example
            raise InputError(
                f"the box of parameter {parameter.name()} holds values that its declaration does not ({error}); "
                "narrow the box, or declare the parameter without that"
            ) from None
        at += parameter.size
    try:
        data: dict[str, Any] = problem.get_problem_data(cvxpy.OSQP, enforce_dpp=True)[0]
    except (cvxpy.error.DPPError, cvxpy.error.DCPError, cvxpy.error.SolverError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"the problem is no quadratic program that CVXPY can parametrise ({reason}); expected a quadratic "
            "objective and linear constraints, by its DPP rules"
        ) from None
    return data


@dataclass(frozen=True)
class _Canonical:
    """``min 1/2 x'Px + q'x``, ``A x = b``, ``F x <= G`` of one value of the parameters."""

    P: np.ndarray
    q: np.ndarray
    A: np.ndarray
    b: np.ndarray
    F: np.ndarray
    G: np.ndarray

    @staticmethod
    def of(data: Mapping[str, Any]) -> _Canonical:
        return _Canonical(**{name: dense(data[name]) for name in ("P", "q", "A", "b", "F", "G")})

    def stated(
        self, fixed: Mapping[str, Any], gains: Mapping[str, Any], box: tuple[np.ndarray, np.ndarray], shown: np.ndarray
    ) -> dict[str, Any]:
        """Arguments of ``from_qp``, of the affine ``q``, ``b`` and ``G``."""
        return {
            "P": self.P,
            "q": fixed["q"],
            "A": np.vstack([self.A, self.F]),
            "l": np.concatenate([fixed["b"], np.full(len(self.G), -np.inf)]),
            "u": np.concatenate([fixed["b"], fixed["G"]]),
            "theta": box,
            "Q": gains["q"],
            "L": np.vstack([gains["b"], np.zeros_like(gains["G"])]),
            "U": np.vstack([gains["b"], gains["G"]]),
            "outputs": shown,
        }


@dataclass(frozen=True)
class _Form:
    """What the rows and columns of the canonical problem are of, whatever the parameters.

    Parameters
    ----------
    columns : dict of int to int
        Where each variable begins, by CVXPY's number of it.
    rows : tuple of str
        The user's constraint of each row of ``A`` and ``F``.
    variables : tuple of str
        The user's variable of each column, empty of CVXPY's own.
    """

    columns: dict[int, int]
    rows: tuple[str, ...]
    variables: tuple[str, ...]

    @staticmethod
    def of(problem: cvxpy.Problem, form: Any) -> _Form:
        own = {constraint.id: str(constraint) for constraint in problem.constraints}
        known = {variable.name() for variable in problem.variables()}
        rows = (own.get(each.id, str(each)) for each in form.constraints for _ in range(each.size))
        named = (each.name() if each.name() in known else "" for each in form.variables for _ in range(each.size))
        return _Form(dict(form.var_id_to_col), tuple(rows), tuple(named))

    def shown(self, outputs: Sequence[cvxpy.Variable]) -> np.ndarray:
        """The rows of ``S``."""
        starts = [(self.columns[variable.id], variable.size) for variable in outputs]
        return np.vstack([np.eye(len(self.variables))[start:][:size] for start, size in starts])

    def said(self, doubt: ProblemError | Slowness) -> str:
        """Which constraints and variables something is about, as the user wrote them."""
        about = [f"row {row} is of {' '.join(self.rows[row].split())[:60]!r}" for row in doubt.rows[:MOST_SAID]]
        names = dict.fromkeys(self.variables[at] for at in doubt.variables)
        about += [f"these variables are of {listed(name for name in names if name)}"] if any(names) else []
        return f" ({'; '.join(about)})" * bool(about) + (OWN_VARIABLES if "" in names else "")


def _with_variables(
    problem: cvxpy.Problem, outputs: Sequence[cvxpy.Expression]
) -> tuple[cvxpy.Problem, list[cvxpy.Variable]]:
    """The problem in which everything shown is a variable without attributes."""
    import cvxpy

    shown = [
        each if isinstance(each, cvxpy.Variable) and _is_plain(each) else cvxpy.Variable(each.shape, name=each.name())
        for each in outputs
    ]
    equal = [one == other for one, other in zip(shown, outputs, strict=True) if one is not other]
    return cvxpy.Problem(problem.objective, [*problem.constraints, *equal]), shown


def _is_plain(variable: cvxpy.Variable) -> bool:
    """Whether its declaration says no more than its shape: the others are written by other variables."""
    return all(said is None or said is False for said in variable.attributes.values())


@contextmanager
def _values_kept(parameters: Iterable[cvxpy.Parameter]) -> Iterator[None]:
    """The values that the user had given, back afterwards."""
    before = {parameter: parameter.value for parameter in parameters}
    try:
        yield
    finally:
        for parameter, value in before.items():
            parameter.save_value(value)


def _require_cvxpy() -> None:
    try:
        import cvxpy  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingToolError("cvxpy is not installed; run: pip install 'mondeq-hw[cvxpy]'") from None


def _check_arguments(
    problem: cvxpy.Problem,
    parameters: Mapping[cvxpy.Parameter, tuple[Array, Array]],
    outputs: Sequence[cvxpy.Expression],
) -> None:
    import cvxpy

    if not isinstance(problem, cvxpy.Problem):
        raise InputError(f"problem is a {type(problem).__name__}; expected a cvxpy.Problem")
    if not isinstance(parameters, Mapping) or not all(isinstance(each, cvxpy.Parameter) for each in parameters):
        raise InputError("parameters is no dict from each cvxpy.Parameter to its box, (low, high)")
    if not isinstance(outputs, Sequence) or not all(isinstance(each, cvxpy.Expression) for each in outputs):
        raise InputError("outputs is no list of cvxpy.Variable, or of affine expressions in them")
    if not parameters or not outputs:
        raise InputError("expected at least one parameter with its box, and at least one variable to show")
    for parameter in (*problem.parameters(), *(each for shown in outputs for each in shown.parameters())):
        if parameter not in parameters:
            raise InputError(f"parameter {parameter.name()} has no box; name one for each parameter of the problem")
    for parameter in parameters:
        structure = next((name for name in STRUCTURES if parameter.attributes.get(name)), None)
        if structure is not None or parameter.is_complex():
            raise InputError(
                f"parameter {parameter.name()} is declared {structure or 'complex'}, and each of its entries moves "
                "alone here; make the matrix of a plain parameter's entries"
            )
    known = {variable.id for variable in problem.variables()}
    for each in outputs:
        if not each.is_affine() or each.is_complex() or not {inside.id for inside in each.variables()} <= known:
            raise InputError(
                f"the output {each.name()} is no affine expression in real variables of the problem; show one that is"
            )
    if problem.is_mixed_integer():
        raise InputError("the problem has integer variables; expected a continuous one")


def _entries(what: str, leaves: Iterable[cvxpy.Expression]) -> list[str]:
    """A name for each entry: ``x``, or ``x[0]``, .. in the order that CVXPY has them."""

    def entry(leaf: cvxpy.Expression, at: int) -> str:
        place = ",".join(map(str, np.unravel_index(at, leaf.shape, order="F")))
        return str(leaf.name()) + (f"[{place}]" if leaf.size > 1 else "")

    names = [entry(leaf, at) for leaf in leaves for at in range(leaf.size)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two entries of {what} are called {twice!r}; give each a name of its own by name=...")
    return names


def _box(parameter: cvxpy.Parameter, box: tuple[Array, Array]) -> tuple[np.ndarray, np.ndarray]:
    name, ends = f"the box of parameter {parameter.name()}", []
    for end in pair(name, box):
        try:
            ends.append(np.broadcast_to(np.asarray(end, dtype=np.float64), parameter.shape).ravel(order="F"))
        except (TypeError, ValueError):
            raise InputError(f"{name} has an end that is no array of shape {parameter.shape}") from None
    return interval(name, ends, parameter.size)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Entry by entry, however small: what no parameter moves is computed alike each time."""
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=TOLERANCE, atol=0.0))
