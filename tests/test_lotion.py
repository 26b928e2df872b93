"""Randomised rounding, the smoothed loss and what it is good for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from retraining_runs import FAST, accuracy, blobs, lowered_model
from torch import Tensor
from torch.nn.functional import cross_entropy

from mondeq_hw.base import max_level
from mondeq_hw.proof.contraction import prove_contraction
from mondeq_hw.training.loss import CROSS_ENTROPY
from mondeq_hw.training.lotion import (
    CURVATURE_EVERY,
    Curvature,
    Regularised,
    Sampled,
    latents,
    randomised_levels,
    real_levels,
    rounding_variance,
    sampler,
    upward_share,
)
from mondeq_hw.training.qat import QuantizedNetwork, nearest_levels, retrain
from mondeq_hw.training.train import Epoch

pytestmark = pytest.mark.slow

BITS = [1, 2, 3, 8]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- the rounding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", BITS)
def test_randomised_rounding_is_unbiased_with_the_stated_variance(bits):
    top, draws = max_level(bits), 20_000
    latent = torch.linspace(-top, top, 23, dtype=torch.double)
    rounded = randomised_levels(latent.expand(draws, -1), bits, seeded())
    variance = rounding_variance(latent, bits)
    # Six standard errors of the mean; the variance of a draw is at most step^2 / 4.
    assert (rounded.mean(dim=0) - latent).abs().max() < 6 * math.sqrt(float(variance.max()) / draws)
    torch.testing.assert_close(rounded.var(dim=0), variance, atol=0.05, rtol=0)
    assert set(rounded.unique().tolist()) <= set(range(-top, top + 1)) - ({0} if bits == 1 else set())


@pytest.mark.parametrize("bits", BITS)
def test_a_latent_goes_to_a_neighbour_and_what_is_outside_to_the_edge(bits):
    top = max_level(bits)
    latent = torch.tensor([-top - 3.0, top + 3.0, 0.3, -0.3, float(top), float(-top)])
    rounded = randomised_levels(latent.expand(200, -1), bits, seeded())
    assert (rounded[:, [0, 5]] == -top).all() and (rounded[:, [1, 4]] == top).all()
    step = 2 if bits == 1 else 1
    assert ((rounded[:, 2:4] - latent[2:4]).abs() < step).all()
    assert torch.equal(rounding_variance(latent, bits)[[0, 1, 4, 5]], torch.zeros(4))


@pytest.mark.parametrize("bits", BITS)
def test_variance_has_the_gradient_of_its_formula(bits):
    latent = torch.tensor([0.2, -0.7, 0.9], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: rounding_variance(x, bits), latent)
    step, share = (2 if bits == 1 else 1), upward_share(latent.detach(), bits)
    torch.testing.assert_close(rounding_variance(latent.detach(), bits), step**2 * share * (1 - share))


# -- the smoothed loss ---------------------------------------------------------------------------------


def network_and_batch(bits: int = 2) -> tuple[QuantizedNetwork, Tensor, Tensor]:
    data = blobs()
    network = QuantizedNetwork(lowered_model(bits, drive_bits=4, readout_bits=3), iterations=12)
    return network, torch.from_numpy(data.words.astype(np.float32)), torch.from_numpy(data.targets)


@pytest.mark.parametrize("learner", [Sampled, Regularised])
@pytest.mark.parametrize("bits", [1, 2, 4])
def test_smoothed_loss_is_the_quantised_loss_at_grid_points(learner, bits):
    network, words, labels = network_and_batch(bits)
    with torch.no_grad():
        for latent in latents(network):
            latent.levels.copy_(nearest_levels(latent.levels, latent.word_length))
    quantised = cross_entropy(network(words), labels)
    for seed in range(3):
        assert learner(network, seed, CROSS_ENTROPY).loss(words, labels).item() == pytest.approx(
            quantised.item(), rel=1e-6
        )


def test_draws_average_to_the_regularised_loss_where_the_loss_is_quadratic():
    """``E L(R(w)) = L(w) + 1/2 sum_i H_ii s_i^2``, exactly, for a quadratic."""
    H, latent = quadratic(6, seed=1)
    latent = latent * 0.4
    loss = lambda w: 0.5 * ((w @ H) * w).sum(dim=-1)  # noqa: E731
    draws = loss(randomised_levels(latent.expand(200_000, -1), 3, seeded()))
    expected = loss(latent) + 0.5 * (H.diagonal() * rounding_variance(latent, 3)).sum()
    assert float(draws.mean()) == pytest.approx(float(expected), abs=6 * float(draws.std()) / math.sqrt(len(draws)))


def test_curvature_is_the_gauss_newton_diagonal():
    """Against the exact ``1/N sum_n J_n' (diag p - p p') J_n`` by differentiating each logit."""
    network, words, _ = network_and_batch()
    words = words[:4]
    exact = torch.zeros_like(network.readout.levels)
    for word in words:
        logits = network(word[None])[0]
        probability = logits.detach().softmax(dim=0)
        rows = torch.stack(
            [torch.autograd.grad(logit, network.readout.levels, retain_graph=True)[0] for logit in logits]
        )
        mean = (probability[:, None, None] * rows).sum(dim=0)
        exact += ((probability[:, None, None] * rows**2).sum(dim=0) - mean**2) / len(words)
    estimate = torch.zeros_like(exact)
    for draw in range(1500):
        curvature = Curvature(network, draw, CROSS_ENTROPY)
        curvature.observe(network, words, seeded(draw))
        estimate += curvature.diagonals()[2] / 1500
    torch.testing.assert_close(estimate, exact, rtol=0.25, atol=0.05 * float(exact.max()))


def test_curvature_is_looked_at_now_and_then():
    network, words, _ = network_and_batch()
    curvature = Curvature(network, 0, CROSS_ENTROPY)
    looks = []
    for _ in range(CURVATURE_EVERY * 2 + 1):
        before = [diagonal.clone() for diagonal in curvature.diagonals()]
        curvature.observe(network, words, curvature.generator())
        changed = [not torch.equal(old, new) for old, new in zip(before, curvature.diagonals(), strict=True)]
        assert len(set(changed)) == 1
        looks.append(changed[0])
    assert [step for step, look in enumerate(looks) if look] == [0, CURVATURE_EVERY, 2 * CURVATURE_EVERY]


def test_a_draws_gradient_is_straight_through_plus_the_regularisers():
    network, words, labels = network_and_batch(4)
    learner = Sampled(network, 0, CROSS_ENTROPY)
    learner.loss(words, labels)  # the first step estimates the curvature, the second does not
    generator = learner.curvature.generator()
    drawn = cross_entropy(network.logits(words, sampler(generator)), labels)
    regulariser = learner.curvature.regulariser(network)
    levels = [latent.levels for latent in latents(network)]
    expected = torch.autograd.grad(drawn + regulariser, levels)
    loss = learner.loss(words, labels)
    assert loss.item() == pytest.approx(drawn.item())
    for ours, theirs in zip(torch.autograd.grad(loss, levels), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    correction = torch.autograd.grad(learner.curvature.regulariser(network), levels)
    assert all(float(part.abs().max()) > 0 for part in correction)


# -- the testbed ---------------------------------------------------------------------------------------


def quadratic(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """An ill-conditioned least-squares Hessian and its real optimum, in levels."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(n, n)))
    hessian = (basis * np.arange(1, n + 1.0) ** -1.1) @ basis.T
    return torch.from_numpy(hessian), torch.from_numpy(2 * rng.normal(size=n))


