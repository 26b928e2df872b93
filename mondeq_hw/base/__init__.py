"""What every wing stands on: errors with an exit code each, fixed-point formats, files that appear at once.

Takes nothing of this project; gives exact words and exact messages.
"""

from __future__ import annotations

from .clip import FREE, RELU, Clip, Interval, Proximal, States, soft_threshold
from .digest import canonical_digest
from .errors import (
    EXIT_BAD_INPUT,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_MISMATCH,
    EXIT_MISSING_TOOL,
    EXIT_OK,
    BrokenToolError,
    InputError,
    InputWarning,
    InternalError,
    InterruptedRunError,
    MismatchError,
    MissingToolError,
    MondeqError,
    NotCertifiedError,
    NotReachedError,
    OptionError,
)
from .executor import IN_PROCESS, Executor, open_executor
from .integers import combination, diagonal_plus, gram, integer_type, integers, magnitude, product, row_sums
from .norms import spectral_norm
from .notebook import PICTURES, card, data_frame, in_card, inline_svg, new_figure, root_figure, save_figure
from .numerics import (
    MOST_MATRIX_BITS,
    FixedPointFormat,
    Overflow,
    Rounding,
    WordRange,
    exact_dtype,
    max_level,
    power_of_two,
    round_shift,
    signed_width,
    whole_bytes,
)
from .operator import DenseOperator, IntegerOperator, spans
from .programs import answer, computed
from .progress import AS_LINES, Told, progress_bar
from .replacing import missing_folders, remove_empty, replacing, require_place
from .stamp import digests, is_stamped, stamp
from .templates import filled, source_template, template_environment, tool_template
from .threads import blas_threads, side_by_side
from .version import __version__, package_version

__all__ = [
    "AS_LINES",
    "EXIT_BAD_INPUT",
    "EXIT_INTERNAL",
    "EXIT_INTERRUPTED",
    "EXIT_MISMATCH",
    "EXIT_MISSING_TOOL",
    "EXIT_OK",
    "FREE",
    "IN_PROCESS",
    "MOST_MATRIX_BITS",
    "PICTURES",
    "RELU",
    "BrokenToolError",
    "Clip",
    "DenseOperator",
    "Executor",
    "FixedPointFormat",
    "InputError",
    "InputWarning",
    "IntegerOperator",
    "InternalError",
    "InterruptedRunError",
    "Interval",
    "MismatchError",
    "MissingToolError",
    "MondeqError",
    "NotCertifiedError",
    "NotReachedError",
    "OptionError",
    "Overflow",
    "Proximal",
    "Rounding",
    "States",
    "Told",
    "WordRange",
    "__version__",
    "answer",
    "blas_threads",
    "canonical_digest",
    "card",
    "combination",
    "computed",
    "data_frame",
    "diagonal_plus",
    "digests",
    "exact_dtype",
    "filled",
    "gram",
    "in_card",
    "inline_svg",
    "integer_type",
    "integers",
    "is_stamped",
    "magnitude",
    "max_level",
    "missing_folders",
    "new_figure",
    "open_executor",
    "package_version",
    "power_of_two",
    "product",
    "progress_bar",
    "remove_empty",
    "replacing",
    "require_place",
    "root_figure",
    "round_shift",
    "row_sums",
    "save_figure",
    "side_by_side",
    "signed_width",
    "soft_threshold",
    "source_template",
    "spans",
    "spectral_norm",
    "stamp",
    "template_environment",
    "tool_template",
    "whole_bytes",
]
