"""The benches have teeth: every small mistake in the SystemVerilog is noticed.

A mutant is one replacement of a text that occurs exactly once in its module.
It is simulated on the corner program that makes the place observable, and must
fail at least one bench.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from corner_programs import CARRIED, CORNERS, DIRECT, WARM, straight_deep
from long_set import one_in
from random_models import random_words

from mondeq_hw.rtl_tests.runner import BenchResult, run_bench
from mondeq_hw.rtl_tests.simulation import ASSERTION

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Mutant:
    """One mistake, and the corner program that shows it."""

    name: str
    corner: str
    module: str
    original: str
    mutated: str


def forgets(register: str, zero: str = "'0") -> tuple[str, str]:
    """A register that only the first reset clears (it then has no unknown bits)."""
    return f"{register} <= {zero};", f"{register} <= ($isunknown({register})) ? {zero} : {register};"


MUTANTS = (
    # Rounding and saturation.
    Mutant("truncates", "serial", "round_shift", " + OutBits'(shifted_q[0])", ""),
    Mutant("half_from_wrong_bit", "serial", "round_shift", "OutBits'(shifted_q[0])", "OutBits'(shifted_q[1])"),
    Mutant("logical_base_shift", "serial", "round_shift", "doubled >>> Base", "doubled >> Base"),
    Mutant("logical_row_shift", "leak_saturating", "round_shift", "Base) >>> shift_i", "Base) >> shift_i"),
    Mutant("asymmetric_bottom", "saturating", "saturate", "OutBits'(-Top) :", "OutBits'(-Top - 1) :"),
    Mutant("bottom_off_by_one", "saturating", "saturate", "value < -Top", "value < -Top - 1"),
    Mutant("top_off_by_one", "saturating", "saturate", "value > Top", "value > Top + 1"),
    Mutant("small_top", "saturating", "saturate", "(OutBits - 1)) - Bits'(1)", "(OutBits - 1)) - Bits'(2)"),
    # The proximal operator.
    Mutant("abs_is_identity", "serial", "clip", "outside ? (limit << 1) - word : word", "word"),
    Mutant("abs_is_complement", "serial", "clip", "(limit << 1) - word", "(limit << 1) + ~word"),
    Mutant("relu_is_identity", "ternary_leak", "clip", "word_o = outside ? limit", "word_o = 1'b0 ? limit"),
    Mutant("relu_of_the_negated", "ternary_leak", "clip", "outside = state < bound", "outside = state > bound"),
    Mutant("reflected_at_half_the_bound", "box_one_bit", "clip", "(limit << 1) - word", "limit - word"),
    Mutant("bounds_swapped", "box_one_bit", "clip", "negative ? lower_i : upper_i", "negative ? upper_i : lower_i"),
    Mutant("lower_bound_only", "box_leak", "clip", "negative ? lower_i : upper_i", "lower_i"),
    Mutant("inside_out", "box_leak", "clip", "(state < bound) == negative", "(state < bound) != negative"),
    Mutant("unsigned_bounds", "mixed", "clip", "logic signed [StateBits-1:0]", "logic [StateBits-1:0]"),
    Mutant("half_line_turned", "ring_mixed", "clip", "outside = state > bound", "outside = state < bound"),
    Mutant("free_row_is_bounded", "ring_mixed", "clip", "outside = 1'b0", "outside = state_i[StateBits-1]"),
    Mutant("reflected_complement_ignored", "threshold", "clip", "outer[WordBits:1] ^ {WordBits{complement_i}}",
           "outer[WordBits:1]"),
    Mutant("kept_complement_ignored", "threshold", "clip", "{word ^ {WordBits{complement_i}}, 1'b1}", "{word, 1'b1}"),
    Mutant("complement_ignored", "threshold", "clip", "complement_i ? (outside ? excess : '0) : ", ""),
    Mutant("table_of_the_first_lane", "mixed", "clip_lanes", "lower = Lowers[int'(Table[(g*Lanes+i)",
           "lower = Lowers[int'(Table[(g*Lanes)"),
    Mutant("table_of_the_next_lane", "mixed", "clip_lanes", "upper = Uppers[int'(Table[(g*Lanes+i)",
           "upper = Uppers[int'(Table[(g*Lanes+(i+1)%Lanes)"),
    Mutant("table_of_the_next_group", "mixed_serial", "clip_lanes", "group == GroupBits'(g)",
           "group == GroupBits'(g + 1)"),
    Mutant("table_without_complements", "mixed", "clip_lanes", "complement = Complements[",
           "complement = 1'b0 & Complements["),
    Mutant("table_too_late", "mixed_serial", "clip_lanes", ".Depth(Latency - 1)", ".Depth(Latency)"),
    Mutant("one_kind_for_all", "ring_mixed", "clip_lanes", "int'(RowKinds[i*KindBits+:KindBits])", "0"),
    # Products.
    Mutant("one_bit_operand_sign", "box_one_bit", "product", "sign = DataSigned && data_i[DataBits-1]", "sign = 1'b0"),
    Mutant("ternary_operand_sign", "box_leak", "product", "sign = DataSigned && data_i[DataBits-1]", "sign = 1'b0"),
    Mutant("digit_operand_sign", "mixed", "product", "sign = DataSigned && data_i[DataBits-1]", "sign = 1'b0"),
    Mutant("wide_operand_sign", "mixed_serial", "product", "sign = DataSigned && data_i[DataBits-1]", "sign = 1'b0"),
    Mutant("digit_part_sign", "mixed", "product", "DataSigned && parts_q", "1'b0 && parts_q"),
    Mutant("unsigned_operand_with_a_sign", "serial", "product", "sign = DataSigned && ", "sign = "),
    Mutant("one_bit_sign", "one_bit", "product", "weight_i[0] ? -data : data", "weight_i[0] ? data : -data"),
    Mutant("ternary_zero", "ternary_leak", "product", "!weight_i[0] ? '0 :", "1'b0 ? '0 :"),
    Mutant("unsigned_weight", "wide", "product", "{{DataBits{weight_i[WeightBits-1]}}", "{{DataBits{1'b0}}"),
    Mutant("unsigned_digit", "serial", "product", "? ones - twos : ones + twos", "? ones + twos : ones + twos"),
    Mutant("odd_sign_lost", "saturating", "product", "+ 1{weight_i[WeightBits-1]}}", "+ 1{1'b0}}"),
    Mutant("digit_place", "saturating", "product", "<< (2 * i));", "<< i);"),
    # Sums.
    Mutant("input_without_sign", "signed", "drive", ".DataSigned(InputSigned)", ".DataSigned(1'b0)"),
    Mutant("array_of_unsigned_operands", "mixed", "matvec", ".DataSigned   (DataSigned)", ".DataSigned   (1'b0)"),
    Mutant("unsigned_tree", "parallel", "adder_tree", "{Signed && a[Bits-2], a}", "{1'b0, a}"),
    Mutant("tree_of_all_registers", "summed_saturating", "adder_tree", "l % ((Adders < 1) ? 1 : Adders) == 0", "1'b1"),
    Mutant("tree_without_registers", "summed_tables", "adder_tree", "l % ((Adders < 1) ? 1 : Adders) == 0", "1'b0"),
    Mutant("tables_of_signed_sums", "tables_ternary", "matvec_tables", ".Signed   (1'b0)", ".Signed   (1'b1)"),
    Mutant("table_of_the_next_words", "tables_ternary", "matvec_tables", "{address, data_i[t*Columns*DataBits+:",
           "{address, data_i[0+:"),
    Mutant("table_of_a_whole_last_word", "tables_ternary", "matvec_tables", "(t == Tables - 1) ? Simd - t * Columns :",
           "(t == Tables) ? 1 :"),
    Mutant("no_preload", "serial", "matvec", "first ? preload_i[p*SumBits+:SumBits] : sum_q", "first ? '0 : sum_q"),
    Mutant("always_preload", "serial", "matvec", "first ? preload_i[p*", "1'b1 ? preload_i[p*"),
    Mutant("no_left_shift", "serial", "matvec", "<< LeftShift", "<< 0"),
    Mutant("lanes_swapped", "ternary_leak", "matvec", "weights[(p*Simd+s)*", "weights[(s*Pe+p)*"),
    Mutant("narrow_drive", "serial", "solve", "<= SumBits'($signed(drive_q2[p*DriveBits+:DriveBits]))",
           "<= SumBits'(drive_q2[p*DriveBits+:DriveBits])"),
    # Words between engines.
    Mutant("no_mask", "one_bit", "regroup", "last_q2 ? ReadBits'(", "1'b0 ? ReadBits'("),
    Mutant("write_wrong_chunk", "saturating", "regroup", "enable[g%Chunks]", "enable[0]"),
    Mutant("write_wrong_word", "saturating", "regroup", "high = ReadGroupBits'(g / Chunks)", "high = '0"),
    Mutant("read_too_early", "ternary_leak", "regroup", "(low_q2 == LowBits", "(low_q1 == LowBits"),
    Mutant("chunk_too_early", "ternary_leak", "regroup", "low_q1  <= chunk", "low_q1  <= low"),
    Mutant("readout_reads_too_early", "saturating", "solve", "RegisterAddress(1'b1)", "RegisterAddress(1'b0)"),
    Mutant("turned_row", "one_bit", "regroup", "RowBits'(k / Lanes)", "RowBits'(g)"),
    Mutant("turned_elsewhere", "one_bit", "regroup", "(g * Narrow) % Lanes", "g % Lanes"),
    Mutant("never_turned", "one_bit", "regroup", "if (turn[b])", "if (1'b0)"),
    Mutant("turned_too_early", "one_bit", "regroup", "turn_q2 <= turn_q1", "turn_q2 <= turn"),
    # Drive.
    Mutant("ready_when_full", "serial", "drive", "= !full_q[write_bank_q]", "= 1'b1"),
    Mutant("bank_freed_early", "serial", "drive", "if (finish) full_q", "if (issue && last_row) full_q"),
    Mutant("bank_not_swapped", "serial", "drive", "read_bank_q <= !read_bank_q", "read_bank_q <= read_bank_q"),
    Mutant("word_not_there_yet", "serial", "drive", "(column + 1'b1 != beat)", "1'b1"),
    Mutant("word_of_the_other_bank", "signed", "drive", "((beat != '0) && !accept)", "(beat != '0)"),
    Mutant("first_word_not_there_yet", "serial", "drive", "|| arrives || ((beat != '0) && !accept)", "|| 1'b1"),
    Mutant("broken_word_is_there", "signed", "drive", "accept && !beat_broken_i", "accept"),
    Mutant("broken_words_are_there", "serial", "drive", "(!rst_ni || restart)", "(!rst_ni)"),
    Mutant("no_slot_credit", "serial", "drive", "|| slot_free", "|| 1'b1"),
    Mutant("loaded_early", "serial", "drive", "write_o && last;", "write_o;"),
    Mutant("reset_keeps_full", "serial", "drive", *forgets("full_q")),
    # Frames of the input.
    Mutant("frame_counted", "serial", "frame_check", "at_end && (beat_last_i || !Check)", "at_end"),
    Mutant("frame_ends_at_last", "serial", "frame_check", "at_end && (beat_last_i || !Check)", "beat_last_i"),
    Mutant("frame_too_short_goes_on", "graph_drive", "frame_check", "(whole_o || broken_o) ? '0", "at_end ? '0"),
    Mutant("frame_too_long_is_not_dropped", "one_bit", "frame_check", "accept && broken_o && at_end", "1'b0"),
    Mutant("frame_too_short_drops_the_next", "one_bit", "frame_check", "accept && broken_o && at_end",
           "accept && broken_o"),
    Mutant("frame_drops_into_the_next", "parallel", "frame_check", "!(beat_valid_i && beat_last_i)", "!beat_last_i"),
    Mutant("frame_drops_for_ever", "parallel", "frame_check", "!(beat_valid_i && beat_last_i)", "1'b1"),
    Mutant("frame_dropped_beats_pass", "one_bit", "frame_check", "beat_valid_i && !dropping_q", "beat_valid_i"),
    Mutant("frame_drops_when_ready", "serial", "frame_check", "ready_i || dropping_q", "ready_i && !dropping_q"),
    Mutant("frame_event_missing", "serial", "frame_check", "(accept && broken_o);", "1'b0;"),
    Mutant("frame_event_of_whole_frames", "serial", "frame_check", "(accept && broken_o);", "accept;"),
    Mutant("frame_event_fades", "serial", "frame_check", "(event_q && !event_clear_i)", "1'b0"),
    Mutant("frame_event_stays", "serial", "frame_check", "(event_q && !event_clear_i)", "event_q"),
    Mutant("frame_load_of_the_last_beat", "carried_straddling", "frame_check", "(first ? beat_load_i : load_q)",
           "load_q"),
    Mutant("frame_load_of_a_samples_length", "graphs_carried", "frame_check", "(load_o ? IndexBits'(LoadBeats - 1)",
           "(load_o ? IndexBits'(Beats - 1)"),
    Mutant("reset_keeps_beat", "serial", "frame_check", *forgets("index_q")),
    Mutant("reset_keeps_dropping", "serial", "frame_check", *forgets("dropping_q", "1'b0")),
    Mutant("reset_keeps_event", "serial", "frame_check", *forgets("event_q", "1'b0")),
    Mutant("broken_frame_in_the_sums", "serial", "drive", "(rst_ni && !restart)", "(rst_ni)"),
    Mutant("broken_frame_stops_the_one_before", "serial", "drive", " && (read_bank_q == write_bank_q)", ""),
    Mutant("broken_frame_fills_a_bank", "one_bit", "drive", "if (accept && beat_whole_i) begin",
           "if (accept && (beat_whole_i || beat_broken_i)) begin"),
    # Solve.
    Mutant("old_change_lost", "one_bit", "solve", "&& (changed_q || retire_changed_q)", "&& retire_changed_q"),
    Mutant("no_early_exit", "cycling", "solve", "!retire_start_q && !retire_changed_q", "1'b0"),
    Mutant("exit_ignores_last_row", "one_bit", "solve", "!retire_changed_q && !changed_q", "!changed_q"),
    Mutant("exit_at_a_fixed_time", "timed_parallel", "solve", "(!FixedTime && !retire_start_q", "(!retire_start_q"),
    Mutant("retired_too_early", "timed_padded", "solve", "retire_valid = shift_valid_q", "retire_valid = sum_valid"),
    Mutant("retired_before_its_sum", "timed_parallel", "solve", "retire_valid = sum_valid", "retire_valid = load"),
    Mutant("another_row_retired", "timed_padded", "solve", "retire_tag = shift_tag_q", "retire_tag = sum_tag_q"),
    Mutant("row_of_another_sum_retired", "timed_parallel", "solve", "retire_tag = sum_tag_q", "retire_tag = tag_q3"),
    Mutant("rounded_beside_the_next_tag", "summed_saturating", "solve", "round_tag = shift_tag_q",
           "round_tag = sum_tag_q"),
    Mutant("rounded_too_late", "summed_saturating", "solve", "round_valid = shift_valid_q", "round_valid = sum_valid"),
    Mutant("one_update_less", "cycling", "solve", "IterationBits'(Iterations);", "IterationBits'(Iterations - 1);"),
    Mutant("one_update_more", "wide", "solve", "(retire_iteration_q == LastIteration)",
           "(retire_iteration_q > LastIteration)"),
    Mutant("padded_rows_change", "one_bit", "solve",
           "&& ((p < LastRows) || (state_row != RowBits'(RowGroups - 1)));", ";"),
    Mutant("start_from_old_state", "serial", "solve", "start_q2 ? '0 : column_phi", "column_phi"),
    Mutant("leak_in_start", "ternary_leak", "solve", "leak_start_q1 ? '0 : {phi", "{phi"),
    Mutant("leak_of_one", "ternary_leak", "solve", "}} - {{LeakShift{sign}}, phi}", "}}"),
    Mutant("leak_operand_sign", "mixed_leak", "solve", "sign = PhiSigned && ", "sign = 1'b0 && "),
    Mutant("leak_sign", "mixed_leak", "solve", "extended = PhiSigned ? ", "extended = 1'b0 ? "),
    Mutant("leak_of_the_first_rows", "mixed_leak", "solve", ".group_i(tag_row)", ".group_i('0)"),
    Mutant("phi_of_the_first_columns", "mixed", "solve", ".group_i(command_column_q)", ".group_i('0)"),
    Mutant("phi_without_sign", "mixed", "solve", ".DataSigned(PhiSigned)", ".DataSigned(1'b0)"),
    Mutant("leak_shift", "ternary_leak", "solve", "(ShiftBase - LeakShift)", "ShiftBase"),
    Mutant("in_place", "serial", "solve", "{write_slot, !write_tag_q", "{write_slot, write_tag_q"),
    Mutant("youngest_first", "wide", "solve", "may_run & older_q", "may_run"),
    Mutant("younger_slots_wait", "wide", "solve", "(older != '0) ? first_older : first_any", "first_older"),
    Mutant("slots_mingle", "wide", "solve", "older & (~older + 1'b1)", "older"),
    Mutant("start_again", "serial", "solve", "starts_q[retire_slot_q] <= 1'b0", "starts_q[retire_slot_q] <= 1'b1"),
    Mutant("start_walks_columns", "serial", "solve", ".skip_columns_i(start)", ".skip_columns_i(1'b0)"),
    Mutant("reset_keeps_ready", "serial", "solve", *forgets("ready_q")),
    Mutant("reset_keeps_done", "serial", "solve", *forgets("done_q")),
    Mutant("reset_keeps_oldest", "wide", "solve", *forgets("older_q", "'1")),
    # The unrolled solver's ring.
    Mutant("ring_exit_at_start", "ring_full", "solve", "(retire_iteration != '0) && !changed_q", "!changed_q"),
    Mutant("ring_exit_at_a_fixed_time", "ring_timed", "solve", "(!FixedTime && (retire", "((retire"),
    Mutant("ring_no_early_exit", "ring_full", "solve", "(retire_iteration != '0) && !changed_q", "1'b0"),
    Mutant("ring_one_update_less", "ring_cycling", "solve", "IterationBits'(Iterations);",
           "IterationBits'(Iterations - 1);"),
    Mutant("ring_one_update_more", "ring_cycling", "solve", "(retire_iteration == LastIteration)",
           "(retire_iteration > LastIteration)"),
    Mutant("ring_takes_an_occupied_place", "ring_full", "solve", "assign take = !again && ",
           "assign take = "),
    Mutant("ring_takes_nobody", "ring_full", "solve", "&& (waiting_q != '0)", "&& 1'b1"),
    Mutant("ring_wrong_slot", "ring_full", "solve", "again ? retire_slot : next_slot_q", "next_slot_q"),
    Mutant("ring_counts_one_place", "ring_full", "solve", "retire_iteration + 1'b1 : settled",
           "iteration_q + 1'b1 : settled"),
    Mutant("ring_start_from_old_state", "ring_full", "solve", "again ? retire_phi_q : start_phi", "retire_phi_q"),
    Mutant("ring_loses_a_load", "ring_cycling", "solve", "if (!loaded_i && take) waiting_q",
           "if (take) waiting_q"),
    Mutant("ring_slots_wrap_late", "ring_cycling", "solve", "SlotBits'(Slots - 1);", "SlotBits'(Slots);"),
    Mutant("ring_row_sign", "ring_full", "solve", "NegativeRows[i] ? preload - addend : ", ""),
    Mutant("ring_truncates", "ring_full", "solve", " + SumBits'(shifted[0])", ""),
    Mutant("ring_logical_shift", "ring_leak", "solve", "$signed({sum_q, 1'b0}) >>> Shift",
           "{sum_q, 1'b0} >> Shift"),
    Mutant("ring_compares_one_row", "ring_full", "solve", "updated_q != old;",
           "updated_q[StateBits-1:0] != old[StateBits-1:0];"),
    Mutant("ring_compares_another_sample", "ring_full", "solve",
           ": compare_tag[IterationBits+:SlotBits]", ": preload_slot"),
    Mutant("ring_drive_of_slot_0", "ring_full", "solve",
           "assign preload_slot = preload_tag[IterationBits+:SlotBits]", "assign preload_slot = '0"),
    Mutant("ring_tag_too_early", "ring_full", "solve", ".Depth(Stages - 4)", ".Depth(Stages - 3)"),
    Mutant("ring_leak_in_start", "ring_leak", "solve", "start_q2 ? '0 : {phi", "{phi"),
    Mutant("ring_leak_of_one", "ring_leak", "solve", " - {{LeakShift{sign}}, phi}", ""),
    Mutant("ring_leak_operand_sign", "ring_mixed_leak", "solve", "sign = PhiSigned && ", "sign = 1'b0 && "),
    Mutant("ring_leak_sign", "ring_mixed_leak", "solve", "extended = PhiSigned ? ", "extended = 1'b0 ? "),
    Mutant("ring_leak_shift", "ring_leak", "solve", "RowShiftBits]) - LeakShift;", "RowShiftBits]);"),
    Mutant("ring_reset_keeps_valid", "ring_full", "solve", *forgets("valid_q", "1'b0")),
    Mutant("ring_reset_keeps_waiting", "ring_warm", "solve", *forgets("waiting_q")),
    Mutant("ring_reset_keeps_slot", "ring_full", "solve", *forgets("next_slot_q")),
    Mutant("ring_reset_keeps_done", "ring_full", "solve", *forgets("done_q")),
    # The drive as a graph.
    Mutant("graph_ready_when_full", "graph_drive", "drive", "!(last_beat && complete_q) || issue", "1'b1"),
    Mutant("graph_waits_for_the_command", "graphs_single", "drive", "complete_q) || issue", "complete_q)"),
    Mutant("graph_takes_without_valid", "graph_drive", "drive", "beat_valid_i && beat_ready_o",
           "beat_ready_o"),
    Mutant("graph_no_slot_credit", "graph_drive", "drive", "complete_q && slot_free", "complete_q"),
    Mutant("graph_sample_twice", "graph_drive", "drive", "(complete_q && !issue)", "complete_q"),
    Mutant("graph_sample_lost", "graph_drive", "drive", " || (complete_q && !issue)", ""),
    Mutant("graph_newest_beat_first", "graph_drive", "drive", "{beat_i, collected_q}",
           "{collected_q, beat_i}"),
    Mutant("graph_beats_stay", "graph_drive", "drive", "if (accept) collected_q <= collected[",
           "if (accept && last_beat) collected_q <= collected["),
    Mutant("graph_words_change", "graph_drive", "drive", "if (accept && beat_whole_i) words_q <= collected",
           "if (accept) words_q <= collected"),
    Mutant("graph_one_beat_any_time", "graphs_wide", "drive", "if (accept && beat_whole_i) words_q <= beat_i;",
           "words_q <= beat_i;"),
    Mutant("graph_slots_wrap_late", "graph_drive", "drive", "SlotBits'(Slots - 1);", "SlotBits'(Slots);"),
    Mutant("graph_one_slot", "graph_drive", "drive", "else if (issue) slot_q", "else if (1'b0) slot_q"),
    Mutant("graph_tag_too_early", "graph_drive", "drive", ".Depth(Stages + 1)", ".Depth(Stages)"),
    Mutant("graph_truncates", "graph_drive", "drive", ":SumBits] + Half;", ":SumBits];"),
    Mutant("graph_no_bias", "graph_drive", "drive", "Biases[i*SumBits+:SumBits] + Half", "Half"),
    Mutant("graph_no_left_shift", "graph_drive_shifted", "drive", " << LeftShift", ""),
    Mutant("graph_drive_sign", "graph_drive", "drive", "NegativeRows[i] ? Offset - addend : ", ""),
    Mutant("graph_logical_shift", "graph_drive_shifted", "drive", "(sum_q >>> Shift)",
           "($unsigned(sum_q) >> Shift)"),
    Mutant("graph_takes_a_broken_frame", "graph_drive", "drive", "(accept && beat_whole_i) || (complete_q",
           "(accept && last_beat) || (complete_q"),
    Mutant("graph_reset_keeps_complete", "graph_drive", "drive", *forgets("complete_q", "1'b0")),
    Mutant("graph_reset_keeps_slot", "graph_drive", "drive", *forgets("slot_q")),
    # The readout as a graph.
    Mutant("graph_abs", "graph_readout", "readout", ".Reflect  (1'b0)", ".Reflect  (1'b1)"),
    Mutant("graph_row_0", "graph_readout", "readout", "select_row == RowBits'(i)", "i == 0"),
    Mutant("graph_row_too_early", "graph_readout", "readout", ".Depth(Stages + 3)", ".Depth(Stages + 2)"),
    Mutant("graph_write_too_early", "graph_readout", "readout", ".Depth(2)", ".Depth(1)"),
    Mutant("graph_last_is_first", "graph_readout", "readout", "{row, last_row, issue}",
           "{row, row == '0, issue}"),
    Mutant("graph_no_alignment", "graph_readout", "readout", " << RowShifts[i*RowShiftBits+:RowShiftBits]",
           ""),
    Mutant("graph_output_without_bias", "graph_readout", "readout", "bias = Biases[i*OutputBits+:OutputBits]",
           "bias = '0"),
    Mutant("graph_output_sign", "graph_readout", "readout", "negative_q ? bias_q - aligned_q : ", ""),
    Mutant("graph_sign_of_the_next", "graph_readout", "readout", "negative_q ? bias_q", "negative ? bias_q"),
    Mutant("graph_few_rows_in_flight", "graphs_everywhere", "readout", "(Stages + 7)", "(Stages + 6)"),
    # Readout and streams.
    Mutant("readout_of_abs", "serial", "readout", ".Reflect  (1'b0)", ".Reflect  (1'b1)"),
    Mutant("prox_without_sign", "mixed", "readout", ".DataSigned(ProxSigned)", ".DataSigned(1'b0)"),
    Mutant("prox_of_the_first_columns", "mixed", "readout", ".group_i(column_o)", ".group_i('0)"),
    Mutant("prox_table_too_early", "mixed_serial", "readout", ".Latency  (3)", ".Latency  (2)"),
    Mutant("no_alignment", "leak_saturating", "readout", "sum << sum_shift_q", "sum"),
    Mutant("no_bias", "serial", "readout", "aligned_q + aligned_bias_q", "aligned_q"),
    Mutant("last_is_first", "serial", "readout", "{issue, row, last_row}", "{issue, row, row == '0}"),
    Mutant("last_always", "serial", "readout", "output_last_q <= aligned_last_q", "output_last_q <= 1'b1"),
    Mutant("no_row_credit", "leak_saturating", "readout_control", "|| room)", "|| 1'b1)"),
    Mutant("flag_of_a_broken_frame", "signed", "end_flag", "found && !whole_q && !broken_q", "found && !whole_q"),
    Mutant("flag_of_padding", "signed", "end_flag", "(l < LastWords) || !whole_i", "1'b1"),
    Mutant("flag_of_a_load", "tables_carried", "top", "taken && !load", "taken"),
    Mutant("row_buffer_too_small", "graphs_everywhere", "readout_control", "BufferRows = Depth + 2",
           "BufferRows = Depth + 1"),
    Mutant("credit_for_every_offer", "leak_saturating", "readout_control", "leaves_q <= valid_o && ready_i",
           "leaves_q <= valid_o"),
    Mutant("credit_leaks", "leak_saturating", "credits", "if (!give_i && take_i)", "if (take_i)"),
    Mutant("credit_is_made", "leak_saturating", "credits", "if (give_i && !take_i)", "if (give_i)"),
    Mutant("credit_never_taken", "leak_saturating", "credits", "if (!give_i && take_i)", "if (1'b0)"),
    Mutant("reset_keeps_credits", "serial", "credits", *forgets("credits_q", "Bits'(Credits)")),
    Mutant("reset_keeps_slot", "serial", "readout_control", *forgets("slot_q")),
    Mutant("data_changes_in_stall", "serial", "fifo", "= memory[read_q]", "= memory[ready_i ? read_q : write_q]"),
    Mutant("valid_drops_in_stall", "serial", "fifo", "= count_q != '0", "= (count_q != '0) && (ready_i || !write_i)"),
    Mutant("pointer_wraps_late", "serial", "fifo", "PointerBits'(Depth - 1)", "PointerBits'(Depth)"),
    # A feed-through.
    Mutant("direct_of_the_states", "direct", "feedthrough", "row_i >= RowBits'(Skipped)", "1'b1"),
    Mutant("direct_from_lane_0", "direct", "feedthrough", "States % Pe - LowestLane", "0"),
    Mutant("direct_never_pops", "direct", "feedthrough", "(lane_q == LaneBits'(Lanes - 1))", "1'b0"),
    Mutant("direct_keeps_a_group", "direct", "feedthrough", "step_i && (last_i || ", "step_i && ("),
    Mutant("direct_group_too_few", "direct", "feedthrough", ".Depth(Slots * Groups)", ".Depth(Slots * Groups - 1)"),
    Mutant("direct_reset_keeps_lane", "direct", "feedthrough", "!rst_ni) lane_q <= LaneBits'(FirstLane)",
           "!rst_ni) lane_q <= $isunknown(lane_q) ? LaneBits'(FirstLane) : lane_q"),
    Mutant("direct_unsigned", "direct_serial", "top", "OutputBits'($signed(word))", "OutputBits'(word)"),
    Mutant("direct_not_aligned", "ring_direct", "readout", "<< RowShiftBits'(RowShifts >> (i * RowShiftBits))", ""),
    Mutant("direct_too_late", "direct_parallel", "readout", ".Depth(5 + Late + Stages)", ".Depth(4 + Late + Stages)"),
    Mutant("direct_graph_too_late", "graphs_direct", "readout", ".Depth(3 + Stages)", ".Depth(2 + Stages)"),
    Mutant("direct_words_to_the_solver", "direct_serial", "top", "(drive_row < DriveRowBits'(StateGroups))", "1'b1"),
    # A carried state.
    Mutant("carried_truncated", "carried_serial", "carried", " + Half", ""),
    Mutant("carried_wraps_above", "carried_straddling", "carried", "rounded > SumBits'(Most)", "1'b0"),
    Mutant("carried_wraps_below", "carried_straddling", "carried", "rounded < SumBits'(Least)", "1'b0"),
    Mutant("carried_one_late", "carried_parallel", "carried", "if (taken_i) fresh_q", "if (1'b0) fresh_q"),
    Mutant("carried_load_seen_by_the_drive", "carried_straddling", "top", "load ? '0 : IndexBits'(index)",
           "IndexBits'(index)"),
    Mutant("carried_load_in_one_beat", "carried_serial", "carried", "load && (beat_index_i == IndexBits'(b))", "load"),
    Mutant("carried_load_is_a_sample", "carried_serial", "carried", "beat_valid_i && !load_i", "beat_valid_i"),
    Mutant("carried_takes_a_broken_load", "carried_straddling", "carried", "if (load && whole_i)", "if (load)"),
    Mutant("carried_counts_broken_samples", "carried_serial", "carried", "drive_ready_i && whole_i", "drive_ready_i"),
    Mutant("carried_not_reset", "carried_serial", "carried", "state_q <= Initial;",
           "state_q <= $isunknown(state_q) ? Initial : state_q;"),
    Mutant("carried_lane_of_an_input", "carried_straddling", "drive", " && (g * Simd + l >= Inputs)", ""),
    Mutant("carried_row_streamed", "carried_serial", "readout_control", "write_i && (written_q < FirstCarried)",
           "write_i"),
    Mutant("carried_takes_a_credit", "carried_serial", "readout_control", "issue && first_column && streams",
           "issue && first_column"),
    # A warm start.
    Mutant("warm_starts_anew", "warm_padded", "solve", "settled_q ? IterationBits'(FirstWarmUpdate) : '0", "'0"),
    Mutant("warm_one_update_more", "warm_leak", "solve", "IterationBits'(FirstWarmUpdate)",
           "IterationBits'(FirstWarmUpdate - 1)"),
    Mutant("warm_start_as_well", "warm_padded", "solve", "!(Warm && settled_q)", "1'b1"),
    Mutant("warm_before_the_readout", "warm_padded", "solve", "Warm ? ready_q & older_q & (~older_q + 1'b1) : ready_q",
           "ready_q"),
    Mutant("warm_columns_of_its_slot", "warm_padded", "solve", "column_slot = Warm ? '0 : command_slot_q",
           "column_slot = command_slot_q"),
    Mutant("warm_rows_of_its_slot", "warm_leak", "solve", "row_slot = Warm ? '0 : tag_slot", "row_slot = tag_slot"),
    Mutant("warm_reads_its_slot", "warm_leak", "solve", "shown_slot = Warm ? '0 : read_slot_i",
           "shown_slot = read_slot_i"),
    Mutant("warm_after_reset", "warm_padded", "solve", *forgets("settled_q", "1'b0")),
    Mutant("ring_warm_from_zero", "ring_warm", "solve", "settled_q ? last_phi_q : '0", "'0"),
    Mutant("ring_warm_not_held", "ring_warm", "solve", "if (take) held_q <= 1'b1;", "if (1'b0) held_q <= 1'b1;"),
    Mutant("ring_warm_after_reset", "ring_warm", "solve", *forgets("settled_q", "1'b0")),
    Mutant("ring_warm_reset_keeps_held", "ring_warm", "solve", "held_q <= 1'b0;\n        settled_q",
           "held_q <= ($isunknown(held_q)) ? 1'b0 : held_q;\n        settled_q"),
    Mutant("ring_warm_leak_of_its_slot", "ring_warm_leak", "solve", "Warm ? '0 : preload_slot", "preload_slot"),
    Mutant("ring_warm_writes_its_slot", "ring_warm", "solve", "written_slot = Warm ? '0 : retire_slot",
           "written_slot = retire_slot"),
    # The guard and the memories' parity, where nothing is upset.
    Mutant("guard_impatient", "mixed", "guard", "== QuietBits'(Watchdog)", "== QuietBits'(Watchdog / 8)"),
    Mutant("guard_forgets_samples", "mixed", "guard", "if (sample_i && !done) samples_q", "if (1'b0) samples_q"),
    Mutant("guard_frames_without_end", "mixed", "guard", "last_o = at_end", "last_o = 1'b0"),
    Mutant("guard_blocks", "mixed", "guard", "ready_o = ready_i && !fill_q", "ready_o = ready_i && fill_q"),
    Mutant("parity_even", "tables_ternary", "rom", "!(^checked_q)", "^checked_q"),
    Mutant("parity_reads_the_next", "tables_ternary", "rom", "read_i ? address_i :", "!read_i ? address_i :"),
    # Straight cores.
    Mutant("straight_turn_too_long", "straight_tables", "solve", ".Depth(Stages - 2)", ".Depth(Stages - 1)"),
    Mutant("straight_start_waits", "straight_once", "solve", "(loaded_i || (waiting_q != '0))", "(waiting_q != '0)"),
    Mutant("straight_place_not_empty", "straight_tables", "solve", "if (!enters_q) phi_q", "if (1'b0) phi_q"),
    Mutant("straight_one_turn_less", "straight_tables", "solve", "= IterationBits'(Iterations)",
           "= IterationBits'(Iterations - 1)"),
    Mutant("straight_least_word", "straight_once", "solve", "kept[0] || least", "kept[0]"),
    Mutant("straight_saturates_to_the_other_end", "straight_once", "solve", ": {negative,", ": {!negative,"),
    Mutant("straight_saturates_late", "straight_once", "solve", "kept[Kept-1:StateBits-1] ==",
           "kept[Kept-1:StateBits-1] >="),
    Mutant("straight_start_without_low_bits", "straight_mixed", "solve", "Starts[i*StartBits+:LeftShift]",
           "{LeftShift{1'b0}}"),
    Mutant("straight_logical_shift", "straight_mixed", "solve", "start >>> DriveShifts", "start >> DriveShifts"),
    Mutant("straight_sign", "straight_mixed", "solve", "NegativeRows[i] ? preload - addend : ", ""),
    Mutant("straight_words_of_the_next", "straight_tables", "solve", "slot_q <= ring_valid ? ring_slot : next_slot_q",
           "slot_q <= next_slot_q"),
    Mutant("straight_output_without_bias", "straight_once", "readout", "? bias - aligned : bias + aligned",
           "? -aligned : aligned"),
    Mutant("straight_output_not_aligned", "straight_once", "readout", " << RowShifts[i*RowShiftBits+:RowShiftBits]",
           ""),
    Mutant("straight_output_too_early", "straight_once", "readout", ".Depth(Stages + 2)", ".Depth(Stages + 1)"),
    Mutant("straight_buffer_too_small", "straight_once", "readout", ".Depth(Slots)", ".Depth(Slots - 1)"),
    Mutant("straight_start_value", "straight_once", "drive", "Starts[p*SumBits+LeftShift+:HeldBits]", "'0"),
    Mutant("straight_loaded_late", "straight_once", "drive", ".Depth(6 + Late + Stages)", ".Depth(7 + Late + Stages)"),
    Mutant("straight_tables_late", "straight_tables", "matvec_tables", "3 - int'(Early)", "3"),
    Mutant("straight_sum_late", "straight_tables", "matvec_tables", "5 - int'(Early)", "5"),
    Mutant("straight_lanes_unsigned", "straight_mixed", "top", "OutputLaneBits'($signed(result[l",
           "OutputLaneBits'((result[l"),
    Mutant("straight_reset_keeps_slot", "straight_once", "solve", *forgets("next_slot_q")),
    Mutant("unsigned_output", "one_bit", "top", "OutputBits{result[OutputBits-1]}", "OutputBits{1'b0}"),
)  # fmt: skip


def simulated(mutant: Mutant, folder: Path, *tests: str) -> BenchResult:
    """A mutant under some tests, or all; one that does not compile raises SimulationError: it is no mutant."""
    corner = {**CORNERS, **DIRECT, **CARRIED, **WARM}[mutant.corner]()
    build = folder / "build"
    if not build.exists():
        source = corner.build(build) / "rtl" / "src" / f"mondeq_{mutant.module}.sv"
        text = source.read_text()
        assert text.count(mutant.original) == 1, "the mutant's pattern must occur exactly once"
        source.write_text(text.replace(mutant.original, mutant.mutated))
    words = random_words(3, corner.program, 12)
    return run_bench(build, folder / "work", words=words, seed=1, simulator="icarus", tests=tests)


@pytest.mark.parametrize("mutant", one_in(10, MUTANTS))
def test_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    # The first test finds most of them.
    result = simulated(mutant, tmp_path, "back_to_back")
    if not result.failures:
        result = simulated(mutant, tmp_path)
    assert result.failures, f"{mutant.name} survived {', '.join(result.passed)}"


def test_words_that_a_reset_leaves_in_a_ring_reach_no_sample(tmp_path: Path) -> None:
    """A reset of one cycle empties the places of a straight core's ring, not its graph, which the drive may outrun."""
    corner = straight_deep()
    words = random_words(3, corner.program, 12)
    for waits in (True, False):
        build = tmp_path / f"waits_{waits}"
        top = corner.build(build) / "rtl" / "src" / "mondeq_top.sv"
        if not waits:
            text = top.read_text()
            assert text.count(" && drained") == 2
            top.write_text(text.replace(" && drained", ""))
        tests = ("random_resets",)
        result = run_bench(build, build / "work", words=words, seed=1, simulator="icarus", tests=tests)
        assert bool(result.failures) != waits


