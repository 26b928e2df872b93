"""ONNX: a compiled program or a trained network out, and back in.

Three forms.  ``integer`` is bit-exact and self-contained, ``qdq`` is the same
network in the QuantizeLinear/DequantizeLinear form that other tools read,
``float`` is the trained network.  ``integer`` and ``float`` can be read back.
Every file says in its metadata which program or network it is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from mondeq_hw.base import InputError, replacing
from mondeq_hw.folder import CERTIFICATE, Build
from mondeq_hw.problem import (
    FORMAT_NAME,
    FORMAT_VERSION,
    KEY,
    MATRICES,
    MonDEQ,
    StoredRecurrence,
    Training,
    load,
    load_checkpoint,
    own_format,
    pack,
)
from mondeq_hw.program import SolverProgram
from mondeq_hw.rounding import assemble, quantized_of

from .graph import checked_model
from .onnx_float import float_graph
from .onnx_integer import integer_graph
from .onnx_qdq import qdq_graph, qdq_is_exact

INTEGER, QDQ, FLOAT = "integer", "qdq", "float"
FORMS = (INTEGER, QDQ, FLOAT)

_PREFIX = "mondeq_hw."
_FORM, _PROGRAM, _CHECKPOINT, _STORED = (_PREFIX + key for key in ("form", "program", "checkpoint", "stored"))
_STEP_SIZE = _PREFIX + "step_size"
_NETWORK = ("W", "U", "b", "O", "c")


@dataclass(frozen=True)
class Provenance:
    """What a build folder knows beside the program.

    Parameters
    ----------
    certificate_sha256 : str
        Of the bytes of ``certificate.json``.
    step_size : float
        ``alpha``, which the integers do not show: they have it folded in.
    """

    certificate_sha256: str
    step_size: float

    @staticmethod
    def of(folder: Path) -> Provenance:
        """Read a build folder's certificate.

        Raises
        ------
        InputError
            It is missing or not a certificate.
        """
        file = folder / CERTIFICATE
        try:
            content = file.read_bytes()
            step = Fraction(json.loads(content)["evidence"]["step_size"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: cannot be read as a certificate ({error!r}); compile again") from None
        return Provenance(hashlib.sha256(content).hexdigest(), float(step))


# -- out ---------------------------------------------------------------------


def integer_model(program: SolverProgram, provenance: Provenance | None = None) -> onnx.ModelProto:
    """The program as a graph that onnxruntime runs bit-exactly; see :mod:`.onnx_integer`.

    Parameters
    ----------
    program : SolverProgram
    provenance : Provenance, optional
        Of the build folder; goes into the metadata.

    Raises
    ------
    InputError
        An accumulator does not fit 64 bits.
    """
    plain = program.to_plain()
    rest = {key: entry for key, entry in plain.items() if key not in MATRICES}  # those are initializers
    properties = {_PROGRAM: json.dumps(rest, sort_keys=True), **_program_properties(INTEGER, program, provenance)}
    return checked_model(integer_graph(program), properties)


def qdq_model(program: SolverProgram, provenance: Provenance | None = None) -> onnx.ModelProto:
    """The program in QuantizeLinear/DequantizeLinear form; see :mod:`.onnx_qdq`.

    The metadata ``mondeq_hw.exact`` says whether float32 holds every sum; otherwise
    a state may now and then round to the neighbouring word.

    Raises
    ------
    InputError
        The state or input word is longer than 16 bits.
    """
    exact = {_PREFIX + "exact": json.dumps(qdq_is_exact(program))}
    return checked_model(qdq_graph(program), {**_program_properties(QDQ, program, provenance), **exact})


def float_model(model: MonDEQ, training: Training | None = None) -> onnx.ModelProto:
    """The trained network in float64; see :mod:`.onnx_float`.

    The integers of a retrained network are in the metadata, so that they survive the way back.
    """
    arrays, metadata = own_format(model, training or Training())
    properties = {
        _FORM: FLOAT,
        _CHECKPOINT: json.dumps(metadata, sort_keys=True),
        _PREFIX + "model_digest": model.digest(),
    }
    if model.stored is not None:
        properties[_STORED] = json.dumps({key: [str(a.dtype), a.tolist()] for key, a in arrays.items()})
    return checked_model(float_graph(model), properties)


def export(source: str | os.PathLike[str], form: str = INTEGER, margin: float | None = None) -> onnx.ModelProto:
    """The ONNX model of a build folder (``integer``, ``qdq``) or of a checkpoint (``float``).

    Parameters
    ----------
    source : path
    form : {"integer", "qdq", "float"}
    margin : float, optional
        As for :func:`mondeq_hw.problem.load`.

    Raises
    ------
    InputError
        Another form, or a source that the form cannot be made of.
    """
    path = Path(source)
    if form not in FORMS:
        raise InputError(f"--form is {form!r}; expected one of {', '.join(FORMS)}")
    if form == FLOAT:
        if path.is_dir():
            raise InputError(
                f"{path}: a build folder holds integers only; give the float form the checkpoint it was compiled from"
            )
        checkpoint = load_checkpoint(path, margin)
        return float_model(checkpoint.model, checkpoint.training)
    if path.is_file():
        raise InputError(f"{path}: the {form} form is made of a build folder; compile it first, or use --form float")
    build, provenance = Build.load(path), Provenance.of(path)
    build.require_unchanged(CERTIFICATE)
    make = integer_model if form == INTEGER else qdq_model
    return make(build.program, provenance)


def write(model: onnx.ModelProto, file: Path) -> None:
    """Write an ONNX file.

    Raises
    ------
    InputError
        It cannot be written.
    """
    with replacing(file, "name another file with --out") as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def summary(model: onnx.ModelProto) -> dict[str, str]:
    """Opset, inputs, outputs and the short entries of the metadata, for people."""

    def signature(values: Any) -> str:
        return ", ".join(
            f"{entry.name} {onnx.helper.tensor_dtype_to_np_dtype(entry.type.tensor_type.elem_type)} "
            f"({', '.join(d.dim_param or str(d.dim_value) for d in entry.type.tensor_type.shape.dim)})"
            for entry in values
        )

    bulky = (_PROGRAM, _CHECKPOINT, _STORED)
    short = {key.removeprefix(_PREFIX): text for key, text in _properties(model).items() if key not in bulky}
    opset = str(model.opset_import[0].version)
    return {"opset": opset, "input": signature(model.graph.input), "output": signature(model.graph.output), **short}


def _program_properties(form: str, program: SolverProgram, provenance: Provenance | None) -> dict[str, str]:
    properties = {
        _FORM: form,
        _PREFIX + "program_digest": program.digest,
        _PREFIX + "certified": json.dumps(program.certified),
        _PREFIX + "input_format": str(program.input_format),
        _PREFIX + "state_format": str(program.state_format),
        _PREFIX + "output_fractional_bits": str(program.output_fractional_bits),
    }
    if provenance is not None:
        properties[_PREFIX + "certificate_sha256"] = provenance.certificate_sha256
        properties[_STEP_SIZE] = repr(provenance.step_size)
    return properties


# -- in ----------------------------------------------------------------------


def from_onnx(path: str | os.PathLike[str]) -> SolverProgram | MonDEQ:
    """The program of an ``integer`` file, or the network of a ``float`` file.

    Raises
    ------
    InputError
        Not an ONNX file of these forms, or changed since it was exported.
    """
    file = Path(path)
    model = _parsed(file)
    if _form(file, model) == FLOAT:
        return load(file)
    return _program(file, model)


def read_checkpoint(file: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Arrays and metadata of an ONNX file in this project's own checkpoint format, for ``load``.

    An ``integer`` file reads as a retrained network: its integers are compiled as they are.

    Raises
    ------
    InputError
        As :func:`from_onnx`.
    """
    model = _parsed(file)
    properties = _properties(model)
    if _form(file, model) == INTEGER:
        return _retrained(file, _program(file, model), float(properties.get(_STEP_SIZE, 0)) or None)
    try:
        metadata = dict(json.loads(properties[_CHECKPOINT]))
        if metadata["format"] != FORMAT_NAME:
            raise ValueError(f"format {metadata['format']!r}")
        stored = json.loads(properties.get(_STORED, "{}"))
        arrays = {key: np.array(entries, dtype=dtype) for key, (dtype, entries) in stored.items()}
    except (KeyError, ValueError, TypeError) as error:
        raise _damaged(file, f"its metadata cannot be read ({error!r})") from None
    return arrays or _initializers(file, model, _NETWORK), metadata


