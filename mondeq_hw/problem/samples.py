"""Samples with or without targets, and their division into those that calibrate and train and those that judge.

One interface for every source: named data sets, files and arrays of the caller's.  Training samples alone calibrate;
test samples are ever what judges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..base import InputError
from .preprocessing import KeptInputs

TRAIN, TEST = "train", "test"
#: Where nobody divides the samples, every fifth of a shuffled order is a test sample.
TEST_SHARE = 5


@dataclass(frozen=True)
class Arrays:
    """Inputs and their targets, if any.

    Parameters
    ----------
    inputs : ndarray (samples, d)
        As the user has them, before any preprocessing.
    targets : ndarray (samples,) or (samples, k), optional
    """

    inputs: np.ndarray
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def d(self) -> int:
        """Values per sample."""
        return int(self.inputs.shape[1])

    def __getitem__(self, chosen: np.ndarray) -> Arrays:
        return Arrays(self.inputs[chosen], None if self.targets is None else self.targets[chosen])

    def checked(self, where: str) -> Arrays:
        """The same as finite numbers, an image or the like as one row.

        Raises
        ------
        InputError
            They are of another kind; names ``where`` they come from.
        """
        inputs = np.asarray(self.inputs)
        if inputs.ndim < 2 or len(inputs) == 0 or inputs.dtype.kind not in "fiu":
            raise InputError(
                f"{where}: inputs are {inputs.dtype} of shape {inputs.shape}; expected numbers (samples, d)"
            )
        inputs = _finite(inputs.reshape(len(inputs), -1), f"{where}: input")
        if self.targets is None:
            return Arrays(inputs)
        targets = np.asarray(self.targets)
        if targets.ndim not in (1, 2) or targets.dtype.kind not in "fiu":
            raise InputError(
                f"{where}: targets are {targets.dtype} of shape {targets.shape}; expected numbers (samples,) or "
                "(samples, k)"
            )
        if len(targets) != len(inputs):
            raise InputError(
                f"{where}: {len(inputs)} inputs, but targets of shape {targets.shape}; expected one for each"
            )
        return Arrays(inputs, _finite(targets, f"{where}: target"))


def _finite(array: np.ndarray, what: str) -> np.ndarray:
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        sample, *place = wrong[0].tolist()
        at = f" {place[0]}" if place else ""
        raise InputError(
            f"{what}{at} of sample {sample} (counted from 0) is {array[tuple(wrong[0])]}, not finite; remove the "
            "samples with missing values"
        )
    return array


@dataclass(frozen=True)
class Samples:
    """What a source of data gives.

    Parameters
    ----------
    name : str
        In texts.
    train : Arrays or None
        What calibrates and trains.
    test : Arrays or None
        What judges.
    division : str
        Who chose the test samples, and how.
    """

    name: str
    train: Arrays | None = None
    test: Arrays | None = None
    division: str = "as given"

    def __post_init__(self) -> None:
        if self.train is not None and self.test is not None and self.train.d != self.test.d:
            raise InputError(
                f"{self.name}: training samples have {self.train.d} inputs, test samples {self.test.d}; expected the "
                "same number"
            )

    @property
    def judging(self) -> Arrays:
        """The test samples; all of them where none are set apart."""
        chosen = self.train if self.test is None else self.test
        if chosen is None:
            raise InputError(f"{self.name}: holds no samples")
        return chosen

    def for_inputs(self, d: int, network: str, kept: KeptInputs | None) -> Samples:
        """The same for a network of d inputs, those of a sample's values that it keeps.

        Raises
        ------
        InputError
            They have another number.
        """
        self.require_inputs(d, network, kept)
        return self if kept is None else replace(self, train=_kept(self.train, kept), test=_kept(self.test, kept))

    def require_inputs(self, d: int, network: str, kept: KeptInputs | None) -> None:
        """Refuse samples that are neither of d values nor of those that a network keeps d of.

        Raises
        ------
        InputError
        """
        if self.judging.d != d and (kept is None or self.judging.d != kept.given):
            takes = f"{d}" if kept is None else f"{d} of {kept.given}"
            raise InputError(
                f"{self.name}: a sample has {self.judging.d} inputs, but {network} takes {takes}; name the data that "
                "it was trained on, and its targets by --targets"
            )

    def in_words(self) -> str:
        """What a command ran on."""
        parts = "" if self.train is None or self.test is None else f" of {len(self.train) + len(self.test)}"
        how = "" if self.test is None else f", the test samples ({self.division})"
        return f"{len(self.judging)}{parts} samples of {self.name}{how}"

    def divided(self, seed: int) -> Samples:
        """The same with test samples, where there are targets to judge by and nobody has chosen any."""
        if self.test is not None or self.train is None or self.train.targets is None:
            return self
        kept, held_out = division(len(self.train), seed)
        if len(kept) == 0:
            raise InputError(f"{self.name}: {len(self.train)} sample cannot be divided; give more, or test samples")
        text = f"every fifth of a shuffled order, seed {seed}"
        return replace(self, train=self.train[kept], test=self.train[held_out], division=text)


def _kept(arrays: Arrays | None, kept: KeptInputs) -> Arrays | None:
    return None if arrays is None else replace(arrays, inputs=kept.of(arrays.inputs))


def division(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and for testing: a permutation that is the same on every machine, every fifth to test."""
    order = np.random.RandomState(seed).permutation(count)
    test = np.arange(count) % TEST_SHARE == 0
    return order[~test], order[test]
