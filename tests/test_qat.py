"""Quantisation-aware training: the trained network is the integer network."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from retraining_runs import FAST, accuracy, blobs, lowered_model

from mondeq_hw.base import FREE, RELU, Interval, max_level, soft_threshold
from mondeq_hw.base.errors import InputError
from mondeq_hw.base.numerics import FixedPointFormat, Overflow
from mondeq_hw.cli import main
from mondeq_hw.pipeline import compile
from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, find_splitting, network_of, reformulate
from mondeq_hw.problem.data import Dataset, digits
from mondeq_hw.problem.load import Training, load, load_checkpoint, save
from mondeq_hw.problem.model import MonDEQ, Preprocessing
from mondeq_hw.problem.reference import preactivation, state_of
from mondeq_hw.problem.stored import pack, unpack
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.proof.contraction import prove_contraction
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import to_levels
from mondeq_hw.training import updates as training_updates
from mondeq_hw.training.qat import (
    QatConfig,
    QuantizedNetwork,
    hinge,
    nearest_levels,
    retrain,
    seen_by,
    straight_through,
    with_nearest_states,
    with_room_to_train,
)
from mondeq_hw.training.train import Epoch, split

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("bits", range(1, 17))
def test_levels_are_the_compilers(bits):
    latent = torch.randn(40, 30, dtype=torch.double, generator=torch.Generator().manual_seed(bits)) * 2 ** (bits - 1)
    latent[0, :8] = torch.tensor([0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 0.49999, 1e6])
    np.testing.assert_array_equal(nearest_levels(latent, bits).numpy(), to_levels(latent.numpy(), bits))


def test_straight_through_gradient_is_the_identity():
    values = torch.linspace(-3, 3, 13, dtype=torch.double, requires_grad=True)
    weights = torch.arange(13, dtype=torch.double)
    (straight_through(values, torch.tensor(0.25)) * weights).sum().backward()
    assert torch.equal(values.grad, weights)
    (gradient,) = torch.autograd.grad((nearest_levels(values, 2) * weights).sum(), values)
    assert torch.equal(gradient, weights)


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("bits, state_bits", [(1, 8), (2, 6), (3, 12), (5, 5)])
@pytest.mark.parametrize("perturbation", [0.0, 0.4, 3.0])
def test_the_forward_pass_is_the_golden_model(solver, bits, state_bits, perturbation):
    """Also far from the start, also saturating, also with biases off their grid."""
    start = lowered_model(bits, solver, state_bits=state_bits, drive_bits=4, readout_bits=3)
    network = QuantizedNetwork(start, iterations=9).double()
    generator = torch.Generator().manual_seed(bits)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += perturbation * torch.randn(parameter.shape, dtype=torch.double, generator=generator)
    words = np.random.default_rng(1).integers(0, 256, size=(50, 5))
    golden = GoldenModel(network.program(9))
    expected = golden.predict_raw(words) * 2.0**-golden.program.output_fractional_bits
    np.testing.assert_array_equal(network(torch.from_numpy(words).double()).detach().numpy(), expected)
    if perturbation == 3.0 and state_bits == 5:
        assert golden.trace(words).saturations.any()
    if perturbation == 0.0:
        for name in ("matrix", "drive", "readout"):
            ours, theirs = getattr(network.stored(), name), getattr(start.quantized, name)
            np.testing.assert_array_equal(ours.integers, theirs.integers)
            np.testing.assert_array_equal(ours.shifts, theirs.shifts)


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("updates", [1, 2, 5])
def test_the_forward_pass_through_a_few_updates_is_the_golden_model(solver, updates):
    start = lowered_model(2, solver, state_bits=5, drive_bits=2, readout_bits=3)
    network = QuantizedNetwork(start, iterations=9, updates=updates).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn(parameter.shape, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    words = np.random.default_rng(1).integers(0, 256, size=(50, 5))
    golden = GoldenModel(network.program(updates))
    assert (golden.trace(words).states[-1] != golden.trace(words).states[-2]).any()
    expected = golden.predict_raw(words) * 2.0**-golden.program.output_fractional_bits
    np.testing.assert_array_equal(network(torch.from_numpy(words).double()).detach().numpy(), expected)
    assert network.stored().iterations == updates


@pytest.mark.parametrize("state_bits, point", [(4, 4), (6, 4), (12, 5)])
def test_a_short_state_of_a_few_updates_is_nearest_to_the_states_and_need_not_hold_the_largest(state_bits, point):
    """What training starts from; without ``updates`` the largest state of the digits network, 10.1, is held."""
    network, words = load(ROOT / "examples" / "digits.pt"), digits("train").words[:1024]
    lowered = lower(network, LoweringOptions(3, drive_bits=2, state_bits=state_bits, input_bits=2), words)
    assert lowered.state_format.integer_bits == 5
    found = with_nearest_states(lowered, words).state_format
    assert found == replace(lowered.state_format, integer_bits=point)
    exact = state_of(network.prox, preactivation(network, words), lowered.step_size)
    error = {form: np.abs(form.to_float(form.quantize(exact)) - exact).std() for form in (found, lowered.state_format)}
    assert error[found] <= error[lowered.state_format]
    config = replace(FAST, optimisation=replace(FAST.optimisation, epochs=1))
    for updates, form in ((2, found), (None, lowered.state_format)):
        assert retrain(lowered, digits("train"), replace(config, updates=updates)).stored.state_format == form


def test_updates_are_kept_in_the_file(tmp_path):
    stored = retrain(lowered_model(3), blobs(), replace(FAST, updates=2)).stored
    assert stored.iterations == 2
    assert unpack(*pack(stored), "file").iterations == 2
    arrays, metadata = pack(stored)
    for wrong in (0, -1, 1.5, "2", True):
        with pytest.raises(InputError, match=r"retrained for .* updates; expected a whole number"):
            unpack(arrays, {**metadata, "iterations": wrong}, "file")
    del metadata["iterations"]
    assert unpack(arrays, metadata, "file").iterations is None


#: Rows in turn, of sizes that the states pass.
CLIPS = {
    "relu": (RELU,),
    "box": (Interval(-0.3, 0.2),),
    "soft threshold": (soft_threshold(0.2),),
    "mixed": (Interval(-0.2, 0.1), FREE, soft_threshold(0.1), Interval(0, 0), RELU, Interval(0, 0.15, True)),
}


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.double])
def test_the_forward_pass_of_a_clip_is_the_golden_model(solver, name, dtype):
    start = lowered_model(4, solver, rows=CLIPS[name], state_bits=9, drive_bits=4, readout_bits=3)
    network = QuantizedNetwork(start, iterations=9).to(dtype)
    words = np.random.default_rng(1).integers(0, 256, size=(50, 5))
    golden = GoldenModel(network.program(9))
    clip = golden.program.clip
    assert clip.is_relu == (name == "relu")
    states = golden.trace(words).states
    assert ((states > clip.upper) | (states < clip.lower)).any()
    expected = golden.predict_raw(words) * 2.0**-golden.program.output_fractional_bits
    np.testing.assert_array_equal(network(torch.from_numpy(words).to(dtype)).detach().numpy(), expected)
    # What is stored is the network's clip, not the recurrence's, whose complements have the step size in them.
    np.testing.assert_allclose(
        network.stored().prox.upper, [CLIPS[name][row % len(CLIPS[name])].upper for row in range(7)]
    )


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("saturating", [False, True])
@pytest.mark.parametrize("updates", [None, 1, 3])
def test_gradients_are_those_of_the_quantised_weights(solver, name, saturating, updates, monkeypatch):
    """With a fine state the network is the real one at its *quantised* weights: compare with autograd there."""
    monkeypatch.setattr(training_updates, "ADJOINT_TOLERANCE", 1e-12)
    start = lowered_model(4, solver, n=5, rows=CLIPS[name], state_bits=32)
    if saturating:
        start = replace(start, state_format=FixedPointFormat(32, start.state_format.integer_bits - 2))
    top = start.state_format.max_word * start.state_format.step
    network = QuantizedNetwork(start, iterations=400, updates=updates).double()
    words = torch.from_numpy(np.random.default_rng(2).integers(0, 256, size=(6, 5))).double()
    with torch.no_grad():
        network.matrix.levels += 0.3  # latents off their grid: the gradient must not see it
    quantized = network.stored()
    M = torch.from_numpy(quantized.matrix.values).requires_grad_()
    D = torch.from_numpy(quantized.drive.values).requires_grad_()
    R = torch.from_numpy(quantized.readout.values).requires_grad_()
    bias = torch.from_numpy(quantized.drive_bias).requires_grad_()
    leak = start.quantized.recurrence.leak * torch.eye(5, dtype=torch.double)
    clip = start.quantized.recurrence.clip
    lower, upper, complement = (torch.from_numpy(column) for column in (clip.lower, clip.upper, clip.complement))

    def prox(state):
        clipped = state.clamp(lower, upper)
        return torch.where(complement, state - clipped, clipped)

    def smooth(matrix, drive, readout, drive_bias):
        """Logits by plain unrolling, differentiated by autograd."""
        d = words @ drive.t() + drive_bias
        state = d.clamp(-top, top)
        for _ in range(updates or 400):
            phi = 2 * prox(state) - state if solver == PEACEMAN_RACHFORD else prox(state)
            state = (phi @ (matrix + leak).t() + d).clamp(-top, top)
        assert updates or bool((state.abs() == top).any()) == saturating
        return prox(state) @ readout.t()

    weights = torch.randn(6, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    expected = torch.autograd.grad((smooth(M, D, R, bias) * weights).sum(), (M, D, R, bias))
    (network(words) * weights).sum().backward()
    for latent, gradient in zip((network.matrix, network.drive, network.readout), expected, strict=False):
        torch.testing.assert_close(latent.levels.grad, gradient * latent.scale, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(network.drive_bias.grad, expected[3], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("form", [(8, 8, False), (2, 8, False), (3, 8, False), (6, 5, True), (4, 2, False)])
def test_bytes_are_seen_as_other_words_are(form):
    form, words = FixedPointFormat(*form, overflow=Overflow.SAT), torch.arange(256).reshape(4, 64)
    seen = seen_by(form)
    assert torch.equal(seen(words.to(torch.uint8)), seen(words))
    np.testing.assert_array_equal(seen(words).numpy(), form.to_float(form.quantize(words.numpy())))


def test_the_hinge_is_that_of_the_spectral_norm():
    matrix = torch.randn(9, 9, dtype=torch.double, generator=torch.Generator().manual_seed(0)).requires_grad_()
    norm = torch.linalg.matrix_norm(matrix, 2)
    config = QatConfig(contraction_limit=0.5, hinge_room=0.1, hinge_weight=3.0)
    assert norm > config.hinge_start
    expected = 3.0 * (norm - config.hinge_start) ** 2
    torch.testing.assert_close(hinge(matrix, config), expected)
    (ours,), (theirs,) = (torch.autograd.grad(each, matrix) for each in (hinge(matrix, config), expected))
    torch.testing.assert_close(ours, theirs)
    for small in (matrix * 0.3 / norm.detach(), torch.zeros_like(matrix, requires_grad=True)):
        (gradient,) = torch.autograd.grad(hinge(small, config), small)
        assert not gradient.any()


def test_latents_stay_in_reach_of_their_levels():
    network = QuantizedNetwork(lowered_model(3, drive_bits=2, readout_bits=1), iterations=5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 100
    network.clamp_latents()
    for latent in (network.matrix, network.drive, network.readout):
        assert torch.equal(latent.levels, torch.full_like(latent.levels, max_level(latent.word_length)))


def test_training_keeps_latents_in_reach(tmp_path):
    state, rate = tmp_path / "run.state", 0.5
    fast = replace(FAST, optimisation=replace(FAST.optimisation, learning_rate=rate))
    retrain(lowered_model(2, drive_bits=2, readout_bits=2), blobs(), fast, state_file=state)
    weights = torch.load(state, weights_only=True)["network"]
    for name in ("matrix", "drive", "readout"):
        # At most one step of Adam, which is about the learning rate, beyond the outermost level.
        assert weights[f"network.{name}.levels"].abs().max() < 1 + 2 * rate


# -- retraining ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits, drive_bits, readout_bits, least", [(1, 2, 1, 60.0), (2, 4, 3, 80.0), (4, 1, 2, 80.0)])
def test_retraining_learns_within_the_word_lengths_and_the_proof(bits, drive_bits, readout_bits, least):
    data, start = blobs(), lowered_model(bits, drive_bits=drive_bits, readout_bits=readout_bits)
    result = retrain(start, data, FAST)
    quantized = result.stored
    assert accuracy(start, quantized, data) > max(least, accuracy(start, None, data))
    for matrix, word_length in (
        (quantized.matrix, bits),
        (quantized.drive, drive_bits),
        (quantized.readout, readout_bits),
    ):
        assert matrix.word_length == word_length
        assert np.abs(matrix.integers).max() <= max_level(word_length)
        assert word_length > 1 or (matrix.integers != 0).all()
    proof = prove_contraction(quantized.matrix, quantized.leak_shift)
    assert proof is not None and proof.contraction_factor <= FAST.contraction_limit
    again = retrain(start, data, FAST)
    assert again.history == result.history
    np.testing.assert_array_equal(again.stored.drive.integers, quantized.drive.integers)


def test_the_best_epochs_accuracy_is_the_golden_models():
    """What selects the epoch is measured on the integers that are kept."""
    data, start = blobs(), lowered_model(2, input_bits=4)
    result = retrain(start, data, FAST)
    _, held_out = split(data, 0.25, 0)
    kept = Dataset(data.name, data.split, data.words[held_out], data.targets[held_out])
    assert accuracy(start, result.stored, kept) == pytest.approx(100 * result.best.validation_score)


def test_the_hinge_brings_the_norm_under_the_limit():
    start = lowered_model(3)
    coarse = replace(start.quantized.matrix, shifts=start.quantized.matrix.shifts - 1)
    start = replace(start, quantized=replace(start.quantized, matrix=coarse))
    assert np.linalg.norm(coarse.values, 2) > 1
    assert prove_contraction(coarse, 0) is None
    result = retrain(start, blobs(), replace(FAST, contraction_limit=0.85))
    assert np.linalg.norm(result.stored.matrix.values, 2) <= 0.85
    unproved = replace(FAST, hinge_weight=0.0, optimisation=replace(FAST.optimisation, learning_rate=1e-6))
    with pytest.raises(InputError, match="no epoch had a proved contraction"):
        retrain(start, blobs(), unproved)
    # Proved, but not below the limit.
    assert prove_contraction(lowered_model(3).quantized.matrix, 0) is not None
    with pytest.raises(InputError, match="no epoch had a proved contraction"):
        retrain(lowered_model(3), blobs(), replace(unproved, hinge_room=0.0, contraction_limit=0.05))


@pytest.mark.parametrize("solver", [PEACEMAN_RACHFORD, FORWARD_BACKWARD])
def test_one_bit_starts_on_scales_that_leave_room(solver):
    start = lowered_model(1, solver, n=9)
    quantized = start.quantized
    coarse = replace(quantized.matrix, shifts=np.maximum(quantized.matrix.shifts - 3, quantized.recurrence.leak_shift))
    start = replace(start, quantized=replace(quantized, matrix=coarse))
    leak = quantized.recurrence.leak * np.eye(9)
    assert np.linalg.norm(coarse.values + leak, 2) > 0.97
    matrix = with_room_to_train(start, 0.97).quantized.matrix
    assert np.linalg.norm(matrix.values + leak, 2) <= 0.97
    np.testing.assert_array_equal(matrix.integers, coarse.integers)
    refinement = matrix.shifts - coarse.shifts
    assert (refinement == refinement[0]).all() and refinement[0] > 0
    coarser = replace(matrix, shifts=matrix.shifts - 1)
    assert np.linalg.norm(coarser.values + leak, 2) > 0.97
    # More bits have zero levels for that, and what has room keeps its scales.
    two_bits = replace(start, quantized=replace(quantized, matrix=replace(coarse, word_length=2)))
    np.testing.assert_array_equal(with_room_to_train(two_bits, 0.97).quantized.matrix.shifts, coarse.shifts)
    # A limit below the leak cannot be met; the proof will say so, the search must end.
    with_room_to_train(start, 1e-15)


def test_resume_ends_in_the_same_integers(tmp_path):
    data, start, state = blobs(), lowered_model(2), tmp_path / "run.state"

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(start, data, FAST, state_file=state, observe=stop)
    resumed, straight = retrain(start, data, FAST, state_file=state), retrain(start, data, FAST)
    assert resumed.history == straight.history
    for name in ("matrix", "drive", "readout"):
        np.testing.assert_array_equal(getattr(resumed.stored, name).integers, getattr(straight.stored, name).integers)


@pytest.mark.parametrize("updates", [None, 2])
def test_retraining_goes_on_from_its_own_integers(updates):
    config, data = replace(FAST, updates=updates), blobs()
    first = retrain(lowered_model(2, state_bits=5, drive_bits=2, readout_bits=3), data, config).stored
    start = lower(network_of(first, Preprocessing(1 / 255, input_bits=8), "first"), LoweringOptions(2))
    again = QuantizedNetwork(start, iterations=9, updates=updates)
    assert again.program(4).digest == assemble(start.quantized, start.input_format, start.state_format, 4, False).digest
    slow = replace(config, optimisation=replace(config.optimisation, epochs=1, learning_rate=1e-6))
    kept = retrain(start, data, slow).stored
    assert (kept.state_format, kept.input_format, kept.iterations) == (
        first.state_format,
        first.input_format,
        first.iterations,
    )
    for name in ("matrix", "drive", "readout"):
        np.testing.assert_array_equal(getattr(kept, name).integers, getattr(first, name).integers)
        np.testing.assert_array_equal(getattr(kept, name).shifts, getattr(first, name).shifts)
    fast = replace(config, optimisation=replace(config.optimisation, learning_rate=0.5, epochs=2))
    moved = QuantizedNetwork(start, iterations=9, updates=updates)
    before = moved.drive.integers().integers
    retrain(start, data, fast, watch=lambda network: moved.load_state_dict(network.state_dict()))
    assert (moved.drive.integers().integers != before).any()


@pytest.mark.parametrize("wrong", [{"hinge_room": -0.01}, {"contraction_limit": 1.0}, {"hinge_room": 0.95}])
def test_wrong_limits(wrong):
    (name,) = wrong
    with pytest.raises(InputError, match=f"{name} is .*; expected"):
        QatConfig(**wrong)


# -- the checkpoint ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[(PEACEMAN_RACHFORD, 1, 1), (PEACEMAN_RACHFORD, 2, 9), (FORWARD_BACKWARD, 4, 4)])
def retrained(request) -> tuple[MonDEQ, QuantizedNetwork]:
    """A retrained network off its start, with biases off their grids, and the module that it came from."""
    solver, bits, drive_bits = request.param
    start = lowered_model(bits, solver, drive_bits=drive_bits, state_bits=9, input_bits=7)
    network = QuantizedNetwork(start, iterations=9).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, dtype=torch.double, generator=generator)
    preprocessing = Preprocessing(1 / 255, np.full(5, 0.4), np.linspace(0.2, 0.6, 5))
    return network_of(network.stored(), preprocessing, "retrained"), network


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_an_exported_network_compiles_with_zero_weight_change(retrained, tmp_path, suffix):
    model, network = retrained
    file = tmp_path / f"retrained.{suffix}"
    save(model, file, Training(seed=5))
    loaded = load_checkpoint(file)
    assert loaded.training.seed == 5
    assert loaded.model.digest() == model.digest()
    options = LoweringOptions(network.matrix.word_length, solver=network.recurrence.splitting.name)
    for images in (None, np.full((3, 5), 200)):
        lowered = lower(loaded.model, options, images)
        program = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 9, certified=False)
        assert program.digest == network.program(9).digest
        assert lowered.proof is not None
        assert lowered.rounding == "retrained"


def test_the_network_of_the_integers_has_their_recurrence(retrained):
    model, network = retrained
    stored = network.stored()
    recurrence = reformulate(model, find_splitting(stored.solver), stored.step_size)
    np.testing.assert_allclose(recurrence.matrix, stored.matrix.values, atol=1e-9)
    np.testing.assert_allclose(recurrence.drive, stored.drive.values, atol=1e-9)
    np.testing.assert_allclose(recurrence.drive_bias, stored.drive_bias, atol=1e-9)
    assert model.monotonicity_margin > 0
    # And so it is the float network that the integers approximate.
    words = np.random.default_rng(3).integers(0, 128, size=(4, 5)) * 2
    z = np.maximum(preactivation(model, words), 0)
    exact = z @ model.O.T + model.c
    golden = GoldenModel(network.program(60))
    assert np.abs(golden.predict(words) - exact).max() < 0.5 * np.abs(exact).max()


@pytest.mark.parametrize("option", [{"bits": 9}, {"drive_bits": 7}, {"state_bits": 12}, {"rounding": "nearest"}])
def test_another_word_length_than_the_retrained_is_refused(retrained, option):
    model, network = retrained
    options = replace(LoweringOptions(network.matrix.word_length, solver=network.recurrence.splitting.name), **option)
    with pytest.raises(InputError, match="retrained"):
        lower(model, options)


TAMPERED = {
    "a level outside its word": lambda arrays, _: arrays["stored.matrix"].__setitem__((0, 0), 100),
    "a scale for one row less": lambda arrays, _: arrays.update(
        {"stored.drive_shifts": arrays["stored.drive_shifts"][1:]}
    ),
    "a missing matrix": lambda arrays, _: arrays.pop("stored.readout"),
    "real levels": lambda arrays, _: arrays.update({"stored.drive": arrays["stored.drive"].astype(float)}),
    "an infinite bias": lambda arrays, _: arrays["stored.drive_bias"].__setitem__(0, np.inf),
    "no format": lambda _, metadata: metadata.pop("state_format"),
    "a wrong format": lambda _, metadata: metadata.update(state_format=[99, 3]),
    "a wrong step": lambda _, metadata: metadata.update(step_size=-1.0),
    "a word length of no bits": lambda _, metadata: metadata["word_lengths"].update(matrix=0),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_tampered_integers_are_refused(retrained, what):
    arrays, metadata = pack(retrained[0].stored)
    TAMPERED[what](arrays, metadata)
    with pytest.raises(InputError):
        unpack(arrays, metadata, "file.pt")


def test_compile_takes_the_word_lengths_of_a_retrained_checkpoint(retrained, tmp_path):
    model, network = retrained
    file = tmp_path / "retrained.pt"
    save(model, file)
    project = compile(file, tmp_path / "build", solver=model.stored.solver)
    assert project.report.rounding == "retrained"
    words = np.random.default_rng(0).integers(0, 128, size=(20, 5))
    expected = GoldenModel(network.program(project.program.iterations)).predict_raw(words)
    np.testing.assert_array_equal(GoldenModel(project.program).predict_raw(words), expected)
    for name in ("matrix", "drive", "readout"):
        np.testing.assert_array_equal(getattr(project.program, name).integers, getattr(model.stored, name).integers)
    with pytest.raises(InputError, match="part of its integers"):
        compile(file, tmp_path / "other", solver=model.stored.solver, input_scale=1.0)


@pytest.mark.parametrize(("suffix", "from_file"), [("pt", True), ("onnx", False)])
def test_the_shell_needs_no_word_length_of_a_retrained_checkpoint(retrained, tmp_path, suffix, from_file):
    """Whether the other options stand in a file or not, and the checkpoint in ONNX or not."""
    model, network = retrained
    file, build, solver = tmp_path / "retrained.pt", tmp_path / "build", model.stored.solver
    save(model, file)
    if suffix == "onnx":
        compile(file, tmp_path / "first", solver=solver)
        file = tmp_path / "retrained.onnx"
        assert main(["export", "onnx", str(tmp_path / "first"), "--out", str(file)]) == 0
    (tmp_path / "c.toml").write_text(f'solver = "{solver}"\n')
    options = ["--config", str(tmp_path / "c.toml")] if from_file else ["--solver", solver]
    assert main(["compile", str(file), *options, "--out", str(build), "--json"]) == 0
    assert SolverProgram.load(build).matrix.word_length == network.matrix.word_length
    assert json.loads((build / "config.resolved.json").read_text())["requested"]["bits"] == network.matrix.word_length
