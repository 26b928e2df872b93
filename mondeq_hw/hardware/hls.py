"""HLS C++: the hand-written templates, one generated parameter header, tables of integers.

``emit`` writes ``folder/hls/``.  Nothing in it is printed line by line by this
program: the sources under ``hls_templates/hls`` and ``hls_templates/dpi`` are
copied as they are, ``mondeq_params.h`` is filled in by Jinja2 from the widths
that the program proves, and the matrices are data (``weights/*.inc``).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ..base import (
    InputError,
    IntegerOperator,
    MissingToolError,
    filled,
    listed,
    signed_width,
    source_template,
    whole_bytes,
)
from ..program import GoldenModel, SolverProgram
from .clip_table import clip_table
from .schedule import EngineFolding, Schedule
from .tables import tables

#: The engines of a program, without the streams around them.
PROGRAM_SOURCES = ("mondeq_engine.h", "mondeq_solver.h", "mondeq_trace.h", "mondeq_weights.h")
TOP_SOURCES = ("mondeq_stream.h", "mondeq_frame.h", "mondeq_top.h", "mondeq_top.cpp", "mondeq_tb.cpp", "vitis_hls.tcl")
DPI_SOURCES = ("mondeq_dpi_top.sv", "mondeq_dpi.cpp")

#: Widest integer of the ``ap_types`` headers (``BIT_WIDTH_UPPER_LIMIT``).
WIDEST_INTEGER = 2**15
#: Test vectors that go along with the sources, for the testbench under Vitis HLS.
VECTORS = 16


def emit(program: SolverProgram, schedule: Schedule, folder: Path) -> None:
    """Write ``folder/hls`` with the C++ of a program and its DPI-C shell.

    The bytes depend on the program and the schedule alone.

    Parameters
    ----------
    program : SolverProgram
    schedule : Schedule
        Foldings of the three engines and the words of an input beat.
    folder : Path
        The build folder; ``hls`` is made in it.

    Raises
    ------
    InputError
        When a beat of the input stream is wider than an ``ap_uint`` can be.
    """
    values = _parameters(program, schedule)
    hls, dpi = folder / "hls", folder / "hls" / "dpi"
    emit_engines(program, schedule, hls)
    for made in (dpi, hls / "vectors"):
        made.mkdir(exist_ok=True)
    for name in TOP_SOURCES:
        (hls / name).write_text(source_template("hls", name))
    for name in DPI_SOURCES:
        (dpi / name).write_text(source_template("dpi", name))
    (dpi / "mondeq_dpi_pkg.sv").write_text(filled(source_template("dpi", "mondeq_dpi_pkg.sv.j2"), **values))
    _write_vectors(program, schedule, hls / "vectors")


def emit_engines(program: SolverProgram, schedule: Schedule, folder: Path) -> None:
    """Write ``folder`` with the headers and tables of a program's engines, for a top function of another's making.

    Raises
    ------
    InputError
        As :func:`emit`.
    """
    values = _parameters(program, schedule)
    (folder / "weights").mkdir(parents=True, exist_ok=True)
    for name in PROGRAM_SOURCES:
        (folder / name).write_text(source_template("hls", name))
    (folder / "mondeq_params.h").write_text(filled(source_template("hls", "mondeq_params.h.j2"), **values))
    for name, table in _tables(program, schedule).items():
        (folder / "weights" / f"{name}.inc").write_text(_braced(table) + "\n")


def hexadecimal_word(word: int, bits: int) -> str:
    """Two's complement of ``word`` in ``bits`` (a multiple of 4) as hexadecimal digits."""
    return f"{int(word) % 2**bits:0{bits // 4}x}"


# -- parameter header ------------------------------------------------------------


