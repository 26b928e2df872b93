"""Folding of the three engines and the exact cycle model of the hardware.

An engine holds ``pe`` rows x ``simd`` columns of multipliers and walks its
matrix group by group, one group a cycle, columns innermost.  The user gives
the solver's cycles per matrix-vector product (``reuse_factor``); drive and
readout follow, as small as they can be without becoming the bottleneck.

With the unrolled strategy the solver's matrix is a graph of additions that takes
a product every cycle; drive and readout may be such graphs too.

The cycle model states when each command of each engine enters its pipeline
(``hls_templates/rtl``), so it equals the simulation exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, whole_bytes
from ..program import SolverProgram
from .adder_graph import FEWEST_SOLVER_STAGES, FEWEST_STRAIGHT_STAGES, GraphSize
from .graph_search import GraphSearch

RESOURCE = "resource"
UNROLLED = "unrolled"
#: Protection against upsets, none first.
NONE, CONTROL, FULL = "none", "control", "full"
HARDENINGS = (NONE, CONTROL, FULL)

#: Cycles from an engine's last command to the first cycle in which its result can be used,
#: the adder tree's levels not counted.
DRIVE_DEPTH = 9
SOLVE_DEPTH = 12
READOUT_DEPTH = 10
#: The same where the matrix is a graph, its stages not counted; in the ring a sample's last update takes one more.
DRIVE_GRAPH_DEPTH = 2
RING_DEPTH = 4
READOUT_GRAPH_DEPTH = 7
#: In a straight core, levels and stages not counted: from the drive's last command to the choice of the start, with
#: tables and with products; from an update's choice, less one, to that of its sample's next one, and to its state;
#: from there to the output beat.
STRAIGHT_TABLES_DEPTH = 5
STRAIGHT_DRIVE_DEPTH = 6
STRAIGHT_RING_DEPTH = 1
STRAIGHT_DONE_DEPTH = 2
STRAIGHT_READOUT_DEPTH = 3
#: From the output beat that a carried word would have been to the first command that reads the state.
CARRIED_DEPTH = 1
#: From the readout's last command of a sample to the choice of the next one's first update, which goes on from it.
WARM_DEPTH = 1
#: Words of a bank of weights; a folded engine of more has several, and takes a cycle more.
WEIGHT_BANK_DEPTH = 1024
#: A folding may waste so much of an engine's multipliers, on padded groups and on the start ...
MAX_WASTE = 0.045
#: ... where one that wastes less has at most so many times the multipliers of the smallest.
MAX_GROWTH = 2
#: Slots are added until the slowest engine idles no longer than this share of the time.
MAX_IDLE = 0.004
MAX_SLOTS = 64
#: Registers between the engines, and more.
WATCHDOG_MARGIN = 16
#: A slot's number takes a bit.
MIN_SLOTS = 2


@dataclass(frozen=True)
class EngineFolding:
    """How one matrix is folded onto ``pe * simd`` multipliers.

    Parameters
    ----------
    rows, columns : int
        Size of the matrix.
    pe : int
        Rows computed at once, at most ``rows``.
    simd : int
        Columns multiplied at once, at most ``columns``.
    graph : GraphSize, optional
        Where the matrix is an adder graph: all of it is computed at once, and the folding says how words come and
        go.  The drive then takes ``simd`` words a cycle and gives all rows at once, the solver takes and gives all,
        the readout gives a row a cycle.
    table_words : int
        Of the drive: columns whose products are looked up in one table (:mod:`.tables`); 0 where there are
        multipliers.
    """

    rows: int
    columns: int
    pe: int
    simd: int
    graph: GraphSize | None = None
    table_words: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.table_words, int) or not 0 <= self.table_words <= (0 if self.graph else self.simd):
            raise InputError(
                f"folding has tables of {self.table_words!r} columns; expected 0 to {self.simd}, and 0 beside a graph"
            )
        if not (1 <= self.pe <= self.rows and 1 <= self.simd <= self.columns):
            raise InputError(
                f"folding is {self.pe} x {self.simd}; expected 1 x 1 to {self.rows} x {self.columns}, the matrix's size"
            )

    @property
    def row_groups(self) -> int:
        """Groups of ``pe`` rows; the last may be partly empty."""
        return _groups(self.rows, self.pe)

    @property
    def column_groups(self) -> int:
        """Groups of ``simd`` columns; the last may be partly empty."""
        return _groups(self.columns, self.simd)

    @property
    def cycles_per_matvec(self) -> int:
        """Commands of one matrix-vector product, one a cycle."""
        return self.row_groups * self.column_groups

    @property
    def multipliers(self) -> int:
        """Products at once."""
        return self.pe * self.simd

    @property
    def multiplies(self) -> bool:
        """Whether its products are made by multipliers: not by a graph, nor looked up in tables."""
        return self.graph is None and not self.table_words

    @property
    def terms(self) -> int:
        """What a row's adder tree adds up: products, or words of tables."""
        return _groups(self.simd, self.table_words) if self.table_words else self.simd

    @property
    def weight_banks(self) -> int:
        """Memories side by side that hold the words of the weights, one a command."""
        return 1 if self.table_words else _groups(self.cycles_per_matvec, WEIGHT_BANK_DEPTH)

    @property
    def tree_levels(self) -> int:
        """Register levels of the adder tree over the terms."""
        return (self.terms - 1).bit_length()


