"""What came of a search: in words, as a picture, a table, and what a notebook shows."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from ..base import card, data_frame, inline_svg, new_figure, root_figure, save_figure
from ..hardware import THROUGHPUT
from ..problem import Comparison, Task, find_splitting
from .settings import SearchSettings
from .space import AXES, ERROR, Choice, SearchPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

COLORS = {"peaceman_rachford": "C0", "forward_backward": "C3"}
#: Norms of matrices that are far from a contraction would flatten all others.
LARGEST_FACTOR = 1.5
#: What the axis of a cost says.
COST_LABELS = {
    "memory": "stored bits",
    "luts": "LUTs, estimated",
    "latency": "cycles of a lone sample",
    "interval": "cycles from sample to sample",
}
#: How a target speaks of a budget.
BUDGETS = {"luts": "at most {:g} LUTs", "latency": "a latency of {:g} cycles", "interval": "a sample every {:g} cycles"}


@dataclass(frozen=True)
class Judgement:
    """Scores of integers and float network: of the samples that chose, and of those kept back with all figures."""

    selection_samples: int
    selection_score: float
    selection_float: float
    kept_samples: int
    kept_score: float
    kept_float: float
    kept: Comparison


@dataclass(frozen=True, repr=False)
class SearchResult:
    """What came of a search.

    Parameters
    ----------
    settings : SearchSettings
    source : str
        Name of the model.
    task : Task
    data : str or None
        Its name; None without any.
    points : tuple of SearchPoint
        All points of this search in order, those measured by an earlier one included.
    sweep : tuple of SearchPoint
        Those of :meth:`Lattice.sweep`.
    winner : SearchPoint or None
    best : SearchPoint or None
        The winner, or the proved point nearest to the target; None where nothing is proved.
    judgement : Judgement or None
        Of ``best``; None without data.
    proved_distance : tuple of float (k,), or None
        How far each output of ``best`` is from the float network's at most, for every input; None without a proof.
    """

    settings: SearchSettings
    source: str
    task: Task
    data: str | None
    points: tuple[SearchPoint, ...]
    sweep: tuple[SearchPoint, ...]
    winner: SearchPoint | None
    best: SearchPoint | None
    judgement: Judgement | None
    proved_distance: tuple[float, ...] | None

    def to_frame(self) -> DataFrame:
        """A row a point, with its word lengths, figures and whether it reaches the target.

        Raises
        ------
        MissingToolError
            pandas is not installed.
        """
        rows = [{**point.to_plain(), "reached": self.settings.target.reached_by(point)} for point in self.points]
        return data_frame({name: [row[name] for row in rows] for name in rows[0]})

    def plot(self, file: str | os.PathLike[str] | None = None, *, axis: Axes | None = None) -> Figure:
        """Draw what each length of the iteration matrix gives, for every solver, proved or not.

        Parameters
        ----------
        file : path, optional
            Written, in the format of its suffix.
        axis : Axes, optional
            The first panel is drawn into it: the score with data, else the contraction factor.

        Raises
        ------
        InputError
            The file cannot be written, or its suffix names no picture.
        """
        if axis is None:
            figure = figure_of(self)
        else:
            _draw(_panels(self)[0], axis, self)
            figure = root_figure(axis)
        if file is not None:
            save_figure(figure, file)
        return figure

    def plot_front(self, file: str | os.PathLike[str] | None = None, *, axis: Axes | None = None) -> Figure:
        """Draw score against cost: all points, and the Pareto front of those that are proved.

        The cost is what is minimised (for the error: the first budget); without data the distance of the outputs from
        the float network's stands in the place of the score.

        Parameters
        ----------
        file : path, optional
            Written, in the format of its suffix.
        axis : Axes, optional
            Drawn into.

        Raises
        ------
        InputError
            The file cannot be written, or its suffix names no picture.
        """
        figure = new_figure(7, 4.5) if axis is None else root_figure(axis)
        _draw_front(figure.subplots() if axis is None else axis, self)
        if file is not None:
            save_figure(figure, file)
        return figure

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """Title, value and kind of what the best point has; empty where nothing is proved."""
        if self.best is None:
            return []
        best, bounds = self.best, self.proved_distance
        scores = [] if best.score is None else [(self.task.figure, self.task.shown(best.score), "measured")]
        return [
            (
                "bits: " + ", ".join(axis.removesuffix("_bits") for axis in AXES).replace("bits", "iteration"),
                "/".join(str(getattr(best.choice, axis)) for axis in AXES),
                "exact",
            ),
            ("solver", find_splitting(best.choice.solver).title, "exact"),
            ("latency", f"{best.latency_cycles:,} cycles", "exact"),
            ("a sample every", f"{best.interval_cycles:,.6g} cycles", "exact"),
            *scores,
            *([] if bounds is None else [("distance of outputs, every input", f"{max(bounds):.3g}", "proved")]),
            ("distance of outputs", f"{best.distance:.3g}", "measured"),
            ("contraction factor", f"{best.contraction_factor:.3f}", "proved"),
            ("memory", f"{best.memory_bits:,} bits", "exact"),
            ("LUTs", f"{best.estimated_luts:,}", "estimated"),
        ]

    def __repr__(self) -> str:
        figures = "; ".join(f"{title} {text}" for title, text, _ in self.figures) or "nothing is proved"
        found = "the nearest" if self.winner is None else "the winner"
        return f"Search of {self.source}, {len(self.points)} points\n  {found}: {figures}\n  {conclusion(self)}"

    def _repr_html_(self) -> str:
        return card(
            "search_card.html.j2",
            source=self.source,
            conclusion=conclusion(self),
            figures=self.figures,
            pictures=[inline_svg(self.plot()), inline_svg(self.plot_front())],
        )


# -- in words ----------------------------------------------------------------


def conclusion(result: SearchResult) -> str:
    """What the search has shown, and what it has not."""
    settings, points = result.settings, len(result.points)
    wanted = target_text(result)
    if result.winner is None and settings.exhaustive:
        return f"None of the {points} points of the lattice reaches {wanted}."
    if result.winner is None and not any(map(settings.target.good, result.points)):
        return f"None of {points} points reaches {wanted}; a descent starts at the widest words, and they do not."
    if result.winner is None:
        return f"None of {points} points reaches {wanted}; a descent is a heuristic, --exhaustive tries every point."
    if settings.exhaustive:
        return f"The least {settings.minimise} of all {points} points of the lattice that reaches {wanted}."
    fewer = "" if settings.lattice.iterations == (None,) else " or fewer updates"
    step = "shorter or longer" if settings.minimise == ERROR else "shorter"
    return (
        f"The least {settings.minimise} of {points} points, and a local minimum: with one word {step} by one "
        f"bit{fewer}, none reaches {wanted} with less {settings.minimise}. A heuristic; --exhaustive tries every point."
    )


def target_text(result: SearchResult) -> str:
    """The target in words."""
    target = result.settings.target
    parts = []
    if target.score is not None:
        parts.append(result.task.wanted(target.score))
    if target.distance is not None:
        parts.append(f"outputs within {target.distance:g} of the float network's on samples")
    if target.proved_distance is not None:
        parts.append(f"outputs proved within {target.proved_distance:g} of the float network's for every input")
    if target.radius is not None:
        parts.append(f"a certified radius of {target.radius:g} around the stored integers' equilibrium")
    parts += [BUDGETS[name].format(most) for name, most in target.budgets.items()]
    return " and ".join(parts)


def shorter(result: SearchResult) -> list[SearchPoint]:
    """The measured points one step shorter than the winner in one word, or with fewer updates, in its folding."""
    if result.winner is None:
        return []
    below = result.settings.lattice.shorter(result.winner.choice)
    return [point for point in result.points if point.choice in below]


def folding_text(choice: Choice) -> str:
    """What a choice has of its own beside word lengths, in words; empty where all is the compiler's choice."""
    parts = [choice.strategy]
    parts += [] if choice.input_bits is None else [f"input {choice.input_bits} bits"]
    parts += [] if choice.reuse_factor is None else [f"reuse factor {choice.reuse_factor}"]
    parts += [] if choice.input_beat is None else [f"{choice.input_beat} input words a beat"]
    parts += [] if choice.balance == THROUGHPUT else [f"balanced for {choice.balance}"]
    return ", ".join(parts)


