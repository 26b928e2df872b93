"""What the compiler decided and what came of it: ``report/`` and the folder's own README.

Estimated, simulated and measured figures are kept apart.  A figure that does
not exist is ``null`` with a reason, never a guess.  Nothing here depends on
the time or the machine's load, so equal inputs give equal files.
"""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined

from .certificate import for_reading
from .certify import Certificate
from .config import CompileConfig
from .doctor import package_version
from .load import Checkpoint
from .lower import Lowered
from .program import SolverProgram
from .schedule import EngineFolding, Schedule, completion_cycles

REPORT_VERSION = 1

#: What the numbers in a build folder can depend on.
PACKAGES = ("mondeq-hw", "numpy", "scipy", "python-flint", "torch", "safetensors", "scikit-learn", "da4ml")


@dataclass(frozen=True)
class Accuracy:
    """Shares of a test set, 0 to 1.

    Parameters
    ----------
    samples : int
    golden : float
        The integer program's accuracy, which C++ and RTL share bit for bit.
    floating : float
        The trained network's, solved in float64.
    agreement : float
        Samples that both give the same class.
    """

    samples: int
    golden: float
    floating: float
    agreement: float


@dataclass(frozen=True)
class Cycles:
    """Predicted clock cycles, for samples streamed back to back.

    Parameters
    ----------
    samples : int
    mean_iterations : float
        Updates executed per sample, early exit included.
    max_iterations : int
    latency : int
        First input beat to last output beat of the first sample.
    per_sample : float
        Mean distance of samples; the reciprocal of the throughput.
    """

    samples: int
    mean_iterations: float
    max_iterations: int
    latency: int
    per_sample: float


@dataclass(frozen=True)
class Behaviour:
    """What the golden model and the cycle model say; no accuracy without labelled images."""

    cycles: Cycles
    accuracy: Accuracy | None


@dataclass(frozen=True)
class Summary:
    """Everything a report is made of."""

    config: CompileConfig
    checkpoint: Checkpoint
    images: str | None
    calibration_samples: int
    lowered: Lowered
    program: SolverProgram
    certificate: Certificate
    schedule: Schedule
    behaviour: Behaviour


def predict_cycles(folding: Schedule, iterations: np.ndarray) -> Cycles:
    """Cycle figures of samples that need the given iterations."""
    done = completion_cycles(folding, iterations)
    per_sample = float((done[-1] - done[0]) / (len(done) - 1)) if len(done) > 1 else float(done[0])
    return Cycles(
        samples=len(done),
        mean_iterations=float(np.mean(iterations)),
        max_iterations=int(np.max(iterations)),
        latency=int(done[0]),
        per_sample=per_sample,
    )


def write(summary: Summary, folder: Path) -> None:
    """Write ``config.resolved.json``, ``report/report.{json,md}`` and ``README.md``."""
    content = to_plain(summary)
    _write_json(folder / "config.resolved.json", resolved(summary))
    (folder / "report").mkdir()
    _write_json(folder / "report" / "report.json", content)
    (folder / "report" / "report.md").write_text(_render("report.md.j2", content))
    (folder / "README.md").write_text(_render("README.md.j2", content))


def resolved(summary: Summary) -> dict[str, Any]:
    """The options as asked for, and every value that was chosen for those left open."""
    program, lowered = summary.program, summary.lowered
    return {
        "requested": summary.config.model_dump(mode="json"),
        "resolved": {
            "solver": program.solver,
            "rounding": lowered.rounding,
            "granularity": summary.config.granularity,
            "strategy": summary.schedule.strategy,
            "step_size": lowered.quantized.recurrence.step_size,
            "leak_shift": program.leak_shift,
            "iterations": program.iterations,
            **word_lengths(program),
            "schedule": summary.schedule.to_plain(),
            "data": summary.images,
            "calibration_samples": summary.calibration_samples,
        },
        "model": model_facts(summary.checkpoint),
        "tools": tools(),
    }


