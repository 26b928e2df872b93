"""The plots of a report as SVG for inlining: colours are the page's, so light, dark and print all work."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ..hardware import Usage
from .changes import InputChanges
from .curves import FoldingPoint, Foldings, OutputPoints, Residuals, Sweep
from .record import PartFigures, Report

#: Stand-ins that become variables of the page's style sheet.
INK, FAINT = "#000001", "#000002"
BLUE, ORANGE, GREEN, PURPLE = "#000003", "#000004", "#000005", "#000006"
VARIABLES = {INK: "ink", FAINT: "rule", BLUE: "blue", ORANGE: "orange", GREEN: "green", PURPLE: "purple"}

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8.8,
    "axes.labelsize": 8.8,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.2,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
}
SIZE = (4.4, 3.2)


def residual_plot(curve: Residuals) -> str:
    """Mean and worst residual, and the certified envelope."""

    def draw(axes: Sequence[Axes]) -> None:
        (ax,) = axes
        steps = range(1, len(curve.mean) + 1)
        if curve.envelope is not None:
            ax.plot(steps, curve.envelope, color=ORANGE, label="certified bound, every input")
        ax.plot(steps, _positive(curve.worst), color=BLUE, linestyle="--", label=f"worst of {curve.samples} samples")
        ax.plot(steps, _positive(curve.mean), color=BLUE, label="mean")
        ax.set_yscale("log")
        ax.set_xlabel("iteration")
        ax.set_ylabel("residual (state steps, rms)")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend(loc="upper right")

    alt = f"Mean residual from {curve.mean[0]:.3g} to {curve.mean[-1]:.3g} state steps in {len(curve.mean)} iterations"
    if curve.envelope is not None:
        alt += f", certified bound from {curve.envelope[0]:.3g} to {curve.envelope[-1]:.3g}"
    return _svg("residual", alt, draw)


def word_length_plot(sweep: Sweep | None, report: Report) -> str:
    """Contraction factor above the task's score, by word length; this build's point alone without a sweep."""
    factor, proved = contraction(report)
    here, task, comparison = report.program.matrix.word_length, report.task, report.comparison.value
    points = () if sweep is None else sweep.points

    def draw(axes: Sequence[Axes]) -> None:
        above, below = axes
        if points:
            above.plot([p.bits for p in points], [p.contraction_factor for p in points], color=BLUE)
        for kind, marker in ((True, "o"), (False, "x")):
            some = [p for p in points if p.certified is kind]
            label = "proved" if kind else "no proof"
            if some:
                x, y = [p.bits for p in some], [p.contraction_factor for p in some]
                above.plot(x, y, marker, color=BLUE if kind else ORANGE, label=label)
        _ring(above, here, factor, GREEN if proved else ORANGE, "this build")
        above.axhline(1, color=ORANGE, linewidth=1, linestyle=":")
        above.set_ylabel("contraction factor")
        _legend_above(above)
        tested = [(p.bits, p.score) for p in points if p.score is not None]
        if tested:
            below.plot(*zip(*tested, strict=True), "o-", color=BLUE)
        if comparison is not None:
            golden, floating = comparison.scores
            _ring(below, here, golden, GREEN)
            below.axhline(floating, color=PURPLE, linewidth=1, linestyle=":", label="float model")
            below.margins(y=0.2)
            below.yaxis.set_major_formatter(FuncFormatter(lambda value, position: task.tick(value)))
            _legend_above(below)
        else:
            below.text(0.5, 0.5, "no test samples", transform=below.transAxes, ha="center", va="center")
            below.set_yticks([])
        below.set_ylabel(task.figure)
        below.set_xlabel("word length of the iteration matrix (bits)")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))

    alt = f"Contraction factor {factor:.3g} at {here} bits"
    if points:
        alt += f", {points[0].contraction_factor:.3g} at {points[0].bits} to {points[-1].contraction_factor:.3g} at "
        alt += f"{points[-1].bits} bits"
    return _svg("wordlength", alt, draw, rows=2)


def contraction(report: Report) -> tuple[float, bool]:
    """This build's contraction factor, and whether it is proved."""
    values = {line.name: line.values for line in report.certificate}
    if report.program.certified:
        numerator, denominator = values["contraction"]["contraction_factor"].split("/")
        return int(numerator) / int(denominator), True
    return float(values["iteration_norms"]["weighted_norm"]), False


