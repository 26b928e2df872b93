"""Prove the units of the RTL, and that their properties have teeth: ``scripts/formal``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..base import MismatchError, MondeqError
from .library import UnitResult, prove_units
from .units import UNITS


def main() -> None:
    """Print a line for each unit as it is done, or everything as JSON at the end."""
    parser = argparse.ArgumentParser(prog="scripts/formal", description=__doc__)
    parser.add_argument("unit", nargs="*", choices=[[], *(unit.name for unit in UNITS)], help="all where none is named")
    parser.add_argument("--short", action="store_true", help="a few parameters of each, as in continuous integration")
    parser.add_argument("--json", action="store_true", help="what the table of docs/verification.md is made of")
    options = parser.parse_args()
    results = []
    for result in prove_units(options.short, tuple(options.unit)):
        results.append(result)
        if not options.json:
            print(_line(result), flush=True)
    if options.json:
        print(json.dumps({"units": [plain(result) for result in results]}, indent=2))
    if failed := [result.unit.name for result in results if not result.ok]:
        raise MismatchError(f"not proved, or properties without teeth: {', '.join(failed)}")


def plain(result: UnitResult) -> dict[str, Any]:
    """For JSON."""
    return {
        "unit": result.unit.name,
        "claim": result.unit.claim,
        "properties": list(result.properties),
        "cases": [{"parameters": case.parameters, "status": case.status} for case in result.cases],
        "mutants": [
            {"original": each.mutant.original, "mutated": each.mutant.mutated, "breaks": list(each.broken)}
            for each in result.mutants
        ],
        "toothless": list(result.toothless),
        "ok": result.ok,
    }


def _line(result: UnitResult) -> str:
    proved = sum(case.status == "proved" for case in result.cases)
    noticed = sum(bool(mutant.broken) for mutant in result.mutants)
    toothless = f"; without teeth: {', '.join(result.toothless)}" if result.toothless else ""
    return (
        f"{result.unit.name}: {len(result.properties)} properties, proved for {proved} of {len(result.cases)} "
        f"parameters; {noticed} of {len(result.mutants)} mutants refuted{toothless}"
    )


if __name__ == "__main__":
    try:
        main()
    except MondeqError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
