"""ONNX files of this project's own making as a checkpoint: named arrays and metadata.

:mod:`mondeq_hw.export.onnx` writes them.  Metadata holds what the graph does
not show, and a digest over the graph and all other metadata.  Files of before
the digest still load; their integers are those of a version 1 program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import DenseOperator, FixedPointFormat, InputError, Overflow, canonical_digest
from .model import FORMAT_NAME, StoredRecurrence, format_version
from .preprocessing import Preprocessing
from .stored import FEEDTHROUGH, KEY, MATRICES, pack

if TYPE_CHECKING:
    import onnx

INTEGER, QDQ, FLOAT = "integer", "qdq", "float"
_NETWORK = ("W", "U", "b", "O", "c")

Content = tuple[Mapping[str, Any], Mapping[str, Any]]


class OnnxKey(StrEnum):
    """Entries of the metadata that reading back depends on."""

    FORM = "mondeq_hw.form"
    DIGEST = "mondeq_hw.digest"
    PROGRAM = "mondeq_hw.program"
    PROGRAM_DIGEST = "mondeq_hw.program_digest"
    CHECKPOINT = "mondeq_hw.checkpoint"
    STORED = "mondeq_hw.stored"
    STEP_SIZE = "mondeq_hw.step_size"


@dataclass(frozen=True)
class OnnxFile:
    """One file of the ``integer`` or the ``float`` form.

    Parameters
    ----------
    file : Path
    model : onnx.ModelProto
    """

    file: Path
    model: onnx.ModelProto

    @staticmethod
    def load(file: Path) -> OnnxFile:
        """Read a file; its digest must agree where it has one.

        Raises
        ------
        InputError
            Not an ONNX file that can be read back, or changed since it was exported.
        """
        import onnx

        try:
            found = OnnxFile(file, onnx.load_model_from_string(file.read_bytes()))
        except OSError as error:
            raise InputError(f"{file}: cannot be read ({error.strerror}); expected an ONNX file") from None
        except Exception as error:  # protobuf's DecodeError has no public home that all its versions share
            raise InputError(f"{file}: not an ONNX model, truncated or damaged ({error}); copy it again") from None
        found._require_own_form()
        if found.properties.get(OnnxKey.DIGEST, digest := onnx_digest(found.model)) != digest:
            raise found.damaged("its graph or its metadata is not what its digest is about")
        return found

    def _require_own_form(self) -> None:
        if self.form == QDQ:
            raise InputError(
                f"{self.file}: the qdq form is for other tools and cannot be read back; export --form integer or "
                "--form float"
            )
        if self.form not in (INTEGER, FLOAT):
            raise InputError(
                f"{self.file}: an ONNX model of {self.model.producer_name or 'an unknown producer'}, not of mondeq-hw; "
                "expected one that 'mondeq-hw export onnx' wrote (--form integer or float). Give W (or A, B, m), U, b, "
                "O and c of your network as a state_dict or .npz instead"
            )

    @property
    def form(self) -> str | None:
        """``integer`` or ``float``."""
        return self.properties.get(OnnxKey.FORM)

    @property
    def properties(self) -> dict[str, str]:
        """The metadata."""
        return onnx_properties(self.model)

    def initializers(self, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
        """Constants of the graph, by name; the optional ones where the graph has them.

        Raises
        ------
        InputError
            One is missing or damaged.
        """
        from onnx import numpy_helper

        try:
            found = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.model.graph.initializer}
            return {name: found[name] for name in (*names, *(name for name in optional if name in found))}
        except Exception as error:  # a damaged tensor raises ValueError, TypeError, KeyError ... by where it is cut
            raise self.damaged(f"its initializers cannot be read ({error!r})") from None

    def matrices(self) -> dict[str, np.ndarray]:
        """The integer matrices of an ``integer`` file, transposed as the graph has them."""
        return self.initializers(MATRICES, (FEEDTHROUGH,))

    def damaged(self, what: str) -> InputError:
        """The error of a file that is not as it was exported."""
        return InputError(f"{self.file}: {what}: changed or damaged since it was exported; export it again")

    def checkpoint(self) -> Content:
        """Arrays and metadata as :func:`mondeq_hw.problem.own_format` gives them.

        An ``integer`` file reads as a retrained network: its integers are compiled as they are.

        Raises
        ------
        InputError
            As :meth:`load`; or ``compile`` would round the integers again.
        """
        properties = self.properties
        if self.form == INTEGER and OnnxKey.DIGEST not in properties:
            return self._checkpoint_of_version_1()
        if self.form == INTEGER and OnnxKey.CHECKPOINT not in properties:
            raise InputError(
                f"{self.file}: its integers are none that 'compile' assembles; load it with from_onnx and emit it"
            )
        try:
            metadata = dict(json.loads(properties[OnnxKey.CHECKPOINT]))
            if metadata["format"] != FORMAT_NAME:
                raise ValueError(f"format {metadata['format']!r}")
            stored = json.loads(properties.get(OnnxKey.STORED, "{}"))
            arrays = {key: np.array(entries, dtype=dtype) for key, (dtype, entries) in stored.items()}
        except (KeyError, ValueError, TypeError) as error:
            raise self.damaged(f"its metadata cannot be read ({error!r})") from None
        if self.form == INTEGER:
            return arrays | {f"{KEY}.{name}": array.T for name, array in self.matrices().items()}, metadata
        return arrays or self.initializers(_NETWORK, ("F",)), metadata

    def _checkpoint_of_version_1(self) -> Content:
        """Of a file of before the digest."""
        properties, matrices = self.properties, self.initializers(MATRICES)
        try:
            plain = json.loads(properties[OnnxKey.PROGRAM])
            plain |= {name: array.T.tolist() for name, array in matrices.items()}
            if plain["version"] != 1:
                raise ValueError(f"program version {plain['version']!r} without a digest")
            if canonical_digest(plain) != properties[OnnxKey.PROGRAM_DIGEST]:
                raise ValueError("the integers do not match their digest")
            stored = _recurrence_of_version_1(plain, float(properties.get(OnnxKey.STEP_SIZE, 1.0)))
            arrays, packed = pack(stored)
        except (KeyError, ValueError, TypeError, OverflowError, InputError) as error:
            raise self.damaged(f"its program cannot be read ({error!r})") from None
        return arrays, raw_words_metadata(stored, packed)


def onnx_properties(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata of a model."""
    return {entry.key: entry.value for entry in model.metadata_props}


