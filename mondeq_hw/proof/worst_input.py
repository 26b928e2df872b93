"""A search for the input at which the outputs are farthest from the float network's: no proof, a foil for one.

Both sides are piecewise affine in the input, and the adjoint recurrence ``t <- phi' (M' t) + prox' o`` (section 8 of
``docs/mathematics.md``) gives the slope of a linear output.  Every output climbs its own error from many starts, by
steps along the signs of the slope, along single inputs and blindly, on the grid of the words.  Some starts are the
calibration samples, and the random words and the corners of a row's largest drive, on which that output is farthest;
after a few steps the best climbs go on, whichever output they were for.  What is found is never less than what the
samples show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..base import Clip
from ..problem import MonDEQ, outputs_of, preactivation, reformulate
from ..program import GoldenModel, SolverProgram

#: Starts of each output and steps, at most; multiplications in all. After the first steps one climb in eight goes on.
STARTS, STEPS, FIRST_STEPS, THINNED, MOST_WORK = 48, 20, 5, 8, 40_000_000_000
#: Words whose worst are starts, at most, and their share of all multiplications.
POOL, POOL_SHARE = 600, 0.15
#: Of them so many tell how far the float network's outputs are apart.
SPANNED = 64
#: In each step so many inputs are tried one at a time, and so many changes whatever the slope, which the rounding of
#: states hides where a step is small; where there are more inputs, none.
SINGLE_INPUTS, BLIND, FEW_INPUTS = 2, 1, 16
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


class FoundErrors(NamedTuple):
    """What the search finds, of every output and in its units.

    Parameters
    ----------
    largest : ndarray (k,)
        Of ``|y - y*|``.
    calibrated : ndarray (k,) or None
        That of the samples, if there are any.
    span : ndarray (k,)
        How far apart the float network's outputs are: without that, no error is large or small.
    """

    largest: np.ndarray
    calibrated: np.ndarray | None
    span: np.ndarray


def largest_errors(
    model: MonDEQ,
    program: SolverProgram,
    step_size: float,
    samples: tuple[np.ndarray, np.ndarray] | None = None,
) -> FoundErrors:
    """Search for the inputs at which the outputs are farthest from the float network's.

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
    seen = None if samples is None else _Measured.of(model, program, *samples)
    known = None if samples is None or seen is None else (samples[0], seen.errors)
    with np.errstate(all="ignore"):  # of a network without an equilibrium
        words = _climbed(_Pair.of(model, program, step_size), known)
    found = _Measured.of(model, program, words, GoldenModel(program).final_states(words))
    wanted = found.wanted if seen is None else np.concatenate([found.wanted, seen.wanted])
    largest, calibrated = found.errors.max(axis=0), None if seen is None else seen.errors.max(axis=0)
    return FoundErrors(
        largest if calibrated is None else np.maximum(largest, calibrated), calibrated, np.ptp(wanted, axis=0)
    )