def to_plain(summary: Summary) -> dict[str, Any]:
    """The content of ``report.json``."""
    program, behaviour = summary.program, summary.behaviour
    no_accuracy = "no labelled test images were named (--data, --data-dir)"
    return {
        "version": REPORT_VERSION,
        "name": program.name,
        "certified": program.certified,
        "program_digest": program.digest,
        "model": model_facts(summary.checkpoint),
        "sizes": {"n": program.n, "d": program.d, "k": program.k},
        "solver": program.solver,
        "rounding": summary.lowered.rounding,
        "granularity": summary.config.granularity,
        "step_size": summary.lowered.quantized.recurrence.step_size,
        "iterations": program.iterations,
        "word_lengths": word_lengths(program),
        "certificate": [asdict(line) for line in summary.certificate.lines],
        "accuracy": figure(behaviour.accuracy and asdict(behaviour.accuracy), no_accuracy),
        "data": summary.images,
        "schedule": schedule_facts(summary.schedule),
        "cycles": {
            "predicted": asdict(behaviour.cycles),
            "simulated": figure(None, "run 'mondeq-hw verify' on this folder; it writes report/verify.json"),
            "measured": figure(None, "no hardware run"),
        },
        "resources": {
            "estimated": resources(program, summary.schedule),
            "synthesised": figure(None, "no synthesis run"),
        },
        "tools": tools(),
    }


def figure(value: Any, reason: str) -> dict[str, Any]:
    """A value, or ``null`` and why there is none."""
    return {"value": value, "reason": None if value is not None else reason}


def model_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Which network this is."""
    model = checkpoint.model
    pre = model.preprocessing
    return {
        "source": model.source,
        "digest": model.digest(),
        "monotonicity_margin": model.monotonicity_margin,
        "preprocessing": {
            "scale": pre.scale,
            "mean": np.asarray(pre.mean).tolist(),
            "std": np.asarray(pre.std).tolist(),
            "input_bits": pre.input_bits,
        },
        "training": asdict(checkpoint.training),
    }


def word_lengths(program: SolverProgram) -> dict[str, Any]:
    """Every word length and format: chosen ones, and those that follow from them."""
    return {
        "bits": program.matrix.word_length,
        "drive_bits": program.drive.word_length,
        "readout_bits": program.readout.word_length,
        "input_bits": program.input_format.word_length,
        "state_bits": program.state_format.word_length,
        "input_format": str(program.input_format),
        "state_format": str(program.state_format),
        "drive_accumulator_bits": program.drive_accumulator_bits,
        "accumulator_bits": program.accumulator_bits,
        "output_bits": program.output_bits,
        "output_fractional_bits": program.output_fractional_bits,
    }


def schedule_facts(plan: Schedule) -> dict[str, Any]:
    """The foldings and what follows from them."""
    facts = plan.to_plain()
    for name in ("drive", "solve", "readout"):
        engine: EngineFolding = getattr(plan, name)
        facts[name]["cycles_per_matvec"] = engine.cycles_per_matvec
    return {**facts, "words_per_beat": plan.words_per_beat, "beats_per_sample": plan.beats_per_sample}


def resources(program: SolverProgram, folding: Schedule) -> dict[str, int]:
    """Multipliers, adders of the unrolled solver and weight bits in memories, counted; no tool was asked."""

    def multipliers(engine: EngineFolding) -> int:
        return engine.pe * engine.simd

    stored = [program.drive, program.readout] if folding.graph else [program.drive, program.matrix, program.readout]
    return {
        "drive_multipliers": multipliers(folding.drive),
        "solve_multipliers": 0 if folding.graph else multipliers(folding.solve),
        "solve_graph_adders": folding.graph.adders if folding.graph else 0,
        "readout_multipliers": multipliers(folding.readout),
        "weight_bits": sum(matrix.integers.size * matrix.word_length for matrix in stored),
    }


def tools() -> dict[str, str | None]:
    """Versions of what made the numbers."""
    return {"python": platform.python_version(), **{name: package_version(name) for name in PACKAGES}}


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def _render(template: str, content: dict[str, Any]) -> str:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["for_reading"] = for_reading
    text = files("mondeq_hw").joinpath("templates", template).read_text()
    return environment.from_string(text).render(**content)
