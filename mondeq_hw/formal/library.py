"""Proofs of the units, and of their properties' teeth."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..base import source_template
from .prover import Design, Prover, with_properties
from .units import UNITS, Mutant, Parameters, Unit


@dataclass(frozen=True)
class CaseResult:
    """A unit with one choice of parameters."""

    parameters: Parameters
    status: str
    broken: tuple[str, ...]


@dataclass(frozen=True)
class MutantResult:
    """A mistake, and the properties that notice it."""

    mutant: Mutant
    broken: tuple[str, ...]


@dataclass(frozen=True)
class UnitResult:
    """What is proved of a unit.

    Parameters
    ----------
    unit : Unit
    properties : tuple of str
        Names of its assertions.
    cases : tuple of CaseResult
    mutants : tuple of MutantResult
    """

    unit: Unit
    properties: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    mutants: tuple[MutantResult, ...]

    @property
    def toothless(self) -> tuple[str, ...]:
        """Properties that no mutant breaks."""
        bitten = {name for mutant in self.mutants for name in mutant.broken}
        return tuple(name for name in self.properties if name not in bitten)

    @property
    def surviving(self) -> tuple[Mutant, ...]:
        """Mutants that break no property."""
        return tuple(result.mutant for result in self.mutants if not result.broken)

    @property
    def ok(self) -> bool:
        """Whether every case is proved, every mutant noticed and every property has teeth."""
        proved = all(case.status == "proved" for case in self.cases)
        return proved and not self.toothless and not self.surviving


def properties(unit: str) -> str:
    """Text of a unit's properties."""
    return source_template("formal", f"mondeq_{unit}.svh")


def property_names(text: str) -> tuple[str, ...]:
    """Names of the assertions in a text."""
    return tuple(dict.fromkeys(re.findall(r"\b(\w+): assert\b", text)))


def prove_units(short: bool, only: tuple[str, ...] = ()) -> Iterator[UnitResult]:
    """Prove the units, one after the other.

    Parameters
    ----------
    short : bool
        A few parameters of each instead of the whole list.
    only : tuple of str
        Names of units; all where it is empty.

    Yields
    ------
    UnitResult

    Raises
    ------
    MissingToolError, ProverFailedError
    """
    prover = Prover.find()
    for unit in UNITS:
        if not only or unit.name in only:
            with tempfile.TemporaryDirectory(prefix="mondeq-formal-") as folder:
                yield _prove_unit(prover, unit, unit.cases[: unit.short] if short else unit.cases, Path(folder))


def _prove_unit(prover: Prover, unit: Unit, cases: tuple[Parameters, ...], folder: Path) -> UnitResult:
    text = module_text(unit.name)
    proofs = [_design(unit, f"case{i}", text, case) for i, case in enumerate(cases)]
    mistakes = []
    for number, mutant in enumerate(unit.mutants):
        if text.count(mutant.original) != 1:
            raise ValueError(f"{unit.name}: {mutant.original!r} occurs {text.count(mutant.original)} times")
        mutated = text.replace(mutant.original, mutant.mutated)
        mistakes.append(_design(unit, f"mutant{number}", mutated, unit.cases[mutant.case]))
    prover.translate((*proofs, *mistakes), folder)
    answers = [prover.prove(design.name, unit.steps, folder) for design in proofs]
    refutations = [prover.refute(design.name, unit.depth, folder) for design in mistakes]
    return UnitResult(
        unit,
        property_names(properties(unit.name)),
        tuple(CaseResult(case, answer.status, answer.broken) for case, answer in zip(cases, answers, strict=True)),
        tuple(MutantResult(mutant, answer.broken) for mutant, answer in zip(unit.mutants, refutations, strict=True)),
    )


def module_text(unit: str) -> str:
    """A hand-written module, wherever it stands."""
    for group in ("rtl", "board"):
        if (files("mondeq_hw.hls_templates") / group / f"mondeq_{unit}.sv").is_file():
            return source_template(group, f"mondeq_{unit}.sv")
    raise ValueError(f"no module mondeq_{unit}.sv")


def _design(unit: Unit, name: str, text: str, parameters: Parameters) -> Design:
    return Design(
        name=name,
        top=f"mondeq_{unit.name}",
        sources=(
            source_template("formal", "package.sv"),
            *(module_text(each) for each in unit.needs),
            with_properties(text, properties(unit.name)),
        ),
        parameters={key: str(value) for key, value in parameters.items()},
    )
