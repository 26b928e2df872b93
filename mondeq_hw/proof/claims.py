"""What a certificate claims, in words, and a line of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..problem import CLASSES, VALUES
from ..program import SolverProgram

PROVED, MEASURED, NOT_COVERED = "proved", "measured", "not covered"
#: Every claim: its words and its source.  The checker knows a digest of this table for each task.
CLAIMS = {
    "output_distance": (
        "Distance |y - y*| of each deployed output from the float network's, in the output's units, for every input "
        "of the box: rounding of every matrix and bias, of the drive and of the state, saturation, and the finite "
        "number of iterations. `rounding` is the share of the last two beside the exact equilibrium of the integers; "
        "`unsaturated` is what holds for inputs at whose exact equilibrium no state saturates. "
        "The float network is the one whose preprocessing is folded into U and b in float64.",
        "mathematics.md, section 11; integers of the model",
    ),
    "output_distance_found": (
        "The largest distance of each output from the float network's that a search for the worst input finds, and "
        "the largest on calibration samples where there are any, in the output's units: no bound, but no bound can "
        "be below it. `span`: how far apart the float network's own outputs are at the inputs that the search looked "
        "at; a distance as large says nothing.",
        "slopes by the adjoint recurrence, steps on the grid of the words",
    ),
    "robustness": (
        "Calibration samples whose deployed class provably stays when their input changes: eleven quantiles, from the "
        "least to the largest, of the proved change in units of the input, by its largest component (whole input "
        "words, this change included) and by its 2-norm (every smaller change), and how many samples hold a change of "
        "size eps. For the stored integers with every rounding and the finite number of iterations; inputs between two "
        "words are left out, and so is whether the class is right.",
        "mathematics.md, section 14; integer multipliers",
    ),
    "gain": (
        "By how much two inputs' deployed outputs differ at most, for every pair of inputs: gain times the change of "
        "the input, in output units for one input unit, by its largest component and by its 2-norm, plus `rounding`, "
        "by which the state's rounding and the finite number of iterations may add. `states`: whether an equilibrium "
        "may reach the saturation level; where it may, the gain is the contraction's norm's, which is looser.",
        "mathematics.md, section 14; integer multipliers",
    ),
    "original_figures": (
        "The float model's margin m, Lipschitz constant L of I - W, kappa = ||W||/m and L/m.",
        "arXiv 2603.10562; Winston & Kolter 2020, Proposition 1",
    ),
    "original_operator": (
        "The float model's I - W is strongly monotone with at least this margin, and Lipschitz with at most this "
        "constant: its equilibrium exists and is unique for every input.",
        "Winston & Kolter 2020; mathematics.md, section 9; integer witness",
    ),
    "deployed_figures": (
        "The operator W~ that the stored integers implement against the float model's W; the paper asks for "
        "ratio = ||W~ - W||/m < 1, which this certificate does not need.",
        "arXiv 2603.10562; mathematics.md, section 4",
    ),
    "iteration_norms": (
        "Norm of the stored iteration matrix: the spectral norm, and the norm of the proof (or the smallest weighted "
        "spectral norm found, where there is no proof).",
        "float64 singular values or row sums",
    ),
    "contraction": (
        "The recurrence contracts by rho, for every input, and has exactly one equilibrium. With the stored iteration "
        "matrix M and integer weights w, in the 2-norm: rho^2 W - M' W M is positive definite, W = diag(w), the norm "
        "is sqrt(sum_i w_i s_i^2); in the infinity-norm: sum_j |M_ij| w_j <= rho w_i, the norm is max_i |s_i| / w_i.",
        "mathematics.md, section 3; Banach; integer witness or exact row sums",
    ),
    "implied_operator": (
        "The stored integers are an exact MonDEQ: I - W~ is strongly monotone with at least this margin and Lipschitz "
        "with at most this constant, in the inner product <x, W y> of the contraction, W its weights.",
        "mathematics.md, section 4 (Cayley transform)",
    ),
    "adjoint": (
        "The backward pass t <- phi'(s) * (M' t) + g contracts by the same rho in the dual of the contraction's norm.",
        "mathematics.md, section 8; Winston & Kolter 2020",
    ),
    "iterations": (
        "After this many iterations what is left of the start is at most `transient`, for every input "
        "(in the contraction's norm, in state steps).",
        "mathematics.md, section 5",
    ),
    "radius": (
        "Distance of the deployed state from the exact equilibrium of the stored integers, for every input; a cycle "
        "of the rounded iteration lies inside it. The weighted norm is the contraction's, in state steps; the others "
        "are in units of the state.",
        "mathematics.md, section 5",
    ),
    "logit_radius": (
        "Distance of each output from that of the exact equilibrium, for every input.",
        "mathematics.md, section 5",
    ),
    "accumulators": (
        "No accumulator wraps: the exact interval of each, over every input and every state, and the two's "
        "complement width that holds it.",
        "mathematics.md, section 7",
    ),
    "state_range": (
        "Bound on every state word, for every input, against the saturation level. Saturation is a projection: it "
        "never breaks the contraction, and the exact equilibrium above is the one of the saturated recurrence.",
        "mathematics.md, section 7",
    ),
    "state_saturation": (
        "Calibration samples with a final state word at the saturation level.",
        "counted over the samples in the certificate",
    ),
    "class_a_priori": (
        "Calibration samples whose class provably equals the exact equilibrium's, from the radius alone.",
        "mathematics.md, section 5",
    ),
    "class_a_posteriori": (
        "Calibration samples whose class provably equals, or differs from, the exact equilibrium's, from each "
        "sample's own residual; and the largest distance of a deployed state from the exact equilibrium that "
        "the residual of that state alone proves (in the contraction's norm, in state steps).",
        "mathematics.md, section 6",
    ),
    "displacement": (
        "Distance ||z_K - z*|| of the deployed result from the float model's equilibrium on calibration samples, "
        "and three figures for it: the paper's (dW only, so it can be violated), that one extended to dU, db and "
        "state rounding, and the residual in the float model over the margin.",
        "arXiv 2603.10562; mathematics.md, section 9",
    ),
    "displacement_a_posteriori": (
        "Bound on the distance ||z_K - z*|| of the deployed result from the float model's equilibrium, largest and "
        "mean over the calibration samples: dW, dU, db, every rounding and the finite number of iterations at once. "
        "The float model is the one whose preprocessing is folded into U and b in float64.",
        "mathematics.md, section 9; integers of the model and of points near its equilibria",
    ),
    "class_of_float_model": (
        "Calibration samples whose deployed class provably equals, or differs from, the float model's.",
        "mathematics.md, section 9; integers of the model and of points near its equilibria",
    ),
    "displacement_a_priori": (
        "Bound on the same distance for every input whose exact equilibrium does not touch the saturation level.",
        "mathematics.md, section 9; integers of the model",
    ),
}

#: What a program that carries a state claims beside the others, whose inputs then are its own and that state.
BOUNDED_CLAIMS = {
    "hard_bounds": (
        "Each output that shows one bounded variable lies in this interval, ends included, for every input, every "
        "state and any number of iterations: only its row of the clip and of the readout decide. `inside`: whether the "
        "interval is inside the network's own, by the network's numbers on the certificate's grids. No entry for other "
        "outputs.",
        "mathematics.md, section 7; stored integers",
    ),
}
CARRIED_CLAIMS = {
    "carried_contraction": (
        "Two trajectories of the carried state that get the same inputs approach each other by rho every sample, in "
        "the norm sqrt(h' L h), L the integer form: the equilibrium of the stored integers in the loop. And bounds, in "
        "the network's units, on the distance of every deployed carried word from the exact trajectory's with the same "
        "initial state, for every sequence of inputs; where neither states nor carried words saturate. Every other "
        "line is about one sample, the state carried to it among its inputs and the next one among its outputs.",
        "mathematics.md, section 12; integer witness",
    ),
    "carried_gain": (
        "Incremental gain of the stored integers, without rounding: of two trajectories from the same carried state "
        "the outputs differ by no more than the gain times what the inputs do, both as root of the sum of squares over "
        "all samples up to any; in units of the outputs over those of the input format; where no state saturates.",
        "mathematics.md, section 12; integer witness",
    ),
}
#: What a program with a warm start claims beside the others.
WARM_CLAIMS = {
    "warm_start": (
        "In every sequence of inputs of which each word changes by at most its `rate` from a sample to the next, every "
        "sample but the first after a reset runs `iterations` updates at most from the state of the one before, and "
        "ends within the radius, as the first does; so what is proved here for every input holds for every sample of "
        "it. `change`: how far the exact equilibrium moves at most, in the contraction's norm, in state steps. Lines "
        "about calibration samples take each of them as the first.",
        "mathematics.md, section 5; stored integers",
    ),
}
#: What only a network that names classes claims.
ABOUT_CLASSES = ("robustness", "class_a_priori", "class_a_posteriori", "class_of_float_model")
#: What needs calibration samples, with the float model or without, and what needs a proof of contraction.
COMPARED = ("displacement_a_posteriori", "class_of_float_model")
SAMPLED = ("robustness", "class_a_priori", "class_a_posteriori", "state_saturation", "displacement")
NO_SAMPLES = "no calibration samples were given"
TOO_LONG = "with so many iterations not one sample can be checked in reasonable time"
NO_MARGIN = "no positive margin could be proved for the float model"
NO_CONTRACTION = "no proof of contraction"
NO_INNER_PRODUCT = "the contraction is proved in the infinity-norm, which has no inner product"
CONTRACTING = (
    "output_distance",
    "gain",
    "contraction",
    "implied_operator",
    "adjoint",
    "iterations",
    "radius",
    "logit_radius",
    "state_range",
    "displacement_a_priori",
)


#: The claims that the certificate of a network makes, by its task.
CLAIMS_OF = {
    CLASSES.name: CLAIMS,
    VALUES.name: {name: words for name, words in CLAIMS.items() if name not in ABOUT_CLASSES},
}


def claims_of(task: str, program: SolverProgram, bounded: bool) -> dict[str, tuple[str, str]]:
    """The claims of a certificate: of every one of the task, of what is kept, of outputs that show bounded rows."""
    carried = {} if program.carried is None else CARRIED_CLAIMS
    warm = {} if program.warm is None else WARM_CLAIMS
    return CLAIMS_OF[task] | carried | warm | (BOUNDED_CLAIMS if bounded else {})


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
        Rational numbers as ``"p/q"``; a float in a proved line is rounded to the safe side;
        the ``reason`` where the line is not covered.
    status : {"proved", "measured", "not covered"}
    source : str
        Theorem or paper.
    """

    name: str
    statement: str
    values: dict[str, Any]
    status: str
    source: str


def claim(name: str, values: dict[str, Any], status: str) -> CertificateLine:
    """The line of a claim."""
    statement, source = (CLAIMS | CARRIED_CLAIMS | WARM_CLAIMS | BOUNDED_CLAIMS)[name]
    return CertificateLine(name, statement, values, status, source)


def open_claims(names: tuple[str, ...], reason: str) -> list[CertificateLine]:
    """The lines of claims that are not covered."""
    return [claim(name, {"reason": reason}, NOT_COVERED) for name in names]
