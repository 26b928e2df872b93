"""The control of the engines as units: their slots, banks and updates, whatever the words.

What the words are is free, and so a row that has changed is one that may be any;
the properties are of whose words are read and written, and when.  A drive's
inputs are not computed: of them the words themselves are followed.
"""

from __future__ import annotations

from .unit import Mutant, Unit, grid

#: The drive loads as soon as there is a slot, the readout frees at once, and the slot that is looked at is the first.
_EAGER = """
  (* anyconst *) logic [1:0] f_pattern;  // whether a last row, and another, changes
  always_comb if (f_old) begin
    assume (rst_ni && f_slot < 2);
    assume (loaded_i == (32'(f_count_q) < Slots) && release_i == (f_count_q != '0 && done_q[f_oldest_q]));
    assume (read_slot_i == f_oldest_q && retire_changed_q == f_pattern[retire_last_row_q]);
  end
"""

_EAGER_RING = """
  always_comb if (f_old) begin
    assume (rst_ni && f_slot < 2 && read_slot_i == f_oldest_q);
    assume (loaded_i == (32'(f_count_q) < Slots) && release_i == (f_entered != '0 && done_q[f_oldest_q]));
  end
"""

ENGINE_UNITS = (
    Unit(
        "folded/drive",
        "every sample's beats go into a bank that no sample to be driven occupies; its commands have its words, take "
        "every step of the matrix once, behind its beat; its rows go to the next slot once that is free, each once",
        cases=(
            dict(Rows=2, Columns=2, Inputs=2, Slots=3, InputBits=2),
            dict(Rows=3, Columns=5, Inputs=3, Pe=2, Simd=2, Slots=2, InputBits=1),  # carried words
            dict(Rows=1, Columns=1, Inputs=1, Slots=3, InputBits=1),  # a sample in every cycle
            dict(Rows=2, Columns=3, Inputs=3, Pe=2, Simd=3, Slots=2, TableWords=2, Straight=1),
            dict(Rows=4, Columns=6, Inputs=6, Pe=4, Simd=2, Slots=5, InputBits=3, Straight=1),
            dict(Rows=4, Columns=6, Inputs=6, Pe=2, Simd=6, Slots=2, InputBits=1, Adders=2),
            dict(Rows=33, Columns=40, Inputs=40, Slots=6, InputBits=8),  # weights in two banks
            dict(Rows=100, Columns=784, Inputs=784, Pe=10, Simd=16, Slots=24, InputBits=8),
            dict(Rows=30, Columns=64, Inputs=60, Pe=6, Simd=8, Slots=7, InputBits=8),
            *grid(Rows=(1, 5), Columns=(4,), Inputs=(4, 1), Slots=(2, 4), InputBits=(1,)),
            *grid(Rows=(7,), Columns=(11,), Inputs=(11, 9), Pe=(3, 7), Simd=(4, 8), Slots=(5,), InputBits=(2,),
                  TableWords=(0, 2)),
        ),
        mutants=(
            Mutant(".RowGroups   (RowGroups)", ".RowGroups   (RowGroups - 1)"),
            Mutant("restart = accept && beat_broken_i", "restart = 1'b0"),
            Mutant("{issue, slot_q, row, last_row}", "{issue, slot_q, row, last_column}", cycle=4),
            Mutant(".data_i(sum_valid)", ".data_i(load)", cycle=8),
            Mutant(".data_i(finish)", ".data_i(issue)", case=4),
            Mutant("beat_ready_o = !full_q[write_bank_q]", "beat_ready_o = 1'b1"),
            Mutant("if (finish) full_q[read_bank_q] <= 1'b0", "if (finish) full_q <= '0"),
            Mutant("banks[{write_bank_q, beat}] <= beat_i", "banks[{read_bank_q, beat}] <= beat_i"),
            Mutant("word_q <= banks[{read_bank_q, column}]", "word_q <= banks[{write_bank_q, column}]"),
            Mutant("lanes_q <= lanes", "lanes_q <= '0", case=1),
            Mutant(".Depth(1 + Late)", ".Depth(2 + Late)"),
            Mutant("(!first_command_q || slot_free)", "1'b1", case=2),
            Mutant("beat_broken_i && (read_bank_q == write_bank_q)", "beat_broken_i"),
            Mutant("arrives = accept && !beat_broken_i", "arrives = accept"),
            Mutant("(issue ? (column + 1'b1 != beat) : present_q)", "present_q"),
            Mutant("full_q[!read_bank_q] || arrives || ((beat", "full_q[!read_bank_q] || ((beat"),
            Mutant("full_q[!read_bank_q] || arrives || ((beat", "arrives || ((beat"),
            Mutant("|| ((beat != '0) && !accept)", ""),
            Mutant("(slot_q == LastSlot) ? '0 : slot_q + 1'b1", "slot_q + 1'b1", case=2),
            Mutant("first_command_q <= finish", "first_command_q <= last_column"),
            Mutant("sum_tag_q <= tag_q2", "sum_tag_q <= tag_q1", case=2),
            Mutant("loaded_o = write_o && last", "loaded_o = write_o"),
            Mutant("finish = issue && last_column && last_row", "finish = issue && last_row"),
            Mutant(".take_i (issue && first_command_q)", ".take_i (issue)"),
            Mutant(".give_i (release_i)", ".give_i (1'b0)", case=2),
            Mutant(".step_i        (issue)", ".step_i        (present_q)", case=1, cycle=5),
            Mutant("(column < ColumnBits'(FirstCarried)) || fresh_i", "1'b1", case=1),
        ),
        steps=2,
        depth=14,
        needs=("delay", "matvec_counter", "credits"),
        hollow=("matvec", "matvec_tables", "rom", "round_shift"),
        free=("load", "sum_valid", "drive_o", "memory_error_o"),
        short_mutants=5,
    ),
    Unit(
        "folded/solve",
        "every update of every sample, numbered from its first, reads the states that the one before has written and "
        "writes each row of the other bank once; done when it may be, taken in turn, no cycle idle",
        cases=(
            dict(Rows=2, Slots=3, Iterations=2),
            dict(Rows=3, Pe=2, Simd=2, Slots=2, Iterations=3, FirstWarmUpdate=2),
            dict(Rows=1, Slots=2, Iterations=2),
            dict(Rows=1, Slots=2, Iterations=1),
            dict(Rows=3, Pe=2, Simd=3, Slots=3, Iterations=2, FixedTime=1),
            dict(Rows=3, Pe=1, Simd=3, Slots=3, Iterations=2, FixedTime=1, Adders=2),
            dict(Rows=33, Slots=6, Iterations=9),  # weights in two banks
            dict(Rows=100, Pe=10, Simd=10, Slots=24, Iterations=55, DrivePe=4, ReadoutSimd=4),
            *grid(Rows=(1, 5), Slots=(2, 4, 7), Iterations=(1, 40), FirstWarmUpdate=(0, 1)),
            *grid(Rows=(7,), Pe=(3, 7), Simd=(4, 7), Slots=(5,), Iterations=(12,), FirstWarmUpdate=(0, 7)),
            *grid(Rows=(1, 7), Pe=(1,), Simd=(1,), Slots=(2, 5), Iterations=(1, 12), FirstWarmUpdate=(0, 1),
                  FixedTime=(0, 1), Adders=(1, 2)),
            *grid(Rows=(7,), Pe=(3, 7), Simd=(4, 7), Slots=(5,), Iterations=(12,), FirstWarmUpdate=(0, 7),
                  FixedTime=(1,), Adders=(1, 3)),
        ),
        mutants=(
            Mutant("ready_q <= ready_q & ~chosen;", "ready_q <= ready_q;"),
            Mutant("first_older = older & (~older + 1'b1)", "first_older = older"),
            Mutant("&& (!busy_q || job_end)", "&& !busy_q"),
            Mutant("&& (!busy_q || job_end)", "&& (!busy_q || last_column)"),
            Mutant("may_run = Warm ? ready_q & older_q & (~older_q + 1'b1) : ready_q", "may_run = ready_q", case=1),
            Mutant("settled_q ? IterationBits'(FirstWarmUpdate) : '0", "'0", case=1),
            Mutant(".step_i        (busy_q)", ".step_i        (1'b1)"),
            Mutant("command_q <= busy_q;", "command_q <= busy_q && !job_end;"),
            Mutant("sum_tag_q   <= tag_q3", "sum_tag_q   <= tag_q2", cycle=11),
            Mutant("retire_valid = write_valid_q", "retire_valid = write_valid_q && !write_tag_q[0]", cycle=15),
            Mutant(".read_bank_i  ({column_slot, command_bank_q})", ".read_bank_i  ({column_slot, !command_bank_q})"),
            Mutant("state_bank = {write_slot, !write", "state_bank = {write_slot, write", cycle=13),
            Mutant("_row_q && (changed_q || retire_changed_q)", "_row_q && changed_q", cycle=15),
            Mutant("!retire_start_q && !retire_changed_q", "!retire_changed_q", cycle=17),
            Mutant("chosen = (older != '0) ? first_older", "chosen = older[Slots-1] ? Slots'(1) << (Slots - 1)"),
            Mutant("(i > int'(read_slot_i))", "(i >= int'(read_slot_i))", case=3, cycle=29),
            Mutant(".begin_i      (take)", ".begin_i      (job_end)"),
            Mutant("iteration_q[retire_slot_q] <= retire_iteration_q + 1'b1", "iteration_q[0] <= '0", cycle=16),
            Mutant("starts_q[retire_slot_q] <= 1'b0;", "", cycle=16),
            Mutant(".skip_columns_i(start)", ".skip_columns_i(1'b0)"),
            Mutant(".valid_i  (command_q)", ".valid_i  (command_q && !command_start_q)"),
            Mutant("retire_start_q <= retire_tag[RowBits+1]", "retire_start_q <= retire_tag[0]", cycle=14),
            Mutant(".read_bank_i  ({row_slot, tag_bank})", ".read_bank_i  ({row_slot, !tag_bank})"),
            Mutant(".read_bank_i  (tag_slot)", ".read_bank_i  (~tag_slot)"),
            Mutant("state_row = write_tag_q[RowBits:1]", "state_row = round_tag[RowBits:1]", cycle=13),
            Mutant("state_write = write_valid_q", "state_write = retire_valid_q", cycle=13),
            Mutant("bank_q[retired_slot] <= !bank_q[retired_slot]", "bank_q[retired_slot] <= 1'b0", cycle=17),
            Mutant("!retire_last_row_q && (changed_q || retire_changed_q)", "changed_q || retire_changed_q", cycle=17),
            Mutant("(!FixedTime && !retire_start_q && !retire_changed_q && !changed_q)", "1'b0", case=2, cycle=28),
            Mutant("(retire_iteration_q == LastIteration)", "1'b0", case=3, cycle=28),
            Mutant("done_q[read_slot_i] <= 1'b0", "done_q[read_slot_i] <= release_i", case=3, cycle=31),
            Mutant("{shown_slot, bank_q[shown_slot]}", "{shown_slot, !bank_q[shown_slot]}", case=3, cycle=28),
            Mutant("retire_tag = shift_tag_q", "retire_tag = sum_tag_q", case=4, cycle=16),
            Mutant("retire_valid = shift_valid_q", "retire_valid = sum_valid", case=4, cycle=16),
            Mutant("retire_valid = sum_valid", "retire_valid = load", case=5, cycle=16),
            Mutant("!FixedTime && !retire_start_q", "!retire_start_q", case=5, cycle=28),
        ),
        steps=1,
        depth=7,
        needs=("delay", "matvec_counter", "matvec", "slot_watch"),
        hollow=("regroup", "clip_lanes", "rom", "weights", "product", "adder_tree", "round_shift", "saturate"),
        free=("state_o", "memory_error_o", "retire_changed_q"),
        scene=_EAGER,
        short=2,
        short_mutants=14,
    ),
    Unit(
        "unrolled/drive",
        "every sample's beats are kept until it is read, whole and in order, which is at once where a slot is free; "
        "it goes to the next slot in turn, once that is free, as many cycles later as its graph has",
        cases=(
            dict(Rows=1, Columns=4, Inputs=3, Simd=1, Slots=3, InputBits=2, Stages=2),  # a carried word
            dict(Rows=2, Columns=2, Inputs=2, Simd=2, Slots=2, InputBits=1, Stages=1),
            *grid(Rows=(1,), Columns=(7, 40), Inputs=(7,), Simd=(1, 3, 7), Slots=(2, 24), InputBits=(3,),
                  Stages=(1, 9)),
        ),
        mutants=(
            Mutant("loaded_o = write_o", "loaded_o = issue"),
            Mutant("complete_q && slot_free && fresh_i", "complete_q && fresh_i", case=1),
            Mutant("{beat_i, collected_q}", "{collected_q, beat_i}"),
            Mutant("beat_ready_o = !(last_beat && complete_q) || issue", "beat_ready_o = 1'b1"),
            Mutant("taken_o = issue", "taken_o = complete_q"),
            Mutant("(slot_q == LastSlot) ? '0 : slot_q + 1'b1", "slot_q + 1'b1", cycle=14),
            Mutant("{carried_i, words_q[Inputs*InputBits-1:0]}", "{words_q[Inputs*InputBits-1:0], carried_i}"),
            Mutant("{issue, slot_q}", "{issue, ~slot_q}"),
            Mutant("|| (complete_q && !issue)", ""),
            Mutant("complete_q && slot_free && fresh_i", "complete_q && slot_free"),
            Mutant(".give_i (release_i)", ".give_i (1'b0)", case=1),
            Mutant(".Depth(Stages + 1)", ".Depth(Stages + 2)"),
            Mutant("if (accept) collected_q", "collected_q"),
            Mutant("row_o = 1'b0", "row_o = write_o"),
        ),
        steps=2,
        depth=10,
        needs=("delay", "credits"),
        hollow=("drive_graph",),
        free=("drive_o",),
        short_mutants=8,
    ),
    Unit(
        "unrolled/solve",
        "every sample keeps its place in the ring update after update, numbered from its first, until it is done; they "
        "enter in turn, and no free place is left to itself while one waits",
        cases=(
            dict(Rows=2, Slots=3, Stages=4, Iterations=1, LeakShift=1, RowShifts=3),
            dict(Rows=2, Slots=2, Stages=5, Iterations=2, FirstWarmUpdate=2),
            dict(Rows=1, Slots=12, Stages=4, Iterations=3),
            dict(Rows=1, Slots=2, Stages=4, Iterations=3, FixedTime=1),
            *grid(Slots=(2, 4, 24), Stages=(4, 6, 9), Iterations=(1, 40), FirstWarmUpdate=(0, 1), LeakShift=(0, 1),
                  RowShifts=(1,)),
        ),
        mutants=(
            Mutant("!again && (waiting_q != '0)", "(waiting_q != '0)", case=2, cycle=11),
            Mutant("(retire_iteration != '0) && !changed_q", "!changed_q", cycle=12),
            Mutant("(retire_iteration == LastIteration)", "1'b0", cycle=21),
            Mutant("(!FixedTime && (retire", "((retire", case=3, cycle=24),
            Mutant("again ? retire_iteration + 1'b1", "again ? retire_iteration", cycle=12),
            Mutant("slot_q <= again ? retire_slot", "slot_q <= again ? next_slot_q", case=2, cycle=12),
            Mutant("(next_slot_q == LastSlot) ? '0 : next_slot_q + 1'b1", "next_slot_q + 1'b1"),
            Mutant("if (loaded_i && !take) waiting_q", "if (loaded_i) waiting_q"),
            Mutant(" && !held;", ";", case=1),
            Mutant("if (leave) settled_q", "if (take) settled_q", case=1),
            Mutant("settled ? IterationBits'(FirstWarmUpdate) : '0", "'0", case=1, cycle=25),
            Mutant("if (release_i) done_q[read_slot_i] <= 1'b0", "", cycle=22),
            Mutant(".end_i        (leave)", ".end_i        (again)", cycle=12),
            Mutant(".data_i(compare_tag)", ".data_i(compare_tag ^ 1'b1)", cycle=11),
            Mutant(".read_bank_i  (compare_slot)", ".read_bank_i  (~compare_slot)", cycle=8),
            Mutant(".read_bank_i  (shown_slot)", ".read_bank_i  (~shown_slot)", cycle=21),
            Mutant(".read_bank_i  (preload_slot)", ".read_bank_i  (~preload_slot)", cycle=3),
            Mutant("written_slot = Warm ? '0 : retire_slot", "written_slot = '0", cycle=12),
            Mutant("(Warm ? '0 : preload_slot)", "(Warm ? '0 : ~preload_slot)"),
        ),
        steps=8,
        depth=7,
        needs=("delay", "slot_watch"),
        hollow=("regroup", "clip_lanes", "saturate", "solve_graph"),
        free=("state_o", "changed_q"),
        scene=_EAGER_RING,
    ),
    Unit(
        "straight/solve",
        "every sample enters in turn and leaves after all its updates, numbered from 0, at its time and at no other; "
        "no free place is left to itself while one waits, and the start is of a product of nothing",
        cases=(
            dict(Rows=2, Slots=3, Stages=3, Iterations=1, StateBits=3),
            dict(Rows=2, Slots=12, Stages=4, Iterations=2, StateBits=3),
            *grid(Rows=(1, 16), Slots=(2, 5, 24), Stages=(3, 5, 9), Iterations=(1, 2, 7), StateBits=(3,)),
        ),
        mutants=(
            Mutant("take = !ring_valid && (loaded_i ||", "take = (loaded_i ||"),
            Mutant("(loaded_i || (waiting_q != '0))", "(waiting_q != '0)"),
            Mutant("{take, next_slot_q, {IterationBits{1'b0}}}", "{take, write_slot_i, {IterationBits{1'b0}}}"),
            Mutant("(next_slot_q == LastSlot) ? '0 : next_slot_q + 1'b1", "next_slot_q + 1'b1"),
            Mutant("if (!loaded_i && take) waiting_q", "if (take) waiting_q"),
            Mutant("product_iteration != LastIteration", "product_iteration != '0"),
            Mutant("(sum_iteration == LastIteration)", "(sum_iteration != '0)", case=1, cycle=14),
            Mutant("sum_slot, sum_iteration + 1'b1}", "sum_slot, sum_iteration}"),
            Mutant("slot_q <= ring_valid ? ring_slot : next_slot_q", "slot_q <= next_slot_q"),
            Mutant("enters_q <= again;", "enters_q <= product_valid;"),
        ),
        steps=8,
        depth=14,
        needs=("delay",),
        hollow=("clip_lanes", "solve_graph"),
        free=("state_o",),
    ),
    Unit(
        "straight/readout",
        "outputs leave in the order of their samples, a slot is freed with its own and at no other time, and there is "
        "always a place for a sample that comes",
        cases=(
            dict(Slots=3, Stages=2),
            *grid(Slots=(2, 5, 24), Stages=(1, 4, 9), Rows=(1, 3)),
        ),
        mutants=(
            Mutant("release_o = valid_o && ready_i", "release_o = valid_o"),
            Mutant("(slot_o == LastSlot) ? '0 : slot_o + 1'b1", "slot_o + 1'b1"),
            Mutant("else if (release_o) slot_o", "else if (valid_o) slot_o"),
            Mutant(".data_i(done_i != '0)", ".data_i(done_i[0])"),
            Mutant(".write_i(write)", ".write_i(write && !valid_o)"),
            Mutant(".write_i(write)", ".write_i(write || valid_o)"),
        ),
        steps=2,
        depth=12,
        needs=("delay", "fifo"),
        hollow=("clip_lanes", "readout_graph"),
        free=("output_q",),
        short=2,
    ),
)  # fmt: skip
