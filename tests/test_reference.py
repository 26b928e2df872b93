"""The float solver against exact rational arithmetic, where splitting alone does not get there."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from random_models import random_model

from mondeq_hw import InputError, MonDEQ, Preprocessing
from mondeq_hw.base import FREE, RELU, Clip, Interval, soft_threshold
from mondeq_hw.problem import active_set, reference
from mondeq_hw.problem.active_set import solve_active_set
from mondeq_hw.problem.reference import logits, preactivation

KINDS = (RELU, FREE, Interval(-0.5, 0.25), Interval(-np.inf, 1.0), soft_threshold(0.75), Interval(-1.0, np.inf, True))


def exact_solve(matrix: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Gauss-Jordan over the rational numbers."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(len(rows)):
        pivot = next(j for j in range(i, len(rows)) if rows[j][i] != 0)
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


def pieces(interval: Interval) -> list[tuple[float, float, int, Fraction]]:
    """Every linear piece of a row's operator: where it holds, slope, offset."""
    low, high, outside = interval.lower, interval.upper, int(interval.complement)
    sign = -1 if interval.complement else 1
    below = [(-np.inf, low, outside, sign * Fraction(low))] if np.isfinite(low) else []
    above = [(high, np.inf, outside, sign * Fraction(high))] if np.isfinite(high) else []
    return [*below, (low, high, 1 - outside, Fraction(0)), *above]


def exact_preactivation(W: np.ndarray, clip: Clip, q: np.ndarray) -> list[Fraction]:
    """Every choice of pieces is tried; exactly one solution exists."""
    n, found = len(q), set()
    exact_W = [[Fraction(entry) for entry in row] for row in W.tolist()]
    for chosen in product(*(pieces(clip.kinds[row]) for row in clip.rows)):
        matrix = [[(i == j) - exact_W[i][j] * chosen[j][2] for j in range(n)] for i in range(n)]
        right = [Fraction(q[i]) + sum(exact_W[i][j] * chosen[j][3] for j in range(n)) for i in range(n)]
        v = exact_solve(matrix, right)
        if all(low <= value <= high for value, (low, high, *_) in zip(v, chosen, strict=True)):
            found.add(tuple(v))
    (v,) = found
    return list(v)


def network(W: np.ndarray, clip: Clip | None = None) -> MonDEQ:
    """Whose inputs, in hundredths, are the injection."""
    n = len(W)
    margin = float(np.linalg.eigvalsh(np.eye(n) - (W + W.T) / 2)[0])
    return MonDEQ(W, np.eye(n), np.zeros(n), np.eye(n), np.zeros(n), margin, Preprocessing(scale=1.0), clip=clip)


def test_a_network_on_which_splitting_is_too_slow() -> None:
    """Nearly skew: the usual step size would take a million updates."""
    model = network(np.array([[0.9, 100.0], [-100.0, 0.9]]))
    words = np.random.default_rng(0).normal(size=(60, 2))
    v = preactivation(model, words)
    exact = np.array([exact_preactivation(model.W, model.prox, row) for row in words], dtype=float)
    np.testing.assert_allclose(v, exact, rtol=1e-9, atol=1e-9)
    classes = np.maximum(exact, 0).argmax(axis=1)
    assert 0 < classes.mean() < 1
    np.testing.assert_array_equal(logits(model, words).argmax(axis=1), classes)


@pytest.mark.parametrize("seed", range(12))
def test_clips_of_every_kind(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Active sets alone, from the first update on, on stiff networks."""
    monkeypatch.setattr(reference, "MAX_ITERATIONS", 1)
    rng = np.random.default_rng(seed)
    skew = 30 * rng.normal(size=(4, 4))
    factor = rng.normal(size=(4, 4))
    W = 0.8 * np.eye(4) - factor.T @ factor + skew - skew.T
    model = network(W, Clip.of([KINDS[kind] for kind in rng.integers(0, len(KINDS), 4)]))
    words = 3 * rng.normal(size=(4, 4))
    exact = np.array([exact_preactivation(W, model.prox, row) for row in words], dtype=float)
    np.testing.assert_allclose(preactivation(model, words), exact, rtol=1e-8, atol=1e-8)


def test_active_sets_do_not_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows at once would go round for ever on this matrix (Ben Gharbia & Gilbert, Math. Program. 134, 2012)."""
    M = np.array([[1.0, 0.0, 1.9], [1.9, 1.0, 0.0], [0.0, 1.9, 1.0]])
    W, q, clip = np.eye(3) - M, np.ones(3), Clip.uniform(RELU, 3)
    exact = np.array(exact_preactivation(W, clip, q), dtype=float)
    starts = [np.array(start) for start in product((-1.0, 1.0), repeat=3)]
    for start in starts:
        np.testing.assert_allclose(solve_active_set(W, clip, q, start, 1e-12), exact)
    monkeypatch.setattr(active_set, "PATIENCE", 10**9)
    failed = 0
    for start in starts:
        try:
            solve_active_set(W, clip, q, start, 1e-12)
        except InputError:
            failed += 1
    assert failed > 0


@pytest.mark.parametrize("seed", range(4))
def test_both_solvers_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(np.random.default_rng(seed), 30, 5, 3)
    words = np.random.default_rng(seed).integers(0, 256, size=(20, 5))
    by_splitting = preactivation(model, words)
    monkeypatch.setattr(reference, "MAX_ITERATIONS", 1)
    np.testing.assert_allclose(preactivation(model, words), by_splitting, rtol=1e-7, atol=1e-7)


def test_no_equilibrium_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """``z = max(2 z + q, 0)`` has none for ``q > 0``."""
    model = network(np.array([[2.0]]))
    with pytest.raises(InputError, match=r"sample 1: its equilibrium was not found.*strongly monotone.*margin"):
        preactivation(model, np.array([[-1.0], [1.0]]))


def test_no_samples() -> None:
    assert preactivation(network(np.eye(2) / 2), np.zeros((0, 2))).shape == (0, 2)
