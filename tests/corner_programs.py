"""A few small programs and foldings that together make every line of the hardware observable.

What each one reaches is said beside it.  A design that survives the benches on
all of them has been through every generate branch, every padded group, both
nonlinearities, the leak, both saturations, ties of the rounding, early exits
at every possible update, accumulators beyond 64 bits and every pipeline hazard
(one group per product as well as hundreds).  Rows are relu, but for those whose corner says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from random_models import random_program, random_words, with_rows

from mondeq_hw.base import FREE, RELU, DenseOperator, Interval, soft_threshold
from mondeq_hw.hardware import Design, hls, rtl, straightened
from mondeq_hw.hardware.adder_graph import DEFAULT_SEARCH, drive_graph, readout_graph, solver_graph
from mondeq_hw.hardware.folding import schedule, schedule_unrolled
from mondeq_hw.hardware.graph_search import ALKAID, GraphSearch
from mondeq_hw.hardware.schedule import CONTROL, FULL, EngineFolding, Schedule
from mondeq_hw.problem import FORWARD_BACKWARD
from mondeq_hw.program import WarmStart
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.verification.csim import CSimulation


@dataclass(frozen=True)
class Corner:
    """A program with the folding that makes it interesting."""

    program: SolverProgram
    schedule: Schedule

    def build(self, folder: Path) -> Path:
        """Write what the benches read."""
        folder.mkdir(parents=True, exist_ok=True)
        self.program.save(folder)
        rtl.emit(Design.searched(self.program, self.schedule), folder)
        return folder

    def build_cpp(self, folder: Path) -> SolverProgram:
        """Write its C++ alone."""
        folder.mkdir(parents=True, exist_ok=True)
        hls.emit(self.program, self.schedule, folder)
        return self.program

    def check_cpp(self, folder: Path) -> None:
        """Its C++ gives the golden model's outputs, flags and states, and takes no update more or less."""
        self.build_cpp(folder)
        words = random_words(3, self.program, 40)
        found, golden = CSimulation(folder, folder / "work"), GoldenModel(self.program)
        outputs, flags = found.run(words)
        np.testing.assert_array_equal(outputs, golden.predict_raw(words))
        assert (flags is not None) == self.schedule.flags_ends
        if flags is not None:
            np.testing.assert_array_equal(flags, golden.flags(words))
        trace = golden.trace(words)
        states, updates = found.trace(words)
        np.testing.assert_array_equal(states, trace.states)
        np.testing.assert_array_equal(updates, self.schedule.updates(trace.iterations))


def folded(
    program: SolverProgram, drive: tuple[int, int], solve: tuple[int, int], readout_simd: int, slots: int
) -> Corner:
    """A program with an explicit ``pe x simd`` for each engine."""
    n = program.n
    plan = Schedule(
        reuse_factor=n * n,
        drive=EngineFolding(program.injection.rows, program.columns, *drive),
        solve=EngineFolding(n, n, *solve),
        readout=EngineFolding(program.rows, n, 1, readout_simd),
        slots=slots,
        carried=program.carried_words,
        first_warm_update=0 if program.warm is None else program.first_warm_update,
    )
    return Corner(program, plan)


GRAPHS = {"drive": drive_graph, "readout": readout_graph}


def unrolled(
    program: SolverProgram,
    drive: tuple[int, int],
    slots: int,
    graphs: tuple[str, ...] = (),
    search: GraphSearch = DEFAULT_SEARCH,
) -> Corner:
    """A program whose iteration matrix is an adder graph, with an explicit ``pe x simd`` for the drive."""
    sizes = {name: GRAPHS[name](program, search).size for name in graphs}
    plan = schedule_unrolled(program, solver_graph(program, search).size, 1, **sizes)
    pe, simd = drive
    return Corner(program, replace(plan, drive=replace(plan.drive, pe=pe, simd=simd), slots=slots))


def flagged(corner: Corner) -> Corner:
    """It with flags of inputs at an end of their range."""
    return Corner(corner.program, replace(corner.schedule, flags_ends=True))


def hardened(corner: Corner, harden: str = CONTROL) -> Corner:
    """It with protection against upsets."""
    return Corner(corner.program, replace(corner.schedule, harden=harden))


