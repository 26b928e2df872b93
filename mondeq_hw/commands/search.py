"""The command ``search``; a run that was killed continues when it is started again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import NotReachedError
from ..config import SearchOptions
from ..problem import SOLVERS
from .options import ConfigFile, Json, takes_records
from .terminal import console, interruptible, print_table

if TYPE_CHECKING:
    from ..problem import Task
    from ..search import Choice, SearchPoint, SearchResult

#: Solvers in the table, which fits 80 columns.
INITIALS = {name: "".join(word[0].upper() for word in name.split("_")) for name in SOLVERS}


@takes_records
def search_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Float checkpoint.", show_default=False)],
    options: SearchOptions,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the journal and the results.")
    ] = Path("search"),
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Find the cheapest certified words, updates and folding that reach an accuracy or another target.

    The winner compiles by 'mondeq-hw compile MODEL --config DIR/winner.json'. A search that was killed continues.
    """
    from ..search import conclusion, search_word_lengths, to_plain

    with interruptible(f"the points measured so far are kept in {out}: the same command goes on with the others"):
        result = search_word_lengths(model, out, options, progress=not as_json)
    if as_json:
        print(json.dumps(to_plain(result), indent=2))
    else:
        _print(result, model, out)
    if result.winner is None:
        raise NotReachedError(f"{conclusion(result)} {_nearest(result)}")


# -- output ------------------------------------------------------------------


def _print(result: SearchResult, model: Path, out: Path) -> None:
    from rich.table import Table

    from ..search import FRONT, PLOT, REPORT, TABLE, WINNER, conclusion, folding_text, shorter

    titles = ("", "distance", "by", "words", "factor", "iter.", "radius", result.task.figure, "memory", "LUTs")
    table = Table(*titles, box=None, pad_edge=False, collapse_padding=True)
    for name, points in (("sweep", result.sweep), ("shorter", shorter(result))):
        for point in points:
            table.add_row(name, *_cells(point, result.task))
    if result.best is not None:
        table.add_row("nearest" if result.winner is None else "WINNER", *_cells(result.best, result.task))
    console().print(table)
    print(
        "distance: of any output from the float network's on calibration samples,\n"
        "measured; by: Peaceman-Rachford or forward-backward; words: bits of iteration\n"
        "matrix/drive/readout/state; factor: of the contraction, in brackets where it is\n"
        "not proved; radius: proved, of the state from the stored integers' equilibrium,\n"
        "without the rounding of weights; memory: stored bits; LUTs: estimated"
    )
    if result.best is not None:
        name = "the nearest point" if result.winner is None else "the winner"
        print(f"Output distance of {name}: {_distance(result)}")
        best = result.best
        print(
            f"Hardware of {name}: {folding_text(best.choice)}: {best.latency_cycles:,} cycles of latency,\n"
            f"a sample every {best.interval_cycles:,.6g} cycles: exact; {best.estimated_luts:,} LUTs: estimated"
        )
    print(conclusion(result))
    if result.judgement is not None:
        judged, shown = result.judgement, result.task.shown
        print(
            f"This choice has the {result.task.figure} {shown(judged.selection_score)} on the "
            f"{judged.selection_samples} test samples that chose it (float {shown(judged.selection_float)}), "
            f"{shown(judged.kept_score)} on the {judged.kept_samples} others (float {shown(judged.kept_float)})"
        )
        print_table(judged.kept.table())
    print(f"All points: {out / TABLE}, {out / REPORT}, {out / PLOT}, {out / FRONT}")
    if result.winner is not None:
        print(f"Compile the winner: mondeq-hw compile {model} --config {out / WINNER}")


def _distance(result: SearchResult) -> str:
    """From the float network, proved and measured."""
    assert result.best is not None
    bounds, measured = result.proved_distance, f"{result.best.distance:.4g} on calibration samples: measured"
    if bounds is None:
        return f"at an unproved distance from the float network; {measured}"
    return f"at most {max(bounds):.4g} from the float network, every input: proved; {measured}"


def _cells(point: SearchPoint, task: Task) -> tuple[str, ...]:
    choice = point.choice
    return (
        f"{point.distance:.3g}",
        INITIALS[choice.solver],
        _words(choice),
        f"{point.contraction_factor:.3f}" if point.proved else f"({point.contraction_factor:.3f})",
        str(point.iterations),
        "" if point.radius is None else f"{point.radius:.3g}",
        "" if point.score is None else task.shown(point.score),
        f"{point.memory_bits:,}",
        f"{point.estimated_luts:,}",
    )


def _words(choice: Choice) -> str:
    from ..search import AXES

    return "/".join(str(getattr(choice, axis)) for axis in AXES)


def _nearest(result: SearchResult) -> str:
    """The best found, in words."""
    best = result.best
    if best is None:
        return "Not one of them is proved to converge; allow more --bits"
    judged = "" if best.score is None else f"{result.task.figure} {result.task.shown(best.score)}, "
    return (
        f"Nearest: {best.choice.solver} with {_words(best.choice)} bits (iteration matrix/drive/readout/state): "
        f"{judged}outputs {_distance(result)}; radius {best.radius:.3g}. Lower the target, or allow longer words"
    )
