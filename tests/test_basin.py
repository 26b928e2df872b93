"""Where the steps of a retraining point: the diagnostic, on the embedded digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import random_model
from torch.nn.functional import cross_entropy

from mondeq_hw.base import max_level, save_figure
from mondeq_hw.problem import given
from mondeq_hw.problem.data import Dataset, digits
from mondeq_hw.problem.load import load
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import Lowered
from mondeq_hw.rounding.options import NEAREST, LoweringOptions
from mondeq_hw.training.basin import (
    BasinProbe,
    BasinReport,
    cosine,
    diagnose,
    distance,
    float_levels,
    float_optimum_loss,
    latent_levels,
    loss_and_gradient,
    loss_at,
    markdown,
    nearby_grid_point,
    plot,
    probe_tensors,
    quantised_levels,
    set_levels,
    unrounded,
)
from mondeq_hw.training.qat import QatConfig, QuantizedNetwork, nearest_levels, retrain
from mondeq_hw.training.train import Optimisation, split

pytestmark = pytest.mark.slow

CONFIG = QatConfig(Optimisation(2, 64, 0.02, patience=10), iterations=12)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return digits("train")


@pytest.fixture(scope="module")
def model():
    return load(Path(__file__).parents[1] / "examples" / "digits.pt")


def lowered_at(model, bits: int) -> Lowered:
    return lower(model, LoweringOptions(bits, rounding=NEAREST, drive_bits=4, readout_bits=4))


@pytest.fixture(scope="module")
def ternary(model) -> Lowered:
    """A rounding that fails: the float model has a loss of a few hundredths."""
    return lowered_at(model, 2)


@pytest.fixture(scope="module")
def report(ternary, data) -> BasinReport:
    return diagnose(ternary, data, CONFIG, every=7, samples=500)


def test_points_are_levels_of_the_three_matrices(ternary):
    network = QuantizedNetwork(ternary, 12)
    real, stored = ternary.quantized.recurrence, ternary.quantized
    quantised, exact = quantised_levels(network).numpy(), float_levels(network).numpy()
    position = 0
    for values, matrix in ((real.matrix, stored.matrix), (real.drive, stored.drive), (real.readout, stored.readout)):
        part = slice(position, position + values.size)
        np.testing.assert_array_equal(quantised[part], matrix.integers.ravel())
        np.testing.assert_allclose(exact[part], (values / 2.0 ** -matrix.shifts[:, None]).ravel(), rtol=1e-6)
        position += values.size
    assert position == len(quantised) == len(exact)
    # The latents start in the cells of the stored levels, so they are no farther from the optimum.
    assert distance(latent_levels(network), float_levels(network)) < distance(
        quantised_levels(network), float_levels(network)
    )


def test_set_levels_puts_every_matrix_back(ternary):
    network = QuantizedNetwork(ternary, 12)
    point = torch.arange(len(latent_levels(network)), dtype=torch.float32)
    set_levels(network, point)
    assert torch.equal(latent_levels(network), point)
    assert network.drive.levels[0, 0] == ternary.quantized.matrix.integers.size


def test_the_gradient_is_that_of_the_training_step(ternary, data):
    network = QuantizedNetwork(ternary, 12)
    probe = probe_tensors(network, data.first(50))
    loss, gradient = loss_and_gradient(network, nearest_levels, probe)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert loss == pytest.approx(loss_at(network, nearest_levels, probe))
    cross_entropy(network(probe.inputs), probe.targets).backward()
    latents = (network.matrix, network.drive, network.readout)
    assert torch.equal(gradient, torch.cat([latent.levels.grad.flatten() for latent in latents]))


def test_of_real_values_it_is_the_squared_error():
    """Over the variance of each output's targets, whatever their units; nothing is cut to whole numbers."""
    regression = random_model(np.random.default_rng(0), 6, 5, 2, margin=0.8)
    lowered = lower(regression, LoweringOptions(3, rounding=NEAREST))
    rng = np.random.default_rng(1)
    data = given("train", rng.integers(0, 256, size=(40, 5)), rng.normal(size=(40, 2)) * [0.3, 1000])
    network = QuantizedNetwork(lowered, 12)
    probe = probe_tensors(network, data)
    with torch.no_grad():
        outputs = network(probe.inputs).double().numpy()
    expected = np.mean(((outputs - data.targets) / data.targets.std(axis=0)) ** 2)
    assert loss_at(network, nearest_levels, probe) == pytest.approx(expected, rel=1e-4)
    config = QatConfig(Optimisation(1, 16, 0.02, patience=10), iterations=12)
    found = diagnose(lowered, data, config, every=2, samples=36)
    assert "squared error / variance" in markdown(found) and found.float_loss > 0