def descend(H: Tensor, optimum: Tensor, bits: int, method: str, steps: int = 1500) -> float:
    """Mean quantised loss after gradient descent from the real optima (problems, n), with a cosine schedule."""
    latent, generator = optimum.clone().requires_grad_(), seeded()
    diagonal = H.diagonal(dim1=1, dim2=2)

    def loss(w: Tensor) -> Tensor:
        error = w - optimum
        return 0.5 * torch.einsum("pi,pij,pj->", error, H, error)

    for step in range(steps):
        penalty = 0.5 * (diagonal * rounding_variance(latent, bits)).sum()
        if method == "regularised":
            objective = loss(real_levels(latent, bits)) + penalty
        elif method == "sampled":
            objective = loss(randomised_levels(latent, bits, generator)) + penalty - penalty.detach()
        else:
            objective = loss(nearest_levels(latent, bits))
        (gradient,) = torch.autograd.grad(objective, latent)
        with torch.no_grad():
            latent -= 0.25 * (1 + math.cos(math.pi * step / steps)) * gradient
    return float(loss(nearest_levels(latent.detach(), bits))) / len(optimum)


def test_lotion_beats_rounding_and_straight_through_on_least_squares():
    problems = [quadratic(40, seed) for seed in range(12)]
    H, optimum = (torch.stack(parts) for parts in zip(*problems, strict=True))
    post_training = descend(H, optimum, 4, "none", steps=0)
    straight_through = descend(H, optimum, 4, "straight_through")
    for method in ("regularised", "sampled"):
        reached = descend(H, optimum, 4, method)
        assert reached < 0.7 * post_training
        assert reached < 0.95 * straight_through


# -- retraining ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", [Sampled, Regularised])
@pytest.mark.parametrize("bits", [1, 3])
def test_retraining_with_lotion_learns_and_is_proved(learner, bits):
    data, start = blobs(), lowered_model(bits, drive_bits=4, readout_bits=3)
    result = retrain(start, data, FAST, learner)
    assert accuracy(start, result.stored, data) > max(75.0, accuracy(start, None, data))
    proof = prove_contraction(result.stored.matrix, result.stored.leak_shift)
    assert proof is not None and proof.contraction_factor <= FAST.contraction_limit


@pytest.mark.parametrize("learner", [Sampled, Regularised])
def test_a_resumed_run_draws_what_it_would_have_drawn(tmp_path, learner):
    data, start, state = blobs(), lowered_model(2), tmp_path / "run.state"

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(start, data, FAST, learner, state_file=state, observe=stop)
    resumed, straight = (
        retrain(start, data, FAST, learner, state_file=state),
        retrain(start, data, FAST, learner),
    )
    assert resumed.history == straight.history
    np.testing.assert_array_equal(resumed.stored.drive.integers, straight.stored.drive.integers)
