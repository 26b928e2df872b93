"""What the network's input is: an affine map of values, which the file or the user states, never we."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..base import FixedPointFormat, InputError, Overflow, Rounding
from .input_words import MOST_BITS, SATURATE, InputWords, format_name, read_format, read_range


@dataclass(frozen=True)
class KeptInputs:
    """Which values of a sample the network takes; no other is streamed to the core.

    Parameters
    ----------
    given : int
        Values of a sample.
    places : tuple of int
        Of those that are kept, from 0, in the order in which the core takes them.
    """

    given: int
    places: tuple[int, ...]

    @staticmethod
    def from_plain(plain: Any, where: str) -> KeptInputs:
        """What :meth:`to_plain` wrote.

        Raises
        ------
        InputError
            It is something else; names ``where`` it came from.
        """
        try:
            kept = KeptInputs(int(plain["given"]), tuple(int(place) for place in plain["places"]))
        except (KeyError, TypeError, ValueError):
            kept = KeptInputs(0, ())
        if (
            not kept.places
            or len(set(kept.places)) < len(kept.places)
            or not set(kept.places) <= set(range(kept.given))
        ):
            raise InputError(
                f"{where}: kept inputs are {plain!r}; expected {{'given': N, 'places': [...]}}, of the places 0 to "
                "N - 1 some, none twice"
            )
        return kept

    def __getitem__(self, chosen: np.ndarray) -> KeptInputs:
        """Some of those, by their numbers among them."""
        return KeptInputs(self.given, tuple(np.asarray(self.places)[chosen].tolist()))

    def of(self, values: np.ndarray) -> np.ndarray:
        """The kept ones of whole samples (samples, given); those of any other length as they are."""
        return values[:, list(self.places)] if values.shape[1] == self.given else values

    def to_plain(self) -> dict[str, Any]:
        """As JSON-ready numbers and lists."""
        return {"given": self.given, "places": list(self.places)}


@dataclass(frozen=True)
class Preprocessing:
    """Affine map from a value of the user's to the network's input, ``(scale * value - mean) / std``; and its words.

    Without format and range a value is a whole number of ``input_bits`` bits, as pixels are.

    Parameters
    ----------
    scale, mean, std : float or ndarray (d,)
        A number, or one for each input; ``Preprocessing(1)`` hands values on as they are.
    input_bits : int
        Word length of the raw words; a format has its own.
    input_format : FixedPointFormat or str, optional
        Of the values: ``ap_fixed<10,3>``.
    input_range : pair of float or ndarray (d,), optional
        Smallest and largest value, over which the words are spread evenly.
    kept : KeptInputs or mapping, optional
        Of which values of a sample this is; all where absent.
    """

    scale: float | np.ndarray
    mean: float | np.ndarray = field(default_factory=lambda: np.zeros(()))
    std: float | np.ndarray = field(default_factory=lambda: np.ones(()))
    input_bits: int = 8
    input_format: FixedPointFormat | str | None = None
    input_range: tuple[Any, Any] | None = None
    kept: KeptInputs | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "mean", "std"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if self.input_format is not None:
            if self.input_range is not None:
                raise InputError("preprocessing: has an input format and an input range; give one of the two")
            form = read_format(self.input_format) if isinstance(self.input_format, str) else self.input_format
            object.__setattr__(self, "input_format", form)
            object.__setattr__(self, "input_bits", form.word_length)
        if self.input_range is not None:
            object.__setattr__(self, "input_range", read_range(self.input_range, "preprocessing"))
        if isinstance(self.kept, Mapping):
            object.__setattr__(self, "kept", KeptInputs.from_plain(self.kept, "preprocessing"))

    @property
    def declares_words(self) -> bool:
        """Whether words are other than whole numbers from zero on."""
        return self.input_format is not None or self.input_range is not None

    @cached_property
    def words(self) -> InputWords:
        """Which values there are, and the words that stand for them."""
        if self.input_range is not None:
            return InputWords.over(*self.input_range, self.input_bits)
        if isinstance(self.input_format, FixedPointFormat):
            return InputWords(self.input_format)
        return InputWords(FixedPointFormat(self.input_bits, self.input_bits, False, Rounding.RND, Overflow.SAT))

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Network inputs for raw inputs (any shape ending in the feature axis)."""
        return (self.scale * self.words.values(raw) - self.mean) / self.std

    def words_within(self, values: np.ndarray) -> np.ndarray:
        """The raw input nearest to each value (samples, d); what lies beyond all gets the first or the last."""
        return self.words.raw(values, SATURATE).raw

    @property
    def gain(self) -> np.ndarray:
        """Of :meth:`apply`, which is ``gain * raw - offset``: () or (d,)."""
        return np.asarray(self.scale * self.words.unit / self.std)

    @property
    def offset(self) -> np.ndarray:
        """See :attr:`gain`."""
        return np.asarray((self.mean - self.scale * self.words.origin) / self.std)

    @property
    def inverse_gain(self) -> np.ndarray:
        """``1 / gain``, and 0 where a range is one number."""
        unit = self.words.unit
        return np.asarray(np.where(unit == 0, 0.0, self.std / (self.scale * np.where(unit == 0, 1.0, unit))))

    def of_raw(self) -> Preprocessing:
        """That of a network which takes raw inputs as they are, for the same values."""
        unit = self.words.unit
        return replace(self, scale=1.0, mean=self.words.origin, std=np.where(unit == 0, 1.0, unit))

    def in_words(self) -> str:
        """Which values there are and what the network makes of them: the line that commands and reports show."""
        scale, mean, std = (_shown(np.asarray(each)) for each in (self.scale, self.mean, self.std))
        text = "value" if scale == "1" else f"{scale} * value"
        text = text if mean == "0" else f"{text} - {mean}" if std == "1" else f"({text} - {mean})"
        kept = "" if self.kept is None else f"{len(self.kept.places)} of a sample's {self.kept.given} values, "
        return f"{kept}{self.words.in_words()}; x = {text if std == '1' else f'{text} / {std}'}"

    def to_plain(self) -> dict[str, Any]:
        """As JSON-ready numbers and lists."""
        plain = {
            "scale": np.asarray(self.scale).tolist(),
            "mean": np.asarray(self.mean).tolist(),
            "std": np.asarray(self.std).tolist(),
            "input_bits": int(self.input_bits),
        }
        if isinstance(self.input_format, FixedPointFormat):
            plain["input_format"] = format_name(self.input_format)
        if self.input_range is not None:
            plain["input_range"] = [np.asarray(end).tolist() for end in self.input_range]
        if self.kept is not None:
            plain["kept"] = self.kept.to_plain()
        return plain

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Preprocessing:
        """What :meth:`to_plain` wrote, in this version or an older one.

        Raises
        ------
        KeyError, TypeError, ValueError, InputError
        """
        return Preprocessing(
            **{field.name: plain[field.name] for field in fields(Preprocessing) if field.name in plain}
        )

    def checked(self, where: str, d: int) -> Preprocessing:
        """The same preprocessing, or an error naming ``where`` it came from."""
        if self.kept is not None and len(self.kept.places) != d:
            raise InputError(f"{where}: keeps {len(self.kept.places)} inputs of a sample; expected {d}")
        for end in self.input_range or ():
            if np.shape(end) not in ((), (d,)):
                raise InputError(f"{where}: an end of the input range has shape {np.shape(end)}; expected () or ({d},)")
        if self.words.format.word_length > MOST_BITS:
            raise InputError(
                f"{where}: input words have {self.words.format.word_length} bits; expected up to {MOST_BITS}"
            )
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


