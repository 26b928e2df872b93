"""Whether a certificate is about a given float network: what neither it nor its checker can see without the file."""

from __future__ import annotations

from typing import Any

from ..problem import MonDEQ, in_units
from ..program import SolverProgram
from .certificate import Certificate
from .float_model import affine_grids
from .normal_cone import clip_to_plain
from .perturbation import on_grid
from .plain import affine_to_plain, matrix_to_plain


def differences(certificate: Certificate, model: MonDEQ, program: SolverProgram) -> list[str]:
    """What of the network is not what the certificate holds; empty where all of it is.

    The certificate's integers are the network's numbers rounded to its grids, its preprocessing and the program's
    input format folded in; its digest is of the numbers themselves.  A carried state is in the units of its words.

    Parameters
    ----------
    certificate : Certificate
    model : MonDEQ
        With the preprocessing that it was compiled with.
    program : SolverProgram
        The certificate's.
    """
    sizes, expected = ((each.n, each.d, each.k, each.carried_words) for each in (model, program))
    if sizes != expected:
        return [f"it has {sizes} states, inputs, outputs and carried words, the certificate's network {expected}"]
    if model.carried is not None and program.carried is not None:
        model = in_units(model, program.carried.exponents - model.carried.exponents)
    held: dict[str, Any] = certificate.evidence.get("operator", {})
    found = _integers(model, program) if held else {}
    other = [f"{what} is another" for key, what in _PARTS.items() if found.get(key) != held.get(key)]
    if certificate.model_digest != model.digest():
        other.append(f"its digest is {model.digest()}, not {certificate.model_digest}")
    return other


#: Of a certificate's float network, and what they are made of.
_PARTS = {
    "W": "W",
    "input": "U, b or the preprocessing",
    "output": "O or c",
    "feedthrough": "F",
    "clip": "the proximal operator",
}


def _integers(model: MonDEQ, program: SolverProgram) -> dict[str, Any]:
    """As :func:`~mondeq_hw.proof.plain.model_to_plain` writes them."""
    grids = {name: affine_to_plain(grid) for name, grid in affine_grids(model, program).items()}
    return {"W": matrix_to_plain(on_grid(model.W)), "clip": clip_to_plain(model.prox), **grids}
