"""Weights of magnitudes and of slacks, and the maxima of modelling languages: solutions equal Clarabel's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cvxpy
import numpy as np
import pytest
from plants import oscillating_masses

from mondeq_hw import InputError, compile, from_cvxpy, from_mpc, from_qp
from mondeq_hw.problem import box_words, logits

pytestmark = pytest.mark.slow

Plain = dict[str, Any]
EXACTLY = {"solver": cvxpy.CLARABEL, "tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


# -- magnitudes of variables -------------------------------------------------------


def lasso(seed: int, form: str) -> Plain:
    """A feasible problem of which some variables have weights, with rows of one form."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    X = rng.normal(size=(n + 2, n))
    weights = np.where(rng.random(n) < 0.7, rng.uniform(0.1, 3, n), 0.0)
    weights[0] = 0.0
    A, low, high = np.zeros((0, n)), np.zeros(0), np.zeros(0)
    if form == "signs":
        A, low, high = np.eye(n), np.resize([0, -np.inf, 0.3], n), np.resize([np.inf, -0.2, np.inf], n)
    elif form != "alone":  # as many rows as are independent of the weights' at most
        A = rng.normal(size=(min(2, n - int((weights > 0).sum())), n))
        low, high = -rng.random(len(A)), rng.random(len(A))
    if form == "equal":
        low = high
    box = {"theta": (-2 * np.ones(p), 2 * np.ones(p)), "Q": rng.normal(size=(n, p))}
    return {"P": X.T @ X, "q": rng.normal(size=n), "A": A, "l": low, "u": high, "l1": weights, **box}


def lasso_solution(problem: Plain, theta: np.ndarray, delta: float | None) -> np.ndarray:
    """By Clarabel."""
    z, slack = cvxpy.Variable(len(problem["q"])), cvxpy.Variable(len(problem["A"]))
    cost = cvxpy.quad_form(z, cvxpy.psd_wrap(problem["P"])) / 2 + (problem["q"] + problem["Q"] @ theta) @ z
    cost += problem["l1"] @ cvxpy.abs(z)
    cost += 0 if delta is None else cvxpy.sum_squares(slack) / (2 * delta)
    shown = problem["A"] @ z - slack
    rows = [(np.isfinite(problem[end]), problem[end], sign) for end, sign in (("u", 1), ("l", -1))]
    limits = [sign * shown[which] <= sign * ends[which] for which, ends, sign in rows if which.any()]
    limits += [slack == 0] if delta is None and len(problem["A"]) else []
    cvxpy.Problem(cvxpy.Minimize(cost), limits).solve(**EXACTLY)
    return np.asarray(z.value)


@pytest.mark.parametrize("form", ["alone", "signs", "soft", "hard", "equal"])
def test_weights_of_magnitudes_are_cvxpys(form: str) -> None:
    delta = 0.1 if form == "soft" else None
    for seed in range(6):
        problem = lasso(seed, form)
        model = from_qp(**problem, delta=delta)
        words = box_words(model.input_map.words.ends, model.d, 2, seed)
        for theta, found in zip(model.input_map.words.values(words), logits(model, words), strict=True):
            np.testing.assert_allclose(found, lasso_solution(problem, theta, delta), atol=1e-6)


def test_a_lasso_keeps_the_proved_bounds_and_its_zeros(tmp_path: Path) -> None:
    """The prox of the core is a soft threshold: a variable that is zero is exactly zero."""
    problem = lasso(3, "alone")
    project = compile(from_qp(**problem), tmp_path / "build", bits=10)
    bounds = np.array(project.certificate.line("output_distance").values["bounds"])
    words = box_words(project.preprocessing.words.ends, project.program.d, 40, 0)
    thetas, found = project.preprocessing.words.values(words), project.predict(words=project.golden.words(words))
    exact = np.array([lasso_solution(problem, theta, None) for theta in thetas])
    assert (np.abs(found - exact) <= bounds + 1e-6).all() and bounds.max() < 0.05
    assert ((found == 0) & (np.abs(exact) < 1e-6)).any()


# -- what lies beyond a row ---------------------------------------------------------


