"""Samples with targets: MNIST's IDX files, scikit-learn's digits as the embedded default, or arrays.

Calibration ever sees training samples only; test samples are ever what judges.
"""

from __future__ import annotations

import gzip
import math
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..base import InputError, MissingToolError
from .mistaken import refuse_mistaken
from .samples import TEST, TRAIN, Arrays, Samples, division

DIGITS = "digits"
MNIST = "mnist"
DATASETS = (DIGITS, MNIST)
#: What texts call arrays of the caller's.
GIVEN = "the arrays given"

MNIST_SOURCE = (
    "MNIST is the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz] of http://yann.lecun.com/exdb/mnist/ "
    "(mirror: https://ossci-datasets.s3.amazonaws.com/mnist/)"
)

#: The digits' pixels are 0..16, so 5 bits.
DIGITS_SCALE = 1 / 16
DIGITS_INPUT_BITS = 5
#: Bundled with scikit-learn: no download.
DIGITS_FILE = "sklearn/datasets/data/digits.csv.gz"
#: Of their division.
DIGITS_SEED = 0


@dataclass(frozen=True)
class Dataset:
    """Raw inputs and their targets.

    Parameters
    ----------
    name : str
        ``digits`` or ``mnist``, or what else texts call it.
    split : {"train", "test"}
    words : ndarray (samples, d)
        Raw inputs, int64 where their format has whole numbers only; before a network is known, the user's values.
    targets : ndarray of int64 (samples,), or of float (samples, k)
        Labels of classes, or real values.
    """

    name: str
    split: str
    words: np.ndarray
    targets: np.ndarray

    @property
    def d(self) -> int:
        """Words per sample."""
        return self.words.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def first(self, samples: int) -> Dataset:
        """The leading samples (all of them when there are fewer)."""
        return Dataset(self.name, self.split, self.words[:samples], self.targets[:samples])


def named(name: str, folder: Path | None) -> Samples:
    """A data set by its name, with its own division.

    Parameters
    ----------
    name : {"digits", "mnist"}
    folder : path or None
        Where MNIST's files are; the digits are embedded.

    Raises
    ------
    InputError
        MNIST without a folder, digits with one, or another name.
    """
    if name == DIGITS:
        if folder is not None:
            raise InputError("--data digits is embedded and takes no --data-dir; leave one of the two out")
        sets = [digits(split) for split in (TRAIN, TEST)]
    elif name == MNIST:
        if folder is None:
            raise InputError(f"--data mnist needs --data-dir, a folder of IDX files. {MNIST_SOURCE}")
        sets = [mnist(folder, split) for split in (TRAIN, TEST)]
    else:
        raise InputError(f"--data is {name!r}; expected {' or '.join(DATASETS)}")
    train, test = (Arrays(each.words, each.targets) for each in sets)
    return Samples(name, train, test, "its own")


def given(split: str, words: np.ndarray, targets: np.ndarray) -> Dataset:
    """A data set of arrays.

    Parameters
    ----------
    split : {"train", "test"}
    words : array_like (samples, d)
        Raw inputs.
    targets : array_like (samples,) or (samples, k)

    Raises
    ------
    InputError
        They are no such arrays.
    """
    arrays = Arrays(words, targets).checked(f"{GIVEN} ({_checked(split)})")
    return Dataset(GIVEN, split, arrays.inputs, np.asarray(targets))


def labelled(samples: Samples, split: str) -> Dataset:
    """The samples of a split, with their targets.

    Raises
    ------
    InputError
        There are none.
    """
    arrays = samples.test if _checked(split) == TEST else samples.train
    if arrays is None or arrays.targets is None:
        option = "--test-targets" if split == TEST and samples.train is not None else "--targets"
        raise InputError(f"{samples.name}: has no {split} samples with targets; say where they are by {option}")
    return Dataset(samples.name, split, arrays.inputs, arrays.targets)


def digits(split: str) -> Dataset:
    """scikit-learn's 1797 handwritten digits, 8 by 8 pixels of 0 to 16; 1437 for training, 360 for testing.

    The split is a fixed permutation, the same on every machine.
    """
    table = np.loadtxt(_installed(DIGITS_FILE), delimiter=",", dtype=np.int64)
    images, labels = table[:, :-1], table[:, -1]
    train, test = division(len(images), DIGITS_SEED)
    chosen = test if _checked(split) == TEST else train
    return Dataset(DIGITS, split, images[chosen], labels[chosen])


def _installed(file: str) -> Path:
    """A file of an installed package, which is not imported: of scikit-learn that takes more than a second."""
    spec = find_spec(file.partition("/")[0])
    if spec is None or spec.origin is None:
        raise MissingToolError("scikit-learn is not installed; the digits come with it; run: pip install scikit-learn")
    return Path(spec.origin).parents[1] / file


def mnist(folder: Path, split: str) -> Dataset:
    """MNIST from a folder of IDX files, packed (``.gz``) or plain.

    Raises
    ------
    InputError
        For a missing, truncated or different file; says where MNIST comes from.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; --data-dir expects a folder of IDX files. {MNIST_SOURCE}")
    prefix = "t10k" if _checked(split) == TEST else "train"
    images = read_idx(_idx_file(folder, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels = read_idx(_idx_file(folder, f"{prefix}-labels-idx1-ubyte"), dimensions=1)
    if len(images) != len(labels):
        raise InputError(f"{folder}: {len(images)} {prefix} images, but {len(labels)} labels. {MNIST_SOURCE}")
    return Dataset(MNIST, split, images.reshape(len(images), -1).astype(np.int64), labels.astype(np.int64))


def read_idx(file: Path, dimensions: int) -> np.ndarray:
    """An IDX array of unsigned bytes (the format is described on MNIST's page).

    Parameters
    ----------
    file : path
        Unpacked, or packed with a name that ends in ``.gz``.
    dimensions : int
        Expected number of axes.

    Returns
    -------
    ndarray of uint8
    """
    if file.suffix != ".gz":
        refuse_mistaken(file)
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file}: cannot be read ({error}); copy it again. {MNIST_SOURCE}") from None
    magic = bytes([0, 0, 0x08, dimensions])
    if content[:4] != magic:
        raise InputError(
            f"{file}: starts with {content[:4].hex()}, expected {magic.hex()} (IDX, unsigned bytes, {dimensions} "
            f"axes). {MNIST_SOURCE}"
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise InputError(f"{file}: truncated inside its header; copy it again. {MNIST_SOURCE}")
    shape = tuple(int(size) for size in np.frombuffer(content[4:header], dtype=">u4"))
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise InputError(f"{file}: truncated or damaged: {len(content)} bytes, expected {expected}. {MNIST_SOURCE}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def _idx_file(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise InputError(f"{folder}: holds neither {name} nor {name}.gz. {MNIST_SOURCE}")


def _checked(split: str) -> str:
    if split not in (TRAIN, TEST):
        raise InputError(f"split is {split!r}; expected 'train' or 'test'")
    return split
