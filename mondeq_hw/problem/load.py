"""Checkpoints in, each number checked; and the own format out.

:mod:`.containers` reads the files, :mod:`.spelling` settles the names, :mod:`.formats` knows what they mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..base import InputError, replacing
from .arrays import LARGEST_ENTRY
from .checkpoint import Checkpoint, Training
from .containers import read_container
from .contents import Contents, listed
from .formats import FORMATS, OWN, Format, find_format, resembles
from .model import FORMAT_NAME, MonDEQ, format_version
from .preprocessing import Preprocessing
from .source import MARGIN_TOLERANCE, Asked, Source
from .spelling import Spelled, layer_of, only_layer, read_keys, spelled
from .stored import CARRIED, pack, pack_carried, pack_clip
from .stored import KEY as STORED

if TYPE_CHECKING:
    import torch

#: A file, a live module, or its state_dict.
Origin: TypeAlias = "str | os.PathLike[str] | torch.nn.Module | Mapping[str, Any]"

#: Of a network that anybody trained; the certificate's grids hold it.
LARGEST_WEIGHT = 2.0**64


def load(
    source: Origin,
    margin: float | None = None,
    *,
    preprocessing: Preprocessing | None = None,
    prefix: str | None = None,
    keys: Mapping[str, str] | str | os.PathLike[str] | None = None,
    lipschitz_bound: float | None = None,
    input_side: int | None = None,
) -> MonDEQ:
    """A trained MonDEQ of any format in ``docs/models.md``.

    Parameters
    ----------
    source : path, torch.nn.Module or state_dict
    margin : float, optional
        Monotonicity margin ``m``, for checkpoints that do not store it.
    preprocessing : Preprocessing, optional
        In place of the file's.  Where neither is there, the model's is None, and compiling it asks.
    prefix : str, optional
        What stands before the layer's names in a larger model.
    keys : mapping or path, optional
        Our names to the file's, or a TOML file of them.
    lipschitz_bound : float, optional
        ``gamma`` of a Lipschitz-bounded LBEN.
    input_side : int, optional
        Of a convolution's square images, where it is not 28 of one channel or 32 of three.

    Raises
    ------
    InputError
        Names the file, the key, what was expected and the remedy.
    """
    asked = Asked(margin, lipschitz_bound, input_side)
    model = load_checkpoint(source, asked, prefix=prefix, keys=keys).model
    if preprocessing is None:
        return model
    return replace(model, preprocessing=preprocessing.checked("preprocessing", model.d))


def load_checkpoint(
    source: Origin,
    asked: Asked | None = None,
    *,
    prefix: str | None = None,
    keys: Mapping[str, str] | str | os.PathLike[str] | None = None,
) -> Checkpoint:
    """As :func:`load`, with what the file tells about its training."""
    contents = read_container(source)
    asked = asked or Asked()
    names = read_keys(Path(keys)) if isinstance(keys, str | os.PathLike) else keys or {}
    known, arrays = _recognised(contents, spelled(contents, prefix, names))
    for field, what in (("lipschitz_bound", "Lipschitz-bounded LBEN"), ("input_side", "convolutional layer")):
        if getattr(asked, field) is not None and known.option != field:
            raise InputError(f"{contents.where}: is no {what}; leave --{field.replace('_', '-')} out")
    checkpoint = known.read(Source(contents.where, arrays, contents.metadata), asked)
    strangers = known.strangers(arrays)
    if strangers:
        raise InputError(
            f"{contents.where}: has {listed(strangers)} too, which {known.title} has not: without them it would be "
            "another network. Remove what is not the network's, or save the layer's W, with U, b, O, c"
        )
    check_model(checkpoint.model)
    return checkpoint


def _recognised(contents: Contents, given: Spelled) -> tuple[Format, Spelled]:
    """The family of the arrays, and those of its layer."""

    def layer(arrays: Spelled) -> Spelled:
        return layer_of(contents.where, arrays)

    known = find_format(layer(given))
    if known is not None:
        return known, layer(given)
    found = only_layer(given, lambda arrays: find_format(layer(arrays)) is not None)
    if len(found) > 1:
        raise InputError(f"{contents.where}: holds several equilibrium layers; name one by --prefix: {listed(found)}")
    if found:
        inside = layer(given.below(found[0]))
        return find_format(inside) or OWN, inside
    if resembles(Source(contents.where, given, contents.metadata)):
        return OWN, given
    raise InputError(
        f"{contents.where}: no known checkpoint format (keys {listed(given.names.values())}); expected one of "
        f"{'; '.join(known.title for known in FORMATS)}. Name your own keys by --keys"
    )


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
    if model.stored is None:
        names = ("W", *"UbOc", *(() if model.F is None else ("F",)))
        arrays = {key: np.ascontiguousarray(getattr(model, key), dtype=np.float64) for key in names}
        rest = pack_clip(model.prox)
    else:
        arrays, packed = pack(model.stored)
        rest = {STORED: packed}
    stated = {} if model.preprocessing is None else {"preprocessing": model.preprocessing.to_plain()}
    metadata = {
        "format": FORMAT_NAME,
        "version": format_version(model.prox, model.F is not None, model.preprocessing, model.carried is not None),
        "m": float(model.monotonicity_margin),
        **stated,
        "training": {
            "dataset": training.dataset,
            "seed": training.seed,
            "metrics": dict(training.metrics),
            "digest": training.digest,
        },
        **({} if model.task is None else {"task": model.task}),
        **({} if model.carried is None else {CARRIED: pack_carried(model.carried)}),
        **({} if model.parameters is None else {"parameters": model.parameters.to_plain()}),
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
    for name in ("U", "b", "O", "c", "F"):
        values = getattr(model, name)
        peak = 0.0 if values is None else float(np.abs(values).max(initial=0.0))
        if peak > LARGEST_ENTRY:
            raise InputError(
                f"{where}: {name} has an entry of {peak:.3g}; expected at most {LARGEST_ENTRY:.3g}, so that sums of "
                f"squares stay finite. Rescale {model.levers.sizes}"
            )
    largest = float(np.abs(model.W).max())
    if largest > LARGEST_WEIGHT:
        raise InputError(
            f"{where}: W has an entry of {largest:.3g}; expected at most {LARGEST_WEIGHT:.3g}. Use a checkpoint from "
            "before the training diverged"
        )
    margin = model.measured_margin
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
