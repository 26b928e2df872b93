"""What a second worker brings: the same retrainings in this process, by joblib and on a Dask cluster, side by side.

    python benchmarks/workers.py [--tasks 16] [--rounds 5]

A task retrains the embedded digits network at 2 bits (straight-through, six epochs), about as short as a task gets.
Workers are up, and what the tasks share has been sent, before a clock starts. Every round runs all executors, one after
the other.  *Speed* is the median over the rounds of one process's time on the wall over this one's of the same round;
*efficiency* is that over the workers.  Other work on the machine makes both smaller.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from paper_tables import Table
from seeds import Networks, Results, Start, Study, digits_study, retrained
from seeds_results import FINE_TUNED
from threadpoolctl import threadpool_limits

from mondeq_hw.base import Executor, open_executor

BITS = 2
#: Name, workers, and what :func:`open_executor` is asked for.
EXECUTORS = (("this process", 1, {}), ("joblib", 2, {"jobs": 2}), ("Dask", 2, {"jobs": 2, "scheduler": "local"}))


def tasks(study: Study, count: int, folder: Path) -> list[Start]:
    """Retrainings of so many seeds."""
    networks, candidate = Networks(study, Results(folder / "results.jsonl")), study.candidates[0][0]
    return [networks.start(FINE_TUNED, candidate.seeded(seed), BITS) for seed in range(count)]


def seconds(executor: Executor, study: Study, starts: list[Start]) -> float:
    """On the wall, from the first task to the last result."""
    begin = time.perf_counter()
    for _ in executor.results(retrained, study, study.tasks(starts)):
        pass
    return time.perf_counter() - begin


def measured(study: Study, starts: list[Start], rounds: int) -> list[list[float]]:
    """Seconds of every executor in every round (rounds, executors)."""
    with ExitStack() as open_ones:
        executors = [open_ones.enter_context(open_executor(**options)) for _, _, options in EXECUTORS]
        for executor in executors:  # imports, and what the tasks share
            seconds(executor, study, starts[:2])
        # Dask keeps results by their keys: other seeds in every round.
        batches = [starts[2 + index :: rounds] for index in range(rounds)]
        return [[seconds(executor, study, batch) for executor in executors] for batch in batches]


def table(times: list[list[float]]) -> Table:
    """One row an executor."""
    speeds = [median(each[0] / each[index] for each in times) for index in range(len(EXECUTORS))]
    rows = tuple(
        (name, workers, f"{speed:.2f}", f"{speed / workers:.0%}")
        for (name, workers, _), speed in zip(EXECUTORS, speeds, strict=True)
    )
    task = sum(each[0] for each in times)
    return Table("workers", f"{task:.1f} s of tasks", ("executor", "workers", "speed", "efficiency"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=16, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    # A worker has one thread, and so has this process.
    with tempfile.TemporaryDirectory() as work, threadpool_limits(1):
        study = digits_study(Path(work))
        starts = tasks(study, 2 + options.rounds * options.tasks, Path(work))
        print(table(measured(study, starts, options.rounds)).markdown())


if __name__ == "__main__":
    main()
