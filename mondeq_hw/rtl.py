"""SystemVerilog of a program: fixed hand-written modules, one generated parameter package, weight files.

The modules in ``hls_templates/rtl`` are copied as they are; only ``mondeq_pkg.sv``,
the files under ``mem/`` and, with the unrolled strategy, ``mondeq_graph.sv``
differ from one program to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from .adder_graph import adder_graph
from .program import SolverProgram
from .schedule import RESOURCE, UNROLLED, EngineFolding, Schedule

#: Modules in compile order, after the generated package.
MODULES = (
    "mondeq_delay.sv",
    "mondeq_rom.sv",
    "mondeq_fifo.sv",
    "mondeq_regroup.sv",
    "mondeq_phi.sv",
    "mondeq_product.sv",
    "mondeq_adder_tree.sv",
    "mondeq_round_shift.sv",
    "mondeq_saturate.sv",
    "mondeq_matvec_counter.sv",
    "mondeq_matvec.sv",
    "mondeq_drive.sv",
    "mondeq_readout.sv",
)
#: The solver of either strategy; the top comes last.
SOLVERS = {RESOURCE: ("mondeq_solve.sv",), UNROLLED: ("mondeq_solve_unrolled.sv",)}
TOP = "mondeq_top.sv"
PACKAGE = "mondeq_pkg.sv"
GRAPH = "mondeq_graph.sv"


def emit(program: SolverProgram, plan: Schedule, folder: Path) -> None:
    """Write ``folder/rtl``: ``src/``, ``mem/``, ``sources.f`` and ``schedule.json``.

    The bytes depend on the program and the schedule alone.

    Parameters
    ----------
    program : SolverProgram
    plan : Schedule
        Made for this program by :func:`mondeq_hw.schedule.schedule`.
    folder : Path
        The build folder; ``rtl/`` is created in it.
    """
    source, memory = folder / "rtl" / "src", folder / "rtl" / "mem"
    source.mkdir(parents=True, exist_ok=True)
    memory.mkdir(exist_ok=True)
    generated = {PACKAGE: _package(program, plan)}
    if plan.graph is not None:
        generated[GRAPH] = _filled(GRAPH, graph=adder_graph(program), sum_bits=program.accumulator_bits)
    copied = (*MODULES, *SOLVERS[plan.strategy], TOP)
    for name, text in generated.items():
        (source / name).write_text(text)
    for name in copied:
        (source / name).write_bytes((_templates() / name).read_bytes())
    for name, lines in _memories(program, plan).items():
        (memory / f"{name}.mem").write_text("".join(f"{line}\n" for line in lines))
    names = "".join(f"src/{name}\n" for name in (*generated, *copied))
    (folder / "rtl" / "sources.f").write_text(names)
    (folder / "rtl" / "schedule.json").write_text(json.dumps(plan.to_plain(), indent=2) + "\n")


def _templates() -> Traversable:
    return files("mondeq_hw.hls_templates") / "rtl"


def _filled(name: str, **values: Any) -> str:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string((_templates() / f"{name}.j2").read_text()).render(values)


# -- parameter package ---------------------------------------------------------


def _package(program: SolverProgram, plan: Schedule) -> str:
    return _filled(
        PACKAGE,
        digest=program.digest,
        certified=program.certified,
        groups=_parameters(program, plan),
        solver=_solver_parameters(program, plan),
        rows=_row_constants(program, plan),
    )


def _parameters(program: SolverProgram, plan: Schedule) -> list[tuple[str, dict[str, int]]]:
    def group(title: str, **values: int) -> tuple[str, dict[str, int]]:
        return title, {name: int(value) for name, value in values.items()}

    beat_bits = plan.words_per_beat * program.input_format.word_length
    return [
        group(
            "Sizes and streams",
            InputWords=program.d,
            StateWords=program.n,
            OutputWords=program.k,
            InputTdataBits=whole_bytes(beat_bits),
            OutputTdataBits=whole_bytes(program.output_bits),
            Slots=plan.slots,
        ),
        group(
            "Drive engine",
            DrivePe=plan.drive.pe,
            DriveSimd=plan.drive.simd,
            InputBits=program.input_format.word_length,
            DriveWeightBits=program.drive.word_length,
            DriveAccumulatorBits=program.drive_accumulator_bits,
            DriveBits=program.drive_bits,
            DriveLeftShift=program.drive_left_shift,
            DriveShiftBase=program.drive_right_shift.min(),
            DriveShiftBits=_shift_bits(program.drive_right_shift),
        ),
        group(
            "Solve engine",
            Unrolled=plan.strategy == UNROLLED,
            StateBits=program.state_format.word_length,
            AccumulatorBits=program.accumulator_bits,
            LeakShift=program.leak_shift,
            PhiRelu=program.phi == "relu",
            Iterations=program.iterations,
        ),
        group(
            "Readout engine",
            ReadoutSimd=plan.readout.simd,
            ReadoutWeightBits=program.readout.word_length,
            OutputBits=program.output_bits,
            ReadoutShiftBits=_shift_bits(program.readout_left_shift),
        ),
    ]


def _solver_parameters(program: SolverProgram, plan: Schedule) -> dict[str, int]:
    """What only one of the two solvers reads."""
    return {
        "SolvePe": plan.solve.pe,
        "SolveSimd": plan.solve.simd,
        "MatrixWeightBits": program.matrix.word_length,
        "MatrixShiftBase": int(program.matrix.shifts.min()),
        "MatrixShiftBits": _shift_bits(program.matrix.shifts),
        "GraphStages": 0 if plan.graph is None else plan.graph.stages,
        "RowShiftBits": _row_shift_bits(program),
    }


def _row_constants(program: SolverProgram, plan: Schedule) -> list[tuple[str, int, int]]:
    """Name, bits and value of the vectors with one field a row."""
    negative = (False,) * program.n if plan.graph is None else adder_graph(program).negative
    shift_bits = _row_shift_bits(program)
    return [
        ("RowShifts", program.n * shift_bits, _packed(program.matrix.shifts, shift_bits)),
        ("NegativeRows", program.n, _packed(negative, 1)),
    ]


def _row_shift_bits(program: SolverProgram) -> int:
    return max(1, int(program.matrix.shifts.max()).bit_length())


def whole_bytes(bits: int) -> int:
    """Smallest multiple of 8 that is at least ``bits``."""
    return -(-bits // 8) * 8


def _shift_bits(shifts: np.ndarray) -> int:
    """Bits that hold every shift above the smallest, which is a parameter; at least one."""
    return max(1, int(shifts.max() - shifts.min()).bit_length())


# -- weight files --------------------------------------------------------------


def _memories(program: SolverProgram, plan: Schedule) -> dict[str, list[str]]:
    drive, solve, readout = plan.drive, plan.solve, plan.readout
    matrix = {
        "matrix": _weights(program.matrix.integers, program.matrix.word_length, solve),
        "matrix_shift": _shifts(program.matrix.shifts, solve),
    }
    return {
        **(matrix if plan.graph is None else {}),
        "drive": _weights(program.drive.integers, program.drive.word_length, drive),
        "drive_bias": _rows(program.drive_bias, program.drive_accumulator_bits, drive),
        "drive_shift": _shifts(program.drive_right_shift, drive),
        "readout": _weights(program.readout.integers, program.readout.word_length, readout),
        "readout_bias": _rows(program.readout_bias, program.output_bits, readout),
        "readout_shift": _shifts(program.readout_left_shift, readout),
    }


def _weights(integers: np.ndarray, bits: int, folding: EngineFolding) -> list[str]:
    """One word per (row group, column group), lane ``p * simd + s``; absent rows and columns are zero."""
    row_groups, column_groups = folding.row_groups, folding.column_groups
    padded = np.zeros((row_groups * folding.pe, column_groups * folding.simd), dtype=np.int64)
    padded[: folding.rows, : folding.columns] = integers
    codes = padded < 0 if bits == 1 else padded  # one bit: 0 is +1, 1 is -1
    blocks = codes.reshape(row_groups, folding.pe, column_groups, folding.simd).transpose(0, 2, 1, 3)
    return [_word(lanes, bits) for lanes in blocks.reshape(row_groups * column_groups, -1)]


def _rows(values: np.ndarray, bits: int, folding: EngineFolding) -> list[str]:
    """One word per row group; absent rows are zero."""
    padded = np.zeros(folding.row_groups * folding.pe, dtype=np.int64)
    padded[: folding.rows] = values
    return [_word(lanes, bits) for lanes in padded.reshape(folding.row_groups, folding.pe)]


def _shifts(shifts: np.ndarray, folding: EngineFolding) -> list[str]:
    return _rows(shifts - shifts.min(), _shift_bits(shifts), folding)


def _word(lanes: Iterable[int], bits: int) -> str:
    """Packed lanes as the hexadecimal text that ``$readmemh`` reads."""
    lanes = list(lanes)
    return f"{_packed(lanes, bits):0{-(-len(lanes) * bits // 4)}x}"


def _packed(lanes: Iterable[int], bits: int) -> int:
    """Two's-complement lanes packed little end first."""
    packed, width, mask = 0, 0, (1 << bits) - 1
    for lane in lanes:
        packed |= (int(lane) & mask) << width
        width += bits
    return packed
