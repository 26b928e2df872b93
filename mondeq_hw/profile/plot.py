"""A profile as a picture: where the words of each quantity lie in their format, and how the solver converges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ..base import new_figure
from .record import Convergence, Quantity


def figure_of(title: str, quantities: Sequence[Quantity], convergence: Convergence | None) -> Figure:
    """Ranges above; residuals and distances by update below, where the float network is known."""
    panels = 1 if convergence is None else 2
    figure = new_figure(10, 3.6 * panels)
    axes = figure.subplots(panels, 1, squeeze=False)[:, 0]
    draw_ranges(axes[0], quantities)
    if convergence is not None:
        draw_convergence(axes[1], convergence)
    figure.suptitle(title)
    return figure


def draw_ranges(axis: Axes, quantities: Sequence[Quantity]) -> None:
    """Where the words of each quantity lie in its format."""
    widest = max(quantity.highest_word.bit_length() for quantity in quantities)
    for row, quantity in enumerate(quantities):
        _draw_quantity(axis, row, quantity, widest)
    axis.set(
        xlim=(0, 1.22 * widest + 2),
        ylim=(len(quantities) - 0.4, -0.6),
        yticks=range(len(quantities)),
        yticklabels=[quantity.name for quantity in quantities],
        xticks=range(0, widest + 1, 2),
        xlabel="bits of a word's magnitude. Box: the format; dark: where the words are; line: largest that is possible",
    )


def _draw_quantity(axis: Axes, row: int, quantity: Quantity, widest: int) -> None:
    """One cell a bit, the darker the more words; zeros are left of the first."""
    counts = np.array(quantity.magnitudes, dtype=float)
    shares = counts / max(1.0, counts[1:].max(initial=0.0))
    for bits, share in enumerate(shares):
        if bits > 0 and share > 0:
            axis.add_patch(Rectangle((bits - 1, row - 0.3), 1, 0.6, facecolor="C0", alpha=0.12 + 0.88 * share))
    capacity = quantity.highest_word.bit_length()
    axis.add_patch(Rectangle((0, row - 0.3), capacity, 0.6, facecolor="none", edgecolor="k", linewidth=1))
    proved = max(-quantity.proved_low, quantity.proved_high)
    axis.plot([np.log2(max(1, proved))] * 2, [row - 0.42, row + 0.42], color="C1", linewidth=2)
    text = "cannot clip" if quantity.saturations is None else f"{quantity.saturations:,} of {quantity.count:,} clipped"
    axis.text(widest + 1.2, row, text, va="center", fontsize=9, color="C3" if quantity.saturations else "k")


def draw_convergence(axis: Axes, convergence: Convergence) -> None:
    """Residuals and distances by update."""
    lines = (
        ("change of the integer state", convergence.residual, 1, "C0", "-"),
        ("change of the float state", convergence.float_residual, 1, "0.5", "--"),
        ("integer state from the float state", convergence.distance, 0, "C2", "-"),
        ("integer state from the float equilibrium", convergence.equilibrium_distance, 0, "C3", "-"),
    )
    for label, figure, first, color, style in lines:
        updates = np.arange(first, first + len(figure.mean))
        axis.semilogy(updates, _drawable(figure.mean), style, color=color, label=label)
        axis.semilogy(updates, _drawable(figure.largest), ":", color=color, linewidth=0.8)
    axis.set(xlabel="update (0: start)", ylabel="Euclidean length")
    axis.set_title(
        f"Mean over the samples; dotted: largest. Float network: {convergence.outputs.in_words()}", fontsize=10
    )
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)


def _drawable(lengths: tuple[float, ...]) -> np.ndarray:
    """No zeros on a logarithmic axis."""
    return np.where(np.array(lengths) > 0, lengths, np.nan)
