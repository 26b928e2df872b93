"""A report as JSON and as text.

The texts are templates over the JSON's content, so that no number can differ
from it; in a page each one carries its place there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..hardware import Schedule
from ..program import SolverProgram
from ..proof import for_reading
from .curves import Curves, FoldingPoint, Foldings, macs
from .record import AT_ROUTED_CLOCK, KINDS, Figure, Report

REPORT_VERSION = 3
#: Longer lists are cut in texts; the JSON has them whole.
LONGEST_LIST = 12


def to_plain(report: Report, curves: Curves) -> dict[str, Any]:
    """The content of ``report.json``."""
    program, origin = report.program, report.origin
    resolved = origin.resolved
    return {
        "version": REPORT_VERSION,
        "name": program.name,
        "certified": program.certified,
        "program_digest": program.digest,
        "kinds": {**KINDS, AT_ROUTED_CLOCK: "the two together"},
        "model": origin.model,
        "sizes": {"n": program.n, "d": program.d, "k": program.k, "macs": macs(program)},
        "solver": program.solver,
        "rounding": resolved["rounding"],
        "granularity": resolved["granularity"],
        "step_size": resolved["step_size"],
        "iterations": program.iterations,
        "word_lengths": word_lengths(program),
        "certificate": [asdict(line) for line in report.certificate],
        "accuracy": asdict(report.accuracy),
        "data": resolved["data"],
        "calibration_samples": resolved["calibration_samples"],
        "schedule": schedule_facts(report.schedule),
        "graphs": resolved["graphs"],
        "cycles": asdict(report.cycles),
        "verification": asdict(report.verification),
        "resources": {"estimated": asdict(report.counts)},
        "parts": [asdict(part) for part in report.parts],
        "boards": [asdict(board) for board in report.boards],
        "curves": {**asdict(curves), "foldings": _foldings(curves.foldings)},
        "tools": origin.tools,
    }


def word_lengths(program: SolverProgram) -> dict[str, Any]:
    """Every word length and format: chosen ones, and those that follow from them."""
    return {
        "bits": program.matrix.word_length,
        "drive_bits": program.drive.word_length,
        "readout_bits": program.readout.word_length,
        "input_bits": program.input_format.word_length,
        "state_bits": program.state_format.word_length,
        "input_format": str(program.input_format),
        "state_format": str(program.state_format),
        "drive_accumulator_bits": program.drive_accumulator_bits,
        "accumulator_bits": program.accumulator_bits,
        "output_bits": program.output_bits,
        "output_fractional_bits": program.output_fractional_bits,
    }


def schedule_facts(plan: Schedule) -> dict[str, Any]:
    """The foldings and what follows from them."""
    facts = plan.to_plain()
    for name, engine in (("drive", plan.drive), ("solve", plan.solve), ("readout", plan.readout)):
        facts[name]["cycles_per_matvec"] = engine.cycles_per_matvec
    return {**facts, "words_per_beat": plan.words_per_beat, "beats_per_sample": plan.beats_per_sample}


def _foldings(figure: Figure[Foldings]) -> dict[str, Any]:
    def point(one: FoldingPoint) -> dict[str, Any]:
        return {**asdict(one), "estimated": {family: asdict(usage) for family, usage in one.estimated}}

    if (curve := figure.value) is None:
        return asdict(figure)
    value = {"macs": curve.macs, "this": point(curve.this), "others": [point(one) for one in curve.others]}
    return {**asdict(figure), "value": value}


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
    environment = Environment(
        loader=FunctionLoader(lambda name: files("mondeq_hw").joinpath("templates", name).read_text()),
        undefined=StrictUndefined,
        autoescape=in_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def figure(path: str, form: str = "short") -> str:
        value = lookup(content, path)
        text = FORMATS[form](value)
        machine = value if isinstance(value, str) else repr(value)
        return Markup('<data value="{}" data-path="{}">{}</data>').format(machine, path, text) if in_page else text

    environment.filters["for_reading"] = _shortened
    environment.globals.update(
        figure=figure,
        claims={line["name"]: line for line in content["certificate"]},
        missing=list(missing(content)),
    )
    return environment.get_template(template).render(**content, **more)


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
    "percent": lambda value: f"{100 * value:.2f} %",
    "at most": lambda value: _to_side(value, ROUND_CEILING),
    "at least": lambda value: _to_side(value, ROUND_FLOOR),
    "cells": lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.1f}",
}
