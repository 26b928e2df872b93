"""Faults put into the emitted C++, one at a time: the comparison with the golden model must see each.

A mutant counts as killed when an output word or a traced state differs, or
when the testbench itself complains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from long_set import one_in
from random_models import random_program, random_words, with_rows

from mondeq_hw.base import FREE, RELU, DenseOperator, Interval, soft_threshold
from mondeq_hw.hardware import hls
from mondeq_hw.hardware.schedule import EngineFolding, Schedule
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.verification.csim import EXACT_WIDTHS, CSimulation, CSimulationError, RefusedCppError

pytestmark = pytest.mark.slow

ENGINE, SOLVER, TOP, PARAMS = "mondeq_engine.h", "mondeq_solver.h", "mondeq_top.cpp", "mondeq_params.h"
STREAM = "mondeq_stream.h"
MATRIX, DRIVE = "weights/matrix_weights.inc", "weights/drive_weights.inc"


@dataclass(frozen=True)
class Mutant:
    """One replacement in one emitted file, and what the program must have for it to matter."""

    name: str
    file: str
    old: str
    new: str
    program: dict[str, Any] = field(default_factory=dict)


FB = {"solver": FORWARD_BACKWARD}
CLIPPED = {"state_bits": 6, "state_integer_bits": 0}
BOX = {"rows": (Interval(-9, 20),)}
MIXED = {"rows": (Interval(-9, 20), soft_threshold(12), RELU, FREE, Interval(0, 0), Interval(-np.inf, 5))}
COARSE_DRIVE = {"state_bits": 14, "drive_bits": 2}
FLAGGED = {"flags_ends": True, "input_signed": True, "input_bits": 4}

MUTANTS = [
    Mutant(
        "abs_keeps_the_sign",
        ENGINE,
        "reflected = 2 * ap_int<state_bits + 1>(clip_lower[kind]) - state",
        "reflected = state",
    ),
    Mutant("relu_passes_negatives", ENGINE, "return clip_lower[kind]", "return state", FB),
    Mutant(
        "lower_bound_not_doubled",
        ENGINE,
        "2 * ap_int<state_bits + 1>(clip_lower",
        "ap_int<state_bits + 1>(clip_lower",
        BOX,
    ),
    Mutant(
        "upper_bound_not_doubled",
        ENGINE,
        "2 * ap_int<state_bits + 1>(clip_upper",
        "ap_int<state_bits + 1>(clip_upper",
        BOX,
    ),
    Mutant("upper_bound_ignored", ENGINE, "return clip_upper[kind]", "return state", BOX),
    Mutant("box_beyond_the_other_bound", ENGINE, "return clip_upper[kind]", "return clip_lower[kind]", BOX | FB),
    Mutant("complement_ignored", ENGINE, "clip_complement[kind] ? state_word(state - clipped) : ", "", MIXED),
    Mutant("reflected_complement_ignored", ENGINE, "clip_complement[kind] ? state_word(-reflected) : ", "", MIXED),
    Mutant("first_kind_for_all", SOLVER, "clip_rows[clip_kinds > 1 ? row : 0]", "clip_rows[0]", MIXED),
    Mutant(
        "kind_of_the_next_row",
        SOLVER,
        "clip_rows[clip_kinds > 1 ? row : 0]",
        "clip_rows[(row + 1) % state_size]",
        MIXED,
    ),
    Mutant("operand_without_sign", PARAMS, "ap_int<8> phi_word;", "ap_uint<8> phi_word;", BOX),
    Mutant("operand_without_sign_1_bit", PARAMS, "ap_int<8> phi_word;", "ap_uint<8> phi_word;", BOX | {"bits": 1}),
    Mutant(
        "operand_without_sign_2_bits", PARAMS, "ap_int<6> phi_word;", "ap_uint<6> phi_word;", BOX | FB | {"bits": 2}
    ),
    Mutant("input_without_sign", PARAMS, "ap_int<8> input_word;", "ap_uint<8> input_word;", {"input_signed": True}),
    Mutant("equilibrium_without_sign", PARAMS, "ap_int<6> prox_word;", "ap_uint<6> prox_word;", BOX),
    Mutant("reflection_for_the_operator", PARAMS, "phi_reflects = false", "phi_reflects = true", BOX | FB),
    Mutant("rounds_down", ENGINE, "(value + half) >> shift", "value >> shift"),
    Mutant("rounds_up", ENGINE, "(ap_int<W + 1>(1) << shift) >> 1", "(ap_int<W + 1>(1) << shift) - 1"),
    Mutant("asymmetric_saturation", ENGINE, "return -state_max;", "return -state_max - 1;", CLIPPED),
    Mutant("saturates_early", ENGINE, "return state_max;", "return state_max - 1;", CLIPPED),
    Mutant("wraps", ENGINE, "if (value > state_max) return state_max;", "", CLIPPED),
    Mutant(
        "sign_weight_inverted",
        ENGINE,
        "return weight < 0 ? Dot(-positive)",
        "return weight == 0 ? Dot(-positive)",
        {"bits": 1},
    ),
    Mutant("ternary_without_zero", ENGINE, "weight == 0 ? Dot(0) : weight", "weight", {"bits": 2}),
    Mutant("sum_forgets_groups", ENGINE, "sum[row] += dot", "sum[row] = dot"),
    Mutant("leak_off_by_one_phi", SOLVER, "(wide(phi) << leak_shift) - phi", "(wide(phi) << leak_shift)", FB),
    Mutant("leak_missing", SOLVER, " + leak(row, phi(row, state[row]))", "", FB),
    Mutant(
        "leak_of_the_state", SOLVER, "leak(row, phi(row, state[row]))", "leak(row, reflection_of(0, state[row]))", FB
    ),
    Mutant("drive_not_added", SOLVER, "sum[lane] + d[row] + leak", "sum[lane] + leak"),
    Mutant("drive_bias_missing", SOLVER, " + drive_bias[row]", ""),
    Mutant("drive_shift_of_another_row", SOLVER, "drive_right_shift[row]", "drive_right_shift[0]"),
    Mutant("state_shift_of_another_row", SOLVER, "matrix_shift[row]));", "matrix_shift[0]));"),
    Mutant("one_update_less", SOLVER, "iteration <= iterations", "iteration < iterations"),
    Mutant("leaves_after_the_first_change", SOLVER, "if (!advance(", "if (advance("),
    Mutant("last_row_keeps_its_state", SOLVER, "state[row] = next[row];", "if (row) state[row] = next[row];"),
    Mutant("readout_of_the_state", SOLVER, "z[row] = prox(row, state[row])", "z[row] = phi(row, state[row])"),
    Mutant("readout_not_aligned", SOLVER, " << readout_left_shift[row]", ""),
    Mutant("readout_bias_missing", SOLVER, " + readout_bias[row]", ""),
    Mutant(
        "big_end_first",
        TOP,
        "lane * input_lane_bits + input_bits - 1, lane * input_lane_bits);\n        const",
        "(words_per_beat - 1 - lane) * input_lane_bits + input_bits - 1,\n"
        "(words_per_beat - 1 - lane) * input_lane_bits);\n        const",
    ),
    Mutant("last_on_the_first_word", TOP, "beat == output_beats - 1", "beat == 0"),
    Mutant(
        "outputs_zero_extended",
        TOP,
        "const ap_int<output_lane_bits> extended = row < output_size ? y[row] : output_word(0)",
        "const ap_uint<output_lane_bits> extended = ap_uint<output_word::width>(y[row])",
        {"readout_bits": 5},
    ),
    Mutant("flag_of_the_last_beat_alone", TOP, "at_end || (index > 0 && flag)", "at_end", FLAGGED),
    Mutant("flag_of_the_first_lane_alone", TOP, "at_end = at_end || (inside", "at_end = at_end || (lane == 0", FLAGGED),
    Mutant("largest_word_is_no_end", TOP, "word >= input_top", "word > input_top", FLAGGED),
    Mutant("least_word_is_no_end", PARAMS, "input_bottom = -7", "input_bottom = -8", FLAGGED),
    Mutant(
        "padding_is_an_end",
        TOP,
        "inside && (word",
        "(inside ? word : input_word(input_top)) >= input_top || (word",
        FLAGGED,
    ),
    Mutant("never_flagged", STREAM, "beat.user = flag", "beat.user = 0", FLAGGED),
    Mutant("accumulator_too_narrow", PARAMS, "ap_int<14> accumulator;", "ap_int<12> accumulator;"),
    Mutant("drive_word_too_narrow", PARAMS, "ap_int<13> drive_word;", "ap_int<11> drive_word;"),
    Mutant("drive_not_aligned", SOLVER, "(drive_accumulator(sum) << drive_left_shift)", "sum", COARSE_DRIVE),
    Mutant("wrong_matrix_entry", MATRIX, "{{{{", "{{{{1 + "),
    Mutant("wrong_drive_entry", DRIVE, "{{{{", "{{{{1 + "),
]


def build(options: dict[str, Any], folder: Path) -> SolverProgram:
    sizes = {name: value for name, value in options.items() if name not in ("rows", "flags_ends")}
    program = random_program(**{"seed": 7, "n": 7, "d": 5, "k": 3, **sizes})
    program = with_rows(program, *options.get("rows", (RELU,)))
    folded = Schedule(
        reuse_factor=1,
        drive=EngineFolding(7, 5, 2, 3),
        solve=EngineFolding(7, 7, 4, 2),
        readout=EngineFolding(3, 7, 1, 3),
        slots=2,
        flags_ends=options.get("flags_ends", False),
    )
    hls.emit(program, folded, folder)
    return program


def agrees(program: SolverProgram, folder: Path) -> bool:
    """Whether the folder's C++ gives the program's outputs and states, in as many updates.

    RefusedCppError where it does not compile.
    """
    words = random_words(3, program, 24)
    trace, expected = GoldenModel(program).trace(words), GoldenModel(program).flags(words)
    simulation = CSimulation(folder, folder / "work")

    def equal() -> bool:
        (outputs, flags), (states, updates) = simulation.run(words), simulation.trace(words)
        same = np.array_equal(outputs, trace.outputs) and np.array_equal(states, trace.states)
        return same and np.array_equal(updates, trace.iterations) and (flags is None or np.array_equal(flags, expected))

    return runs_and(equal)


def runs_and(equal: Callable[[], bool]) -> bool:
    """Whether it ends, and its words are equal; RefusedCppError where it does not compile."""
    try:
        return equal()
    except RefusedCppError:
        raise
    except CSimulationError:
        return False


@pytest.mark.parametrize("mutant", one_in(7, MUTANTS))
def test_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    program = build(mutant.program, tmp_path)
    path = tmp_path / "hls" / mutant.file
    text = path.read_text()
    assert text.count(mutant.old) == 1, "the mutation must apply exactly once"
    path.write_text(text.replace(mutant.old, mutant.new))
    assert not agrees(program, tmp_path)


def full_sums(folder: Path) -> SolverProgram:
    """A program whose products and their sums take all their bits at the largest words; its C++ beside."""
    program = random_program(7, n=3, d=7, k=2, iterations=2)
    drive = program.stage.drive
    full = np.full((3, 7), 2 ** (drive.word_length - 1) - 1)
    program = program.replace(drive=DenseOperator(full, drive.shifts, drive.word_length))
    engines = EngineFolding(3, 7, 3, 7), EngineFolding(3, 3, 1, 1), EngineFolding(2, 3, 1, 1)
    hls.emit(program, Schedule(9, *engines, slots=2), folder)
    return program


def full_sums_agree(program: SolverProgram, folder: Path) -> bool:
    """Whether a synthesiser's widths hold them; native integers have more bits."""
    words = np.full((1, 7), program.input_format.max_word)
    expected = GoldenModel(program).predict_raw(words)

    def equal() -> bool:
        return np.array_equal(CSimulation(folder, folder / "work", EXACT_WIDTHS).predict_raw(words), expected)

    return runs_and(equal)


def test_a_sum_of_products_has_all_the_bits_it_takes(tmp_path: Path) -> None:
    program, engine = full_sums(tmp_path), tmp_path / "hls" / ENGINE
    assert full_sums_agree(program, tmp_path)
    text = engine.read_text()
    engine.write_text(text.replace("growth((count + 1) / 2)", "growth((count - 1) / 2)"))
    assert engine.read_text() != text and not full_sums_agree(program, tmp_path)


NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipped": CLIPPED,
    "coarse_drive": COARSE_DRIVE,
    "mixed": MIXED,
    "ternary": {"bits": 2},
    "box_forward_backward": BOX | FB,
}


@pytest.mark.parametrize("network", one_in(3, list(NETWORKS), str))
def test_the_unchanged_source_survives(network: str, tmp_path: Path) -> None:
    assert agrees(build(NETWORKS[network], tmp_path), tmp_path)
