"""The command ``bitstream``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..boards import BitstreamOptions
from .options import Build, Json, takes_records
from .terminal import interruptible, saying

if TYPE_CHECKING:
    from ..boards import BitstreamReport


@takes_records
def bitstream_command(build: Build, options: BitstreamOptions, as_json: Json = False) -> None:
    """Make a board's bitstream: core, serial line, pins; refused when the clock is not reached.

    Writes bitstream/BOARD/mondeq.bit and bitstream.json; sources and logs stay beside them, and what has not changed
    is not run again.
    """
    from ..project import Project

    project = Project.load(build)
    kept = "what has finished is kept: the same command goes on"
    with interruptible(kept), saying(silent=as_json) as say:
        result = project.make_bitstream(options, lambda tool, now: say(f"{tool}: {now}"))
    print(json.dumps(result.to_plain(), indent=2)) if as_json else _print(result)


def _print(result: BitstreamReport) -> None:
    usage, totals = result.routed.usage, result.board.part.totals
    source = "oscillator" if result.pll is None else f"PLL of {result.board.oscillator_mhz:g} MHz"
    print(f"bitstream: {result.file}")
    print(f"program: {result.program_digest}")
    print(
        f"{result.board.part.name}: {usage.luts:,} of {totals.luts:,} LUTs, {usage.flip_flops:,} flip-flops, "
        f"{usage.dsps:,} of {totals.dsps:,} multipliers, {usage.block_rams:g} of {totals.block_rams:g} block RAMs"
    )
    print(f"clock: {result.clock_mhz:g} MHz ({source}), {result.routed.fmax_mhz:.1f} MHz reached")
    print(
        f"samples per second: {result.line_samples_per_second:,.1f} by the line at {result.options.baud:,} baud, "
        f"{result.core_samples_per_second:,.0f} by the core"
    )
    print("tools: " + ", ".join(f"{name} {version}" for name, version in result.tools))
    if result.from_cache:
        print("nothing has changed since the last run: its results")
