"""The command ``search``; a run that was killed continues when it is started again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import InputError, NotReachedError
from ..problem import CLASSES, SOLVERS, VALUES, find_splitting
from .terminal import Json

if TYPE_CHECKING:
    from ..problem import Task
    from ..search import Choice, SearchObserver, SearchPoint, SearchResult, Target

BITS = "1-8"
STATE_BITS = "2-12"
#: What drive and readout have where only a radius is asked for, which does not depend on them.
FIXED = "8-8"
#: Columns of the table, which a narrow terminal would cut.
LEAST_WIDTH = 110


def search_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Float checkpoint.", show_default=False)],
    target_accuracy: Annotated[
        float | None, typer.Option(metavar="PERCENT", help="Classes: least accuracy on half of the test samples.")
    ] = None,
    target_r_squared: Annotated[
        float | None, typer.Option(metavar="X", help="Values: least R squared of every output on half of them.")
    ] = None,
    target_radius: Annotated[
        float | None, typer.Option(metavar="X", help="Largest certified distance to the exact equilibrium.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the journal and the results.")] = Path("search"),
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes; one a core by default.")] = None,
    solver: Annotated[
        str | None, typer.Option(metavar="NAME", help="peaceman-rachford or forward-backward; both by default.")
    ] = None,
    bits: Annotated[str, typer.Option(metavar="N-N", help="Word lengths of the iteration matrix.")] = BITS,
    drive_bits: Annotated[str | None, typer.Option(metavar="N-N", help="Of the drive matrix; 1-8.")] = None,
    readout_bits: Annotated[str | None, typer.Option(metavar="N-N", help="Of the readout matrix; 1-8.")] = None,
    state_bits: Annotated[str, typer.Option(metavar="N-N", help="Of the state.")] = STATE_BITS,
    minimise: Annotated[
        str, typer.Option(metavar="memory|luts", help="Stored bits, or estimated LUTs at the default folding.")
    ] = "memory",
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Try every point instead of a descent, which is a heuristic.")
    ] = False,
    rounding: Annotated[str | None, typer.Option(metavar="NAME", help="As of 'compile'.")] = None,
    granularity: Annotated[str | None, typer.Option(metavar="row|tensor", help="As of 'compile'.")] = None,
    input_bits: Annotated[int | None, typer.Option(metavar="N", help="As of 'compile'.")] = None,
    data: Annotated[str | None, typer.Option("--data", metavar="digits|mnist", help="As of 'compile'.")] = None,
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of MNIST's IDX files.")] = None,
    calibration_samples: Annotated[int | None, typer.Option(metavar="N", help="As of 'compile'.")] = None,
    task: Annotated[str | None, typer.Option(metavar="classes|values", help="As of 'compile'.")] = None,
    margin: Annotated[
        float | None, typer.Option(metavar="X", help="Monotonicity margin m, for checkpoints that do not store it.")
    ] = None,
    input_scale: Annotated[float | None, typer.Option(metavar="X", help="As of 'compile'.")] = None,
    input_mean: Annotated[float | None, typer.Option(metavar="X", help="As of 'compile'.")] = None,
    input_std: Annotated[float | None, typer.Option(metavar="X", help="As of 'compile'.")] = None,
    as_json: Json = False,
) -> None:
    """Find the smallest certified word lengths that reach an accuracy, an R squared or an error radius.

    The winner compiles by 'mondeq-hw compile MODEL --config DIR/winner.json'. A search that was killed continues.
    """
    from ..search import COSTS, Lattice

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs is {jobs}; expected a whole number of at least 1")
    target, task = _target(target_accuracy, target_r_squared, target_radius, task)
    unasked = FIXED if target.score is None else BITS
    lattice = Lattice(
        solvers=_solvers(solver),
        bits=_range("--bits", bits, 1, 16),
        drive_bits=_range("--drive-bits", drive_bits or unasked, 1, 16),
        readout_bits=_range("--readout-bits", readout_bits or unasked, 1, 16),
        state_bits=_range("--state-bits", state_bits, 2, 32),
    )
    if minimise not in COSTS:
        raise InputError(f"--minimise is {minimise!r}; expected {' or '.join(COSTS)}")
    options = {
        "bits": lattice.bits[-1],
        "rounding": rounding,
        "granularity": granularity,
        "input_bits": input_bits,
        "data": data,
        "data_dir": data_dir,
        "calibration_samples": calibration_samples,
        "task": task,
        "margin": margin,
        "input_scale": input_scale,
        "input_mean": input_mean,
        "input_std": input_std,
    }
    from joblib import cpu_count

    from ..config import resolve
    from ..search import SearchSettings, conclusion, search, to_plain, write_search

    settings = SearchSettings(resolve(options), lattice, target, minimise, exhaustive)
    with _progress(silent=as_json) as observe:
        result = search(model, settings, out, jobs or cpu_count(), observe)
    write_search(result, out)
    if as_json:
        print(json.dumps(to_plain(result), indent=2))
    else:
        _print(result, model, out)
    if result.winner is None:
        raise NotReachedError(f"{conclusion(result)} {_nearest(result)}")


def _target(
    accuracy: float | None, r_squared: float | None, radius: float | None, task: str | None
) -> tuple[Target, str | None]:
    """The target, and the task: a score that is asked for names it."""
    if accuracy is None and r_squared is None and radius is None:
        raise InputError(
            "no target given; expected --target-accuracy PERCENT or --target-r-squared X, --target-radius X, or both"
        )
    if accuracy is not None and not 1 < accuracy <= 100:
        raise InputError(f"--target-accuracy is {accuracy:g}; expected percent, above 1 and up to 100 (for example 98)")
    if radius is not None and not 0 < radius < float("inf"):
        raise InputError(f"--target-radius is {radius:g}; expected a positive number")
    if r_squared is not None and not 0 < r_squared <= 1:
        raise InputError(f"--target-r-squared is {r_squared:g}; expected a number above 0 and up to 1")
    from ..search import Target

    scores = {CLASSES: None if accuracy is None else accuracy / 100, VALUES: r_squared}
    asked = {kind: score for kind, score in scores.items() if score is not None}
    for kind in asked:
        if len(asked) > 1 or task not in (None, kind.name):
            raise InputError(f"{kind.target_option} is for the task {kind.name!r}; leave it out, or the other task")
        task = kind.name
    return Target(next(iter(asked.values()), None), radius), task


def _solvers(name: str | None) -> tuple[str, ...]:
    if name is None:
        return SOLVERS
    if name.replace("-", "_") not in SOLVERS:
        raise InputError(f"--solver is {name!r}; expected peaceman-rachford or forward-backward, or none for both")
    return (name.replace("-", "_"),)


def _range(option: str, text: str, least: int, most: int) -> range:
    """``2-6`` or ``5``."""
    first, _, last = text.partition("-")
    try:
        lengths = range(int(first), int(last or first) + 1)
    except ValueError:
        lengths = range(0)
    if not lengths or lengths[0] < least or lengths[-1] > most:
        raise InputError(f"{option} is {text!r}; expected a word length or a range of them within {least}-{most}")
    return lengths


@contextmanager
def _progress(silent: bool) -> Iterator[SearchObserver | None]:
    """Points done, and the time left if as many follow as can; fewer usually do."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if silent:
        yield None
        return
    left = TextColumn("at most; time left at most")
    columns = ("points", BarColumn(), MofNCompleteColumn(), left, TimeRemainingColumn())
    with Progress(*columns, speed_estimate_period=600) as bar:
        task = bar.add_task("search")
        yield lambda done, total: bar.update(task, completed=done, total=total)


