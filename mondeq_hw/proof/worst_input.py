"""A search for the input at which the outputs are farthest from the float network's: no proof, a foil for one.

Both sides are piecewise affine in the input, and the adjoint recurrence ``t <- phi' (M' t) + prox' o`` (section 8 of
``docs/mathematics.md``) gives the slope of a linear output.  Every output climbs its own error from many starts, by
steps along the signs of the slope and along single inputs, on the grid of the words.  Some starts are the
calibration samples on which that output is farthest; what is found is never less than what they show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import Clip
from ..problem import MonDEQ, outputs_of, preactivation, reformulate
from ..program import GoldenModel, SolverProgram

#: Starts of each output and steps, at most; inputs that are tried one at a time in a step; multiplications in all.
STARTS, STEPS, SINGLE_INPUTS, MOST_WORK = 16, 20, 3, 15_000_000_000
#: More inputs are not tried one at a time.
FEW_INPUTS = 16
#: Updates of a recurrence while its error is climbed, and of an adjoint one; an unsettled one finds less, and claims
#: nothing: what is reported is the error after all updates.
MOST_UPDATES, USUAL_UPDATES, ADJOINT_UPDATES, SETTLED = 300, 100, 40, 1e-11
SEED = 0


@dataclass(frozen=True)
class _Side:
    """One recurrence in floating point, with its readout."""

    splitting_reflects: bool
    clip: Clip
    matrix: np.ndarray
    drive: np.ndarray
    readout: np.ndarray
    direct: np.ndarray
    #: Beyond it a state stays where it is.
    top: float = np.inf

    def slopes(self, states: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Derivative by the input (samples, d) of output ``outputs[i]`` at state ``states[i]``."""
        inside = (states > self.clip.lower) & (states < self.clip.upper)
        prox = np.where(self.clip.complement, ~inside, inside).astype(np.float64)
        phi = 2 * prox - 1 if self.splitting_reflects else prox
        moves = np.abs(states) < self.top
        source = adjoint = moves * prox * self.readout[outputs]
        for _ in range(ADJOINT_UPDATES):
            adjoint = source + moves * phi * (adjoint @ self.matrix)
        slopes: np.ndarray = adjoint @ self.drive + self.direct[outputs]
        return slopes


