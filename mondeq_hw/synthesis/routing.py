"""A netlist, placed and routed on an ECP5 by nextpnr: in one run, or, where the part is crowded, in two.

What a crowded part can reach is known when it is placed.  Its router is then asked for that clock, and rips up wires
that miss it; of a clock beyond reach it would rip up hundreds, round after round, and end after 1,500 of them with some
late.  A router that is stuck is stopped, and asked for a little less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..hardware import Usage
from .mapping import NETLIST_JSON
from .parsers import ReportFormatError, nextpnr_estimate
from .tools import SynthTool, ToolProgress, ToolRun, ToolStuckError

#: Beyond so many LUTs, or DSPs, after synthesis an ECP5 is crowded: nextpnr's first router took minutes for designs of
#: 20,000 LUTs, and did not end in an hour for one of 50,000, nor for one of 15,000 with 153 DSPs, whose words are long.
CROWDED_LUTS, CROWDED_DSPS = 30_000, 32
#: Shares of what placing reached that the router is asked for, until it ends.
AIMS = (1.0, 0.95, 0.9)
#: Rounds after which a router is stuck that leaves no fewer wires (by this share) that overlap or are late: of some
#: twenty runs that ended by themselves the longest pause had 105, the next 42.
STUCK_ROUNDS, FEWER = 80, 0.97
_ROUND = re.compile(r"iter=\d+ .*overused=(\d+) .*tmgfail=(\d+)")


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


class RouterRounds:
    """Told the lines of nextpnr's second router, says whether it is stuck."""

    def __init__(self) -> None:
        self.fewest: int | None = None
        self.since = 0

    def __call__(self, line: str) -> bool:
        """Whether this line is that of one round too many."""
        if (found := _ROUND.search(line)) is None:
            return False
        left = int(found[1]) + int(found[2])
        if self.fewest is None or left <= FEWER * self.fewest:
            self.fewest, self.since = left, 0
        else:
            self.since += 1
        return self.since >= STUCK_ROUNDS


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
        if not crowded(self.usage):
            options = (*self._reads(NETLIST_JSON, self.clock_mhz), "--report", self.report)
            options += placer_options(self.usage)
            run = ToolRun(self.router, options, (NETLIST_JSON,), (self.report,), label=self._label(""))
            return run.execute(folder, progress)
        cached, reached = self._place(folder, progress)
        for share in AIMS[:-1]:
            try:
                return self._route(folder, reached, share, progress, RouterRounds) and cached
            except ToolStuckError:
                continue
        return self._route(folder, reached, AIMS[-1], progress, None) and cached

    def _place(self, folder: Path, progress: ToolProgress) -> tuple[bool, float]:
        """Whether it was placed before, and the clock to ask the router for."""
        log = f"{self._label('-place')}.log"
        options = (*self._reads(NETLIST_JSON, self.clock_mhz), "--no-route", "--write", self._placed)
        options += (*placer_options(self.usage), *router_options(self.usage), "--tmg-ripup")
        run = ToolRun(self.router, options, (NETLIST_JSON,), (self._placed, log), label=self._label("-place"))
        cached = run.execute(folder, progress)
        return cached, min(self.clock_mhz, nextpnr_estimate((folder / log).read_text(), self.clock))

    def _route(
        self, folder: Path, reached: float, share: float, progress: ToolProgress, judge: type[RouterRounds] | None
    ) -> bool:
        """Whether it was routed before, for this share of the clock."""
        aim, aimed = share * reached, f"aimed{self.name}.json"
        (folder / aimed).write_text(_aiming_at(aim, (folder / self._placed).read_text()))
        options = (*self._reads(aimed, aim), "--no-pack", "--no-place", "--report", self.report)
        label = self._label("" if share == 1 else f"-{100 * share:.0f}")
        run = ToolRun(self.router, options, (aimed,), (self.report,), label=label, judge=judge)
        return run.execute(folder, progress)

    @property
    def _placed(self) -> str:
        return f"placed{self.name}.json"

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
