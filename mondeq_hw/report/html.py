"""A report as one HTML page: style, plots and all figures inside, no script, nothing fetched."""

from __future__ import annotations

from markupsafe import Markup

from .curves import Curves
from .plots import output_plot, residual_plot, resource_plot, robustness_plot, roofline_plot, word_length_plot
from .record import Report
from .render import render
from .written import WrittenReport


def page(report: Report, curves: Curves) -> str:
    """The page; equal reports give equal text."""
    residuals, foldings, sweep = curves.residuals.value, curves.foldings.value, curves.word_lengths.value
    plots = {
        "residuals": residuals and residual_plot(residuals),
        "word_lengths": word_length_plot(sweep, report),
        "robustness": robustness_plot(report),
        "resources": foldings and resource_plot(foldings, report),
        "roofline": foldings and roofline_plot(foldings),
    }
    if curves.outputs is not None and curves.outputs.value is not None:
        plots |= {name: output_plot(name, curves.outputs.value) for name in report.task.plots}
    return render(
        "report.html.j2",
        WrittenReport.of(report, curves).to_dict(),
        # Drawn here from numbers alone: nothing in them comes from a user's text.
        plots={name: Markup(svg or "") for name, svg in plots.items()},
    )
