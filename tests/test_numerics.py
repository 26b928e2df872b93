"""Fixed-point formats against exact rational arithmetic written out by the rule book (AMD UG1399)."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mondeq_hw.base.errors import InputError
from mondeq_hw.base.numerics import FixedPointFormat, Overflow, Rounding, exact_dtype, round_shift, signed_width

HALF = Fraction(1, 2)


def rounded(x: Fraction, mode: Rounding) -> int:
    down, up = floor(x), ceil(x)
    if mode is Rounding.TRN:
        return down
    if mode is Rounding.TRN_ZERO:
        return down if x >= 0 else up
    if x - down != HALF:
        return down if x - down < HALF else up
    return {
        Rounding.RND: up,
        Rounding.RND_ZERO: down if x > 0 else up,
        Rounding.RND_INF: up if x > 0 else down,
        Rounding.RND_MIN_INF: down,
        Rounding.RND_CONV: down if down % 2 == 0 else up,
    }[mode]


def overflowed(word: int, fmt: FixedPointFormat) -> int:
    top = 2 ** (fmt.word_length - fmt.signed) - 1
    low = -top - 1 if fmt.signed else 0
    if low <= word <= top and not (fmt.overflow is Overflow.SAT_SYM and fmt.signed and word == low):
        return word
    if fmt.overflow is Overflow.WRAP:
        return (word - low) % 2**fmt.word_length + low
    if fmt.overflow is Overflow.SAT_ZERO:
        return 0
    limit = -top if fmt.overflow is Overflow.SAT_SYM and fmt.signed else low
    return top if word > top else limit


@given(
    st.integers(-(2**20), 2**20),
    st.integers(2, 12),
    st.integers(-4, 14),
    st.booleans(),
    st.sampled_from(Rounding),
    st.sampled_from(Overflow),
)
def test_quantize_follows_ap_fixed(numerator, word_length, integer_bits, signed, rounding, overflow):
    fmt = FixedPointFormat(word_length, integer_bits, signed, rounding, overflow)
    exact = Fraction(numerator, 1024)
    expected = overflowed(rounded(exact * Fraction(2) ** fmt.fractional_bits, rounding), fmt)
    assert fmt.quantize(np.array([numerator / 1024]))[0] == expected
    assert Fraction(fmt.to_float(np.array([expected]))[0]) == expected / Fraction(2) ** fmt.fractional_bits


@given(st.integers(-(2**40), 2**40), st.integers(0, 30), st.sampled_from([np.float64, np.int64, object]))
def test_round_shift_is_floor_of_half_up(value, shift, dtype):
    result = round_shift(np.array([value], dtype=dtype), np.array([shift]))
    assert int(result[0]) == floor(Fraction(value, 2**shift) + HALF)


@pytest.mark.parametrize("dtype", [np.int64, object])
def test_round_shift_by_a_word_and_more(dtype):
    """Half of ``2**63`` is no int64 that could be added, and of ``2**64`` nothing is left."""
    values = [-(2**63), -(2**62) - 1, -(2**62), -5, 0, 5, 2**62 - 1, 2**62, 2**63 - 2]
    for shift in (1, 61, 62, 63, 64, 70):
        expected = [floor(Fraction(value, 2**shift) + HALF) for value in values]
        assert round_shift(np.array(values, dtype=dtype), shift).tolist() == expected


def test_round_shift_of_integers_beyond_64_bits():
    value = -(3 << 90) - 1
    assert round_shift(np.array([value], dtype=object), np.array([80]))[0] == floor(Fraction(value, 2**80) + HALF)


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70))
def test_signed_width_is_the_smallest(low, span):
    high = low + span
    width = signed_width(low, high)
    assert -(2 ** (width - 1)) <= low and high <= 2 ** (width - 1) - 1
    if width > 1:
        assert low < -(2 ** (width - 2)) or high > 2 ** (width - 2) - 1


@pytest.mark.parametrize(
    "bound, dtype",
    [(2**24 - 1, np.float32), (2**24, np.float64), (2**53, np.int64), (2**63 - 1, np.int64), (2**63, object)],
)
def test_exact_dtype_at_its_borders(bound, dtype):
    assert exact_dtype(bound) is dtype


@pytest.mark.parametrize("form", [FixedPointFormat(4, 4, signed=False), FixedPointFormat(4, 2, overflow=Overflow.SAT)])
def test_words_at_an_end_are_what_values_beyond_become(form):
    words = np.arange(form.min_word, form.max_word + 1)
    ends = {0, 15} if not form.signed else {-8, -7, 7}
    assert set(words[form.at_end(words)].tolist()) == ends
    beyond = form.quantize(np.array([-1e3, 1e3]))
    assert form.at_end(beyond).all()


@pytest.mark.parametrize("arguments", [(0, 1), (65, 1), (1, 1)])
def test_impossible_formats_are_refused(arguments):
    with pytest.raises(InputError):
        FixedPointFormat(*arguments)


def test_not_finite_is_refused():
    with pytest.raises(InputError, match="NaN"):
        FixedPointFormat(8, 4).quantize(np.array([np.nan]))
