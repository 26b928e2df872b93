"""Certified fixed-point FPGA solvers for monotone operator equilibrium networks.

import mondeq_hw

project = mondeq_hw.compile("model.pt", "build", bits=5)
project.predict(X)
project.verify()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import examples
from .base import InputError, MismatchError, MissingToolError, MondeqError, NotCertifiedError, __version__

if TYPE_CHECKING:
    from .control import LinearPlant, simulate
    from .learning import qat, train
    from .pipeline import compile
    from .problem import MonDEQ, Preprocessing, from_cvxpy, from_mpc, from_qp, load, save
    from .project import Project
    from .search import search_word_lengths

__all__ = [
    "InputError",
    "LinearPlant",
    "MismatchError",
    "MissingToolError",
    "MonDEQ",
    "MondeqError",
    "NotCertifiedError",
    "Preprocessing",
    "Project",
    "__version__",
    "compile",
    "examples",
    "from_cvxpy",
    "from_mpc",
    "from_qp",
    "load",
    "qat",
    "save",
    "search_word_lengths",
    "simulate",
    "train",
]

#: Where those are that are imported when they are first used: commands and benches must start quickly.
LATER = {
    "LinearPlant": "control",
    "MonDEQ": "problem",
    "Preprocessing": "problem",
    "Project": "project",
    "compile": "pipeline",
    "from_cvxpy": "problem",
    "from_mpc": "problem",
    "from_qp": "problem",
    "load": "problem",
    "qat": "learning",
    "save": "problem",
    "search_word_lengths": "search",
    "simulate": "control",
    "train": "learning",
}


def __dir__() -> list[str]:
    """The names that are meant for users."""
    return __all__


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(f".{LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
