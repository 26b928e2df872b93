"""What the real parsers say of a command line, without running it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import typer
from conftest import ROOT

from mondeq_hw.cli import app
from mondeq_hw.rtl_tests.__main__ import main as bench_main

PLACEHOLDER = re.compile(r"^(…|\.\.\.)$")


def _bench() -> Any:
    bench = typer.Typer(add_completion=False)
    bench.command()(bench_main)
    return typer.main.get_command(bench)


COMPILER, BENCH = typer.main.get_command(app), _bench()
BENCH_NAME = "python -m mondeq_hw.rtl_tests"


def problem(line: str) -> str | None:
    """Why a command line of ours would be refused; None for a right one and for other people's programs."""
    words = [word for word in shlex.split(line, comments=True) if not PLACEHOLDER.match(word)]
    match words:
        case ["mondeq-hw", *arguments]:
            return _refusal(COMPILER, arguments)
        case ["python", "-m", "mondeq_hw.rtl_tests", *arguments]:
            return _refusal(BENCH, arguments)
        case ["python", script, *arguments] if script.endswith(".py"):
            return _script_refusal(script, arguments)
        case [program, *_] if program.startswith("scripts/"):
            return None if os.access(ROOT / program, os.X_OK) else f"{program} is no program of this repository"
        case ["pip", *arguments]:
            unknown = set(re.findall(r"[a-z0-9]+", ",".join(re.findall(r"\[(.*?)\]", line)))) - extras()
            return f"pyproject.toml has no extra {', '.join(unknown)}" if unknown else None
    return None


def _refusal(command: Any, arguments: Sequence[str]) -> str | None:
    name, rest = "mondeq-hw", list(arguments)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        if name not in command.commands:
            return f"no command {name!r}"
        command = command.commands[name]
    try:
        with contextlib.redirect_stdout(None):
            command.make_context(name, rest)
    except typer.Exit:  # --help
        return None
    except Exception as error:
        if hasattr(error, "format_message"):
            return error.format_message()
        raise
    return None


def _script_refusal(script: str, arguments: Sequence[str]) -> str | None:
    if not (ROOT / script).is_file():
        return f"{script} is no file of this repository"
    known = _script_options(script)
    unknown = [word for word in arguments if word.startswith("--") and word not in known]
    return f"{script} has no option {', '.join(unknown)}" if unknown else None


@cache
def _script_options(script: str) -> frozenset[str]:
    """The options of a script, also those which a module beside it adds."""
    source = (ROOT / script).read_text()
    beside = (ROOT / script).parent.glob("*.py")
    sources = [source, *(file.read_text() for file in beside if re.search(rf"^from {file.stem} import", source, re.M))]
    return frozenset(re.findall(r"add_argument\(\s*\"(--[\w-]+)\"", "\n".join(sources)))


@cache
def extras() -> frozenset[str]:
    """The optional parts that ``pip install 'mondeq-hw[...]'`` knows."""
    import tomllib

    return frozenset(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def options() -> Iterator[tuple[str, str]]:
    """Every command with each of its options: ("mondeq-hw compile", "--bits")."""
    for name, command in (*_commands("mondeq-hw", COMPILER), (BENCH_NAME, BENCH)):
        for parameter in command.params:
            long = [option for option in parameter.opts if option.startswith("--") and option != "--help"]
            yield from ((name, option) for option in long)


def commands() -> list[str]:
    """Every command: "mondeq-hw compile", "mondeq-hw export onnx", ..."""
    return [*(name for name, _ in _commands("mondeq-hw", COMPILER)), BENCH_NAME]


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for child in command.commands:
        yield from _commands(f"{name} {child}", command.commands[child])
