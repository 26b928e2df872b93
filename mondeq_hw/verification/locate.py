"""Where two implementations of a program part: the first sample, iteration and row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..program import Trace

STATE = "state"
OUTPUT = "output"
BEHAVIOUR = "behaviour"


@dataclass(frozen=True)
class Mismatch:
    """The first thing that a backend got wrong.

    Parameters
    ----------
    backend : str
    kind : str
        ``state`` (a state word of the recurrence), ``output`` (an output word
        of a sample whose states are all right) or ``behaviour`` (it does not
        build, hangs, breaks the stream protocol, survives a reset, or takes
        other cycles than predicted).
    sample, iteration, row : int or None
        Where; iteration 0 is the start.  For an output, ``row`` is its index.
    expected, received : int or None
        Words.  ``expected`` is None for an update that must not happen,
        ``received`` is None where nothing or an unknown value came.
    message : str
        All of this in a sentence.
    """

    backend: str
    kind: str
    sample: int | None
    iteration: int | None
    row: int | None
    expected: int | None
    received: int | None
    message: str


@dataclass(frozen=True)
class StateTrace:
    """State words that a backend reported.

    Parameters
    ----------
    states : ndarray of int64 (iterations + 1, samples, n)
    written : ndarray of bool
        Same shape; where ``states`` holds a reported word.
    beyond : tuple of int or None
        (sample, iteration, row, value) of the first report of an iteration that the program does not have.
    """

    states: np.ndarray
    written: np.ndarray
    beyond: tuple[int, int, int, int] | None = None


def read_trace(path: Path, iterations: int, samples: int, n: int) -> StateTrace:
    """Read the lines ``sample iteration row value`` that the simulations write.

    Lines with an unknown value (Icarus prints ``x``) count as not written; of
    two reports of the same word the first counts.
    """
    states = np.zeros((iterations + 1, samples, n), dtype=np.int64)
    written = np.zeros(states.shape, dtype=bool)
    fields = (line.split() for line in path.read_text().splitlines()) if path.exists() else ()
    lines = [list(map(int, words)) for words in fields if len(words) == 4 and "x" not in "".join(words).lower()]
    known = np.array(lines, dtype=np.int64).reshape(-1, 4)
    known = known[(known[:, 0] >= 0) & (known[:, 0] < samples) & (known[:, 2] >= 0) & (known[:, 2] < n)]
    inside = (known[:, 1] >= 0) & (known[:, 1] <= iterations)
    sample, iteration, row, value = known[inside][::-1].T
    states[iteration, sample, row] = value
    written[iteration, sample, row] = True
    outside = known[~inside]
    return StateTrace(states, written, tuple(map(int, outside[0])) if len(outside) else None)  # type: ignore[arg-type]


def locate(
    backend: str,
    golden: Trace,
    received: StateTrace,
    outputs: np.ndarray | None,
    first_sample: int = 0,
) -> Mismatch:
    """The first wrong word of a backend whose last traced sample has a wrong output.

    Parameters
    ----------
    backend : str
    golden : Trace
        Of the samples that the backend traced.
    received : StateTrace
    outputs : ndarray of int64 (k,) or None
        What came out for the last of these samples; None when nothing did.
    first_sample : int
        Number of the first traced sample in the stimulus.
    """
    state = _first_wrong_state(golden, received)
    if state is not None:
        sample, iteration, row = state
        value = int(received.states[iteration, sample, row]) if received.written[iteration, sample, row] else None
        return state_mismatch(
            backend, first_sample + sample, iteration, row, int(golden.states[iteration, sample, row]), value
        )
    if received.beyond is not None:
        sample, iteration, row, value = received.beyond
        return state_mismatch(backend, first_sample + sample, iteration, row, None, value)
    sample = first_sample + golden.outputs.shape[0] - 1
    expected = golden.outputs[-1]
    if outputs is None:
        return behaviour(backend, f"sample {sample}: every state is right, but its outputs did not come")
    row = int(np.flatnonzero(outputs != expected)[0])
    return Mismatch(
        backend=backend,
        kind=OUTPUT,
        sample=sample,
        iteration=None,
        row=row,
        expected=int(expected[row]),
        received=int(outputs[row]),
        message=f"{backend}: sample {sample}, output {row}: received {outputs[row]}, expected {expected[row]}; "
        "every state of the sample is right",
    )


def state_mismatch(
    backend: str, sample: int, iteration: int, row: int, expected: int | None, received: int | None
) -> Mismatch:
    """A wrong, missing or superfluous state word."""
    got = "nothing" if received is None else received
    want = "no such update" if expected is None else expected
    return Mismatch(
        backend=backend,
        kind=STATE,
        sample=sample,
        iteration=iteration,
        row=row,
        expected=expected,
        received=received,
        message=f"{backend}: sample {sample}, iteration {iteration}, row {row}: received {got}, expected {want}",
    )


def behaviour(backend: str, what: str) -> Mismatch:
    """Something other than a wrong word."""
    return Mismatch(backend, BEHAVIOUR, None, None, None, None, None, f"{backend}: {what}")


def first_wrong_sample(outputs: np.ndarray, expected: np.ndarray) -> tuple[int, int | None]:
    """Number of samples with a missing or wrong word, and the first of them."""
    came = min(len(outputs), len(expected))
    wrong = np.ones(len(expected), dtype=bool)
    wrong[:came] = (outputs[:came] != expected[:came]).any(axis=1)
    return int(wrong.sum()), int(wrong.argmax()) if wrong.any() else None


def _first_wrong_state(golden: Trace, received: StateTrace) -> tuple[int, int, int] | None:
    """(sample, iteration, row), samples first."""
    iteration = np.arange(len(golden.states))[:, None, None]
    # After its early exit a sample reports nothing, or its state again.
    required = (golden.begun[:, None] <= iteration) & (iteration <= golden.iterations[:, None])
    wrong = np.where(received.written, received.states != golden.states, required)
    places = np.argwhere(wrong.transpose(1, 0, 2))
    return tuple(map(int, places[0])) if len(places) else None  # type: ignore[return-value]
