"""What an upset does: single bits of registers and memories turned in simulation, class by class.

    python benchmarks/upsets.py [--flips N] [--seed S] [--core NAME] [--class NAME] [--json]
    python benchmarks/upsets.py --results benchmarks/results/upsets.json [--plot upsets.png]

Three small cores on Icarus: folded with a feed-through, unrolled, and folded with a carried state.  In each, N bits of
each class of registers are turned, one at a time, at a random cycle of a flow of samples; then three probes are
sent.  ``healed`` says that the last was right in every word, ``wrong_for_good`` that it was not, ``hang`` that outputs
are missing, ``flagged`` that the core reported something (``event_frame_o``, ``event_error_o``), ``silent`` that a
word was wrong, be it once, while ``event_error_o`` was down.  ``--results`` shows what an earlier ``--json`` printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from corner_programs import Corner, folded, hardened, unrolled  # noqa: E402
from random_models import random_program, random_words  # noqa: E402

from mondeq_hw.hardware.schedule import HARDENINGS  # noqa: E402
from mondeq_hw.program import SolverProgram  # noqa: E402
from mondeq_hw.rtl_tests.runner import rtl_design  # noqa: E402
from mondeq_hw.rtl_tests.simulation import read_results, simulate  # noqa: E402
from mondeq_hw.rtl_tests.simulators import Icarus  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = dict[str, Counter[str]]
COLUMNS = ("flips", "healed", "wrong_for_good", "hang", "flagged", "silent")
#: What becomes of a flip, with its colour.
FATES = {"healed": "#4c9f70", "wrong_for_good": "#d1495b", "hang": "#30343f"}


def cores() -> dict[str, Corner]:
    """The cores by name: so small that a sample takes a hundred cycles.

    Three slots have numbers of two bits, so that one names no slot; and every slot has a sample again before the last
    probe, in which an account of one that is wrong would cost a sample.
    """
    plain = random_program(8, n=5, d=4, k=2, bits=4, state_bits=8, iterations=4)
    direct = random_program(3, n=5, d=4, k=2, bits=4, state_bits=8, iterations=4, feedthrough=True)
    carried = random_program(1, n=4, d=3, k=2, bits=4, carried=2, input_bits=6, state_bits=9, iterations=4)
    return {
        "folded": folded(direct, (2, 2), (2, 3), 3, slots=3),
        "unrolled": unrolled(plain, (5, 2), slots=3, graphs=("drive", "readout")),
        "carried": folded(carried, (2, 2), (2, 2), 2, slots=3),
    }


def campaign(corner: Corner, flips: int, seed: int, classes: Iterable[str] = ()) -> Table:
    """What became of so many flips of each class of registers, or of these, on one core."""
    with tempfile.TemporaryDirectory(prefix="mondeq-upsets-") as folder:
        return turned(corner.build(Path(folder) / "build"), corner.program, Path(folder), flips, seed, classes)


def turned(
    build: Path, program: SolverProgram, work: Path, flips: int, seed: int, classes: Iterable[str] = ()
) -> Table:
    """The same of a build, in a folder to work in."""
    np.save(work / "words.npy", random_words(seed, program, 24).astype(np.int64))
    result = work / "result.json"
    job = {"build": build, "design": "rtl", "words": work / "words.npy", "result": result}
    amounts = {"seed": seed, "flips": flips, "classes": list(classes)}
    (work / "job.json").write_text(json.dumps(amounts | {key: str(value) for key, value in job.items()}))
    tool, design = Icarus.find(), rtl_design(program.name, build / "rtl", ())
    tool.build(design, work, work / "build.log", waves=False)
    simulate(tool, work, work, design, (), (), False, 600.0 + 60.0 * flips, "upset_bench")
    if not result.exists():
        raise SystemExit(read_results(work)[1][0].message)
    return {name: Counter(counts) for name, counts in json.loads(result.read_text()).items()}


def merged(tables: Iterable[Table]) -> Table:
    """The sum of several."""
    total: Table = {}
    for table in tables:
        for name, counts in table.items():
            total.setdefault(name, Counter()).update(counts)
    return total


def table(found: Mapping[str, Table]) -> str:
    """Markdown: a line for each class and protection."""
    lines = ["| harden | class | " + " | ".join(COLUMNS) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
    for harden, classes in found.items():
        for name, counts in classes.items():
            lines.append(f"| {harden} | {name} | " + " | ".join(str(counts[column]) for column in COLUMNS) + " |")
    return "\n".join(lines)


def plot(found: Mapping[str, Table]) -> Figure:
    """Shares of each class that healed, stayed wrong or hung: a panel for each protection."""
    from matplotlib.figure import Figure

    classes = list(dict.fromkeys(name for harden in found.values() for name in harden))
    figure = Figure(figsize=(10, 0.8 + 0.28 * len(classes)), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for panel, (harden, counted) in zip(panels, found.items(), strict=True):
        begin = np.zeros(len(classes))
        for column, colour in FATES.items():
            flips = [counted.get(name, Counter(flips=1)) for name in classes]
            share = np.array([100 * counts[column] / counts["flips"] for counts in flips])
            panel.barh(classes, share, left=begin, color=colour, label=column.replace("_", " "))
            begin += share
        panel.set(title=f"--harden {harden}", xlabel="% of the flips", xlim=(0, 100))
    panels[0].invert_yaxis()
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(FATES), frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=100, metavar="N", help="of each class and core (default: 100)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--core", choices=cores(), action="append", help="of these only; may be repeated")
    parser.add_argument("--harden", choices=HARDENINGS, action="append", help="so only; may be repeated")
    parser.add_argument("--class", action="append", default=[], dest="classes", metavar="NAME", help="of registers")
    parser.add_argument("--results", type=Path, metavar="FILE", help="show these, turn no bit")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw them")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measured(options) if options.results is None else read(options.results)
    if options.plot is not None:
        plot(found).savefig(options.plot, dpi=100)
    print(json.dumps(found, indent=2) if options.json else table(found))


def measured(options: argparse.Namespace) -> dict[str, Table]:
    """The campaign of the chosen cores and protections."""
    chosen = [corner for name, corner in cores().items() if name in (options.core or cores())]
    return {
        harden: merged(
            campaign(hardened(corner, harden), options.flips, options.seed, options.classes) for corner in chosen
        )
        for harden in options.harden or HARDENINGS
    }


def read(file: Path) -> dict[str, Table]:
    """What ``--json`` printed."""
    return {
        harden: {name: Counter(counts) for name, counts in classes.items()}
        for harden, classes in json.loads(file.read_text()).items()
    }


if __name__ == "__main__":
    main()
