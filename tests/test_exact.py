"""Witnesses of positive definiteness: sound against adversarial matrices, complete on reasonable ones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mondeq_hw.proof import check_certificate
from mondeq_hw.proof.exact import PositiveDefiniteWitness, is_proved, prove_positive_definite


def exactly_positive_definite(P: list[list[int]]) -> bool:
    """Sylvester: all leading minors positive, by exact elimination."""
    rows = [[Fraction(entry) for entry in row] for row in P]
    for k in range(len(rows)):
        if rows[k][k] <= 0:
            return False
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return True


def gram(B: list[list[int]]) -> list[list[int]]:
    product = flint.fmpz_mat(B) * flint.fmpz_mat(B).transpose()
    return [[int(entry) for entry in row] for row in product.tolist()]


def plus_diagonal(P: list[list[int]], value: int) -> list[list[int]]:
    return [[entry + (value if i == j else 0) for j, entry in enumerate(row)] for i, row in enumerate(P)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), min_size=n, max_size=n)
    ),
    st.integers(-40, 40),
)
def test_agrees_with_exact_elimination(B: list[list[int]], shift: int) -> None:
    P = plus_diagonal(gram(B), shift)
    # Integer matrices this small are never close to singular without being singular.
    assert (prove_positive_definite(P) is not None) == exactly_positive_definite(P)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(0, 200))
def test_never_proves_what_is_only_semidefinite(seed: int, n: int, bits: int) -> None:
    """A Gram matrix of rank n-1 is singular; less one unit it is indefinite, whatever its size."""
    rng = np.random.default_rng(seed)
    B = [[int(x) << bits for x in row] for row in rng.integers(-99, 100, size=(n, n - 1))]
    P = gram(B)
    assert prove_positive_definite(P) is None
    assert prove_positive_definite(plus_diagonal(P, -1)) is None


@pytest.mark.parametrize("bits", [30, 60, 120, 500])
def test_one_unit_in_a_huge_number_is_not_guessed(bits: int) -> None:
    big = 1 << bits
    assert prove_positive_definite([[big, big], [big, big]]) is None
    assert prove_positive_definite([[big, big + 1], [big + 1, big]]) is None
    near = prove_positive_definite([[big, big - 1], [big - 1, big]])
    assert near is None or exactly_positive_definite([[big, big - 1], [big - 1, big]])


def test_badly_scaled_matrix_is_proved() -> None:
    rng = np.random.default_rng(0)
    base = plus_diagonal(gram(rng.integers(-5, 6, size=(12, 12)).tolist()), 20)
    scale = [1 << int(e) for e in rng.integers(0, 300, size=12)]
    P = [[entry * a * b for entry, b in zip(row, scale, strict=True)] for row, a in zip(base, scale, strict=True)]
    witness = prove_positive_definite(P)
    assert witness is not None and is_proved(P, witness)


def test_witness_of_one_matrix_proves_no_other() -> None:
    P = plus_diagonal(gram(np.random.default_rng(1).integers(-9, 10, size=(6, 6)).tolist()), 30)
    witness = prove_positive_definite(P)
    assert witness is not None
    indefinite = plus_diagonal(P, -max(row[i] for i, row in enumerate(P)))
    assert not is_proved(indefinite, witness)
    assert not is_proved([row[:5] for row in P[:5]], witness)
    crooked = [row[:] for row in P]
    crooked[0][1] += 1000
    assert not is_proved(crooked, witness)
    assert not is_proved(P, replace(witness, factor=np.zeros_like(witness.factor)))
    assert not is_proved(P, replace(witness, factor=witness.factor * 2))


def test_forged_witnesses_with_huge_entries_are_exact() -> None:
    """Entries that would overflow int64 or lose bits in float64 must not fool the check."""
    P = [[-1, 0], [0, 4]]
    # 3037000500 is the smallest integer whose square wraps to a negative int64.
    for entry in (2**26, 2**31, 3037000500, 2**32, 2**62):
        factor = np.array([[entry, 0], [0, 1]], dtype=np.int64)
        for bits in (1, 26, 31):
            assert not is_proved(P, PositiveDefiniteWitness((1, 1), bits, factor))


def test_what_the_cut_to_integers_loses_is_charged() -> None:
    """Cut to whole units this indefinite matrix is the identity."""
    P = [[256, 255, 0], [255, 256, 255], [0, 255, 256]]
    assert not exactly_positive_definite(P)
    nothing = PositiveDefiniteWitness((5, 5, 5), 1, np.zeros((3, 3), dtype=np.int64))
    assert not is_proved(P, nothing)
    assert not accepted_by_the_checker(P, nothing)


def accepted_by_the_checker(P: list[list[int]], witness: PositiveDefiniteWitness) -> bool:
    rows = [row[: i + 1] for i, row in enumerate(witness.factor.tolist())]
    plain = {"exponents": list(witness.exponents), "bits": witness.bits, "cholesky": rows}
    try:
        check_certificate.positive_definite(P, plain, "test")
    except check_certificate.CertificateError:
        return False
    return True


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(-3, 3), st.integers(-300, 300))
def test_compiler_and_checker_agree(seed: int, n: int, change: int, shift: int) -> None:
    """On witnesses that fit, nearly fit and do not fit."""
    B = np.random.default_rng(seed).integers(-9, 10, size=(n, n)).tolist()
    P = plus_diagonal(gram(B), 100)
    witness = prove_positive_definite(P)
    assert witness is not None and accepted_by_the_checker(P, witness)
    other = plus_diagonal(P, shift)
    witness = replace(witness, factor=witness.factor + np.tril(np.full((n, n), change)))
    assert is_proved(other, witness) == accepted_by_the_checker(other, witness)
    assert not is_proved(other, witness) or exactly_positive_definite(other)


def test_large_matrix() -> None:
    n = 160
    rng = np.random.default_rng(2)
    B = rng.integers(-7, 8, size=(n, n)).tolist()
    P = gram(B)
    smallest = float(np.linalg.eigvalsh(np.array(P, dtype=float))[0])
    definite = plus_diagonal(P, 400 - int(smallest))
    assert prove_positive_definite(definite) is not None
    assert prove_positive_definite(plus_diagonal(P, -int(smallest) - 40)) is None
