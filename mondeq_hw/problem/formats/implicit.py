"""El Ghaoui's implicit models (torchidl): ``x = relu(A x + B u)``, ``y = C x + D u`` with ``||A||_inf < 1``."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..model import MonDEQ
from ..source import Asked, Source
from ..spelling import Spelled
from .nemon import in_plain_norm


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return all(key in given.arrays for key in "ABCD") and "U" not in given.arrays


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    A = source.square("A")
    B, C = source.array("B", (len(A), None)), source.array("C", (None, len(A)))
    D = source.array("D", (len(C), B.shape[1]))
    zeros = np.zeros(len(A)), np.zeros(len(C))
    model = MonDEQ(A, B, zeros[0], C, zeros[1], 1.0, source=source.file_name, F=D if D.any() else None)
    return Checkpoint(in_plain_norm(model))
