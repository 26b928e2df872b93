"""What the certificate claims holds: checked against exact and brute-force computations of the same things."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_models import random_model, random_program, random_words, with_random_clip

from mondeq_hw.base import RELU, Clip, DenseOperator, FixedPointFormat, Overflow
from mondeq_hw.base.errors import InputError
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, VALUES
from mondeq_hw.problem.model import MonDEQ
from mondeq_hw.program import Stage
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.proof.certificate import Certificate
from mondeq_hw.proof.certify import certify, choose_iterations, measured_norms, prove_contraction, recheck, state_radius
from mondeq_hw.proof.claims import ABOUT_CLASSES, MEASURED, NOT_COVERED, PROVED
from mondeq_hw.proof.contraction import (
    TRANSIENT_SHARE,
    drive_extremes,
    error_bound,
    iteration_integers,
    rounding_errors,
)
from mondeq_hw.proof.enclosure import FINE_BITS, ExactRecurrence
from mondeq_hw.proof.metric import BOUND_BITS
from mondeq_hw.proof.perturbation import deployed_operator
from mondeq_hw.proof.ranges import accumulator_ranges
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import Lowered
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import GRANULARITIES, MAX_SHIFT

#: The room, whose face is the function of the same name.
certify_module = importlib.import_module("mondeq_hw.proof.certify")

seeds = st.integers(0, 10**6)
sizes = st.integers(1, 9)
word_lengths = st.integers(1, 16)


def exact_recurrence(program: SolverProgram, words: np.ndarray, state: list[Fraction]) -> list[Fraction]:
    """``sat(M phi(s) + d)`` of one sample in rational arithmetic, written out from the contract's text."""
    top = Fraction(program.state_format.max_word) / Fraction(2) ** program.state_format.fractional_bits
    phi = [abs(s) if program.solver == PEACEMAN_RACHFORD else max(s, Fraction(0)) for s in state]
    result = []
    for i in range(program.n):
        total = sum(int(w) * int(x) for w, x in zip(program.drive.integers[i], words, strict=True))
        fine = int(program.drive.shifts[i]) + program.input_format.fractional_bits + program.drive_left_shift
        d = Fraction((total << program.drive_left_shift) + int(program.drive_bias[i])) / Fraction(2) ** fine
        row = sum(int(m) * p for m, p in zip(program.matrix.integers[i], phi, strict=True))
        leak = (1 - Fraction(1, 2**program.leak_shift)) * phi[i]
        result.append(max(-top, min(top, row / Fraction(2) ** int(program.matrix.shifts[i]) + leak + d)))
    return result


def float_equilibria(program: SolverProgram, words: np.ndarray) -> np.ndarray:
    """Equilibria of the stored integers by 3000 float64 updates, in units of the state."""
    shift = program.drive_right_shift + program.matrix.shifts + program.state_format.fractional_bits
    exact = words @ program.drive.integers.T * 2**program.drive_left_shift + program.drive_bias
    d = np.ldexp(exact.astype(np.float64), -shift)
    M = program.matrix.values + np.diag(np.ldexp(program.leak.astype(np.float64), -program.matrix.shifts))
    top = program.state_format.max_word * program.state_format.step
    state = np.zeros_like(d)
    for _ in range(3000):
        phi = np.abs(state) if program.solver == PEACEMAN_RACHFORD else np.maximum(state, 0)
        state = np.clip(phi @ M.T + d, -top, top)
    return state


# -- contraction -----------------------------------------------------------------


