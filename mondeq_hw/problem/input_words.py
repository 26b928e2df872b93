"""Input words and the real values that they stand for: the one place where one becomes the other.

A value is what the user has (a pixel, a speed in m/s); a raw input is a multiple of the step of the word's format.
They are the same but where a range is declared: the words of a range are whole numbers, spread evenly over it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..base import FixedPointFormat, InputError, InputWarning, Overflow, Rounding

#: What becomes of a value that no word stands for.
ERROR, SATURATE = "error", "saturate"
ON_OVERFLOW = (ERROR, SATURATE)
#: Longest raw word.
MOST_BITS = 32


@dataclass(frozen=True, repr=False)
class RawInputs:
    """Values that became raw inputs.

    Parameters
    ----------
    raw : ndarray (samples, d)
        int64 where the format has whole numbers only, else float64.
    outside, off_grid : ndarray of bool (samples, d)
        Values beyond all words, taken at the edge; values between the words of a format, rounded.
    """

    raw: np.ndarray
    outside: np.ndarray
    off_grid: np.ndarray

    def __repr__(self) -> str:
        samples, d = self.raw.shape
        return f"RawInputs: {samples} samples of {d}, {self.saturated} values saturated, {self.rounded} rounded"

    @property
    def saturated(self) -> int:
        """How many values were taken at the edge."""
        return int(self.outside.sum())

    @property
    def rounded(self) -> int:
        """How many were rounded to the format's grid."""
        return int(self.off_grid.sum())

    def announced(self, where: str = "") -> RawInputs:
        """The same; an :class:`InputWarning` says what was not as it should be."""
        if said := overflow_in_words(self):
            warnings.warn(f"{where}: {said}" if where else said, InputWarning, stacklevel=3)
        return self


