"""Distributed arithmetic: products of a few columns at once, looked up in block RAM.

Where input words have few bits, ``table_words`` of them address a table that holds, for every value that they
can take and for each of the ``pe`` rows of a group, the sum of their products (A. Croisier et al., US patent
3777130, 1973; S. White, IEEE ASSP Magazine 6(3), 1989).  No multiplier is left, and an adder tree of ``simd /
table_words`` inputs instead of ``simd``.
"""

from __future__ import annotations

import numpy as np

from ..base import FixedPointFormat, InputError
from ..program import Injection
from .schedule import EngineFolding

#: Words of a block RAM at its greatest width (ECP5, AMD): a table takes as many columns as keep to it.
TABLE_DEPTH = 512
#: Most words of a table that a user asks for.
DEEPEST_TABLE = 2**14


def table_words(fold: EngineFolding, input_bits: int) -> int:
    """Columns of a table: as many as fit the depth of one block RAM, at least one.

    Raises
    ------
    InputError
        A table of one column would be deeper than :data:`DEEPEST_TABLE`.
    """
    if fold.cycles_per_matvec << input_bits > DEEPEST_TABLE:
        raise InputError(
            f"drive is 'tables'; with input words of {input_bits} bits and {fold.cycles_per_matvec} commands a sample "
            f"a table has {fold.cycles_per_matvec << input_bits} words, expected at most {DEEPEST_TABLE}; lower "
            "input_bits or reuse_factor, raise input_beat, or leave drive out"
        )
    words = 1
    while words < fold.simd and fold.cycles_per_matvec << (words + 1) * input_bits <= TABLE_DEPTH:
        words += 1
    return words


def tables(injection: Injection, fold: EngineFolding) -> list[np.ndarray]:
    """Sums of products by table, as [row group, column group, value of the words, pe].

    The value of a table's words is theirs side by side, the first in the lowest bits.
    """
    image = injection.operator.memory_image(fold.pe, fold.simd)
    words = injection.input_format
    sums = (image[..., part] @ _values(part.stop - part.start, words) for part in _parts(fold))
    return [each.swapaxes(-1, -2) for each in sums]


def offsets(injection: Injection, fold: EngineFolding) -> list[np.ndarray]:
    """Least sum of each row in every table, as [row group, column group, pe]: the tables' words begin there."""
    image, words = injection.operator.memory_image(fold.pe, fold.simd), injection.input_format
    least = np.where(image > 0, image * words.min_word, image * words.max_word)
    return [least[..., part].sum(axis=-1) for part in _parts(fold)]


def table_biases(injection: Injection, folding: EngineFolding) -> np.ndarray:
    """Biases with what tables leave out; modulo the accumulator, in which complete sums are proved not to wrap."""
    if not folding.table_words:
        return injection.bias
    least = sum(each.sum(axis=1).reshape(-1)[: folding.rows] for each in offsets(injection, folding))
    return injection.bias + (np.asarray(least, dtype=object) << injection.left_shift)


def entry_bits(injection: Injection, fold: EngineFolding) -> int:
    """Bits of a row's sum above the least one, in any table."""
    image, words = np.abs(injection.operator.memory_image(fold.pe, fold.simd)), injection.input_format
    most = max(int(image[..., part].sum(axis=-1).max()) for part in _parts(fold))
    return max(1, (most * (words.max_word - words.min_word)).bit_length())


def depths(fold: EngineFolding, input_bits: int) -> list[int]:
    """Words of each table."""
    return [fold.cycles_per_matvec << (part.stop - part.start) * input_bits for part in _parts(fold)]


def _parts(fold: EngineFolding) -> list[slice]:
    """The columns of each table; the last one has what is left."""
    starts = range(0, fold.simd, fold.table_words)
    return [slice(start, min(start + fold.table_words, fold.simd)) for start in starts]


def _values(count: int, words: FixedPointFormat) -> np.ndarray:
    """Words by the bits that ``count`` of them are side by side (count, values)."""
    bits = words.word_length
    fields = np.arange(1 << count * bits)[None, :] >> bits * np.arange(count)[:, None] & (1 << bits) - 1
    return np.where(fields > words.max_word, fields - (1 << bits), fields)