@settings(max_examples=80, deadline=None, derandomize=True)
@given(seeds, sizes, word_lengths, st.sampled_from(SOLVERS), st.sampled_from(GRANULARITIES))
def test_contraction_factor_is_sound_and_tight(seed: int, n: int, bits: int, solver: str, granularity: str) -> None:
    program = random_program(seed, n=n, bits=bits, solver=solver, granularity=granularity)
    proof = prove_contraction(program.matrix, program.leak_shift)
    plain, weighted = measured_norms(program.matrix, program.leak_shift)
    if proof is None:
        assert weighted > 0.999
        return
    rho = float(proof.contraction_factor)
    N, grid = iteration_integers(program.matrix, program.leak_shift)
    M = np.array([[float(Fraction(x, 2**grid)) for x in row] for row in N.tolist()])
    assert proof.metric.matrix_norm(M) < rho < 1
    assert rho <= plain * 1.001 + 0.003
    assert proof.plain_norm == pytest.approx(plain)
    assert proof.contraction_factor.denominator <= 10**12
    assert recheck(program.matrix, program.leak_shift, proof)
    assert not recheck(program.matrix, program.leak_shift, replace(proof, contraction_factor=Fraction(1)))
    lower_factor = Fraction(int(proof.weighted_norm * 10**6) - 1, 10**6)
    if lower_factor > 0:
        assert not recheck(program.matrix, program.leak_shift, replace(proof, contraction_factor=lower_factor))


def test_weighting_proves_what_the_plain_norm_cannot() -> None:
    matrix = DenseOperator(np.array([[3, 7], [0, 3]]), np.array([3, 2]), 4)
    assert measured_norms(matrix, 0)[0] > 1
    proof = prove_contraction(matrix, 0)
    assert proof is not None and len(set(proof.metric.weights)) == 2
    assert 0.75 <= proof.contraction_factor < Fraction(9, 10)


def test_weighting_replaces_a_poor_plain_norm() -> None:
    """Norm 0.97 as it stands, a quarter of that radius with the rows a few octaves apart."""
    matrix = DenseOperator(np.array([[4, 14], [0, 4]]), np.array([4, 4]), 5)
    proof = prove_contraction(matrix, 0)
    assert proof is not None and proof.plain_norm > 0.93
    assert proof.contraction_factor < Fraction(3, 4)
    spread = max(proof.metric.weights) / min(proof.metric.weights)
    assert 2 < spread < 200


def test_plain_norm_stays_where_a_weighting_gains_nothing() -> None:
    S = np.array([[3, 1, 0], [1, -2, 1], [0, 1, 3]])
    proof = prove_contraction(DenseOperator(S, np.array([3, 3, 3]), 3), 0)
    assert proof is not None and set(proof.metric.weights) == {1}


def test_initial_weights_are_a_candidate_like_any_other() -> None:
    matrix = DenseOperator(np.array([[3, 7], [0, 3]]), np.array([3, 2]), 4)
    proof = prove_contraction(matrix, 0, initial_weights=[1.0, 1000.0])
    assert proof is not None and recheck(matrix, 0, proof)


@pytest.mark.parametrize("entry", [0, 1, -1, 3])
def test_one_by_one(entry: int) -> None:
    matrix = DenseOperator(np.array([[entry]]), np.array([2]), 3)
    proof = prove_contraction(matrix, 0)
    assert proof is not None
    assert abs(entry) / 4 < proof.contraction_factor <= abs(entry) / 4 + 0.0011


@pytest.mark.parametrize("rows", [[[1]], [[0, 1], [1, 0]], [[1, 0], [0, -1]], [[0, 1], [-1, 0]]])
def test_norm_exactly_one_is_never_proved(rows: list[list[int]]) -> None:
    matrix = DenseOperator(np.array(rows), np.zeros(len(rows), dtype=np.int64), 2)
    assert prove_contraction(matrix, 0) is None


def test_leak_counts() -> None:
    """``(1 - 2^-a) + entry 2^-g`` reaches one exactly at ``entry = 2^(g-a)``."""
    for entry, proved in ((7, True), (8, False), (-120, False), (-119, True)):
        matrix = DenseOperator(np.array([[entry]]), np.array([6]), 8)
        assert (prove_contraction(matrix, 3) is not None) == proved, entry


def test_large_matrix() -> None:
    """Wide enough that a bound on rounding errors that grows with n would show."""
    program = random_program(0, n=300, d=2, k=2, bits=5)
    proof = prove_contraction(program.matrix, 0)
    assert proof is not None
    assert float(proof.contraction_factor) < proof.weighted_norm + 0.0011


