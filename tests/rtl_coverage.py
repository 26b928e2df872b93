"""What of the RTL the benches reach: ``scripts/coverage``, by Verilator's line and toggle coverage.

Cores of the corner programs run all benches, and what they reach is added up, per hand-written source.  A line counts
as reached if a block that it belongs to ran in some core, a branch if it was taken, a bit if it rose and fell.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from conftest import ROOT
from mutation import CORES, NO_DESIGN
from random_models import random_words

from mondeq_hw.rtl_tests.runner import rtl_design
from mondeq_hw.rtl_tests.simulation import read_results, simulate
from mondeq_hw.rtl_tests.simulators import Verilator

FLAGS = ("--coverage-line", "--coverage-toggle")
#: Folded, unrolled and straight engines, tables, banks, feed-throughs, carried states, warm starts, guard and parity.
COVERED = (
    *("mixed_serial", "tables_ternary", "banked", "leak_saturating", "carried_straddling", "direct_serial"),
    *("graphs_everywhere", "graph_drive_shifted", "ring_carried", "ring_direct", "warm_padded", "ring_warm_leak"),
    *("straight_tables", "straight_mixed"),
)
SAMPLES = 12
#: A line of Verilator's file: key and value pairs behind control characters, and a count.
ENTRY = re.compile(r"^C '(.*)' (\d+)$")
KINDS = {"line": "branches", "branch": "branches", "toggle": "bits"}


@dataclass(frozen=True)
class Place:
    """Something that may be reached.

    Parameters
    ----------
    kind : {"lines", "branches", "bits"}
    source : str
        Below ``hls_templates/rtl``.
    line : int
        From 1.
    what : str
        Which of the line's branches or bits.
    """

    kind: str
    source: str
    line: int
    what: str


def measured(name: str, work: Path) -> Path:
    """Verilator's file of one core under all benches; one that is there is not measured again."""
    found = work / f"{name}.dat"
    if found.exists():
        return found
    corner = CORES[name]()
    with tempfile.TemporaryDirectory(prefix="mondeq-coverage-") as folder:
        place = Path(folder)
        build, result = corner.build(place / "build"), place / "result.json"
        np.save(place / "words.npy", random_words(3, corner.program, SAMPLES).astype(np.int64))
        job = {"build": str(build), "design": "rtl", "words": str(place / "words.npy"), "seed": 1}
        (place / "job.json").write_text(json.dumps(job | {"result": str(result)}))
        design, tool = rtl_design(corner.program.name, build / "rtl", ()), replace(Verilator.find(), flags=FLAGS)
        tool.build(design, place, place / "build.log", waves=False)
        simulate(tool, place, place, design, (), (), False, 1200.0)
        _, failures = read_results(place)
        if failures:
            raise SystemExit(f"{name}: {failures[0].test}: {failures[0].message}")
        text = (place / "coverage.dat").read_text(errors="replace")
        found.write_text(text.replace(str(build / "rtl" / "src"), _form(build)))
    return found


def _form(build: Path) -> str:
    """Which form each engine of a build has: the folder's name in the file, for :func:`places`."""
    sources = (build / "rtl" / "src").glob("*.sv")
    return "".join(f"{file.stem}={_template(file)};" for file in sources if not NO_DESIGN.search(file.stem))


def _template(file: Path) -> str:
    templates = ROOT / "hls_templates" / "rtl"
    (found,) = (each for each in templates.rglob(file.name) if each.read_text() == file.read_text())
    return str(found.relative_to(templates))


def places(data: Path) -> Iterator[tuple[Place, int]]:
    """Everything that one core may reach, and how often it did."""
    for line in data.read_text().splitlines():
        match = ENTRY.match(line)
        if match is None:
            continue
        fields = dict(pair.split("\x02", 1) for pair in match[1].split("\x01") if "\x02" in pair)
        forms, _, file = fields["f"].rpartition("/")
        source = dict(pair.split("=") for pair in forms.split(";") if pair).get(Path(file).stem)
        kind = KINDS.get(fields["page"].split("/")[0].removeprefix("v_"))
        if source is None or kind is None:
            continue
        count, at = int(match[2]), int(fields["l"])
        yield Place(kind, source, at, f"{fields['n']} {fields['o']}"), count
        if kind == "branches":
            for each in _lines(fields.get("S", str(at))):
                yield Place("lines", source, each, ""), count


def _lines(ranges: str) -> Iterator[int]:
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def reached(files: Iterable[Path]) -> Counter[Place]:
    """How often each place was reached, over all cores; assertions are no design."""
    judged = {source: _assertions(source) for source in _sources()}
    total: Counter[Place] = Counter()
    for data in files:
        for place, count in places(data):
            if place.line not in judged[place.source]:
                total[place] += count
    return total


def _sources() -> list[str]:
    templates = ROOT / "hls_templates" / "rtl"
    return [str(file.relative_to(templates)) for file in templates.rglob("*.sv") if not NO_DESIGN.search(file.stem)]


def _assertions(source: str) -> set[int]:
    """Lines between ``_ASSERT`` or ``_TRACE`` and ``endif``."""
    found, judged = set(), False
    for number, line in enumerate((ROOT / "hls_templates" / "rtl" / source).read_text().splitlines(), start=1):
        judged = (judged or line.endswith(("_ASSERT", "_TRACE"))) and line != "`endif"
        found |= {number} if judged else set()
    return found


def summary(total: Counter[Place]) -> dict[str, object]:
    """Of each kind the places and those reached, and the lines that were not."""
    found: dict[str, object] = {}
    for kind in ("lines", "branches", "bits"):
        counts = [count for place, count in total.items() if place.kind == kind]
        found[kind] = {"all": len(counts), "reached": sum(count > 0 for count in counts)}
    left = sorted((place.source, place.line) for place, count in total.items() if place.kind == "lines" and not count)
    found["left"] = [f"{source}:{line}" for source, line in left]
    return found


def main() -> None:
    """Measure, and print the figures and the lines that no bench reaches."""
    parser = argparse.ArgumentParser(prog="scripts/coverage", description=__doc__)
    parser.add_argument("--core", action="append", choices=COVERED, help="these only; may be repeated")
    parser.add_argument("--work", type=Path, help="where each core's file is kept, and not measured again")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mondeq-coverage-") as folder:
        work = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        found = summary(reached([measured(name, work) for name in options.core or COVERED]))
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for kind in ("lines", "branches", "bits"):
        part = found[kind]
        assert isinstance(part, dict)
        print(f"{kind:9} {part['reached']:6} of {part['all']:6}  {100 * part['reached'] / max(1, part['all']):.1f} %")
    print(f"not reached: {', '.join(found['left']) or 'none'}")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
