"""The certificate: every claim about the compiled program, its value, and how it is known.

A line is *proved* (exact integer or rational arithmetic, and the certificate
carries the integers with which ``check_certificate.py`` proves it again),
*measured* (floating point, or a sample) or *not covered* (with the reason).
Statements and proofs are in ``docs/mathematics.md``.
"""

from __future__ import annotations

import base64
import zlib
from fractions import Fraction
from typing import Any

import numpy as np

from .certificate import MEASURED, NOT_COVERED, PROVED, Certificate, CertificateLine, claim
from .contraction import (
    BOUND_BITS,
    ContractionProof,
    ErrorBound,
    choose_iterations,
    drive_extremes,
    dual_norm_up,
    error_bound,
    float_up,
    iteration_integers,
    measured_norms,
    prove_contraction,
    recheck,
    root_up,
    rounding_errors,
    saturated_drive,
)
from .enclosure import FINE_BITS, Enclosure, ExactRecurrence, decided_classes
from .errors import InputError
from .exact import PositiveDefiniteWitness
from .golden import GoldenModel
from .model import MonDEQ
from .numerics import signed_width
from .perturbation import (
    GRID_BITS,
    OperatorProof,
    compare_operators,
    deployed_operator,
    displacement,
    displacement_bound,
    prove_operator,
)
from .program import SolverProgram
from .quantize import QuantizedRecurrence
from .reformulate import PEACEMAN_RACHFORD

__all__ = [
    "Certificate",
    "CertificateLine",
    "ContractionProof",
    "certify",
    "choose_iterations",
    "measured_norms",
    "prove_contraction",
    "recheck",
]

#: Calibration samples in the certificate: few enough that the checker (plain Python) takes seconds.
MAX_SAMPLES = 500
MAX_MULTIPLICATIONS = 200_000_000
#: What needs calibration samples, and what needs a proof of contraction.
SAMPLED = ("class_a_priori", "class_a_posteriori", "state_saturation", "displacement")
CONTRACTING = (
    "contraction",
    "implied_operator",
    "adjoint",
    "iterations",
    "radius",
    "logit_radius",
    "state_range",
    "displacement_a_priori",
)


def certify(
    program: SolverProgram,
    proof: ContractionProof | None,
    model: MonDEQ,
    quantized: QuantizedRecurrence,
    calibration_words: np.ndarray | None,
) -> Certificate:
    """Draw up the certificate of a compiled program.

    Parameters
    ----------
    program : SolverProgram
        As deployed, with its final number of iterations.
    proof : ContractionProof or None
        None for a program that goes on uncertified: what rests on contraction is then not covered.
    model : MonDEQ
    quantized : QuantizedRecurrence
        Where the program's integers come from; gives the step size.
    calibration_words : ndarray of int (samples, d) or None
        Input words of the program; the first few hundred enter the certificate.

    Returns
    -------
    Certificate
    """
    step_size = quantized.recurrence.step_size
    words = states = None
    if calibration_words is not None and len(calibration_words):
        words = calibration_words[: _sample_count(program)].astype(np.int64)
        states = GoldenModel(program).trace(words).states[-1]
    operator = prove_operator(model.W)
    evidence: dict[str, Any] = {"step_size": _ratio(Fraction(step_size))}
    lines = [*_original_lines(model, operator), _deployed_line(model, program, step_size)]
    if operator is not None:
        evidence["operator"] = _operator_to_plain(operator)
    lines.append(_accumulator_line(program))
    if proof is None:
        lines += _uncertified_lines(program)
        return Certificate(tuple(lines), program.to_plain(), program.digest, model.digest(), evidence)
    factor, weights = _ratio(proof.contraction_factor), list(proof.weights)
    evidence["contraction"] = {"factor": factor, "weights": weights, **_witness_to_plain(proof.witness)}
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
    ]
    if words is None or states is None:
        lines += _open_lines(SAMPLED, "no calibration samples were given")
    else:
        evidence["samples"] = {"count": len(words), "words": _pack(words)}
        lines += [
            *_class_lines(program, proof, bound, words, states),
            _saturation_line(program, states),
            _displacement_line(model, program, proof, bound, step_size, words, states),
        ]
    lines.append(_worst_displacement_line(model, program, proof, bound, step_size))
    return Certificate(tuple(lines), program.to_plain(), program.digest, model.digest(), evidence)


