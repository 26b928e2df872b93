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

import numpy as np

from ..base import integer_type, integers, magnitude, row_sums, square, with_diagonal

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


def prove_positive_definite(
    P: np.ndarray | list[list[int]], diagonal: list[int] | None = None
) -> PositiveDefiniteWitness | None:
    """Find a witness that a symmetric integer matrix is positive definite.

    Parameters
    ----------
    P : ndarray of integers (n, n), or the same as lists
        Symmetric; entries of any size.
    diagonal : list of int (n,), optional
        Its diagonal, where that alone would not fit the type of ``P``.

    Returns
    -------
    PositiveDefiniteWitness or None
        None where no witness was found: ``P`` is not positive definite, or
        so close to singular (relative to its diagonal, about ``n 2^-26``)
        that this method cannot tell.
    """
    P = integers(P)
    diagonal = np.diagonal(P).tolist() if diagonal is None else diagonal
    n, bits, exponents = len(P), FACTOR_BITS, _exponents(diagonal)
    if exponents is None or (P != P.T).any():
        return None
    scaled = _scaled(P, diagonal, exponents, bits)
    try:
        factor = np.linalg.cholesky(scaled * 4.0**-bits - n * 2.0**-bits * np.eye(n))
    except np.linalg.LinAlgError:
        return None
    witness = PositiveDefiniteWitness(exponents, bits, np.rint(np.ldexp(factor, bits)).astype(np.int64))
    return witness if _is_dominated(scaled, witness.factor) else None


def is_positive_definite(P: np.ndarray | list[list[int]]) -> bool:
    """Whether a symmetric integer matrix is proved positive definite, by a factor that anyone can find again.

    Nothing need be handed on: the factor is that of floating point, and the check is in integers.
    """
    P = integers(P)
    diagonal = np.diagonal(P).tolist()
    bits, exponents = LONG_FACTOR_BITS, _exponents(diagonal)
    if exponents is None:
        return False
    A = _scaled(P, diagonal, exponents, bits)
    unit = (A >> bits).astype(np.float64) * 2.0**-bits
    try:
        factor = np.linalg.cholesky(unit - LONG_FACTOR_SHIFT * np.eye(len(P)))
    except np.linalg.LinAlgError:
        return False
    return _is_dominated(A, np.rint(np.ldexp(factor, bits)).astype(np.int64))


def is_proved(P: np.ndarray | list[list[int]], witness: PositiveDefiniteWitness) -> bool:
    """Whether the witness proves that symmetric ``P`` is positive definite; integers only."""
    P = integers(P)
    if not witness.factor.shape == P.shape == 2 * (len(witness.exponents),) or (P != P.T).any():
        return False
    return _is_dominated(_scaled(P, np.diagonal(P).tolist(), witness.exponents, witness.bits), witness.factor)


def _exponents(diagonal: list[int]) -> tuple[int, ...] | None:
    """``2^(2k) >= P_ii > 2^(2k-2)``, which brings the diagonal into (1/4, 1]; None where an entry is not above 0."""
    return None if min(diagonal) <= 0 else tuple((entry.bit_length() + 1) // 2 for entry in diagonal)


def _scaled(P: np.ndarray, diagonal: list[int], exponents: tuple[int, ...], bits: int) -> np.ndarray:
    """``floor(P_ij 2^(2 bits - k_i - k_j))``, with this diagonal."""
    k = np.array(exponents, dtype=np.int64)
    shifts = k[:, None] + k - 2 * bits
    finest = max(0, -int(shifts.min()))
    dtype = integer_type(magnitude(P) << finest)
    right = shifts + finest if dtype is object else np.minimum(shifts + finest, 63)  # all bits of an int64
    others: np.ndarray = (P.astype(dtype) << finest) >> right.astype(dtype, copy=False)
    entries = [(x << finest) >> shift for x, shift in zip(diagonal, (2 * (k - bits) + finest).tolist(), strict=True)]
    return with_diagonal(others, entries)


def _is_dominated(A: np.ndarray, L: np.ndarray) -> bool:
    """Whether the diagonal of ``R = A - L L'`` is strictly dominant with ``n`` to spare."""
    others, of_square = square(L)
    dtype = integer_type(magnitude(A) + magnitude(others))
    R: np.ndarray = A.astype(dtype, copy=False) - others
    np.fill_diagonal(R, 0)
    diagonal = [x - y for x, y in zip(np.diagonal(A).tolist(), of_square, strict=True)]
    totals = row_sums(np.abs(R, out=R))
    return all(own > total + len(A) for own, total in zip(diagonal, totals, strict=True))
