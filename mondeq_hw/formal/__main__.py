"""Prove the RTL's units and small cores, and that their properties have teeth: ``scripts/formal``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..base import MismatchError, MondeqError
from .library import EngineResult, MutantResult, UnitResult, prove_engines, prove_units
from .prover import PROVED
from .small import ENGINES
from .units import UNITS


def main() -> None:
    """Print a line for each unit as it is done, or everything as JSON at the end."""
    parser = argparse.ArgumentParser(prog="scripts/formal", description=__doc__)
    names = [*(unit.name for unit in UNITS), *(engine.name for engine in ENGINES)]
    parser.add_argument("name", nargs="*", choices=[[], *names], help="a unit or small core; all where none is named")
    parser.add_argument("--short", action="store_true", help="a few parameters of each, as in continuous integration")
    parser.add_argument("--json", action="store_true", help="what the tables of docs/verification.md are made of")
    options = parser.parse_args()
    wanted = tuple(options.name or names)
    units, engines = [], []
    for unit in prove_units(options.short, wanted):
        units.append(unit)
        if not options.json:
            print(_unit_line(unit), flush=True)
    for engine in prove_engines(wanted, samples=1 if options.short else 2):
        engines.append(engine)
        if not options.json:
            print(_engine_line(engine), flush=True)
    if options.json:
        print(json.dumps({"units": [*map(plain_unit, units)], "engines": [*map(plain_engine, engines)]}, indent=2))
    failed = [each.unit.name for each in units if not each.ok] + [each.engine.name for each in engines if not each.ok]
    if failed:
        raise MismatchError(f"not proved, or properties without teeth: {', '.join(failed)}")


def plain_unit(result: UnitResult) -> dict[str, Any]:
    """For JSON."""
    return {
        "unit": result.unit.name,
        "claim": result.unit.claim,
        "properties": list(result.properties),
        "cases": [{"parameters": case.parameters, "status": case.status} for case in result.cases],
        "mutants": [_mutant(each) for each in result.mutants],
        "toothless": list(result.toothless),
        "ok": result.ok,
    }


def plain_engine(result: EngineResult) -> dict[str, Any]:
    """For JSON."""
    return {
        "engine": result.engine.name,
        "claim": result.engine.claim,
        "samples": result.proof.samples,
        "cycles": result.proof.cycles,
        "distinct_outputs": result.distinct,
        "status": result.proof.answer.status,
        "mutants": [_mutant(each) for each in result.mutants],
        "ok": result.ok,
    }


def _mutant(result: MutantResult) -> dict[str, Any]:
    return {
        "original": result.mutant.original,
        "mutated": result.mutant.mutated,
        "breaks": list(result.broken),
    }


def _engine_line(result: EngineResult) -> str:
    noticed = sum(bool(mutant.broken) for mutant in result.mutants)
    return (
        f"core {result.engine.name} ({result.engine.claim}): {result.proof.answer.status} for every input of its first "
        f"{result.proof.samples} samples; {noticed} of {len(result.mutants)} mutants refuted"
    )


def _unit_line(result: UnitResult) -> str:
    proved = sum(case.status == PROVED for case in result.cases)
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
        print(f"error: {error.in_shell()}", file=sys.stderr)
        sys.exit(error.exit_code)
