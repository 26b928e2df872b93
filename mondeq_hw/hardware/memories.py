"""Where a memory goes, block RAM or LUTs, and what it takes there."""

from __future__ import annotations

import math

from .parts import ECP5, Usage

#: Of block RAM at full width, on ECP5 and on AMD: bits of a word, and words.
_BLOCK_SHAPE = {True: (36, 512), False: (72, 512)}
#: Bits of a word in the narrower half of an AMD block, and in a block of ECP5.
_PORT_BITS = 36
#: Words of one bit in a LUT, or in one cell of LUTs: of more, multiplexers choose.  On AMD three such cells of written
#: words, with their read port, take four LUTs.
_LUT_WORDS = {True: 16, False: 64}
_WRITTEN_WORDS = {True: 16, False: 48}
#: Least bits, and words, of a read-only memory that goes into an ECP5's block RAM.  Yosys would look at one block after
#: the other and leave less than 57 words in LUTs, as wide as they may be: then the address goes to thousands of them.
ROM_BITS, ROM_WORDS = 2048, 16
#: As measured with Yosys' ``synth_ecp5`` and ``synth_xilinx``: least bits behind one port that go into block RAM; those
#: of a memory that is written in steps of 16 words.
_AMD_ROM_BITS = 8192
_RAM_BITS, _RAM_STEP = {True: 1536, False: 3072}, 16


def rom_in_blocks(width: int, depth: int, family: str) -> bool:
    """Whether words that are only read lie in block RAM, where the part has enough of it."""
    if family == ECP5:
        return depth >= ROM_WORDS and width * depth >= ROM_BITS
    return min(width, _PORT_BITS) * depth >= _AMD_ROM_BITS


def rom_usage(width: int, depth: int, family: str) -> Usage:
    """Resources of words that are only read."""
    if rom_in_blocks(width, depth, family):
        return Usage(0, 0, 0, _blocks(width, depth, family))
    return Usage(width * math.ceil(depth / _LUT_WORDS[family == ECP5]), 0, 0, 0)


def ram_usage(width: int, depth: int, family: str) -> Usage:
    """Resources of words that are written and read, each through its own port."""
    small = family == ECP5
    if min(width, _PORT_BITS) * _RAM_STEP * math.ceil(depth / _RAM_STEP) >= _RAM_BITS[small]:
        return Usage(0, 0, 0, _blocks(width, depth, family))
    choices = math.ceil(depth / _LUT_WORDS[small]) - 1
    return Usage(round(width * depth / _WRITTEN_WORDS[small]) + width * choices, 0, 0, 0)


def _blocks(width: int, depth: int, family: str) -> float:
    """Least block RAMs over the aspect ratios; halves of an AMD block count."""
    small = family == ECP5
    widest, shallowest = _BLOCK_SHAPE[small]
    options = []
    for ratio in (1, 2, 4, 8, 16):
        options.append(math.ceil(width / (widest // ratio)) * math.ceil(depth / (shallowest * ratio)))
    half = 0.5 if not small and width <= widest // 2 and depth <= shallowest else 1.0
    return min(options) * half
