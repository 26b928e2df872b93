"""From a float problem to integers: every rounding, scale and word length is chosen here.

Takes a ``MonDEQ``, options and calibration samples; gives ``Lowered`` and, assembled, a ``SolverProgram``.
"""

from __future__ import annotations

from .assemble import assemble
from .lower import RANGE_SAMPLES, lower
from .lowered import Lowered, with_integer_bits, with_state_bits
from .options import (
    CALIBRATED,
    LEAST_DRIVE_BITS,
    MOST_STATE_BITS,
    NEAREST,
    RETRAINED,
    ROUNDINGS,
    SPECTRAL,
    STATE_BITS,
    LoweringOptions,
)
from .quantize import MAX_SHIFT, QuantizedRecurrence, quantized_of, to_levels
from .saturation import with_proved_range, without_saturation
from .state_range import noise

__all__ = [
    "CALIBRATED",
    "LEAST_DRIVE_BITS",
    "MAX_SHIFT",
    "MOST_STATE_BITS",
    "NEAREST",
    "RANGE_SAMPLES",
    "RETRAINED",
    "ROUNDINGS",
    "SPECTRAL",
    "STATE_BITS",
    "Lowered",
    "LoweringOptions",
    "QuantizedRecurrence",
    "assemble",
    "lower",
    "noise",
    "quantized_of",
    "to_levels",
    "with_integer_bits",
    "with_proved_range",
    "with_state_bits",
    "without_saturation",
]
