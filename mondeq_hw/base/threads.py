"""Work of NumPy side by side: on as many threads as its BLAS may use, each of them with a BLAS of one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_info, threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def blas_threads() -> int:
    """Threads that BLAS may use."""
    return max([library["num_threads"] for library in threadpool_info()], default=1)


def side_by_side(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """``function`` of every item, in their order; the results do not depend on the number of threads."""
    items = list(items)
    if min(threads, len(items)) <= 1:
        return [function(item) for item in items]
    with threadpool_limits(limits=1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
