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
from ..config import QatConfig, QatOptions, TrainingConfig, TrainingData
from ..problem import CLASSES, DIGITS, DIGITS_INPUT_BITS, DIGITS_SCALE, Dataset, named
from .options import ConfigFile, Json, takes_records

if TYPE_CHECKING:
    from ..problem import MonDEQ, Preprocessing, Training
    from ..training import Epoch, EpochObserver

#: Training samples that calibrate the start of a retraining.
CALIBRATION_SAMPLES = 4096

Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the training curves: .svg, .png or .pdf.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write: .pt or .safetensors.")]


@takes_records
def train_command(
    config: TrainingConfig,
    data: TrainingData,
    out: Out = Path("model.pt"),
    plot: Plot = None,
    file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Train a float MonDEQ."""
    from ..problem import Training
    from ..training import accuracy, train

    check_target(out, plot)
    images, test = (named(data.data, split, data.data_dir) for split in ("train", "test"))
    with _progress("train", config.optimisation.epochs, as_json) as observe:
        result = train(config, images, _preprocessing(images), _state_file(out), observe)
    metrics = {
        "validation_accuracy": 100.0 * result.best.validation_score,
        "test_accuracy": accuracy(result.model, test),
        "margin": result.model.monotonicity_margin,
    }
    training = Training(data.data, config.optimisation.seed, metrics)
    _finish(result.model, out, training, result.history, plot, as_json)


@takes_records
def qat_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Float checkpoint.", show_default=False)],
    options: QatOptions,
    config: QatConfig,
    out: Out = Path("retrained.pt"),
    plot: Plot = None,
    file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Retrain a MonDEQ on the integers that the hardware stores."""
    from ..problem import Training, network_of
    from ..program import GoldenModel
    from ..rounding import LoweringOptions, lower
    from ..steps import checkpoint_of
    from ..training import LEARNERS, certified_program, retrain

    check_target(out, plot)
    network = checkpoint_of(model, options).model
    if network.stored is not None:
        raise InputError(f"{model}: is retrained already; retraining starts from a float network")
    images, test = (named(options.data, split, options.data_dir) for split in ("train", "test"))
    if images.d != network.d:
        raise InputError(
            f"{model}: takes {network.d} inputs, but {options.data} has {images.d}; name its data by --data"
        )
    lowered = lower(
        network,
        LoweringOptions(options.bits, drive_bits=options.drive_bits, readout_bits=options.readout_bits),
        images.words[:CALIBRATION_SAMPLES],
    )
    with _progress(f"{options.bits} bits", config.optimisation.epochs, as_json) as observe:
        result = retrain(lowered, images, config, LEARNERS[options.method], _state_file(out), observe)
    program, proof = certified_program(result.stored)
    golden = GoldenModel(program)
    retrained = replace(network_of(result.stored, network.input_map, out.name), task=network.task)
    metrics = {
        "validation_accuracy": 100.0 * result.best.validation_score,
        "test_accuracy": 100.0 * CLASSES.score(golden.predict(test.words), test.targets),
        "contraction_factor": float(proof.contraction_factor),
    }
    training = Training(options.data, config.optimisation.seed, metrics)
    _finish(retrained, out, training, result.history, plot, as_json)


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
