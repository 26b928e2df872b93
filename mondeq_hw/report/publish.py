"""The report of a finished folder: collected, its curves drawn, and written as HTML, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ..base import IN_PROCESS, Executor, InputError
from ..config import DataOptions
from ..folder import CERTIFICATE, INTEGERS, Build
from .collect import collect, parsed
from .curves import Curves, Sweep, foldings, residuals
from .data import judged_anew, named, output_points
from .html import page
from .record import EXACT, FIGURES, PREDICTED, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN, Figure, Report
from .render import render
from .sweep import sweep_word_lengths
from .written import WrittenReport

WORD_LENGTHS = "report/word_lengths.json"
#: What its statements rest on.
RESTS_ON = (CERTIFICATE, *INTEGERS, *FIGURES)


def read_report(build: Build) -> WrittenReport:
    """The report as it was last written.

    Raises
    ------
    InputError
        It is not there or not readable, about another program, or what it rests on was changed.
    """
    build.require_unchanged(*RESTS_ON)
    report: WrittenReport = parsed(build.folder / REPORT_JSON, WrittenReport)
    if report.program_digest != build.program.digest:
        raise InputError(
            f"{build.folder / REPORT_JSON}: is about the program {report.program_digest}, not about "
            f"{build.program.digest} in this folder; run 'mondeq-hw report' again"
        )
    return report


@dataclass(frozen=True)
class Publication:
    """A report and the files of the folder that hold it."""

    report: WrittenReport
    files: dict[str, str]

    def write(self, build: Build) -> None:
        """Into the folder.

        Raises
        ------
        InputError
            It cannot be written.
        """
        for name, text in self.files.items():
            build.add(name, text)


def publish(
    build: Build,
    options: DataOptions,
    sweep: bool = True,
    progress: Callable[[str], Any] = lambda now: None,
    executor: Executor = IN_PROCESS,
) -> Publication:
    """What ``report/report.{html,md,json}`` are to hold.

    Parameters
    ----------
    build : Build
    options : DataOptions
        Data in the place of those that ``compile`` used; they enter comparison, curves and sweep.
    sweep : bool
        Round the model to other word lengths, where the folder has no such sweep yet.
    progress : callable
        Told what is being done.
    executor : Executor
        Rounds to other word lengths.

    Raises
    ------
    InputError
        A file is missing or damaged, or was changed after ``compile`` wrote it.
    """
    report = collect(build)
    build.require_unchanged(*RESTS_ON)
    report = judged_anew(build, report, options)
    word_lengths, files = _word_lengths(build, report, options, sweep, progress, executor)
    curves = Curves(
        residuals=Figure(EXACT, residuals(build)),
        foldings=Figure(PREDICTED, foldings(report)),
        word_lengths=word_lengths,
        outputs=output_points(build, report, options),
    )
    progress("drawing")
    written = WrittenReport.of(report, curves)
    content = written.to_dict()
    files |= {
        REPORT_HTML: page(report, curves),
        REPORT_MARKDOWN: render("report.md.j2", content),
        REPORT_JSON: json.dumps(content, indent=2, allow_nan=False) + "\n",
    }
    return Publication(written, files)


def _word_lengths(
    build: Build,
    report: Report,
    options: DataOptions,
    sweep: bool,
    progress: Callable[[str], Any],
    executor: Executor,
) -> tuple[Figure[Sweep], dict[str, str]]:
    """The folder's sweep; a new one where there is none, or where other data was named; and the file that keeps it."""
    file = build.folder / WORD_LENGTHS
    if file.exists() and not named(options):
        known: Sweep = parsed(file, Sweep)
        if known.program_digest == build.program.digest:
            return Figure(EXACT, known), {}
    if not sweep:
        return Figure(EXACT, None, "other word lengths were not tried", "mondeq-hw report DIR --sweep"), {}
    try:
        found = sweep_word_lengths(build, report, options, progress, executor)
    except InputError as error:  # about the network: data that are named have been read before
        return Figure(EXACT, None, error.in_shell()), {}
    kept = not named(options) or found.data_digest == report.origin.resolved.data_digest
    return Figure(EXACT, found), {WORD_LENGTHS: json.dumps(asdict(found), indent=2) + "\n"} if kept else {}
