"""Samples from files of the user's: ``.npz``, ``.npy``, ``.csv`` and ``.parquet``; no code in a file ever runs."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..base import InputError, MissingToolError
from .mistaken import refuse_mistaken
from .samples import TEST, TRAIN, Arrays, Samples

#: Names of an archive's inputs and targets; behind them may stand ``_train`` or ``_test``.
INPUT_NAMES, TARGET_NAMES = ("X", "x", "inputs"), ("y", "Y", "targets", "labels")
#: Columns in which pandas keeps row labels.
PANDAS_INDEX = "__index_level_"
#: Between the columns of a ``.csv``; the first that its first line has.
DELIMITERS = ",;\t"


def from_files(train: Path | None, targets: str | None, test: Path | None, test_targets: str | None) -> Samples:
    """Samples of files, as the user has divided them.

    Parameters
    ----------
    train, test : path, optional
        One of the two at least. An archive with ``X_train`` and ``X_test`` is both.
    targets, test_targets : str, optional
        A file of the targets, or where they stand in that of the inputs: the name of an archive's array (``y`` when
        absent), names or numbers of columns, a comma between them. Those of the test samples are as the others,
        when absent.

    Raises
    ------
    InputError
        A file cannot be read, or holds no such samples.
    MissingToolError
        A ``.parquet`` file, and pyarrow is not installed.
    """
    if test is None and train is not None and _holds_both(train):
        test = train
    if test_targets is None and (train is None or targets is None or not is_samples_file(targets)):
        test_targets = targets
    return Samples(
        name=str(getattr(train or test, "name", "")),
        train=None if train is None else read_samples(train, targets, TRAIN),
        test=None if test is None else read_samples(test, test_targets, TEST),
        division="as given" if test is None else f"those of {test.name}",
    )


def read_samples(file: Path, targets: str | None, split: str) -> Arrays:
    """Samples of a file; see :func:`from_files`.

    Parameters
    ----------
    file : path
    targets : str or None
    split : {"train", "test"}
        Which arrays of an archive that has both.
    """
    apart = None
    if targets is not None and is_samples_file(targets):
        apart, targets = Path(targets), None
    found = _reader(file).samples(file, targets, split)
    if apart is not None:
        found = Arrays(found.inputs, _reader(apart).targets(apart, split))
    return found.checked(str(file) if apart is None else f"{file} and {apart}")


# -- kinds of files ----------------------------------------------------------


@dataclass(frozen=True)
class _Reader:
    """How a kind of file is read: for its samples, and as the targets of another file."""

    samples: Callable[[Path, str | None, str], Arrays]
    targets: Callable[[Path, str], np.ndarray]


def _reader(file: Path) -> _Reader:
    if file.suffix not in READERS:
        raise InputError(f"{file}: expected a file of samples whose name ends in {', '.join(READERS)}")
    refuse_mistaken(file)
    return READERS[file.suffix]


def is_samples_file(targets: str) -> bool:
    """Whether targets are named by a file, not by where they stand in that of the inputs."""
    return Path(targets).suffix in READERS


def _loaded(file: Path) -> Any:
    try:
        content = np.load(file, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content:
            return dict(content)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{file}: cannot be read ({error}); save numbers with numpy.save or numpy.savez") from None


def _array(file: Path) -> np.ndarray:
    content = _loaded(file)
    if not isinstance(content, np.ndarray):
        raise InputError(f"{file}: holds several arrays; name it .npz")
    return content


def _samples_of_array(file: Path, targets: str | None, split: str) -> Arrays:
    if targets is not None:
        raise InputError(f"--targets is {targets!r}, but {file} is a single array; name a file of targets")
    return Arrays(_array(file))


def _archive(file: Path) -> dict[str, np.ndarray]:
    content = _loaded(file)
    if isinstance(content, np.ndarray):
        raise InputError(f"{file}: holds a single array; name it .npy")
    return content


def _holds_both(file: Path) -> bool:
    return file.suffix == ".npz" and any(f"{name}_{TEST}" in _archive(file) for name in INPUT_NAMES)


def _samples_of_archive(file: Path, targets: str | None, split: str) -> Arrays:
    arrays = _archive(file)
    target = _name(arrays, TARGET_NAMES if targets is None else (targets,), split)
    if target is None and targets is not None:
        raise InputError(f"{file}: holds no array {targets!r} for --targets; it has {', '.join(arrays) or 'none'}")
    rest = [name for name, array in arrays.items() if name != target and array.ndim > 1]
    name = _name(arrays, INPUT_NAMES, split) or (rest[0] if len(rest) == 1 else None)
    if name is None:
        raise InputError(f"{file}: holds no inputs named X; it has {', '.join(arrays) or 'no array'}")
    return Arrays(arrays[name], None if target is None else arrays[target])


def _targets_of_archive(file: Path, split: str) -> np.ndarray:
    arrays = _archive(file)
    name = _name(arrays, TARGET_NAMES, split)
    if name is None:
        raise InputError(f"{file}: holds no targets named y; it has {', '.join(arrays) or 'no array'}")
    return arrays[name]


def _name(arrays: Mapping[str, np.ndarray], names: Sequence[str], split: str) -> str | None:
    wanted = [*(f"{name}_{split}" for name in names), *names]
    return next((name for name in wanted if name in arrays), None)


# -- tables ------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """Columns of numbers (samples, columns), and their names where the file has any."""

    where: str
    names: tuple[str, ...] | None
    values: np.ndarray

    def divided(self, targets: str | None) -> Arrays:
        """The columns that are targets, and the others in their order."""
        if targets is None:
            return Arrays(self.values)
        chosen = [self._place(name.strip()) for name in targets.split(",")]
        rest = [place for place in range(self.values.shape[1]) if place not in chosen]
        if not rest or len(set(chosen)) < len(chosen):
            raise InputError(f"{self.where}: --targets {targets} names a column twice, or leaves none for the inputs")
        return Arrays(self.values[:, rest], _labels_or_values(self.values[:, chosen]))

    def _place(self, name: str) -> int:
        width, names = self.values.shape[1], self.names or ()
        if name in names:
            return names.index(name)
        if name.removeprefix("-").isdecimal() and -width <= int(name) < width:
            return int(name) % width
        listed = f"the columns {', '.join(names)}" if names else f"{width} columns without names"
        raise InputError(f"{self.where}: has no column {name!r} for --targets; it has {listed} (or 0 to {width - 1})")


def _labels_or_values(columns: np.ndarray) -> np.ndarray:
    """A single column loses its axis, and its fractions where it has none: a table's labels have no type."""
    if columns.shape[1] > 1:
        return columns
    column = columns[:, 0]
    whole = np.isfinite(column).all() and np.array_equal(column, np.rint(column))
    return column.astype(np.int64) if whole else column


