"""A search as one function: options in, a result and its files out."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np

from ..base import InputError, progress_bar
from ..config import SearchKeywords, SearchOptions, spelled_out
from ..steps import Pair, named_files
from .report import write
from .result import SearchResult
from .search import search
from .settings import settings_of

#: Share of the points after which a log gets another line.
SHARE_OF_A_LINE = 0.1


@spelled_out(SearchOptions)
def search_word_lengths(
    model: str | os.PathLike[str],
    out: str | os.PathLike[str] = "search",
    options: SearchOptions | None = None,
    *,
    calibration: np.ndarray | Pair | str | os.PathLike[str] | None = None,
    test: Pair | str | os.PathLike[str] | None = None,
    progress: bool = False,
    **keywords: Unpack[SearchKeywords],
) -> SearchResult:
    """Find the smallest certified word lengths that reach a target; the files of a search go to a folder.

    A search that was interrupted continues when it is asked for again.

    Parameters
    ----------
    model : path
        A float checkpoint.
    out : path
        Folder of the journal and the results; ``winner.json`` in it compiles the winner.
    options : SearchOptions, optional
        All options at once; otherwise they are given by name, a target at least: ``target_accuracy=97``.
    calibration, test
        As of :func:`mondeq_hw.compile`.
    progress : bool
        Show how many points are done: a bar on a terminal and in a notebook, lines in a log.

    Returns
    -------
    SearchResult
        Its ``winner`` is None where nothing reaches the target.

    Raises
    ------
    InputError
        Something about the model, the options, the data or the folder.
    """
    files, arrays = named_files(calibration=calibration, test=test)
    given = {**keywords, **files}
    if options is not None and given:
        raise InputError(f"options were given and {next(iter(given))!r} by name; give one or the other")
    asked = options or SearchOptions(**given)
    settings = settings_of(asked)
    with asked.opened() as executor, progress_bar("points", SHARE_OF_A_LINE) if progress else nullcontext() as told:
        observe = None if told is None else partial(told, text="at most")
        result = search(Path(model), settings, Path(out), executor, observe, cache=asked.cache, **arrays)
    write(result, Path(out))
    return result
