"""Resources and clock of a build folder's core, by Yosys and nextpnr, Vivado or Vitis HLS; the tools themselves.

Takes a build folder and a part; gives a ``SynthReport``.
"""

from __future__ import annotations

from .doctor import examine, missing, to_plain
from .mapping import CELLS, NETLIST, NETLIST_JSON, map_design, synthesis_script
from .parsers import HlsEstimate, Routed, nextpnr_routed, yosys_usage
from .room import Room
from .routing import RouterRounds, placer_options, router_options
from .synth import (
    FLOWS,
    LutWeightBits,
    PlacerSeed,
    SynthOptions,
    SynthReport,
    silent,
    synthesize,
)
from .tools import (
    ToolFailedError,
    ToolProgress,
    ToolRun,
    ToolStuckError,
    alone_in,
    ecppack,
    nextpnr_ecp5,
    wheel_program,
    yosys,
    yosys_share,
)

__all__ = [
    "CELLS",
    "FLOWS",
    "NETLIST",
    "NETLIST_JSON",
    "HlsEstimate",
    "LutWeightBits",
    "PlacerSeed",
    "Room",
    "Routed",
    "RouterRounds",
    "SynthOptions",
    "SynthReport",
    "ToolFailedError",
    "ToolProgress",
    "ToolRun",
    "ToolStuckError",
    "alone_in",
    "ecppack",
    "examine",
    "map_design",
    "missing",
    "nextpnr_ecp5",
    "nextpnr_routed",
    "placer_options",
    "router_options",
    "silent",
    "synthesis_script",
    "synthesize",
    "to_plain",
    "wheel_program",
    "yosys",
    "yosys_share",
    "yosys_usage",
]
