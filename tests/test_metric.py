"""Norms of a state: exact on examples by hand, rounded up otherwise, and proofs that hold in rational arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mondeq_hw.base import DenseOperator, integers
from mondeq_hw.proof.check_certificate import TwoNorm
from mondeq_hw.proof.contraction import iteration_integers, measured_norms, prove_contraction, recheck
from mondeq_hw.proof.metric import (
    BOUND_BITS,
    Metric,
    RowSums,
    WeightedInfinityNorm,
    WeightedTwoNorm,
    contraction_gap,
)
from mondeq_hw.proof.weighting import positive_vectors

METRICS = (WeightedTwoNorm, WeightedInfinityNorm)
ONE = 1 << BOUND_BITS
#: A value, a weight and an entry of a row.
columns = st.tuples(st.fractions(-50, 50), st.integers(1, 10**6), st.integers(-9, 9))


def operator(rows: list[list[int]], shifts: list[int]) -> DenseOperator:
    return DenseOperator(np.array(rows), np.array(shifts), 16)


def row_factor(matrix: DenseOperator, leak_shift: int, weights: tuple[int, ...]) -> Fraction:
    """``max_i sum_j |M_ij| w_j / w_i`` from the definition of the stored matrix, in fractions."""
    largest = Fraction(0)
    for i, (row, shift) in enumerate(zip(matrix.integers.tolist(), matrix.shifts.tolist(), strict=True)):
        entries = [Fraction(x) / Fraction(2) ** shift for x in row]
        entries[i] += 1 - Fraction(1, 2**leak_shift)
        largest = max(largest, sum(abs(x) * w for x, w in zip(entries, weights, strict=True)) / weights[i])
    return largest


def test_by_hand() -> None:
    two, most = WeightedTwoNorm((1, 4, 4)), WeightedInfinityNorm((1, 2, 4))
    assert two.norm_up([1, -1, 1]) == 3 * ONE  # sqrt(1 + 4 + 4)
    assert two.dual_norms_up(integers([[1, 4, 4], [0, 2, 0]])) == [3 * ONE, ONE]  # sqrt(1 + 16/4 + 16/4)
    assert two.two_norm_up(5 * ONE) == two.infinity_norm_up(5 * ONE) == 5 * ONE
    assert most.norm_up([1, Fraction(-7, 2), 4]) == 7 * ONE // 4
    assert most.dual_norms_up(integers([[1, -1, 2]])) == [11 * ONE]  # 1 + 2 + 8
    assert WeightedInfinityNorm((2, 3, 6)).two_norm_up(5 * ONE) == 35 * ONE  # 5 sqrt(4 + 9 + 36)
    assert most.infinity_norm_up(5 * ONE) == 20 * ONE
    assert most.norm_up([Fraction(1, 3), 0, 0]) == ONE // 3 + 1


@pytest.mark.parametrize("kind", METRICS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=st.lists(columns, min_size=1, max_size=6))
def test_bounds_hold_and_are_tight(kind: type, rows: list[tuple[Fraction, int, int]]) -> None:
    """Against floating point, and the inequalities for which they are used against fractions."""
    values, weights, row = zip(*rows, strict=True)
    metric: Metric = kind(weights)
    v, w, r = (np.array(list(map(float, column))) for column in (values, weights, row))
    squares = kind is WeightedTwoNorm
    norm = np.sqrt((w * v**2).sum()) if squares else (np.abs(v) / w).max()
    dual = np.sqrt((r**2 / w).sum()) if squares else (np.abs(r) * w).sum()
    bound = metric.norm_up(values)
    assert bound / ONE == pytest.approx(norm, rel=1e-9, abs=1e-15)
    (dual_bound,) = metric.dual_norms_up(integers([row]))
    assert dual_bound / ONE == pytest.approx(dual, rel=1e-9, abs=1e-15)
    product = abs(sum(a * b for a, b in zip(row, values, strict=True)))
    assert product * ONE**2 <= dual_bound * bound
    assert sum(x * x for x in values) * ONE**2 <= metric.two_norm_up(bound) ** 2
    assert max(map(abs, values)) * ONE <= metric.infinity_norm_up(bound)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([1, 20, 60, 200]), st.integers(0, 40))
def test_norm_of_a_matrix_is_bounded_whatever_is_cut_off_its_entries(seed: int, n: int, bits: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    N = integers(rng.integers(-(2**40), 2**40, size=(n, n)).astype(object) * 2**bits // 2**40)
    weights = tuple((2 ** rng.integers(0, spread + 1, size=n)).tolist())
    metric = WeightedTwoNorm(weights)
    d, exact = np.sqrt(np.array(weights, dtype=float)), N.astype(float)
    schatten = np.linalg.norm(np.linalg.svd(exact * d[:, None] / d, compute_uv=False), 4)
    bound = metric.matrix_norm_up(N) / ONE
    assert schatten * (1 - 1e-9) <= bound <= schatten * (1 + n * 2.0**-21) + n
    assert bound == TwoNorm(list(weights)).matrix_norm_up(N.tolist()) / ONE


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(0, 4), st.booleans())
def test_row_sums_agree_with_fractions(seed: int, n: int, leak_shift: int, signs: bool) -> None:
    rng = np.random.default_rng(seed)
    matrix = operator(rng.integers(-15 if signs else 0, 16, size=(n, n)).tolist(), rng.integers(4, 9, size=n).tolist())
    N, grid = iteration_integers(matrix, leak_shift)
    weights = tuple(rng.integers(1, 1000, size=n).tolist())
    metric, exact = WeightedInfinityNorm(weights), row_factor(matrix, leak_shift, weights)
    proved = metric.prove(N, grid, [exact])
    assert proved is not None and proved[0] == exact
    below = exact - Fraction(1, 10**30)
    assert metric.prove(N, grid, [below]) is None
    assert metric.is_proved(N, grid, exact, proved[1]) and not metric.is_proved(N, grid, below, proved[1])
    values = matrix.values + (1 - 2.0**-leak_shift) * np.eye(n)
    assert metric.matrix_norm(values) == pytest.approx(float(exact))


def chain(n: int, entry: int) -> DenseOperator:
    """Each row far below the next: only weights of many octaves bring the sums below one."""
    rows = [[entry if j == i + 1 else 1 if j == i else 0 for j in range(n)] for i in range(n)]
    return operator(rows, [1] * n)


@pytest.mark.parametrize("entry", [1000, -1000, 30_000])
def test_what_only_the_infinity_norm_proves(entry: int) -> None:
    matrix = chain(9, entry)
    assert measured_norms(matrix, 0)[1] > 1  # no weighting is found in which the 2-norm is below one
    proof = prove_contraction(matrix, 0)
    assert proof is not None and proof.metric.name == "infinity-norm" and recheck(matrix, 0, proof)
    assert row_factor(matrix, 0, proof.metric.weights) <= proof.contraction_factor < 1


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 12))
def test_slow_nonnegative_networks(seed: int, n: int) -> None:
    """Row sums just below one, as in NEMON at its slowest: nearer to one than a Cholesky factor can tell."""
    rng = np.random.default_rng(seed)
    shares = rng.random((n, n))
    integers = np.floor(shares / shares.sum(axis=1, keepdims=True) * 2**40).astype(np.int64)
    integers[:, 0] += 2**40 - 2 - integers.sum(axis=1)
    matrix = DenseOperator(integers, np.full(n, 40), 42)
    proof = prove_contraction(matrix, 0)
    assert proof is not None and proof.metric.name == "infinity-norm"
    assert row_factor(matrix, 0, proof.metric.weights) <= proof.contraction_factor < 1
    integers[:, 0] += 2
    assert prove_contraction(DenseOperator(integers, np.full(n, 40), 42), 0) is None


def test_the_smaller_factor_is_taken() -> None:
    """A rotation's row sums are 1.4 times its norm; of equal rows with one column the norm is 1.4 times the sum."""
    rotation = prove_contraction(operator([[3, 4], [-4, 3]], [3, 3]), 0)
    assert rotation is not None and rotation.metric.name == "2-norm" and rotation.contraction_factor < Fraction(63, 100)
    column = prove_contraction(operator([[2, 0], [2, 0]], [2, 2]), 0)
    assert column is not None and column.metric == WeightedInfinityNorm((1, 1))
    assert column.contraction_factor == Fraction(501, 1000)


