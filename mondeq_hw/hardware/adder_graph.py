"""A program's matrices as graphs of shared additions, for the unrolled strategy.

A library searches the graph (:mod:`.graph_search`); what it finds is only believed
once every output's coefficients, propagated exactly through the graph, equal
the matrix's row.  Widths follow from the same coefficients, so they hold every
value that a node can take, and are as small as that allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..base import MondeqError, WordRange
from ..program import SolverProgram
from .graph_search import Copy, GraphSearch, Part

#: The solver reads a sample's drive words while its graph is at work, which takes this many stages; of a straight core.
FEWEST_SOLVER_STAGES, FEWEST_STRAIGHT_STAGES = 4, 3
#: The search that is made without a wish.
DEFAULT_SEARCH = GraphSearch()


@dataclass(frozen=True)
class GraphSize:
    """What a graph costs and how long it takes.

    Parameters
    ----------
    adders : int
        Two-input additions.
    stages : int
        Cycles from its inputs to its outputs.
    adder_bits, register_bits : int
        Widths of all sums, and of all pipeline registers.
    search : GraphSearch
        What found it.
    """

    adders: int
    stages: int
    adder_bits: int
    register_bits: int
    search: GraphSearch = DEFAULT_SEARCH


@dataclass(frozen=True)
class Term:
    """``2**shift`` times a node; inputs are the nodes ``0 .. n - 1``, the adder ``i`` is node ``n + i``."""

    node: int
    shift: int


@dataclass(frozen=True)
class Adder:
    """``left + right``, or ``left - right``.

    Parameters
    ----------
    left, right : Term
        Shifts are at least 0.
    subtract : bool
    stage : int
        Pipeline stage that computes it, from 0.
    low, high : int
        Exact range over all inputs.
    """

    left: Term
    right: Term
    subtract: bool
    stage: int
    low: int
    high: int

    @property
    def signed(self) -> bool:
        """Whether the word has a sign bit."""
        return WordRange(self.low, self.high).signed

    @property
    def bits(self) -> int:
        """Width of the word."""
        return WordRange(self.low, self.high).bits


@dataclass(frozen=True)
class Node:
    """A value and how long it is needed.

    Parameters
    ----------
    index, bits : int
    signed : bool
    first, last : int
        Cycles; it is in a register after the first.
    """

    index: int
    bits: int
    signed: bool
    first: int
    last: int


@dataclass(frozen=True)
class AdderGraph:
    """A matrix-vector product with a constant matrix.

    Parameters
    ----------
    inputs : int
        Number of input words.
    low, high : int
        Range of each; words that are never negative have no sign bit.
    adders : tuple of Adder
        In an order in which operands come first.
    outputs : tuple of (Term or None)
        One per row; ``None`` where the row is zero.  A negative shift is exact.
    negative : tuple of bool
        Rows whose output is the negated product.
    stages : int
        Clock cycles from inputs to outputs.
    search : GraphSearch
        What found it.
    """

    inputs: int
    low: int
    high: int
    adders: tuple[Adder, ...]
    outputs: tuple[Term | None, ...]
    negative: tuple[bool, ...]
    stages: int
    search: GraphSearch = DEFAULT_SEARCH

    @property
    def input_bits(self) -> int:
        """Width of an input word."""
        return WordRange(self.low, self.high).bits

    def padded(self, fewest: int) -> AdderGraph:
        """The graph of at least so many stages, and of no more than its adders need beyond."""
        return replace(self, stages=max(fewest, 1 + max((adder.stage for adder in self.adders), default=0)))

    @cached_property
    def size(self) -> GraphSize:
        """What it costs, which is all that a schedule needs to know."""
        return GraphSize(
            adders=len(self.adders),
            stages=self.stages,
            adder_bits=sum(adder.bits for adder in self.adders),
            register_bits=sum(node.bits * (node.last - node.first) for node in self.nodes),
            search=self.search,
        )

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Inputs, then adders, each from the cycle that computes it to the last that reads it."""
        first = [0] * self.inputs + [adder.stage for adder in self.adders]
        last = first.copy()
        for adder in self.adders:
            for term in (adder.left, adder.right):
                last[term.node] = max(last[term.node], adder.stage)
        for output in self.outputs:
            if output is not None:
                last[output.node] = self.stages
        words = [(self.input_bits, self.low < 0)] * self.inputs
        words += [(adder.bits, adder.signed) for adder in self.adders]
        return tuple(
            Node(index, bits, signed, begin, end)
            for index, ((bits, signed), begin, end) in enumerate(zip(words, first, last, strict=True))
        )


def solver_graph(program: SolverProgram, search: GraphSearch = DEFAULT_SEARCH) -> AdderGraph:
    """The graph of a program's iteration matrix, without the leak; see :func:`adder_graph`."""
    phi = program.phi_range
    return adder_graph(program.matrix.matrix(np.int64), phi.low, phi.high, search).padded(FEWEST_SOLVER_STAGES)


