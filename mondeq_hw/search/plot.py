"""A search as a picture: what each length of the iteration matrix gives, for every solver, proved or not."""

from __future__ import annotations

import io
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure  # without pyplot: no display, no global state
from matplotlib.ticker import FuncFormatter

from ..problem import find_splitting
from .search import SearchResult
from .space import SearchPoint

COLORS = {"peaceman_rachford": "C0", "forward_backward": "C3"}
#: Norms of matrices that are far from a contraction would flatten all others.
LARGEST_FACTOR = 1.5


def draw(result: SearchResult) -> bytes:
    """The picture as PNG."""
    content = io.BytesIO()
    figure_of(result).savefig(content, format="png", dpi=130, metadata={"Software": None})
    return content.getvalue()


def figure_of(result: SearchResult) -> Figure:
    """Score (with data), contraction factor, and radius (where it is a target)."""
    target, panels = result.settings.target, []
    if result.data is not None:
        panels.append(_draw_score)
    panels.append(_draw_factor)
    if target.radius is not None:
        panels.append(_draw_radius)
    figure = Figure(figsize=(1 + 4.5 * len(panels), 4), layout="constrained")
    for draw_panel, axis in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        draw_panel(axis, result)
        axis.set_xlabel("bits of the iteration matrix")
        axis.set_xticks(list(result.settings.lattice.bits))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    widest = result.sweep[-1].choice
    figure.suptitle(
        f"{result.source}: drive {widest.drive_bits}, readout {widest.readout_bits}, state {widest.state_bits} bits. "
        "Filled: proved; hollow: not",
        fontsize=10,
    )
    return figure


def _draw_score(axis: Axes, result: SearchResult) -> None:
    _draw_points(axis, result, lambda point: float("nan") if point.score is None else point.score)
    if result.judgement is not None:
        axis.axhline(result.judgement.selection_float, color="k", linewidth=0.8, linestyle=":", label="float")
    if result.settings.target.score is not None:
        axis.axhline(result.settings.target.score, color="C2", linewidth=0.8, linestyle="--", label="target")
    axis.set_ylabel(f"{result.task.figure} on the selection samples")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, position: result.task.tick(value)))


def _draw_factor(axis: Axes, result: SearchResult) -> None:
    _draw_points(axis, result, lambda point: min(point.contraction_factor, LARGEST_FACTOR))
    axis.axhline(1, color="k", linewidth=0.8, linestyle=":", label="limit of a contraction")
    axis.set_ylabel("contraction factor")


def _draw_radius(axis: Axes, result: SearchResult) -> None:
    _draw_points(axis, result, lambda point: float("nan") if point.radius is None else point.radius)
    axis.axhline(result.settings.target.radius or 0.0, color="C2", linewidth=0.8, linestyle="--", label="target")
    axis.set_yscale("log")
    axis.set_ylabel("certified error radius")


def _draw_points(axis: Axes, result: SearchResult, value: Callable[[SearchPoint], float]) -> None:
    for solver in result.settings.lattice.solvers:
        points = [point for point in result.sweep if point.choice.solver == solver]
        color = COLORS[solver]
        axis.plot(
            [point.choice.bits for point in points],
            [value(point) for point in points],
            color=color,
            linewidth=1,
            label=find_splitting(solver).title,
        )
        for point in points:
            fill = color if point.proved else "white"
            axis.plot(point.choice.bits, value(point), "o", color=color, markerfacecolor=fill)
    if result.winner is not None:
        at = result.winner.choice.bits, value(result.winner)
        axis.plot(*at, "*", color="C1", markersize=13, label="winner", linestyle="none", zorder=3)
