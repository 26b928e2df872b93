"""``Stage``: the integers of one equilibrium layer, and the widths in which none of its sums can wrap.

Contract, for one sample of input words ``x`` (all arithmetic on integers, ``>>r``
is round half up, ``floor(v / 2**r + 1/2)``)::

    d_i   = ((sum_j drive[i,j] x_j << drive_left_shift) + drive_bias_i) >>r drive_right_shift_i
    s_i   = sat_sym(d_i >>r g_i)                                        (start)
    s_i+  = sat_sym((d_i + sum_j matrix[i,j] phi(s_j) + leak_i phi(s_i)) >>r g_i)
    z_i   = prox(s_i)

``d_i`` lives on the accumulator grid ``2**-(f + g_i)`` of its row, ``f`` the
fractional bits of the state and ``g_i`` the row's shift.  ``leak_i`` is the
dyadic diagonal ``(1 - 2**-a) * 2**g_i``.  ``prox`` is the row's clip, ``phi`` the
splitting's operator of it (``2 prox - id`` or ``prox``).  At most ``iterations``
updates run; one that changes no row ends the loop early without changing the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..base import (
    Clip,
    DenseOperator,
    FixedPointFormat,
    InputError,
    IntegerOperator,
    Overflow,
    Rounding,
    WordRange,
    magnitude,
    max_level,
    signed_width,
    spans,
)
from ..problem import SPLITTINGS, Splitting, find_splitting
from .injection import Injection

#: The one limit on updates: sixteen bits of a counter in hardware, and what a checker runs in Python.
MOST_ITERATIONS = 65_535


@dataclass(frozen=True)
class Stage:
    """See the module's text for the meaning of each integer.

    Parameters
    ----------
    solver : str
        Name of its :class:`~mondeq_hw.problem.splitting.Splitting`.
    clip : Clip
        Of the state's rows, in words of the state.
    input_format, state_format : FixedPointFormat
    drive : DenseOperator (n, d)
    drive_bias : ndarray of int64 (n,)
        On the grid ``2**-(e_i + input fractional bits + drive_left_shift)``.
    drive_left_shift : int
    matrix : DenseOperator (n, n)
        The iteration matrix without its leak.
    leak_shift : int
        ``a``; 0 means no leak.
    iterations : int
        Updates after the start, 1 to :data:`MOST_ITERATIONS`.
    """

    solver: str
    clip: Clip
    input_format: FixedPointFormat
    state_format: FixedPointFormat
    drive: DenseOperator
    drive_bias: np.ndarray
    drive_left_shift: int
    matrix: DenseOperator
    leak_shift: int
    iterations: int

    def __post_init__(self) -> None:
        _check(self)

    @property
    def n(self) -> int:
        """State dimension."""
        return self.matrix.shape[0]

    @property
    def d(self) -> int:
        """Input words per sample."""
        return self.drive.shape[1]

    # -- the operators of the state ------------------------------------------

    @property
    def splitting(self) -> Splitting:
        """Of which this is the recurrence."""
        return find_splitting(self.solver)

    def phi(self, state: np.ndarray) -> np.ndarray:
        """The iterated operator of state words (.., n)."""
        return self.splitting.phi(self.clip, state)

    def prox(self, state: np.ndarray) -> np.ndarray:
        """Equilibrium words ``z`` of state words (.., n)."""
        return self.clip.prox(state)

    @cached_property
    def phi_range(self) -> WordRange:
        """Exactly the words that ``phi`` can give: the operands of the iteration matrix."""
        return self._range_over_states(self.phi)

    @cached_property
    def prox_range(self) -> WordRange:
        """Exactly the words that ``prox`` can give: the operands of the readout."""
        return self._range_over_states(self.prox)

    def _range_over_states(self, operator: Callable[[np.ndarray], np.ndarray]) -> WordRange:
        lows, highs = zip(*self.spans_over_states(operator), strict=True)
        return WordRange(min(lows), max(highs))

    def spans_over_states(self, operator: Callable[[np.ndarray], np.ndarray]) -> list[tuple[int, int]]:
        """Smallest and largest word that each row of ``phi`` or ``prox`` can give, over every state word.

        Their rows are linear between zero, their bounds and the ends of the state's words.
        """
        top = self.state_format.max_word
        bounds = (bound for kind in self.clip.kinds for bound in (kind.lower, kind.upper) if np.isfinite(bound))
        ends = np.array(sorted({-top, 0, top, *map(int, bounds)}), dtype=object)
        words = operator(np.repeat(ends[:, None], self.n, axis=1))
        return list(zip(words.min(axis=0).tolist(), words.max(axis=0).tolist(), strict=True))

    # -- derived integers ----------------------------------------------------

    @cached_property
    def drive_fractional_bits(self) -> np.ndarray:
        """Of the drive accumulator's rows (n,), before they are rounded."""
        return self.drive.shifts + self.input_format.fractional_bits + self.drive_left_shift

    @cached_property
    def drive_right_shift(self) -> np.ndarray:
        """Rounding shift (n,) from the drive accumulator's grid to the state accumulator's."""
        return self.drive_fractional_bits - (self.state_format.fractional_bits + self.matrix.shifts)

    @cached_property
    def leak(self) -> np.ndarray:
        """Integer diagonal (n,) ``(2**a - 1) << (g_i - a)``; zeros without leak."""
        return (2**self.leak_shift - 1) << np.maximum(self.matrix.shifts - self.leak_shift, 0)

    def iteration_matrix(self, dtype: type) -> np.ndarray:
        """The stored matrix with its leak (n, n), every row on its own grid."""
        return self.matrix.matrix(dtype) + np.diag(self.leak.astype(dtype))

    # -- proved ranges -------------------------------------------------------

    @cached_property
    def injection(self) -> Injection:
        """How the drive is made of the input words."""
        return Injection(self.drive, self.drive_bias, self.drive_left_shift, self.drive_right_shift, self.input_format)

    @cached_property
    def accumulator_spans(self) -> list[tuple[int, int]]:
        """Smallest and largest sum of an update over every input and every state, per row, before rounding."""
        sums = spans(self.iteration_matrix(np.int64), self.spans_over_states(self.phi))
        return [
            (low + drive_low, high + drive_high)
            for (low, high), (drive_low, drive_high) in zip(sums, self.injection.words, strict=True)
        ]

    @cached_property
    def accumulator_range(self) -> tuple[int, int]:
        """Exact interval of the state accumulators over every input and every state, rounding constant included."""
        rows = list(zip(self.accumulator_spans, self.matrix.shifts.tolist(), strict=True))
        return min(low for (low, _), _ in rows), max(high + ((1 << shift) >> 1) for (_, high), shift in rows)

    @cached_property
    def accumulator_bound(self) -> int:
        """Bound on the magnitude of every partial sum of a state accumulator, rounding constant included."""
        top = self.state_format.max_word
        rows = zip(
            self.matrix.absolute_row_sums(),
            self.leak.tolist(),
            self.injection.bound,
            self.matrix.shifts.tolist(),
            strict=True,
        )
        return max((total + leak) * top + drive + ((1 << shift) >> 1) for total, leak, drive, shift in rows)

    @property
    def accumulator_bits(self) -> int:
        """Width in which a state accumulator cannot wrap."""
        return signed_width(*self.accumulator_range)


