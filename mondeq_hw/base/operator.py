"""Stored linear maps: integers, a power-of-two scale a row, and exact sums over them.

Everything that proofs, models and emitters ask of a matrix stands behind
:class:`IntegerOperator`, so that a map that is no dense matrix can take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from .integers import integers, product, row_sums


class IntegerOperator(Protocol):
    """A linear map of integers; row ``i`` of the real one is ``2**-shifts[i]`` times it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def shifts(self) -> np.ndarray:
        """Scale of each row, int64 (rows,)."""

    @property
    def word_length(self) -> int:
        """Bits of a stored word."""

    @property
    def values(self) -> np.ndarray:
        """The real map, float64 (rows, columns)."""

    @property
    def memory_bits(self) -> int:
        """Bits that the stored words take."""

    def matrix(self, dtype: type) -> np.ndarray:
        """The integers (rows, columns) in a type that holds them."""

    def rows(self) -> list[list[int]]:
        """The integers as Python's own."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Sums (samples, rows) of vectors (samples, columns), in their own type; exact where that holds them."""

    def absolute_row_sums(self) -> list[int]:
        """``sum_j |integers[i, j]|`` of every row, exact."""

    def spans(self, low: int, high: int) -> list[tuple[int, int]]:
        """Smallest and largest sum of every row over words from ``low`` to ``high``, exact."""

    def memory_image(self, pe: int, simd: int) -> np.ndarray:
        """The integers as [row group, column group, pe, simd], absent rows and columns zero."""


@dataclass(frozen=True)
class DenseOperator:
    """A matrix, every entry of it stored.

    Parameters
    ----------
    integers : ndarray of int64 (rows, columns)
    shifts : ndarray of int64 (rows,)
        Row ``i`` has the scale ``2**-shifts[i]``.
    word_length : int
    """

    integers: np.ndarray
    shifts: np.ndarray
    word_length: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.integers.shape
        return rows, columns

    @property
    def values(self) -> np.ndarray:
        """The real matrix, exact in float64."""
        return self.integers * np.ldexp(1.0, -self.shifts)[:, None]

    def over(self, other: DenseOperator) -> DenseOperator:
        """These rows above those of another one of the same words."""
        shifts = np.concatenate([self.shifts, other.shifts])
        return DenseOperator(np.vstack([self.integers, other.integers]), shifts, self.word_length)

    @property
    def numpy_type(self) -> type:
        """The smallest of NumPy's types that holds a word."""
        return np.int8 if self.word_length <= 8 else np.int16 if self.word_length <= 16 else np.int32

    @property
    def memory_bits(self) -> int:
        """Bits that the stored words take."""
        return self.integers.size * self.word_length

    def matrix(self, dtype: type) -> np.ndarray:
        """The integers (rows, columns) in a type that holds them."""
        return self.integers.astype(dtype)

    def rows(self) -> list[list[int]]:
        """The integers as Python's own."""
        plain: list[list[int]] = self.integers.tolist()
        return plain

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Sums (samples, rows) of vectors (samples, columns), in their own type; exact where that holds them."""
        product: np.ndarray = x @ self.integers.T.astype(x.dtype)
        return product

    @cached_property
    def _absolute_sums(self) -> list[int]:
        return row_sums(np.abs(self.integers))

    def absolute_row_sums(self) -> list[int]:
        """``sum_j |integers[i, j]|`` of every row, exact."""
        return self._absolute_sums

    def spans(self, low: int, high: int) -> list[tuple[int, int]]:
        """Smallest and largest sum of every row over words from ``low`` to ``high``, exact."""
        return spans(self.integers, [(low, high)] * self.shape[1])

    def memory_image(self, pe: int, simd: int) -> np.ndarray:
        """The integers as [row group, column group, pe, simd], absent rows and columns zero."""
        rows, columns = self.shape
        row_groups, column_groups = -(-rows // pe), -(-columns // simd)
        padded = np.zeros((row_groups * pe, column_groups * simd), dtype=np.int64)
        padded[:rows, :columns] = self.integers
        return padded.reshape(row_groups, pe, column_groups, simd).swapaxes(1, 2)


def spans(rows: np.ndarray, words: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Smallest and largest sum of every row over words of which each column has its own interval, exact.

    Parameters
    ----------
    rows : ndarray of integers (rows, columns)
    words : sequence of (low, high) (columns,)
    """
    lows, highs = np.array(words, dtype=object).T
    # A sum is at most what it is in the middle and what each column may add to either side: twice both are integers.
    middle, reach = (integers(each)[:, None] for each in (lows + highs, highs - lows))
    twice, sides = product(rows, middle).ravel().tolist(), product(np.abs(rows), reach).ravel().tolist()
    return [((at - side) // 2, (at + side) // 2) for at, side in zip(twice, sides, strict=True)]
