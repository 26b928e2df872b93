"""What a program may be called: its name is the prefix of every SystemVerilog module and file of its build."""

from __future__ import annotations

import re

from ..base import InputError

#: Lower case, because some tools and file systems do not tell cases apart.
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,47}$"
NAME_EXPECTED = "a lower-case letter, then up to 47 lower-case letters, digits and underscores"
_LONGEST = 48


def check_name(name: object) -> str:
    """A name, or :class:`InputError` with what it may be."""
    if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
        raise InputError(f"name is {name!r}; expected {NAME_EXPECTED} (it is the prefix of the SystemVerilog modules)")
    return name


def name_of(text: str) -> str:
    """The name nearest to any text, a file's stem for instance: ``Mon_h40 m20.0`` is ``mon_h40_m20_0``."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    name = words if words[:1].isalpha() else f"mondeq_{words}".rstrip("_")
    return name[:_LONGEST]
