"""Files to named arrays, recognised by content, never by name; a live model is one more container.

PyTorch, .safetensors (sharded too), .npz, MATLAB and ONNX.  No code in a file
ever runs.  What the names mean is the formats' business.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, MissingToolError
from .contents import Contents, first_line, listed
from .mistaken import refuse_mistaken
from .model import FORMAT_NAME
from .onnx_file import OnnxFile

EXPECTED = "a checkpoint (.pt, .safetensors, .npz, .mat or .onnx) or a quadratic program (.npz, .json)"

#: Longest header that the .safetensors format allows, in bytes.
SAFETENSORS_MAX_HEADER = 100_000_000
#: Its types that NumPy has too; the others are read through PyTorch.
NUMPY_TYPES = frozenset(("F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"))

#: What tells PyTorch's zip archives from NumPy's.
TORCH_MEMBERS = ("data.pkl", "model_weights_config.json", "serialized_state_dict.pt")


def read_container(source: Any) -> Contents:
    """Named arrays of a file, a live ``torch.nn.Module`` or a ``state_dict``.

    Raises
    ------
    InputError
        It is none, damaged, or holds more than numbers.
    """
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source))
    from .torch_files import flattened, of_module

    if isinstance(source, Mapping):
        return Contents("state_dict", flattened("state_dict", source))
    return of_module(source)


def _read_file(file: Path) -> Contents:
    if not file.exists():
        raise InputError(f"{file}: no such file; expected {EXPECTED}")
    if not file.is_file():
        raise InputError(f"{file}: not a file; expected {EXPECTED}")
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check its permissions") from None
    if size == 0:
        raise InputError(f"{file}: the file is empty; expected a checkpoint. Copy or save it again")
    if head[:4] == b"PK\x03\x04":
        return _read_zip(file)
    # A .safetensors header's length may begin with any byte, a pickle's 0x80 too: look at it first.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= SAFETENSORS_MAX_HEADER:
        return Contents(str(file), *_read_safetensors(file))
    if head[:1] == b"\x80":
        from .torch_files import read_torch

        return read_torch(file)
    if head[:1] == b"\x08":  # a protobuf message whose first field is ONNX's ir_version
        return _read_onnx(file)
    if head.decode(json.detect_encoding(head), "ignore").lstrip("\ufeff \t\r\n")[:1] == "{":
        return _read_json(file)
    if head.startswith(b"MATLAB 5.0"):
        return _read_matlab(file)
    refuse_mistaken(file)
    raise InputError(f"{file}: not a checkpoint (starts with {head[:8]!r}); expected {EXPECTED}")


def _read_zip(file: Path) -> Contents:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise InputError(
            f"{file}: truncated or damaged (its zip directory is missing); copy or save it again"
        ) from None
    if any(name.endswith(TORCH_MEMBERS) for name in names):
        from .torch_files import read_archive

        return read_archive(file, names)
    if not any(name.endswith(".npy") for name in names):
        raise InputError(
            f"{file}: a zip file without a checkpoint (holds {listed(names)}); "
            "expected a PyTorch .pt or NumPy .npz file"
        )
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return Contents(str(file), {key: arrays[key] for key in arrays.files})
    except Exception as error:
        # Anything can come out of a damaged archive: zlib, struct, value and pickle errors.
        raise InputError(
            f"{file}: the .npz cannot be read ({first_line(error)}); save plain numeric arrays with numpy.savez"
        ) from None


def _read_safetensors(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    from safetensors import safe_open

    try:
        with safe_open(file, framework="np") as archive:
            keys = list(archive.keys())
            plain = all(archive.get_slice(key).get_dtype() in NUMPY_TYPES for key in keys)
            texts = archive.metadata() or {}
            arrays = {key: archive.get_tensor(key) for key in keys} if plain else _through_torch(file, keys)
        metadata = json.loads(texts.get(FORMAT_NAME, "{}"))
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{file}: truncated or damaged .safetensors ({first_line(error)}); copy or save it again"
        ) from None
    if not isinstance(metadata, dict):
        raise InputError(f"{file}: its {FORMAT_NAME} metadata is no JSON object; save it again with mondeq_hw.save")
    return {**{key: text for key, text in texts.items() if key == "activation"}, **arrays}, metadata


def _through_torch(file: Path, keys: list[str]) -> dict[str, Any]:
    """bfloat16 and the 8-bit floats, which NumPy does not have."""
    from safetensors import safe_open

    from .torch_files import as_array

    with safe_open(file, framework="pt") as archive:
        return {key: as_array(str(file), key, archive.get_tensor(key)) for key in keys}


def _read_json(file: Path) -> Contents:
    """Named arrays as nested lists, or the index of a model that is cut into several .safetensors files."""
    try:
        content = json.loads(file.read_bytes(), object_pairs_hook=_once)  # whatever its encoding
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: not valid JSON ({first_line(error)}); correct it") from None
    return _read_sharded(file, content["weight_map"]) if "weight_map" in content else Contents(str(file), content)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found


def _read_sharded(file: Path, weight_map: Any) -> Contents:
    try:
        shards = sorted(set(weight_map.values()))
        if not all(isinstance(name, str) and Path(name).name == name for name in shards):
            raise ValueError("shards outside its folder")
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file}: a JSON file, but no index of .safetensors files ({first_line(error)}); expected {EXPECTED}"
        ) from None
    arrays: dict[str, Any] = {}
    for name in shards:
        shard = file.parent / name
        if not shard.is_file():
            raise InputError(f"{file}: names the shard {name}, which is not beside it; copy all of them")
        arrays |= _read_safetensors(shard)[0]
    return Contents(str(file), arrays)


def _read_matlab(file: Path) -> Contents:
    from scipy.io import loadmat

    try:
        content = loadmat(file)
    except Exception as error:  # a damaged file raises zlib, struct, type and value errors by where it was cut
        raise InputError(f"{file}: truncated or damaged .mat ({first_line(error)}); save it again") from None
    return Contents(str(file), {key: value for name in content for key, value in _of_matlab(name, content[name])})


def _of_matlab(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A variable's arrays: a structure's are ``name.field``, a sparse matrix is a matrix."""
    if name.startswith("__"):
        return
    fields = getattr(value, "dtype", np.dtype(float)).names
    if fields is not None and value.size == 1:
        for field in fields:
            yield from _of_matlab(f"{name}.{field}", value.reshape(-1)[0][field])
        return
    if isinstance(value, np.ndarray) and value.dtype.kind == "O" and all(map(_is_text, value.flat)):
        value = np.array(["".join(text.flat) for text in value.flat])  # of a cell array
    yield name, value.toarray() if hasattr(value, "toarray") else value


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "U"


def _read_onnx(file: Path) -> Contents:
    try:
        import onnx  # noqa: F401 - an extra
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"{file}: an ONNX file, but {error.name} is missing; install it: pip install 'mondeq-hw[onnx]'"
        ) from None
    return Contents(str(file), *OnnxFile.load(file).checkpoint())