# -- Pareto front ------------------------------------------------------------


def front(result: SearchResult) -> list[SearchPoint]:
    """The proved points that no other one beats in both score and cost, cheapest first; see :meth:`plot_front`."""
    priced = result.settings.priced
    proved = sorted(
        (point for point in result.points if point.proved), key=lambda point: (point.figure(priced), _worth(point))
    )
    found: list[SearchPoint] = []
    least = inf
    for point in proved:
        if _worth(point) < least:
            least = _worth(point)
            found.append(point)
    return found


def _worth(point: SearchPoint) -> float:
    """What is wrong with the outputs, less of which is better: the score's lack of 1, else the distance."""
    return point.distance if point.score is None else point.figure(ERROR)


# -- picture -----------------------------------------------------------------


def draw(result: SearchResult) -> bytes:
    """The picture as PNG."""
    content = io.BytesIO()
    figure_of(result).savefig(content, format="png", dpi=130, metadata={"Software": None})
    return content.getvalue()


def draw_front(result: SearchResult) -> bytes:
    """The Pareto front as PNG."""
    content = io.BytesIO()
    result.plot_front().savefig(content, format="png", dpi=130, metadata={"Software": None})
    return content.getvalue()


def figure_of(result: SearchResult) -> Figure:
    """Score (with data), contraction factor, and radius (where it is a target)."""
    panels = _panels(result)
    figure = new_figure(1 + 4.5 * len(panels), 4)
    for draw_panel, axis in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
        _draw(draw_panel, axis, result)
    widest = result.sweep[-1].choice
    figure.suptitle(
        f"{result.source}: drive {widest.drive_bits}, readout {widest.readout_bits}, state {widest.state_bits} bits. "
        "Filled: proved; hollow: not",
        fontsize=10,
    )
    return figure