def largest_errors(
    model: MonDEQ,
    program: SolverProgram,
    step_size: float,
    samples: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The largest ``|y - y*|`` of every output (k,), in its units, that the search finds, and that of the samples.

    Parameters
    ----------
    model : MonDEQ
    program : SolverProgram
        Of the model at this step size.
    step_size : float
    samples : pair of ndarray of int (samples, d), (samples, n), optional
        Input words from which the search starts, too, and their final states.

    Raises
    ------
    InputError
        The float network's equilibrium was not found.
    """
    known = None if samples is None else (samples[0], measured_errors(model, program, *samples))
    with np.errstate(all="ignore"):  # of a network without an equilibrium
        climbed = _climbed(_Pair.of(model, program, step_size), known)
    found = measured_errors(model, program, climbed, GoldenModel(program).final_states(climbed)).max(axis=0)
    if known is None:
        return found, None
    calibrated = known[1].max(axis=0)
    return np.maximum(found, calibrated), calibrated


def measured_errors(model: MonDEQ, program: SolverProgram, words: np.ndarray, states: np.ndarray) -> np.ndarray:
    """``|y - y*|`` (samples, k) of input words and their final states, the float network solved to full accuracy."""
    answers = GoldenModel(program).outputs_at(words, states).astype(np.float64)
    deployed = np.ldexp(answers, -program.output_fractional_bits)
    raw = program.input_format.to_float(words)
    return np.abs(deployed - outputs_of(model, model.prox.prox(preactivation(model, raw)), raw))


@dataclass(frozen=True)
class _Pair:
    """Deployed and float recurrence, on input words."""

    program: SolverProgram
    golden: GoldenModel
    deployed: _Side
    floating: _Side
    bias: np.ndarray
    offset: np.ndarray

    @staticmethod
    def of(model: MonDEQ, program: SolverProgram, step_size: float) -> _Pair:
        recurrence = reformulate(model, program.splitting, step_size)
        step, reflects = program.input_format.step, program.splitting.reflects
        grid = program.drive_fractional_bits
        drive = np.ldexp(program.drive.integers.astype(np.float64), program.drive_left_shift - grid[:, None])
        clip = program.clip.scaled(program.state_format.step)
        shape = (program.k, program.d)
        stored = np.zeros(shape) if program.feedthrough is None else program.feedthrough.values * step
        direct = np.zeros(shape) if recurrence.feedthrough is None else recurrence.feedthrough * step
        stored_matrix = program.matrix.values + (1 - 2.0**-program.leak_shift) * np.eye(program.n)
        return _Pair(
            program,
            GoldenModel(program.replace(iterations=min(program.iterations, MOST_UPDATES))),
            _Side(reflects, clip, stored_matrix, drive, program.readout.values, stored),
            _Side(
                reflects,
                recurrence.clip,
                recurrence.iteration_matrix,
                recurrence.drive * step,
                recurrence.readout,
                direct,
            ),
            recurrence.drive_bias,
            recurrence.readout_bias,
        )

    def states(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Deployed state words and float states (samples, n)."""
        drive = words @ self.floating.drive.T + self.bias
        state, splitting = drive, self.program.splitting
        for _ in range(MOST_UPDATES):
            updated = splitting.phi(self.floating.clip, state) @ self.floating.matrix.T + drive
            change, state = np.abs(updated - state).max(initial=0.0), updated
            if change <= SETTLED * np.abs(state).max(initial=1.0):
                break
        return self.golden.final_states(words), state

    def errors(self, words: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """``y - y*`` of the named output of each sample, and both states."""
        stored, real = self.states(words)
        answers = self.golden.outputs_at(words, stored).astype(np.float64)
        deployed, floating = np.ldexp(answers, -self.program.output_fractional_bits), self.floating
        wanted = floating.clip.prox(real) @ floating.readout.T + words @ floating.direct.T + self.offset
        states = self.program.state_format.to_float(stored), real
        return (deployed - wanted)[np.arange(len(words)), outputs], states


def _climbed(pair: _Pair, samples: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """Words (samples, d) at the ends of all climbs."""
    rng, program = np.random.default_rng(SEED), pair.program
    low, high = program.input_format.min_word, program.input_format.max_word
    singles = SINGLE_INPUTS if 1 < program.d <= FEW_INPUTS else 0
    # A deployed update rounds and saturates too, and counts as two.
    one = program.n * (program.n + program.d) * (2 * pair.golden.program.iterations + USUAL_UPDATES)
    climbs = MOST_WORK // (one * program.k * (singles + 2))  # of all outputs by one step
    starts = max(1, min(STARTS, climbs // STEPS))
    outputs = np.repeat(np.arange(program.k), starts)
    words = _starts(pair, outputs, samples, rng)
    errors, states = pair.errors(words, outputs)
    reach = np.full(len(outputs), float(high - low))
    for _ in range(max(1, min(STEPS, climbs // starts))):
        slopes = pair.deployed.slopes(states[0], outputs) - pair.floating.slopes(states[1], outputs)
        uphill = np.sign(slopes * np.sign(errors)[:, None])
        moves = [uphill]
        for _ in range(singles):
            moves.append(uphill * (np.arange(program.d) == rng.integers(program.d, size=(len(words), 1))))
        moves.append(uphill * (rng.random(words.shape) < rng.random((len(words), 1))))
        better = np.zeros(len(words), dtype=bool)
        for move in moves:
            tried = np.clip(words + np.rint(move * reach[:, None]).astype(np.int64), low, high)
            new_errors, new_states = pair.errors(tried, outputs)
            higher = np.abs(new_errors) > np.abs(errors)
            better |= higher
            words, errors = np.where(higher[:, None], tried, words), np.where(higher, new_errors, errors)
            states = (
                np.where(higher[:, None], new_states[0], states[0]),
                np.where(higher[:, None], new_states[1], states[1]),
            )
        reach = np.where(better, reach, np.maximum(reach / 2, 1.0))
    return words


def _starts(
    pair: _Pair, outputs: np.ndarray, samples: tuple[np.ndarray, np.ndarray] | None, rng: np.random.Generator
) -> np.ndarray:
    """Words (starts, d): corners, any words, where a row's drive is largest, and each output's worst samples.

    Far out states saturate, where errors are largest and which no slope at a sample tells of.
    """
    words, place = pair.program.input_format, np.arange(len(outputs)) - np.searchsorted(outputs, outputs)
    low, high = words.min_word, words.max_word
    anywhere = rng.integers(low, high + 1, size=(len(outputs), pair.program.d))
    corners = np.where(rng.random(anywhere.shape) < 0.5, low, high)
    rows = pair.floating.drive[rng.integers(pair.program.n, size=len(outputs))]
    driven = np.where(rng.choice([-1, 1], size=(len(outputs), 1)) * rows > 0, high, low)
    known = anywhere
    if samples is not None:
        known, ranked = samples[0], np.argsort(-samples[1], axis=0)
        known = known[ranked[place // 4 % len(known), outputs]]
    return np.choose((place % 4)[:, None], [corners, known, driven, anywhere])