def _parameters(program: SolverProgram, schedule: Schedule) -> dict[str, Any]:
    readout_top = max(program.readout.absolute_row_sums()) * program.state_format.max_word
    input_bits = program.input_format.word_length
    values: dict[str, Any] = {
        "name": program.name,
        "digest": program.digest,
        "certified": program.certified,
        "input_size": program.d,
        "state_size": program.n,
        "output_size": program.k,
        "drive_rows": program.injection.rows,
        "carried_size": program.carried_words,
        "carried_shift": 0 if program.carried is None else program.carried_shift,
        "load_beats": -(-program.carried_words // schedule.words_per_beat),
        "iterations": program.iterations,
        "fixed_time": schedule.fixed_time,
        "first_warm_update": 0 if program.warm is None else program.first_warm_update,
        "foldings": {name: getattr(schedule, name) for name in ("drive", "solve", "readout")},
        "drive_weight_bits": program.drive.word_length,
        "matrix_weight_bits": program.matrix.word_length,
        "readout_weight_bits": program.readout.word_length,
        "drive_table_bits": _table_bits(program, schedule.drive),
        "drive_left_shift": program.drive_left_shift,
        "leak_shift": program.leak_shift,
        "reflects": program.splitting.reflects,
        "phi": program.phi_range,
        "prox": program.prox_range,
        "clip": clip_table(program),
        "input_bits": input_bits,
        "input_signed": program.input_format.signed,
        "state_bits": program.state_format.word_length,
        "state_max": program.state_format.max_word,
        "drive_sum_bits": signed_width(-program.drive_sum_bound, program.drive_sum_bound),
        "drive_accumulator_bits": program.drive_accumulator_bits,
        "drive_bits": program.drive_bits,
        "accumulator_bits": program.accumulator_bits,
        "readout_sum_bits": signed_width(-readout_top, readout_top),
        "output_bits": program.output_bits,
        "drive_bias_bits": signed_width(program.injection.bias.min(), program.injection.bias.max()),
        "readout_bias_bits": signed_width(program.readout_bias.min(), program.readout_bias.max()),
        "words_per_beat": schedule.words_per_beat,
        "beats_per_sample": schedule.beats_per_sample,
        "framed": schedule.framed,
        "input_lane_bits": schedule.lane_bits(program),
        "input_tdata_bits": schedule.input_tdata_bits(program),
        "words_per_output_beat": schedule.output_beat,
        "output_beats": schedule.output_beats,
        "output_lane_bits": schedule.output_lane_bits(program),
        "output_tdata_bits": schedule.output_tdata_bits(program),
        "flags_ends": schedule.flags_ends,
        "input_top": program.input_format.max_word,
        "input_bottom": program.input_format.lowest_kept,
    }
    widest = max(value for name, value in values.items() if name.endswith("_bits"))
    values["ap_int_max_width"] = max(1024, -(-(widest + 128) // 1024) * 1024)
    if values["ap_int_max_width"] > WIDEST_INTEGER:
        raise InputError(
            f"a beat of {schedule.words_per_beat} input words of {input_bits} bits, or of {schedule.output_beat} "
            f"output words of {program.output_bits} bits, is wider than the {WIDEST_INTEGER - 1024} that the HLS "
            "headers allow; raise reuse_factor, or lower input_beat or output_beat"
        )
    return values


# -- tables ------------------------------------------------------------------------


def _tables(program: SolverProgram, schedule: Schedule) -> dict[str, np.ndarray]:
    table = clip_table(program)
    return {
        **_drive_tables(program, schedule.drive),
        "drive_bias": program.injection.bias,
        "drive_right_shift": program.injection.right_shift,
        "matrix_weights": _weights(program.matrix, schedule.solve),
        "matrix_shift": program.matrix.shifts,
        "clip_rows": np.array(table.rows if table.kinds > 1 else [0]),
        "readout_weights": _weights(program.readout, schedule.readout),
        "readout_bias": program.readout_bias,
        "readout_left_shift": program.readout_left_shift,
        **({} if program.carried is None else {"carried_initial": program.carried.initial}),
    }


def _drive_tables(program: SolverProgram, fold: EngineFolding) -> dict[str, np.ndarray]:
    """The drive's weights, or what is looked up in their place; a last table of fewer columns is padded."""
    if not fold.table_words:
        return {"drive_weights": _weights(program.injection.operator, fold)}
    *whole, last = tables(program.injection, fold)
    last = np.pad(last, ((0, 0), (0, 0), (0, (whole or [last])[0].shape[2] - last.shape[2]), (0, 0)))
    return {"drive_tables": np.stack([*whole, last], axis=2)}


def _table_bits(program: SolverProgram, fold: EngineFolding) -> int:
    """Of a word of them, with its sign."""
    if not fold.table_words:
        return 1
    sums = tables(program.injection, fold)
    return signed_width(min(int(each.min()) for each in sums), max(int(each.max()) for each in sums))


def _weights(operator: IntegerOperator, folding: EngineFolding) -> np.ndarray:
    """The words of a table; one bit holds the sign alone: +1 is 0 and -1 is the word -1."""
    image = operator.memory_image(folding.pe, folding.simd)
    return np.minimum(image, 0) if operator.word_length == 1 else image


_BRACES = str.maketrans("[]", "{}")


def _braced(table: np.ndarray) -> str:
    """A C++ initialiser; one line for each innermost row."""
    return listed(table).replace("], [", "],\n[").translate(_BRACES)


# -- test vectors --------------------------------------------------------------------


def _write_vectors(program: SolverProgram, schedule: Schedule, folder: Path) -> None:
    """Input words and the golden model's outputs, in the testbench's formats."""
    low, top = program.input_format.min_word, program.input_format.max_word
    words = np.random.default_rng(0).integers(low, top, (VECTORS, program.d), dtype=np.int64, endpoint=True)
    words[0], words[1] = low, top
    golden = GoldenModel(program)
    outputs, bits = golden.predict_raw(words), whole_bytes(program.output_bits)
    lines = [" ".join(hexadecimal_word(word, bits) for word in row) for row in outputs]
    if schedule.flags_ends:
        lines = [f"{line} {int(flag)}" for line, flag in zip(lines, golden.flags(words), strict=True)]
    (folder / "words.txt").write_text("\n".join(" ".join(map(str, row)) for row in words.tolist()) + "\n")
    (folder / "outputs.txt").write_text("\n".join(lines) + "\n")


def include_folders() -> tuple[Path, ...]:
    """Folders of the headers that the emitted C++ needs beside its own.

    Raises
    ------
    MissingToolError
        When hls4ml is not installed.
    """
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        raise MissingToolError("hls4ml is not installed; the C++ needs its ap_types headers; run: pip install hls4ml")
    folder = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
    if not (folder / "ap_int.h").is_file():
        raise MissingToolError(f"{folder / 'ap_int.h'} is missing; run: pip install --force-reinstall hls4ml")
    return (folder,)
