"""A netlist, placed and routed on an ECP5 by nextpnr: in one run, or, where the part is crowded, in two.

What a crowded part can reach is known when it is placed.  Its router is then asked for that clock, and rips up wires
that miss it; of a clock beyond reach it would rip up thousands, round after round, and not end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..hardware import Usage
from .mapping import NETLIST_JSON
from .parsers import ReportFormatError, nextpnr_estimate
from .tools import SynthTool, ToolProgress, ToolRun

#: Beyond so many LUTs, or DSPs, after synthesis an ECP5 is crowded: nextpnr's first router took minutes for designs of
#: 20,000 LUTs, and did not end in an hour for one of 50,000, nor for one of 15,000 with 153 DSPs, whose words are long.
CROWDED_LUTS, CROWDED_DSPS = 30_000, 32


def crowded(usage: Usage) -> bool:
    """Whether mapped cells are so many that their wires are hard to disentangle."""
    return usage.luts > CROWDED_LUTS or usage.dsps > CROWDED_DSPS


def placer_options(usage: Usage) -> tuple[str, ...]:
    """What nextpnr's placer is told of mapped cells.

    Its own weight of timing, 10, leaves wires across the part; in a crowded one too much of it leaves wires that no
    router disentangles in hours.  Many LUTs are spread more; beside many DSPs that would be farther from them.  Places
    for many are tried as long as it takes: nextpnr's limit, a share of the square of their number, overflows to 10,000
    beyond 46,340 cells, and a carry chain then had no place in a part half full.
    """
    many = (
        ("--placer-heap-alpha", "0.3", "--placer-heap-beta", "0.8", "--placer-heap-cell-placement-timeout", "0")
        if usage.luts > CROWDED_LUTS
        else ()
    )
    return (*many, "--placer-heap-timingweight", "30" if crowded(usage) else "100")


def router_options(usage: Usage) -> tuple[str, ...]:
    """What nextpnr's router is told of mapped cells."""
    return ("--router", "router2") if crowded(usage) else ()


@dataclass(frozen=True)
class PlaceAndRoute:
    """The runs of nextpnr that a netlist takes.

    Parameters
    ----------
    router : SynthTool
    arguments : tuple of str
        Of the part, for every run.
    usage : Usage
        Of the netlist.
    clock_mhz : float
        That is aimed at.
    clock : str
        Name of its port.
    name : str
        Of the log and the report, which several seeds keep apart by it.
    """

    router: SynthTool
    arguments: tuple[str, ...]
    usage: Usage
    clock_mhz: float
    clock: str
    name: str = ""

    @property
    def report(self) -> str:
        """The file that the last run writes."""
        return f"routed{self.name}.json"

    def execute(self, folder: Path, progress: ToolProgress) -> bool:
        """Run them unless their results are there; returns whether they were.

        Raises
        ------
        ToolFailedError
            With nextpnr's own error lines.
        ReportFormatError
            Nextpnr's log, or its placed netlist, has no clock.
        """
        return all([run.execute(folder, progress) for run in self._runs(folder)])

    def _runs(self, folder: Path) -> Iterator[ToolRun]:
        if not crowded(self.usage):
            options = (*self._reads(NETLIST_JSON, self.clock_mhz), "--report", self.report)
            options += placer_options(self.usage)
            yield ToolRun(self.router, options, (NETLIST_JSON,), (self.report,), label=self._label(""))
            return
        placed, aimed, log = f"placed{self.name}.json", f"aimed{self.name}.json", f"{self._label('-place')}.log"
        options = (*self._reads(NETLIST_JSON, self.clock_mhz), "--no-route", "--write", placed)
        options += (*placer_options(self.usage), *router_options(self.usage), "--tmg-ripup")
        yield ToolRun(self.router, options, (NETLIST_JSON,), (placed, log), label=self._label("-place"))
        reached = min(self.clock_mhz, nextpnr_estimate((folder / log).read_text(), self.clock))
        (folder / aimed).write_text(_aiming_at(reached, (folder / placed).read_text()))
        options = (*self._reads(aimed, reached), "--no-pack", "--no-place", "--report", self.report)
        yield ToolRun(self.router, options, (aimed,), (self.report,), label=self._label(""))

    def _reads(self, netlist: str, clock_mhz: float) -> tuple[str, ...]:
        return (*self.arguments, "--json", netlist, "--freq", f"{clock_mhz:g}", "--timing-allow-fail")

    def _label(self, step: str) -> str:
        return f"{self.router.name}{step}{self.name}"


def _aiming_at(clock_mhz: float, placed: str) -> str:
    """A placed netlist with another clock among nextpnr's settings, which count more than what it is told."""
    aimed, found = re.subn(r'"target_freq": "[0-9.]+"', f'"target_freq": "{clock_mhz * 1e6:.6f}"', placed)
    if found != 1:
        raise ReportFormatError(
            "nextpnr's placed netlist does not say what clock it aims at; expected the settings of version 0.11"
        )
    return aimed
