"""Which family of networks a checkpoint belongs to: one module a family, one registry.

A family is recognised by its keys; of two that fit, the more particular comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..checkpoint import Checkpoint
from ..source import Asked, Source
from ..spelling import LAYER, Spelled
from . import convolution, implicit, lben, li_2026, nemon, own, quadratic_program, ren, winston_kolter
from .own import resembles

__all__ = ["FORMATS", "OWN", "Format", "find_format", "resembles"]


@dataclass(frozen=True)
class Format:
    """A family of checkpoints.

    Parameters
    ----------
    title : str
        For people, with its keys.
    recognises : callable
        Whether arrays are this family's.
    read : callable
        The network of a source.
    option : str
        The field of :class:`.Asked` that means something to it alone; empty for none.
    layer : frozenset of str
        Arrays of the reference code's layer, all of them: one with others is another network.  Empty for no such layer.
    whole : frozenset of str
        Arrays of the family's equations, all of them, where a file with others has other equations; empty where a file
        may hold what is not the network's.
    """

    title: str
    recognises: Callable[[Spelled], bool]
    read: Callable[[Source, Asked], Checkpoint]
    option: str = ""
    layer: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()

    def strangers(self, given: Spelled) -> list[str]:
        """Keys, as the file spells them, of arrays that the family does not have; a number is no array."""
        found = []
        if self.layer:
            found = [key for key, value in given.arrays.items() if key.startswith(LAYER) and np.ndim(value)]
        elif self.whole:  # MATLAB writes a number as a matrix
            found = [key for key, value in given.arrays.items() if np.size(value) > 1]
        return [given.names[key] for key in found if key.removeprefix(LAYER) not in self.layer | self.whole]


def _layer(keys: str) -> frozenset[str]:
    """Of numbers some files make arrays of one."""
    return frozenset((*keys.split(), "m", "gamma"))


CONVOLUTION = _layer("U.weight U.bias A.weight B.weight g h psi")
BOUNDED = _layer("psi V.weight S.weight B.weight B.bias G.weight G.bias")
LBEN = _layer("psi V.weight S.weight U.weight U.bias")
NEMON = _layer("A.weight d U.weight U.bias")
FULL = _layer("U.weight U.bias A.weight B.weight")
OWN = Format("W (or A, B, m), U, b, O, c", own.recognises, own.read)
FORMATS = (
    Format("a quadratic program (P, q, theta)", quadratic_program.recognises, quadratic_program.read),
    Format("Winston & Kolter, convolutional", convolution.recognises, convolution.read, "input_side", CONVOLUTION),
    Format("LBEN with a Lipschitz bound", lben.recognises_bounded, lben.read_bounded, "lipschitz_bound", BOUNDED),
    Format("LBEN (mon.linear_module.{psi,V,S,U})", lben.recognises, lben.read, "", LBEN),
    Format("NEMON (mon.linear_module.{A,d,U})", nemon.recognises, nemon.read, "", NEMON),
    Format("Winston & Kolter (mon.linear_module.{A,B,U})", winston_kolter.recognises, winston_kolter.read, "", FULL),
    Format("arXiv 2603.10562 (mon.core.*)", li_2026.recognises, li_2026.read),
    Format(
        "recurrent equilibrium network (A, B1, B2, C1, D11, D12, C2, D21, D22, bx, bv, by)",
        ren.recognises,
        ren.read,
        whole=ren.ARRAYS,
    ),
    Format("implicit model (A or L, R; B, C, D)", implicit.recognises, implicit.read),
    OWN,
)


def find_format(given: Spelled) -> Format | None:
    """The family of these arrays; None for none."""
    return next((known for known in FORMATS if known.recognises(given)), None)
