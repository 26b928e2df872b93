"""``prox`` and ``reflection`` of a clip as nodes of a graph, so that a splitting finds its ``phi`` among them.

relu has nodes of its own, ``Abs`` and the positive part; any other clip reads
its rows' bounds from vectors, beside every graph that uses them, and skips what
no row has: bounds on one side, complements.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from mondeq_hw.base import Clip

from .graph import GraphBuilder


def declare_clip(g: GraphBuilder, name: str, clip: Clip, dtype: type, top: float = np.inf) -> None:
    """The constants ``NAME_lower``, ``NAME_upper`` and ``NAME_complement`` (n,) that the nodes of a clip read.

    Parameters
    ----------
    g : GraphBuilder
    name : str
    clip : Clip
    dtype : type
        Of the states.
    top : float
        No state is larger, so no bound need be: int64 has no infinity.
    """
    if clip.is_relu:
        return
    if np.isfinite(clip.lower).any():  # onnxruntime warns of constants that no node reads
        g.constant(f"{name}_lower", np.maximum(clip.lower, -top).astype(dtype))
    if np.isfinite(clip.upper).any():
        g.constant(f"{name}_upper", np.minimum(clip.upper, top).astype(dtype))
    if clip.has_complements:
        g.constant(f"{name}_complement", clip.complement)


class ClipNodes(ABC):
    """A :class:`~mondeq_hw.base.clip.Proximal` whose states are names of values.

    Parameters
    ----------
    g : GraphBuilder
        Where the nodes go.
    name : str
        Of the constants, see :func:`declare_clip`.
    clip : Clip
    output : str
        Name of the result, and prefix of what is on the way to it.
    """

    def __init__(self, g: GraphBuilder, name: str, clip: Clip, output: str):
        self.g, self.name, self.clip, self.output = g, name, clip, output

    def prox(self, state: str) -> str:
        """``prox(s)``."""
        if self.clip.is_relu:
            return self.positive_part(state)
        clipped = self._clipped(state)
        if not self.clip.has_complements:
            return clipped
        return self._in_complements(self.g.add("Sub", [state, clipped], f"{self.output}_left"), clipped)

    def reflection(self, state: str) -> str:
        """``2 prox(s) - s``."""
        if self.clip.is_relu:
            return self.g.add("Abs", [state], self.output)
        clipped = self._clipped(state)
        twice = self.g.add("Add", [clipped, clipped], f"{self.output}_twice")
        reflected = self.g.add("Sub", [twice, state], f"{self.output}_reflected")
        if not self.clip.has_complements:
            return reflected
        return self._in_complements(self.g.add("Neg", [reflected], f"{self.output}_turned"), reflected)

    def _clipped(self, state: str) -> str:
        if np.isfinite(self.clip.lower).any():
            state = self.at_least(state, f"{self.name}_lower", f"{self.output}_raised")
        if np.isfinite(self.clip.upper).any():
            state = self.at_most(state, f"{self.name}_upper", f"{self.output}_clipped")
        return state

    def _in_complements(self, there: str, elsewhere: str) -> str:
        return self.g.add("Where", [f"{self.name}_complement", there, elsewhere], self.output)

    @abstractmethod
    def positive_part(self, state: str) -> str:
        """``max(s, 0)``."""

    @abstractmethod
    def at_least(self, state: str, bound: str, output: str) -> str:
        """``max(s, bound)``."""

    @abstractmethod
    def at_most(self, state: str, bound: str, output: str) -> str:
        """``min(s, bound)``."""


class FloatClip(ClipNodes):
    """On floating-point states."""

    def positive_part(self, state: str) -> str:
        """See :class:`ClipNodes`."""
        return self.g.add("Relu", [state], self.output)

    def at_least(self, state: str, bound: str, output: str) -> str:
        """See :class:`ClipNodes`."""
        return self.g.add("Max", [state, bound], output)

    def at_most(self, state: str, bound: str, output: str) -> str:
        """See :class:`ClipNodes`."""
        return self.g.add("Min", [state, bound], output)


class ComparedClip(ClipNodes):
    """On states of any type, int64 too, by comparisons; the constant ``state_zero`` is the type's zero."""

    def positive_part(self, state: str) -> str:
        """See :class:`ClipNodes`."""
        positive = self.g.add("Greater", [state, "state_zero"], f"{self.output}_positive")
        return self.g.add("Where", [positive, state, "state_zero"], self.output)

    def at_least(self, state: str, bound: str, output: str) -> str:
        """See :class:`ClipNodes`."""
        return self.g.add("Where", [self.g.add("Less", [state, bound], f"{output}_where"), bound, state], output)

    def at_most(self, state: str, bound: str, output: str) -> str:
        """See :class:`ClipNodes`."""
        return self.g.add("Where", [self.g.add("Greater", [state, bound], f"{output}_where"), bound, state], output)
