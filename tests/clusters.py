"""A real Dask cluster, each scheduler and worker a process of its own, and how a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

Worker = subprocess.Popen[bytes]


@contextmanager
def cluster(workers: int, *paths: Path) -> Iterator[tuple[str, list[Worker]]]:
    """Its address and its workers, which are up; they import from these folders, too."""
    from distributed import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, paths))}
    with ExitStack() as stack:

        def started(arguments: list[str]) -> Worker:
            command = [sys.executable, "-m", "dask", *arguments]
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        started(scheduler)
        processes = [started(worker) for _ in range(workers)]
        with Client(address) as watching:
            watching.wait_for_workers(workers)
            assert set(watching.run(os.getpid).values()) == {process.pid for process in processes}
        yield address, processes


@contextmanager
def killed_after(lines: int, file: Path, worker: Worker) -> Iterator[list[int]]:
    """A worker that is killed when the file has so many lines; the list gets how many there were by then."""
    seen: list[int] = []

    def kill() -> None:
        wait_until(lambda: file.exists() and lines_of(file) >= lines)
        worker.kill()
        seen.append(lines_of(file))

    killer = Thread(target=kill)
    killer.start()
    yield seen
    killer.join()
    assert worker.wait() == -signal.SIGKILL


def lines_of(file: Path) -> int:
    """How many the file has."""
    return file.read_bytes().count(b"\n")


def wait_until(condition: Callable[[], bool]) -> None:
    """Give up after a time that is long on any machine."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError
