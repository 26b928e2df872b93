"""All that is known of a build folder, as one record, its curves, and the pages drawn from it.

Takes a build folder; gives a ``WrittenReport`` as JSON, Markdown and HTML.
"""

from __future__ import annotations

from .card import project_card
from .compile import Summary
from .compile import write as write_report
from .data import comparison_figure
from .doubts import loose_outputs
from .publish import Publication, publish, read_report
from .record import EXACT, REPORT_HTML, REPORT_JSON, REPORT_MARKDOWN, Figure
from .written import WrittenReport

__all__ = [
    "EXACT",
    "REPORT_HTML",
    "REPORT_JSON",
    "REPORT_MARKDOWN",
    "Figure",
    "Publication",
    "Summary",
    "WrittenReport",
    "comparison_figure",
    "loose_outputs",
    "project_card",
    "publish",
    "read_report",
    "write_report",
]
