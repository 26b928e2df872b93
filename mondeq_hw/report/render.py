"""A report as text: templates over the content of ``report.json``.

So no number can differ from it; in a page each one carries its place there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup, escape

from ..base import template_environment, tool_template
from ..problem import find_task
from ..proof import for_reading

#: Longer lists are cut in texts; the JSON has them whole.
LONGEST_LIST = 12


def missing(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and figure of every figure without a value."""
    if isinstance(content, dict):
        if content.keys() == {"kind", "value", "reason", "command"} and content["value"] is None:
            yield "/".join(path), content
        for key, entry in content.items():
            yield from missing(entry, (*path, key))
    elif isinstance(content, list | tuple):
        for index, entry in enumerate(content):
            yield from missing(entry, (*path, _name(entry) or str(index)))


# -- texts -------------------------------------------------------------------


def render(template: str, content: dict[str, Any], **more: Any) -> str:
    """A template of ``templates/`` over the JSON's content; HTML where its name says so."""
    in_page = template.endswith(".html.j2")
    of_task = find_task(content["task"])
    formats = {**FORMATS, "score": of_task.shown}

    def figure(path: str, form: str = "short") -> str:
        value = lookup(content, path)
        text = formats[form](value)
        machine = value if isinstance(value, str) else repr(value)
        return Markup('<data value="{}" data-path="{}">{}</data>').format(machine, path, text) if in_page else text

    found = {
        "figure": figure,
        "of_task": of_task,
        "claims": {line["name"]: line for line in content["certificate"]},
        "missing": list(missing(content)),
    }
    return _environment(in_page).get_template(template).render(**found, **content, **more)


@cache
def _environment(in_page: bool) -> Environment:
    """Of all reports of a process, since compiling the templates takes longer than filling them in."""
    environment = template_environment(
        loader=FunctionLoader(tool_template), autoescape=in_page, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["for_reading"] = _shortened
    environment.filters["list_of_code"] = _list_of_code
    return environment


def _list_of_code(text: str) -> Markup:
    """Markdown's list, of lines with nothing but code in them, as HTML."""
    lines = (str(escape(line.removeprefix("- "))) for line in text.splitlines())
    items = (re.sub(r"`([^`]*)`", r"<code>\1</code>", line) for line in lines)
    return Markup("<ul>\n" + "".join(f"<li>{item}</li>\n" for item in items) + "</ul>")


def lookup(content: Any, path: str) -> Any:
    """The value at a place (keys with ``/`` between them); a list's entry goes by ``name`` or number."""
    for key in path.split("/"):
        if isinstance(content, dict):
            content = content[key]
        else:
            content = next((entry for entry in content if _name(entry) == key), None) or content[int(key)]
    return content


def _name(entry: Any) -> str | None:
    return entry.get("name") if isinstance(entry, dict) else None


def _shortened(value: Any) -> str:
    """As in the certificate's own listing, long lists cut."""
    if isinstance(value, list | tuple) and len(value) > LONGEST_LIST:
        return f"{for_reading(list(value[:LONGEST_LIST]))}, ... ({len(value)} values)"
    return for_reading(list(value) if isinstance(value, tuple) else value)


def _to_side(value: float | str, rounding: str) -> str:
    """Four digits of a bound (a float or ``"p/q"``), rounded to the side on which it stays true."""
    exact = Fraction(value)
    quotient = Context(prec=60, rounding=rounding).divide(Decimal(exact.numerator), Decimal(exact.denominator))
    return f"{float(Context(prec=4, rounding=rounding).plus(quotient)):.4g}"


FORMATS = {
    "short": lambda value: f"{value:.4g}" if isinstance(value, float) else str(value),
    "whole": lambda value: f"{value:,.0f}",
    "tenth": lambda value: f"{value:,.1f}",
    "hundredth": lambda value: f"{value:,.2f}",
    "digits": lambda value: f"{value:.4f}",
    "percent": lambda value: f"{100 * value:.2f} %",
    "at most": lambda value: _to_side(value, ROUND_CEILING),
    "at least": lambda value: _to_side(value, ROUND_FLOOR),
    "cells": lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.1f}",
}
