"""The lines of a certificate: each claim with its values, from what certifying has found."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ..base import InputError, signed_width, spectral_norm
from ..problem import MonDEQ
from ..program import SolverProgram, WarmStart
from .carried import carried_radii, prove_carried, prove_gain, root_above
from .claims import (
    CARRIED_CLAIMS,
    CONTRACTING,
    MEASURED,
    NO_CONTRACTION,
    NO_INNER_PRODUCT,
    NO_MARGIN,
    NOT_COVERED,
    PROVED,
    SAMPLED,
    CertificateLine,
    claim,
    open_claims,
)
from .contraction import (
    ContractionProof,
    ErrorBound,
    float_up,
    infinity_norm,
    iteration_integers,
    measured_norms,
    rounding_errors,
    saturated_drive,
    state_radius,
    two_norm,
)
from .distance import OutputDistance
from .enclosure import (
    FINE_BITS,
    Enclosure,
    ExactRecurrence,
    decided_classes,
    exact_feedthrough,
    verdicts,
)
from .float_model import FloatModel, ModelEnclosure, displacement_bound, distances, model_classes
from .metric import BOUND_BITS, WeightedTwoNorm
from .perturbation import compare_operators, deployed_operator, displacement
from .plain import carried_to_plain, gain_to_plain, ratio, steps
from .ranges import accumulator_ranges
from .robustness import (
    Deployment,
    logit_radii,
    robustness_values,
)
from .warm_start import equilibrium_change
from .worst_input import largest_errors

#: Relative; measured bounds that are reached exactly differ from the distance by rounding.
FLOAT_SLACK = 1e-9


def _measured(name: str, figures: Callable[[], dict[str, Any]]) -> CertificateLine:
    """A measured line, or none where floating point cannot name its figures."""
    try:
        values = figures()
    except (InputError, np.linalg.LinAlgError, ZeroDivisionError) as error:
        return claim(name, {"reason": f"floating point fails: {error}"}, NOT_COVERED)
    if not all(np.isfinite(value).all() for value in values.values()):
        return claim(name, {"reason": "floating point fails: a figure is not finite"}, NOT_COVERED)
    return claim(name, values, MEASURED)


# -- the paper's lines -----------------------------------------------------------


def original_line(model: MonDEQ) -> CertificateLine:
    def figures() -> dict[str, Any]:
        m, L = model.measured_margin, model.measured_lipschitz
        return {"m": m, "L": L, "kappa": spectral_norm(model.W) / m, "L_over_m": L / m}

    return _measured("original_figures", figures)


def operator_line(floating: FloatModel) -> CertificateLine:
    m, L = floating.margin, floating.lipschitz_constant
    return claim(
        "original_operator",
        {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)},
        PROVED,
    )


def deployed_line(model: MonDEQ, program: SolverProgram, step_size: float) -> CertificateLine:
    def figures() -> dict[str, Any]:
        measured = model.measured_margin, model.measured_lipschitz
        found = compare_operators(model.W, deployed_operator(program, step_size), measured)
        names = ("delta_W_norm", "ratio", "m_tilde", "L_tilde")
        return {name: getattr(found, name) for name in names}

    return _measured("deployed_figures", figures)


# -- contraction -----------------------------------------------------------------


def norms_line(proof: ContractionProof) -> CertificateLine:
    return claim("iteration_norms", {"plain_norm": proof.plain_norm, "weighted_norm": proof.weighted_norm}, MEASURED)


def _weighting(proof: ContractionProof) -> str:
    return "identity" if set(proof.metric.weights) == {1} else "diagonal"


def contraction_line(proof: ContractionProof) -> CertificateLine:
    factor = ratio(proof.contraction_factor)
    values = {"contraction_factor": factor, "metric": proof.metric.name, "weighting": _weighting(proof)}
    return claim("contraction", values, PROVED)


def implied_line(program: SolverProgram, proof: ContractionProof, step_size: float) -> CertificateLine:
    if not isinstance(proof.metric, WeightedTwoNorm):
        return open_claims(("implied_operator",), NO_INNER_PRODUCT)[0]
    margin, lipschitz = program.splitting.implied_operator(proof.contraction_factor, Fraction(step_size))
    return claim(
        "implied_operator",
        {"margin_bound": -float_up(-margin), "lipschitz_bound": float_up(lipschitz), "weighting": _weighting(proof)},
        PROVED,
    )


def adjoint_line(proof: ContractionProof) -> CertificateLine:
    return claim("adjoint", {"contraction_factor": ratio(proof.contraction_factor)}, PROVED)


# -- iterations and error ----------------------------------------------------------


def iterations_line(program: SolverProgram, bound: ErrorBound) -> CertificateLine:
    return claim(
        "iterations",
        {
            "iterations": program.iterations,
            "transient": steps(bound.transient(program.iterations)),
            "start_bound": steps(bound.start),
            "rounding_bound": steps(bound.rounding),
        },
        PROVED,
    )


def radius_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    radius = bound.radius(program.iterations)
    return claim(
        "radius",
        {
            "weighted_norm": steps(radius),
            "two_norm": float_up(two_norm(program, proof, radius)),
            "infinity_norm": float_up(infinity_norm(program, proof, radius)),
        },
        PROVED,
    )


def logit_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    radii = logit_radii(program, proof, bound)
    return claim("logit_radius", {"radii": radii}, PROVED)


def class_lines(deployment: Deployment) -> list[CertificateLine]:
    program, proof, bound = deployment.program, deployment.proof, deployment.bound
    words, states = deployment.words, deployment.states
    radius, direct = bound.radius(program.iterations), exact_feedthrough(program, words)
    prior = decided_classes(program, proof, Enclosure(states, [radius] * len(states)), 0, direct)
    exact = ExactRecurrence(program, proof, words)
    fine = exact.start(states)
    deployed_radii = exact.enclose(fine).radii
    enclosure = exact.enclose(exact.settled(fine))
    posterior = decided_classes(program, proof, enclosure, FINE_BITS, direct)
    values = robustness_values(deployment, enclosure)
    return [
        claim("robustness", values, PROVED),
        claim("class_a_priori", {"samples": len(states), "equal": sum(c >= 0 for c in prior)}, PROVED),
        claim(
            "class_a_posteriori",
            {
                "samples": len(states),
                **verdicts(program, words, posterior),
                "largest_distance": steps(max(deployed_radii) >> FINE_BITS, rounding=1),
            },
            PROVED,
        ),
    ]


def warm_line(warm: WarmStart, program: SolverProgram, proof: ContractionProof) -> CertificateLine:
    change = steps(equilibrium_change(program, proof, warm.rate))
    return claim("warm_start", {"iterations": warm.iterations, "rate": warm.rate.tolist(), "change": change}, PROVED)


# -- ranges ------------------------------------------------------------------------


def accumulator_line(program: SolverProgram) -> CertificateLine:
    ranges = accumulator_ranges(program)
    return claim(
        "accumulators",
        {name: {"low": low, "high": high, "bits": signed_width(low, high)} for name, (low, high) in ranges.items()},
        PROVED,
    )


def range_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    N, grid = iteration_integers(program.matrix, program.leak_shift)
    reach, unit = bound.reach(), Fraction(2) ** (grid + 2 * BOUND_BITS)
    rows = zip(proof.metric.dual_norms_up(N), saturated_drive(program), rounding_errors(program), strict=True)
    # A row beyond the saturation level is cut, so its drive counts up to that level only; then it saturates anyway.
    steps = max(dual * reach / unit + drive + error for dual, drive, error in rows)
    saturates = steps >= program.state_format.max_word
    return claim(
        "state_range",
        {
            "bound": float_up(steps),
            "saturation_level": program.state_format.max_word,
            "verdict": "may saturate, harmless" if saturates else "never saturates",
        },
        PROVED,
    )


def saturation_line(program: SolverProgram, states: np.ndarray) -> CertificateLine:
    at_limit = np.abs(states) >= program.state_format.max_word
    return claim("state_saturation", {"samples": len(states), "saturated": int(at_limit.any(axis=1).sum())}, PROVED)


# -- against the float model ---------------------------------------------------------


def found_line(
    model: MonDEQ, program: SolverProgram, step_size: float, samples: tuple[np.ndarray, np.ndarray] | None
) -> CertificateLine:
    def figures() -> dict[str, Any]:
        found = largest_errors(model, program, step_size, samples)
        return {name: each.tolist() for name, each in found._asdict().items() if each is not None}

    return _measured("output_distance_found", figures)


def distance_line(distance: OutputDistance) -> CertificateLine:
    named = {"bounds": distance.bounds, "unsaturated": distance.unsaturated, "rounding": distance.rounding}
    values = {name: [float_up(value) for value in values] for name, values in named.items() if values is not None}
    return claim("output_distance", {**values, "methods": list(distance.methods)}, PROVED)


def carried_line(
    program: SolverProgram, proof: ContractionProof, bound: ErrorBound, evidence: dict[str, Any]
) -> CertificateLine:
    found = None if program.carried is None else prove_carried(program)
    if found is None:
        return open_claims(("carried_contraction",), "no proof of it was found")[0]
    evidence["carried"] = carried_to_plain(found)
    radii = [float_up(radius) for radius in carried_radii(program, proof.metric, bound, found)]
    return claim("carried_contraction", {"contraction_factor": ratio(found.contraction_factor), "radii": radii}, PROVED)


def gain_line(program: SolverProgram, evidence: dict[str, Any]) -> CertificateLine:
    found = None if program.carried is None else prove_gain(program)
    if found is None:
        return open_claims(("carried_gain",), "no proof of it was found")[0]
    evidence["carried_gain"] = gain_to_plain(found)
    return claim("carried_gain", {"gain": float_up(root_above(found.square))}, PROVED)


def displacement_line(
    model: MonDEQ,
    program: SolverProgram,
    proof: ContractionProof,
    bound: ErrorBound,
    step_size: float,
    words: np.ndarray,
    states: np.ndarray,
) -> CertificateLine:
    def figures() -> dict[str, Any]:
        radius = float(state_radius(program, proof, bound))
        moved = displacement(model, program, step_size, words, states, radius)
        values: dict[str, Any] = {
            "samples": len(words),
            "distance_mean": float(moved.distance.mean()),
            "distance_max": float(moved.distance.max()),
        }
        for name in ("paper", "perturbation", "residual"):
            limit = getattr(moved, f"{name}_bound")
            values[f"{name}_bound_max"] = float(limit.max())
            values[f"{name}_bound_satisfied"] = float((moved.distance <= limit * (1 + FLOAT_SLACK)).mean())
        return values

    return _measured("displacement", figures)


def compared_lines(
    floating: FloatModel, program: SolverProgram, enclosure: ModelEnclosure, words: np.ndarray, states: np.ndarray
) -> list[CertificateLine]:
    distance = distances(program, states, enclosure)
    classes = model_classes(floating, program, enclosure)
    return [
        claim(
            "displacement_a_posteriori",
            {
                "samples": len(states),
                "largest": float_up(max(distance)),
                "mean": float_up(sum(distance, Fraction(0)) / len(distance)),
            },
            PROVED,
        ),
        claim("class_of_float_model", {"samples": len(states), **verdicts(program, words, classes)}, PROVED),
    ]


def worst_displacement_line(
    floating: FloatModel | None, program: SolverProgram, proof: ContractionProof, bound: ErrorBound, step_size: float
) -> CertificateLine:
    if floating is None:
        return open_claims(("displacement_a_priori",), NO_MARGIN)[0]
    start, radius = two_norm(program, proof, bound.start), state_radius(program, proof, bound)
    worst = displacement_bound(floating, program, Fraction(step_size), start, radius)
    return claim("displacement_a_priori", {"bound": float_up(worst)}, PROVED)


# -- what is not covered ----------------------------------------------------------------


def uncertified_lines(program: SolverProgram) -> list[CertificateLine]:
    plain, weighted = measured_norms(program.matrix, program.leak_shift)
    norms = claim("iteration_norms", {"plain_norm": plain, "weighted_norm": weighted}, MEASURED)
    return [norms, *open_claims((*CONTRACTING, *SAMPLED, *CARRIED_CLAIMS), NO_CONTRACTION)]
