"""Read a build folder into a :class:`~mondeq_hw.report.Report`.

Nothing here depends on the time or the machine's load, so equal folders give
equal reports.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from ..base import InputError, digests, package_version
from ..boards import SUMMARY
from ..folder import RESOLVED, Build
from ..hardware import (
    ECP5,
    LUT_WEIGHT_BITS,
    EngineFolding,
    Part,
    Schedule,
    Usage,
    completion_cycles,
    estimate,
    find_part,
    initiation_interval,
    latency,
    load_schedule,
)
from ..problem import Comparison
from ..program import GoldenModel, SolverProgram
from ..synthesis import FLOWS, HlsEstimate, Routed, SynthOptions
from ..verification import BackendReport
from .record import (
    AT_ROUTED_CLOCK,
    COMPARISON,
    ESTIMATED,
    MEASURED,
    ROUTED,
    SIMULATED,
    SYNTHESIS,
    SYNTHESISED,
    VERIFICATION,
    Backend,
    BoardFigures,
    Counts,
    CycleFigures,
    Figure,
    Origin,
    PartFigures,
    PredictedCycles,
    Report,
    SimulatedCycles,
    Speed,
    Verification,
)

#: What the numbers in a build folder can depend on.
PACKAGES = ("mondeq-hw", "numpy", "scipy", "python-flint", "torch", "safetensors", "scikit-learn", "da4ml", "alkaid")

#: Estimated where nothing was synthesised, so that there is something to compare with: an ECP5 and an AMD part.
USUAL_PARTS = ("ecp5-85", "xc7a100t")

T = TypeVar("T")


def collect(build: Build) -> Report:
    """Read a build folder.

    Raises
    ------
    InputError
        A file that ``compile``, ``verify`` or ``synth`` wrote is missing or damaged.
    """
    program, plan = build.program, load_schedule(build.folder)
    cycles = predict_cycles(plan, program.iterations, GoldenModel(program).iterations(build.stimulus))
    verified, origin = _verification(build), parsed(build.folder / RESOLVED, Origin)
    return Report(
        task=build.task,
        program=program,
        origin=origin,
        certificate=build.certificate.lines,
        data=origin.resolved.data,
        division=origin.resolved.division,
        overflow=origin.resolved.overflow,
        comparison=parsed(build.folder / COMPARISON, Figure[Comparison]),
        schedule=plan,
        cycles=CycleFigures(
            predicted=cycles,
            simulated=_simulated(verified),
            measured=Figure(MEASURED, None, "no hardware was run", None),
        ),
        counts=count(program, plan),
        parts=_synthesised_parts(build, cycles) or _estimated_parts(program, plan),
        boards=_boards(build),
        verification=_summary(verified, build),
    )


def predict_cycles(plan: Schedule, iterations: int, executed: np.ndarray) -> PredictedCycles:
    """Cycle figures of samples whose last updates have the given numbers, at most ``iterations``."""
    done = completion_cycles(plan, executed)
    executed = plan.updates(executed) - np.where(np.arange(len(executed)) > 0, max(0, plan.first_warm_update - 1), 0)
    per_sample = float((done[-1] - done[0]) / (len(done) - 1)) if len(done) > 1 else float(done[0])
    return PredictedCycles(
        samples=len(done),
        mean_iterations=float(np.mean(executed)),
        max_iterations=int(np.max(executed)),
        latency=int(done[0]),
        per_sample=per_sample,
        latency_alone=latency(plan, iterations) - 1,
        per_sample_all_iterations=initiation_interval(plan, iterations),
    )


def count(program: SolverProgram, folding: Schedule) -> Counts:
    """Multipliers, adders of graphs and weight bits in memories."""

    def multipliers(engine: EngineFolding) -> int:
        return engine.multipliers if engine.multiplies else 0

    def adders(engine: EngineFolding) -> int:
        return 0 if engine.graph is None else engine.graph.adders

    drive, solve, readout = folding.drive, folding.solve, folding.readout
    matrices = ((drive, program.drive), (solve, program.matrix), (readout, program.readout))
    return Counts(
        drive_multipliers=multipliers(drive),
        drive_graph_adders=adders(drive),
        solve_multipliers=multipliers(solve),
        solve_graph_adders=adders(solve),
        readout_multipliers=multipliers(readout),
        readout_graph_adders=adders(readout),
        weight_bits=sum(matrix.memory_bits for engine, matrix in matrices if engine.graph is None),
    )


def tools() -> dict[str, str | None]:
    """Versions of what made the numbers."""
    return {"python": platform.python_version(), **{name: package_version(name) for name in PACKAGES}}


# -- verification ------------------------------------------------------------


@dataclass(frozen=True)
class _VerifyFile:
    """What is read of ``report/verify.json``."""

    program_digest: str
    ok: bool
    backends: tuple[BackendReport, ...]
    sources: dict[str, str]


def _verification(build: Build) -> Figure[_VerifyFile]:
    command, file = "mondeq-hw verify DIR", build.folder / VERIFICATION
    if not file.exists():
        return Figure(SIMULATED, None, "C++ and RTL were not compared with the golden model yet", command)
    found = parsed(file, _VerifyFile)
    if found.program_digest != build.program.digest:
        return Figure(SIMULATED, None, f"{VERIFICATION} is about another program", command)
    now = digests(build.folder, found.sources)
    changed = next((name for name, digest in found.sources.items() if now.get(name) != digest), None)
    if changed is not None:
        return Figure(SIMULATED, None, f"{changed} was changed after the comparison", command)
    return Figure(SIMULATED, found)


def _summary(verified: Figure[_VerifyFile], build: Build) -> Figure[Verification]:
    if verified.value is None:
        return Figure(SIMULATED, None, verified.reason, verified.command)
    backends = tuple(
        Backend(
            name=backend.name,
            tool=backend.tool,
            samples=backend.samples,
            wrong_samples=backend.wrong_samples,
            benches_passed=len(backend.tests_passed),
            benches_failed=backend.tests_failed,
            mismatch=None if backend.mismatch is None else backend.mismatch.message,
        )
        for backend in verified.value.backends
    )
    return Figure(SIMULATED, Verification(verified.value.ok, backends, build.changed_files()))


def _simulated(verified: Figure[_VerifyFile]) -> Figure[SimulatedCycles]:
    if verified.value is None:
        return Figure(SIMULATED, None, verified.reason, verified.command)
    for backend in verified.value.backends:
        if (cycles := backend.cycles) is not None:
            return Figure(
                SIMULATED,
                SimulatedCycles(
                    tool=backend.tool,
                    samples=backend.samples,
                    latency=cycles.simulated_first,
                    per_sample=cycles.simulated_per_sample,
                    predicted_latency=cycles.predicted_first,
                    predicted_per_sample=cycles.predicted_per_sample,
                ),
            )
    return Figure(SIMULATED, None, f"no simulation in {VERIFICATION} came to an end", "mondeq-hw verify DIR")


# -- parts -------------------------------------------------------------------


@dataclass(frozen=True)
class _SynthFile:
    """What is read of a synthesis report."""

    program_digest: str
    options: SynthOptions
    part: Part
    tools: dict[str, str]
    estimated: Usage
    hls: HlsEstimate | None
    synthesised: Usage | None
    routed: Routed | None
    reasons: dict[str, str]


def _synthesised_parts(build: Build, cycles: PredictedCycles) -> tuple[PartFigures, ...]:
    found = {}
    for file in _synthesis_files(build.folder):
        result = parsed(file, _SynthFile)
        if result.program_digest == build.program.digest:
            found[result.part.name, result.options.flow] = result
    return tuple(_part_figures(found[key], cycles) for key in sorted(found))


def _synthesis_files(folder: Path) -> Iterator[Path]:
    """The last run, then the last of each part and flow."""
    if (folder / SYNTHESIS).exists():
        yield folder / SYNTHESIS
    for flow in FLOWS:
        yield from sorted((folder / "report" / "synth").glob(f"*/{flow}.json"))


def _part_figures(result: _SynthFile, cycles: PredictedCycles) -> PartFigures:
    options, routed = result.options, result.routed
    commands = {"hls": "vitis_hls", "synthesised": "vivado", "routed": "vivado"}

    def figure(name: str, kind: str, value: T | None) -> Figure[T]:
        if value is not None:
            return Figure(kind, value)
        by_amd = f"mondeq-hw synth DIR --part {result.part.name} --flow {commands[name]}"
        return Figure(kind, None, result.reasons.get(name, "not run"), None if _is_ecp5(result.part) else by_amd)

    return PartFigures(
        name=result.part.name,
        flow=options.flow,
        speed_grade=options.speed if _is_ecp5(result.part) else None,
        part=result.part,
        aim_mhz=options.clock_mhz,
        lut_weight_bits=options.lut_weight_bits,
        tools=result.tools,
        estimated=Figure(ESTIMATED, result.estimated),
        hls=figure("hls", ESTIMATED, result.hls),
        synthesised=figure("synthesised", SYNTHESISED, result.synthesised),
        routed=figure("routed", ROUTED, routed),
        speed=figure("routed", AT_ROUTED_CLOCK, None if routed is None else _speed(routed.fmax_mhz, cycles)),
    )


def _is_ecp5(part: Part) -> bool:
    return part.family == ECP5


def _speed(clock_mhz: float, cycles: PredictedCycles) -> Speed:
    return Speed(
        clock_mhz=clock_mhz,
        latency_us=cycles.latency / clock_mhz,
        samples_per_second=clock_mhz * 1e6 / cycles.per_sample,
        latency_alone_us=cycles.latency_alone / clock_mhz,
        samples_per_second_all_iterations=clock_mhz * 1e6 / cycles.per_sample_all_iterations,
        control_rate_khz=cycles.control_rate_khz(clock_mhz),
    )


def _estimated_parts(program: SolverProgram, plan: Schedule) -> tuple[PartFigures, ...]:
    """Parts of the usual families where no synthesis was run."""

    def figures(part: Part) -> PartFigures:
        def missing(kind: str) -> Figure[Any]:
            return Figure(kind, None, "no synthesis was run", f"mondeq-hw synth DIR --part {part.name}")

        return PartFigures(
            name=part.name,
            flow="none",
            speed_grade=None,
            part=part,
            aim_mhz=None,
            lut_weight_bits=LUT_WEIGHT_BITS,
            tools={},
            estimated=Figure(ESTIMATED, estimate(program, plan, part.family, LUT_WEIGHT_BITS)),
            hls=missing(ESTIMATED),
            synthesised=missing(SYNTHESISED),
            routed=missing(ROUTED),
            speed=missing(AT_ROUTED_CLOCK),
        )

    return tuple(figures(find_part(name)) for name in USUAL_PARTS)


# -- boards ------------------------------------------------------------------


@dataclass(frozen=True)
class _Line:
    baud: int


@dataclass(frozen=True)
class _Board:
    name: str
    part: Part


@dataclass(frozen=True)
class _BitstreamFile:
    """What is read of a board's ``bitstream.json``."""

    program_digest: str
    options: _Line
    board: _Board
    clock_mhz: float
    line_samples_per_second: float
    core_samples_per_second: float
    routed: Routed
    sha256: str
    tools: dict[str, str]


