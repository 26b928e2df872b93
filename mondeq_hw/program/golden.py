"""The golden model: the numerics contract as executable integer NumPy.

Exact by proof: every matrix product runs in the fastest type in which the
program's own bounds show that no partial sum is ever rounded (float32 BLAS
below 2^24, float64 BLAS below 2^53, int64 below 2^63, Python integers above).
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..base import InputError, blas_threads, exact_dtype, power_of_two, round_shift, side_by_side
from .program import SolverProgram

#: Samples per batch; keeps a batch of states in the cache.
BATCH = 1024
#: Updates between two looks for samples at their fixed points, where nobody asks when they got there.
SELDOM = 8
#: Updates from which on a state that comes again is looked for: nearly every sample is at its fixed point before.
WATCHED = 256


@dataclass(frozen=True, repr=False)
class Trace:
    """What one batch of samples did, integer for integer.

    Parameters
    ----------
    drive : ndarray of int64 (samples, n)
        ``d``, on each row's accumulator grid.
    states : ndarray of int64 (iterations + 1, samples, n)
        ``states[0]`` is the start; after a sample's early exit its state repeats, before a warm start's first update
        that of the sample before.
    begun : ndarray of int64 (samples,)
        Number of the first state that the sample itself made: 0, the start, or that of a warm start's first update.
    iterations : ndarray of int64 (samples,)
        Number of the last update executed, the one that found the fixed point.
    saturations : ndarray of int64 (iterations + 1, samples)
        Rows clipped in each update.
    outputs : ndarray of int64 (samples, k)
    inputs : ndarray of int64 (samples, columns)
        Input words, and behind them the state carried to each sample.
    """

    drive: np.ndarray
    states: np.ndarray
    begun: np.ndarray
    iterations: np.ndarray
    saturations: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray

    def __repr__(self) -> str:
        updates, samples, n = self.states.shape
        return (
            f"{type(self).__name__}: {samples} samples of {n} states, {self.iterations.mean():.1f} of at most "
            f"{updates - 1} updates on average; {int(self.saturations.sum())} saturations"
        )


class GoldenModel:
    """Bit-exact NumPy solver of a :class:`~mondeq_hw.program.SolverProgram`.

    Samples of a program that carries a state are a sequence: every method begins at its initial state, but
    :meth:`advance`, which is given one and gives the next.  So are those of one with a warm start, of which the first
    begins at a reset, or at the state that is given here.

    Parameters
    ----------
    program : SolverProgram
    before : ndarray (n,), optional
        The state that the sample before the first one left, in a program with a warm start.
    """

    def __init__(self, program: SolverProgram, before: np.ndarray | None = None):
        self.program = program
        self._before = before
        # One more bit than the bound: the rounding constant is added in the same type.
        self._drive_type = exact_dtype(2 * program.drive_accumulator_bound)
        self._state_type = exact_dtype(2 * program.accumulator_bound)
        self._output_type = exact_dtype(2 * program.output_bound)
        self._injection: np.ndarray = np.ascontiguousarray(program.injection.operator.matrix(self._drive_type).T)
        self._matrix = np.ascontiguousarray(self._to_state_grid(program.stage.iteration_matrix(self._state_type).T))
        self._readout: np.ndarray = np.ascontiguousarray(program.readout.matrix(self._output_type).T)

    # -- public --------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether a warm start finds the state of a sample before the first one."""
        return self._before is not None

    def words(self, X: np.ndarray) -> np.ndarray:
        """The words of raw inputs (samples, d): the leading bits that are kept, rounded and saturated."""
        X = np.asarray(X)
        return self.program.input_format.quantize(X.reshape(len(X), math.prod(X.shape[1:])))

    def clips(self, X: np.ndarray) -> np.ndarray:
        """Where raw inputs (samples, d) lie beyond the words of the input format (samples, d)."""
        form = self.program.input_format
        scaled = np.floor(np.ldexp(np.asarray(X, dtype=np.float64), form.fractional_bits) + 0.5)
        return (scaled < form.min_word) | (scaled > form.max_word)

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k), int64, of input words (samples, d)."""
        words = self.checked(words)
        if len(words) == 0:
            return np.zeros((0, self.program.k), dtype=np.int64)
        if self.program.carried is not None:
            return self.advance(words, self.program.carried.initial)[0]
        return self._by_batches(self._predicted, words)

    def flags(self, words: np.ndarray) -> np.ndarray:
        """Whether a word of each sample (samples, d) is at an end of its range, where values beyond are saturated."""
        return np.asarray(self.program.input_format.at_end(self.checked(words)).any(axis=1))

    def advance(self, words: np.ndarray, carried: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outputs (samples, k) of a sequence from a carried state (m,) on, and the state after it."""
        _, outputs, state = self._run(self.checked(words), carried)
        return outputs, state

    def after(self, words: np.ndarray) -> GoldenModel:
        """The model that goes on after these samples; itself where each stands alone."""
        carried = self.program.carried
        if self.program.warm is not None and len(words):
            following = copy.copy(self)
            following._before = self.final_states(words)[-1]
            return following
        return self if carried is None else self.at(self.advance(words, carried.initial)[1])

    def at(self, state: np.ndarray) -> GoldenModel:
        """The model that begins at another carried state (m,).

        Raises
        ------
        InputError
            The program carries none, or these are not its words.
        """
        if self.program.carried is None:
            raise InputError(f"{self.program.name}: carries no state that could be loaded")
        carried = dataclasses.replace(self.program.carried, initial=np.asarray(state, dtype=np.int64))
        return GoldenModel(self.program.replace(carried=carried))

    def inputs(self, words: np.ndarray) -> np.ndarray:
        """Words (samples, columns) that drive and feed-through get: with the state carried to each sample."""
        words = self.checked(words)
        return words if self.program.carried is None else self._run(words, self.program.carried.initial)[0]

    def next_carried(self, outputs: np.ndarray) -> np.ndarray:
        """The state (.., m) after the output words (.., rows)."""
        form, rows = self.program.input_format, outputs[..., self.program.k :]
        rounded = round_shift(rows, self.program.carried_shift)
        return np.clip(rounded, form.min_word, form.max_word).astype(np.int64)

    def _run(self, words: np.ndarray, carried: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inputs = np.zeros((len(words), self.program.columns), dtype=np.int64)
        outputs: list[np.ndarray] = []
        for index, x in enumerate(words):
            inputs[index] = np.append(x, carried)
            outputs.append(self._predicted(inputs[index : index + 1])[0])
            carried = self.next_carried(outputs[-1])
        shown = np.array([row[: self.program.k] for row in outputs]).reshape(len(words), self.program.k)
        return inputs, shown, carried

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Outputs ``y`` (samples, k) as real numbers, of raw inputs (samples, d)."""
        return np.ldexp(self.predict_raw(self.words(X)).astype(np.float64), -self.program.output_fractional_bits)

    def iterations(self, words: np.ndarray) -> np.ndarray:
        """Number of the last update per sample (samples,), early exit included."""
        words = self.inputs(words)
        if len(words) == 0:
            return np.zeros(0, dtype=np.int64)
        return self._by_batches(lambda batch: self._solved(self._injected(batch)[0])[1], words)

    def equilibria(self, words: np.ndarray) -> np.ndarray:
        """Words ``z = prox(s)`` (samples, n), int64, of the state after the last update."""
        return self.program.prox(self.final_states(words))

    def final_states(self, words: np.ndarray) -> np.ndarray:
        """State words (samples, n), int64, after the last update."""
        words = self.inputs(words)
        if len(words) == 0:
            return np.zeros((0, self.program.n), dtype=np.int64)
        return self._by_batches(lambda batch: _integers(self._solved(self._injected(batch)[0], SELDOM)[0]), words)

    def outputs_at(self, words: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Output words (samples, rows) of input words (samples, columns) whose final states are known."""
        return self._outputs(_as(states, self._state_type), self._injected(words)[1])

    def trace(self, words: np.ndarray) -> Trace:
        """Every state of every sample; see :class:`Trace`."""
        words = self.inputs(words)
        drive, direct = self._injected(words)
        states, iterations, saturations = self._traced(drive)
        return Trace(
            drive=_integers(drive),
            states=_integers(states),
            begun=np.array([self._first_state(index) for index in range(len(words))], dtype=np.int64),
            iterations=iterations,
            saturations=saturations,
            outputs=self._outputs(states[-1], direct)[:, : self.program.k],
            inputs=words,
        )

    def _first_state(self, index: int) -> int:
        """``Trace.begun`` of a sample."""
        cold = self.program.warm is None or (index == 0 and self._before is None)
        return 0 if cold else self.program.first_warm_update

    def _traced(self, drive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """States, updates and saturations of every sample; of a warm start one sample after the other."""
        if self.program.warm is None:
            return self._trace_from(drive, None)
        parts, before = [], self._before
        for row in drive:
            parts.append(self._trace_from(row[None], before))
            before = parts[-1][0][-1, 0]
        states, iterations, saturations = zip(*parts, strict=True)
        return np.concatenate(states, axis=1), np.concatenate(iterations), np.concatenate(saturations, axis=1)

    def _trace_from(self, drive: np.ndarray, before: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        level, count = self._levels(drive), self.program.iterations
        if before is None:
            rounded = self._rounded(level.copy())
            saturations, states, first = [self._beyond(rounded)], [self._saturated(rounded)], 1
        else:
            first = self.program.first_warm_update
            state = np.broadcast_to(_as(before, self._state_type), drive.shape)
            saturations, states = [np.zeros(len(drive), dtype=np.int64)] * first, [state] * first
        iterations = np.full(len(drive), count)
        for index in range(first, count + 1):
            rounded = self._rounded(self.program.phi(states[-1]) @ self._matrix + level)
            saturations.append(self._beyond(rounded))
            state = self._saturated(rounded)
            fixed = (state == states[-1]).all(axis=1)
            iterations = np.where(fixed, np.minimum(iterations, index), iterations)
            states.append(state)
        return np.stack(states), iterations.astype(np.int64), np.stack(saturations)

    def _predicted(self, words: np.ndarray) -> np.ndarray:
        drive, direct = self._injected(words)
        return self._outputs(self._solved(drive, SELDOM)[0], direct)

    def _by_batches(self, function: Callable[[np.ndarray], np.ndarray], words: np.ndarray) -> np.ndarray:
        """Batches side by side on as many threads as the BLAS may use, each with a BLAS of one thread."""
        if len(words) <= BATCH or self.program.warm is not None:
            return function(words)  # one batch, or a sample waits for the one before
        batches = [words[i : i + BATCH] for i in range(0, len(words), BATCH)]
        return np.concatenate(side_by_side(function, batches, blas_threads()))

    # -- the contract, one line of it a method -------------------------------

    def _injected(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Drive ``d`` and feed-through ``u``; the latter has no columns where there is none."""
        injection, n = self.program.injection, self.program.n
        total = words.astype(self._drive_type) @ self._injection
        total = total * power_of_two(injection.left_shift, self._drive_type) + _as(injection.bias, self._drive_type)
        rounded = round_shift(total, injection.right_shift)
        return _as(rounded[:, :n], self._state_type), _as(rounded[:, n:], self._output_type)

    # In a floating type the update runs in units of the state, its rounding constant inside the
    # drive: scaling by powers of two keeps every sum exact and saves three passes over the states.

    def _to_state_grid(self, accumulators: np.ndarray) -> np.ndarray:
        """Accumulator words (.., n) in the units in which the type accumulates."""
        if accumulators.dtype.kind != "f":
            return accumulators
        return np.ldexp(accumulators, -self.program.matrix.shifts)

    def _levels(self, drive: np.ndarray) -> np.ndarray:
        """What the matrix product is added to: the drive, with one half where the type is floating."""
        level = self._to_state_grid(drive)
        return level + self._state_type(0.5) if level.dtype.kind == "f" else level

    def _rounded(self, total: np.ndarray) -> np.ndarray:
        """``total >>r g`` of the sum of products and level, which it may overwrite."""
        if total.dtype.kind == "f":
            return np.floor(total, out=total)
        return round_shift(total, self.program.matrix.shifts)

    def _saturated(self, rounded: np.ndarray) -> np.ndarray:
        """``sat_sym`` in place."""
        top = self.program.state_format.max_word
        return np.clip(rounded, -top, top, out=rounded)

    def _beyond(self, rounded: np.ndarray) -> np.ndarray:
        """Rows that saturation is about to clip, per sample."""
        return (np.abs(rounded) > self.program.state_format.max_word).sum(axis=1)

    def _updated(self, state: np.ndarray, level: np.ndarray) -> np.ndarray:
        """States after one update."""
        total = self.program.phi(state) @ self._matrix
        total += level
        return self._saturated(self._rounded(total))

    def _solved(self, drive: np.ndarray, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Final states and numbers of the last updates; of a warm start one sample after the other."""
        if self.program.warm is None:
            return self._solve(drive, None, every)
        states, iterations, before = [], [], self._before
        for row in drive:
            state, last = self._solve(row[None], before, every)
            states.append(state)
            iterations.append(last)
            before = state[0]
        return np.concatenate(states), np.concatenate(iterations)

    def _solve(self, drive: np.ndarray, before: np.ndarray | None, every: int) -> tuple[np.ndarray, np.ndarray]:
        """From the start, or from a state; samples that have reached a fixed point or a cycle leave the batch.

        Fixed points are looked for after so many updates each; the numbers of the last ones are then multiples of that.

        A state that comes again decides all that follow. It is compared with that of the last power of two (Brent
        1980, BIT 20), so that any number of updates costs no more than the first cycle does.
        """
        level, updates = self._levels(drive), self.program.iterations
        if before is None:
            state, first = self._saturated(self._rounded(level.copy())), 1
        else:
            state, first = _as(before, self._state_type)[None], self.program.first_warm_update
        final = state.copy()
        iterations = np.full(len(drive), updates, dtype=np.int64)
        active = np.arange(len(drive))
        seen, since = state, 0
        for index in range(first, updates + 1):
            updated = self._updated(state, level)
            done = (updated == state).all(axis=1) if index % every == 0 else np.zeros(len(state), dtype=bool)
            state = updated
            if done.any():
                final[active[done]], iterations[active[done]] = state[done], index
            elif since:
                done = (state == seen).all(axis=1)
                if done.any():
                    left = (updates - index) % (index - since)
                    final[active[done]] = self._after(state[done], level[done], left)
            if done.any():
                active, state, level, seen = active[~done], state[~done], level[~done], seen[~done]
                if len(active) == 0:
                    break
            if index >= WATCHED and index & (index - 1) == 0:
                seen, since = state, index
        final[active] = state
        return final, iterations

    def _after(self, state: np.ndarray, level: np.ndarray, updates: int) -> np.ndarray:
        """States after so many more updates."""
        for _ in range(updates):
            state = self._updated(state, level)
        return state

    def _outputs(self, state: np.ndarray, direct: np.ndarray) -> np.ndarray:
        program = self.program
        total = _as(program.prox(state), self._output_type) @ self._readout
        if program.feedthrough is not None:
            total = total + direct
        left = np.array([power_of_two(shift, self._output_type) for shift in program.readout_left_shift.tolist()])
        return _integers(total * left + _as(program.readout_bias, self._output_type))

    def checked(self, words: np.ndarray) -> np.ndarray:
        """Input words (samples, d) as they are.

        Raises
        ------
        InputError
            They are no words of the input format.
        """
        words = np.asarray(words)
        low, top = self.program.input_format.min_word, self.program.input_format.max_word
        if words.ndim != 2 or words.shape[1] != self.program.d:
            raise InputError(f"input words have shape {words.shape}; expected (samples, {self.program.d})")
        if words.size and (words.dtype.kind not in "iu" or words.min() < low or words.max() > top):
            raise InputError(
                f"input words are {words.dtype} from {words.min()} to {words.max()}; expected integers from {low} to "
                f"{top}. Real values are given as such, and not as words"
            )
        return words


def _as(array: np.ndarray, dtype: type) -> np.ndarray:
    array = np.asarray(array)
    if dtype is object and array.dtype.kind == "f":
        array = array.astype(np.int64)  # exact below 2^53; its objects are Python integers, a float's are floats
    return array.astype(dtype)


def _integers(array: np.ndarray) -> np.ndarray:
    """int64, or the Python integers that the proof asked for."""
    return array if array.dtype == object else array.astype(np.int64)
