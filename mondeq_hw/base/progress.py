"""How far something is: a bar on a terminal, a bar in a notebook, lines in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import Any, Protocol


class Told(Protocol):
    """Told how much is done, of how much at most, and what to say about it."""

    def __call__(self, done: int, total: int, text: str) -> None: ...


#: Lines on a terminal too, as in a log.
AS_LINES: ContextVar[bool] = ContextVar("AS_LINES", default=False)


@contextmanager
def progress_bar(title: str, share_of_a_line: float = 0.0) -> Iterator[Told]:
    """Show how far something is; a bar that ends in an error leaves nothing behind.

    Parameters
    ----------
    title : str
    share_of_a_line : float
        How much more must be done before a log gets another line; 0 writes one each time.
    """
    if in_notebook():
        yield _in_notebook(title)
    elif sys.stdout.isatty() and not AS_LINES.get():
        with _on_terminal(title) as told:
            yield told
    else:
        yield _in_log(title, share_of_a_line)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this."""
    interactive = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(interactive, "kernel")


@contextmanager
def _on_terminal(title: str) -> Iterator[Told]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, speed_estimate_period=600)
    line = bar.add_task(title)

    def told(done: int, total: int, text: str) -> None:
        bar.start()
        bar.update(line, completed=done, total=total, description=f"{title}: {text}" if text else title)

    try:
        yield told
    except BaseException:
        bar.live.transient = True
        raise
    finally:
        bar.stop()


def _in_log(title: str, share: float) -> Told:
    shown = -1.0

    def told(done: int, total: int, text: str) -> None:
        nonlocal shown
        if done / max(total, 1) >= shown + share or done == total:
            shown = done / max(total, 1)
            print(f"{title}: {done} of {total}{f', {text}' if text else ''}", flush=True)

    return told


def _in_notebook(title: str) -> Told:
    from IPython.display import HTML, display

    handle: Any = None

    def told(done: int, total: int, text: str) -> None:
        nonlocal handle
        said = escape(f"{title}: {done} of {total}{f', {text}' if text else ''}")
        shown = HTML(f'<progress value="{done}" max="{total}"></progress> {said}')
        if handle is None:
            handle = display(shown, display_id=True)
        else:
            handle.update(shown)

    return told
