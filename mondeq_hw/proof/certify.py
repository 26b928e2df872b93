"""The certificate: every claim about the compiled program, its value, and how it is known.

A line is *proved* (exact integer or rational arithmetic, and the certificate
carries the integers with which ``check_certificate.py`` proves it again),
*measured* (floating point, or a sample) or *not covered* (with the reason).
Statements and proofs are in ``docs/mathematics.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..base import InputError, signed_width, spectral_norm
from ..problem import CLASSES, MonDEQ, Task, preactivation
from ..program import GoldenModel, SolverProgram, WarmStart
from .carried import carried_radii, prove_carried, prove_gain, root_above
from .certificate import (
    CARRIED_CLAIMS,
    COMPARED,
    CONTRACTING,
    MEASURED,
    NO_CONTRACTION,
    NO_INNER_PRODUCT,
    NO_MARGIN,
    NO_SAMPLES,
    NOT_COVERED,
    PROVED,
    SAMPLED,
    TOO_LONG,
    Certificate,
    CertificateLine,
    carried_to_plain,
    claim,
    claims_of,
    contraction_to_plain,
    gain_to_plain,
    model_to_plain,
    open_claims,
    packed,
    ratio,
    steps,
)
from .contraction import (
    ContractionProof,
    ErrorBound,
    choose_iterations,
    error_bound,
    float_up,
    infinity_norm,
    iteration_integers,
    measured_norms,
    prove_contraction,
    recheck,
    rounding_errors,
    saturated_drive,
    state_radius,
    two_norm,
)
from .distance import OutputDistance, output_distance
from .enclosure import (
    FINE_BITS,
    Enclosure,
    ExactRecurrence,
    decided_classes,
    exact_feedthrough,
    verdicts,
)
from .float_model import FloatModel, ModelEnclosure, displacement_bound, distances, enclose_equilibria, model_classes
from .gain import LARGE_FORM, witnesses
from .hard_bounds import hard_bounds, has_hard_bounds
from .metric import BOUND_BITS, WeightedTwoNorm
from .mismatch import Mismatch
from .perturbation import compare_operators, deployed_operator, displacement, prove_operator
from .ranges import accumulator_ranges
from .relaxation import Proof
from .robustness import (
    Changes,
    Deployment,
    found_unsaturated,
    gain_values,
    logit_radii,
    proved_gains,
    robustness_values,
    unsaturated_states,
)
from .warm_start import equilibrium_change
from .worst_input import largest_errors

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
#: Relative; measured bounds that are reached exactly differ from the distance by rounding.
FLOAT_SLACK = 1e-9


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
    lines = [_original_line(model), _deployed_line(model, program, step_size), _accumulator_line(program)]
    words, no_samples = _samples(program, calibration_words)
    states = None if words is None else GoldenModel(program).final_states(words)
    samples = None if words is None or states is None else (words, states)
    searched = _found_line(model, program, step_size, samples)
    lines.append(searched)
    if words is not None:
        evidence["samples"] = {"count": len(words), "words": packed(words)}
    if floating is None:
        lines += open_claims(("original_operator", *COMPARED), NO_MARGIN)
    else:
        evidence["operator"] = model_to_plain(floating)
        lines.append(_operator_line(floating))
        if words is None or states is None:
            lines += open_claims(COMPARED, no_samples)
        else:
            enclosure = enclose_equilibria(floating, program, words, _near_equilibria(model, program, words, states))
            evidence["samples"]["equilibria"] = packed(enclosure.points)
            lines += _compared_lines(floating, program, enclosure, words, states)
    if proof is None:
        lines += _uncertified_lines(program)
    else:
        evidence["contraction"] = contraction_to_plain(proof)
        bound = error_bound(program, proof)
        lines += [
            _norms_line(proof),
            _contraction_line(proof),
            _implied_line(program, proof, step_size),
            _iterations_line(program, bound),
            _radius_line(program, proof, bound),
            _logit_line(program, proof, bound),
            _range_line(program, proof, bound),
            _adjoint_line(proof),
            _worst_displacement_line(floating, program, proof, bound, step_size),
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
            lines.append(_distance_line(distance))
        lines += [_carried_line(whole, proof, bound, evidence), _gain_line(whole, evidence)]
        lines += [_warm_line(whole.warm, program, proof)] if whole.warm is not None else []
        if words is None or states is None:
            lines += open_claims(SAMPLED, no_samples)
        else:
            changes = changes or Changes.of(program.input_format, None, None)
            evidence["robustness"] = changes.to_plain()
            lines += [
                *_class_lines(Deployment(program, proof, bound, gains, changes, words, states)),
                _saturation_line(program, states),
                _displacement_line(model, program, proof, bound, step_size, words, states),
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


def _original_line(model: MonDEQ) -> CertificateLine:
    def figures() -> dict[str, Any]:
        m, L = model.measured_margin, model.measured_lipschitz
        return {"m": m, "L": L, "kappa": spectral_norm(model.W) / m, "L_over_m": L / m}

    return _measured("original_figures", figures)


def _operator_line(floating: FloatModel) -> CertificateLine:
    m, L = floating.margin, floating.lipschitz_constant
    return claim(
        "original_operator",
        {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)},
        PROVED,
    )


def _deployed_line(model: MonDEQ, program: SolverProgram, step_size: float) -> CertificateLine:
    def figures() -> dict[str, Any]:
        measured = model.measured_margin, model.measured_lipschitz
        found = compare_operators(model.W, deployed_operator(program, step_size), measured)
        names = ("delta_W_norm", "ratio", "m_tilde", "L_tilde")
        return {name: getattr(found, name) for name in names}

    return _measured("deployed_figures", figures)


# -- contraction -----------------------------------------------------------------


def _norms_line(proof: ContractionProof) -> CertificateLine:
    return claim("iteration_norms", {"plain_norm": proof.plain_norm, "weighted_norm": proof.weighted_norm}, MEASURED)


def _weighting(proof: ContractionProof) -> str:
    return "identity" if set(proof.metric.weights) == {1} else "diagonal"


def _contraction_line(proof: ContractionProof) -> CertificateLine:
    factor = ratio(proof.contraction_factor)
    values = {"contraction_factor": factor, "metric": proof.metric.name, "weighting": _weighting(proof)}
    return claim("contraction", values, PROVED)


def _implied_line(program: SolverProgram, proof: ContractionProof, step_size: float) -> CertificateLine:
    if not isinstance(proof.metric, WeightedTwoNorm):
        return open_claims(("implied_operator",), NO_INNER_PRODUCT)[0]
    margin, lipschitz = program.splitting.implied_operator(proof.contraction_factor, Fraction(step_size))
    return claim(
        "implied_operator",
        {"margin_bound": -float_up(-margin), "lipschitz_bound": float_up(lipschitz), "weighting": _weighting(proof)},
        PROVED,
    )


def _adjoint_line(proof: ContractionProof) -> CertificateLine:
    return claim("adjoint", {"contraction_factor": ratio(proof.contraction_factor)}, PROVED)


# -- iterations and error ----------------------------------------------------------


def _iterations_line(program: SolverProgram, bound: ErrorBound) -> CertificateLine:
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


def _radius_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
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


def _logit_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    radii = logit_radii(program, proof, bound)
    return claim("logit_radius", {"radii": radii}, PROVED)


def _class_lines(deployment: Deployment) -> list[CertificateLine]:
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


def _warm_line(warm: WarmStart, program: SolverProgram, proof: ContractionProof) -> CertificateLine:
    change = steps(equilibrium_change(program, proof, warm.rate))
    return claim("warm_start", {"iterations": warm.iterations, "rate": warm.rate.tolist(), "change": change}, PROVED)


# -- ranges ------------------------------------------------------------------------


def _accumulator_line(program: SolverProgram) -> CertificateLine:
    ranges = accumulator_ranges(program)
    return claim(
        "accumulators",
        {name: {"low": low, "high": high, "bits": signed_width(low, high)} for name, (low, high) in ranges.items()},
        PROVED,
    )


def _range_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
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


def _saturation_line(program: SolverProgram, states: np.ndarray) -> CertificateLine:
    at_limit = np.abs(states) >= program.state_format.max_word
    return claim("state_saturation", {"samples": len(states), "saturated": int(at_limit.any(axis=1).sum())}, PROVED)


# -- against the float model ---------------------------------------------------------


def _found_line(
    model: MonDEQ, program: SolverProgram, step_size: float, samples: tuple[np.ndarray, np.ndarray] | None
) -> CertificateLine:
    def figures() -> dict[str, Any]:
        found = largest_errors(model, program, step_size, samples)
        return {name: each.tolist() for name, each in found._asdict().items() if each is not None}

    return _measured("output_distance_found", figures)


def _distance_line(distance: OutputDistance) -> CertificateLine:
    named = {"bounds": distance.bounds, "unsaturated": distance.unsaturated, "rounding": distance.rounding}
    values = {name: [float_up(value) for value in values] for name, values in named.items() if values is not None}
    return claim("output_distance", {**values, "methods": list(distance.methods)}, PROVED)


def _carried_line(
    program: SolverProgram, proof: ContractionProof, bound: ErrorBound, evidence: dict[str, Any]
) -> CertificateLine:
    found = None if program.carried is None else prove_carried(program)
    if found is None:
        return open_claims(("carried_contraction",), "no proof of it was found")[0]
    evidence["carried"] = carried_to_plain(found)
    radii = [float_up(radius) for radius in carried_radii(program, proof.metric, bound, found)]
    return claim("carried_contraction", {"contraction_factor": ratio(found.contraction_factor), "radii": radii}, PROVED)


def _gain_line(program: SolverProgram, evidence: dict[str, Any]) -> CertificateLine:
    found = None if program.carried is None else prove_gain(program)
    if found is None:
        return open_claims(("carried_gain",), "no proof of it was found")[0]
    evidence["carried_gain"] = gain_to_plain(found)
    return claim("carried_gain", {"gain": float_up(root_above(found.square))}, PROVED)


def _displacement_line(
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


def _compared_lines(
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


def _worst_displacement_line(
    floating: FloatModel | None, program: SolverProgram, proof: ContractionProof, bound: ErrorBound, step_size: float
) -> CertificateLine:
    if floating is None:
        return open_claims(("displacement_a_priori",), NO_MARGIN)[0]
    start, radius = two_norm(program, proof, bound.start), state_radius(program, proof, bound)
    worst = displacement_bound(floating, program, Fraction(step_size), start, radius)
    return claim("displacement_a_priori", {"bound": float_up(worst)}, PROVED)


# -- what is not covered ----------------------------------------------------------------


def _uncertified_lines(program: SolverProgram) -> list[CertificateLine]:
    plain, weighted = measured_norms(program.matrix, program.leak_shift)
    norms = claim("iteration_norms", {"plain_norm": plain, "weighted_norm": weighted}, MEASURED)
    return [norms, *open_claims((*CONTRACTING, *SAMPLED, *CARRIED_CLAIMS), NO_CONTRACTION)]
