"""Rough resources of a program and a folding, from the widths alone; no tool is asked.

The counts follow the structure of ``hls_templates/rtl`` (4-input LUTs, one
carry bit a LUT).  They are good to compare foldings, not to fill a device.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

from ..base import WordRange
from ..program import SolverProgram
from .clip_table import ClipTable, clip_table
from .cycles import guard_cycles
from .memories import ram_usage, rom_usage
from .parts import ECP5, ULTRASCALE_PLUS, XC7, Usage
from .rtl import memory_sizes
from .schedule import FULL, NONE, EngineFolding, Schedule, groups
from .tables import depths, entry_bits

#: Weights of up to so many bits multiply in LUTs; the default of the emitted package too.
LUT_WEIGHT_BITS = 8
#: The wider factor of a family's multiplier with its sign; the other holds every weight.
MULTIPLIER_BITS = {ECP5: 18, XC7: 25, ULTRASCALE_PLUS: 27}


@dataclass(frozen=True)
class Products:
    """The multiplications of one engine.

    Parameters
    ----------
    engine : {"drive", "solver", "readout"}
    lanes : int
        Products at once.
    weight_bits, data_bits : int
    place : {"multiplexers", "LUTs", "DSPs"}
        What computes them; 1- and 2-bit weights select, negate or drop.
    """

    engine: str
    lanes: int
    weight_bits: int
    data_bits: int
    place: str


def products(program: SolverProgram, plan: Schedule, lut_weight_bits: int) -> tuple[Products, ...]:
    """Where each engine multiplies; one whose matrix is an adder graph, or a drive of tables, does not."""
    engines = (
        ("drive", plan.drive, program.drive.word_length, program.input_format.word_length),
        ("solver", plan.solve, program.matrix.word_length, program.phi_range.bits),
        ("readout", plan.readout, program.readout.word_length, program.prox_range.bits),
    )
    return tuple(
        Products(engine, fold.multipliers, bits, data, _place(bits, lut_weight_bits))
        for engine, fold, bits, data in engines
        if fold.multiplies
    )


def _place(weight_bits: int, lut_weight_bits: int) -> str:
    if weight_bits <= 2:
        return "multiplexers"
    return "LUTs" if weight_bits <= lut_weight_bits else "DSPs"


def multipliers(data: WordRange, family: str) -> int:
    """Multipliers of one product of a weight and such a word, as ``mondeq_product.sv`` cuts it; all have a sign bit."""
    bits = data.bits if data.signed else data.bits + 1
    return max(1, -(-(bits - 1) // (MULTIPLIER_BITS[family] - 1)))


def estimate(program: SolverProgram, plan: Schedule, family: str, lut_weight_bits: int) -> Usage:
    """Resources of the SystemVerilog.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule
    family : str
        Of :mod:`mondeq_hw.hardware.parts`.
    lut_weight_bits : int
        Wider weights multiply in DSPs.
    """
    engines = (drive_usage, solver_usage, readout_usage)
    shares = [usage(program, plan, family, lut_weight_bits) for usage in engines]
    guard = [] if plan.harden == NONE else [guard_usage(program, plan)]
    parity = [parity_usage(program, plan, family)] if plan.harden == FULL else []
    # Of an output beat all words but the last are kept, unless they come together.
    word, kept = program.output_bits, 0 if plan.straight else plan.output_beat - 1
    beat = _usage(luts=kept * (word + 1), registers=kept * word)
    flags = [flag_usage(program, plan)] if plan.flags_ends else []
    return _plus(_CONTROL, *shares, *guard, *parity, beat, *flags)


def flag_usage(program: SolverProgram, plan: Schedule) -> Usage:
    """Share of the flags of saturated inputs: three comparisons a lane, a bit a sample and its addresses."""
    lanes, counters = plan.words_per_beat, 3 * max(1, (plan.samples_in_flight - 1).bit_length())
    compared = lanes * (program.input_format.word_length / 2 + 1)
    return _usage(luts=compared + 2 * counters + plan.samples_in_flight / 16 + 10, registers=lanes + counters + 10)


def guard_usage(program: SolverProgram, plan: Schedule) -> Usage:
    """Share of the guard: its counters, each with its step and a comparison, and a slot's bit with its checks."""
    sizes = (plan.slots + 256, guard_cycles(plan, program.iterations) + 1, plan.slots, plan.slots, program.k)
    counters = sum(max(1, (size - 1).bit_length()) for size in sizes)
    return _usage(luts=2 * counters + 4 * plan.slots + 20, registers=counters + plan.slots + 4)


def parity_usage(program: SolverProgram, plan: Schedule, family: str) -> Usage:
    """What parity adds to the memories: a bit a word, the check of a register that is there anyway, a walk over all."""
    shares = []
    for width, depth in memory_sizes(program, plan):
        address, stored = max(1, (depth - 1).bit_length()), width + 1
        more, less = rom_usage(stored, depth, family), rom_usage(width, depth, family)
        check = _usage(luts=stored / 3 + 3 * address, registers=address + 4)
        bit = Usage(more.luts - less.luts, 0, 0, more.block_rams - less.block_rams)
        shares.append(_plus(check, bit))
    return _plus(*shares)


