"""What a search leaves in its folder, each file replaced at once.

``search.json``
    ``version`` (5), ``model``, ``task``, ``data`` (or null), ``method`` (``descent`` or ``exhaustive``), ``minimise``
    (``memory``, ``luts``, ``latency``, ``interval`` or ``error``), ``target`` (``score``: accuracy as a share, or R
    squared of the worst output; ``radius``, ``distance``, ``proved_distance``, ``luts``, ``latency``, ``interval``;
    null asks nothing), ``lattice`` (``solvers``, first and last of each word length, all values of the other axes),
    ``conclusion`` (a sentence), then points::

        winner    or null
        best      the winner, or the proved point nearest to the target, or null
        shorter   those one bit shorter than the winner in one word, or with fewer updates
        front     the Pareto front: the proved points that none beats in both score and cost
        sweep     every solver and iteration word length, the other words at their widest: the plot
        points    all

    A point is a flat record of :class:`mondeq_hw.search.space.SearchPoint` and ``reached``, whether it is proved and
    meets the target.  ``proved_distance`` is what the best point's certificate says of every output and every input,
    or null.  Last ``judgement``, of :class:`mondeq_hw.search.Judgement`, or null without data.
``points.csv``
    All points, one a line.
``points.sqlite``
    The same as the table ``points`` of an SQLite database.
``winner.json``
    A configuration file: ``mondeq-hw compile MODEL --config winner.json`` makes the winner.
``search.png``, ``front.png``
    The sweep, and score against cost: of :mod:`mondeq_hw.search.result`.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..base import InputError, replacing
from ..problem import is_samples_file
from .result import SearchResult, conclusion, draw, draw_front, front, shorter
from .space import AXES, FOLDING, STEPPED, SearchPoint

VERSION = 5
REPORT = "search.json"
TABLE = "points.csv"
DATABASE = "points.sqlite"
WINNER = "winner.json"
PLOT = "search.png"
FRONT = "front.png"


def write(result: SearchResult, folder: Path) -> None:
    """Write all files; there is no ``winner.json`` where there is no winner.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    try:
        _replace(folder / TABLE, _table(result).encode())
        _replace(folder / DATABASE, _database(to_plain(result)["points"]))
        _replace(folder / PLOT, draw(result))
        _replace(folder / FRONT, draw_front(result))
        (folder / WINNER).unlink(missing_ok=True)
        if result.winner is not None:
            _replace(folder / WINNER, _json(winner_config(result)))
        _replace(folder / REPORT, _json(to_plain(result)))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); free space or name another --out") from None


def to_plain(result: SearchResult) -> dict[str, Any]:
    """The content of ``search.json``."""
    settings, lattice = result.settings, result.settings.lattice

    def plain(point: SearchPoint | None) -> dict[str, Any] | None:
        return None if point is None else {**point.to_plain(), "reached": settings.target.reached_by(point)}

    return {
        "version": VERSION,
        "model": result.source,
        "task": result.task.name,
        "data": result.data,
        "method": "exhaustive" if settings.exhaustive else "descent",
        "minimise": settings.minimise,
        "target": asdict(settings.target),
        "lattice": {
            "solvers": list(lattice.solvers),
            **{axis: [getattr(lattice, axis)[0], getattr(lattice, axis)[-1]] for axis in AXES},
            **{axis: list(getattr(lattice, axis)) for axis in (*STEPPED, *FOLDING) if axis not in AXES},
        },
        "conclusion": conclusion(result),
        "winner": plain(result.winner),
        "best": plain(result.best),
        "shorter": [plain(point) for point in shorter(result)],
        "front": [plain(point) for point in front(result)],
        "sweep": [plain(point) for point in result.sweep],
        "points": [plain(point) for point in result.points],
        "proved_distance": result.proved_distance,
        "judgement": result.judgement and asdict(result.judgement),
    }


def winner_config(result: SearchResult) -> dict[str, Any]:
    """Options that compile the winner, from any working directory."""
    assert result.winner is not None
    config = result.settings.config(result.winner.choice)
    files: dict[str, Any] = {name: value.absolute() for name, value in config if isinstance(value, Path)}
    for name in ("targets", "test_targets"):
        value = getattr(config, name)
        if value is not None and is_samples_file(value):
            files[name] = str(Path(value).absolute())
    return config.model_copy(update=files).model_dump(mode="json", exclude_none=True)


def _table(result: SearchResult) -> str:
    rows = to_plain(result)["points"]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _database(rows: list[dict[str, Any]]) -> bytes:
    names, values = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
    with closing(sqlite3.connect(":memory:")) as database:
        with database:
            database.execute(f"CREATE TABLE points ({names})")
            database.executemany(f"INSERT INTO points VALUES ({values})", [tuple(row.values()) for row in rows])
        return database.serialize()


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def _replace(file: Path, content: bytes) -> None:
    with replacing(file, "free space or name another --out") as temporary:
        temporary.write_bytes(content)
