"""From a build folder to a board's bitstream, by the open tools.

The core and the board's logic are synthesised together, placed and routed with
the board's pins and clock as constraints, and packed only when the timing is
met.  ``mondeq.bit`` and ``bitstream.json`` are there complete and belong
together, or they are not there.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass as record

from ..base import InputError, filled, replacing, tool_template
from ..config import STRICT, PositiveFloat, PositiveInt, explained, names_the_option, option
from ..hardware import LUT_WEIGHT_BITS, Schedule, Usage, initiation_interval, load_schedule
from ..program import SolverProgram
from ..synthesis import (
    CELLS,
    NETLIST_JSON,
    LutWeightBits,
    PlacerSeed,
    Room,
    Routed,
    RouterRounds,
    ToolFailedError,
    ToolProgress,
    ToolRun,
    ToolStuckError,
    alone_in,
    ecppack,
    map_design,
    nextpnr_ecp5,
    nextpnr_routed,
    placer_options,
    router_options,
    silent,
    synthesis_script,
    yosys,
    yosys_usage,
)
from . import board_rtl
from .board import Board, find_board
from .board_rtl import LineTiming, line_timing
from .frames import OVERHEAD, sample_bytes
from .pll import Pll, find_pll

BITSTREAM, SUMMARY = "mondeq.bit", "bitstream.json"
BAUD = 1_000_000
_PACKED = "packed.bit"


def _known(name: str) -> str:
    return find_board(name.lower()).name


@explained
@record(frozen=True, config=STRICT)
class BitstreamOptions:
    """What to make."""

    _naming = names_the_option

    board: Annotated[
        str,
        AfterValidator(_known),
        option("NAME", "ulx3s-85f, ulx3s-45f or ulx3s-25f.", expected="the name of a board"),
    ]
    clock_mhz: Annotated[
        PositiveFloat | None,
        option(
            "MHZ",
            "Clock of the hardware; any other than the oscillator's takes the PLL.",
            unset="the board's",
            flag="--clock",
        ),
    ] = None
    baud: Annotated[PositiveInt, option("N", "Of the serial line.")] = BAUD
    lut_weight_bits: LutWeightBits = LUT_WEIGHT_BITS
    seed: PlacerSeed = 1


@dataclass(frozen=True, repr=False)
class BitstreamReport:
    """What was made.

    Parameters
    ----------
    program_digest : str
    options : BitstreamOptions
    board : Board
    pll : Pll or None
    timing : LineTiming
    clock_mhz : float
        What the hardware runs at.
    tools : tuple of (str, str)
        Names and versions.
    synthesised : Usage
    routed : Routed
        ``fmax_mhz`` is at least ``clock_mhz``.
    core_samples_per_second : float
        At the clock, when every sample needs all iterations.
    line_samples_per_second : float
        What the serial line can bring.
    file : str
    sha256 : str
        Of the bitstream.
    from_cache : bool
        Whether no tool had to be started.
    """

    program_digest: str
    options: BitstreamOptions
    board: Board
    pll: Pll | None
    timing: LineTiming
    clock_mhz: float
    tools: tuple[tuple[str, str], ...]
    synthesised: Usage
    routed: Routed
    core_samples_per_second: float
    line_samples_per_second: float
    file: str
    sha256: str
    from_cache: bool

    def __repr__(self) -> str:
        clock = f"{self.clock_mhz:.4g} MHz, reached {self.routed.fmax_mhz:.4g}"
        return (
            f"BitstreamReport for {self.board.name}: {self.file}, {clock}\n  routed: {self.routed.usage.in_words()}\n"
            f"  samples a second: core {self.core_samples_per_second:.4g}, line {self.line_samples_per_second:.4g}"
        )

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "tools": dict(self.tools)}


def make_bitstream(
    build: Path, options: BitstreamOptions, work: Path, progress: ToolProgress = silent
) -> BitstreamReport:
    """Make ``work/mondeq.bit``, and ``work/bitstream.json`` with what is returned.

    Parameters
    ----------
    build : Path
        Folder written by ``mondeq-hw compile``; only read.
    options : BitstreamOptions
    work : Path
        Sources, constraints, logs and results; what is there from an earlier
        run of the same sources, options and tools is used again.
    progress : callable
        ``progress(tool, what it does now)``.

    Raises
    ------
    InputError
        The folder is not complete, the clock or baud rate cannot be made, or
        the design does not fit, is too slow for the clock, or its wires stand
        in one another's way.
    MissingToolError
        With the remedy.
    ToolFailedError
        A tool ended with an error.
    """
    program, plan, board = SolverProgram.load(build), load_schedule(build), find_board(options.board)
    pll = None
    if options.clock_mhz not in (None, board.oscillator_mhz):
        pll = find_pll(board.oscillator_mhz, options.clock_mhz)
    clock_mhz = board.oscillator_mhz if pll is None else pll.output_mhz
    timing = line_timing(clock_mhz * 1e6, options.baud)
    sample_bytes(program)
    if program.is_sequential:
        raise InputError(
            f"{build}: the program keeps a state from sample to sample, and the board's frames cannot load or "
            "reset it; synthesise the core alone (mondeq-hw synth) and drive its streams yourself"
        )
    if plan.output_beat != 1:
        raise InputError(
            f"{build}: has {plan.output_beat} output words a beat, and the board's frames are made of one; compile it "
            "with --output-beat 1 for a board"
        )
    if plan.flags_ends:
        raise InputError(
            f"{build}: flags saturated inputs in TUSER, which the board's frames have no place for; compile it without "
            "--flag-saturation for a board"
        )
    with alone_in(work):
        for name in (BITSTREAM, SUMMARY):
            (work / name).unlink(missing_ok=True)
        flow = _Flow(build, program, plan, options, board, pll, clock_mhz, timing, work.resolve(), progress)
        report = flow.run()
        _publish(work / BITSTREAM, (work / _PACKED).read_bytes())
        _publish(work / SUMMARY, f"{json.dumps(report.to_plain(), indent=2)}\n".encode())
    return report


def _publish(target: Path, content: bytes) -> None:
    """Write a file in one step."""
    with replacing(target, "make the folder writable") as temporary:
        temporary.write_bytes(content)


@dataclass(frozen=True)
class _Flow:
    """One build folder on its way to a bitstream."""

    build: Path
    program: SolverProgram
    plan: Schedule
    options: BitstreamOptions
    board: Board
    pll: Pll | None
    clock_mhz: float
    timing: LineTiming
    work: Path
    progress: ToolProgress

    def run(self) -> BitstreamReport:
        mapper, router, packer = yosys(), nextpnr_ecp5(), ecppack()
        self._write_sources()
        room = self._room
        reads = ("synth.ys", "rtl/src", "rtl/mem", "board/src")
        cached = map_design(mapper, self.board.part.family, self.work, reads, self.progress)
        usage = yosys_usage((self.work / CELLS).read_text(), self.board.part.family)
        room.check(usage)
        written = ("routed.json", "mondeq.config")
        told = self._router_arguments(usage)
        run = ToolRun(router, told, (NETLIST_JSON, "board.lpf"), written, judge=RouterRounds)
        try:
            cached &= run.execute(self.work, self.progress)
        except ToolStuckError as error:
            raise InputError(
                f"{error}: wires of the design stand in one another's way on {self.board.name}; no bitstream is "
                "written: pass another --seed, or compile with a larger --reuse-factor"
            ) from None
        except ToolFailedError as error:
            room.check_complaint(usage, error.complaint)
            raise
        routed = nextpnr_routed((self.work / "routed.json").read_text(), "clk")
        self._check_timing(routed)
        run = ToolRun(packer, self._packer_arguments(), ("mondeq.config",), (_PACKED,))
        cached &= run.execute(self.work, self.progress)
        tools = tuple((tool.name, tool.version) for tool in (mapper, router, packer))
        return self._report(tools, usage, routed, cached)

    @property
    def _room(self) -> Room:
        return Room(self.program, self.plan, self.board.part, self.options.lut_weight_bits)

    def _write_sources(self) -> None:
        """The sources, beside the results: WebAssembly tools see no other folder."""
        source = self.build / "rtl"
        if not (source / "sources.f").is_file():
            raise InputError(f"{source / 'sources.f'}: no such file; compile again")
        for name in ("rtl", "board"):
            shutil.rmtree(self.work / name, ignore_errors=True)
        shutil.copytree(source, self.work / "rtl")
        board_rtl.emit(self.program, self.timing, self.pll, self.work)
        listed = [
            f"{name}/{line}"
            for name in ("rtl", "board")
            for line in (self.work / name / "sources.f").read_text().split()
        ]
        (self.work / "synth.ys").write_text(self._mapper_script(listed))
        (self.work / "board.lpf").write_text(filled(tool_template("board.lpf.j2"), board=self.board))

    def _mapper_script(self, sources: list[str]) -> str:
        family, in_luts, depths = self.board.part.family, self.options.lut_weight_bits, self._room.rom_depths()
        return synthesis_script(self.program, sources, family, "board", in_luts, depths)

    def _router_arguments(self, usage: Usage) -> tuple[str, ...]:
        board = self.board
        return (
            *(f"--{board.part.name.removeprefix('ecp5-')}k", "--package", board.package, "--speed", str(board.speed)),
            *("--json", NETLIST_JSON, "--lpf", "board.lpf", "--report", "routed.json"),
            *("--textcfg", "mondeq.config", "--timing-allow-fail", "--seed", str(self.options.seed)),
            *placer_options(usage),
            *router_options(usage),
        )

    def _packer_arguments(self) -> tuple[str, ...]:
        # The program's first 32 bits can be read over JTAG.
        return ("--compress", "--usercode", str(int(self.program.digest[:8], 16)), "mondeq.config", _PACKED)

    def _check_timing(self, routed: Routed) -> None:
        if routed.fmax_mhz >= self.clock_mhz:
            return
        path = "" if routed.path is None else f" (critical path {routed.path.start} -> {routed.path.end})"
        raise InputError(
            f"{routed.fmax_mhz:.1f} MHz reached on {self.board.name}, {self.clock_mhz:g} MHz asked for{path}; "
            f"no bitstream is written: pass --clock {math.floor(routed.fmax_mhz)} or less, or try another --seed"
        )

    def _report(
        self, tools: tuple[tuple[str, str], ...], usage: Usage, routed: Routed, cached: bool
    ) -> BitstreamReport:
        cycles = initiation_interval(self.plan, self.program.iterations)
        frame_bits = 10 * (sample_bytes(self.program) + OVERHEAD)
        return BitstreamReport(
            program_digest=self.program.digest,
            options=self.options,
            board=self.board,
            pll=self.pll,
            timing=self.timing,
            clock_mhz=self.clock_mhz,
            tools=tools,
            synthesised=usage,
            routed=routed,
            core_samples_per_second=self.clock_mhz * 1e6 / cycles,
            line_samples_per_second=self.clock_mhz * 1e6 / self.timing.clocks_per_bit / frame_bits,
            file=str(self.work / BITSTREAM),
            sha256=hashlib.sha256((self.work / _PACKED).read_bytes()).hexdigest(),
            from_cache=cached,
        )
