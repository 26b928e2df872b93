"""``train`` and ``qat`` as functions: data and options in, a checkpoint and its history out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from .base import RELU, InputError, Interval, data_frame, require_place, save_figure
from .config import (
    DeviceOptions,
    InputOptions,
    QatConfig,
    QatKeywords,
    QatOptions,
    TrainingConfig,
    TrainingData,
    TrainKeywords,
    by_name,
    spelled_out,
)
from .problem import (
    DIGITS,
    DIGITS_INPUT_BITS,
    DIGITS_SCALE,
    MNIST,
    MNIST_PREPROCESSING,
    TEST,
    TRAIN,
    Dataset,
    MonDEQ,
    Origin,
    Preprocessing,
    Samples,
    Task,
    Training,
    find_task,
    labelled,
    logits,
    named,
    network_of,
    on_fewer_inputs,
    save,
    task_of,
)
from .program import GoldenModel
from .rounding import LoweringOptions, lower
from .steps import (
    Pair,
    checkpoint_of,
    declared_words,
    given_samples,
    named_files,
    samples_for,
    samples_of,
    training_sets,
)
from .training import (
    LEARNERS,
    Epoch,
    EpochObserver,
    Loss,
    certified_program,
    find_device,
    loss_of,
    normalisation,
    plot_history,
    retrain,
    shown_epochs,
    standardisation,
)
from .training import train as train_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

#: Training samples that calibrate the start of a retraining.
CALIBRATION_SAMPLES = 4096
ON_CPU = DeviceOptions()
NO_ARRAYS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, repr=False)
class TrainedNetwork:
    """What a training leaves; the network stands in ``file`` too.

    Parameters
    ----------
    file : Path
    model : MonDEQ
    data : str
        The samples in words.
    task : Task
    history : tuple of Epoch
    loss : Loss
    metrics : dict of str to float
        Scores and constants of the network.
    tested : dict
        Figures of the test samples.
    table : tuple of tuple of str
        The same by output, a header first; empty where there is none.
    """

    file: Path
    model: MonDEQ
    data: str
    task: Task
    history: tuple[Epoch, ...]
    loss: Loss
    metrics: dict[str, float]
    tested: dict[str, Any]
    table: tuple[tuple[str, ...], ...]

    def to_frame(self) -> DataFrame:
        """A row an epoch.

        Raises
        ------
        MissingToolError
            pandas is not installed.
        """
        return data_frame({name: [getattr(epoch, name) for epoch in self.history] for name in vars(self.history[0])})

    def plot(self, file: str | os.PathLike[str] | None = None, *, axis: Axes | None = None) -> Figure:
        """Draw losses and validation score by epoch; the losses alone where an axis is given to draw into.

        Raises
        ------
        InputError
            The file cannot be written, or its suffix names no picture.
        """
        figure = plot_history(self.history, self.file.name, self.task, self.loss, axis)
        if file is not None:
            save_figure(figure, file)
        return figure

    def __repr__(self) -> str:
        metrics = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in self.metrics.items())
        sizes = f"{self.model.d} inputs, {self.model.n} states, {self.model.k} outputs, {len(self.history)} epochs"
        return f"TrainedNetwork in {self.file}: {sizes}\n  {metrics}\n  tested on {self.data}"


@spelled_out(TrainingConfig, TrainingData, DeviceOptions)
def train(
    out: str | os.PathLike[str] = "model.pt",
    *,
    calibration: Pair | str | os.PathLike[str] | None = None,
    test: Pair | str | os.PathLike[str] | None = None,
    activation: Interval = RELU,
    progress: bool = False,
    **options: Unpack[TrainKeywords],
) -> TrainedNetwork:
    """Train a float MonDEQ: a classifier, or a network of real outputs.

    A run that was interrupted continues when it is asked for again: its state stands beside ``out``.

    Parameters
    ----------
    out : path
        Checkpoint to write: ``.pt`` or ``.safetensors``.
    calibration : pair of array_like, or path, optional
        Training inputs (samples, d) and their targets: labels (samples,), or real values (samples, k). Or a file of
        them. The embedded digits where no samples are named.
    test : pair of array_like, or path, optional
        Those that judge; where absent every fifth sample of a shuffled order (``split_seed``).
    activation : Interval
        Proximal operator of every row: ``RELU``, ``Interval(0, 6)``, ...
    progress : bool
        Show every epoch: a bar on a terminal and in a notebook, lines in a log.

    Raises
    ------
    InputError
        Something about the options, the data or the file.
    """
    kinds = {"config": TrainingConfig, "data": TrainingData, "device": DeviceOptions}
    records, arrays = _asked_for("train", kinds, options, calibration=calibration, test=test)
    config = replace(records["config"], activation=activation)
    return train_with(config, records["data"], Path(out), arrays, progress, records["device"])


def train_with(
    config: TrainingConfig,
    data: TrainingData,
    file: Path,
    arrays: Mapping[str, Any] = NO_ARRAYS,
    progress: bool = False,
    place: DeviceOptions = ON_CPU,
) -> TrainedNetwork:
    """:func:`train` with its options as records."""
    check_checkpoint(file)
    device = find_device(place.device)
    samples = _samples(data, arrays) or named(DIGITS, None)
    known, judge = labelled(samples, TRAIN), labelled(samples, TEST)
    task = task_of(known.targets) if data.task is None else find_task(data.task)
    k = max(task.outputs_of(known.targets), task.outputs_of(judge.targets))
    known, judge = (replace(each, targets=task.checked(each.targets, k, each.name)) for each in (known, judge))
    preprocessing = _preprocessing(known, judge, data)
    known, judge = (_as_raw(each, preprocessing, data) for each in (known, judge))
    with _progress("train", config.optimisation.epochs, task, progress) as observe:
        result = train_network(config, known, preprocessing, state_file(file), observe, k, device)
    outputs = logits(result.model, judge.words)
    metrics = {
        **_validated(result.best, task),
        **task.metric("test", task.score(outputs, judge.targets)),
        "margin": result.model.monotonicity_margin,
    }
    fit = task.fit(outputs, judge.targets)
    tested = {"samples": len(judge), "floating": asdict(fit)}
    loss = loss_of(task, known.targets)
    trained = TrainedNetwork(
        file, result.model, samples.in_words(), task, result.history, loss, metrics, tested, fit.table()
    )
    return _saved(trained, Training(samples.name, config.optimisation.seed, metrics))


@spelled_out(QatOptions, QatConfig, DeviceOptions)
def qat(
    model: MonDEQ | Origin,
    out: str | os.PathLike[str] = "retrained.pt",
    *,
    calibration: Pair | str | os.PathLike[str] | None = None,
    test: Pair | str | os.PathLike[str] | None = None,
    progress: bool = False,
    **options: Unpack[QatKeywords],
) -> TrainedNetwork:
    """Retrain a MonDEQ on the integers that the hardware stores.

    A run that was interrupted continues when it is asked for again: its state stands beside ``out``.

    Parameters
    ----------
    model : MonDEQ, path, torch.nn.Module or state_dict
        A float network.
    out, calibration, test, progress
        As of :func:`train`; the digits for a network that was trained on them.

    Raises
    ------
    InputError
        Something about the model, the options, the data or the file.
    NotCertifiedError
        No epoch's integers are proved to contract.
    """
    kinds = {"asked": QatOptions, "config": QatConfig, "device": DeviceOptions}
    records, arrays = _asked_for("qat", kinds, options, calibration=calibration, test=test)
    return qat_with(model, records["asked"], records["config"], Path(out), arrays, progress, records["device"])


def qat_with(
    model: MonDEQ | Origin,
    asked: QatOptions,
    config: QatConfig,
    file: Path,
    arrays: Mapping[str, Any] = NO_ARRAYS,
    progress: bool = False,
    place: DeviceOptions = ON_CPU,
) -> TrainedNetwork:
    """:func:`qat` with its options as records."""
    check_checkpoint(file)
    device = find_device(place.device)
    checkpoint = checkpoint_of(model, asked)
    network = checkpoint.model
    samples = _samples(asked, arrays) or samples_for(asked, checkpoint)
    if samples is None:
        raise InputError(
            f"{network.source}: no training samples were named; name them by --calibration and --targets, or --data"
        )
    task, known, judge = training_sets(asked, network, samples)
    if asked.inputs is not None:
        network = on_fewer_inputs(network, network.inputs_of(known.words), asked.inputs)
    lowered = lower(
        network,
        LoweringOptions(
            asked.bits,
            drive_bits=asked.drive_bits,
            readout_bits=asked.readout_bits,
            state_bits=asked.state_bits,
            input_bits=asked.input_bits,
        ),
        network.inputs_of(known.words[:CALIBRATION_SAMPLES]),
    )
    with _progress(f"{asked.bits} bits", config.optimisation.epochs, task, progress) as observe:
        result = retrain(lowered, known, config, LEARNERS[asked.method], state_file(file), observe, device=device)
    program, proof = certified_program(result.stored)
    judging = network.inputs_of(judge.words)
    comparison = task.compare(GoldenModel(program).predict(judging), logits(network, judging), judge.targets)
    retrained = replace(network_of(result.stored, network.input_map, file.name), task=task.name)
    metrics = {
        **_validated(result.best, task),
        **task.metric("test", comparison.scores[0]),
        "contraction_factor": float(proof.contraction_factor),
    }
    trained = TrainedNetwork(
        file,
        retrained,
        samples.in_words(),
        task,
        result.history,
        loss_of(task, known.targets),
        metrics,
        asdict(comparison),
        comparison.table(),
    )
    return _saved(trained, Training(samples.name, config.optimisation.seed, metrics))


def _validated(best: Epoch, task: Task) -> dict[str, float]:
    """The kept epoch's score; nothing where no samples were held out."""
    return {} if best.validation_score is None else task.metric("validation", best.validation_score)


