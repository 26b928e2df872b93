"""What ``help``, a notebook and a static checker say of a function whose ``**options`` are those of records.

The first two read the signature that :func:`spelled_out` gives it; the last a ``TypedDict`` in ``keywords.py``, which
``scripts/option_tables.py`` writes from that signature.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .options import Given, Option, options_of

Function = TypeVar("Function", bound=Callable[..., Any])


def spelled_out(*records: type) -> Callable[[Function], Function]:
    """Decorator of a function whose ``**options`` are those of records: its signature shows them one by one."""

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        fixed = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        taken = (each for record in records for each in _given(record))
        options = {option.name: (option, kind) for option, kind in taken if option.name not in signature.parameters}
        keywords = [
            inspect.Parameter(
                option.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if option.required else option.default,
                annotation=kind,
            )
            for option, kind in options.values()
        ]
        said = (f"{option.name} : {in_source(kind)}\n    {option.meaning}" for option, kind in options.values())
        function.__signature__ = signature.replace(parameters=[*fixed, *keywords])  # type: ignore[attr-defined]
        function.__doc__ = "\n".join([f"{inspect.getdoc(function)}\n\nOther Parameters\n----------------", *said])
        return function

    return decorate


def keywords_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The types of those that its ``**options`` stand for."""
    shown = inspect.signature(function).parameters
    return {
        name: each.annotation
        for name, each in shown.items()
        if each.kind is each.KEYWORD_ONLY and name not in function.__annotations__
    }


def in_source(kind: Any) -> str:
    """A type as Python writes it: ``int | None``."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " | ".join(map(in_source, inner))
    if origin is Literal:
        return f"Literal[{', '.join(map(json.dumps, inner))}]"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(in_source, inner))}]"
    return "None" if kind is NoneType else str(kind.__name__)


def _given(record: type) -> list[tuple[Option, Any]]:
    """The options of a record and of those that it holds, each with the type of what may be given."""
    kinds = _kinds(record)
    return [(option, _accepted(kinds[name])) for name, option in options_of(record).items()]


def _kinds(record: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in get_type_hints(record, include_extras=True).items():
        found |= _kinds(kind) if hasattr(kind, "__pydantic_fields__") else {name: kind}
    return found


def _accepted(kind: Any) -> Any:
    """The type without what is said of it; that of :class:`Given` where there is one."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        said = (each.kind for each in inner[1:] if isinstance(each, Given))
        return next(said, _accepted(inner[0]))
    if origin in (Union, UnionType):
        return reduce(or_, map(_accepted, inner))
    return kind
