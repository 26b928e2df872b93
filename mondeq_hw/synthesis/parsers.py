"""Readers of the synthesis tools' report files; each takes text and returns a frozen record."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from ..base import MondeqError
from ..hardware import ECP5, Usage


class ReportFormatError(MondeqError):
    """A tool wrote a report that does not hold what it should."""


@dataclass(frozen=True)
class CriticalPath:
    """The slowest register-to-register path.

    Parameters
    ----------
    start, end : str
        Hierarchical cell names.
    delay : float
        Nanoseconds.
    logic, routing : float
        Its parts; setup and clock-to-output count as logic.
    levels : int
        Cells between the two registers.
    """

    start: str
    end: str
    delay: float
    logic: float
    routing: float
    levels: int


@dataclass(frozen=True)
class Routed:
    """What place and route achieved; ``path`` is None for a design without registers."""

    usage: Usage
    fmax_mhz: float
    path: CriticalPath | None


@dataclass(frozen=True)
class HlsEstimate:
    """Vitis HLS' own estimate, made before logic synthesis."""

    usage: Usage
    clock_period_ns: float


# LUT sites that a cell takes.  ECP5: a carry cell is two LUTs, a 16 x 4 memory four and two for its write port.
_ECP5_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
_AMD_LUTS = {f"LUT{inputs}": 1 for inputs in range(1, 7)} | {
    "RAM32X1S": 1, "RAM32X1D": 2, "RAM64X1S": 1, "RAM64X1D": 2, "RAM128X1S": 2, "RAM128X1D": 4, "RAM256X1S": 4,
    "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "SRL16E": 1, "SRLC32E": 1,
}  # fmt: skip
_BLOCK_RAMS = {"DP16KD": 1.0, "PDPW16KD": 1.0, "RAMB18E1": 0.5, "RAMB18E2": 0.5, "RAMB36E1": 1.0, "RAMB36E2": 1.0}
_DSPS = ("MULT18X18D", "DSP48E1", "DSP48E2")
_FLIP_FLOPS = ("TRELLIS_FF", "FDRE", "FDSE", "FDCE", "FDPE")
_LATCHES = re.compile(r"\$?_?d(latch|latchsr|latchrs)|LDCE|LDPE", re.IGNORECASE)


