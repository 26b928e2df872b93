"""Resources and clock of a build folder's core, by Yosys and nextpnr, Vivado or Vitis HLS; the tools themselves.

Takes a build folder and a part; gives a ``SynthReport``.
"""

from __future__ import annotations

from .doctor import examine, missing, package_version, to_plain
from .parsers import HlsEstimate, Routed, nextpnr_routed, yosys_usage
from .room import Room
from .synth import FLOWS, NETLIST, SynthOptions, SynthReport, check_lut_weight_bits, silent, synthesize, without_dsps
from .tools import Progress, Run, ToolFailedError, digests, ecppack, nextpnr_ecp5, yosys, yosys_share

__all__ = [
    "FLOWS",
    "NETLIST",
    "HlsEstimate",
    "Progress",
    "Room",
    "Routed",
    "Run",
    "SynthOptions",
    "SynthReport",
    "ToolFailedError",
    "check_lut_weight_bits",
    "digests",
    "ecppack",
    "examine",
    "missing",
    "nextpnr_ecp5",
    "nextpnr_routed",
    "package_version",
    "silent",
    "synthesize",
    "to_plain",
    "without_dsps",
    "yosys",
    "yosys_share",
    "yosys_usage",
]
