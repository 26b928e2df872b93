"""Samples of a compilation or a training: given, named, or drawn from the box of a problem's parameters."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, OptionError
from ..config import CompileConfig, DataOptions, NetworkOptions
from ..problem import (
    DIGITS,
    GIVEN,
    MNIST,
    TEST,
    TRAIN,
    Arrays,
    Checkpoint,
    Comparison,
    Dataset,
    MonDEQ,
    RawInputs,
    Samples,
    Task,
    box_words,
    choose_task,
    from_files,
    labelled,
    logits,
    named,
    overflow_in_words,
)
from ..program import GoldenModel, SolverProgram

#: Samples of a parametric problem, and what texts call them.
BOX = "the parameters' box"
BOX_SAMPLES, BOX_TEST_SAMPLES = 2048, 1000
#: Inputs (samples, d) and their targets.
Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Data:
    """The data of a compilation, ``None`` where there is none, and what the outputs stand for.

    Parameters
    ----------
    task : Task
    name : str or None
    division : str or None
        Who chose the test samples, and how.
    calibration : ndarray of int64 (samples, d), optional
        Inputs of training samples.
    test : Dataset, optional
        Its targets are those of the task.
    overflow : str
        How many of their values no word stood for, where the nearest was asked for; else empty.
    """

    task: Task
    name: str | None = None
    division: str | None = None
    calibration: np.ndarray | None = None
    test: Dataset | None = None
    overflow: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the samples."""
        state = hashlib.sha256()
        tested = () if self.test is None else (self.test.words, self.test.targets)
        for array in (self.calibration, *tested):
            if array is not None:
                state.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return state.hexdigest()


def samples_of(options: DataOptions) -> Samples | None:
    """The samples that the options name; None where they name none.

    Raises
    ------
    InputError
        They name two sources, or samples that are not there.
    MissingToolError
        What reads the file is not installed.
    """
    name = data_name(options)
    if options.calibration is None and options.test is None:
        for lone in ("targets", "test_targets"):
            if getattr(options, lone) is not None:
                raise OptionError(lone, "goes with a file of samples; name that by calibration or test")
        return None if name is None else named(name, options.data_dir)
    if name is not None:
        raise InputError(f"files of samples were named, and the data set {name!r}; expected one or the other")
    found = from_files(options.calibration, options.targets, options.test, options.test_targets)
    return found.divided(options.split_seed)


def given_samples(options: DataOptions, calibration: np.ndarray | Pair | None, test: Pair | None) -> Samples:
    """The samples of a caller's arrays.

    Raises
    ------
    InputError
        They are no such arrays, or the options name samples too.
    """
    if samples_of(options) is not None:
        raise InputError("arrays were given and samples named (data, calibration, test); expected one or the other")
    train, judge = None, None
    if calibration is not None:
        train = Arrays(*calibration) if _is_pair(calibration) else Arrays(np.asarray(calibration))
        train = train.checked(f"{GIVEN} (train)")
    if test is not None:
        if not _is_pair(test):
            raise InputError(f"test is a {type(test).__name__}; expected a pair of arrays, inputs and targets: (X, y)")
        judge = Arrays(*test).checked(f"{GIVEN} (test)")
    return Samples(GIVEN, train, judge).divided(options.split_seed)


