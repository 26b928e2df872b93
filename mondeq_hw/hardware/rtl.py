"""SystemVerilog of a design: fixed hand-written modules, one generated parameter package, weight files.

The modules in ``hls_templates/rtl`` are copied but for the prefix of their names
(:mod:`.naming`); only the package, the files under ``mem/`` and, with the unrolled
strategy, the adder graphs differ from one program to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from ..base import IntegerOperator, filled, source_template
from ..program import Injection, SolverProgram
from .adder_graph import AdderGraph
from .clip_table import clip_table
from .cycles import guard_cycles
from .design import Design
from .naming import write_sources
from .schedule import FULL, NONE, WEIGHT_BANK_DEPTH, EngineFolding, Schedule
from .straight import StraightWords
from .tables import entry_bits, offsets, table_biases, tables

#: Modules in compile order, after the generated package.
MODULES = (
    "mondeq_assert.sv",
    "mondeq_delay.sv",
    "mondeq_rom.sv",
    "mondeq_weights.sv",
    "mondeq_fifo.sv",
    "mondeq_regroup.sv",
    "mondeq_clip.sv",
    "mondeq_clip_lanes.sv",
    "mondeq_product.sv",
    "mondeq_adder_tree.sv",
    "mondeq_round_shift.sv",
    "mondeq_saturate.sv",
    "mondeq_matvec_counter.sv",
    "mondeq_matvec.sv",
    "mondeq_matvec_tables.sv",
    "mondeq_frame_check.sv",
    "mondeq_credits.sv",
    "mondeq_slot_watch.sv",
    "mondeq_readout_control.sv",
    "mondeq_state_trace.sv",
)
#: Beside them where the program has a feed-through.
FEEDTHROUGH = "mondeq_feedthrough.sv"
#: Beside them where the control is hardened.
GUARD = "mondeq_guard.sv"
#: Beside them where an output beat has several words.
OUTPUT_BEAT = "mondeq_output_beat.sv"
#: Beside them where it carries a state.
CARRIED = "mondeq_carried.sv"
TOP = "mondeq_top.sv"
#: Where inputs are flagged, and the top around the core, which is then the other top under this name.
END_FLAG = "mondeq_end_flag.sv"
FLAGGED_TOP = "flagged/mondeq_top.sv"
CORE = "mondeq_core"
#: Of a weight file, that are packed at once.
PACKED_BITS = 1 << 24
PACKAGE = "mondeq_pkg.sv"
GRAPH = "mondeq_graph.sv"


def emit(design: Design, folder: Path) -> None:
    """Write ``folder/rtl``: ``src/``, ``mem/``, ``sources.f`` and ``schedule.json``.

    The bytes depend on the program and the schedule alone.

    Parameters
    ----------
    design : Design
    folder : Path
        The build folder; ``rtl/`` is created in it.
    """
    program, plan, engines = design.program, design.schedule, _engines(design)
    sources = {PACKAGE: _package(program, plan, engines)}
    for engine in engines:
        if engine.graph is not None:
            module, template = f"mondeq_{engine.name}_graph", source_template("rtl", f"{GRAPH}.j2")
            sources[f"{module}.sv"] = filled(template, module=module, graph=engine.graph, sum_bits=engine.sum_bits)
    feedthrough = () if program.feedthrough is None else (FEEDTHROUGH,)
    carried = () if program.carried is None else (CARRIED,)
    guard = () if plan.harden == NONE else (GUARD,)
    beats = () if plan.output_beat == 1 else (OUTPUT_BEAT,)
    flag = (END_FLAG,) if plan.flags_ends else ()
    for path in (*MODULES, *feedthrough, *carried, *guard, *beats, *flag, *(engine.source for engine in engines)):
        sources[PurePath(path).name] = source_template("rtl", path)
    if plan.flags_ends:
        sources[f"{CORE}.sv"] = source_template("rtl", TOP).replace("module mondeq_top (", f"module {CORE} (")
    sources[TOP] = source_template("rtl", top_source(plan))
    write_sources(sources, program.name, folder / "rtl")
    memory = folder / "rtl" / "mem"
    memory.mkdir(exist_ok=True)
    for name, words in _memories(program, plan).items():
        (memory / f"{name}.mem").write_text("".join(f"{line}\n" for line in words.lines(plan.harden == FULL)))
    (folder / "rtl" / "schedule.json").write_text(json.dumps(plan.to_plain(), indent=2) + "\n")


def engine_sources(design: Design) -> tuple[str, ...]:
    """Files of the hand-written engines, under the folder of their form."""
    return tuple(engine.source for engine in _engines(design))


def top_source(plan: Schedule) -> str:
    """File of the hand-written top module."""
    return FLAGGED_TOP if plan.flags_ends else TOP


# -- engines -------------------------------------------------------------------


@dataclass(frozen=True)
class _Engine:
    """One engine in the form that the schedule chose.

    Parameters
    ----------
    name : {"drive", "solve", "readout"}
    sum_bits : int
    shifts : ndarray of int64 (rows,)
        By which a row of the product is moved.
    biases : ndarray of int64 (rows,), optional
    folding : EngineFolding
    graph : AdderGraph, optional
        Where the engine is unrolled.
    straight : bool
        Whether the core is.
    """

    name: str
    sum_bits: int
    shifts: np.ndarray
    biases: np.ndarray | None
    folding: EngineFolding
    graph: AdderGraph | None
    straight: bool

    @property
    def source(self) -> str:
        """File of its hand-written module."""
        form = "folded" if self.graph is None else "straight" if self.straight else "unrolled"
        return f"{form}/mondeq_{self.name}.sv"

    def row_constants(self) -> list[tuple[str, int, int]]:
        """Name, bits and value of the vectors with one field a row, which only the unrolled form reads."""
        rows, prefix, shift_bits = self.folding.rows, self.name.title(), self.row_shift_bits
        negative = (False,) * rows if self.graph is None else self.graph.negative
        constants = [
            (f"{prefix}RowShifts", rows * shift_bits, _packed(self.shifts, shift_bits)),
            (f"{prefix}NegativeRows", rows, _packed(negative, 1)),
        ]
        if self.biases is not None:
            constants.append((f"{prefix}Biases", rows * self.sum_bits, _packed(self.biases, self.sum_bits)))
        return constants

    @property
    def stages(self) -> int:
        """Of the graph, 0 without one."""
        return 0 if self.graph is None else self.graph.stages

    @property
    def row_shift_bits(self) -> int:
        """Bits of a field of the row shifts."""
        return max(1, int(self.shifts.max()).bit_length())


def _engines(design: Design) -> tuple[_Engine, ...]:
    program, plan, drive = design.program, design.schedule, design.program.injection
    sums, shifts = (program.accumulator_bits, program.output_bits), (program.matrix.shifts, program.readout_left_shift)
    straight, begun = plan.straight > 0, (drive.accumulator_bits, drive.bias)
    if straight:
        words = StraightWords(program, plan.drive)
        begun = words.accumulator_bits, words.starts
    return (
        _Engine("drive", begun[0], drive.right_shift, begun[1], plan.drive, design.drive, straight),
        _Engine("solve", sums[0], shifts[0], None, plan.solve, design.solve, straight),
        _Engine("readout", sums[1], shifts[1], program.readout_bias, plan.readout, design.readout, straight),
    )


# -- parameter package ---------------------------------------------------------


def _package(program: SolverProgram, plan: Schedule, engines: tuple[_Engine, ...]) -> str:
    straight = StraightWords(program, plan.drive) if plan.straight else None
    return filled(
        source_template("rtl", f"{PACKAGE}.j2"),
        digest=program.digest,
        certified=program.certified,
        groups=_parameters(program, plan),
        forms=_form_parameters(program, plan, engines, straight),
        rows=[
            *_clip_constants(program),
            *(constant for engine in engines for constant in engine.row_constants()),
            *([] if straight is None else [_straight_widths(straight)]),
        ],
    )


def stream_parameters(program: SolverProgram, plan: Schedule) -> dict[str, int]:
    """Sizes of the streams by the names that the package gives them."""
    return dict(_parameters(program, plan))["Sizes and streams"]


def _parameters(program: SolverProgram, plan: Schedule) -> list[tuple[str, dict[str, int]]]:
    def group(title: str, **values: int) -> tuple[str, dict[str, int]]:
        return title, {name: int(value) for name, value in values.items()}

    drive_sum, drive_bits, state_bits = program.drive_accumulator_bits, program.drive_bits, program.stage.injection.bits
    if plan.straight:
        drive_sum = StraightWords(program, plan.drive).accumulator_bits
        drive_bits = state_bits = drive_sum - program.drive_left_shift
    return [
        group(
            "Sizes and streams",
            InputWords=program.d,
            StateWords=program.n,
            OutputWords=program.k,
            CarriedWords=program.carried_words,
            InputTdataBits=plan.input_tdata_bits(program),
            InputLaneBits=plan.lane_bits(program),
            OutputTdataBits=plan.output_tdata_bits(program),
            OutputLaneBits=plan.output_lane_bits(program),
            OutputBeatWords=plan.output_beat,
            FrameCheck=plan.framed,
            Slots=plan.slots,
            Straight=plan.straight > 0,
            Watchdog=guard_cycles(plan, program.iterations),
            MemoryParity=plan.harden == FULL,
            **({"SamplesInFlight": plan.samples_in_flight} if plan.flags_ends else {}),
        ),
        group(
            "Drive engine",
            DriveRows=program.injection.rows,
            DriveColumns=program.columns,
            DrivePe=plan.drive.pe,
            DriveSimd=plan.drive.simd,
            InputBits=program.input_format.word_length,
            DriveAccumulatorBits=drive_sum,
            DriveBits=drive_bits,
            StateDrivePe=min(plan.drive.pe, program.n),
            StateDriveBits=state_bits,
            DriveLeftShift=program.drive_left_shift,
        ),
        group(
            "Solve engine",
            StateBits=program.state_format.word_length,
            AccumulatorBits=program.accumulator_bits,
            LeakShift=program.leak_shift,
            PhiReflects=program.splitting.reflects,
            PhiBits=program.phi_range.bits,
            ClipKinds=clip_table(program).kinds,
            Iterations=program.iterations,
            FirstWarmUpdate=plan.first_warm_update,
        ),
        group(
            "Readout engine",
            ReadoutSimd=plan.readout.simd,
            ProxBits=program.prox_range.bits,
            OutputBits=program.output_bits,
        ),
    ]


def _form_parameters(
    program: SolverProgram, plan: Schedule, engines: tuple[_Engine, ...], straight: StraightWords | None
) -> dict[str, int]:
    """What only the folded or only the unrolled form of an engine reads."""
    return {
        "InputSigned": int(program.input_format.signed),
        "WeightBankDepth": WEIGHT_BANK_DEPTH,
        "DriveWeightBits": program.drive.word_length,
        "DriveTableWords": plan.drive.table_words,
        "DriveTableBits": entry_bits(program.injection, plan.drive) if plan.drive.table_words else 1,
        "DriveShiftBase": int(program.injection.right_shift.min()),
        "DriveShiftBits": _shift_bits(program.injection.right_shift),
        "PhiSigned": int(program.phi_range.signed),
        "ProxSigned": int(program.prox_range.signed),
        "SolvePe": plan.solve.pe,
        "SolveSimd": plan.solve.simd,
        "MatrixWeightBits": program.matrix.word_length,
        "MatrixShiftBase": int(program.matrix.shifts.min()),
        "MatrixShiftBits": _shift_bits(program.matrix.shifts),
        "ReadoutWeightBits": program.readout.word_length,
        "ReadoutShiftBits": _shift_bits(program.readout_left_shift),
        "CarriedShift": 0 if program.carried is None else program.carried_shift,
        **{f"{engine.name.title()}RowShiftBits": engine.row_shift_bits for engine in engines},
        **{f"{engine.name.title()}Stages": engine.stages for engine in engines},
        **{f"{engine.name.title()}Adders": engine.folding.adders for engine in engines},
        "FixedTime": int(plan.fixed_time),
        **({} if straight is None else {"StraightWidthBits": straight.width_bits}),
    }


def _clip_constants(program: SolverProgram) -> list[tuple[str, int, int]]:
    """Name, bits and value of the vectors with one field a kind of row, and of the rows' kinds."""
    table, bits = clip_table(program), program.state_format.word_length
    fields: list[tuple[str, int, tuple[int, ...]]] = [
        ("ClipLowers", bits, table.lower),
        ("ClipUppers", bits, table.upper),
        ("ClipBelow", 1, table.below),
        ("ClipAbove", 1, table.above),
        ("ClipComplements", 1, table.complement),
        ("ClipRowKinds", table.index_bits, table.rows),
    ]
    initial = (0,) if program.carried is None else tuple(program.carried.initial.tolist())
    fields.append(("CarriedInitial", program.input_format.word_length, initial))
    return [(name, width * len(values), _packed(values, width)) for name, width, values in fields]