def _boards(build: Build) -> tuple[BoardFigures, ...]:
    files = sorted((build.folder / "bitstream").glob(f"*/{SUMMARY}"))
    found: list[_BitstreamFile] = [parsed(file, _BitstreamFile) for file in files]
    return tuple(
        BoardFigures(
            name=made.board.name,
            part=made.board.part,
            clock_mhz=made.clock_mhz,
            baud=made.options.baud,
            line_samples_per_second=made.line_samples_per_second,
            core_samples_per_second=made.core_samples_per_second,
            routed=made.routed,
            sha256=made.sha256,
            tools=made.tools,
        )
        for made in found
        if made.program_digest == build.program.digest
    )


# -- files -------------------------------------------------------------------


@cache
def _adapter(record: Any) -> TypeAdapter[Any]:
    """Building one takes longer than reading the file."""
    return TypeAdapter(record)


def parsed(file: Path, record: Any) -> Any:
    """A JSON file as the record it was written from.

    Raises
    ------
    InputError
        It is not there, or not such a file.
    """
    try:
        return _adapter(record).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        detail = error if first is None else ".".join(map(str, first["loc"])) or first["msg"]
        ours = str(file).endswith((RESOLVED, COMPARISON))
        remedy = "compile again" if ours else "run again what wrote it (verify, synth, bitstream or report)"
        raise InputError(f"{file}: damaged, or of another version of mondeq-hw ({detail}); {remedy}") from None
