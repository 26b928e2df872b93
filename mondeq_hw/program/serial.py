"""A program as plain values: one JSON object, or ``program.json`` for scalars and ``program.npz`` for integers.

Version 5 has a warm start, with a feed-through or without one; version 4 carries a
state; version 3 has a feed-through and no such state; a program without one is of
version 2, which has a list of stages, each with its clip.
Version 1, which is still read, had the fields of one stage at the top, ``phi`` in
the place of the clip, and any text as its name.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base import RELU, Clip, DenseOperator, FixedPointFormat, InputError, Overflow, Rounding, canonical_digest
from ..problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD
from .carried import CarriedWords
from .naming import name_of
from .stage import Stage
from .warm_start import WarmStart

PROGRAM_VERSION = 5
_WITH_CARRIED, _WITH_FEEDTHROUGH, _WITHOUT_FEEDTHROUGH = 4, 3, 2

#: What a version 1 file calls the operator that a splitting of a relu network iterates.
_PHI_OF_VERSION_1 = {PEACEMAN_RACHFORD: "abs", FORWARD_BACKWARD: "relu"}
_STAGE_SCALARS = ("solver", "drive_left_shift", "leak_shift", "iterations")
_STAGE_ARRAYS = ("drive", "drive_shifts", "drive_bias", "matrix", "matrix_shifts")
_READOUT_ARRAYS = ("readout", "readout_shifts", "readout_bias")
_FEEDTHROUGH_ARRAYS = ("feedthrough", "feedthrough_shifts")


def to_plain(
    name: str,
    stages: tuple[Stage, ...],
    readout: DenseOperator,
    readout_bias: np.ndarray,
    certified: bool,
    feedthrough: DenseOperator | None,
    carried: CarriedWords | None,
    warm: WarmStart | None,
) -> dict[str, Any]:
    """The whole program as strings, integers and arrays of them."""
    return {
        "version": _version(feedthrough, carried, warm),
        "name": name,
        "certified": certified,
        "input_format": _format_to_plain(stages[0].input_format),
        "stages": [_stage_to_plain(stage) for stage in stages],
        **_operator_to_plain("readout", readout),
        "readout_bias": readout_bias,
        **({} if feedthrough is None else _operator_to_plain("feedthrough", feedthrough)),
        **({} if carried is None else {"carried": _carried_to_plain(carried)}),
        **({} if warm is None else {"warm": {"iterations": warm.iterations, "rate": warm.rate.tolist()}}),
    }


def _version(feedthrough: DenseOperator | None, carried: CarriedWords | None, warm: WarmStart | None) -> int:
    if warm is not None:
        return PROGRAM_VERSION
    if carried is not None:
        return _WITH_CARRIED
    return _WITHOUT_FEEDTHROUGH if feedthrough is None else _WITH_FEEDTHROUGH


def from_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a program, by name.

    Raises
    ------
    KeyError, TypeError, ValueError, InputError
        An entry is missing, of another type or version, or breaks the contract.
    """
    if plain["version"] == 1:
        plain = _from_version_1(plain)
    if plain["version"] not in range(_WITHOUT_FEEDTHROUGH, PROGRAM_VERSION + 1):
        raise InputError(f"program version {plain['version']!r}, expected 1 to {PROGRAM_VERSION}; compile again")
    word = _format_from_plain(plain["input_format"])
    (stage,) = plain["stages"]
    direct = _has_feedthrough(plain)
    return {
        "name": plain["name"],
        "stages": (_stage_from_plain(stage, word),),
        "readout": _operator_from_plain("readout", plain),
        "readout_bias": _integers(plain["readout_bias"]),
        "certified": plain["certified"],
        "feedthrough": _operator_from_plain("feedthrough", plain) if direct else None,
        "carried": _carried_from_plain(plain["carried"]) if plain["version"] == _WITH_CARRIED else None,
        "warm": _warm_from_plain(plain["warm"]) if plain["version"] == PROGRAM_VERSION else None,
    }


def _has_feedthrough(plain: Mapping[str, Any]) -> bool:
    return plain["version"] in (_WITH_FEEDTHROUGH, _WITH_CARRIED) or (
        plain["version"] == PROGRAM_VERSION and "feedthrough_word_length" in plain
    )


