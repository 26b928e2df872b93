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

from mondeq_hw.base import InputError, canonical_digest, replacing
from mondeq_hw.config import CheckpointOptions
from mondeq_hw.folder import CERTIFICATE, Build
from mondeq_hw.problem import (
    FEEDTHROUGH,
    FLOAT,
    INTEGER,
    KEY,
    MATRICES,
    QDQ,
    MonDEQ,
    OnnxFile,
    OnnxKey,
    StoredRecurrence,
    Training,
    load,
    onnx_digest,
    onnx_properties,
    own_format,
    pack,
    raw_words_metadata,
)
from mondeq_hw.program import SolverProgram
from mondeq_hw.rounding import assemble, quantized_of
from mondeq_hw.steps import read_checkpoint

from .graph import checked_model
from .onnx_float import float_graph
from .onnx_integer import integer_graph
from .onnx_qdq import qdq_graph, qdq_is_exact

FORMS = (INTEGER, QDQ, FLOAT)

_PREFIX = "mondeq_hw."


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
        An accumulator does not fit 64 bits, or the program has a warm start.
    """
    _refuse_warm_start(program)
    properties = {
        OnnxKey.PROGRAM: json.dumps(_without_matrices(program.to_plain()), sort_keys=True),
        **_program_properties(INTEGER, program, provenance),
        **_checkpoint_properties(program, None if provenance is None else provenance.step_size),
    }
    return _signed(checked_model(integer_graph(program), properties))


def _refuse_warm_start(program: SolverProgram) -> None:
    if program.warm is not None:
        raise InputError(
            f"{program.name}: a sample goes on from the state of the one before (warm start), which a graph of samples "
            "does not; export the float form, or compile without --warm-start"
        )


def _without_matrices(plain: dict[str, Any]) -> dict[str, Any]:
    """Those are initializers of the graph."""
    stages = [{key: entry for key, entry in stage.items() if key not in MATRICES} for stage in plain["stages"]]
    apart = (*MATRICES, FEEDTHROUGH)
    return {key: entry for key, entry in plain.items() if key not in apart} | {"stages": stages}


def _signed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same, with a digest over graph and metadata."""
    model.metadata_props.add(key=OnnxKey.DIGEST, value=onnx_digest(model))
    return model


def qdq_model(program: SolverProgram, provenance: Provenance | None = None) -> onnx.ModelProto:
    """The program in QuantizeLinear/DequantizeLinear form; see :mod:`.onnx_qdq`.

    The metadata ``mondeq_hw.exact`` says whether float32 holds every sum; otherwise
    a state may now and then round to the neighbouring word.

    Raises
    ------
    InputError
        The state or input word is longer than 16 bits, or the program has a warm start.
    """
    _refuse_warm_start(program)
    exact = {_PREFIX + "exact": json.dumps(qdq_is_exact(program))}
    return checked_model(qdq_graph(program), {**_program_properties(QDQ, program, provenance), **exact})


def float_model(model: MonDEQ, training: Training | None = None) -> onnx.ModelProto:
    """The trained network in float64; see :mod:`.onnx_float`.

    The integers of a retrained network are in the metadata, so that they survive the way back.
    """
    arrays, metadata = own_format(model, training or Training())
    properties = {
        OnnxKey.FORM: FLOAT,
        OnnxKey.CHECKPOINT: json.dumps(metadata, sort_keys=True),
        _PREFIX + "model_digest": model.digest(),
    }
    if model.stored is not None:
        properties[OnnxKey.STORED] = _arrays_to_text(arrays)
    return _signed(checked_model(float_graph(model), properties))


