"""One family of proximal operators for every problem: the clip, and what a clip leaves.

``prox_i(s) = clip(s_i, lower_i, upper_i)``, or ``s_i`` less that where the row
is a complement (Moreau): relu, boxes, free rows, multipliers, soft thresholds.
Each is nonexpansive and acts on one row at a time, so it is 1-Lipschitz in
every diagonally weighted norm; the proofs use nothing else about it, but that
``lower_i <= 0 <= upper_i``, by which no row grows: ``|2 prox(s) - s| <= |s|``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from .errors import InputError


@dataclass(frozen=True)
class Interval:
    """Constants of one row: a bound is a number, or infinite.

    Parameters
    ----------
    lower, upper : float
        ``lower <= 0 <= upper``.
    complement : bool
    """

    lower: float
    upper: float
    complement: bool = False

    def __post_init__(self) -> None:
        if not self.lower <= 0 <= self.upper:
            raise InputError(
                f"a clip from {self.lower:g} to {self.upper:g} does not hold zero; "
                "shift the row's origin into the drive, so that lower <= 0 <= upper"
            )
        # One spelling of equal intervals, whatever numbers they were made of: digests are taken of it.
        object.__setattr__(self, "lower", float(self.lower) + 0.0)
        object.__setattr__(self, "upper", float(self.upper) + 0.0)
        object.__setattr__(self, "complement", bool(self.complement))

    @property
    def is_relu(self) -> bool:
        """Whether the operator is ``max(s, 0)``."""
        return self.lower == 0 and self.upper == np.inf and not self.complement


#: States, or what stands for them: arrays, tensors, names of a graph's values.
States = TypeVar("States")


class Proximal(Protocol[States]):
    """What a splitting asks of a clip, on whatever its states are held in."""

    def prox(self, state: States, /) -> States:
        """``prox(s)``."""

    def reflection(self, state: States, /) -> States:
        """``2 prox(s) - s``."""


RELU = Interval(0.0, np.inf)
FREE = Interval(-np.inf, np.inf)


def soft_threshold(threshold: float) -> Interval:
    """``sign(s) max(|s| - threshold, 0)`` as a complement (Moreau)."""
    return Interval(-threshold, threshold, complement=True)


@dataclass(frozen=True)
class Clip:
    """The proximal operator of a state: few different rows' constants, and which row has which.

    Parameters
    ----------
    kinds : tuple of Interval
        Each different one once.
    rows : tuple of int (n,)
        Index into ``kinds``.
    """

    kinds: tuple[Interval, ...]
    rows: tuple[int, ...]

    def __post_init__(self) -> None:
        used = set(self.rows)
        if used != set(range(len(self.kinds))) or len(set(self.kinds)) != len(self.kinds):
            raise InputError(f"a clip has {len(self.kinds)} kinds, rows use {sorted(used)}; expected each one once")

    @staticmethod
    def of(intervals: Sequence[Interval]) -> Clip:
        """The clip of one interval a row."""
        kinds = tuple(dict.fromkeys(intervals))
        return Clip(kinds, tuple(kinds.index(interval) for interval in intervals))

    @staticmethod
    def uniform(interval: Interval, n: int) -> Clip:
        """The same interval in every row."""
        return Clip((interval,), (0,) * n)

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.rows)

    @property
    def is_relu(self) -> bool:
        """Whether every row is ``max(s, 0)``."""
        return all(kind.is_relu for kind in self.kinds)

    @property
    def has_complements(self) -> bool:
        """Whether any row is a complement."""
        return any(kind.complement for kind in self.kinds)

    @cached_property
    def lower(self) -> np.ndarray:
        """Lower bounds (n,), float64."""
        return self._column("lower")

    @cached_property
    def upper(self) -> np.ndarray:
        """Upper bounds (n,), float64."""
        return self._column("upper")

    @cached_property
    def complement(self) -> np.ndarray:
        """Rows that are complements (n,), bool."""
        return self._column("complement").astype(bool)

    def scaled(self, factor: float) -> Clip:
        """Every bound times a positive factor."""
        return Clip.of([Interval(factor * k.lower, factor * k.upper, k.complement) for k in self._by_row()])

    def at_step(self, step_size: float) -> Clip:
        """The operator of ``step_size`` times the function: a projection stays, a complement's bounds grow with it."""
        if not self.has_complements:
            return self
        return Clip.of(
            [Interval(step_size * k.lower, step_size * k.upper, True) if k.complement else k for k in self._by_row()]
        )

    def prox(self, state: np.ndarray) -> np.ndarray:
        """``prox(s)`` of states (.., n), in their own type."""
        if self.is_relu:
            return np.maximum(state, 0)
        return self._finished(state, self._clipped(state))

    def reflection(self, state: np.ndarray) -> np.ndarray:
        """``2 prox(s) - s`` of states (.., n), in their own type."""
        if self.is_relu:
            return np.abs(state)
        clipped = self._clipped(state)
        reflected = clipped + clipped - state
        return np.where(self.complement, -reflected, reflected) if self.has_complements else reflected

    # -- plain values --------------------------------------------------------

    def to_plain(self) -> dict[str, list[Any]]:
        """JSON-ready bounds, whole numbers as integers and ``None`` where there is none; and the rows' kinds."""

        def plain(bound: float) -> float | None:
            if not np.isfinite(bound):
                return None
            return int(bound) if bound == int(bound) else float(bound)

        return {
            "lower": [plain(kind.lower) for kind in self.kinds],
            "upper": [plain(kind.upper) for kind in self.kinds],
            "complement": [kind.complement for kind in self.kinds],
            "rows": list(self.rows),
        }

    @staticmethod
    def from_plain(plain: dict[str, list[Any]]) -> Clip:
        """The inverse of :meth:`to_plain`.

        Raises
        ------
        KeyError, TypeError, ValueError, InputError
            An entry is missing, of another type, or no clip.
        """
        bounds = zip(plain["lower"], plain["upper"], plain["complement"], strict=True)
        kinds = [
            Interval(-np.inf if low is None else float(low), np.inf if high is None else float(high), bool(complement))
            for low, high, complement in bounds
        ]
        return Clip(tuple(kinds), tuple(int(row) for row in plain["rows"]))

    # -- rows ----------------------------------------------------------------

    def _by_row(self) -> list[Interval]:
        return [self.kinds[row] for row in self.rows]

    def _column(self, name: str) -> np.ndarray:
        return np.array([getattr(kind, name) for kind in self.kinds], dtype=np.float64)[list(self.rows)]

    def _clipped(self, state: np.ndarray) -> np.ndarray:
        if state.dtype.kind == "f":
            return np.clip(state, self.lower.astype(state.dtype), self.upper.astype(state.dtype))
        if state.dtype == object:
            bounded = np.where(state < self.lower, _whole(self.lower), state)
            return np.where(bounded > self.upper, _whole(self.upper), bounded)
        return np.clip(state, _int64(self.lower), _int64(self.upper))

    def _finished(self, state: np.ndarray, clipped: np.ndarray) -> np.ndarray:
        return np.where(self.complement, state - clipped, clipped) if self.has_complements else clipped


def _int64(bounds: np.ndarray) -> np.ndarray:
    """Infinite bounds as the largest integers."""
    limits = np.iinfo(np.int64)
    whole = np.where(np.isfinite(bounds), bounds, 0).astype(np.int64)
    return np.where(bounds == np.inf, limits.max, np.where(bounds == -np.inf, limits.min, whole))


def _whole(bounds: np.ndarray) -> np.ndarray:
    """Python integers; an infinite bound, which is never taken, as zero."""
    return np.array([int(bound) if np.isfinite(bound) else 0 for bound in bounds.tolist()], dtype=object)
