"""Published MNIST accelerators beside build folders of ours.

    python benchmarks/accelerators.py [BUILD ...]

BUILD was compiled with MNIST and synthesised (``mondeq-hw compile --data-dir``,
``mondeq-hw synth --part ecp5-85``); its accuracy, cells, clock and cycles are
read from its reports.  The other rows are quotations, nothing was run again:
other parts (UltraScale+ at 16 nm and a Zynq 7000, 6-input LUTs, against ECP5 at
40 nm with 4-input LUTs), other tools (Vivado against nextpnr), and classifiers
without a guarantee against an equilibrium whose existence and error are proved.
Ratios are to the first BUILD.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from paper_tables import Cell, Table

from mondeq_hw import InputError, Project
from mondeq_hw.hardware import latency, load_schedule
from mondeq_hw.problem import MNIST

XCVU9P = "xcvu9p-2, Vivado, out of context"


@dataclass(frozen=True)
class Accelerator:
    """One row; what a source does not say, or was not seen, is None.

    Parameters
    ----------
    name : str
    accuracy : float
        Per cent, MNIST's test images, with as many digits as the source prints.
    luts : int
        6-input on AMD parts, 4-input on ECP5.
    flip_flops, dsps : int or None
    block_rams : float or None
        Of 36 Kbit on AMD, 18 Kbit on ECP5.
    clock_mhz, latency_ns, per_second : float or None
        ``latency_ns`` of one image.
    where : str
        Device and what the figures are from.
    source : str
        Paper and table.
    """

    name: str
    accuracy: float
    luts: int
    flip_flops: int | None
    block_rams: float | None
    dsps: int | None
    clock_mhz: float | None
    latency_ns: float | None
    per_second: float | None
    where: str
    source: str


#: docs/benchmarks.md says how each was read.  DWN's LUTs are without its thermometer encoder of the input.
PUBLISHED = (
    Accelerator(
        *("FINN SFC-max, binary", 95.8, 91_131, None, 5, 0, 200, 310, 12.3e6, "ZC706 board"),
        "arXiv 1612.07119, abstract; LUTs, block RAMs and clock as quoted in arXiv 2403.00849, table III",
    ),
    Accelerator(
        *("PolyLUT HDR", 96, 70_673, 4_681, 0, 0, 378, 16, None, XCVU9P),
        "arXiv 2309.02334, table IV",
    ),
    Accelerator(
        *("NeuraLUT HDR-5L", 96, 54_798, 3_757, 0, 0, 431, 12, None, XCVU9P),
        "arXiv 2403.00849, table III",
    ),
    Accelerator(
        *("TreeLUT (I), decision trees", 97, 4_478, 597, 0, 0, 791, 2.5, None, "part not seen"),
        "arXiv 2501.01511, as quoted in the survey arXiv 2506.07367, table I",
    ),
    Accelerator(
        *("DWN n=6 sm", 97.1, 692, 422, 0, 0, 827, 2.4, None, XCVU9P),
        "arXiv 2410.11112, table 2; without the encoder of the input",
    ),
    Accelerator(
        *("DWN n=6 lg", 98.3, 4_082, 3_385, 0, 0, 827, 6.0, None, XCVU9P),
        "arXiv 2410.11112, table 2; without the encoder of the input",
    ),
)


def ours(build: Path) -> Accelerator:
    """A build folder's own figures.

    Raises
    ------
    InputError
        It has no accuracy, or was not placed and routed.
    """
    project, file = Project.load(build), build / "report" / "synth.json"
    accuracy = project.report.comparison.value if project.report.data == MNIST else None
    synth = json.loads(file.read_text()) if file.is_file() else {"routed": None}
    if accuracy is None or synth["routed"] is None:
        raise InputError(
            f"{build}: expected accuracy on MNIST and routed figures; compile it with --data-dir, then synth for ECP5"
        )
    program, plan, usage = project.program, load_schedule(build), synth["routed"]["usage"]
    clock = synth["routed"]["fmax_mhz"]
    part, bits = synth["options"]["part"], program.matrix.word_length
    return Accelerator(
        name=f"ours, {bits} bit{'s' if bits > 1 else ''}, {plan.strategy}, {program.iterations} iterations",
        accuracy=round(100 * accuracy.golden, 2),
        luts=usage["luts"],
        flip_flops=usage["flip_flops"],
        block_rams=usage["block_rams"],
        dsps=usage["dsps"],
        clock_mhz=round(clock, 1),
        latency_ns=round(1e3 * latency(plan, program.iterations) / clock),
        per_second=round(synth["samples_per_second"]),
        where=f"{part}-{synth['options']['speed']}, nextpnr, out of context",
        source=f"program {program.digest[:12]}; contraction {'proved' if program.certified else 'not proved'}",
    )


def table(builds: list[Accelerator]) -> Table:
    """Ours first; ratios to the first of them."""
    first = builds[0] if builds else None

    def row(each: Accelerator) -> tuple[Cell, ...]:
        return (
            *(each.name, f"{each.accuracy:g}", each.luts, each.flip_flops, _plain(each.block_rams), each.dsps),
            *(_plain(each.clock_mhz), _plain(each.latency_ns), _plain(each.per_second)),
            *(_ratio(each.luts, first and first.luts), _ratio(each.latency_ns, first and first.latency_ns)),
            *(each.where, each.source),
        )

    columns = ("design", "accuracy, %", "LUTs", "flip-flops", "block RAMs", "DSPs", "MHz", "latency, ns", "images/s")
    columns = (*columns, "LUTs, ratio", "latency, ratio", "where", "source")
    return Table("accelerators", "MNIST accelerators", columns, tuple(map(row, (*builds, *PUBLISHED))))


def _plain(value: float | None) -> str | None:
    return None if value is None else f"{value:.10g}"


def _ratio(value: float | None, reference: float | None) -> str | None:
    return f"{value / reference:.3g}" if value is not None and reference else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", metavar="BUILD", type=Path, nargs="*")
    print(table([ours(build) for build in parser.parse_args().builds]).markdown())


if __name__ == "__main__":
    main()