@dataclass(frozen=True)
class Schedule:
    """Foldings of the three engines and the number of samples in flight.

    Parameters
    ----------
    reuse_factor : int
        Upper limit asked of the solver's cycles per matrix-vector product; the drive and the readout have
        ``iterations`` times as many.
    drive, solve, readout : EngineFolding
        The drive has the rows of a feed-through too, below the states'.  The readout has ``pe = 1``: the output
        stream carries one word a cycle anyway.
    slots : int
        Samples held between the drive's first and the readout's last command, at least :data:`MIN_SLOTS`.
    carried : int
        Words of a carried state: the drive's last columns and the readout's last rows.
    first_warm_update : int
        Number of the update with which a sample begins that goes on from the state of the one before; 0 without a warm
        start.
    framed : bool
        Whether the input's TLAST ends a sample and is checked; otherwise its beats are counted.
    byte_words : bool
        Whether every input word of a beat begins at a byte; otherwise they are packed without holes.
    output_beat : int
        Words of a beat of the output stream, the last padded; the readout gives one a cycle all the same.
    output_bytes : bool
        Whether every output word of a beat begins at a byte; one alone always does.
    harden : str
        One of :data:`HARDENINGS`: whether a guard notices upsets of the control (``mondeq_guard.sv``), and with full
        a parity bit those of the memories' words (``mondeq_rom.sv``).
    straight : int
        Of a straight core (:mod:`.straight`) the updates that every sample takes; 0 of any other.  Its readout has all
        rows at once, and its slots are places of the output buffer.
    flags_ends : bool
        Whether the output's TUSER tells of a sample that one of its words is at an end of its range
        (``mondeq_end_flag.sv``).

    Raises
    ------
    InputError
        The modules would not elaborate with these parameters.
    """

    reuse_factor: int
    drive: EngineFolding
    solve: EngineFolding
    readout: EngineFolding
    slots: int
    carried: int = 0
    first_warm_update: int = 0
    framed: bool = True
    byte_words: bool = False
    harden: str = NONE
    output_beat: int = 1
    output_bytes: bool = False
    flags_ends: bool = False
    straight: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.slots, int) or self.slots < MIN_SLOTS:
            raise InputError(f"schedule: slots is {self.slots!r}; expected at least {MIN_SLOTS}; compile again")
        if self.harden not in HARDENINGS:
            raise InputError(f"schedule: harden is {self.harden!r}; expected {', '.join(HARDENINGS)}; compile again")
        if self.harden != NONE and not self.framed:
            raise InputError(
                f"harden is {self.harden!r} with counted beats, whose place in a sample is lost for ever when a core "
                "begins anew; take --framing tlast, or --harden none"
            )
        if self.harden != NONE and self.output_beat != 1:
            raise InputError(
                f"harden is {self.harden!r} with {self.output_beat} output words a beat, where an upset would shift "
                "them unseen; take --output-beat 1, or --harden none"
            )
        if self.harden != NONE and self.flags_ends:
            raise InputError(
                f"harden is {self.harden!r} with flags of saturated inputs, which would go with other samples after an "
                "upset; leave --flag-saturation out, or take --harden none"
            )
        drive, solve, readout = self.drive, self.solve, self.readout
        outputs = readout.rows - self.carried
        if type(self.output_beat) is not int or not 1 <= self.output_beat <= outputs:
            raise InputError(
                f"output_beat is {self.output_beat!r}; expected a whole number of words, 1 to {outputs} (all outputs)"
            )
        states = solve.rows
        if not states == solve.columns == readout.columns or drive.rows not in (states, states + readout.rows):
            raise InputError(
                f"schedule: {drive.rows} rows of the drive, {solve.rows} x {solve.columns} of the solver and "
                f"{readout.rows} x {readout.columns} of the readout; expected the same number of states, and in the "
                "drive perhaps as many rows more as there are outputs; compile again"
            )
        if solve.table_words or readout.table_words:
            raise InputError("schedule: solver or readout has tables, which only the drive may have; compile again")
        rows = readout.rows if self.straight else 1
        if readout.pe != rows:
            raise InputError(f"schedule: the readout has pe {readout.pe}; expected {rows}; compile again")
        graphs = drive.graph is None and solve.graph is not None and readout.graph is not None
        whole = drive.rows == drive.pe == states and self.output_beat == readout.rows
        alone = not (self.carried or self.first_warm_update) and self.harden == NONE
        if type(self.straight) is not int or self.straight < 0 or (self.straight and not (graphs and whole and alone)):
            raise InputError(
                f"schedule: straight is {self.straight!r}; expected 0, or beside graphs of solver and readout the "
                "updates of a sample, all rows of the drive and all outputs at once, no memory, no guard; compile again"
            )
        wide = (drive.pe == drive.rows, solve.pe == solve.simd == solve.rows, readout.simd == readout.columns)
        stages = (1, FEWEST_STRAIGHT_STAGES if self.straight else FEWEST_SOLVER_STAGES, 1)
        engines = zip(("drive", "solve", "readout"), (drive, solve, readout), wide, stages, strict=True)
        for name, engine, whole, fewest in engines:
            if engine.graph is not None and (not whole or engine.graph.stages < fewest):
                raise InputError(
                    f"schedule: {name} is a graph of {engine.graph.stages} stages folded {engine.pe} x {engine.simd}; "
                    f"expected at least {fewest} stages and all rows (of the readout: columns) at once; compile again"
                )

    def updates(self, iterations: np.ndarray) -> np.ndarray:
        """Of samples whose states settle after so many updates: in a straight core every sample takes all."""
        return np.full_like(iterations, self.straight) if self.straight else np.asarray(iterations)

    @property
    def strategy(self) -> str:
        """``resource`` (folded multiply-accumulate) or ``unrolled`` (adder graph)."""
        return RESOURCE if self.solve.graph is None else UNROLLED

    @property
    def drive_depth(self) -> int:
        """Cycles from the drive's last command for a sample until the start may be chosen."""
        if self.straight:
            return _folded_depth(self.drive, STRAIGHT_TABLES_DEPTH if self.drive.table_words else STRAIGHT_DRIVE_DEPTH)
        return _depth(self.drive, DRIVE_DEPTH, DRIVE_GRAPH_DEPTH)

    @property
    def update_depth(self) -> int:
        """Cycles from an update's last command until the sample's next update may be chosen, less one."""
        return _depth(self.solve, SOLVE_DEPTH, STRAIGHT_RING_DEPTH if self.straight else RING_DEPTH)

    @property
    def done_depth(self) -> int:
        """The same until the readout may begin, for the last update."""
        if self.straight:
            return STRAIGHT_DONE_DEPTH
        return self.update_depth if self.solve.graph is None else self.update_depth + 1

    @property
    def readout_depth(self) -> int:
        """Cycles from a row's last command to its output beat."""
        return _depth(self.readout, READOUT_DEPTH, STRAIGHT_READOUT_DEPTH if self.straight else READOUT_GRAPH_DEPTH)

    @property
    def samples_in_flight(self) -> int:
        """Samples between the streams, at most.

        Each is in one of the drive's two banks, in a slot, or has a word in the readout's buffer or on the way to it;
        the buffer holds two words more than that way has cycles.  In a straight core that buffer is the slots.
        """
        if self.straight:
            return 2 + self.slots
        return 2 + self.slots + self.readout_depth + 2

    @property
    def words_per_beat(self) -> int:
        """Input words in one beat of the input stream."""
        return self.drive.simd

    def lane_bits(self, program: SolverProgram) -> int:
        """Bits from one input word of a beat to the next."""
        word = program.input_format.word_length
        return whole_bytes(word) if self.byte_words else word

    def input_tdata_bits(self, program: SolverProgram) -> int:
        """Bits of the input stream's TDATA: a beat's words, and above them what says that they are a carried state."""
        return whole_bytes(self.words_per_beat * self.lane_bits(program) + (program.carried is not None))

    def output_lane_bits(self, program: SolverProgram) -> int:
        """Bits from one output word of a beat to the next; a word alone is extended to whole bytes."""
        word = program.output_bits
        return whole_bytes(word) if self.output_bytes or self.output_beat == 1 else word

    def output_tdata_bits(self, program: SolverProgram) -> int:
        """Bits of the output stream's TDATA."""
        return whole_bytes(self.output_beat * self.output_lane_bits(program))

    @property
    def output_beats(self) -> int:
        """Output beats of one sample."""
        return _groups(self.readout.rows - self.carried, self.output_beat)

    @property
    def beats_per_sample(self) -> int:
        """Input beats of one sample."""
        return _groups(self.drive.columns - self.carried, self.drive.simd)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready; the inverse of :meth:`from_plain`."""
        return {"strategy": self.strategy, **asdict(self)}

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Schedule:
        """Read what :meth:`to_plain` wrote.

        Raises
        ------
        InputError
            When a key is missing or a value is not a whole number.
        """
        try:
            engines = {key: _folding_from_plain(plain[key]) for key in ("drive", "solve", "readout")}
            # Builds of before had no such fields, and counted beats.
            carried, first = plain.get("carried", 0), plain.get("first_warm_update", 0)
            return Schedule(
                plain["reuse_factor"],
                **engines,
                slots=plain["slots"],
                carried=carried,
                first_warm_update=first,
                framed=plain.get("framed", False),
                byte_words=plain.get("byte_words", False),
                harden=plain.get("harden", NONE),
                output_beat=plain.get("output_beat", 1),
                output_bytes=plain.get("output_bytes", False),
                flags_ends=plain.get("flags_ends", False),
                straight=plain.get("straight", 0),
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"schedule is incomplete ({error!r}); compile again") from None


def load_schedule(build: Path) -> Schedule:
    """The schedule that a build folder's RTL was emitted with.

    Raises
    ------
    InputError
    """
    file = build / "rtl" / "schedule.json"
    try:
        return Schedule.from_plain(json.loads(file.read_text()))
    except (OSError, ValueError, InputError) as error:
        raise InputError(f"{file}: cannot be read ({error}); compile again") from None


def _folding_from_plain(plain: dict[str, Any]) -> EngineFolding:
    graph = plain["graph"]
    if graph is not None:
        # Builds of before had no such field, and asked da4ml.
        graph = GraphSize(**{**graph, "search": GraphSearch(**graph.get("search", {}))})
    return EngineFolding(**{**plain, "graph": graph})


def _depth(engine: EngineFolding, folded: int, graph: int) -> int:
    return _folded_depth(engine, folded) if engine.graph is None else graph + engine.graph.stages


def _folded_depth(engine: EngineFolding, depth: int) -> int:
    return depth + engine.tree_levels + (engine.weight_banks > 1)


def schedule(program: SolverProgram, reuse_factor: int | None = None, input_beat: int | None = None) -> Schedule:
    """Fold the program's three matrices.

    Parameters
    ----------
    program : SolverProgram
    reuse_factor : int, optional
        Cycles per matrix-vector product of the solver, 1 (fully parallel) to
        ``n * n`` (one multiplier); ``n`` when absent, about one multiplier a row.
    input_beat : int, optional
        Words of a beat of the input stream, the last padded: the drive takes as many columns a cycle, and as many rows
        as keep up with the solver, or with the stream where that is slower.  Chosen with the drive when absent.

    Raises
    ------
    InputError
        When ``reuse_factor`` is outside ``1 .. n * n`` or ``input_beat`` outside ``1 .. d``.
    """
    reuse = _checked(program, program.n if reuse_factor is None else reuse_factor)
    solve = _fold_solve(program.n, reuse, program.iterations)
    drive, readout = _fold_around(program, solve.pe, program.iterations * solve.cycles_per_matvec, input_beat)
    if program.warm is not None:
        return Schedule(reuse, drive, solve, readout, MIN_SLOTS, first_warm_update=program.first_warm_update)
    # One slot for the drive, one for the readout, and the samples that fill one another's pipeline gaps.
    interleaved = 1 + _groups(_folded_depth(solve, SOLVE_DEPTH), solve.cycles_per_matvec)
    plan = Schedule(reuse, drive, solve, readout, 2 + interleaved, program.carried_words)
    busy = (1 + MAX_IDLE) * busy_cycles(plan, program.iterations)
    while plan.slots < MAX_SLOTS and initiation_interval(plan, program.iterations) > busy:
        plan = replace(plan, slots=plan.slots + 1)
    return plan


def schedule_unrolled(
    program: SolverProgram,
    solve: GraphSize,
    reuse_factor: int | None = None,
    drive: GraphSize | None = None,
    readout: GraphSize | None = None,
    input_beat: int | None = None,
    drive_rows: int = 1,
) -> Schedule:
    """Fold drive and readout around a solver that takes a product every cycle.

    Parameters
    ----------
    program : SolverProgram
    solve : GraphSize
        Of the program's iteration matrix.
    reuse_factor : int, optional
        Cycles that drive and readout may take for each update; 1 keeps up with
        the solver.  When absent, what a stream of one input word a cycle allows.
    drive, readout : GraphSize, optional
        Where that matrix is a graph too.  The beats of the input stream are
        those of the folded drive.
    input_beat : int, optional
        Words of a beat of the input stream, see :func:`schedule`.
    drive_rows : int
        Of the drive at a time, at least.

    Raises
    ------
    InputError
        When ``reuse_factor`` is outside ``1 .. n * n`` or ``input_beat`` outside ``1 .. d``.
    """
    n = program.n
    one_word_a_cycle = min(_groups(program.d, program.iterations), n * n)
    reuse = _checked(program, one_word_a_cycle if reuse_factor is None else reuse_factor)
    load, read = _fold_around(program, n, program.iterations * reuse, input_beat, drive_rows)
    if drive is not None:
        load = replace(load, pe=load.rows, graph=drive)
    if readout is not None:
        read = replace(read, simd=n, graph=readout)
    engines = (load, EngineFolding(n, n, n, n, solve), read)
    if program.warm is not None:
        return Schedule(reuse, *engines, MIN_SLOTS, first_warm_update=program.first_warm_update)
    plan = Schedule(reuse, *engines, 3, program.carried_words)
    # As many samples as the slowest engine begins while one of them holds its slot: loaded, waiting at most a turn
    # of the ring for a place, updated, read.
    updates, turn = 1 + program.iterations, 1 + plan.update_depth
    interval = max(updates, load.cycles_per_matvec, read.cycles_per_matvec)
    loading = (load.cycles_per_matvec if drive is None else 1) + plan.drive_depth
    held = loading + turn + updates * turn + read.cycles_per_matvec + 1
    return replace(plan, slots=max(plan.slots, 1 + _groups(held, interval)))


def straight_slots(plan: Schedule) -> int:
    """Places of a straight core's output buffer: as many as samples are on the way to it."""
    updates, turn = 1 + plan.straight, 1 + plan.update_depth
    interval = max(updates, plan.drive.cycles_per_matvec)
    way = plan.drive.cycles_per_matvec + plan.drive_depth + (1 + plan.straight) * turn
    return max(MIN_SLOTS, 1 + _groups(way + plan.done_depth + plan.readout_depth + 2, interval))


