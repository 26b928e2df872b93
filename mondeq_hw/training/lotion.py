"""LOTION: descend the quantised loss, smoothed by randomised rounding.

Kwun, Morwani, Su, Gil, Anand & Kakade, arXiv 2510.08757.  The quantised loss
is piecewise constant; its expectation under unbiased randomised rounding
``R`` of the latent weights is continuous, equals the quantised loss wherever
every weight lies on the grid, and has the same global minima.  To second
order, with ``g`` the diagonal of the Gauss-Newton matrix,

    E L(R(w)) = L(w) + 1/2 sum_i g_i s_i^2,      s_i^2 = step^2 f_i (1 - f_i)

where ``f_i`` is how far ``w_i`` lies between its two neighbours.  Two learners
for :func:`mondeq_hw.training.qat.retrain`:

:class:`Regularised` takes the right-hand side, :class:`Sampled` one draw of the
left-hand side.  The straight-through gradient of a draw misses that the
rounding noise itself depends on ``w``; its second-order part is the
regulariser's gradient, which :class:`Sampled` adds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ..base import max_level
from .loss import Loss
from .qat import LatentMatrix, Learner, QuantizedNetwork, StraightThrough, replace_value

#: Steps between two estimates of the curvature, and the share of the old estimate in their average.
CURVATURE_EVERY = 10
CURVATURE_MEMORY = 0.9


def neighbours(latent: Tensor, word_length: int) -> tuple[Tensor, float]:
    """The level below each latent, within the range, and the distance to the level above."""
    top = max_level(word_length)
    if word_length == 1:
        return torch.full_like(latent, -1.0), 2.0
    return latent.floor().clamp(-top, top - 1), 1.0


def upward_share(latent: Tensor, word_length: int) -> Tensor:
    """``f``: how far a latent lies from its lower to its upper neighbour, 0 to 1; differentiable."""
    low, step = neighbours(latent.detach(), word_length)
    return ((latent - low) / step).clamp(0, 1)


def randomised_levels(latent: Tensor, word_length: int, generator: torch.Generator) -> Tensor:
    """Round up with probability ``f``: unbiased within the range; the gradient is the identity's."""
    low, step = neighbours(latent.detach(), word_length)
    share = upward_share(latent.detach(), word_length)
    # Drawn on the CPU, so that every device has the same draws.
    up = torch.rand(latent.shape, dtype=latent.dtype, generator=generator).to(latent.device) < share
    return replace_value(latent, low + step * up)


def rounding_variance(latent: Tensor, word_length: int) -> Tensor:
    """``s^2 = step^2 f (1 - f)``, the variance of the randomised rounding; differentiable."""
    _, step = neighbours(latent.detach(), word_length)
    share = upward_share(latent, word_length)
    return step**2 * share * (1 - share)


def real_levels(latent: Tensor, word_length: int) -> Tensor:
    """The latents themselves, within the range of the levels."""
    top = max_level(word_length)
    return latent.clamp(-top, top)


class Curvature(nn.Module):
    """Running estimate of the Gauss-Newton diagonal with respect to the latent levels.

    Gauss-Newton-Bartlett: for targets drawn from the model's own prediction,
    the squared gradient of a mini-batch's mean loss, times its size, is
    unbiased (Liu et al., "Sophia", arXiv 2305.14342, section 2.3).

    Parameters
    ----------
    network : QuantizedNetwork
    seed : int
    of_task : Loss
    """

    steps: Tensor

    def __init__(self, network: QuantizedNetwork, seed: int, of_task: Loss):
        super().__init__()
        self.seed, self.of_task = seed, of_task
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        for index, latent in enumerate(latents(network)):
            self.register_buffer(f"diagonal_{index}", torch.zeros_like(latent.levels))

    def generator(self) -> torch.Generator:
        """Of this step: a function of the seed and the step number, so that a resumed run repeats it."""
        seed = np.random.SeedSequence([self.seed, int(self.steps)]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed >> np.uint64(1)))

    def observe(self, network: QuantizedNetwork, words: Tensor, generator: torch.Generator) -> None:
        """Count a step and, now and then, look at the curvature."""
        step = int(self.steps)
        self.steps += 1
        if step % CURVATURE_EVERY:
            return
        outputs = network(words)
        loss = self.of_task.mean(outputs, self.of_task.drawn(outputs, generator))
        parameters = [latent.levels for latent in latents(network)]
        memory = CURVATURE_MEMORY if step else 0.0
        for diagonal, gradient in zip(self.diagonals(), torch.autograd.grad(loss, parameters), strict=True):
            diagonal.mul_(memory).add_(gradient**2, alpha=(1 - memory) * len(words))

    def diagonals(self) -> list[Tensor]:
        """One tensor for each of :func:`latents`."""
        return [buffer for name, buffer in self.named_buffers() if name.startswith("diagonal_")]

    def regulariser(self, network: QuantizedNetwork) -> Tensor:
        """``1/2 sum_i g_i s_i^2`` over all three matrices."""
        total = torch.zeros((), device=self.steps.device)
        for latent, diagonal in zip(latents(network), self.diagonals(), strict=True):
            total = total + (diagonal * rounding_variance(latent.levels, latent.word_length)).sum() / 2
        return total


def latents(network: QuantizedNetwork) -> tuple[LatentMatrix, ...]:
    """The three trained matrices."""
    return network.matrix, network.drive, network.readout


class Regularised(Learner):
    """``L(w) + 1/2 sum_i g_i s_i^2`` at the latent weights; the state is still rounded."""

    def __init__(self, network: QuantizedNetwork, seed: int, of_task: Loss):
        super().__init__(network, seed, of_task)
        self.curvature = Curvature(network, seed, of_task)

    def loss(self, words: Tensor, targets: Tensor) -> Tensor:
        """The smoothed loss, by its second-order form."""
        self.curvature.observe(self.network, words, self.curvature.generator())
        smooth = self.of_task.mean(self.network.logits(words, real_levels), targets)
        return smooth + self.curvature.regulariser(self.network)


class Sampled(Learner):
    """``L(R(w))`` for one draw of the randomised rounding ``R`` a step."""

    def __init__(self, network: QuantizedNetwork, seed: int, of_task: Loss):
        super().__init__(network, seed, of_task)
        self.curvature = Curvature(network, seed, of_task)

    def loss(self, words: Tensor, targets: Tensor) -> Tensor:
        """An unbiased draw of the smoothed loss; its gradient is unbiased to second order."""
        generator = self.curvature.generator()
        self.curvature.observe(self.network, words, generator)
        drawn = self.of_task.mean(self.network.logits(words, sampler(generator)), targets)
        regulariser = self.curvature.regulariser(self.network)
        return drawn + regulariser - regulariser.detach()


def sampler(generator: torch.Generator) -> Callable[[Tensor, int], Tensor]:
    """:func:`randomised_levels` with a given source of randomness."""
    return lambda latent, word_length: randomised_levels(latent, word_length, generator)


#: By the names of ``qat``'s option.
LEARNERS: dict[str, type[Learner]] = {
    "straight-through": StraightThrough,
    "lotion": Regularised,
    "lotion-sampled": Sampled,
}
