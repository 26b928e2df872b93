"""The contraction line a second time, by another algorithm and from ``docs/numerics.md`` alone.

The checker proves a matrix positive definite by a factor that the certificate holds.  Here nothing is taken from the
certificate but program, factor and weights: a symmetric matrix is positive definite exactly where the coefficients
of its characteristic polynomial alternate in sign (Descartes, all roots being real), and FLINT has them exactly.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Any

import flint

Plain = dict[str, Any]
Rows = list[list[Fraction]]


def stored_matrix(plain: Plain) -> Rows:
    """``leak I + 2^-g integers`` of a certificate's program."""
    (stage,) = plain["program"]["stages"]
    leak = 1 - Fraction(1, 1 << stage["leak_shift"])
    rows = [
        [x / Fraction(2) ** shift for x in row]
        for row, shift in zip(stage["matrix"], stage["matrix_shifts"], strict=True)
    ]
    for i, row in enumerate(rows):
        row[i] += leak
    return rows


def contracts(rows: Rows, metric: str, weights: list[int], factor: Fraction) -> bool:
    """Whether ``||M v|| < factor ||v||`` (in the infinity-norm ``<=``) for every ``v`` but 0."""
    n = len(rows)
    match metric:
        case "infinity-norm":
            return all(
                sum(abs(x) * w for x, w in zip(row, weights, strict=True)) <= factor * weight
                for row, weight in zip(rows, weights, strict=True)
            )
        case "2-norm":
            square = [[sum(weights[k] * rows[k][i] * rows[k][j] for k in range(n)) for j in range(n)] for i in range(n)]
            gap = [[factor**2 * weights[i] * (i == j) - square[i][j] for j in range(n)] for i in range(n)]
            return is_positive_definite(gap)
        case _:
            raise ValueError(f"unknown metric {metric!r}")


def is_positive_definite(matrix: Rows) -> bool:
    """Of a symmetric matrix of fractions."""
    n, unit = len(matrix), lcm(*(x.denominator for row in matrix for x in row))
    polynomial = flint.fmpz_mat([[int(x * unit) for x in row] for row in matrix]).charpoly()
    return all((-1) ** (n - k) * int(polynomial[k]) > 0 for k in range(n + 1))
