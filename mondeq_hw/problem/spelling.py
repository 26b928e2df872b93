"""One spelling for the names in a checkpoint: wrappers' prefixes gone, doubled keys once, a user's own names mapped."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError
from .contents import Contents, listed

#: Path components that wrappers put into every name, and that mean nothing.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module")
#: How the reference codes name the layer of which CRAFT's files hold a second copy under the bare name.
LAYER, BARE = "mon.linear_module.", "linear_module."


@dataclass(frozen=True)
class Spelled:
    """Arrays under the formats' names.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    names : mapping of str to str
        How the file spells them, for errors.
    """

    arrays: Mapping[str, Any]
    names: Mapping[str, str]

    def below(self, prefix: str) -> Spelled:
        """What stands below a prefix, without it."""
        start = prefix + "."
        inside = {key.removeprefix(start): key for key in self.arrays if key.startswith(start)}
        return Spelled(
            {short: self.arrays[key] for short, key in inside.items()},
            {short: self.names[key] for short, key in inside.items()},
        )


def spelled(contents: Contents, prefix: str | None, keys: Mapping[str, str]) -> Spelled:
    """The arrays of a container with wrappers, prefix and the user's names resolved.

    Parameters
    ----------
    contents : Contents
    prefix : str, optional
        Keep only what stands below it.
    keys : mapping of str to str
        A format's name to the file's.

    Raises
    ------
    InputError
        Nothing is below the prefix, or a mapped name is not in the file.
    """
    everything = Spelled(
        {_unwrapped(key): value for key, value in contents.arrays.items()},
        {_unwrapped(key): key for key in contents.arrays},
    )
    mapped = {ours: _mapped(contents, theirs) for ours, theirs in keys.items()}
    rest = everything
    if prefix is not None:
        rest = everything.below(_unwrapped(prefix.rstrip(".")))
        if not rest.arrays and not mapped:
            raise InputError(
                f"{contents.where}: no key begins with {prefix!r} (found {listed(contents.arrays)}); give --prefix "
                "what stands before the layer's own names"
            )
    taken = set(keys.values())
    free = [key for key in rest.arrays if rest.names[key] not in taken]
    return Spelled(
        {**{key: rest.arrays[key] for key in free}, **mapped},
        {**{key: rest.names[key] for key in free}, **keys},
    )


def layer_of(where: str, given: Spelled) -> Spelled:
    """The reference codes' layer under its one name, however often the file holds it.

    Raises
    ------
    InputError
        Two copies differ.
    """
    arrays, names = dict(given.arrays), dict(given.names)
    for key in given.arrays:
        if not key.startswith(BARE):
            continue
        full = LAYER + key.removeprefix(BARE)
        if full in given.arrays and not np.array_equal(given.arrays[key], given.arrays[full]):
            raise InputError(
                f"{where}: keys {names[key]!r} and {names[full]!r} name the same array twice and differ; remove the "
                "one that is out of date"
            )
        arrays.setdefault(full, given.arrays[key])
        names.setdefault(full, names[key])
        del arrays[key], names[key]
    return Spelled(arrays, names)


def only_layer(given: Spelled, recognised: Callable[[Spelled], bool]) -> tuple[str, ...]:
    """Prefixes below which a known layer stands; of nested ones the outermost."""
    parents = {
        ".".join(parts[:end]) for key in given.arrays for parts in [key.split(".")] for end in range(1, len(parts))
    }
    found = sorted(prefix for prefix in parents if recognised(given.below(prefix)))
    return tuple(p for p in found if not any(p.startswith(q + ".") for q in found))


def read_keys(file: Path) -> dict[str, str]:
    """The map of ``--keys``: a format's name to the file's, as TOML.

    Raises
    ------
    InputError
        The file cannot be read, or is no such map.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); --keys expects a .toml file") from None
    except ValueError as error:
        raise InputError(f"{file}: not valid TOML ({error}); correct it") from None
    if not content or not all(isinstance(value, str) for value in content.values()):
        raise InputError(f'{file}: expected lines such as U = "encoder.weight": our name, and the file\'s')
    return content


def _mapped(contents: Contents, theirs: str) -> Any:
    if theirs not in contents.arrays:
        raise InputError(
            f"{contents.where}: has no key {theirs!r}, which --keys names (found {listed(contents.arrays)})"
        )
    return contents.arrays[theirs]


def _unwrapped(key: str) -> str:
    return ".".join(part for part in key.split(".") if part not in WRAPPERS) or key
