"""Float training, retraining on the stored integers (straight-through, LOTION), and what shows why it works.

Takes data and a ``MonDEQ``; gives checkpoints.
"""

from __future__ import annotations

from ..config import Optimisation, QatConfig, TrainingConfig
from .basin import diagnose, markdown, plot
from .clip import TensorClip
from .equilibrium import MonotoneNetwork
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
    progress_bar,
    train,
)

__all__ = [
    "LEARNERS",
    "Epoch",
    "EpochObserver",
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
    "markdown",
    "nearest_levels",
    "normalisation",
    "plot",
    "plot_history",
    "progress_bar",
    "retrain",
    "sampler",
    "straight_through",
    "train",
    "with_room_to_train",
]
