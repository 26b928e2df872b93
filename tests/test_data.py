"""Data sets: the numbers in the files, and a split that never mixes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mnist_files import write_idx, write_mnist

from mondeq_hw import InputError
from mondeq_hw.problem.data import digits, mnist, named, read_idx


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_round_trip(tmp_path: Path, suffix: str) -> None:
    arrays = write_mnist(tmp_path, suffix)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        dataset = mnist(tmp_path, split)
        np.testing.assert_array_equal(dataset.words, arrays[f"{prefix}-images-idx3-ubyte"].reshape(6, 16))
        np.testing.assert_array_equal(dataset.targets, arrays[f"{prefix}-labels-idx1-ubyte"])
        assert dataset.words.dtype == np.int64


def test_truncated_idx(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_idx(file, np.zeros((3, 4, 4)))
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"starts with|truncated"):
            read_idx(file, 3)
    file.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match="truncated or damaged"):
        read_idx(file, 3)


def test_labels_are_not_images(tmp_path: Path) -> None:
    file = tmp_path / "x"
    write_idx(file, np.zeros(3))
    with pytest.raises(InputError, match="00000801, expected 00000803"):
        read_idx(file, 3)


def test_different_lengths(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(5))
    with pytest.raises(InputError, match="6 train images, but 5 labels"):
        mnist(tmp_path, "train")


def test_a_missing_file_tells_where_mnist_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="http"):
        mnist(tmp_path, "train")


def test_digits_split() -> None:
    train, test = digits("train"), digits("test")
    assert (len(train), len(test), train.d) == (1437, 360, 64)
    assert (train.words.min(), train.words.max()) == (0, 16)
    assert np.bincount(test.targets).min() >= 25
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    both = np.concatenate([np.column_stack([part.words, part.targets]) for part in (train, test)])
    whole = np.column_stack([images, labels]).astype(np.int64)
    np.testing.assert_array_equal(both[np.lexsort(both.T)], whole[np.lexsort(whole.T)])
    np.testing.assert_array_equal(digits("test").words, test.words)


def test_first() -> None:
    test = digits("test")
    assert len(test.first(7)) == 7
    assert len(test.first(10**6)) == 360
    np.testing.assert_array_equal(test.first(7).words, test.words[:7])


def test_named(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    found = named("mnist", tmp_path)
    assert found.train is not None and found.test is not None and found.judging is found.test
    np.testing.assert_array_equal(found.test.inputs, mnist(tmp_path, "test").words)
    np.testing.assert_array_equal(found.train.targets, mnist(tmp_path, "train").targets)
    assert named("digits", None).judging.d == 64
    for name, folder in (("mnist", None), ("digits", tmp_path), ("cifar", None)):
        with pytest.raises(InputError):
            named(name, folder)
    with pytest.raises(InputError, match="'valid'"):
        digits("valid")


def test_real_mnist(shared: Path) -> None:
    train, test = (mnist(shared / "data" / "mnist", split) for split in ("train", "test"))
    assert (len(train), len(test), train.d, train.words.max()) == (60000, 10000, 784, 255)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.targets[:5].tolist() == [7, 2, 1, 0, 4]
