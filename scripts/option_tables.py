"""The tables of options in the documentation, from what the commands themselves say; run it after a change:

    python scripts/option_tables.py

A table stands below a comment ``<!-- options: compile -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from mondeq_hw.cli import app

DOCS = Path(__file__).parents[1] / "docs"
#: The comment, and the lines of the table that stands below it.
TABLE = re.compile(r"(<!-- options: ([\w -]+) -->\n)\n?((?:\|.*\n)*)")
HEAD = "| option | default | meaning |\n|---|---|---|\n"


def updated(page: str) -> str:
    """The text of a page with its tables as they must be."""
    return TABLE.sub(lambda found: found[1] + "\n" + HEAD + "".join(rows(found[2])), page)


def rows(name: str) -> list[str]:
    """A row for every option of a command: ``compile``, ``export onnx``."""
    command: Any = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]
    options = (each for each in command.params if each.param_type_name == "option" and "--help" not in each.opts)
    return [f"| {_flags(each)} | {_default(each)} | {_in_table(each.help)} |\n" for each in options]


def _flags(option: Any) -> str:
    value = "" if option.metavar is None else f" {option.metavar}"
    return ", ".join(f"`{_in_table(flag + value)}`" for flag in (*option.opts, *option.secondary_opts))


def _default(option: Any) -> str:
    if option.required:
        return "required"
    if isinstance(option.show_default, str):
        return option.show_default
    return "" if option.default is None or isinstance(option.default, bool) else f"`{option.default}`"


def _in_table(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    for file in sorted(DOCS.glob("*.md")):
        text = file.read_text()
        if (new := updated(text)) != text:
            file.write_text(new)
            print(f"written: {file}")
