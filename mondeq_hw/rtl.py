"""SystemVerilog of a program: fixed hand-written modules, one generated parameter package, weight files.

The modules in ``hls_templates/rtl`` are copied as they are; only ``mondeq_pkg.sv``
and the files under ``mem/`` differ from one program to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import jinja2
import numpy as np

from .program import SolverProgram
from .schedule import EngineFolding, Schedule

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
    "mondeq_solve.sv",
    "mondeq_readout.sv",
    "mondeq_top.sv",
)
PACKAGE = "mondeq_pkg.sv"


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
    templates = files("mondeq_hw.hls_templates") / "rtl"
    (source / PACKAGE).write_text(_package(program, plan, (templates / f"{PACKAGE}.j2").read_text()))
    for name in MODULES:
        (source / name).write_bytes((templates / name).read_bytes())
    for name, lines in _memories(program, plan).items():
        (memory / f"{name}.mem").write_text("".join(f"{line}\n" for line in lines))
    names = "".join(f"src/{name}\n" for name in (PACKAGE, *MODULES))
    (folder / "rtl" / "sources.f").write_text(names)
    (folder / "rtl" / "schedule.json").write_text(json.dumps(plan.to_plain(), indent=2) + "\n")


# -- parameter package ---------------------------------------------------------


def _package(program: SolverProgram, plan: Schedule, template: str) -> str:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(template).render(
        digest=program.digest, certified=program.certified, groups=_parameters(program, plan)
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
            SolvePe=plan.solve.pe,
            SolveSimd=plan.solve.simd,
            StateBits=program.state_format.word_length,
            MatrixWeightBits=program.matrix.word_length,
            AccumulatorBits=program.accumulator_bits,
            MatrixShiftBase=program.matrix.shifts.min(),
            MatrixShiftBits=_shift_bits(program.matrix.shifts),
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


def whole_bytes(bits: int) -> int:
    """Smallest multiple of 8 that is at least ``bits``."""
    return -(-bits // 8) * 8


def _shift_bits(shifts: np.ndarray) -> int:
    """Bits that hold every shift above the smallest, which is a parameter; at least one."""
    return max(1, int(shifts.max() - shifts.min()).bit_length())


# -- weight files --------------------------------------------------------------


def _memories(program: SolverProgram, plan: Schedule) -> dict[str, list[str]]:
    drive, solve, readout = plan.drive, plan.solve, plan.readout
    return {
        "drive": _weights(program.drive.integers, program.drive.word_length, drive),
        "drive_bias": _rows(program.drive_bias, program.drive_accumulator_bits, drive),
        "drive_shift": _shifts(program.drive_right_shift, drive),
        "matrix": _weights(program.matrix.integers, program.matrix.word_length, solve),
        "matrix_shift": _shifts(program.matrix.shifts, solve),
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
    """Two's-complement lanes packed little end first, as the hexadecimal text that ``$readmemh`` reads."""
    packed, width, mask = 0, 0, (1 << bits) - 1
    for lane in lanes:
        packed |= (int(lane) & mask) << width
        width += bits
    return f"{packed:0{-(-width // 4)}x}"
