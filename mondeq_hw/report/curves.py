"""The curves of a report: residual by iteration, resources and MACs per cycle by folding, results by word length."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from ..folder import Build
from ..hardware import Schedule, Usage, estimate, initiation_interval, schedule
from ..problem import Task
from ..program import GoldenModel, SolverProgram
from .record import EXACT, PREDICTED, Figure, Report

#: Words of states that a trace may hold; fewer samples go through a long iteration.
TRACE_WORDS = 4_000_000
#: Foldings of a curve, from one multiplier a row and column to a single one.
FOLDINGS = 13


@dataclass(frozen=True)
class Residuals:
    """``||s_(t+1) - s_t||``, root mean square over the rows (weighted as the proof is), in state steps.

    Parameters
    ----------
    samples : int
        The first of the folder's ``sim/``.
    mean, worst : tuple of float (iterations,)
    envelope : tuple of float (iterations,) or None
        What the certificate allows, for every input: ``e_t + e_(t+1)`` with its bound
        ``e_(t+1) = rho e_t + rounding`` on the distance from the exact equilibrium.
    """

    samples: int
    mean: tuple[float, ...]
    worst: tuple[float, ...]
    envelope: tuple[float, ...] | None


@dataclass(frozen=True)
class FoldingPoint:
    """One folding of the program, every sample running all iterations.

    Parameters
    ----------
    cycles_per_product : int
        Of the solver.
    lanes : int
        Multiply-accumulate lanes of the three engines; an adder graph counts as many as its folding has.
    cycles_per_sample : float
        Predicted, steady state.
    macs_per_cycle : float
        Multiply-accumulates of a sample over ``cycles_per_sample``.
    stream_bound : float
        The same if the input and output streams were all that takes time.
    estimated : dict of str to Usage
        By family of parts.
    """

    cycles_per_product: int
    lanes: int
    cycles_per_sample: float
    macs_per_cycle: float
    stream_bound: float
    estimated: dict[str, Usage]


@dataclass(frozen=True)
class Foldings:
    """This build's folding, and those of the ``resource`` strategy from the smallest to the largest."""

    macs: int
    this: FoldingPoint
    others: tuple[FoldingPoint, ...]


@dataclass(frozen=True)
class WordLengthPoint:
    """The model at one word length of the iteration matrix.

    Parameters
    ----------
    bits : int
    certified : bool
    contraction_factor : float
        Proved; where there is no proof, ``min_D ||D M D^-1||_2``, measured.
    iterations : int
    score : float or None
        The task's, of the golden model; None without test samples.
    """

    bits: int
    certified: bool
    contraction_factor: float
    iterations: int
    score: float | None


@dataclass(frozen=True)
class Sweep:
    """Points and what they rest on.

    Parameters
    ----------
    program_digest : str
        Of the build.
    data_digest : str
        Of the samples.
    calibration_samples, test_samples : int
    points : tuple of WordLengthPoint
    """

    program_digest: str
    data_digest: str
    calibration_samples: int
    test_samples: int
    points: tuple[WordLengthPoint, ...]


@dataclass(frozen=True)
class OutputPoints:
    """Outputs of the golden model beside their targets and the float network's, sample by sample.

    Parameters
    ----------
    targets, outputs : tuple of tuple of float (samples, k)
    floating : tuple of tuple of float (samples, k) or None
        None where the certificate does not hold the float network.
    """

    targets: tuple[tuple[float, ...], ...]
    outputs: tuple[tuple[float, ...], ...]
    floating: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True)
class Curves:
    """What the plots show; ``outputs`` where the task has pictures of them."""

    residuals: Figure[Residuals]
    foldings: Figure[Foldings]
    word_lengths: Figure[Sweep]
    outputs: Figure[OutputPoints] | None


def not_drawn(task: Task) -> Curves:
    """What ``compile`` leaves to the command ``report``."""
    absent: Figure[Any] = Figure(EXACT, None, "compile draws no curves", "mondeq-hw report DIR")
    return Curves(absent, replace(absent, kind=PREDICTED), absent, absent if task.plots else None)


def residuals(build: Build) -> Residuals:
    """Run the golden model on the folder's samples."""
    program = build.program
    count = max(1, min(len(build.stimulus), TRACE_WORDS // ((program.iterations + 1) * program.n)))
    states = GoldenModel(program).trace(build.stimulus[:count]).states.astype(np.float64)
    contraction = build.certificate.evidence.get("contraction")
    weights = np.ones(program.n) if contraction is None else np.array(contraction["weights"], dtype=np.float64)
    steps = np.sqrt((np.square(np.diff(states, axis=0)) * (weights / weights.sum())).sum(axis=2))
    return Residuals(
        samples=count,
        mean=tuple(steps.mean(axis=1).tolist()),
        worst=tuple(steps.max(axis=1).tolist()),
        envelope=None if contraction is None else _envelope(build, contraction),
    )


def _envelope(build: Build, contraction: dict[str, Any]) -> tuple[float, ...]:
    line = build.certificate.line("iterations").values
    factor, unit = float(Fraction(contraction["factor"])), math.sqrt(sum(contraction["weights"]))
    # The state after the start is one update from zero.
    bounds = [line["start_bound"]]
    for _ in range(build.program.iterations + 1):
        bounds.append(factor * bounds[-1] + line["rounding_bound"])
    return tuple((one + next_one) / unit for one, next_one in pairwise(bounds[1:]))


def foldings(report: Report) -> Foldings:
    """Cycles and estimated resources of this folding and of others."""
    program, part = report.program, report.parts[0]
    families = tuple(dict.fromkeys(figures.part.family for figures in report.parts))

    def point(plan: Schedule) -> FoldingPoint:
        interval = initiation_interval(plan, program.iterations)
        return FoldingPoint(
            cycles_per_product=plan.solve.cycles_per_matvec,
            lanes=sum(engine.pe * engine.simd for engine in (plan.drive, plan.solve, plan.readout)),
            cycles_per_sample=interval,
            macs_per_cycle=macs(program) / interval,
            stream_bound=macs(program) / max(plan.beats_per_sample, program.k),
            estimated={name: estimate(program, plan, name, part.lut_weight_bits) for name in families},
        )

    most = program.n**2
    reuses = sorted({round(most ** (index / (FOLDINGS - 1))) for index in range(FOLDINGS)})
    plans = {plan.solve: plan for plan in (schedule(program, reuse) for reuse in reuses)}
    return Foldings(macs(program), point(report.schedule), tuple(map(point, plans.values())))


def macs(program: SolverProgram) -> int:
    """Multiply-accumulates of a sample that runs all iterations."""
    n, d, k = program.n, program.d, program.k
    return n * d + program.iterations * n * n + n * k
