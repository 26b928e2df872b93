"""The report as it is written: the record that ``report.json`` holds, key for key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..hardware import EngineFolding, GraphDecision, GraphSize, Schedule
from ..problem import Comparison, Preprocessing
from ..program import SolverProgram, convergence_in_words
from ..proof import CertificateLine
from .changes import InputChanges
from .curves import Curves, macs
from .doubts import warnings_of
from .limits import not_covered
from .record import (
    AT_ROUTED_CLOCK,
    KINDS,
    BoardFigures,
    Counts,
    CycleFigures,
    Figure,
    PartFigures,
    Report,
    Verification,
)

REPORT_VERSION = 6


@dataclass(frozen=True)
class Sizes:
    """States, inputs, outputs, and multiply-accumulates of a sample that runs all iterations."""

    n: int
    d: int
    k: int
    macs: int

    @staticmethod
    def of(program: SolverProgram) -> Sizes:
        """A program's."""
        return Sizes(program.n, program.d, program.k, macs(program))


@dataclass(frozen=True)
class WordLengths:
    """Every word length and format: chosen ones, and those that follow from them."""

    bits: int
    drive_bits: int
    readout_bits: int
    input_bits: int
    state_bits: int
    input_format: str
    state_format: str
    drive_accumulator_bits: int
    accumulator_bits: int
    output_bits: int
    output_fractional_bits: int

    @staticmethod
    def of(program: SolverProgram) -> WordLengths:
        """A program's."""
        return WordLengths(
            bits=program.matrix.word_length,
            drive_bits=program.drive.word_length,
            readout_bits=program.readout.word_length,
            input_bits=program.input_format.word_length,
            state_bits=program.state_format.word_length,
            input_format=str(program.input_format),
            state_format=str(program.state_format),
            drive_accumulator_bits=program.drive_accumulator_bits,
            accumulator_bits=program.accumulator_bits,
            output_bits=program.output_bits,
            output_fractional_bits=program.output_fractional_bits,
        )


@dataclass(frozen=True)
class EngineFacts:
    """An engine's folding and what follows from it; ``graph`` has the size of its adder graph,
    ``table_words`` the columns of one of its tables, ``adders`` those between two registers of a folded engine.
    """

    rows: int
    columns: int
    pe: int
    simd: int
    graph: GraphSize | None
    cycles_per_matvec: int
    table_words: int = 0
    adders: int = 1

    @staticmethod
    def of(folding: EngineFolding) -> EngineFacts:
        """A folding's."""
        return EngineFacts(**vars(folding), cycles_per_matvec=folding.cycles_per_matvec)


@dataclass(frozen=True)
class ScheduleFacts:
    """The foldings and what follows from them."""

    strategy: str
    reuse_factor: int
    drive: EngineFacts
    solve: EngineFacts
    readout: EngineFacts
    slots: int
    words_per_beat: int
    beats_per_sample: int
    straight: int
    fixed_updates: int

    @property
    def fixed_time(self) -> bool:
        """Whether every sample takes all its updates."""
        return bool(self.straight or self.fixed_updates)

    @staticmethod
    def of(plan: Schedule) -> ScheduleFacts:
        """A schedule's."""
        return ScheduleFacts(
            strategy=plan.strategy,
            reuse_factor=plan.reuse_factor,
            drive=EngineFacts.of(plan.drive),
            solve=EngineFacts.of(plan.solve),
            readout=EngineFacts.of(plan.readout),
            slots=plan.slots,
            words_per_beat=plan.words_per_beat,
            beats_per_sample=plan.beats_per_sample,
            straight=plan.straight,
            fixed_updates=plan.fixed_updates,
        )


@dataclass(frozen=True)
class Resources:
    """What the schedule holds."""

    estimated: Counts