def drive_graph(program: SolverProgram, search: GraphSearch = DEFAULT_SEARCH) -> AdderGraph:
    """The graph of a program's drive matrix, a feed-through below it; see :func:`adder_graph`."""
    words, matrix = program.input_format, program.injection.operator.matrix(np.int64)
    return adder_graph(matrix, words.min_word, words.max_word, search)


def readout_graph(program: SolverProgram, search: GraphSearch = DEFAULT_SEARCH) -> AdderGraph:
    """The graph of a program's readout matrix; see :func:`adder_graph`."""
    prox = program.prox_range
    return adder_graph(program.readout.matrix(np.int64), prox.low, prox.high, search)


def adder_graph(matrix: np.ndarray, low: int, high: int, search: GraphSearch = DEFAULT_SEARCH) -> AdderGraph:
    """A graph for the product of a matrix and any vector.

    Parameters
    ----------
    matrix : ndarray of int64 (rows, columns)
    low, high : int
        Range of the vector's words: ``low <= 0 <= high``.
    search : GraphSearch

    Raises
    ------
    MissingToolError
        The library that searches is not installed.
    """
    builder = _Builder(search, matrix.shape[1], low, high)
    inputs: list[_Value | None] = [_Value(node, 0, False) for node in range(matrix.shape[1])]
    outputs: list[_Value | None] = []
    for parts in search(matrix, low, high):
        values = inputs
        for part in parts:
            values = builder.follow(part, values)
        outputs += values
    return builder.finish(matrix, outputs)


@dataclass(frozen=True)
class _Value:
    """``(-1 if negative else 1) * 2**exponent`` times a node: how a library's words relate to ours."""

    node: int
    exponent: int
    negative: bool


class _Builder:
    """Grows the graph adder by adder, with the exact coefficients of every node."""

    def __init__(self, search: GraphSearch, inputs: int, low: int, high: int):
        self.search = search
        self.inputs, self.low, self.high = inputs, low, high
        self.adders: list[Adder] = []
        self.depth = [0] * inputs
        self.coefficients: list[np.ndarray] = list(np.eye(inputs, dtype=np.int64))

    def follow(self, part: Part, inputs: list[_Value | None]) -> list[_Value | None]:
        """Repeat one of the search's parts on given inputs; ``None`` is zero."""
        values: list[_Value | None] = []
        for value in part.values:
            if isinstance(value, Copy):
                values.append(_scaled(inputs[value.index], value.shift, False))
            else:
                values.append(self._sum(values[value.left], _scaled(values[value.right], value.shift, value.subtract)))
        return [
            None if output.value is None else _scaled(values[output.value], output.shift, output.negative)
            for output in part.outputs
        ]

    def _sum(self, a: _Value | None, b: _Value | None) -> _Value | None:
        if a is None or b is None:
            return b if a is None else a
        if a.negative and not b.negative:
            a, b = b, a
        exponent = min(a.exponent, b.exponent)
        left, right = (Term(value.node, value.exponent - exponent) for value in (a, b))
        self._add(left, right, a.negative != b.negative)
        return _Value(self.inputs + len(self.adders) - 1, exponent, a.negative and b.negative)

    def _add(self, left: Term, right: Term, subtract: bool) -> None:
        first, second = (self.coefficients[term.node] << term.shift for term in (left, right))
        total = first - second if subtract else first + second
        depth = 1 + max(self.depth[left.node], self.depth[right.node])
        below, above = (int(part.sum()) for part in (np.minimum(total, 0), np.maximum(total, 0)))
        low, high = below * self.high + above * self.low, below * self.low + above * self.high
        self.coefficients.append(total)
        self.depth.append(depth)
        stage = (depth - 1) // self.search.adders_per_stage
        self.adders.append(Adder(left, right, subtract, stage, low, high))

    def finish(self, matrix: np.ndarray, values: list[_Value | None]) -> AdderGraph:
        """Check every output against its row and freeze."""
        for row, (expected, value) in enumerate(zip(matrix.tolist(), values, strict=True)):
            found = [0] * self.inputs
            if value is not None:
                sign = -1 if value.negative else 1
                found = [sign * _shifted(int(c), value.exponent) for c in self.coefficients[value.node]]
            if found != expected:
                raise MondeqError(
                    f"{self.search.library}'s graph computes another row {row} than the matrix; expected the version "
                    "of constraints.txt"
                )
        return AdderGraph(
            inputs=self.inputs,
            low=self.low,
            high=self.high,
            adders=tuple(self.adders),
            outputs=tuple(None if value is None else Term(value.node, value.exponent) for value in values),
            negative=tuple(value is not None and value.negative for value in values),
            stages=1,
            search=self.search,
        ).padded(1)


def _scaled(value: _Value | None, shift: int, negate: bool) -> _Value | None:
    return value and _Value(value.node, value.exponent + shift, value.negative != negate)


def _shifted(coefficient: int, exponent: int) -> int:
    """Exactly ``coefficient * 2**exponent``; a remainder would show as a wrong coefficient."""
    if exponent >= 0:
        return coefficient << exponent
    return coefficient >> -exponent if coefficient % 2**-exponent == 0 else coefficient * 2**64
