"""The tables and the plot of ``seeds.py``, from its results file alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from paper_retraining import RECORDED_RETRAINED
from seeds_results import FINE_TUNED, FROM_SCRATCH, Choice, Results, Trial

from mondeq_hw.base import InputError
from mondeq_hw.training import LEARNERS

BITS = (4, 3, 2, 1)
MODES = (FINE_TUNED, FROM_SCRATCH)
LABELS = dict(zip(LEARNERS, ("straight-through", "LOTION, regularised", "LOTION, sampled"), strict=True))
#: What stands between these in ``docs/training.md`` is written here.
BEGIN, END = "<!-- seeds.py: begin -->", "<!-- seeds.py: end -->"


def spread(accuracies: Sequence[float]) -> str:
    """Mean and standard deviation of a sample, in percent."""
    if len(accuracies) < 2:
        return "".join(f"{value:.2f}" for value in accuracies)
    return f"{np.mean(accuracies):.2f} ± {np.std(accuracies, ddof=1):.2f}"


def table(results: Results) -> str:
    """Markdown: test accuracy by start, word length and method."""
    lines = [
        f"| start | bits | {' | '.join(LABELS.values())} | rounding alone | the paper's retraining "
        "| largest proved factor | seeds |",
        "|" + "---|" * (6 + len(LABELS)),
    ]
    for mode in MODES:
        for bits in BITS:
            points = [results.retrained(mode, method, bits) for method in LEARNERS]
            if not any(points):
                continue
            paper = RECORDED_RETRAINED.get(bits) if mode == FROM_SCRATCH else None
            cells = (
                mode,
                str(bits),
                *(spread([entry.test_accuracy for entry in some]) for some in points),
                spread([entry.test_accuracy for entry in results.rounded(mode, bits)]),
                "" if paper is None else f"{paper:.2f}",
                f"{max(entry.contraction_factor for some in points for entry in some):.3f}",
                ", ".join(dict.fromkeys(str(len(some)) for some in points)),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def choices(results: Results) -> str:
    """Markdown: validation accuracy by candidate and word length, the chosen ones bold."""
    trials = [entry for entry in results.entries if isinstance(entry, Trial)]
    chosen = {(entry.bits, _recipe(entry)) for entry in results.entries if isinstance(entry, Choice)}
    reached = {(trial.bits, _recipe(trial)): f"{trial.validation_accuracy:.2f}" for trial in trials}
    lines = [
        "| method | learning rate | shift | " + " | ".join(f"{bits} bit" + "s" * (bits > 1) for bits in BITS) + " |"
    ]
    lines.append("|" + "---|" * (3 + len(BITS)))
    for recipe in dict.fromkeys(_recipe(trial) for trial in trials):
        method, rate, shift = recipe
        keys = [(bits, recipe) for bits in BITS]
        cells = (f"**{reached[key]}**" if key in chosen else reached.get(key, "") for key in keys)
        lines.append(f"| {method} | {rate:g} | {shift} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _recipe(entry: Trial | Choice) -> tuple[str, float, int]:
    optimisation = entry.config.optimisation
    return entry.method, optimisation.learning_rate, optimisation.shift_pixels


def document(results: Results, text: str) -> str:
    """A page with its part between the markers written anew.

    Raises
    ------
    InputError
        The page has no such part.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise InputError(f"the page has no part between {BEGIN} and {END}; put the two lines where the tables belong")
    return f"{head}{BEGIN}\n\n{table(results)}\n\n{choices(results)}\n\n{END}{tail}"


def report(results: Results, docs: Path) -> None:
    """Write the tables into ``training.md`` and draw ``images/seeds.png``."""
    page = docs / "training.md"
    page.write_text(document(results, page.read_text()))
    draw(results, docs / "images" / "seeds.png")


def draw(results: Results, file: Path) -> None:
    """Accuracy by word length; every seed a dot, mean and deviation beside it."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    styles = [(method, LABELS[method], f"C{index}", 0.2 * index - 0.15) for index, method in enumerate(LEARNERS)]
    for axis, mode in zip(figure.subplots(1, 2, sharey=True), MODES, strict=True):
        for method, label, color, offset in styles:
            for bits in BITS:
                values = [entry.test_accuracy for entry in results.retrained(mode, method, bits)]
                if values:
                    axis.plot([bits + offset] * len(values), values, ".", color=color, alpha=0.4)
                    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
                    axis.errorbar(
                        bits + offset + 0.07,
                        np.mean(values),
                        deviation,
                        fmt="o",
                        color=color,
                        capsize=3,
                        label=label if bits == BITS[0] else None,
                    )
        for bits in BITS:
            values = [entry.test_accuracy for entry in results.rounded(mode, bits)]
            label = "rounding alone" if bits == BITS[0] else None
            axis.plot([bits - 0.3] * len(values), values, "x", color="black", label=label)
        axis.set(title=mode, xlabel="bits of the iteration matrix", xticks=BITS, xlim=(0.5, 4.5))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8, loc="lower right")
    figure.axes[0].set_ylabel("test accuracy, %")
    figure.savefig(file, dpi=150)
