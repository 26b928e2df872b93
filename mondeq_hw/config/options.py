"""An option is declared once, as a field of a record: a keyword in Python, a flag in the shell, a key in a file.

What the field says of itself (type and limits, default, meaning) is all there is: help, error messages, the table in
the documentation and the signature in a notebook are read off the record's JSON schema, by :func:`options_of`.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from ..base import MOST_MATRIX_BITS, InputError, OptionError

Record = TypeVar("Record")

#: Of every record: what is not right is refused, never converted.
STRICT = ConfigDict(extra="forbid", strict=True)

MatrixBits = Annotated[int, Field(ge=1, le=MOST_MATRIX_BITS)]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
PositiveInt = Annotated[int, Field(ge=1)]
#: Values of an axis that may be tried; more are a slip of the pen.
MOST_VALUES = 4096


# -- declaring ---------------------------------------------------------------


def option(metavar: str, meaning: str, *, unset: str = "", expected: str = "", flag: str = "") -> Any:
    """A field that the shell has a flag for; a plain ``Field(description=...)`` is Python's alone.

    Parameters
    ----------
    metavar : str
        What stands for the value; empty for a switch, which has none.
    meaning : str
        A sentence.
    unset : str
        What happens without the option, where the default itself does not say it.
    expected : str
        What a right value is, where the type does not say it.
    flag : str
        Its name in the shell, where that is not the field's.
    """
    said: dict[str, Any] = {"metavar": metavar, "unset": unset, "flag": flag}
    said |= {"expected": expected} if expected else {}
    return Field(description=meaning, json_schema_extra=said)


@dataclass(frozen=True)
class Given:
    """Part of an option's type: what may be given, where a validator takes more than the record then holds."""

    kind: Any


def _one_range(text: str) -> range:
    """The whole numbers of ``2-6`` or ``5``; empty where they descend."""
    ends = re.fullmatch(r" *(\d{1,18})(?:-(\d{1,18}))? *", text, re.ASCII)
    if ends is None:
        raise ValueError
    return range(int(ends[1]), int(ends[2] or ends[1]) + 1)


def word_lengths(least: int, most: int) -> Any:
    """The type of a range of word lengths, written ``2-6`` or ``5``."""

    def read(value: Any) -> range:
        lengths = value if isinstance(value, range) else _one_range(str(value))
        if not lengths or lengths[0] < least or lengths[-1] > most:
            raise ValueError
        return lengths

    schema = {"type": "string", "expected": f"a word length or a range of them within {least}-{most}"}
    written = PlainSerializer(lambda lengths: f"{lengths[0]}-{lengths[-1]}")
    return Annotated[range, Given(int | str | range), PlainValidator(read), written, WithJsonSchema(schema)]


def whole_numbers(most: int) -> Any:
    """The type of an ascending tuple of whole numbers from 1, written ``4``, ``1-8`` or ``1,2,4-6``."""

    def read(value: Any) -> tuple[int, ...]:
        parts = value if isinstance(value, list | tuple | range) else str(value).split(",")
        found: set[int] = set()
        for part in parts:
            numbers = _one_range(str(part))
            if not numbers or numbers[0] < 1 or numbers[-1] > most or len(numbers) > MOST_VALUES:
                raise ValueError
            found.update(numbers)
        if not 0 < len(found) <= MOST_VALUES:
            raise ValueError
        return tuple(sorted(found))

    expected = f"whole numbers or ranges of them (1,2,4-8) within 1-{most}, at most {MOST_VALUES}"
    written = PlainSerializer(lambda numbers: ",".join(map(str, numbers)))
    schema = WithJsonSchema({"type": "string", "expected": expected})
    return Annotated[tuple[int, ...], Given(int | str | Sequence[int | str]), PlainValidator(read), written, schema]


def several(*words: str) -> Any:
    """The type of a tuple of some of these words, in this order, written ``resource,unrolled``."""

    def read(value: Any) -> tuple[str, ...]:
        found = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
        if not found or not set(found) <= set(words):
            raise ValueError
        return tuple(word for word in words if word in found)

    written = PlainSerializer(",".join)
    schema = WithJsonSchema({"type": "string", "expected": f"one or more of {','.join(words)}"})
    given: Any = Given(str | Sequence[Literal[words]])  # type: ignore[valid-type]
    return Annotated[tuple[str, ...], given, PlainValidator(read), written, schema]


def _naming(cls: type, data: Any, handler: Callable[[Any], Any]) -> Any:
    try:
        return handler(data)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # not a record at all: for the one that should hold it
            raise
        raise _complaint(cls, first, data) from None


#: Validator of every record: its errors are ours, and name the option.
names_the_option: Any = model_validator(mode="wrap")(classmethod(_naming))  # type: ignore[arg-type]


class Options(BaseModel):
    """A record that others build on; its options are theirs, too."""

    model_config = ConfigDict(frozen=True, **STRICT)
    _naming = names_the_option

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        explained(cls)


