"""Named arrays of one checkpoint, each checked as it is asked for, with errors that name the file and the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base import RELU, Clip, InputError, Interval
from .contents import listed
from .model import MonDEQ
from .preprocessing import Preprocessing
from .spelling import Spelled

#: Relative slack between a stored float32 margin and the one recomputed in float64.
MARGIN_TOLERANCE = 1e-3

#: Activations that are proximal operators of one row.
ACTIVATIONS = {"relu": RELU, "relu6": Interval(0.0, 6.0), "hardtanh": Interval(-1.0, 1.0)}


@dataclass(frozen=True)
class Asked:
    """What the user says of a checkpoint.

    Parameters
    ----------
    margin : float, optional
        ``m`` of the training.
    lipschitz_bound : float, optional
        ``gamma`` of a Lipschitz-bounded LBEN.
    input_side : int, optional
        Pixels in a row of a convolution's images.
    """

    margin: float | None = None
    lipschitz_bound: float | None = None
    input_side: int | None = None


@dataclass(frozen=True)
class Source:
    """A checkpoint under one spelling.

    Parameters
    ----------
    where : str
        The file, or the live model's class.
    spelled : Spelled
    metadata : mapping
        Of the own format.
    """

    where: str
    spelled: Spelled
    metadata: Mapping[str, Any]

    @property
    def keys(self) -> frozenset[str]:
        """Names under the formats' spelling."""
        return frozenset(self.spelled.arrays)

    @property
    def file_name(self) -> str:
        """Without its folder."""
        return Path(self.where).name

    def name(self, key: str) -> str:
        """A key as the file spells it."""
        return self.spelled.names.get(key, key)

    # -- arrays --------------------------------------------------------------

    def array(self, key: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """The float64 array of a key; ``None`` in ``shape`` stands for any positive length."""
        array = self._found(key)
        if shape == () and array.size == 1:
            array = array.reshape(())
        if len(shape) == 1 and array.ndim == 2 and 1 in array.shape:  # MATLAB has no vectors
            array = array.reshape(-1)
        if not _fits(array, shape):
            if not array.size:
                raise InputError(
                    f"{self.where}: key {self.name(key)!r} is empty, of shape {array.shape}; expected at least one "
                    "number: a network has inputs, states and outputs"
                )
            wanted = "any" if shape == (None,) else str(tuple("any" if want is None else want for want in shape))
            wanted = wanted.replace("'", "")
            transposed = array.ndim == 2 and _fits(array.T, shape)
            remedy = (
                "It looks transposed: save its transpose"
                if transposed
                else "It is a convolution's, and the rest is not: check that all keys come from one model"
                if array.ndim == 4
                else "Save it as a matrix, with both axes"
                if array.ndim == 1 and len(shape) == 2
                else "Check that all keys come from one model"
            )
            raise InputError(
                f"{self.where}: key {self.name(key)!r} has shape {array.shape}; expected {wanted}. {remedy}"
            )
        return array

    def square(self, key: str) -> np.ndarray:
        """An (n, n) array, n its larger side."""
        return self.array(key, (max(self._found(key).shape, default=1),) * 2)

    def first(self, *keys: str) -> str:
        """Whichever of the names the file has; the first one where it has none."""
        found = [key for key in keys if key in self.keys]
        if len(found) > 1:
            raise InputError(
                f"{self.where}: keys {listed(map(self.name, found))} mean the same; remove all but one, or name it "
                "by --keys"
            )
        return found[0] if found else keys[0]

    def number(self, key: str, value: Any) -> float:
        """One number of the metadata."""
        array = self._numeric(key, value)
        if array.size != 1:
            raise InputError(f"{self.where}: {key} has shape {array.shape}; expected one number")
        return float(array.reshape(()))

    def per_input(self, key: str, value: Any, d: int) -> np.ndarray:
        """A number, or one for each input."""
        array = self._numeric(key, value)
        if array.ndim == 2 and 1 in array.shape:
            array = array.reshape(-1)
        if array.shape == (1,):
            array = array.reshape(())
        if array.shape not in ((), (d,)):
            raise InputError(f"{self.where}: {key} has shape {array.shape}; expected one number or ({d},)")
        return array

    # -- margins -------------------------------------------------------------

    def margin(self, asked: float | None, key: str) -> float:
        """``m`` above zero, stored or asked for."""
        margin = self.stated_margin(asked, key)
        return self.positive(f"key {self.name(key)!r}" if key in self.keys else "--margin", margin)

    def stated_margin(self, asked: float | None, key: str) -> float:
        """``m``, stored or asked for; it cannot be computed from the arrays."""
        stored = float(self.array(key, ())) if key in self.keys else None
        self.agree(stored, asked)
        margin = asked if stored is None else stored
        if margin is None:
            raise InputError(
                f"{self.where}: does not store its margin m; give the m of its training with --margin. It is in the "
                "script that trained it, and cannot be computed or guessed: with another m this is another network"
            )
        return margin

    def agree(self, stored: float | None, given: float | None) -> None:
        """Refuse a margin that contradicts the file."""
        if stored is None or given is None or abs(given - stored) <= MARGIN_TOLERANCE * abs(stored):
            return
        raise InputError(
            f"{self.where}: --margin is {given:.6g}, but the file stores m = {stored:.6g}; leave --margin out"
        )

    def positive(self, what: str, margin: float) -> float:
        """Refuse a margin without which there is no unique equilibrium."""
        if not (margin > 0 and np.isfinite(margin)):
            raise InputError(f"{self.where}: {what} is {margin:g}; expected a positive monotonicity margin m")
        return float(margin)

    # -- the network ---------------------------------------------------------

    def model(
        self,
        W: np.ndarray,
        injection: tuple[np.ndarray, np.ndarray],
        readout: tuple[str, str],
        margin: float,
        preprocessing: Preprocessing | None = None,
    ) -> MonDEQ:
        """The network of an operator, ``(U, b)`` and the keys of ``(O, c)``."""
        O = self.array(readout[0], (None, len(W)))  # noqa: E741 - the field's name for the readout
        c = self.array(readout[1], (len(O),))
        U, b = injection
        return MonDEQ(W, U, b, O, c, margin, preprocessing, source=self.file_name, clip=self.activation(len(W)))

    def injection(self, weight: str, bias: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        """``U`` (n, d) and ``b`` (n,)."""
        return self.array(weight, (n, None)), self.array(bias, (n,))

    def activation(self, n: int) -> Clip | None:
        """Of the activation that metadata or a key names; None for relu."""
        value = self.metadata.get("activation", self.spelled.arrays.get("activation", "relu"))
        name = str(np.asarray(value).reshape(-1)[0]).lower()
        if name not in ACTIVATIONS:
            raise InputError(
                f"{self.where}: activation is {name!r}; expected one of {', '.join(ACTIVATIONS)}: the iteration needs "
                "an activation that is a clip of each state"
            )
        return None if ACTIVATIONS[name].is_relu else Clip.uniform(ACTIVATIONS[name], n)

    def _found(self, key: str) -> np.ndarray:
        if key not in self.keys:
            raise InputError(
                f"{self.where}: key {self.name(key)!r} is missing (found {listed(self.spelled.names.values())}); save "
                "it with the rest, or name the file's own key by --keys"
            )
        return self._numeric(f"key {self.name(key)!r}", self.spelled.arrays[key])

    def _numeric(self, key: str, value: Any) -> np.ndarray:
        try:
            array = np.asarray(value)
        except ValueError:
            raise InputError(f"{self.where}: {key} is not a rectangular array; save numbers only") from None
        if array.dtype.kind not in "fiu":
            raise InputError(f"{self.where}: {key} has type {array.dtype}; expected real numbers (float32 or float64)")
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            bad = int((~np.isfinite(array)).sum())
            raise InputError(
                f"{self.where}: {key} holds {bad} NaN or infinite value{'s' if bad > 1 else ''}; expected finite "
                "numbers. Use a checkpoint from before the training diverged"
            )
        return array


def parametrised(margin: float, A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """``W = (1-m) I - A'A + B - B'`` (Winston & Kolter 2020, Proposition 1)."""
    return (1.0 - margin) * np.eye(len(B)) - A.T @ A + B - B.T


def _fits(array: np.ndarray, shape: tuple[int | None, ...]) -> bool:
    return array.ndim == len(shape) and all(
        have > 0 and want in (None, have) for have, want in zip(array.shape, shape, strict=True)
    )
