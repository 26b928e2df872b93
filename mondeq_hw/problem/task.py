"""What a network's outputs stand for: classes, or real values.

All that depends on it is asked here: which targets go with the outputs, how outputs are compared with them and with
the float network's, what a search raises, and the words of every text.  Outputs are arrays (samples, k) of any one
unit; those of a classifier may be the program's integers, as only their order counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from ..base import InputError
from .model import MonDEQ
from .scores import Accuracy, Agreement, Comparison, Distance, Errors, Fit, Judged, Right, SameClass, root_mean_square

#: Errors from this share of a float output's own deviation on are no answer; a constant's are one or more.
USELESS_ERROR = 0.95


class Task(ABC):
    """What a network's outputs stand for."""

    #: Of options, files and certificates.
    name: ClassVar[str]
    #: What :meth:`score` is called.
    figure: ClassVar[str]
    #: What the outputs are called.
    outputs: ClassVar[str]
    #: Networks with fewer outputs have no such task.
    least_outputs: ClassVar[int]
    #: Of ``search``: the option that asks for a score, and how its number becomes one.
    target_option: ClassVar[str]
    #: Why there is no comparison, and what would provide it.
    no_test: ClassVar[str]
    remedy: ClassVar[str]
    #: Pictures of outputs against targets in a report.
    plots: ClassVar[tuple[str, ...]]

    @abstractmethod
    def checked(self, targets: np.ndarray, k: int, where: str) -> np.ndarray:
        """Targets of a network with k outputs, in the type of this task.

        Raises
        ------
        InputError
            They are of another kind; names ``where`` they come from.
        """

    @abstractmethod
    def outputs_of(self, targets: np.ndarray) -> int:
        """How many outputs a network for these targets has."""

    @abstractmethod
    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """How good outputs (samples, k) are, 1 at best."""

    @abstractmethod
    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Judged:
        """How well outputs (samples, k) meet their targets: :meth:`score`, and whatever else there is to say."""

    @abstractmethod
    def compare(self, outputs: np.ndarray, floating: np.ndarray, targets: np.ndarray) -> Comparison:
        """The program's outputs and the float network's (samples, k) against their targets."""

    @abstractmethod
    def agreement(self, outputs: np.ndarray, floating: np.ndarray) -> Agreement:
        """The program's outputs against the float network's (samples, k)."""

    @abstractmethod
    def informed(self, outputs: np.ndarray, floating: np.ndarray) -> np.ndarray:
        """Which of the program's outputs (samples, k) say more of the float network's than a constant would (k,)."""

    @abstractmethod
    def metric(self, split: str, score: float) -> dict[str, float]:
        """A score under its name, as checkpoints keep it."""

    @abstractmethod
    def shown(self, score: float) -> str:
        """A score as text."""

    @abstractmethod
    def wanted(self, score: float) -> str:
        """The target of a search in words."""

    @abstractmethod
    def tick(self, score: float) -> str:
        """A score at an axis."""

    @abstractmethod
    def answers(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """What follows from outputs (samples, k), one entry a sample, by name."""


class Classes(Task):
    """The largest output names the class."""

    name = "classes"
    figure = "accuracy"
    outputs = "logits"
    least_outputs = 2
    target_option = "--target-accuracy"
    no_test = "no labelled test samples were named (--calibration and --targets, --data, --data-dir)"
    remedy = "mondeq-hw compile MODEL --calibration FILE --targets NAME"
    plots = ()

    def checked(self, targets: np.ndarray, k: int, where: str) -> np.ndarray:
        """Integers (samples,) below k, in whatever type or axes."""
        targets = np.asarray(targets)
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = targets[:, 0]
        whole = targets.dtype.kind in "iu" or (targets.dtype.kind == "f" and np.array_equal(targets, np.rint(targets)))
        if targets.ndim != 1 or not whole:
            raise InputError(
                f"{where}: the targets are {targets.dtype} of shape {targets.shape}; the task 'classes' expects one "
                "integer label a sample. For real values give --task values"
            )
        targets = targets.astype(np.int64)
        if len(targets) and targets.min() < 0:
            raise InputError(
                f"{where}: the least label is {targets.min()}; expected classes from 0. For real values give --task "
                "values"
            )
        if len(targets) and targets.max() >= k:
            raise InputError(
                f"{where} has labels from {targets.min()} to {targets.max()}, {targets.max() + 1} classes, but the "
                f"model has {k} outputs; name the data that the model was trained on, or none"
            )
        return targets

    def outputs_of(self, targets: np.ndarray) -> int:
        """The largest label's."""
        return int(targets.max()) + 1

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """The accuracy: samples whose largest output is that of their label."""
        return float((outputs.argmax(axis=1) == targets).mean())

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Right:
        """The accuracy."""
        return Right(self.score(outputs, targets))

    def compare(self, outputs: np.ndarray, floating: np.ndarray, targets: np.ndarray) -> Accuracy:
        """Accuracies, and how often both answer the same."""
        return Accuracy(
            samples=len(targets),
            golden=self.score(outputs, targets),
            floating=self.score(floating, targets),
            agreement=self.agreement(outputs, floating).same_class,
        )

    def agreement(self, outputs: np.ndarray, floating: np.ndarray) -> SameClass:
        """Share of the same class."""
        return SameClass(float((outputs.argmax(axis=1) == floating.argmax(axis=1)).mean()))

    def informed(self, outputs: np.ndarray, floating: np.ndarray) -> np.ndarray:
        """All or none: one answer, of which only the order counts."""
        commonest = np.bincount(floating.argmax(axis=1)).max() / len(floating)
        by_class = self.agreement(outputs, floating).same_class > commonest
        return np.full(floating.shape[1], by_class or nearer_than_a_constant(outputs, floating).any())

    def metric(self, split: str, score: float) -> dict[str, float]:
        """The accuracy in percent."""
        return {f"{split}_accuracy": 100.0 * score}

    def shown(self, score: float) -> str:
        """In percent."""
        return f"{100 * score:.2f} %"

    def wanted(self, score: float) -> str:
        """An accuracy."""
        return f"an accuracy of {100 * score:g} %"

    def tick(self, score: float) -> str:
        """In percent."""
        return f"{100 * score:g} %"

    def answers(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """The class."""
        return {"classes": outputs.argmax(axis=1)}


class Values(Task):
    """Each output is a real number in units of its own."""

    name = "values"
    figure = "R squared"
    outputs = "outputs"
    least_outputs = 1
    target_option = "--target-r-squared"
    no_test = "no test samples with targets were named (--calibration and --targets)"
    remedy = "mondeq-hw compile MODEL --calibration FILE --targets NAMES"
    plots = ("scatter", "errors", "float_scatter", "float_errors")

    def checked(self, targets: np.ndarray, k: int, where: str) -> np.ndarray:
        """Finite real numbers (samples, k); one output may leave its axis out."""
        targets = np.asarray(targets)
        if targets.ndim == 1 and k == 1:
            targets = targets[:, None]
        if targets.ndim != 2 or targets.shape[1] != k or targets.dtype.kind not in "fiu":
            raise InputError(
                f"{where}: the targets are {targets.dtype} of shape {targets.shape}; the task 'values' expects real "
                f"numbers (samples, {k}), one for each output. For integer labels give --task classes"
            )
        if not np.isfinite(targets).all():
            raise InputError(f"{where}: a target is not finite; remove the samples with missing values")
        return targets.astype(np.float64)

    def outputs_of(self, targets: np.ndarray) -> int:
        """One for each value."""
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """R squared of the worst output."""
        return self.fit(outputs, targets).score

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Fit:
        """``1 - sum (y - t)^2 / sum (t - mean t)^2``; a constant target, where that is no number, counts as 1 if met
        exactly and as 0 otherwise."""
        missed = np.square(outputs - targets).sum(axis=0)
        spread = np.square(targets - targets.mean(axis=0)).sum(axis=0)
        met = np.where(missed == 0, 1.0, 0.0)
        r_squared = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1.0), met)
        return Fit(tuple(r_squared.tolist()), Distance.between(outputs, targets))

    def compare(self, outputs: np.ndarray, floating: np.ndarray, targets: np.ndarray) -> Errors:
        """Fits of both, and the distance between them."""
        return Errors(
            samples=len(targets),
            golden=self.fit(outputs, targets),
            floating=self.fit(floating, targets),
            difference=Distance.between(outputs, floating),
        )

    def agreement(self, outputs: np.ndarray, floating: np.ndarray) -> Distance:
        """The distance of the two."""
        return Distance.between(outputs, floating)

    def informed(self, outputs: np.ndarray, floating: np.ndarray) -> np.ndarray:
        """Those that are near."""
        return nearer_than_a_constant(outputs, floating)

    def metric(self, split: str, score: float) -> dict[str, float]:
        """R squared of the worst output."""
        return {f"{split}_r_squared": score}

    def shown(self, score: float) -> str:
        """Four digits."""
        return f"{score:.4f}"

    def wanted(self, score: float) -> str:
        """An R squared."""
        return f"an R squared of {score:g} in every output"

    def tick(self, score: float) -> str:
        """As it is."""
        return f"{score:g}"

    def answers(self, outputs: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing: the outputs are the answer."""
        return {}


CLASSES, VALUES = Classes(), Values()
TASKS: dict[str, Task] = {task.name: task for task in (CLASSES, VALUES)}


def nearer_than_a_constant(outputs: np.ndarray, floating: np.ndarray) -> np.ndarray:
    """Which outputs (samples, k) are nearer to the float network's than the best constant is (k,)."""
    nearer: np.ndarray = root_mean_square(outputs - floating) < USELESS_ERROR * deviation(floating)
    return nearer


def deviation(outputs: np.ndarray) -> np.ndarray:
    """Root mean square of what each output (samples, k) differs from its mean by."""
    return root_mean_square(outputs - outputs.mean(axis=0))


def find_task(name: Any) -> Task:
    """The task of a name.

    Raises
    ------
    InputError
        There is none.
    """
    if name not in TASKS:
        raise InputError(f"task is {name!r}; expected {' or '.join(TASKS)}")
    return TASKS[name]


def choose_task(asked: str | None, model: MonDEQ, targets: np.ndarray | None) -> Task:
    """The task that the user asks for; else the model's own; else that of the data; else that of the outputs' number.

    Parameters
    ----------
    asked : str or None
    model : MonDEQ
    targets : ndarray or None
        Of the data: one integer a sample are classes, where there is more than one output.

    Raises
    ------
    InputError
        The name is unknown, or the network has too few outputs for it.
    """
    if (name := asked or model.task) is not None:
        task = find_task(name)
    elif model.k < CLASSES.least_outputs or model.carried is not None:
        task = VALUES
    else:
        task = CLASSES if targets is None else task_of(targets)
    if task is CLASSES and model.carried is not None:
        raise InputError(
            f"{model.source}: carries a state from sample to sample, but what is counted and proved of classes is of "
            f"single samples. Give --task {VALUES.name}"
        )
    if model.k < task.least_outputs:
        raise InputError(
            f"{model.source} has {model.k} output; the task {task.name!r} needs at least {task.least_outputs}. "
            f"Give --task {VALUES.name}"
        )
    return task


def task_of(targets: np.ndarray) -> Task:
    """The task that targets are made for: one integer a sample is a label."""
    return CLASSES if np.ndim(targets) == 1 and np.asarray(targets).dtype.kind in "iu" else VALUES
