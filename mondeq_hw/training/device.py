"""Where training runs, and in which arithmetic: float32 throughout, on the CPU or on a GPU.

A network is trained alike on both, up to the order of sums: weights differ in their last digits, and what is proved is
proved of the integers that came of them, exactly, wherever that was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..base import OptionError

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


def find_device(name: str) -> torch.device:
    """The device of an option: ``cpu``, ``cuda``, or ``auto``, which is CUDA where there is one.

    Raises
    ------
    OptionError
        CUDA is asked for and not there.
    """
    there = torch.cuda.is_available()
    if name == "cpu" or (name == "auto" and not there):
        return CPU
    if name not in ("cuda", "auto"):
        raise OptionError("device", f"is {name!r}; expected cpu, cuda or auto")
    if not there:
        built = torch.version.cuda
        why = "this PyTorch is built without CUDA" if built is None else f"PyTorch (CUDA {built}) finds no device"
        raise OptionError("device", f"is cuda, and {why}; use cpu or auto, or install a PyTorch with CUDA")
    return CUDA


@contextmanager
def full_precision() -> Iterator[None]:
    """No mixed precision and no TensorFloat-32: what lies on a grid stays on it, and sums of it are exact."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
