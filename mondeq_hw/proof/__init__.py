"""What is proved of a program, in exact integers, and the independent checker that proves it again.

Takes a ``SolverProgram`` and the float network; gives ``ContractionProof`` and ``Certificate``.
"""

from __future__ import annotations

from .certificate import Certificate, for_reading
from .certify import certify, proved_distance
from .claims import NOT_COVERED, CertificateLine
from .contraction import (
    ContractionProof,
    choose_iterations,
    error_bound,
    float_up,
    prove_contraction,
    state_radius,
    updates_to_forget,
)
from .exact import prove_positive_definite
from .gain import LARGE_FORM, LARGEST_FORM
from .metric import root_up
from .perturbation import PaperPerturbation, compare_operators, displacement, paper_perturbation, paper_quantizer
from .plain import model_from_plain, unpacked
from .ranges import accumulator_ranges
from .relaxation import Proof
from .robustness import Changes, missing_integer_bits
from .same_model import differences
from .semidefinite import is_small, state_ranges
from .vacuous import (
    constant_for_every_input,
    constant_output,
    named_output,
    radius_share,
    rounds_to_nothing,
    useless_on_samples,
    useless_radius,
)
from .verdict import Verdict, check
from .warm_start import choose_warm_start
from .weighting import best_weighting

__all__ = [
    "LARGEST_FORM",
    "LARGE_FORM",
    "NOT_COVERED",
    "Certificate",
    "CertificateLine",
    "Changes",
    "ContractionProof",
    "PaperPerturbation",
    "Proof",
    "Verdict",
    "accumulator_ranges",
    "best_weighting",
    "certify",
    "check",
    "choose_iterations",
    "choose_warm_start",
    "compare_operators",
    "constant_for_every_input",
    "constant_output",
    "differences",
    "displacement",
    "error_bound",
    "float_up",
    "for_reading",
    "is_small",
    "missing_integer_bits",
    "model_from_plain",
    "named_output",
    "paper_perturbation",
    "paper_quantizer",
    "prove_contraction",
    "prove_positive_definite",
    "proved_distance",
    "radius_share",
    "root_up",
    "rounds_to_nothing",
    "state_radius",
    "state_ranges",
    "unpacked",
    "updates_to_forget",
    "useless_on_samples",
    "useless_radius",
]