def onnx_digest(model: onnx.ModelProto) -> str:
    """SHA-256 of a model's graph and of all its metadata but the digest itself."""
    state = hashlib.sha256(model.graph.SerializeToString(deterministic=True))
    entries = {key: text for key, text in onnx_properties(model).items() if key != OnnxKey.DIGEST}
    state.update(canonical_digest(entries).encode())
    return state.hexdigest()


def raw_words_metadata(stored: StoredRecurrence, packed: dict[str, Any]) -> dict[str, Any]:
    """Metadata of a network without preprocessing, that takes input words for what their format says."""
    words = stored.input_format
    if words.signed or words.fractional_bits > 0:
        preprocessing = Preprocessing(1.0, input_format=words)
    else:  # leading bits of whole numbers
        preprocessing = Preprocessing(1.0, input_bits=words.integer_bits)
    version = format_version(stored.prox, stored.feedthrough is not None, preprocessing)
    return {"format": FORMAT_NAME, "version": version, "preprocessing": preprocessing.to_plain(), KEY: packed}


def _recurrence_of_version_1(plain: Mapping[str, Any], step_size: float) -> StoredRecurrence:
    """Integers back on their grids; forward-backward's step size is its leak, whatever was told."""
    matrix, drive, readout = (
        DenseOperator(np.array(plain[name]), np.array(plain[f"{name}_shifts"]), plain[f"{name}_word_length"])
        for name in MATRICES
    )
    word, state = plain["input_format"], plain["state_format"]
    input_format = FixedPointFormat(word["word_length"], word["integer_bits"], signed=False, overflow=Overflow.SAT)
    state_format = FixedPointFormat(state["word_length"], state["integer_bits"])
    drive_grid = drive.shifts + input_format.fractional_bits + plain["drive_left_shift"]
    output_grid = int(readout.shifts.max()) + state_format.fractional_bits
    return StoredRecurrence(
        solver=plain["solver"],
        step_size=2.0 ** -plain["leak_shift"] if plain["leak_shift"] else step_size,
        matrix=matrix,
        drive=drive,
        readout=readout,
        drive_bias=np.ldexp(np.array(plain["drive_bias"], dtype=np.float64), -drive_grid),
        readout_bias=np.ldexp(np.array(plain["readout_bias"], dtype=np.float64), -output_grid),
        input_format=input_format,
        state_format=state_format,
    )