def timed(corner: Corner, adders: int = 1) -> Corner:
    """It without an early exit, and with so many adders between registers where it is folded."""
    program, plan = corner.program, corner.schedule
    engines = {name: replace(getattr(plan, name), adders=adders) for name in ("drive", "solve", "readout")}
    return Corner(program, replace(plan, **engines, fixed_updates=program.iterations))


def summed(corner: Corner, adders: int) -> Corner:
    """It with so many adders between registers."""
    return Corner(corner.program, replace(timed(corner, adders).schedule, fixed_updates=0))


def one_bit() -> Corner:
    """Signs only, padding in both directions of all engines, no width divides another: masks decide."""
    program = random_program(1, n=7, d=5, k=3, bits=1, drive_bits=1, readout_bits=1, iterations=9)
    return folded(program, (3, 2), (2, 3), 4, slots=4)


def ternary_leak() -> Corner:
    """Forward-backward with a leak and unequal row shifts, two bits; the state memories widen and narrow."""
    program = random_program(
        22, n=8, d=6, k=4, bits=2, solver=FORWARD_BACKWARD, drive_bits=2, readout_bits=2, state_bits=7, iterations=12
    )
    return folded(program, (1, 2), (4, 2), 2, slots=3)


def saturating() -> Corner:
    """Three-bit states that clip at both ends, rounding ties, wide words; states widen from 1 to 6 lanes."""
    program = random_program(
        5, n=6, d=4, k=2, bits=5, drive_bits=9, state_bits=3, state_integer_bits=1, readout_bits=9, iterations=6
    )
    return folded(program, (2, 4), (1, 6), 3, slots=5)


def leak_saturating() -> Corner:
    """A leak beside saturation at many bits, so that the accumulator's top bits count; rows read in one group."""
    program = random_program(
        7, n=5, d=3, k=5, bits=9, solver=FORWARD_BACKWARD, state_bits=5, state_integer_bits=-1, input_bits=7,
        drive_bits=12, readout_bits=14, iterations=20,
    )  # fmt: skip
    return folded(program, (5, 3), (5, 5), 5, slots=6)


def tabled(corner: Corner, columns: int) -> Corner:
    """It with a drive whose products are looked up, so many columns a table."""
    return Corner(corner.program, replace(corner.schedule, drive=replace(corner.schedule.drive, table_words=columns)))


def tables_ternary() -> Corner:
    """Words of both signs, tables of two columns and one of the one that is left, padded; memories with parity."""
    program = random_program(
        17, n=7, d=8, k=3, bits=2, drive_bits=2, input_bits=2, input_signed=True, readout_bits=4, iterations=4
    )
    return hardened(tabled(folded(program, (3, 3), (2, 4), 3, slots=4), 2), FULL)


def tables_carried() -> Corner:
    """Words of a feed-through and of a carried state among those that are looked up, one column a table; flagged."""
    return flagged(tabled(carried_straddling(), 1))


def parallel() -> Corner:
    """One group per product in every engine: a command each cycle, several samples interleaved; flagged."""
    program = random_program(7, n=4, d=4, k=1, bits=4, state_bits=6, iterations=5)
    return flagged(folded(program, (4, 4), (4, 4), 4, slots=6))


def serial() -> Corner:
    """One multiplier per engine and the fewest slots; hardened."""
    program = random_program(13, n=5, d=7, k=3, bits=6, input_bits=5, state_bits=10, iterations=4)
    return hardened(folded(program, (1, 1), (1, 1), 1, slots=3))


def signed() -> Corner:
    """Input words of both signs and a fraction, in a drive of ternary weights; flagged."""
    program = random_program(
        13, n=4, d=5, k=2, bits=4, drive_bits=2, input_bits=6, input_signed=True, input_integer_bits=2, iterations=3
    )
    return flagged(folded(program, (2, 2), (2, 2), 2, slots=3))


def banked() -> Corner:
    """One multiplier per engine, and so many weights in each that they lie in two banks; a leak."""
    program = random_program(
        14, n=33, d=32, k=32, bits=3, solver=FORWARD_BACKWARD, drive_bits=2, readout_bits=2, state_bits=7, iterations=2
    )
    return folded(program, (1, 1), (1, 1), 1, slots=3)


def single() -> Corner:
    """n = d = k = 1 and a single update: every counter has one value."""
    program = random_program(4, n=1, d=1, k=1, bits=3, iterations=1)
    return folded(program, (1, 1), (1, 1), 1, slots=3)


