"""Random networks and programs of any size, for property tests of every backend."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mondeq_hw.base import FREE, RELU, Clip, Interval, soft_threshold
from mondeq_hw.base.numerics import FixedPointFormat, Overflow, Rounding
from mondeq_hw.problem import PEACEMAN_RACHFORD, CarriedState, find_splitting, reformulate
from mondeq_hw.problem.model import MonDEQ, Preprocessing
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.quantize import MAX_SHIFT, ROW, QuantizedRecurrence, quantize_nearest


def random_model(
    rng: np.random.Generator,
    n: int,
    d: int,
    k: int,
    margin: float = 0.5,
    gain: float = 1.0,
    feedthrough: bool = False,
) -> MonDEQ:
    """A MonDEQ in Winston and Kolter's parametrisation with a given margin."""
    A = rng.normal(size=(n, n)) * gain / np.sqrt(n)
    B = rng.normal(size=(n, n)) * gain / np.sqrt(n)
    W = (1 - margin) * np.eye(n) - A.T @ A + B - B.T
    return MonDEQ(
        W=W,
        U=rng.normal(size=(n, d)) / np.sqrt(d),
        b=0.3 * rng.normal(size=n),
        O=rng.normal(size=(k, n)) / np.sqrt(n),
        c=0.3 * rng.normal(size=k),
        monotonicity_margin=margin,
        preprocessing=Preprocessing(scale=1 / 255, mean=np.array(0.4), std=np.array(0.3)),
        source="random",
        F=rng.normal(size=(k, d)) if feedthrough else None,
    )


#: One of each kind of row, bounds that are no words of any state among them.
INTERVALS = (
    Interval(-0.3, 0.7),
    soft_threshold(0.1),
    RELU,
    FREE,
    Interval(0.0, 0.45),
    Interval(-np.inf, 0.2, complement=True),
    Interval(0.0, 0.0),
)


def random_clip(seed: int, n: int) -> Clip:
    """A kind for each row; all of them where there are rows enough."""
    rng = np.random.default_rng(seed)
    kinds = [*range(len(INTERVALS)), *rng.integers(0, len(INTERVALS), size=n)][:n]
    return Clip.of([INTERVALS[kind] for kind in rng.permutation(kinds)])


def input_format(bits: int = 8, signed: bool = False, integer_bits: int | None = None) -> FixedPointFormat:
    """Integer words unless ``integer_bits`` says otherwise."""
    return FixedPointFormat(bits, bits if integer_bits is None else integer_bits, signed, Rounding.RND, Overflow.SAT)


def random_carrying_model(rng: np.random.Generator, n: int, d: int, k: int, carried: int) -> MonDEQ:
    """One that carries a state; its words are of a few units, so that some saturate."""
    model = random_model(rng, n, d + carried, k + carried, feedthrough=True)
    assert model.F is not None
    F = model.F.copy()
    F[k:, d:] *= 0.5
    return replace(
        model, F=F, preprocessing=Preprocessing(1.0), carried=CarriedState.starting(rng.normal(size=carried))
    )


def random_program(
    seed: int,
    n: int = 6,
    d: int = 5,
    k: int = 3,
    bits: int = 4,
    solver: str = PEACEMAN_RACHFORD,
    granularity: str = ROW,
    state_bits: int = 8,
    state_integer_bits: int = 3,
    drive_bits: int = 6,
    readout_bits: int = 6,
    input_bits: int = 8,
    input_signed: bool = False,
    input_integer_bits: int | None = None,
    iterations: int = 7,
    feedthrough: bool = False,
    carried: int = 0,
    gain: float = 1.0,
) -> SolverProgram:
    """A program of the given sizes; small ``state_bits`` or ``state_integer_bits`` make it saturate, and so does a gain
    of its matrix, whose rows then have fewer bits below the point.
    """
    if carried:
        model = random_carrying_model(np.random.default_rng(seed), n, d, k, carried)
        input_signed, input_integer_bits, feedthrough = True, input_bits - 2, True
    else:
        model = random_model(np.random.default_rng(seed), n, d, k, feedthrough=feedthrough)
    step = reformulate(model, find_splitting(solver), 1.0 if solver == PEACEMAN_RACHFORD else 0.25)
    matrix = quantize_nearest(gain * step.matrix, bits, granularity, min_shift=step.leak_shift)
    quantized = QuantizedRecurrence(
        recurrence=step,
        matrix=matrix,
        drive=quantize_nearest(step.drive, drive_bits, granularity, min_shift=-MAX_SHIFT),
        readout=quantize_nearest(step.readout, readout_bits, granularity, min_shift=-MAX_SHIFT),
        drive_bias=step.drive_bias,
        readout_bias=step.readout_bias,
        feedthrough=quantize_nearest(step.feedthrough, drive_bits, granularity, -MAX_SHIFT) if feedthrough else None,
    )
    state = FixedPointFormat(state_bits, state_integer_bits)
    words = input_format(input_bits, input_signed and input_bits > 1, input_integer_bits)
    return assemble(quantized, words, state, iterations, certified=False)


