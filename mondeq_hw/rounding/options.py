"""What of lowering the user may fix, and what it is where that is left open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base import MOST_MATRIX_BITS, InputError, max_level
from ..problem import PEACEMAN_RACHFORD, MonDEQ, find_splitting
from .quantize import ROW

NEAREST = "nearest"
SPECTRAL = "spectral"
CALIBRATED = "calibrated"
AUTO = "auto"
ROUNDINGS = (AUTO, NEAREST, SPECTRAL, CALIBRATED)
#: Not a choice: nearest, with a drive that makes up for what the matrix lost.
COMPENSATED = "compensated"
#: Not a choice: what a network that was retrained on its integers reports.
RETRAINED = "retrained"

READOUT_BITS = 8
#: The state's word length where convergence is not slow: its rounding is not to be most of the proved distance.
STATE_BITS, STATE_BITS_BEYOND = 12, 4
#: What a carried state is made of stays in it: drive, readout and state of its network are finer.
CARRIED_MATRIX_BITS, CARRIED_STATE_BITS = 16, 18
MOST_STATE_BITS = 32
#: A drive coarser than this costs more accuracy than it saves area: it is used once per sample.
LEAST_DRIVE_BITS = 6


@dataclass(frozen=True)
class LoweringOptions:
    """What the user may fix; ``None`` leaves the choice to :func:`lower`.

    Parameters
    ----------
    bits : int
        Word length of the iteration matrix, 1 to 18.
    solver : {"peaceman_rachford", "forward_backward"}
    rounding : {"auto", "nearest", "spectral", "calibrated"}
        ``auto``: calibrated with calibration samples, otherwise nearest and,
        where that cannot be proved, spectral.
    granularity : {"row", "tensor"}
    drive_bits, readout_bits, state_bits, input_bits : int, optional
    step_size : float, optional
        ``alpha``; a power of two for forward-backward.
    """

    bits: int
    solver: str = PEACEMAN_RACHFORD
    rounding: str = AUTO
    granularity: str = ROW
    drive_bits: int | None = None
    readout_bits: int | None = None
    state_bits: int | None = None
    input_bits: int | None = None
    step_size: float | None = None


def drive_bits(options: LoweringOptions) -> int:
    """The drive's word length."""
    return max(LEAST_DRIVE_BITS, options.bits) if options.drive_bits is None else options.drive_bits


def readout_bits(options: LoweringOptions) -> int:
    """The readout's word length."""
    return READOUT_BITS if options.readout_bits is None else options.readout_bits


def balanced(options: LoweringOptions) -> LoweringOptions:
    """The options of a parametric problem: word lengths by which no part of the error stands out."""
    matrix = min(MOST_MATRIX_BITS, options.bits + 4)
    return replace(
        options,
        drive_bits=options.drive_bits or matrix,
        readout_bits=options.readout_bits or max(READOUT_BITS, matrix),
        state_bits=options.state_bits or max(STATE_BITS, options.bits + 6),
    )


def finer(options: LoweringOptions) -> LoweringOptions:
    """The options of a network that carries a state."""
    return replace(
        options,
        drive_bits=options.drive_bits or CARRIED_MATRIX_BITS,
        readout_bits=options.readout_bits or CARRIED_MATRIX_BITS,
        state_bits=options.state_bits or CARRIED_STATE_BITS,
    )


def check(model: MonDEQ, options: LoweringOptions, samples: np.ndarray | None) -> None:
    """Refuse options out of range, and samples (samples, d) that are missing or not the model's.

    Raises
    ------
    InputError
    """
    splitting = find_splitting(options.solver)
    _one_of("rounding", options.rounding, ROUNDINGS)
    for word_length in (options.bits, drive_bits(options), readout_bits(options)):
        max_level(word_length)
    _between("state-bits", options.state_bits, 2, MOST_STATE_BITS)
    _between("input-bits", options.input_bits, 1, model.input_map.words.format.word_length)
    if options.step_size is not None and not (np.isfinite(options.step_size) and options.step_size > 0):
        raise InputError(f"step size is {options.step_size}; expected a positive number")
    if options.step_size is not None:
        splitting.leak_shift(options.step_size)
    if options.rounding == CALIBRATED and samples is None:
        raise InputError("calibrated rounding got no calibration samples; name a data set, or use --rounding spectral")
    if samples is not None and (samples.ndim != 2 or samples.shape[1] != model.d or len(samples) == 0):
        raise InputError(f"calibration samples have shape {samples.shape}; the model expects (samples, {model.d})")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"{name} is {value!r}; expected one of {', '.join(allowed)}")


def _between(name: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise InputError(f"{name} is {value}; expected {low} to {high}")
