"""Every compile option in one frozen record, from the command line or a TOML/JSON file."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from .base import InputError

MatrixBits = Annotated[int, Field(ge=1, le=16)]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]
Vector = float | tuple[float, ...]
PositiveInt = Annotated[int, Field(ge=1)]

#: Sixteen bits of a counter in hardware.
MOST_ITERATIONS = 65535


class CompileConfig(BaseModel):
    """What the user asks for; ``None`` leaves the choice to the compiler.

    The names are those of the command line's options with ``_`` for ``-``,
    and of the keys in a configuration file.

    Parameters
    ----------
    bits : int
        Word length of the iteration matrix, 1 to 16.
    solver : {"peaceman_rachford", "forward_backward"}
    rounding : {"auto", "nearest", "spectral", "calibrated"}
    granularity : {"row", "tensor"}
        One power-of-two scale per row, or one per matrix.
    drive_bits, readout_bits, state_bits, input_bits : int, optional
    step_size : float, optional
    iterations : int, optional
        Fewer or more updates than the certificate chooses; its radius is then that of these.
    strategy : {"resource", "unrolled"}
        Folded multiply-accumulate, or the iteration matrix as an adder graph that takes a product a cycle.
    graphs : {"auto", "none"} or tuple of {"drive", "readout"}, optional
        Unrolled only: the other matrices that are graphs too; ``"auto"``, where a graph is estimated to take no more
        LUTs than the folded engine, when absent.
    reuse_factor : int, optional
        Clock cycles per matrix-vector product; unrolled: per update, for the drive and the readout.
    data : {"digits", "mnist"}, optional
        Calibration and test samples.
    data_dir : path, optional
        Folder of IDX files.
    calibration_samples : int
        Training samples used at most.
    task : {"classes", "values"}, optional
        What the outputs stand for; the model's own, the data's, or by the number of outputs when absent.
    margin : float, optional
        Monotonicity margin, for checkpoints that do not store it.
    prefix : str, optional
        What stands before the layer's names in a larger model.
    keys : path, optional
        TOML file of our names and the checkpoint's.
    lipschitz_bound : float, optional
        ``gamma`` of a Lipschitz-bounded LBEN, which does not store it.
    input_scale, input_mean, input_std : float or tuple of float, optional
        Preprocessing ``(scale * word - mean) / std`` in place of the checkpoint's: numbers, or one for each input.
    allow_uncertified : bool
        Go on without a proof, and mark every output.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    bits: MatrixBits
    solver: Literal["peaceman_rachford", "forward_backward"] = "peaceman_rachford"
    rounding: Literal["auto", "nearest", "spectral", "calibrated"] = "auto"
    granularity: Literal["row", "tensor"] = "row"
    drive_bits: MatrixBits | None = None
    readout_bits: MatrixBits | None = None
    state_bits: Annotated[int, Field(ge=2, le=32)] | None = None
    input_bits: MatrixBits | None = None
    step_size: PositiveFloat | None = None
    iterations: Annotated[int, Field(ge=1, le=MOST_ITERATIONS)] | None = None
    strategy: Literal["resource", "unrolled"] = "resource"
    graphs: tuple[Literal["drive", "readout"], ...] | Literal["auto"] | None = None
    reuse_factor: PositiveInt | None = None
    data: Literal["digits", "mnist"] | None = None
    data_dir: Path | None = None
    calibration_samples: PositiveInt = 10_000
    task: Literal["classes", "values"] | None = None
    margin: PositiveFloat | None = None
    prefix: str | None = None
    keys: Path | None = None
    lipschitz_bound: PositiveFloat | None = None
    input_scale: Vector | None = None
    input_mean: Vector | None = None
    input_std: Vector | None = None
    allow_uncertified: bool = False

    @field_validator("solver", mode="before")
    @classmethod
    def _with_underscores(cls, value: Any) -> Any:
        return value.replace("-", "_") if isinstance(value, str) else value

    @field_validator("graphs", mode="before")
    @classmethod
    def _engines(cls, value: Any) -> Any:
        if value == "none":
            return ()
        if isinstance(value, str) and value != "auto":
            value = [name.strip() for name in value.split(",")]
        return tuple(value) if isinstance(value, list) else value

    @field_validator("input_scale", "input_mean", "input_std", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return numbers(value)

    @field_validator("input_scale", "input_std")
    @classmethod
    def _positive(cls, value: Vector | None) -> Vector | None:
        if value is not None and not np.all(np.asarray(value) > 0):
            raise ValueError("not positive")
        return value

    @field_validator("data_dir", "keys", mode="before")
    @classmethod
    def _path(cls, value: Any) -> Any:
        return Path(value) if isinstance(value, str) else value


def resolve(options: Mapping[str, Any], file: Path | None = None) -> CompileConfig:
    """Options from a configuration file, overridden by those given explicitly.

    Parameters
    ----------
    options : mapping
        Explicit options; ``None`` means not given.
    file : path, optional
        ``.toml`` or ``.json``.

    Raises
    ------
    InputError
        Names the option, what was received and what is expected; for an
        unknown one, the nearest valid name.
    """
    merged = _read(file) if file else {}
    _refuse_unknown(merged, f"{file}")
    given = {key: value for key, value in options.items() if value is not None}
    _refuse_unknown(given, "compile")
    merged |= given
    if "bits" not in merged:
        raise InputError("no word length given; expected --bits 1 to 16 (for example --bits 5)")
    try:
        return CompileConfig(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        where = f"{file}: {name}" if file and name not in given else option_name(name)
        raise InputError(f"{where} is {_shown(first['input'])}; expected {_EXPECTED[name]}") from None


def numbers(value: Any) -> Any:
    """A finite number or a tuple of them: of a number, list, array, ``0.1,0.2`` or the name of a ``.npy`` file."""
    if isinstance(value, str) and value.endswith(".npy"):
        try:
            value = np.load(value, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"{value}: cannot be read as .npy ({error}); expected one number for each input") from None
    elif isinstance(value, str):
        value = [float(part) for part in value.split(",")]
    array = np.asarray(value)
    if value is None or array.dtype.kind not in "fiu" or array.ndim > 1 or not np.isfinite(array).all():
        raise ValueError("no finite numbers")
    return float(array.reshape(())) if array.size == 1 else tuple(array.astype(float).tolist())


def option_name(key: str) -> str:
    """``state_bits`` to ``--state-bits``."""
    return "--" + key.replace("_", "-")


_MATRIX_BITS = "a whole number from 1 to 16"
_EXPECTED = {
    "bits": _MATRIX_BITS,
    "solver": "peaceman-rachford or forward-backward",
    "rounding": "auto, nearest, spectral or calibrated",
    "granularity": "row or tensor",
    "drive_bits": _MATRIX_BITS,
    "readout_bits": _MATRIX_BITS,
    "state_bits": "a whole number from 2 to 32",
    "input_bits": _MATRIX_BITS,
    "step_size": "a positive number",
    "iterations": f"a whole number from 1 to {MOST_ITERATIONS}",
    "strategy": "resource or unrolled",
    "graphs": "auto, none, or a list of drive and readout (--graphs drive,readout)",
    "reuse_factor": "a whole number of at least 1",
    "data": "digits or mnist",
    "data_dir": "a folder of IDX files",
    "calibration_samples": "a whole number of at least 1",
    "task": "classes or values",
    "margin": "a positive number: the monotonicity margin m of the training",
    "prefix": "what stands before the layer's names",
    "keys": "a .toml file of our names and the checkpoint's",
    "lipschitz_bound": "a positive number: the bound gamma of the training",
    "input_scale": "a positive number, one for each input (0.5,0.25), or a .npy file",
    "input_mean": "a finite number, one for each input (0.1,0.2), or a .npy file",
    "input_std": "a positive number, one for each input (0.3,0.4), or a .npy file",
    "allow_uncertified": "true or false",
}


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text()
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; --config expects a .toml or .json file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({error}); --config expects a .toml or .json file") from None
    if file.suffix not in (".toml", ".json"):
        raise InputError(f"{file}: a configuration file ends in .toml or .json")
    try:
        content = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise InputError(f"{file}: not valid {file.suffix[1:].upper()} ({error}); correct it") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds a {type(content).__name__}; expected options as key and value")
    return content


def _refuse_unknown(options: Mapping[str, Any], where: str) -> None:
    valid = list(CompileConfig.model_fields)
    for key in options:
        if key not in valid:
            near = difflib.get_close_matches(key.replace("-", "_"), valid, n=1, cutoff=0.0)[0]
            raise InputError(f"{where}: unknown option {key!r}; did you mean {near!r}? Valid: {', '.join(valid)}")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)
