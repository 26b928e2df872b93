"""What is proved of one build folder: its units at its own widths, its memories, and a small core as a whole."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ..hardware import Design as HardwareDesign
from ..hardware import emit_rtl, engine_sources, load_schedule, module_name, renamed
from ..program import SolverProgram
from .engine import prove_engine, too_large
from .library import properties
from .prover import PROVED, REFUTED, UNDECIDED, Answer, Design, Prover, hollow, with_properties
from .unit import Unit
from .units import UNITS

#: Seconds for one answer.
LIMIT = 120.0


@dataclass(frozen=True)
class Statement:
    """One thing that was to be proved.

    Parameters
    ----------
    subject : str
        A unit with its parameters, the memories or the core.
    claim : str
    status : str
        ``PROVED``, ``REFUTED`` or ``UNDECIDED``.
    detail : str
        Which properties are broken, or why there is no answer.
    """

    subject: str
    claim: str
    status: str
    detail: str = ""


@dataclass(frozen=True)
class BuildProof:
    """Everything that was asked of a build."""

    statements: tuple[Statement, ...]

    @property
    def refuted(self) -> tuple[Statement, ...]:
        """What is wrong."""
        return tuple(each for each in self.statements if each.status == REFUTED)

    @property
    def proved(self) -> bool:
        """Whether nothing is left open."""
        return all(each.status == PROVED for each in self.statements)

    def to_plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"proved": self.proved, "statements": [asdict(each) for each in self.statements]}


def prove_build(build: Path, report: Callable[[Statement], None]) -> BuildProof:
    """Prove what can be proved of a build folder's RTL, as the files are.

    Parameters
    ----------
    build : Path
    report : callable
        Is given every statement as soon as it is decided.

    Raises
    ------
    InputError, MissingToolError, ProverFailedError
    """
    prover, program = Prover.find(LIMIT), SolverProgram.load(build)
    design = HardwareDesign.searched(program, load_schedule(build))
    statements = []
    with tempfile.TemporaryDirectory(prefix="mondeq-formal-") as folder:
        for statement in chain(
            _memories(build, design, Path(folder)),
            _units(prover, build, design, Path(folder)),
            _core(prover, build, program, Path(folder)),
        ):
            statements.append(statement)
            report(statement)
    return BuildProof(tuple(statements))


def _memories(build: Path, design: HardwareDesign, folder: Path) -> Iterator[Statement]:
    """The weight files against the words of the program."""
    claim = "each file holds the words of program.npz, in the order in which the engines read them"
    emit_rtl(design, folder / "again")
    changed = [
        file.name
        for file in sorted((folder / "again" / "rtl" / "mem").iterdir())
        if not _same(file, build / "rtl" / "mem" / file.name)
    ]
    yield Statement("memories", claim, REFUTED if changed else PROVED, ", ".join(changed))


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_text().split() == other.read_text(errors="replace").split()


def _units(prover: Prover, build: Path, design: HardwareDesign, folder: Path) -> Iterator[Statement]:
    """Every unit of the core, with each of the parameters that it has there."""
    name, engines = design.program.name, engine_sources(design)
    sources = {Path(file).name: (build / "rtl" / file).read_text() for file in _listed(build)}
    units = {module_name(name, unit.module): unit for unit in UNITS if not unit.form or f"{unit.file}.sv" in engines}
    seen = []
    for module, parameters in prover.instances(tuple(sources.values()), module_name(name, "top"), folder):
        if module in units and (module, parameters) not in seen:  # files of a memory are no parameter here
            seen.append((module, parameters))
            yield _unit(prover, units[module], module, sources, parameters, name, folder)


def _listed(build: Path) -> list[str]:
    return (build / "rtl" / "sources.f").read_text().split()


def _unit(
    prover: Prover,
    unit: Unit,
    module: str,
    sources: dict[str, str],
    parameters: dict[str, str],
    name: str,
    folder: Path,
) -> Statement:
    values = ", ".join(f"{key}={_number(value)}" for key, value in parameters.items())
    subject = f"{unit.name} ({values})"
    if unit.zero and "1" in parameters[unit.zero].partition("'b")[2]:
        return Statement(subject, unit.claim, UNDECIDED, f"no property covers {unit.zero}")
    text = dict(sources)
    text[f"{module}.sv"] = with_properties(text[f"{module}.sv"], renamed(properties(unit), name))
    hollowed = {f"{module_name(name, each)}.sv" for each in unit.hollow}
    sources_read = (hollow(each) if file in hollowed else each for file, each in text.items())
    design = Design("unit", module, tuple(sources_read), parameters, free=unit.free)
    prover.translate([design], folder)
    answer = Answer(UNDECIDED, (), "")
    for steps in (unit.steps, 4 * unit.steps):
        answer = prover.prove(design.name, steps, folder) if answer.status == UNDECIDED else answer
    return Statement(subject, unit.claim, answer.status, answer.detail)


def _number(literal: str) -> str:
    number = int(literal.partition("'b")[2], 2)
    return str(number) if number < 1 << 32 else "..."


def _core(prover: Prover, build: Path, program: SolverProgram, folder: Path) -> Iterator[Statement]:
    """The whole, where it is small enough."""
    claim = "the outputs are those of docs/numerics.md, in time and framed"
    reason = too_large(program)
    if reason:
        yield Statement("the core as a whole", claim, UNDECIDED, reason)
        return
    place = folder / "core"
    place.mkdir()
    proof = prove_engine(prover, build, 1, place)
    scope = f"{claim}: for every first sample after a reset, source and sink always ready"
    yield Statement("the core as a whole", scope, proof.answer.status, proof.answer.detail)