def beyond(name: str, rng: np.random.Generator) -> tuple[Plain, Callable[[cvxpy.Variable, np.ndarray], Any]]:
    """Rows with weights of their slack, and what they cost CVXPY, given variable and parameter."""
    n, p, m = 4, 2, 3
    G, h, H, w = rng.normal(size=(m, n)), rng.normal(size=m), 0.3 * rng.normal(size=(m, p)), rng.uniform(0.1, 2, m)

    def above(z: cvxpy.Variable, theta: np.ndarray) -> cvxpy.Expression:
        return G @ z - (h + H @ theta)

    if name == "equalities":
        return {"A": G, "l": h, "u": h, "L": H, "U": H, "slack_l1": w}, lambda z, theta: w @ cvxpy.abs(above(z, theta))
    if name == "one-sided":
        return {"A": G, "u": h, "U": H, "slack_l1": w}, lambda z, theta: w @ cvxpy.pos(above(z, theta))
    if name == "beside a hard row":
        problem = {"A": G, "l": [h[0], -np.inf, -np.inf], "u": h, "slack_l1": [w[0], w[1], 0]}
        return (
            problem,
            lambda z, theta: (
                w[0] * cvxpy.abs(G[0] @ z - h[0]) + w[1] * cvxpy.pos(G[1] @ z - h[1]) + hard(G[2] @ z <= h[2])
            ),
        )
    if name == "of one variable":
        alone = np.eye(n)[:m] * rng.uniform(-2, 2, (m, 1))
        return {
            "A": alone,
            "l": h,
            "u": h,
            "L": H,
            "U": H,
            "slack_l1": w,
        }, lambda z, theta: w @ cvxpy.abs(alone @ z - (h + H @ theta))
    if name == "with a delta, beside bounds":
        problem = {
            "A": np.vstack([np.eye(n), G]), "l": [*[-0.3] * n, *[-np.inf] * m], "u": [*[0.3] * n, *h],
            "U": np.vstack([np.zeros((n, p)), H]), "slack_l1": [*[0] * n, *w], "delta": [*[0] * n, *[0.2] * m],
        }  # fmt: skip
        return problem, lambda z, theta: huber(above(z, theta), 0.2, w) + hard(cvxpy.abs(z) <= 0.3)
    assert name == "of two sides, one number"
    return {"A": G, "l": h - 0.1, "u": h + 0.1, "slack_l1": 0.7, "delta": 0.05}, lambda z, theta: huber(
        cvxpy.abs(G @ z - h) - 0.1, 0.05, np.full(m, 0.7)
    )


def hard(constraint: cvxpy.Constraint) -> cvxpy.Expression:
    return cvxpy.transforms.indicator([constraint])


def huber(distance: cvxpy.Expression, delta: float, weights: np.ndarray) -> cvxpy.Expression:
    """``slack^2 / (2 delta)`` of what is positive, from where its slope is the weight a line."""
    linear = cvxpy.Variable(len(weights), nonneg=True)
    return cvxpy.sum_squares(cvxpy.pos(distance - linear)) / (2 * delta) + weights @ linear


@pytest.mark.parametrize(
    "name",
    [
        "equalities", "one-sided", "beside a hard row", "of one variable", "with a delta, beside bounds",
        "of two sides, one number",
    ],
)  # fmt: skip
def test_weights_of_slacks_are_cvxpys(name: str) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, q, Q = rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=(4, 2))
        rows, cost = beyond(name, rng)
        model = from_qp(X.T @ X, q, theta=(-np.ones(2), np.ones(2)), Q=Q, **rows)
        words = box_words(model.input_map.words.ends, 2, 3, seed)
        for theta, found in zip(model.input_map.words.values(words), logits(model, words), strict=True):
            z = cvxpy.Variable(4)
            total = cvxpy.sum_squares(X @ z) / 2 + (q + Q @ theta) @ z + cost(z, theta)
            cvxpy.Problem(cvxpy.Minimize(total)).solve(**EXACTLY)
            np.testing.assert_allclose(found, z.value, atol=1e-6)


def test_an_exact_penalty_is_hard_where_its_weight_exceeds_the_multiplier() -> None:
    """min (z - theta)^2 / 2 with z <= 1 at a weight of 1: the bound holds up to theta = 2."""
    model = from_qp([[1.0]], [0.0], [[1.0]], u=[1.0], theta=([-4.0], [4.0]), Q=[[-1.0]], slack_l1=[1.0])
    theta = model.input_map.words.values(words := np.array([[-2000], [0], [500], [1000], [2047]]))[:, 0]
    np.testing.assert_allclose(logits(model, words)[:, 0], np.minimum(theta, np.maximum(1, theta - 1)), atol=1e-9)