def test_the_latent_gradient_is_the_slope_of_the_latent_loss(model, data):
    """At 16 bits of state the recurrence is smooth enough for a difference quotient."""
    fine = lower(model, LoweringOptions(8, rounding=NEAREST, state_bits=24))
    network = QuantizedNetwork(fine, 60)
    probe = probe_tensors(network, data.first(50))
    _, gradient = loss_and_gradient(network, unrounded, probe)
    at, size = latent_levels(network), 0.1
    direction = gradient / gradient.norm()
    ends = []
    for sign in (1, -1):
        set_levels(network, at + sign * size * direction)
        ends.append(loss_at(network, unrounded, probe))
    assert (ends[0] - ends[1]) / (2 * size) == pytest.approx(float(gradient.norm()), rel=0.02)


def test_the_float_optimum_is_the_float_model(model, data):
    images = data.first(200)
    fine = lower(model, LoweringOptions(3, rounding=NEAREST, state_bits=24))
    rounded = fine.quantized  # whose biases a calibrated rounding would have moved
    fine = replace(
        fine, quantized=replace(rounded, drive_bias=rounded.drive_bias + 3, readout_bias=-rounded.readout_bias)
    )
    logits = np.maximum(preactivation(model, images.words), 0) @ model.O.T + model.c
    expected = float(cross_entropy(torch.from_numpy(logits), torch.from_numpy(images.targets)))
    network = QuantizedNetwork(fine, 80)
    assert float_optimum_loss(network, probe_tensors(network, images)) == pytest.approx(expected, rel=1e-3)


def test_cosine_and_distance():
    assert cosine(torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])) == pytest.approx(24 / 25)
    assert cosine(torch.tensor([1.0, 0.0]), torch.tensor([-2.0, 0.0])) == -1
    assert cosine(torch.zeros(2), torch.ones(2)) == 0
    assert distance(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 3.0])) == pytest.approx(2**0.5)


# -- a better grid point ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_a_better_rounding_lies_beside_the_failing_one(model, data, bits, monkeypatch):
    lowered = lowered_at(model, bits)
    points = []
    monkeypatch.setattr(
        "mondeq_hw.training.basin.set_levels", lambda net, point: (points.append(point), set_levels(net, point))
    )
    near = nearby_grid_point(lowered, data.first(300), data, 12)
    network = QuantizedNetwork(lowered, 12)
    found, start, optimum = points[-1], quantised_levels(network), float_levels(network)
    assert near.nearby_loss < 0.8 * near.rounded_loss
    assert near.nearby_held_out < near.rounded_held_out
    assert 0 < near.changed < 0.1
    assert near.changed == pytest.approx(float((found != start).float().mean()))
    set_levels(network, found)
    assert near.nearby_loss == loss_at(network, nearest_levels, probe_tensors(network, data.first(300)))
    assert near.nearby_held_out == loss_at(network, nearest_levels, probe_tensors(network, data))
    # A rounding of the same weights: every changed weight is on the level at the other side of its float value.
    for latent, name in ((network.matrix, "matrix"), (network.drive, "drive"), (network.readout, "readout")):
        levels = latent.levels.detach()
        assert torch.equal(levels, nearest_levels(levels, latent.word_length)), name
        assert levels.abs().max() <= max_level(latent.word_length), name
    spacing = torch.ones_like(found)
    if bits == 1:
        spacing[: network.matrix.levels.numel()] = 2
    tops = [torch.full((part.levels.numel(),), part.top) for part in (network.matrix, network.drive, network.readout)]
    top = torch.cat(tops).float()
    changed = found != start
    inside = optimum.clamp(-top, top)
    assert ((found - inside).abs() < spacing)[changed].all()
    assert near.nearby_distance == pytest.approx(distance(found, optimum))


def test_no_better_point_is_invented(ternary, data):
    """At a point where every move is a loss the search stays where it is."""
    images = data.first(40)
    once = nearby_grid_point(ternary, images, data, 12)
    assert once.nearby_loss <= once.rounded_loss
    flat = Dataset(images.name, images.split, np.zeros_like(images.words), images.targets)
    start = ternary.quantized
    blind = replace(ternary, quantized=replace(start, drive_bias=np.full_like(start.drive_bias, -100.0)))
    stuck = nearby_grid_point(blind, flat, flat, 0)
    assert stuck.nearby_loss == stuck.rounded_loss and stuck.changed == 0


# -- along a run -----------------------------------------------------------------------------------------


