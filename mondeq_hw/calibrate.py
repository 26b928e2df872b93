"""Calibrated rounding: the least logit error on calibration images, contraction kept.

Layer by layer, as in GPTQ (Frantar et al., arXiv 2210.17323), but along the
recurrence instead of along a stack of layers:

1. The iteration matrix is rounded with error feedback against the part of
   ``phi(s)`` that the input does not explain linearly.  What the input does
   explain need not survive the rounding: step 2 puts it into the drive.
2. The drive matrix absorbs the iteration matrix's explained error, its bias
   the mean error, and is rounded with feedback against the input's moments.
3. The readout is refitted to the float logits on the *quantised* network's
   equilibria and rounded with feedback.

A few strengths of feedback are tried; among the candidates whose iteration
matrix contracts by enough, the one of least logit error wins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .model import MonDEQ
from .prox import PHI, equilibrium
from .quantize import (
    MAX_SHIFT,
    IntegerMatrix,
    QuantizedRecurrence,
    choose_shifts,
    to_levels,
)
from .reference import preactivation, state_of
from .reformulate import Recurrence
from .spectral import round_spectral
from .weighting import best_weighting

#: Ridge on the input's moments, relative to their mean: constant pixels have none.
INPUT_RIDGE = 3e-2
#: Ridges tried on the state's moments.  More is nearer to plain rounding, with a smaller norm.
STATE_RIDGES = (0.1, 1.0, 10.0)
#: Ridge on the readout's moments.
READOUT_RIDGE = 1e-3
#: Octaves by which the error-optimal row scales are refined: smaller entries, a smaller norm.
REFINEMENTS = (0, 1)
#: Samples on which the candidates are compared.
COMPARED = 2048
#: The float solve of a quantised network stops at this change, relative to the largest state.
SOLVE_TOLERANCE = 1e-4
SOLVE_ITERATIONS = 2000


@dataclass(frozen=True)
class Calibration:
    """Calibration images and what the float network makes of them.

    Parameters
    ----------
    words : ndarray (samples, d)
        What the hardware sees, in raw units.
    states : ndarray (samples, n)
        The recurrence's float equilibria.
    logits : ndarray (samples, k)
    """

    words: np.ndarray
    states: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Rounded:
    """A quantised recurrence with the two figures that rank it."""

    quantized: QuantizedRecurrence
    norm: float
    logit_error: float


@dataclass(frozen=True)
class _Moments:
    """Second moments of the inputs ``x`` and the features ``phi(s)``."""

    x_mean: np.ndarray
    x_square: np.ndarray
    x_covariance: np.ndarray
    phi_mean: np.ndarray
    phi_square: np.ndarray
    #: Least-squares map (d, n) from centred inputs to centred features.
    gain: np.ndarray
    #: Covariance of what that map leaves unexplained.
    unexplained: np.ndarray


def calibration(model: MonDEQ, recurrence: Recurrence, raw: np.ndarray, seen: np.ndarray) -> Calibration:
    """Solve the float network on calibration images.

    Parameters
    ----------
    model : MonDEQ
    recurrence : Recurrence
        Of that model.
    raw : ndarray (samples, d)
        Raw input words.
    seen : ndarray (samples, d)
        The same after the rounding to the hardware's input format, in raw units.
    """
    v = preactivation(model, raw)
    return Calibration(seen, state_of(v, recurrence.step_size), equilibrium(v) @ model.O.T + model.c)


def round_calibrated(
    recurrence: Recurrence,
    data: Calibration,
    bits: int,
    drive_bits: int,
    readout_bits: int,
    granularity: str,
    limit: float,
) -> Rounded:
    """Quantise all three matrices for least logit error, the iteration matrix contracting.

    Parameters
    ----------
    recurrence : Recurrence
    data : Calibration
    bits, drive_bits, readout_bits : int
    granularity : {"row", "tensor"}
    limit : float
        Weighted norm that the iteration matrix should not exceed.

    Returns
    -------
    Rounded
        The candidate of least logit error among those within the limit;
        failing that, the one of least norm.
    """
    moments = _moments(data, PHI[recurrence.phi](data.states))
    some = Calibration(data.words[:COMPARED], data.states[:COMPARED], data.logits[:COMPARED])
    candidates = []
    for ridge in STATE_RIDGES:
        for refinement in REFINEMENTS:
            matrix = _round_matrix(recurrence, moments, bits, granularity, ridge, refinement)
            matrix = round_spectral(recurrence.matrix, matrix, recurrence.leak, limit)
            drive, drive_bias = _round_drive(recurrence, moments, matrix, drive_bits, granularity)
            candidates.append(_finish(recurrence, some, matrix, drive, drive_bias, readout_bits, granularity))
    best = min(candidates, key=lambda c: (c.norm > limit, c.logit_error if c.norm <= limit else c.norm))
    chosen = best.quantized
    return _finish(recurrence, data, chosen.matrix, chosen.drive, chosen.drive_bias, readout_bits, granularity)


def round_feedback(target: np.ndarray, moments: np.ndarray, shifts: np.ndarray, word_length: int) -> IntegerMatrix:
    """Round column by column; each column's error moves into the columns still to come.

    GPTQ (arXiv 2210.17323, section 3.3): with ``moments = E[v v']`` of the
    vectors that the matrix multiplies, the update of the remaining columns
    that minimises ``E |(target - rounded) v|^2`` is a row of the upper
    Cholesky factor of the inverse moments.

    Parameters
    ----------
    target : ndarray (rows, columns)
    moments : ndarray (columns, columns)
        Symmetric positive definite.
    shifts : ndarray of int64 (rows,)
    word_length : int
    """
    factor = np.linalg.cholesky(np.linalg.inv(moments)).T
    rest = target.copy()
    integers = np.zeros(target.shape, dtype=np.int64)
    for j in range(target.shape[1]):
        integers[:, j] = to_levels(np.ldexp(rest[:, j], shifts), word_length)
        error = rest[:, j] - np.ldexp(integers[:, j].astype(np.float64), -shifts)
        rest[:, j + 1 :] -= np.outer(error / factor[j, j], factor[j, j + 1 :])
    return IntegerMatrix(integers, shifts, word_length)


def _moments(data: Calibration, phi: np.ndarray) -> _Moments:
    x_mean, phi_mean = data.words.mean(axis=0), phi.mean(axis=0)
    x, f = data.words - x_mean, phi - phi_mean
    x_covariance = _ridged(x.T @ x / len(x), INPUT_RIDGE)
    cross = x.T @ f / len(x)
    gain = np.linalg.solve(x_covariance, cross)
    return _Moments(
        x_mean=x_mean,
        x_square=(data.words**2).mean(axis=0),
        x_covariance=x_covariance,
        phi_mean=phi_mean,
        phi_square=(phi**2).mean(axis=0),
        gain=gain,
        unexplained=f.T @ f / len(f) - cross.T @ gain,
    )


def _round_matrix(
    recurrence: Recurrence, moments: _Moments, bits: int, granularity: str, ridge: float, refinement: int
) -> IntegerMatrix:
    shifts = choose_shifts(recurrence.matrix, bits, granularity, recurrence.leak_shift, _relative(moments.phi_square))
    shifts = np.minimum(shifts + refinement, MAX_SHIFT)
    return round_feedback(recurrence.matrix, _ridged(moments.unexplained, ridge), shifts, bits)


def _round_drive(
    recurrence: Recurrence, moments: _Moments, matrix: IntegerMatrix, bits: int, granularity: str
) -> tuple[IntegerMatrix, np.ndarray]:
    """The drive and its bias, which carry what the iteration matrix lost."""
    lost = recurrence.matrix - matrix.values
    target = recurrence.drive + lost @ moments.gain.T
    shifts = choose_shifts(target, bits, granularity, -MAX_SHIFT, _relative(moments.x_square))
    drive = round_feedback(target, moments.x_covariance, shifts, bits)
    bias = recurrence.drive_bias + lost @ moments.phi_mean + (recurrence.drive - drive.values) @ moments.x_mean
    return drive, bias


def _finish(
    recurrence: Recurrence,
    data: Calibration,
    matrix: IntegerMatrix,
    drive: IntegerMatrix,
    drive_bias: np.ndarray,
    readout_bits: int,
    granularity: str,
) -> Rounded:
    """Fit the readout to the quantised network and measure the whole."""
    z = equilibrium(_solve(recurrence, matrix, drive, drive_bias, data))
    norm = best_weighting(matrix.values + recurrence.leak * np.eye(len(drive_bias)))[0]
    if not np.isfinite(z).all():  # diverged: nothing to fit to
        z = equilibrium(data.states)
    readout, readout_bias = _round_readout(recurrence, z, data.logits, readout_bits, granularity)
    error = np.sqrt(((z @ readout.values.T + readout_bias - data.logits) ** 2).mean())
    quantized = QuantizedRecurrence(recurrence, matrix, drive, readout, drive_bias, readout_bias)
    return Rounded(quantized, norm, float(error))


def _solve(
    recurrence: Recurrence, matrix: IntegerMatrix, drive: IntegerMatrix, drive_bias: np.ndarray, data: Calibration
) -> np.ndarray:
    """States (samples, n) of the quantised network in float32, state rounding left out.

    Starting at the float equilibria only saves iterations; a network that
    does not contract stops at the iteration limit.
    """
    d = (data.words @ drive.values.T + drive_bias).astype(np.float32)
    M = (matrix.values + recurrence.leak * np.eye(len(drive_bias))).T.astype(np.float32)
    phi = PHI[recurrence.phi]
    state = data.states.astype(np.float32)
    for _ in range(SOLVE_ITERATIONS):
        updated = phi(state) @ M + d
        change, state = np.abs(updated - state).max(initial=0.0), updated
        if not np.isfinite(change) or change <= SOLVE_TOLERANCE * np.abs(state).max(initial=0.0):
            break
    return state.astype(np.float64)


def _round_readout(
    recurrence: Recurrence, z: np.ndarray, logits: np.ndarray, bits: int, granularity: str
) -> tuple[IntegerMatrix, np.ndarray]:
    centred = z - z.mean(axis=0)
    covariance = _ridged(centred.T @ centred / len(z), READOUT_RIDGE)
    error = logits - z @ recurrence.readout.T
    correction = np.linalg.solve(covariance, centred.T @ (error - error.mean(axis=0)) / len(z))
    target = recurrence.readout + correction.T
    shifts = choose_shifts(target, bits, granularity, -MAX_SHIFT, _relative((z**2).mean(axis=0)))
    readout = round_feedback(target, covariance, shifts, bits)
    return readout, (logits - z @ readout.values.T).mean(axis=0)


def _ridged(moments: np.ndarray, ridge: float) -> np.ndarray:
    """Add a multiple of the mean diagonal (of one, where everything is constant)."""
    mean = np.trace(moments) / len(moments)
    return moments + ridge * (mean if mean > 0 else 1.0) * np.eye(len(moments))


def _relative(square: np.ndarray) -> np.ndarray:
    """Column weights with mean one, none of them zero: a dead input must still get a scale."""
    mean = square.mean()
    return square / mean + 1e-3 if mean > 0 else np.ones_like(square)
