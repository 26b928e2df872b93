"""The float problems and their files: networks, checkpoints, data, the splitting of the equilibrium, a float solver.

Takes files and arrays; gives ``MonDEQ``, ``Dataset`` and ``Recurrence``, all in floating point.
"""

from __future__ import annotations

from .arrays import matrix, numbers, require_shape, whole
from .carried_units import in_units, in_words
from .checkpoint import Checkpoint, Training
from .cvxpy_problem import from_cvxpy
from .data import (
    DATASETS,
    DIGITS,
    DIGITS_INPUT_BITS,
    DIGITS_SCALE,
    GIVEN,
    MNIST,
    Dataset,
    digits,
    given,
    labelled,
    mnist,
    named,
)
from .input_words import (
    ERROR,
    ON_OVERFLOW,
    SATURATE,
    InputWords,
    RawInputs,
    format_name,
    overflow_in_words,
    read_format,
)
from .kept_inputs import on_fewer_inputs
from .load import Origin, check_model, load, load_checkpoint, own_format, save
from .mistaken import refuse_mistaken
from .model import (
    FORMAT_NAME,
    FORMAT_VERSION,
    CarriedState,
    Levers,
    MonDEQ,
    StoredRecurrence,
    lipschitz_constant,
    monotonicity_margin,
)
from .mpc import condensed, from_mpc
from .onnx_file import FLOAT, INTEGER, QDQ, OnnxFile, OnnxKey, onnx_digest, onnx_properties, raw_words_metadata
from .parameters import Parameters, box_words
from .preprocessing import MNIST_PREPROCESSING, KeptInputs, Preprocessing
from .qp import from_qp
from .reference import TOLERANCE, logits, preactivation, sequence, state_of, step_size
from .reformulate import Recurrence, folded_input, folded_output, network_of, outputs_of, reformulate
from .samples import TEST, TRAIN, Arrays, Samples
from .scores import Accuracy, Agreement, Comparison, Distance, Errors, Fit, Judged, Right, SameClass, root_mean_square
from .slowness import MOST_UPDATES
from .source import Asked
from .splitting import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SOLVERS, SPLITTINGS, Splitting, find_splitting
from .stored import FEEDTHROUGH, KEY, MATRICES, pack
from .tables import from_files, is_samples_file, read_samples
from .task import CLASSES, TASKS, VALUES, Task, choose_task, deviation, find_task, task_of

__all__ = [
    "CLASSES",
    "DATASETS",
    "DIGITS",
    "DIGITS_INPUT_BITS",
    "DIGITS_SCALE",
    "ERROR",
    "FEEDTHROUGH",
    "FLOAT",
    "FORMAT_NAME",
    "FORMAT_VERSION",
    "FORWARD_BACKWARD",
    "GIVEN",
    "INTEGER",
    "KEY",
    "MATRICES",
    "MNIST",
    "MNIST_PREPROCESSING",
    "MOST_UPDATES",
    "ON_OVERFLOW",
    "PEACEMAN_RACHFORD",
    "QDQ",
    "SATURATE",
    "SOLVERS",
    "SPLITTINGS",
    "TASKS",
    "TEST",
    "TOLERANCE",
    "TRAIN",
    "VALUES",
    "Accuracy",
    "Agreement",
    "Arrays",
    "Asked",
    "CarriedState",
    "Checkpoint",
    "Comparison",
    "Dataset",
    "Distance",
    "Errors",
    "Fit",
    "InputWords",
    "Judged",
    "KeptInputs",
    "Levers",
    "MonDEQ",
    "OnnxFile",
    "OnnxKey",
    "Origin",
    "Parameters",
    "Preprocessing",
    "RawInputs",
    "Recurrence",
    "Right",
    "SameClass",
    "Samples",
    "Splitting",
    "StoredRecurrence",
    "Task",
    "Training",
    "box_words",
    "check_model",
    "choose_task",
    "condensed",
    "deviation",
    "digits",
    "find_splitting",
    "find_task",
    "folded_input",
    "folded_output",
    "format_name",
    "from_cvxpy",
    "from_files",
    "from_mpc",
    "from_qp",
    "given",
    "in_units",
    "in_words",
    "is_samples_file",
    "labelled",
    "lipschitz_constant",
    "load",
    "load_checkpoint",
    "logits",
    "matrix",
    "mnist",
    "monotonicity_margin",
    "named",
    "network_of",
    "numbers",
    "on_fewer_inputs",
    "onnx_digest",
    "onnx_properties",
    "outputs_of",
    "overflow_in_words",
    "own_format",
    "pack",
    "preactivation",
    "raw_words_metadata",
    "read_format",
    "read_samples",
    "reformulate",
    "refuse_mistaken",
    "require_shape",
    "root_mean_square",
    "save",
    "sequence",
    "state_of",
    "step_size",
    "task_of",
    "whole",
]
