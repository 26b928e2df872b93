"""Exact matrices: what floats are as fractions, and lengths in a metric, rounded to the safe side."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import flint
import numpy as np

from ..proof import prove_positive_definite, root_up

#: Of a root, beside a length of one.
ROOT_BITS = 40

Number = Fraction | int | float


def exact(array: np.ndarray | Sequence[Sequence[Number]]) -> flint.fmpq_mat:
    """A matrix of the very numbers."""
    rows = [[rational(entry) for entry in row] for row in (array.tolist() if isinstance(array, np.ndarray) else array)]
    return flint.fmpq_mat(len(rows), len(rows[0]), [entry for row in rows for entry in row])


def column(entries: Sequence[Number]) -> flint.fmpq_mat:
    """A vector."""
    return exact([[entry] for entry in entries])


def diagonal(entries: Sequence[Number]) -> flint.fmpq_mat:
    """A diagonal matrix."""
    matrix = flint.fmpq_mat(len(entries), len(entries))
    for i, entry in enumerate(entries):
        matrix[i, i] = rational(entry)
    return matrix


def rational(number: Number) -> flint.fmpq:
    """A number as flint's fraction."""
    fraction = Fraction(number)
    return flint.fmpq(fraction.numerator, fraction.denominator)


def row_of(matrix: flint.fmpq_mat, i: int) -> list[Fraction]:
    """A row as Python's fractions."""
    return [_fraction(matrix[i, j]) for j in range(matrix.ncols())]


def column_of(matrix: flint.fmpq_mat, j: int) -> list[Fraction]:
    """A column as Python's fractions."""
    return [_fraction(matrix[i, j]) for i in range(matrix.nrows())]


def floats(matrix: flint.fmpq_mat) -> np.ndarray:
    """Nearest floats."""
    return np.array([[float(entry) for entry in row_of(matrix, i)] for i in range(matrix.nrows())])


def is_positive_definite(matrix: flint.fmpq_mat) -> bool:
    """Whether a symmetric matrix is proved positive definite."""
    numerator, _ = matrix.numer_denom()
    return prove_positive_definite([[int(entry) for entry in row] for row in numerator.tolist()]) is not None


def length(metric: flint.fmpq_mat, vector: Sequence[Fraction]) -> Fraction:
    """``sqrt(x' M x)``, rounded up."""
    x = column(vector)
    square = ceil(_fraction((x.transpose() * metric * x)[0, 0]) * 4**ROOT_BITS)
    return Fraction(root_up(square), 2**ROOT_BITS)


def _fraction(value: flint.fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))