def test_largest_shifts() -> None:
    rng = np.random.default_rng(0)
    integers = rng.integers(-(2**15) + 1, 2**15, size=(7, 7))
    shifts = np.array([MAX_SHIFT, 18, 17, 30, 20, 17, 25])
    proof = prove_contraction(DenseOperator(integers, shifts, 16), 0)
    assert proof is not None and recheck(DenseOperator(integers, shifts, 16), 0, proof)


# -- iterations and radius ------------------------------------------------------------


@cache
def compiled(
    seed: int, n: int = 7, bits: int = 6, solver: str = PEACEMAN_RACHFORD, state_bits: int = 10
) -> tuple[MonDEQ, Lowered, SolverProgram]:
    model = random_model(np.random.default_rng(seed), n, 5, 4, margin=0.8)
    lowered = lower(model, LoweringOptions(bits=bits, solver=solver, rounding="nearest", state_bits=state_bits))
    if lowered.proof is None:
        return model, lowered, assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, False)
    program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, True)
    return model, lowered, program.replace(iterations=choose_iterations(program, lowered.proof))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seeds, sizes, st.integers(2, 12), st.sampled_from(SOLVERS), st.integers(3, 12), st.integers(0, 5))
def test_every_state_lies_inside_the_bound(
    seed: int, n: int, bits: int, solver: str, state_bits: int, integer_bits: int
) -> None:
    """After every number of iterations, saturation and limit cycles included."""
    program = random_program(
        seed, n=n, bits=bits, solver=solver, state_bits=state_bits, state_integer_bits=integer_bits, iterations=60
    )
    proof = prove_contraction(program.matrix, program.leak_shift)
    assume(proof is not None and proof.contraction_factor < Fraction(98, 100))
    words = random_words(seed, program, 6)
    exact = float_equilibria(program, words)
    trace = GoldenModel(program).trace(words)
    bound = error_bound(program, proof)

    def norms(vectors: np.ndarray) -> np.ndarray:
        return np.array([proof.metric.norm_up(map(Fraction, row)) / 2**BOUND_BITS for row in vectors.tolist()])

    for k, states in enumerate(trace.states):
        distance = norms(states - exact / program.state_format.step)
        assert (distance <= bound.radius(k) / 2**BOUND_BITS * (1 + 1e-9) + 1e-6).all(), k
        assert (norms(states) <= bound.reach() / 2**BOUND_BITS * (1 + 1e-9)).all()
    euclidean = float(state_radius(program, proof, bound))
    final = program.state_format.to_float(trace.states[-1])
    assert (np.linalg.norm(final - exact, axis=1) <= euclidean * (1 + 1e-9) + 1e-6).all()
    assert norms(exact / program.state_format.step).max() <= bound.start / 2**BOUND_BITS + 1e-6


def test_iterations_are_the_fewest() -> None:
    for seed, solver in product(range(4), SOLVERS):
        _, lowered, program = compiled(seed, solver=solver, bits=9)
        bound = error_bound(program, lowered.proof)
        enough = TRANSIENT_SHARE * bound.rounding / (1 - bound.contraction_factor)
        assert bound.transient(program.iterations) <= enough
        assert program.iterations == 1 or bound.transient(program.iterations - 1) > enough
        assert choose_iterations(program.replace(iterations=999), lowered.proof) == program.iterations


def test_peaceman_rachford_needs_fewer_iterations() -> None:
    fast, slow = compiled(0, bits=9)[2], compiled(0, solver=FORWARD_BACKWARD, bits=9)[2]
    assert fast.iterations < slow.iterations