def _straight_widths(words: StraightWords) -> tuple[str, int, int]:
    """The widths of a straight core's rows."""
    return "StraightWidths", words.width_bits * len(words.sum_bits), _packed(words.sum_bits, words.width_bits)


def _shift_bits(shifts: np.ndarray) -> int:
    """Bits that hold every shift above the smallest, which is a parameter; at least one."""
    return max(1, int(shifts.max() - shifts.min()).bit_length())


# -- weight files --------------------------------------------------------------


@dataclass(frozen=True)
class _Memory:
    """A file of words, each packed of a row's lanes of so many bits."""

    rows: np.ndarray
    bits: int

    @property
    def width(self) -> int:
        """Bits of a word, without parity."""
        return self.rows.shape[1] * self.bits

    def lines(self, parity: bool) -> list[str]:
        """As ``$readmemh`` reads them; parity: below a bit that makes the number of ones odd."""
        digits, size = -(-(self.width + parity) // 4), -(-(self.width + parity) // 8)
        lines = []
        for block in np.array_split(self.rows, -(-self.rows.size * self.bits // PACKED_BITS) or 1):
            ones = _bits_of(block, self.bits)
            if parity:
                ones = np.column_stack([ones, ones.sum(axis=1, dtype=np.int64) % 2 == 0])
            text = np.packbits(ones, axis=1, bitorder="little")[:, ::-1].tobytes().hex()
            lines += [text[end - digits : end] for end in range(2 * size, len(text) + 1, 2 * size)]
        return lines


def _memories(program: SolverProgram, plan: Schedule) -> dict[str, _Memory]:
    """Of the folded engines."""
    drive, solve, readout = plan.drive, plan.solve, plan.readout
    memories: dict[str, _Memory] = {}
    if drive.graph is None:
        injection = program.injection
        memories |= _tables(injection, drive) if drive.table_words else _weights("drive", injection.operator, drive)
        if not plan.straight:
            memories["drive_bias"] = _rows(table_biases(injection, drive), injection.accumulator_bits, drive)
            memories["drive_shift"] = _shifts(injection.right_shift, drive)
    if solve.graph is None:
        memories |= _weights("matrix", program.matrix, solve)
        memories["matrix_shift"] = _shifts(program.matrix.shifts, solve)
    if readout.graph is None:
        memories |= _weights("readout", program.readout, readout)
        memories["readout_bias"] = _rows(program.readout_bias, program.output_bits, readout)
        memories["readout_shift"] = _shifts(program.readout_left_shift, readout)
    return memories


def _weights(name: str, operator: IntegerOperator, folding: EngineFolding) -> dict[str, _Memory]:
    """One word per (row group, column group), lane ``p * simd + s``; absent rows and columns are zero.

    In one file, or in one a bank, with its number.
    """
    bits, image = operator.word_length, operator.memory_image(folding.pe, folding.simd)
    codes = image < 0 if bits == 1 else image  # one bit: 0 is +1, 1 is -1
    rows = codes.reshape(folding.cycles_per_matvec, -1)
    if folding.weight_banks == 1:
        return {name: _Memory(rows, bits)}
    starts = range(0, len(rows), WEIGHT_BANK_DEPTH)
    return {f"{name}_{bank:04d}": _Memory(rows[at : at + WEIGHT_BANK_DEPTH], bits) for bank, at in enumerate(starts)}


def _tables(injection: Injection, folding: EngineFolding) -> dict[str, _Memory]:
    """One file a table, with its number: a word per (row group, column group, value of its words), lane ``p``."""
    bits, memories = entry_bits(injection, folding), {}
    for number, (table, least) in enumerate(zip(tables(injection, folding), offsets(injection, folding), strict=True)):
        words = (table - least[:, :, None]).reshape(-1, folding.pe)
        memories[f"drive_{number:04d}"] = _Memory(words, bits)
    return memories


def _rows(values: np.ndarray, bits: int, folding: EngineFolding) -> _Memory:
    """One word per row group; absent rows are zero."""
    padded = np.zeros(folding.row_groups * folding.pe, dtype=values.dtype)
    padded[: folding.rows] = values
    return _Memory(padded.reshape(folding.row_groups, folding.pe), bits)


def _shifts(shifts: np.ndarray, folding: EngineFolding) -> _Memory:
    return _rows(shifts - shifts.min(), _shift_bits(shifts), folding)


def memory_check_cycles(program: SolverProgram, plan: Schedule) -> int:
    """Cycles without reading within which the event tells of a bit that has turned in a memory; 0 where none does."""
    if plan.harden != FULL:
        return 0
    depths = [depth for _, depth in memory_sizes(program, plan)]
    return max(depths) + 4 if depths else 0


def memory_sizes(program: SolverProgram, plan: Schedule) -> list[tuple[int, int]]:
    """Bits of a word, without parity, and number of words of every memory."""
    return [(memory.width, len(memory.rows)) for memory in _memories(program, plan).values()]


def _bits_of(lanes: np.ndarray, bits: int) -> np.ndarray:
    """Two's-complement lanes (rows, lanes) as single bits (rows, lanes x bits), little end first."""
    size = next((size for size in (1, 2, 4) if bits <= 8 * size), 8)
    octets = np.ascontiguousarray(lanes.astype(f"<i{size}")).view(np.uint8).reshape(*lanes.shape, size)
    ones = np.unpackbits(octets, axis=2, count=min(bits, 64), bitorder="little")
    signs = np.repeat(ones[:, :, -1:], max(0, bits - 64), axis=2)
    return np.concatenate([ones, signs], axis=2).reshape(len(lanes), -1)


def _packed(lanes: Iterable[int], bits: int) -> int:
    """Two's-complement lanes packed little end first."""
    packed, width, mask = 0, 0, (1 << bits) - 1
    for lane in lanes:
        packed |= (int(lane) & mask) << width
        width += bits
    return packed
