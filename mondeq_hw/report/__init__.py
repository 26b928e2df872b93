"""All that is known of a build folder, as one record, its curves, and the pages drawn from it.

Takes a build folder; gives ``Report`` as JSON, Markdown and HTML.
"""

from __future__ import annotations

from .collect import collect, parsed
from .compile import Summary
from .compile import write as write_report
from .curves import Curves, Sweep, foldings, residuals
from .html import page
from .record import EXACT, FIGURES, PREDICTED, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN, Accuracy, Figure, Report
from .render import render, to_plain
from .sweep import sweep_word_lengths

__all__ = [
    "EXACT",
    "FIGURES",
    "PREDICTED",
    "REPORT_HTML",
    "REPORT_JSON",
    "REPORT_MARKDOWN",
    "Accuracy",
    "Curves",
    "Figure",
    "Report",
    "Summary",
    "Sweep",
    "collect",
    "foldings",
    "page",
    "parsed",
    "render",
    "residuals",
    "sweep_word_lengths",
    "to_plain",
    "write_report",
]