def test_zero_matrix_needs_one_iteration_and_has_half_a_step_of_error() -> None:
    program = random_program(0, n=3, bits=4)
    matrix = DenseOperator(np.zeros((3, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), 4)
    right = program.drive.shifts + program.input_format.fractional_bits + 20 - program.state_format.fractional_bits
    assert right.min() >= 0
    program = program.replace(matrix=matrix, drive_left_shift=20)
    proof = prove_contraction(matrix, 0)
    assert proof is not None and proof.contraction_factor == Fraction(1, 1000)
    iterations = choose_iterations(program, proof)
    assert 1 <= iterations <= 3


def one_row(entry: int, shift: int, drive_fraction: int) -> SolverProgram:
    """``s = entry 2^-shift |s| + x 2^-drive_fraction``, in state steps."""
    stage = Stage(
        solver=PEACEMAN_RACHFORD,
        clip=Clip.uniform(RELU, 1),
        input_format=FixedPointFormat(8, 8, signed=False, overflow=Overflow.SAT),
        state_format=FixedPointFormat(12, 12),
        drive=DenseOperator(np.array([[1]]), np.array([drive_fraction]), 2),
        drive_bias=np.array([0]),
        drive_left_shift=max(0, shift - drive_fraction),
        matrix=DenseOperator(np.array([[entry]]), np.array([shift]), 4),
        leak_shift=0,
        iterations=40,
    )
    readout = DenseOperator(np.array([[1]]), np.array([0]), 2)
    return SolverProgram("one", (stage,), readout, np.array([0]), certified=True)


def test_rounding_error_is_reached() -> None:
    """A quarter of a step, rounded to half a step, rounded to a step: 3/4 is lost, no more."""
    program = one_row(0, 1, 3)
    words = np.arange(256)[:, None]
    states = GoldenModel(program).trace(words).states[-1]
    lost = np.abs(states - words / 8).max()
    assert lost == 0.75 == rounding_errors(program)[0]


def test_start_bound_is_reached() -> None:
    """One row that feeds back on itself doubles its drive, as the bound says, up to the slack of rho."""
    program = one_row(1, 1, 0)
    proof = prove_contraction(program.matrix, 0)
    assert proof is not None and proof.contraction_factor == Fraction(501, 1000)
    bound = error_bound(program, proof)
    largest = float_equilibria(program, np.array([[255]]))[0, 0]
    assert largest == pytest.approx(510)
    assert 510 <= bound.start / 2**BOUND_BITS < 510 * 1.003
    assert bound.transient(4) / 2**BOUND_BITS == pytest.approx(0.501**5 * bound.start / 2**BOUND_BITS)
    reached = GoldenModel(program).trace(np.array([[255]])).states[:, 0, 0]
    for k, state in enumerate(reached):
        assert largest - state <= bound.transient(k) / 2**BOUND_BITS + 0.75 / 0.5
        assert bound.radius(k) >= bound.transient(k)
    assert bound.reach() / 2**BOUND_BITS == pytest.approx((255 + 0.75) / 0.499)


def test_drive_extremes_are_reached() -> None:
    program = random_program(3, n=4, d=3, input_bits=2)
    corners = np.array(list(product((0, 3), repeat=3)))
    exact = (corners @ program.drive.integers.T << program.drive_left_shift) + program.drive_bias
    assert drive_extremes(program) == list(zip(exact.min(axis=0).tolist(), exact.max(axis=0).tolist(), strict=True))


# -- enclosure of single samples ---------------------------------------------------------


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seeds, sizes, st.integers(2, 10), st.sampled_from(SOLVERS), st.integers(3, 30), st.integers(1, 4))
def test_enclosure_holds_the_exact_equilibrium(
    seed: int, n: int, bits: int, solver: str, state_bits: int, integer_bits: int
) -> None:
    """Residuals against rational arithmetic, for any state at all, near the equilibrium or not."""
    program = random_program(
        seed, n=n, bits=bits, solver=solver, state_bits=state_bits, state_integer_bits=integer_bits
    )
    proof = prove_contraction(program.matrix, program.leak_shift)
    assume(proof is not None)
    words = random_words(seed, program, 2)
    top = program.state_format.max_word
    states = np.random.default_rng(seed).integers(-top, top + 1, size=(2, n))
    recurrence = ExactRecurrence(program, proof, words)
    fine = recurrence.update(recurrence.start(states))
    unit = Fraction(2) ** (program.state_format.fractional_bits + FINE_BITS)
    for sample, row, radius in zip(words, fine, recurrence.enclose(fine).radii, strict=True):
        state = [Fraction(int(v)) / unit for v in row]
        following = exact_recurrence(program, sample, state)
        true = proof.metric.norm_up([(a - b) * unit for a, b in zip(state, following, strict=True)])
        bound = radius * (1 - proof.contraction_factor)
        assert bound >= true - 1
        # And not wastefully: each row is rounded up by less than three fine steps.
        assert bound <= (true + proof.metric.norm_up([3] * n)) * 1.01


