"""Which changes of a sample's input leave its deployed class, and how much outputs move with the input at all.

The deployed state lies within the certificate's radius of the exact equilibrium at *every* input, and exact equilibria
move no faster than the gains say (:mod:`.gain`): what is left of a sample's margin after the radius, over the gain of a
difference of two outputs, is a change that provably leaves the class.  Section 14 of ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from ..base import FixedPointFormat, integers
from ..problem import Task
from ..program import GoldenModel, SolverProgram
from . import check_certificate
from .contraction import ContractionProof, ErrorBound, float_up
from .enclosure import FINE_BITS, Enclosure, exact_feedthrough, feedthrough_rounding, whole
from .gain import LARGE_FORM, LARGEST_FORM, witnesses
from .metric import BOUND_BITS
from .plain import contraction_to_plain, ratio
from .ranges import readout_rows

#: Changes of which the share of samples is counted where none are named, in shares of the input's range.
USUAL_BOXES, USUAL_BALLS = (0.01, 0.02, 0.05, 0.1), (0.05, 0.1, 0.2, 0.5)

Sizes = float | Sequence[float]


@dataclass(frozen=True)
class Changes:
    """Sizes of changes of the input, in its own units, for which the certificate counts samples.

    Parameters
    ----------
    infinity_norm, two_norm : tuple of float
    """

    infinity_norm: tuple[float, ...]
    two_norm: tuple[float, ...]

    @staticmethod
    def of(words: FixedPointFormat, boxes: Sizes | None, balls: Sizes | None) -> Changes:
        """As they are named, and shares of the input's range where none are."""
        reach = (words.max_word - words.min_word) * words.step
        return Changes(
            tuple(np.atleast_1d([reach * share for share in USUAL_BOXES] if boxes is None else boxes).tolist()),
            tuple(np.atleast_1d([reach * share for share in USUAL_BALLS] if balls is None else balls).tolist()),
        )

    def to_plain(self) -> dict[str, list[str]]:
        """As JSON-ready rational numbers."""
        return {name: [ratio(Fraction(eps)) for eps in sizes] for name, sizes in vars(self).items()}


Gains = dict[str, check_certificate.Gains]


@dataclass(frozen=True)
class Deployment:
    """A proved program on samples, with what is asked of their classes.

    Parameters
    ----------
    program : SolverProgram
    proof : ContractionProof
    bound : ErrorBound
    gains : Gains
    changes : Changes
    words, states : ndarray of int (samples, d), (samples, n)
        Inputs and final states.
    """

    program: SolverProgram
    proof: ContractionProof
    bound: ErrorBound
    gains: Gains
    changes: Changes
    words: np.ndarray
    states: np.ndarray


def proved_gains(program: SolverProgram, proof: ContractionProof, witnesses: dict[str, Any]) -> Gains:
    """What the checker makes of multipliers; one that it does not confirm becomes None in ``witnesses``."""
    contraction = check_certificate.Contraction(
        check_certificate.Program(program.to_plain()), contraction_to_plain(proof)
    )
    found = {}
    for name, box in check_certificate.NORMS.items():
        try:
            found[name] = check_certificate.Gains(contraction, witnesses[name], box)
        except check_certificate.CertificateError:
            witnesses[name] = None
            found[name] = check_certificate.Gains(contraction, None, box)
    return found


def gain_values(
    program: SolverProgram,
    proof: ContractionProof,
    bound: ErrorBound,
    gains: Gains,
    unsaturated: check_certificate.Unsaturated | None,
) -> dict[str, Any]:
    """Values of the line ``gain``: in output units for one input unit."""
    inside, found = unsaturated is not None and unsaturated.inside, {}
    for name, each in gains.items():
        moved = [each.saturating(k) for k in range(program.rows)]
        if inside and each.form is not None:
            moved = [min(most, each.unsaturated(k)) for k, most in enumerate(moved)]
        found[name] = [float_up(most * Fraction(2) ** program.input_format.fractional_bits) for most in moved]
    return {
        **found,
        "rounding": [2 * radius for radius in logit_radii(program, proof, bound)],
        "states": STATES[inside],
    }


STATES = {True: "never saturate", False: "may saturate"}