def wide() -> Corner:
    """Accumulators beyond 64 bits, large left and right shifts; one beat a sample, so several wait for the solver."""
    program = random_program(
        17, n=3, d=9, k=2, bits=16, drive_bits=16, readout_bits=4, input_bits=16, state_bits=52,
        state_integer_bits=9, iterations=12,
    )  # fmt: skip
    return folded(program, (3, 9), (2, 1), 1, slots=4)


def cycling() -> Corner:
    """An uncertified iteration that never settles for some inputs: the update count ends it."""
    program = random_program(19, n=3, d=2, k=2, bits=4, state_bits=5, iterations=7)
    spinning = np.array([[0, -7, 0], [7, 0, -7], [0, 7, 1]], dtype=np.int64)
    # Coarser shifts than the program's own: the drive's left shift of zero still suffices.
    matrix = DenseOperator(spinning, np.array([2, 2, 3]), 4)
    return folded(program.replace(matrix=matrix), (3, 1), (3, 1), 3, slots=4)


def timed_padded() -> Corner:
    """No early exit where states settle; rows are written in groups, and read as soon as the last is; hardened."""
    return timed(hardened(one_bit()))


def timed_parallel() -> Corner:
    """No early exit, a command an update, so that what is written last is read next; two adders between registers."""
    return timed(parallel(), adders=2)


def timed_leak() -> Corner:
    """No early exit, a leak, a warm start of a single update; trees without a register."""
    return timed(warm_leak(), adders=3)


def summed_saturating() -> Corner:
    """Trees of three levels and of two with a register behind the second; rounding and saturation in one cycle."""
    return summed(saturating(), 2)


def summed_tables() -> Corner:
    """Sums of tables, three to a row, two adders between registers; an early exit as ever."""
    return summed(replace(tables_ternary(), schedule=replace(tables_ternary().schedule, harden="none")), 2)


def ring_timed() -> Corner:
    """The unrolled solver without an early exit where states settle."""
    return timed(ring_full())


def ring_full() -> Corner:
    """Signs in an adder graph, some rows negated; samples come once a turn of the ring and so must wait for a place."""
    program = random_program(1, n=7, d=10, k=1, bits=1, drive_bits=1, readout_bits=1, iterations=9)
    return unrolled(program, (7, 1), slots=6)


def ring_leak() -> Corner:
    """The leak beside an adder graph, with unequal row shifts, behind a slow drive."""
    return unrolled(leak_saturating().program, (1, 1), slots=4)


def ring_ternary() -> Corner:
    """The leak and relu, a sample loaded every cycle, more samples than places, a slow readout; by Alkaid."""
    return unrolled(ternary_leak().program, (8, 6), slots=12, search=GraphSearch(ALKAID))


def ring_whole() -> Corner:
    """Weights without a bit below the point in some rows, and with in others."""
    program = random_program(5, n=5, d=4, k=2, bits=3, state_bits=9, state_integer_bits=6, iterations=3, gain=6.0)
    return unrolled(program, (5, 3), slots=3)


def ring_saturating() -> Corner:
    """Three-bit states that clip at both ends."""
    return unrolled(saturating().program, (2, 4), slots=7)


def ring_wide() -> Corner:
    """Sums beyond 64 bits, 16-bit weights, rows of the drive that do not divide the solver's."""
    return unrolled(wide().program, (2, 2), slots=4)


def ring_cycling() -> Corner:
    """The update count ends the loop; loads one after the other, and few slots."""
    return unrolled(cycling().program, (3, 2), slots=5)


def ring_single() -> Corner:
    """One weight: a graph with hardly an adder, padded to the fewest stages."""
    return unrolled(single().program, (1, 1), slots=3)


def graph_drive() -> Corner:
    """A graph of signs in the drive, three beats of which the last is half empty, more samples than slots."""
    return unrolled(one_bit().program, (7, 2), slots=3, graphs=("drive",))


def graph_drive_shifted() -> Corner:
    """A left shift and unequal right shifts behind the graph, four beats."""
    return unrolled(serial().program, (5, 2), slots=4, graphs=("drive",))


def graph_readout() -> Corner:
    """Unequal alignments and a negated row in the readout, behind a folded drive."""
    return unrolled(ternary_leak().program, (4, 3), slots=8, graphs=("readout",))


