"""MNIST's files, written: what a data set of the user's may look like."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np


def write_idx(file: Path, array: np.ndarray) -> None:
    content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)


def write_mnist(folder: Path, suffix: str = "", side: int = 4, samples: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for prefix in ("train", "t10k"):
        arrays[f"{prefix}-images-idx3-ubyte"] = rng.integers(0, 256, (samples, side, side))
        arrays[f"{prefix}-labels-idx1-ubyte"] = rng.integers(0, 10, samples)
    for name, array in arrays.items():
        write_idx(folder / (name + suffix), array)
    return arrays
