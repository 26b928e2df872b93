"""The libraries that search a graph of shared additions, each behind the same few records.

da4ml (arXiv 2507.04535) and its successor Alkaid answer in their own records and leave words out that are always zero;
here their answers become :class:`Part`. None is believed: :mod:`.adder_graph` checks every coefficient.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..base import InputError, MissingToolError, MondeqError

DA4ML = "da4ml"
ALKAID = "alkaid"
#: What a search is to find: a graph of few adders, or one of few stages.
FEW_ADDERS = "adders"
FEW_STAGES = "stages"
#: More behind one another would be slower than anything else in a core.
MOST_ADDERS_PER_STAGE = 4
#: Adders on top of the fewest that any graph of the matrix has one behind the other, as both libraries take it.
_EXTRA_DEPTH = {FEW_ADDERS: -1, FEW_STAGES: 0}


@dataclass(frozen=True)
class GraphSearch:
    """How a graph was found, and is found again.

    Parameters
    ----------
    library : {"da4ml", "alkaid"}
    fewest : {"adders", "stages"}
        What it has few of; a graph of fewest stages has a few per cent more adders.
    adders_per_stage : int
        Adders one behind the other between two registers, 1 to :data:`MOST_ADDERS_PER_STAGE`.
    rows : int, optional
        Rows of the matrix that may share additions; all where it is None.

    Raises
    ------
    InputError
        There is no such search.
    """

    library: str = DA4ML
    fewest: str = FEW_ADDERS
    adders_per_stage: int = 1
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.library not in _LIBRARIES:
            raise InputError(f"graph search is by {self.library!r}; expected {' or '.join(_LIBRARIES)}")
        if self.fewest not in _EXTRA_DEPTH:
            raise InputError(f"graph search is for fewest {self.fewest!r}; expected {' or '.join(_EXTRA_DEPTH)}")
        if type(self.adders_per_stage) is not int or not 1 <= self.adders_per_stage <= MOST_ADDERS_PER_STAGE:
            raise InputError(
                f"graph search is for {self.adders_per_stage!r} adders a stage; expected 1 to {MOST_ADDERS_PER_STAGE}"
            )
        if self.rows is not None and (type(self.rows) is not int or self.rows < 1):
            raise InputError(f"graph search is for {self.rows!r} rows together; expected at least 1, or None for all")

    def require(self) -> None:
        """Raise :class:`MissingToolError` where the library is not installed."""
        if importlib.util.find_spec(self.library) is None:
            raise MissingToolError(
                f"{self.library} is not installed, which finds the adder graphs of --strategy unrolled; run: "
                f"pip install {_LIBRARIES[self.library].requirement}"
            )

    def __call__(self, matrix: np.ndarray, low: int, high: int) -> tuple[tuple[Part, ...], ...]:
        """What the library finds for a matrix (rows, columns) and words from ``low`` to ``high``.

        Returns
        -------
        tuple of tuple of Part
            Of the first rows that are searched together, of those after them, ..., each from the inputs.
        """
        self.require()
        anywhere = replace(self, adders_per_stage=1)  # a graph is found without its registers
        return _kept(anywhere, matrix.tobytes(), matrix.dtype.str, matrix.shape, low, high)

    def solve(self, matrix: np.ndarray, low: int, high: int) -> tuple[tuple[Part, ...], ...]:
        """The same, searched anew."""
        together = self.rows or len(matrix)
        groups = (matrix[first : first + together] for first in range(0, len(matrix), together))
        return tuple(self._solve_together(rows, low, high) for rows in groups)

    def _solve_together(self, rows: np.ndarray, low: int, high: int) -> tuple[Part, ...]:
        # A library's columns are our rows; float32 is exact for 18-bit words. One that is always zero would be dropped.
        kernel = np.ascontiguousarray(rows.T, dtype=np.float32)
        interval = (float(low), float(max(high, low + 1)), 1.0)
        return tuple(_LIBRARIES[self.library].solve(kernel, interval, _EXTRA_DEPTH[self.fewest]))


@dataclass(frozen=True)
class Copy:
    """``2**shift`` times an input of the part."""

    index: int
    shift: int


@dataclass(frozen=True)
class Sum:
    """One value of the part plus, or minus, ``2**shift`` times another."""

    left: int
    right: int
    shift: int
    subtract: bool


@dataclass(frozen=True)
class Output:
    """``2**shift`` times a value of the part, or what is opposite to it; ``None`` is zero."""

    value: int | None
    shift: int
    negative: bool


@dataclass(frozen=True)
class Part:
    """A combinational part: values in an order in which operands come first, and what leaves it."""

    values: tuple[Copy | Sum, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class _Library:
    """What pip installs, and its search: the kernel (columns, rows), its words' interval, the extra depth."""

    requirement: str
    solve: Callable[[np.ndarray, tuple[float, float, float], int], Iterator[Part]]


@lru_cache(maxsize=8)  # the foldings of a program, which a search of formats compares, share its graphs
def _kept(
    search: GraphSearch, content: bytes, dtype: str, shape: tuple[int, ...], low: int, high: int
) -> tuple[tuple[Part, ...], ...]:
    return search.solve(np.frombuffer(content, dtype=dtype).reshape(shape), low, high)


def _by_da4ml(kernel: np.ndarray, interval: tuple[float, float, float], extra_depth: int) -> Iterator[Part]:
    from da4ml.cmvm import solve
    from da4ml.types import QInterval

    found = solve(kernel, qintervals=[QInterval(*interval)] * len(kernel), hard_dc=extra_depth)
    for solution in found.solutions:
        ops = ((op.opcode, op.id0, op.id0, op.id1, op.data) for op in solution.ops)
        yield _part(DA4ML, solution, ops)


def _by_alkaid(kernel: np.ndarray, interval: tuple[float, float, float], extra_depth: int) -> Iterator[Part]:
    from alkaid.cmvm import cmvm_solve

    for solution in cmvm_solve(kernel, qintervals=[interval] * len(kernel), hard_dc=extra_depth):
        # Behind the addresses: of an input its index, of a sum the shift.
        ops = ((op.opcode, op.data[0], *(*op.addr, 0, 0)[:2], op.data[0]) for op in solution.ops)
        yield _part(ALKAID, solution, ops)


def _part(library: str, solution: Any, ops: Iterator[tuple[int, int, int, int, int]]) -> Part:
    """From operations as (code, input, left, right, shift); what surrounds them both libraries write alike."""
    values: list[Copy | Sum] = []
    for code, index, left, right, shift in ops:
        if code == -1:
            values.append(Copy(index, int(solution.inp_shifts[index])))
        elif code in (0, 1):
            values.append(Sum(left, right, int(shift), code == 1))
        else:
            raise MondeqError(
                f"{library} used operation {code} for a matrix; expected additions only "
                f"({_LIBRARIES[library].requirement})"
            )
    outputs = zip(solution.out_idxs, solution.out_shifts, solution.out_negs, strict=True)
    return Part(
        tuple(values),
        tuple(
            Output(None if index < 0 else int(index), int(shift), bool(negative)) for index, shift, negative in outputs
        ),
    )


_LIBRARIES = {DA4ML: _Library("da4ml==0.6.0", _by_da4ml), ALKAID: _Library("alkaid==0.8.2", _by_alkaid)}
