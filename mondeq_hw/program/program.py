"""``SolverProgram``: integers and formats, nothing else.

The only thing that the golden model and every emitter read.  It is enough on
its own to rebuild every output, and it derives (never guesses) the widths in
which no accumulator can wrap.

Contract, for one sample of raw words ``x`` (all arithmetic on integers, ``>>r``
is round half up, ``floor(v / 2**r + 1/2)``)::

    d_i   = ((sum_j drive[i,j] x_j << drive_left_shift) + drive_bias_i) >>r drive_right_shift_i
    s_i   = sat_sym(d_i >>r g_i)                                        (start)
    s_i+  = sat_sym((d_i + sum_j matrix[i,j] phi(s_j) + leak_i phi(s_i)) >>r g_i)
    y_k   = (sum_i readout[k,i] relu(s_i) << readout_left_shift_k) + readout_bias_k

``d_i`` lives on the accumulator grid ``2**-(f + g_i)`` of its row, ``f`` the
fractional bits of the state and ``g_i`` the row's shift.  ``leak_i`` is the
dyadic diagonal ``(1 - 2**-a) * 2**g_i``.  At most ``iterations`` updates run;
an update that changes no row ends the loop early without changing the result.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..base import FixedPointFormat, InputError, IntegerMatrix, Overflow, Rounding, signed_width
from .prox import PHI

PROGRAM_VERSION = 1


@dataclass(frozen=True)
class SolverProgram:
    """See the module's text for the meaning of each integer.

    Parameters
    ----------
    name : str
        Identifier, used for the folder's title only.
    solver : str
        ``peaceman_rachford`` or ``forward_backward``.
    phi : str
        Key of :data:`mondeq_hw.program.prox.PHI`.
    input_format, state_format : FixedPointFormat
    drive : IntegerMatrix (n, d)
    drive_bias : ndarray of int64 (n,)
        On the grid ``2**-(e_i + input fractional bits + drive_left_shift)``.
    drive_left_shift : int
    matrix : IntegerMatrix (n, n)
        The iteration matrix without its leak.
    leak_shift : int
        ``a``; 0 means no leak.
    iterations : int
        Updates after the start, at least 1.
    readout : IntegerMatrix (k, n)
    readout_bias : ndarray of int64 (k,)
        On the common output grid.
    certified : bool
        Whether a contraction proof exists; every output carries the mark.
    """

    name: str
    solver: str
    phi: str
    input_format: FixedPointFormat
    state_format: FixedPointFormat
    drive: IntegerMatrix
    drive_bias: np.ndarray
    drive_left_shift: int
    matrix: IntegerMatrix
    leak_shift: int
    iterations: int
    readout: IntegerMatrix
    readout_bias: np.ndarray
    certified: bool

    def __post_init__(self) -> None:
        _check(self)

    # -- sizes ---------------------------------------------------------------

    @property
    def n(self) -> int:
        """State dimension."""
        return self.matrix.integers.shape[0]

    @property
    def d(self) -> int:
        """Input words per sample."""
        return self.drive.integers.shape[1]

    @property
    def k(self) -> int:
        """Outputs per sample."""
        return self.readout.integers.shape[0]

    # -- derived integers ----------------------------------------------------

    @cached_property
    def drive_right_shift(self) -> np.ndarray:
        """Rounding shift (n,) from the drive accumulator's grid to the state accumulator's."""
        fine = self.drive.shifts + self.input_format.fractional_bits + self.drive_left_shift
        return fine - (self.state_format.fractional_bits + self.matrix.shifts)

    @cached_property
    def leak(self) -> np.ndarray:
        """Integer diagonal (n,) ``(2**a - 1) << (g_i - a)``; zeros without leak."""
        return (2**self.leak_shift - 1) << np.maximum(self.matrix.shifts - self.leak_shift, 0)

    @cached_property
    def readout_left_shift(self) -> np.ndarray:
        """Alignment (k,) of every output row to the common (finest) grid."""
        return self.readout.shifts.max() - self.readout.shifts

    @property
    def output_fractional_bits(self) -> int:
        """Fractional bits of the common output grid."""
        return int(self.readout.shifts.max()) + self.state_format.fractional_bits

    # -- proved ranges -------------------------------------------------------

    @cached_property
    def drive_sum_bound(self) -> int:
        """Largest ``sum_j |drive[i,j]| * max(x)`` of any row, before the left shift."""
        return max(_absolute_row_sums(self.drive)) * self.input_format.max_word

    @cached_property
    def drive_range(self) -> tuple[int, int]:
        """Exact interval of the drive accumulator, rounding constant included."""
        low, high = 0, 0
        for row_low, row_high, right in zip(*self._drive_rows(), self.drive_right_shift, strict=True):
            half = (1 << int(right)) >> 1
            low, high = min(low, row_low), max(high, row_high + half)
        return low, high

    @cached_property
    def drive_bound(self) -> list[int]:
        """Largest ``|d_i|`` over every input, per row."""
        bounds = []
        for row_low, row_high, right in zip(*self._drive_rows(), self.drive_right_shift, strict=True):
            half, right = (1 << int(right)) >> 1, int(right)
            bounds.append(max(abs((row_low + half) >> right), abs((row_high + half) >> right)))
        return bounds

    def _drive_rows(self) -> tuple[list[int], list[int]]:
        top, left = self.input_format.max_word, self.drive_left_shift
        low, high = [], []
        for row, bias in zip(self.drive.integers, self.drive_bias, strict=True):
            low.append(((int(np.minimum(row, 0).sum()) * top) << left) + int(bias))
            high.append(((int(np.maximum(row, 0).sum()) * top) << left) + int(bias))
        return low, high

    @cached_property
    def accumulator_bound(self) -> int:
        """Largest magnitude that a state accumulator can reach, rounding constant included."""
        top = self.state_format.max_word
        sums = _absolute_row_sums(self.matrix)
        return max(
            total * top + int(leak) * top + drive + ((1 << int(shift)) >> 1)
            for total, leak, drive, shift in zip(sums, self.leak, self.drive_bound, self.matrix.shifts, strict=True)
        )

    @cached_property
    def output_bound(self) -> int:
        """Largest ``|y_k|``."""
        top = self.state_format.max_word
        sums = _absolute_row_sums(self.readout)
        return max(
            ((total * top) << int(left)) + abs(int(bias))
            for total, left, bias in zip(sums, self.readout_left_shift, self.readout_bias, strict=True)
        )

    @property
    def drive_accumulator_bits(self) -> int:
        """Width in which the drive accumulator (after the left shift and the rounding constant) cannot wrap."""
        return signed_width(*self.drive_range)

    @property
    def drive_bits(self) -> int:
        """Width of ``d_i``, the word handed from the drive engine to the solver."""
        top = max(self.drive_bound)
        return signed_width(-top, top)

    @property
    def accumulator_bits(self) -> int:
        """Width in which a state accumulator cannot wrap."""
        return signed_width(-self.accumulator_bound, self.accumulator_bound)

    @property
    def output_bits(self) -> int:
        """Width of an output word ``y_k``."""
        return signed_width(-self.output_bound, self.output_bound)

    # -- serialisation -------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """The whole program as JSON-ready integers and strings (the certificate embeds it)."""
        plain: dict[str, Any] = _scalars(self)
        for key, array in _arrays(self).items():
            plain[key] = array.tolist()
        return plain

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> SolverProgram:
        """The inverse of :meth:`to_plain`.

        Raises
        ------
        KeyError, TypeError, ValueError, InputError
            An entry is missing, of another type, or breaks the contract.
        """
        arrays = {key: np.array(entry, dtype=np.int64) for key, entry in plain.items() if isinstance(entry, list)}
        return _from_parts(plain, arrays)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of :meth:`to_plain`."""
        return canonical_digest(self.to_plain())

    def save(self, folder: Path) -> None:
        """Write ``program.json`` (scalars, formats, digest) and ``program.npz`` (integers)."""
        scalars = {**_scalars(self), "digest": self.digest}
        (folder / "program.json").write_text(json.dumps(scalars, indent=2) + "\n")
        arrays: dict[str, Any] = _arrays(self)
        np.savez_compressed(folder / "program.npz", **arrays)

    @staticmethod
    def load(folder: Path) -> SolverProgram:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            When a file is missing, unreadable, of another version, or its
            digest does not match its integers.
        """
        try:
            scalars = json.loads((folder / "program.json").read_text())
            with np.load(folder / "program.npz", allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
        except FileNotFoundError as error:
            raise InputError(
                f"{error.filename}: no such file; expected a folder written by 'mondeq-hw compile'"
            ) from None
        except Exception as error:
            raise InputError(f"{folder}: program.json/.npz cannot be read ({error}); compile again") from None
        if not isinstance(scalars, dict):
            raise InputError(f"{folder}: program.json is no JSON object; compile again")
        if scalars.get("version") != PROGRAM_VERSION:
            raise InputError(
                f"{folder}: program version {scalars.get('version')!r}, expected {PROGRAM_VERSION}; compile again"
            )
        try:
            program = _from_parts(scalars, arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}: program.json/.npz is incomplete ({error!r}); compile again") from None
        if program.digest != scalars.get("digest"):
            raise InputError(f"{folder}: the program's integers do not match its digest; compile again")
        return program


def canonical_digest(plain: dict[str, Any]) -> str:
    """SHA-256 of JSON with sorted keys and no spaces, so that any language can recompute it."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _absolute_row_sums(matrix: IntegerMatrix) -> list[int]:
    return [int(total) for total in np.abs(matrix.integers).sum(axis=1)]


