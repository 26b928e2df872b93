"""What is known about a build folder, in one frozen record.

A figure carries its kind: how it is known.  Kinds are never mixed in one
number without saying so, and a figure that does not exist is None with its
reason and the command that would provide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..folder import RESOLVED
from ..hardware import GraphDecision, Part, Schedule, Usage
from ..problem import Comparison, Task
from ..program import SolverProgram
from ..proof import CertificateLine
from ..synthesis import HlsEstimate, Routed

#: How a figure is known.
PROVED, MEASURED, EXACT = "proved", "measured", "exact"
PREDICTED, SIMULATED = "predicted", "simulated"
ESTIMATED, SYNTHESISED, ROUTED = "estimated", "synthesised", "routed"
AT_ROUTED_CLOCK = "routed clock, predicted cycles"
KINDS = {
    PROVED: "exact integer arithmetic, checked again by an independent program; holds for every input",
    MEASURED: "floating point, or counted on samples",
    EXACT: "the integer golden model, which C++ and RTL must equal word for word",
    PREDICTED: "clock cycles by the schedule's cycle model; no simulation yet",
    SIMULATED: "clock cycles counted in a simulation of the SystemVerilog",
    ESTIMATED: "computed from word lengths and folding; no tool was asked",
    SYNTHESISED: "counted by a synthesis tool, before placement",
    ROUTED: "after place and route, by the tool's static timing analysis at its slow corner",
}

#: Files of the report, inside the build folder.
REPORT_JSON, REPORT_MARKDOWN, REPORT_HTML = "report/report.json", "report/report.md", "report/report.html"
COMPARISON, VERIFICATION, SYNTHESIS = "report/comparison.json", "report/verify.json", "report/synth.json"
#: What ``compile`` left for the report to show.
FIGURES = (RESOLVED, COMPARISON, "rtl/schedule.json", "sim/*")
T = TypeVar("T")


@dataclass(frozen=True)
class Figure(Generic[T]):
    """A value and how it is known, or why there is none.

    Parameters
    ----------
    kind : str
        Of :data:`KINDS`, or :data:`AT_ROUTED_CLOCK`.
    value : object or None
    reason : str or None
        Why there is no value.
    command : str or None
        What would provide it.
    """

    kind: str
    value: T | None
    reason: str | None = None
    command: str | None = None


@dataclass(frozen=True)
class PredictedCycles:
    """Predicted clock cycles, for the folder's samples streamed back to back.

    Parameters
    ----------
    samples : int
    mean_iterations : float
        Updates executed per sample, early exit included.
    max_iterations : int
    latency : int
        First input beat to last output beat of the first sample.
    per_sample : float
        Mean distance of samples, both ends of the stream included.
    latency_alone : int
        The same of a lone sample that runs all iterations; no input takes longer.
    per_sample_all_iterations : float
        Steady distance of samples that all run all iterations, away from both ends of a stream.
    """

    samples: int
    mean_iterations: float
    max_iterations: int
    latency: int
    per_sample: float
    latency_alone: int
    per_sample_all_iterations: float

    def control_rate_khz(self, clock_mhz: float) -> float:
        """Of samples that each begin when the answer to the one before is out, all iterations."""
        return 1000 * clock_mhz / (self.latency_alone + 1)


@dataclass(frozen=True)
class SimulatedCycles:
    """Clock cycles counted in a simulation, beside the prediction for the very same samples."""

    tool: str
    samples: int
    latency: int
    per_sample: float | None
    predicted_latency: int
    predicted_per_sample: float | None


@dataclass(frozen=True)
class CycleFigures:
    """What is known of the clock cycles."""

    predicted: PredictedCycles
    simulated: Figure[SimulatedCycles]
    measured: Figure[float]


@dataclass(frozen=True)
class Backend:
    """One implementation compared with the golden model."""

    name: str
    tool: str
    samples: int
    wrong_samples: int
    benches_passed: int
    benches_failed: tuple[str, ...]
    mismatch: str | None


@dataclass(frozen=True)
class Verification:
    """What ``mondeq-hw verify`` found, and files that differ from what was compiled."""

    ok: bool
    backends: tuple[Backend, ...]
    changed_files: tuple[str, ...]


@dataclass(frozen=True)
class Speed:
    """Latency and throughput at the achieved clock, by the predicted cycles.

    Parameters
    ----------
    clock_mhz : float
    latency_us, samples_per_second : float
        On the folder's samples.
    latency_alone_us, samples_per_second_all_iterations : float
        Whatever the input.
    control_rate_khz : float
        Of a control loop, whatever the input: a sample begins when the answer to the one before is out.
    """

    clock_mhz: float
    latency_us: float
    samples_per_second: float
    latency_alone_us: float
    samples_per_second_all_iterations: float
    control_rate_khz: float


@dataclass(frozen=True)
class PartFigures:
    """One part and flow.

    Parameters
    ----------
    name, flow : str
    speed_grade : int or None
        Of ECP5; that of other parts is in the ordering code.
    part : Part
        With what it holds.
    aim_mhz : float or None
        The clock that placement aimed at.
    lut_weight_bits : int
        Weights of up to so many bits multiply in LUTs.
    tools : dict of str to str
    estimated, hls, synthesised : Figure of Usage (HlsEstimate)
    routed : Figure of Routed
        Usage, clock and critical path.
    speed : Figure of Speed
    """

    name: str
    flow: str
    speed_grade: int | None
    part: Part
    aim_mhz: float | None
    lut_weight_bits: int
    tools: dict[str, str]
    estimated: Figure[Usage]
    hls: Figure[HlsEstimate]
    synthesised: Figure[Usage]
    routed: Figure[Routed]
    speed: Figure[Speed]


@dataclass(frozen=True)
class BoardFigures:
    """A bitstream: core, serial line and pins together, placed and routed on a board's part.

    Parameters
    ----------
    name : str
    part : Part
    clock_mhz : float
        What the hardware runs at; ``routed.fmax_mhz`` is at least that.
    baud : int
        Of the serial line.
    line_samples_per_second : float
        What the line can bring.
    core_samples_per_second : float
        At the clock, all iterations, by the predicted cycles.
    routed : Routed
    sha256 : str
        Of the bitstream.
    tools : dict of str to str
    """

    name: str
    part: Part
    clock_mhz: float
    baud: int
    line_samples_per_second: float
    core_samples_per_second: float
    routed: Routed
    sha256: str
    tools: dict[str, str]


@dataclass(frozen=True)
class Counts:
    """What the schedule holds, by counting; an engine has multipliers or, unrolled, adders."""

    drive_multipliers: int
    drive_graph_adders: int
    solve_multipliers: int
    solve_graph_adders: int
    readout_multipliers: int
    readout_graph_adders: int
    weight_bits: int


@dataclass(frozen=True)
class ModelFacts:
    """Which network was compiled."""

    source: str
    digest: str
    monotonicity_margin: float
    preprocessing: dict[str, Any]
    parameters: dict[str, Any] | None
    training: dict[str, Any]


@dataclass(frozen=True)
class Resolved:
    """What ``compile`` chose; the program and the schedule tell the rest."""

    rounding: str
    granularity: str
    step_size: float
    drive_bits: int
    readout_bits: int
    state_bits: int
    input_bits: int
    graphs: tuple[GraphDecision, ...]
    data: str | None
    division: str | None
    data_digest: str
    overflow: str
    calibration_samples: int


@dataclass(frozen=True)
class Origin:
    """What ``compile`` was given and chose, as ``config.resolved.json`` has it."""

    model: ModelFacts
    requested: dict[str, Any]
    resolved: Resolved
    tools: dict[str, str | None]


@dataclass(frozen=True)
class Report:
    """Everything that is known about a build folder.

    Parameters
    ----------
    task : Task
    program : SolverProgram
    origin : Origin
    certificate : tuple of CertificateLine
    data : str or None
        Name of the data that the comparison is on.
    division : str or None
        Who chose its test samples, and how.
    overflow : str
        How many values of the data no word stood for, where the nearest was asked for.
    comparison : Figure of Comparison
        Outputs on the test samples against targets and the float network.
    schedule : Schedule
    cycles : CycleFigures
    counts : Counts
    parts : tuple of PartFigures
    boards : tuple of BoardFigures
    verification : Figure of Verification
    """

    task: Task
    program: SolverProgram
    origin: Origin
    certificate: tuple[CertificateLine, ...]
    data: str | None
    division: str | None
    overflow: str
    comparison: Figure[Comparison]
    schedule: Schedule
    cycles: CycleFigures
    counts: Counts
    parts: tuple[PartFigures, ...]
    boards: tuple[BoardFigures, ...]
    verification: Figure[Verification]