def _read_csv(file: Path) -> _Table:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = {number: line for number, line in enumerate(stream, start=1) if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as .csv ({error}); save numbers with a comma between them") from None
    first = next(iter(lines.values()), "")
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    names = [name.strip() for name in _cells(first.lstrip("# "), delimiter)]
    header = not all(_is_number(name) for name in names if name)
    if len(lines) == header:
        raise InputError(f"{file}: holds no samples; expected a line of numbers for each")
    rows = dict(islice(lines.items(), header, None))
    try:
        values = np.loadtxt(rows.values(), delimiter=delimiter, quotechar='"', comments=None, ndmin=2)
    except ValueError as error:
        raise _first_fault(file, rows, delimiter, len(names), str(error)) from None
    if header:
        _check_names(file, names, values.shape[1])
    elif len(names) > 2 and names == [str(place) for place in range(len(names))]:
        raise InputError(f"{file}: its first line counts the columns; give them names, or leave the line out")
    return _Table(str(file), tuple(names) if header else None, values)


def _check_names(file: Path, names: list[str], columns: int) -> None:
    if len(names) != columns:
        raise InputError(f"{file}: {len(names)} names in its first line, but {columns} columns of numbers")
    if "" in names or len(set(names)) < len(names):
        raise InputError(
            f"{file}: its first line has a column without a name, or a name twice ({', '.join(names)}); name every "
            "column, and leave row numbers out"
        )


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_fault(file: Path, rows: Mapping[int, str], delimiter: str, width: int, otherwise: str) -> InputError:
    """The first line that makes no row of the table."""
    for number, line in rows.items():
        cells = _cells(line, delimiter)
        if len(cells) != width:
            return InputError(f"{file}: line {number} has {len(cells)} values; expected {width}, as in the first")
        for place, cell in enumerate(cells):
            if not _is_number(cell):
                received = f"is {cell.strip()!r}" if cell.strip() else "is empty"
                return InputError(f"{file}: line {number}, column {place} (from 0) {received}; expected a number")
    return InputError(f"{file}: cannot be read as .csv ({otherwise}); save numbers with a comma between them")


def _read_parquet(file: Path) -> _Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingToolError(
            f"{file}: pyarrow is not installed, which reads .parquet; pip install 'mondeq-hw[parquet]'"
        ) from None
    try:
        table = parquet.read_table(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise InputError(f"{file}: cannot be read as .parquet ({error}); write it again") from None
    columns = {}
    table = table.drop_columns([name for name in table.column_names if name.startswith(PANDAS_INDEX)])
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not (pyarrow.types.is_integer(column.type) or pyarrow.types.is_floating(column.type)) or column.null_count:
            raise InputError(
                f"{file}: column {name!r} is {column.type} with {column.null_count} missing; expected numbers, none "
                "missing"
            )
        columns[name] = column.to_numpy().astype(np.float64)
    if len(columns) < len(table.column_names) or not columns or table.num_rows == 0:
        raise InputError(
            f"{file}: has {table.num_rows} rows and the columns {table.column_names}; expected samples, "
            "each column with a name of its own"
        )
    return _Table(str(file), tuple(columns), np.column_stack(list(columns.values())))


def _table_reader(read: Callable[[Path], _Table]) -> _Reader:
    return _Reader(
        samples=lambda file, targets, split: read(file).divided(targets),
        targets=lambda file, split: _labels_or_values(read(file).values),
    )


READERS = {
    ".npz": _Reader(_samples_of_archive, _targets_of_archive),
    ".npy": _Reader(_samples_of_array, lambda file, split: _array(file)),
    ".csv": _table_reader(_read_csv),
    ".parquet": _table_reader(_read_parquet),
}
