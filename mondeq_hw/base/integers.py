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
    sizes = [abs(factor) * magnitude(array) for factor, array in terms]
    dtype, total = integer_type(sum(sizes)), None
    for size, (factor, array) in zip(sizes, terms, strict=True):
        if size:  # what is multiplied by zero may not fit the type
            term: np.ndarray = array.astype(dtype, copy=False) * factor
            total = term if total is None else np.add(total, term, out=total)
    return np.zeros(terms[0][1].shape, dtype=dtype) if total is None else total


def row_sums(array: np.ndarray) -> list[int]:
    """Sum of every row, exact."""
    sums: list[int] = array.astype(integer_type(magnitude(array) * array.shape[1])).sum(axis=1).tolist()
    return sums


def square_sums(array: np.ndarray) -> list[int]:
    """Sum of the squares of every row, exact."""
    if array.dtype == object:
        return row_sums(array * array)
    limbs = list(_limbs(array, _width(array), (62 - array.shape[1].bit_length()) // 2, np.int64))
    sums = [0] * len(array)
    for index, (place, limb) in enumerate(limbs):
        for other_place, other in limbs[index:]:
            doubled = place + other_place + (other is not limb)
            mixed = np.einsum("ij,ij->i", limb, other).tolist()
            sums = [total + (x << doubled) for total, x in zip(sums, mixed, strict=True)]
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
    inner, widths = left.shape[1].bit_length(), (_width(left), _width(right))
    bound = _bound(left, right, widths)
    dtype = integer_type(bound)
    if bound <= 1 << SIGNIFICAND:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    size_left, size_right = _limb_sizes(*widths, SIGNIFICAND - inner)
    total: np.ndarray = np.zeros((left.shape[0], right.shape[1]), dtype=dtype)
    right_limbs = list(_limbs(right, widths[1], size_right))
    for place, limb in _limbs(left, widths[0], size_left):
        for other_place, other in right_limbs:
            # An int64 may wrap on the way, and is right modulo 2^64 in the end, where the sum fits.
            total += (limb @ other).astype(np.int64).astype(dtype, copy=False) << (place + other_place)
    return total


def square(rows: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """``rows rows'``, exact, and the half of a product's work: it is symmetric.

    Returns
    -------
    others : ndarray of int64 or Python integers (rows, rows)
        All but the diagonal, where it has zeros.
    diagonal : list of int (rows,)
        Apart, since it alone is often too large for int64.
    """
    diagonal, width, inner = square_sums(rows), _width(rows), rows.shape[1].bit_length()
    most = max(diagonal, default=0)  # no sum of absolute products is larger (Cauchy-Schwarz)
    size = width if most <= 1 << SIGNIFICAND else max(1, (SIGNIFICAND - inner) // 2)
    limbs, products = list(_limbs(rows, width, size)), []
    for index, (place, limb) in enumerate(limbs):
        products.append((2 * place, (limb @ limb.T).astype(np.int64)))
        for other_place, other in limbs[index + 1 :]:
            mixed = (limb @ other.T).astype(np.int64)
            products.append((place + other_place, mixed + mixed.T))
    for _, each in products:
        np.fill_diagonal(each, 0)
    if most >= 1 << 62:
        # What float64 sees of a sum is off by far less than this share of the largest.
        seen = sum((each * 2.0**place for place, each in products), np.zeros(2 * (len(rows),)))
        most = int(np.abs(seen).max(initial=0.0)) + (most >> 20)
    dtype = integer_type(2 * most)
    others: np.ndarray = np.zeros(2 * (len(rows),), dtype=dtype)
    for place, each in products:  # an int64 may wrap on the way, as in a product
        others += each.astype(dtype, copy=False) << place
    return others, diagonal


def with_diagonal(others: np.ndarray, diagonal: list[int]) -> np.ndarray:
    """A matrix of integers with another diagonal."""
    dtype = integer_type(max(magnitude(others), max(map(abs, diagonal), default=0)))
    total: np.ndarray = others.astype(dtype)
    total[np.diag_indices(len(total))] = np.array(diagonal, dtype=dtype)
    return total


def gram(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``rows' W rows`` with the diagonal ``W`` of integer weights, exact."""
    if (weights == 1).all():
        return with_diagonal(*square(rows.T))
    dtype = integer_type(max(1, magnitude(rows)) * max(1, magnitude(weights)))
    return product(rows.T, rows.astype(dtype) * weights.astype(dtype)[:, None])


def _width(array: np.ndarray) -> int:
    return max(1, magnitude(array).bit_length())


def _bound(left: np.ndarray, right: np.ndarray, widths: tuple[int, int]) -> int:
    """On every sum of absolute products: by the widths, or by the 2-norms of rows and columns (Cauchy-Schwarz)."""
    by_widths = 1 << sum(widths) + left.shape[1].bit_length()
    if by_widths <= 1 << SIGNIFICAND or object in (left.dtype, right.dtype):
        return by_widths
    floats = left.astype(np.float64)
    rows = np.einsum("ij,ij->i", floats, floats).max(initial=0.0)
    floats = right.astype(np.float64)
    columns = np.einsum("ij,ij->j", floats, floats).max(initial=0.0)
    # The two squares are rounded sums: a share of them, far above that rounding, is added.
    return min(by_widths, math.ceil(math.sqrt(rows * columns) * (1 + 2.0**-20)))


def _limb_sizes(left: int, right: int, room: int) -> tuple[int, int]:
    """Bits of the limbs of two widths, together at most ``room``, with the fewest products of limbs."""
    sizes = [(-(-left // parts), room + left // -parts) for parts in range(1, left + 1)]
    return min((pair for pair in sizes if pair[1] > 0), key=lambda pair: -(-left // pair[0]) * -(-right // pair[1]))


def _limbs(array: np.ndarray, width: int, size: int, dtype: type = np.float64) -> Iterator[tuple[int, np.ndarray]]:
    """Limbs of ``size`` bits, with the power of two of each; the last one is signed."""
    for place in range(0, width, size):
        part = array >> place if place else array
        last = place + size >= width
        yield place, (part if last else part & ((1 << size) - 1)).astype(dtype)
