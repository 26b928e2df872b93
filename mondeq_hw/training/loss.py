"""What training descends: cross-entropy where outputs mean classes, squared error where they are real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy, mse_loss

from ..base import InputError
from ..problem import CLASSES, VALUES, Task


@dataclass(frozen=True)
class Units:
    """Mean and deviation of the targets, one of each an output: what a network learns is the rest."""

    mean: Tensor
    spread: Tensor

    @staticmethod
    def of(targets: np.ndarray) -> Units:
        """Of targets (samples, k); a constant one has a deviation of 1."""
        spread = targets.std(axis=0)
        return Units(
            torch.as_tensor(targets.mean(axis=0), dtype=torch.float32),
            torch.as_tensor(np.where(spread > 0, spread, 1.0), dtype=torch.float32),
        )


NO_UNITS = Units(torch.zeros(()), torch.ones(()))


@dataclass(frozen=True)
class Loss:
    """The loss of a task on given targets.

    Parameters
    ----------
    title : str
    mean : callable (outputs, targets) -> scalar Tensor
        Over a batch.
    drawn : callable (outputs, generator) -> Tensor
        Targets at random from the distribution of which the loss is the negative logarithm, up to a constant.
    dtype : torch.dtype
        Of targets.
    units : Units
        In which it counts the outputs.
    """

    title: str
    mean: Callable[[Tensor, Tensor], Tensor]
    drawn: Callable[[Tensor, Generator], Tensor]
    dtype: torch.dtype
    units: Units = NO_UNITS

    def targets(self, array: np.ndarray) -> Tensor:
        """Targets of a data set as a tensor."""
        return torch.as_tensor(array, dtype=self.dtype)


def _drawn_labels(logits: Tensor, generator: Generator) -> Tensor:
    shares = logits.detach().softmax(dim=1).cpu()
    return torch.multinomial(shares, 1, generator=generator)[:, 0].to(logits.device)


def squared_error(units: Units) -> Loss:
    """``|(y - t) / spread|^2 / k``: outputs of any units weigh the same beside each other and beside a penalty."""
    spread = units.spread

    def mean(outputs: Tensor, targets: Tensor) -> Tensor:
        unit = spread.to(outputs.device)
        return mse_loss(outputs / unit, targets / unit)

    def drawn(outputs: Tensor, generator: Generator) -> Tensor:
        """Normal around the outputs: the loss is the negative logarithm of a variance of ``k / 2``."""
        noise = torch.randn(outputs.shape, dtype=outputs.dtype, generator=generator)
        return outputs.detach() + ((outputs.shape[1] / 2) ** 0.5 * spread * noise).to(outputs.device)

    return Loss("squared error / variance", mean, drawn, torch.float32, units)


CROSS_ENTROPY = Loss("cross-entropy (nats)", cross_entropy, _drawn_labels, torch.int64)
LOSSES: dict[str, Callable[[np.ndarray], Loss]] = {
    CLASSES.name: lambda targets: CROSS_ENTROPY,
    VALUES.name: lambda targets: squared_error(Units.of(targets)),
}


def loss_of(task: Task, targets: np.ndarray) -> Loss:
    """The loss of a task on the targets of a training set.

    Raises
    ------
    InputError
        It has none.
    """
    if task.name not in LOSSES:
        raise InputError(f"task {task.name!r} cannot be trained; expected {' or '.join(LOSSES)}")
    return LOSSES[task.name](targets)
