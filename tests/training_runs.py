"""A float training that takes a second."""

from __future__ import annotations

import numpy as np

from mondeq_hw.problem.data import Dataset, digits
from mondeq_hw.training.train import (
    Optimisation,
    TrainingConfig,
    normalisation,
    train,
)

FAST = TrainingConfig(n=6, margin=0.5, optimisation=Optimisation(6, 16, 1e-2, patience=10))


def small_data() -> Dataset:
    """200 digits of the classes 0 to 3."""
    full = digits("train")
    chosen = np.flatnonzero(full.targets < 4)[:200]
    return Dataset(full.name, full.split, full.words[chosen], full.targets[chosen])


def run(config: TrainingConfig = FAST, **arguments):
    data = small_data()
    return train(config, data, normalisation(data, 1 / 16, 5), **arguments)
