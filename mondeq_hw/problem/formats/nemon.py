"""Non-Euclidean monotone operator networks (NEMON; Jafarpour and others, arXiv 2106.03194).

``W = m I + D^-1 A D - diag(|A| 1)``:

``mon.linear_module.{A.weight, d, U.weight, U.bias}`` with ``D = diag(exp(d))``; ``Wout.{weight, bias}``;
``m < 1``, perhaps 0 as in the authors' experiments, is not stored.

``W`` is monotone in a weighted infinity-norm, so ``I - W`` is diagonally
dominant, and that makes it a MonDEQ in the coordinates of :func:`.dominant_metric`.
"""

from __future__ import annotations

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint
from ..coordinates import dominant_metric, in_coordinates
from ..model import MonDEQ
from ..source import Asked, Source
from ..spelling import LAYER, Spelled
from .winston_kolter import READOUT, usual


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return all(LAYER + key in given.arrays for key in ("A.weight", "d")) and LAYER + "B.weight" not in given.arrays


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    margin = source.stated_margin(asked.margin, LAYER + "m")
    A = source.square(LAYER + "A.weight")
    D = np.exp(source.array(LAYER + "d", (len(A),)))
    W = margin * np.eye(len(A)) + A * D / D[:, None] - np.diag(np.abs(A).sum(axis=1))
    injection = source.injection(LAYER + "U.weight", LAYER + "U.bias", len(A))
    model = in_plain_norm(source.model(W, injection, READOUT, margin))
    return Checkpoint(model, usual=usual(model))


def in_plain_norm(model: MonDEQ) -> MonDEQ:
    """A network that is monotone in a weighted infinity-norm as one that is so in the plain norm."""
    factors = dominant_metric(model.W)
    if factors is None:
        raise InputError(
            f"{model.source}: I - W is not diagonally dominant in any weighting, so this network has no unique "
            "equilibrium in an infinity-norm; expected a margin m below 1 (NEMON), or rows of A that sum to less than 1"
        )
    return in_coordinates(model, factors)
