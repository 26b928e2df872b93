"""The state's format, from the equilibria that are seen: samples, noise, corners of the box of inputs."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..base import FixedPointFormat
from ..problem import MonDEQ, preactivation, state_of
from .options import STATE_BITS, STATE_BITS_BEYOND, LoweringOptions
from .quantize import QuantizedRecurrence

#: Integer bits of a state beyond those seen that are tried where a proof needs them.
MORE_INTEGER_BITS = 2
#: States below ``2^-256`` are taken for zero: the inverse of a step far below would leave floating point.
FEWEST_INTEGER_BITS = -256
#: Of so many inputs at most the corners of their box are looked at.
CORNER_INPUTS = 8


def state_format(
    model: MonDEQ, quantized: QuantizedRecurrence, options: LoweringOptions, words: np.ndarray
) -> FixedPointFormat:
    """The fewest integer bits that hold every equilibrium seen; what lies outside saturates, which is harmless.

    Where the box of inputs has few corners and their equilibria are not far off, those too: then every input is near
    the float network, and not only those like the samples.
    """

    def magnitude_bits(words: np.ndarray) -> int:
        states = state_of(model.prox, preactivation(model, words), quantized.recurrence.step_size)
        peak = float(np.abs(states).max(initial=0.0))
        return max(FEWEST_INTEGER_BITS, int(np.floor(np.log2(peak))) + 1) if peak > 0 else 0

    seen = magnitude_bits(words)
    if model.d <= CORNER_INPUTS and model.carried is None:
        reached = magnitude_bits(_corners(model))
        seen = max(seen, reached) if reached <= seen + MORE_INTEGER_BITS else seen
    chosen = max(STATE_BITS, options.bits + STATE_BITS_BEYOND)
    word_length = chosen if options.state_bits is None else options.state_bits
    return FixedPointFormat(word_length, seen + 1)


def noise(model: MonDEQ) -> np.ndarray:
    """Stand-ins for samples (256, d) where there are none: noise from sparse to dense."""
    rng = np.random.default_rng(0)
    density = rng.random((256, 1))
    form, (first, last) = model.input_map.words.format, model.input_map.words.ends
    words = rng.integers(first, last + 1, size=(256, model.d))
    return form.to_float(np.where(rng.random(words.shape) < density, words, 0))


def _corners(model: MonDEQ) -> np.ndarray:
    """Of the box of inputs (2^d, d)."""
    form, ends = model.input_map.words.format, model.input_map.words.ends
    choices = np.column_stack([np.broadcast_to(end, model.d) for end in ends])
    return form.to_float(np.array(list(product(*choices))))
