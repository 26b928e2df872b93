"""Where a memory goes, block RAM or LUTs, and what it takes there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .parts import ECP5, Usage

#: Bits of a word in a block of ECP5, and in the narrower half of an AMD block.
_PORT_BITS = 36
#: Least bits, and words, of a read-only memory that goes into an ECP5's block RAM.  Yosys would look at one block after
#: the other and leave less than 57 words in LUTs, as wide as they may be: then the address goes to thousands of them.
ROM_BITS, ROM_WORDS = 2048, 16
#: Behind one port of an AMD block.
_AMD_ROM_BITS = 8192
#: A memory that is written goes into block RAM by its bits in steps of so many words.
_RAM_STEP = 16


@dataclass(frozen=True)
class _Cells:
    """Memories of a family, as Yosys' ``synth_ecp5`` and ``synth_xilinx`` map them.

    Parameters
    ----------
    block_bits, block_words : int
        Of block RAM at full width.
    lut_words : int
        Words of one bit that a LUT holds; of more, multiplexers choose.
    written_words : float
        Words of one bit a LUT where they are written, too.
    ram_bits : int
        Least bits behind one port of a written memory that go into block RAM.
    """

    block_bits: int
    block_words: int
    lut_words: int
    written_words: float
    ram_bits: int


_ECP5_CELLS = _Cells(block_bits=36, block_words=512, lut_words=16, written_words=16, ram_bits=1536)
#: Four LUTs hold three times 64 words with their read port.
_AMD_CELLS = _Cells(block_bits=72, block_words=512, lut_words=64, written_words=48, ram_bits=3072)


def _cells(family: str) -> _Cells:
    return _ECP5_CELLS if family == ECP5 else _AMD_CELLS


def rom_in_blocks(width: int, depth: int, family: str) -> bool:
    """Whether words that are only read lie in block RAM, where the part has enough of it."""
    if family == ECP5:
        return depth >= ROM_WORDS and width * depth >= ROM_BITS
    return min(width, _PORT_BITS) * depth >= _AMD_ROM_BITS


def rom_usage(width: int, depth: int, family: str) -> Usage:
    """Resources of words that are only read."""
    cells = _cells(family)
    if rom_in_blocks(width, depth, family):
        return Usage(0, 0, 0, _blocks(width, depth, cells))
    return Usage(width * math.ceil(depth / cells.lut_words), 0, 0, 0)


def ram_usage(width: int, depth: int, family: str) -> Usage:
    """Resources of words that are written and read, each through its own port."""
    cells = _cells(family)
    if min(width, _PORT_BITS) * _RAM_STEP * math.ceil(depth / _RAM_STEP) >= cells.ram_bits:
        return Usage(0, 0, 0, _blocks(width, depth, cells))
    choices = math.ceil(depth / cells.lut_words) - 1
    return Usage(round(width * depth / cells.written_words) + width * choices, 0, 0, 0)


def _blocks(width: int, depth: int, cells: _Cells) -> float:
    """Least block RAMs over the aspect ratios; halves of a block as wide as two ports count."""
    options = []
    for ratio in (1, 2, 4, 8, 16):
        options.append(math.ceil(width / (cells.block_bits // ratio)) * math.ceil(depth / (cells.block_words * ratio)))
    halved = cells.block_bits > _PORT_BITS and width <= _PORT_BITS and depth <= cells.block_words
    return min(options) * (0.5 if halved else 1.0)
