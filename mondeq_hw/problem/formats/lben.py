"""Lipschitz-bounded equilibrium networks (Revay, Wang & Manchester, arXiv 2010.01732).

``mon.linear_module.{psi, V.weight, S.weight}`` with ``Psi = diag(exp(psi))``, and

- plain: ``U.{weight, bias}``, ``Wout.{weight, bias}``; ``W = I - Psi (V'V + m I + S' - S)``
- with the bound ``gamma``: ``B.{weight, bias}`` for U and ``G.{weight, bias}`` for the readout;
  ``G'G / (2 gamma) + Psi^-1 B B' Psi^-1 / (2 gamma)`` within the bracket

``I - W`` is monotone in the metric ``Psi^-1``: on ``Psi^-1/2 z`` this is a MonDEQ.
Neither ``m`` nor ``gamma`` is stored; a live module has both.
"""

from __future__ import annotations

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint
from ..coordinates import in_coordinates
from ..source import Asked, Source
from ..spelling import LAYER, Spelled
from .winston_kolter import READOUT, usual

_COMMON = ("psi", "V.weight", "S.weight")


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return all(LAYER + key in given.arrays for key in _COMMON)


def recognises_bounded(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return recognises(given) and LAYER + "G.weight" in given.arrays


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    psi, bracket = _metric(source, asked)
    injection = source.injection(LAYER + "U.weight", LAYER + "U.bias", len(psi))
    return _network(source, psi, bracket, injection, READOUT)


def read_bounded(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    psi, bracket = _metric(source, asked)
    gamma = _bound(source, asked)
    B, bias = source.injection(LAYER + "B.weight", LAYER + "B.bias", len(psi))
    G = source.array(LAYER + "G.weight", (None, len(psi)))
    scaled = B / psi[:, None]
    bracket = bracket + (G.T @ G + scaled @ scaled.T) / (2 * gamma)
    return _network(source, psi, bracket, (B, bias), (LAYER + "G.weight", LAYER + "G.bias"))


def _metric(source: Source, asked: Asked) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal of ``Psi``, and the bracket that both kinds have."""
    margin = source.margin(asked.margin, LAYER + "m")
    S = source.square(LAYER + "S.weight")
    V = source.array(LAYER + "V.weight", (None, len(S)))
    psi = np.exp(source.array(LAYER + "psi", (len(S),)))
    return psi, V.T @ V + margin * np.eye(len(S)) + S.T - S


def _network(
    source: Source,
    psi: np.ndarray,
    bracket: np.ndarray,
    injection: tuple[np.ndarray, np.ndarray],
    readout: tuple[str, str],
) -> Checkpoint:
    W = np.eye(len(psi)) - psi[:, None] * bracket
    model = in_coordinates(source.model(W, injection, readout, margin=np.nan), np.sqrt(psi))
    return Checkpoint(model, usual=usual(model))


def _bound(source: Source, asked: Asked) -> float:
    key = LAYER + "gamma"
    stored = float(source.array(key, ())) if key in source.keys else None
    if None not in (stored, asked.lipschitz_bound) and stored != asked.lipschitz_bound:
        raise InputError(
            f"{source.where}: --lipschitz-bound is {asked.lipschitz_bound:g}, but the file stores gamma = {stored:g}; "
            "leave --lipschitz-bound out"
        )
    bound = asked.lipschitz_bound if stored is None else stored
    if bound is None:
        raise InputError(
            f"{source.where}: a Lipschitz-bounded LBEN whose bound gamma is not stored; give it with --lipschitz-bound "
            "(its authors put it into the file's name)"
        )
    return bound
