"""The commands ``train`` and ``qat``; a run that was killed continues when it is started again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import InputError
from ..problem import CLASSES, DIGITS, DIGITS_INPUT_BITS, DIGITS_SCALE, Dataset, named
from .terminal import DataDir, Json

if TYPE_CHECKING:
    from ..problem import MonDEQ, Preprocessing, Training
    from ..training import Epoch, EpochObserver

STRAIGHT_THROUGH = "straight-through"
METHODS = (STRAIGHT_THROUGH, "lotion", "lotion-sampled")
#: Training samples that calibrate the start of a retraining.
CALIBRATION_SAMPLES = 4096

Data = Annotated[str, typer.Option("--data", metavar="digits|mnist", help="Training and test samples.")]
Out = Annotated[Path, typer.Option(metavar="FILE", help="Checkpoint to write: .pt or .safetensors.")]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the training curves: .svg, .png or .pdf.")]
Epochs = Annotated[int, typer.Option(metavar="N", help="Epochs at most.")]
BatchSize = Annotated[int, typer.Option(metavar="N", help="Samples a step.")]
Patience = Annotated[int, typer.Option(metavar="N", help="Epochs without a better one after which to stop.")]
Shift = Annotated[int, typer.Option(metavar="N", help="Move training images by up to so many pixels.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Of everything random.")]
Json = Json


def train_command(
    data: Data = DIGITS,
    data_dir: DataDir = None,
    out: Out = Path("model.pt"),
    n: Annotated[int, typer.Option("--n", metavar="N", help="State dimension.")] = 64,
    margin: Annotated[float, typer.Option(metavar="X", help="Monotonicity margin m, or where it starts.")] = 0.5,
    learn_margin: Annotated[bool, typer.Option("--learn-margin", help="Train the margin too.")] = False,
    epochs: Epochs = 40,
    batch_size: BatchSize = 64,
    learning_rate: Annotated[float, typer.Option(metavar="X", help="Of Adam, at the start.")] = 3e-3,
    weight_decay: Annotated[float, typer.Option(metavar="X", help="Decoupled weight decay.")] = 0.1,
    patience: Patience = 20,
    shift_pixels: Shift = 0,
    seed: Seed = 0,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Train a float MonDEQ."""
    from ..problem import Training
    from ..training import Optimisation, TrainingConfig, accuracy, train

    check_target(out, plot)
    images, test = named(data, "train", data_dir), named(data, "test", data_dir)
    optimisation = Optimisation(
        epochs, batch_size, learning_rate, weight_decay, patience, shift_pixels=shift_pixels, seed=seed
    )
    config = TrainingConfig(n=n, margin=margin, learn_margin=learn_margin, optimisation=optimisation)
    with _progress("train", epochs, as_json) as observe:
        result = train(config, images, _preprocessing(images), _state_file(out), observe)
    metrics = {
        "validation_accuracy": 100.0 * result.best.validation_score,
        "test_accuracy": accuracy(result.model, test),
        "margin": result.model.monotonicity_margin,
    }
    _finish(result.model, out, Training(data, seed, metrics), result.history, plot, as_json)


