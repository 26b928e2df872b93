"""Pure tasks, run in this process, in others of this machine, or on a Dask cluster: one protocol.

A task is a function of what all tasks share and of an item of its own, under a key that is its digest.  Its result does
not depend on where it is made, and only the caller writes anything down: a worker that is lost costs the task that it
was at, which another takes up.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .errors import InputError, InputWarning, MissingToolError
from .version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future
    from joblib import Parallel

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

#: In the place of a scheduler's address: one of our own, with workers on this machine.
LOCAL = "local"


class Executor(Protocol):
    """Whatever runs tasks."""

    def results(
        self, function: Callable[[Shared, Item], Result], shared: Shared, tasks: Mapping[str, Item]
    ) -> Iterator[tuple[str, Result]]:
        """``function(shared, item)`` of every task with its key, in the order in which they are done."""
        ...


@contextmanager
def open_executor(jobs: int | None = 1, scheduler: str | None = None) -> Iterator[Executor]:
    """What runs tasks, until the block ends.

    Parameters
    ----------
    jobs : int or None
        Processes on this machine; None is one a core.
    scheduler : str or None
        Address of a Dask scheduler, whose workers take the place of those processes; or ``local``, a cluster of
        ``jobs`` workers on this machine.

    Raises
    ------
    MissingToolError
        Dask is asked for and not installed.
    InputError
        No scheduler answers.
    """
    from joblib import cpu_count

    workers = jobs or cpu_count()
    if scheduler is not None:
        with _dask(workers, scheduler) as client:
            yield OnDask(client)
    elif workers == 1:
        yield IN_PROCESS
    else:
        from joblib import Parallel

        with Parallel(workers, "loky", return_as="generator_unordered", initializer=_end_with_parent) as pool:
            yield InProcesses(pool)


# -- this process --------------------------------------------------------------


@dataclass(frozen=True)
class InProcess:
    """One task after the other, in their order."""

    def results(
        self, function: Callable[[Shared, Item], Result], shared: Shared, tasks: Mapping[str, Item]
    ) -> Iterator[tuple[str, Result]]:
        return ((key, function(shared, item)) for key, item in tasks.items())


IN_PROCESS = InProcess()


# -- processes of this machine -------------------------------------------------


@dataclass(frozen=True)
class InProcesses:
    """joblib's, which start once and take any number of tasks."""

    pool: Parallel

    def results(
        self, function: Callable[[Shared, Item], Result], shared: Shared, tasks: Mapping[str, Item]
    ) -> Iterator[tuple[str, Result]]:
        from joblib import delayed

        done: Iterator[tuple[str, Result]] = self.pool(
            delayed(_keyed)(function, shared, key, item) for key, item in tasks.items()
        )
        return done


def _keyed(function: Callable[[Shared, Item], Result], shared: Shared, key: str, item: Item) -> tuple[str, Result]:
    return key, function(shared, item)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


# -- a Dask cluster ------------------------------------------------------------


@dataclass
class OnDask:
    """Workers of a scheduler; what the tasks share is sent to it once, and it makes it again where a worker is lost."""

    client: Client
    _sent: list[tuple[Any, Future]] = field(default_factory=list)

    def results(
        self, function: Callable[[Shared, Item], Result], shared: Shared, tasks: Mapping[str, Item]
    ) -> Iterator[tuple[str, Result]]:
        from distributed import KilledWorker, as_completed
        from distributed.client import FutureCancelledError

        at_workers = self._send(shared)
        futures = {
            self.client.submit(_of_our_version, __version__, function, at_workers, item, key=key)
            for key, item in tasks.items()
        }
        for future in as_completed(futures):
            futures.discard(future)
            try:
                result = future.result()
            except KilledWorker as error:
                raise InputError(
                    f"the workers end at one task ({error}); give them more memory, or see their logs"
                ) from None
            except FutureCancelledError:
                raise InputError(
                    "the Dask scheduler is gone; start one, and start again: finished tasks are kept"
                ) from None
            except ModuleNotFoundError as error:
                raise InputError(
                    f"a Dask worker lacks {error.name}; install mondeq-hw {__version__} where the workers run"
                ) from None
            yield future.key, result

    def _send(self, shared: Any) -> Future:
        if not any(known is shared for known, _ in self._sent):
            content = pickle.dumps(shared)
            key = f"shared-{hashlib.sha256(content).hexdigest()}"
            self._sent[:] = [(shared, self.client.submit(pickle.loads, content, key=key))]
        return self._sent[0][1]


def _of_our_version(version: str, function: Callable[[Shared, Item], Result], shared: Shared, item: Item) -> Result:
    """At the worker: another version might give another result."""
    if version != __version__:
        raise InputError(f"a Dask worker has mondeq-hw {__version__}; install {version} where the workers run")
    return function(shared, item)


@contextmanager
def _dask(workers: int, scheduler: str) -> Iterator[Client]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError:
        raise MissingToolError("Dask is missing; install it: pip install 'mondeq-hw[dask]'") from None
    # What the tasks share is meant to be large.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "100 GB"})
    local = (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) if scheduler == LOCAL else None
    )
    with nullcontext() if local is None else local:
        try:
            client = Client(scheduler if local is None else local)
        except (OSError, ValueError) as error:
            raise InputError(
                f"--scheduler is {scheduler}, where no Dask scheduler answers ({error}); expected its address, such as "
                "tcp://10.0.0.1:8786; 'dask scheduler' starts one and prints it"
            ) from None
        with client:
            if not client.scheduler_info()["workers"]:
                warnings.warn(f"{scheduler}: has no worker yet; the tasks wait for one", InputWarning, stacklevel=2)
            yield client
