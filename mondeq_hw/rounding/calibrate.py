"""Calibrated rounding: the least logit error on calibration samples, contraction kept.

Layer by layer, as in GPTQ (Frantar et al., arXiv 2210.17323), but along the
recurrence instead of along a stack of layers:

1. The iteration matrix is rounded with error feedback against the part of
   ``phi(s)`` that the input does not explain linearly.  What the input does
   explain need not survive the rounding: step 2 puts it into the drive.
2. The drive matrix absorbs the iteration matrix's explained error, its bias
   the mean error, and is rounded with feedback against the input's moments.
3. A feed-through is rounded likewise, and the readout is refitted to what it leaves
   of the float logits on the *quantised* network's equilibria and rounded with feedback.

A few strengths of feedback are tried; among the candidates whose iteration
matrix contracts by enough, the one of least logit error wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..base import Clip
from ..problem import MonDEQ, Recurrence, outputs_of, preactivation, state_of
from .quantize import MAX_SHIFT, DenseOperator, QuantizedRecurrence, choose_shifts, to_levels
from .spectral import contraction_estimate, round_spectral

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
    """Calibration samples and what the float network makes of them.

    Parameters
    ----------
    words : ndarray (samples, d)
        What the hardware sees, in raw units.
    preactivations : ndarray (samples, n)
        ``W z + U x + b`` at the float equilibrium.
    logits : ndarray (samples, k)
    clip : Clip
        The network's.
    """

    words: np.ndarray
    preactivations: np.ndarray
    logits: np.ndarray
    clip: Clip

    def first(self, samples: int) -> Calibration:
        """The leading samples."""
        return replace(
            self,
            words=self.words[:samples],
            preactivations=self.preactivations[:samples],
            logits=self.logits[:samples],
        )


def calibration(model: MonDEQ, raw: np.ndarray, seen: np.ndarray) -> Calibration:
    """Solve the float network on calibration samples.

    Parameters
    ----------
    model : MonDEQ
    raw : ndarray (samples, d)
        Raw input words.
    seen : ndarray (samples, d)
        The same after the rounding to the hardware's input format, in raw units.
    """
    v = preactivation(model, raw)
    return Calibration(seen, v, outputs_of(model, model.prox.prox(v), raw), model.prox)


@dataclass(frozen=True)
class WordLengths:
    """Bits of the three matrices and how their scales are shared."""

    bits: int
    drive_bits: int
    readout_bits: int
    granularity: str


def round_calibrated(
    recurrences: Sequence[Recurrence], data: Calibration, lengths: WordLengths, limit: float
) -> QuantizedRecurrence:
    """Quantise all three matrices for least logit error, the iteration matrix contracting.

    Parameters
    ----------
    recurrences : sequence of Recurrence
        The network at several step sizes, one of which is chosen.
    data : Calibration
    lengths : WordLengths
    limit : float
        Weighted norm that the iteration matrix should not exceed.

    Returns
    -------
    QuantizedRecurrence
        The candidate of least logit error among those within the limit;
        failing that, the one of least norm.
    """
    inputs = _input_moments(data)
    direct = _round_feedthrough(recurrences[0].feedthrough, inputs, lengths)
    if direct is not None:
        data = replace(data, logits=data.logits - data.words @ direct.values.T)
    some = data.first(COMPARED)

    def candidate(recurrence: Recurrence, moments: _StateMoments, ridge: float, refinement: int) -> _Candidate:
        matrix = _round_matrix(recurrence, moments, lengths, ridge, refinement)
        matrix = round_spectral(recurrence.matrix, matrix, recurrence.leak, limit)
        drive, drive_bias = _round_drive(recurrence, inputs, moments, matrix, lengths)
        return _finish(recurrence, some, matrix, drive, drive_bias, lengths, limit)

    def rank(candidate: _Candidate) -> tuple[bool, float]:
        within = candidate.norm <= limit
        return not within, candidate.logit_error if within else candidate.norm

    # First the step size, at the middle strength of feedback; then the strength at that step size.
    moments = [_state_moments(data, inputs, recurrence) for recurrence in recurrences]
    trials = [candidate(r, m, STATE_RIDGES[1], 0) for r, m in zip(recurrences, moments, strict=True)]
    at = min(range(len(trials)), key=lambda index: rank(trials[index]))
    candidates = [trials[at]]
    for ridge in STATE_RIDGES:
        for refinement in REFINEMENTS:
            if (ridge, refinement) != (STATE_RIDGES[1], 0):
                candidates.append(candidate(recurrences[at], moments[at], ridge, refinement))
    best = min(candidates, key=rank).quantized
    best = _finish(best.recurrence, data, best.matrix, best.drive, best.drive_bias, lengths, limit).quantized
    return replace(best, feedthrough=direct)


@dataclass(frozen=True)
class _Candidate:
    """A quantised recurrence with the two figures that rank it."""

    quantized: QuantizedRecurrence
    norm: float
    logit_error: float


@dataclass(frozen=True)
class _InputMoments:
    """Moments of the inputs ``x``; the covariance carries its ridge."""

    centred: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    covariance: np.ndarray
    factor: np.ndarray


@dataclass(frozen=True)
class _StateMoments:
    """Moments of the features ``phi(s)``."""

    mean: np.ndarray
    square: np.ndarray
    #: Least-squares map (d, n) from centred inputs to centred features.
    gain: np.ndarray
    #: Covariance of what that map leaves unexplained.
    unexplained: np.ndarray


def _input_moments(data: Calibration) -> _InputMoments:
    mean = data.words.mean(axis=0)
    centred = data.words - mean
    covariance = _ridged(centred.T @ centred / len(centred), INPUT_RIDGE)
    return _InputMoments(centred, mean, (data.words**2).mean(axis=0), covariance, feedback_factor(covariance))


def _state_moments(data: Calibration, inputs: _InputMoments, recurrence: Recurrence) -> _StateMoments:
    phi = recurrence.phi(state_of(data.clip, data.preactivations, recurrence.step_size))
    mean = phi.mean(axis=0)
    centred = phi - mean
    cross = inputs.centred.T @ centred / len(phi)
    gain = np.linalg.solve(inputs.covariance, cross)
    return _StateMoments(mean, (phi**2).mean(axis=0), gain, centred.T @ centred / len(phi) - cross.T @ gain)


def feedback_factor(moments: np.ndarray) -> np.ndarray:
    """Upper Cholesky factor of the inverse of symmetric positive definite moments."""
    return np.linalg.cholesky(np.linalg.inv(moments)).T


def round_feedback(target: np.ndarray, factor: np.ndarray, shifts: np.ndarray, word_length: int) -> DenseOperator:
    """Round column by column; each column's error moves into the columns still to come.

    GPTQ (arXiv 2210.17323, section 3.3): with ``moments = E[v v']`` of the
    vectors that the matrix multiplies, the update of the remaining columns
    that minimises ``E |(target - rounded) v|^2`` is a row of the upper
    Cholesky factor of the inverse moments.

    Parameters
    ----------
    target : ndarray (rows, columns)
    factor : ndarray (columns, columns)
        :func:`feedback_factor` of ``E[v v']``.
    shifts : ndarray of int64 (rows,)
    word_length : int
    """
    rest = target.copy()
    integers = np.zeros(target.shape, dtype=np.int64)
    for j in range(target.shape[1]):
        integers[:, j] = to_levels(np.ldexp(rest[:, j], shifts), word_length)
        error = rest[:, j] - np.ldexp(integers[:, j].astype(np.float64), -shifts)
        rest[:, j + 1 :] -= np.outer(error / factor[j, j], factor[j, j + 1 :])
    return DenseOperator(integers, shifts, word_length)


def _round_matrix(
    recurrence: Recurrence, moments: _StateMoments, lengths: WordLengths, ridge: float, refinement: int
) -> DenseOperator:
    weight = _relative(moments.square)
    shifts = choose_shifts(recurrence.matrix, lengths.bits, lengths.granularity, recurrence.leak_shift, weight)
    shifts = np.minimum(shifts + refinement, MAX_SHIFT)
    return round_feedback(recurrence.matrix, feedback_factor(_ridged(moments.unexplained, ridge)), shifts, lengths.bits)


def _round_drive(
    recurrence: Recurrence, inputs: _InputMoments, moments: _StateMoments, matrix: DenseOperator, lengths: WordLengths
) -> tuple[DenseOperator, np.ndarray]:
    """The drive and its bias, which carry what the iteration matrix lost."""
    lost = recurrence.matrix - matrix.values
    target = recurrence.drive + lost @ moments.gain.T
    shifts = choose_shifts(target, lengths.drive_bits, lengths.granularity, -MAX_SHIFT, _relative(inputs.square))
    drive = round_feedback(target, inputs.factor, shifts, lengths.drive_bits)
    bias = recurrence.drive_bias + lost @ moments.mean + (recurrence.drive - drive.values) @ inputs.mean
    return drive, bias


def _round_feedthrough(
    feedthrough: np.ndarray | None, inputs: _InputMoments, lengths: WordLengths
) -> DenseOperator | None:
    if feedthrough is None:
        return None
    shifts = choose_shifts(feedthrough, lengths.drive_bits, lengths.granularity, -MAX_SHIFT, _relative(inputs.square))
    return round_feedback(feedthrough, inputs.factor, shifts, lengths.drive_bits)


def _finish(
    recurrence: Recurrence,
    data: Calibration,
    matrix: DenseOperator,
    drive: DenseOperator,
    drive_bias: np.ndarray,
    lengths: WordLengths,
    limit: float,
) -> _Candidate:
    """Fit the readout to the quantised network and measure the whole."""
    z = recurrence.clip.prox(_solve(recurrence, matrix, drive, drive_bias, data))
    if not np.isfinite(z).all():  # diverged: only the float equilibria are left to fit to
        z = data.clip.prox(data.preactivations)
    readout, readout_bias = _round_readout(recurrence, z, data.logits, lengths)
    error = np.sqrt(((z @ readout.values.T + readout_bias - data.logits) ** 2).mean())
    norm = contraction_estimate(matrix.values + recurrence.leak * np.eye(len(drive_bias)), limit)
    quantized = QuantizedRecurrence(recurrence, matrix, drive, readout, drive_bias, readout_bias)
    return _Candidate(quantized, norm, float(error))


def _solve(
    recurrence: Recurrence, matrix: DenseOperator, drive: DenseOperator, drive_bias: np.ndarray, data: Calibration
) -> np.ndarray:
    """States (samples, n) of the quantised network in float32, state rounding left out.

    Starting at the float equilibria only saves iterations; a network that
    does not contract stops at the iteration limit.
    """
    d = (data.words @ drive.values.T + drive_bias).astype(np.float32)
    M = (matrix.values + recurrence.leak * np.eye(len(drive_bias))).T.astype(np.float32)
    state = state_of(data.clip, data.preactivations, recurrence.step_size).astype(np.float32)
    for _ in range(SOLVE_ITERATIONS):
        updated = recurrence.phi(state) @ M + d
        change, state = np.abs(updated - state).max(initial=0.0), updated
        if not np.isfinite(change) or change <= SOLVE_TOLERANCE * np.abs(state).max(initial=0.0):
            break
    return state.astype(np.float64)


def _round_readout(
    recurrence: Recurrence, z: np.ndarray, logits: np.ndarray, lengths: WordLengths
) -> tuple[DenseOperator, np.ndarray]:
    centred = z - z.mean(axis=0)
    covariance = _ridged(centred.T @ centred / len(z), READOUT_RIDGE)
    error = logits - z @ recurrence.readout.T
    correction = np.linalg.solve(covariance, centred.T @ (error - error.mean(axis=0)) / len(z))
    target = recurrence.readout + correction.T
    weight = _relative((z**2).mean(axis=0))
    shifts = choose_shifts(target, lengths.readout_bits, lengths.granularity, -MAX_SHIFT, weight)
    readout = round_feedback(target, feedback_factor(covariance), shifts, lengths.readout_bits)
    return readout, (logits - z @ readout.values.T).mean(axis=0)


def _ridged(moments: np.ndarray, ridge: float) -> np.ndarray:
    """Add a multiple of the mean diagonal (of one, where everything is constant)."""
    mean = np.trace(moments) / len(moments)
    return moments + ridge * (mean if mean > 0 else 1.0) * np.eye(len(moments))


def _relative(square: np.ndarray) -> np.ndarray:
    """Column weights with mean one, none of them zero: a dead input must still get a scale."""
    mean = square.mean()
    return square / mean + 1e-3 if mean > 0 else np.ones_like(square)
