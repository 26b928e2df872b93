"""The units whose properties are proved: their parameters, and mistakes that each property must notice.

The properties themselves are ``hls_templates/formal/mondeq_<unit>.svh``.  What
a unit asks of its user (a writer that holds credits) is assumed there, and a
property of that user.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

#: A module's parameters, as numbers or Verilog literals.
Parameters = dict[str, int | str]


@dataclass(frozen=True)
class Mutant:
    """A mistake in a unit's text, which occurs once.

    Parameters
    ----------
    original, mutated : str
    case : int
        Parameters under which it is looked for, an index into the unit's cases.
    """

    original: str
    mutated: str
    case: int = 0

    def applied(self, text: str) -> str:
        """The text with the mistake.

        Raises
        ------
        ValueError
            The place for it is not there, or not alone.
        """
        if text.count(self.original) != 1:
            raise ValueError(f"{self.original!r} occurs {text.count(self.original)} times; expected once")
        return text.replace(self.original, self.mutated)


@dataclass(frozen=True)
class Unit:
    """A module and how it is proved.

    Parameters
    ----------
    name : str
        ``mondeq_<name>`` is the module.
    claim : str
        What its properties say, in words.
    cases : tuple of Parameters
        The first few (``short``) are proved in continuous integration.
    mutants : tuple of Mutant
    steps : int
        Cycles of the induction.
    depth : int
        Cycles in which every mutant is refuted.
    needs : tuple of str
        Units inside it.
    short : int
    zero : str
        Parameter that must be zero: what it adds is not covered.
    """

    name: str
    claim: str
    cases: tuple[Parameters, ...]
    mutants: tuple[Mutant, ...]
    steps: int = 4
    depth: int = 12
    needs: tuple[str, ...] = ()
    short: int = 2
    zero: str = ""


def _grid(**values: tuple[int, ...]) -> Iterator[Parameters]:
    """Every combination."""
    for chosen in product(*values.values()):
        yield dict(zip(values, chosen, strict=True))


UNITS = (
    Unit(
        "saturate",
        "symmetric saturation, for every word",
        cases=(
            dict(InBits=16, OutBits=8),
            dict(InBits=6, OutBits=8),
            *_grid(InBits=(2, 8, 20, 33, 64, 70), OutBits=(2, 3, 8, 12, 16, 32, 52)),
        ),
        mutants=(
            Mutant("value > Top", "value >= Top + 2"),
            Mutant("(value < -Top)", "(value < -Top - 1)"),
            Mutant(": OutBits'(value)", ": OutBits'(value + 1)"),
        ),
        steps=1,
    ),
    Unit(
        "round_shift",
        "floor(v / 2**t + 1/2), for every word and shift whose result has the output's bits",
        cases=(
            dict(InBits=12, OutBits=9, Base=2, ShiftBits=2),
            dict(InBits=20, OutBits=20, Base=0, ShiftBits=1),
            *_grid(InBits=(4, 16, 24, 40, 70), OutBits=(4,), Base=(0, 3), ShiftBits=(1, 3)),
            *_grid(InBits=(24, 40, 70), OutBits=(24,), Base=(0, 5, 14), ShiftBits=(1, 2, 4)),
        ),
        mutants=(
            Mutant(" + OutBits'(shifted_q[0])", ""),
            Mutant("(doubled >>> Base)", "(doubled >> Base)"),
            Mutant(">>> shift_i", ">>> 1"),
        ),
        steps=2,
    ),
    Unit(
        "clip",
        "the prox of a row, or its reflection, for every state and every bound",
        cases=(
            dict(StateBits=8, WordBits=9, Reflect=1, Below=1, Above=1),
            dict(StateBits=8, WordBits=8, Reflect=0, Below=1, Above=0),
            *_grid(StateBits=(2, 5, 12, 40), WordBits=(2, 6, 14, 42), Reflect=(0, 1), Below=(0, 1), Above=(0, 1)),
        ),
        mutants=(
            Mutant("(limit << 1) - word", "limit - word"),
            Mutant("complement_i ? -reflected : reflected", "reflected"),
            Mutant("negative ? lower_i : upper_i", "upper_i"),
            Mutant("state < bound;", "1'b0;", case=1),
            Mutant("complement_i ? word - clipped", "complement_i ? clipped", case=1),
        ),
        steps=1,
    ),
    Unit(
        "clip_lanes",
        "every lane is the prox of its row's own kind, the row's constants in step with its word",
        cases=(
            dict(
                Rows=7, Lanes=3, Latency=2, StateBits=6, WordBits=7, Kinds=3, RowKinds="14'b01100100100100",
                Lowers="18'b100001111100000000", Uppers="18'b011111000010011111", Below=3, Above=2, Complements=2,
            ),
            dict(
                Rows=3, Lanes=3, Latency=3, StateBits=5, WordBits=5, Kinds=2, RowKinds="3'b101",
                Lowers="10'b1110000000", Uppers="10'b0001101111", Below=3, Above=2, Complements=0, Reflect=0,
            ),
            *_grid(Rows=(7,), Lanes=(1, 2, 7), Latency=(1, 2, 3), StateBits=(6,), WordBits=(7,), Reflect=(0, 1)),
        ),
        mutants=(
            Mutant(".Depth(Latency - 1)", ".Depth(Latency)"),
            Mutant("complement = Complements[", "complement = 1'b0 && Complements["),
            Mutant("upper = Uppers[int'(Table[(g*Lanes+i)", "upper = Uppers[int'(Table[(g*Lanes)"),
            Mutant("int'(RowKinds[i*KindBits", "int'(RowKinds[0*KindBits", case=1),
        ),
        needs=("clip", "delay"),
        steps=5,
    ),
    Unit(
        "adder_tree",
        "the sum of all inputs, one cycle a level later",
        cases=(
            dict(Inputs=5, InputBits=6),
            dict(Inputs=5, InputBits=3, Signed=0),
            dict(Inputs=1, InputBits=6),
            *_grid(Inputs=(2, 3, 4, 7, 8), InputBits=(1, 2, 5, 8)),
            *_grid(Inputs=(10, 16), InputBits=(2, 3)),
        ),
        mutants=(Mutant("{Signed && a[Bits-2], a}", "{1'b0, a}"), Mutant("i < Inputs)", "i < Inputs - 1)")),
        steps=6,
    ),
    Unit(
        "product",
        "weight times word, for every weight and word",
        cases=(
            dict(WeightBits=5, DataBits=8, DataSigned=1),
            dict(WeightBits=1, DataBits=8, DataSigned=0),
            dict(WeightBits=2, DataBits=8, DataSigned=1),
            dict(WeightBits=9, DataBits=8, DataSigned=0),
            *_grid(WeightBits=(1, 2, 3, 4, 5, 6, 7, 8, 9, 16), DataBits=(1, 2, 4, 6, 8, 12, 16), DataSigned=(0, 1)),
            *_grid(WeightBits=(2, 8, 9), DataBits=(40, 52), DataSigned=(0, 1)),
        ),
        mutants=(
            Mutant("ones - twos : ones + twos", "ones + twos : ones + twos"),
            Mutant("<< (2 * i)", "<< i"),
            Mutant("DataSigned && parts_q", "1'b0 && parts_q"),
            Mutant("weight_i[0] ? -data : data", "data", case=1),
            Mutant("!weight_i[0] ? '0 :", "!weight_i[0] ? data :", case=2),
            Mutant("{{DataBits{weight_i[WeightBits-1]}}, weight_i}", "{{DataBits{1'b0}}, weight_i}", case=3),
        ),
        short=4,
    ),
    Unit(
        "matvec",
        "sums of weights times words, from a first command to a last one, in the cycles that its head names",
        cases=(
            dict(Pe=2, Simd=2, Groups=3, WeightBits=3, DataBits=2, DataSigned=1, SumBits=6, LeftShift=1),
            dict(Pe=1, Simd=3, Groups=1, WeightBits=1, DataBits=2, DataSigned=0, SumBits=5, LeftShift=0),
            *_grid(Pe=(1, 2), Simd=(1, 2, 3), Groups=(1, 6), WeightBits=(1, 2, 3), DataBits=(2, 3), SumBits=(8,)),
            *_grid(Pe=(1, 4), Simd=(5, 8), Groups=(6,), WeightBits=(5,), DataBits=(8,), SumBits=(24,)),
        ),
        mutants=(
            Mutant("first ? preload_i", "1'b0 ? preload_i"),
            Mutant(" << LeftShift", ""),
            Mutant("weights[(p*Simd+s)", "weights[(s*Pe+p)"),
            Mutant("address_q <= address_i", "address_q <= valid_i ? address_i : '0"),
            Mutant("load_o = accumulate && first", "load_o = first"),
            Mutant("valid_o <= accumulate && last", "valid_o <= last"),
            Mutant(".Depth(5 + Late + Levels)", ".Depth(4 + Late + Levels)"),
        ),
        steps=10,
        depth=18,
        needs=("product", "adder_tree", "rom", "weights", "delay"),
    ),
    Unit(
        "matvec_tables",
        "sums of the tables' words at the address and words of a command, from a first command to a last one, in the "
        "cycles that its head names",
        cases=(
            dict(Pe=2, Simd=3, Groups=2, TableWords=2, TableBits=3, DataBits=1, SumBits=6, LeftShift=1),
            dict(Pe=1, Simd=2, Groups=1, TableWords=2, TableBits=2, DataBits=2, SumBits=5, LeftShift=0, Early=1),
            *_grid(Pe=(1, 2), Simd=(2, 5), Groups=(1, 6), TableWords=(1, 2), TableBits=(4,), DataBits=(1, 2),
                   SumBits=(8,)),
        ),
        mutants=(
            Mutant("first ? preload_i", "1'b0 ? preload_i"),
            Mutant(" << LeftShift", ""),
            Mutant("entries_q[(t*Pe+p)*TableBits", "entries_q[(p*Tables+t)*TableBits"),
            Mutant(".Signed   (1'b0)", ".Signed   (1'b1)"),
            Mutant("load_o = accumulate && first", "load_o = first"),
            Mutant("valid_o <= accumulate && last", "valid_o <= last"),
            Mutant(".Depth(5 - int'(Early) + Levels)", ".Depth(4 + Levels)"),
            Mutant("{address, data_i[t*Columns*DataBits", "{address, data_i[0"),
            Mutant("{valid_i, address_i}", "{valid_i, ~address_i}"),
            Mutant("<= entry;", "<= place[0] ? entry : '0;"),
        ),
        steps=10,
        depth=18,
        needs=("adder_tree", "rom", "delay"),
    ),
    Unit(
        "guard",
        "what contradicts its account of slots, samples and frames, or is late, is one flush and an event, nothing "
        "else is; frames have their length whatever comes",
        cases=(
            dict(Results=3, Slots=3, Watchdog=5),
            dict(Results=1, Slots=2, Watchdog=1),
            *_grid(Results=(1, 2, 10), Slots=(2, 4, 7), Watchdog=(1, 100, 4095)),
        ),
        mutants=(
            Mutant("valid_i || fill_q) && !flush_q", "valid_i || fill_q)"),
            Mutant("ready_i && !fill_q && !flush_q", "ready_i && !flush_q"),
            Mutant("last_o = at_end", "last_o = last_i"),
            Mutant("fill_o = fill_q", "fill_o = 1'b0"),
            Mutant("at_end && !fill_q", "at_end"),
            Mutant("at_end ? '0 : index_q", "last_i ? '0 : index_q"),
            Mutant("fill_q <= index_q != '0", "fill_q <= 1'b1"),
            Mutant("(loaded_slot_i != load_q) || ", ""),
            Mutant(" || occupied_q[loaded_slot_i]", ""),
            Mutant("(release_slot_i != release_q)", "1'b0"),
            Mutant("(done_i & ~occupied_q) != '0", "1'b0"),
            Mutant("(samples_q == '0) || (last_i", "(last_i"),
            Mutant(" || (last_i != at_end)", ""),
            Mutant("wrong_output || late)", "wrong_output)"),
            Mutant("late) && !flush_q", "late)"),
            Mutant("(event_q && !event_clear_i)", "1'b0"),
            Mutant("memory_error_q || memory_error_i", "memory_error_i"),
            Mutant("if (!sample_i && done)", "if (done)"),
            Mutant("&& !waits_i", ""),
            Mutant("(release_q == LastSlot) ? '0 : release_q", "release_q"),
        ),
        steps=3,
    ),
    Unit(
        "delay",
        "the word of Depth cycles ago, nothing of before a reset",
        cases=(dict(Width=3, Depth=3), dict(Width=2, Depth=0), *_grid(Width=(1, 5), Depth=(1, 2, 8, 15))),
        mutants=(
            Mutant("if (!rst_ni) stages_q <= '0;\n      else stages_q", "stages_q"),
            Mutant("stages_q[Depth*Width-1-:Width]", "stages_q[Width-1:0]"),
        ),
        steps=17,
    ),
    Unit(
        "rom",
        "the word of the last cycle's address; no word changes; with parity a wrong word is an error as it is read, or "
        "has its turn, within Depth cycles without reading",
        cases=(
            dict(Width=3, Depth=3, Parity=1),
            dict(Width=3, Depth=1, Parity=0),
            *_grid(Width=(1, 40), Depth=(1, 2, 16, 100), Parity=(0, 1)),
        ),
        mutants=(
            Mutant("memory[address]", "memory[0]"),
            Mutant("word_q <= memory[address];", "begin word_q <= memory[address]; memory[address] <= '0; end"),
            Mutant("!(^checked_q)", "^checked_q"),
            Mutant("read_i ? address_i : scrub_address_q", "address_i"),
            Mutant("checked_q <= word_q", "checked_q <= memory[address]"),
            Mutant("'0 : scrub_address_q + 1'b1", "'0 : scrub_address_q + 2'd2"),
            Mutant("scrub_address_q) >= Depth - 1", "scrub_address_q) >= Depth"),
            Mutant("if (!read_i) scrub_address_q", "scrub_address_q"),
            Mutant("assign error_o = 1'b0", "assign error_o = read_i", case=1),
        ),
        steps=5,
    ),
    Unit(
        "regroup",
        "every word is read as it was written last, in its lane; lanes beyond the vector read zero",
        cases=(
            dict(Words=7, WordBits=3, Banks=2, WriteWords=2, ReadWords=4, RegisterAddress=0),
            dict(Words=7, WordBits=3, Banks=2, WriteWords=4, ReadWords=2, RegisterAddress=1),
            dict(Words=7, WordBits=2, Banks=4, WriteWords=3, ReadWords=2, RegisterAddress=0),
            dict(Words=7, WordBits=2, Banks=2, WriteWords=1, ReadWords=2, RegisterAddress=0, RegisterWrite=1),
            *_grid(Words=(7,), WordBits=(2,), Banks=(1, 4), WriteWords=(1, 2, 3, 7), ReadWords=(1, 2, 4, 6, 7),
                   RegisterAddress=(0, 1)),
            *_grid(Words=(7,), WordBits=(2,), Banks=(1, 4), WriteWords=(1, 2, 3), ReadWords=(6,),
                   RegisterAddress=(0, 1), RegisterWrite=(1,)),
            *_grid(Words=(1,), WordBits=(5,), Banks=(2,), WriteWords=(1,), ReadWords=(1,), RegisterAddress=(0, 1)),
        ),
        mutants=(
            Mutant("ReadGroupBits'(g / Chunks)", "ReadGroupBits'(g)"),
            Mutant("enable[g%Chunks] = write_i", "enable[0] = write_i"),
            Mutant("word_q <= memory[{bank, group}]", "word_q <= memory[{1'b0, group}]"),
            Mutant("last_q2 ? ReadBits'", "1'b0 ? ReadBits'"),
            Mutant("row   <= high", "row   <= '0", case=1),
            Mutant("low = LowBits'(g % Chunks)", "low = '0", case=1),
            Mutant("int'(group)*ReadWords", "int'(group)*WriteWords", case=2),
            Mutant("write_row  <= high", "write_row  <= '0", case=3),
            Mutant("write_data <= write_data_i", "write_data <= ~write_data_i", case=3),
            Mutant("write      <= enable", "write      <= {Chunks{write_i}}", case=3),
        ),
        steps=5,
        short=4,
    ),
    Unit(
        "credits",
        "as many as were given less those taken; never below zero, never above the first number",
        cases=(dict(Credits=3), dict(Credits=1), *_grid(Credits=(2, 4, 12, 24, 63))),
        mutants=(
            Mutant("if (!give_i && take_i)", "if (take_i)"),
            Mutant("credits_q != '0", "1'b1"),
            Mutant("if (give_i && !take_i)", "if (1'b0)"),
            Mutant("(int'(credits_q) > Credits) || ", "", case=2),
            Mutant("give_i && !take_i && (int'", "give_i && (int'"),
        ),
        steps=2,
    ),
    Unit(
        "slot_watch",
        "a slot that is updated twice or is in no update, is loaded while it has a sample, or is none is an error, and "
        "nothing else is",
        cases=(dict(Slots=3), dict(Slots=4), *_grid(Slots=(2, 5, 7, 12, 24))),
        mutants=(
            Mutant("(named_slots_i == '0) || ", ""),
            Mutant("(named_slots_i - 1'b1)", "(named_slots_i - 2'd2)"),
            Mutant("|| ((running_q & begun) != '0)", ""),
            Mutant("(running_q & update_slots) == '0", "(running_q & ~update_slots) == '0"),
            Mutant("(ready_i | running_q | done_i)", "(running_q | done_i)"),
            Mutant("update_i && end_i", "end_i"),
        ),
        steps=2,
    ),
    Unit(
        "matvec_counter",
        "every (row, column) of a job once and in order, its address the number of the step; then the next job",
        cases=(
            dict(RowGroups=3, ColumnGroups=4),
            dict(RowGroups=1, ColumnGroups=1),
            *_grid(RowGroups=(1, 2, 5, 10), ColumnGroups=(1, 2, 7, 10)),
        ),
        mutants=(
            Mutant("skip_columns_i || last_column_q", "last_column_q"),
            Mutant("ColumnBits'(ColumnGroups - 2)", "ColumnBits'(ColumnGroups - 1)"),
            Mutant("RowBits'(RowGroups - 2)", "RowBits'(RowGroups - 1)"),
            Mutant("first_column_o <= last_column_o;", "first_column_o <= 1'b0;"),
            Mutant("'0 : address_o + 1'b1", "'0 : address_o"),
            Mutant("<= last_column_o ? '0 : column_o", "<= last_column_q ? '0 : column_o"),
            Mutant("last_row_o ? '0 : row_o + 1'b1", "row_o + 1'b1"),
        ),
        steps=2,
        depth=13,
    ),
    Unit(
        "fifo",
        "no word lost, repeated or overtaken; an offered word stays until it is taken; one leaves in every ready cycle",
        cases=(dict(Width=3, Depth=5), dict(Width=1, Depth=1), *_grid(Width=(1, 4, 9), Depth=(2, 3, 4, 8, 14, 24))),
        mutants=(
            Mutant("= memory[read_q]", "= memory[ready_i ? read_q : write_q]"),
            Mutant("= count_q != '0", "= (count_q != '0) && (ready_i || !write_i)"),
            Mutant("PointerBits'(Depth - 1)", "PointerBits'(Depth)"),
            Mutant("memory[write_q] <=", "memory[read_q] <="),
            Mutant("read = valid_o && ready_i", "read = valid_o && ready_i && !write_i"),
            Mutant("if (!write_i && read) count_q", "if (read) count_q"),
            Mutant("(int'(read_q) >= Depth) || ", ""),
            Mutant("(write_i && !read && (int'", "(write_i && (int'"),
        ),
    ),
    Unit(
        "readout_control",
        "no row is written to a full buffer under any stall, slots are left once and in turn; idle again at last",
        cases=(
            dict(Rows=3, ColumnGroups=2, Slots=3, Depth=3, OutputBits=4),
            dict(Rows=1, ColumnGroups=1, Slots=2, Depth=10, OutputBits=4),
            *_grid(Rows=(1, 5), ColumnGroups=(1, 4), Slots=(3, 4), Depth=(4, 10, 15), OutputBits=(4,)),
        ),
        mutants=(
            Mutant("|| room)", "|| 1'b1)"),
            Mutant("leaves_q <= valid_o && ready_i", "leaves_q <= valid_o"),
            Mutant("leaves_q <= valid_o && ready_i", "leaves_q <= valid_o && ready_i && issue"),
            Mutant("SlotBits'(Slots - 1)", "SlotBits'(Slots)"),
            Mutant("issue && last_column && last_row", "issue && last_row"),
            Mutant(".RowGroups   (Rows)", ".RowGroups   (Rows + 1)"),
            Mutant("issue_o <= issue;", "issue_o <= issue || issue_o;"),
            Mutant(".ready_i,\n    .error_o(", ".ready_i(ready_i && issue),\n    .error_o("),
            Mutant("if (release_o) slot_q", "if (1'b0) slot_q"),
            Mutant(" || (int'(slot_q) >= Slots)", ""),
        ),
        depth=24,
        needs=("fifo", "credits", "matvec_counter"),
        zero="Carried",
    ),
    Unit(
        "output_beat",
        "a beat is the words since the one before, each in its lane with its sign, zeros above, offered with the last",
        cases=(
            dict(Words=3, WordBits=4, LaneBits=8),
            dict(Words=2, WordBits=5, LaneBits=5),
            *_grid(Words=(2, 4, 7, 10), WordBits=(1, 13), LaneBits=(13, 16)),
        ),
        mutants=(
            Mutant("if (!rst_ni || (take && full)) kept_q", "if (!rst_ni) kept_q"),
            Mutant("ready_i || !full", "ready_i"),
            Mutant("valid_i && full;", "valid_i;"),
            Mutant("last_i || (lane_q", "(lane_q"),
            Mutant(": kept_q;", ": word_i;"),
            Mutant("LaneBits'(word)", "LaneBits'($unsigned(word))"),
            Mutant("take && (lane_q == IndexBits'(l))", "take"),
            Mutant("last_o = last_i", "last_o = full"),
        ),
    ),
    Unit(
        "end_flag",
        "a sample's outputs come with whether one of its words was at an end of its range; broken frames leave no flag",
        cases=(
            dict(Inputs=5, Simd=2, InputBits=3, InputSigned=1, Depth=3),
            dict(Inputs=2, Simd=2, InputBits=2, InputSigned=0, Depth=2),
            *_grid(Inputs=(1, 4, 5), Simd=(1,), InputBits=(4, 12), InputSigned=(0, 1), Depth=(4, 17)),
        ),
        mutants=(
            Mutant("|| (word == First)", ""),
            Mutant("|| (word == Least)", ""),
            Mutant("InputSigned ? -Last", "1'b1 ? -Last", case=1),
            Mutant("(l < LastWords) || !whole_i", "1'b1"),
            Mutant("found && !whole_q && !broken_q", "found && !whole_q"),
            Mutant("found && !whole_q && !broken_q", "found && !broken_q"),
            Mutant("if (take_q) found_q <= found", "if (take_q) found_q <= (ends_q != '0)"),
            Mutant(".data_i (found)", ".data_i (found_q)"),
            Mutant("whole_q <= take_i && whole_i", "whole_q <= whole_i"),
            Mutant(".ready_i(leaves_i)", ".ready_i(leaves_i && !whole_q)"),
        ),
        needs=("fifo",),
    ),
    Unit(
        "frame_check",
        "frames of the right length are whole, all others broken, once; the event stays until it is cleared",
        cases=(
            dict(Beats=3, LoadBeats=2, Check=1),
            dict(Beats=1, LoadBeats=0, Check=1),
            dict(Beats=2, LoadBeats=3, Check=0),
            *_grid(Beats=(1, 2, 5, 98), LoadBeats=(0, 1, 4), Check=(0, 1)),
        ),
        mutants=(
            Mutant("valid_o = beat_valid_i && !dropping_q", "valid_o = beat_valid_i"),
            Mutant("dropping_q <= dropping_q || !first", "dropping_q <= dropping_q"),
            Mutant("dropping_q) && !flush_i", "dropping_q)"),
            Mutant("ready_i || dropping_q", "ready_i"),
            Mutant("(whole_o || broken_o) ? '0", "whole_o ? '0"),
            Mutant("at_end && (beat_last_i || !Check)", "at_end"),
            Mutant("Check && (at_end != beat_last_i)", "Check && !at_end && beat_last_i"),
            Mutant("Check && (at_end != beat_last_i)", "at_end != beat_last_i", case=2),
            Mutant("(first ? beat_load_i : load_q)", "beat_load_i"),
            Mutant("dropping_q <= !(beat_valid_i && beat_last_i)", "dropping_q <= !beat_valid_i"),
            Mutant("accept && broken_o && at_end", "accept && broken_o"),
            Mutant("(event_q && !event_clear_i)", "event_q"),
            Mutant("load_q <= load_o", "load_q <= beat_load_i"),
        ),
        short=3,
    ),
    Unit(
        "packet_fifo",
        "what is committed comes out once and in order, what is forgotten never; one leaves in every ready cycle",
        cases=(
            dict(Width=2, PacketWords=3, Packets=2),
            dict(Width=1, PacketWords=2, Packets=1),
            *_grid(Width=(1, 8), PacketWords=(1, 4, 5, 12), Packets=(2, 3)),
        ),
        mutants=(
            Mutant("if (rewind_i) write_q <= commit_q;", ""),
            Mutant("CountBits'(Depth - PacketWords)", "CountBits'(Depth)"),
            Mutant("if (commit_i) commit_q", "if (write_i) commit_q"),
            Mutant("if (fetch || ready_i) valid_o <= fetch", "valid_o <= fetch"),
            Mutant("(!valid_o || ready_i)", "1'b1"),
            Mutant("write_q <= write_q + 1'b1", "write_q <= write_q + 2'd2"),
            Mutant("read_q <= read_q + 1'b1", "read_q <= read_q + 2'd2"),
            Mutant("(!valid_o || ready_i)", "!valid_o"),
            Mutant("memory[write_q[AddressBits-1:0]] <=", "memory[commit_q[AddressBits-1:0]] <="),
        ),
        depth=16,
    ),
    Unit(
        "beat_packer",
        "every beat holds its words' bytes, each in its place, zeros beyond the last word, and stays until taken",
        cases=(
            dict(Words=5, WordBits=10, WordBytes=2, Lanes=2),
            dict(Words=1, WordBits=3, WordBytes=1, Lanes=1),
            *_grid(Words=(3, 7), WordBits=(1, 8), WordBytes=(1,), Lanes=(1, 2, 3)),
            *_grid(Words=(4,), WordBits=(17,), WordBytes=(3,), Lanes=(1, 3, 4)),
        ),
        mutants=(
            Mutant("if (!rst_ni || sent) beat_o", "if (!rst_ni) beat_o"),
            Mutant("(last_word || (lane_q == LaneBits'(Lanes - 1)))", "(lane_q == LaneBits'(Lanes - 1))"),
            Mutant("{byte_i, word_q} >> 8", "{word_q, byte_i}"),
            Mutant("beat_last_o  <= last_word", "beat_last_o  <= beat_last_o || last_word"),
            Mutant("byte_ready_o = !beat_valid_o", "byte_ready_o = 1'b1"),
            Mutant("if (sent) beat_valid_o", "if (beat_valid_o) beat_valid_o"),
        ),
        depth=24,
    ),
    Unit(
        "frame_encoder",
        "answers and results go out as whole frames, each byte in its place, the checksum right, and stay until taken",
        cases=(
            dict(OutputWords=2, OutputBytes=1),
            dict(OutputWords=1, OutputBytes=2),
            *_grid(OutputWords=(1, 3, 10, 100), OutputBytes=(1, 2, 3)),
        ),
        mutants=(
            Mutant("answer_ready_o = state_q == Wait", "answer_ready_o = state_q != Check"),
            Mutant("|| !result || result_valid_i", "|| !result || byte_ready_i"),
            Mutant("send = byte_valid_o && byte_ready_i", "send = byte_valid_o"),
            Mutant("result_done_o = result_ready_o && last", "result_done_o = result_ready_o"),
            Mutant("result && (result_byte_q == ByteBits'(OutputBytes - 1))", "result", case=1),
            Mutant("&& (count_q != '0))) crc_q", ")) crc_q"),
            Mutant("if (answer_valid_i) begin", "if (answer_valid_i && !result_valid_i) begin"),
            Mutant("state_q       <= Wait;", "state_q       <= Header;"),
            Mutant("result_byte_q <= '0;", "result_byte_q <= '1;"),
        ),
        needs=("crc32",),
        steps=2,
        depth=9,
    ),
    Unit(
        "frame_decoder",
        "a sample is committed where its whole, right frame came while there was room, and nowhere else; what is no "
        "such frame is answered once and with its reason",
        cases=(
            dict(SampleBytes=1, TimeoutClocks=2),
            dict(SampleBytes=2, TimeoutClocks=3),
            *_grid(SampleBytes=(1, 3, 64, 1568), TimeoutClocks=(2, 20, 1000)),
        ),
        mutants=(
            Mutant("(byte_i != mondeq_board_pkg::Sync)", "(byte_i == mondeq_board_pkg::KindInfer)"),
            Mutant("known ? mondeq_board_pkg::ReasonLength", "inference ? mondeq_board_pkg::ReasonLength"),
            Mutant("byte_valid_i && !refused_q", "byte_valid_i"),
            Mutant("(crc == Residue) && inference && !refused_q", "(crc == Residue) && inference"),
            Mutant("(crc == Residue) && inference && !refused_q", "inference && !refused_q"),
            Mutant("else if (byte_valid_i) crc_q", "else if (byte_valid_i && (state_q != Check)) crc_q"),
            Mutant("(byte_valid_i || line_error_i ||", "(byte_valid_i ||"),
            Mutant("(count_q == 16'd1)) sequence_o", "(count_q == 16'd2)) sequence_o"),
        ),
        needs=("crc32",),
        steps=2,
        depth=11,
    ),
    Unit(
        "crc32",
        "a byte more of CRC-32, bit by bit, for every register and byte",
        cases=({},),
        mutants=(Mutant("32'hEDB88320", "32'h04C11DB7"),),
        steps=1,
    ),
    Unit(
        "line_filter",
        "the output follows only after Depth clocks more at the other level",
        cases=(dict(Depth=4), dict(Depth=1), *_grid(Depth=(2, 3, 13, 54))),
        mutants=(
            Mutant("(level_q != Full)", "1'b1"),
            Mutant("if (level_d == Full) line_o", "if (line_q2) line_o"),
            Mutant("if (level_d == '0) line_o", "if (1'b0) line_o"),
            Mutant("if (level_d == Full) line_o", "if (1'b0) line_o"),
            Mutant("(level_q != '0)", "1'b0"),
        ),
    ),
    Unit(
        "uart_tx",
        "start bit, eight data bits, stop bit, ClocksPerBit each; then ready again",
        cases=(dict(ClocksPerBit=2), *_grid(ClocksPerBit=(3, 8, 217, 868))),
        mutants=(
            Mutant("{1'b1, data_i, 1'b0}", "{1'b0, data_i, 1'b0}"),
            Mutant("CountBits'(ClocksPerBit - 1)", "CountBits'(ClocksPerBit)"),
            Mutant("left_q  <= 4'd10", "left_q  <= 4'd9"),
            Mutant("{1'b1, shift_q[9:1]}", "{1'b0, shift_q[9:1]}"),
            Mutant("ready_o = left_q == '0", "ready_o = left_q <= 4'd1"),
        ),
        depth=24,
        short=1,
    ),
)  # fmt: skip
