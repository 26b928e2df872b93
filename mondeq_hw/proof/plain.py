"""Proofs, float networks and their numbers as plain values, from which the checker proves them again."""

from __future__ import annotations

import base64
import math
import zlib
from fractions import Fraction
from typing import Any

import numpy as np

from ..problem import MonDEQ, Preprocessing
from .carried import CarriedProof, GainProof
from .contraction import ContractionProof, float_up
from .exact import PositiveDefiniteWitness
from .float_model import AffineGrid, FloatModel
from .metric import BOUND_BITS
from .normal_cone import clip_from_plain, clip_to_plain
from .perturbation import GRID_BITS

#: Of zlib: the fastest is five times as fast as the usual one, and 4 % longer.
PACKING_LEVEL = 1
#: Integers of a matrix that are written as numbers; more are packed, of which a large network has megabytes.
MOST_NUMBERS = 1 << 16


def steps(bound: int, rounding: int = 0) -> float:
    """Units of ``2^-BOUND_BITS`` as a float that is not below them."""
    return float_up(Fraction(bound + rounding, 2**BOUND_BITS))


def ratio(value: Fraction) -> str:
    """A rational number as ``"p/q"``."""
    return f"{value.numerator}/{value.denominator}"


def packed(words: np.ndarray) -> str:
    """Base64 of zlib of little-endian 64-bit integers, row by row."""
    return base64.b64encode(zlib.compress(words.astype("<i8").tobytes(), PACKING_LEVEL)).decode()


def unpacked(text: str, rows: int) -> np.ndarray:
    """The matrix that :func:`packed` wrote."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8").reshape(rows, -1)


def witness_to_plain(witness: PositiveDefiniteWitness) -> dict[str, Any]:
    """A witness, its factor's upper triangle of zeros left out where it is written as numbers."""
    factor = witness.factor
    rows = packed(factor) if factor.size > MOST_NUMBERS else [row[: i + 1] for i, row in enumerate(factor.tolist())]
    return {"exponents": list(witness.exponents), "bits": witness.bits, "cholesky": rows}


def matrix_to_plain(array: np.ndarray) -> list[list[int]] | str:
    """The integers of a matrix as numbers, or packed where they are many."""
    if array.size > MOST_NUMBERS and array.dtype == np.int64:
        return packed(array)
    rows: list[list[int]] = array.tolist()
    return rows


def contraction_to_plain(proof: ContractionProof) -> dict[str, Any]:
    """Factor, metric and weights, and the witness where these alone are no proof."""
    plain: dict[str, Any] = {
        "factor": ratio(proof.contraction_factor),
        "metric": proof.metric.name,
        "weights": list(proof.metric.weights),
    }
    if isinstance(proof.witness, PositiveDefiniteWitness):
        plain |= witness_to_plain(proof.witness)
    return plain


def carried_to_plain(proof: CarriedProof) -> dict[str, Any]:
    """Factor, form, multipliers and the two witnesses."""
    return {
        "factor": ratio(proof.contraction_factor),
        "form": proof.form,
        "multipliers": proof.multipliers,
        "floor": proof.floor,
        "witness": witness_to_plain(proof.witness),
        "floor_witness": witness_to_plain(proof.floor_witness),
    }


def gain_to_plain(proof: GainProof) -> dict[str, Any]:
    """Squared gain, form, multipliers, weight and the two witnesses."""
    return {
        "square": ratio(proof.square),
        "form": proof.form,
        "multipliers": proof.multipliers,
        "weight": proof.weight,
        "witness": witness_to_plain(proof.witness),
        "form_witness": witness_to_plain(proof.form_witness),
    }


def model_to_plain(model: FloatModel) -> dict[str, Any]:
    """The float model's integers and the witnesses of its margin and Lipschitz constant."""
    operator = model.operator
    return {
        "grid_bits": GRID_BITS,
        "W": matrix_to_plain(operator.integers),
        "margin": {"bound": operator.margin_bound, **witness_to_plain(operator.margin_witness)},
        "lipschitz": {"bound": operator.lipschitz_bound, **witness_to_plain(operator.lipschitz_witness)},
        "input": affine_to_plain(model.input),
        "output": affine_to_plain(model.output),
        "clip": clip_to_plain(model.clip),
        **({} if model.direct is None else {"feedthrough": affine_to_plain(model.direct)}),
    }


def model_from_plain(plain: dict[str, Any], input_fractional_bits: int) -> MonDEQ:
    """The float network that :func:`model_to_plain` wrote, in float64, on raw inputs without preprocessing.

    Raises
    ------
    KeyError, TypeError, ValueError, InputError
        An entry is missing, of another type, or no clip.
    """
    integers = unpacked(plain["W"], len(plain["input"]["offset"])) if isinstance(plain["W"], str) else plain["W"]
    W = np.ldexp(np.array(integers, dtype=np.float64), -plain["grid_bits"])
    U, b = _affine_from_plain(plain["input"])
    O, c = _affine_from_plain(plain["output"])  # noqa: E741 - the field's name for the readout
    margin = math.ldexp(plain["margin"]["bound"], -plain["grid_bits"])
    return MonDEQ(
        W=W,
        U=np.ldexp(U, input_fractional_bits),
        b=b,
        O=O,
        c=c,
        monotonicity_margin=margin,
        preprocessing=Preprocessing(scale=1.0),
        source="certificate",
        clip=clip_from_plain(plain["clip"]),
        F=np.ldexp(_affine_from_plain(plain["feedthrough"])[0], input_fractional_bits)
        if "feedthrough" in plain
        else None,
    )


def _affine_from_plain(plain: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    unit = Fraction(2) ** -plain["bits"]  # an offset may have more digits than float64 has range
    offset = np.array([float(value * unit) for value in plain["offset"]])
    matrix = unpacked(plain["matrix"], len(offset))
    return np.ldexp(matrix.astype(np.float64), -plain["bits"]), offset


def affine_to_plain(affine: AffineGrid) -> dict[str, Any]:
    """Grid, packed matrix and offset."""
    return {"bits": affine.bits, "matrix": packed(np.array(affine.matrix)), "offset": affine.offset}