def graphs_everywhere() -> Corner:
    """A sample a cycle in, one update: the rows of the readout are the bottleneck; two of its words a beat; flagged."""
    program = random_program(6, n=4, d=4, k=5, bits=3, state_bits=6, iterations=1)
    corner = unrolled(program, (4, 4), slots=24, graphs=("drive", "readout"))
    return replace(corner, schedule=replace(corner.schedule, output_beat=2, output_bytes=True, flags_ends=True))


def graphs_wide() -> Corner:
    """Sums beyond 64 bits in every graph; a sample a beat, which waits for one of few slots."""
    return unrolled(wide().program, (3, 9), slots=3, graphs=("drive", "readout"))


def graphs_single() -> Corner:
    """One weight an engine: no adder at all, and a sample a cycle goes in and out."""
    return unrolled(single().program, (1, 1), slots=24, graphs=("drive", "readout"))


def graphs_of_zeros() -> Corner:
    """A row and a column of zeros in every matrix, and a readout of zeros only."""
    program = random_program(8, n=3, d=4, k=2, bits=3, iterations=3)

    def cut(matrix: DenseOperator) -> DenseOperator:
        integers = matrix.integers.copy()
        integers[-1], integers[:, 0] = 0, 0
        return replace(matrix, integers=integers)

    readout = replace(program.readout, integers=np.zeros_like(program.readout.integers))
    program = program.replace(drive=cut(program.drive), matrix=cut(program.matrix), readout=readout)
    return unrolled(program, (3, 3), slots=4, graphs=("drive", "readout"))


def straight(corner: Corner, slots: int | None = None) -> Corner:
    """It as a straight core: all outputs in a beat, no slots of states, no early exit."""
    whole = replace(corner.schedule, output_beat=corner.program.k)
    plan = straightened(Design.searched(corner.program, whole)).schedule
    return Corner(corner.program, replace(plan, slots=slots or plan.slots))


def straight_once() -> Corner:
    """One update, products in the drive, unequal shifts everywhere, rows that saturate; a sample a cycle; flagged."""
    program = random_program(6, n=5, d=4, k=3, bits=3, state_bits=4, state_integer_bits=1, iterations=1)
    return flagged(straight(unrolled(program, (5, 4), slots=3, graphs=("readout",))))


def straight_tables() -> Corner:
    """Three turns of a ring whose places are scarce; tables of signed words, several beats; two adders a stage."""
    program = random_program(
        17, n=7, d=8, k=3, bits=2, drive_bits=2, input_bits=2, input_signed=True, readout_bits=4, iterations=3
    )
    corner = unrolled(program, (7, 4), slots=3, graphs=("readout",), search=GraphSearch(adders_per_stage=2))
    return straight(tabled(corner, 2), slots=3)


def straight_mixed() -> Corner:
    """A row of every sort, one output of whole bytes, more rows than share a register; more updates than unasked."""
    program = random_program(9, n=28, d=6, k=1, bits=2, drive_bits=3, state_bits=9, iterations=6)
    return straight(unrolled(with_rows(program, *MIXED), (28, 5), slots=3, graphs=("readout",)))


def straight_deep() -> Corner:
    """A sample is through the drive before the words that a reset leaves behind are through the ring's graph."""
    program = random_program(12, n=24, d=1, k=1, bits=4, iterations=2)
    search = GraphSearch(adders_per_stage=1)
    return straight(unrolled(program, (24, 1), slots=3, graphs=("readout",), search=search))


#: Of small words: a row of every sort, more of them than a group has lanes.
MIXED = (Interval(-3, 9), RELU, soft_threshold(5), FREE, Interval(0, 0), Interval(-np.inf, 2), Interval(0, 4, True))


def box_one_bit() -> Corner:
    """One box for all rows: operands with a sign and 1-bit weights, padding in both directions."""
    program = with_rows(one_bit().program, Interval(-6, 11))
    return folded(program, (3, 2), (2, 3), 4, slots=4)


def box_leak() -> Corner:
    """A box of few words under forward-backward splitting: narrow operands with a sign, 2-bit weights, a leak."""
    return folded(with_rows(ternary_leak().program, Interval(-3, 6)), (1, 2), (4, 2), 2, slots=3)


