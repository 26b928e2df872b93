"""What every command takes beside its own options: ``--quiet`` and ``--verbose``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..base import AS_LINES, InputError

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but errors and warnings; with --json its object.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Each step a line, warnings of libraries, and a bug's traceback.")
]


class ClosedPipeError(Exception):
    """Whoever read the output has left; no OSError, of which the parser makes an exit code of its own."""


class Command(TyperCommand):
    """A command whose help shows a default beside every option."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        options: list[Any] = self.params
        for each in options:
            if each.param_type_name == "option" and not each.required and each.name != "help":
                each.show_default = _shown_default(each)


def _shown_default(option: Any) -> Any:
    if isinstance(option.show_default, str) and option.show_default:
        return option.show_default
    if option.default is None or option.default == ():
        return "off" if option.is_flag else "none"
    if isinstance(option.default, bool) and not option.secondary_opts:
        return "on" if option.default else "off"
    return True


def audible(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with ``--quiet`` and ``--verbose``."""

    @wraps(command)
    def run(*, quiet: bool, verbose: bool, **values: Any) -> Any:
        with loudness(quiet and not values.get("as_json"), verbose):
            if quiet and verbose:
                raise InputError("--quiet and --verbose were given; expected one of the two")
            try:
                return command(**values)
            except BrokenPipeError:
                raise ClosedPipeError from None

    signature = inspect.signature(command, eval_str=True)
    shown = [each.replace(kind=each.KEYWORD_ONLY) for each in signature.parameters.values()]
    for name, kind in (("quiet", Quiet), ("verbose", Verbose)):
        shown.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind))
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


@contextmanager
def loudness(quiet: bool, verbose: bool) -> Iterator[None]:
    """Nothing on stdout, or all that there is to say."""
    lines = AS_LINES.set(verbose)
    try:
        if not quiet:
            yield
            return
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        AS_LINES.reset(lines)