def export(
    source: str | os.PathLike[str], form: str = INTEGER, options: CheckpointOptions | None = None
) -> onnx.ModelProto:
    """The ONNX model of a build folder (``integer``, ``qdq``) or of a checkpoint (``float``).

    Parameters
    ----------
    source : path
    form : {"integer", "qdq", "float"}
    options : CheckpointOptions, optional
        What the checkpoint leaves open; of a build folder nothing.

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
        checkpoint = read_checkpoint(path, options or CheckpointOptions())
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

    bulky = (OnnxKey.PROGRAM, OnnxKey.CHECKPOINT, OnnxKey.STORED)
    short = {key.removeprefix(_PREFIX): text for key, text in onnx_properties(model).items() if key not in bulky}
    opset = str(model.opset_import[0].version)
    return {"opset": opset, "input": signature(model.graph.input), "output": signature(model.graph.output), **short}


def _program_properties(form: str, program: SolverProgram, provenance: Provenance | None) -> dict[str, str]:
    properties = {
        OnnxKey.FORM: form,
        OnnxKey.PROGRAM_DIGEST: program.digest,
        _PREFIX + "certified": json.dumps(program.certified),
        _PREFIX + "input_format": str(program.input_format),
        _PREFIX + "state_format": str(program.state_format),
        _PREFIX + "output_fractional_bits": str(program.output_fractional_bits),
    }
    if provenance is not None:
        properties[_PREFIX + "certificate_sha256"] = provenance.certificate_sha256
        properties[OnnxKey.STEP_SIZE] = repr(provenance.step_size)
    return properties


# -- in ----------------------------------------------------------------------


def from_onnx(path: str | os.PathLike[str]) -> SolverProgram | MonDEQ:
    """The program of an ``integer`` file, or the network of a ``float`` file.

    Raises
    ------
    InputError
        Not an ONNX file of these forms, or changed since it was exported.
    """
    found = OnnxFile.load(Path(path))
    return load(found.file) if found.form == FLOAT else _program(found)


def _program(found: OnnxFile) -> SolverProgram:
    """The program of an integer file, which must still be the graph that this program gives."""
    properties, matrices = found.properties, found.matrices()
    try:
        plain = json.loads(properties[OnnxKey.PROGRAM])
        place = plain if plain["version"] == 1 else plain["stages"][0]
        for name, array in matrices.items():
            (plain if name in ("readout", FEEDTHROUGH) else place)[name] = array.T.tolist()
        program = SolverProgram.from_plain(plain)
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, InputError) as error:
        raise found.damaged(f"its program cannot be read ({error!r})") from None
    if canonical_digest(plain) != properties.get(OnnxKey.PROGRAM_DIGEST):
        raise found.damaged("its integers do not match their digest")
    if integer_model(program).graph != found.model.graph:
        raise found.damaged("its graph is not the one that its program gives in this version")
    return program


def _checkpoint_properties(program: SolverProgram, step_size: float | None) -> dict[str, str]:
    """The program as a retrained network, the matrices apart; nothing where ``compile`` would assemble another one."""
    stored = _retrained(program, step_size)
    rest = (program.input_format, program.state_format, program.iterations, program.certified, program.name)
    try:
        again = assemble(quantized_of(stored), *rest)
    except InputError:
        return {}
    if again.digest != program.digest:
        return {}
    arrays, packed = pack(stored)
    apart = (*MATRICES, FEEDTHROUGH)
    small = {key: array for key, array in arrays.items() if key.removeprefix(f"{KEY}.") not in apart}
    return {
        OnnxKey.CHECKPOINT: json.dumps(raw_words_metadata(stored, packed), sort_keys=True),
        OnnxKey.STORED: _arrays_to_text(small),
    }


def _arrays_to_text(arrays: Mapping[str, np.ndarray]) -> str:
    return json.dumps({key: [str(array.dtype), array.tolist()] for key, array in arrays.items()})


def _retrained(program: SolverProgram, step_size: float | None) -> StoredRecurrence:
    """A program as a retrained network that takes raw input words as they are.

    The recurrence has the step size folded in, so any other describes the same
    integers: that of forward-backward is its leak, Peaceman-Rachford's is 1 where none is known.
    """
    own = 2.0**-program.leak_shift if program.leak_shift else step_size or 1.0
    grid = program.drive.shifts + program.input_format.fractional_bits + program.drive_left_shift
    return StoredRecurrence(
        solver=program.solver,
        step_size=own,
        matrix=program.matrix,
        drive=program.drive,
        readout=program.readout,
        drive_bias=np.ldexp(program.drive_bias.astype(np.float64), -grid),
        readout_bias=np.ldexp(program.readout_bias.astype(np.float64), -program.output_fractional_bits),
        input_format=program.input_format,
        state_format=program.state_format,
        clip=program.clip.scaled(program.state_format.step).at_step(1 / own),
        feedthrough=program.feedthrough,
    )
