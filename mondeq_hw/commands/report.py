"""The command ``report``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..base import InputError
from ..config import DataOptions, SweepOptions
from .options import Build, Json, takes_records


@takes_records
def report_command(
    build: Build,
    data: DataOptions,
    where: SweepOptions,
    sweep: Annotated[
        bool, typer.Option("--sweep/--no-sweep", help="Round the model to 1 to 8 bits for comparison (once a folder).")
    ] = True,
    as_json: Json = False,
) -> None:
    """Write all that is known of a build folder: report/report.html, report.md and report.json.

    Run it again after 'verify', 'synth' and 'bitstream': their figures enter the report. Data that are named take the
    place of those that 'compile' used. Where the folder cannot be written, it prints report.md.
    """
    from rich.console import Console

    from ..project import Project
    from ..report import REPORT_HTML, REPORT_MARKDOWN, publish

    project = Project.load(build)
    status = Console(quiet=as_json, highlight=False).status("reading the folder")
    with where.opened() as executor, status:
        published = publish(project.build, data, sweep, status.update, executor)
    if as_json:
        print(json.dumps(published.report.to_dict(), indent=2), flush=True)
    try:
        published.write(project.build)
    except InputError:
        if not as_json:  # nothing is lost with a folder that cannot be written
            print(published.files[REPORT_MARKDOWN], flush=True)
        raise
    if not as_json:
        print(project.folder / REPORT_HTML)
