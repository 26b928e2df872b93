"""Quantisation-aware training on exactly what the hardware stores.

The network trained here *is* the integer network: its forward pass is the
contract of ``program`` (levels, row scales, drive and state rounding,
saturation, the same start), evaluated in a floating type on values that lie
on the grids.  It starts from a lowered model, keeps that one's scales
(finer ones at 1 bit, where needed) and formats, and hands back a
:class:`~mondeq_hw.problem.model.StoredRecurrence` that the compiler stores without a change.

Gradients are straight-through (Bengio et al., arXiv 1308.3432): taken at the
quantised weights, applied to the latent ones.  Through the equilibrium they
are implicit, with rounding taken as the identity and a saturated row as a
constant.  A network of a few updates (``QatConfig.updates``) is differentiated
through them instead, on the state format that is nearest to its start's states.
A hinge on ``||M||_2`` keeps the quantised iteration matrix a contraction, and
only epochs whose contraction is *proved* are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..base import DenseOperator, FixedPointFormat, InputError, max_level
from ..config import QatConfig
from ..problem import Dataset, StoredRecurrence, preactivation, state_of, task_of
from ..program import SolverProgram
from ..proof import ContractionProof, choose_iterations, prove_contraction
from ..rounding import MAX_SHIFT, RETRAINED, Lowered, assemble, quantized_of, to_levels, with_integer_bits
from .clip import TensorClip
from .device import CPU
from .equilibrium import eye_like
from .loss import Loss, loss_of
from .train import Epoch, EpochObserver, TrainingRun, fit
from .updates import replace_value, through_updates, to_equilibrium

#: How far from its level a latent may start: almost half-way to the next one.
CELL = 0.49
#: Different words of eight bits.
BYTES = 256
#: Samples whose states choose the binary point of a network of a few updates, and how far it is moved at most.
STATE_SAMPLES = 4096
FEWER_INTEGER_BITS = 3

#: What stands for the latent levels in a training step: their rounding, a random one, or themselves.
Rounder = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class QatResult:
    """The retrained integers of the best epoch, and every epoch's figures."""

    stored: StoredRecurrence
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch whose integers these are."""
        return max(self.history, key=lambda epoch: epoch.rank)


def retrain(
    lowered: Lowered,
    data: Dataset,
    config: QatConfig,
    learner: type[Learner] | None = None,
    state_file: Path | None = None,
    observe: EpochObserver | None = None,
    watch: Callable[[QuantizedNetwork], None] | None = None,
    device: torch.device = CPU,
) -> QatResult:
    """Retrain a lowered model on its own integers.

    Parameters
    ----------
    lowered : Lowered
        Start, scales and formats; of a retrained network its own, from which training goes on.
    data : Dataset
        The training split.
    config : QatConfig
    learner : class, optional
        :class:`StraightThrough`, the default, or one of ``lotion``.
    state_file, observe
        See :func:`mondeq_hw.training.train.train`.
    watch : callable, optional
        Shown the network before every step; must leave it as it is.
    device : torch.device
        Where the steps are taken.

    Raises
    ------
    InputError
        When no epoch has a proved contraction factor within the limit.
    """
    start = with_room_to_train(lowered, config.hinge_start)
    if config.updates is not None and lowered.rounding != RETRAINED:
        start = with_nearest_states(start, start.model.inputs_of(data.words[:STATE_SAMPLES]))
    network, seen = QuantizedNetwork(start, config.iterations, config.updates), seen_by(lowered.input_format)
    learning = (learner or StraightThrough)(
        network, config.optimisation.seed, loss_of(task_of(data.targets), data.targets)
    )

    def prepare(words: Tensor) -> Tensor:
        return seen(torch.from_numpy(lowered.model.inputs_of(words.numpy())))

    decisive = (config, type(learning).__name__, lowered.input_format, network.state_format, lowered.model.kept)
    run = TrainingRun(learning, prepare, data, config.optimisation, repr(decisive), state_file, device)

    def objective(inputs: Tensor, targets: Tensor) -> Tensor:
        network.clamp_latents()
        if watch:
            watch(network)
        return learning.loss(inputs, targets) + hinge(network.iteration_matrix(), config)

    def admissible() -> bool:
        proof = prove_contraction(network.matrix.integers(), network.leak_shift)
        return proof is not None and proof.contraction_factor <= config.contraction_limit

    history = fit(run, objective, admissible, observe)
    if not any(epoch.admissible for epoch in history):
        raise InputError(
            f"no epoch had a proved contraction factor of at most {config.contraction_limit}; "
            "raise hinge_room, raise hinge_weight or train for more epochs"
        )
    return QatResult(network.stored(), history)


def seen_by(form: FixedPointFormat) -> Callable[[Tensor], Tensor]:
    """What the network sees of raw words (samples, d): bytes, which most data are, by a table of all of them."""

    def values(words: np.ndarray) -> Tensor:
        return torch.from_numpy(form.to_float(form.quantize(words)).astype(np.float32))

    bytes_seen = values(np.arange(BYTES))

    def seen(words: Tensor) -> Tensor:
        if words.dtype != torch.uint8:
            return values(words.numpy())
        return bytes_seen.index_select(0, words.int().flatten()).reshape(words.shape)

    return seen


def with_room_to_train(lowered: Lowered, norm_limit: float) -> Lowered:
    """A 1-bit iteration matrix on scales fine enough for its norm to be below the limit.

    At 1 bit no entry can become zero: the scales alone bound the norm from
    below, and the hinge would have to fight them.  At more bits they do not.
    """
    matrix = lowered.quantized.matrix
    leak = lowered.quantized.recurrence.leak * np.eye(matrix.shape[0])
    while matrix.word_length == 1 and np.linalg.norm(matrix.values + leak, 2) > norm_limit:
        if matrix.shifts.max() >= MAX_SHIFT:
            break  # the leak alone is above the limit
        matrix = replace(matrix, shifts=matrix.shifts + 1)
    return replace(lowered, quantized=replace(lowered.quantized, matrix=matrix))


def with_nearest_states(lowered: Lowered, words: np.ndarray) -> Lowered:
    """The binary point with which rounding and saturation together move the states of raw inputs (samples, d) least.

    A state of few bits that holds the largest value seen is coarse for all others; what saturates here, a network of a
    few updates is trained to bear.
    """
    exact = state_of(lowered.model.prox, preactivation(lowered.model, words), lowered.step_size)

    def error(candidate: Lowered) -> float:
        form = candidate.state_format
        return float(np.square(form.to_float(form.quantize(exact)) - exact).mean())

    narrower = (with_integer_bits(lowered, -fewer, keep_length=True) for fewer in range(FEWER_INTEGER_BITS + 1))
    return min((each for each in narrower if each is not None), key=error)


def certified_program(stored: StoredRecurrence) -> tuple[SolverProgram, ContractionProof]:
    """The program that the compiler makes of retrained integers, and its proof.

    Raises
    ------
    InputError
        When the integers have no proof; :func:`retrain` returns none of that kind.
    """
    proof = prove_contraction(stored.matrix, stored.leak_shift)
    if proof is None:
        raise InputError("the retrained integers have no proof of contraction; retrain with a lower contraction_limit")

    def program(iterations: int) -> SolverProgram:
        quantized = quantized_of(stored)
        return assemble(quantized, stored.input_format, stored.state_format, iterations, certified=True)

    return program(stored.iterations or choose_iterations(program(1), proof)), proof


def hinge(matrix: Tensor, config: QatConfig) -> Tensor:
    """Squared hinge on the spectral norm of the quantised iteration matrix.

    ``|M v|`` at the direction ``v`` that the matrix stretches most: the norm, and with ``v`` held its gradient too.
    """
    with torch.no_grad():
        direction = torch.linalg.eigh(matrix.t() @ matrix)[1][:, -1]
    excess = torch.linalg.vector_norm(matrix @ direction) - config.hinge_start
    return config.hinge_weight * excess.clamp_min(0) ** 2


class QuantizedNetwork(nn.Module):
    """The integer network as a differentiable module: raw words in, logits out.

    Parameters
    ----------
    lowered : Lowered
        Where the weights start; its scales and formats stay.
    iterations : int
        Updates after the start, at most.
    updates : int, optional
        Exactly so many, in training and in hardware, in place of them.
    """

    bias_step: Tensor
    word_step: Tensor
    readout_step: Tensor

    def __init__(self, lowered: Lowered, iterations: int, updates: int | None = None):
        super().__init__()
        start = lowered.quantized
        if start.feedthrough is not None:
            raise InputError(
                "retraining does not move a feed-through F (outputs that take the input directly); compile the network "
                "without retraining it, or train it with F held at zero"
            )
        self.recurrence = start.recurrence
        self.input_format, self.state_format = lowered.input_format, lowered.state_format
        self.updates, self.iterations = updates, updates or iterations
        self.solve = to_equilibrium if updates is None else through_updates
        self.leak_shift = start.recurrence.leak_shift
        self.matrix = LatentMatrix(start.matrix, start.recurrence.matrix)
        self.drive = LatentMatrix(start.drive, start.recurrence.drive)
        self.readout = LatentMatrix(start.readout, start.recurrence.readout)
        self.drive_bias = nn.Parameter(torch.from_numpy(start.drive_bias.astype(np.float32)))
        self.readout_bias = nn.Parameter(torch.from_numpy(start.readout_bias.astype(np.float32)))
        # The grids of the two biases and of the drive word d, as assemble and SolverProgram derive them.
        program = self.program(1)
        self.clip, self.output_clip = program.clip, program.clip.scaled(self.state_format.step)
        fraction = self.state_format.fractional_bits
        self.register_buffer("bias_step", _steps(program.drive_right_shift + fraction + start.matrix.shifts))
        self.register_buffer("word_step", _steps(fraction + start.matrix.shifts))
        self.register_buffer("readout_step", _steps(np.array(program.output_fractional_bits)))

    def forward(self, words: Tensor) -> Tensor:
        """Logits (samples, k) of raw input words (samples, d)."""
        return self.logits(words, nearest_levels)

    def logits(self, words: Tensor, rounder: Rounder) -> Tensor:
        """As :meth:`forward`, with another stand-in for the latent levels."""
        bias = straight_through(self.drive_bias, self.bias_step)
        drive = straight_through(torch.addmm(bias, words, self.drive(rounder).t()), self.word_step)
        state = self.solve(
            self.iteration_matrix(rounder),
            drive,
            self.recurrence.splitting,
            TensorClip.of(self.clip, drive.dtype, drive.device),
            self.state_format,
            self.iterations,
        )
        z = TensorClip.of(self.output_clip, drive.dtype, drive.device).prox(state)
        return torch.addmm(straight_through(self.readout_bias, self.readout_step), z, self.readout(rounder).t())

    def iteration_matrix(self, rounder: Rounder | None = None) -> Tensor:
        """Quantised ``M`` (n, n), leak included."""
        matrix = self.matrix(rounder or nearest_levels)
        return matrix + (1 - 2.0**-self.leak_shift) * eye_like(matrix)

    @torch.no_grad()
    def clamp_latents(self) -> None:
        """Bring latents that left the range of their levels back to its edge, where gradients can still turn them."""
        for latent in (self.matrix, self.drive, self.readout):
            latent.levels.clamp_(-latent.top, latent.top)

    @torch.no_grad()
    def stored(self) -> StoredRecurrence:
        """The integers as the compiler stores them."""
        return StoredRecurrence(
            solver=self.recurrence.splitting.name,
            step_size=self.recurrence.step_size,
            matrix=self.matrix.integers(),
            drive=self.drive.integers(),
            readout=self.readout.integers(),
            drive_bias=_float64(self.drive_bias),
            readout_bias=_float64(self.readout_bias),
            input_format=self.input_format,
            state_format=self.state_format,
            clip=self.recurrence.clip.at_step(1 / self.recurrence.step_size),
            iterations=self.updates,
        )

    def program(self, iterations: int) -> SolverProgram:
        """The present integers as a program of so many iterations, not certified."""
        return assemble(quantized_of(self.stored()), self.input_format, self.state_format, iterations, certified=False)


class Learner(nn.Module):
    """What :func:`retrain` descends: validated on the stored integers, trained on a loss of its own.

    Parameters
    ----------
    network : QuantizedNetwork
    seed : int
        Of whatever is random in the loss.
    of_task : Loss
    """

    def __init__(self, network: QuantizedNetwork, seed: int, of_task: Loss):
        super().__init__()
        self.network, self.seed, self.of_task = network, seed, of_task

    def forward(self, words: Tensor) -> Tensor:
        """Outputs of the stored integers."""
        return self.network(words)

    def loss(self, words: Tensor, targets: Tensor) -> Tensor:
        """A scalar to minimise."""
        raise NotImplementedError


class StraightThrough(Learner):
    """The loss at the quantised weights, its gradient applied to the latent ones."""

    def loss(self, words: Tensor, targets: Tensor) -> Tensor:
        """That of the stored integers."""
        return self.of_task.mean(self.network(words), targets)


class LatentMatrix(nn.Module):
    """A matrix whose latent entries are trained in units of their row's scale.

    Parameters
    ----------
    start : DenseOperator
        What the latents round to at the start; the scales are kept.
    real : ndarray (rows, columns)
        Each latent starts as near to this as its level allows.
    """

    scale: Tensor

    def __init__(self, start: DenseOperator, real: np.ndarray):
        super().__init__()
        self.word_length, self.top = start.word_length, max_level(start.word_length)
        self.shifts = start.shifts
        wanted = np.clip(np.ldexp(real, start.shifts[:, None]), -self.top, self.top)
        reach = 2 * CELL if start.word_length == 1 else CELL  # between -1 and +1 are two half-ways
        latent = np.clip(wanted, start.matrix(np.float64) - reach, start.matrix(np.float64) + reach)
        self.levels = nn.Parameter(torch.from_numpy(latent.astype(np.float32)))
        self.register_buffer("scale", _steps(start.shifts)[:, None])

    def forward(self, rounder: Rounder) -> Tensor:
        """Values (rows, columns) in real units."""
        return rounder(self.levels, self.word_length) * self.scale

    @torch.no_grad()
    def integers(self) -> DenseOperator:
        """What the hardware stores."""
        return DenseOperator(to_levels(_float64(self.levels), self.word_length), self.shifts, self.word_length)


# -- roundings -----------------------------------------------------------------------------------------


def nearest_levels(latent: Tensor, word_length: int) -> Tensor:
    """``quantize.to_levels`` on tensors, with the gradient of the identity."""
    return replace_value(latent, _to_levels(latent.detach(), word_length))


def _to_levels(latent: Tensor, word_length: int) -> Tensor:
    if word_length == 1:
        return torch.where(latent < 0, -1.0, 1.0).to(latent.dtype)
    top = max_level(word_length)
    return (latent + 0.5).floor().clamp(-top, top)


def straight_through(values: Tensor, step: Tensor) -> Tensor:
    """Round half up to multiples of ``step``, with the gradient of the identity."""
    return replace_value(values, (values.detach() / step + 0.5).floor() * step)


def _steps(shifts: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(np.ldexp(np.float32(1), -shifts)))


def _float64(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