# -- output ------------------------------------------------------------------


def _print(result: SearchResult, model: Path, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..search import PLOT, REPORT, TABLE, WINNER, conclusion, shorter

    console = Console(highlight=False, markup=False)
    console.width = max(console.width, LEAST_WIDTH)
    titles = ("", "solver", "words", "factor", "iterations", "radius", result.task.figure, "memory", "LUTs")
    table = Table(*titles, box=None, pad_edge=False)
    for name, points in (("sweep", result.sweep), ("shorter", shorter(result))):
        for point in points:
            table.add_row(name, *_cells(point, result.task))
    if result.best is not None:
        table.add_row("nearest" if result.winner is None else "WINNER", *_cells(result.best, result.task))
    console.print(table)
    print("words: bits of iteration matrix/drive/readout/state; memory: stored bits; LUTs: estimated")
    print(conclusion(result))
    if result.judgement is not None:
        judged, shown = result.judgement, result.task.shown
        print(
            f"This choice has the {result.task.figure} {shown(judged.selection_score)} on the "
            f"{judged.selection_samples} test samples that chose it (float {shown(judged.selection_float)}), "
            f"{shown(judged.kept_score)} on the {judged.kept_samples} others (float {shown(judged.kept_float)})"
        )
    print(f"All points: {out / TABLE}, {out / REPORT}, {out / PLOT}")
    if result.winner is not None:
        print(f"Compile the winner: mondeq-hw compile {model} --config {out / WINNER}")


def _cells(point: SearchPoint, task: Task) -> tuple[str, ...]:
    choice = point.choice
    return (
        find_splitting(choice.solver).title,
        _words(choice),
        f"{point.contraction_factor:.3f} {'proved' if point.proved else 'NO PROOF'}",
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
        f"{judged}radius {best.radius:.3g}. Lower the target, or allow longer words"
    )