def drive_usage(program: SolverProgram, plan: Schedule, family: str, lut_weight_bits: int) -> Usage:
    """Share of the drive, with the words that it keeps of its input; see :func:`estimate`."""
    fold, accumulator = plan.drive, program.drive_accumulator_bits
    word = program.input_format.word_length
    if fold.graph is not None:
        # Collected beats and complete words; a bias and its addition a row.
        return _usage(
            luts=fold.graph.adder_bits + fold.rows * accumulator,
            registers=fold.graph.register_bits + 2 * program.columns * word + fold.rows * accumulator,
        )
    banks = ram_usage(fold.simd * word, 2 * plan.beats_per_sample, family)
    if fold.table_words:
        return _plus(_tabled(program, fold, family), banks)
    values = WordRange(program.input_format.min_word, program.input_format.max_word)
    folded = _folded(program, fold, program.drive.word_length, values, accumulator, family, lut_weight_bits)
    return _plus(folded, banks)


def solver_usage(program: SolverProgram, plan: Schedule, family: str, lut_weight_bits: int) -> Usage:
    """Share of the solver, with the words of the slots; see :func:`estimate`."""
    n, fold, accumulator = program.n, plan.solve, program.accumulator_bits
    state, slots = program.state_format.word_length, 1 << (plan.slots - 1).bit_length()
    drive_words = ram_usage(fold.pe * program.stage.injection.bits, slots * fold.row_groups, family)
    if plan.straight and fold.graph is not None:
        # Sum, saturation and the words of the graph; no state is kept.
        ring = _usage(
            luts=fold.graph.adder_bits + n * (accumulator + 2 * state) + _clip_luts(program, n),
            registers=fold.graph.register_bits + n * (2 * accumulator + state),
        )
        return _plus(ring, drive_words)
    if fold.graph is not None:
        # Preload, sum, round, saturate and compare; a row's shift is wiring.
        ring = _usage(
            luts=fold.graph.adder_bits + n * (3 * accumulator + 4 * state) + _clip_luts(program, n),
            registers=fold.graph.register_bits + n * (4 * accumulator + 5 * state),
        )
        state_words = ram_usage(n * state, slots, family)
        return _plus(ring, drive_words, state_words, *([state_words] if program.leak_shift else []))
    weight_bits, phi = program.matrix.word_length, program.phi_range
    folded = _folded(program, fold, weight_bits, phi, accumulator, family, lut_weight_bits)
    views = [_state_view(program, plan, reader, family) for reader in (fold.simd, fold.pe)]
    phi_luts = fold.simd * 2 * state + _clip_luts(program, fold.simd)
    leak_luts = _clip_luts(program, fold.pe) if program.leak_shift else 0
    return _plus(folded, drive_words, *views, _usage(luts=phi_luts + leak_luts))


def readout_usage(program: SolverProgram, plan: Schedule, family: str, lut_weight_bits: int) -> Usage:
    """Share of the readout, with its view of the state; see :func:`estimate`."""
    fold, state, prox, output = plan.readout, program.state_format.word_length, program.prox_range, program.output_bits
    if plan.straight and fold.graph is not None:
        # Biases of all rows, and the buffer of samples.
        words = program.rows * output
        product = _usage(
            luts=fold.graph.adder_bits + words + _clip_luts(program, program.n),
            registers=fold.graph.register_bits + program.n * prox.bits + words,
        )
        return _plus(product, ram_usage(words, plan.slots, family))
    view = _plus(_state_view(program, plan, fold.simd, family), _direct_words(program, plan, family))
    if fold.graph is not None:
        # The command's row out of all, its alignment and bias.
        product = _usage(
            luts=fold.graph.adder_bits
            + program.rows * output / 2
            + output
            + program.n * state
            + _clip_luts(program, program.n),
            registers=fold.graph.register_bits + program.n * state + 3 * output,
        )
        return _plus(product, view)
    folded = _folded(program, fold, program.readout.word_length, prox, output, family, lut_weight_bits)
    return _plus(folded, view, _usage(luts=_clip_luts(program, fold.simd)))


def _direct_words(program: SolverProgram, plan: Schedule, family: str) -> Usage:
    """A feed-through's words on their way around the solver, the lane of a row, and the wait for its product."""
    if program.feedthrough is None:
        return _usage()
    drive, bits = plan.drive, program.drive_bits
    groups = drive.row_groups - program.n // drive.pe
    lanes = drive.rows - program.n if groups == 1 else drive.pe
    return _plus(
        ram_usage(lanes * bits, plan.slots * groups, family),
        _usage(luts=lanes * bits / 2, registers=plan.readout_depth * bits),
    )


#: Streams, slots and the like.
_CONTROL = Usage(600, 600, 0, 0)


