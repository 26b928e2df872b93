"""Lower a trained network to integers: every automatic choice of the compiler is made here.

Step size, rounding, word lengths and state range; what the caller fixes is
kept, what is left open (``None``) is chosen and can be read off the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from ..base import MOST_MATRIX_BITS, FixedPointFormat, InputError, blas_threads, max_level
from ..problem import (
    PEACEMAN_RACHFORD,
    MonDEQ,
    Recurrence,
    StoredRecurrence,
    find_splitting,
    in_words,
    preactivation,
    reformulate,
    sequence,
    state_of,
)
from ..proof import ContractionProof, Proof, error_bound, is_small, prove_contraction, state_ranges
from .assemble import assemble
from .calibrate import WordLengths, calibration, round_calibrated
from .compensate import Box, compensated, least_error
from .quantize import (
    MAX_SHIFT,
    ROW,
    DenseOperator,
    QuantizedRecurrence,
    quantize_nearest,
    quantized_of,
    to_levels,
)
from .spectral import contraction_estimate, round_spectral
from .step_size import LARGE, StepSearch

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
#: Of the bound on the equilibrium: what rounding the state may cause at most, as long as the state's length is free.
ROUNDING_SHARE = Fraction(1, 64)
#: A drive coarser than this costs more accuracy than it saves area: it is used once per sample.
LEAST_DRIVE_BITS = 6
#: Octaves around 1/sqrt(mL) at which step sizes are tried; each calibrated trial costs more.
STEP_OCTAVES = np.arange(-8, 9) / 4
#: Significant bits of those of a large network.
STEP_BITS = 8
CALIBRATED_OCTAVES = np.array([-0.75, -0.25, 0.25, 0.75])
#: Step size of a parametric problem, whose scaling holds the best one already.
SCALED_STEP = 1.0
#: Octaves by which spectral rounding refines the scales until the matrix contracts.
SPECTRAL_REFINEMENTS = (0, 1, 2)
#: Integer bits of a state beyond those seen that are tried where a proof needs them.
MORE_INTEGER_BITS = 2
#: States below ``2^-256`` are taken for zero: the inverse of a step far below would leave floating point.
FEWEST_INTEGER_BITS = -256
#: Of so many inputs at most the corners of their box are looked at.
CORNER_INPUTS = 8
#: States beyond this many samples do not change the range that is seen.
RANGE_SAMPLES = 2048


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


@dataclass(frozen=True)
class Lowered:
    """Integers, formats and the proof, if there is one.

    Parameters
    ----------
    quantized : QuantizedRecurrence
    input_format, state_format : FixedPointFormat
    rounding : str
        The rounding that was used, never ``auto``; ``retrained`` where there was nothing to round, ``compensated``
        where the nearest one's drive makes up for the matrix.
    proof : ContractionProof or None
    contraction_estimate : float
        ``min_D ||D M D^-1||_2`` of the stored matrix in floating point; what
        a refusal reports when there is no proof.
    model : MonDEQ
        What was lowered: a carried state is in the units of its words.
    ranges : tuple of pairs of Proof or None
        That no state of any input's equilibrium saturates, where a semidefinite program proved it.
    """

    quantized: QuantizedRecurrence
    input_format: FixedPointFormat
    state_format: FixedPointFormat
    rounding: str
    proof: ContractionProof | None
    contraction_estimate: float
    model: MonDEQ
    ranges: tuple[tuple[Proof, Proof], ...] | None = None

    @property
    def step_size(self) -> float:
        """``alpha``, which the integers have folded in."""
        return self.quantized.recurrence.step_size


def lower(model: MonDEQ, options: LoweringOptions, samples: np.ndarray | None = None) -> Lowered:
    """Quantise a model.

    Parameters
    ----------
    model : MonDEQ
    options : LoweringOptions
    samples : ndarray (samples, d), optional
        Raw inputs of training samples: required by the calibrated
        rounding, and used for the range of the state.

    Returns
    -------
    Lowered
        ``proof`` is ``None`` when no contraction could be proved.

    Raises
    ------
    InputError
        An option is out of range, or calibrated rounding has no samples.
    """
    threads = blas_threads()
    # One a product: the order of summation, and with it the integers, must not depend on the number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return _lower(model, options, samples, threads)


def _lower(model: MonDEQ, options: LoweringOptions, samples: np.ndarray | None, threads: int) -> Lowered:
    _check(model, options, samples)
    if model.stored is not None:
        return _as_stored(model, model.stored, options)
    input_format = _input_format(model, options)
    options = options if model.carried is None else _finer(options)
    if model.parameters is not None:
        options = _balanced(options)
    if model.carried is not None:
        given = (noise(model) if samples is None else samples)[:RANGE_SAMPLES]
        model = in_words(model, input_format, sequence(model, given)[0])
        inputs = sequence(model, given)[0]
        words, samples = inputs, None if samples is None else inputs
    else:
        words = noise(model) if samples is None else samples[:RANGE_SAMPLES]
    # Calibrated rounding refits the readout, which would cost a parametric problem its exact bounds.
    calibrating = options.rounding == CALIBRATED or (options.rounding == AUTO and model.parameters is None)
    if samples is not None and calibrating:
        quantized, rounding = _round_with_samples(model, options, input_format, samples), CALIBRATED
    else:
        quantized, rounding = _round_without_samples(model, options, threads)
    proof = prove_contraction(quantized.matrix, quantized.recurrence.leak_shift)
    lowered = Lowered(
        quantized=quantized,
        input_format=input_format,
        state_format=_state_format(model, quantized, options, words),
        rounding=rounding,
        proof=proof,
        contraction_estimate=_estimate(quantized, proof),
        model=model,
    )
    if options.state_bits is None:
        lowered = _with_enough_state_bits(lowered)
    return lowered if model.parameters is None else with_proved_range(lowered, keep_length=True)


def _balanced(options: LoweringOptions) -> LoweringOptions:
    """The options of a parametric problem: word lengths by which no part of the error stands out."""
    matrix = min(MOST_MATRIX_BITS, options.bits + 4)
    return replace(
        options,
        drive_bits=options.drive_bits or matrix,
        readout_bits=options.readout_bits or max(READOUT_BITS, matrix),
        state_bits=options.state_bits or max(STATE_BITS, options.bits + 6),
    )


def _finer(options: LoweringOptions) -> LoweringOptions:
    """The options of a network that carries a state."""
    return replace(
        options,
        drive_bits=options.drive_bits or CARRIED_MATRIX_BITS,
        readout_bits=options.readout_bits or CARRIED_MATRIX_BITS,
        state_bits=options.state_bits or CARRIED_STATE_BITS,
    )


def _with_enough_state_bits(lowered: Lowered) -> Lowered:
    """The fewest bits, at least those it has, that rounding leaves as little of as :data:`ROUNDING_SHARE`."""
    if lowered.proof is None:
        return lowered
    enough = lowered
    for bits in range(lowered.state_format.word_length, MOST_STATE_BITS + 1):
        longer = with_state_bits(lowered, bits)
        try:
            draft = assemble(longer.quantized, longer.input_format, longer.state_format, 1, True)
        except InputError:  # a bias would have too many bits
            break
        enough, bound = longer, error_bound(draft, lowered.proof)
        if bound.start == 0 or bound.rounding <= ROUNDING_SHARE * bound.start * (1 - bound.contraction_factor):
            break
    return enough


def with_state_bits(lowered: Lowered, state_bits: int) -> Lowered:
    """What :func:`lower` returns for another word length of the state: the same but for that."""
    return replace(lowered, state_format=replace(lowered.state_format, word_length=state_bits), ranges=None)


def with_integer_bits(lowered: Lowered, more: int, keep_length: bool) -> Lowered | None:
    """The same with so many more integer bits of the state, and as many more in all; None beyond the longest word."""
    form = lowered.state_format
    length = form.word_length + (0 if keep_length else more)
    if length > MOST_STATE_BITS:
        return None
    return replace(lowered, state_format=FixedPointFormat(length, form.integer_bits + more), ranges=None)


def _as_stored(model: MonDEQ, stored: StoredRecurrence, options: LoweringOptions) -> Lowered:
    """The integers of a retrained network, not one of them changed."""
    source = model.source
    has: dict[str, object] = {
        "bits": stored.matrix.word_length,
        "drive_bits": stored.drive.word_length,
        "readout_bits": stored.readout.word_length,
        "state_bits": stored.state_format.word_length,
        "input_bits": stored.input_format.word_length,
        "solver": stored.solver,
        "step_size": stored.step_size,
    }
    for name, value in has.items():
        if getattr(options, name) not in (None, value):
            raise InputError(
                f"{source}: {name} is {getattr(options, name)}, but the network was retrained for {value} and its "
                f"integers are stored as they are; leave the option out, give {value}, or compile the float network"
            )
    if options.rounding != AUTO:
        raise InputError(
            f"{source}: rounding is {options.rounding!r}, but a retrained network is not rounded; leave it"
        )
    quantized, proof = quantized_of(stored), prove_contraction(stored.matrix, stored.leak_shift)
    return Lowered(
        quantized=quantized,
        input_format=stored.input_format,
        state_format=stored.state_format,
        rounding=RETRAINED,
        proof=proof,
        contraction_estimate=_estimate(quantized, proof),
        model=model,
    )


# -- step size ---------------------------------------------------------------


def _candidates(model: MonDEQ, options: LoweringOptions, octaves: np.ndarray) -> list[Recurrence]:
    """The recurrence at the given step size, or at several around the best one."""
    splitting = find_splitting(options.solver)
    return [reformulate(model, splitting, step) for step in _step_sizes(model, options, octaves)]


def _step_sizes(model: MonDEQ, options: LoweringOptions, octaves: np.ndarray) -> list[float]:
    if options.step_size is not None:
        return [options.step_size]
    splitting = find_splitting(options.solver)
    steps = splitting.step_sizes(model.measured_margin, model.measured_lipschitz, octaves)
    return steps if model.n < LARGE else [_shortened(step) for step in steps]


def _shortened(step: float) -> float:
    """With few digits, so that the proofs' products of it fit 64 bits: a step size is as good as its neighbours."""
    fraction, exponent = math.frexp(step)
    return math.ldexp(round(math.ldexp(fraction, STEP_BITS)), exponent - STEP_BITS)