def threshold() -> Corner:
    """A complement in every row, all of them in one group; weights in LUTs."""
    return folded(with_rows(parallel().program, soft_threshold(3)), (4, 4), (4, 4), 4, slots=6)


def mixed() -> Corner:
    """Rows of every sort, whose constants come from tables; the last group of each engine is partly empty; hardened."""
    program = random_program(25, n=8, d=6, k=4, bits=5, state_bits=7, iterations=12)
    return hardened(folded(with_rows(program, *MIXED), (2, 3), (3, 3), 3, slots=4))


def mixed_leak() -> Corner:
    """The same under forward-backward splitting, where rows have tables of their own; saturation, 2-bit weights."""
    return folded(with_rows(ternary_leak().program, *MIXED), (2, 3), (3, 5), 5, slots=4)


def mixed_serial() -> Corner:
    """One row at a time; weights beyond LUTs, operands beyond 32 bits."""
    program = random_program(17, n=5, d=4, k=2, bits=18, state_bits=40, state_integer_bits=6, iterations=6)
    far = float(2**32)
    rows = Interval(-far, 2 * far), soft_threshold(far), Interval(0, far), FREE, Interval(0, 0)
    return folded(with_rows(program, *rows), (1, 1), (1, 1), 1, slots=3)


def ring_mixed() -> Corner:
    """Rows of every sort before an adder graph, and before the readout's; hardened."""
    return hardened(unrolled(mixed().program, (4, 3), slots=6, graphs=("readout",)))


def ring_mixed_leak() -> Corner:
    """The same with a leak, and a folded readout."""
    return unrolled(mixed_leak().program, (8, 6), slots=8)


def ring_box() -> Corner:
    """Narrow operands with a sign in graphs of signs."""
    return unrolled(with_rows(one_bit().program, Interval(-6, 11)), (7, 2), slots=5, graphs=("drive", "readout"))


def direct() -> Corner:
    """A feed-through whose rows share a group with the states', signs only, few slots and buffers."""
    program = random_program(1, n=7, d=5, k=4, bits=1, drive_bits=1, readout_bits=1, iterations=2, feedthrough=True)
    return folded(program, (3, 2), (2, 3), 4, slots=2)


def direct_serial() -> Corner:
    """A feed-through one row at a time, its words wider than the solver's sums."""
    program = random_program(
        13, n=4, d=7, k=3, bits=6, drive_bits=12, readout_bits=12, input_bits=5, state_bits=6, iterations=4,
        feedthrough=True,
    )  # fmt: skip
    return folded(program, (1, 1), (1, 1), 1, slots=3)


def direct_parallel() -> Corner:
    """All rows of states and feed-through in one group, a command a cycle in every engine, one output."""
    program = random_program(7, n=4, d=4, k=1, bits=4, state_bits=6, iterations=1, feedthrough=True)
    return folded(program, (5, 4), (4, 4), 4, slots=6)


def ring_direct() -> Corner:
    """A feed-through in a folded drive of more lanes than states, before a readout of unequal alignments."""
    program = random_program(8, n=4, d=6, k=6, bits=3, readout_bits=7, iterations=3, feedthrough=True)
    return unrolled(program, (6, 3), slots=4, graphs=("readout",))


def graphs_direct() -> Corner:
    """A feed-through in the drive's graph, and before the readout's; hardened."""
    program = random_program(13, n=5, d=7, k=3, bits=6, input_bits=5, state_bits=10, iterations=1, feedthrough=True)
    return hardened(unrolled(program, (8, 2), slots=8, graphs=("drive", "readout")))


def carried_serial() -> Corner:
    """A carried state one word at a time, behind beats of one word; a load takes more beats than a sample."""
    program = random_program(0, n=4, d=2, k=2, carried=3, state_bits=9, readout_bits=7, iterations=3)
    return folded(program, (1, 1), (1, 1), 1, slots=3)


def carried_straddling() -> Corner:
    """Carried words in the last beat's group and beyond, more than a load's beat holds; narrow words saturate."""
    program = random_program(1, n=5, d=4, k=3, carried=4, input_bits=6, state_bits=9, iterations=4)
    return folded(program, (2, 3), (2, 3), 2, slots=4)