def _checked(program: SolverProgram, reuse: int) -> int:
    n = program.n
    if not isinstance(reuse, int) or isinstance(reuse, bool) or not 1 <= reuse <= n * n:
        raise InputError(
            f"reuse_factor is {reuse!r}; expected a whole number of cycles per matrix-vector product, "
            f"1 (fully parallel) to {n * n} (one multiplier, n = {n})"
        )
    return reuse


def _fold_around(
    program: SolverProgram, solve_pe: int, cycles: int, input_beat: int | None, drive_rows: int = 1
) -> tuple[EngineFolding, EngineFolding]:
    """Drive and readout, which have the whole solution of a sample to do their one product."""
    drive = _fold_drive(program, cycles, solve_pe, _beats(program.d, input_beat), drive_rows)
    return drive, _fold_readout(program.rows, program.n, cycles, solve_pe)


def _beats(d: int, asked: int | None) -> set[int]:
    """Words that a beat may have: those asked for, else a power of two (or the whole sample)."""
    if asked is None:
        return {d, *(2**power for power in range(d.bit_length()) if 2**power <= d)}
    if not isinstance(asked, int) or isinstance(asked, bool) or not 1 <= asked <= d:
        raise InputError(f"input_beat is {asked!r}; expected a whole number of words, 1 to {d} (a whole sample)")
    return {asked}


