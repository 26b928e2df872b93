"""Proofs of the units and of small cores, and of their properties' teeth."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..base import source_template
from ..hardware import module_name
from .engine import EngineProof, prove_engine
from .prover import PROVED, REFUTED, UNDECIDED, Design, Prover, hollow, with_properties
from .small import ENGINES, Engine
from .unit import Mutant, Parameters, Unit
from .units import UNITS


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
        proved = all(case.status == PROVED for case in self.cases)
        return proved and not self.toothless and not self.surviving


def properties(unit: Unit) -> str:
    """Text of a unit's properties."""
    return source_template("formal", f"{unit.file}.svh")


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
                yield _prove_unit(prover, unit, short, Path(folder))


def unit_status(name: str, text: str, short: bool = False) -> str:
    """What becomes of a unit's properties, all listed parameters together, if it has another text.

    Parameters
    ----------
    name, text : str
    short : bool
        A few parameters instead of the whole list, as in continuous integration.

    Returns
    -------
    str
        ``PROVED``, ``REFUTED`` (a run breaks a property of some parameters), or ``UNDECIDED``, also where all holds but
        something of the unit is free: of that its properties say nothing.

    Raises
    ------
    MissingToolError, ProverFailedError
    """
    prover, unit = Prover.find(), next(each for each in UNITS if each.name == name)
    designs = [_design(unit, f"case{i}", text, case) for i, case in enumerate(unit.shown_cases(short))]
    with tempfile.TemporaryDirectory(prefix="mondeq-formal-") as folder:
        prover.translate(tuple(designs), Path(folder))
        statuses = {prover.prove(each.name, unit.steps, Path(folder)).status for each in designs}
    if REFUTED in statuses:
        return REFUTED
    return PROVED if statuses == {PROVED} and not unit.free else UNDECIDED


@dataclass(frozen=True)
class EngineResult:
    """What is proved of a small core.

    Parameters
    ----------
    engine : Engine
    distinct : int
        Different outputs over all inputs.
    proof : EngineProof
    mutants : tuple of MutantResult
    """

    engine: Engine
    distinct: int
    proof: EngineProof
    mutants: tuple[MutantResult, ...]

    @property
    def ok(self) -> bool:
        """Whether it is proved, and every mutant noticed."""
        return self.proof.answer.status == PROVED and all(mutant.broken for mutant in self.mutants)


def prove_engines(only: tuple[str, ...] = (), samples: int = 1) -> Iterator[EngineResult]:
    """Prove the small cores as a whole.

    Parameters
    ----------
    only : tuple of str
        Names of engines; all where it is empty.
    samples : int
        How many, from the first after a reset.

    Yields
    ------
    EngineResult

    Raises
    ------
    MissingToolError, ProverFailedError
    """
    prover = Prover.find()
    for engine in ENGINES:
        if not only or engine.name in only:
            with tempfile.TemporaryDirectory(prefix="mondeq-formal-") as folder:
                yield _prove_engine(prover, engine, samples, Path(folder))


def _prove_engine(prover: Prover, engine: Engine, samples: int, folder: Path) -> EngineResult:
    build = folder / "build"
    build.mkdir()
    engine.build(build)
    proof = prove_engine(prover, build, samples, folder)
    mutants = []
    for module, mutant in engine.mutants:
        source = build / "rtl" / "src" / f"{module_name(engine.program.name, module)}.sv"
        text = source.read_text()
        source.write_text(mutant.applied(text))
        mutants.append(MutantResult(mutant, prove_engine(prover, build, samples, folder).answer.broken))
        source.write_text(text)
    return EngineResult(engine, engine.distinct(), proof, tuple(mutants))


def _prove_unit(prover: Prover, unit: Unit, short: bool, folder: Path) -> UnitResult:
    text, cases = module_text(unit.file), unit.shown_cases(short)
    mutants = unit.mutants[: unit.short_mutants or None] if short else unit.mutants
    proofs = [_design(unit, f"case{i}", text, case) for i, case in enumerate(cases)]
    mistakes = []
    for number, mutant in enumerate(mutants):
        case = unit.cases[mutant.case]
        mistakes.append(_design(unit, f"mutant{number}", mutant.applied(text), case, unit.scene))
    prover.translate((*proofs, *mistakes), folder)
    answers = [prover.prove(design.name, unit.steps, folder) for design in proofs]
    refutations = [
        prover.refute_at(design.name, mutant.cycle, folder)
        if mutant.cycle
        else prover.refute(design.name, unit.depth, folder)
        for design, mutant in zip(mistakes, mutants, strict=True)
    ]
    return UnitResult(
        unit,
        property_names(properties(unit)),
        tuple(CaseResult(case, answer.status, answer.broken) for case, answer in zip(cases, answers, strict=True)),
        tuple(MutantResult(mutant, answer.broken) for mutant, answer in zip(mutants, refutations, strict=True)),
    )


def module_text(file: str) -> str:
    """A hand-written module, or what stands for a generated one, wherever it is; ``file`` without its suffix."""
    for group in ("rtl", "board"):
        if (files("mondeq_hw.hls_templates") / group / f"{file}.sv").is_file():
            return source_template(group, f"{file}.sv")
    if file.endswith("_graph"):  # an engine's, of which only the ports are the same in every program
        return source_template("formal", "mondeq_graph.sv").replace("mondeq_graph", file)
    raise ValueError(f"no module {file}.sv")


def _design(unit: Unit, name: str, text: str, parameters: Parameters, scene: str = "") -> Design:
    return Design(
        name=name,
        top=f"mondeq_{unit.module}",
        sources=(
            source_template("formal", "package.sv"),
            *(module_text(f"mondeq_{each}") for each in unit.needs),
            *(hollow(module_text(f"mondeq_{each}")) for each in unit.hollow),
            with_properties(text, properties(unit) + scene),
        ),
        parameters={key: str(value) for key, value in parameters.items()},
        free=unit.free,
    )
