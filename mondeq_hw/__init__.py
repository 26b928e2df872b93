"""Certified fixed-point FPGA solvers for monotone operator equilibrium networks.

import mondeq_hw

project = mondeq_hw.compile("model.pt", "build", bits=5)
project.predict(X)
project.verify()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import InputError, MismatchError, MissingToolError, MondeqError, NotCertifiedError, __version__
from .problem import MonDEQ, Preprocessing, from_cvxpy, from_mpc, from_qp, load, save

if TYPE_CHECKING:
    from .control import LinearPlant, simulate
    from .pipeline import compile
    from .project import Project

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
    "from_cvxpy",
    "from_mpc",
    "from_qp",
    "load",
    "save",
    "simulate",
]


def __dir__() -> list[str]:
    """The names that are meant for users."""
    return __all__


def __getattr__(name: str) -> Any:
    """Import the compiler when it is first used: the command line must start quickly."""
    if name == "compile":
        from .pipeline import compile

        return compile
    if name == "Project":
        from .project import Project

        return Project
    if name in ("LinearPlant", "simulate"):
        from . import control

        return getattr(control, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
