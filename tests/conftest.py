"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# One thread per test process: pytest-xdist runs as many of them as there are cores.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with MNIST and the published checkpoint; the tests on them are skipped where it is absent."""
    folder = Path(os.environ.get("MONDEQ_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}: set MONDEQ_SHARED")
    return folder


@pytest.fixture(scope="session")
def digits_model() -> Path:
    """The embedded trained model."""
    return ROOT / "examples" / "digits.pt"
