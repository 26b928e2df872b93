"""A build as other flows take it: a core file, templates, constraints, and drivers in C and Python.

Ports are read off the hand-written top, widths off the parameters that it is built with: there is no list beside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base import __version__, compiled, source_template
from ..program import GoldenModel, SolverProgram
from .cycles import guard_cycles, initiation_interval, latency
from .design import Design
from .naming import renamed
from .rtl import memory_check_cycles, stream_parameters, top_source
from .schedule import Schedule

#: Of the constraints: what ``synth`` aims at.
CLOCK_MHZ = 150.0
#: Drivers hold words in 64 bits.
WIDEST_WORD = 64


@dataclass(frozen=True)
class Port:
    """A port of the core.

    Parameters
    ----------
    name : str
    direction : {"input", "output"}
    width : int
    """

    name: str
    direction: str
    width: int


def ports_of(program: SolverProgram, plan: Schedule) -> tuple[Port, ...]:
    """The ports of the top, in their order."""
    widths = stream_parameters(program, plan)
    head = source_template("rtl", top_source(plan)).split(");", 1)[0]
    found = re.findall(r"^ *(input|output) +logic +(?:\[mondeq_pkg::(\w+)-1:0\] +)?(\w+)", head, re.MULTILINE)
    return tuple(Port(name, direction, widths[width] if width else 1) for direction, width, name in found)


@dataclass(frozen=True)
class Datasheet:
    """What an integrator asks of a build.

    Parameters
    ----------
    ports : tuple of Port
    constants : dict of str to int
        Of the drivers.
    lanes : tuple of (int, int)
        Highest and lowest bit of each word in an input beat.
    last_words : int
        Words in the last beat of a sample.
    interval : float
        Cycles between samples in a steady stream, all iterations.
    framed : bool
        Whether TLAST ends a sample; otherwise its beats are counted.
    watchdog : int
        Cycles after which the guard of a hardened core misses an output; 0 without one.
    memory_check : int
        Cycles without reading within which a turned bit of a memory is noticed; 0 where none is.
    flags_ends : bool
        Whether TUSER tells of words at an end of their range.
    carried_words, load_beats, load_bit : int
        Of a carried state: its words, the beats of a load, and the bit of a beat that tells a load; 0 without one.
    warm_updates : int or None
        Updates of a sample that goes on from the one before, at most; None without a warm start.
    """

    ports: tuple[Port, ...]
    constants: dict[str, int]
    lanes: tuple[tuple[int, int], ...]
    last_words: int
    interval: float
    framed: bool
    watchdog: int
    memory_check: int
    flags_ends: bool
    carried_words: int
    load_beats: int
    load_bit: int
    warm_updates: int | None

    @staticmethod
    def of(program: SolverProgram, plan: Schedule) -> Datasheet:
        """A build's."""
        bits, lane, per_beat = program.input_format.word_length, plan.lane_bits(program), plan.words_per_beat
        widths = stream_parameters(program, plan)
        inputs, outputs = program.input_format.fractional_bits, program.output_fractional_bits
        constants = {
            "INPUTS": program.d,
            "OUTPUTS": program.k,
            "INPUT_BITS": bits,
            "INPUT_LANE_BITS": lane,
            "WORDS_PER_BEAT": per_beat,
            "BEATS": plan.beats_per_sample,
            "INPUT_BEAT_BYTES": widths["InputTdataBits"] // 8,
            "INPUT_NUMERATOR": 2 ** max(0, -inputs),
            "INPUT_DENOMINATOR": 2 ** max(0, inputs),
            "OUTPUT_BITS": program.output_bits,
            "OUTPUT_LANE_BITS": plan.output_lane_bits(program),
            "WORDS_PER_OUTPUT_BEAT": plan.output_beat,
            "OUTPUT_BEATS": plan.output_beats,
            "OUTPUT_BEAT_BYTES": widths["OutputTdataBits"] // 8,
            "OUTPUT_NUMERATOR": 2 ** max(0, -outputs),
            "OUTPUT_DENOMINATOR": 2 ** max(0, outputs),
            "LATENCY_CYCLES": latency(plan, program.iterations),
        }
        lanes = tuple((lane * word + bits - 1, lane * word) for word in range(min(per_beat, program.d)))
        last = program.d - per_beat * (plan.beats_per_sample - 1)
        carried = program.carried_words
        return Datasheet(
            ports=ports_of(program, plan),
            constants=constants,
            lanes=lanes,
            last_words=last,
            interval=initiation_interval(plan, program.iterations),
            framed=plan.framed,
            watchdog=guard_cycles(plan, program.iterations),
            memory_check=memory_check_cycles(program, plan),
            flags_ends=plan.flags_ends,
            carried_words=carried,
            load_beats=-(-carried // per_beat),
            load_bit=lane * per_beat if carried else 0,
            warm_updates=None if program.warm is None else program.warm.iterations,
        )


def emit(design: Design, folder: Path) -> None:
    """Write ``ip/``, ``NAME.core`` and ``component.xml`` into a build folder that has its ``rtl/``.

    Parameters
    ----------
    design : Design
    folder : Path
    """
    program, sheet = design.program, Datasheet.of(design.program, design.schedule)
    name, place = program.name, folder / "ip"
    place.mkdir()
    values: dict[str, Any] = {
        "name": name,
        "vlnv": f"mondeq-hw:solver:{name}:{__version__}",
        "version": __version__,
        "digest": program.digest,
        "certified": program.certified,
        "sources": (folder / "rtl" / "sources.f").read_text().split(),
        "memories": sorted(file.name for file in (folder / "rtl" / "mem").iterdir()),
        "ports": sheet.ports,
        "constants": sheet.constants,
        "framed": sheet.framed,
        "flags_ends": sheet.flags_ends,
        "load_bit": sheet.load_bit,
        "load_beats": sheet.load_beats,
        **_known_sample(program, sheet),
    }
    files = {
        "mondeq.core": folder / f"{name}.core",
        "component.xml": folder / "component.xml",
        "mondeq_self_test.sv": place / f"{name}_self_test.sv",
        "mondeq_instance.vh": place / f"{name}_instance.vh",
        "vivado_ip.tcl": place / "vivado_ip.tcl",
        "mondeq_amaranth.py": place / f"{name}_amaranth.py",
    }
    if max(program.output_bits, program.input_format.word_length) <= WIDEST_WORD:
        files["mondeq_core.h"] = place / f"{name}_core.h"
        files["mondeq_core.c"] = place / f"{name}_core.c"
        files["mondeq_host.py"] = place / "host.py"
    for template, file in files.items():
        text = compiled(source_template("ip", f"{template}.j2"), trim_blocks=True, lstrip_blocks=True).render(values)
        file.write_text(renamed(text, name))
    clock = f"create_clock -name ap_clk -period {1000 / CLOCK_MHZ:.3f} [get_ports ap_clk]\n"
    (place / "clock.xdc").write_text(clock)
    (place / "clock.sdc").write_text(clock)
    (place / "clock.lpf").write_text(f'FREQUENCY PORT "ap_clk" {CLOCK_MHZ:g} MHZ;\n')


def _known_sample(program: SolverProgram, sheet: Datasheet) -> dict[str, Any]:
    """A sample that walks through the input's words, and the golden model's answer, as words and as beats."""
    form, constants = program.input_format, sheet.constants
    words = [form.min_word + (7 * place) % (form.max_word - form.min_word + 1) for place in range(program.d)]
    golden = GoldenModel(program)
    outputs = [int(word) for word in golden.predict_raw(np.array([words]))[0]]
    in_bits, out_bits = 8 * constants["INPUT_BEAT_BYTES"], 8 * constants["OUTPUT_BEAT_BYTES"]
    width = constants["OUTPUT_LANE_BITS"]  # outputs are extended to their lanes
    sent = _in_beats(words, form.word_length, constants["WORDS_PER_BEAT"], constants["INPUT_LANE_BITS"], in_bits)
    known = _in_beats(outputs, width, constants["WORDS_PER_OUTPUT_BEAT"], width, out_bits)
    return {
        "known_words": words,
        "known_outputs": outputs,
        "known_flag": int(golden.flags(np.array([words]))[0]),
        "sent": f"{sent:x}",
        "sent_bits": in_bits * constants["BEATS"],
        "known": f"{known:x}",
        "known_bits": out_bits * constants["OUTPUT_BEATS"],
    }


def _in_beats(words: list[int], bits: int, per_beat: int, lane_bits: int, beat_bits: int) -> int:
    """The beats of a stream, the first in the lowest bits, each word of so many bits in its lane."""
    stream = 0
    for place, word in enumerate(words):
        beat, lane = divmod(place, per_beat)
        stream |= (word & (2**bits - 1)) << (beat * beat_bits + lane * lane_bits)
    return stream