def completed(known: Preprocessing | None, given: Mapping[str, Any]) -> Preprocessing | None:
    """What is known with what the user gave in place of it; None where nothing says what a value is to the network.

    Who declares the values themselves, by a format or a range, declares the network's input: the scale is then 1.

    Parameters
    ----------
    known : Preprocessing or None
    given : mapping
        Fields of a :class:`Preprocessing` that the user gave; None stands for not given.
    """
    changes = {name: value for name, value in given.items() if value is not None}
    declares = any(name in changes for name in ("input_format", "input_range"))
    if declares:  # in the place of either
        changes = {"input_format": None, "input_range": None, **changes}
    if known is not None:
        return replace(known, **changes)
    if "scale" not in changes and not declares:
        return None
    return Preprocessing(**{"scale": 1.0, **changes})


def _shown(value: np.ndarray) -> str:
    """One number, or that there is one for each input."""
    return f"{float(value):.6g}" if value.ndim == 0 else f"[{value.min():.6g} .. {value.max():.6g}]"


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
        "number, one for each input (0.1,0.2), or a .npy file; in Python, preprocessing=Preprocessing(scale, mean, "
        "std). Of inputs that are real numbers give their range: --input-range LO,HI --input-bits N"
    )
    if usual is not None:
        text += (
            f". If it was trained on MNIST by the code that this layout comes from: --input-scale {usual.scale!s} "
            f"--input-mean {usual.mean!s} --input-std {usual.std!s}, or name MNIST's folder by --data-dir"
        )
    return InputError(text)
