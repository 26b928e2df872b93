"""What every wing stands on: errors with an exit code each, fixed-point formats, files that appear at once.

Takes nothing of this project; gives exact words and exact messages.
"""

from __future__ import annotations

from .clip import FREE, RELU, Clip, Interval, Proximal, States, soft_threshold
from .digest import canonical_digest
from .errors import (
    EXIT_BAD_INPUT,
    EXIT_INTERNAL,
    EXIT_MISMATCH,
    EXIT_MISSING_TOOL,
    EXIT_OK,
    BrokenToolError,
    InputError,
    InputWarning,
    InternalError,
    MismatchError,
    MissingToolError,
    MondeqError,
    NotCertifiedError,
    NotReachedError,
    OptionError,
)
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
from .replacing import replacing
from .stamp import digests, is_stamped, stamp
from .templates import filled, source_template, template_environment, tool_template
from .version import __version__, package_version

__all__ = [
    "EXIT_BAD_INPUT",
    "EXIT_INTERNAL",
    "EXIT_MISMATCH",
    "EXIT_MISSING_TOOL",
    "EXIT_OK",
    "FREE",
    "MOST_MATRIX_BITS",
    "RELU",
    "BrokenToolError",
    "Clip",
    "DenseOperator",
    "FixedPointFormat",
    "InputError",
    "InputWarning",
    "IntegerOperator",
    "InternalError",
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
    "WordRange",
    "__version__",
    "canonical_digest",
    "digests",
    "exact_dtype",
    "filled",
    "is_stamped",
    "max_level",
    "package_version",
    "power_of_two",
    "replacing",
    "round_shift",
    "signed_width",
    "soft_threshold",
    "source_template",
    "spans",
    "stamp",
    "template_environment",
    "tool_template",
    "whole_bytes",
]
