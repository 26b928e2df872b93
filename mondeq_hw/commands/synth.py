"""The command ``synth``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..synthesis import SynthOptions
from .options import Build, Json, takes_records
from .terminal import console, interruptible, print_json, saying

if TYPE_CHECKING:
    from ..hardware import Usage
    from ..synthesis import SynthReport


@takes_records
def synth_command(build: Build, options: SynthOptions, as_json: Json = False) -> None:
    """Synthesise the hardware: resources of a part, achieved clock, critical path.

    Writes report/synth.json, and report/synth/PART/FLOW.json beside the logs and results, so that 'report' can
    compare parts. What has not changed is not run again.
    """
    from ..hardware import latency
    from ..project import Project

    project = Project.load(build)
    kept = "what has finished is kept: the same command goes on"
    with interruptible(kept), saying(silent=as_json) as say:
        result = project.synthesize(options, lambda tool, now: say(f"{tool}: {now}"))
    if as_json:
        print_json(result.to_plain())
    else:
        _print_table(result)
        if project.parameters is not None and result.routed is not None:
            cycles = latency(result.schedule, project.program.iterations)
            rate = 1000 * result.routed.fmax_mhz / cycles
            print(f"control rate at that clock: {rate:,.1f} kHz, {cycles} cycles from parameter to answer")


def _print_table(result: SynthReport) -> None:
    from rich.table import Table

    table = Table(result.part.name, "LUTs", "flip-flops", "multipliers", "block RAMs", box=None, pad_edge=False)
    rows = (
        ("estimated", result.estimated),
        ("HLS estimate", result.hls.usage if result.hls else None),
        ("after synthesis", result.synthesised),
        ("after routing", result.routed.usage if result.routed else None),
        ("part holds", result.part.totals),
    )
    for name, usage in rows:
        if usage is not None:
            table.add_row(name, *_cells(usage))
    console().print(table)
    print(
        "products: "
        + ", ".join(
            f"{item.engine} {item.lanes} of {item.weight_bits} x {item.data_bits} bits in {item.place}"
            for item in result.products
        )
    )
    for name, why in result.reasons:
        if name != "hls":
            print(f"not {name}: {why}")
    if result.routed is not None:
        print(f"clock: {result.routed.fmax_mhz:.1f} MHz reached, {result.options.clock_mhz:g} MHz aimed at")
        if len(result.placements) > 1:
            reached = sorted(placement.fmax_mhz for placement in result.placements)
            print(f"that is the median of {len(reached)} placements, {reached[0]:.1f} to {reached[-1]:.1f} MHz")
        print(f"samples per second at that clock, all iterations: {result.samples_per_second:,.0f}")
        if path := result.routed.path:
            print(
                f"critical path: {path.start} -> {path.end}, {path.delay:.2f} ns "
                f"({path.logic:.2f} logic, {path.routing:.2f} routing, {path.levels} levels)"
            )
    print("tools: " + ", ".join(f"{name} {version}" for name, version in result.tools))
    if result.from_cache:
        print("nothing has changed since the last run: its results")


def _cells(usage: Usage) -> tuple[str, str, str, str]:
    return f"{usage.luts:,}", f"{usage.flip_flops:,}", f"{usage.dsps:,}", f"{usage.block_rams:g}"
