"""The commands ``train`` and ``qat``; a run that was killed continues when it is started again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..base import InputError
from ..config import InputOptions, QatConfig, QatOptions, TrainingConfig, TrainingData
from .options import ConfigFile, Json, takes_records
from .terminal import print_table

if TYPE_CHECKING:
    from ..problem import Dataset, MonDEQ, Preprocessing, Samples, Task, Training
    from ..training import Epoch, EpochObserver, Loss

#: Training samples that calibrate the start of a retraining.
CALIBRATION_SAMPLES = 4096

Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the training curves: .svg, .png or .pdf.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write: .pt or .safetensors.")]


@dataclass(frozen=True)
class _Run:
    """What a run leaves beside its network.

    Parameters
    ----------
    samples : Samples
    task : Task
    training : Training
    history : sequence of Epoch
    loss : Loss
    tested : dict
        Figures of the test samples.
    table : tuple of tuple of str
        The same by output, a header first; empty where there is none.
    """

    samples: Samples
    task: Task
    training: Training
    history: Sequence[Epoch]
    loss: Loss
    tested: dict[str, Any]
    table: tuple[tuple[str, ...], ...]


@takes_records
def train_command(
    config: TrainingConfig,
    data: TrainingData,
    out: Out = Path("model.pt"),
    plot: Plot = None,
    file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Train a float MonDEQ: a classifier, or a network of real outputs."""
    from ..problem import DIGITS, TEST, TRAIN, Training, find_task, labelled, logits, named, task_of
    from ..steps import samples_of
    from ..training import loss_of, train

    check_target(out, plot)
    samples = samples_of(data) or named(DIGITS, None)
    known, judge = labelled(samples, TRAIN), labelled(samples, TEST)
    task = task_of(known.targets) if data.task is None else find_task(data.task)
    k = max(task.outputs_of(known.targets), task.outputs_of(judge.targets))
    known, judge = (replace(each, targets=task.checked(each.targets, k, each.name)) for each in (known, judge))
    preprocessing = _preprocessing(known, judge, data)
    known, judge = (_as_raw(each, preprocessing, data) for each in (known, judge))
    with _progress("train", config.optimisation.epochs, task, as_json) as observe:
        result = train(config, known, preprocessing, _state_file(out), observe, k)
    outputs = logits(result.model, judge.words)
    metrics = {
        **task.metric("validation", result.best.validation_score),
        **task.metric("test", task.score(outputs, judge.targets)),
        "margin": result.model.monotonicity_margin,
    }
    fit = task.fit(outputs, judge.targets)
    training = Training(samples.name, config.optimisation.seed, metrics)
    tested = {"samples": len(judge), "floating": asdict(fit)}
    loss = loss_of(task, known.targets)
    _finish(result.model, out, _Run(samples, task, training, result.history, loss, tested, fit.table()), plot, as_json)


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
    from ..problem import Training, logits, network_of
    from ..program import GoldenModel
    from ..rounding import LoweringOptions, lower
    from ..steps import checkpoint_of, samples_for, training_sets
    from ..training import LEARNERS, certified_program, loss_of, retrain

    check_target(out, plot)
    checkpoint = checkpoint_of(model, options)
    network = checkpoint.model
    if network.stored is not None:
        raise InputError(f"{model}: is retrained already; retraining starts from a float network")
    samples = samples_for(options, checkpoint)
    if samples is None:
        raise InputError(
            f"{model}: no training samples were named; name them by --calibration and --targets, or --data"
        )
    task, known, judge = training_sets(options, network, samples)
    lowered = lower(
        network,
        LoweringOptions(
            options.bits,
            drive_bits=options.drive_bits,
            readout_bits=options.readout_bits,
            state_bits=options.state_bits,
            input_bits=options.input_bits,
        ),
        known.words[:CALIBRATION_SAMPLES],
    )
    with _progress(f"{options.bits} bits", config.optimisation.epochs, task, as_json) as observe:
        result = retrain(lowered, known, config, LEARNERS[options.method], _state_file(out), observe)
    program, proof = certified_program(result.stored)
    comparison = task.compare(GoldenModel(program).predict(judge.words), logits(network, judge.words), judge.targets)
    retrained = replace(network_of(result.stored, network.input_map, out.name), task=task.name)
    metrics = {
        **task.metric("validation", result.best.validation_score),
        **task.metric("test", comparison.scores[0]),
        "contraction_factor": float(proof.contraction_factor),
    }
    training = Training(samples.name, config.optimisation.seed, metrics)
    loss, tested = loss_of(task, known.targets), asdict(comparison)
    run = _Run(samples, task, training, result.history, loss, tested, comparison.table())
    _finish(retrained, out, run, plot, as_json)


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


def _as_raw(data: Dataset, preprocessing: Preprocessing, options: InputOptions) -> Dataset:
    remedy = (
        "declare them by --input-range LO,HI and --input-bits N, or --input-format; or take the nearest by "
        "--on-overflow saturate"
    )
    name = f"{data.name} ({data.split})"
    taken = preprocessing.words.raw(data.words, options.on_overflow, where=name, remedy=remedy).announced(name)
    return replace(data, words=taken.raw)


def _preprocessing(known: Dataset, judge: Dataset, options: InputOptions) -> Preprocessing:
    """Of the training samples, on the values and words that the options declare."""
    from ..problem import DIGITS, DIGITS_INPUT_BITS, DIGITS_SCALE, MNIST, MNIST_PREPROCESSING
    from ..steps import declared_words
    from ..training import normalisation, standardisation

    if known.name == DIGITS:
        usual = normalisation(known, DIGITS_SCALE, DIGITS_INPUT_BITS)
    else:
        usual = MNIST_PREPROCESSING if known.name == MNIST else standardisation(known, judge)
    return replace(usual, **declared_words(options)).checked(known.name, known.d)


def _state_file(out: Path) -> Path:
    return out.with_name(out.name + ".state")


@contextmanager
def _progress(title: str, epochs: int, task: Task, silent: bool) -> Iterator[EpochObserver | None]:
    from ..training import progress_bar

    if silent:
        yield None
        return
    with progress_bar(title, epochs, task) as observe:
        yield observe


def _finish(model: MonDEQ, out: Path, run: _Run, plot: Path | None, as_json: bool) -> None:
    from ..problem import save
    from ..training import plot_history

    save(model, out, run.training)
    _state_file(out).unlink()
    if plot is not None:
        plot_history(run.history, plot, out.name, run.task, run.loss)
    metrics = run.training.metrics
    if as_json:
        of_run = {"checkpoint": str(out), "epochs": len(run.history), **metrics}
        print(json.dumps({**of_run, "data": run.samples.in_words(), "test": run.tested}))
        return
    print(f"{out}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in metrics.items()))
    print(f"tested on {run.samples.in_words()}")
    print_table(run.table)