def named_files(**given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of a caller's samples that are files, which are options, and those that are arrays."""
    files = {name: Path(each) for name, each in given.items() if isinstance(each, str | os.PathLike)}
    return files, {name: each for name, each in given.items() if name not in files}


def _is_pair(arrays: Any) -> bool:
    return isinstance(arrays, tuple) and len(arrays) == 2


def choose_data(
    config: CompileConfig,
    checkpoint: Checkpoint,
    calibration: np.ndarray | Pair | None = None,
    test: Pair | None = None,
) -> Data:
    """Calibration and test samples: those given, those named, or the digits for a model trained on them.

    Parameters
    ----------
    config : CompileConfig
    checkpoint : Checkpoint
    calibration : array_like (samples, d), optional
        Inputs of training samples; targets may come with them, as a pair.
    test : pair of array_like (samples, d) and (samples,) or (samples, k), optional

    Raises
    ------
    InputError
        The data is not there, or not of the model's kind.
    """
    if calibration is not None or test is not None:
        samples: Samples | None = given_samples(config, calibration, test)
    else:
        samples = samples_for(config, checkpoint)
    model, known, judge = checkpoint.model, None, None
    if samples is None:
        return Data(choose_task(config.task, model, None)) if model.parameters is None else _from_box(config, model)
    samples = samples.for_inputs(model.d, model.source, model.kept)
    taken = []
    if samples.train is not None:
        first = samples.train.inputs[: config.calibration_samples]
        taken.append(_raw(first, config, f"{samples.name} ({TRAIN})", model))
        known = taken[-1].raw
    if samples.test is not None:
        judge = labelled(samples, TEST)
        taken.append(_raw(judge.words, config, f"{samples.name} ({TEST})", model))
        judge = replace(judge, words=taken[-1].raw)
    task = choose_task(config.task, model, None if judge is None else judge.targets)
    if judge is not None:
        judge = _of_task(judge, task, model.k)
    return Data(task, samples.name, samples.division, known, judge, overflow_in_words(*taken))


def training_sets(options: NetworkOptions, model: MonDEQ, samples: Samples) -> tuple[Task, Dataset, Dataset]:
    """Task, training and test samples for a network.

    They stay whole where the network takes some of their values and all values have the same words: an image is
    shifted whole.

    Raises
    ------
    InputError
        They are not of the model's kind, or have no targets.
    """
    if model.input_map.words.unit.ndim:
        samples = samples.for_inputs(model.d, model.source, model.kept)
    else:
        samples.require_inputs(model.d, model.source, model.kept)
    known, judge = (
        replace(each, words=_raw(each.words, options, f"{samples.name} ({each.split})", model).raw)
        for each in (labelled(samples, split) for split in (TRAIN, TEST))
    )
    task = choose_task(options.task, model, known.targets)
    return task, _of_task(known, task, model.k), _of_task(judge, task, model.k)


def samples_for(options: DataOptions, checkpoint: Checkpoint) -> Samples | None:
    """The samples that the options name; where they name none, the digits for a model trained on them."""
    samples = samples_of(options)
    return named(DIGITS, None) if samples is None and checkpoint.training.dataset == DIGITS else samples


def compared(model: MonDEQ, program: SolverProgram, data: Data) -> Comparison | None:
    """The golden model and the float network on the test samples, if there are any; each the first of a warm start."""
    if data.test is None:
        return None
    words = data.test.words
    return data.task.compare(GoldenModel(program.starting_anew).predict(words), logits(model, words), data.test.targets)


def data_name(config: DataOptions) -> str | None:
    return config.data or (MNIST if config.data_dir else None)


def _of_task(data: Dataset, task: Task, k: int) -> Dataset:
    return replace(data, targets=task.checked(data.targets, k, data.name))


def _raw(values: np.ndarray, options: DataOptions, name: str, model: MonDEQ) -> RawInputs:
    """Values (samples, d) as a model's raw inputs; a warning counts those that no word stands for."""
    remedy = (
        f"name the data that {model.source} was trained on, declare its values by --input-range, or take the nearest "
        "by --on-overflow saturate"
    )
    return model.input_map.words.raw(values, options.on_overflow, where=name, remedy=remedy).announced(name)


def _from_box(config: CompileConfig, model: MonDEQ) -> Data:
    """Samples of a parametric problem, drawn from its box; the targets of the test are the exact solutions."""
    known, words = (
        box_words(model.input_map.words.ends, model.d, samples, seed)
        for samples, seed in ((min(config.calibration_samples, BOX_SAMPLES), 0), (BOX_TEST_SAMPLES, 1))
    )
    test = Dataset(BOX, "test", words, logits(model, words))
    return Data(choose_task(config.task, model, None), BOX, "drawn by us", known, test)
