"""Displacement of the equilibrium against its bound, sample by sample.

Three cases: the authors' quantiser and solver as they were run (their
``evaluate.py``: step 1, at most 500 iterations, the first 2,560 test images);
the same quantised network at its exact equilibrium; and the integer program,
whose bound covers drive, biases and the rounding of the state too.  The
program is made twice: with a drive as fine as ``W`` and with a coarse one, at
which a bound that covers ``W`` alone cannot hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from paper_tables import Cell, Recorded, Table
from published import Published, compiled

from mondeq_hw.problem import MonDEQ, folded_input, preactivation
from mondeq_hw.program import GoldenModel
from mondeq_hw.proof import compare_operators, displacement, error_bound, paper_quantizer, state_radius
from mondeq_hw.rounding import LEAST_DRIVE_BITS, NEAREST, STATE_BITS, LoweringOptions

BITS = (6, 8, 12, 16)
#: The authors' evaluation: images, batch, step, tolerance, iterations, and the slack in their count.
RECORDED_SAMPLES = 2560
RECORDED_BATCH = 256
RECORDED_STEP = np.float32(1.0)
RECORDED_TOLERANCE = 1e-5
RECORDED_ITERATIONS = 500
RECORDED_SLACK = 1.01
#: State bits beyond those of the weights: the rounding of the state is then not what dominates.
MORE_STATE_BITS = 6
#: The compiler's own choice where nothing is asked for.
COARSE_DRIVE_BITS, COARSE_STATE_BITS = LEAST_DRIVE_BITS, STATE_BITS
BATCH = 500
COLORS = dict(zip(BITS, ("C1", "C0", "C2", "C4"), strict=True))


@dataclass(frozen=True)
class Samples:
    """Distance from the float equilibrium and a bound on it, per sample."""

    distance: np.ndarray
    bound: np.ndarray

    @property
    def violations(self) -> int:
        return int((self.distance > self.bound).sum())

    @property
    def satisfied(self) -> float:
        """The authors' figure, with their slack of one percent."""
        return float((self.distance <= RECORDED_SLACK * self.bound).mean())


@dataclass(frozen=True)
class Bounded:
    """The same distances against the paper's bound, ours, and (of a program) ours from its final state alone."""

    paper: Samples
    ours: Samples
    posterior: Samples | None = None


@dataclass(frozen=True)
class Comparison:
    """One word length: the authors' network where their solver stops and at its equilibrium, and two programs."""

    bits: int
    as_recorded: Samples
    exact: Bounded
    fine: Bounded
    coarse: Bounded


def measure(published: Published) -> list[Comparison]:
    exact = published.model.prox.prox(preactivation(published.model, published.test.words))
    recorded = recorded_equilibria(published.model, published.test.words[:RECORDED_SAMPLES])
    return [_comparison(published, bits, exact, recorded) for bits in BITS]


def quantised(model: MonDEQ, bits: int) -> MonDEQ:
    """``W``, ``U`` and ``b`` by the authors' quantiser; the readout stays."""
    W, U, b = (paper_quantizer(array, bits) for array in (model.W, model.U, model.b))
    return replace(model, W=W, U=U, b=b)


def _comparison(published: Published, bits: int, exact: np.ndarray, recorded: np.ndarray) -> Comparison:
    model, words = published.model, published.test.words
    tilde = quantised(model, bits)
    figures = compare_operators(model.W, tilde.W)

    as_recorded = recorded_equilibria(tilde, words[:RECORDED_SAMPLES])
    norm = np.linalg.norm
    z = tilde.prox.prox(preactivation(tilde, words))
    distance = norm(z - exact, axis=1)
    moved = z @ (tilde.W - model.W).T + _injection(tilde, words) - _injection(model, words)
    return Comparison(
        bits,
        Samples(norm(as_recorded - recorded, axis=1), figures.ratio * norm(as_recorded, axis=1)),
        Bounded(Samples(distance, figures.ratio * norm(z, axis=1)), Samples(distance, norm(moved, axis=1) / figures.m)),
        _program(published, bits, bits, bits + MORE_STATE_BITS),
        _program(published, bits, COARSE_DRIVE_BITS, COARSE_STATE_BITS),
    )


