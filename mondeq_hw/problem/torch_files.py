"""PyTorch's containers as named arrays: state_dicts, TorchScript and torch.export archives, live modules.

Nothing in a file is executed: state_dicts are read with ``weights_only=True``, and of
TorchScript only the tensors, by an unpickler that knows nothing else.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import torch

from ..base import InputError
from .contents import Contents, first_line
from .model import FORMAT_NAME

_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
#: ``ScalarType`` of torch.export's schema.
_EXPORTED = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
#: Numbers and switches that are no parameters: a margin, LBEN's bound, and torchidl's norm bound and constant input.
ATTRIBUTES = {"m": "m", "gamma": "gamma", "kappa": "f.kappa", "has_bias": "bias"}


def of_module(module: Any) -> Contents:
    """A live module; what its layers say of themselves by plain attributes (:data:`ATTRIBUTES`) comes along."""
    if not isinstance(module, torch.nn.Module):
        raise InputError(
            f"the model is a {type(module).__name__}; expected a file, a mondeq_hw.MonDEQ, a torch.nn.Module or a "
            "state_dict"
        )
    where = type(module).__name__
    arrays = flattened(where, module.state_dict())
    for name, layer in module.named_modules():
        for key, attribute in ATTRIBUTES.items():
            value = reduce(lambda held, part: getattr(held, part, None), attribute.split("."), layer)
            if isinstance(value, float | int) and (value is True or not isinstance(value, bool)):
                arrays.setdefault(f"{name}.{key}".lstrip("."), float(value))
    return Contents(where, arrays)


def flattened(where: str, content: Mapping[Any, Any]) -> dict[str, Any]:
    """Nested dictionaries of tensors as one, with dotted names."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{name}": entry for name, entry in flattened(where, value).items()}
        else:
            flat[str(key)] = as_array(where, str(key), value)
    return flat


def as_array(where: str, key: str, value: Any) -> Any:
    """A NumPy array of a tensor; other values as they are (refused later, if their key is needed)."""
    if not isinstance(value, torch.Tensor):
        return value
    if value.layout is not torch.strided or value.is_quantized or value.is_meta:
        raise InputError(f"{where}: key {key!r} is not a dense tensor; save it with .to_dense()")
    value = value.detach().cpu().resolve_conj()
    known = (torch.float16, torch.float32, torch.float64)
    return (value.float() if value.is_floating_point() and value.dtype not in known else value).numpy()


def read_torch(file: Path) -> Contents:
    """A file that ``torch.save`` wrote."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{file}: refused, because it holds more than tensors and plain values, or is damaged "
            f"({_refused(error)}). Nothing in it was executed; save model.state_dict() only"
        ) from None
    except Exception as error:
        # A truncated archive raises RuntimeError, EOFError, OSError, KeyError ... by where it was cut.
        raise InputError(
            f"{file}: truncated or damaged ({first_line(error)}); expected a state_dict written by torch.save"
        ) from None
    if isinstance(content, torch.nn.Module) or not isinstance(content, Mapping):
        raise InputError(f"{file}: holds a {type(content).__name__}; expected a state_dict: save model.state_dict()")
    if content.get("format") != FORMAT_NAME:
        return Contents(str(file), flattened(str(file), content))
    arrays = content.get("arrays")
    if not isinstance(arrays, Mapping):
        raise InputError(f"{file}: key 'arrays' holds a {type(arrays).__name__}; expected named tensors")
    return Contents(str(file), flattened(str(file), arrays), content)


def read_archive(file: Path, names: list[str]) -> Contents:
    """A zip archive of PyTorch's: TorchScript, torch.export, or a state_dict."""
    readers = {
        "/constants.pkl": _scripted,
        "/data/weights/model_weights_config.json": _exported,
        "serialized_state_dict.pt": _exported_before_2_8,
    }
    for marker, reader in readers.items():
        found = next((name for name in names if name.endswith(marker)), None)
        if found is None:
            continue
        try:
            with zipfile.ZipFile(file) as archive:
                return Contents(str(file), flattened(str(file), reader(archive, found.removesuffix(marker))))
        except InputError:
            raise
        except Exception as error:  # whatever damaged bytes give
            raise InputError(
                f"{file}: its weights cannot be read ({_refused(error)}). Nothing in it was executed; save "
                "model.state_dict() instead"
            ) from None
    return read_torch(file)


def _exported(archive: zipfile.ZipFile, root: str) -> dict[str, Any]:
    """Weights of a ``torch.export`` archive."""
    folder = f"{root}/data/weights/"
    weights = {}
    for name, entry in json.loads(archive.read(f"{folder}model_weights_config.json"))["config"].items():
        content = archive.read(folder + entry["path_name"])
        if entry["use_pickle"]:
            weights[name] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            continue
        meta = entry["tensor_meta"]
        sizes, strides = ([axis["as_int"] for axis in meta[key]] for key in ("sizes", "strides"))
        weights[name] = _tensor(content, _EXPORTED[meta["dtype"]], sizes, strides, meta["storage_offset"]["as_int"])
    return weights


def _exported_before_2_8(archive: zipfile.ZipFile, root: str) -> dict[str, Any]:
    content = archive.read(f"{root}serialized_state_dict.pt")
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _scripted(archive: zipfile.ZipFile, root: str) -> dict[str, Any]:
    """Tensors, numbers and strings of a TorchScript archive's modules."""
    unpickler = _ScriptUnpickler(archive, root)
    module = unpickler.load()
    if not isinstance(module, _ScriptModule):
        raise pickle.UnpicklingError(f"a {type(module).__name__}, no module")
    return module.plain()


class _ScriptModule:
    """Stands for any class of a TorchScript archive; only its state is kept."""

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, Mapping) else {}

    def plain(self) -> dict[str, Any]:
        """Its state without what is no number, string or module."""
        kept: dict[str, Any] = {}
        for name, value in self.state.items():
            if isinstance(value, _ScriptModule):
                kept[name] = value.plain()
            elif isinstance(value, torch.Tensor | float | str) and value is not None:
                kept[name] = value
        return kept


class _ScriptUnpickler(pickle.Unpickler):
    """Knows tensors, the stand-in for modules, and nothing else."""

    def __init__(self, archive: zipfile.ZipFile, root: str):
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        """Refuse whatever could run code."""
        if module.split(".")[0] == "__torch__":
            return _ScriptModule
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch.jit._pickle" and name in ("build_intlist", "build_doublelist", "build_boollist"):
            return list
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[torch.dtype, bytes]:
        """A storage: its type and bytes."""
        _, dtype, key, _, _ = pid
        return dtype, self._archive.read(f"{self._root}/data/{key}")


def _rebuilt(storage: tuple[torch.dtype, bytes], offset: int, size: Any, stride: Any, *_: Any) -> torch.Tensor:
    dtype, content = storage
    return _tensor(content, dtype, size, stride, offset)


def _tensor(content: bytes, dtype: torch.dtype, size: Any, stride: Any, offset: int) -> torch.Tensor:
    if not math.prod(size):
        return torch.zeros(tuple(size), dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype).as_strided(tuple(size), tuple(stride), offset)


def _refused(error: Exception) -> str:
    """The object that PyTorch names in the midst of its advice, or what it says first."""
    named = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
    return named[1] if named else first_line(error)