# -- rounding ----------------------------------------------------------------


def _round_with_samples(
    model: MonDEQ, options: LoweringOptions, input_format: FixedPointFormat, samples: np.ndarray
) -> QuantizedRecurrence:
    seen = input_format.to_float(input_format.quantize(samples))
    recurrences = _candidates(model, options, CALIBRATED_OCTAVES)
    lengths = WordLengths(options.bits, _drive_bits(options), _readout_bits(options), options.granularity)
    limit = min(map(_norm_limit, recurrences))
    return round_calibrated(recurrences, calibration(model, samples, seen), lengths, limit)


def _round_for_box(model: MonDEQ, options: LoweringOptions) -> tuple[QuantizedRecurrence, str] | None:
    """Nearest rounding, its drive made up for or not, whichever errs less; None where it does not contract as it is."""
    splitting = find_splitting(options.solver)
    if not splitting.reflects:
        return None
    nearest = _nearest(reformulate(model, splitting, options.step_size or SCALED_STEP), options)
    if _contraction(nearest.recurrence, nearest.matrix.values, enough=np.inf) >= 1:
        return None
    if model.carried is not None:  # what is carried is in no box
        return nearest, NEAREST
    box = Box.of(model)
    made_up = compensated(nearest, box, model, options.granularity)
    best = least_error([nearest, made_up], box)
    return best, COMPENSATED if best is made_up else NEAREST


