"""Lower a trained network to integers: every automatic choice of the compiler is made here.

Step size, rounding, word lengths and state range; what the caller fixes is
kept, what is left open (``None``) is chosen and can be read off the result.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
from threadpoolctl import threadpool_limits

from ..base import FixedPointFormat, InputError, blas_threads
from ..problem import (
    MonDEQ,
    Recurrence,
    StoredRecurrence,
    find_splitting,
    in_words,
    reformulate,
    sequence,
)
from ..proof import ContractionProof, error_bound, prove_contraction
from .assemble import assemble
from .calibrate import WordLengths, calibration, round_calibrated
from .compensate import Box, compensated, least_error
from .lowered import Lowered, with_state_bits
from .options import (
    AUTO,
    CALIBRATED,
    COMPENSATED,
    MOST_STATE_BITS,
    NEAREST,
    RETRAINED,
    SPECTRAL,
    LoweringOptions,
    balanced,
    check,
    drive_bits,
    finer,
    readout_bits,
)
from .quantize import (
    MAX_SHIFT,
    DenseOperator,
    QuantizedRecurrence,
    quantize_nearest,
    quantized_of,
    to_levels,
)
from .saturation import with_proved_range
from .spectral import contraction_estimate, round_spectral
from .state_range import noise, state_format
from .step_size import LARGE, StepSearch

#: Of the bound on the equilibrium: what rounding the state may cause at most, as long as the state's length is free.
ROUNDING_SHARE = Fraction(1, 64)
#: Octaves around 1/sqrt(mL) at which step sizes are tried; each calibrated trial costs more.
STEP_OCTAVES = np.arange(-8, 9) / 4
#: Significant bits of those of a large network.
STEP_BITS = 8
CALIBRATED_OCTAVES = np.array([-0.75, -0.25, 0.25, 0.75])
#: Step size of a parametric problem, whose scaling holds the best one already.
SCALED_STEP = 1.0
#: Octaves by which spectral rounding refines the scales until the matrix contracts.
SPECTRAL_REFINEMENTS = (0, 1, 2)
#: States beyond this many samples do not change the range that is seen.
RANGE_SAMPLES = 2048


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
    check(model, options, samples)
    if model.stored is not None:
        return _as_stored(model, model.stored, options)
    input_format = _input_format(model, options)
    options = options if model.carried is None else finer(options)
    if model.parameters is not None:
        options = balanced(options)
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
        state_format=state_format(model, quantized, options, words),
        rounding=rounding,
        proof=proof,
        contraction_estimate=_estimate(quantized, proof),
        model=model,
    )
    if options.state_bits is None:
        lowered = _with_enough_state_bits(lowered)
    return lowered if model.parameters is None else with_proved_range(lowered, keep_length=True)


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
    lengths = WordLengths(options.bits, drive_bits(options), readout_bits(options), options.granularity)
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
        drive=quantize_nearest(recurrence.drive, drive_bits(options), granularity, -MAX_SHIFT),
        readout=quantize_nearest(recurrence.readout, readout_bits(options), granularity, -MAX_SHIFT),
        drive_bias=recurrence.drive_bias,
        readout_bias=recurrence.readout_bias,
        feedthrough=None if direct is None else quantize_nearest(direct, drive_bits(options), granularity, -MAX_SHIFT),
    )


def _estimate(quantized: QuantizedRecurrence, proof: ContractionProof | None) -> float:
    """The proved norm, measured; without a proof the smallest that a search of weightings finds."""
    return _contraction(quantized.recurrence, quantized.matrix.values) if proof is None else proof.weighted_norm


def _norm_limit(recurrence: Recurrence) -> float:
    """Half-way from the float network's contraction factor to one: fast enough, and little is given up for it."""
    return (1 + _contraction(recurrence, recurrence.matrix, 1.0)) / 2


def _contraction(recurrence: Recurrence, matrix: np.ndarray, enough: float = 0.0) -> float:
    return contraction_estimate(matrix + recurrence.leak * np.eye(len(matrix)), enough)


def _input_format(model: MonDEQ, options: LoweringOptions) -> FixedPointFormat:
    """That of the raw words, of which only the leading bits may be kept, rounded."""
    raw = model.input_map.words.format
    return replace(raw, word_length=options.input_bits or raw.word_length)
