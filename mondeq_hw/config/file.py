"""Options in a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import InputError, OptionError
from .options import filled, options_of, refuse_unknown


def filled_in(records: Mapping[str, Any], given: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Records of the options in a file and of those that are given, which win.

    Parameters
    ----------
    records : dict of str to type
    given : dict
        All records' options by name.
    file : path, optional
        ``.toml`` or ``.json``.

    Returns
    -------
    dict of str to record

    Raises
    ------
    InputError
        Names the option, where it stands, what was received and what is expected.
    """
    stored = {} if file is None else read_options(file)
    options = (each for record in records.values() for each in options_of(record).values())
    refuse_unknown(stored, (each.name for each in options if each.metavar is not None), f"{file}")
    try:
        return {name: filled(record, {**stored, **given}) for name, record in records.items()}
    except OptionError as error:
        if error.name in stored and error.name not in given:
            raise InputError(f"{file}: {error}") from None
        raise


def by_name(records: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Records of a function's keywords.

    Raises
    ------
    InputError
        An option is unknown, or its value not what it takes.
    """
    refuse_unknown(given, (name for record in records.values() for name in options_of(record)), where)
    return filled_in(records, given)


def read_options(file: Path) -> dict[str, Any]:
    """What a configuration file says, as it stands there.

    Raises
    ------
    InputError
        It cannot be read, or is no table.
    """
    try:
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; --config expects a .toml or .json file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error}); --config expects a .toml or .json file") from None
    if file.suffix not in (".toml", ".json"):
        raise InputError(f"{file}: a configuration file ends in .toml or .json")
    try:
        content = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise InputError(f"{file}: not valid {file.suffix[1:].upper()} ({error}); correct it") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds a {type(content).__name__}; expected options as key and value")
    return content
