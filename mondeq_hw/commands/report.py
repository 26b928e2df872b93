"""The command ``report``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..config import DataOptions
from .options import Build, Json, takes_records


@takes_records
def report_command(
    build: Build,
    data: DataOptions,
    sweep: Annotated[
        bool, typer.Option("--sweep/--no-sweep", help="Round the model to 1 to 8 bits for comparison (once a folder).")
    ] = True,
    as_json: Json = False,
) -> None:
    """Write all that is known of a build folder: report/report.html, report.md and report.json.

    Run it again after 'verify', 'synth' and 'bitstream': their figures enter the report. Data that are named take the
    place of those that 'compile' used.
    """
    from rich.console import Console

    from ..project import Project
    from ..report import REPORT_HTML

    project = Project.load(build)
    with Console(quiet=as_json, highlight=False).status("reading the folder") as status:
        written = project.write_report(data, sweep, status.update)
    print(json.dumps(written.to_dict(), indent=2) if as_json else project.folder / REPORT_HTML)
