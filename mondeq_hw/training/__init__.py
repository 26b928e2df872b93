"""Float training, retraining on the stored integers (straight-through, LOTION), and what shows why it works.

Takes data and a ``MonDEQ``; gives checkpoints.
"""

from __future__ import annotations

from ..config import Optimisation, QatConfig, TrainingConfig
from .basin import diagnose, markdown, plot
from .clip import TensorClip
from .device import find_device
from .equilibrium import MonotoneNetwork
from .loss import Loss, loss_of
from .lotion import LEARNERS, Regularised, Sampled, sampler
from .qat import (
    QatResult,
    QuantizedNetwork,
    StraightThrough,
    certified_program,
    nearest_levels,
    retrain,
    straight_through,
    with_room_to_train,
)
from .train import (
    Epoch,
    EpochObserver,
    accuracy,
    normalisation,
    plot_history,
    shown_epochs,
    standardisation,
    train,
)

__all__ = [
    "LEARNERS",
    "Epoch",
    "EpochObserver",
    "Loss",
    "MonotoneNetwork",
    "Optimisation",
    "QatConfig",
    "QatResult",
    "QuantizedNetwork",
    "Regularised",
    "Sampled",
    "StraightThrough",
    "TensorClip",
    "TrainingConfig",
    "accuracy",
    "certified_program",
    "diagnose",
    "find_device",
    "loss_of",
    "markdown",
    "nearest_levels",
    "normalisation",
    "plot",
    "plot_history",
    "retrain",
    "sampler",
    "shown_epochs",
    "standardisation",
    "straight_through",
    "train",
    "with_room_to_train",
]
