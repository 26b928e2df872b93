"""Problems that no scaling makes fast, and the rows and variables that they owe it to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..base import InputWarning
from .contents import listed, rows_of
from .inclusion import Inclusion
from .scaling import contraction, slowest

#: Updates that a loop of 1 kHz has time for at 150 MHz, of 15 cycles each.
MOST_UPDATES = 10_000
#: What is left of the start after all updates, about.
LEFT = 2.0**-15
#: Of the slowest direction's entries: from this share of the largest on a row is named.
NAMED = 0.2


@dataclass(frozen=True)
class Slowness:
    """Of a problem whose recurrence contracts so slowly that a controller has hardly any use for it.

    Parameters
    ----------
    factor : float
        At the best step size, in floating point.
    rows, variables : tuple of int
        Constraints whose multipliers are slow, or where there are none slow variables, by the user's numbers.
    delta : float
        The least penalty of these rows; zero where one is hard.
    """

    factor: float
    rows: tuple[int, ...]
    variables: tuple[int, ...]
    delta: float

    @staticmethod
    def of(inclusion: Inclusion, delta: dict[int, float]) -> Slowness | None:
        """None of a problem that takes :data:`MOST_UPDATES` at most; ``delta`` is of the user's rows."""
        if updates(contraction(inclusion)) <= MOST_UPDATES:
            return None
        factor, direction = slowest(inclusion)  # the compiler chooses a step size once more
        if updates(factor) <= MOST_UPDATES:
            return None
        slow = np.abs(direction) >= NAMED * np.abs(direction).max()
        if (multipliers := slow & inclusion.multipliers).any():
            slow = multipliers  # they take the variables that they bind along
        named, are_rows = inclusion.source[slow], inclusion.multipliers[slow] & (inclusion.source[slow] >= 0)
        rows = tuple(dict.fromkeys(named[are_rows].tolist()))
        variables = () if rows else tuple(dict.fromkeys(np.maximum(named, ~named).tolist()))
        return Slowness(factor, rows, variables, min((delta[row] for row in rows), default=np.inf))

    def due(self) -> str:
        """What is slow, and what helps, in the words of a quadratic program."""
        if not self.rows:
            return (
                f"it is along variables {listed(self.variables)} that P has little curvature, in whatever units: add a "
                "multiple of the identity to it"
            )
        soft = f"of delta {self.delta:g}: give a larger one, for example 0.1"
        hard = "without a delta and nearly dependent: soften them by delta=..., for example 0.1"
        return f"it is for {rows_of(self.rows)} of A, {soft if self.delta > 0 else hard}"

    def announced(self, source: str, about: str, stacklevel: int) -> None:
        """A warning; ``about`` says what it is due to, and what helps."""
        warnings.warn(
            f"{source}: contracts by {self.factor:.7g} an update at best, as a cost of condition number "
            f"{condition(self.factor):.1g} does, and takes about {updates(self.factor):,.0f} updates; expected at most "
            f"{MOST_UPDATES:,}, which are a millisecond: {about}",
            InputWarning,
            stacklevel=stacklevel + 1,
        )


def updates(factor: float) -> float:
    """About as many as leave :data:`LEFT` of the start."""
    return float(np.log(LEFT) / np.log(factor)) if 0 < factor < 1 else 0.0 if factor <= 0 else np.inf


def condition(factor: float) -> float:
    """Of the symmetric operator whose best step contracts by this factor (Giselsson & Boyd, arXiv 1407.6723)."""
    return ((1 + factor) / max(1 - factor, np.finfo(float).eps)) ** 2
