"""Which family of networks a checkpoint belongs to: one module a family, one registry.

A family is recognised by its keys; of two that fit, the more particular comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..checkpoint import Checkpoint
from ..source import Asked, Source
from ..spelling import Spelled
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
    bounded : bool
        Whether ``--lipschitz-bound`` means something.
    """

    title: str
    recognises: Callable[[Spelled], bool]
    read: Callable[[Source, Asked], Checkpoint]
    bounded: bool = False


OWN = Format("W (or A, B, m), U, b, O, c", own.recognises, own.read)
FORMATS = (
    Format("a quadratic program (P, q, theta)", quadratic_program.recognises, quadratic_program.read),
    Format("Winston & Kolter, convolutional", convolution.recognises, convolution.read),
    Format("LBEN with a Lipschitz bound", lben.recognises_bounded, lben.read_bounded, True),
    Format("LBEN (mon.linear_module.{psi,V,S,U})", lben.recognises, lben.read),
    Format("NEMON (mon.linear_module.{A,d,U})", nemon.recognises, nemon.read),
    Format("Winston & Kolter (mon.linear_module.{A,B,U})", winston_kolter.recognises, winston_kolter.read),
    Format("arXiv 2603.10562 (mon.core.*)", li_2026.recognises, li_2026.read),
    Format(
        "recurrent equilibrium network (A, B1, B2, C1, D11, D12, C2, D21, D22, bx, bv, by)", ren.recognises, ren.read
    ),
    Format("implicit model (A, B, C, D)", implicit.recognises, implicit.read),
    OWN,
)


def find_format(given: Spelled) -> Format | None:
    """The family of these arrays; None for none."""
    return next((known for known in FORMATS if known.recognises(given)), None)
