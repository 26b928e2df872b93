"""The parameters of a parametric problem: what inputs and outputs are called, and samples of the parameters' box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base import InputError


@dataclass(frozen=True)
class Parameters:
    """Names of a problem whose inputs are parameters in a box; the preprocessing of its network is their box.

    Parameters
    ----------
    inputs : tuple of str (d,)
    outputs : tuple of str (k,)
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @staticmethod
    def named(inputs: Sequence[str] | None, d: int, outputs: Sequence[str] | None, k: int) -> Parameters:
        """Names as given, else ``theta0``, .. and ``y0``, ..

        Raises
        ------
        InputError
            There are more or fewer than inputs or outputs, two are equal, or one is no text.
        """
        return Parameters(_names("names", inputs, "theta", d), _names("output_names", outputs, "y", k))

    def to_plain(self) -> dict[str, list[str]]:
        """JSON-ready; the inverse of :meth:`from_plain`."""
        return {"inputs": list(self.inputs), "outputs": list(self.outputs)}

    @staticmethod
    def from_plain(plain: Any, d: int, k: int) -> Parameters:
        """What :meth:`to_plain` wrote, of d inputs and k outputs.

        Raises
        ------
        InputError
            It is something else.
        """
        if not isinstance(plain, Mapping) or not {"inputs", "outputs"} <= plain.keys():
            raise InputError("'parameters' is no object with the names 'inputs' and 'outputs'; save the model again")
        return Parameters.named(plain["inputs"], d, plain["outputs"], k)


def box_words(ends: tuple[int, int], d: int, samples: int, seed: int) -> np.ndarray:
    """Words (samples, d) between two ends, from the inside of the box to its corners: a share of each is at an end."""
    rng = np.random.default_rng(seed)
    inside = rng.integers(ends[0], ends[1] + 1, size=(samples, d))
    corners = rng.choice(ends, size=(samples, d))
    return np.where(rng.random((samples, d)) < rng.random((samples, 1)), corners, inside)


def _names(key: str, given: Sequence[str] | None, usual: str, count: int) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{usual}{index}" for index in range(count))
    names = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if (
        not names
        or not all(isinstance(name, str) and name and name.isprintable() for name in names)
        or len(set(names)) != len(names)
    ):
        raise InputError(f"{key} is {given!r}; expected a list of different texts of one line")
    if len(names) != count:
        raise InputError(f"{key} has {len(names)} entries; expected {count}")
    return names
