"""Proofs that are true and say nothing: what a program's certificate is worth before anybody reads it.

A stored network may converge provably to within more than it moves at all: where ``1 - rho`` is small against the
state's step every state is nearly a fixed point, and where the drive rounds to nothing there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ..base import exact_dtype, round_shift
from ..problem import Task, deviation, root_mean_square
from ..program import SolverProgram
from .contraction import ContractionProof, ErrorBound, error_bound
from .enclosure import whole

#: A proved radius from this share of the bound on the equilibrium itself on is no statement about it.
USELESS_SHARE = Fraction(1, 2)
#: Updates of intervals; a program of more of them whose intervals still change is not decided.
INTERVAL_UPDATES = 64


def useless_radius(program: SolverProgram, proof: ContractionProof) -> str | None:
    """Why the radius after all updates says nothing, if so: the state zero, from which they start, is as near."""
    if program.feedthrough is not None and not program.readout.matrix(np.int64).any():
        return None  # no output depends on the state
    bound = error_bound(program, proof)
    if not bound.start:
        return "its drive is zero for every input: nothing moves the state, neither an input nor a constant"
    share = radius_share(bound, program.iterations)
    if share < USELESS_SHARE:
        return None
    stalled = radius_share(bound, program.iterations + 10**6) >= USELESS_SHARE
    why = (
        f"the state's step is too coarse for a contraction factor of {float(proof.contraction_factor):.6g}, so that "
        "the rounded state stalls"
        if stalled
        else f"{program.iterations} updates are too few"
    )
    return f"the proved radius is {float(share):.3g} of the bound on the equilibrium itself: {why}"


def radius_share(bound: ErrorBound, iterations: int) -> Fraction:
    """Proved radius after so many updates over the bound ``S`` on the equilibrium's norm; 1 where that is zero."""
    return Fraction(bound.radius(iterations), bound.start) if bound.start else Fraction(1)


def rounds_to_nothing(program: SolverProgram) -> str | None:
    """Why no output depends on the input, if so: what connects them rounds to zero."""
    if all(low == high for low, high in program.injection.words):
        return "the drive rounds to the same word for every input, and with it the output"
    if program.feedthrough is None and not program.readout.matrix(np.int64).any():
        return "the readout rounds to zero"
    return None


def constant_output(program: SolverProgram, floating: np.ndarray) -> str | None:
    """Which output is proved not to depend on the input, if the float network's outputs (samples, k) do."""
    for output in np.flatnonzero(_varying(floating) & constant_for_every_input(program)).tolist():
        return f"{named_output(output, program)} is the same word for every input"
    return None


def useless_on_samples(
    program: SolverProgram, outputs: np.ndarray, floating: np.ndarray, task: Task, samples: str
) -> str | None:
    """Which output word (samples, k) says nothing about the float network's output: the same on all, or as far off.

    As far as a constant would be: however tight a proof of such a distance were, it would be as large as what the
    output moves by.
    """
    varies, deployed = _varying(floating), np.ldexp(outputs.astype(np.float64), -program.output_fractional_bits)
    for output in np.flatnonzero(varies & ~_varying(outputs)).tolist():
        return f"{named_output(output, program)} is the same for all of {len(outputs)} {samples}"
    errors, spreads = root_mean_square(deployed - floating), deviation(floating)
    for output in np.flatnonzero(varies & ~task.informed(deployed, floating)).tolist():
        name, figures = named_output(output, program), f"{errors[output]:.3g} off, where that varies by"
        return (
            f"{name} is no nearer to the float network's than a constant: {figures} {spreads[output]:.3g} "
            f"(root mean squares over {len(outputs)} {samples})"
        )
    return None


def named_output(output: int, program: SolverProgram) -> str:
    """For messages."""
    return "the output" if program.k == 1 else f"output {output} of {program.k}, counted from 0,"


def _varying(rows: np.ndarray) -> np.ndarray:
    varies: np.ndarray = (rows != rows[:1]).any(axis=0)
    return varies


def constant_for_every_input(program: SolverProgram) -> np.ndarray:
    """Outputs (k,) of which intervals of every state, update after update, prove that they are always the same word.

    Where this is false they may be all the same: an interval forgets what its ends have in common.
    """
    dtype = exact_dtype(2 * program.accumulator_bound)
    ends = np.array(program.injection.words, dtype=object)
    drive: np.ndarray = ends[: program.n].T.astype(dtype)
    state: np.ndarray = np.zeros((2, program.n), dtype=dtype)
    matrix, direct = program.stage.iteration_matrix(dtype), ends[program.n :].T
    top, settled = program.state_format.max_word, False
    for _ in range(min(program.iterations, INTERVAL_UPDATES) + 1):
        low, high = _image(program.phi, program, state)
        sums = np.stack([_least(matrix, low, high), -_least(-matrix, low, high)]) + drive
        following = np.clip(round_shift(sums, program.matrix.shifts), -top, top)
        settled, state = bool((following == state).all()), following
        if settled:
            break
    # Intervals that an update does not change hold whatever follows, the next sample of a warm start too.
    if not settled and (program.iterations > INTERVAL_UPDATES or program.warm is not None):
        return np.zeros(program.k, dtype=bool)
    low, high = _image(program.prox, program, whole(state))
    readout = program.readout.matrix(object)
    same = _least(readout, low, high) == -_least(-readout, low, high)
    if program.feedthrough is not None:
        same &= direct[0] == direct[1]
    return same[: program.k].astype(bool)


def _least(matrix: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Smallest ``matrix v`` over ``low <= v <= high``."""
    least: np.ndarray = np.maximum(matrix, 0) @ low + np.minimum(matrix, 0) @ high
    return least


def _image(
    operator: Callable[[np.ndarray], np.ndarray], program: SolverProgram, state: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest value of a row's operator, linear between bounds, on an interval (2, n) of state words."""
    bounds = [
        np.clip(end, -program.state_format.max_word, program.state_format.max_word).astype(np.int64).astype(state.dtype)
        for end in (program.clip.lower, program.clip.upper)
    ]
    values = np.stack([operator(np.clip(point, *state)) for point in (*state, *bounds)])
    return values.min(axis=0), values.max(axis=0)