def carried_parallel() -> Corner:
    """All inputs in one beat and one output, so that samples follow as fast as the state allows; hardened."""
    program = random_program(2, n=4, d=4, k=1, carried=2, state_bits=9, iterations=2)
    return hardened(folded(program, (4, 4), (4, 4), 4, slots=4))


def ring_carried() -> Corner:
    """A carried state around the unrolled solver, and a graph of the readout; a load of one beat."""
    program = random_program(4, n=4, d=4, k=2, carried=3, state_bits=9, readout_bits=7, iterations=3)
    return unrolled(program, (3, 3), slots=4, graphs=("readout",))


def graphs_carried() -> Corner:
    """Carried words as inputs and outputs of graphs; a load of fewer beats than a sample has."""
    program = random_program(5, n=4, d=4, k=2, carried=3, state_bits=9, iterations=1)
    return unrolled(program, (9, 1), slots=4, graphs=("drive", "readout"))


def starting_warm(program: SolverProgram, iterations: int) -> SolverProgram:
    """With a warm start of so many updates."""
    return program.replace(warm=WarmStart(iterations, np.ones(program.d, dtype=np.int64)))


def warm_padded() -> Corner:
    """A warm start in folded arrays of padded groups; some samples leave early, a feed-through beside; hardened."""
    program = random_program(1, n=7, d=5, k=3, bits=4, iterations=9, feedthrough=True)
    return hardened(folded(starting_warm(program, 4), (3, 2), (2, 3), 4, slots=3))


def warm_leak() -> Corner:
    """A warm start of a single update, with a leak that the start has not."""
    program = random_program(22, n=8, d=6, k=4, bits=4, solver=FORWARD_BACKWARD, state_bits=10, iterations=6)
    return folded(starting_warm(program, 1), (4, 2), (4, 2), 2, slots=2)


def ring_warm() -> Corner:
    """A warm start around the unrolled solver."""
    program = random_program(8, n=6, d=6, k=4, bits=4, readout_bits=7, iterations=7)
    return unrolled(starting_warm(program, 3), (6, 3), slots=3)


def ring_warm_leak() -> Corner:
    """The same with a leak, between graphs."""
    program = random_program(9, n=5, d=4, k=2, bits=4, solver=FORWARD_BACKWARD, state_bits=10, iterations=6)
    return unrolled(starting_warm(program, 2), (5, 2), slots=2, graphs=("drive", "readout"))


#: Where a sample goes on from the state of the one before.
WARM: dict[str, Callable[[], Corner]] = {
    corner.__name__: corner for corner in (warm_padded, warm_leak, timed_leak, ring_warm, ring_warm_leak)
}

#: Where a state is carried from sample to sample.
CARRIED: dict[str, Callable[[], Corner]] = {
    corner.__name__: corner
    for corner in (carried_serial, carried_straddling, carried_parallel, ring_carried, graphs_carried, tables_carried)
}

#: Where the outputs take the input directly too.
DIRECT: dict[str, Callable[[], Corner]] = {
    corner.__name__: corner for corner in (direct, direct_serial, direct_parallel, ring_direct, graphs_direct)
}

CORNERS: dict[str, Callable[[], Corner]] = {
    corner.__name__: corner
    for corner in (
        one_bit,
        ternary_leak,
        saturating,
        leak_saturating,
        parallel,
        serial,
        signed,
        banked,
        tables_ternary,
        single,
        wide,
        cycling,
        timed_padded,
        timed_parallel,
        summed_saturating,
        summed_tables,
        ring_timed,
        ring_full,
        ring_leak,
        ring_ternary,
        ring_whole,
        ring_saturating,
        ring_wide,
        ring_cycling,
        ring_single,
        graph_drive,
        graph_drive_shifted,
        graph_readout,
        graphs_everywhere,
        graphs_wide,
        graphs_single,
        graphs_of_zeros,
        straight_once,
        straight_tables,
        straight_mixed,
        box_one_bit,
        box_leak,
        threshold,
        mixed,
        mixed_leak,
        mixed_serial,
        ring_mixed,
        ring_mixed_leak,
        ring_box,
    )
}


def corner_programs() -> dict[str, Corner]:
    """All of them, by name."""
    return {name: make() for name, make in CORNERS.items()}


def slow_core() -> Corner:
    """Slower than the line, so that requests pile up."""
    program = random_program(3, n=8, d=2, k=2, bits=4, iterations=64)
    return Corner(program, schedule(program, 64))