def test_certificates_hold_of_soft_states_with_a_weight(tmp_path: Path) -> None:
    A, B = oscillating_masses(2, 1)
    limit = np.array([0.5, 0.5, np.inf, np.inf])
    arguments: Plain = {"x_box": (-1.0, 1.0), "u_bounds": (-0.5, 0.5), "x_bounds": (-limit, limit)}
    model = from_mpc(A, B, np.eye(4), np.eye(1), 4, **arguments, soft=0.05, soft_l1=0.3)
    project = compile(model, tmp_path / "build", bits=12)
    bounds = np.array(project.certificate.line("output_distance").values["bounds"])
    words = box_words(project.preprocessing.words.ends, project.program.d, 2000, 0)
    error = np.abs(project.predict(words=project.golden.words(words)) - logits(model, words)).max(axis=0)
    assert (error <= bounds).all() and bounds.max() < 0.05
    # The weight matters: without it the answer is another.
    without = from_mpc(A, B, np.eye(4), np.eye(1), 4, **arguments, soft=0.05)
    assert np.abs(logits(without, words) - logits(model, words)).max() > 0.01
    assert project.certificate.line("hard_bounds").status == "proved"


# -- maxima of CVXPY ------------------------------------------------------------------

X = np.random.default_rng(3).normal(size=(6, 4))
Posed = tuple[Any, list[cvxpy.Constraint]]
MAXIMA: dict[str, Callable[[cvxpy.Variable, cvxpy.Parameter], Posed]] = {
    "norm1": lambda z, p: (cvxpy.sum_squares(z - p) + 0.5 * cvxpy.norm1(z), []),
    "norm1 about a parameter": lambda z, p: (cvxpy.sum_squares(z) + 0.5 * cvxpy.norm1(z - p), []),
    "lasso": lambda z, p: (cvxpy.sum_squares(X @ (z - p)) + 0.5 * cvxpy.norm1(z), []),
    "total variation": lambda z, p: (cvxpy.sum_squares(z - p) + 0.5 * cvxpy.tv(z), []),
    "trends": lambda z, p: (cvxpy.sum_squares(z - p) + 0.5 * cvxpy.norm1(cvxpy.diff(z, 2)), []),
    "pos and neg": lambda z, p: (cvxpy.sum_squares(z - p) + cvxpy.sum(cvxpy.pos(z[:2] - 0.2) + cvxpy.neg(z[2:])), []),
    "maximum of two": lambda z, p: (cvxpy.sum_squares(z - p) + cvxpy.sum(cvxpy.maximum(z, 2 * z - p)), []),
    "huber": lambda z, p: (cvxpy.sum_squares(z) + 10 * cvxpy.sum(cvxpy.huber(X @ (z - p), 0.3)), []),
    "abs bounded": lambda z, p: (cvxpy.sum_squares(X @ (z - p)), [cvxpy.abs(z) <= 0.3]),
    "norm_inf bounded": lambda z, p: (cvxpy.sum_squares(X @ (z - p)), [cvxpy.norm_inf(z) <= 0.3]),
    "max bounded": lambda z, p: (cvxpy.sum_squares(X @ (z - p)), [cvxpy.max(z) <= 0.3]),
    "sign known": lambda z, p: (cvxpy.sum_squares(X @ (z - p)) + 0.3 * cvxpy.norm1(z), [z >= 0]),
}


@pytest.mark.parametrize("name", MAXIMA)
@pytest.mark.parametrize("maximised", [False, True])
def test_maxima_of_cvxpy_are_rows(name: str, maximised: bool) -> None:
    """No row more than the problem has clips or multipliers."""
    z, p = cvxpy.Variable(4, name="z"), cvxpy.Parameter(4, name="p")
    cost, limits = MAXIMA[name](z, p)
    problem = cvxpy.Problem(cvxpy.Maximize(-cost) if maximised else cvxpy.Minimize(cost), limits)
    model = from_cvxpy(problem, {p: (-1, 1)}, z)
    assert model.n == {"total variation": 3, "trends": 2, "huber": 10}.get(name, 4)
    words = box_words(model.input_map.words.ends, 4, 4, 0)
    for theta, found in zip(model.input_map.words.values(words), logits(model, words), strict=True):
        p.value = theta
        problem.solve(**EXACTLY)
        np.testing.assert_allclose(found, z.value, atol=1e-6)


