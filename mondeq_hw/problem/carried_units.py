"""The units of a carried state: its words have the format of the input's; powers of two, which are exact, fill them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import FixedPointFormat, InputError
from .model import CarriedState, MonDEQ

#: Share of a word that the largest state seen may take: the rest is for inputs that were not seen.
FILLED = 0.5


def in_words(model: MonDEQ, words: FixedPointFormat, inputs: np.ndarray) -> MonDEQ:
    """The same network, its carried state in units in which what was seen of it fills the words.

    Parameters
    ----------
    model : MonDEQ
    words : FixedPointFormat
        Of inputs and state.
    inputs : ndarray (samples, columns)
        As :func:`sequence` gives them.
    """
    if model.carried is None:
        return model
    if not words.signed:
        raise InputError(
            f"{model.source}: carries a state, which has a sign, in words of the input's format; expected a signed "
            "input format, for example --input-format 'ap_fixed<16,4>' or a range that is"
        )
    peak = np.maximum(np.abs(inputs[:, model.d :]).max(axis=0), np.abs(model.carried.initial))
    most = FILLED * words.max_word * words.step
    with np.errstate(divide="ignore"):
        exponents = np.where(peak > 0, np.floor(np.log2(most / peak)), 0).astype(np.int64)
    return in_units(model, exponents)


def in_units(model: MonDEQ, exponents: np.ndarray) -> MonDEQ:
    """The same network on ``h' = 2**exponents h``.

    Parameters
    ----------
    model : MonDEQ
        With a carried state.
    exponents : ndarray of int64 (m,)
    """
    carried, F = model.carried, model.F
    if carried is None or F is None:
        raise InputError(f"{model.source}: carries no state")
    up = np.append(np.zeros(model.k, dtype=np.int64), exponents)
    down = np.append(np.zeros(model.d, dtype=np.int64), -exponents)
    return replace(
        model,
        U=np.ldexp(model.U, down),
        O=np.ldexp(model.O, up[:, None]),
        c=np.ldexp(model.c, up),
        F=np.ldexp(F, up[:, None] + down),
        carried=CarriedState(np.ldexp(carried.initial, exponents), carried.exponents + exponents),
    )