def test_records_are_of_the_run(ternary, data, report):
    steps_per_epoch = -(-round(0.9 * len(data)) // CONFIG.optimisation.batch_size)
    assert [record.step for record in report.records] == list(range(0, 2 * steps_per_epoch, 7))
    first, last = report.records[0], report.records[-1]
    network = QuantizedNetwork(ternary, CONFIG.iterations)
    assert first.moved_cosine is None and last.moved_cosine is not None
    assert first.quantised_distance == distance(quantised_levels(network), float_levels(network))
    assert first.quantised_loss == pytest.approx(report.nearby.rounded_loss)
    assert report.weights == len(float_levels(network))
    # Rounding fails, the latents are still in the basin, retraining gets most of the way back.
    assert first.quantised_loss > 4 * first.latent_loss > 0
    assert last.quantised_loss < first.quantised_loss / 2
    assert report.float_loss < last.quantised_loss


def test_held_out_images_are_those_that_select_the_epoch(ternary, data, report):
    network = QuantizedNetwork(ternary, CONFIG.iterations)
    _, held_out = split(data, CONFIG.optimisation.validation_share, CONFIG.optimisation.seed)
    part = Dataset(data.name, data.split, data.words[held_out], data.targets[held_out])
    assert report.nearby.rounded_held_out == loss_at(network, nearest_levels, probe_tensors(network, part))


def test_the_start_is_the_one_that_is_retrained(model, data):
    """At 1 bit retraining makes scales finer that are too coarse."""
    start = lowered_at(model, 1)
    coarse = replace(start.quantized.matrix, shifts=start.quantized.matrix.shifts - 1)
    start = replace(start, quantized=replace(start.quantized, matrix=coarse))
    config = replace(CONFIG, optimisation=replace(CONFIG.optimisation, epochs=1))
    report = diagnose(start, data, config, every=1000, samples=100)
    assert np.linalg.norm(coarse.values, 2) > config.hinge_start
    assert report.nearby.rounded_loss == report.records[0].quantised_loss


def test_the_step_at_the_quantised_weights_points_inward(report):
    later = report.records[1:]
    quantised = np.mean([record.quantised_cosine for record in later])
    assert quantised > report.chance
    assert quantised > np.mean([record.latent_cosine for record in later])
    assert report.records[0].quantised_pull > report.records[0].quantised_loss - report.float_loss


def test_watching_changes_nothing(ternary, data):
    """And every number of a record follows from the weights it was taken at."""
    seen = []
    probe = BasinProbe(data.first(100), every=20)

    def watch(network: QuantizedNetwork) -> None:
        probe.watch(network)
        seen.append((latent_levels(network), quantised_levels(network)))

    config = replace(CONFIG, optimisation=replace(CONFIG.optimisation, epochs=1))
    watched, alone = retrain(ternary, data, config, watch=watch), retrain(ternary, data, config)
    assert watched.history == alone.history
    np.testing.assert_array_equal(watched.stored.drive.integers, alone.stored.drive.integers)
    first, second = probe.records
    optimum = float_levels(QuantizedNetwork(ternary, 12))
    (latent, quantised), (moved, later) = seen[0], seen[20]
    assert second.moved_cosine == pytest.approx(cosine(moved - latent, optimum - quantised))
    assert second.latent_distance == distance(moved, optimum)
    assert second.quantised_distance == distance(later, optimum)
    assert first.latent_distance == distance(latent, optimum)
    network = QuantizedNetwork(ternary, 12)
    probe = probe_tensors(network, data.first(100))
    loss, gradient = loss_and_gradient(network, nearest_levels, probe)
    assert (first.quantised_loss, first.quantised_cosine) == (loss, cosine(-gradient, optimum - quantised))
    assert first.quantised_pull == pytest.approx(float(gradient @ (quantised - optimum)))
    loss, gradient = loss_and_gradient(network, unrounded, probe)
    assert (first.latent_loss, first.latent_cosine) == (loss, cosine(-gradient, optimum - quantised))
    assert first.latent_pull == pytest.approx(float(gradient @ (quantised - optimum)))


def test_table_and_plot(report, tmp_path):
    lines = markdown(report).splitlines()
    rows = [line for line in lines if line.startswith("| 7 |")]
    record = report.records[1]
    assert rows and f"{record.quantised_loss:.4f}" in rows[0] and f"{record.latent_distance:.3f}" in rows[0]
    assert f"{report.nearby.nearby_held_out:.4f}" in markdown(report)
    save_figure(plot(report, "digits"), tmp_path / "basin.png")
    assert (tmp_path / "basin.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "basin.png").stat().st_size > 10_000
