"""The proved distance of every output from the float network's: never beaten, and tight where it is claimed to be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_clip, random_model

from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, MonDEQ, logits
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof.certify import choose_iterations
from mondeq_hw.proof.contraction import error_bound
from mondeq_hw.proof.distance import OutputDistance, output_distance
from mondeq_hw.proof.float_model import FloatModel
from mondeq_hw.proof.mismatch import Mismatch
from mondeq_hw.proof.perturbation import prove_operator
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import LoweringOptions, lower

#: The float reference is a float itself.
REFERENCE_ERROR = 1e-7


def mismatch_of(model: MonDEQ, options: LoweringOptions) -> Mismatch | None:
    lowered = lower(model, options)
    operator = prove_operator(model.W)
    if lowered.proof is None or operator is None:
        return None
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    program = program.replace(iterations=choose_iterations(program, lowered.proof))
    floating = FloatModel.of(model, operator, program)
    return Mismatch(program, floating, Fraction(lowered.step_size), lowered.proof, error_bound(program, lowered.proof))


def worst(model: MonDEQ, program: SolverProgram, seed: int, rounds: int = 12) -> np.ndarray:
    """The largest ``|y - y*|`` of each output that coordinate steps from many starts find."""
    rng, golden = np.random.default_rng(seed), GoldenModel(program)

    def errors(words: np.ndarray) -> np.ndarray:
        outputs = np.ldexp(golden.predict_raw(words).astype(float), -program.output_fractional_bits)
        return np.abs(outputs - logits(model, words))

    top = program.input_format.max_word
    words = rng.integers(0, top + 1, size=(200, program.d))
    words[:40] = rng.integers(0, 2, size=(40, program.d)) * top
    found = errors(words)
    for _ in range(rounds):
        best = words[np.argmax(found, axis=0)]
        steps = np.repeat(best, 20, axis=0)
        reach = top * 10.0 ** rng.uniform(-2, 0, size=(len(steps), 1))
        steps += np.rint(rng.normal(size=steps.shape) * reach).astype(int)
        words = np.concatenate([best, np.clip(steps, 0, top)])
        found = np.maximum(found.max(axis=0), errors(words)) if len(found) == len(words) else errors(words)
    return np.maximum(found.max(axis=0), errors(words).max(axis=0))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 9),
    d=st.integers(1, 4),
    bits=st.integers(3, 14),
    state_bits=st.integers(5, 20),
    solver=st.sampled_from([PEACEMAN_RACHFORD, PEACEMAN_RACHFORD, FORWARD_BACKWARD]),
    clipped=st.booleans(),
)
def test_no_input_beats_the_bound(
    seed: int, n: int, d: int, bits: int, state_bits: int, solver: str, clipped: bool
) -> None:
    model = random_model(np.random.default_rng(seed), n, d, 3, margin=0.8)
    model = replace(model, clip=random_clip(seed, n)) if clipped else model
    options = LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=state_bits, readout_bits=bits)
    mismatch = mismatch_of(model, options)
    if mismatch is None:
        return
    distance: OutputDistance = output_distance(mismatch)
    bounds = np.array([float(bound) for bound in distance.bounds])
    assert (worst(model, mismatch.program, seed) <= bounds + REFERENCE_ERROR).all(), distance.methods