# -- the paper's lines -----------------------------------------------------------


def _original_lines(model: MonDEQ, operator: OperatorProof | None) -> list[CertificateLine]:
    figures = compare_operators(model.W, model.W)
    norm = float(np.linalg.norm(model.W, 2))
    measured = claim(
        "original_figures",
        {"m": figures.m, "L": figures.L, "kappa": norm / figures.m, "L_over_m": figures.L / figures.m},
        MEASURED,
    )
    if operator is None:
        return [
            measured,
            *_open_lines(("original_operator",), "no positive margin could be proved for the float model"),
        ]
    unit = 2**GRID_BITS
    m, L = Fraction(operator.margin_bound, unit), Fraction(operator.lipschitz_bound, unit)
    proved = claim(
        "original_operator",
        {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)},
        PROVED,
    )
    return [measured, proved]


def _deployed_line(model: MonDEQ, program: SolverProgram, step_size: float) -> CertificateLine:
    figures = compare_operators(model.W, deployed_operator(program, step_size))
    return claim(
        "deployed_figures",
        {
            "delta_W_norm": figures.delta_W_norm,
            "ratio": figures.ratio,
            "m_tilde": figures.m_tilde,
            "L_tilde": figures.L_tilde,
        },
        MEASURED,
    )


# -- contraction -----------------------------------------------------------------


def _norms_line(proof: ContractionProof) -> CertificateLine:
    return claim("iteration_norms", {"plain_norm": proof.plain_norm, "weighted_norm": proof.weighted_norm}, MEASURED)


def _weighting(proof: ContractionProof) -> str:
    return "identity" if set(proof.weights) == {1} else "diagonal"


def _contraction_line(proof: ContractionProof) -> CertificateLine:
    return claim(
        "contraction", {"contraction_factor": _ratio(proof.contraction_factor), "weighting": _weighting(proof)}, PROVED
    )


def _implied_line(program: SolverProgram, proof: ContractionProof, step_size: float) -> CertificateLine:
    rho, alpha = proof.contraction_factor, Fraction(step_size)
    if program.solver == PEACEMAN_RACHFORD:
        margin, lipschitz = (1 - rho) / (alpha * (1 + rho)), (1 + rho) / (alpha * (1 - rho))
    else:
        margin, lipschitz = (1 - rho) / alpha, (1 + rho) / alpha
    return claim(
        "implied_operator",
        {"margin_bound": -float_up(-margin), "lipschitz_bound": float_up(lipschitz), "weighting": _weighting(proof)},
        PROVED,
    )


def _adjoint_line(proof: ContractionProof) -> CertificateLine:
    return claim("adjoint", {"contraction_factor": _ratio(proof.contraction_factor)}, PROVED)


# -- iterations and error ----------------------------------------------------------


def _iterations_line(program: SolverProgram, bound: ErrorBound) -> CertificateLine:
    return claim(
        "iterations",
        {
            "iterations": program.iterations,
            "transient": _steps(bound.transient(program.iterations)),
            "start_bound": _steps(bound.start),
            "rounding_bound": _steps(bound.rounding),
        },
        PROVED,
    )


