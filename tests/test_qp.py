"""Quadratic programs and MPC as equilibrium networks: solutions equal OSQP's, bad problems are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cvxpy
import numpy as np
import osqp
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import oscillating_masses
from random_problems import random_problem

from mondeq_hw import InputError, MonDEQ, compile, from_cvxpy, from_mpc, from_qp
from mondeq_hw.base import InputWarning
from mondeq_hw.problem import PEACEMAN_RACHFORD, SPLITTINGS, VALUES, box_words, logits, reformulate, sequence
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import certify, choose_iterations
from mondeq_hw.rounding import LoweringOptions, assemble, lower

pytestmark = pytest.mark.slow

Plain = dict[str, Any]


def osqp_solution(P: np.ndarray, q: np.ndarray, A: np.ndarray, l: np.ndarray, u: np.ndarray) -> np.ndarray:  # noqa: E741
    solver = osqp.OSQP()
    solver.setup(
        scipy.sparse.csc_matrix(P), q, scipy.sparse.csc_matrix(A), l, u, verbose=False, eps_abs=1e-10, eps_rel=1e-10,
        max_iter=400_000, polishing=True,
    )  # fmt: skip
    return np.asarray(solver.solve().x)


def softened(problem: Plain, rows: np.ndarray, delta: float) -> Plain:
    """The same with a slack variable for each of some rows: what a soft row means."""
    n, m, g = len(problem["q"]), len(problem["A"]), len(rows)
    slack = np.zeros((m, g))
    slack[rows, np.arange(g)] = -1.0
    return {
        "P": np.block([[problem["P"], np.zeros((n, g))], [np.zeros((g, n)), np.eye(g) / delta]]),
        "q": np.concatenate([problem["q"], np.zeros(g)]),
        "A": np.hstack([problem["A"], slack]),
        "l": problem["l"],
        "u": problem["u"],
    }


def at(problem: Plain, theta: np.ndarray) -> Plain:
    """The plain problem of one parameter."""
    fixed = {key: problem[key] for key in ("P", "A")}
    moved = {key: problem[key] + problem[gain] @ theta for key, gain in (("q", "Q"), ("l", "L"), ("u", "U"))}
    return {**fixed, **moved}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["box", "soft", "hard"]))
def test_solutions_are_osqps(seed: int, form: str) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, form)
    delta = 0.1 if form == "soft" else None
    model = from_qp(**problem, delta=delta)
    words = rng.integers(-2047, 2048, size=(3, model.d))
    for theta, found in zip(model.preprocessing.apply(words), logits(model, words), strict=True):
        plain, n = at(problem, theta), len(problem["q"])
        if delta is not None:
            plain = softened(plain, np.arange(n, len(problem["A"])), delta)
        np.testing.assert_allclose(found, osqp_solution(**plain)[:n], atol=2e-5)


def test_hand_solved() -> None:
    """min (z - theta)^2 / 2 on [-1, 1], theta in [-2, 2]: the clip itself."""
    model = from_qp([[1.0]], [0.0], [[1.0]], [-1.0], [1.0], theta=([-2.0], [2.0]), Q=[[-1.0]])
    words = np.array([[-2047], [-1024], [0], [2047]])
    theta = 2 * words / 2047
    np.testing.assert_allclose(model.preprocessing.apply(words), theta)
    np.testing.assert_allclose(logits(model, words), np.clip(theta, -1, 1), atol=1e-8)


@pytest.mark.parametrize("bounds", [(2.0, 3.0), (-3.0, -2.0), (0.0, 0.0), (2.5, 2.5)])
def test_boxes_that_do_not_hold_zero(bounds: tuple[float, float]) -> None:
    low, high = bounds
    model = from_qp(np.eye(2), [0.3, -0.2], np.eye(2), [low] * 2, [high] * 2, theta=([0.0], [1.0]), Q=[[1.0], [-1.0]])
    y = logits(model, np.array([[0], [4095]]))
    expected = np.clip(-np.array([[0.3, -0.2], [1.3, -1.2]]), low, high)
    np.testing.assert_allclose(y, expected, atol=1e-8)


def test_dependent_rows_are_one_or_soft_or_refused() -> None:
    box: Plain = {"theta": ([-3.0], [3.0]), "Q": [[1.0], [1.0]]}
    twice: Plain = {"A": [[1.0, 1.0], [1.0, 1.0]], "u": [1.0, 1.0], **box}
    assert from_qp(np.eye(2), np.zeros(2), **twice).n == 1
    with pytest.raises(InputError, match=r"rows 0, 1, 2 of A are linearly dependent.*delta"):
        from_qp(np.eye(2), np.zeros(2), A=[[1, 0], [0, 1], [1, 1]], U=[[1], [1], [0]], u=[1, 1, 1], **box)
    model = from_qp(np.eye(2), np.zeros(2), **twice, delta=0.5)
    theta = np.array([-3.0])
    words = np.array([[-2047]])
    plain = {"P": np.eye(2), "q": np.full(2, theta[0]), "A": np.array(twice["A"]), "l": np.full(2, -np.inf)}
    soft = softened({**plain, "u": np.ones(2)}, np.arange(2), 0.5)
    np.testing.assert_allclose(logits(model, words)[0], osqp_solution(**soft)[:2], atol=1e-6)


def test_the_two_ends_of_a_hard_row_may_be_two_rows() -> None:
    """As modelling languages write them, in any units; ends that theta moves alike too, and bounds of variables."""
    box: Plain = {
        "P": np.diag([2.0, 1.0]),
        "q": np.zeros(2),
        "theta": (-3 * np.ones(2), 3 * np.ones(2)),
        "Q": np.eye(2),
    }
    one = from_qp(**box, A=[[1, 0], [1, 2]], l=[-0.5, -1], u=[1, 0.5], L=[[0, 0], [1, 0]], U=[[0, 0], [1, 0]])
    apart = from_qp(
        **box, A=[[1, 0], [-2, 0], [-3, -6], [0.5, 1], [1, 2]], u=[1, 1, 3, 0.25, 9],
        U=[[0, 0], [0, 0], [-3, 0], [0.5, 0], [1, 0]],
    )  # fmt: skip
    words = box_words(one.input_map.words.ends, 2, 20, 0)
    np.testing.assert_allclose(logits(apart, words), logits(one, words), atol=1e-7)
    assert apart.n == one.n == 2
    z, theta = cvxpy.Variable(2), cvxpy.Parameter(2, name="theta")
    cost = cvxpy.Minimize(z[0] ** 2 + z[1] ** 2 / 2 + theta @ z)
    problem = cvxpy.Problem(cost, [z[0] + 2 * z[1] <= 0.5, z[0] + 2 * z[1] >= -1])
    assert from_cvxpy(problem, {theta: (-3, 3)}, z).n == 1


def test_rows_without_a_bound_say_nothing() -> None:
    """Neither as hard rows, which would call for the dual, nor as bounds of variables, which are not eliminated."""
    gains, infinite = np.ones((2, 1)), np.full(3, np.inf)
    free: Plain = {"A": [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]], "l": -infinite, "u": infinite}
    nothing = from_qp(np.eye(2), np.zeros(2), **free, Q=gains, theta=([-3.0], [3.0]))
    np.testing.assert_allclose(logits(nothing, np.array([[2047]])), [[-3.0, -3.0]], atol=1e-8)
    for delta in (None, 0.1):  # OSQP's infinity is no number
        given = {"A": [[1.0, 1.0]], "u": [0.5], "Q": gains, "theta": ([-3.0], [3.0]), "delta": delta}
        one_sided = from_qp(np.eye(2), np.zeros(2), l=[-np.inf], **given)
        assert from_qp(np.eye(2), np.zeros(2), l=[-1e30], **given).digest() == one_sided.digest()
    clipped = from_qp(
        np.eye(2), np.zeros(2), A=free["A"], l=[-np.inf, -1.0, -np.inf], u=[np.inf, 1.0, np.inf], Q=gains,
        theta=([-3.0], [3.0]),
    )  # fmt: skip
    assert clipped.n == 2 and any(kind.lower == -1.0 for kind in clipped.clip.kinds)
    np.testing.assert_allclose(logits(clipped, np.array([[2047]])), [[-1.0, -3.0]], atol=1e-8)
    solved = from_qp(
        np.eye(2), np.zeros(2), A=free["A"], l=[0.0, -np.inf, -np.inf], u=[0.0, np.inf, np.inf], Q=[[1.0], [0.0]],
        theta=([-3.0], [3.0]),
    )  # fmt: skip
    assert solved.n == 1
    np.testing.assert_allclose(logits(solved, np.array([[2047]])), [[-1.5, 1.5]], atol=1e-8)


def test_a_penalty_of_its_own_softens_a_bound_of_a_variable() -> None:
    """One number means the other rows."""
    bounds: Plain = {"A": np.eye(2), "l": -np.ones(2), "u": np.ones(2)}
    box: Plain = {"theta": ([-3.0], [3.0]), "Q": [[1.0], [1.0]]}
    words, q = np.array([[-2047]]), np.full(2, -3.0)
    hard = from_qp(np.eye(2), np.zeros(2), **bounds, **box, delta=0.5)
    np.testing.assert_allclose(logits(hard, words)[0], [1.0, 1.0])
    mixed = from_qp(np.eye(2), np.zeros(2), **bounds, **box, delta=[0.5, 0.0])
    soft = softened({"P": np.eye(2), "q": q, **bounds}, np.array([0]), 0.5)
    np.testing.assert_allclose(logits(mixed, words)[0], osqp_solution(**soft)[:2], atol=1e-6)
    # Of a state that is what was measured no more: its bound is constant, and soft as the others are.
    A, B = np.array([[0.0, 0.0], [0.0, 0.9]]), np.array([[1.0], [0.5]])
    model = from_mpc(
        A, B, np.eye(2), [[0.01]], 2, x_box=(-4.0, 4.0), u_bounds=(-9.0, 9.0), x_bounds=(-0.1, 0.1), soft=0.1
    )
    assert model.n == 2 + 4 and np.abs(logits(model, np.array([[0, 2047]]))).max() > 0.1


DEGENERATE: dict[str, Plain] = {
    "one_variable": {"P": [[2.0]], "q": [0.1], "A": [[1.0]], "l": [-0.5], "u": [0.7], "Q": [[1.0, -0.6]]},
    "all_active": {"P": np.eye(3), "q": [9.0, -9.0, 9.0], "A": np.eye(3), "l": -np.ones(3), "u": np.ones(3),
                   "Q": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]},
    "none_active": {"P": np.diag([3.0, 2.0]), "q": np.zeros(2), "A": np.eye(2), "l": [-9.0] * 2, "u": [9.0] * 2,
                    "Q": np.eye(2)},
    "pinned": {"P": np.eye(2), "q": np.zeros(2), "A": np.eye(2), "l": [0.25, -1.0], "u": [0.25, 1.0], "Q": np.eye(2)},
    "duplicate_soft_rows": {"P": np.eye(2), "q": np.zeros(2), "A": [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]],
                            "l": [-np.inf, -np.inf, -2.0, -2.0], "u": [0.5, 0.5, 2.0, 2.0], "Q": np.eye(2)},
    "equality": {"P": np.eye(2), "q": np.zeros(2), "A": [[1.0, 1.0], [1.0, 0.0]], "l": [0.0, -0.6], "u": [0.0, 0.6],
                 "Q": [[1.0, 0.0], [0.0, 1.0]]},
}  # fmt: skip


def proved_bounds(model: MonDEQ) -> tuple[SolverProgram, np.ndarray]:
    """A program, and the certificate's bound on each output's distance from the exact solution."""
    lowered = lower(model, LoweringOptions(bits=10, state_bits=18, drive_bits=16, readout_bits=16))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    line = certify(program, lowered.proof, lowered.model, lowered.step_size, None, VALUES).line("output_distance")
    assert line.status == "proved"
    return program, np.array(line.values["bounds"])


def assert_within_the_proved_bounds(problem: Plain, delta: float | None, seed: int) -> None:
    """The integers, beside the exact solution by OSQP, on words from the inside of the box to its corners."""
    model = from_qp(**problem, delta=delta)
    program, bounds = proved_bounds(model)
    words = box_words((-2047, 2047), model.d, 12, seed)
    n, plain = len(problem["q"]), {"l": None, "u": None, **problem}
    moved = np.hstack([np.asarray(plain["L"]), np.asarray(plain["U"])])
    clips = (np.count_nonzero(np.asarray(plain["A"]), axis=1) == 1) & ~moved.any(axis=1)
    soft = np.flatnonzero(~clips)
    for theta, found in zip(model.preprocessing.apply(words), GoldenModel(program).predict(words), strict=True):
        fixed = at({key: np.asarray(value) for key, value in plain.items()}, theta)
        exact = osqp_solution(**(fixed if delta is None else softened(fixed, soft, delta)))[:n]
        assert (np.abs(found - exact) <= bounds + 1e-6).all()  # OSQP's own error


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_problems_keep_the_proved_bounds(name: str) -> None:
    problem = {key: np.asarray(value, dtype=np.float64) for key, value in DEGENERATE[name].items()}
    zero = np.zeros((len(problem["A"]), 2))
    problem |= {"L": zero, "U": zero}
    delta = 0.2 if name == "duplicate_soft_rows" else None
    assert_within_the_proved_bounds({**problem, "theta": (-np.ones(2), np.ones(2))}, delta, 0)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["box", "soft"]))
def test_random_problems_keep_the_proved_bounds(seed: int, form: str) -> None:
    problem = random_problem(np.random.default_rng(seed), form)
    assert_within_the_proved_bounds(problem, 0.1 if form == "soft" else None, seed)


def test_bad_problems_are_named() -> None:
    good: Plain = {"P": np.eye(2), "q": np.zeros(2), "theta": ([0.0], [1.0])}
    cases: list[tuple[Plain, str]] = [
        ({"P": np.diag([1.0, -1.0])}, "P has the eigenvalue -1, on variables 1; expected"),
        ({"P": np.diag([1.0, 0.0])}, "P is singular"),
        ({"P": [[1.0, 2.0], [0.5, 1.0]]}, r"P is not symmetric; give \(P \+ P'\) / 2"),
        ({"P": [[1.0, 2.0], [0.0, 1.0]]}, r"P is triangular; .* P \+ P' - diag\(P\) where this is half of it"),
        ({"P": np.zeros((2, 2))}, "P is singular, or nearly .* on variables 0, 1;"),
        ({"u": [1, 1]}, "u is of rows of A, which is not there; give A"),
        ({"P": np.eye(3)}, r"P has shape \(3, 3\); expected \(2, 2\)"),
        ({"q": [np.nan, 0.0]}, "q holds NaN"),
        ({"P": 1e308 * np.eye(2)}, r"P has an entry of 1e\+308; expected at most 1e\+100"),
        ({"theta": ([0.0], [1e308])}, r"theta's upper end has an entry of 1e\+308"),
        ({"theta": ([0.0], [np.inf])}, "theta's upper end holds NaN or infinity"),
        ({"theta": ([0.0], [1.0], [2.0])}, "theta is no pair; expected its lower and its upper end"),
        ({"theta": np.array(3.0)}, "theta is no pair"),
        ({"theta": ([], [])}, "2 variables and 0 parameters; expected at least one of each"),
        ({"P": 1j * np.eye(2)}, "P is no array of numbers; expected real numbers in 2 dimensions"),
        ({"A": np.eye(2), "l": [0.0]}, r"l has shape \(1,\); expected \(2,\), one for each row of A"),
        ({"A": np.eye(2), "l": [np.nan, 0.0], "u": [1.0, 1.0]}, "l holds NaN"),
        ({"A": np.eye(2), "l": [np.inf, 0.0], "u": [np.inf, 1.0]}, "row 0 of the constraints has a lower bound of"),
        ({"P": None}, "P is None; expected real numbers in 2 dimensions"),
        ({"q": np.ma.masked_array([0.0, 1.0], mask=[False, True])}, "q is no array of numbers"),
        ({"A": [[1.0, 1.0]], "u": [1.0], "delta": True}, "delta is no array of numbers"),
        ({"names": ["a\nb"]}, "expected a list of different texts of one line"),
        (  # counted as the user counts, a row without bounds among them
            {"A": [[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]], "l": [-np.inf, 1.0, 2.0], "u": [np.inf, 1.0, 2.0]},
            "equality row 1 of A follows from the others",
        ),
        ({"A": [[1.0, 1.0]], "u": [1.0], "delta": "soft"}, "delta is no array of numbers"),
        ({"A": [[1.0, 1.0]], "u": [1.0], "delta": np.inf}, "delta has an entry that is no penalty"),
        ({"A": [[1.0, 1.0]], "u": [1.0], "delta": 1e-20}, "delta has an entry that is no penalty"),
        ({"outputs": np.zeros((0, 2))}, r"outputs has shape \(0, 2\); expected \(1, 2\)"),
        ({"names": "theta"}, "names is 'theta'; expected a list of different texts"),
        ({"names": ["a", "b"]}, "names has 2 entries; expected 1"),
        ({"theta": ([1.0], [0.0])}, r"theta\[0\] goes from 1 to 0"),
        ({"Q": np.ones((3, 1))}, r"Q has shape \(3, 1\); expected \(2, 1\)"),
        ({"A": np.eye(2), "l": [1.0, 0.0], "u": [0.0, 0.0]}, "row 0 of the constraints is empty"),
        (
            {"A": [[1.0, 1.0]], "l": [0.0], "u": [1.0], "L": [[2.0]], "U": [[0.0]], "delta": 0.1},
            "row 0 of the constraints is empty for some theta",
        ),
        (
            {"A": [[1.0, 0.0], [1.0, 0.0]], "l": [0.0, 2.0], "u": [1.0, 3.0]},
            r"row 1 of A, .* leave it the empty interval from 2 to 1",
        ),
        ({"A": [[0.0, 0.0]], "l": [0.0], "u": [1.0]}, "row 0 of A is zero"),
        (
            {"A": [[1.0, 1.0]], "u": [1.0], "delta": -1.0},
            "delta has an entry that is no penalty; expected 1e-09 to 1e.09, or 0 for none",
        ),
        ({"A": [[1.0, 1.0]], "u": [1.0], "delta": [1.0, 1.0]}, "delta has shape"),
        ({"outputs": [[1.0]]}, r"outputs has shape \(1, 1\); expected \(1, 2\)"),
        ({"input_bits": 17}, "input_bits is 17; expected a whole number from 1 to 16"),
        ({"input_bits": "8"}, "input_bits is '8'; expected a whole number from 1 to 16"),
        ({"A": np.eye(2), "l": [-1, -1], "u": [1, 1], "U": [[2.0], [0]]}, "bounds of row 0 of A move apart"),
    ]
    for change, message in cases:
        with pytest.raises(InputError, match=message):
            from_qp(**{**good, **change})


# -- model predictive control ------------------------------------------------------


def masses_mpc(masses: int, inputs: int, weight: float, delta: float | None) -> MonDEQ:
    A, B = oscillating_masses(masses, inputs)
    n = 2 * masses
    limit = np.where(np.arange(n) < masses, 2.0, np.inf)
    soft = {} if delta is None else {"x_bounds": (-limit, limit), "soft": delta}
    return from_mpc(A, B, np.eye(n), weight * np.eye(inputs), 10, x_box=(-1.0, 1.0), u_bounds=(-0.5, 0.5), **soft)


@pytest.mark.parametrize(
    ("arguments", "rows", "factor"),
    [((4, 2, 1.0, None), 20, 0.60), ((6, 3, 0.1, None), 30, 0.78), ((4, 2, 1.0, 0.1), 60, 0.76)],
)
def test_scaled_problems_contract_fast(
    arguments: tuple[int, int, float, float | None], rows: int, factor: float
) -> None:
    """The figures that a hand scaling had reached."""
    model = masses_mpc(*arguments)
    assert model.n == rows
    splitting = SPLITTINGS[PEACEMAN_RACHFORD]
    norms = [np.linalg.norm(reformulate(model, splitting, a).matrix, 2) for a in 2.0 ** (np.arange(-8, 9) / 8)]
    assert min(norms) <= factor


def test_eight_bits_contract_as_fast() -> None:
    lowered = lower(masses_mpc(6, 3, 0.1, None), LoweringOptions(bits=8))
    assert lowered.proof is not None and lowered.proof.contraction_factor <= 0.78


def test_mpc_is_the_receding_horizon_problem() -> None:
    """Against the sparse formulation, states and inputs as variables, solved by OSQP."""
    A, B = oscillating_masses(2, 1)
    n, m, N = 4, 1, 5
    Q, R, T = np.diag([1.0, 2.0, 0.5, 0.1]), np.array([[0.3]]), 3.0 * np.eye(4)
    box = {"x_box": (-1.0, 1.0), "u_bounds": (-0.3, 0.4), "reference": (np.full(4, -0.5), np.full(4, 0.5))}
    model = from_mpc(A, B, Q, R, N, terminal=T, **box)
    words = np.random.default_rng(0).integers(-2047, 2048, size=(5, 8))
    for theta, found in zip(model.preprocessing.apply(words), logits(model, words), strict=True):
        x0, r = theta[:4], theta[4:]
        weights = [Q] * (N - 1) + [T]
        P = scipy.sparse.block_diag([*weights, *[R] * N]).toarray()
        q = np.concatenate([*[-w @ r for w in weights], np.zeros(N * m)])
        dynamics = np.hstack([np.eye(N * n) - np.kron(np.eye(N, k=-1), A), -np.kron(np.eye(N), B)])
        fixed = np.concatenate([A @ x0, np.zeros((N - 1) * n)])
        inputs = np.hstack([np.zeros((N * m, N * n)), np.eye(N * m)])
        x = osqp_solution(
            P, q, np.vstack([dynamics, inputs]), np.concatenate([fixed, np.full(N, -0.3)]),
            np.concatenate([fixed, np.full(N, 0.4)]),
        )  # fmt: skip
        np.testing.assert_allclose(found, x[N * n : N * n + 1], atol=1e-6)


def test_changes_of_inputs_cost_and_the_previous_input_is_a_parameter() -> None:
    """Against the sparse formulation with the changes as variables of their own."""
    A, B = oscillating_masses(3, 2)
    n, m, N = 6, 2, 3
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    box: Plain = {"x_box": (-1.0, 1.0), "u_bounds": (-0.3, 0.4), "terminal": np.eye(n)}
    model = from_mpc(A, B, np.eye(n), 0.1 * np.eye(m), N, **box, reference=(-0.5, 0.5), change=S)
    assert model.parameters is not None and model.parameters.inputs[2 * n :] == ("p0", "p1")
    states, inputs = N * n, N * m
    P = scipy.linalg.block_diag(np.eye(states), 0.1 * np.eye(inputs), *[S] * N)
    step = np.eye(inputs) - np.eye(inputs, k=-m)
    rows = np.block(
        [
            [np.eye(states) - np.kron(np.eye(N, k=-1), A), -np.kron(np.eye(N), B), np.zeros((states, inputs))],
            [np.zeros((inputs, states)), step, -np.eye(inputs)],
            [np.zeros((inputs, states)), np.eye(inputs), np.zeros((inputs, inputs))],
        ]
    )
    words = np.random.default_rng(3).integers(-2047, 2048, size=(5, 2 * n + m))
    for theta, found in zip(model.preprocessing.apply(words), logits(model, words), strict=True):
        x0, r, previous = np.split(theta, [n, 2 * n])
        fixed = np.concatenate([A @ x0, np.zeros(states - n), previous, np.zeros(inputs - m)])
        q = np.concatenate([np.tile(-r, N), np.zeros(2 * inputs)])
        limits = (np.concatenate([fixed, np.full(inputs, end)]) for end in (-0.3, 0.4))
        x = osqp_solution(P, q, rows, *limits)
        np.testing.assert_allclose(found, x[states : states + m], atol=1e-6)


def integers(model: MonDEQ, bits: int) -> SolverProgram:
    lowered = lower(model, LoweringOptions(bits=bits, state_bits=18, drive_bits=16, readout_bits=16))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    return program.replace(iterations=choose_iterations(program, lowered.proof))


@pytest.mark.parametrize(
    ("arguments", "bits"), [((4, 2, 1.0, None), 10), pytest.param((4, 2, 1.0, 0.1), 12, marks=pytest.mark.long)]
)
def test_integers_solve_the_problem_and_keep_the_hard_bounds(
    arguments: tuple[int, int, float, float | None], bits: int
) -> None:
    model = masses_mpc(*arguments)
    golden = GoldenModel(integers(model, bits))
    words = np.random.default_rng(1).integers(-2047, 2048, size=(500, model.d))
    u, exact = golden.predict(words), logits(model, words)
    assert np.abs(u - exact).max() < 0.005  # of a range of 1; OSQP's default tolerance errs by more
    corners = np.random.default_rng(2).choice([-2047, 2047], size=(500, model.d))
    applied = golden.predict(corners)
    assert np.abs(applied).max() == 0.5  # reached, and never passed: the bound is a word of the state


@pytest.mark.parametrize("limit", [0.3, 0.7, 0.12345])
def test_bounds_between_words_are_kept_too(limit: float) -> None:
    A, B = oscillating_masses(2, 1)
    model = from_mpc(A, B, np.eye(4), np.eye(1), 4, x_box=(-1.0, 1.0), u_bounds=(-limit, limit))
    golden = GoldenModel(integers(model, 12))
    applied = np.abs(golden.predict(np.random.default_rng(0).choice([-2047, 2047], size=(300, 4))))
    assert limit * (1 - 2**-8) < applied.max() <= limit


@pytest.mark.parametrize("bounds", [(0.2, 1.3), (-0.7, -0.3), (0.1, np.inf), (0.2, 0.2001)])
def test_bounds_of_a_box_without_zero_are_kept_too(bounds: tuple[float, float]) -> None:
    """It is counted from a number of few bits, which the readout's bias holds exactly."""
    low, high = bounds
    model = from_qp(
        np.eye(2) + 0.2, np.zeros(2), np.eye(2), [low, -1.0], [high, 1.0], theta=([-3.0] * 2, [3.0] * 2), Q=np.eye(2)
    )
    applied = GoldenModel(integers(model, 8)).predict(box_words((-2047, 2047), 2, 40, 0))[:, 0]
    assert low <= applied.min() <= low + 2**-8 and applied.max() <= high
    middle = min(high, 3.0) - 1e-3  # ends are reached, up to a word of the state
    assert applied.max() >= min(middle, 1.0)


