"""Files to named arrays: PyTorch, .safetensors, .npz and ONNX, recognised by content, never by name.

PyTorch files are read with ``weights_only=True``, so no code in them ever runs.
PyTorch and ONNX are imported only for their own files.  What the arrays mean is
:mod:`mondeq_hw.problem.load`'s business.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, MissingToolError
from .model import FORMAT_NAME
from .onnx_file import OnnxFile

#: Longest header that the .safetensors format allows, in bytes.
SAFETENSORS_MAX_HEADER = 100_000_000


def read_container(file: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """``(kind, arrays, metadata)`` of a file; ``kind`` is ``torch``, ``safetensors``, ``npz`` or ``onnx``."""
    if not file.exists():
        raise InputError(f"{file}: no such file; expected a checkpoint (.pt, .safetensors, .npz or .onnx)")
    if not file.is_file():
        raise InputError(f"{file}: not a file; expected a checkpoint (.pt, .safetensors, .npz or .onnx)")
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); check its permissions") from None
    if size == 0:
        raise InputError(f"{file}: the file is empty; expected a checkpoint. Copy or save it again")
    if head[:4] == b"PK\x03\x04":
        return _read_zip(file)
    # A .safetensors header's length may begin with any byte, a pickle's 0x80 too: look at it first.
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= SAFETENSORS_MAX_HEADER:
        return _read_safetensors(file)
    if head[:1] == b"\x80":
        return _read_torch(file)
    if head[:1] == b"\x08":  # a protobuf message whose first field is ONNX's ir_version
        return _read_onnx(file)
    raise InputError(
        f"{file}: not a checkpoint (starts with {head[:8]!r}); expected a PyTorch state_dict (.pt), "
        ".safetensors, .npz or .onnx file"
    )


def _read_zip(file: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise InputError(
            f"{file}: truncated or damaged (its zip directory is missing); copy or save it again"
        ) from None
    if any(name.endswith("data.pkl") for name in names):
        return _read_torch(file)
    if not any(name.endswith(".npy") for name in names):
        raise InputError(
            f"{file}: a zip file without a checkpoint (holds {listed(names)}); "
            "expected a PyTorch .pt or NumPy .npz file"
        )
    try:
        with np.load(file, allow_pickle=False) as archive:
            return "npz", {key: archive[key] for key in archive.files}, {}
    except Exception as error:
        # Anything can come out of a damaged archive: zlib, struct, value and pickle errors.
        raise InputError(
            f"{file}: the .npz cannot be read ({_first_line(error)}); save plain numeric arrays with numpy.savez"
        ) from None


def _read_torch(file: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    import pickle

    import torch

    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{file}: refused, because it holds more than tensors and plain values, or is damaged "
            f"({_refused_by_pickle(error)}). Nothing in it was executed; save model.state_dict() only"
        ) from None
    except Exception as error:
        # A truncated archive raises RuntimeError, EOFError, OSError, KeyError ... by where it was cut.
        raise InputError(
            f"{file}: truncated or damaged ({_first_line(error)}); expected a state_dict written by torch.save"
        ) from None
    if isinstance(content, torch.nn.Module) or not isinstance(content, Mapping):
        raise InputError(f"{file}: holds a {type(content).__name__}; expected a state_dict: save model.state_dict()")
    arrays = content.get("arrays", content) if content.get("format") == FORMAT_NAME else content
    if not isinstance(arrays, Mapping):
        raise InputError(f"{file}: key 'arrays' holds a {type(arrays).__name__}; expected named tensors")
    metadata = content if arrays is not content else {}
    return "torch", {str(key): _from_torch(file, str(key), value) for key, value in arrays.items()}, metadata


def _from_torch(file: Path, key: str, value: Any) -> Any:
    """A NumPy array of a tensor; other values as they are (refused later, if their key is needed)."""
    import torch

    if not isinstance(value, torch.Tensor):
        return value
    if value.layout is not torch.strided or value.is_quantized or value.is_meta:
        raise InputError(f"{file}: key {key!r} is not a dense tensor; save it with .to_dense()")
    return (value.float() if value.dtype is torch.bfloat16 else value).detach().resolve_conj().numpy()


def _read_safetensors(file: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    from safetensors import safe_open

    try:
        with safe_open(file, framework="np") as archive:
            arrays = {key: archive.get_tensor(key) for key in archive.keys()}  # noqa: SIM118 - not a mapping
            text = (archive.metadata() or {}).get(FORMAT_NAME, "{}")
        metadata = json.loads(text)
    except Exception as error:
        raise InputError(
            f"{file}: truncated or damaged .safetensors ({_first_line(error)}); copy or save it again"
        ) from None
    if not isinstance(metadata, dict):
        raise InputError(f"{file}: its {FORMAT_NAME} metadata is no JSON object; save it again with mondeq_hw.save")
    return "safetensors", arrays, metadata


def _read_onnx(file: Path) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    try:
        import onnx  # noqa: F401 - an extra
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"{file}: an ONNX file, but {error.name} is missing; install it: pip install 'mondeq-hw[onnx]'"
        ) from None
    return "onnx", *OnnxFile.load(file).checkpoint()


def listed(keys: Any) -> str:
    """The first names of many, for an error message."""
    names = [str(key) for key in keys]
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:120]


def _refused_by_pickle(error: Exception) -> str:
    """The object that PyTorch names in the midst of its advice, or what it says first."""
    named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
    return named[1] if named else _first_line(error)