def _parsed(file: Path) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); expected an ONNX file") from None
    except Exception as error:  # protobuf's DecodeError has no public home that all its versions share
        raise InputError(f"{file}: not an ONNX model, truncated or damaged ({error}); copy it again") from None


def _form(file: Path, model: onnx.ModelProto) -> str:
    form = _properties(model).get(_FORM)
    if form in (INTEGER, FLOAT):
        return form
    if form == QDQ:
        raise InputError(
            f"{file}: the qdq form is for other tools and cannot be read back; export --form integer or --form float"
        )
    raise InputError(
        f"{file}: an ONNX model of {model.producer_name or 'an unknown producer'}, not of mondeq-hw; expected one "
        "that 'mondeq-hw export onnx' wrote (--form integer or float). Give W (or A, B, m), U, b, O and c of your "
        "network as a state_dict or .npz instead"
    )


def _properties(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _initializers(file: Path, model: onnx.ModelProto, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        return {name: found[name] for name in names}
    except Exception as error:  # a damaged tensor raises ValueError, TypeError, KeyError ... by where it is cut
        raise _damaged(file, f"its initializers cannot be read ({error!r})") from None


def _program(file: Path, model: onnx.ModelProto) -> SolverProgram:
    """The program of an integer file, which must still be the graph that this program gives."""
    matrices = _initializers(file, model, MATRICES)
    properties = _properties(model)
    try:
        plain = json.loads(properties[_PROGRAM])
        plain |= {name: array.T.tolist() for name, array in matrices.items()}
        program = SolverProgram.from_plain(plain)
    except (KeyError, ValueError, TypeError, OverflowError, InputError) as error:
        raise _damaged(file, f"its program cannot be read ({error!r})") from None
    if program.digest != properties.get(_PREFIX + "program_digest"):
        raise _damaged(file, "its integers do not match their digest")
    if integer_model(program).graph != model.graph:
        raise _damaged(file, "its graph is not the one that its program gives in this version")
    return program


def _damaged(file: Path, what: str) -> InputError:
    return InputError(f"{file}: {what}: changed or damaged since it was exported; export it again")


def _retrained(
    file: Path, program: SolverProgram, step_size: float | None
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A program as the checkpoint of a retrained network that takes raw input words as they are.

    The recurrence has the step size folded in, so any other describes the same
    integers: that of forward-backward is its leak, Peaceman-Rachford's is 1 where none is known.
    """
    own = 2.0**-program.leak_shift if program.leak_shift else step_size or 1.0
    grid = program.drive.shifts + program.input_format.fractional_bits + program.drive_left_shift
    stored = StoredRecurrence(
        solver=program.solver,
        step_size=own,
        leak_shift=program.leak_shift,
        matrix=program.matrix,
        drive=program.drive,
        readout=program.readout,
        drive_bias=np.ldexp(program.drive_bias.astype(np.float64), -grid),
        readout_bias=np.ldexp(program.readout_bias.astype(np.float64), -program.output_fractional_bits),
        input_format=program.input_format,
        state_format=program.state_format,
    )
    again = assemble(
        quantized_of(stored),
        program.input_format,
        program.state_format,
        program.iterations,
        program.certified,
        program.name,
    )
    if again.digest != program.digest:
        raise InputError(f"{file}: its integers are none that 'compile' assembles; load it with from_onnx and emit it")
    arrays, packed = pack(stored)
    metadata = {
        "version": FORMAT_VERSION,
        "preprocessing": {"scale": 1.0, "mean": 0.0, "std": 1.0, "input_bits": program.input_format.integer_bits},
        KEY: packed,
    }
    return arrays, metadata
