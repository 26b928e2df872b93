"""The integers of a retrained network as named arrays and metadata, for checkpoints.

Only the integers, their scales and the real biases are kept; ``W, U, b, O, c``
follow from them (``reformulate.network_of``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..base import MOST_MATRIX_BITS, Clip, DenseOperator, FixedPointFormat, InputError, Overflow, magnitude
from .model import CarriedState, StoredRecurrence
from .splitting import find_splitting

#: Metadata key that marks a checkpoint of this kind, and prefix of its arrays.
KEY = "stored"
#: Metadata key of the rows' proximal operators; relu where it is absent.
CLIP = "clip"
#: Metadata key of the updates that a network was trained for.
ITERATIONS = "iterations"
#: Metadata key of a carried state.
CARRIED = "carried"
MATRICES = ("matrix", "drive", "readout")
#: The one that a network without feed-through has not.
FEEDTHROUGH = "feedthrough"
BIASES = ("drive_bias", "readout_bias")


def pack(stored: StoredRecurrence) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays, in the smallest integer type that holds them, and plain metadata."""
    arrays: dict[str, np.ndarray] = {}
    matrices = _matrices(stored)
    for name, matrix in matrices.items():
        arrays[f"{KEY}.{name}"] = matrix.matrix(matrix.numpy_type)
        arrays[f"{KEY}.{name}_shifts"] = matrix.shifts.astype(np.int8)
    for name in BIASES:
        arrays[f"{KEY}.{name}"] = np.array(getattr(stored, name), dtype=np.float64)
    metadata = {
        "solver": stored.solver,
        "step_size": float(stored.step_size),
        "leak_shift": int(stored.leak_shift),
        "word_lengths": {name: int(matrix.word_length) for name, matrix in matrices.items()},
        "input_format": _packed_format(stored.input_format),
        "state_format": [stored.state_format.word_length, stored.state_format.integer_bits],
        **pack_clip(stored.prox),
        **({} if stored.iterations is None else {ITERATIONS: stored.iterations}),
    }
    return arrays, metadata


