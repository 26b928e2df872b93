"""The README's picture: residual by iteration, accuracy and proof by word length, on the published checkpoint.

python benchmarks/figures.py [--out docs/images/convergence.png]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import numpy as np
from published import Published, arguments, compiled, float_classes, load_published

from mondeq_hw.problem import FORWARD_BACKWARD, PEACEMAN_RACHFORD, SPLITTINGS, Recurrence, reformulate
from mondeq_hw.program import GoldenModel
from mondeq_hw.proof import compare_operators, paper_quantizer
from mondeq_hw.rounding import NEAREST, LoweringOptions

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BITS = (1, 2, 3, 4, 5, 6, 8)
SAMPLES = 500
ITERATIONS = 120
#: The published solver's step, 2^-3, and how long it is given where it may diverge.
SHIFT = 3
PUBLISHED_ITERATIONS = 600
#: Accuracy that the paper reports for its retrained 4-bit model (arXiv 2603.10562).
PAPER_RETRAINED = 0.9678


@dataclass(frozen=True)
class Point:
    """One word length of one method; ``None`` for a proof that does not exist."""

    bits: int
    accuracy: float
    contraction_factor: float | None


def residuals(recurrence: Recurrence, words: np.ndarray) -> np.ndarray:
    """Mean relative change of the float state by iteration."""
    drive = words @ recurrence.drive.T + recurrence.drive_bias
    state, changes = drive, []
    for _ in range(ITERATIONS):
        updated = recurrence.phi(state) @ recurrence.iteration_matrix.T + drive
        changes.append(relative(updated, state))
        state = updated
    return np.array(changes)


def integer_residuals(published: Published, bits: int, words: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean relative change of the integer state by iteration, and the proved contraction factor."""
    lowered, program = compiled(published.model, LoweringOptions(bits), published.calibration)
    assert lowered.proof is not None
    golden = GoldenModel(program.replace(iterations=ITERATIONS))
    states = golden.trace(golden.words(words)).states.astype(float)
    changes = [relative(states[k + 1], states[k]) for k in range(ITERATIONS)]
    return np.array(changes), float(lowered.proof.contraction_factor)


def relative(updated: np.ndarray, state: np.ndarray) -> float:
    change = np.linalg.norm(updated - state, axis=1) / np.linalg.norm(state, axis=1)
    return float(change.mean())


def ours(published: Published, rounding: str) -> list[Point]:
    """Everything quantised, integers, by word length."""
    points = []
    for bits in BITS:
        lowered, program = compiled(published.model, LoweringOptions(bits, rounding=rounding), published.calibration)
        golden = GoldenModel(program)
        classes = golden.predict_raw(golden.words(published.test.words)).argmax(axis=1)
        factor = None if lowered.proof is None else float(lowered.proof.contraction_factor)
        points.append(Point(bits, float((classes == published.test.targets).mean()), factor))
    return points


def published_method(published: Published) -> list[Point]:
    """Only W quantised, per tensor; forward-backward in floating point. Proved where ||dW||_2 < m."""
    model, points = published.model, []
    for bits in BITS:
        W = paper_quantizer(model.W, bits)
        recurrence = reformulate(replace(model, W=W), SPLITTINGS[FORWARD_BACKWARD], 2.0**-SHIFT)
        drive = published.test.words @ recurrence.drive.T + recurrence.drive_bias
        state = np.zeros_like(drive)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(PUBLISHED_ITERATIONS):
                state = model.prox.prox(state) @ recurrence.iteration_matrix.T + drive
            classes = (model.prox.prox(state) @ model.O.T + model.c).argmax(axis=1)
        ratio = compare_operators(model.W, W).ratio
        points.append(Point(bits, float((classes == published.test.targets).mean()), ratio if ratio < 1 else None))
    return points


def draw_residuals(axis: plt.Axes, published: Published) -> None:
    words = published.test.words[:SAMPLES]
    exact = residuals(reformulate(published.model, SPLITTINGS[PEACEMAN_RACHFORD], 1.3), words)
    paper = residuals(reformulate(published.model, SPLITTINGS[FORWARD_BACKWARD], 2.0**-SHIFT), words)
    broken = replace(published.model, W=paper_quantizer(published.model.W, 4))
    axis.semilogy(paper, color="0.6", label="float, forward-backward")
    four = reformulate(broken, SPLITTINGS[FORWARD_BACKWARD], 2.0**-SHIFT)
    axis.semilogy(residuals(four, words), color="C3", label="4-bit W, forward-backward")
    axis.semilogy(exact, color="k", label="float, reflected (ours)")
    for bits, color in ((5, "C0"), (2, "C1")):
        changes, factor = integer_residuals(published, bits, words)
        axis.semilogy(changes, color=color, label=f"{bits}-bit integers (proved factor {factor:.2f})")
    axis.set(xlabel="iteration", ylabel="relative change of the state", ylim=(1e-7, 3), xlim=(0, ITERATIONS))
    axis.set_title("Residual on 500 MNIST test images")
    axis.legend(fontsize=8)


def draw_accuracy(axis: plt.Axes, published: Published) -> None:
    labels = published.test.targets
    floating = float_classes(published)
    axis.axhline(100 * np.mean(floating == labels), color="k", linewidth=0.8, linestyle=":", label="float model")
    calibrated = ours(published, "calibrated")
    draw_points(axis, calibrated, "C0", "ours, calibrated rounding")
    draw_points(axis, ours(published, NEAREST), "C2", "ours, nearest rounding")
    draw_points(axis, published_method(published), "C3", "published method, W only")
    axis.plot(4, 100 * PAPER_RETRAINED, "*", color="C3", markersize=11, label="published, retrained (as reported)")
    for point in calibrated:
        if point.contraction_factor is not None:
            axis.text(point.bits, 98.75, f"{point.contraction_factor:.2f}", color="C0", ha="center", fontsize=8)
    axis.set(xlabel="bits of the iteration matrix", ylabel="accuracy, %", ylim=(88, 99.4), xticks=BITS)
    axis.set_title("MNIST, no retraining. Filled: proved; figures: contraction factor", fontsize=10)
    axis.legend(fontsize=8, loc="lower right")


def draw_points(axis: plt.Axes, points: list[Point], color: str, label: str) -> None:
    bits, accuracy = [p.bits for p in points], [100 * p.accuracy for p in points]
    axis.plot(bits, accuracy, "-", color=color, linewidth=1, label=label)
    for point in points:
        fill = "white" if point.contraction_factor is None else color
        axis.plot(point.bits, 100 * point.accuracy, "o", color=color, markerfacecolor=fill, markersize=6)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "docs" / "images" / "convergence.png")
    options = parser.parse_args()
    published = load_published(options.shared)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    draw_residuals(left, published)
    draw_accuracy(right, published)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    figure.savefig(options.out, dpi=150)


if __name__ == "__main__":
    main()