@pytest.mark.parametrize(
    "problem",
    [
        # Variables that take nothing from theta, and an iteration matrix of which floating point leaves 1e-17.
        {"P": np.diag([1.1, 0.7, 0.3]), "q": [0, 0.3, 0.3], "Q": [[1], [0], [0]], "outputs": [[1, 1, 1]]},
        # Of three outputs one shows theta itself, by the equality.
        {"P": np.diag([1, 2, 3]) + 0.2, "q": [0, 0.3, 0], "Q": [[1], [0], [1]], "A": [[1, 1, 1]], "l": [0], "u": [0],
         "L": [[1]], "U": [[1]]},
    ],
)  # fmt: skip
def test_rows_of_zeros_ask_no_other_for_bits(problem: Plain) -> None:
    """Their scale is free; what is added to them once shifted every row left until its bias had too many bits."""
    model = from_qp(**problem, theta=([-1e-3], [1e-3]))
    program = integers(model, 12)
    assert program.drive_left_shift < 10
    words = np.array([[-2047], [100], [2047]])
    np.testing.assert_allclose(GoldenModel(program).predict(words), logits(model, words), atol=1e-3)


SLOW: dict[str, tuple[Plain, str]] = {
    "a penalty": (
        {"P": np.eye(2), "A": [[1, 0], [1, 1]], "delta": [0, 1e-9]},
        "row 1 of A, of delta 1e-09: give a larger",
    ),
    "a row nearly twice": (
        {"P": np.eye(2), "A": [[1, 1], [1, 1.001]]},
        "rows 0, 1 of A, without a delta and nearly dependent",
    ),
    "a cost": ({"P": [[1, 1 - 1e-8], [1 - 1e-8, 1]], "A": np.eye(2)}, "variables 0, 1 that P has little curvature"),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_problem_that_nothing_makes_fast_says_what_it_owes_it_to(name: str) -> None:
    problem, reason = SLOW[name]
    box = {"q": np.zeros(2), "l": -np.ones(2), "u": np.ones(2), "theta": (-np.ones(2), np.ones(2)), "Q": np.eye(2)}
    with pytest.warns(InputWarning, match=reason):
        from_qp(**problem, **box)


def test_slow_problems_of_the_other_doors_name_what_the_user_wrote() -> None:
    A, B, plant = np.array([[1, 0.1], [0, 1]]), np.array([[0.005], [0.1]]), {"x_box": (-2, 2), "u_bounds": (-1, 1)}
    with pytest.warns(InputWarning, match="soft bounds of states: give a larger soft"):
        from_mpc(A, B, np.eye(2), 0.1, 3, **plant, x_bounds=(-1, 1), soft=1e-9)
    with pytest.warns(InputWarning, match="inputs of little cost: give R larger weights"):
        from_mpc(A, B, np.diag([1, 0]), 1e-9, 20, **plant)
    x, t = cvxpy.Variable(2, name="x"), cvxpy.Parameter(2, name="t")
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(x) + x @ t), [x <= 1, x[0] + x[1] <= 0.5])
    with pytest.warns(InputWarning, match=r"'x\[0\] \+ x\[1\] <= 0\.5'"):
        from_cvxpy(problem, {t: (-np.ones(2), np.ones(2))}, [x], delta=1e-9)


