"""Proof that an integer symmetric matrix is positive definite, with a witness anyone can check.

``P`` is brought to a unit diagonal by powers of two and cut to ``2t`` bits,
``A_ij = floor(P_ij 2^(2t - k_i - k_j))``.  The witness is an integer matrix
``L``, a floating-point Cholesky factor of ``A`` less a small shift, rounded.
If ``R = A - L L'`` has ``R_ii > sum_(j != i) |R_ij| + n`` in every row then
``P`` is positive definite: ``P`` scaled is ``L L' + (R + E)`` with
``0 <= E_ij < 1``, the first term is positive semidefinite and the second
strictly diagonally dominant.  Floating point only proposes ``L``; the check
is in integers, and nothing about how ``L`` was found matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np

#: Bits of the factor's entries: squares of rows then sum to at most 2^53, so float64 products are exact.
FACTOR_BITS = 26
#: Of a factor that is found again instead of handed on, and what is taken off the unit diagonal before it is sought.
LONG_FACTOR_BITS = 50
LONG_FACTOR_SHIFT = 2.0**-36


@dataclass(frozen=True)
class PositiveDefiniteWitness:
    """What the check needs besides the matrix.

    Parameters
    ----------
    exponents : tuple of int (n,)
        ``k_i``: row and column ``i`` are scaled by ``2^-k_i``.
    bits : int
        ``t``.
    factor : ndarray of int64 (n, n)
        ``L``.
    """

    exponents: tuple[int, ...]
    bits: int
    factor: np.ndarray


def prove_positive_definite(P: list[list[int]]) -> PositiveDefiniteWitness | None:
    """Find a witness that a symmetric integer matrix is positive definite.

    Parameters
    ----------
    P : list of list of int (n, n)
        Symmetric; entries of any size.

    Returns
    -------
    PositiveDefiniteWitness or None
        None where no witness was found: ``P`` is not positive definite, or
        so close to singular (relative to its diagonal, about ``n 2^-26``)
        that this method cannot tell.
    """
    n, bits = len(P), FACTOR_BITS
    if any(P[i][i] <= 0 for i in range(n)):
        return None
    # 2^(2k) >= P_ii > 2^(2k-2): the scaled diagonal lies in (1/4, 1].
    exponents = tuple((P[i][i].bit_length() + 1) // 2 for i in range(n))
    scaled = np.array(_scaled(P, exponents, bits), dtype=np.float64)
    try:
        factor = np.linalg.cholesky(scaled * 4.0**-bits - n * 2.0**-bits * np.eye(n))
    except np.linalg.LinAlgError:
        return None
    witness = PositiveDefiniteWitness(exponents, bits, np.rint(np.ldexp(factor, bits)).astype(np.int64))
    return witness if is_proved(P, witness) else None


def is_positive_definite(P: list[list[int]]) -> bool:
    """Whether a symmetric integer matrix is proved positive definite, by a factor that anyone can find again.

    Nothing need be handed on: the factor is that of floating point, and the check is in integers.
    """
    n, bits = len(P), LONG_FACTOR_BITS
    if any(P[i][i] <= 0 for i in range(n)):
        return False
    exponents = tuple((P[i][i].bit_length() + 1) // 2 for i in range(n))
    A = _scaled(P, exponents, bits)
    unit = np.array([[float(x >> bits) for x in row] for row in A]) * 2.0**-bits
    try:
        factor = np.linalg.cholesky(unit - LONG_FACTOR_SHIFT * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    L = flint.fmpz_mat([[int(x) for x in row] for row in np.rint(np.ldexp(factor, bits)).tolist()])
    square = L * L.transpose()
    rows = ([a - int(square[i, j]) for j, a in enumerate(row)] for i, row in enumerate(A))
    return all(2 * row[i] > sum(map(abs, row)) + n for i, row in enumerate(rows))


def is_proved(P: list[list[int]], witness: PositiveDefiniteWitness) -> bool:
    """Whether the witness proves that symmetric ``P`` is positive definite; integers only."""
    n = len(P)
    if witness.factor.shape != (n, n) or len(witness.exponents) != n:
        return False
    if any(list(column) != row for row, column in zip(P, zip(*P, strict=True), strict=True)):
        return False
    A = _scaled(P, witness.exponents, witness.bits)
    R = _subtract_square(A, witness.factor)
    return all(2 * row[i] > sum(map(abs, row)) + n for i, row in enumerate(R))


def _scaled(P: list[list[int]], exponents: tuple[int, ...], bits: int) -> list[list[int]]:
    """``floor(P_ij 2^(2 bits - k_i - k_j))``."""
    result = []
    for row, k_row in zip(P, exponents, strict=True):
        shifts = [k_row + k - 2 * bits for k in exponents]
        result.append([p >> s if s >= 0 else p << -s for p, s in zip(row, shifts, strict=True)])
    return result


def _subtract_square(A: list[list[int]], L: np.ndarray) -> list[list[int]]:
    """``A - L L'``, exactly: in float64 where Cauchy-Schwarz bounds every partial sum by 2^53."""
    square = max(sum(x * x for x in row) for row in L.tolist())
    if square <= 2**53:
        floating = L.astype(np.float64)
        product = (floating @ floating.T).astype(np.int64).tolist()
    else:
        whole = L.astype(object)
        product = (whole @ whole.T).tolist()
    return [[a - b for a, b in zip(row, other, strict=True)] for row, other in zip(A, product, strict=True)]
