"""The own format and plain arrays: ``W`` or ``A, B, m``; ``U, b, O, c``; optional ``F`` and a preprocessing's fields.

Plain arrays may have the names of ``nn.Linear`` layers.  Of a retrained network the
metadata hold the integers of the recurrence instead (``stored.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint, Training
from ..input_words import read_format, read_range
from ..model import FORMAT_VERSION, monotonicity_margin
from ..parameters import Parameters
from ..preprocessing import KeptInputs, Preprocessing, completed
from ..reformulate import network_of
from ..source import Asked, Source, parametrised
from ..spelling import Spelled
from ..stored import KEY, unpack, unpack_carried, unpack_clip
from ..task import TASKS

_READOUTS = ("out", "Wout", "readout", "classifier", "output", "head", "fc")
#: Spellings of each array; the first is ours.
NAMES = {
    "W": ("W", "W.weight"),
    "A": ("A", "A.weight"),
    "B": ("B", "B.weight", "S", "S.weight"),
    "m": ("m", "margin"),
    "U": ("U", "U.weight"),
    "b": ("b", "U.bias", "bias"),
    "O": ("O", "O.weight", *(f"{name}.weight" for name in _READOUTS)),
    "c": ("c", "O.bias", *(f"{name}.bias" for name in _READOUTS)),
    "F": ("F", "F.weight"),
}
DEFAULT_INPUT_BITS = 8


def recognises(given: Spelled) -> bool:
    """See :class:`.Format`."""
    return _has(given, "U") and (_has(given, "W") or _has(given, "A"))


def resembles(source: Source) -> bool:
    """Whether it is this format with something missing."""
    return bool(source.metadata) or any(key in source.keys for key in ("W", "U", "b", "O", "c"))


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    if source.metadata and source.metadata.get("version") not in range(1, FORMAT_VERSION + 1):
        raise InputError(
            f"{source.where}: checkpoint version {source.metadata.get('version')!r}; expected up to {FORMAT_VERSION}. "
            "Save the model again with this version's mondeq_hw.save"
        )
    if KEY in source.metadata:
        return _retrained(source, asked)
    W, margin = _operator(source, asked.margin)
    U, b, O, c = (source.first(*NAMES[key]) for key in "UbOc")  # noqa: E741 - the field's name for the readout
    injection = source.injection(U, b, len(W))
    carried = unpack_carried(source.metadata, source.where)
    inputs = injection[0].shape[1] - (0 if carried is None else carried.size)
    model = source.model(W, injection, (O, c), margin, _preprocessing(source, inputs))
    clip = unpack_clip(source.metadata, len(W), source.where) or model.clip
    F = source.array(source.first(*NAMES["F"]), (model.rows, model.columns)) if _has(source.spelled, "F") else None
    model = replace(model, clip=clip, task=_task(source), F=F, carried=carried)
    return Checkpoint(replace(model, parameters=_parameters(source, model.d, model.k)), _training(source))


def _has(given: Spelled, key: str) -> bool:
    return any(name in given.arrays for name in NAMES[key])


def _retrained(source: Source, asked: Asked) -> Checkpoint:
    integers = unpack(source.spelled.arrays, source.metadata[KEY], source.where)
    preprocessing = _preprocessing(source, integers.drive.integers.shape[1])
    if preprocessing is None:
        raise InputError(
            f"{source.where}: metadata 'preprocessing' is missing, which a retrained network's integers have folded "
            "in; save it again with mondeq_hw.save"
        )
    model = network_of(integers, preprocessing, source.file_name)
    source.agree(model.monotonicity_margin, asked.margin)
    return Checkpoint(replace(model, task=_task(source)), _training(source))


def _operator(source: Source, given: float | None) -> tuple[np.ndarray, float]:
    """``W`` and its margin: stored, given, or (where ``W`` itself is stored) what it has."""
    stored = _stored_margin(source)
    source.agree(stored, given)
    margin = given if stored is None else stored
    if margin is not None:
        margin = source.positive("margin m", margin)
    W, A, B = (source.first(*NAMES[key]) for key in "WAB")
    if W in source.keys:
        operator = source.square(W)
        return operator, monotonicity_margin(operator) if margin is None else margin
    if A not in source.keys:
        raise InputError(f"{source.where}: key 'W' is missing; expected W (n, n), or A, B and m in its place")
    if margin is None:
        raise InputError(f"{source.where}: key 'm' is missing; add the margin m of the training, or give --margin")
    skew = source.square(B)
    return parametrised(margin, source.array(A, (None, len(skew))), skew), margin


def _stored_margin(source: Source) -> float | None:
    key = source.first(*NAMES["m"])
    if key in source.keys:
        return float(source.array(key, ()))
    if "m" in source.metadata:
        return source.number("m", source.metadata["m"])
    return None


def _preprocessing(source: Source, d: int) -> Preprocessing | None:
    """What the file says; None where it does not say the scale."""
    stored: Any = source.metadata.get("preprocessing", source.spelled.arrays)
    if not isinstance(stored, Mapping):
        raise InputError(
            f"{source.where}: metadata 'preprocessing' is no object; expected scale, mean, std, input_bits"
        )
    values: dict[str, Any] = {
        key: source.per_input(key, stored[key], d) for key in ("scale", "mean", "std") if key in stored
    }
    bits = source.number("input_bits", stored.get("input_bits", DEFAULT_INPUT_BITS))
    if "input_format" not in stored and (bits != int(bits) or not 1 <= bits <= 16):
        raise InputError(f"{source.where}: input_bits is {bits:g}; expected a whole number from 1 to 16")
    if "input_format" in stored:
        values["input_format"] = read_format(_text(stored["input_format"]))
    if "input_range" in stored:
        values["input_range"] = read_range(stored["input_range"], source.where)
    if not values:
        return None
    if "kept" in stored:
        values["kept"] = KeptInputs.from_plain(stored["kept"], source.where)
    preprocessing = completed(None, {**values, "input_bits": int(bits)})
    if preprocessing is None:
        raise InputError(
            f"{source.where}: has {' and '.join(values)}, but not scale; add it: x = (scale * word - mean) / std"
        )
    return preprocessing.checked(source.where, d)


def _text(stored: Any) -> str:
    """A text, which is an array of one in .npz and .mat."""
    return str(np.asarray(stored).reshape(-1)[0])


def _task(source: Source) -> str | None:
    stored = source.metadata.get("task", source.spelled.arrays.get("task"))
    if stored is None:
        return None
    name = _text(stored)
    if name not in TASKS:
        raise InputError(f"{source.where}: task is {name!r}; expected {' or '.join(TASKS)}. Correct it")
    return name


def _parameters(source: Source, d: int, k: int) -> Parameters | None:
    stored = source.metadata.get("parameters")
    try:
        return None if stored is None else Parameters.from_plain(stored, d, k)
    except InputError as error:
        raise InputError(f"{source.where}: metadata {error.in_shell()}") from None


def _training(source: Source) -> Training:
    stored = source.metadata.get("training", {})
    if not isinstance(stored, Mapping):
        raise InputError(f"{source.where}: metadata 'training' is no object; save it again with mondeq_hw.save")
    metrics = stored.get("metrics", {})
    return Training(
        dataset=str(stored.get("dataset", "")),
        seed=stored.get("seed"),
        metrics=dict(metrics) if isinstance(metrics, Mapping) else {},
        digest=str(stored.get("digest", "")),
    )
