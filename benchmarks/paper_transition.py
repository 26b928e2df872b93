"""Iterations and residual against ``||dW||_2 / m``, for ``W`` quantised and for the reflected ``C`` quantised.

The protocol is that of the authors' ``margin_stability_certificate.py``: the
first 64 test images from the state zero, step ``m~ / L~^2`` (0.01 where ``m~``
is not positive), relative residual 1e-5, at most 2000 iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from paper_tables import Recorded, Table
from published import Published

from mondeq_hw.problem import PEACEMAN_RACHFORD, SPLITTINGS, folded_input, reformulate, step_size
from mondeq_hw.proof import PaperPerturbation, paper_perturbation, paper_quantizer
from mondeq_hw.rounding import NEAREST, LoweringOptions, lower

BITS = (3, 4, 5, 6, 7, 8, 10, 12, 16, 32)
SAMPLES = 64
TOLERANCE = 1e-5
MAX_ITERATIONS = 2000
#: The authors' step where the quantised operator is not monotone.
UNSAFE_STEP = 0.01
#: The longest word that the compiler stores.
LONGEST_WORD = 16


@dataclass(frozen=True)
class Run:
    """How an iteration ended."""

    iterations: int
    residual: float

    @property
    def converged(self) -> bool:
        return self.residual < TOLERANCE


@dataclass(frozen=True)
class Point:
    """One word length.

    ``tensor`` quantises ``C`` as the authors quantise ``W``; ``row`` is what the compiler stores, with
    the contraction factor that it proves, up to its longest word.
    """

    bits: int
    operator: PaperPerturbation
    forward_backward: Run
    tensor_norm: float
    tensor: Run
    row_factor: float | None
    row: Run | None


def measure(published: Published) -> list[Point]:
    return [_point(published, bits) for bits in BITS]


def _point(published: Published, bits: int) -> Point:
    model, words = published.model, published.test.words[:SAMPLES]
    operator = paper_perturbation(model.W, bits)
    reflected = reformulate(model, SPLITTINGS[PEACEMAN_RACHFORD], step_size(model))
    C = paper_quantizer(reflected.matrix, bits)
    drive = words @ reflected.drive.T + reflected.drive_bias
    row_factor, row = None, None
    if bits <= LONGEST_WORD:
        lowered = lower(model, LoweringOptions(bits, rounding=NEAREST))
        stored = lowered.quantized
        row = _reflected(stored.matrix.values, words @ stored.recurrence.drive.T + stored.drive_bias)
        row_factor = None if lowered.proof is None else float(lowered.proof.contraction_factor)
    return Point(
        bits,
        operator,
        _forward_backward(published, bits, operator),
        float(np.linalg.norm(C, 2)),
        _reflected(C, drive),
        row_factor,
        row,
    )


def _forward_backward(published: Published, bits: int, operator: PaperPerturbation) -> Run:
    """The authors' solver in floating point, ``W`` quantised, ``U`` and ``b`` as they are."""
    U, b = folded_input(published.model)
    q = published.test.words[:SAMPLES] @ U.T + b
    W = paper_quantizer(published.model.W, bits)
    alpha = operator.m_tilde / operator.L_tilde**2 if operator.m_tilde > 0 else UNSAFE_STEP
    return _run(lambda z: np.maximum((1 - alpha) * z + alpha * (z @ W.T + q), 0), np.zeros_like(q))


def _reflected(C: np.ndarray, drive: np.ndarray) -> Run:
    return _run(lambda s: np.abs(s) @ C.T + drive, np.zeros_like(drive))


def _run(update: Callable[[np.ndarray], np.ndarray], state: np.ndarray) -> Run:
    residual = np.inf
    for iteration in range(1, MAX_ITERATIONS + 1):
        updated = update(state)
        residual = float(np.linalg.norm(updated - state) / (np.linalg.norm(state) + 1e-12))
        if not residual >= TOLERANCE:
            return Run(iteration, residual)
        state = updated
    return Run(MAX_ITERATIONS, residual)