class _Measured(NamedTuple):
    """``|y - y*|`` (samples, k), and ``y*``, the float network solved to full accuracy."""

    errors: np.ndarray
    wanted: np.ndarray

    @staticmethod
    def of(model: MonDEQ, program: SolverProgram, words: np.ndarray, states: np.ndarray) -> _Measured:
        """Of input words (samples, d) and their final states (samples, n)."""
        answers = GoldenModel(program).outputs_at(words, states).astype(np.float64)
        deployed = np.ldexp(answers, -program.output_fractional_bits)
        raw = program.input_format.to_float(words)
        wanted = outputs_of(model, model.prox.prox(preactivation(model, raw)), raw)
        return _Measured(np.abs(deployed - wanted), wanted)


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
        errors, states = self.all_errors(words)
        return errors[np.arange(len(words)), outputs], states

    def all_errors(self, words: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """``y - y*`` (samples, k) of every output, and both states."""
        stored, real = self.states(words)
        answers = self.golden.outputs_at(words, stored).astype(np.float64)
        deployed, floating = np.ldexp(answers, -self.program.output_fractional_bits), self.floating
        wanted = floating.clip.prox(real) @ floating.readout.T + words @ floating.direct.T + self.offset
        states = self.program.state_format.to_float(stored), real
        return deployed - wanted, states


def _climbed(pair: _Pair, samples: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    """Words (samples, d) at the ends of all climbs, and of the random ones :data:`SPANNED`."""
    rng, program = np.random.default_rng(SEED), pair.program
    low, high = program.input_format.min_word, program.input_format.max_word
    singles, blind = (SINGLE_INPUTS, BLIND) if 1 < program.d <= FEW_INPUTS else (0, 0)
    # A deployed update rounds and saturates too, and counts as two.
    one = program.n * (program.n + program.d) * (2 * pair.golden.program.iterations + USUAL_UPDATES)
    pool = _pool(pair, max(1, min(POOL, int(POOL_SHARE * MOST_WORK) // one)), rng)
    left = int((1 - POOL_SHARE) * MOST_WORK)
    climbs = left // (one * program.k * (singles + blind + 2))  # of all outputs by one step
    starts = max(1, min(STARTS, climbs * THINNED // (FIRST_STEPS * (THINNED - 1) + STEPS)))
    outputs = np.repeat(np.arange(program.k), starts)
    words = _starts(pair, outputs, samples, pool, rng)
    errors, states = pair.errors(words, outputs)
    reach = np.full(len(outputs), float(high - low))
    for step in range(STEPS if starts > 1 else max(1, min(STEPS, climbs))):
        if step == FIRST_STEPS:
            # What one output climbed to may be a good place for another.
            count = -(-starts // THINNED)
            everywhere, states = pair.all_errors(words)
            best = np.argsort(-np.abs(everywhere), axis=0)[:count].T.reshape(-1)
            outputs = np.repeat(np.arange(program.k), count)
            words, reach, errors = words[best], reach[best], everywhere[best, outputs]
            states = states[0][best], states[1][best]
        slopes = pair.deployed.slopes(states[0], outputs) - pair.floating.slopes(states[1], outputs)
        uphill = np.sign(slopes * np.sign(errors)[:, None])
        moves = [uphill]
        for _ in range(singles):
            moves.append(uphill * (np.arange(program.d) == rng.integers(program.d, size=(len(words), 1))))
        moves.append(uphill * (rng.random(words.shape) < rng.random((len(words), 1))))
        moves += [rng.uniform(-1, 1, size=words.shape) for _ in range(blind)]
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
    return np.concatenate([words, pool[0][:SPANNED]])


def _pool(pair: _Pair, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Words (samples, d) at random and, every other one, where a row is driven, and the sizes of all their errors."""
    words = pair.program.input_format
    drawn = rng.integers(words.min_word, words.max_word + 1, size=(count, pair.program.d))
    drawn[1::2] = _driven(pair, count // 2, rng)
    return drawn, np.abs(pair.all_errors(drawn)[0])


def _driven(pair: _Pair, count: int, rng: np.random.Generator) -> np.ndarray:
    """Corners (count, d) at which a row's drive is largest, or smallest: where states saturate first."""
    words = pair.program.input_format
    rows = pair.floating.drive[rng.integers(pair.program.n, size=count)]
    driven: np.ndarray = np.where(rng.choice([-1, 1], size=(count, 1)) * rows > 0, words.max_word, words.min_word)
    return driven


def _starts(
    pair: _Pair,
    outputs: np.ndarray,
    samples: tuple[np.ndarray, np.ndarray] | None,
    pool: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Words (starts, d): corners, where a row's drive is largest, each output's worst of the pool and of samples.

    Far out states saturate, where errors are largest and which no slope at a sample tells of.
    """
    words, place = pair.program.input_format, np.arange(len(outputs)) - np.searchsorted(outputs, outputs)
    corners = np.where(rng.random((len(outputs), pair.program.d)) < 0.5, words.min_word, words.max_word)
    driven, worst = _driven(pair, len(outputs), rng), _worst(pool, outputs, place // 4)
    known = driven if samples is None else _worst(samples, outputs, place // 4)
    return np.choose((place % 4)[:, None], [worst, known, driven, corners])


def _worst(known: tuple[np.ndarray, np.ndarray], outputs: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The word (starts, d) that has the rank, from 0 on, among the errors of each output."""
    order = np.argsort(-known[1], axis=0)
    found: np.ndarray = known[0][order[ranks % len(order), outputs]]
    return found
