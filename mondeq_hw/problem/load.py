"""Checkpoints: what their arrays mean, every number checked; and the own format, written.

- own, ``.pt`` or ``.safetensors``: ``format = "mondeq-hw"``; ``W`` or ``A, B, m``; ``U, b, O, c``; metadata;
  of a retrained network the integers of the recurrence instead (``stored.py``)
- Winston & Kolter reference code: ``mon.linear_module.{U.weight, U.bias, A.weight, B.weight}``,
  ``Wout.{weight, bias}``; the margin is not stored
- arXiv 2603.10562 reference code: ``mon.core.{A, S, m_raw, U, b}``, ``classifier.{weight, bias}``
- plain ``.npz``: ``W`` or ``A, B, m``; ``U, b, O, c``; optional ``scale, mean, std, input_bits, task``
- ``.onnx`` that this project exported: the own format in its initializers and metadata

:mod:`mondeq_hw.problem.containers` reads the files themselves.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, replacing
from .containers import listed, read_container
from .model import FORMAT_NAME, FORMAT_VERSION, MonDEQ, Preprocessing, format_version, monotonicity_margin
from .reformulate import network_of
from .stored import KEY as STORED
from .stored import pack, pack_clip, unpack, unpack_clip
from .task import TASKS

#: How both reference codes normalise MNIST pixels: torchvision's ``ToTensor`` and ``Normalize``.
MNIST_PREPROCESSING = Preprocessing(scale=1 / 255, mean=np.array(0.1307), std=np.array(0.3081), input_bits=8)

#: ``m = softplus(m_raw) + 1e-4`` in the code of arXiv 2603.10562 (``WKLinearFC.m``); without it the
#: margins and ``||W~ - W||`` that its authors recorded are missed by up to 0.7 %.
LI_2026_MARGIN_OFFSET = 1e-4

#: Relative slack between a stored float32 margin and the one recomputed in float64.
MARGIN_TOLERANCE = 1e-3
#: Of a network that anybody trained; the certificate's grids hold it.
LARGEST_WEIGHT = 2.0**64

_OWN_KEYS = ("U", "b", "O", "c")


@dataclass(frozen=True)
class Training:
    """Where a model comes from; carried along for reports, never used in a computation.

    Parameters
    ----------
    dataset : str
        Name of the training data (``digits``, ``mnist``, or empty when unknown).
    seed : int or None
    metrics : dict of str to float
        For example ``{"test_accuracy": 97.8}``.
    digest : str
        SHA-256 of whatever reproduces the training (script, data, options).
    """

    dataset: str = ""
    seed: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A model and its origin."""

    model: MonDEQ
    training: Training = Training()


def load(path: str | os.PathLike[str], margin: float | None = None) -> MonDEQ:
    """Read a trained MonDEQ of any of the four formats.

    Parameters
    ----------
    path : path
    margin : float, optional
        Monotonicity margin ``m``, for checkpoints that do not store it.

    Raises
    ------
    InputError
        Names the file, the key, what was expected and the remedy.
    """
    return load_checkpoint(path, margin).model


def load_checkpoint(path: str | os.PathLike[str], margin: float | None = None) -> Checkpoint:
    """As :func:`load`, with what the file tells about its training."""
    file = Path(path)
    source = _Source(file, *read_container(file))
    checkpoint = source.checkpoint(margin)
    check_model(checkpoint.model)
    return checkpoint


def save(model: MonDEQ, path: str | os.PathLike[str], training: Training | None = None) -> None:
    """Write the own format; ``.safetensors`` and ``.pt`` by the name's suffix.

    Arrays are stored in float64, so that ``load(save(model))`` is the same
    model to the last bit.

    Raises
    ------
    InputError
        For another suffix, or the file cannot be written.
    """
    file = Path(path)
    arrays, metadata = own_format(model, training or Training())
    if file.suffix == ".safetensors":
        from safetensors.numpy import save as packed

        content = packed(arrays, metadata={FORMAT_NAME: json.dumps(metadata, sort_keys=True)})
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    elif file.suffix in (".pt", ".pth"):
        import torch

        plain = {**metadata, "arrays": {key: torch.from_numpy(array) for key, array in arrays.items()}}
        with replacing(file) as temporary, temporary.open("wb") as stream:
            torch.save(plain, stream)
    else:
        raise InputError(f"{file}: cannot save as {file.suffix or 'a file without suffix'}; use .pt or .safetensors")


