"""Winston & Kolter's reference code, and CRAFT's: one fully connected layer.

``mon.linear_module.{U.weight, U.bias, A.weight, B.weight}``, ``Wout.{weight, bias}``; the
margin is not stored (a live module or TorchScript has it as ``m``).
"""

from __future__ import annotations

from ..checkpoint import Checkpoint
from ..model import MonDEQ
from ..preprocessing import MNIST_PREPROCESSING, Preprocessing
from ..source import Asked, Source, parametrised
from ..spelling import LAYER, Spelled

READOUT = ("Wout.weight", "Wout.bias")
#: Inputs of a network that takes MNIST's images.
MNIST_INPUTS = 784


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return any(key.startswith(LAYER) for key in given.arrays)


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    margin = source.margin(asked.margin, LAYER + "m")
    B = source.square(LAYER + "B.weight")
    A = source.array(LAYER + "A.weight", (None, len(B)))
    injection = source.injection(LAYER + "U.weight", LAYER + "U.bias", len(B))
    model = source.model(parametrised(margin, A, B), injection, READOUT, margin)
    return Checkpoint(model, usual=usual(model))


def usual(model: MonDEQ) -> Preprocessing | None:
    """What the reference codes do with MNIST's pixels; None for a network that does not take them."""
    return MNIST_PREPROCESSING if model.d == MNIST_INPUTS else None
