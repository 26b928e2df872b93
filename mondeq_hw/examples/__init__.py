"""Trained networks that come with the package; what takes a checkpoint takes their paths.

import mondeq_hw

mondeq_hw.compile(mondeq_hw.examples.digits(), "build", bits=5)
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["digits", "mnist"]


def digits() -> Path:
    """A float network of 64 states on scikit-learn's 8x8 digits, which are embedded too."""
    return Path(__file__).parent / "digits.pt"


def mnist(bits: int) -> Path:
    """A network retrained on MNIST with an iteration matrix of 1, 2 or 4 bits.

    Raises
    ------
    InputError
        There is none of that word length.
    """
    from ..base import InputError

    file = Path(__file__).parent / f"mnist_{bits}bit.pt"
    if not file.exists():
        raise InputError(f"bits is {bits!r}; expected 1, 2 or 4")
    return file
