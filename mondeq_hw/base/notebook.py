"""What a notebook shows of an object: figures without pyplot, data frames, cards of HTML.

Matplotlib and pandas are imported when they are first used.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, MissingToolError
from .replacing import replacing
from .templates import template_environment, tool_template

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

PICTURES = (".svg", ".png", ".pdf")


def new_figure(width: float, height: float) -> Figure:
    """A figure of so many inches that a notebook shows; without pyplot: no display, no global state."""
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_png_(self) -> bytes:
            return _drawn(self, "png")

    return NotebookFigure(figsize=(width, height), layout="constrained")


def root_figure(axis: Axes) -> Figure:
    """The figure that an axis stands in."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return figure


def save_figure(figure: Figure, file: str | os.PathLike[str]) -> None:
    """Write a picture whose format is that of the file's suffix.

    Raises
    ------
    InputError
        The file cannot be written, or its suffix names no picture.
    """
    target = Path(file)
    if target.suffix not in PICTURES:
        raise InputError(f"{target}: is no picture's name; expected one that ends in .svg, .png or .pdf")
    with replacing(target) as temporary:
        temporary.write_bytes(_drawn(figure, target.suffix[1:]))


def _drawn(figure: Figure, form: str) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format=form, dpi=130, metadata={"Software": None} if form == "png" else None)
    return content.getvalue()


def inline_svg(figure: Figure) -> str:
    """The figure as an element of a page, as wide as its place."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        text = _drawn(figure, "svg").decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    from markupsafe import Markup

    for size in ("width", "height"):
        text = re.sub(rf'(<svg\b[^>]*?) {size}="[^"]*"', r"\1", text, count=1)
    return Markup(f'<div class="plain">{text}</div>')  # drawn here: nothing in it is a user's HTML


def data_frame(columns: Mapping[str, Iterable[Any]]) -> DataFrame:
    """Columns of equal length as a pandas table.

    Raises
    ------
    MissingToolError
        pandas is not installed.
    """
    try:
        from pandas import DataFrame
    except ModuleNotFoundError:
        raise MissingToolError("pandas is missing; install it: pip install 'mondeq-hw[notebook]'") from None
    return DataFrame(dict(columns))


def card(template: str, **values: Any) -> str:
    """A template of ``templates/`` as a card that stands alone in a notebook's page."""
    from jinja2 import FunctionLoader

    environment = template_environment(
        loader=FunctionLoader(tool_template), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return in_card(environment.get_template(template).render(**values))


def in_card(content: str) -> str:
    """HTML with the style of the report around it, which reaches nothing else of the page."""
    style = tool_template("cards.css")
    return f'<style>\n{style}</style>\n<div class="mondeq-hw mondeq-hw-card">\n{content}</div>\n'