def _format_to_plain(fmt: FixedPointFormat) -> dict[str, Any]:
    return {
        "word_length": fmt.word_length,
        "integer_bits": fmt.integer_bits,
        "signed": fmt.signed,
        "rounding": fmt.rounding.value,
        "overflow": fmt.overflow.value,
    }


def _format_from_plain(plain: dict[str, Any]) -> FixedPointFormat:
    return FixedPointFormat(
        plain["word_length"],
        plain["integer_bits"],
        plain["signed"],
        Rounding(plain["rounding"]),
        Overflow(plain["overflow"]),
    )


def _scalars(program: SolverProgram) -> dict[str, Any]:
    return {
        "version": PROGRAM_VERSION,
        "name": program.name,
        "solver": program.solver,
        "phi": program.phi,
        "input_format": _format_to_plain(program.input_format),
        "state_format": _format_to_plain(program.state_format),
        "drive_word_length": program.drive.word_length,
        "drive_left_shift": program.drive_left_shift,
        "matrix_word_length": program.matrix.word_length,
        "leak_shift": program.leak_shift,
        "iterations": program.iterations,
        "readout_word_length": program.readout.word_length,
        "certified": program.certified,
    }


def _arrays(program: SolverProgram) -> dict[str, np.ndarray]:
    return {
        "drive": program.drive.integers,
        "drive_shifts": program.drive.shifts,
        "drive_bias": program.drive_bias,
        "matrix": program.matrix.integers,
        "matrix_shifts": program.matrix.shifts,
        "readout": program.readout.integers,
        "readout_shifts": program.readout.shifts,
        "readout_bias": program.readout_bias,
    }


