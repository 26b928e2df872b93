"""What a search tries, what it learns of each try, and what it looks for.

A point is a choice of integers (solver, word lengths, updates) and of how the hardware folds them (strategy, reuse
factor, input beat, balance).  The integers are measured; what a folding costs follows from them by the cycle model and
the estimates, so that any number of foldings cost hardly more than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from math import inf
from typing import Any

from ..hardware import RESOURCE, THROUGHPUT

AXES = ("bits", "drive_bits", "readout_bits", "state_bits")
#: What a descent shortens step by step: whatever decides the integers, the solver apart.
STEPPED = (*AXES, "input_bits", "iterations")
#: How the hardware folds the integers: of every choice all are tried.
FOLDING = ("strategy", "reuse_factor", "input_beat", "balance")

MEMORY, LUTS, LATENCY, INTERVAL, ERROR = "memory", "luts", "latency", "interval", "error"
COSTS = (MEMORY, LUTS, LATENCY, INTERVAL, ERROR)


@dataclass(frozen=True, order=True)
class Choice:
    """The options of ``compile`` that a point has of its own; None leaves one to the compiler."""

    solver: str
    bits: int
    drive_bits: int
    readout_bits: int
    state_bits: int
    input_bits: int | None = None
    iterations: int | None = None
    strategy: str = RESOURCE
    reuse_factor: int | None = None
    input_beat: int | None = None
    balance: str = THROUGHPUT

    @property
    def integers(self) -> Choice:
        """The choice whose integers are the same, in the folding that the compiler chooses."""
        return Choice(self.solver, *(getattr(self, axis) for axis in STEPPED))

    @property
    def folding(self) -> dict[str, Any]:
        """The options that leave the integers as they are."""
        return {name: getattr(self, name) for name in FOLDING}


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
        Of :mod:`mondeq_hw.hardware.estimate`, every multiplier in LUTs.
    latency_cycles : int
        From the first input beat of a lone sample to its last output beat, by the cycle model.
    interval_cycles : float
        From sample to sample, when samples follow one another without a gap.
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
    latency_cycles: int
    interval_cycles: float

    def figure(self, name: str) -> float:
        """One of :data:`COSTS`; the error is what the score lacks of 1."""
        match name:
            case "memory":
                return self.memory_bits
            case "luts":
                return self.estimated_luts
            case "latency":
                return self.latency_cycles
            case "interval":
                return self.interval_cycles
            case "error":
                return inf if self.score is None else 1 - self.score
        raise ValueError(f"{name!r} is no cost of a point; expected one of {', '.join(COSTS)}")

    def cost(self, minimise: str) -> tuple[float, int, int, Choice]:
        """What is minimised; among equals fewer iterations, fewer LUTs, and an order that leaves nothing to chance."""
        return self.figure(minimise), self.iterations, self.estimated_luts, self.choice

    def to_plain(self) -> dict[str, Any]:
        """One flat record; ``asked_iterations`` are the choice's, ``iterations`` those that run."""
        record = asdict(self)
        choice = record.pop("choice")
        return {**choice, "asked_iterations": choice["iterations"], **record}

    @staticmethod
    def from_plain(record: dict[str, Any]) -> SearchPoint:
        """The inverse of :meth:`to_plain`; raises KeyError where an entry is missing."""
        asked = {**record, "iterations": record["asked_iterations"]}
        choice = Choice(**{field.name: asked[field.name] for field in fields(Choice)})
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
    luts, latency : int or None
        Most estimated LUTs, and most cycles of a lone sample.
    interval : float or None
        Most cycles from sample to sample.
    """

    score: float | None = None
    radius: float | None = None
    distance: float | None = None
    proved_distance: float | None = None
    luts: int | None = None
    latency: int | None = None
    interval: float | None = None

    @property
    def budgets(self) -> dict[str, float]:
        """What the hardware may cost at most, by the names of :data:`COSTS`."""
        asked = {LUTS: self.luts, LATENCY: self.latency, INTERVAL: self.interval}
        return {name: most for name, most in asked.items() if most is not None}

    def reached_by(self, point: SearchPoint) -> bool:
        """Whether a point is proved and meets them all."""
        return self.good(point) and not self.excess(point)

    def excess(self, point: SearchPoint) -> float:
        """By what shares of them a point goes beyond the budgets, summed up; 0 within them."""
        return sum(max(0.0, point.figure(name) / most - 1) for name, most in self.budgets.items())

    def good(self, point: SearchPoint) -> bool:
        """Whether a point is proved and its outputs are as asked, whatever the hardware costs."""
        if not point.proved or point.radius is None:
            return False
        good = self.score is None or (point.score is not None and point.score >= self.score)
        near = self.distance is None or point.distance <= self.distance
        if self.proved_distance is not None:
            near = near and point.proved_distance is not None and point.proved_distance <= self.proved_distance
        return good and near and (self.radius is None or point.radius <= self.radius)

    def nearest(self, points: Sequence[SearchPoint]) -> SearchPoint | None:
        """Of the proved points the one of best score (where that counts), then of least distances, of least excess over
        the budgets, then radius."""

        def rank(point: SearchPoint) -> tuple[float, float, float, float, float]:
            score = 0.0 if self.score is None or point.score is None else min(point.score, self.score)
            distance = 0.0 if self.distance is None else max(point.distance, self.distance)
            found = inf if point.proved_distance is None else point.proved_distance
            proved = 0.0 if self.proved_distance is None else max(found, self.proved_distance)
            return -score, distance, proved, self.excess(point), point.radius or 0.0

        return min((point for point in points if point.proved), key=rank, default=None)


@dataclass(frozen=True)
class Lattice:
    """The points that may be tried: every solver with every combination of word lengths, updates and foldings.

    Every axis ascends; one of None alone is the compiler's.
    """

    solvers: tuple[str, ...]
    bits: Sequence[int]
    drive_bits: Sequence[int]
    readout_bits: Sequence[int]
    state_bits: Sequence[int]
    input_bits: Sequence[int | None] = (None,)
    iterations: Sequence[int | None] = (None,)
    strategy: Sequence[str] = (RESOURCE,)
    reuse_factor: Sequence[int | None] = (None,)
    input_beat: Sequence[int | None] = (None,)
    balance: Sequence[str] = (THROUGHPUT,)

    def sweep(self) -> list[Choice]:
        """Every iteration word length of every solver, ascending, in the first folding, all else at its widest."""
        widest = [getattr(self, axis)[-1] for axis in STEPPED[1:]]
        first = self._foldings()[0]
        return [Choice(solver, bits, *widest, *first) for solver, bits in product(self.solvers, self.bits)]

    def choices(self) -> list[Choice]:
        """Every point."""
        integers = product(self.solvers, *(getattr(self, axis) for axis in STEPPED))
        return [Choice(*each, *folding) for each, folding in product(integers, self._foldings())]

    def folded(self, choices: Iterable[Choice]) -> list[Choice]:
        """The choices in every folding."""
        foldings = [dict(zip(FOLDING, each, strict=True)) for each in self._foldings()]
        return [replace(choice, **folding) for choice in choices for folding in foldings]

    def _foldings(self) -> list[tuple[Any, ...]]:
        """Values of :data:`FOLDING`; only the resource strategy has anything to balance."""
        every = product(*(getattr(self, name) for name in FOLDING))
        return list(dict.fromkeys((*each, THROUGHPUT if each[0] != RESOURCE else balance) for *each, balance in every))

    def shorter(self, choice: Choice) -> list[Choice]:
        """The points with one word shorter, or fewer updates, by one step of the lattice."""
        return self._beside(choice, -1)

    def longer(self, choice: Choice) -> list[Choice]:
        """The points with one word longer, or more updates, by one step of the lattice."""
        return self._beside(choice, 1)

    def _beside(self, choice: Choice, step: int) -> list[Choice]:
        found = []
        for axis in STEPPED:
            values = getattr(self, axis)
            at = values.index(getattr(choice, axis)) + step
            if 0 <= at < len(values):
                found.append(replace(choice, **{axis: values[at]}))
        return found

    def most_ahead(self, choice: Choice) -> int:
        """Points that a walk down from here can look at, at most."""
        steps = sum(getattr(self, axis).index(getattr(choice, axis)) for axis in STEPPED)
        return self.most_beside * steps

    @property
    def most_beside(self) -> int:
        """Points that one step of a walk looks at, at most."""
        return len(self.folded([self.sweep()[0]])) * sum(len(getattr(self, axis)) > 1 for axis in STEPPED)