def commensurate(a: int, b: int) -> bool:
    """Whether one group width divides the other, so that words regroup through memories instead of registers."""
    return a % b == 0 or b % a == 0


def _groups(size: int, at_once: int) -> int:
    return -(-size // at_once)


def _fold_solve(n: int, cycles: int, iterations: int) -> EngineFolding:
    """Few multipliers that finish in ``cycles``; among equals commensurate, then the squarest array."""
    widths = _widths(n)
    folds = [EngineFolding(n, n, pe, simd) for pe in widths for simd in widths]
    folds = [fold for fold in folds if fold.cycles_per_matvec <= cycles]
    # The start takes a cycle a row group, which counts where updates and column groups are few.
    start = {fold: 1 + 1 / (iterations * fold.column_groups) for fold in folds}
    pool = _economical(folds, lambda fold: padding(fold) * start[fold])
    return min(
        pool, key=lambda fold: (fold.multipliers, not commensurate(fold.pe, fold.simd), fold.pe + fold.simd, fold.pe)
    )


def _fold_drive(program: SolverProgram, cycles: int, solve_pe: int, beats: set[int], least_pe: int) -> EngineFolding:
    """Few multipliers that finish in ``cycles``, or as fast as the stream is, on beats of so many words."""
    rows, d = program.injection.rows, program.columns
    folds = [EngineFolding(rows, d, pe, simd) for pe in range(least_pe, rows + 1) for simd in beats]
    # A beat holds inputs only, so the columns of carried words may take a few cycles beside.
    least = min(fold.cycles_per_matvec for fold in folds)
    folds = [fold for fold in folds if fold.cycles_per_matvec <= max(cycles, least)]
    pool = _economical([fold for fold in folds if commensurate(min(fold.pe, program.n), solve_pe)] or folds, padding)
    return min(pool, key=lambda fold: (fold.multipliers, fold.pe + fold.simd, fold.pe))


def _fold_readout(k: int, n: int, cycles: int, solve_pe: int) -> EngineFolding:
    """One row at a time, in ``cycles``, or in ``k`` where that is later: no stream of words is faster."""
    folds = [EngineFolding(k, n, 1, simd) for simd in range(1, n + 1)]
    folds = [fold for fold in folds if fold.cycles_per_matvec <= max(cycles, k)]
    pool = _economical([fold for fold in folds if commensurate(fold.simd, solve_pe)] or folds, padding)
    return min(pool, key=lambda fold: fold.multipliers)


def padding(fold: EngineFolding) -> float:
    """Cycles of a product over those that as many multipliers would need without padded groups."""
    return fold.cycles_per_matvec * fold.multipliers / (fold.rows * fold.columns)


def _economical(folds: list[EngineFolding], waste: Callable[[EngineFolding], float]) -> list[EngineFolding]:
    """Those that use their multipliers well, where one is not much larger than the smallest of all; else all."""
    most = MAX_GROWTH * min(fold.multipliers for fold in folds)
    return [fold for fold in folds if fold.multipliers <= most and waste(fold) <= 1 + MAX_WASTE] or folds


def _widths(size: int) -> list[int]:
    """Every width that is the smallest for its number of groups."""
    return sorted({_groups(size, groups) for groups in range(1, size + 1)})


# -- cycle model ---------------------------------------------------------------


def completion_cycles(plan: Schedule, iterations: np.ndarray, settled: bool = False) -> np.ndarray:
    """Cycle in which the last output beat of each sample is accepted.

    Parameters
    ----------
    plan : Schedule
    iterations : ndarray of int (samples,)
        Number of the last update executed for each sample, early exit included.
    settled : bool
        Whether samples have gone before, so that a warm start is one.

    Returns
    -------
    ndarray of int64 (samples,)
        Counted from the cycle that accepts the first input beat (0), for samples
        streamed back to back while neither stream ever stalls.
    """
    clock = _Clock(plan, plan.updates(iterations).tolist(), settled)
    clock.run()
    return np.array(clock.completed, dtype=np.int64)


@lru_cache(1024)
def latency(plan: Schedule, iterations: int) -> int:
    """Cycles from the first input beat of a lone sample, not the first, to its last output beat, both included."""
    return int(completion_cycles(plan, np.array([iterations]), settled=True)[0]) + 1


@lru_cache(1024)
def initiation_interval(plan: Schedule, iterations: int) -> float:
    """Steady-state cycles between samples that each run ``iterations`` updates."""
    # From the mean of one window to that of the next, away from both ends: samples may leave in bunches.
    window = 8 * plan.slots
    completed = completion_cycles(plan, np.full(4 * window, iterations))
    return float(completed[2 * window : 3 * window].mean() - completed[window : 2 * window].mean()) / window


def busy_cycles(plan: Schedule, iterations: int) -> int:
    """Commands of the slowest engine for a sample that runs ``iterations`` updates: no interval is shorter."""
    solving = iterations * plan.solve.cycles_per_matvec + plan.solve.row_groups
    return max(solving, plan.drive.cycles_per_matvec, plan.readout.cycles_per_matvec)


def mac_bounds(plan: Schedule, iterations: int) -> tuple[int, int, int]:
    """Cycles that drive, solver and readout need for the multiplications of a sample when no multiplier ever idles."""
    drive, solve, readout = (
        _groups(times * fold.rows * fold.columns, fold.multipliers)
        for times, fold in ((1, plan.drive), (iterations, plan.solve), (1, plan.readout))
    )
    return drive, solve, readout


def pipeline_depth(plan: Schedule, iterations: int) -> int:
    """Cycles of a lone sample's latency in which no multiplication of its own begins.

    Its words travel through drive and readout once, and through the solver for
    the start and for every update, because an update needs the one before it.
    """
    start = plan.solve.row_groups + plan.update_depth
    updates = (iterations - 1) * plan.update_depth + plan.done_depth
    return 1 + plan.drive_depth + start + updates + plan.readout_depth


def watchdog_cycles(plan: Schedule, iterations: int) -> int:
    """Cycles in which the core gives an output beat, whatever else it holds, if one is due and the sink is ready.

    The oldest sample waits for nobody but the array, which is busy with another's update for at most as many cycles as
    its own takes.  So a bound is: its drive; for the start, for every update and for the way into a ring one such wait,
    one update and its depth; its readout, and the carried words that are written behind it.
    """
    update = 2 * max(plan.solve.cycles_per_matvec, plan.solve.row_groups) + plan.update_depth + 1
    drive, readout = plan.drive.cycles_per_matvec + plan.drive_depth, plan.readout.cycles_per_matvec
    return drive + (iterations + 2) * update + plan.done_depth + 2 * (readout + plan.readout_depth) + WATCHDOG_MARGIN


def guard_cycles(plan: Schedule, iterations: int) -> int:
    """What a hardened core's guard waits for; 0 without one."""
    return 0 if plan.harden == NONE else watchdog_cycles(plan, iterations)


class _Clock:
    """Times of all commands, in the order in which the hardware decides them.

    While no sample enters the solver or leaves it, what is chosen depends only on when each sample is ready, counted
    from now: as soon as that repeats, so does everything up to the next entry or exit, and whole rounds are added at
    once.  So thousands of updates cost no more than a few.
    """

    def __init__(self, plan: Schedule, iterations: list[int], settled: bool):
        self.plan = plan
        self.iterations = iterations
        self.settled = settled  # by a sample before these
        self.update_depth, self.done_depth = plan.update_depth, plan.done_depth
        self.start_job, self.update_job = plan.solve.row_groups, plan.solve.cycles_per_matvec
        self.input_end: list[int] = []  # last beat of a sample
        self.drive_end: list[int] = []  # last command of the drive
        self.readout_end: list[int] = []  # last command of the readout, which frees the slot
        self.completed: list[int] = []
        self.ready: dict[int, int] = {}  # sample -> cycle in which its next update may be chosen
        self.updates: dict[int, int] = {}  # sample -> number of its next update; 0 is the start
        self.done: dict[int, int] = {}  # sample -> cycle in which its state is final

    def run(self) -> None:
        plan = self.plan
        for _ in range(1 if plan.carried or plan.first_warm_update else plan.slots):
            self._drive()
        choice = 0
        rounds: dict[tuple[tuple[int, int], ...], tuple[int, dict[int, int]]] = {}
        while self.ready:
            # The array is free from cycle `choice` on; it takes the oldest ready sample.  In the unrolled solver's
            # ring that is the one whose place comes by, for all that have entered are older than those that wait.
            choice = max(choice, min(self.ready.values()))
            sample = min(index for index, cycle in self.ready.items() if cycle <= choice)
            if self.updates[sample] == 0:
                rounds.clear()  # it enters
            elif sample == min(index for index in self.ready if self.updates[index]):
                choice = self._repeated(choice, rounds)
            del self.ready[sample]
            choice += self.update_job if self.updates[sample] else self.start_job
            self.updates[sample] += 1
            if self.updates[sample] > self.iterations[sample]:
                self.done[sample] = choice + self.done_depth
                self._readout()
                rounds.clear()
            else:
                self.ready[sample] = choice + self.update_depth

    def _repeated(self, choice: int, rounds: dict[tuple[tuple[int, int], ...], tuple[int, dict[int, int]]]) -> int:
        """The cycle after as many whole rounds as pass unchanged; a round ends when the oldest sample is chosen."""
        waiting = {index: cycle for index, cycle in self.ready.items() if not self.updates[index]}
        active = {index: cycle for index, cycle in self.ready.items() if self.updates[index]}
        # Whoever is ready by now is so however long ago; who waits and is not yet ready does not take part.
        here = [(index, max(0, cycle - choice)) for index, cycle in active.items()]
        here += [(index, 0) for index, cycle in waiting.items() if cycle <= choice]
        before = rounds.setdefault(tuple(sorted(here)), (choice, {index: self.updates[index] for index in active}))
        length = choice - before[0]
        if length == 0:
            return choice
        begun = {index: self.updates[index] - before[1][index] for index in active}
        most = min((self.iterations[index] - self.updates[index]) // many for index, many in begun.items() if many)
        arrivals = [(cycle - choice - 1) // length for cycle in waiting.values() if cycle > choice]
        count = min([most, *arrivals])
        rounds.clear()
        for index, cycle in active.items():
            self.updates[index] += count * begun[index]
            self.ready[index] = cycle + count * length
        return choice + count * length

    def _drive(self) -> None:
        """Enter the next sample, if there is one: its slot is free a cycle after the readout of an older one ended."""
        plan, sample = self.plan, len(self.drive_end)
        if sample == len(self.iterations):
            return
        first_beat = self.input_end[-1] + 1 if sample else 0
        freed = self.completed if plan.straight else self.readout_end
        free = freed[sample - plan.slots] + 2 if sample >= plan.slots else 0
        if plan.drive.graph is None:
            self._drive_folded(first_beat, free)
        else:
            self._drive_graph(first_beat, free)
        self.ready[sample] = self.drive_end[-1] + plan.drive_depth
        self.updates[sample] = 0
        if plan.first_warm_update and (sample or self.settled):
            self.updates[sample] = plan.first_warm_update
            self.ready[sample] = max(self.ready[sample], self.readout_end[-1] + WARM_DEPTH if sample else 0)

    def _drive_folded(self, first_beat: int, free: int) -> None:
        """Two banks: the engine must have left the one that is filled now; a command as soon as its words are there."""
        first_beat = max(first_beat, self.drive_end[-2] + 1 if len(self.drive_end) > 1 else 0)
        start = max(first_beat + 1, self.drive_end[-1] + 1 if self.drive_end else 0, free)
        self.input_end.append(first_beat + self.plan.beats_per_sample - 1)
        self.drive_end.append(self._after_carried(start) + self.plan.drive.cycles_per_matvec - 1)

    def _after_carried(self, start: int) -> int:
        """Where the commands from the first with a carried word on wait for it, so many cycles later than begun."""
        plan = self.plan
        if not plan.carried or not self.readout_end:
            return start
        before = 0 if plan.drive.graph else (plan.drive.columns - plan.carried) // plan.drive.simd
        return max(start, self.readout_end[-1] + plan.readout_depth + CARRIED_DEPTH - before)

    def _drive_graph(self, first_beat: int, free: int) -> None:
        """One command with all words; the last beat, which completes them, waits for the sample before to leave."""
        last_beat = max(first_beat + self.plan.beats_per_sample - 1, self.drive_end[-1] if self.drive_end else 0)
        self.input_end.append(last_beat)
        self.drive_end.append(self._after_carried(max(last_beat + 1, free)))

    def _readout(self) -> None:
        """Read every finished sample whose elders have all been read."""
        plan = self.plan
        while (sample := len(self.readout_end)) in self.done:
            start = self.done.pop(sample)
            if sample:
                start = max(start, self.readout_end[-1] + 1)
            self.readout_end.append(start + plan.readout.cycles_per_matvec - 1)
            carried = plan.carried * plan.readout.column_groups
            self.completed.append(self.readout_end[-1] - carried + plan.readout_depth)
            self._drive()
