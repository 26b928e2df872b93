"""Train a float MonDEQ: batches, cosine learning rate, early stopping, resume.

:func:`fit` is the loop, shared with the quantisation-aware training;
:func:`train` is the float network on top of it.

Nothing random outlives an epoch: the order of the samples in epoch ``e`` is a
function of ``(seed, e)`` alone, and the learning rate of the step number
alone.  So the state file needs the weights, the optimiser and the history
only, and a run that was killed and started again ends in the same weights.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..base import Clip, InputError, new_figure, progress_bar, replacing, root_figure
from ..config import Optimisation, TrainingConfig
from ..problem import CLASSES, Dataset, MonDEQ, Preprocessing, Task, logits, task_of
from .device import CPU, full_precision
from .equilibrium import MonotoneNetwork
from .loss import CROSS_ENTROPY, Loss, loss_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATE_VERSION = 3
EVALUATION_BATCH = 1000
#: Of words whose length nobody gives.
MOST_INPUT_BITS = 16


@dataclass(frozen=True)
class Epoch:
    """One line of the history: the loss, and the score of the task (accuracy as a share, or R squared).

    ``admissible`` says whether the epoch may be kept at all (for a quantised
    network: whether its contraction is proved).  Without a validation part
    there is neither a validation loss nor a score.
    """

    epoch: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    admissible: bool = True

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Orders epochs from worst to best: by what was held out, or the later one, whose learning rate was lower."""
        if self.validation_score is None or self.validation_loss is None:
            return self.admissible, float(self.epoch), 0.0
        return self.admissible, self.validation_score, -self.validation_loss


@dataclass(frozen=True)
class TrainingResult:
    """The network of the best epoch, and every epoch's figures."""

    model: MonDEQ
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch whose weights the model has."""
        return max(self.history, key=lambda epoch: epoch.rank)


Objective = Callable[[Tensor, Tensor], Tensor]
EpochObserver = Callable[[Epoch], None]


def train(
    config: TrainingConfig,
    data: Dataset,
    preprocessing: Preprocessing,
    state_file: Path | None = None,
    observe: EpochObserver | None = None,
    outputs: int | None = None,
    device: torch.device = CPU,
) -> TrainingResult:
    """Train a float MonDEQ.

    Parameters
    ----------
    config : TrainingConfig
    data : Dataset
        The training split; part of it becomes the validation part.
    preprocessing : Preprocessing
        Stored with the model; :func:`normalisation` makes one.
    state_file : Path, optional
        Where to keep the run's state; if it exists, the run continues from it.
    observe : callable, optional
        Told every epoch after its state is on disk.
    outputs : int, optional
        How many; as the targets have when absent.
    device : torch.device
        Where the steps are taken.
    """
    task = task_of(data.targets)
    k = outputs or task.outputs_of(data.targets)
    network = MonotoneNetwork(
        config.n,
        data.d,
        k,
        margin=config.margin,
        learn_margin=config.learn_margin,
        solver=config.solver,
        tolerance=config.tolerance,
        seed=config.optimisation.seed,
        clip=Clip.uniform(config.activation, config.n),
        units=loss_of(task, task.checked(data.targets, k, data.name)).units,
    )

    def prepare(words: Tensor) -> Tensor:
        return torch.from_numpy(preprocessing.apply(words.numpy()).astype(np.float32))

    run = TrainingRun(network, prepare, data, config.optimisation, repr((config, preprocessing)), state_file, device)
    history = fit(run, observe=observe)
    return TrainingResult(replace(network.to_model(preprocessing), task=task.name), history)


def normalisation(data: Dataset, scale: float, input_bits: int) -> Preprocessing:
    """Preprocessing to mean 0 and deviation 1 over all words of the training samples."""
    values = scale * data.words
    return Preprocessing(scale, np.asarray(values.mean()), np.asarray(values.std()), input_bits)


def standardisation(data: Dataset, *others: Dataset) -> Preprocessing:
    """Preprocessing to mean 0 and deviation 1 of every input over the training samples; a constant one is centred.

    Words hold every whole number of these and of other samples.
    """
    largest = max(each.words.max() for each in (data, *others))
    spread = data.words.std(axis=0)
    bits = min(MOST_INPUT_BITS, max(1, int(largest).bit_length()))
    return Preprocessing(1.0, data.words.mean(axis=0), np.where(spread > 0, spread, 1.0), bits)


def split(data: Dataset, validation_share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and for validation, at random but fixed by the seed; none for validation at a share of 0.

    Raises
    ------
    InputError
        When one of the two would be empty against the share.
    """
    order = np.random.default_rng([seed, 0]).permutation(len(data))
    held_out = round(validation_share * len(order))
    if validation_share > 0 and not 0 < held_out < len(order):
        raise InputError(
            f"validation share {validation_share:g} of {len(order)} samples leaves one part empty; "
            "expected a number between 0 and 1"
        )
    return order[held_out:], order[:held_out]