def qat_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Float checkpoint.", show_default=False)],
    bits: Annotated[int, typer.Option(metavar="N", help="Word length of the iteration matrix, 1 to 16.")],
    drive_bits: Annotated[int, typer.Option(metavar="N", help="Word length of the drive matrix.")] = 4,
    readout_bits: Annotated[int, typer.Option(metavar="N", help="Word length of the readout matrix.")] = 6,
    data: Data = DIGITS,
    data_dir: DataDir = None,
    out: Out = Path("retrained.pt"),
    method: Annotated[str, typer.Option(metavar="NAME", help=", ".join(METHODS) + ".")] = STRAIGHT_THROUGH,
    margin: Annotated[
        float | None, typer.Option(metavar="X", help="Monotonicity margin, for checkpoints that do not store it.")
    ] = None,
    contraction_limit: Annotated[float, typer.Option(metavar="X", help="Largest proved contraction factor.")] = 0.95,
    epochs: Epochs = 12,
    batch_size: BatchSize = 128,
    learning_rate: Annotated[float, typer.Option(metavar="X", help="Of Adam, in levels.")] = 0.02,
    patience: Patience = 12,
    shift_pixels: Shift = 0,
    seed: Seed = 0,
    plot: Plot = None,
    as_json: Json = False,
) -> None:
    """Retrain a MonDEQ on the integers that the hardware stores."""
    from ..problem import MNIST, Training, load_checkpoint, network_of
    from ..program import GoldenModel
    from ..rounding import LoweringOptions, lower
    from ..training import Optimisation, QatConfig, Regularised, Sampled, StraightThrough, certified_program, retrain

    learners = dict(zip(METHODS, (StraightThrough, Regularised, Sampled), strict=True))
    if method not in learners:
        raise InputError(f"--method is {method!r}; expected one of {', '.join(METHODS)}")
    check_target(out, plot)
    network = load_checkpoint(model, margin).prepared({}, mnist=data == MNIST).model
    if network.stored is not None:
        raise InputError(f"{model}: is retrained already; retraining starts from a float network")
    images, test = named(data, "train", data_dir), named(data, "test", data_dir)
    if images.d != network.d:
        raise InputError(f"{model}: takes {network.d} inputs, but {data} has {images.d}; name its data by --data")
    optimisation = Optimisation(
        epochs, batch_size, learning_rate, patience=patience, shift_pixels=shift_pixels, seed=seed
    )
    config = QatConfig(optimisation, contraction_limit, hinge_start=contraction_limit - 0.05)
    lowered = lower(
        network,
        LoweringOptions(bits, drive_bits=drive_bits, readout_bits=readout_bits),
        images.words[:CALIBRATION_SAMPLES],
    )
    with _progress(f"{bits} bits", epochs, as_json) as observe:
        result = retrain(lowered, images, config, learners[method], _state_file(out), observe)
    program, proof = certified_program(result.stored)
    golden = GoldenModel(program)
    retrained = replace(network_of(result.stored, network.input_map, out.name), task=network.task)
    metrics = {
        "validation_accuracy": 100.0 * result.best.validation_score,
        "test_accuracy": 100.0 * CLASSES.score(golden.predict(test.words), test.targets),
        "contraction_factor": float(proof.contraction_factor),
    }
    _finish(retrained, out, Training(data, seed, metrics), result.history, plot, as_json)


def check_target(out: Path, plot: Path | None) -> None:
    """Refuse before hours of training what could not be written after them."""
    if out.suffix not in (".pt", ".pth", ".safetensors"):
        raise InputError(f"--out is {out}; expected a name that ends in .pt or .safetensors")
    if out.exists():
        raise InputError(f"{out}: exists already; remove it or name another file by --out")
    if plot is not None and (plot.suffix not in (".svg", ".png", ".pdf") or plot.is_dir()):
        raise InputError(f"--plot is {plot}; expected a file whose name ends in .svg, .png or .pdf")
    for option, file in (("--out", out), ("--plot", plot)):
        if file is not None and not file.parent.is_dir():
            raise InputError(f"{file.parent}: no such folder; make it or name another file by {option}")
        if file is not None and not os.access(file.parent, os.W_OK | os.X_OK):
            raise InputError(f"{file.parent}: is not writable; name another file by {option}")


def _preprocessing(images: Dataset) -> Preprocessing:
    from ..problem import MNIST_PREPROCESSING
    from ..training import normalisation

    return normalisation(images, DIGITS_SCALE, DIGITS_INPUT_BITS) if images.name == DIGITS else MNIST_PREPROCESSING


def _state_file(out: Path) -> Path:
    return out.with_name(out.name + ".state")


@contextmanager
def _progress(title: str, epochs: int, silent: bool) -> Iterator[EpochObserver | None]:
    from ..training import progress_bar

    if silent:
        yield None
        return
    with progress_bar(title, epochs) as observe:
        yield observe


def _finish(
    model: MonDEQ, out: Path, training: Training, history: Sequence[Epoch], plot: Path | None, as_json: bool
) -> None:
    from ..problem import save
    from ..training import plot_history

    save(model, out, training)
    _state_file(out).unlink()
    if plot is not None:
        plot_history(history, plot, out.name)
    if as_json:
        print(json.dumps({"checkpoint": str(out), "epochs": len(history), **training.metrics}))
        return
    print(f"{out}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in training.metrics.items()))
