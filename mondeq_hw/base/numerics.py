"""Fixed-point formats: the one module that owns rounding and overflow.

The rules are those of the Vivado/Vitis HLS type ``ap_fixed<W, I, Q, O>``
(AMD UG1399, "Arbitrary Precision Fixed-Point Data Types").  Everything here
is exact: words are integers, a value is ``word * 2**-fractional_bits``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from .errors import InputError

#: Longest word of a stored matrix: one operand of an FPGA's hardware multiplier (18 x 18 on ECP5).
MOST_MATRIX_BITS = 18


class Rounding(StrEnum):
    """Quantisation modes of ``ap_fixed``."""

    TRN = "AP_TRN"
    TRN_ZERO = "AP_TRN_ZERO"
    RND = "AP_RND"
    RND_ZERO = "AP_RND_ZERO"
    RND_INF = "AP_RND_INF"
    RND_MIN_INF = "AP_RND_MIN_INF"
    RND_CONV = "AP_RND_CONV"


class Overflow(StrEnum):
    """Overflow modes of ``ap_fixed``."""

    WRAP = "AP_WRAP"
    SAT = "AP_SAT"
    SAT_SYM = "AP_SAT_SYM"
    SAT_ZERO = "AP_SAT_ZERO"


_FORMAT = re.compile(r"ap_(u?)(?:fixed<(\d+),(-?\d+)(?:,AP_RND,AP_SAT)?>|int<(\d+)>)")


@dataclass(frozen=True)
class FixedPointFormat:
    """A fixed-point number format.

    Parameters
    ----------
    word_length : int
        Total bits ``W``, 1 to 64.
    integer_bits : int
        Bits ``I`` left of the binary point, sign bit included; may be
        negative or exceed ``word_length``.
    signed : bool
        Two's complement when true.
    rounding : Rounding
        How a real number goes to the grid.
    overflow : Overflow
        What happens outside the range.
    """

    word_length: int
    integer_bits: int
    signed: bool = True
    rounding: Rounding = Rounding.RND
    overflow: Overflow = Overflow.SAT_SYM

    def __post_init__(self) -> None:
        if not 1 <= self.word_length <= 64:
            raise InputError(f"word_length is {self.word_length}; expected 1 to 64")
        if self.signed and self.word_length < 2:
            raise InputError("a signed format needs word_length >= 2")

    @staticmethod
    def parse(text: str) -> FixedPointFormat:
        """The format of ``ap_fixed<10,3>``, ``ap_ufixed<8,8,AP_RND,AP_SAT>``, ``ap_int<8>`` or ``ap_uint<8>``.

        Without modes, rounded to nearest and saturated: ``AP_RND``, ``AP_SAT``.

        Raises
        ------
        ValueError
            It is none of these.
        """
        found = _FORMAT.fullmatch(text.replace(" ", ""))
        if found is None:
            raise ValueError(text)
        unsigned, length, integer, whole = found.groups()
        return FixedPointFormat(int(length or whole), int(integer or whole), not unsigned, Rounding.RND, Overflow.SAT)

    @property
    def fractional_bits(self) -> int:
        """Bits right of the binary point (may be negative)."""
        return self.word_length - self.integer_bits

    @property
    def step(self) -> float:
        """Value of one unit in the last place."""
        return 2.0**-self.fractional_bits

    @property
    def max_word(self) -> int:
        """Largest word."""
        return 2 ** (self.word_length - self.signed) - 1

    @property
    def min_word(self) -> int:
        """Smallest word that saturation produces (symmetric for ``SAT_SYM``)."""
        if not self.signed:
            return 0
        return -self.max_word - (self.overflow is not Overflow.SAT_SYM)

    @property
    def magnitude(self) -> int:
        """Largest ``|word|``."""
        return max(-self.min_word, self.max_word)

    def at_end(self, words: np.ndarray) -> np.ndarray:
        """Whether words stand at an end of the range, where values beyond are saturated: the largest, its negative and
        what is beyond that where signed, else 0; of any shape."""
        return np.asarray((words >= self.max_word) | (words <= self.lowest_kept))

    @property
    def lowest_kept(self) -> int:
        """The negative of the largest word where signed, else 0: what is below it is saturated, or may have been."""
        return -self.max_word if self.signed else 0

    def __str__(self) -> str:
        name = "ap_fixed" if self.signed else "ap_ufixed"
        return f"{name}<{self.word_length},{self.integer_bits},{self.rounding.value},{self.overflow.value}>"

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Real values to words.

        Parameters
        ----------
        values : ndarray of float
            Any shape; must be finite.

        Returns
        -------
        ndarray of int64
            Words of the same shape.
        """
        values = np.asarray(values)
        if values.dtype.kind in "iu" and self.fractional_bits == 0:
            return self.overflow_words(values)  # already on the grid
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            raise InputError("cannot quantise NaN or infinity; expected finite values")
        scaled = np.ldexp(values, self.fractional_bits)
        return self.overflow_words(_ROUND[self.rounding](scaled))

    def overflow_words(self, words: np.ndarray) -> np.ndarray:
        """Bring integers (any integral-valued array) into the word range, as int64."""
        words = np.asarray(words)
        low, high = self.min_word, self.max_word
        if self.overflow is Overflow.WRAP:
            span = 2**self.word_length
            offset = span // 2 if self.signed else 0
            # Python integers: a wrapped value may exceed int64 before the modulus.
            wrapped = (words.astype(object) + offset) % span - offset
            return wrapped.astype(np.int64)
        clipped = np.clip(words, low, high)
        if self.overflow is Overflow.SAT_ZERO:
            clipped = np.where(clipped == words, clipped, 0)
        return clipped.astype(np.int64)

    def to_float(self, words: np.ndarray) -> np.ndarray:
        """Words to the real values they stand for (float64, exact up to 53 bits)."""
        return np.ldexp(np.asarray(words, dtype=np.float64), -self.fractional_bits)