@dataclass(frozen=True)
class TrainingRun:
    """What :func:`fit` optimises, and where it keeps its state.

    Parameters
    ----------
    network : nn.Module
        Maps a batch of inputs to outputs; left with the best epoch's weights.
    prepare : callable
        A batch of raw words (samples, d) to what the network takes.
    data : Dataset
    optimisation : Optimisation
    identity : str
        Of everything else that decides the result; a state file of another run is refused.
    state_file : Path or None
    device : torch.device
        Of the steps; the network is on the CPU before and after, and so are the samples.
    """

    network: nn.Module
    prepare: Callable[[Tensor], Tensor]
    data: Dataset
    optimisation: Optimisation
    identity: str
    state_file: Path | None = None
    device: torch.device = CPU

    @property
    def task(self) -> Task:
        """That of the data."""
        return task_of(self.data.targets)

    def digest(self) -> str:
        """SHA-256 of everything that decides the result: configuration, data, initial weights."""
        state = hashlib.sha256(f"{STATE_VERSION} {self.identity} {self.optimisation}".encode())
        for array in (self.data.words, self.data.targets):
            state.update(np.ascontiguousarray(array).tobytes())
        for name, tensor in self.network.state_dict().items():
            state.update(name.encode() + tensor.numpy().tobytes())
        return state.hexdigest()


@full_precision()
def fit(
    run: TrainingRun,
    objective: Objective | None = None,
    admissible: Callable[[], bool] | None = None,
    observe: EpochObserver | None = None,
) -> tuple[Epoch, ...]:
    """Minimise an objective over batches; keep the best epoch on the validation part, the last one without that part.

    Parameters
    ----------
    run : TrainingRun
    objective : callable (inputs, labels) -> scalar Tensor, optional
        The loss of the task (``loss.py``) on the network's outputs when absent.
    admissible : callable, optional
        Whether the present weights may be kept; always, when absent.
    observe : callable, optional

    Returns
    -------
    tuple of Epoch

    Raises
    ------
    InputError
        When the loss is not finite, or the state file belongs to another run.
    """
    task = run.task
    known = task.checked(run.data.targets, task.outputs_of(run.data.targets), run.data.name)
    loss_function = loss_of(task, known)
    objective = objective or (lambda inputs, targets: loss_function.mean(run.network(inputs), targets))
    options, network = run.optimisation, run.network
    targets = loss_function.targets(known)
    # The smallest type: a float copy of a large data set would not stay in the cache.
    words = torch.from_numpy(_compact(run.data.words))
    training, validation = split(run.data, options.validation_share, options.seed)
    digest = run.digest() if run.state_file else ""
    network.to(run.device)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay, fused=True
    )
    history, best = _restore(run, optimiser, digest)
    steps = math.ceil(len(training) / options.batch_size)
    while not _finished(history, options):
        epoch = len(history)
        rng = np.random.default_rng([options.seed, 1, epoch])
        order = rng.permutation(training)
        total = 0.0
        network.train()
        for step in range(steps):
            progress = (epoch * steps + step) / (options.epochs * steps)
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            batch = torch.from_numpy(order[step * options.batch_size : (step + 1) * options.batch_size])
            optimiser.zero_grad(set_to_none=True)
            seen = shifted(words[batch], options.shift_pixels, rng) if options.shift_pixels else words[batch]
            loss = _finite_loss(objective, run.prepare(seen).to(run.device), targets[batch].to(run.device), epoch)
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(batch)
        network.eval()
        validation_loss = score = None
        if len(validation):
            outputs = evaluate(run, words[validation])
            validation_loss = float(loss_function.mean(outputs, targets[validation]))
            score = task.score(outputs.numpy(), known[validation])
        kept = admissible() if admissible else True
        entry = Epoch(epoch, total / len(training), validation_loss, score, kept)
        if not history or entry.rank > max(e.rank for e in history):
            best = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        history.append(entry)
        if run.state_file:
            _store(run.state_file, digest, network, best, optimiser, history)
        if observe:
            observe(entry)
    network.to(CPU).load_state_dict(best)
    network.eval()
    return tuple(history)


def shifted(words: Tensor, reach: int, rng: np.random.Generator) -> Tensor:
    """Each image moved by up to ``reach`` pixels along both axes; zeros move in.

    Raises
    ------
    InputError
        When the images are not square.
    """
    side = math.isqrt(words.shape[1])
    if side * side != words.shape[1]:
        raise InputError(f"shift_pixels needs square images; a sample has {words.shape[1]} inputs. Set it to 0")
    framed = nn.functional.pad(words.reshape(-1, side, side), (reach, reach, reach, reach))
    rows, columns = torch.from_numpy(rng.integers(0, 2 * reach + 1, size=(2, len(words))))
    windows = framed.unfold(1, side, 1).unfold(2, side, 1)  # (images, top rows, left columns, side, side)
    return windows[torch.arange(len(words)), rows, columns].reshape(words.shape)


def _finite_loss(objective: Objective, inputs: Tensor, targets: Tensor, epoch: int) -> Tensor:
    try:
        loss = objective(inputs, targets)
        diverged = not torch.isfinite(loss)
    except torch.linalg.LinAlgError:  # infinite weights: not even their norm can be computed
        diverged = True
    if diverged:
        raise InputError(f"training diverged in epoch {epoch}; lower the learning rate")
    return loss


