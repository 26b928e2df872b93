"""Rough resources of a program and a folding, from the widths alone; no tool is asked.

The counts follow the structure of ``hls_templates/rtl`` (4-input LUTs, one
carry bit a LUT).  They are good to compare foldings, not to fill a device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .parts import ECP5, Usage
from .program import SolverProgram
from .schedule import EngineFolding, Schedule

#: Smallest memory, in bits, that goes into block RAM.
BLOCK_RAM_BITS = 2048
#: A block RAM's greatest width and its depth there.
_BLOCK_SHAPE = {True: (36, 512), False: (72, 512)}


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
    """Where each engine multiplies; an unrolled solver does not."""
    phi = program.state_format.word_length - 1
    folded = [
        ("drive", plan.drive, program.drive.word_length, program.input_format.word_length),
        *([("solver", plan.solve, program.matrix.word_length, phi)] if plan.graph is None else []),
        ("readout", plan.readout, program.readout.word_length, phi),
    ]
    return tuple(
        Products(engine, fold.multipliers, bits, data, _place(bits, lut_weight_bits))
        for engine, fold, bits, data in folded
    )


def _place(weight_bits: int, lut_weight_bits: int) -> str:
    if weight_bits <= 2:
        return "multiplexers"
    return "LUTs" if weight_bits <= lut_weight_bits else "DSPs"


def estimate(program: SolverProgram, plan: Schedule, family: str, lut_weight_bits: int) -> Usage:
    """Resources of the SystemVerilog.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule
    family : str
        Of :mod:`mondeq_hw.parts`.
    lut_weight_bits : int
        Wider weights multiply in DSPs.
    """
    state, phi = program.state_format.word_length, program.state_format.word_length - 1
    engines = [
        (plan.drive, program.drive.word_length, program.input_format.word_length, program.drive_accumulator_bits),
        (plan.readout, program.readout.word_length, phi, program.output_bits),
    ]
    luts, registers, dsps = 600.0, 600.0, 0
    if plan.graph is None:
        engines.append((plan.solve, program.matrix.word_length, phi, program.accumulator_bits))
    else:
        # Preload, sum, round, saturate and compare; a row's shift is wiring.
        luts += plan.graph.adder_bits + program.n * (3 * program.accumulator_bits + 4 * state)
        registers += plan.graph.register_bits + program.n * (4 * program.accumulator_bits + 5 * state)
    for fold, bits, data, accumulator in engines:
        lanes = fold.pe * fold.simd
        in_dsp = _place(bits, lut_weight_bits) == "DSPs"
        product = bits + data
        dsps += lanes if in_dsp else 0
        luts += lanes * (0 if in_dsp else _product_luts(bits, data)) + fold.pe * _tree_bits(fold.simd, product)
        registers += lanes * (2 * product + bits) + fold.pe * (_tree_bits(fold.simd, product) + 2 * accumulator)
        # Accumulate, shift by a row's own amount, round, saturate and compare.
        luts += fold.pe * (5 * accumulator + 4 * state)
        registers += fold.pe * (3 * accumulator + 5 * state)
    luts += plan.solve.simd * 2 * state + 2 * plan.readout.simd * plan.solve.pe * state / 2
    blocks, memory_luts = _memories(program, plan, family)
    return Usage(round(luts + memory_luts), round(registers), dsps, blocks)


def _product_luts(bits: int, data: int) -> int:
    if bits <= 2:
        return 2 * (data + 1)
    digits = (bits + 1) // 2
    return digits * (3 * data + 2) + (digits - 1) * (data + bits - 2)


def _tree_bits(inputs: int, bits: int) -> int:
    """Adder bits of a tree of registered adders."""
    total, nodes = 0, inputs
    while nodes > 1:
        bits, nodes = bits + 1, -(-nodes // 2)
        total += nodes * bits
    return total


def _memories(program: SolverProgram, plan: Schedule, family: str) -> tuple[float, float]:
    """Block RAMs, and LUTs of the memories that are too small for one."""
    state, slots = program.state_format.word_length, 1 << (plan.slots - 1).bit_length()
    solve = plan.solve

    def weights(fold: EngineFolding, bits: int) -> tuple[int, int]:
        return fold.pe * fold.simd * bits, fold.cycles_per_matvec

    shapes = [
        weights(plan.drive, program.drive.word_length),
        *([weights(solve, program.matrix.word_length)] if plan.graph is None else []),
        weights(plan.readout, program.readout.word_length),
        (plan.drive.simd * program.input_format.word_length, 2 * plan.beats_per_sample),
        (solve.pe * program.drive_bits, slots * solve.row_groups),
        *((max(solve.pe, reader) * state, 2 * slots * -(-program.n // max(solve.pe, reader)))
          for reader in (solve.simd, solve.pe, plan.readout.simd)),
    ]  # fmt: skip
    blocks, luts = 0.0, 0.0
    for width, depth in shapes:
        if width * depth >= BLOCK_RAM_BITS:
            blocks += _blocks(width, depth, family == ECP5)
        else:
            luts += width * depth / 16 + width
    return blocks, luts


def _blocks(width: int, depth: int, small: bool) -> float:
    """Least block RAMs over the aspect ratios; halves of an AMD block count."""
    widest, shallowest = _BLOCK_SHAPE[small]
    options = []
    for ratio in (1, 2, 4, 8, 16):
        options.append(math.ceil(width / (widest // ratio)) * math.ceil(depth / (shallowest * ratio)))
    half = 0.5 if not small and width <= widest // 2 and depth <= shallowest else 1.0
    return min(options) * half
