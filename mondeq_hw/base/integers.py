"""Arrays of integers that are exact whatever their size, and their products by BLAS.

An array holds int64 where a bound says that everything fits, otherwise Python's own integers.
A product of integers is exact in float64 when no sum of absolute products exceeds ``2^53``:
every partial sum is then an integer that the type represents, whatever the order of summation
and with or without fused multiply-add.  Wider integers are cut into limbs for which that holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Bits of the integers that float64 holds without a gap.
SIGNIFICAND = 53


def integer_type(bound: int) -> type:
    """The type in which every integer of magnitude up to ``bound`` is exact."""
    return np.int64 if bound < 2**63 else object


def magnitude(array: np.ndarray) -> int:
    """Largest ``|entry|``; 0 of an empty array."""
    return max(int(array.max()), -int(array.min())) if array.size else 0


def integers(values: Any) -> np.ndarray:
    """Integers of an array, or of nested lists, in the narrower of the two types."""
    if isinstance(values, np.ndarray) and values.dtype == np.int64:
        return values
    array = np.array(values, dtype=object)
    return array.astype(integer_type(magnitude(array)))


def diagonal_plus(diagonal: int, array: np.ndarray) -> np.ndarray:
    """``diagonal I + array``, exact."""
    total: np.ndarray = array.astype(integer_type(magnitude(array) + abs(diagonal)))  # a copy
    total[np.diag_indices(len(total))] += diagonal
    return total


def combination(*terms: tuple[int, np.ndarray]) -> np.ndarray:
    """``sum_k factor_k array_k`` of arrays of one shape, exact."""
    dtype = integer_type(sum(abs(factor) * magnitude(array) for factor, array in terms))
    total: np.ndarray = np.zeros(terms[0][1].shape, dtype=dtype)
    for factor, array in terms:
        if factor and magnitude(array):  # what is multiplied by zero may not fit the type
            total += array.astype(dtype) * factor
    return total


def row_sums(array: np.ndarray) -> list[int]:
    """Sum of every row, exact."""
    sums: list[int] = array.astype(integer_type(magnitude(array) * array.shape[1])).sum(axis=1).tolist()
    return sums


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left @ right`` of two matrices of integers, exact.

    Parameters
    ----------
    left : ndarray of int64 or Python integers (rows, inner)
    right : ndarray of int64 or Python integers (inner, columns)

    Returns
    -------
    ndarray of int64 or Python integers (rows, columns)
    """
    bound = _bound(left, right)
    dtype = integer_type(bound)
    if bound <= 1 << SIGNIFICAND:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    inner, widths = left.shape[1].bit_length(), _widths(left, right)
    size_left, size_right = _limb_sizes(*widths, SIGNIFICAND - inner)
    total: np.ndarray = np.zeros((left.shape[0], right.shape[1]), dtype=dtype)
    right_limbs = list(_limbs(right, widths[1], size_right))
    for place, limb in _limbs(left, widths[0], size_left):
        for other_place, other in right_limbs:
            # An int64 may wrap on the way, and is right modulo 2^64 in the end, where the sum fits.
            total += (limb @ other).astype(np.int64).astype(dtype, copy=False) << (place + other_place)
    return total


def gram(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``rows' W rows`` with the diagonal ``W`` of integer weights, exact."""
    dtype = integer_type(magnitude(rows) * max(1, magnitude(weights)))
    return product(rows.T, rows.astype(dtype) * weights.astype(dtype)[:, None])


def _widths(left: np.ndarray, right: np.ndarray) -> tuple[int, int]:
    return max(1, magnitude(left).bit_length()), max(1, magnitude(right).bit_length())


def _bound(left: np.ndarray, right: np.ndarray) -> int:
    """On every sum of absolute products: by the widths, or by the 2-norms of rows and columns (Cauchy-Schwarz)."""
    by_widths = 1 << sum(_widths(left, right)) + left.shape[1].bit_length()
    if by_widths <= 1 << SIGNIFICAND or object in (left.dtype, right.dtype):
        return by_widths
    rows = np.einsum("ij,ij->i", *2 * [left.astype(np.float64)]).max(initial=0.0)
    columns = np.einsum("ij,ij->j", *2 * [right.astype(np.float64)]).max(initial=0.0)
    # The two squares are rounded sums: a share of them, far above that rounding, is added.
    return min(by_widths, math.ceil(math.sqrt(rows * columns) * (1 + 2.0**-20)))


def _limb_sizes(left: int, right: int, room: int) -> tuple[int, int]:
    """Bits of the limbs of two widths, together at most ``room``, with the fewest products of limbs."""
    sizes = [(-(-left // parts), room + left // -parts) for parts in range(1, left + 1)]
    return min((pair for pair in sizes if pair[1] > 0), key=lambda pair: -(-left // pair[0]) * -(-right // pair[1]))


def _limbs(array: np.ndarray, width: int, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Limbs of ``size`` bits as float64, with the power of two of each; the last one is signed."""
    for place in range(0, width, size):
        part = array >> place
        last = place + size >= width
        yield place, (part if last else part & ((1 << size) - 1)).astype(np.float64)
