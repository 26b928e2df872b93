"""Certificates of random programs and of given models."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from random_models import random_clip, random_model, random_words

from mondeq_hw import from_qp
from mondeq_hw.problem import CLASSES, PEACEMAN_RACHFORD, VALUES, MonDEQ, Task
from mondeq_hw.proof.certify import certify, choose_iterations
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions


@cache
def certificate_text(
    solver: str = PEACEMAN_RACHFORD,
    seed: int = 0,
    n: int = 6,
    bits: int = 9,
    samples: int | None = 12,
    clipped: bool = False,
    task: Task = CLASSES,
) -> str:
    model = random_model(np.random.default_rng(seed), n, 5, 4, margin=0.8)
    model = replace(model, clip=random_clip(seed, n)) if clipped else model
    lowered = lower(model, LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=10))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    words = None if samples is None else random_words(seed, program, samples)
    return certify(program, lowered.proof, model, lowered.step_size, words, task).to_json()


def at_its_bound() -> MonDEQ:
    """A variable that stands at its bound for every parameter, as does the multiplier of a row that never binds."""
    return from_qp(
        [[0.01, 0.0], [0.0, 1.0]], [0.03, 0.0], [[1.0, 0.0], [0.0, 1.0], [1.0, -0.025]], [2.0, -50.0, 0.9],
        [50.0, 50.0, np.inf], theta=([-1.0] * 2, [1.0] * 2), Q=[[0.01, 0.004], [0.005, 0.01]], delta=[0, 0, 0.1],
    )  # fmt: skip


def certificate_of(model: MonDEQ, bits: int) -> str:
    """Of a network or problem as given, without samples."""
    lowered = lower(model, LoweringOptions(bits=bits, state_bits=bits + 6))
    assert lowered.proof is not None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    return certify(program, lowered.proof, model, lowered.step_size, None, VALUES).to_json()