def resource_plot(curve: Foldings, report: Report) -> str:
    """LUTs and flip-flops above memories and multipliers, by folding, for the family of the first part."""
    shown = report.parts[0]

    def draw(axes: Sequence[Axes]) -> None:
        above, below = axes
        for ax, names in ((above, ("luts", "flip_flops")), (below, ("block_rams", "dsps"))):
            for name, color in zip(names, (BLUE, PURPLE), strict=True):
                _resource_curve(ax, curve, shown, name, color)
            ax.axhline(
                getattr(shown.part.totals, names[0]),
                color=ORANGE,
                linewidth=1,
                linestyle=":",
                label=f"{LABELS[names[0]]} of {shown.name}",
            )
        above.set_yscale("log")
        above.yaxis.set_major_formatter(FuncFormatter(_thousands))
        below.set_yscale("symlog", linthresh=10)
        below.set_ylim(bottom=0)
        below.yaxis.set_major_formatter(FuncFormatter(_thousands))
        above.set_ylabel("cells")
        below.set_ylabel("blocks")
        below.set_xlabel("cycles per product of the solver (folding)")
        below.set_xscale("log", base=2)
        below.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
        below.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:,.0f}"))
        below.xaxis.set_minor_formatter(NullFormatter())
        for ax in axes:
            _legend_above(ax)

    luts = [point.estimated[shown.part.family].luts for point in (curve.others[-1], curve.this, curve.others[0])]
    alt = f"Estimated LUTs, smallest folding, this build and largest: {luts[0]:,}, {luts[1]:,} and {luts[2]:,}"
    return _svg("resources", alt, draw, rows=2)


LABELS = {"luts": "LUTs", "flip_flops": "flip-flops", "block_rams": "block RAMs", "dsps": "multipliers"}


def _resource_curve(ax: Axes, curve: Foldings, shown: PartFigures, name: str, color: str) -> None:
    """The estimated line, this build's estimate on it, and what tools found."""

    def values(points: Sequence[FoldingPoint]) -> list[float]:
        return [getattr(point.estimated[shown.part.family], name) for point in points]

    if not any(values((*curve.others, curve.this))):
        return  # narrow weights multiply in LUTs
    x = [point.cycles_per_product for point in curve.others]
    ax.plot(x, values(curve.others), color=color, label=LABELS[name])
    here = curve.this.cycles_per_product
    _ring(ax, here, values([curve.this])[0], color)
    found: tuple[tuple[str, Usage | None], ...] = (
        ("s", shown.synthesised.value),
        ("D", None if shown.routed.value is None else shown.routed.value.usage),
    )
    for marker, usage in found:
        if usage is not None:
            ax.plot([here], [getattr(usage, name)], marker, color=color, markersize=5)


def roofline_plot(curve: Foldings) -> str:
    """Multiply-accumulates per cycle against lanes, below the compute and the stream bound."""

    def draw(axes: Sequence[Axes]) -> None:
        (ax,) = axes
        points = sorted((*curve.others, curve.this), key=lambda point: point.lanes)
        lanes = [point.lanes for point in points]
        ax.plot(lanes, lanes, color=INK, linewidth=1, label="compute bound: a MAC a lane and cycle")
        ax.plot(lanes, [p.stream_bound for p in points], color=ORANGE, linestyle="--", label="stream bound")
        others = [p for p in points if p is not curve.this]
        ax.plot([p.lanes for p in others], [p.macs_per_cycle for p in others], "o-", color=BLUE, label="foldings")
        _ring(ax, curve.this.lanes, curve.this.macs_per_cycle, GREEN, "this build")
        ax.set_xscale("log")
        ax.set_yscale("log")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(_thousands))
            axis.set_minor_formatter(NullFormatter())
        ax.set_xlabel("multiply-accumulate lanes")
        ax.set_ylabel("MACs per cycle, predicted")
        ax.legend(loc="lower right")

    alt = f"{curve.this.macs_per_cycle:.1f} multiply-accumulates a cycle on {curve.this.lanes} lanes"
    return _svg("roofline", alt, draw)


def robustness_plot(report: Report) -> str | None:
    """Share of the calibration samples whose class provably stays, by the change of the input; None without any."""
    changes = InputChanges.of(report)
    norms = (changes.infinity_norm, "largest component", BLUE), (changes.two_norm, "2-norm", PURPLE)
    if any(moves.quantiles is None for moves, *_ in norms):
        return None

    def draw(axes: Sequence[Axes]) -> None:
        (ax,) = axes
        for moves, label, color in norms:
            found = [*((size, 1 - tenth / 10) for tenth, size in enumerate(moves.quantiles or ()))]
            found += zip(moves.eps or (), moves.shares or (), strict=True)
            ax.plot(
                *zip(*sorted(found, key=lambda point: (point[0], -point[1])), strict=True), color=color, label=label
            )
        ax.set_xscale("log")
        ax.set_ylim(0, 1)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:.0%}"))
        ax.set_xlabel(f"change of the input, {changes.unit}")
        ax.set_ylabel("classes that provably stay")
        ax.legend(loc="lower left")

    box, ball = (moves.quantiles[5] for moves, *_ in norms if moves.quantiles is not None)
    alt = f"Half of the classes stay for a change of {box:.3g} an input or {ball:.3g} in 2-norm, {changes.unit}"
    return _svg("robustness", alt, draw)


