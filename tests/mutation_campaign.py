"""Run mutants by rule and say how many are noticed: ``scripts/mutate``."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mutation import Campaign, Mutation, NoDesignError

from mondeq_hw.formal import PROVED, REFUTED

#: Points of the campaign, one JSON line each.
RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "mutation.jsonl"
KINDS = ("rtl", "hls", "board")
PROOF = "the proof of its unit"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant, and by what: killed, equivalent (proved), survived, or refused: it does not compile."""

    mutation: Mutation
    fate: str
    by: str | None

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self.mutation), "fate": self.fate, "by": self.by}


def judged(campaign: Campaign, mutation: Mutation) -> Verdict:
    """Ask the prover what CI asks it, run the mutant, and where nothing notices it, ask for all listed parameters."""
    if campaign.status(mutation, short=True) == REFUTED:
        return Verdict(mutation, "killed", PROOF)
    try:
        killer = campaign.killer(mutation)
    except NoDesignError:
        return Verdict(mutation, "refused", None)
    if killer is not None:
        return Verdict(mutation, "killed", killer)
    status = campaign.status(mutation)
    if status == REFUTED:
        return Verdict(mutation, "killed", PROOF)
    return Verdict(mutation, "equivalent" if status == PROVED else "survived", None)


def recorded(file: Path) -> dict[Mutation, Verdict]:
    """Verdicts of earlier runs."""
    lines = file.read_text().splitlines() if file.exists() else []
    found = {}
    for plain in map(json.loads, lines):
        fate, by = plain.pop("fate"), plain.pop("by")
        found[Mutation(**plain)] = Verdict(Mutation(**plain), fate, by)
    return found


def run(campaign: Campaign, chosen: list[Mutation], file: Path) -> Iterator[Verdict]:
    """The verdicts of the chosen mutants; each new one is a line of the file at once."""
    known = recorded(file)
    for mutation in chosen:
        if mutation not in known:
            known[mutation] = judged(campaign, mutation)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as stream:
                stream.write(json.dumps(known[mutation].plain()) + "\n")
        yield known[mutation]


def main() -> None:
    """Print a line for each mutant as it is done, or everything as JSON at the end."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("--count", type=int, default=40, metavar="N", help="mutants drawn at random (default: 40)")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--kind", choices=KINDS, action="append", help="of these sources only; may be repeated")
    parser.add_argument("--file", action="append", metavar="NAME", help="of these files only, as mondeq_fifo.sv")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing (default: 0)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where verdicts are kept (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print mutants, killed, equivalent, survivors and refused")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mondeq-mutate-") as folder:
        campaign = Campaign(Path(folder))
        population = [
            mutation
            for mutation in campaign.all()
            if mutation.kind in (options.kind or KINDS) and (not options.file or mutation.file in options.file)
        ]
        count = len(population) if options.all else min(options.count, len(population))
        chosen = random.Random(options.seed).sample(population, count)
        verdicts = []
        for verdict in run(campaign, chosen, options.results):
            verdicts.append(verdict)
            if not options.json:
                where = f"{verdict.mutation.file}:{verdict.mutation.line}"
                print(f"{verdict.fate:10} {where:32} {verdict.mutation.mutated.strip()}", flush=True)
    summary = {
        "population": len(population),
        "mutants": sum(verdict.fate != "refused" for verdict in verdicts),
        "killed": sum(verdict.fate == "killed" for verdict in verdicts),
        "equivalent": sum(verdict.fate == "equivalent" for verdict in verdicts),
        "survivors": [verdict.plain() for verdict in verdicts if verdict.fate == "survived"],
        "refused": sum(verdict.fate == "refused" for verdict in verdicts),
    }
    if options.json:
        print(json.dumps(summary, indent=2))
    else:
        counted = summary["mutants"] - summary["equivalent"]
        share = 100 * summary["killed"] / max(1, counted)
        print(
            f"{summary['killed']} of {counted} killed ({share:.1f} %), {summary['equivalent']} proved equivalent; ",
            end="",
        )
        print(f"{summary['refused']} more do not compile")


if __name__ == "__main__":
    main()