def with_rows(program: SolverProgram, *intervals: Interval) -> SolverProgram:
    """The same program with these intervals, in words of its state, for its rows in turn."""
    return program.replace(clip=Clip.of([intervals[row % len(intervals)] for row in range(program.n)]))


def with_random_clip(seed: int, program: SolverProgram) -> SolverProgram:
    """The same program with up to five kinds of rows in any order; a third of the draws are relu throughout."""
    rng = np.random.default_rng(seed)
    top = program.state_format.max_word

    def bound() -> float:
        return float(rng.choice([0, rng.integers(0, top, endpoint=True), np.inf]))

    boxes = [Interval(-bound(), bound(), bool(rng.integers(2))) for _ in range(3)]
    kinds = [RELU, FREE, *boxes] if seed % 3 else [RELU]
    return program.replace(clip=Clip.of([kinds[index] for index in rng.integers(len(kinds), size=program.n)]))


def random_compile(seed: int) -> tuple[MonDEQ, dict[str, Any]]:
    """A network of one to six rows and the options of its compilation: scales far apart, long and short words."""
    rng = np.random.default_rng(seed)
    n, d, k = (int(rng.integers(1, 7)) for _ in range(3))
    model = random_model(rng, n, d, k, float(rng.choice([0.9, 0.5, 0.2, 0.05])), float(rng.choice([0.3, 1, 3])))

    def scales(size: int) -> np.ndarray:
        kinds = (np.ones(size), 2.0 ** rng.integers(-8, 9, size=size), 10.0 ** rng.integers(-12, 13, size=size))
        return kinds[rng.choice(3, p=(0.5, 0.25, 0.25))][:, None]

    model = replace(
        model,
        U=model.U * scales(n),
        b=model.b * rng.choice([0, 1, 300]),
        O=model.O * scales(k),
        F=rng.normal(size=(k, d)) if rng.random() < 0.25 else None,
        clip=random_clip(seed, n) if rng.random() < 0.4 else Clip.uniform(RELU, n),
        preprocessing=Preprocessing(scale=1 / 255),
    )
    forward = bool(rng.integers(2))
    options: dict[str, Any] = {
        "bits": int(rng.choice([1, 2, 4, 5, 8, 12, 16, 18])),
        "solver": "forward_backward" if forward else "peaceman_rachford",
        "rounding": str(rng.choice(["auto", "nearest", "spectral"])),
        "granularity": str(rng.choice(["row", "tensor"])),
        "allow_uncertified": True,
        "allow_vacuous": True,
    }
    step_size = 2.0 ** -int(rng.integers(6)) if forward else float(2.0 ** rng.integers(-6, 7))
    more: dict[str, tuple[float, Any]] = {
        "state_bits": (0.5, int(rng.integers(2, 33))),
        "iterations": (0.4, int(rng.choice([1, 2, 7, 64, 300]))),
        "drive_bits": (0.3, int(rng.integers(1, 19))),
        "readout_bits": (0.3, int(rng.integers(1, 19))),
        "input_bits": (0.3, int(rng.integers(1, 9))),
        "step_size": (0.3, step_size),
        "calibration": (0.4, rng.integers(0, 256, size=(20, d))),
    }
    return model, options | {name: value for name, (share, value) in more.items() if rng.random() < share}


def random_words(seed: int, program: SolverProgram, samples: int) -> np.ndarray:
    """Input words (samples, d): uniform, with the samples of all smallest and of all largest words among them."""
    rng, form = np.random.default_rng(seed), program.input_format
    words = rng.integers(form.min_word, form.max_word + 1, size=(samples, program.d))
    words[0] = form.min_word
    words[-1] = form.max_word
    return words
