"""The norms in which a recurrence may contract: what each bounds and proves, exactly.

Both are monotone in the magnitude of every row, so ``phi`` and saturation are 1-Lipschitz in
them (Lemma 1 of ``docs/mathematics.md``); nothing else about a norm is used by the proofs.
All bounds are integers in units of ``2^-BOUND_BITS`` of a state step, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt
from typing import ClassVar, Protocol

import flint
import numpy as np

from .exact import PositiveDefiniteWitness, is_proved, prove_positive_definite
from .weighting import best_weighting, positive_vectors

#: Error bounds are integers in units of ``2^-BOUND_BITS`` of a state step, always rounded up.
BOUND_BITS = 64
#: Searched weights are integers with this many bits below the smallest one; row sums lose nothing by long ones.
WEIGHT_BITS = 16
ROW_SUM_WEIGHT_BITS = 40
#: Points between no weighting and the searched one: a milder weighting costs the norm little and the radius less.
WEIGHTING_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)
#: Points between the spectral radius of ``|M|`` and one: the further up, the less the weights are spread.
RESOLVENT_SHARES = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 3 / 4)


@dataclass(frozen=True)
class RowSums:
    """``sum_j |N_ij| w_j`` of every row, exact: all that the infinity-norm needs for a proof."""

    sums: tuple[int, ...]


Witness = PositiveDefiniteWitness | RowSums


class Metric(Protocol):
    """A norm ``||s||`` of the state given by positive integer weights, one a row."""

    @property
    def name(self) -> str:
        """As in the certificate."""

    @property
    def weights(self) -> tuple[int, ...]:
        """Positive (n,)."""

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """Upper bound of ``||values||``."""

    def dual_norm_up(self, row: Iterable[int]) -> int:
        """Upper bound of ``max |row s|`` over ``||s|| <= 1``."""

    def two_norm_up(self, bound: int) -> int:
        """Bound on ``||s||_2`` from one on ``||s||``."""

    def infinity_norm_up(self, bound: int) -> int:
        """Bound on every ``|s_i|`` from one on ``||s||``."""

    def from_two_norm_up(self, bound: int) -> int:
        """Bound on ``||s||`` from one on ``||s||_2``."""

    def matrix_norm_up(self, N: list[list[int]]) -> int:
        """Upper bound of the norm of a matrix of integers."""

    def matrix_norm(self, values: np.ndarray) -> float:
        """Norm of a matrix (n, n), in floating point."""

    def rounding_figure(self) -> float:
        """``||s||_2`` that half a step in every row may cause, relative to the plain 2-norm; not a proof."""

    def prove(self, N: list[list[int]], grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """The first factor by which ``2^-grid N`` provably contracts, and what proves it."""

    def is_proved(self, N: list[list[int]], grid: int, factor: Fraction, witness: Witness) -> bool:
        """Whether the witness proves that ``2^-grid N`` contracts by the factor; integers only."""


@dataclass(frozen=True)
class WeightedTwoNorm:
    """``||s|| = sqrt(sum_i w_i s_i^2)``; proves by a positive definite ``rho^2 W - M' W M``.

    Parameters
    ----------
    weights : tuple of int (n,)
        Diagonal of ``W = D^2``, positive.
    """

    weights: tuple[int, ...]
    name: ClassVar[str] = "2-norm"

    @staticmethod
    def candidates(values: np.ndarray) -> list[WeightedTwoNorm]:
        """No weighting first, then ever more of the searched one."""
        squares = best_weighting(values)[1] ** 2
        searched = [WeightedTwoNorm.of(squares**share) for share in WEIGHTING_SHARES]
        return [WeightedTwoNorm((1,) * len(values)), *searched]

    @staticmethod
    def of(squares: np.ndarray) -> WeightedTwoNorm:
        """Weights in these proportions."""
        return WeightedTwoNorm(_whole(squares, WEIGHT_BITS))

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """See :class:`Metric`."""
        square = sum(w * v * v for v, w in zip(values, self.weights, strict=True))
        return root_up(ceil(square * 4**BOUND_BITS))

    def dual_norm_up(self, row: Iterable[int]) -> int:
        """``sqrt(sum_i row_i^2 / w_i)``."""
        pairs = zip(row, self.weights, strict=True)
        return root_up(sum(-((-entry * entry << 2 * BOUND_BITS) // w) for entry, w in pairs))

    def two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(-(-(bound**2) // min(self.weights)))

    def infinity_norm_up(self, bound: int) -> int:
        """No component is above the 2-norm."""
        return self.two_norm_up(bound)

    def from_two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(bound**2 * max(self.weights))

    def matrix_norm_up(self, N: list[list[int]]) -> int:
        """The square root of the Frobenius norm of ``D^-1 N' W N D^-1``."""
        square = 0
        for row, weight in zip(weighted_gram(N, self.weights), self.weights, strict=True):
            pairs = zip(row, self.weights, strict=True)
            square += sum(-((-entry * entry << 4 * BOUND_BITS) // (weight * w)) for entry, w in pairs)
        return root_up(root_up(square))

    def matrix_norm(self, values: np.ndarray) -> float:
        """``||D M D^-1||_2``."""
        d = np.sqrt(np.array(self.weights, dtype=np.float64))
        return float(np.linalg.norm(values * d[:, None] / d[None, :], 2))

    def rounding_figure(self) -> float:
        """With each row as far from the others as on the average."""
        w = np.array(self.weights, dtype=np.float64)
        return float(np.sqrt(w.mean() * (1.0 / w).mean()))

    def prove(self, N: list[list[int]], grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """See :class:`Metric`."""
        gram = weighted_gram(N, self.weights)
        for factor in factors:
            witness = prove_positive_definite(contraction_gap(gram, grid, self.weights, factor))
            if witness is not None:
                return factor, witness
        return None

    def is_proved(self, N: list[list[int]], grid: int, factor: Fraction, witness: Witness) -> bool:
        """See :class:`Metric`."""
        gap = contraction_gap(weighted_gram(N, self.weights), grid, self.weights, factor)
        return isinstance(witness, PositiveDefiniteWitness) and is_proved(gap, witness)


@dataclass(frozen=True)
class WeightedInfinityNorm:
    """``||s|| = max_i |s_i| / w_i``; proves by ``sum_j |M_ij| w_j <= rho w_i`` in every row, exactly.

    Parameters
    ----------
    weights : tuple of int (n,)
        Positive.
    """

    weights: tuple[int, ...]
    name: ClassVar[str] = "infinity-norm"

    @staticmethod
    def candidates(values: np.ndarray) -> list[WeightedInfinityNorm]:
        """No weighting first, then those that approach the Perron vector of ``|M|``."""
        vectors = positive_vectors(np.abs(values), RESOLVENT_SHARES)
        searched = [WeightedInfinityNorm(_whole(vector, ROW_SUM_WEIGHT_BITS)) for vector in vectors]
        return [WeightedInfinityNorm((1,) * len(values)), *searched]

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """See :class:`Metric`."""
        pairs = zip(values, self.weights, strict=True)
        return max(ceil(Fraction(abs(v) * 2**BOUND_BITS) / w) for v, w in pairs)

    def dual_norm_up(self, row: Iterable[int]) -> int:
        """``sum_i |row_i| w_i``, the weighted 1-norm."""
        return sum(abs(entry) * w for entry, w in zip(row, self.weights, strict=True)) << BOUND_BITS

    def two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(bound**2 * sum(w * w for w in self.weights))

    def infinity_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return bound * max(self.weights)

    def from_two_norm_up(self, bound: int) -> int:
        """No component is above the 2-norm."""
        return -(-bound // min(self.weights))

    def matrix_norm_up(self, N: list[list[int]]) -> int:
        """Largest row sum of ``D^-1 |N| D``."""
        return max(
            -((-total << BOUND_BITS) // w) for total, w in zip(self._row_sums(N).sums, self.weights, strict=True)
        )

    def matrix_norm(self, values: np.ndarray) -> float:
        """Largest row sum of ``D^-1 |M| D``, ``D = diag(w)``."""
        w = np.array(self.weights, dtype=np.float64)
        return float((np.abs(values) @ w / w).max())

    def rounding_figure(self) -> float:
        """The row of the smallest weight decides for all."""
        w = np.array(self.weights, dtype=np.float64)
        return float(np.sqrt((w**2).mean()) / w.min())

    def prove(self, N: list[list[int]], grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """See :class:`Metric`."""
        witness = self._row_sums(N)
        least = self._factor(witness, grid)
        return next(((factor, witness) for factor in factors if factor >= least), None)

    def is_proved(self, N: list[list[int]], grid: int, factor: Fraction, witness: Witness) -> bool:
        """See :class:`Metric`."""
        return isinstance(witness, RowSums) and witness == self._row_sums(N) and self._factor(witness, grid) <= factor

    def _row_sums(self, N: list[list[int]]) -> RowSums:
        return RowSums(tuple(sum(abs(x) * w for x, w in zip(row, self.weights, strict=True)) for row in N))

    def _factor(self, row_sums: RowSums, grid: int) -> Fraction:
        return max(Fraction(total, w << grid) for total, w in zip(row_sums.sums, self.weights, strict=True))


# -- exact integers ----------------------------------------------------------------


def weighted_gram(N: list[list[int]], weights: Iterable[int]) -> list[list[int]]:
    """``N' W N``, exact integers."""
    transposed = flint.fmpz_mat(N).transpose()
    weighted = flint.fmpz_mat([[w * entry for entry in row] for w, row in zip(weights, N, strict=True)])
    return [[int(entry) for entry in row] for row in (transposed * weighted).tolist()]


def contraction_gap(
    gram: list[list[int]], grid: int, weights: Iterable[int], contraction_factor: Fraction
) -> list[list[int]]:
    """``p^2 4^G W - q^2 N' W N`` for ``rho = p / q``: positive definite exactly when ``rho`` is proved."""
    p, q = contraction_factor.numerator, contraction_factor.denominator
    gap = [[-q * q * entry for entry in row] for row in gram]
    for i, weight in enumerate(weights):
        gap[i][i] += (p * p * weight) << (2 * grid)
    return gap


def root_up(square: int) -> int:
    """The square root of an integer, rounded up."""
    root = isqrt(square)
    return root + (root * root < square)


def _whole(proportions: np.ndarray, bits: int) -> tuple[int, ...]:
    return tuple(int(weight) for weight in np.rint(np.ldexp(proportions / proportions.min(), bits)))