def test_a_small_penalty_is_scaled_for() -> None:
    """Whose multipliers stand further from the variables than a grid about one reaches: 0.99999 with that alone."""
    box = {"theta": (-np.ones(2), np.ones(2)), "Q": np.eye(2)}
    with pytest.warns(InputWarning):
        problem = from_qp([[2, 0.5], [0.5, 1]], np.zeros(2), [[1, 1]], [-0.5], [0.5], **box, delta=1e-6)
    M = np.eye(problem.n) - problem.W
    assert np.linalg.norm(2 * np.linalg.inv(np.eye(problem.n) + M) - np.eye(problem.n), 2) < 0.9995


def test_a_distance_that_says_nothing_is_a_warning(tmp_path: Path) -> None:
    model = from_qp([[1.0]], [0.0], [[1.0]], None, [0.5], theta=([-1.0], [1.0]), Q=[[1.0]], delta=[1e-5])
    project = compile(model, tmp_path / "build", bits=6)
    (warning,) = project.report.warnings
    proved, found = (project.certificate.line(name).values for name in ("output_distance", "output_distance_found"))
    assert project.program.certified and proved["bounds"][0] >= found["span"][0]
    assert (
        warning.startswith("the proved distance from the exact solution is no less than") and "larger delta" in warning
    )


