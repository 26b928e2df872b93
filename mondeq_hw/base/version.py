"""Versions: of this package, and of what is installed beside it."""

from __future__ import annotations

import importlib.metadata

__version__ = "0.1.0"


def package_version(name: str) -> str | None:
    """Installed version of a Python distribution, without importing it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