def unpack(arrays: Mapping[str, Any], metadata: Any, where: str) -> StoredRecurrence:
    """What :func:`pack` packed.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    metadata : mapping
    where : str
        File name, for errors.

    Raises
    ------
    InputError
        A key is missing or of the wrong type, a shape does not fit, or an
        integer is outside its word.
    """
    try:
        lengths = metadata["word_lengths"]
        matrix, drive, readout = (_matrix(arrays, name, int(lengths[name])) for name in MATRICES)
        direct = _matrix(arrays, FEEDTHROUGH, int(lengths[FEEDTHROUGH])) if FEEDTHROUGH in lengths else None
        drive_bias, readout_bias = (np.asarray(arrays[f"{KEY}.{name}"], dtype=np.float64) for name in BIASES)
        input_bits, input_integer_bits, *signed = metadata["input_format"]
        state_bits, state_integer_bits = metadata["state_format"]
        stored = StoredRecurrence(
            solver=str(metadata["solver"]),
            step_size=float(metadata["step_size"]),
            matrix=matrix,
            drive=drive,
            readout=readout,
            drive_bias=drive_bias,
            readout_bias=readout_bias,
            input_format=FixedPointFormat(input_bits, input_integer_bits, signed == [True], overflow=Overflow.SAT),
            state_format=FixedPointFormat(state_bits, state_integer_bits),
            clip=unpack_clip(metadata, len(drive_bias), where),
            feedthrough=direct,
            iterations=metadata.get(ITERATIONS),
        )
        leak_shift = int(metadata["leak_shift"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"{where}: the retrained integers are incomplete ({error!r}); save the model again with mondeq_hw.save"
        ) from None
    _check(stored, where)
    _check_step(stored, leak_shift, where)
    return stored


def _packed_format(words: FixedPointFormat) -> list[Any]:
    """Bits, and that words are signed where they are: readers of before refuse three entries."""
    return [words.word_length, words.integer_bits, *([True] if words.signed else [])]


def pack_clip(clip: Clip) -> dict[str, Any]:
    """The metadata entry of a clip: none of relu, which files of before had no word for."""
    return {} if clip.is_relu else {CLIP: clip.to_plain()}


def pack_carried(carried: CarriedState) -> dict[str, Any]:
    """The metadata entry of a carried state."""
    return {"initial": carried.initial.tolist(), "exponents": carried.exponents.tolist()}


def unpack_carried(metadata: Mapping[str, Any], where: str) -> CarriedState | None:
    """What :func:`pack_carried` packed, or None.

    Raises
    ------
    InputError
        It is no such state.
    """
    if CARRIED not in metadata:
        return None
    try:
        initial, exponents = (np.array(metadata[CARRIED][key]) for key in ("initial", "exponents"))
        good = initial.ndim == 1 and initial.shape == exponents.shape and np.isfinite(initial).all()
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: its carried state cannot be read ({error!r}); save the model again") from None
    if not good or exponents.dtype.kind != "i" or not len(initial):
        raise InputError(f"{where}: its carried state is no two lists of numbers of one length; save the model again")
    return CarriedState(initial.astype(np.float64), exponents.astype(np.int64))


def unpack_clip(metadata: Mapping[str, Any], n: int, where: str) -> Clip | None:
    """What :func:`pack_clip` packed.

    Raises
    ------
    InputError
        It is no clip of ``n`` rows.
    """
    if CLIP not in metadata:
        return None
    try:
        clip = Clip.from_plain(metadata[CLIP])
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise InputError(
            f"{where}: its clip cannot be read ({error}); expected lower, upper and complement of each kind of row, "
            "and the rows' kinds. Save the model again with mondeq_hw.save"
        ) from None
    if clip.n != n:
        raise InputError(f"{where}: the clip has {clip.n} rows; expected {n}, one for each state. Save the model again")
    return clip


def _matrices(stored: StoredRecurrence) -> dict[str, DenseOperator]:
    found = {name: getattr(stored, name) for name in MATRICES}
    return found if stored.feedthrough is None else {**found, FEEDTHROUGH: stored.feedthrough}


def _matrix(arrays: Mapping[str, Any], name: str, word_length: int) -> DenseOperator:
    integers, shifts = arrays[f"{KEY}.{name}"], arrays[f"{KEY}.{name}_shifts"]
    for array in (integers, shifts):
        if np.asarray(array).dtype.kind != "i":
            raise TypeError(f"{name} has type {np.asarray(array).dtype}, expected integers")
    return DenseOperator(integers.astype(np.int64), shifts.astype(np.int64), word_length)


def _check(stored: StoredRecurrence, where: str) -> None:
    n, d, k = *stored.drive.integers.shape[:2], len(stored.readout.integers)
    shapes = {"matrix": (n, n), "drive": (n, d), "readout": (k, n), "drive_bias": (n,), "readout_bias": (k,)}
    shapes[FEEDTHROUGH] = (k, d)
    for name, matrix in _matrices(stored).items():
        top = max(1, 2 ** (matrix.word_length - 1) - 1)
        if matrix.integers.shape != shapes[name] or matrix.shifts.shape != shapes[name][:1]:
            raise InputError(
                f"{where}: retrained {name} has shape {matrix.integers.shape} and {matrix.shifts.shape} scales; "
                f"expected {shapes[name]} and one scale a row"
            )
        if not 1 <= matrix.word_length <= MOST_MATRIX_BITS or magnitude(matrix.integers) > top:
            raise InputError(
                f"{where}: retrained {name} has levels up to {magnitude(matrix.integers)} at "
                f"{matrix.word_length} bits; expected at most {top} and 1 to {MOST_MATRIX_BITS} bits. Save the "
                "model again"
            )
        if matrix.word_length == 1 and not matrix.integers.all():
            raise InputError(
                f"{where}: retrained {name} holds a zero at 1 bit; expected -1 and +1. Save the model again"
            )
    for name in BIASES:
        bias = getattr(stored, name)
        if bias.shape != shapes[name] or not np.isfinite(bias).all():
            raise InputError(f"{where}: retrained {name} has shape {bias.shape}; expected {shapes[name]}, finite")


def _check_step(stored: StoredRecurrence, leak_shift: int, where: str) -> None:
    if stored.iterations is not None and not (type(stored.iterations) is int and stored.iterations >= 1):
        raise InputError(
            f"{where}: retrained for {stored.iterations!r:.40} updates; expected a whole number from 1. Save the model "
            "again"
        )
    if not (np.isfinite(stored.step_size) and stored.step_size > 0):
        raise InputError(
            f"{where}: retrained step size {stored.step_size:g}; expected a positive number. Save the model again"
        )
    try:
        expected = find_splitting(stored.solver).leak_shift(stored.step_size)
    except InputError as error:
        raise InputError(f"{where}: retrained {error.in_shell()}. Save the model again") from None
    if leak_shift != expected:
        raise InputError(
            f"{where}: retrained leak shift {leak_shift}; expected {expected}, that of {stored.solver} at step size "
            f"{stored.step_size:g}. Save the model again"
        )