def test_an_output_of_parameters_alone_costs_the_others_nothing(tmp_path: Path) -> None:
    """A state as it was measured, among all of a sparse problem's variables: a difference of nothing, with a proof."""
    problem = from_qp(
        np.diag([0.0, 1.0, 1.0]), np.zeros(3), [[1, 0, 0], [-0.9, -1, 1], [0, 1, 0]], [0, 0, -0.5], [0, 0, 0.5],
        theta=([-2.0], [2.0]), L=[[1], [0], [0]], U=[[1], [0], [0]],
    )  # fmt: skip
    line = compile(problem, tmp_path / "build", bits=10).certificate.line("output_distance").values
    assert line["methods"][1:] == ["semidefinite"] * 2 and max(line["bounds"]) < 4e-4


def test_a_box_that_is_a_point_has_one_answer(tmp_path: Path) -> None:
    problem = from_qp(np.eye(2), np.zeros(2), theta=([1, 2], [1, 2]), Q=np.eye(2))
    project = compile(problem, tmp_path / "build", bits=8)
    assert len(project.report.warnings) == 1 and "the same for every input" in project.report.warnings[0]
    np.testing.assert_allclose(project.predict([[1, 2]]), [[-1, -2]], atol=0.01)
    assert project.predict(np.zeros((0, 2))).shape == (0, 2)


