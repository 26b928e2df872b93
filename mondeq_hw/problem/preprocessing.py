"""What the network's input is: an affine map of raw words, which the file or the user states, never we."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..base import InputError


@dataclass(frozen=True)
class Preprocessing:
    """Affine map from a raw input word to the network's input: ``(scale * word - mean) / std``.

    Parameters
    ----------
    scale, mean, std : float or ndarray (d,)
        A number, or one for each input; ``Preprocessing(1)`` hands raw words on as they are.
    input_bits : int
        Word length of the raw words, which are unsigned.
    """

    scale: float | np.ndarray
    mean: float | np.ndarray = field(default_factory=lambda: np.zeros(()))
    std: float | np.ndarray = field(default_factory=lambda: np.ones(()))
    input_bits: int = 8

    def __post_init__(self) -> None:
        for name in ("scale", "mean", "std"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))

    def apply(self, words: np.ndarray) -> np.ndarray:
        """Network inputs for raw words (any shape ending in the feature axis)."""
        return (self.scale * np.asarray(words, dtype=np.float64) - self.mean) / self.std

    def inverse(self, inputs: np.ndarray) -> np.ndarray:
        """Real-valued words of network inputs (.., d): the inverse of :meth:`apply`, rounded to nothing."""
        return (np.asarray(inputs, dtype=np.float64) * self.std + self.mean) / self.scale

    def words_within(self, inputs: np.ndarray) -> np.ndarray:
        """The raw word nearest to each network input (.., d); what lies beyond all words gets the first or the last."""
        return np.clip(np.rint(self.inverse(inputs)), 0, 2**self.input_bits - 1).astype(np.int64)

    def within(self, inputs: np.ndarray) -> np.ndarray:
        """Network inputs (.., d) as they are, or at the edge where no word stands for them."""
        ends = self.apply(np.zeros(())), self.apply(np.full((), 2.0**self.input_bits - 1))
        return np.clip(inputs, *ends)

    def to_plain(self) -> dict[str, Any]:
        """As JSON-ready numbers and lists."""
        return {
            "scale": np.asarray(self.scale).tolist(),
            "mean": np.asarray(self.mean).tolist(),
            "std": np.asarray(self.std).tolist(),
            "input_bits": int(self.input_bits),
        }

    def checked(self, where: str, d: int) -> Preprocessing:
        """The same preprocessing, or an error naming ``where`` it came from."""
        for name in ("scale", "mean", "std"):
            value = np.asarray(getattr(self, name))
            if value.shape not in ((), (d,)):
                raise InputError(f"{where}: {name} has shape {value.shape}; expected one number or ({d},)")
            if not np.isfinite(value).all():
                raise InputError(f"{where}: {name} holds NaN or infinite values; expected finite numbers")
        if not np.all(np.asarray(self.scale) > 0):
            raise InputError(f"{where}: preprocessing scale is {np.min(self.scale):g}; expected a positive number")
        if not np.all(np.asarray(self.std) > 0):
            raise InputError(
                f"{where}: preprocessing std has the entry {np.min(self.std):g}; expected positive numbers"
            )
        return self


#: How the reference codes normalise MNIST pixels: torchvision's ``ToTensor`` and ``Normalize``.
MNIST_PREPROCESSING = Preprocessing(scale=1 / 255, mean=0.1307, std=0.3081)


def completed(known: Preprocessing | None, given: dict[str, Any]) -> Preprocessing | None:
    """What is known with what the user gave in place of it; None where nothing says the scale.

    Parameters
    ----------
    known : Preprocessing or None
    given : dict
        ``scale``, ``mean`` and ``std`` that the user gave; None stands for not given.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    if known is not None:
        return replace(known, **changes)
    return Preprocessing(**changes) if "scale" in changes else None


def unknown(where: str, usual: Preprocessing | None = None) -> InputError:
    """The question of a network whose preprocessing nobody stated.

    Parameters
    ----------
    where : str
        The model's name.
    usual : Preprocessing, optional
        That of the code whose layout the file has, for MNIST.
    """
    text = (
        f"{where}: neither the file nor an option says how a raw input word becomes the network's input, x = (scale * "
        "word - mean) / std. Give --input-scale, and --input-mean and --input-std where they are not 0 and 1: a "
        "number, one for each input (0.1,0.2), or a .npy file; in Python, preprocessing=Preprocessing(scale, mean, std)"
    )
    if usual is not None:
        text += (
            f". If it was trained on MNIST by the code that this layout comes from: --input-scale {usual.scale!s} "
            f"--input-mean {usual.mean!s} --input-std {usual.std!s}, or name MNIST's folder by --data-dir"
        )
    return InputError(text)