@dataclass(frozen=True)
class OutputPlot:
    """A picture of outputs, a panel each.

    Parameters
    ----------
    title : str
    across : str
        What the outputs are drawn against: ``target`` or ``float network``.
    difference : bool
        Less that, too: a residual plot.
    """

    title: str
    across: str
    difference: bool

    def draw(self, ax: Axes, against: np.ndarray, outputs: np.ndarray) -> None:
        """One output's points; on the line both are equal."""
        ends = np.array([against.min(), against.max()])
        ax.plot(ends, 0 * ends if self.difference else ends, color=ORANGE, linewidth=1)
        ax.plot(against, outputs - against if self.difference else outputs, ".", color=BLUE, markersize=3)

    @property
    def label(self) -> str:
        """Of the upright axis."""
        return f"output - {self.across}" if self.difference else "output"


#: The pictures that a task may ask for.
OUTPUT_PLOTS = {
    "scatter": OutputPlot("Outputs against targets", "target", False),
    "errors": OutputPlot("Outputs less targets, against targets", "target", True),
    "float_scatter": OutputPlot("Outputs against the float network", "float network", False),
    "float_errors": OutputPlot("Outputs less those of the float network, against them", "float network", True),
}
#: Of many outputs, those that are furthest off are drawn.
DRAWN_OUTPUTS = 4


def output_plot(name: str, points: OutputPoints) -> str | None:
    """One of :data:`OUTPUT_PLOTS`; None of a float network that is not known."""
    plot = OUTPUT_PLOTS[name]
    known = points.targets if plot.across == "target" else points.floating
    if known is None:
        return None
    against, outputs = np.array(known), np.array(points.outputs)
    missed = np.square(outputs - against).mean(axis=0)
    shown = sorted(np.argsort(-missed / _spread(against) ** 2, kind="stable")[:DRAWN_OUTPUTS].tolist())
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)

    def panels(axes: Sequence[Axes]) -> None:
        for place, ax in enumerate(axes):
            if place >= len(shown):
                ax.set_axis_off()
                continue
            at = shown[place]
            plot.draw(ax, against[:, at], outputs[:, at])
            ax.set_title(f"output {at}", fontsize=8.8)
            if place >= len(shown) - columns:
                ax.set_xlabel(plot.across)
            if place % columns == 0:
                ax.set_ylabel(plot.label)
            ax.locator_params(nbins=4)

    worst = float(np.sqrt(missed.max()))
    alt = f"{plot.title}: {len(against)} samples, root mean square difference of the worst output {worst:.3g}"
    return _svg(name, alt, panels, rows, columns)


def _spread(values: np.ndarray) -> np.ndarray:
    """Deviation of each output; outputs of different units are compared in it."""
    spread = values.std(axis=0)
    return np.where(spread > 0, spread, 1.0)


# -- drawing -----------------------------------------------------------------


def _positive(values: Sequence[float]) -> list[float]:
    """Zeros have no logarithm: they leave a gap."""
    return [value if value > 0 else math.nan for value in values]


def _ring(ax: Axes, x: float, y: float, color: str, label: str | None = None) -> None:
    """Where this build is."""
    ax.plot(
        [x], [y], "o", color=color, label=label, markersize=11, fillstyle="none", markeredgewidth=1.6, clip_on=False
    )


def _legend_above(ax: Axes) -> None:
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, columnspacing=1.2, handletextpad=0.5)


def _thousands(value: float, position: object = None) -> str:
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _svg(name: str, alt: str, draw: Callable[[Sequence[Axes]], None], rows: int = 1, columns: int = 1) -> str:
    """Draw a figure; the same values give the same text. Panels above each other share their axis."""
    with rc_context({**STYLE, "svg.hashsalt": name}):
        canvas = Canvas(figsize=SIZE, layout="constrained")
        axes = canvas.subplots(rows, columns, sharex=columns == 1, squeeze=False).ravel()
        draw(list(axes))
        text = io.StringIO()
        canvas.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inlined(name, alt, text.getvalue())


def _inlined(name: str, alt: str, svg: str) -> str:
    """The element alone, its size the page's, its colours variables, its identifiers unique in the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\1{name}-", svg)
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, f"var(--{variable})")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1).strip()
