"""Why retraining recovers: a diagnostic of where its steps point.

Li, Ma & Cui, "Understanding Quantization-Aware Training: Gradients at
Quantized Weights Bias to the Low-Loss Basin" (arXiv 2606.09012): a coarse
rounding leaves the flat basin around the float optimum although grid points
inside it lie nearby.  The loss gradient at the *quantised* weights sees the
wall of the basin and points back in; the gradient at the latent weights, which
lie inside, sees nothing of it.  :class:`BasinProbe` measures both along a run
of :func:`mondeq_hw.training.qat.retrain`, and :func:`nearby_grid_point` looks for the
better grid point beside the rounded network.

All vectors hold the levels of the three matrices, one after the other, in
units of each row's scale: the coordinates in which the optimiser moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..base import InputError, new_figure
from ..problem import Dataset, task_of
from ..rounding import Lowered
from .loss import Loss, loss_of
from .lotion import latents, neighbours
from .qat import QatConfig, QuantizedNetwork, Rounder, nearest_levels, retrain, with_room_to_train
from .train import split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Descents that :func:`nearby_grid_point` tries before it gives up.
ROUNDS = 60


@dataclass(frozen=True)
class BasinRecord:
    """One look at a run, before the given step.

    Parameters
    ----------
    step : int
    quantised_loss, latent_loss : float
        The task's loss on the probe, at the quantised and at the latent weights: cross-entropy in nats, or the squared
        error over the variance of the targets.
    quantised_cosine : float
        Between the straight-through step (minus the gradient at the quantised weights) and the
        direction from the quantised weights to the float optimum.
    latent_cosine : float
        The same for the gradient at the latent weights.
    moved_cosine : float or None
        Between what the latents moved since the last record and the direction from the
        quantised weights of that record to the float optimum.
    quantised_pull, latent_pull : float
        What the two gradients promise, to first order, for going from the quantised weights to the
        float optimum: minus gradient times way, in the loss's unit.  In a quadratic basin the first is twice
        the loss above the optimum's, however many directions are flat.
    quantised_distance, latent_distance : float
        To the float optimum: root mean square over all weights, in levels.
    """

    step: int
    quantised_loss: float
    latent_loss: float
    quantised_cosine: float
    latent_cosine: float
    moved_cosine: float | None
    quantised_pull: float
    latent_pull: float
    quantised_distance: float
    latent_distance: float


@dataclass(frozen=True)
class NearbyPoint:
    """A grid point that rounds the float optimum differently, against the one that rounding chose.

    Parameters
    ----------
    rounded_loss, nearby_loss : float
        On the probe, by which the point was found.
    rounded_held_out, nearby_held_out : float
        On samples that the search did not see.
    rounded_distance, nearby_distance : float
        To the float optimum, as in :class:`BasinRecord`.
    changed : float
        Share of the weights on another level.
    """

    rounded_loss: float
    nearby_loss: float
    rounded_held_out: float
    nearby_held_out: float
    rounded_distance: float
    nearby_distance: float
    changed: float


@dataclass(frozen=True)
class BasinReport:
    """A run and its start.

    Parameters
    ----------
    loss : str
        What the losses are, with their unit.
    float_loss : float
        Of the float optimum on the probe.
    weights : int
        Length of the vectors: a direction at random has a cosine of about ``1 / sqrt(weights)``.
    nearby : NearbyPoint
    records : tuple of BasinRecord
    """

    loss: str
    float_loss: float
    weights: int
    nearby: NearbyPoint
    records: tuple[BasinRecord, ...]

    @property
    def chance(self) -> float:
        """Standard deviation of the cosine of a direction at random."""
        return float(self.weights**-0.5)


def diagnose(lowered: Lowered, data: Dataset, config: QatConfig, every: int, samples: int = 1024) -> BasinReport:
    """Retrain as :func:`mondeq_hw.training.qat.retrain` does, and measure on the way.

    Parameters
    ----------
    lowered : Lowered
    data : Dataset
        The training split; its training part is the probe, its validation part is held out.
    config : QatConfig
    every : int
        Steps between two records.
    samples : int
        Of the probe, and of the held-out part, at most.
    """
    training, validation = split(data, config.optimisation.validation_share, config.optimisation.seed)
    if not len(validation):
        raise InputError("a diagnosis needs a held-out part; validation_share is 0, expected more")
    chosen, held_out = _chosen(data, training[:samples]), _chosen(data, validation[:samples])
    start = with_room_to_train(lowered, config.hinge_start)
    nearby = nearby_grid_point(start, chosen, held_out, config.iterations)
    probe = BasinProbe(chosen, every)
    retrain(lowered, data, config, watch=probe.watch)
    network = QuantizedNetwork(start, config.iterations)
    seen = probe_tensors(network, chosen)
    weights = len(float_levels(network))
    return BasinReport(seen.loss.title, float_optimum_loss(network, seen), weights, nearby, tuple(probe.records))


def _chosen(data: Dataset, indices: np.ndarray) -> Dataset:
    return Dataset(data.name, data.split, data.words[indices], data.targets[indices])


class BasinProbe:
    """Measures a run every few steps; hand :meth:`watch` to :func:`mondeq_hw.training.qat.retrain`.

    Parameters
    ----------
    data : Dataset
        Training samples on which losses and gradients are taken.
    every : int
        Steps between two records.
    """

    def __init__(self, data: Dataset, every: int):
        self.data, self.every = data, every
        self.records: list[BasinRecord] = []
        self._step = 0
        self._last: tuple[Tensor, Tensor] | None = None

    def watch(self, network: QuantizedNetwork) -> None:
        """Count a step, and record the state before it if it is one of the chosen ones."""
        if self._step % self.every == 0:
            self._record(network)
        self._step += 1

    def _record(self, network: QuantizedNetwork) -> None:
        probe = probe_tensors(network, self.data)
        quantised_loss, quantised_gradient = loss_and_gradient(network, nearest_levels, probe)
        latent_loss, latent_gradient = loss_and_gradient(network, unrounded, probe)
        optimum, latent, quantised = float_levels(network), latent_levels(network), quantised_levels(network)
        inward = optimum - quantised
        moved = None if self._last is None else cosine(latent - self._last[0], self._last[1])
        self._last = latent, inward
        self.records.append(
            BasinRecord(
                step=self._step,
                quantised_loss=quantised_loss,
                latent_loss=latent_loss,
                quantised_cosine=cosine(-quantised_gradient, inward),
                latent_cosine=cosine(-latent_gradient, inward),
                moved_cosine=moved,
                quantised_pull=-float(quantised_gradient @ inward),
                latent_pull=-float(latent_gradient @ inward),
                quantised_distance=distance(quantised, optimum),
                latent_distance=distance(latent, optimum),
            )
        )


def float_optimum_loss(network: QuantizedNetwork, probe: Probe) -> float:
    """Put the network at the float optimum, biases too; the loss in the same recurrence, the state still rounded."""
    set_levels(network, float_levels(network))
    with torch.no_grad():
        network.drive_bias.copy_(torch.from_numpy(network.recurrence.drive_bias))
        network.readout_bias.copy_(torch.from_numpy(network.recurrence.readout_bias))
    return loss_at(network, unrounded, probe)


def nearby_grid_point(lowered: Lowered, data: Dataset, held_out: Dataset, iterations: int) -> NearbyPoint:
    """Search the roundings of the float optimum for one of lower loss.

    Only levels less than one step from the float weight are tried, so every point looked at is a
    rounding of the same network.  Each descent moves the weights whose gradient promises most, as
    many of them at once as lower the loss of the probe.

    Parameters
    ----------
    lowered : Lowered
        The rounded network; biases stay as they are.
    data, held_out : Dataset
        To search on, and to judge the result.
    iterations : int
        Updates after the start.
    """
    network = QuantizedNetwork(lowered, iterations)
    probe, judge = probe_tensors(network, data), probe_tensors(network, held_out)
    optimum, start, spacing = float_levels(network), quantised_levels(network), level_spacing(network)
    set_levels(network, start)
    rounded_held_out = loss_at(network, nearest_levels, judge)
    rounded_loss, gradient = loss_and_gradient(network, nearest_levels, probe)
    point, loss = start, rounded_loss
    top = torch.cat([torch.full((latent.levels.numel(),), float(latent.top)) for latent in latents(network)])
    inside = optimum.clamp(-top, top)
    for _ in range(ROUNDS):
        moved = point - gradient.sign() * spacing
        allowed = ((moved - inside).abs() < spacing) & (gradient != 0)
        promise = torch.where(allowed, gradient.abs() * spacing, 0.0).argsort(descending=True)
        better = _first_better(network, point, moved, promise[: int(allowed.sum())], loss, probe)
        if better is None:
            break
        point = better
        set_levels(network, point)
        loss, gradient = loss_and_gradient(network, nearest_levels, probe)
    set_levels(network, point)
    return NearbyPoint(
        rounded_loss=rounded_loss,
        nearby_loss=loss,
        rounded_held_out=rounded_held_out,
        nearby_held_out=loss_at(network, nearest_levels, judge),
        rounded_distance=distance(start, optimum),
        nearby_distance=distance(point, optimum),
        changed=float((point != start).float().mean()),
    )


def _first_better(
    network: QuantizedNetwork,
    point: Tensor,
    moved: Tensor,
    promise: Tensor,
    loss: float,
    probe: Probe,
) -> Tensor | None:
    """Move a quarter of the promising weights, or half as many, and so on until the loss falls."""
    count = max(1, len(promise) // 4) if len(promise) else 0
    while count:
        tried = point.clone()
        tried[promise[:count]] = moved[promise[:count]]
        set_levels(network, tried)
        if loss_at(network, nearest_levels, probe) < loss:
            return tried
        count //= 2
    return None


# -- points and losses ---------------------------------------------------------------------------------


def unrounded(latent: Tensor, word_length: int) -> Tensor:
    """The latents themselves: a :data:`mondeq_hw.training.qat.Rounder` that does not round."""
    return latent


def latent_levels(network: QuantizedNetwork) -> Tensor:
    """The latent weights."""
    return torch.cat([latent.levels.detach().flatten() for latent in latents(network)])


def quantised_levels(network: QuantizedNetwork) -> Tensor:
    """The weights that the hardware would store."""
    return torch.cat(
        [nearest_levels(latent.levels.detach(), latent.word_length).flatten() for latent in latents(network)]
    )


def float_levels(network: QuantizedNetwork) -> Tensor:
    """The float optimum: the weights of the real recurrence, beyond the range of the levels where they are."""
    real = (network.recurrence.matrix, network.recurrence.drive, network.recurrence.readout)
    return torch.cat(
        [
            torch.from_numpy(np.ldexp(values, latent.shifts[:, None]).astype(np.float32)).flatten()
            for values, latent in zip(real, latents(network), strict=True)
        ]
    )


def level_spacing(network: QuantizedNetwork) -> Tensor:
    """Distance of neighbouring levels: 1, and 2 at 1 bit."""
    return torch.cat(
        [
            torch.full((latent.levels.numel(),), neighbours(latent.levels, latent.word_length)[1])
            for latent in latents(network)
        ]
    )


@torch.no_grad()
def set_levels(network: QuantizedNetwork, point: Tensor) -> None:
    """Put the latents at a point."""
    parts = point.split([latent.levels.numel() for latent in latents(network)])
    for latent, part in zip(latents(network), parts, strict=True):
        latent.levels.copy_(part.reshape(latent.levels.shape))


@dataclass(frozen=True)
class Probe:
    """What the network sees of some samples, their targets, and the loss of their task on them.

    Parameters
    ----------
    inputs : Tensor (samples, d)
    targets : Tensor
    loss : Loss
        Of real values in units of these samples' own deviations.
    """

    inputs: Tensor
    targets: Tensor
    loss: Loss


def probe_tensors(network: QuantizedNetwork, data: Dataset) -> Probe:
    """Samples as the network sees them."""
    loss = loss_of(task_of(data.targets), data.targets)
    seen = network.input_format.to_float(network.input_format.quantize(data.words))
    return Probe(torch.from_numpy(seen.astype(np.float32)), loss.targets(data.targets), loss)


@torch.no_grad()
def loss_at(network: QuantizedNetwork, rounder: Rounder, probe: Probe) -> float:
    """The loss of the task."""
    return float(probe.loss.mean(network.logits(probe.inputs, rounder), probe.targets))


def loss_and_gradient(network: QuantizedNetwork, rounder: Rounder, probe: Probe) -> tuple[float, Tensor]:
    """The loss and its gradient with respect to the levels; the network's own gradients stay."""
    loss = probe.loss.mean(network.logits(probe.inputs, rounder), probe.targets)
    gradients = torch.autograd.grad(loss, [latent.levels for latent in latents(network)])
    return float(loss.detach()), torch.cat([gradient.flatten() for gradient in gradients])


