"""Small data and networks for retraining, and a run that takes a second."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from random_models import random_model

from mondeq_hw.base import RELU, Clip, Interval
from mondeq_hw.problem import PEACEMAN_RACHFORD
from mondeq_hw.problem.data import Dataset
from mondeq_hw.problem.model import StoredRecurrence
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rounding.assemble import assemble
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import Lowered
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.rounding.quantize import quantized_of
from mondeq_hw.training.qat import (
    QatConfig,
)
from mondeq_hw.training.train import Optimisation


def lowered_model(
    bits: int,
    solver: str = PEACEMAN_RACHFORD,
    n: int = 7,
    seed: int = 0,
    rows: tuple[Interval, ...] = (RELU,),
    **options,
):
    model = random_model(np.random.default_rng(seed), n, 5, 3, margin=0.8)
    model = replace(model, clip=Clip.of([rows[row % len(rows)] for row in range(n)]))
    return lower(model, LoweringOptions(bits, solver=solver, rounding="nearest", **options))


def blobs(samples: int = 240) -> Dataset:
    """Three noisy patterns of five pixels."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % 3
    patterns = rng.integers(40, 216, size=(3, 5))
    words = np.clip(patterns[labels] + rng.normal(scale=30, size=(samples, 5)), 0, 255)
    return Dataset("blobs", "train", words.astype(np.int64), labels)


FAST = QatConfig(Optimisation(5, 24, 0.05, patience=10, validation_share=0.25), iterations=12)


def accuracy(lowered: Lowered, stored: StoredRecurrence | None, data: Dataset) -> float:
    quantized = lowered.quantized if stored is None else quantized_of(stored)
    golden = GoldenModel(assemble(quantized, lowered.input_format, lowered.state_format, 12, certified=False))
    return 100.0 * float((golden.predict_raw(golden.words(data.words)).argmax(axis=1) == data.targets).mean())
