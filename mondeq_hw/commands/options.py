"""The flags of a command, read off the records that it takes; and those that several commands declare themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import Option, filled_in, options_of

Build = Annotated[Path, typer.Argument(metavar="DIR", help="Build folder that 'compile' wrote.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Words = Annotated[bool, typer.Option("--words", help="Inputs are words of the hardware, not values.")]
#: A command that takes this reads its records from the file, too; the command line wins.
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="These options in a TOML or JSON file, with _ for -."),
]


def takes_records(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters of a record's type become the options of that record, a flag each."""
    parameters = inspect.signature(command, eval_str=True).parameters
    records = {name: each.annotation for name, each in parameters.items() if _is_record(each.annotation)}
    config = next((name for name, each in parameters.items() if each.annotation == ConfigFile), None)
    options = {name: each for record in records.values() for name, each in _flags(record).items()}

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        typed = {name: values.pop(name) for name in options}
        given = {name: _read(options[name], value) for name, value in typed.items() if _was_given(context, name)}
        file = values.pop(config) if config else None
        command(**values, **filled_in(records, given, file))

    shown = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, each in parameters.items():
        flags = _flags(each.annotation).values() if name in records else ()
        shown += [_parameter(option) for option in flags] or [each.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in shown}
    return run


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "__pydantic_fields__")


def _flags(record: type) -> dict[str, Option]:
    return {name: option for name, option in options_of(record).items() if option.metavar is not None}


def _parameter(option: Option) -> inspect.Parameter:
    """A text, for the record to judge; a switch has none."""
    default = option.shown_default
    said = typer.Option(
        option.flag,
        metavar=option.metavar or None,
        help=option.meaning,
        show_default=option.unset or default != "",
        autocompletion=(lambda: list(option.choices)) if option.choices else None,
    )
    kind: Any = Annotated[bool | None, said] if option.metavar == "" else Annotated[str | None, said]
    value = inspect.Parameter.empty if option.required else default if default != option.unset else None
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=kind)


def _read(option: Option, value: Any) -> Any:
    return option.read(value) if isinstance(value, str) else value


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
