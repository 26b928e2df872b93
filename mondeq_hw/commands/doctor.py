"""The command ``doctor``."""

from __future__ import annotations

import sys

import typer

from ..base import EXIT_MISSING_TOOL
from .options import Json
from .terminal import console, print_json


def doctor_command(as_json: Json = False) -> None:
    """List the tools found, their versions, and the remedy for what is missing."""
    from ..synthesis import examine, missing, to_plain

    tools = examine()
    lacking = missing(tools)
    if as_json:
        print_json({"ready": not lacking, "tools": to_plain(tools)})
    else:
        from rich.table import Table

        table = Table("tool", "version", "for", "remedy", box=None, pad_edge=False)
        for tool in tools:
            version = (tool.version or "found") if tool.found else "MISSING" if tool.required else "not found"
            table.add_row(tool.name, version, tool.purpose, "" if tool.found else tool.remedy)
        console().print(table)
    if lacking:
        names = ", ".join(tool.name for tool in lacking)
        print(f"mondeq-hw: 'verify' needs {names}; see the remedies above", file=sys.stderr)
        raise typer.Exit(EXIT_MISSING_TOOL)
