"""The reference code of arXiv 2603.10562: ``mon.core.{A, S, m_raw, U, b}``, ``classifier.{weight, bias}``."""

from __future__ import annotations

import numpy as np

from ..checkpoint import Checkpoint
from ..source import Asked, Source, parametrised
from ..spelling import Spelled
from .winston_kolter import usual

CORE = "mon.core."

#: ``m = softplus(m_raw) + 1e-4`` in that code (``WKLinearFC.m``); without it the
#: margins and ``||W~ - W||`` that its authors recorded are missed by up to 0.7 %.
MARGIN_OFFSET = 1e-4


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return any(key.startswith(CORE) for key in given.arrays)


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    raw = float(source.array(CORE + "m_raw", ()))
    margin = float(np.logaddexp(0.0, raw)) + MARGIN_OFFSET
    source.agree(margin, asked.margin)
    S = source.square(CORE + "S")
    A = source.array(CORE + "A", (None, len(S)))
    injection = source.injection(CORE + "U", CORE + "b", len(S))
    model = source.model(parametrised(margin, A, S), injection, ("classifier.weight", "classifier.bias"), margin)
    return Checkpoint(model, usual=usual(model))