@dataclass(frozen=True, repr=False)
class WrittenReport:
    """Everything that is known about a build folder; ``report.json`` has the same names.

    Parameters
    ----------
    version : int
        Of the format.
    name : str
        Of the program.
    task : {"classes", "values"}
        What the outputs stand for.
    certified : bool
    program_digest : str
    kinds : dict of str to str
        How a figure is known, in words.
    model : dict
        Which network was compiled, and how it was trained.
    sizes : Sizes
    inputs : str
        Which values the inputs take, and what the network makes of them.
    solver, rounding, granularity : str
    step_size : float
    iterations : int
    word_lengths : WordLengths
    certificate : tuple of CertificateLine
    changes : InputChanges
        What its lines `robustness` and `gain` are in the inputs' units.
    comparison : Figure of Accuracy or Errors
        Outputs on the test samples against targets and the float network.
    warnings : tuple of str
        Doubts about the float network itself.
    not_covered : tuple of str
        What nothing proves.
    data, division : str or None
        Name of the data that the comparison is on, and how its test samples were chosen.
    overflow : str
        How many values of the data no word stood for, where the nearest was asked for.
    calibration_samples : int
    schedule : ScheduleFacts
    graphs : tuple of GraphDecision
    cycles : CycleFigures
    verification : Figure of Verification
    resources : Resources
    parts : tuple of PartFigures
    boards : tuple of BoardFigures
    curves : Curves
    tools : dict of str to str or None
        Versions of what made the numbers.
    """

    version: int
    name: str
    task: str
    certified: bool
    program_digest: str
    kinds: dict[str, str]
    model: dict[str, Any]
    sizes: Sizes
    inputs: str
    solver: str
    rounding: str
    granularity: str
    step_size: float
    iterations: int
    word_lengths: WordLengths
    certificate: tuple[CertificateLine, ...]
    changes: InputChanges
    comparison: Figure[Comparison]
    warnings: tuple[str, ...]
    not_covered: tuple[str, ...]
    data: str | None
    division: str | None
    overflow: str
    calibration_samples: int
    schedule: ScheduleFacts
    graphs: tuple[GraphDecision, ...]
    cycles: CycleFigures
    verification: Figure[Verification]
    resources: Resources
    parts: tuple[PartFigures, ...]
    boards: tuple[BoardFigures, ...]
    curves: Curves
    tools: dict[str, str | None]

    def __repr__(self) -> str:
        verdict = convergence_in_words(self.certified)
        return (
            f"WrittenReport of {self.name}: {verdict}, program {self.program_digest[:12]}\n"
            f"  {len(self.certificate)} lines of the certificate, {len(self.not_covered)} not covered, "
            f"{len(self.warnings)} warnings; attributes as in report.json"
        )

    @staticmethod
    def of(report: Report, curves: Curves) -> WrittenReport:
        """What is written of what was collected."""
        program, resolved = report.program, report.origin.resolved
        return WrittenReport(
            version=REPORT_VERSION,
            name=program.name,
            task=report.task.name,
            certified=program.certified,
            program_digest=program.digest,
            kinds={**KINDS, AT_ROUTED_CLOCK: "the two together"},
            model=asdict(report.origin.model),
            sizes=Sizes.of(program),
            inputs=Preprocessing.from_plain(report.origin.model.preprocessing).in_words(),
            solver=program.solver,
            rounding=resolved.rounding,
            granularity=resolved.granularity,
            step_size=resolved.step_size,
            iterations=program.iterations,
            word_lengths=WordLengths.of(program),
            certificate=report.certificate,
            changes=InputChanges.of(report),
            comparison=report.comparison,
            warnings=warnings_of(report),
            not_covered=not_covered(report),
            data=report.data,
            division=report.division,
            overflow=report.overflow,
            calibration_samples=resolved.calibration_samples,
            schedule=ScheduleFacts.of(report.schedule),
            graphs=resolved.graphs,
            cycles=report.cycles,
            verification=report.verification,
            resources=Resources(report.counts),
            parts=report.parts,
            boards=report.boards,
            curves=curves,
            tools=report.origin.tools,
        )

    def to_dict(self) -> dict[str, Any]:
        """The content of ``report.json``."""
        return asdict(self)
