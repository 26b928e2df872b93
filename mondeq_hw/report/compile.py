"""What ``compile`` leaves beside the sources: its options, the comparison on test samples, a first report, a README."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..config import CompileConfig
from ..folder import RESOLVED, Build
from ..hardware import Datasheet, GraphDecision, Schedule
from ..problem import Checkpoint, Comparison, MonDEQ
from ..program import SolverProgram
from ..rounding import Lowered
from ..steps import Data
from .collect import collect, tools
from .curves import not_drawn
from .record import COMPARISON, REPORT_JSON, REPORT_MARKDOWN, Figure
from .render import render
from .written import WordLengths, WrittenReport


@dataclass(frozen=True)
class Summary:
    """What cannot be read off the folder's other files."""

    config: CompileConfig
    checkpoint: Checkpoint
    data: Data
    lowered: Lowered
    program: SolverProgram
    schedule: Schedule
    graphs: tuple[GraphDecision, ...]
    comparison: Figure[Comparison]


def write(summary: Summary, folder: Path) -> None:
    """Write ``config.resolved.json``, ``report/`` and ``README.md`` into a folder that has all the rest."""
    (folder / "report").mkdir()
    _write_json(folder / RESOLVED, resolved(summary))
    _write_json(folder / COMPARISON, asdict(summary.comparison))
    report = collect(Build(folder, summary.program))
    content = WrittenReport.of(report, not_drawn(report.task)).to_dict()
    _write_json(folder / REPORT_JSON, content)
    (folder / REPORT_MARKDOWN).write_text(render("report.md.j2", content))
    sheet = Datasheet.of(summary.program, summary.schedule)
    (folder / "README.md").write_text(render("README.md.j2", content, sheet=sheet))
    rules = render("datasheet.md.j2", content, sheet=sheet)
    (folder / "datasheet.html").write_text(render("datasheet.html.j2", content, sheet=sheet, rules=rules))


def resolved(summary: Summary) -> dict[str, Any]:
    """The options as asked for, and every value that was chosen for those left open."""
    program, lowered, data = summary.program, summary.lowered, summary.data
    return {
        "requested": summary.config.model_dump(mode="json"),
        "resolved": {
            "name": program.name,
            "solver": program.solver,
            "rounding": lowered.rounding,
            "granularity": summary.config.granularity,
            "strategy": summary.schedule.strategy,
            "step_size": lowered.quantized.recurrence.step_size,
            "leak_shift": program.leak_shift,
            "iterations": program.iterations,
            **asdict(WordLengths.of(program)),
            "schedule": summary.schedule.to_plain(),
            "graphs": [asdict(choice) for choice in summary.graphs],
            "task": data.task.name,
            "data": data.name,
            "division": data.division,
            "data_digest": data.digest,
            "overflow": data.overflow,
            "calibration_samples": 0 if data.calibration is None else len(data.calibration),
        },
        "model": model_facts(summary.checkpoint),
        "tools": tools(),
    }


def model_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Which network this is."""
    model = checkpoint.model
    return {
        "source": model.source,
        "digest": model.digest(),
        "monotonicity_margin": model.monotonicity_margin,
        "preprocessing": model.input_map.to_plain(),
        "parameters": _parameters(model),
        "training": asdict(checkpoint.training),
    }


def _parameters(model: MonDEQ) -> dict[str, Any] | None:
    """Names, and the words at both ends of the box."""
    if model.parameters is None:
        return None
    words = model.input_map.words
    low, high = (words.values(np.full(model.d, end)).tolist() for end in words.ends)
    return {**model.parameters.to_plain(), "words": list(words.ends), "low": low, "high": high}


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
