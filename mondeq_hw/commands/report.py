"""The command ``report``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .terminal import Build

if TYPE_CHECKING:
    from ..project import Project
    from ..report import Curves, Figure, Report, Sweep

WORD_LENGTHS = "report/word_lengths.json"


def report_command(
    build: Build,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="MNIST's IDX files, if not where 'compile' found them.")
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep/--no-sweep", help="Round the model to 1 to 8 bits for comparison (once a folder).")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json on stdout and nothing else.")] = False,
) -> None:
    """Write all that is known of a build folder: report/report.html, report.md and report.json.

    Run it again after 'verify', 'synth' and 'bitstream': their figures enter the report.
    """
    from rich.console import Console

    from ..folder import CERTIFICATE, INTEGERS
    from ..project import Project
    from ..report import FIGURES, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN, collect, page, render, to_plain

    project = Project.load(build)
    with Console(quiet=as_json, highlight=False).status("reading the folder") as status:
        report = collect(project)
        project.require_unchanged(CERTIFICATE, *INTEGERS, *FIGURES)
        curves = _curves(project, report, data_dir, sweep, status.update)
        status.update("drawing")
        content = to_plain(report, curves)
        text = json.dumps(content, indent=2, allow_nan=False)
        project.add(REPORT_HTML, page(report, curves))
        project.add(REPORT_MARKDOWN, render("report.md.j2", content))
        project.add(REPORT_JSON, text + "\n")
    print(text) if as_json else print(project.folder / REPORT_HTML)


def _curves(
    project: Project, report: Report, data_dir: Path | None, sweep: bool, progress: Callable[[str], Any]
) -> Curves:
    from ..report import EXACT, PREDICTED, Curves, Figure, foldings, residuals

    return Curves(
        residuals=Figure(EXACT, residuals(project)),
        foldings=Figure(PREDICTED, foldings(report)),
        word_lengths=_word_lengths(project, report, data_dir, sweep, progress),
    )


def _word_lengths(
    project: Project, report: Report, data_dir: Path | None, sweep: bool, progress: Callable[[str], Any]
) -> Figure[Sweep]:
    """The folder's sweep; a new one where there is none, or where other images were named."""
    from ..base import InputError
    from ..report import EXACT, Figure, Sweep, parsed, sweep_word_lengths

    file = project.folder / WORD_LENGTHS
    if file.exists() and data_dir is None:
        known: Sweep = parsed(file, Sweep)
        if known.program_digest == project.program.digest:
            return Figure(EXACT, known)
    if not sweep:
        return Figure(EXACT, None, "other word lengths were not tried", "mondeq-hw report DIR --sweep")
    try:
        found = sweep_word_lengths(project, report, data_dir, progress)
    except InputError as error:
        if data_dir is not None:
            raise
        return Figure(EXACT, None, str(error))
    project.add(WORD_LENGTHS, json.dumps(asdict(found), indent=2) + "\n")
    return Figure(EXACT, found)
