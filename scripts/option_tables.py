"""What is written from the options themselves; run it after a change of them:

    python scripts/option_tables.py

The tables of options in the documentation, each below a comment ``<!-- options: compile -->``, say what the commands
say. ``mondeq_hw/config/keywords.py`` tells static checkers the keywords of the functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from mondeq_hw import Project, compile, qat, search_word_lengths, train
from mondeq_hw.cli import app
from mondeq_hw.config import in_source, keywords_of

ROOT = Path(__file__).parents[1]
DOCS, KEYWORDS = ROOT / "docs", ROOT / "mondeq_hw" / "config" / "keywords.py"
#: The comment, and the lines of the table that stands below it.
TABLE = re.compile(r"(<!-- options: ([\w -]+) -->\n)\n?((?:\|.*\n)*)")
HEAD = "| option | default | meaning |\n|---|---|---|\n"
#: Functions with ``**options: Unpack[...]``.
FUNCTIONS: tuple[Callable[..., Any], ...] = (
    compile,
    train,
    qat,
    search_word_lengths,
    Project.write_report,
    Project.synthesize,
    Project.make_bitstream,
)
MODULE = '''"""Keywords of the functions that take options by name, for static checkers.

``python scripts/option_tables.py`` writes this file from the records of options.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from numpy import ndarray
'''


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


def keywords() -> str:
    """The source of ``keywords.py``."""
    return MODULE + "".join(map(_typed, FUNCTIONS))


def _typed(function: Callable[..., Any]) -> str:
    """A class of the name that ``**options: Unpack[NAME]`` has, a line a keyword."""
    (name,) = re.findall(r"Unpack\[(\w+)\]", " ".join(map(str, function.__annotations__.values())))
    lines = (f"    {option}: {in_source(kind)}\n" for option, kind in keywords_of(function).items())
    return f'\n\nclass {name}(TypedDict, total=False):\n    """Of ``{function.__qualname__}``."""\n\n{"".join(lines)}'


def write(file: Path, text: str) -> None:
    """Say so where it was another."""
    if file.read_text() != text:
        file.write_text(text)
        print(f"written: {file}")


if __name__ == "__main__":
    write(KEYWORDS, keywords())
    for page in sorted(DOCS.glob("*.md")):
        write(page, updated(page.read_text()))
