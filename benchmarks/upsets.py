"""What an upset does: single bits of registers and memories turned in simulation, class by class.

    python benchmarks/upsets.py [--flips N] [--seed S] [--core NAME] [--json]

Three small cores on Icarus: folded with a feed-through, unrolled, and folded with a carried state.  In each, N bits of
each class of registers are turned, one at a time, at a random cycle of a flow of samples; then three probes are
sent.  ``healed`` says that the last was right in every word, ``wrong_for_good`` that it was not, ``hang`` that outputs
are missing, ``flagged`` that the core reported something (``event_frame_o``, ``event_error_o``), ``silent`` that a
word was wrong, be it once, while ``event_error_o`` was down.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from corner_programs import Corner, folded, hardened, unrolled  # noqa: E402
from random_models import random_program, random_words  # noqa: E402

from mondeq_hw.hardware.schedule import HARDENINGS  # noqa: E402
from mondeq_hw.rtl_tests.runner import rtl_design  # noqa: E402
from mondeq_hw.rtl_tests.simulation import read_results, simulate  # noqa: E402
from mondeq_hw.rtl_tests.simulators import Icarus  # noqa: E402

Table = dict[str, Counter[str]]


def cores() -> dict[str, Corner]:
    """The cores by name: so small that a sample takes a hundred cycles."""
    plain = random_program(8, n=5, d=4, k=2, bits=4, state_bits=8, iterations=4)
    direct = random_program(3, n=5, d=4, k=2, bits=4, state_bits=8, iterations=4, feedthrough=True)
    carried = random_program(1, n=4, d=3, k=2, bits=4, carried=2, input_bits=6, state_bits=9, iterations=4)
    return {
        "folded": folded(direct, (2, 2), (2, 3), 3, slots=3),
        "unrolled": unrolled(plain, (5, 2), slots=4, graphs=("drive", "readout")),
        "carried": folded(carried, (2, 2), (2, 2), 2, slots=3),
    }


def campaign(corner: Corner, flips: int, seed: int, classes: Iterable[str] = ()) -> Table:
    """What became of so many flips of each class of registers, or of these, on one core."""
    with tempfile.TemporaryDirectory(prefix="mondeq-upsets-") as folder:
        work = Path(folder)
        build = corner.build(work / "build")
        np.save(work / "words.npy", random_words(seed, corner.program, 8).astype(np.int64))
        result = work / "result.json"
        job = {"build": build, "design": "rtl", "words": work / "words.npy", "result": result}
        amounts = {"seed": seed, "flips": flips, "classes": list(classes)}
        (work / "job.json").write_text(json.dumps(amounts | {key: str(value) for key, value in job.items()}))
        tool, design = Icarus.find(), rtl_design(corner.program.name, build / "rtl", ())
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=100, metavar="N", help="of each class and core (default: 100)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--core", choices=cores(), action="append", help="of these only; may be repeated")
    parser.add_argument("--harden", choices=HARDENINGS, action="append", help="so only; may be repeated")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [corner for name, corner in cores().items() if name in (options.core or cores())]
    found = {
        harden: merged(campaign(hardened(corner, harden), options.flips, options.seed) for corner in chosen)
        for harden in options.harden or HARDENINGS
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    columns = ("flips", "healed", "wrong_for_good", "hang", "flagged", "silent")
    print("| harden | class | " + " | ".join(columns) + " |\n" + "|---" * (2 + len(columns)) + "|")
    for harden, table in found.items():
        for name, counts in table.items():
            print(f"| {harden} | {name} | " + " | ".join(str(counts[column]) for column in columns) + " |")


if __name__ == "__main__":
    main()