def test_slack_variables_of_a_linear_cost_are_no_rows_of_their_own() -> None:
    """As users write an exact penalty by hand, in CVXPY or as a file: eps >= 0, G z - eps <= h, cost c eps."""
    rng = np.random.default_rng(0)
    P, G, h = X.T @ X, rng.normal(size=(2, 4)), np.array([-0.1, 0.2])
    box: Plain = {"theta": (-np.ones(4), np.ones(4))}
    direct = from_qp(P, np.zeros(4), G, u=h, Q=-P, slack_l1=[3.0, 2.0], **box)
    lifted = from_qp(
        np.pad(P, (0, 2)), [0, 0, 0, 0, 3, 2], np.block([[np.zeros((2, 4)), np.eye(2)], [G, -np.eye(2)]]),
        l=[0, 0, -np.inf, -np.inf], u=[np.inf, np.inf, *h], Q=np.vstack([-P, np.zeros((2, 4))]),
        outputs=np.eye(6)[:4], **box,
    )  # fmt: skip
    below = from_qp(  # the same by their negatives, as one writes what is to be large
        np.pad(P, (0, 2)), [0, 0, 0, 0, -3, -2], np.block([[np.zeros((2, 4)), np.eye(2)], [G, np.eye(2)]]),
        u=[0, 0, *h], Q=np.vstack([-P, np.zeros((2, 4))]), outputs=np.eye(6)[:4], **box,
    )  # fmt: skip
    words = box_words(direct.input_map.words.ends, 4, 30, 0)
    for model in (lifted, below):
        np.testing.assert_allclose(logits(model, words), logits(direct, words), atol=1e-7)
        assert model.n == direct.n == 2
    # Shown, or bounded from above so that a row is hard again, they stay what they are.
    with pytest.raises(InputError, match=r"P is singular, or nearly .* on variables 4"):
        from_qp(np.pad(P, (0, 1)), [0, 0, 0, 0, 3], [[0, 0, 0, 0, 1], [*G[0], -1]], [0, -np.inf], [np.inf, 0.1], **box)


def test_states_with_a_weight_alone_are_eliminated() -> None:
    """A sparse problem of control whose states cost their magnitudes, the first of which the parameter fixes."""
    A, b, N = np.array([[1, 0.1], [0, 1]]), np.array([0, 0.1]), 3
    x, u, p = cvxpy.Variable((2, N + 1), name="x"), cvxpy.Variable(N, name="u"), cvxpy.Parameter(2, name="p")
    rows = [x[:, 0] == p, *(x[:, k + 1] == A @ x[:, k] + b * u[k] for k in range(N))]
    cost = cvxpy.sum_squares(u) * 0.1 + sum(cvxpy.norm1(x[:, k + 1]) for k in range(N))
    problem = cvxpy.Problem(cvxpy.Minimize(cost), [*rows, *[cvxpy.norm_inf(u) <= 0.5] * N])  # as in a loop
    with pytest.raises(InputError, match=r"variables 0 have a weight, and .* delta=.*of u\)"):
        from_cvxpy(problem, {p: (-1, 1)}, u)
    model = from_cvxpy(problem, {p: (-1, 1)}, u, delta=1e-4)
    words = box_words(model.input_map.words.ends, 2, 6, 0)
    for theta, found in zip(model.input_map.words.values(words), logits(model, words), strict=True):
        p.value = theta
        problem.solve(**EXACTLY)
        np.testing.assert_allclose(found, u.value, atol=0.01)