def table(points: list[Point], recorded: Recorded) -> Table:
    rows = []
    for point in points:
        recorded_norm = recorded.value(point.bits, "quant_stats", "delta_W_norm")
        recorded_margin = recorded.value(point.bits, "quant_stats", "m_tilde")
        run, row = point.forward_backward, point.row
        rows.append(
            (
                point.bits,
                point.operator.delta_W_norm,
                recorded_norm,
                point.operator.ratio,
                point.operator.m_tilde,
                recorded_margin,
                run.iterations,
                run.residual,
                point.tensor_norm,
                point.tensor.iterations,
                point.tensor.residual,
                point.row_factor,
                None if row is None else row.iterations,
                None if row is None else row.residual,
            )
        )
    columns = (
        "bits",
        "‖ΔW‖",
        "recorded",
        "‖ΔW‖/m",
        "m̃",
        "recorded",
        "FB iterations",
        "residual",
        "‖C̃‖ per tensor",
        "iterations",
        "residual",
        "C̃ per row, proved",
        "iterations",
        "residual",
    )
    return Table("transition", "Convergence by word length, first 64 test images", columns, tuple(rows))


def draw(points: list[Point], file: Path) -> None:
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    iterations, residuals, margins = figure.subplots(1, 3)
    ratios = [point.operator.ratio for point in points]
    series: tuple[tuple[str, str, list[Run | None]], ...] = (
        ("W quantised, forward-backward (the paper)", "C3", [point.forward_backward for point in points]),
        ("C quantised per tensor, reflected", "C2", [point.tensor for point in points]),
        ("C per row as compiled, reflected", "C0", [point.row for point in points]),
    )
    for label, color, runs in series:
        for ratio, run in zip(ratios, runs, strict=True):
            if run is not None:
                fill = color if run.converged else "white"
                iterations.plot(ratio, run.iterations, "o", color=color, markerfacecolor=fill, markersize=5)
                residuals.plot(ratio, run.residual, "o", color=color, markerfacecolor=fill, markersize=5)
        iterations.plot([], [], "o", color=color, markersize=5, label=label)
    margins.plot(ratios, [point.operator.m_tilde for point in points], "o-", color="C3", label="margin m̃ of W̃")
    margins.plot(ratios, [p.operator.m - p.operator.delta_W_norm for p in points], ":", color="C3", label="m - ‖ΔW‖")
    margins.plot(ratios, [1 - point.tensor_norm for point in points], "o-", color="C2", label="1 - ‖C̃‖, per tensor")
    proved = [(r, 1 - p.row_factor) for r, p in zip(ratios, points, strict=True) if p.row_factor is not None]
    margins.plot(*zip(*proved, strict=True), "o-", color="C0", label="1 - proved factor, per row")
    margins.axhline(0, color="k", linewidth=0.8)
    margins.set(ylabel="what is left before divergence", ylim=(-0.4, 0.4), title="A-posteriori margins")
    iterations.set(ylabel="iterations to 1e-5", title="Iterations (hollow: not converged)", yscale="log")
    residuals.set(ylabel="final relative residual", title="Residual", yscale="log")
    for axis in (iterations, residuals, margins):
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_xlim(0, 10)
        axis.axvline(1, color="0.5", linestyle="--", linewidth=0.8)
        axis.set_xlabel("‖ΔW‖₂ / m at the same word length")
        axis.grid(alpha=0.3)
    for axis in (iterations, margins):
        axis.legend(fontsize=7)
    for point, ratio in zip(points, ratios, strict=True):
        if point.bits <= 8:
            iterations.annotate(
                f"{point.bits}",
                (ratio, point.forward_backward.iterations),
                (0, 5),
                textcoords="offset points",
                fontsize=7,
            )
    figure.savefig(file, dpi=150)