def _half_to(scaled: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Round to nearest; exact ties go to ``tie``."""
    floor = np.floor(scaled)
    part = scaled - floor
    return np.where(part == 0.5, tie, floor + (part > 0.5))


_ROUND: dict[Rounding, Callable[[np.ndarray], np.ndarray]] = {
    Rounding.TRN: np.floor,
    Rounding.TRN_ZERO: np.trunc,
    Rounding.RND: lambda x: _half_to(x, np.floor(x) + 1),
    Rounding.RND_ZERO: lambda x: _half_to(x, np.trunc(x)),
    Rounding.RND_INF: lambda x: _half_to(x, np.where(x > 0, np.ceil(x), np.floor(x))),
    Rounding.RND_MIN_INF: lambda x: _half_to(x, np.floor(x)),
    Rounding.RND_CONV: np.rint,
}


def round_shift(values: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """``floor(values * 2**-shift + 1/2)`` with ``shift >= 0``: round half up, exactly.

    The array keeps its type.  In a floating type this is exact as long as
    ``|values| + 2**(shift-1)`` fits the significand, which the golden model
    proves before it chooses the type; in an integer type it is the adder and
    the arithmetic shift that the hardware has.

    Parameters
    ----------
    values : ndarray
        Integers, in an integer, object or floating array.
    shift : int or ndarray of int64
        Non-negative; broadcasts against ``values``.
    """
    if values.dtype.kind == "f":
        scale = np.ldexp(np.ones_like(shift, dtype=values.dtype), -np.asarray(shift))
        return np.floor(values * scale + values.dtype.type(0.5))
    # No half is added, which from a shift of the type's own width on would be beyond it.
    shift = np.asarray(shift, dtype=values.dtype)
    twice = values >> np.maximum(shift - 1, 0)
    return np.where(shift > 0, (twice + 1) >> 1, values)


def signed_width(low: int, high: int) -> int:
    """Bits of the smallest two's-complement word that holds ``[low, high]``."""
    return max(int(max(high, 0)).bit_length(), int(-low - 1).bit_length() if low < 0 else 0) + 1


@dataclass(frozen=True)
class WordRange:
    """Every integer from ``low`` to ``high``, as words of the fewest bits: a sign bit only where one is negative.

    Parameters
    ----------
    low, high : int
        ``low <= 0 <= high``.
    """

    low: int
    high: int

    @property
    def signed(self) -> bool:
        """Whether a word has a sign bit."""
        return self.low < 0

    @property
    def bits(self) -> int:
        """Width of a word, at least 1."""
        return signed_width(self.low, self.high) if self.signed else max(1, self.high.bit_length())


def exact_dtype(bound: int) -> type:
    """Fastest NumPy type in which integer sums of magnitude ``<= bound`` are exact.

    A dot product of integers is exact in a floating type whatever the order
    of summation (and with or without fused multiply-add) when the sum of the
    absolute products is at most ``2**p``, ``p`` the significand width: every
    partial sum is then an integer that the type represents.
    """
    if bound < 2**24:
        return np.float32
    if bound < 2**53:
        return np.float64
    if bound < 2**63:
        return np.int64
    return object


def power_of_two(exponent: int, dtype: type) -> Any:
    """``2**exponent`` in a type that :func:`exact_dtype` chose for a product with it.

    Beyond the type's range only zero can be multiplied: any other product would be above the bound.
    """
    return 1 << exponent if dtype is object else dtype(1 << min(exponent, 62))


def max_level(word_length: int) -> int:
    """Largest magnitude of a symmetric word: 1, 1, 3, 7, 15, ... for 1, 2, 3, 4, 5 bits."""
    if not 1 <= word_length <= MOST_MATRIX_BITS:
        raise InputError(f"word length is {word_length}; expected 1 to {MOST_MATRIX_BITS} bits")
    return max(1, 2 ** (word_length - 1) - 1)


def whole_bytes(bits: int) -> int:
    """Bits of the bytes that hold a word: the width of its AXI4-Stream ``tdata``."""
    return -(-bits // 8) * 8