def test_weights_that_no_row_holds_are_named() -> None:
    box: Plain = {"P": np.eye(2), "q": np.zeros(2), "theta": ([-1.0], [1.0]), "Q": [[1.0], [1.0]]}
    cases: list[tuple[Plain, str]] = [
        ({"l1": -0.5}, "l1 has the entry -0.5; expected weights of magnitudes, at least zero"),
        ({"l1": [1, 1, 1]}, "l1 has shape"),
        ({"l1": np.nan}, "l1 holds NaN"),
        (
            {"l1": [0, 1], "A": [[0, 1]], "l": [-1], "u": [1]},
            "variables 1 have a weight, and bounds of their own .* sign open",
        ),
        ({"l1": 1, "A": [[1, 1]], "u": [1]}, "row 0 of A and the l1 weights of variables 0, 1 are linearly dependent"),
    ]
    for change, message in cases:
        with pytest.raises(InputError, match=message):
            from_qp(**{**box, **change})
    softened_bound = from_qp(**box, l1=[0, 1], A=[[0, 1]], l=[-1], u=[1], delta=[0.1])
    assert softened_bound.n == 3


def test_weights_of_one_distance_are_summed() -> None:
    """However they are written: twice, in other units, by l1 as well."""
    box: Plain = {"P": np.diag([1.0, 2.0]), "q": np.zeros(2), "theta": ([-3.0], [3.0]), "Q": [[1.0], [2.0]]}
    A, number = np.array([[1.0, 0], [-2, 0], [1, 1], [-0.5, -0.5]]), np.array([0.0, 0, 1, -0.5])
    for rows, weights, l1 in (([0, 1], [0.3, 0.1], 0.2), ([2, 3], [0.3, 0.4], None)):
        one = from_qp(
            **box, A=A[rows[:1]], l=number[rows[:1]], u=number[rows[:1]], l1=None if l1 is None else [0, l1],
            slack_l1=[0.3 + 0.1 * 2 + 0.2] if l1 is not None else [0.3 + 0.4 / 2],
        )  # fmt: skip
        many = from_qp(**box, A=A[rows], l=number[rows], u=number[rows], slack_l1=weights, l1=l1)
        words = box_words(one.input_map.words.ends, 1, 20, 0)
        np.testing.assert_allclose(logits(many, words), logits(one, words), atol=1e-9)
        assert many.n == one.n
    z, p = cvxpy.Variable(2), cvxpy.Parameter(name="p")
    cost = cvxpy.sum_squares(z - p) + 0.3 * cvxpy.norm1(z) + 0.2 * cvxpy.abs(z[0])
    assert from_cvxpy(cvxpy.Problem(cvxpy.Minimize(cost)), {p: (-1, 1)}, z).n == 2


def test_bad_weights_of_slacks_are_named() -> None:
    box: Plain = {"P": np.eye(2), "q": np.zeros(2), "theta": ([-1.0], [1.0]), "Q": [[1.0], [1.0]]}
    row: Plain = {"A": [[1, 1]], "l": [-1], "u": [1]}
    cases: list[tuple[Plain, str]] = [
        ({**row, "slack_l1": -1}, "slack_l1 has an entry that is no penalty; expected 1e-09 to 1e.09, or 0 for none"),
        ({**row, "slack_l1": np.inf}, "slack_l1 has an entry that is no penalty"),
        (
            {**row, "slack_l1": [1, 2]},
            r"slack_l1 has shape \(2,\); expected one number or \(1,\), one for each row of A",
        ),
        ({**row, "slack_l1": "l1"}, "slack_l1 is no array of numbers"),
        ({**row, "slack_l1": 1}, "bounds of row 0 of A move apart with theta, or have a slack_l1.* delta=..."),
        (
            {"A": [[1, 0], [1, 0]], "l": [0, 1], "u": [0, 1], "slack_l1": [1, 1]},
            "variables 0 have a weight, and .* another",
        ),
    ]
    for change, message in cases:
        with pytest.raises(InputError, match=message):
            from_qp(**{**box, **change})
    plant: Plain = {"A": np.eye(1), "B": np.eye(1), "Q": np.eye(1), "R": np.eye(1), "N": 2}
    plant |= {"x_box": (-1, 1), "u_bounds": (-1, 1), "x_bounds": (-1, 1)}
    for change, message in [
        ({"soft_l1": 1.0}, "soft_l1 goes beside a penalty soft, which is not given"),
        ({"soft": 0.1, "soft_l1": -1.0}, "soft_l1 has the entry -1; expected positive penalties"),
        ({"soft": 0.1, "soft_l1": [1.0, 1.0, 1.0]}, "soft_l1 has shape"),
    ]:
        with pytest.raises(InputError, match=message):
            from_mpc(**plant, **change)