def yosys_usage(text: str, family: str) -> Usage:
    """Cells of a mapped and flattened design, from ``stat -json``.

    Raises
    ------
    ReportFormatError
        No statistics, or the design has a latch.
    """
    try:
        cells: dict[str, int] = json.loads(text)["design"]["num_cells_by_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReportFormatError(f"Yosys' statistics cannot be read ({error!r}); see yosys.log") from None
    latches = [name for name in cells if _LATCHES.match(name)]
    if latches:
        raise ReportFormatError(f"Yosys inferred latches ({', '.join(latches)}); the RTL must have none")
    luts = _ECP5_LUTS if family == ECP5 else _AMD_LUTS
    return Usage(
        luts=sum(cells.get(name, 0) * count for name, count in luts.items()),
        flip_flops=sum(cells.get(name, 0) for name in _FLIP_FLOPS),
        dsps=sum(cells.get(name, 0) for name in _DSPS),
        block_rams=sum(cells.get(name, 0) * share for name, share in _BLOCK_RAMS.items()),
    )


def nextpnr_routed(text: str, clock: str) -> Routed:
    """Usage, achieved clock and critical path of one clock, from nextpnr's ``--report``.

    Parameters
    ----------
    text : str
    clock : str
        Name of the clock's port.

    Raises
    ------
    ReportFormatError
    """
    try:
        report = json.loads(text)
        used = {name: int(entry["used"]) for name, entry in report["utilization"].items()}
        fmax = next(entry["achieved"] for name, entry in report["fmax"].items() if clock in name)
        paths = [entry for entry in report["critical_paths"] if clock in entry["from"] and clock in entry["to"]]
        path = _nextpnr_path(paths[0]["path"]) if paths else None
    except StopIteration:
        raise ReportFormatError(f"nextpnr's report has no clock {clock}; see nextpnr.log") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ReportFormatError(f"nextpnr's report cannot be read ({error!r}); see nextpnr.log") from None
    usage = Usage(
        luts=used.get("TRELLIS_COMB", 0),
        flip_flops=used.get("TRELLIS_FF", 0),
        dsps=used.get("MULT18X18D", 0),
        block_rams=float(used.get("DP16KD", 0)),
    )
    return Routed(usage, float(fmax), path)


def nextpnr_estimate(text: str, clock: str) -> float:
    """The clock in MHz that a log of nextpnr estimates last, before routing or after.

    Parameters
    ----------
    text : str
    clock : str
        Name of the clock's port.

    Raises
    ------
    ReportFormatError
    """
    found = re.findall(rf"Max frequency for clock +'[^']*{re.escape(clock)}[^']*': +([\d.]+) MHz", text)
    if not found:
        raise ReportFormatError(f"nextpnr's log has no clock {clock}; see it in the folder of the results")
    return float(found[-1])


def _nextpnr_path(hops: list[dict]) -> CriticalPath:
    routing = sum(hop["delay"] for hop in hops if hop["type"] == "routing")
    total = sum(hop["delay"] for hop in hops)
    logic_cells = [hop for hop in hops if hop["type"] == "logic"]
    return CriticalPath(
        start=hops[0]["from"]["cell"],
        end=hops[-1]["to"]["cell"],
        delay=total,
        logic=total - routing,
        routing=routing,
        levels=len(logic_cells),
    )


def vitis_hls_estimate(text: str) -> HlsEstimate:
    """Resources and clock of ``csynth.xml``.

    Raises
    ------
    ReportFormatError
    """
    try:
        root = ElementTree.fromstring(text)
        resources = root.find("AreaEstimates/Resources")
        clock = root.findtext("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")
        if resources is None or clock is None:
            raise ValueError("no AreaEstimates/Resources or EstimatedClockPeriod")
        count = {entry.tag: int(entry.text or 0) for entry in resources}
        # HLS counts RAMB18.
        usage = Usage(count["LUT"], count["FF"], count.get("DSP", count.get("DSP48E", 0)), count["BRAM_18K"] / 2)
        return HlsEstimate(usage, float(clock))
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise ReportFormatError(f"csynth.xml cannot be read ({error!r}); see vitis_hls.log") from None


def vivado_usage(text: str) -> Usage:
    """Used cells of ``report_utilization``: of the 7 series (Slice LUTs) or of UltraScale+ (CLB LUTs).

    Raises
    ------
    ReportFormatError
    """

    def used(*names: str) -> float:
        for name in names:
            row = re.search(rf"^\|\s*{re.escape(name)}\*?\s*\|\s*([\d.]+)\s*\|", text, re.MULTILINE)
            if row:
                return float(row[1])
        raise ReportFormatError(f"Vivado's utilisation has no row {' or '.join(names)}; see vivado.log")

    return Usage(
        luts=int(used("Slice LUTs", "CLB LUTs")),
        flip_flops=int(used("Slice Registers", "CLB Registers")),
        dsps=int(used("DSPs")),
        block_rams=used("Block RAM Tile"),
    )


def vivado_path(text: str) -> tuple[float, CriticalPath]:
    """Slack (ns) and the worst setup path of ``report_timing -max_paths 1``.

    Raises
    ------
    ReportFormatError
    """

    def field(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        if found is None:
            raise ReportFormatError("Vivado's timing report has no constrained path; see vivado.log")
        return found[1]

    delays = re.search(r"Data Path Delay:\s*([\d.]+)ns\s*\(logic\s+([\d.]+)ns\s*\([\d.]+%\)\s*route\s+([\d.]+)ns", text)
    if delays is None:
        raise ReportFormatError("Vivado's timing report has no data path delay; see vivado.log")
    total, logic, routing = map(float, delays.groups())
    path = CriticalPath(
        start=field(r"^\s*Source:\s+(\S+)"),
        end=field(r"^\s*Destination:\s+(\S+)"),
        delay=total,
        logic=logic,
        routing=routing,
        levels=int(field(r"^\s*Logic Levels:\s+(\d+)")),
    )
    return float(field(r"^\s*Slack[^:]*:\s+(-?[\d.]+)ns")), path
