"""Bounds on the distance to the float model: against its equilibria, against rational arithmetic, on coarse grids."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import INTERVALS, input_format, random_clip, random_model, random_program, random_words

from mondeq_hw.base import FREE, RELU, Clip, InputError, Interval
from mondeq_hw.base.numerics import FixedPointFormat
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, find_splitting, folded_input, reformulate
from mondeq_hw.problem.model import MonDEQ
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.proof import float_model, perturbation
from mondeq_hw.proof.contraction import choose_iterations, error_bound, state_radius, two_norm
from mondeq_hw.proof.float_model import (
    AffineGrid,
    FloatModel,
    ModelEnclosure,
    clip_change,
    displacement_bound,
    distances,
    enclose_equilibria,
    fine_bits,
    model_classes,
)
from mondeq_hw.proof.normal_cone import NormalCones
from mondeq_hw.proof.perturbation import prove_operator
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import Lowered
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import QuantizedRecurrence, quantize_nearest

seeds = st.integers(0, 10**6)


def compiled(seed: int, n: int, bits: int, solver: str, scale: float = 1.0) -> tuple[MonDEQ, Lowered, SolverProgram]:
    model = random_model(np.random.default_rng(seed), n, 4, 3, margin=0.8)
    model = replace(model, U=model.U * scale, b=model.b * scale, O=model.O * scale, c=model.c * scale)
    lowered = lower(model, LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=14))
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 9, True)
    return model, lowered, program


def clipped(seed: int, n: int, bits: int, solver: str, state_bits: int = 14) -> tuple[MonDEQ, Lowered, SolverProgram]:
    """With every kind of row, and words too coarse for its bounds."""
    model = replace(random_model(np.random.default_rng(seed), n, 4, 3, margin=0.8), clip=random_clip(seed, n))
    lowered = lower(model, LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=state_bits))
    return model, lowered, assemble(lowered.quantized, lowered.input_format, lowered.state_format, 40, True)


def floating(model: MonDEQ, program: SolverProgram) -> FloatModel:
    operator = prove_operator(model.W)
    assert operator is not None
    return FloatModel.of(model, operator, program)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.integers(1, 9), st.integers(4, 12), st.sampled_from(SOLVERS), st.sampled_from([1e-9, 1.0, 1e7]))
def test_distances_are_proved_and_tight(seed: int, n: int, bits: int, solver: str, scale: float) -> None:
    model, _, program = compiled(seed, n, bits, solver, scale)
    words = random_words(seed, program, 12)
    states = GoldenModel(program).trace(words).states[-1]
    exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
    true = np.linalg.norm(program.state_format.to_float(program.prox(states)) - exact, axis=1)
    enclosure = enclose_equilibria(floating(model, program), program, words, exact)
    proved = np.array([float(distance) for distance in distances(program, states, enclosure)])
    slack = 1e-6 * scale + 1e-6 * np.linalg.norm(exact, axis=1)
    assert (true <= proved + 1e-3 * slack).all() and (proved <= true + slack + program.state_format.step * n / 8).all()
    # Points that are no equilibria make the bound worse, never wrong.
    rough = exact + np.random.default_rng(seed).normal(size=exact.shape) * program.state_format.step * 40
    enclosure = enclose_equilibria(floating(model, program), program, words, rough)
    assert (enclosure.points >= 0).all()
    proved = np.array([float(distance) for distance in distances(program, states, enclosure)])
    assert (true <= proved + 1e-3 * slack).all()
    centres = np.ldexp(enclosure.points.astype(float), -fine_bits(program))
    assert (np.linalg.norm(centres - exact, axis=1) <= np.array([float(r) for r in enclosure.radii]) + slack).all()


@pytest.mark.parametrize("grid_bits,matrix_bits", [(8, 24), (32, 3), (9, 4)])
def test_rounding_to_the_grids_is_charged(monkeypatch: pytest.MonkeyPatch, grid_bits: int, matrix_bits: int) -> None:
    """On coarse grids the integers are another network; the bounds still hold for the one that was given."""
    monkeypatch.setattr(perturbation, "GRID_BITS", grid_bits)
    monkeypatch.setattr(float_model, "GRID_BITS", grid_bits)
    monkeypatch.setattr(float_model, "MATRIX_BITS", matrix_bits)
    for seed in range(12):
        model, _, program = compiled(seed, 5, 10, SOLVERS[seed % 2])
        words = random_words(seed, program, 30)
        states = GoldenModel(program).trace(words).states[-1]
        exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
        integers = floating(model, program)
        enclosure = enclose_equilibria(integers, program, words, exact)
        true = np.linalg.norm(program.state_format.to_float(program.prox(states)) - exact, axis=1)
        assert (true <= np.array([float(d) for d in distances(program, states, enclosure)])).all()
        expected = (exact @ model.O.T + model.c).argmax(axis=1)
        found = np.array(model_classes(integers, program, enclosure))
        assert ((found == -1) | (found == expected)).all()


def test_classes_of_the_float_model() -> None:
    undecided = 0
    for seed in range(6):
        model, _, program = compiled(seed, 7, 5, SOLVERS[seed % 2])
        words = random_words(seed, program, 40)
        exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
        integers = floating(model, program)
        found = model_classes(integers, program, enclose_equilibria(integers, program, words, exact))
        assert found == (exact @ model.O.T + model.c).argmax(axis=1).tolist()
        states = GoldenModel(program).trace(words).states[-1]
        near = program.state_format.to_float(program.prox(states))
        rough = model_classes(integers, program, enclose_equilibria(integers, program, words, near))
        assert all(a in (-1, b) for a, b in zip(rough, found, strict=True))
        undecided += rough.count(-1)
    assert undecided > 0


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.integers(1, 9), st.integers(6, 12), st.sampled_from(SOLVERS))
def test_any_clip_is_enclosed(seed: int, n: int, bits: int, solver: str) -> None:
    """Points, distances and classes for boxes, free rows, thresholds; tight, so that the cone is the right one."""
    model, _, program = clipped(seed, n, bits, solver)
    words, integers = random_words(seed, program, 12), floating(model, program)
    states = GoldenModel(program).final_states(words)
    exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
    true = np.linalg.norm(program.state_format.to_float(program.prox(states)) - exact, axis=1)
    enclosure = enclose_equilibria(integers, program, words, exact)
    proved = np.array([float(distance) for distance in distances(program, states, enclosure)])
    slack = 1e-6 * (1 + np.linalg.norm(exact, axis=1))
    assert (true <= proved + 1e-3 * slack).all() and (proved <= true + slack + program.state_format.step * n / 50).all()
    classes = (exact @ model.O.T + model.c).argmax(axis=1).tolist()
    assert all(a in (-1, b) for a, b in zip(model_classes(integers, program, enclosure), classes, strict=True))
    rough = exact + np.random.default_rng(seed).normal(size=exact.shape) * 0.1
    enclosure = enclose_equilibria(integers, program, words, rough)
    proved = np.array([float(distance) for distance in distances(program, states, enclosure)])
    assert (true <= proved + 1e-3 * slack).all()


@pytest.mark.parametrize("interval", INTERVALS, ids=str)
@pytest.mark.parametrize("v", [-2.0, -0.3, -0.05, 0.0, 0.05, 0.7, 2.0])
def test_smallest_change_of_the_input_that_makes_a_value_the_prox(interval: Interval, v: float) -> None:
    """Against a fine search over ``e``; none at all exactly where the value is the prox already."""
    clip = Clip.uniform(interval, 1)
    cones = NormalCones.floating(clip)
    changes = np.linspace(-5, 5, 40_001)
    reached = clip.prox((v + changes)[:, None])[:, 0]
    for z in (-0.6, -0.3, 0.0, 0.1, 0.45, 0.7, 1.1):
        z = float(cones.project(np.array([z]))[0])
        found = float(cones.distance(np.array([z]), np.array([v - z]))[0])
        searched = np.abs(changes[np.abs(reached - z) < 3e-4])
        assert searched.min(initial=9) == pytest.approx(found, abs=1e-3)
    own = clip.prox(np.array([v]))
    assert cones.distance(own, v - own)[0] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("state_bits", [7, 14])
def test_bound_for_every_input_counts_the_rounding_of_the_clip(solver: str, state_bits: int) -> None:
    proved = 0
    for seed in range(4):
        model, lowered, program = clipped(seed, 7, 10, solver, state_bits)
        assert lowered.proof is not None
        bound = error_bound(program, lowered.proof)
        start, radius = two_norm(program, lowered.proof, bound.start), state_radius(program, lowered.proof, bound)
        alpha = Fraction(lowered.step_size)
        worst = float(displacement_bound(floating(model, program), program, alpha, start, radius))
        words = random_words(seed, program, 200)
        states = GoldenModel(program).final_states(words)
        inside = (np.abs(states) < program.state_format.max_word - 2).all(axis=1)
        exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
        true = np.linalg.norm(program.state_format.to_float(program.prox(states)) - exact, axis=1)
        values, cones = clip_change(model.prox, program, alpha)
        assert 0 < values < program.state_format.step * 2 and cones > 0
        if inside.any():
            assert true[inside].max() <= worst
            proved += 1
    assert proved


def test_change_of_the_clip_written_out() -> None:
    """Bounds 1/3 and 0.6 on a grid of 1/4 are 1/4 and 1/2; the threshold 0.3 at step 2 is 0.6, stored as 1/2."""
    state = FixedPointFormat(6, 4)
    program = random_program(0, n=3).replace(
        state_format=state,
        drive_left_shift=20,
        clip=Clip.of([Interval(-1.0, 2.0), Interval(-2.0, 2.0, complement=True), RELU]),
    )
    clip = Clip.of([Interval(-1 / 3, 0.6), Interval(-0.3, 0.3, complement=True), RELU])
    values, cones = clip_change(clip, program, Fraction(2))
    assert float(values) == pytest.approx(0.1) and float(cones) == pytest.approx(0.1)
    assert Fraction(0.6) - Fraction(1, 2) <= values and 2 * Fraction(0.3) - Fraction(1, 2) <= cones
    beyond = Clip.of([Interval(-1 / 4, 1 / 2), Interval(-1 / 4, 1 / 4, complement=True), Interval(0.0, 6.0)])
    values, cones = clip_change(beyond, program, Fraction(2))
    assert values == Fraction(31, 4) - 6 and cones == 0
    for other in (Interval(0.0, np.inf, complement=True), FREE):
        with pytest.raises(InputError, match="is not the network's"):
            clip_change(Clip.of([other, Interval(-0.3, 0.3, complement=True), RELU]), program, Fraction(2))


def test_equal_logits_decide_nothing() -> None:
    model, _, program = compiled(0, 3, 8, PEACEMAN_RACHFORD)
    model = replace(model, O=np.repeat(model.O[:1], 3, axis=0), c=np.zeros(3))
    integers = floating(model, program)
    words = random_words(0, program, 5)
    exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
    assert model_classes(integers, program, enclose_equilibria(integers, program, words, exact)) == [-1] * 5


@pytest.mark.parametrize("lead,decided", [(21, False), (22, True)])
def test_a_class_is_decided_beyond_the_radius_and_the_rounding_of_the_readout(lead: int, decided: bool) -> None:
    """Rows one unit apart may be two units apart before rounding: ``(1 + 1) 10 + 1`` units for a radius of ten."""
    _, _, program = compiled(0, 1, 8, PEACEMAN_RACHFORD)
    operator = prove_operator(np.array([[-0.5]]))
    assert operator is not None
    output = AffineGrid(0, [[1], [0]], [lead, 0])
    zero = np.zeros((1, 1), dtype=np.int64)
    enclosure = ModelEnclosure(zero, zero.astype(object), 0, [Fraction(10)], zero)
    model = FloatModel(operator, AffineGrid(0, [[1]], [0]), output, Clip.uniform(RELU, 1))
    assert model_classes(model, program, enclosure) == [0 if decided else -1]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bits", [5, 8, 12])
def test_bound_for_every_input(solver: str, bits: int) -> None:
    proved = 0
    for seed in range(5):
        model, lowered, program = compiled(seed, 6, bits, solver)
        if lowered.proof is None:
            continue
        program = program.replace(iterations=choose_iterations(program, lowered.proof))
        bound = error_bound(program, lowered.proof)
        start = two_norm(program, lowered.proof, bound.start)
        radius = state_radius(program, lowered.proof, bound)
        alpha = Fraction(lowered.quantized.recurrence.step_size)
        worst = float(displacement_bound(floating(model, program), program, alpha, start, radius))
        words = random_words(seed, program, 200)
        states = GoldenModel(program).trace(words).states[-1]
        inside = (np.abs(states) < program.state_format.max_word - 64).all(axis=1)
        exact = model.prox.prox(preactivation(model, program.input_format.to_float(words)))
        true = np.linalg.norm(program.state_format.to_float(program.prox(states)) - exact, axis=1)
        assert inside.any() and true[inside].max() <= worst
        proved += 1
    assert proved >= 1


def one_row(solver: str) -> tuple[MonDEQ, SolverProgram, Fraction]:
    """One state, one input word of one bit, 2 and 3 bit weights: everything can be written out."""
    model = replace(random_model(np.random.default_rng(4), 1, 1, 2), W=np.array([[-0.7]]))
    step = reformulate(model, find_splitting(solver), 0.5)
    quantized = QuantizedRecurrence(
        recurrence=step,
        matrix=quantize_nearest(step.matrix, 3, "row", min_shift=step.leak_shift),
        drive=quantize_nearest(step.drive, 2, "row", min_shift=-8),
        readout=quantize_nearest(step.readout, 4, "row", min_shift=-8),
        drive_bias=step.drive_bias,
        readout_bias=step.readout_bias,
    )
    program = assemble(quantized, input_format(1), FixedPointFormat(12, 4), 5, True)
    return model, program, Fraction(step.step_size)


@pytest.mark.parametrize("solver", SOLVERS)
def test_bound_for_every_input_written_out_for_one_row(solver: str) -> None:
    """``alpha e`` (or ``2 alpha e``) of section 9 in fractions, with norms that are exact in one dimension."""
    model, program, alpha = one_row(solver)
    shift = int(program.drive_right_shift[0] + program.matrix.shifts[0]) + program.state_format.fractional_bits
    left = program.drive_left_shift
    drive = [
        Fraction((int(program.drive.integers[0, 0]) * x << left) + int(program.drive_bias[0])) / Fraction(2) ** shift
        for x in (0, 1)
    ]
    M = Fraction(float(program.matrix.values[0, 0])) + 1 - Fraction(1, 2**program.leak_shift)
    U, b = folded_input(model)
    q = [Fraction(float(b[0])) + x * Fraction(float(U[0, 0])) for x in (0, 1)]
    A = 1 - Fraction(float(model.W[0, 0]))
    if solver == PEACEMAN_RACHFORD:
        R = (1 + alpha * A) * M - (1 - alpha * A)
        c = [(1 + alpha * A) * d - 2 * alpha * v for d, v in zip(drive, q, strict=True)]
        gain = 2 * alpha
    else:
        R, gain = M - (1 - alpha * A), alpha
        c = [d - alpha * v for d, v in zip(drive, q, strict=True)]
    integers = floating(model, program)
    state, radius = Fraction(7, 3), Fraction(1, 9)
    expected = (abs(R) * state + max(map(abs, c))) / gain / integers.margin + radius
    found = displacement_bound(integers, program, alpha, state, radius)
    assert expected <= found <= expected * (1 + Fraction(1, 10**5))
    assert model.W[0, 0] < 0 and FORWARD_BACKWARD in SOLVERS


def test_no_input_and_no_readout_are_zero_matrices() -> None:
    model, _, program = compiled(1, 4, 9, PEACEMAN_RACHFORD)
    blind = replace(model, U=np.zeros_like(model.U), O=np.zeros_like(model.O))
    integers = floating(blind, program)
    assert not np.any(integers.input.matrix) and not np.any(integers.output.matrix)
    assert np.allclose(np.ldexp(np.array(integers.input.offset, dtype=float), -integers.input.bits), model.b, atol=1e-6)