def _from_parts(scalars: dict[str, Any], arrays: dict[str, np.ndarray]) -> SolverProgram:
    def matrix(key: str) -> IntegerMatrix:
        return IntegerMatrix(arrays[key], arrays[f"{key}_shifts"], scalars[f"{key}_word_length"])

    return SolverProgram(
        name=scalars["name"],
        solver=scalars["solver"],
        phi=scalars["phi"],
        input_format=_format_from_plain(scalars["input_format"]),
        state_format=_format_from_plain(scalars["state_format"]),
        drive=matrix("drive"),
        drive_bias=arrays["drive_bias"],
        drive_left_shift=scalars["drive_left_shift"],
        matrix=matrix("matrix"),
        leak_shift=scalars["leak_shift"],
        iterations=scalars["iterations"],
        readout=matrix("readout"),
        readout_bias=arrays["readout_bias"],
        certified=scalars["certified"],
    )


def _check(program: SolverProgram) -> None:
    """Refuse integers that break the contract, so that no emitter needs to check again."""
    n, d, k = program.n, program.d, program.k
    shapes = {
        "drive": (n, d),
        "drive_shifts": (n,),
        "drive_bias": (n,),
        "matrix": (n, n),
        "matrix_shifts": (n,),
        "readout": (k, n),
        "readout_shifts": (k,),
        "readout_bias": (k,),
    }
    for key, array in _arrays(program).items():
        if array.shape != shapes[key] or array.dtype != np.int64:
            raise InputError(f"program: {key} is {array.dtype}{array.shape}; expected int64{shapes[key]}")
    for key in ("drive", "matrix", "readout"):
        matrix: IntegerMatrix = getattr(program, key)
        top = max(1, 2 ** (matrix.word_length - 1) - 1)
        if np.abs(matrix.integers).max() > top or (matrix.word_length == 1 and not matrix.integers.all()):
            raise InputError(f"program: {key} has levels outside a symmetric {matrix.word_length}-bit word")
    if program.phi not in PHI:
        raise InputError(f"program: phi is {program.phi!r}; expected one of {', '.join(PHI)}")
    if program.iterations < 1:
        raise InputError(f"program: iterations is {program.iterations}; expected at least 1")
    if program.matrix.shifts.min() < program.leak_shift:
        raise InputError("program: a matrix shift is below the leak shift; the leak would not be an integer")
    if program.drive_left_shift < 0 or program.drive_right_shift.min() < 0:
        raise InputError("program: the drive grid is coarser than the accumulator grid; raise drive_left_shift")
    state = program.state_format
    if not (state.signed and state.rounding is Rounding.RND and state.overflow is Overflow.SAT_SYM):
        raise InputError(f"program: state format is {state}; expected a signed AP_RND, AP_SAT_SYM format")
    if program.input_format.signed:
        raise InputError("program: input words are unsigned; fold an offset into the preprocessing instead")
