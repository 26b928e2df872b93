"""The options of whatever has many tasks: where they run."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, Literal

from ..base import Executor, OptionError, open_executor
from .options import Options, PositiveInt, option


class ExecutorOptions(Options):
    """Where tasks run, which changes the time and nothing else."""

    jobs: Annotated[
        PositiveInt | None,
        option("N", "Processes on this machine; they change the time, and nothing else.", unset="one a core"),
    ] = None
    dask: Annotated[
        Literal["local"] | None,
        option("local", "A Dask cluster of so many workers on this machine, in their place.", expected="local"),
    ] = None
    scheduler: Annotated[
        str | None,
        option(
            "ADDRESS",
            "Of a Dask scheduler (tcp://HOST:8786), whose workers run them in the place of processes here.",
            expected="the address of a Dask scheduler, such as tcp://10.0.0.1:8786",
        ),
    ] = None

    def opened(self) -> AbstractContextManager[Executor]:
        """The executor.

        Raises
        ------
        OptionError
            Two clusters are named.
        """
        if self.dask is not None and self.scheduler is not None:
            raise OptionError("dask", f"is {self.dask!r} beside --scheduler {self.scheduler}; leave out one of them")
        return open_executor(self.jobs, self.scheduler or self.dask)


class SweepOptions(ExecutorOptions):
    """Of a few short tasks, for which processes seldom pay."""

    jobs: Annotated[
        PositiveInt, option("N", "Processes that round to other word lengths; they change the time, and nothing else.")
    ] = 1