def _round_without_samples(model: MonDEQ, options: LoweringOptions, threads: int) -> tuple[QuantizedRecurrence, str]:
    """Nearest or spectral rounding, at the step size of least quantised contraction factor."""
    if options.rounding == AUTO and model.parameters is not None:
        found = _round_for_box(model, options)
        if found is not None:
            return found
    splitting = find_splitting(options.solver)
    search = StepSearch(model.W, splitting, options.bits, options.granularity, threads)
    best = search.fastest(_step_sizes(model, options, STEP_OCTAVES))
    nearest = _nearest(reformulate(model, splitting, best.step_size), options)
    if options.rounding == NEAREST or (options.rounding == AUTO and best.stored_factor < 1):
        return nearest, NEAREST
    return replace(nearest, matrix=_spectral(nearest)), SPECTRAL


def _spectral(nearest: QuantizedRecurrence) -> DenseOperator:
    """Flipped roundings; where they are not enough, finer scales, whose levels clip sooner and sum to less."""
    recurrence, matrix = nearest.recurrence, nearest.matrix
    limit = _norm_limit(recurrence)
    attempts = []
    for refinement in SPECTRAL_REFINEMENTS:
        shifts = np.minimum(matrix.shifts + refinement, MAX_SHIFT)
        scaled = np.ldexp(recurrence.matrix, shifts[:, None])
        start = DenseOperator(to_levels(scaled, matrix.word_length), shifts, matrix.word_length)
        attempts.append(round_spectral(recurrence.matrix, start, recurrence.leak, limit))
        if _contraction(recurrence, attempts[-1].values, enough=1.0) < 1:
            return attempts[-1]
    return attempts[0]


