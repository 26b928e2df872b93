"""Where tasks run changes nothing of what comes of them: not even a worker that is killed."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from checkpoints import parameters, plain, write_npz
from clusters import cluster, killed_after, lines_of

from mondeq_hw import InputError, search_word_lengths
from mondeq_hw.search import DATABASE, REPORT, TABLE, WINNER, Choice, SearchPoint, search

pytestmark = pytest.mark.slow

search_module = sys.modules[search.__module__]

FILES = (REPORT, TABLE, DATABASE, WINNER)
OPTIONS = {"target_radius": 0.5, "bits": range(2, 6), "state_bits": range(6, 11)}
JOURNAL = "points.jsonl"


def test_a_worker_that_is_killed_costs_its_task_and_nothing_else(tmp_path: Path) -> None:
    model = write_npz(tmp_path / "small.npz", plain(parameters(m=0.3)))
    alone = search_word_lengths(model, tmp_path / "alone", jobs=1, **OPTIONS)
    journal = tmp_path / "together" / JOURNAL
    with cluster(2) as (address, workers), killed_after(3, journal, workers[0]) as measured:
        together = search_word_lengths(model, tmp_path / "together", scheduler=address, **OPTIONS)
    assert measured[0] < len(together.points) and together.winner == alone.winner
    for name in FILES:
        assert (tmp_path / "together" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert lines_of(journal) == lines_of(tmp_path / "alone" / JOURNAL) == len(alone.points)


def test_two_clusters_and_no_scheduler_are_refused(tmp_path: Path) -> None:
    model = write_npz(tmp_path / "small.npz", plain(parameters(m=0.3)))
    with pytest.raises(InputError, match=r"dask is 'local' beside scheduler=?"):
        search_word_lengths(model, tmp_path / "out", dask="local", scheduler="tcp://127.0.0.1:1", **OPTIONS)
    with pytest.raises(InputError, match=r"scheduler is nowhere, where no Dask scheduler answers"):
        search_word_lengths(model, tmp_path / "out", scheduler="nowhere", **OPTIONS)
    assert not (tmp_path / "out").exists()


def test_searches_share_a_cache_of_points(tmp_path: Path) -> None:
    model, cache = write_npz(tmp_path / "small.npz", plain(parameters(m=0.3))), tmp_path / "cache"
    first = search_word_lengths(model, tmp_path / "first", jobs=1, cache=cache, **OPTIONS)
    files = sorted(cache.rglob("*.json"))
    assert len(files) == len(first.points)
    files[0].write_text(files[0].read_text().replace('"proved": ', '"proved":  ', 1)[:-9])  # damaged: measured again
    measured: list[Choice] = []
    original = search_module._point

    def counted(experiment: object, choice: Choice, lowered: object) -> SearchPoint:
        measured.append(choice)
        return original(experiment, choice, lowered)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_point", counted)
        second = search_word_lengths(model, tmp_path / "second", jobs=1, cache=cache, **OPTIONS)
        other = search_word_lengths(model, tmp_path / "other", jobs=1, cache=cache, **{**OPTIONS, "target_radius": 0.4})
    assert second == first and other.points[0] in first.points
    assert len(measured) == 1 + len(set(other.points) - set(first.points))
    assert sorted(cache.rglob("*.json")) >= files
    for name in FILES:
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()
    with closing(sqlite3.connect(tmp_path / "second" / DATABASE)) as database:
        (proved,) = database.execute("SELECT count(*) FROM points WHERE proved").fetchone()
    assert proved == sum(point.proved for point in first.points)
