"""How far inputs may move, and how far outputs follow, in the units of the values that the user has.

The certificate is about the program, whose inputs are words: where a range is declared, one of them is a step of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..problem import InputWords, Preprocessing
from .record import Report


@dataclass(frozen=True)
class Moves:
    """What the lines `robustness` and `gain` say of one norm; None where there is no such line.

    Parameters
    ----------
    quantiles : tuple of float (11,) or None
        From the least to the largest change that provably leaves a calibration sample's class.
    eps : tuple of float or None
        Sizes of a change for which samples were counted.
    shares : tuple of float or None
        Of the samples that hold a change of each size.
    gains : tuple of float (k,) or None
        By how much each output moves at most, for a change of one.
    """

    quantiles: tuple[float, ...] | None
    eps: tuple[float, ...] | None
    shares: tuple[float, ...] | None
    gains: tuple[float, ...] | None

    @staticmethod
    def of(words: InputWords, robustness: dict[str, Any], gain: dict[str, Any], norm: str) -> Moves:
        """The lines' values, which are in units of the program's input, in those of its values."""

        def changes(raw: Sequence[float]) -> tuple[float, ...]:
            return tuple(map(words.change, raw))

        sampled, samples = robustness.get(norm), robustness.get("samples")
        one = words.raw_change(1.0)
        return Moves(
            None if sampled is None else changes(sampled["quantiles"]),
            None if sampled is None else changes(sampled["eps"]),
            None if sampled is None else tuple(held / samples for held in sampled["certified"]),
            tuple(moved * one for moved in gain[norm]) if norm in gain else None,
        )


@dataclass(frozen=True)
class InputChanges:
    """Both norms, and what a change of one is."""

    unit: str
    infinity_norm: Moves
    two_norm: Moves

    @staticmethod
    def of(report: Report) -> InputChanges:
        """Those of a folder's certificate."""
        words = Preprocessing.from_plain(report.origin.model.preprocessing).words
        lines = {line.name: line.values for line in report.certificate}
        pair = lines.get("robustness", {}), lines.get("gain", {})
        return InputChanges(
            words.change_unit, *(Moves.of(words, *pair, norm) for norm in ("infinity_norm", "two_norm"))
        )