def _nearest(recurrence: Recurrence, options: LoweringOptions) -> QuantizedRecurrence:
    granularity, direct = options.granularity, recurrence.feedthrough
    return QuantizedRecurrence(
        recurrence=recurrence,
        matrix=quantize_nearest(recurrence.matrix, options.bits, granularity, recurrence.leak_shift),
        drive=quantize_nearest(recurrence.drive, _drive_bits(options), granularity, -MAX_SHIFT),
        readout=quantize_nearest(recurrence.readout, _readout_bits(options), granularity, -MAX_SHIFT),
        drive_bias=recurrence.drive_bias,
        readout_bias=recurrence.readout_bias,
        feedthrough=None if direct is None else quantize_nearest(direct, _drive_bits(options), granularity, -MAX_SHIFT),
    )


def _estimate(quantized: QuantizedRecurrence, proof: ContractionProof | None) -> float:
    """The proved norm, measured; without a proof the smallest that a search of weightings finds."""
    return _contraction(quantized.recurrence, quantized.matrix.values) if proof is None else proof.weighted_norm


def _norm_limit(recurrence: Recurrence) -> float:
    """Half-way from the float network's contraction factor to one: fast enough, and little is given up for it."""
    return (1 + _contraction(recurrence, recurrence.matrix, 1.0)) / 2


def _contraction(recurrence: Recurrence, matrix: np.ndarray, enough: float = 0.0) -> float:
    return contraction_estimate(matrix + recurrence.leak * np.eye(len(matrix)), enough)


# -- formats -----------------------------------------------------------------


def _drive_bits(options: LoweringOptions) -> int:
    return max(LEAST_DRIVE_BITS, options.bits) if options.drive_bits is None else options.drive_bits


def _readout_bits(options: LoweringOptions) -> int:
    return READOUT_BITS if options.readout_bits is None else options.readout_bits


def _input_format(model: MonDEQ, options: LoweringOptions) -> FixedPointFormat:
    """That of the raw words, of which only the leading bits may be kept, rounded."""
    raw = model.input_map.words.format
    return replace(raw, word_length=options.input_bits or raw.word_length)


def _state_format(
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


def with_proved_range(lowered: Lowered, keep_length: bool) -> Lowered:
    """With as many more integer bits as a semidefinite program needs to prove that no equilibrium saturates, if few."""
    if lowered.proof is None:
        return lowered
    for more in range(MORE_INTEGER_BITS + 1):
        wider = with_integer_bits(lowered, more, keep_length)
        if wider is None:
            break
        program = assemble(wider.quantized, wider.input_format, wider.state_format, 1, True)
        if not is_small(program):
            break
        ranges = state_ranges(program.memoryless)
        if ranges is not None:
            return replace(wider, ranges=ranges)
    return lowered


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


# -- checks ------------------------------------------------------------------


def _check(model: MonDEQ, options: LoweringOptions, samples: np.ndarray | None) -> None:
    splitting = find_splitting(options.solver)
    _one_of("rounding", options.rounding, ROUNDINGS)
    for word_length in (options.bits, _drive_bits(options), _readout_bits(options)):
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