def test_on_a_tie_the_smaller_radius_is_taken() -> None:
    """The same factor for a multiple of the identity; rows that round alike have the same radius too: the 2-norm."""
    alike = prove_contraction(operator([[1, 0], [0, 1]], [1, 1]), 0)
    assert alike is not None and alike.metric.name == "2-norm"
    # ||eps||_2 is 0.86 here, but the infinity-norm must take the coarser row's error for both.
    unlike = prove_contraction(operator([[1, 0], [0, 8]], [1, 4]), 0)
    assert unlike is not None and unlike.metric.name == "2-norm"


def test_a_proof_does_not_stretch() -> None:
    matrix = chain(9, 1000)
    proof = prove_contraction(matrix, 0)
    assert proof is not None and isinstance(proof.witness, RowSums)
    exact = row_factor(matrix, 0, proof.metric.weights)
    assert not recheck(matrix, 0, replace(proof, contraction_factor=exact - Fraction(1, 10**12)))
    assert not recheck(matrix, 0, replace(proof, contraction_factor=Fraction(1)))
    assert not recheck(matrix, 0, replace(proof, witness=RowSums((0,) * 9)))
    assert not recheck(matrix, 0, replace(proof, metric=WeightedInfinityNorm((1,) * 9)))
    assert not recheck(matrix, 0, replace(proof, metric=WeightedTwoNorm(proof.metric.weights)))
    assert not recheck(chain(9, 1001), 0, proof)


def test_positive_vectors() -> None:
    """By hand: ``(rho I - M)^-1 1`` for ``M = [[0, 1/2], [1/2, 0]]``, and for a reducible matrix."""
    (found,) = positive_vectors(np.array([[0.0, 0.5], [0.5, 0.0]]), [0.5])
    assert found == pytest.approx([4.0, 4.0])  # rho = 3/4
    (found,) = positive_vectors(np.array([[0.0, 8.0], [0.0, 0.0]]), [0.5])
    assert found == pytest.approx([34.0, 2.0])  # rho = 1/2: (1 + 8 / rho) / rho
    assert positive_vectors(np.array([[1.0]]), [0.5]) == []


def test_a_matrix_of_zeros_contracts_by_any_factor() -> None:
    """Also by one whose denominator does not fit the zeros' own type."""
    factor = Fraction(1, 1 << 60)
    assert contraction_gap(np.zeros((2, 2), dtype=np.int64), 0, (1, 3), factor).tolist() == [[1, 0], [0, 3]]
