"""Synthesis of a build folder: what the hardware costs on a part, and how fast it can be clocked.

Three flows.  ``open``: Yosys, and for ECP5 nextpnr; the SystemVerilog, from
PyPI's wheels.  ``vivado``: the SystemVerilog.  ``vitis_hls``: the C++.
The core is placed out of context, without pads around its streams.
Estimated, synthesised and routed figures are kept apart; a figure that does
not exist is None with its reason.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat
from pydantic.dataclasses import dataclass as record

from ..base import MOST_MATRIX_BITS, InputError, OptionError, filled, tool_template
from ..config import STRICT, Given, explained, names_the_option, option, with_underscores
from ..hardware import (
    ECP5,
    LUT_WEIGHT_BITS,
    MULTIPLIER_BITS,
    Part,
    Products,
    Schedule,
    Usage,
    estimate,
    find_part,
    initiation_interval,
    load_schedule,
    module_name,
    products,
    verilog_defines,
)
from ..program import SolverProgram
from .mapping import CELLS, map_design, synthesis_script
from .parsers import HlsEstimate, Routed, nextpnr_routed, vitis_hls_estimate, vivado_path, vivado_usage, yosys_usage
from .room import Room
from .routing import PlaceAndRoute
from .tools import (
    SynthTool,
    ToolFailedError,
    ToolProgress,
    ToolRun,
    alone_in,
    native_nextpnr_ecp5,
    nextpnr_ecp5,
    vitis_hls,
    vivado,
    yosys,
)

Flow = Literal["open", "vivado", "vitis_hls"]
FLOWS: tuple[str, ...] = get_args(Flow)
CLOCK = "ap_clk"
MOST_SEEDS = 100
#: Weights of so many bits are wide enough that ``auto`` gives a DSP for their product's LUTs.
WIDE_WEIGHT_BITS = 8


def _known(name: str) -> str:
    return find_part(name.lower()).name


def _finite_mhz(clock: float) -> float:
    if not 1 <= clock <= 1000:
        raise ValueError
    return clock


LutWeightBits = Annotated[
    Annotated[int, Field(ge=2, le=MOST_MATRIX_BITS)],
    option("N", "Weights of up to N bits multiply in LUTs, wider ones in DSPs; 1 and 2 bits never use a multiplier."),
]
PlacerSeed = Annotated[Annotated[int, Field(ge=0, le=2**31 - 1)], option("N", "Of the placer.")]


@explained
@record(frozen=True, config=STRICT)
class SynthOptions:
    """What to synthesise for; the core is placed out of context."""

    _naming = names_the_option

    part: Annotated[
        str,
        AfterValidator(_known),
        option("NAME", "ecp5-25, ecp5-45, ecp5-85, xc7a100t, xczu7ev, ...", expected="the name of a part"),
    ]
    flow: Annotated[
        Flow,
        Given(Flow | Literal["vitis-hls"]),
        BeforeValidator(with_underscores),
        option("open|vivado|vitis_hls", "Yosys and nextpnr, or AMD's."),
    ] = "open"
    speed: Annotated[Annotated[int, Field(ge=6, le=8)], option("6|7|8", "Speed grade (ECP5).")] = 8
    clock_mhz: Annotated[
        Annotated[FiniteFloat, AfterValidator(_finite_mhz)],
        option("MHZ", "Clock that place and route aims at.", expected="1 to 1000 MHz", flag="--clock"),
    ] = 150.0
    lut_weight_bits: LutWeightBits = LUT_WEIGHT_BITS
    dsp: Annotated[
        Literal["auto", "none", "all"] | None,
        option(
            "auto|none|all",
            "Products in DSPs: none, all of weights above 2 bits, or auto, those of 8 bits and more that the part has "
            "DSPs for, the widest first.",
            unset="as --lut-weight-bits says",
        ),
    ] = None
    seed: PlacerSeed = 1
    seeds: Annotated[
        Annotated[int, Field(ge=1, le=MOST_SEEDS)],
        option("N", "Placements (ECP5), of this seed and those after it; the report is of the median clock."),
    ] = 1
    nextpnr: Annotated[
        Literal["wheel", "path"],
        option(
            "wheel|path", "The wheel's, WebAssembly on one core, or a native one, several times as fast on large cores."
        ),
    ] = "wheel"

    def __post_init__(self) -> None:
        part = find_part(self.part)
        if part.family == ECP5 and self.flow != "open":
            raise OptionError("flow", f"is {self.flow}, which does not know {part.name}, not AMD's; use the open flow")
        if self.dsp is not None and self.lut_weight_bits != LUT_WEIGHT_BITS:
            raise OptionError(
                "dsp", f"is {self.dsp} beside --lut-weight-bits {self.lut_weight_bits}, which says the same; give one"
            )
        if self.seeds > 1 and not (part.family == ECP5 and self.flow == "open"):
            raise OptionError("seeds", f"is {self.seeds}, and only nextpnr draws them; leave it out for {part.name}")
        if self.nextpnr == "path" and not (part.family == ECP5 and self.flow == "open"):
            raise OptionError("nextpnr", f"is path, and {part.name} is not routed by nextpnr; leave it out")


@dataclass(frozen=True)
class Placement:
    """The clock that one seed of the placer reached."""

    seed: int
    fmax_mhz: float


@dataclass(frozen=True, repr=False)
class SynthReport:
    """What the tools said.

    Parameters
    ----------
    program_digest : str
    options : SynthOptions
    part : Part
    schedule : Schedule
    tools : tuple of (str, str)
        Names and versions.
    products : tuple of Products
        Where the engines multiply: what ``lut_weight_bits`` decides.
    estimated : Usage
        From the widths alone.
    hls : HlsEstimate or None
        Of Vitis HLS, before logic synthesis.
    synthesised : Usage or None
        Mapped cells, before placement.
    routed : Routed or None
        After place and route; of several seeds, that of the median clock (of an even number, the lower one).
    placements : tuple of Placement
        By seed; empty where nothing is routed with seeds.
    reasons : tuple of (str, str)
        Why a figure is None.
    cycles_per_sample : float
        Of the schedule, when every sample needs all iterations.
    from_cache : bool
        Whether no tool had to be started.
    """

    program_digest: str
    options: SynthOptions
    part: Part
    schedule: Schedule
    tools: tuple[tuple[str, str], ...]
    products: tuple[Products, ...]
    estimated: Usage
    hls: HlsEstimate | None
    synthesised: Usage | None
    routed: Routed | None
    placements: tuple[Placement, ...]
    reasons: tuple[tuple[str, str], ...]
    cycles_per_sample: float
    from_cache: bool

    def __repr__(self) -> str:
        used = self.routed.usage if self.routed else self.synthesised or self.estimated
        clock = f"{self.routed.fmax_mhz:.4g} MHz" if self.routed else "no clock"
        kind = "routed" if self.routed else "synthesised" if self.synthesised else "estimated"
        return f"SynthReport for {self.part.name}: {clock}\n  {kind}: {used.in_words()}"

    @property
    def samples_per_second(self) -> float | None:
        """At the achieved clock, when every sample needs all iterations; of the SystemVerilog only."""
        return self.routed.fmax_mhz * 1e6 / self.cycles_per_sample if self.routed else None

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            **asdict(self),
            "schedule": self.schedule.to_plain(),
            "tools": dict(self.tools),
            "reasons": dict(self.reasons),
            "samples_per_second": self.samples_per_second,
        }


def silent(tool: str, now: str) -> None:
    """No progress."""


def synthesize(build: Path, options: SynthOptions, work: Path, progress: ToolProgress = silent) -> SynthReport:
    """Run a flow on the hardware sources of a build folder.

    Parameters
    ----------
    build : Path
        Folder written by ``mondeq-hw compile``; only read.
    options : SynthOptions
    work : Path
        Snapshot of the sources, logs and results; what is there from an
        earlier run of the same sources, options and tools is used again.
    progress : callable
        ``progress(tool, what it does now)``.

    Raises
    ------
    InputError
        The folder is not complete, or the design does not fit the part.
    MissingToolError
        With the remedy.
    ToolFailedError
        A tool ended with an error.
    """
    program, plan, part = SolverProgram.load(build), load_schedule(build), find_part(options.part)
    bits = lut_weight_bits(program, plan, part, options)
    options = replace(options, dsp=None, lut_weight_bits=bits)
    with alone_in(work):
        return _Flow(build, program, plan, options, part, work.resolve(), progress).run()


def lut_weight_bits(program: SolverProgram, plan: Schedule, part: Part, options: SynthOptions) -> int:
    """Bits of the longest weights that multiply in LUTs; of ``auto`` as few as the part has DSPs for."""
    match options.dsp:
        case None:
            return options.lut_weight_bits
        case "none":
            return MOST_MATRIX_BITS
        case "all":
            return 2
        case "auto":
            lengths = range(WIDE_WEIGHT_BITS - 1, MOST_MATRIX_BITS)
            fitting = (bits for bits in lengths if estimate(program, plan, part.family, bits).dsps <= part.totals.dsps)
            return next(fitting, MOST_MATRIX_BITS)


@dataclass(frozen=True)
class _Flow:
    """One build folder on its way through the tools."""

    build: Path
    program: SolverProgram
    plan: Schedule
    options: SynthOptions
    part: Part
    work: Path
    progress: ToolProgress

    def run(self) -> SynthReport:
        return {"open": self._open, "vivado": self._vivado, "vitis_hls": self._vitis_hls}[self.options.flow]()

    @property
    def _room(self) -> Room:
        return Room(self.program, self.plan, self.part, self.options.lut_weight_bits)

    # -- flows ---------------------------------------------------------------------

    def _open(self) -> SynthReport:
        mapper = yosys()
        router = self._router() if self.part.family == ECP5 else None
        sources = self._snapshot("rtl")
        (self.work / "synth.ys").write_text(self._yosys_script(sources))
        cached = map_design(mapper, self.part.family, self.work, ("synth.ys", "rtl/src", "rtl/mem"), self.progress)
        usage = yosys_usage((self.work / CELLS).read_text(), self.part.family)
        self._room.check(usage)
        tools = [(mapper.name, mapper.version)]
        if router is None:
            return self._report(tools, usage, None, f"no open place and route for {self.part.family}", cached)
        tools.append((router.name, router.version))
        placed: list[tuple[Placement, Routed]] = []
        for seed in range(self.options.seed, self.options.seed + self.options.seeds):
            run = self._place_and_route(router, seed, usage)
            try:
                cached &= run.execute(self.work, self.progress)
            except ToolFailedError as error:
                self._room.check_complaint(usage, error.complaint)
                raise
            routed = nextpnr_routed((self.work / run.report).read_text(), CLOCK)
            placed.append((Placement(seed, routed.fmax_mhz), routed))
        median = sorted(placed, key=lambda each: each[0].fmax_mhz)[(len(placed) - 1) // 2][1]
        return self._report(tools, usage, median, None, cached, placements=tuple(placement for placement, _ in placed))

    def _router(self) -> SynthTool:
        return {"wheel": nextpnr_ecp5, "path": native_nextpnr_ecp5}[self.options.nextpnr]()

    def _vivado(self) -> SynthReport:
        tool = vivado()
        sources = self._snapshot("rtl")
        period = 1e3 / self.options.clock_mhz
        products = self.options.lut_weight_bits, MULTIPLIER_BITS[self.part.family]
        (self.work / "vivado.tcl").write_text(
            filled(
                tool_template("vivado.tcl.j2"),
                part=self.part.ordering_code,
                top=module_name(self.program.name, "top"),
                sources=sources,
                defines=verilog_defines(self.program.name, "[pwd]/rtl/mem", products),
                period=period,
            )
        )
        written = ("utilization_synth.rpt", "utilization.rpt", "timing.rpt")
        arguments = ("-mode", "batch", "-nojournal", "-nolog", "-source", "vivado.tcl")
        run = ToolRun(tool, arguments, ("vivado.tcl", "rtl/src", "rtl/mem"), written)
        cached = run.execute(self.work, self.progress)
        mapped, placed, timing = ((self.work / name).read_text() for name in written)
        usage = vivado_usage(mapped)
        self._room.check(usage)
        slack, path = vivado_path(timing)
        routed = Routed(vivado_usage(placed), 1e3 / (period - slack), path)
        return self._report([(tool.name, tool.version)], usage, routed, None, cached)

    def _vitis_hls(self) -> SynthReport:
        tool = vitis_hls()
        self._snapshot("hls")
        environment = {
            "MONDEQ_PART": self.part.ordering_code,
            "MONDEQ_CLOCK_PERIOD": f"{1e3 / self.options.clock_mhz:.3f}",
            "MONDEQ_STEPS": "csynth",
        }
        result = "mondeq_vitis/solution/syn/report/csynth.xml"
        run = ToolRun(tool, ("hls/vitis_hls.tcl",), ("hls",), (result,), environment)
        cached = run.execute(self.work, self.progress)
        hls = vitis_hls_estimate((self.work / result).read_text())
        self._room.check(hls.usage)
        reason = "Vitis HLS estimates; no logic synthesis was run"
        return self._report([(tool.name, tool.version)], None, None, reason, cached, hls)

    # -- what the tools are told ---------------------------------------------------

    def _snapshot(self, name: str) -> list[str]:
        """Copy the sources beside the results (WebAssembly tools see no /tmp); returns the SystemVerilog in order."""
        source, copy = self.build / name, self.work / name
        if not source.is_dir():
            raise InputError(f"{source}: no such folder; compile again")
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy)
        except OSError as error:
            raise InputError(f"{self.work}: cannot be written ({error.strerror}); make the folder writable") from None
        listed = copy / "sources.f"
        return [f"{name}/{line}" for line in listed.read_text().split()] if listed.exists() else []

    def _yosys_script(self, sources: list[str]) -> str:
        family, in_luts, depths = self.part.family, self.options.lut_weight_bits, self._room.rom_depths()
        return synthesis_script(self.program, sources, family, "top", in_luts, depths)

    def _place_and_route(self, router: SynthTool, seed: int, usage: Usage) -> PlaceAndRoute:
        device = (f"--{self.part.name.removeprefix('ecp5-')}k", "--speed", str(self.options.speed), "--out-of-context")
        arguments = (*device, "--seed", str(seed))
        name = "" if self.options.seeds == 1 else f"-seed{seed}"
        return PlaceAndRoute(router, arguments, usage, self.options.clock_mhz, CLOCK, name)

    # -- report ----------------------------------------------------------------------

    def _report(
        self,
        tools: list[tuple[str, str]],
        synthesised: Usage | None,
        routed: Routed | None,
        reason: str | None,
        cached: bool,
        hls: HlsEstimate | None = None,
        placements: tuple[Placement, ...] = (),
    ) -> SynthReport:
        figures = {"hls": hls, "synthesised": synthesised, "routed": routed}
        why = {"hls": "Vitis HLS was not run", "synthesised": reason, "routed": reason}
        return SynthReport(
            program_digest=self.program.digest,
            options=self.options,
            part=self.part,
            schedule=self.plan,
            tools=tuple(tools),
            products=products(self.program, self.plan, self.options.lut_weight_bits),
            estimated=self._room.estimate(),
            hls=hls,
            synthesised=synthesised,
            routed=routed,
            placements=placements,
            reasons=tuple((name, why[name] or "") for name, value in figures.items() if value is None),
            cycles_per_sample=initiation_interval(self.plan, self.program.iterations),
            from_cache=cached,
        )