def test_whole_numbers_may_be_numpys() -> None:
    arguments: Plain = {"A": np.eye(1), "B": np.eye(1), "Q": np.eye(1), "R": np.eye(1)}
    arguments |= {"x_box": (-1.0, 1.0), "u_bounds": (-1.0, 1.0)}
    model = from_mpc(**arguments, N=np.int64(3), input_bits=np.int32(8))
    assert model.digest() == from_mpc(**arguments, N=3, input_bits=8).digest()


def test_bad_mpc_is_named() -> None:
    A, B = oscillating_masses(2, 1)
    good: Plain = {"A": A, "B": B, "Q": np.eye(4), "R": np.eye(1), "N": 3}
    good |= {"x_box": (-1.0, 1.0), "u_bounds": (-1.0, 1.0)}
    cases: list[tuple[Plain, str]] = [
        ({"N": 0}, "horizon N is 0"),
        ({"N": True}, "horizon N is True"),
        ({"N": 10**7}, "the horizon N = 10000000 makes 10000000 inputs and 40000000 states; expected at most 5000"),
        ({"A": np.zeros((0, 0))}, r"A has shape \(0, 0\); expected a matrix with rows and columns"),
        ({"B": np.ones(4)}, r"B has shape \(1, 4\); expected \(4, 1\): A is of 4 states, R of 1 inputs"),
        ({"terminal": None}, "terminal is None"),
        ({"A": 3.0 * A}, "the Riccati equation has no solution .double precision finds none"),  # one mode is nobody's
        ({"soft": 0.1}, "soft is a penalty of x_bounds, which are not given"),
        ({"x_bounds": (-1.0, 1.0), "soft": 1e-12}, "soft has the entry 1e-12; expected positive penalties, from 1e-09"),
        ({"x_bounds": (-1.0, 1.0), "soft": True}, "soft is no array of numbers"),
        ({"u_bounds": (np.inf, np.inf)}, r"u_bounds\[0\] goes from inf to inf; expected an ascending interval"),
        (
            {"A": 6.0 * A, "N": 8, "terminal": np.eye(4)},
            "the cost of the horizon's inputs is singular, or nearly .* shorten the horizon",
        ),
        ({"N": 400, "A": 2.0 * A, "terminal": np.eye(4)}, "a state grows by 1e.12 or more within the horizon N = 400"),
        ({"A": np.nan * A}, "A holds NaN"),
        ({"Q": -np.eye(4)}, "Q has the eigenvalue -1; expected a positive semidefinite matrix"),
        ({"Q": np.eye(4) + np.diag(np.ones(3), 1)}, r"Q is triangular; .* \(Q \+ Q'\) / 2 where it is all"),
        ({"x_box": 1.0}, "x_box is no pair"),
        ({"x_box": (1.0, -1.0)}, r"x_box\[0\] goes from 1 to -1"),
        ({"x_box": (np.zeros(3), 1.0)}, r"x_box's lower end has shape \(3,\); expected 4 numbers, or one for all"),
        ({"u_bounds": (np.nan, 1.0)}, "u_bounds's lower end holds NaN"),
        ({"x_bounds": (-1.0, 1.0), "soft": 0.0}, "soft has the entry 0; expected positive penalties"),
        ({"x_bounds": (-1.0, 1.0), "soft": [0.1, 0.1]}, r"soft has shape \(2,\); expected 12 numbers, or one for all"),
        ({"reference": (0.0, np.inf)}, "reference's upper end holds NaN or infinity"),
        ({"change": np.eye(2)}, r"change has shape \(2, 2\); expected \(1, 1\), for 1 inputs"),
        ({"change": -np.eye(1)}, "change has the eigenvalue -1; expected a positive semidefinite matrix"),
        (
            {"change": np.eye(1), "u_bounds": (-1.0, np.inf)},
            "u_bounds are infinite, and with change",
        ),
        ({"Q": np.eye(3)}, r"Q has shape \(3, 3\); expected \(4, 4\)"),
        ({"R": np.zeros((1, 1))}, "R is singular"),
        ({"x_bounds": (-1.0, 1.0)}, "x_bounds got no penalty"),
        ({"terminal": "mpc"}, "terminal is 'mpc'"),
        ({"terminal": -100 * np.eye(4)}, "terminal has the eigenvalue -100, .* not convex with it"),
        ({"x_box": (-np.inf, 1.0)}, "x_box's lower end holds NaN or infinity"),
        ({"u_bounds": (1.0, -1.0)}, r"u_bounds\[0\] goes from 1 to -1; expected an ascending interval"),
        ({"A": np.diag([2.0, 0, 0, 0]), "B": np.array([[0.0], [1], [1], [1]])}, "Riccati"),
    ]
    for change, message in cases:
        with pytest.raises(InputError, match=message):
            from_mpc(**{**good, **change})


