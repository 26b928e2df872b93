"""``Injection``: what a program makes of its input words before anything is iterated, and widths that cannot wrap.

One row for each state (its drive ``d``), and with a feed-through one more for each
output (its ``u``), all of the same contract (``>>r`` is round half up)::

    v_i = ((sum_j operator[i,j] x_j << left_shift) + bias_i) >>r right_shift_i

``v_i`` is the start value of the accumulator that row ``i`` is for: the drive's of
the solver's, the feed-through's of the readout's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..base import DenseOperator, FixedPointFormat, signed_width


@dataclass(frozen=True)
class Injection:
    """See the module's text.

    Parameters
    ----------
    operator : DenseOperator (rows, d)
    bias : ndarray of int64 (rows,)
        On the accumulator's grid.
    left_shift : int
    right_shift : ndarray of int64 (rows,)
    input_format : FixedPointFormat
        Of ``x``.
    """

    operator: DenseOperator
    bias: np.ndarray
    left_shift: int
    right_shift: np.ndarray
    input_format: FixedPointFormat

    def over(self, other: Injection) -> Injection:
        """These rows above those of another one of the same words."""
        return Injection(
            self.operator.over(other.operator),
            np.concatenate([self.bias, other.bias]),
            self.left_shift,
            np.concatenate([self.right_shift, other.right_shift]),
            self.input_format,
        )

    @property
    def rows(self) -> int:
        """Of states, and of outputs that take the input directly."""
        return self.operator.shape[0]

    @cached_property
    def sum_bound(self) -> int:
        """Largest magnitude of ``sum_j operator[i,j] x_j`` of any row, before the left shift, by absolute sums."""
        return max(self.operator.absolute_row_sums()) * self.input_format.magnitude

    @cached_property
    def accumulator_bound(self) -> int:
        """Largest magnitude on the way to ``v_i``: partial sums, the bias and the rounding constant."""
        return max(self.sum_bound << self.left_shift, *map(abs, self.range))

    @cached_property
    def extremes(self) -> list[tuple[int, int]]:
        """Smallest and largest exact value of each row over every input word, on the accumulator's grid."""
        spans, left = self.operator.spans(self.input_format.min_word, self.input_format.max_word), self.left_shift
        return [
            ((low << left) + bias, (high << left) + bias)
            for (low, high), bias in zip(spans, self.bias.tolist(), strict=True)
        ]

    @cached_property
    def range(self) -> tuple[int, int]:
        """Exact interval of the accumulator, rounding constant included."""
        rows = list(zip(self.extremes, self.right_shift.tolist(), strict=True))
        return min(0, *(low for (low, _), _ in rows)), max(0, *(high + ((1 << r) >> 1) for (_, high), r in rows))

    @cached_property
    def words(self) -> list[tuple[int, int]]:
        """Smallest and largest ``v_i`` over every input, per row."""
        return [
            ((low + half) >> right, (high + half) >> right)
            for (low, high), right in zip(self.extremes, self.right_shift.tolist(), strict=True)
            for half in ((1 << right) >> 1,)
        ]

    @property
    def bound(self) -> list[int]:
        """Largest ``|v_i|`` over every input, per row."""
        return [max(abs(low), abs(high)) for low, high in self.words]

    @property
    def accumulator_bits(self) -> int:
        """Width in which the accumulator (after the left shift and the rounding constant) cannot wrap."""
        return signed_width(*self.range)

    @property
    def bits(self) -> int:
        """Width of ``v_i``."""
        return signed_width(min(low for low, _ in self.words), max(high for _, high in self.words))