#: Of each kind of assertion a mistake, the assertion, and whether it alone sees it: words and cycles of a run without
#: stalls are right all the same.
ASSERTED = (
    (Mutant("overrun", "graphs_everywhere", "readout_control", ".Depth(BufferRows)", ".Depth(1)"),
     "u_readout.u_control.u_buffer.u_no_overrun", True),
    (Mutant("underrun", "direct", "feedthrough", "(last_i || (lane_q == LaneBits'(Lanes - 1)))", "1'b1"),
     "u_feedthrough.u_no_underrun", False),
    (Mutant("credits", "serial", "credits", "credits_q <= Bits'(Credits);",
            "credits_q <= Bits'(Credits + Credits / 9);"),
     "u_readout.u_control.u_room.u_range", False),
    (Mutant("counter", "carried_serial", "carried", "samples_q <= samples_q + 1'b1", "samples_q <= samples_q"),
     "u_carried.u_samples", True),
    (Mutant("address", "serial", "drive", "slot_q, row, last_row}", "slot_q, issue ? row : '1, last_row}"),
     "u_drive.u_row_address", True),
    (Mutant("grant", "wide", "solve", "first_any = may_run & (~may_run + 1'b1)", "first_any = may_run"),
     "u_solve.u_one_grant", False),
    (Mutant("stable", "serial", "fifo", "= count_q != '0", "= (count_q != '0) && (ready_i || !write_i)"),
     "u_readout.u_control.u_buffer.u_stable", False),
)  # fmt: skip


@pytest.mark.parametrize(("mutant", "assertion", "alone"), ASSERTED, ids=lambda part: getattr(part, "name", None))
def test_an_assertion_sees_it(mutant: Mutant, assertion: str, alone: bool, tmp_path: Path) -> None:
    result = simulated(mutant, tmp_path, "blocked_sink" if mutant.name == "stable" else "back_to_back")
    asserted = [failure.message for failure in result.failures if failure.test == ASSERTION]
    assert any(f"{assertion} does not hold" in message for message in asserted), result.failures
    assert alone == bool(result.passed)