def logit_radii(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> list[float]:
    """Distance of every output from the exact equilibrium's, rounded up."""
    radius, unit = bound.radius(program.iterations), Fraction(2) ** program.output_fractional_bits * 4**BOUND_BITS
    rounding = [error * 4**BOUND_BITS for error in feedthrough_rounding(program)]
    rows = zip(proof.metric.dual_norms_up(integers(readout_rows(program))), rounding, strict=True)
    return [float_up((dual * radius + error) / unit) for dual, error in rows]


def unsaturated_states(gains: Gains) -> check_certificate.Unsaturated | None:
    """What the gains say of every equilibrium without saturation, from that at the middle of all inputs."""
    box = gains["infinity_norm"]
    return None if box.form is None else check_certificate.Unsaturated(box.contraction, box)


def found_unsaturated(
    program: SolverProgram, proof: ContractionProof, task: Task, largest_form: int = LARGE_FORM
) -> check_certificate.Unsaturated | None:
    """The same by multipliers that are sought here, as :func:`.witnesses` seeks them."""
    return unsaturated_states(proved_gains(program, proof, witnesses(program, proof, task, largest_form)))


def missing_integer_bits(program: SolverProgram, proof: ContractionProof, task: Task) -> int | None:
    """Integer bits that the state lacks to prove that no equilibrium of any input saturates; None without multipliers.

    At the same step of the state.  What is missing is certain once it is none: where the state at the middle of all
    inputs saturates itself, more may be missing than is seen.
    """
    unsaturated = found_unsaturated(program, proof, task, LARGEST_FORM)
    if unsaturated is None:
        return None
    if unsaturated.inside:
        return 0
    form = program.state_format
    top = Fraction(form.max_word) / Fraction(2) ** form.fractional_bits
    return max(1, (ceil((top - min(unsaturated.rest)) / top) - 1).bit_length())


def robustness_values(deployment: Deployment, enclosure: Enclosure) -> dict[str, Any]:
    """Values of the line ``robustness``; ``enclosure`` is of the samples' continued states."""
    program, words = deployment.program, deployment.words
    classes = GoldenModel(program).outputs_at(words, deployment.states).argmax(axis=1).tolist()
    slacks = _slacks(deployment, enclosure, classes)
    contraction, states = deployment.gains["infinity_norm"].contraction, whole(enclosure.states).tolist()
    rooms = [check_certificate.rooms(contraction, *each) for each in zip(states, enclosure.radii, strict=True)]
    found: dict[str, Any] = {"samples": len(words)}
    for name, each in deployment.gains.items():
        radii = [each.radius(*sample) for sample in zip(classes, slacks, rooms, strict=True)]
        found[name] = _shares(program, name, radii, getattr(deployment.changes, name))
    return found


def _slacks(deployment: Deployment, enclosure: Enclosure, classes: list[int]) -> list[list[Fraction]]:
    """What is left of each sample's margins over the other outputs after every rounding here and at another input."""
    program, proof, bound, words = deployment.program, deployment.proof, deployment.bound, deployment.words
    rows, unit = readout_rows(program), Fraction(2) ** program.output_fractional_bits
    dual = [
        proof.metric.dual_norms_up(integers([[x - y for x, y in zip(a, b, strict=True)] for b in rows])) for a in rows
    ]
    half, everywhere = feedthrough_rounding(program), bound.radius(program.iterations) << FINE_BITS
    z = whole(program.clip.scaled(2**FINE_BITS).prox(enclosure.states))
    outputs = z @ np.array(rows, dtype=object).T + (program.readout_bias.astype(object) << FINE_BITS)
    outputs = outputs + exact_feedthrough(program, words) * 2**FINE_BITS
    found = []
    for values, radius, best in zip(outputs.tolist(), enclosure.radii, classes, strict=True):
        distance = Fraction(radius + everywhere, 4**BOUND_BITS)
        pairs = zip(values, dual[best], half, strict=True)
        found.append(
            [
                ((values[best] - y - norm * distance) / 2**FINE_BITS - half[best] - other) / unit
                for y, norm, other in pairs
            ]
        )
    return found


def _shares(program: SolverProgram, name: str, radii: list[Fraction], sizes: tuple[float, ...]) -> dict[str, Any]:
    """Quantiles of radii in input units, and how many samples hold a change of each size."""
    word, last, ordered = Fraction(2) ** program.input_format.fractional_bits, len(radii) - 1, sorted(radii)
    asked = [Fraction(eps) * word for eps in sizes]
    box = check_certificate.NORMS[name]
    certified = [sum(radius >= floor(eps) if box else radius > eps for radius in radii) for eps in asked]
    quantiles = [
        -float_up(-ordered[last * tenth // 10] / word) if ordered[last * tenth // 10] else 0.0 for tenth in range(11)
    ]
    return {"quantiles": quantiles, "eps": list(sizes), "certified": certified}