def _usage(luts: float = 0, registers: float = 0, dsps: int = 0, blocks: float = 0) -> Usage:
    return Usage(round(luts), round(registers), dsps, blocks)


def _plus(*usages: Usage) -> Usage:
    return Usage(*(sum(getattr(usage, field.name) for usage in usages) for field in fields(Usage)))


def _folded(
    program: SolverProgram,
    fold: EngineFolding,
    weight_bits: int,
    data: WordRange,
    accumulator: int,
    family: str,
    lut_weight_bits: int,
) -> Usage:
    """Products, adder trees, and what a row does with its sum: shift by its own amount, round, saturate, compare."""
    lanes, product, state = fold.multipliers, weight_bits + data.bits, program.state_format.word_length
    in_dsp = _place(weight_bits, lut_weight_bits) == "DSPs"
    tree, kept = _tree_bits(fold.simd, product, fold.adders)
    array = _usage(
        luts=lanes * (0 if in_dsp else _product_luts(weight_bits, data.bits))
        + fold.pe * (tree + 5 * accumulator + 4 * state),
        registers=lanes * (2 * product + weight_bits) + fold.pe * (kept + 5 * accumulator + 5 * state),
        dsps=lanes * multipliers(data, family) if in_dsp else 0,
    )
    return _plus(array, rom_usage(lanes * weight_bits, fold.cycles_per_matvec, family))


def _tabled(program: SolverProgram, fold: EngineFolding, family: str) -> Usage:
    """A drive's tables, the trees over their words, and what a row does with its sum."""
    word, accumulator = entry_bits(program.injection, fold), program.drive_accumulator_bits
    tree, kept = _tree_bits(fold.terms, word, fold.adders)
    rows = _usage(
        luts=fold.pe * (tree + 5 * accumulator), registers=fold.pe * (fold.terms * word + kept + 5 * accumulator)
    )
    memories = [rom_usage(fold.pe * word, depth, family) for depth in depths(fold, program.input_format.word_length)]
    return _plus(rows, *memories)


def _state_view(program: SolverProgram, plan: Schedule, reader: int, family: str) -> Usage:
    """The states of all slots, written ``solve.pe`` and read ``reader`` words at once."""
    writer, state = plan.solve.pe, program.state_format.word_length
    slots = (1 if plan.solve.graph else 2) << (plan.slots - 1).bit_length()
    widest = max(writer, reader)
    words = slots * groups(program.n, widest)
    if reader % writer == 0:
        return ram_usage(widest * state, words, family)
    if writer % reader == 0:  # narrow words out of wide ones
        return _plus(ram_usage(widest * state, words, family), _usage(luts=writer * state / 2))
    # A memory for every word of the wider, and steps by which the narrower's words are turned.
    memories = [ram_usage(state, words, family)] * widest
    return _plus(*memories, _usage(luts=2 * widest * state * (widest - 1).bit_length()))


def _product_luts(bits: int, data: int) -> int:
    if bits <= 2:
        return 2 * (data + 1)
    digits = (bits + 1) // 2
    return digits * (3 * data + 2) + (digits - 1) * (data + bits - 2)


def _clip_luts(program: SolverProgram, lanes: int) -> int:
    """Of so many lanes, beyond relu's: a second bound, a complement, and constants that differ from group to group."""
    table, bits = clip_table(program), program.state_format.word_length
    two_bounds = any(table.below) and any(table.above)
    return lanes * bits * (two_bounds + 3 * any(table.complement)) + _constant_luts(table, bits, lanes)


@lru_cache(1024)
def _constant_luts(table: ClipTable, bits: int, lanes: int) -> int:
    """Of the lanes' constants, whose every bit is a function of the number of the group.

    Bits in which the rows agree are none, and those that differ alike, or as one another's complement, are one.
    """
    count = groups(len(table.rows), lanes)
    mask, ends = (1 << bits) - 1, ((table.lower, any(table.below)), (table.upper, any(table.above)))
    bounds = [[word & mask if read else 0 for word in words] for words, read in ends]
    words = [low | high << bits | flip << 2 * bits for low, high, flip in zip(*bounds, table.complement, strict=True)]
    rows = [words[kind] for kind in (*table.rows, *[0] * (count * lanes - len(table.rows)))]
    functions = set[int]()
    for lane in range(lanes):
        for bit in range(2 * bits + 1):
            column = sum((word >> bit & 1) << group for group, word in enumerate(rows[lane::lanes]))
            functions.add(min(column, column ^ (1 << count) - 1))
    return len(functions - {0}) * groups(count, 16)


def _tree_bits(inputs: int, bits: int, adders: int) -> tuple[int, int]:
    """Bits of a tree's adders, and of its registers, behind every so many of them."""
    added = kept = level = 0
    nodes = inputs
    while nodes > 1:
        level, bits, nodes = level + 1, bits + 1, -(-nodes // 2)
        added += nodes * bits
        kept += 0 if level % adders else nodes * bits
    return added, kept