Panel = Callable[["Axes", SearchResult], None]


def _panels(result: SearchResult) -> list[Panel]:
    score = [] if result.data is None else [_draw_score]
    return [*score, _draw_factor, *([] if result.settings.target.radius is None else [_draw_radius])]


def _draw(panel: Panel, axis: Axes, result: SearchResult) -> None:
    panel(axis, result)
    axis.set_xlabel("bits of the iteration matrix")
    axis.set_xticks(list(result.settings.lattice.bits))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)


def _draw_score(axis: Axes, result: SearchResult) -> None:
    _draw_points(axis, result, lambda point: float("nan") if point.score is None else point.score)
    if result.judgement is not None:
        axis.axhline(result.judgement.selection_float, color="k", linewidth=0.8, linestyle=":", label="float")
    if result.settings.target.score is not None:
        axis.axhline(result.settings.target.score, color="C2", linewidth=0.8, linestyle="--", label="target")
    axis.set_ylabel(f"{result.task.figure} on the selection samples")
    from matplotlib.ticker import FuncFormatter

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


def _draw_front(axis: Axes, result: SearchResult) -> None:
    """Every point as score against cost, solver by colour, and the front as steps."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    priced, target, best = result.settings.priced, result.settings.target, front(result)
    scored = any(point.score is not None for point in result.points)

    def height(point: SearchPoint) -> float:
        return point.distance if point.score is None else point.score

    for solver in result.settings.lattice.solvers:
        for proved, fill in ((True, COLORS[solver]), (False, "none")):
            points = [point for point in result.points if (point.choice.solver, point.proved) == (solver, proved)]
            label = find_splitting(solver).title + ("" if proved else ", not proved")
            at = [point.figure(priced) for point in points], [height(point) for point in points]
            if points:
                axis.scatter(*at, s=18, facecolors=fill, edgecolors=COLORS[solver], linewidths=0.8, label=label)
    # The last one stays the best however much more is spent.
    most = [max(point.figure(priced) for point in result.points)] if best else []
    along = [*(point.figure(priced) for point in best), *most], [height(point) for point in [*best, *best[-1:]]]
    axis.step(*along, where="post", color="k", linewidth=1, label="Pareto front", zorder=1)
    if result.winner is not None:
        axis.plot(
            result.winner.figure(priced),
            height(result.winner),
            "*",
            color="C1",
            markersize=13,
            label="winner",
            linestyle="none",
            zorder=3,
        )
    if target.score is not None:
        axis.axhline(target.score, color="C2", linewidth=0.8, linestyle="--", label="target")
    if priced in target.budgets:
        axis.axvline(target.budgets[priced], color="C2", linewidth=0.8, linestyle="--", label="budget")
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:,.6g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel(COST_LABELS[priced])
    if scored:
        axis.set_ylabel(f"{result.task.figure} on the selection samples")
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, position: result.task.tick(value)))
    else:
        axis.set_yscale("log")
        axis.set_ylabel("distance from the float network's outputs")
    axis.set_title(f"{result.source}: {len(result.points)} points, {len(best)} on the front", fontsize=10)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