def _compact(raw: np.ndarray) -> np.ndarray:
    """Raw inputs in a type that holds them all and takes little room."""
    if raw.dtype.kind == "f":
        return raw
    return raw.astype(np.uint8 if 0 <= raw.min() <= raw.max() < 256 else np.int32)


@torch.no_grad()
def evaluate(run: TrainingRun, words: Tensor) -> Tensor:
    """Outputs of the network as it is, on the CPU."""
    prepared = (run.prepare(some).to(run.device) for some in words.split(EVALUATION_BATCH))
    return torch.cat([run.network(some).cpu() for some in prepared])


def accuracy(model: MonDEQ, data: Dataset) -> float:
    """Share of the samples that the float network classifies rightly, in percent."""
    return 100.0 * CLASSES.score(logits(model, data.words), data.targets)


def _finished(history: list[Epoch], options: Optimisation) -> bool:
    if len(history) >= options.epochs:
        return True
    if not history:
        return False
    best = max(history, key=lambda epoch: epoch.rank)
    return len(history) - 1 - best.epoch >= options.patience


# -- the state file ------------------------------------------------------------------------------------


def _store(
    file: Path,
    digest: str,
    network: nn.Module,
    best: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    history: list[Epoch],
) -> None:
    """Replace the state file at once: a kill leaves the old one or the new one."""
    content = io.BytesIO()
    state = {
        "digest": digest,
        "network": network.state_dict(),
        "best": best,
        "optimiser": optimiser.state_dict(),
        "history": [asdict(epoch) for epoch in history],
    }
    torch.save(state, content)
    with replacing(file) as temporary, temporary.open("wb") as stream:
        stream.write(content.getvalue())
        stream.flush()
        os.fsync(stream.fileno())


def _restore(run: TrainingRun, optimiser: torch.optim.Optimizer, digest: str) -> tuple[list[Epoch], dict[str, Tensor]]:
    """History and best weights so far; network and optimiser are set to where the run stopped."""
    if run.state_file is None or not run.state_file.exists():
        return [], {}
    try:
        state: dict[str, Any] = torch.load(run.state_file, map_location="cpu", weights_only=True)
        stored = state["digest"]
    except Exception as error:
        raise InputError(
            f"{run.state_file}: not the state of a training run ({type(error).__name__}); remove it or name another"
        ) from None
    if stored != digest:
        raise InputError(
            f"{run.state_file}: belongs to a run with another configuration or data; remove it or name another file"
        )
    run.network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return [Epoch(**entry) for entry in state["history"]], state["best"]


# -- what is shown -------------------------------------------------------------------------------------


@contextmanager
def shown_epochs(title: str, epochs: int, task: Task = CLASSES) -> Iterator[EpochObserver]:
    """A progress bar, or a line an epoch in a log; yields the observer for :func:`train` or :func:`fit`."""
    with progress_bar(title) as told:
        yield lambda epoch: told(epoch.epoch + 1, epochs, f"loss {epoch.loss:.4f}{_validated(epoch, task)}")


def _validated(epoch: Epoch, task: Task) -> str:
    return "" if epoch.validation_score is None else f", validation {task.shown(epoch.validation_score)}"


def plot_history(
    history: Sequence[Epoch],
    title: str,
    task: Task = CLASSES,
    loss: Loss = CROSS_ENTROPY,
    axis: Axes | None = None,
) -> Figure:
    """Losses and validation score against the epoch; the losses alone without a validation part, or in a given axis."""
    if axis is not None:
        _draw_losses(axis, history, loss)
        return root_figure(axis)
    validated = history[0].validation_score is not None
    figure = new_figure(8 if validated else 4, 3)
    axes = figure.subplots(1, 2 if validated else 1, squeeze=False)[0]
    _draw_losses(axes[0], history, loss)
    if validated:
        _draw_scores(axes[1], history, task)
    figure.suptitle(title)
    return figure


def _draw_losses(axis: Axes, history: Sequence[Epoch], loss: Loss) -> None:
    epochs = [entry.epoch + 1 for entry in history]
    axis.plot(epochs, [entry.loss for entry in history], label="training")
    held_out = [entry.validation_loss for entry in history if entry.validation_loss is not None]
    if held_out:
        axis.plot(epochs, held_out, label="validation")
    axis.set(xlabel="epoch", ylabel=loss.title, yscale="log")
    axis.legend()


def _draw_scores(axis: Axes, history: Sequence[Epoch], task: Task) -> None:
    from matplotlib.ticker import FuncFormatter

    scores = [entry.validation_score or 0.0 for entry in history]
    best = max(history, key=lambda entry: entry.rank)
    axis.plot([entry.epoch + 1 for entry in history], scores)
    axis.plot(best.epoch + 1, scores[best.epoch], "o", label=f"kept: {task.shown(scores[best.epoch])}")
    axis.set(xlabel="epoch", ylabel=f"validation {task.figure}")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, position: task.tick(value)))
    axis.legend(loc="lower right")
