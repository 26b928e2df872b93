"""El Ghaoui's implicit models (torchidl): ``x = relu(A x + B u)``, ``y = C x + D u`` with ``||A||_inf <= kappa < 1``.

``A, B, C, D``; perhaps no ``D``, and ``L, R`` for ``A = L R'`` of low rank.  torchidl stores the matrix as its
optimiser left it, and scales it down to ``kappa`` wherever it is evaluated; of a low rank each factor, and a strictly
triangular one, which is a feed-forward network, not at all.  ``kappa`` is not stored, nor that the last input is a
constant 1 (``bias=True``); a live module has both.
"""

from __future__ import annotations

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint
from ..model import MonDEQ
from ..source import MARGIN_TOLERANCE, Asked, Source
from ..spelling import Spelled
from .nemon import in_plain_norm

#: torchidl's own, at which and below which a matrix whose bound nobody says is taken as it is.
USUAL_BOUND = 0.99


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    keys = given.arrays.keys()
    return {"B", "C"} <= keys and ("A" in keys or {"L", "R"} <= keys) and "U" not in keys


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    bound = _bound(source, asked)
    if "A" in source.keys:
        A = source.square("A")
        if np.tril(A).any() and np.triu(A).any():
            A = _scaled(source, A, bound)
    else:
        L = source.array("L", (None, None))
        A = _scaled(source, L, bound) @ _scaled(source, source.array("R", L.shape).T, bound)
    B, C = source.array("B", (len(A), None)), source.array("C", (None, len(A)))
    D = source.array("D", (len(C), B.shape[1])) if "D" in source.keys else np.zeros((len(C), B.shape[1]))
    b, c = np.zeros(len(A)), np.zeros(len(C))
    if "has_bias" in source.keys:
        B, b, D, c = B[:, :-1], B[:, -1], D[:, :-1], D[:, -1]
    model = MonDEQ(A, B, b, C, c, 1.0, source=source.file_name, F=D if D.any() else None)
    return Checkpoint(in_plain_norm(model))


def _bound(source: Source, asked: Asked) -> float | None:
    """``kappa``; None where nobody says it."""
    stored = 1 - float(source.array("kappa", ())) if "kappa" in source.keys else None
    source.agree(stored, asked.margin)
    margin = asked.margin if stored is None else stored
    if margin is not None and not 0 < margin < 1:
        raise InputError(f"{source.where}: --margin is {margin:g}; expected 1 - kappa of torchidl, above 0 and below 1")
    return None if margin is None else 1 - margin


def _scaled(source: Source, matrix: np.ndarray, bound: float | None) -> np.ndarray:
    """The matrix that is evaluated."""
    norm = np.abs(matrix).sum(axis=1).max()
    if bound is None and norm <= USUAL_BOUND * (1 + MARGIN_TOLERANCE):
        return matrix
    if bound is None:
        raise InputError(
            f"{source.where}: a row of its matrix sums to {norm:.6g} in absolute values, and does not store the bound "
            f"kappa to which torchidl scales it; give --margin, which is 1 - kappa of its training. A matrix "
            "that is meant as it is: save it as W, with U, b, O, c and F"
        )
    return matrix * min(1.0, bound / norm)