def check_operator(key: str, operator: IntegerOperator, shape: tuple[int, int]) -> None:
    """Refuse a stored map whose words break the contract.

    Raises
    ------
    InputError
    """
    if operator.shape != shape or operator.shifts.shape != shape[:1] or operator.shifts.dtype != np.int64:
        raise InputError(
            f"program: {key} is {operator.shape} with {operator.shifts.dtype}{operator.shifts.shape} scales; "
            f"expected {shape} and int64({shape[0]},)"
        )
    if isinstance(operator, DenseOperator) and operator.integers.dtype != np.int64:
        raise InputError(f"program: {key} is {operator.integers.dtype}; expected int64")
    top = max_level(operator.word_length)
    words = operator.matrix(np.int64)
    if magnitude(words) > top or (operator.word_length == 1 and not words.all()):
        raise InputError(f"program: {key} has levels outside a symmetric {operator.word_length}-bit word")


def check_vector(key: str, vector: np.ndarray, length: int) -> None:
    """Refuse biases of another length or type.

    Raises
    ------
    InputError
    """
    if vector.shape != (length,) or vector.dtype != np.int64:
        raise InputError(f"program: {key} is {vector.dtype}{vector.shape}; expected int64({length},)")


def _check(stage: Stage) -> None:
    """Refuse integers that break the contract, so that no emitter needs to check again."""
    n = stage.matrix.shape[0]
    check_operator("matrix", stage.matrix, (n, n))
    check_operator("drive", stage.drive, (n, stage.drive.shape[-1]))
    check_vector("drive_bias", stage.drive_bias, n)
    if stage.solver not in SPLITTINGS:
        raise InputError(f"program: solver is {stage.solver!r}; expected one of {', '.join(SPLITTINGS)}")
    state = stage.state_format
    if not (state.signed and state.rounding is Rounding.RND and state.overflow is Overflow.SAT_SYM):
        raise InputError(f"program: state format is {state}; expected a signed AP_RND, AP_SAT_SYM format")
    words = stage.input_format
    if words.signed and not (words.rounding is Rounding.RND and words.overflow is Overflow.SAT):
        raise InputError(f"program: input format is {words}; expected AP_RND, AP_SAT, of which every word is proved")
    if stage.clip.n != n:
        raise InputError(f"program: the clip has {stage.clip.n} rows; expected {n}")
    for kind in stage.clip.kinds:
        for bound in (kind.lower, kind.upper):
            if np.isfinite(bound) and (bound != int(bound) or abs(bound) > state.max_word):
                raise InputError(
                    f"program: a clip at {bound:g} is no word of {state}; expected whole words up to {state.max_word}"
                )
    if not 1 <= stage.iterations <= MOST_ITERATIONS:
        raise InputError(f"program: iterations is {stage.iterations}; expected 1 to {MOST_ITERATIONS}")
    if stage.matrix.shifts.min() < stage.leak_shift:
        raise InputError("program: a matrix shift is below the leak shift; the leak would not be an integer")
    if stage.drive_left_shift < 0 or stage.drive_right_shift.min() < 0:
        raise InputError("program: the drive grid is coarser than the accumulator grid; raise drive_left_shift")
