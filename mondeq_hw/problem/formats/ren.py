"""Recurrent equilibrium networks (Revay, Wang, Manchester, arXiv 2104.05942), explicit parameters.

As RobustNeuralNetworks.jl names them, with input ``u``, output ``y`` and state ``x``::

    x+ = A x + B1 w + B2 u + bx
    v  = C1 x + D11 w + D12 u + bv,    w = relu(v)
    y  = C2 x + D21 w + D22 u + by

``D11`` may be strictly lower triangular or full; optional ``x0`` is the state before the first sample, zero otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from ...base import InputError, InputWarning
from ..checkpoint import Checkpoint
from ..coordinates import dominant_metric, in_coordinates
from ..model import CarriedState, MonDEQ, monotonicity_margin
from ..source import Asked, Source
from ..spelling import Spelled
from ..task import VALUES

_BIASES = ("bx", "bv", "by")
#: Names that no other family has.
_PARTICULAR = ("B1", "B2", "C1", "C2", "D11", "D12", "D21", "D22")
#: All of them; a direct parametrisation has others (``E``, ``Lambda``, ...), and its ``B1`` is not this one.
ARRAYS = frozenset(("A", *_PARTICULAR, *_BIASES, "x0"))
#: Of ``I - D11`` in the coordinates that are taken; its margin cannot exceed 1.
LEAST_MARGIN = 0.25
RATIO_STEP = 1.125


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return sum(key in given.arrays for key in _PARTICULAR) > len(_PARTICULAR) / 2  # the reader names what is missing


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`.

    Warns
    -----
    InputWarning
        ``D11`` is strictly upper triangular, as that of a file whose matrices are transposed.
    """
    A, W = source.square("A"), source.square("D11")
    if W.any() and not np.tril(W).any():
        warnings.warn(
            f"{source.where}: D11 is strictly upper triangular, that of RobustNeuralNetworks.jl strictly lower; read "
            "as it is. If the matrices were written transposed (Julia's columns as rows, as HDF5 has them), transpose "
            "all of them",
            InputWarning,
            stacklevel=2,
        )
    m, n = len(A), len(W)
    B1, C1 = source.array("B1", (m, n)), source.array("C1", (n, m))
    B2, D12 = source.array("B2", (m, None)), source.array("D12", (n, None))
    d = B2.shape[1]
    C2 = source.array("C2", (None, m))
    D12, D21 = source.array("D12", (n, d)), source.array("D21", (len(C2), n))
    D22 = source.array("D22", (len(C2), d))
    bx, bv, by = (source.array(key, (size,)) for key, size in zip(_BIASES, (m, n, len(C2)), strict=True))
    initial = source.array("x0", (m,)) if "x0" in source.keys else np.zeros(m)
    model = MonDEQ(
        W=W,
        U=np.hstack([D12, C1]),
        b=bv,
        O=np.vstack([D21, B1]),
        c=np.append(by, bx),
        monotonicity_margin=monotonicity_margin(W),
        source=source.file_name,
        clip=source.activation(n),
        task=VALUES.name,
        F=np.block([[D22, C2], [B2, A]]),
        carried=CarriedState.starting(initial),
    )
    return Checkpoint(monotone(model))


def monotone(model: MonDEQ) -> MonDEQ:
    """The network in coordinates of its states in which ``I - D11`` is monotone.

    A strictly lower triangular ``D11`` always has some: its entries fall with powers of a ratio.

    Raises
    ------
    InputError
        There are none that we find.
    """
    if not np.triu(model.W).any():
        return next(found for found in _in_ratios(model) if found.monotonicity_margin >= LEAST_MARGIN)
    if model.monotonicity_margin > 0:
        return model
    factors = dominant_metric(model.W)
    if factors is None:
        raise InputError(
            f"{model.source}: I - D11 has no positive margin ({model.monotonicity_margin:.4g}) and is not diagonally "
            "dominant in any weighting; expected a strictly lower triangular D11, or one of a well-posed network"
        )
    return in_coordinates(model, factors)


def _in_ratios(model: MonDEQ) -> Iterator[MonDEQ]:
    """In ever more spread coordinates, the first those of the file."""
    ratio = 1.0
    while True:
        yield in_coordinates(model, ratio ** np.arange(model.n))
        ratio *= RATIO_STEP
