"""What the benchmarks run on: the published checkpoint and MNIST, in a folder given on the command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mondeq_hw.problem import MNIST_PREPROCESSING, Dataset, MonDEQ, load, logits, mnist
from mondeq_hw.program import GoldenModel, SolverProgram
from mondeq_hw.proof import choose_iterations
from mondeq_hw.rounding import Lowered, LoweringOptions, assemble, lower

CALIBRATION_SAMPLES = 10_000


@dataclass(frozen=True)
class Published:
    """The trained model of arXiv 2603.10562 and its data."""

    model: MonDEQ
    calibration: np.ndarray
    test: Dataset


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the one option that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--shared",
        type=Path,
        default=Path(__file__).resolve().parents[2] / "shared",
        help="folder with checkpoints/li_2026_mnist_mondeq.pt and data/mnist/ (IDX files)",
    )
    return parser


def load_published(shared: Path) -> Published:
    """Checkpoint, calibration images (training set) and test set."""
    mnist_folder = shared / "data" / "mnist"
    return Published(
        load(shared / "checkpoints" / "li_2026_mnist_mondeq.pt", preprocessing=MNIST_PREPROCESSING),
        mnist(mnist_folder, "train").words[:CALIBRATION_SAMPLES],
        mnist(mnist_folder, "test"),
    )


def float_classes(published: Published) -> np.ndarray:
    """Classes of the test images by the float network."""
    return logits(published.model, published.test.words).argmax(axis=1)


def compiled(model: MonDEQ, options: LoweringOptions, images: np.ndarray | None) -> tuple[Lowered, SolverProgram]:
    """Lower and assemble as ``compile`` does; 64 iterations where nothing is proved."""
    lowered = lower(model, options, images)
    return lowered, program_of(lowered)


def program_of(lowered: Lowered) -> SolverProgram:
    """Assemble as ``compile`` does; 64 iterations where nothing is proved."""
    draft = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 1, lowered.proof is not None)
    iterations = 64 if lowered.proof is None else choose_iterations(draft, lowered.proof)
    formats = lowered.input_format, lowered.state_format
    return assemble(lowered.quantized, *formats, iterations, lowered.proof is not None)


def golden_accuracy(program: SolverProgram, test: Dataset) -> float:
    """What the integers classify rightly, in percent."""
    golden = GoldenModel(program)
    return 100.0 * float((golden.predict_raw(golden.words(test.words)).argmax(axis=1) == test.targets).mean())