def cosine(a: Tensor, b: Tensor) -> float:
    """Of the angle between two vectors; 0 where one of them is zero."""
    lengths = float(a.double().norm() * b.double().norm())
    return float(a.double() @ b.double()) / lengths if lengths > 0 else 0.0


def distance(a: Tensor, b: Tensor) -> float:
    """Root mean square difference, in levels."""
    return float((a.double() - b.double()).square().mean().sqrt())


# -- table and plot ------------------------------------------------------------------------------------


def markdown(report: BasinReport) -> str:
    """The report as two tables."""
    near = report.nearby
    lines = [
        f"Loss: {report.loss}; of the float optimum {report.float_loss:.4f}. Cosine of a direction at random: "
        f"{report.chance:.4f}",
        "",
        "| grid point | loss | held-out loss | distance to the float optimum | weights changed |",
        "|---|---|---|---|---|",
        f"| rounded | {near.rounded_loss:.4f} | {near.rounded_held_out:.4f} | {near.rounded_distance:.3f} | |",
        f"| beside it | {near.nearby_loss:.4f} | {near.nearby_held_out:.4f} | {near.nearby_distance:.3f} "
        f"| {near.changed:.2%} |",
        "",
        "| step | loss, quantised | latent | cosine of the step, quantised | latent | of what was moved "
        "| pull, quantised | latent | distance, quantised | latent |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in report.records:
        moved = "" if r.moved_cosine is None else f"{r.moved_cosine:.3f}"
        lines.append(
            f"| {r.step} | {r.quantised_loss:.4f} | {r.latent_loss:.4f} | {r.quantised_cosine:.3f} "
            f"| {r.latent_cosine:.3f} | {moved} | {r.quantised_pull:.3f} | {r.latent_pull:.3f} "
            f"| {r.quantised_distance:.3f} | {r.latent_distance:.3f} |"
        )
    return "\n".join(lines) + "\n"


def plot(report: BasinReport, title: str) -> Figure:
    """Losses, cosines and distances against the step."""
    records = report.records
    steps = [record.step for record in records]
    figure = new_figure(10, 7)
    losses, pulls, cosines, distances = figure.subplots(2, 2).ravel()
    losses.plot(steps, [record.quantised_loss for record in records], "C0", label="quantised weights")
    losses.plot(steps, [record.latent_loss for record in records], "C1", label="latent weights")
    losses.plot(
        steps[0], report.nearby.nearby_loss, "*", color="C2", markersize=11, label="grid point beside the start"
    )
    losses.axhline(report.float_loss, color="k", linestyle=":", linewidth=0.8, label="float optimum")
    losses.set(ylabel=report.loss, yscale="log", title="Loss")
    pulls.plot(steps, [record.quantised_pull for record in records], "C0", label="gradient at the quantised weights")
    pulls.plot(steps, [record.latent_pull for record in records], "C1", label="gradient at the latent weights")
    excess = [2 * (record.quantised_loss - report.float_loss) for record in records]
    pulls.plot(steps, excess, "k:", linewidth=0.8, label="in a quadratic basin: twice the loss above the optimum's")
    pulls.set(ylabel=report.loss, title="First-order gain on the way to the float optimum")
    pulls.set_yscale("symlog", linthresh=0.01)
    cosines.plot(steps, [record.quantised_cosine for record in records], "C0", label="step at the quantised weights")
    cosines.plot(steps, [record.latent_cosine for record in records], "C1", label="step at the latent weights")
    moved = [(record.step, record.moved_cosine) for record in records if record.moved_cosine is not None]
    cosines.plot([step for step, _ in moved], [value for _, value in moved], "C3", label="what the latents moved")
    cosines.axhspan(-2 * report.chance, 2 * report.chance, color="0.85", label="chance, two deviations")
    cosines.set(ylabel="cosine with the way to the float optimum", title="Direction")
    distances.plot(steps, [record.quantised_distance for record in records], "C0", label="quantised weights")
    distances.plot(steps, [record.latent_distance for record in records], "C1", label="latent weights")
    distances.set(ylabel="levels, root mean square", title="Distance to the float optimum")
    for axis in (losses, pulls, cosines, distances):
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.suptitle(title)
    return figure