def _injection(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """``U x + b`` (samples, n)."""
    U, b = folded_input(model)
    return np.asarray(words @ U.T + b)


def recorded_equilibria(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """Where the authors' forward-backward solver stops, in their float32 and their batches."""
    W, U, b = (array.astype(np.float32) for array in (model.W, model.U, model.b))
    inputs = model.input_map.apply(words).astype(np.float32)
    stopped = []
    for i in range(0, len(words), RECORDED_BATCH):
        q = inputs[i : i + RECORDED_BATCH] @ U.T + b
        z = np.zeros_like(q)
        for _ in range(RECORDED_ITERATIONS):
            updated = np.maximum((1 - RECORDED_STEP) * z + RECORDED_STEP * (z @ W.T + q), 0)
            residual = np.linalg.norm(updated - z) / (np.linalg.norm(z) + 1e-12)
            z = updated
            if residual < RECORDED_TOLERANCE:
                break
        stopped.append(z)
    return np.concatenate(stopped).astype(np.float64)


def _program(published: Published, bits: int, drive_bits: int, state_bits: int) -> Bounded:
    """The integers that the compiler stores."""
    options = LoweringOptions(bits, rounding=NEAREST, drive_bits=drive_bits, state_bits=state_bits)
    lowered, program = compiled(published.model, options, published.calibration)
    assert lowered.proof is not None
    golden = GoldenModel(program)
    words = golden.words(published.test.words)
    states = [golden.trace(words[i : i + BATCH]).states[-1] for i in range(0, len(words), BATCH)]
    radius = float(state_radius(program, lowered.proof, error_bound(program, lowered.proof)))
    step = lowered.quantized.recurrence.step_size
    moved = displacement(published.model, program, step, words, np.concatenate(states), radius)
    return Bounded(
        Samples(moved.distance, moved.paper_bound),
        Samples(moved.distance, moved.perturbation_bound),
        Samples(moved.distance, moved.residual_bound),
    )


def recorded_table(comparisons: list[Comparison], recorded: Recorded) -> Table:
    """The authors' solver: what they recorded, and what it does here."""

    def row(c: Comparison) -> tuple[Cell, ...]:
        def pair(key: str, here: float) -> tuple[Cell, Cell]:
            return recorded.value(c.bits, "displacement", key), here

        distance, bound = c.as_recorded.distance, c.as_recorded.bound
        return (
            c.bits,
            *pair("empirical_mean", float(distance.mean())),
            *pair("empirical_max", float(distance.max())),
            *pair("theoretical_mean", float(bound.mean())),
            *pair("fraction_satisfied", c.as_recorded.satisfied),
        )

    columns = ["bits"]
    for name in ("mean distance", "largest", "mean bound", "share within it"):
        columns += [f"{name}, recorded", "reproduced"]
    title = f"Displacement where the authors' solver stops, first {RECORDED_SAMPLES:,} test images"
    return Table("displacement_recorded", title, tuple(columns), tuple(map(row, comparisons)))


def table(comparisons: list[Comparison]) -> Table:
    """Exact equilibria and integer programs, every test image."""
    rows: list[tuple[Cell, ...]] = []
    for c in comparisons:
        rows.append((c.bits, "authors' network, its equilibrium", *_cells(c.exact)))
        rows.append((c.bits, "integers, drive as W", *_cells(c.fine)))
        rows.append((c.bits, f"integers, {COARSE_DRIVE_BITS}-bit drive", *_cells(c.coarse)))
    columns = (
        "bits",
        "what",
        "distance",
        "their bound",
        "above it",
        "our bound",
        "above it",
        "a posteriori",
        "above it",
    )
    title = "Displacement and its bounds, means over all test images, and how many samples are above a bound"
    return Table("displacement", title, columns, tuple(rows))


def _cells(bounded: Bounded) -> list[Cell]:
    cells: list[Cell] = [float(bounded.ours.distance.mean())]
    for samples in (bounded.paper, bounded.ours, bounded.posterior):
        cells += [None, None] if samples is None else [float(samples.bound.mean()), samples.violations]
    return cells


def draw(comparisons: list[Comparison], file: Path) -> None:
    figure = Figure(figsize=(12, 8), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    coarse = f"Integer program, {COARSE_DRIVE_BITS}-bit drive"
    _scatter(axes[0], [(c.bits, c.as_recorded) for c in comparisons], "Authors' network and solver, their bound")
    _scatter(axes[1], [(c.bits, c.exact.paper) for c in comparisons], "Authors' network, equilibrium, their bound")
    _scatter(axes[2], [(c.bits, c.exact.ours) for c in comparisons], "Authors' network, equilibrium, our bound")
    _scatter(axes[3], [(c.bits, c.coarse.paper) for c in comparisons], f"{coarse}, their bound")
    _scatter(axes[4], [(c.bits, c.coarse.ours) for c in comparisons], f"{coarse}, our bound")
    _scatter(axes[5], [(c.bits, c.fine.ours) for c in comparisons], "Integer program, drive as W, our bound")
    figure.savefig(file, dpi=100)


def _scatter(axis: Axes, series: list[tuple[int, Samples]], title: str) -> None:
    ends = []
    for bits, samples in series:
        label = f"{bits} bits: {samples.violations} of {len(samples.bound):,} above"
        axis.loglog(samples.bound, samples.distance, ".", color=COLORS[bits], markersize=1.5, alpha=0.4, label=label)
        ends += [samples.bound.min(), samples.bound.max()]
    line = np.array([min(ends), max(ends)])
    axis.loglog(line, line, "k--", linewidth=1)
    axis.set(xlabel="bound on the displacement", ylabel="displacement ‖z̃ - z*‖₂", title=title)
    axis.title.set_fontsize(10)
    axis.legend(fontsize=7, markerscale=6, loc="upper left")
    axis.grid(alpha=0.3)
    axis.xaxis.set_minor_formatter(NullFormatter())