def test_soft_bounds_of_states_that_no_input_moves_are_left_out() -> None:
    """Of a chain of two states: the first prediction of the last one is settled before any input acts."""
    A, B = np.array([[0.5, 0.0], [1.0, 0.2]]), np.array([[1.0], [0.0]])
    model = from_mpc(
        A, B, np.eye(2), np.eye(1), 3, x_box=(-1.0, 1.0), u_bounds=(-1.0, 1.0), x_bounds=(-1.0, 1.0), soft=0.1
    )
    assert model.n == 3 + 5


def test_an_observer_is_carried() -> None:
    """Measurements in a sequence: the law of the estimate, and the estimate's own recursion."""
    A, B = oscillating_masses(2, 1)
    C, L = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]]), 0.3 * np.eye(4)[:, :2]
    box: Plain = {"x_box": (-1.0, 2.0), "u_bounds": (-0.4, 0.4), "reference": (-0.2, 0.2)}
    whole = from_mpc(A, B, np.eye(4), np.eye(1), 4, **box)
    model = from_mpc(A, B, np.eye(4), np.eye(1), 4, **box, observer=(C, L))
    assert (model.d, model.k, model.carried_words, model.n) == (6, 1, 4, whole.n)
    assert model.parameters is not None and model.parameters.inputs[:3] == ("y0", "y1", "r0")
    words = np.random.default_rng(0).integers(-2047, 2048, size=(40, 6))
    values, estimate = model.preprocessing.apply(words), np.zeros(4)
    assert (values[:, :2].min() >= -1) and (values[:, :2].max() <= 2)
    inputs, found = sequence(model, words)
    for index, (y, r) in enumerate(zip(values[:, :2], values[:, 2:], strict=True)):
        np.testing.assert_allclose(inputs[index, 6:], estimate, atol=1e-7)
        raw = whole.input_map.words.unrounded(np.concatenate([estimate, r]))
        u = logits(whole, raw[None])[0]
        np.testing.assert_allclose(found[index], u, atol=1e-7)
        estimate = A @ estimate + B @ u + L @ (y - C @ estimate)
    for observer, message in (
        ((C, -L), "spectral radius"),
        ((C, L.T), r"observer's L has shape \(2, 4\)"),
        ((C[:, :3], L), r"observer's C has shape \(2, 3\); expected \(2, 4\)"),
        ((C,), "observer is no pair"),
    ):
        with pytest.raises(InputError, match=message):
            from_mpc(A, B, np.eye(4), np.eye(1), 4, **box, observer=observer)


