"""What a word-length search tries, what it learns of each try, and what it looks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from math import inf
from typing import Any

AXES = ("bits", "drive_bits", "readout_bits", "state_bits")
MEMORY = "memory"
LUTS = "luts"
COSTS = (MEMORY, LUTS)


@dataclass(frozen=True, order=True)
class Choice:
    """A solver and the word lengths of iteration matrix, drive, readout and state."""

    solver: str
    bits: int
    drive_bits: int
    readout_bits: int
    state_bits: int


@dataclass(frozen=True)
class SearchPoint:
    """One measured choice.

    Parameters
    ----------
    choice : Choice
    proved : bool
        Whether the stored integers provably contract.
    contraction_factor : float
        The proved factor; without a proof, the measured weighted norm.
    iterations : int
        Updates that the certificate asks for; without a proof, those that were run.
    distance : float
        Largest ``|y - y*|`` of any output from the float network's on the samples of the experiment; measured.
    radius : float or None
        Proved bound on ``||s_K - s*||_2``, the certificate's line ``radius``: from the equilibrium of the *stored*
        integers, so that the rounding of the weights is not in it.  None without a proof.
    score : float or None
        The task's, of the selection samples; None without data.
    proved_distance : float or None
        The same as ``distance`` for every input, the certificate's line ``output_distance``; None where the target
        does not ask for it, or nothing proves it.
    memory_bits : int
        Bits of all matrices and of one state vector.
    estimated_luts : int
        Of :mod:`mondeq_hw.hardware.estimate`, at the default folding, every multiplier in LUTs.
    """

    choice: Choice
    proved: bool
    contraction_factor: float
    iterations: int
    distance: float
    radius: float | None
    score: float | None
    proved_distance: float | None
    memory_bits: int
    estimated_luts: int

    def cost(self, minimise: str) -> tuple[int, int, Choice]:
        """What is minimised; among equals fewer iterations, and an order that leaves nothing to chance."""
        return self.memory_bits if minimise == MEMORY else self.estimated_luts, self.iterations, self.choice

    def to_plain(self) -> dict[str, Any]:
        """One flat record."""
        record = asdict(self)
        return {**record.pop("choice"), **record}

    @staticmethod
    def from_plain(record: dict[str, Any]) -> SearchPoint:
        """The inverse of :meth:`to_plain`; raises KeyError where an entry is missing."""
        choice = Choice(**{field.name: record[field.name] for field in fields(Choice)})
        return SearchPoint(
            choice, **{field.name: record[field.name] for field in fields(SearchPoint) if field.name != "choice"}
        )


@dataclass(frozen=True)
class Target:
    """What a point must reach, with a proof; ``None`` asks nothing.

    Parameters
    ----------
    score : float or None
        Least score of the selection samples: accuracy as a share, or R squared of the worst output.
    radius : float or None
        Largest certified radius.
    distance : float or None
        Largest measured distance of an output from the float network's.
    proved_distance : float or None
        Largest distance that is proved for every input.
    """

    score: float | None = None
    radius: float | None = None
    distance: float | None = None
    proved_distance: float | None = None

    def reached_by(self, point: SearchPoint) -> bool:
        """Whether a point is proved and meets them all."""
        if not point.proved or point.radius is None:
            return False
        good = self.score is None or (point.score is not None and point.score >= self.score)
        near = self.distance is None or point.distance <= self.distance
        if self.proved_distance is not None:
            near = near and point.proved_distance is not None and point.proved_distance <= self.proved_distance
        return good and near and (self.radius is None or point.radius <= self.radius)

    def nearest(self, points: Sequence[SearchPoint]) -> SearchPoint | None:
        """Of the proved points the one of best score (where that counts), then of least distances, then radius."""

        def rank(point: SearchPoint) -> tuple[float, float, float, float]:
            score = 0.0 if self.score is None or point.score is None else min(point.score, self.score)
            distance = 0.0 if self.distance is None else max(point.distance, self.distance)
            found = inf if point.proved_distance is None else point.proved_distance
            proved = 0.0 if self.proved_distance is None else max(found, self.proved_distance)
            return -score, distance, proved, point.radius or 0.0

        return min((point for point in points if point.proved), key=rank, default=None)


@dataclass(frozen=True)
class Lattice:
    """The points that may be tried: every solver with every combination of word lengths."""

    solvers: tuple[str, ...]
    bits: range
    drive_bits: range
    readout_bits: range
    state_bits: range

    def sweep(self) -> list[Choice]:
        """Every iteration word length of every solver, ascending, the other words at their widest."""
        widest = self.drive_bits[-1], self.readout_bits[-1], self.state_bits[-1]
        return [Choice(solver, bits, *widest) for solver, bits in product(self.solvers, self.bits)]

    def choices(self) -> list[Choice]:
        """Every point."""
        return [Choice(*each) for each in product(self.solvers, *(getattr(self, axis) for axis in AXES))]

    def shorter(self, choice: Choice) -> list[Choice]:
        """The points with one word length shorter by one."""
        steps = [replace(choice, **{axis: getattr(choice, axis) - 1}) for axis in AXES]
        return [step for axis, step in zip(AXES, steps, strict=True) if getattr(step, axis) in getattr(self, axis)]

    def most_ahead(self, choice: Choice) -> int:
        """Points that a walk down from here can look at, at most."""
        return len(AXES) * sum(getattr(choice, axis) - getattr(self, axis)[0] for axis in AXES)
