"""The certificate: every claim about the compiled program, its value, and how it is known.

A line is *proved* (exact integer or rational arithmetic, and the certificate
carries the integers with which ``check_certificate.py`` proves it again),
*measured* (floating point, or a sample) or *not covered* (with the reason).
Statements and proofs are in ``docs/mathematics.md``.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

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
from .program import SolverProgram, canonical_digest
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

CERTIFICATE_VERSION = 1
PROVED, MEASURED, NOT_COVERED = "proved", "measured", "not covered"
#: Calibration samples in the certificate: few enough that the checker (plain Python) takes seconds.
MAX_SAMPLES = 500
MAX_MULTIPLICATIONS = 200_000_000


@dataclass(frozen=True)
class CertificateLine:
    """One claim.

    Parameters
    ----------
    name : str
        Stable identifier.
    statement : str
        The claim in words; its numbers are in ``values``.
    values : dict of str to int, float, str or list
        Rational numbers as ``"p/q"``; a float in a proved line is rounded to the safe side.
    status : {"proved", "measured", "not covered"}
    source : str
        Theorem, paper or reason.
    """

    name: str
    statement: str
    values: dict[str, Any]
    status: str
    source: str


@dataclass(frozen=True)
class Certificate:
    """All lines and the integers that prove them.

    Parameters
    ----------
    lines : tuple of CertificateLine
    program : dict
        ``SolverProgram.to_plain()``.
    program_digest, model_digest : str
    evidence : dict
        Witnesses, weights and calibration words, JSON-ready.
    """

    lines: tuple[CertificateLine, ...]
    program: dict[str, Any]
    program_digest: str
    model_digest: str
    evidence: dict[str, Any]

    def line(self, name: str) -> CertificateLine:
        """The line of that name."""
        for line in self.lines:
            if line.name == name:
                return line
        raise InputError(f"certificate has no line {name!r}; it has {', '.join(line.name for line in self.lines)}")

    def to_plain(self) -> dict[str, Any]:
        """Everything as JSON-ready values, with a digest over all of it."""
        plain: dict[str, Any] = {
            "version": CERTIFICATE_VERSION,
            "lines": [dict(vars(line)) for line in self.lines],
            "program": self.program,
            "program_digest": self.program_digest,
            "model_digest": self.model_digest,
            "evidence": self.evidence,
        }
        return {**plain, "digest": canonical_digest(plain)}

    def to_json(self) -> str:
        """The text of ``certificate.json``."""
        plain = self.to_plain()
        # One key a line at the top: the claims stay readable above megabytes of integers.
        head = json.dumps({key: plain[key] for key in ("version", "lines")}, indent=2)[:-2]
        body = (f'"{key}": {json.dumps(plain[key])}' for key in plain if key not in ("version", "lines"))
        return head + ",\n  " + ",\n  ".join(body) + "\n}\n"

    def save(self, path: Path) -> None:
        """Write ``certificate.json``."""
        path.write_text(self.to_json())


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
    words = None if calibration_words is None else calibration_words[: _sample_count(program)].astype(np.int64)
    states = None if words is None else GoldenModel(program).trace(words).states[-1]
    operator = prove_operator(model.W)
    evidence: dict[str, Any] = {"step_size": _ratio(Fraction(step_size))}
    lines = [*_original_lines(model, operator), _deployed_line(model, program, step_size)]
    if operator is not None:
        evidence["operator"] = _operator_to_plain(operator)
    lines.append(_accumulator_line(program))
    if proof is None:
        lines += _uncertified_lines(program)
        return Certificate(tuple(lines), program.to_plain(), program.digest, model.digest(), evidence)
    evidence["contraction"] = {"weights": list(proof.weights), **_witness_to_plain(proof.witness)}
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
        lines += _uncalibrated_lines()
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
    measured = CertificateLine(
        "original_figures",
        "The float model's margin m, Lipschitz constant L of I - W, kappa = ||W||/m and L/m.",
        {"m": figures.m, "L": figures.L, "kappa": norm / figures.m, "L_over_m": figures.L / figures.m},
        MEASURED,
        "arXiv 2603.10562, section 3; Winston & Kolter 2020, Proposition 1",
    )
    if operator is None:
        reason = "no positive margin could be proved for the float model"
        return [measured, CertificateLine("original_operator", "Margin of the float model.", {}, NOT_COVERED, reason)]
    unit = 2**GRID_BITS
    m, L = Fraction(operator.margin_bound, unit), Fraction(operator.lipschitz_bound, unit)
    proved = CertificateLine(
        "original_operator",
        "The float model's I - W is strongly monotone with at least this margin, and Lipschitz with at most this "
        "constant: its equilibrium exists and is unique for every input.",
        {"margin_bound": -float_up(-m), "lipschitz_bound": float_up(L), "condition_bound": float_up(L / m)},
        PROVED,
        "Winston & Kolter 2020, Theorem 1; integer witness",
    )
    return [measured, proved]


def _deployed_line(model: MonDEQ, program: SolverProgram, step_size: float) -> CertificateLine:
    figures = compare_operators(model.W, deployed_operator(program, step_size))
    return CertificateLine(
        "deployed_figures",
        "The operator W~ that the stored integers implement against the float model's W; the paper asks for "
        "ratio = ||W~ - W||/m < 1, which this certificate does not need.",
        {
            "delta_W_norm": figures.delta_W_norm,
            "ratio": figures.ratio,
            "m_tilde": figures.m_tilde,
            "L_tilde": figures.L_tilde,
        },
        MEASURED,
        "arXiv 2603.10562, section 3; mathematics.md, section 4",
    )


# -- contraction -----------------------------------------------------------------


def _norms_line(proof: ContractionProof) -> CertificateLine:
    return CertificateLine(
        "iteration_norms",
        "Spectral norm of the stored iteration matrix, plain and in the weighting of the proof.",
        {"plain_norm": proof.plain_norm, "weighted_norm": proof.weighted_norm},
        MEASURED,
        "float64 singular values",
    )


def _weighting(proof: ContractionProof) -> str:
    return "identity" if set(proof.weights) == {1} else "diagonal"


def _contraction_line(proof: ContractionProof) -> CertificateLine:
    return CertificateLine(
        "contraction",
        "rho^2 D^2 - M' D^2 M is positive definite for the stored iteration matrix M: the recurrence contracts by "
        "rho in the norm ||D s||_2, for every input, and has exactly one equilibrium.",
        {"contraction_factor": _ratio(proof.contraction_factor), "weighting": _weighting(proof)},
        PROVED,
        "mathematics.md, section 3; Banach; integer witness",
    )


def _implied_line(program: SolverProgram, proof: ContractionProof, step_size: float) -> CertificateLine:
    rho, alpha = proof.contraction_factor, Fraction(step_size)
    if program.solver == PEACEMAN_RACHFORD:
        margin, lipschitz = (1 - rho) / (alpha * (1 + rho)), (1 + rho) / (alpha * (1 - rho))
    else:
        margin, lipschitz = (1 - rho) / alpha, (1 + rho) / alpha
    return CertificateLine(
        "implied_operator",
        "The stored integers are an exact MonDEQ: I - W~ is strongly monotone with at least this margin and Lipschitz "
        "with at most this constant, in the inner product <x, D^2 y> of the contraction.",
        {"margin_bound": -float_up(-margin), "lipschitz_bound": float_up(lipschitz), "weighting": _weighting(proof)},
        PROVED,
        "mathematics.md, section 4 (Cayley transform)",
    )


def _adjoint_line(proof: ContractionProof) -> CertificateLine:
    return CertificateLine(
        "adjoint",
        "The backward pass t <- phi'(s) * (M' t) + g contracts by the same rho in the norm ||D^-1 t||_2.",
        {"contraction_factor": _ratio(proof.contraction_factor)},
        PROVED,
        "mathematics.md, section 8; Winston & Kolter 2020, section 3.5",
    )


# -- iterations and error ----------------------------------------------------------


def _iterations_line(program: SolverProgram, bound: ErrorBound) -> CertificateLine:
    return CertificateLine(
        "iterations",
        "After this many iterations what is left of the start is at most `transient`, for every input "
        "(in ||D s||_2, D^2 the integer weights, in state steps).",
        {
            "iterations": program.iterations,
            "transient": _steps(bound.transient(program.iterations)),
            "start_bound": _steps(bound.start),
            "rounding_bound": _steps(bound.rounding),
        },
        PROVED,
        "mathematics.md, section 5",
    )


def state_radius(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> Fraction:
    """Bound on ``||s_K - s*||_2`` (and on every component), in units of the state."""
    radius = bound.radius(program.iterations)
    units = root_up(-(-(radius**2) // min(proof.weights)))
    return Fraction(units, 2**BOUND_BITS) / Fraction(2) ** program.state_format.fractional_bits


def _radius_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    euclidean = float_up(state_radius(program, proof, bound))
    return CertificateLine(
        "radius",
        "Distance of the deployed state from the exact equilibrium of the stored integers, for every input; a cycle "
        "of the rounded iteration lies inside it. The D-norm is in state steps with D^2 the integer weights, the "
        "others in units of the state.",
        {
            "weighted_norm": _steps(bound.radius(program.iterations)),
            "two_norm": euclidean,
            "infinity_norm": euclidean,
        },
        PROVED,
        "mathematics.md, section 5",
    )


def _readout_rows(program: SolverProgram) -> list[list[int]]:
    left = program.readout_left_shift.tolist()
    return [[x << shift for x in row] for row, shift in zip(program.readout.integers.tolist(), left, strict=True)]


def _logit_line(program: SolverProgram, proof: ContractionProof, bound: ErrorBound) -> CertificateLine:
    radius, unit = bound.radius(program.iterations), Fraction(2) ** program.output_fractional_bits * 4**BOUND_BITS
    radii = [float_up(dual_norm_up(row, proof.weights) * radius / unit) for row in _readout_rows(program)]
    return CertificateLine(
        "logit_radius",
        "Distance of each output from that of the exact equilibrium, for every input.",
        {"radii": radii},
        PROVED,
        "mathematics.md, section 5",
    )


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
        CertificateLine(
            "class_a_priori",
            "Calibration samples whose class provably equals the exact equilibrium's, from the radius alone.",
            {"samples": len(states), "equal": sum(c >= 0 for c in prior)},
            PROVED,
            "mathematics.md, section 5",
        ),
        CertificateLine(
            "class_a_posteriori",
            "Calibration samples whose class provably equals, or differs from, the exact equilibrium's, from each "
            "sample's own residual; and the largest distance of a deployed state from the exact equilibrium that "
            "the residual of that state alone proves (||D s||_2, state steps).",
            {
                "samples": len(states),
                "equal": verdicts.count(1),
                "different": verdicts.count(0),
                "undecided": verdicts.count(-1),
                "largest_distance": _steps(max(deployed_radii) >> FINE_BITS, rounding=1),
            },
            PROVED,
            "mathematics.md, section 6",
        ),
    ]


# -- ranges ------------------------------------------------------------------------


def _accumulator_line(program: SolverProgram) -> CertificateLine:
    ranges = accumulator_ranges(program)
    return CertificateLine(
        "accumulators",
        "No accumulator wraps: the exact interval of each, over every input and every state, and the two's "
        "complement width that holds it.",
        {name: {"low": low, "high": high, "bits": signed_width(low, high)} for name, (low, high) in ranges.items()},
        PROVED,
        "mathematics.md, section 7",
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
    return CertificateLine(
        "state_range",
        "Bound on every state word, for every input, against the saturation level. Saturation is a projection: it "
        "never breaks the contraction, and the exact equilibrium above is the one of the saturated recurrence.",
        {
            "bound": float_up(steps),
            "saturation_level": program.state_format.max_word,
            "verdict": "may saturate, harmless" if saturates else "never saturates",
        },
        PROVED,
        "mathematics.md, section 7",
    )


def _saturation_line(program: SolverProgram, states: np.ndarray) -> CertificateLine:
    at_limit = np.abs(states) >= program.state_format.max_word
    return CertificateLine(
        "state_saturation",
        "Calibration samples with a final state word at the saturation level.",
        {"samples": len(states), "saturated": int(at_limit.any(axis=1).sum())},
        PROVED,
        "counted over the samples in the certificate",
    )


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
    return CertificateLine(
        "displacement",
        "Distance ||z_K - z*|| of the deployed result from the float model's equilibrium on calibration samples, "
        "and three bounds on it: the paper's (dW only), extended to dU, db and state rounding, and a posteriori "
        "from the residual in the float model.",
        values,
        MEASURED,
        "arXiv 2603.10562, Theorem 2; mathematics.md, section 6",
    )


def _worst_displacement_line(
    model: MonDEQ, program: SolverProgram, proof: ContractionProof, bound: ErrorBound, step_size: float
) -> CertificateLine:
    radius = float(state_radius(program, proof, bound))
    start = bound.start / 2**BOUND_BITS / min(proof.weights) ** 0.5 * program.state_format.step
    return CertificateLine(
        "displacement_a_priori",
        "Bound on the same distance for every input that does not saturate the state; its constants are computed in "
        "floating point.",
        {"bound": displacement_bound(model, program, step_size, start, radius)},
        MEASURED,
        "mathematics.md, section 6",
    )


# -- what is not covered ----------------------------------------------------------------

_CALIBRATED = {
    "class_a_priori": "Share of samples whose class provably equals the exact equilibrium's, from the radius.",
    "class_a_posteriori": "The same from each sample's residual.",
    "state_saturation": "Samples that saturate the state.",
    "displacement": "Distance from the float model's equilibrium on samples.",
}
_CONTRACTING = {
    "contraction": "The recurrence contracts.",
    "implied_operator": "The stored integers are an exact MonDEQ.",
    "iterations": "Iterations after which the start no longer matters.",
    "radius": "Distance of the deployed state from an exact equilibrium.",
    "logit_radius": "Distance of the outputs from those of an exact equilibrium.",
    "state_range": "Bound on every state word.",
    "adjoint": "The backward pass contracts.",
    "displacement_a_priori": "Distance from the float model's equilibrium for every input.",
}


def _uncalibrated_lines() -> list[CertificateLine]:
    reason = "no calibration samples were given"
    return [CertificateLine(name, text, {}, NOT_COVERED, reason) for name, text in _CALIBRATED.items()]


def _uncertified_lines(program: SolverProgram) -> list[CertificateLine]:
    plain, weighted = measured_norms(program.matrix, program.leak_shift)
    reason = "no proof of contraction"
    norms = CertificateLine(
        "iteration_norms",
        "Spectral norm of the stored iteration matrix, plain and in the best diagonal weighting found; neither could "
        "be proved below one.",
        {"plain_norm": plain, "weighted_norm": weighted},
        MEASURED,
        "float64 singular values",
    )
    open_lines = {**_CONTRACTING, **_CALIBRATED}
    return [norms, *(CertificateLine(name, text, {}, NOT_COVERED, reason) for name, text in open_lines.items())]


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
        "factor": [row[: i + 1] for i, row in enumerate(rows)],
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
    return base64.b64encode(zlib.compress(words.astype("<i8").tobytes(), 9)).decode()
