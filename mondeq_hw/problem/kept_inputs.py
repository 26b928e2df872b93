"""Networks on fewer inputs: of every sample some values are kept, and no other is streamed to the core."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..base import InputError
from .model import MonDEQ, StoredRecurrence
from .preprocessing import KeptInputs, Preprocessing
from .reformulate import network_of


def on_fewer_inputs(model: MonDEQ, words: np.ndarray, count: int) -> MonDEQ:
    """A network on those of its inputs that move its drive most; the others' mean goes into the bias.

    An input ``x_j`` in whose place its mean stands moves ``U x + b`` by ``var(x_j) ||U_j||^2`` on average, squared.

    Parameters
    ----------
    model : MonDEQ
        A float network, or a retrained one, whose integers stay.
    words : ndarray (samples, d)
        Raw inputs of training samples.
    count : int
        How many inputs are left, 1 to d.

    Raises
    ------
    InputError
        There are no so many inputs, or the outputs take them directly.
    """
    if not 1 <= count <= model.d:
        raise InputError(f"{model.source}: --inputs is {count}; expected 1 to {model.d}, the inputs that it has")
    if model.F is not None:
        raise InputError(
            f"{model.source}: its outputs take its inputs directly (F); --inputs is for networks whose inputs go "
            "through their states alone"
        )
    if model.stored is not None:
        form = model.stored.input_format
        kept, bias = _divided(model.stored.drive.values, form.to_float(form.quantize(words)), count)
        fewer = network_of(_on_columns(model.stored, kept, bias), _on(model.input_map, kept, model.d), model.source)
        return replace(fewer, task=model.task)
    kept, bias = _divided(model.U, model.input_map.apply(words), count)
    return replace(model, U=model.U[:, kept], b=model.b + bias, preprocessing=_on(model.input_map, kept, model.d))


def _divided(matrix: np.ndarray, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns (count,) that move ``matrix x`` (rows,) most, rising; and the mean of what the others add to it."""
    moved = x.var(axis=0) * np.square(matrix).sum(axis=0)
    order = np.argsort(-moved, kind="stable")
    others = order[count:]
    return np.sort(order[:count]), matrix[:, others] @ x.mean(axis=0)[others]


def _on_columns(stored: StoredRecurrence, kept: np.ndarray, bias: np.ndarray) -> StoredRecurrence:
    drive = replace(stored.drive, integers=stored.drive.integers[:, kept])
    return replace(stored, drive=drive, drive_bias=stored.drive_bias + bias)


def _on(preprocessing: Preprocessing, kept: np.ndarray, d: int) -> Preprocessing:
    """That of the same values, for the inputs that are left."""

    def of_each(value: Any) -> Any:
        return value if np.ndim(value) == 0 else np.asarray(value)[kept]

    before = preprocessing.kept or KeptInputs(d, tuple(range(d)))
    ends = preprocessing.input_range
    return replace(
        preprocessing,
        scale=of_each(preprocessing.scale),
        mean=of_each(preprocessing.mean),
        std=of_each(preprocessing.std),
        input_range=None if ends is None else (of_each(ends[0]), of_each(ends[1])),
        kept=before[kept],
    )
