"""The diagonal weighting: against brute force, against theory, never worse than none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mondeq_hw.proof.weighting import best_weighting


def norm(M: np.ndarray, d: np.ndarray) -> float:
    return float(np.linalg.norm(M * d[:, None] / d[None, :], 2))


def brute_force(M: np.ndarray) -> float:
    """Nelder-Mead from several starts: the function is convex, two or three variables."""

    def value(x: np.ndarray) -> float:
        return norm(M, np.exp(np.append(0.0, x)))

    starts = [np.zeros(len(M) - 1), np.ones(len(M) - 1), -np.ones(len(M) - 1)]
    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000}
    return min(minimize(value, start, method="Nelder-Mead", options=options).fun for start in starts)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_as_good_as_brute_force(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, n)) * np.exp(rng.normal(size=(n, 1)))
    found, d = best_weighting(M)
    assert found == pytest.approx(norm(M, d), rel=1e-9)
    assert found <= brute_force(M) * (1 + 1e-3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), scale=st.floats(1e-3, 1e3))
def test_between_spectral_radius_and_plain_norm(seed: int, n: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    M = scale * rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.7)
    found, d = best_weighting(M)
    assert (d > 0).all() and np.isfinite(d).all()
    assert found == pytest.approx(norm(M, d), rel=1e-7, abs=1e-12 * scale)
    assert found <= np.linalg.norm(M, 2) * (1 + 1e-12)
    assert found >= np.abs(np.linalg.eigvals(M)).max() * (1 - 1e-7) - 1e-9 * scale


def test_triangular_matrix_comes_down_to_its_spectral_radius() -> None:
    rng = np.random.default_rng(0)
    M = np.triu(rng.normal(size=(8, 8)), 1) + np.diag(np.linspace(0.5, 0.9, 8))
    assert np.linalg.norm(M, 2) > 2
    assert best_weighting(M)[0] < 0.92


def test_nonnegative_matrix_reaches_its_known_optimum() -> None:
    """For M >= 0 and the 2-norm the optimum is sqrt(rho(M' M)) at d = sqrt(left/right) Perron vectors of rank one."""
    left, right = np.array([1.0, 4.0, 0.25]), np.array([2.0, 1.0, 8.0])
    M = np.outer(left, right) / (left @ right)
    assert best_weighting(M)[0] == pytest.approx(1.0, abs=1e-3)  # its spectral radius


def test_weighted_problem_has_the_same_optimum() -> None:
    rng = np.random.default_rng(1)
    M, d = rng.normal(size=(9, 9)), np.exp(rng.normal(size=9))
    assert best_weighting(M * d[:, None] / d[None, :])[0] == pytest.approx(best_weighting(M)[0], rel=2e-3)


def test_symmetric_matrix_needs_no_weighting() -> None:
    S = np.random.default_rng(2).normal(size=(7, 7))
    S = S + S.T
    assert best_weighting(S)[0] == pytest.approx(np.abs(np.linalg.eigvalsh(S)).max(), rel=1e-9)


@pytest.mark.parametrize("M", [np.zeros((1, 1)), np.zeros((4, 4)), np.array([[-0.5]])])
def test_trivial_matrices(M: np.ndarray) -> None:
    found, d = best_weighting(M)
    assert found == np.abs(M).max() and (d == 1).all()
