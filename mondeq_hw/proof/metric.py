"""The norms in which a recurrence may contract: what each bounds and proves, exactly.

Both are monotone in the magnitude of every row, so ``phi`` and saturation are 1-Lipschitz in
them (Lemma 1 of ``docs/mathematics.md``); nothing else about a norm is used by the proofs.
All bounds are integers in units of ``2^-BOUND_BITS`` of a state step, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt, lcm
from typing import ClassVar, Protocol

import numpy as np

from ..base import (
    combination,
    gram,
    integer_type,
    integers,
    magnitude,
    row_sums,
    spectral_norm,
    square_sums,
    with_diagonal,
)
from .exact import PositiveDefiniteWitness, is_proved, prove_positive_definite
from .weighting import best_weighting, positive_vectors

#: Error bounds are integers in units of ``2^-BOUND_BITS`` of a state step, always rounded up.
BOUND_BITS = 64
#: Leading bits of the entries of a matrix whose norm is bounded.
NORM_BITS = 24
#: Searched weights are integers with this many bits below the smallest one; row sums lose nothing by long ones.
WEIGHT_BITS = 16
ROW_SUM_WEIGHT_BITS = 40
#: Of more rows a weighting is searched only where the plain norm is not below this: the search takes minutes, and
#: would make the radius smaller by less than the contraction's own ``1 / (1 - rho)``.
SEARCHED_ROWS, FAST_ENOUGH = 512, 0.9
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

    def dual_norms_up(self, rows: np.ndarray) -> list[int]:
        """Upper bound of ``max |row s|`` over ``||s|| <= 1``, of every row of integers."""

    def two_norm_up(self, bound: int) -> int:
        """Bound on ``||s||_2`` from one on ``||s||``."""

    def infinity_norm_up(self, bound: int) -> int:
        """Bound on every ``|s_i|`` from one on ``||s||``."""

    def from_two_norm_up(self, bound: int) -> int:
        """Bound on ``||s||`` from one on ``||s||_2``."""

    def matrix_norm_up(self, N: np.ndarray) -> int:
        """Upper bound of the norm of a matrix of integers."""

    def matrix_norm(self, values: np.ndarray) -> float:
        """Norm of a matrix (n, n), in floating point."""

    def rounding_figure(self) -> float:
        """``||s||_2`` that half a step in every row may cause, relative to the plain 2-norm; not a proof."""

    def prove(self, N: np.ndarray, grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """The first factor by which ``2^-grid N`` provably contracts, and what proves it."""

    def is_proved(self, N: np.ndarray, grid: int, factor: Fraction, witness: Witness) -> bool:
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
        plain = [WeightedTwoNorm((1,) * len(values))]
        if len(values) > SEARCHED_ROWS and plain[0].matrix_norm(values) < FAST_ENOUGH:
            return plain
        squares = best_weighting(values)[1] ** 2
        return plain + [WeightedTwoNorm.of(squares**share) for share in WEIGHTING_SHARES]

    @staticmethod
    def of(squares: np.ndarray) -> WeightedTwoNorm:
        """Weights in these proportions."""
        return WeightedTwoNorm(_whole(squares, WEIGHT_BITS))

    def norm_up(self, values: Iterable[Fraction | int]) -> int:
        """See :class:`Metric`."""
        fractions = list(values)
        unit = lcm(*(v.denominator for v in fractions))
        whole = (v.numerator * (unit // v.denominator) for v in fractions)
        total = sum(w * v * v for v, w in zip(whole, self.weights, strict=True))
        return root_up(-(-(total << 2 * BOUND_BITS) // unit**2))

    def dual_norms_up(self, rows: np.ndarray) -> list[int]:
        """``sqrt(sum_i row_i^2 / w_i)``."""
        if self._is_plain:
            return [root_up(total << 2 * BOUND_BITS) for total in square_sums(rows)]
        squares = _squares(rows)
        return [root_up(square) for square in row_sums(-((-squares.astype(object) << 2 * BOUND_BITS) // self._column))]

    def two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(-(-(bound**2) // min(self.weights)))

    def infinity_norm_up(self, bound: int) -> int:
        """No component is above the 2-norm."""
        return self.two_norm_up(bound)

    def from_two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(bound**2 * max(self.weights))

    def matrix_norm_up(self, N: np.ndarray) -> int:
        """The square root of the Frobenius norm of ``D^-1 N' W N D^-1``, of the leading bits of ``N``.

        What is cut off an entry is below one unit of what is left, and ``n`` units of the plain norm in all.
        """
        spread = max(self.weights) // min(self.weights)
        cut = max(0, magnitude(N).bit_length() - NORM_BITS - (spread.bit_length() + 1) // 2)
        form = gram(leading(N, cut), self._column)
        if self._is_plain:
            square = sum(square_sums(form)) << 4 * BOUND_BITS
        else:
            products = self._column[:, None] * self._column
            square = sum(row_sums(-((-_squares(form).astype(object) << 4 * BOUND_BITS) // products)))
        lost = len(N) * root_up(-(-(max(self.weights) << 2 * BOUND_BITS) // min(self.weights))) if cut else 0
        return (root_up(root_up(square)) + lost) << cut

    @property
    def _is_plain(self) -> bool:
        return set(self.weights) == {1}

    @property
    def _column(self) -> np.ndarray:
        return np.array(self.weights, dtype=object)

    def matrix_norm(self, values: np.ndarray) -> float:
        """``||D M D^-1||_2``."""
        d = np.sqrt(np.array(self.weights, dtype=np.float64))
        return spectral_norm(values if self._is_plain else values * d[:, None] / d[None, :])

    def rounding_figure(self) -> float:
        """With each row as far from the others as on the average."""
        w = np.array(self.weights, dtype=np.float64)
        return float(np.sqrt(w.mean() * (1.0 / w).mean()))

    def prove(self, N: np.ndarray, grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """See :class:`Metric`."""
        square = gram(N, self._column)
        for factor in factors:
            witness = prove_positive_definite(contraction_gap(square, grid, self.weights, factor))
            if witness is not None:
                return factor, witness
        return None

    def is_proved(self, N: np.ndarray, grid: int, factor: Fraction, witness: Witness) -> bool:
        """See :class:`Metric`."""
        gap = contraction_gap(gram(N, self._column), grid, self.weights, factor)
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

    def dual_norms_up(self, rows: np.ndarray) -> list[int]:
        """``sum_i |row_i| w_i``, the weighted 1-norm."""
        return [total << BOUND_BITS for total in self._row_sums(rows).sums]

    def two_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return root_up(bound**2 * sum(w * w for w in self.weights))

    def infinity_norm_up(self, bound: int) -> int:
        """See :class:`Metric`."""
        return bound * max(self.weights)

    def from_two_norm_up(self, bound: int) -> int:
        """No component is above the 2-norm."""
        return -(-bound // min(self.weights))

    def matrix_norm_up(self, N: np.ndarray) -> int:
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

    def prove(self, N: np.ndarray, grid: int, factors: Iterable[Fraction]) -> tuple[Fraction, Witness] | None:
        """See :class:`Metric`."""
        witness = self._row_sums(N)
        least = self._factor(witness, grid)
        return next(((factor, witness) for factor in factors if factor >= least), None)

    def is_proved(self, N: np.ndarray, grid: int, factor: Fraction, witness: Witness) -> bool:
        """See :class:`Metric`."""
        return isinstance(witness, RowSums) and witness == self._row_sums(N) and self._factor(witness, grid) <= factor

    def _row_sums(self, N: np.ndarray) -> RowSums:
        dtype = integer_type(max(1, magnitude(N)) * sum(self.weights))
        return RowSums(tuple((np.abs(N).astype(dtype) @ np.array(self.weights, dtype=dtype)).tolist()))

    def _factor(self, row_sums: RowSums, grid: int) -> Fraction:
        return max(Fraction(total, w << grid) for total, w in zip(row_sums.sums, self.weights, strict=True))


# -- exact integers ----------------------------------------------------------------


def leading(N: np.ndarray, cut: int) -> np.ndarray:
    """Integers without their last ``cut`` bits, rounded down."""
    return N if cut == 0 else integers(N >> cut)


def contraction_gap(square: np.ndarray, grid: int, weights: Sequence[int], contraction_factor: Fraction) -> np.ndarray:
    """``p^2 4^G W - q^2 N' W N`` for ``rho = p / q``: positive definite exactly when ``rho`` is proved."""
    p, q = contraction_factor.numerator, contraction_factor.denominator
    others = combination((-(q * q), square))
    entries = np.diagonal(others).tolist()
    return with_diagonal(others, [((p * p * w) << 2 * grid) + x for w, x in zip(weights, entries, strict=True)])


def _squares(array: np.ndarray) -> np.ndarray:
    wide: np.ndarray = array.astype(integer_type(magnitude(array) ** 2))
    return wide * wide


def root_up(square: int) -> int:
    """The square root of an integer, rounded up."""
    root = isqrt(square)
    return root + (root * root < square)


def _whole(proportions: np.ndarray, bits: int) -> tuple[int, ...]:
    return tuple(int(weight) for weight in np.rint(np.ldexp(proportions / proportions.min(), bits)))
