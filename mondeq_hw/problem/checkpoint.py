"""What a file tells: the network, where it comes from, and how its code usually prepares MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..base import InputError
from .model import MonDEQ
from .preprocessing import Preprocessing, completed, unknown


@dataclass(frozen=True)
class Training:
    """Where a model comes from; carried along for reports, never used in a computation.

    Parameters
    ----------
    dataset : str
        Name of the training data (``digits``, ``mnist``, or empty when unknown).
    seed : int or None
    metrics : dict of str to float
        For example ``{"test_accuracy": 97.8}``.
    digest : str
        SHA-256 of whatever reproduces the training (script, data, options).
    """

    dataset: str = ""
    seed: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A model and its origin.

    Parameters
    ----------
    model : MonDEQ
    training : Training
    usual : Preprocessing, optional
        How the code that the file's layout comes from prepares MNIST's pixels; of networks of their size only.
    """

    model: MonDEQ
    training: Training = Training()
    usual: Preprocessing | None = None

    def prepared(self, given: Mapping[str, Any], mnist: bool) -> Checkpoint:
        """The same with its preprocessing settled.

        Parameters
        ----------
        given : mapping
            Fields of a :class:`Preprocessing` that the user gave; None stands for not given.
        mnist : bool
            Whether the data are MNIST's: then a reference code's own network is prepared as that code does.

        Raises
        ------
        InputError
            Neither file nor user says it, or the user contradicts a retrained network.
        """
        model = self.model
        if model.stored is not None and any(value is not None for value in given.values()):
            raise InputError(
                f"{model.source}: the preprocessing of a retrained network is part of its integers; leave "
                "--input-scale, --input-mean, --input-std, --input-format and --input-range out"
            )
        if model.parameters is not None and any(value is not None for value in given.values()):
            raise InputError(
                f"{model.source}: the words of a parametric problem are those of its parameters' box; leave "
                "--input-scale, --input-mean, --input-std, --input-format and --input-range out, or change the box"
            )
        known = self.usual if model.preprocessing is None and mnist else model.preprocessing
        preprocessing = completed(known, given)
        if preprocessing is None:
            raise unknown(model.source, self.usual)
        return replace(
            self, model=replace(model, preprocessing=preprocessing.checked("--input-scale/mean/std/range", model.d))
        )