def check_checkpoint(file: Path) -> None:
    """Refuse before hours of training what could not be written after them.

    Raises
    ------
    InputError
    """
    if file.suffix not in (".pt", ".pth", ".safetensors"):
        raise InputError(f"--out is {file}; expected a name that ends in .pt or .safetensors")
    if file.exists():
        raise InputError(f"{file}: exists already; remove it or name another file by --out")
    require_place(file, "name another file by --out")


def _asked_for(
    where: str, kinds: Mapping[str, type], options: Mapping[str, Any], **samples: Any
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The records of a function's keywords, files of samples among them; and the samples that are arrays."""
    files, arrays = named_files(**samples)
    return by_name(kinds, {**options, **files}, where), arrays


def _samples(options: InputOptions, arrays: Mapping[str, Any]) -> Samples | None:
    """Those of the caller's arrays, or those that the options name."""
    if any(each is not None for each in arrays.values()):
        return given_samples(options, **arrays)
    return samples_of(options)


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
    if known.name == DIGITS:
        usual = normalisation(known, DIGITS_SCALE, DIGITS_INPUT_BITS)
    else:
        usual = MNIST_PREPROCESSING if known.name == MNIST else standardisation(known, judge)
    return replace(usual, **declared_words(options)).checked(known.name, known.d)


def state_file(out: Path) -> Path:
    """Where a run keeps its whole epochs until the checkpoint is written."""
    return out.with_name(out.name + ".state")


@contextmanager
def _progress(title: str, epochs: int, task: Task, shown: bool) -> Iterator[EpochObserver | None]:
    if not shown:
        yield None
        return
    with shown_epochs(title, epochs, task) as observe:
        yield observe


def _saved(trained: TrainedNetwork, training: Training) -> TrainedNetwork:
    save(trained.model, trained.file, training)
    state_file(trained.file).unlink()
    return trained
