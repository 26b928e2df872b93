"""Products of integers by BLAS are Python's own, at the edges of every width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mondeq_hw.base import (
    combination,
    diagonal_plus,
    gram,
    integer_type,
    integers,
    magnitude,
    product,
    row_sums,
    spans,
    square,
    square_sums,
    with_diagonal,
)
from mondeq_hw.base.integers import SIGNIFICAND, _bound

#: Just below and above what float32, float64 and int64 hold, and far beyond.
WIDTHS = (1, 8, 23, 24, 25, 26, 27, 31, 52, 53, 54, 62, 63, 64, 130)


def matrices(rows: int, columns: int, width: int) -> st.SearchStrategy[np.ndarray]:
    """Entries of so many bits, the largest ones of either sign often among them."""
    top = 2**width - 1
    entry = st.sampled_from([top, -top, top - 1, 0]) | st.integers(-top, top)
    row = st.lists(entry, min_size=columns, max_size=columns)
    return st.lists(row, min_size=rows, max_size=rows).map(integers)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rows, inner, columns = (draw(st.integers(1, 5)) for _ in range(3))
    left, right = (draw(st.sampled_from(WIDTHS)) for _ in range(2))
    return draw(matrices(rows, inner, left)), draw(matrices(inner, columns, right))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pairs())
def test_product_is_exact(pair: tuple[np.ndarray, np.ndarray]) -> None:
    left, right = pair
    assert product(left, right).tolist() == (left.astype(object) @ right.astype(object)).tolist()


@pytest.mark.parametrize("widths,exact", [((26, 26), True), ((20, 32), True), ((27, 26), False), ((27, 27), False)])
def test_float64_is_taken_up_to_its_significand_and_not_beyond(widths: tuple[int, int], exact: bool) -> None:
    left, right = (np.full((1, 1), 2**width - 1) for width in widths)
    assert (_bound(left, right, widths) <= 2**SIGNIFICAND) == exact
    assert product(left, right).tolist() == [[(2 ** widths[0] - 1) * (2 ** widths[1] - 1)]]


def test_norms_of_rows_and_columns_keep_a_product_in_int64() -> None:
    """Where widths and length alone would ask for Python integers; and not where a row is as long as they allow."""
    sparse, full = np.diag([2**31 - 1] * 4), np.full((4, 4), 2**31 - 1)
    assert product(sparse, sparse).dtype == np.int64 and product(full, full).dtype == object
    assert product(sparse, sparse).tolist() == (sparse.astype(object) @ sparse.astype(object)).tolist()
    assert product(full, full).tolist() == (full.astype(object) @ full.astype(object)).tolist()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pairs())
def test_a_square_is_exact_and_its_diagonal_apart(pair: tuple[np.ndarray, np.ndarray]) -> None:
    rows = pair[0]
    whole = rows.astype(object) @ rows.astype(object).T
    others, diagonal = square(rows)
    assert diagonal == square_sums(rows) == np.diagonal(whole).tolist() and not np.diagonal(others).any()
    assert with_diagonal(others, diagonal).tolist() == whole.tolist()
    assert gram(rows, np.ones(len(rows), dtype=object)).tolist() == (rows.T.astype(object) @ rows).tolist()


def test_a_long_diagonal_leaves_the_rest_in_int64() -> None:
    """The operators of large networks: the diagonal of ``A A'`` alone is beyond 64 bits."""
    rng = np.random.default_rng(0)
    rows = (1 << 33) * np.eye(40, dtype=np.int64) + rng.integers(-(2**27), 2**27, (40, 40))
    others, diagonal = square(rows)
    assert others.dtype == np.int64 and min(diagonal) > 2**63
    assert with_diagonal(others, diagonal).tolist() == (rows.astype(object) @ rows.T.astype(object)).tolist()


def test_a_sum_that_float64_would_round_is_not_rounded() -> None:
    left, right = np.array([[2**27 + 1, 1]]), np.array([[2**26 + 1], [1]])
    exact = (2**27 + 1) * (2**26 + 1) + 1
    assert int((left.astype(np.float64) @ right.astype(np.float64))[0, 0]) != exact
    assert product(left, right).tolist() == [[exact]]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(pairs(), st.integers(-(2**70), 2**70), st.integers(-(2**40), 2**40))
def test_sums_and_grams_are_exact(pair: tuple[np.ndarray, np.ndarray], first: int, second: int) -> None:
    left = pair[0]
    plain, weights = left.astype(object), integers([abs(second) + i for i in range(len(left))])
    assert combination((first, left), (second, left)).tolist() == (first * plain + second * plain).tolist()
    assert gram(left, weights).tolist() == (plain.T @ (weights.astype(object)[:, None] * plain)).tolist()
    assert row_sums(left) == [sum(row) for row in plain.tolist()]
    square = plain @ plain.T
    assert diagonal_plus(first, square).tolist() == (square + first * np.eye(len(left), dtype=object)).tolist()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(pairs(), st.lists(st.tuples(st.integers(0, 2**65), st.integers(0, 2**65)), min_size=5, max_size=5))
def test_spans_are_the_ends_of_the_sums(pair: tuple[np.ndarray, np.ndarray], ends: list[tuple[int, int]]) -> None:
    rows = pair[0]
    words = [(-low, high) for low, high in ends[: rows.shape[1]]]
    for row, (low, high) in zip(rows.tolist(), spans(rows, words), strict=True):
        products = [sorted((x * a, x * b)) for x, (a, b) in zip(row, words, strict=True)]
        assert (low, high) == (sum(p[0] for p in products), sum(p[1] for p in products))


def test_types_change_at_the_width_of_int64() -> None:
    assert integer_type(2**63 - 1) is np.int64 and integer_type(2**63) is object
    assert integers([2**63 - 1]).dtype == np.int64 and integers([2**63]).dtype == object
    assert magnitude(np.array([-(2**63), 1])) == 2**63
    assert combination((2**80, np.zeros(2, dtype=np.int64))).tolist() == [0, 0]