def test_deployed_classes_are_decided_and_right() -> None:
    for seed in range(3):
        model, lowered, program = compiled(seed, n=9, bits=7, state_bits=14)
        words = random_words(seed, program, 60)
        certificate = certify(program, lowered.proof, model, lowered.step_size, words)
        posterior = certificate.line("class_a_posteriori").values
        exact = np.maximum(float_equilibria(program, words), 0) @ program.readout.values.T
        exact = exact + np.ldexp(program.readout_bias.astype(float), -program.output_fractional_bits)
        agree = int((exact.argmax(axis=1) == GoldenModel(program).predict_raw(words).argmax(axis=1)).sum())
        assert posterior["equal"] <= agree and posterior["different"] <= 60 - agree
        assert posterior["equal"] + posterior["different"] + posterior["undecided"] == 60
        assert posterior["undecided"] <= 2
        assert certificate.line("class_a_priori").values["equal"] <= posterior["equal"]


# -- the whole certificate ------------------------------------------------------------------

LINES = {
    "output_distance": PROVED,
    "output_distance_found": MEASURED,
    "robustness": PROVED,
    "gain": PROVED,
    "original_figures": MEASURED,
    "original_operator": PROVED,
    "deployed_figures": MEASURED,
    "accumulators": PROVED,
    "iteration_norms": MEASURED,
    "contraction": PROVED,
    "implied_operator": PROVED,
    "iterations": PROVED,
    "radius": PROVED,
    "logit_radius": PROVED,
    "state_range": PROVED,
    "adjoint": PROVED,
    "class_a_priori": PROVED,
    "class_a_posteriori": PROVED,
    "state_saturation": PROVED,
    "displacement": MEASURED,
    "displacement_a_posteriori": PROVED,
    "class_of_float_model": PROVED,
    "displacement_a_priori": PROVED,
}


def full_certificate(solver: str = PEACEMAN_RACHFORD, samples: int | None = 20) -> tuple[SolverProgram, Certificate]:
    model, lowered, program = compiled(0, solver=solver, bits=9)
    words = None if samples is None else random_words(0, program, samples)
    return program, certify(program, lowered.proof, model, lowered.step_size, words)


def test_every_line_of_the_design_has_its_status() -> None:
    for solver in SOLVERS:
        assert {line.name: line.status for line in full_certificate(solver)[1].lines} == LINES


def test_without_samples_their_lines_say_why() -> None:
    _, certificate = full_certificate(samples=None)
    sampled = {"robustness", "class_a_priori", "class_a_posteriori", "state_saturation"}
    sampled |= {"displacement", "displacement_a_posteriori", "class_of_float_model"}
    for line in certificate.lines:
        open_line = line.name in sampled
        assert line.status == (NOT_COVERED if open_line else LINES[line.name])
        assert not open_line or line.values == {"reason": "no calibration samples were given"}


def test_without_proof_nothing_that_needs_it_is_claimed() -> None:
    model, lowered, program = compiled(0, bits=9)
    certificate = certify(program.replace(certified=False), None, model, lowered.step_size, None)
    proved = {line.name for line in certificate.lines if line.status == PROVED}
    assert proved == {"original_operator", "accumulators"}
    assert {line.name for line in certificate.lines} == set(LINES)
    # Distances from the float model's equilibria rest on the margin of the float model alone.
    certificate = certify(program.replace(certified=False), None, model, lowered.step_size, random_words(0, program, 9))
    also = {line.name for line in certificate.lines if line.status == PROVED} - proved
    assert also == {"displacement_a_posteriori", "class_of_float_model"}


