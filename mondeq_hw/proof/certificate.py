"""A certificate as data: its claims in words, its lines, and its JSON.

:mod:`mondeq_hw.proof.certify` draws it up, ``check_certificate.py`` checks it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, as_lists, canonical_digest, card, json_text
from ..problem import CLASSES, VALUES, MonDEQ, Preprocessing
from ..program import SolverProgram, convergence_in_words
from .carried import CarriedProof, GainProof
from .contraction import ContractionProof, float_up
from .exact import PositiveDefiniteWitness
from .float_model import AffineGrid, FloatModel
from .metric import BOUND_BITS
from .normal_cone import clip_from_plain, clip_to_plain
from .perturbation import GRID_BITS

CERTIFICATE_VERSION = 2
#: Beside version, lines and digest.
CERTIFICATE_KEYS = ("task", "program", "program_digest", "model_digest", "evidence")
#: Of zlib: the fastest is five times as fast as the usual one, and 4 % longer.
PACKING_LEVEL = 1
#: Integers of a matrix that are written as numbers; more are packed, of which a large network has megabytes.
MOST_NUMBERS = 1 << 16
#: What is shown first: a title, and the line and key that hold it.
HEADLINES = (
    ("contraction factor", "contraction", "contraction_factor"),
    ("iterations", "iterations", "iterations"),
    ("distance of outputs, at most", "output_distance", "bounds"),
    ("largest distance found", "output_distance_found", "largest"),
    ("outputs move by", "output_distance_found", "span"),
)
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


def for_reading(value: Any) -> str:
    """A line's value in six digits; ``certificate.json`` has them all."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(for_reading, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {for_reading(item)}" for key, item in value.items())
    return str(value)


def _rounded_up(bound: Fraction) -> str:
    """Four digits that are not below it."""
    exact = Context(prec=60, rounding=ROUND_CEILING).divide(Decimal(bound.numerator), Decimal(bound.denominator))
    return f"{float(Context(prec=4, rounding=ROUND_CEILING).plus(exact)):.4g}"


def claim(name: str, values: dict[str, Any], status: str) -> CertificateLine:
    """The line of a claim."""
    statement, source = (CLAIMS | CARRIED_CLAIMS | WARM_CLAIMS | BOUNDED_CLAIMS)[name]
    return CertificateLine(name, statement, values, status, source)


def open_claims(names: tuple[str, ...], reason: str) -> list[CertificateLine]:
    """The lines of claims that are not covered."""
    return [claim(name, {"reason": reason}, NOT_COVERED) for name in names]


@dataclass(frozen=True, repr=False)
class Certificate:
    """All lines and the integers that prove them.

    Parameters
    ----------
    lines : tuple of CertificateLine
    task : str
        Name of a :class:`~mondeq_hw.problem.task.Task`; which lines there are follows from it.
    program : dict
        ``SolverProgram.to_plain()``, or ``to_arrays()``.
    program_digest, model_digest : str
    evidence : dict
        Witnesses, weights and calibration words, JSON-ready.
    """

    lines: tuple[CertificateLine, ...]
    task: str
    program: dict[str, Any]
    program_digest: str
    model_digest: str
    evidence: dict[str, Any]

    @staticmethod
    def load(path: Path) -> Certificate:
        """Read ``certificate.json``; what it says is for the checker to judge.

        Raises
        ------
        InputError
            The file is missing or not a certificate.
        """
        try:
            plain = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read ({error}); compile again") from None
        try:
            lines = tuple(CertificateLine(**line) for line in plain["lines"])
            return Certificate(lines, **{key: plain[key] for key in CERTIFICATE_KEYS})
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: not a certificate ({error!r}); compile again") from None

    def line(self, name: str) -> CertificateLine:
        """The line of that name."""
        for line in self.lines:
            if line.name == name:
                return line
        raise InputError(f"certificate has no line {name!r}; it has {', '.join(line.name for line in self.lines)}")

    @property
    def certified(self) -> bool:
        """Whether the contraction is proved."""
        return any(line.name == "contraction" and line.status == PROVED for line in self.lines)

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """Title, value in a few digits and status of what a reader asks first, as far as it is known."""
        known = {line.name: line for line in self.lines}
        found = []
        for title, name, key in HEADLINES:
            if name in known and key in known[name].values:
                value = known[name].values[key]
                largest = max(value) if isinstance(value, list | tuple) else value
                bound = Fraction(largest) if isinstance(largest, str) else largest
                shown = f"{bound}" if isinstance(bound, int) else _rounded_up(Fraction(bound))
                found.append((title, shown, known[name].status))
        return found

    @property
    def counts(self) -> str:
        """How many lines have each status."""
        statuses = [line.status for line in self.lines]
        return ", ".join(f"{statuses.count(each)} {each}" for each in (PROVED, MEASURED, NOT_COVERED))

    def __repr__(self) -> str:
        verdict = convergence_in_words(self.certified)
        figures = "; ".join(f"{title} {text} ({status})" for title, text, status in self.figures)
        return f"Certificate of the program {self.program_digest[:12]}: {verdict}\n  {figures}\n  lines: {self.counts}"

    def _repr_html_(self) -> str:
        return card(
            "certificate_card.html.j2",
            certified=self.certified,
            figures=self.figures,
            counts=self.counts,
            lines=self.lines,
            for_reading=for_reading,
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON-ready values, with a digest over all of it."""
        plain: dict[str, Any] = as_lists(self._content())
        return plain

    def _content(self) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "version": CERTIFICATE_VERSION,
            "lines": [dict(vars(line)) for line in self.lines],
            **{key: getattr(self, key) for key in CERTIFICATE_KEYS},
        }
        return {**plain, "digest": canonical_digest(plain)}

    def to_json(self) -> str:
        """The text of ``certificate.json``."""
        plain = self._content()
        # One key a line at the top: the claims stay readable above megabytes of integers.
        readable = ("version", "lines")
        head = json.dumps({key: plain[key] for key in readable}, indent=2)[:-2]
        body = (f'"{key}": {json_text(plain[key])}' for key in plain if key not in readable)
        return head + ",\n  " + ",\n  ".join(body) + "\n}\n"

    def save(self, path: Path) -> None:
        """Write ``certificate.json``."""
        path.write_text(self.to_json())


# -- plain values ------------------------------------------------------------------


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
