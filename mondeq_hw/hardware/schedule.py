"""What the hardware does when: the foldings of the three engines, and how many samples are under way.

An engine holds ``pe`` rows x ``simd`` columns of multipliers and walks its
matrix group by group, one group a cycle, columns innermost.  With the unrolled
strategy the solver's matrix is a graph of additions that takes a product every
cycle; drive and readout may be such graphs too.  Foldings are chosen in
:mod:`.folding`; what they cost in cycles is in :mod:`.cycles`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
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
#: the adder tree's registers not counted.
DRIVE_DEPTH = 9
SOLVE_DEPTH = 12
READOUT_DEPTH = 10
#: Of the solver's, those that a fixed time saves, which need not know whether a row has changed.
UNCOMPARED = 2
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
#: Words of a bank of weights; a folded engine of more has several, and takes a cycle more.
WEIGHT_BANK_DEPTH = 1024
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
    adders : int
        Of a folded engine: additions between two registers, that to the accumulator too.
    """

    rows: int
    columns: int
    pe: int
    simd: int
    graph: GraphSize | None = None
    table_words: int = 0
    adders: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.table_words, int) or not 0 <= self.table_words <= (0 if self.graph else self.simd):
            raise InputError(
                f"folding has tables of {self.table_words!r} columns; expected 0 to {self.simd}, and 0 beside a graph"
            )
        if not isinstance(self.adders, int) or self.adders < 1:
            raise InputError(f"folding has {self.adders!r} adders between registers; expected at least 1")
        if not (1 <= self.pe <= self.rows and 1 <= self.simd <= self.columns):
            raise InputError(
                f"folding is {self.pe} x {self.simd}; expected 1 x 1 to {self.rows} x {self.columns}, the matrix's size"
            )

    @property
    def row_groups(self) -> int:
        """Groups of ``pe`` rows; the last may be partly empty."""
        return groups(self.rows, self.pe)

    @property
    def column_groups(self) -> int:
        """Groups of ``simd`` columns; the last may be partly empty."""
        return groups(self.columns, self.simd)

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
        return groups(self.simd, self.table_words) if self.table_words else self.simd

    @property
    def weight_banks(self) -> int:
        """Memories side by side that hold the words of the weights, one a command."""
        return 1 if self.table_words else groups(self.cycles_per_matvec, WEIGHT_BANK_DEPTH)

    @property
    def tree_levels(self) -> int:
        """Levels of the adder tree over the terms."""
        return (self.terms - 1).bit_length()

    @property
    def tree_stages(self) -> int:
        """Registers on the way through the adder tree; the accumulator's is one more."""
        return self.tree_levels // self.adders


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
    fixed_updates : int
        Updates that every sample takes, of other than straight cores; 0 where one whose state has settled leaves.
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
    fixed_updates: int = 0

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
        if type(self.fixed_updates) is not int or self.fixed_updates < 0:
            raise InputError(
                f"schedule: fixed_updates is {self.fixed_updates!r}; expected a sample's updates, or 0; compile again"
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
        """Of samples whose states settle after so many updates: all of them, where the time is fixed."""
        fixed = self.straight or self.fixed_updates
        return np.full_like(iterations, fixed) if fixed else np.asarray(iterations)

    @property
    def fixed_time(self) -> bool:
        """Whether every sample takes all its updates."""
        return bool(self.straight or self.fixed_updates)

    @property
    def strategy(self) -> str:
        """``resource`` (folded multiply-accumulate) or ``unrolled`` (adder graph)."""
        return RESOURCE if self.solve.graph is None else UNROLLED

    @property
    def drive_depth(self) -> int:
        """Cycles from the drive's last command for a sample until the start may be chosen."""
        if self.straight:
            return folded_depth(self.drive, STRAIGHT_TABLES_DEPTH if self.drive.table_words else STRAIGHT_DRIVE_DEPTH)
        return _depth(self.drive, DRIVE_DEPTH, DRIVE_GRAPH_DEPTH)

    @property
    def update_depth(self) -> int:
        """Cycles from an update's last command until the sample's next update may be chosen, less one."""
        if self.solve.graph is None:
            # Rounding is an addition, too.
            fewer = (self.solve.adders > 1) + (UNCOMPARED if self.fixed_updates else 0)
            return folded_depth(self.solve, SOLVE_DEPTH) - fewer
        return (STRAIGHT_RING_DEPTH if self.straight else RING_DEPTH) + self.solve.graph.stages

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
        return groups(self.readout.rows - self.carried, self.output_beat)

    @property
    def beats_per_sample(self) -> int:
        """Input beats of one sample."""
        return groups(self.drive.columns - self.carried, self.drive.simd)

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
                fixed_updates=plain.get("fixed_updates", 0),
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
    return folded_depth(engine, folded) if engine.graph is None else graph + engine.graph.stages


def folded_depth(engine: EngineFolding, depth: int) -> int:
    return depth + engine.tree_stages + (engine.weight_banks > 1)


def groups(size: int, at_once: int) -> int:
    """How many times so many at once it takes."""
    return -(-size // at_once)