def state_radius(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> Fraction:
    """Bound on ``||s_K - s*||_2`` (and on every component), in units of the state."""
    radius = bound.radius(program.iterations)
    units = root_up(-(-(radius**2) // min(proof.weights)))
    return Fraction(units, 2**BOUND_BITS) / Fraction(2) ** program.state_format.fractional_bits


def _radius_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    euclidean = float_up(state_radius(program, proof, bound))
    return claim(
        "radius",
        {
            "weighted_norm": _steps(bound.radius(program.iterations)),
            "two_norm": euclidean,
            "infinity_norm": euclidean,
        },
        PROVED,
    )


def _readout_rows(program: SolverProgram) -> list[list[int]]:
    left = program.readout_left_shift.tolist()
    return [[x << shift for x in row] for row, shift in zip(program.readout.integers.tolist(), left, strict=True)]


def _logit_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    radius, unit = bound.radius(program.iterations), Fraction(2) ** program.output_fractional_bits * 4**BOUND_BITS
    radii = [float_up(dual_norm_up(row, proof.weights) * radius / unit) for row in _readout_rows(program)]
    return claim("logit_radius", {"radii": radii}, PROVED)


def _class_lines(
    program: SolverProgram, proof: ContractionProof, bound: ErrorBound, words: np.ndarray, states: np.ndarray
) -> list[CertificateLine]:
    radius = bound.radius(program.iterations)
    prior = decided_classes(program, proof, Enclosure(states, [radius] * len(states)), 0)
    exact = ExactRecurrence(program, proof, words)
    fine = exact.start(states)
    deployed_radii = exact.enclose(fine).radii
    for _ in range(program.iterations):
        fine = exact.update(fine)
    posterior = decided_classes(program, proof, exact.enclose(fine), FINE_BITS)
    deployed = GoldenModel(program).predict_raw(words).argmax(axis=1).tolist()
    verdicts = [-1 if c < 0 else int(c == d) for c, d in zip(posterior, deployed, strict=True)]
    return [
        claim("class_a_priori", {"samples": len(states), "equal": sum(c >= 0 for c in prior)}, PROVED),
        claim(
            "class_a_posteriori",
            {
                "samples": len(states),
                "equal": verdicts.count(1),
                "different": verdicts.count(0),
                "undecided": verdicts.count(-1),
                "largest_distance": _steps(max(deployed_radii) >> FINE_BITS, rounding=1),
            },
            PROVED,
        ),
    ]


# -- ranges ------------------------------------------------------------------------


def _accumulator_line(program: SolverProgram) -> CertificateLine:
    ranges = accumulator_ranges(program)
    return claim(
        "accumulators",
        {name: {"low": low, "high": high, "bits": signed_width(low, high)} for name, (low, high) in ranges.items()},
        PROVED,
    )


def accumulator_ranges(program: SolverProgram) -> dict[str, tuple[int, int]]:
    """Interval of every accumulator, derived from the stored integers alone.

    Not read from the program's own bounds, so that an error there cannot prove itself.

    Raises
    ------
    InputError
        A width that the program states does not hold its interval.
    """
    top = program.state_format.max_word
    right, shifts = program.drive_right_shift.tolist(), program.matrix.shifts.tolist()
    drive = [(low, high + ((1 << r) >> 1)) for (low, high), r in zip(drive_extremes(program), right, strict=True)]
    rounded = [((low + ((1 << r) >> 1)) >> r, high >> r) for (low, high), r in zip(drive, right, strict=True)]
    handed = max(max(abs(low), abs(high)) for low, high in rounded)
    state = 0
    for row, g, (low, high) in zip(program.matrix.integers.tolist(), shifts, rounded, strict=True):
        leak = (1 << g) - (1 << (g - program.leak_shift))
        reach = (sum(map(abs, row)) + leak) * top
        state = max(state, reach + max(abs(low), abs(high)) + ((1 << g) >> 1))
    rows = zip(_readout_rows(program), program.readout_bias.tolist(), strict=True)
    output = max(sum(map(abs, row)) * top + abs(bias) for row, bias in rows)
    ranges = {
        "drive_accumulator": (min(0, *(low for low, _ in drive)), max(0, *(high for _, high in drive))),
        "drive": (-handed, handed),
        "state_accumulator": (-state, state),
        "output": (-output, output),
    }
    stated = (program.drive_accumulator_bits, program.drive_bits, program.accumulator_bits, program.output_bits)
    for (name, (low, high)), bits in zip(ranges.items(), stated, strict=True):
        if signed_width(low, high) > bits:
            raise InputError(f"{name} reaches [{low}, {high}] but the program gives it {bits} bits; compile again")
    return ranges


def _range_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    N, grid = iteration_integers(program.matrix, program.leak_shift)
    reach, unit = bound.reach(), Fraction(2) ** (grid + 2 * BOUND_BITS)
    rows = zip(N, saturated_drive(program), rounding_errors(program), strict=True)
    # A row beyond the saturation level is cut, so its drive counts up to that level only; then it saturates anyway.
    steps = max(dual_norm_up(row, proof.weights) * reach / unit + drive + error for row, drive, error in rows)
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


def _displacement_line(
    model: MonDEQ,
    program: SolverProgram,
    proof: ContractionProof,
    bound: ErrorBound,
    step_size: float,
    words: np.ndarray,
    states: np.ndarray,
) -> CertificateLine:
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
        values[f"{name}_bound_satisfied"] = float((moved.distance <= limit).mean())
    return claim("displacement", values, MEASURED)


def _worst_displacement_line(
    model: MonDEQ, program: SolverProgram, proof: ContractionProof, bound: ErrorBound, step_size: float
) -> CertificateLine:
    radius = float(state_radius(program, proof, bound))
    start = bound.start / 2**BOUND_BITS / min(proof.weights) ** 0.5 * program.state_format.step
    return claim(
        "displacement_a_priori", {"bound": displacement_bound(model, program, step_size, start, radius)}, MEASURED
    )


# -- what is not covered ----------------------------------------------------------------


def _open_lines(names: tuple[str, ...], reason: str) -> list[CertificateLine]:
    return [claim(name, {"reason": reason}, NOT_COVERED) for name in names]


def _uncertified_lines(program: SolverProgram) -> list[CertificateLine]:
    plain, weighted = measured_norms(program.matrix, program.leak_shift)
    norms = claim("iteration_norms", {"plain_norm": plain, "weighted_norm": weighted}, MEASURED)
    return [norms, *_open_lines(CONTRACTING + SAMPLED, "no proof of contraction")]


# -- plain values -----------------------------------------------------------------------


def _sample_count(program: SolverProgram) -> int:
    """Samples that plain Python re-checks in seconds."""
    updates = 2 * program.iterations + 2
    multiplications = program.n * (program.d + updates * program.n + program.k)
    return max(1, min(MAX_SAMPLES, MAX_MULTIPLICATIONS // multiplications))


def _steps(bound: int, rounding: int = 0) -> float:
    """Units of ``2^-BOUND_BITS`` as a float that is not below them."""
    return float_up(Fraction(bound + rounding, 2**BOUND_BITS))


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _witness_to_plain(witness: PositiveDefiniteWitness) -> dict[str, Any]:
    rows = witness.factor.tolist()
    return {
        "exponents": list(witness.exponents),
        "bits": witness.bits,
        "cholesky": [row[: i + 1] for i, row in enumerate(rows)],
    }


def _operator_to_plain(operator: OperatorProof) -> dict[str, Any]:
    return {
        "grid_bits": GRID_BITS,
        "W": operator.integers,
        "margin": {"bound": operator.margin_bound, **_witness_to_plain(operator.margin_witness)},
        "lipschitz": {"bound": operator.lipschitz_bound, **_witness_to_plain(operator.lipschitz_witness)},
    }


def _pack(words: np.ndarray) -> str:
    """Base64 of zlib of little-endian 64-bit integers, row by row."""
    return base64.b64encode(zlib.compress(words.astype("<i8").tobytes())).decode()