def own_format(model: MonDEQ, training: Training) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Named arrays and JSON-ready metadata of the own format, whatever the container."""
    pre = model.preprocessing
    if model.stored is None:
        arrays = {key: np.ascontiguousarray(getattr(model, key), dtype=np.float64) for key in ("W", *_OWN_KEYS)}
        rest = pack_clip(model.prox)
    else:
        arrays, packed = pack(model.stored)
        rest = {STORED: packed}
    metadata = {
        "format": FORMAT_NAME,
        "version": format_version(model.prox),
        "m": float(model.monotonicity_margin),
        "preprocessing": {
            "scale": float(pre.scale),
            "mean": np.asarray(pre.mean).tolist(),
            "std": np.asarray(pre.std).tolist(),
            "input_bits": int(pre.input_bits),
        },
        "training": {
            "dataset": training.dataset,
            "seed": training.seed,
            "metrics": dict(training.metrics),
            "digest": training.digest,
        },
        **({} if model.task is None else {"task": model.task}),
        **rest,
    }
    return arrays, metadata


def check_model(model: MonDEQ) -> None:
    """Refuse a model whose margin is not what it says.

    ``lambda_min(sym(I - W)) > 0`` is what makes the equilibrium exist and be
    unique (Winston & Kolter 2020, Theorem 1).  This is a plausibility check in
    floating point; the certificate proves its own lines exactly.  Of a retrained
    network the certificate alone decides: its integers may contract in a
    weighted norm, where the plain margin says nothing.
    """
    if model.stored is not None:
        return
    where = model.source
    largest = float(np.abs(model.W).max())
    if largest > LARGEST_WEIGHT:
        raise InputError(
            f"{where}: W has an entry of {largest:.3g}; expected at most {LARGEST_WEIGHT:.3g}. Use a checkpoint from "
            "before the training diverged"
        )
    margin = monotonicity_margin(model.W)
    if not margin > 0:
        raise InputError(
            f"{where}: W has the monotonicity margin {margin:.6g}, smallest eigenvalue of sym(I - W); expected a "
            "positive one. The network has no unique equilibrium: train it in the parametrisation "
            "W = (1-m)I - A'A + B - B' with m > 0"
        )
    stated = model.monotonicity_margin
    if margin < stated * (1 - MARGIN_TOLERANCE):
        raise InputError(
            f"{where}: the stated margin m = {stated:.6g} is larger than the one W has, {margin:.6g}; "
            "give the m of the training"
        )


@dataclass(frozen=True)
class _Source:
    """Named arrays of one file, with errors that name the file and the key."""

    file: Path
    kind: str
    arrays: Mapping[str, Any]
    metadata: Mapping[str, Any]

    def checkpoint(self, margin: float | None) -> Checkpoint:
        keys = self.arrays.keys()
        if any(key.startswith("mon.core.") for key in keys):
            return Checkpoint(self._li_2026(margin), Training(dataset="mnist"))
        if any(key.startswith("mon.linear_module.") for key in keys):
            return Checkpoint(self._winston_kolter(margin), Training(dataset="mnist"))
        if self.metadata or self.kind == "npz" or any(key in keys for key in _OWN_KEYS):
            return self._own(margin)
        raise InputError(
            f"{self.file}: no known checkpoint format (keys {listed(keys)}); expected 'mon.linear_module.*' "
            "(Winston & Kolter, fully connected), 'mon.core.*' (arXiv 2603.10562), or W|A,B,m and U, b, O, c"
        )

    def _winston_kolter(self, margin: float | None) -> MonDEQ:
        if margin is None:
            raise InputError(
                f"{self.file}: a Winston & Kolter checkpoint does not store its margin m; give it with --margin "
                "(their models use --margin 1.0)"
            )
        prefix = "mon.linear_module."
        U = self.array(prefix + "U.weight", (None, None))
        n = len(U)
        W = _parametrised(
            _positive(self.file, "--margin", margin),
            self.array(prefix + "A.weight", (None, n)),
            self.array(prefix + "B.weight", (n, n)),
        )
        b = self.array(prefix + "U.bias", (n,))
        return self._model(W, U, b, "Wout.weight", "Wout.bias", margin, MNIST_PREPROCESSING)

    def _li_2026(self, margin: float | None) -> MonDEQ:
        raw = float(self.array("mon.core.m_raw", ()))
        stored = float(np.logaddexp(0.0, raw)) + LI_2026_MARGIN_OFFSET
        self._agree(stored, margin)
        U = self.array("mon.core.U", (None, None))
        n = len(U)
        W = _parametrised(stored, self.array("mon.core.A", (None, n)), self.array("mon.core.S", (n, n)))
        b = self.array("mon.core.b", (n,))
        return self._model(W, U, b, "classifier.weight", "classifier.bias", stored, MNIST_PREPROCESSING)

    def _own(self, margin: float | None) -> Checkpoint:
        if self.metadata and self.metadata.get("version") not in range(1, FORMAT_VERSION + 1):
            raise InputError(
                f"{self.file}: checkpoint version {self.metadata.get('version')!r}; expected up to {FORMAT_VERSION}. "
                "Save the model again with this version's mondeq_hw.save"
            )
        if STORED in self.metadata:
            return self._retrained(margin)
        U = self.array("U", (None, None))
        W, used = self._own_operator(len(U), margin)
        model = self._model(W, U, self.array("b", (len(U),)), "O", "c", used, self._preprocessing(U.shape[1]))
        clip = unpack_clip(self.metadata, len(U), str(self.file))
        return Checkpoint(replace(model, clip=clip, task=self._task()), self._training())

    def _retrained(self, margin: float | None) -> Checkpoint:
        integers = unpack(self.arrays, self.metadata[STORED], str(self.file))
        model = network_of(integers, self._preprocessing(integers.drive.integers.shape[1]), self.file.name)
        self._agree(model.monotonicity_margin, margin)
        return Checkpoint(replace(model, task=self._task()), self._training())

    def _own_operator(self, n: int, given: float | None) -> tuple[np.ndarray, float]:
        """``W`` and its margin: stored, given, or (where ``W`` itself is stored) what it has."""
        stored = self._stored_margin()
        self._agree(stored, given)
        margin = given if stored is None else stored
        if margin is not None:
            margin = _positive(self.file, "margin m", margin)
        if "W" in self.arrays:
            W = self.array("W", (n, n))
            return W, monotonicity_margin(W) if margin is None else margin
        if "A" not in self.arrays:
            raise InputError(f"{self.file}: key 'W' is missing; expected W (n, n), or A, B and m in its place")
        if margin is None:
            raise InputError(f"{self.file}: key 'm' is missing; add the margin m or give --margin")
        return _parametrised(margin, self.array("A", (None, n)), self.array("B", (n, n))), margin

    def _model(
        self,
        W: np.ndarray,
        U: np.ndarray,
        b: np.ndarray,
        readout: str,
        bias: str,
        margin: float,
        preprocessing: Preprocessing,
    ) -> MonDEQ:
        O = self.array(readout, (None, len(W)))  # noqa: E741 - the field's name for the readout
        c = self.array(bias, (len(O),))
        return MonDEQ(W, U, b, O, c, margin, preprocessing, source=self.file.name)

    def _stored_margin(self) -> float | None:
        if "m" in self.arrays:
            return float(self.array("m", ()))
        if "m" in self.metadata:
            return self._number("m", self.metadata["m"])
        return None

    def _agree(self, stored: float | None, given: float | None) -> None:
        if stored is None or given is None or abs(given - stored) <= MARGIN_TOLERANCE * abs(stored):
            return
        raise InputError(
            f"{self.file}: --margin is {given:.6g}, but the file stores m = {stored:.6g}; leave --margin out"
        )

    def _preprocessing(self, d: int) -> Preprocessing:
        stored: Mapping[str, Any] = self.metadata.get("preprocessing", self.arrays)
        if not isinstance(stored, Mapping):
            raise InputError(
                f"{self.file}: metadata 'preprocessing' is no object; expected scale, mean, std, input_bits"
            )
        default = Preprocessing()
        bits = self._number("input_bits", stored.get("input_bits", default.input_bits))
        if bits != int(bits) or not 1 <= bits <= 16:
            raise InputError(f"{self.file}: input_bits is {bits:g}; expected a whole number from 1 to 16")
        pre = Preprocessing(
            scale=self._number("scale", stored.get("scale", default.scale)),
            mean=self._per_input("mean", stored.get("mean", default.mean), d),
            std=self._per_input("std", stored.get("std", default.std), d),
            input_bits=int(bits),
        )
        return check_preprocessing(pre, str(self.file))

    def _per_input(self, key: str, value: Any, d: int) -> np.ndarray:
        array = _numeric(self.file, key, value)
        if array.shape not in ((), (d,)):
            raise InputError(f"{self.file}: {key} has shape {array.shape}; expected one number or ({d},)")
        return array

    def _task(self) -> str | None:
        stored = self.metadata.get("task", self.arrays.get("task"))
        if stored is None:
            return None
        name = str(stored)  # an array of one text in an .npz
        if name not in TASKS:
            raise InputError(f"{self.file}: task is {name!r}; expected {' or '.join(TASKS)}. Correct it")
        return name

    def _training(self) -> Training:
        stored = self.metadata.get("training", {})
        if not isinstance(stored, Mapping):
            raise InputError(f"{self.file}: metadata 'training' is no object; save it again with mondeq_hw.save")
        metrics = stored.get("metrics", {})
        return Training(
            dataset=str(stored.get("dataset", "")),
            seed=stored.get("seed"),
            metrics=dict(metrics) if isinstance(metrics, Mapping) else {},
            digest=str(stored.get("digest", "")),
        )

    def _number(self, key: str, value: Any) -> float:
        array = _numeric(self.file, key, value)
        if array.size != 1:
            raise InputError(f"{self.file}: {key} has shape {array.shape}; expected one number")
        return float(array.reshape(()))

    def array(self, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """The float64 array of a key; ``None`` in ``shape`` stands for any positive length."""
        if key not in self.arrays:
            raise InputError(
                f"{self.file}: key {key!r} is missing (found {listed(self.arrays)}); save it with the rest"
            )
        array = _numeric(self.file, f"key {key!r}", self.arrays[key])
        if shape == () and array.size == 1:
            array = array.reshape(())
        fits = array.ndim == len(shape) and all(
            have > 0 and want in (None, have) for have, want in zip(array.shape, shape, strict=True)
        )
        if not fits:
            wanted = "(" + ", ".join("any" if want is None else str(want) for want in shape) + ")"
            raise InputError(
                f"{self.file}: key {key!r} has shape {array.shape}; expected {wanted}. "
                "Only fully connected MonDEQs are supported: check that all keys come from one model"
            )
        return array


def check_preprocessing(pre: Preprocessing, where: str) -> Preprocessing:
    """The same preprocessing, or an error naming ``where`` it came from."""
    if not pre.scale > 0:
        raise InputError(f"{where}: preprocessing scale is {pre.scale:g}; expected a positive number")
    if not np.all(pre.std > 0):
        raise InputError(f"{where}: preprocessing std has the entry {np.min(pre.std):g}; expected positive numbers")
    return pre


def _parametrised(margin: float, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """``W = (1-m) I - A'A + B - B'``."""
    return (1.0 - margin) * np.eye(len(B)) - A.T @ A + B - B.T


def _positive(file: Path, what: str, margin: float) -> float:
    if not (margin > 0 and np.isfinite(margin)):
        raise InputError(f"{file}: {what} is {margin:g}; expected a positive monotonicity margin m")
    return float(margin)


def _numeric(file: Path, key: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{file}: {key} is not a rectangular array; save numbers only") from None
    if array.dtype.kind not in "fiu":
        raise InputError(f"{file}: {key} has type {array.dtype}; expected real numbers (float32 or float64)")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise InputError(
            f"{file}: {key} holds {bad} NaN or infinite value{'s' if bad > 1 else ''}; expected finite numbers. "
            "Use a checkpoint from before the training diverged"
        )
    return array
