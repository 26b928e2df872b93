"""The certificate: every claim about the compiled program, its value, and how it is known.

A line is *proved* (exact integer or rational arithmetic, and the certificate
carries the integers with which ``check_certificate.py`` proves it again),
*measured* (floating point, or a sample) or *not covered* (with the reason).
Statements and proofs are in ``docs/mathematics.md``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..base import InputError
from ..problem import CLASSES, MonDEQ, Task, preactivation
from ..program import GoldenModel, SolverProgram
from .certificate import Certificate
from .claims import (
    COMPARED,
    NO_MARGIN,
    NO_SAMPLES,
    PROVED,
    SAMPLED,
    TOO_LONG,
    CertificateLine,
    claim,
    claims_of,
    open_claims,
)
from .contraction import (
    ContractionProof,
    choose_iterations,
    error_bound,
    float_up,
    measured_norms,
    prove_contraction,
    recheck,
    state_radius,
)
from .distance import output_distance
from .float_model import FloatModel, enclose_equilibria
from .gain import LARGE_FORM, witnesses
from .hard_bounds import hard_bounds, has_hard_bounds
from .lines import (
    accumulator_line,
    adjoint_line,
    carried_line,
    class_lines,
    compared_lines,
    contraction_line,
    deployed_line,
    displacement_line,
    distance_line,
    found_line,
    gain_line,
    implied_line,
    iterations_line,
    logit_line,
    norms_line,
    operator_line,
    original_line,
    radius_line,
    range_line,
    saturation_line,
    uncertified_lines,
    warm_line,
    worst_displacement_line,
)
from .mismatch import Mismatch
from .perturbation import prove_operator
from .plain import contraction_to_plain, model_to_plain, packed, ratio
from .relaxation import Proof
from .robustness import (
    Changes,
    Deployment,
    found_unsaturated,
    gain_values,
    proved_gains,
    unsaturated_states,
)

__all__ = [
    "Certificate",
    "CertificateLine",
    "ContractionProof",
    "certify",
    "choose_iterations",
    "measured_norms",
    "prove_contraction",
    "recheck",
    "state_radius",
]

#: Calibration samples in the certificate: few enough that the checker (plain Python) takes seconds.
MAX_SAMPLES = 500
MAX_MULTIPLICATIONS = 200_000_000
#: The checker refuses more than this, so a program of which one sample takes more gets none.
MOST_MULTIPLICATIONS = 2_000_000_000
#: The lines that a reader looks for come first.
FIRST = ("output_distance", "output_distance_found", "robustness", "gain")


@threadpool_limits.wrap(limits=1, user_api="blas")
def certify(
    program: SolverProgram,
    proof: ContractionProof | None,
    model: MonDEQ,
    step_size: float,
    calibration_words: np.ndarray | None,
    task: Task = CLASSES,
    ranges: tuple[tuple[Proof, Proof], ...] | None = None,
    changes: Changes | None = None,
    largest_form: int = LARGE_FORM,
) -> Certificate:
    """Draw up the certificate of a compiled program.

    Parameters
    ----------
    program : SolverProgram
        As deployed, with its final number of iterations.
    proof : ContractionProof or None
        None for a program that goes on uncertified: what rests on contraction is then not covered.
    model : MonDEQ
    step_size : float
        ``alpha``, which the program's integers have folded in.
    calibration_words : ndarray of int (samples, d) or None
        Input words of the program, with the state carried to each sample; the first few hundred enter the certificate.
    task : Task
        Whether the largest output names a class; the claims follow from it.
    ranges : tuple of pairs of Proof, optional
        Of the program's states, where lowering proved them already.
    changes : Changes, optional
        Of the input, for which the line ``robustness`` counts samples; shares of its range where there are none.
    largest_form : int
        Of more coordinates, states and inputs or states, no gain is sought: it would take minutes.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        The program's clip is not the network's.
    """
    whole, program = program, program.memoryless
    operator = prove_operator(model.W, (model.measured_margin, model.measured_lipschitz))
    floating = None if operator is None else FloatModel.of(model, operator, program)
    evidence: dict[str, Any] = {"step_size": ratio(Fraction(step_size))}
    lines = [original_line(model), deployed_line(model, program, step_size), accumulator_line(program)]
    words, no_samples = _samples(program, calibration_words)
    states = None if words is None else GoldenModel(program).final_states(words)
    samples = None if words is None or states is None else (words, states)
    searched = found_line(model, program, step_size, samples)
    lines.append(searched)
    if words is not None:
        evidence["samples"] = {"count": len(words), "words": packed(words)}
    if floating is None:
        lines += open_claims(("original_operator", *COMPARED), NO_MARGIN)
    else:
        evidence["operator"] = model_to_plain(floating)
        lines.append(operator_line(floating))
        if words is None or states is None:
            lines += open_claims(COMPARED, no_samples)
        else:
            enclosure = enclose_equilibria(floating, program, words, _near_equilibria(model, program, words, states))
            evidence["samples"]["equilibria"] = packed(enclosure.points)
            lines += compared_lines(floating, program, enclosure, words, states)
    if proof is None:
        lines += uncertified_lines(program)
    else:
        evidence["contraction"] = contraction_to_plain(proof)
        bound = error_bound(program, proof)
        lines += [
            norms_line(proof),
            contraction_line(proof),
            implied_line(program, proof, step_size),
            iterations_line(program, bound),
            radius_line(program, proof, bound),
            logit_line(program, proof, bound),
            range_line(program, proof, bound),
            adjoint_line(proof),
            worst_displacement_line(floating, program, proof, bound, step_size),
        ]
        evidence["gain"] = witnesses(program, proof, task, largest_form)
        gains = proved_gains(program, proof, evidence["gain"])
        unsaturated = unsaturated_states(gains)
        lines.append(claim("gain", gain_values(program, proof, bound, gains, unsaturated), PROVED))
        if floating is None:
            lines += open_claims(("output_distance",), NO_MARGIN)
        else:
            mismatch = Mismatch(program, floating, Fraction(step_size), proof, bound, ranges, unsaturated, whole.warm)
            distance = output_distance(mismatch, searched.values.get("largest"))
            evidence["distance"] = distance.witnesses
            lines.append(distance_line(distance))
        lines += [carried_line(whole, proof, bound, evidence), gain_line(whole, evidence)]
        lines += [warm_line(whole.warm, program, proof)] if whole.warm is not None else []
        if words is None or states is None:
            lines += open_claims(SAMPLED, no_samples)
        else:
            changes = changes or Changes.of(program.input_format, None, None)
            evidence["robustness"] = changes.to_plain()
            lines += [
                *class_lines(Deployment(program, proof, bound, gains, changes, words, states)),
                saturation_line(program, states),
                displacement_line(model, program, proof, bound, step_size, words, states),
            ]
    bounded = has_hard_bounds(whole)
    if bounded:
        lines.insert(0, claim("hard_bounds", dict(vars(hard_bounds(whole, floating))), PROVED))
    claims = claims_of(task.name, whole, bounded)
    lines.sort(key=lambda line: FIRST.index(line.name) if line.name in FIRST else len(FIRST))
    claimed = tuple(line for line in lines if line.name in claims)
    return Certificate(claimed, task.name, whole.to_arrays(), whole.digest, model.digest(), evidence)


@threadpool_limits.wrap(limits=1, user_api="blas")
def proved_distance(
    program: SolverProgram, proof: ContractionProof, model: MonDEQ, step_size: float, task: Task
) -> tuple[float, ...] | None:
    """The bounds (k,) of the line ``output_distance`` alone; None where the float network's margin is not proved."""
    operator = prove_operator(model.W)
    if operator is None:
        return None
    floating = FloatModel.of(model, operator, program)
    unsaturated = found_unsaturated(program, proof, task)
    bound = error_bound(program, proof)
    mismatch = Mismatch(program, floating, Fraction(step_size), proof, bound, unsaturated=unsaturated)
    return tuple(map(float_up, output_distance(mismatch).bounds))


def _near_equilibria(model: MonDEQ, program: SolverProgram, words: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The float network's equilibria, or the deployed ones where the float solver does not find them: looser only."""
    try:
        return model.prox.prox(preactivation(model, program.input_format.to_float(words)))
    except InputError:
        return program.state_format.to_float(program.prox(states))


def _samples(program: SolverProgram, words: np.ndarray | None) -> tuple[np.ndarray | None, str]:
    """The input words that enter the certificate, or the reason why none do."""
    if words is None or len(words) == 0:
        return None, NO_SAMPLES
    count = _sample_count(program)
    return (words[:count].astype(np.int64), "") if count else (None, TOO_LONG)


def _sample_count(program: SolverProgram) -> int:
    """Samples that plain Python re-checks in seconds, or one in minutes; 0 where it would take longer."""
    updates = 2 * program.iterations + 2
    multiplications = program.n * (program.columns + updates * program.n + program.rows)
    one = int(multiplications <= MOST_MULTIPLICATIONS)
    return max(one, min(MAX_SAMPLES, MAX_MULTIPLICATIONS // multiplications))
