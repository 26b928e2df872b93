"""Small stand-ins for what the documentation's commands name: ``python tests/stand_ins.py mnist mnist/``.

They have the shapes and formats of the real thing, so that a command of a page runs in a test in a second or two.
"""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from checkpoints import parameters, plain, winston_kolter
from conftest import ROOT
from scipy.ndimage import zoom

from mondeq_hw import cli
from mondeq_hw.problem.data import digits
from mondeq_hw.synthesis import synth
from mondeq_hw.synthesis.tools import SynthTool


def mnist(folder: Path) -> None:
    """MNIST's four IDX files, from scikit-learn's digits enlarged to 28 by 28 pixels."""
    folder.mkdir(parents=True)
    for split, name, samples in (("train", "train", 600), ("test", "t10k", 100)):
        images = digits(split)
        pixels = np.zeros((samples, 28, 28), dtype=np.uint8)
        for pixel, words in zip(pixels, images.words[:samples], strict=True):
            pixel[4:24, 4:24] = np.clip(zoom(words.reshape(8, 8) * (255 / 16), 20 / 8, order=1), 0, 255)
        _write(folder / f"{name}-images-idx3-ubyte.gz", pixels)
        _write(folder / f"{name}-labels-idx1-ubyte.gz", images.targets[:samples].astype(np.uint8))


def mnist_model(file: Path) -> None:
    """A random network of MNIST's sizes with few states."""
    network = plain(parameters(seed=0, n=12, d=784, k=10, m=0.5))
    with file.open("wb") as stream:  # np.savez would append .npz to a name
        np.savez(stream, **network)


def small_model(file: Path) -> None:
    """A random network that every simulator runs in a second."""
    np.savez(file, **plain(parameters()))


def tiny_model(file: Path) -> None:
    """The least network that synthesis and place and route have all parts of."""
    with file.open("wb") as stream:
        np.savez(stream, **plain(parameters(n=2, d=2, k=2)))


def small_inputs(file: Path) -> None:
    """Eight raw inputs of the small network."""
    np.save(file, np.random.default_rng(0).integers(0, 256, size=(8, 5)))


def inputs(file: Path) -> None:
    """Eight raw images of the digits."""
    np.save(file, digits("test").words[:8])


def mnist_inputs(file: Path) -> None:
    """Four raw images of MNIST's size."""
    np.save(file, np.random.default_rng(0).integers(0, 256, size=(4, 784)))


def stiff_model(file: Path) -> None:
    """A network whose forward-backward iteration is not proved at few bits."""
    network = parameters(seed=1, n=12, m=0.05)
    np.savez(file, **{**plain(network), "B": 2 * network.B})


def reference_model(file: Path) -> None:
    """A checkpoint of Winston and Kolter's code, which has no margin."""
    torch.save({key: torch.tensor(value) for key, value in winston_kolter(parameters()).items()}, file)


def unknown_model(file: Path) -> None:
    """Arrays under somebody's own names."""
    network = parameters()
    layer = {"layer.weight": network.W, "layer.input_weight": network.U, "layer.bias": network.b}
    arrays = {**layer, "scores.weight": network.O, "scores.bias": network.c}
    torch.save({key: torch.tensor(value) for key, value in arrays.items()}, file)


def two_layers(file: Path) -> None:
    """A larger model with two equilibrium layers."""
    arrays = winston_kolter(parameters())
    layers = {f"{name}.{key}": torch.tensor(array) for name in ("encoder", "decoder") for key, array in arrays.items()}
    torch.save(layers, file)


def pickled_model(file: Path) -> None:
    """A module saved whole."""
    torch.save(torch.nn.Linear(3, 3), file)


def shared(folder: Path) -> None:
    """What the benchmarks read: the published checkpoint, its authors' results and MNIST."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True)
    mnist_model(checkpoints / "li_2026_mnist_mondeq.pt")
    recorded = {"8": {"quant_stats": {"delta_W_norm": 0.0168}, "quant_accuracy": 98.24}}
    (checkpoints / "li_2026_recorded_results.json").write_text(json.dumps({"quantisation_results": recorded}))
    mnist(folder / "data" / "mnist")


def checkout(folder: Path) -> None:
    """The rest of the repository: what the linters read."""
    for name in ("mondeq_hw", "export", "hls_templates", "rtl_tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def installation(folder: Path) -> None:
    """What ``scripts/setup`` makes, without the downloads: ``.venv``, here the one that runs the tests."""
    folder.symlink_to(sys.prefix)
    for name in ("setup", "system"):
        Path("scripts", name).write_text("#!/bin/sh\n")


def without(missing: str, folder: Path) -> None:
    """A ``bin`` and a ``PYTHONPATH`` in which one program and one package are missing."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules[{missing!r}] = None\n")
    for program in {"g++", "make", "perl", "mondeq-hw"} - {missing}:
        (folder / "bin" / program).symlink_to(shutil.which(program))


def crowded(*arguments: str) -> int:
    """``mondeq-hw synth`` with a Yosys that answers at once, and needs 400 multipliers."""
    cells = {"design": {"num_cells_by_type": {"LUT4": 5000, "MULT18X18D": 400}}}
    files = {"mapped.json": '{"modules": {}}', "netlist.v": "", "cells.json": json.dumps(cells)}
    script = f"[open(name, 'w').write(text) for name, text in {files!r}.items()]"
    yosys = SynthTool("yosys", (sys.executable, "-c", script), "0", r"^Info: (.*)$")
    with mock.patch.object(synth, "yosys", lambda: yosys):
        return cli.main(["synth", *arguments])


def main(arguments: list[str]) -> int:
    """The stand-in that is named first, with the rest as its arguments."""
    name, *rest = arguments
    if name == "crowded":
        return crowded(*rest)
    if name.startswith("without-"):
        without(name.removeprefix("without-"), Path(rest[0]))
    else:
        globals()[name.replace("-", "_")](Path(rest[0]))
    return 0


def _write(file: Path, array: np.ndarray) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    file.write_bytes(gzip.compress(header + array.tobytes()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
