"""The float problems and their files: networks, checkpoints, data, the splitting of the equilibrium, a float solver.

Takes files and arrays; gives ``MonDEQ``, ``Dataset`` and ``Recurrence``, all in floating point.
"""

from __future__ import annotations

from .cvxpy_problem import from_cvxpy
from .data import DATASETS, DIGITS, DIGITS_INPUT_BITS, DIGITS_SCALE, MNIST, Dataset, digits, mnist, named
from .load import (
    MNIST_PREPROCESSING,
    Checkpoint,
    Training,
    check_model,
    check_preprocessing,
    load,
    load_checkpoint,
    own_format,
    retrained_bits,
    save,
)
from .model import (
    FORMAT_NAME,
    FORMAT_VERSION,
    MonDEQ,
    Preprocessing,
    StoredRecurrence,
    lipschitz_constant,
    monotonicity_margin,
)
from .mpc import from_mpc
from .onnx_file import FLOAT, INTEGER, QDQ, OnnxFile, OnnxKey, onnx_digest, onnx_properties, raw_words_metadata
from .qp import from_qp
from .reference import MAX_ITERATIONS, TOLERANCE, logits, preactivation, state_of, step_size
from .reformulate import Recurrence, folded_input, network_of, reformulate
from .splitting import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, SPLITTINGS, Splitting, find_splitting
from .stored import KEY, MATRICES, pack

__all__ = [
    "DATASETS",
    "DIGITS",
    "DIGITS_INPUT_BITS",
    "DIGITS_SCALE",
    "FLOAT",
    "FORMAT_NAME",
    "FORMAT_VERSION",
    "FORWARD_BACKWARD",
    "INTEGER",
    "KEY",
    "MATRICES",
    "MAX_ITERATIONS",
    "MNIST",
    "MNIST_PREPROCESSING",
    "PEACEMAN_RACHFORD",
    "QDQ",
    "SOLVERS",
    "SPLITTINGS",
    "TOLERANCE",
    "Checkpoint",
    "Dataset",
    "MonDEQ",
    "OnnxFile",
    "OnnxKey",
    "Preprocessing",
    "Recurrence",
    "Splitting",
    "StoredRecurrence",
    "Training",
    "check_model",
    "check_preprocessing",
    "digits",
    "find_splitting",
    "folded_input",
    "from_cvxpy",
    "from_mpc",
    "from_qp",
    "lipschitz_constant",
    "load",
    "load_checkpoint",
    "logits",
    "mnist",
    "monotonicity_margin",
    "named",
    "network_of",
    "onnx_digest",
    "onnx_properties",
    "own_format",
    "pack",
    "preactivation",
    "raw_words_metadata",
    "reformulate",
    "retrained_bits",
    "save",
    "state_of",
    "step_size",
]
