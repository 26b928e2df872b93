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
class Loss:
    """The loss of a task.

    Parameters
    ----------
    title : str
    mean : callable (outputs, targets) -> scalar Tensor
        Over a batch.
    drawn : callable (outputs, generator) -> Tensor
        Targets at random from the distribution of which the loss is the negative logarithm, up to a constant.
    dtype : torch.dtype
        Of targets.
    """

    title: str
    mean: Callable[[Tensor, Tensor], Tensor]
    drawn: Callable[[Tensor, Generator], Tensor]
    dtype: torch.dtype

    def targets(self, array: np.ndarray) -> Tensor:
        """Targets of a data set as a tensor."""
        return torch.as_tensor(array, dtype=self.dtype)


def _drawn_labels(logits: Tensor, generator: Generator) -> Tensor:
    return torch.multinomial(logits.detach().softmax(dim=1), 1, generator=generator)[:, 0]


def _drawn_values(outputs: Tensor, generator: Generator) -> Tensor:
    """Normal around the outputs: ``|y - t|^2 / k`` is the negative logarithm of a variance of ``k / 2``."""
    noise = torch.randn(outputs.shape, dtype=outputs.dtype, generator=generator)
    return outputs.detach() + (outputs.shape[1] / 2) ** 0.5 * noise


CROSS_ENTROPY = Loss("cross-entropy (nats)", cross_entropy, _drawn_labels, torch.int64)
SQUARED_ERROR = Loss("mean squared error", mse_loss, _drawn_values, torch.float32)
LOSSES = {CLASSES.name: CROSS_ENTROPY, VALUES.name: SQUARED_ERROR}


def loss_of(task: Task) -> Loss:
    """The loss of a task.

    Raises
    ------
    InputError
        It has none.
    """
    if task.name not in LOSSES:
        raise InputError(f"task {task.name!r} cannot be trained; expected {' or '.join(LOSSES)}")
    return LOSSES[task.name]