@dataclass(frozen=True)
class InputWords:
    """Which values the words of an input stand for.

    Parameters
    ----------
    format : FixedPointFormat
        Of a raw word; with a range it has no fractional bits.
    low, high : ndarray () or (d,), optional
        A declared range in the user's units, for all inputs or one for each.
    """

    format: FixedPointFormat
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @staticmethod
    def over(low: Any, high: Any, bits: int) -> InputWords:
        """The words of so many bits over a range.

        With a negative end they are signed, zero is the range's middle, and the word that has no negative is left
        over; otherwise they are unsigned and zero is the lower end.

        Raises
        ------
        InputError
            The range is empty or not finite.
        """
        low, high = np.broadcast_arrays(*(np.asarray(end, dtype=np.float64) for end in (low, high)))
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
            raise InputError(f"input range goes from {_shown(low)} to {_shown(high)}; expected finite, rising numbers")
        signed = bool((low < 0).any()) and bits > 1
        return InputWords(FixedPointFormat(bits, bits, signed, Rounding.RND, Overflow.SAT), low, high)

    @staticmethod
    def kept(form: FixedPointFormat) -> InputWords:
        """The values of which a program's format keeps the leading bits."""
        return InputWords(replace(form, word_length=max(form.word_length, form.integer_bits)))

    # -- the affine map of a range; of a format alone it is the identity --------------

    @property
    def ends(self) -> tuple[int, int]:
        """First and last word that stands for a value."""
        form = self.format
        return (form.min_word if self.low is None or not form.signed else -form.max_word), form.max_word

    @property
    def unit(self) -> np.ndarray:
        """Value of one unit of a raw input, () or (d,)."""
        if self.low is None or self.high is None:
            return np.ones(())
        first, last = self.ends
        return np.asarray((self.high - self.low) / (last - first))

    @property
    def origin(self) -> np.ndarray:
        """Value of the raw input zero, () or (d,)."""
        if self.low is None or self.high is None:
            return np.zeros(())
        return np.asarray((self.low + self.high) / 2 if self.format.signed else self.low)

    @property
    def rounds(self) -> bool:
        """Whether any value of a declared range has a word, the nearest; a format has its own values and no others."""
        return self.low is not None

    def values(self, raw: np.ndarray) -> np.ndarray:
        """The values that raw inputs (.., d) stand for."""
        return self.unit * np.asarray(raw, dtype=np.float64) + self.origin

    def within(self, values: np.ndarray) -> np.ndarray:
        """Values as they are, or at the edge where they lie beyond the first or the last."""
        if self.low is not None and self.high is not None:
            return np.clip(values, self.low, self.high)
        return np.clip(values, *self.format.to_float(np.array(self.ends)))

    # -- values to raw inputs ---------------------------------------------------------

    def raw(self, values: Any, on_overflow: str = ERROR, *, where: str = "inputs", remedy: str = "") -> RawInputs:
        """Values (samples, d) as raw inputs: of a range each on the nearest word, of a format each a word's.

        Parameters
        ----------
        values : array_like of real numbers (samples, d)
        on_overflow : {"error", "saturate"}
            What becomes of a value beyond all words, or between those of a format.
        where, remedy : str
            For messages: what the values are, and what else may be done.

        Raises
        ------
        InputError
            A value is not a finite number; or as ``on_overflow`` says.
        """
        if on_overflow not in ON_OVERFLOW:
            raise InputError(f"on_overflow is {on_overflow!r}; expected {' or '.join(ON_OVERFLOW)}")
        values = np.asarray(values)
        if values.dtype.kind not in "fiu":
            raise InputError(f"{where}: values are {values.dtype}; expected real numbers")
        if not np.isfinite(values).all():
            raise InputError(f"{where}: values hold NaN or infinity; expected finite numbers")
        scaled = np.ldexp(self.unrounded(values), self.format.fractional_bits)
        words = np.floor(scaled + 0.5)
        first, last = self.ends
        outside = (words < first) | (words > last) | self._beyond(values)
        off_grid = np.zeros_like(outside) if self.rounds else (words != scaled) & ~outside
        if on_overflow == ERROR and (outside.any() or off_grid.any()):
            raise InputError(self._complaint(where, values, outside, off_grid, remedy))
        raw = np.ldexp(np.clip(words, first, last), -self.format.fractional_bits)
        whole = self.format.fractional_bits <= 0
        return RawInputs(raw.astype(np.int64) if whole else raw, outside, off_grid)

    def _beyond(self, values: np.ndarray) -> np.ndarray:
        """Which values lie beyond a declared range, by more than the rounding of its ends to float32."""
        if self.low is None or self.high is None:
            return np.zeros(values.shape, dtype=bool)
        slack = 2.0**-23 * np.maximum(np.abs(self.low), np.abs(self.high))
        return np.asarray((values < self.low - slack) | (values > self.high + slack))

    def unrounded(self, values: np.ndarray) -> np.ndarray:
        """Raw inputs on no grid; where a range is one number, 0 for that and infinite for any other."""
        away = values - self.origin
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(away == 0, 0.0, away / self.unit)

    def _complaint(self, where: str, values: np.ndarray, outside: np.ndarray, off_grid: np.ndarray, remedy: str) -> str:
        remedy = remedy or (
            "give such values, or the words themselves (--words); --on-overflow saturate takes the nearest that there "
            "is"
        )
        seen = []
        if outside.any():
            ends = f"from {values[outside].min():g} to {values[outside].max():g}"
            seen.append(f"{outside.sum()} of {values.size} values lie outside, {ends}")
        if off_grid.any():
            sample, place = np.argwhere(off_grid)[0]
            first = f"{values[sample, place]:.9g} (input {place} of sample {sample}, from 0)"
            seen.append(f"{off_grid.sum()} of {values.size} values are no words, the first {first}")
        return f"{where}: {' and '.join(seen)}; expected {self.in_words()}, before any preprocessing: {remedy}"

    def most_steps(self, change: np.ndarray, kept: FixedPointFormat) -> np.ndarray:
        """How many words of a program's format two values can be apart that differ by at most so much (d,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            raw = np.floor(np.ldexp(change / self.unit, self.format.fractional_bits)) + 1
        words = np.where(change > 0, np.minimum(raw, 2.0**self.format.word_length), 0.0)
        dropped = self.format.fractional_bits - kept.fractional_bits  # leading bits are kept, rounded once more
        words = np.where((words > 0) & (dropped > 0), np.floor(np.ldexp(words, -dropped)) + 1, words)
        return np.minimum(words, kept.max_word - kept.min_word).astype(np.int64)

    # -- a change of every value at once ----------------------------------------------

    @property
    def _step(self) -> float | None:
        """Value of one unit of a raw input, the same for all; None where ranges differ."""
        steps = np.unique(self.unit[self.unit > 0])
        return float(steps[0]) if len(steps) == 1 else None

    def raw_change(self, size: float) -> float:
        """What a change of values is in units of a raw input; where ranges differ it is a share of each."""
        first, last = self.ends
        return size * (last - first) if self._step is None else size / self._step

    def change(self, raw: float) -> float:
        """What a change of raw inputs is in the values' units, or as a share of ranges that differ."""
        first, last = self.ends
        return raw / (last - first) if self._step is None else raw * self._step

    @property
    def change_unit(self) -> str:
        """In what a change is given."""
        return "as shares of the inputs' ranges" if self._step is None else "in the inputs' units"

    def change_in_words(self, raw: float) -> str:
        """A change of raw inputs for people."""
        return f"{self.change(raw):.4g}{' of its range' if self._step is None else ''}"

    # -- as text ----------------------------------------------------------------------

    def in_words(self) -> str:
        """What values there are, for people."""
        if self.low is not None and self.high is not None:
            span, bits = f"{self.low.min():g} to {self.high.max():g}", f"in {self.format.word_length} bits"
            each = len(np.unique(self.low)) + len(np.unique(self.high)) > 2
            return f"real numbers {'each of a range of its own within' if each else 'from'} {span} {bits}"
        first, last = self.format.to_float(np.array(self.ends))
        fractional = self.format.fractional_bits
        kind = f"multiples of {self.format.step:.9g}" if fractional else "whole numbers"
        return f"{kind} from {first:.9g} to {last:.9g} ({format_name(self.format)})"