# -- reading off -------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """What a record says of one of its fields.

    Parameters
    ----------
    name : str
    meaning : str
    kinds : tuple of dict
        JSON schemas of its values, without that of None.
    default : object
        As JSON; None also where the option is required.
    metavar : str or None
        None for a field that is Python's alone.
    unset : str
        What None means.
    expected : str
        What a right value is.
    """

    name: str
    meaning: str
    kinds: tuple[dict[str, Any], ...]
    default: Any
    required: bool
    metavar: str | None
    unset: str
    expected: str
    flag: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that may be given, if the type lists them."""
        return tuple(_word(value) for kind in self.kinds for value in kind.get("enum", ()))

    @property
    def shown_default(self) -> str:
        """What help and tables say of an option that is not given."""
        if self.default is None or isinstance(self.default, bool):
            return self.unset
        return _word(self.default) if self.choices else f"{self.default}"

    def read(self, text: str) -> Any:
        """A value as the shell has it; what is no number where one belongs is for the record to refuse."""
        if not any(kind.get("type") in ("integer", "number") for kind in self.kinds):
            return text
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
        return text


def _read_off(record: type) -> dict[str, Option]:
    schema = TypeAdapter(record).json_schema(mode="serialization")  # which writes ranges
    found = dict(_options(schema, schema.get("$defs", {}), {}))
    own_first = (name for cls in record.__mro__ for name in vars(cls).get("__annotations__", {}) if name in found)
    return {name: found[name] for name in (*own_first, *found)}


#: The options of a record by name: its own, then those of the records that it builds on or holds.
options_of: Callable[[Any], dict[str, Option]] = cache(_read_off)


def _options(
    schema: Mapping[str, Any], records: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[tuple[str, Option]]:
    for name, field in schema["properties"].items():
        default = defaults.get(name, field.get("default"))
        if "$ref" in field:
            yield from _options(records[field["$ref"].rpartition("/")[2]], records, default)
            continue
        kinds = tuple(kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null")
        required = name in schema.get("required", ()) and name not in defaults
        metavar, unset = field.get("metavar"), field.get("unset", "")
        expected = field.get("expected") or " or ".join(map(_expected, kinds))
        flag = field.get("flag") or "--" + name.replace("_", "-")
        yield name, Option(name, field.get("description", ""), kinds, default, required, metavar, unset, expected, flag)


def _expected(kind: Mapping[str, Any]) -> str:
    match kind:
        case {"expected": text}:
            return str(text)
        case {"enum": [*values]}:
            *most, last = map(_word, values)
            return f"{', '.join(most)} or {last}"
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"a whole number from {least} to {most}"
        case {"type": "integer", "minimum": least}:
            return f"a whole number of at least {least}"
        case {"type": "number", "exclusiveMinimum": least, "exclusiveMaximum": most}:
            return f"a number above {least:g} and below {most:g}"
        case {"type": "number", "exclusiveMinimum": least, "maximum": most}:
            return f"a number above {least:g} and up to {most:g}"
        case {"type": "number", "exclusiveMinimum": 0}:
            return "a positive number"
        case {"type": "number", "minimum": 0}:
            return "a number of at least 0"
        case {"type": "number"}:
            return "a finite number"
    raise TypeError(f"no words for {kind}; declare the option with expected=...")


def _word(value: str) -> str:
    """As it is typed: ``forward-backward``."""
    return value.replace("_", "-")


# -- filling in --------------------------------------------------------------


def filled(record: type[Record], values: Mapping[str, Any]) -> Record:
    """The record of the values that are its own; they may be those of records that it holds.

    Raises
    ------
    OptionError
        A value is not what its option takes.
    """
    held = {name: default for name, default in vars(record).items() if hasattr(default, "__pydantic_fields__")}
    inner = {
        name: replace(default, **{key: values[key] for key in options_of(type(default)) if key in values})
        for name, default in held.items()
    }
    names = {*options_of(record)}.difference(*(options_of(type(default)) for default in held.values()))
    return record(**{name: values[name] for name in names if name in values}, **inner)


def refuse_unknown(names: Iterable[str], valid: Iterable[str], where: str) -> None:
    """Say which option was meant.

    Raises
    ------
    InputError
    """
    known = list(valid)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.0)[0]
            raise InputError(f"{where}: unknown option {name!r}; did you mean {near!r}? Valid: {', '.join(known)}")


def _complaint(record: Any, error: Any, data: Any) -> InputError:
    """The error that says what was received and what is expected."""
    fields, place = record.__pydantic_fields__, error["loc"][0]
    by_position = isinstance(place, int) and place < len(fields)
    name = list(fields)[place] if by_position else str(place)
    refuse_unknown([name], fields, record.__name__)
    options = options_of(record)
    expected = options[name].expected if name in options else get_type_hints(record)[name].__name__
    flag = options[name].flag if name in options else ""
    if error["type"] == "missing":
        return OptionError(name, f"is missing; expected {expected}", flag)
    received = data.get(name) if isinstance(data, dict) else error["input"]
    shown = repr(received) if isinstance(received, str) else f"{received}"
    return OptionError(name, f"is {shown}; expected {expected}", flag)


# -- explaining --------------------------------------------------------------


def explained(record: type[Record]) -> type[Record]:
    """Class decorator: ``help`` tells what a record's fields mean."""
    record.__doc__ = f"{inspect.getdoc(record)}\n\nParameters\n----------\n{_section(record)}"
    return record


def _section(record: Any) -> str:
    said = ((name, field.description) for name, field in record.__pydantic_fields__.items())
    return "\n".join(f"{name}\n    {meaning}" if meaning else name for name, meaning in said)