# -- other front doors --------------------------------------------------------------


def test_states_of_a_sparse_problem_are_eliminated() -> None:
    """Dynamics as equality rows, states and inputs as variables: the condensed problem, no row more."""
    A, B = oscillating_masses(2, 1)
    n, m, N = 4, 1, 4
    dynamics = np.hstack([np.eye(N * n) - np.kron(np.eye(N, k=-1), A), -np.kron(np.eye(N), B)])
    inputs = np.hstack([np.zeros((N * m, N * n)), np.eye(N * m)])
    moved = np.zeros((N * n + N * m, n))
    moved[:n] = A
    weights = scipy.sparse.block_diag([np.eye(n)] * (N - 1) + [2 * np.eye(n)] + [0.5 * np.eye(m)] * N).toarray()
    zeros = np.zeros(N * n)
    sparse = from_qp(
        weights, np.zeros(N * (n + m)), np.vstack([dynamics, inputs]), np.concatenate([zeros, np.full(N, -0.2)]),
        np.concatenate([zeros, np.full(N, 0.2)]), theta=(np.full(n, -1.0), np.ones(n)), L=moved, U=moved,
        outputs=inputs[:1],
    )  # fmt: skip
    condensed = from_mpc(
        A, B, np.eye(n), 0.5 * np.eye(m), N, x_box=(-1.0, 1.0), u_bounds=(-0.2, 0.2), terminal=2 * np.eye(n)
    )
    assert sparse.n == condensed.n == N
    words = np.random.default_rng(0).integers(-2047, 2048, size=(6, n))
    np.testing.assert_allclose(logits(sparse, words), logits(condensed, words), atol=1e-8)


def test_equalities_that_leave_no_freedom_and_such_that_contradict() -> None:
    plain: Plain = {"P": np.eye(2), "q": np.zeros(2), "theta": ([0.0], [1.0])}
    gains = {"L": [[2.0], [0.0]], "U": [[2.0], [0.0]]}
    solved = from_qp(**plain, A=[[1.0, 1.0], [1.0, -1.0]], l=[0.0, 0.0], u=[0.0, 0.0], **gains)
    np.testing.assert_allclose(logits(solved, np.array([[4095]])), [[1.0, 1.0]], atol=1e-8)
    # A variable that costs nothing and is pinned leaves no freedom, either.
    pinned = from_qp(
        np.diag([1.0, 0.0]), [0.0, 0.0], np.eye(2), [-1, 0.4], [1, 0.4], theta=([-2.0], [2.0]), Q=[[1], [1]]
    )
    np.testing.assert_allclose(logits(pinned, np.array([[1023]])), [[-2 * 1023 / 2047, 0.4]], atol=1e-12)
    for right, message in ((2.0, "follows from"), (3.0, "contradicts")):
        with pytest.raises(InputError, match=message):
            from_qp(**plain, A=[[1.0, 1.0], [2.0, 2.0]], l=[1.0, right], u=[1.0, right])
    with pytest.raises(InputError, match="row 1 of A says something of theta alone"):
        from_qp(**plain, A=[[1.0, 1.0], [1.0, 1.0]], l=[0.0, -np.inf], u=[0.0, 0.5], L=[[1.0], [0.0]], U=[[1.0], [0.0]])


def test_cvxpy_problems() -> None:
    x, r = cvxpy.Parameter(2, name="x"), cvxpy.Parameter(name="r")
    z, slack = cvxpy.Variable(3), cvxpy.Variable()
    cost = 0.5 * cvxpy.quad_form(z, np.diag([1.0, 2.0, 3.0])) + x @ z[:2] + 5 * cvxpy.square(slack)
    problem = cvxpy.Problem(
        cvxpy.Minimize(cost + cvxpy.sum_squares(z[0] - r)), [z >= -0.3, z <= 0.4, cvxpy.sum(z) + slack == x[0]]
    )
    model = from_cvxpy(problem, {x: (-1.0, [1.0, 2.0]), r: (-1.0, 1.0)}, [z, slack])
    words = np.random.default_rng(0).integers(-2047, 2048, size=(8, 3))
    for theta, found in zip(model.preprocessing.apply(words), logits(model, words), strict=True):
        x.value, r.value = theta[:2], theta[2]
        problem.solve(solver=cvxpy.CLARABEL)
        np.testing.assert_allclose(found, [*z.value, slack.value], atol=1e-5)


def test_cvxpy_problems_that_are_no_quadratic_programs() -> None:
    p, z = cvxpy.Parameter(name="p"), cvxpy.Variable(2)
    square = cvxpy.sum_squares(z)
    cases = [
        (cvxpy.Problem(cvxpy.Minimize(square + p * z[0]), [p * z[1] >= 1]), "multiplies a variable"),
        (cvxpy.Problem(cvxpy.Minimize(cvxpy.exp(z[0]) + p * z[1])), "no quadratic program"),
        (cvxpy.Problem(cvxpy.Minimize(square + p**2 * z[0])), "no quadratic program"),
        (
            cvxpy.Problem(cvxpy.Minimize(square + cvxpy.norm_inf(z - p))),
            "P is singular.* Some variables are CVXPY's own",
        ),
        (cvxpy.Problem(cvxpy.Minimize(square), [z <= 0, z[0] >= p + 1]), "row 2 is of 'p . 1.0 <="),
        (cvxpy.Problem(cvxpy.Minimize(square + p * z[0] + cvxpy.Parameter(name="other") * z[1])), "other has no box"),
    ]
    for problem, message in cases:
        with pytest.raises(InputError, match=message):
            from_cvxpy(problem, {p: (0.5, 1.0)}, [z])