def overflow_in_words(*taken: RawInputs) -> str:
    """How many values were not as they should be; empty where none was."""
    counts = (
        (sum(each.saturated for each in taken), "saturated to the input's range"),
        (sum(each.rounded for each in taken), "rounded to its grid"),
    )
    said = [f"{count} {what}" for count, what in counts if count]
    return f"of {sum(each.raw.size for each in taken)} input values, {' and '.join(said)}" if said else ""


def format_name(form: FixedPointFormat) -> str:
    """``ap_fixed<10,3>``: as the user declares it."""
    return f"ap_{'' if form.signed else 'u'}fixed<{form.word_length},{form.integer_bits}>"


def read_format(text: str) -> FixedPointFormat:
    """The format that the user declares: ``ap_fixed<10,3>``, ``ap_ufixed<8,8>``, ``ap_int<8>`` or ``ap_uint<8>``.

    Raises
    ------
    InputError
    """
    try:
        form = FixedPointFormat.parse(text)
    except ValueError:
        form = None
    if form is None or form.word_length > MOST_BITS:
        raise InputError(
            f"input format is {text!r}; expected ap_fixed<W,I> or ap_ufixed<W,I> of up to {MOST_BITS} bits, rounded by "
            "AP_RND and saturated by AP_SAT: for example 'ap_fixed<10,3>'"
        )
    return form


def read_range(ends: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """A pair of ends, each a number or one for each input.

    Raises
    ------
    InputError
    """
    if not isinstance(ends, Sequence | np.ndarray) or isinstance(ends, str) or len(ends) != 2:
        raise InputError(f"{where}: input range is {ends!r:.60}; expected a pair (low, high), of numbers or of lists")
    try:
        low, high = (np.asarray(end, dtype=np.float64) for end in ends)
        np.broadcast_shapes(low.shape, high.shape)
    except (TypeError, ValueError):
        raise InputError(f"{where}: input range is {ends!r:.60}; expected numbers, or as many as inputs") from None
    return low, high


def _shown(end: np.ndarray) -> str:
    """One number, or the smallest and the largest of several."""
    least, most = float(end.min()), float(end.max())
    return f"{least:g}" if least == most else f"{least:g}..{most:g}"