def write(plain: dict[str, Any], digest: str, folder: Path) -> None:
    """Write ``program.json`` and ``program.npz``; the arrays of the only stage stand at the archive's top."""
    (stage,) = plain["stages"]
    of_readout = _READOUT_ARRAYS + _FEEDTHROUGH_ARRAYS
    arrays = {key: stage[key] for key in _STAGE_ARRAYS} | {key: plain[key] for key in of_readout if key in plain}
    scalars = {key: entry for key, entry in plain.items() if key not in of_readout}
    scalars["stages"] = [{key: entry for key, entry in stage.items() if key not in _STAGE_ARRAYS}]
    (folder / "program.json").write_text(json.dumps({**scalars, "digest": digest}, indent=2) + "\n")
    # As ``numpy.savez_compressed``, but at zlib's fastest level: the usual one takes four times as long.
    with zipfile.ZipFile(folder / "program.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read(folder: Path) -> dict[str, Any]:
    """The plain program that :func:`write` wrote, its digest checked.

    Raises
    ------
    InputError
        When a file is missing, unreadable, or its digest does not match its integers.
    """
    try:
        scalars = json.loads((folder / "program.json").read_text())
        with np.load(folder / "program.npz", allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except FileNotFoundError as error:
        raise InputError(f"{error.filename}: no such file; expected a folder written by 'mondeq-hw compile'") from None
    except Exception as error:
        raise InputError(f"{folder}: program.json/.npz cannot be read ({error}); compile again") from None
    if not isinstance(scalars, dict):
        raise InputError(f"{folder}: program.json is no JSON object; compile again")
    if scalars.get("version") not in range(1, PROGRAM_VERSION + 1):
        raise InputError(
            f"{folder}: program version {scalars.get('version')!r}, expected {PROGRAM_VERSION}; compile again"
        )
    try:
        for key, array in arrays.items():
            if array.dtype != np.int64:
                raise TypeError(f"{key} is {array.dtype}, not int64")
        stated = scalars.pop("digest", None)
        direct = _FEEDTHROUGH_ARRAYS if _has_feedthrough(scalars) else ()
        plain = {**scalars, **{key: arrays[key] for key in (*_READOUT_ARRAYS, *direct)}}
        place = plain if scalars["version"] == 1 else plain["stages"][0]
        place.update({key: arrays[key] for key in _STAGE_ARRAYS})
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"{folder}: program.json/.npz is incomplete ({error!r}); compile again") from None
    if canonical_digest(plain) != stated:
        raise InputError(f"{folder}: the program's integers do not match its digest; compile again")
    return plain


# -- parts ---------------------------------------------------------------------


def _stage_to_plain(stage: Stage) -> dict[str, Any]:
    return {
        **{key: getattr(stage, key) for key in _STAGE_SCALARS},
        "clip": stage.clip.to_plain(),
        "state_format": _format_to_plain(stage.state_format),
        **_operator_to_plain("drive", stage.drive),
        "drive_bias": stage.drive_bias,
        **_operator_to_plain("matrix", stage.matrix),
    }


def _stage_from_plain(plain: Mapping[str, Any], word: FixedPointFormat) -> Stage:
    return Stage(
        **{key: plain[key] for key in _STAGE_SCALARS},
        clip=Clip.from_plain(plain["clip"]),
        input_format=word,
        state_format=_format_from_plain(plain["state_format"]),
        drive=_operator_from_plain("drive", plain),
        drive_bias=_integers(plain["drive_bias"]),
        matrix=_operator_from_plain("matrix", plain),
    )


def _from_version_1(plain: Mapping[str, Any]) -> dict[str, Any]:
    solver, phi = plain["solver"], plain["phi"]
    if _PHI_OF_VERSION_1.get(solver) != phi:
        raise InputError(f"program: phi is {phi!r} under {solver!r}; expected {_PHI_OF_VERSION_1.get(solver)!r}")
    keys = (*_STAGE_SCALARS, *_STAGE_ARRAYS, "state_format", "drive_word_length", "matrix_word_length")
    stage = {key: plain[key] for key in keys}
    stage["clip"] = Clip.uniform(RELU, len(plain["matrix"])).to_plain()
    rest = {key: entry for key, entry in plain.items() if key not in stage and key != "phi"}
    return {**rest, "name": name_of(plain["name"]), "version": _WITHOUT_FEEDTHROUGH, "stages": [stage]}


def _carried_to_plain(carried: CarriedWords) -> dict[str, list[int]]:
    return {"initial": carried.initial.tolist(), "exponents": carried.exponents.tolist()}


def _carried_from_plain(plain: Mapping[str, Any]) -> CarriedWords:
    return CarriedWords(_integers(plain["initial"]), _integers(plain["exponents"]))


def _warm_from_plain(plain: Mapping[str, Any]) -> WarmStart:
    return WarmStart(plain["iterations"], _integers(plain["rate"]))


def _operator_to_plain(key: str, operator: DenseOperator) -> dict[str, Any]:
    return {f"{key}_word_length": operator.word_length, key: operator.integers, f"{key}_shifts": operator.shifts}


def _operator_from_plain(key: str, plain: Mapping[str, Any]) -> DenseOperator:
    return DenseOperator(_integers(plain[key]), _integers(plain[f"{key}_shifts"]), plain[f"{key}_word_length"])


def _integers(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=np.int64)


def _format_to_plain(fmt: FixedPointFormat) -> dict[str, Any]:
    return {
        "word_length": fmt.word_length,
        "integer_bits": fmt.integer_bits,
        "signed": fmt.signed,
        "rounding": fmt.rounding.value,
        "overflow": fmt.overflow.value,
    }


def _format_from_plain(plain: Mapping[str, Any]) -> FixedPointFormat:
    return FixedPointFormat(
        plain["word_length"],
        plain["integer_bits"],
        plain["signed"],
        Rounding(plain["rounding"]),
        Overflow(plain["overflow"]),
    )
