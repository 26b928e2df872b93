"""What the commands share: progress, tables, JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base import AS_LINES, InputError, InterruptedRunError

if TYPE_CHECKING:
    from ..problem import Comparison, Task
    from ..project import Project


@contextmanager
def steps(silent: bool) -> Iterator[Any]:
    """A progress callback: a spinner while a step runs, a line with its time when it is done."""
    screen = console(silent)

    @contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.perf_counter()
        with nullcontext() if AS_LINES.get() else screen.status(name):
            yield
        screen.print(f"  {name:<10}{time.perf_counter() - start:8.2f} s")

    yield step


@contextmanager
def saying(silent: bool) -> Iterator[Callable[[str], None]]:
    """Tell what is being done now: a spinner's text, or lines where those are asked for."""
    screen = console(silent)
    if AS_LINES.get():
        yield screen.print
        return
    with screen.status("starting") as status:
        yield status.update


def console(silent: bool = False) -> Any:
    """Standard output; a pipe gets whole lines instead of ones folded at 80 columns, and may close."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Screen(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False, quiet=silent)


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Ctrl-C says what is kept and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedRunError(f"interrupted; {kept}") from None


def print_rows(rows: list[tuple[str, str]]) -> None:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value)
    console().print(table)


def print_comparison(task: Task, found: Comparison) -> None:
    """The score, and figures by output where the task has them."""
    print(f"{task.figure}: {found.in_words()}")
    print_table(found.table())


def print_table(lines: tuple[tuple[str, ...], ...]) -> None:
    """A header and its lines; nothing of nothing."""
    from rich.table import Table

    if lines:
        table = Table(*lines[0], box=None, pad_edge=False)
        for line in lines[1:]:
            table.add_row(*line)
        console().print(table)


def print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, indent=2))


@dataclass(frozen=True)
class TakenInputs:
    """Input words (samples, d), and how many values saturated or were rounded to the format's grid on the way."""

    words: Any
    saturated: int = 0
    rounded: int = 0


def taken_inputs(project: Project, inputs: Any, are_words: bool, on_overflow: str) -> TakenInputs:
    """Values as words, or words as they are."""
    if are_words:
        return TakenInputs(project.golden.checked(inputs.reshape(len(inputs), -1)))
    found = project.raw_inputs(inputs, on_overflow).announced()
    return TakenInputs(project.golden.words(found.raw), found.saturated, found.rounded)


def read_inputs(file: Path) -> Any:
    """Inputs of a file of samples; what has another name is read as ``.npy``."""
    import numpy as np

    from ..problem import TEST, is_samples_file, read_samples, refuse_mistaken

    if is_samples_file(str(file)) and file.suffix != ".npy":
        return read_samples(file, None, TEST).inputs
    refuse_mistaken(file)
    try:
        array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; expected a .npy file of inputs") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file}: cannot be read as .npy ({error}); save the inputs with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.ndim < 2 or len(array) == 0:
        raise InputError(f"{file}: expected an array of real numbers of shape (samples, d); save it with numpy.save")
    return array