@pytest.mark.parametrize("rows", [[[-1, 0], [0, -1]], [[0, -1], [-1, 0]]])
def test_without_a_network_of_the_integers_its_figures_are_open(rows: list[list[int]]) -> None:
    """``I + C`` is singular, as very large steps make it: floating point says so, in a line, not in a traceback."""
    program = random_program(0, n=2).replace(matrix=DenseOperator(np.array(rows), np.zeros(2, dtype=np.int64), 2))
    model = random_model(np.random.default_rng(0), 2, 5, 3)
    certificate = certify(program, None, model, 64.0, random_words(0, program, 5))
    line = certificate.line("deployed_figures")
    assert line.status == NOT_COVERED and "stand for no network" in line.values["reason"]
    assert certificate.line("displacement_a_posteriori").status == PROVED
    # With a proof beside it (of another matrix) the comparison fails in the same way.
    proof = prove_contraction(DenseOperator(np.zeros((2, 2), dtype=np.int64), np.zeros(2, dtype=np.int64), 2), 0)
    compared = certify(program, proof, model, 64.0, random_words(0, program, 5)).line("displacement")
    assert compared.status == NOT_COVERED and "stand for no network" in compared.values["reason"]


def test_where_the_float_solver_fails_the_distance_is_proved_from_the_deployed_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, lowered, program = compiled(0, bits=9)
    words = random_words(0, program, 9)
    near = certify(program, lowered.proof, model, lowered.step_size, words).line("displacement_a_posteriori")

    def fails(*_: object) -> np.ndarray:
        raise InputError("not found")

    monkeypatch.setattr(certify_module, "preactivation", fails)
    far = certify(program, lowered.proof, model, lowered.step_size, words).line("displacement_a_posteriori")
    assert far.status == PROVED and near.values["largest"] < far.values["largest"] < 10 * near.values["largest"]


def test_a_margin_of_zero_has_no_condition_number() -> None:
    model, lowered, program = compiled(0, bits=9)
    certificate = certify(program, lowered.proof, replace(model, W=np.eye(model.n)), lowered.step_size, None)
    assert certificate.line("original_figures").status == NOT_COVERED
    json.loads(certificate.to_json(), parse_constant=pytest.fail)


def test_the_task_decides_what_is_claimed() -> None:
    model, lowered, program = compiled(0, bits=9)
    words = random_words(0, program, 9)
    certificate = certify(program, lowered.proof, model, lowered.step_size, words, VALUES)
    assert {line.name for line in certificate.lines} == set(LINES) - set(ABOUT_CLASSES)
    assert certificate.task == "values"


def test_without_margin_nothing_is_compared_with_the_float_model() -> None:
    model, lowered, program = compiled(0, bits=9)
    certificate = certify(
        program, lowered.proof, replace(model, W=2 * np.eye(model.n)), lowered.step_size, random_words(0, program, 9)
    )
    names = {
        "output_distance",
        "original_operator",
        "displacement_a_posteriori",
        "class_of_float_model",
        "displacement_a_priori",
    }
    reasons = {line.name: line.values["reason"] for line in certificate.lines if line.status == NOT_COVERED}
    for name in ("displacement", "output_distance_found"):
        assert "its equilibrium was not found" in reasons.pop(name)
    assert reasons.keys() == names
    assert all("no positive margin" in reason for reason in reasons.values())
    assert "operator" not in certificate.evidence and "equilibria" not in certificate.evidence["samples"]


@pytest.mark.parametrize("solver", SOLVERS)
def test_implied_operator_against_floating_point(solver: str) -> None:
    """Margin and Lipschitz constant of the deployed operator in the inner product of the proof."""
    model, lowered, program = compiled(2, solver=solver, bits=9)
    certificate = certify(program, lowered.proof, model, lowered.step_size, None)
    d = np.sqrt(np.array(lowered.proof.metric.weights, dtype=float))
    W = deployed_operator(program, lowered.step_size) * d[:, None] / d[None, :]
    values = certificate.line("implied_operator").values
    assert 0 < values["margin_bound"] <= np.linalg.eigvalsh(np.eye(len(W)) - (W + W.T) / 2)[0] + 1e-9
    assert values["lipschitz_bound"] >= np.linalg.norm(np.eye(len(W)) - W, 2) - 1e-9


