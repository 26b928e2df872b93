"""A build folder as a card in a notebook."""

from __future__ import annotations

from markupsafe import Markup, escape

from ..base import InputError, in_card
from ..folder import Build
from .curves import residuals
from .plots import residual_plot
from .publish import read_report
from .render import render


def project_card(build: Build) -> str:
    """The head of the report and its plot of the residual, for a notebook; why not, where it cannot be read."""
    try:
        written = read_report(build)
    except InputError as error:
        return in_card(f"<h3>{escape(build.program.name)}</h3><p>{escape(str(error))}</p>")
    drawn = residual_plot(written.curves.residuals.value or residuals(build))
    return in_card(
        render(
            "project_card.html.j2",
            written.to_dict(),
            folder=str(build.folder),
            plots={"residuals": Markup(drawn)},
        )
    )