def test_declared_variables_and_expressions_of_cvxpy_are_shown() -> None:
    """Variables whose declaration bounds or shapes them, entries, affine expressions; of a maximisation, too."""
    p = cvxpy.Parameter(name="p")
    positive, boxed = cvxpy.Variable(2, nonneg=True, name="positive"), cvxpy.Variable(2, bounds=[-0.2, [0.3, 0.5]])
    even, own = cvxpy.Variable((2, 2), symmetric=True), cvxpy.Variable((2, 2), diag=True)
    X, C = cvxpy.Variable((2, 3), name="X"), np.arange(1.0, 5).reshape(2, 2)
    cost = sum(cvxpy.sum_squares(each - p) for each in (positive, boxed, X))
    cost += cvxpy.sum_squares(even - p * C) + cvxpy.sum_squares(own - p * C)
    problem = cvxpy.Problem(cvxpy.Maximize(-cost), [X <= 0.4])
    outputs = [positive, boxed, even, own, X[0, 1], 2 * cvxpy.sum(X, axis=1) + p]
    model = from_cvxpy(problem, {p: (-1.0, 1.0)}, outputs)
    words = np.array([[-2047], [300], [2047]])
    for theta, found in zip(model.preprocessing.apply(words), logits(model, words), strict=True):
        w = theta[0]
        even_is = w * (C + C.T) / 2
        row = 6 * min(w, 0.4) + w
        expected = [
            *[max(w, 0.0)] * 2, *np.clip([w, w], -0.2, [0.3, 0.5]), *even_is.ravel(), w, 0, 0, 4 * w, min(w, 0.4), row,
            row,
        ]  # fmt: skip
        np.testing.assert_allclose(found, expected, atol=1e-7)
    assert model.parameters is not None and model.parameters.outputs[0] == "positive[0]"
    assert from_cvxpy(problem, {p: (-1.0, 1.0)}, X).k == 6  # one alone needs no list
    # A bound of a variable stays hard beside softened rows.
    soft = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(positive - p)), [cvxpy.sum(positive) <= 1])
    assert logits(from_cvxpy(soft, {p: (-1.0, 1.0)}, positive, delta=0.1), words[:1]).min() > -1e-12


def test_what_cvxpy_is_asked_leaves_the_users_values() -> None:
    p, q, z = cvxpy.Parameter(name="p"), cvxpy.Parameter(name="q"), cvxpy.Variable(2)
    good = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(z - p) + q * z[0]))
    p.value = 0.7
    from_cvxpy(good, {p: (-1.0, 1.0), q: (0.0, 1.0)}, [z])
    assert (p.value, q.value) == (0.7, None)
    with pytest.raises(InputError, match="no quadratic program"):
        from_cvxpy(cvxpy.Problem(cvxpy.Minimize(cvxpy.exp(z[0]) + p * z[1])), {p: (-1.0, 1.0)}, [z])
    assert p.value == 0.7


def test_bad_arguments_of_from_cvxpy_are_named() -> None:
    p, z, other = cvxpy.Parameter(name="p"), cvxpy.Variable(2, name="z"), cvxpy.Variable(name="z")
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(z - p)))
    shaped, tiny = cvxpy.Parameter((2, 2), symmetric=True, name="shaped"), cvxpy.Parameter(name="tiny")
    faint = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(z)), [1e-10 * tiny * z[1] >= 1e-10])
    integer = cvxpy.Variable(2, integer=True)
    cases: list[tuple[Any, Any, Any, Plain, str]] = [
        (None, {p: (0, 1)}, [z], {}, "problem is a NoneType; expected a cvxpy.Problem"),
        (problem, [p], [z], {}, "parameters is no dict"),
        (problem, {"p": (0, 1)}, [z], {}, "parameters is no dict"),
        (problem, {p: (0, 1)}, ["z"], {}, "outputs is no list of cvxpy.Variable"),
        (problem, {p: (0, 1)}, [z, z], {}, r"two entries of outputs are called 'z\[0\]'"),
        (problem, {p: (0, 1)}, [other], {}, "the output z is no affine expression in real variables of the problem"),
        (problem, {p: (0, 1)}, [cvxpy.square(z)], {}, "is no affine expression"),
        (problem, {p: (0, 1), shaped: (0, 1)}, [z], {}, "shaped is declared symmetric, and each of its entries"),
        (problem, {p: (0, 1)}, [z], {"delta": "soft"}, "delta is no array of numbers"),
        (problem, {p: (0, 1)}, [z], {"delta": [0.1, 0.2]}, r"delta has shape \(2,\)"),
        (faint, {tiny: (0.5, 1)}, [z], {}, "multiplies a variable in a constraint"),  # however faint it is
        (
            cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(integer - p))),
            {p: (0, 1)},
            [integer],
            {},
            "integer variables",
        ),
    ]
    for asked, boxes, outputs, options, message in cases:
        with pytest.raises(InputError, match=message):
            from_cvxpy(asked, boxes, outputs, **options)


def test_boxes_of_cvxpy_parameters_that_are_none() -> None:
    p, positive, z = cvxpy.Parameter(name="p"), cvxpy.Parameter(name="positive", nonneg=True), cvxpy.Variable(2)
    problem = cvxpy.Problem(cvxpy.Minimize(cvxpy.sum_squares(z) + (p + positive) * z[0]))
    good = {p: (0.0, 1.0), positive: (0.0, 1.0)}
    cases: list[tuple[cvxpy.Parameter, Any, str]] = [
        (p, (np.nan, 1.0), "box of parameter p's lower end holds NaN or infinity"),
        (p, (0.0, np.inf), "box of parameter p's upper end holds NaN or infinity"),
        (p, (1.0, 0.0), "goes from 1 to 0; expected an ascending interval"),
        (p, 1.0, "box of parameter p is no pair"),
        (p, ([0.0, 1.0], 2.0), "has an end that is no array of shape"),
        (positive, (-1.0, 1.0), "positive holds values that its declaration does not .* narrow the box"),
    ]
    for parameter, box, message in cases:
        with pytest.raises(InputError, match=message):
            from_cvxpy(problem, {**good, parameter: box}, [z])