def test_logit_radius_bounds_the_outputs() -> None:
    program, certificate = full_certificate()
    words = random_words(5, program, 50)
    exact = np.maximum(float_equilibria(program, words), 0) @ program.readout.values.T
    exact = exact + np.ldexp(program.readout_bias.astype(float), -program.output_fractional_bits)
    deployed = np.ldexp(GoldenModel(program).predict_raw(words).astype(float), -program.output_fractional_bits)
    assert (np.abs(deployed - exact) <= np.array(certificate.line("logit_radius").values["radii"])).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(seeds, st.integers(1, 2), st.integers(1, 3), word_lengths, st.sampled_from(SOLVERS))
def test_accumulator_ranges_are_exact(seed: int, n: int, d: int, bits: int, solver: str) -> None:
    """Every end is reached, by some input and some state; all of them are tried."""
    program = random_program(seed, n=n, d=d, k=2, bits=bits, solver=solver, input_bits=2, state_bits=4)
    program, top = with_random_clip(seed, program), program.state_format.max_word
    words, states = (
        np.array(list(product(values, repeat=m))) for values, m in ((range(4), d), (range(-top, top + 1), n))
    )
    exact = (words @ program.drive.integers.T << program.drive_left_shift) + program.drive_bias
    fine, drive = exact + ((1 << program.drive_right_shift) >> 1), GoldenModel(program).trace(words).drive
    updates = program.phi(states) @ (program.matrix.integers + np.diag(program.leak)).T
    sums = drive[:, None] + updates[None]
    outputs = (program.prox(states) @ program.readout.integers.T << program.readout_left_shift) + program.readout_bias
    assert accumulator_ranges(program) == {
        "drive_accumulator": (min(0, exact.min()), max(0, fine.max())),
        "drive": (drive.min(), drive.max()),
        "state_accumulator": (sums.min(), (sums + ((1 << program.matrix.shifts) >> 1)).max()),
        "output": (outputs.min(), outputs.max()),
    }
    assert program.accumulator_range == accumulator_ranges(program)["state_accumulator"]
    assert program.output_range == accumulator_ranges(program)["output"]


def test_states_within_a_proved_range_never_saturate() -> None:
    model, lowered, program = compiled(0, bits=9)
    wide = program.replace(
        state_format=replace(program.state_format, word_length=24, integer_bits=program.state_format.integer_bits + 14),
    )
    line = certify(wide, lowered.proof, model, lowered.step_size, None).line("state_range")
    assert line.values["verdict"] == "never saturates"
    trace = GoldenModel(wide).trace(random_words(0, wide, 30))
    assert np.abs(trace.states).max() <= line.values["bound"] < wide.state_format.max_word
    assert trace.saturations.sum() == 0
    narrow = program.replace(
        state_format=replace(program.state_format, word_length=8, integer_bits=program.state_format.integer_bits - 2),
    )
    line = certify(narrow, lowered.proof, model, lowered.step_size, random_words(0, narrow, 30)).line("state_range")
    assert line.values["verdict"] == "may saturate, harmless"


def test_saturated_samples_are_counted() -> None:
    model, lowered, program = compiled(0, bits=9)
    narrow = program.replace(
        state_format=replace(program.state_format, word_length=7, integer_bits=program.state_format.integer_bits - 3),
    )
    words = random_words(0, narrow, 30)
    states = GoldenModel(narrow).trace(words).states[-1]
    expected = sum(bool((np.abs(row) == narrow.state_format.max_word).any()) for row in states)
    values = certify(narrow, lowered.proof, model, lowered.step_size, words).line("state_saturation").values
    assert values == {"samples": 30, "saturated": expected} and expected > 0


def test_json_round_trip(tmp_path: Path) -> None:
    program, certificate = full_certificate()
    certificate.save(tmp_path / "certificate.json")
    plain = json.loads((tmp_path / "certificate.json").read_text())
    assert plain == json.loads(json.dumps(certificate.to_dict()))
    assert plain["program"] == program.to_plain() and plain["program_digest"] == program.digest


def test_unknown_line_is_named() -> None:
    with pytest.raises(InputError, match="no line 'nonsense'"):
        full_certificate()[1].line("nonsense")
