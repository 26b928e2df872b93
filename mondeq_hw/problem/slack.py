"""What it costs to leave the rows of a quadratic program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import InputError
from .arrays import Array, numbers

#: Penalties that mean something beside numbers of the size of one.
PENALTIES = (1e-9, 1e9)


@dataclass(frozen=True)
class Slack:
    """What it costs to leave the rows of a problem; those without either are hard.

    Parameters
    ----------
    delta : ndarray (m,)
        ``slack^2 / (2 delta)``; zero for none.
    weight : ndarray (m,)
        ``weight |slack|``; zero for none.  Beside a ``delta`` the cost goes on as a line from where its slope is the
        weight (Huber's function).  The row's multiplier never is more.
    """

    delta: np.ndarray
    weight: np.ndarray

    @property
    def soft(self) -> np.ndarray:
        """Rows that may be left (m,), bool."""
        return np.asarray((self.delta > 0) | (self.weight > 0))

    @staticmethod
    def none(rows: int) -> Slack:
        """Of hard rows."""
        return Slack(np.zeros(rows), np.zeros(rows))

    def rows(self, index: np.ndarray) -> Slack:
        """Of some rows."""
        return Slack(self.delta[index], self.weight[index])

    def above(self, other: Slack) -> Slack:
        """Of the rows of both."""
        return Slack(np.append(self.delta, other.delta), np.append(self.weight, other.weight))

    def filled(self, rows: np.ndarray, delta: float, weight: float) -> Slack:
        """With numbers for those of some rows (m,), bool, that have none of their own; zero for no number."""
        return Slack(
            np.where(rows & (self.delta == 0), delta, self.delta),
            np.where(rows & (self.weight == 0), weight, self.weight),
        )


def penalties(name: str, value: float | Array | None, rows: int) -> tuple[np.ndarray, float]:
    """Of each row (rows,), or one number for those that have none; zero for none.

    Raises
    ------
    InputError
        Another shape, or no penalties.
    """
    given = np.zeros(()) if value is None else numbers(name, value, None, finite=False)
    if given.shape not in ((), (rows,)):
        raise InputError(f"{name} has shape {given.shape}; expected one number or ({rows},), one for each row of A")
    low, high = PENALTIES
    if not ((given == 0) | ((given >= low) & (given <= high))).all():
        raise InputError(f"{name} has an entry that is no penalty; expected {low:g} to {high:g}, or 0 for none")
    return (given.copy(), 0.0) if given.ndim else (np.zeros(rows), float(given))
