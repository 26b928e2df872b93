"""The adder graph is the matrix, in words that hold every value and no more."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program, with_random_clip

from mondeq_hw.base import DenseOperator
from mondeq_hw.base.errors import InputError, MissingToolError, MondeqError
from mondeq_hw.hardware.adder_graph import (
    FEWEST_SOLVER_STAGES,
    AdderGraph,
    Term,
    adder_graph,
    drive_graph,
    readout_graph,
    solver_graph,
)
from mondeq_hw.hardware.design import Design
from mondeq_hw.hardware.folding import schedule_unrolled
from mondeq_hw.hardware.graph_search import ALKAID, DA4ML, FEW_ADDERS, FEW_STAGES, GraphSearch
from mondeq_hw.hardware.schedule import Schedule
from mondeq_hw.program.program import SolverProgram


def with_matrix(integers: list[list[int]], bits: int) -> SolverProgram:
    matrix = np.array(integers, dtype=np.int64)
    program = random_program(1, n=len(matrix), bits=bits)
    # A whole row of zeros never comes out of quantisation; a mutated build may hold one.
    return program.replace(matrix=DenseOperator(matrix, program.matrix.shifts, bits))


def simulated(graph: AdderGraph, words: np.ndarray) -> np.ndarray:
    """Products of input words (samples, n), each sum cut to its node's width as hardware does."""
    values = list(words.astype(object).T)

    def term(t: Term) -> Any:
        return values[t.node] << t.shift if t.shift >= 0 else values[t.node] >> -t.shift

    for adder in graph.adders:
        total = term(adder.left) - term(adder.right) if adder.subtract else term(adder.left) + term(adder.right)
        low = -(1 << (adder.bits - 1)) if adder.signed else 0
        values.append((total - low) % (1 << adder.bits) + low)
    rows = [
        np.zeros(len(words), dtype=object) if output is None else term(output) * (-1 if negative else 1)
        for output, negative in zip(graph.outputs, graph.negative, strict=True)
    ]
    return np.stack(rows, axis=1)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 14), bits=st.integers(1, 16), state_bits=st.integers(2, 20))
def test_any_matrix(seed: int, n: int, bits: int, state_bits: int) -> None:
    program = random_program(seed, n=n, bits=bits, state_bits=state_bits, state_integer_bits=2)
    program = with_random_clip(seed, program)
    graph, matrix, phi = solver_graph(program), program.matrix.integers, program.phi_range
    rng = np.random.default_rng(seed)
    # Both ends of every output's range, and something between.
    ends = [np.where(matrix > 0, high, low) for low, high in ((phi.low, phi.high), (phi.high, phi.low))]
    words = np.concatenate([*ends, rng.integers(phi.low, phi.high + 1, size=(8, n))])
    np.testing.assert_array_equal(simulated(graph, words), words.astype(object) @ matrix.T.astype(object))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 9), columns=st.integers(1, 14), bits=st.integers(1, 16),
       low=st.integers(-300, 0), high=st.integers(1, 300), library=st.sampled_from([DA4ML, ALKAID]),
       fewest=st.sampled_from([FEW_ADDERS, FEW_STAGES]))  # fmt: skip
def test_any_shape_and_any_words(
    seed: int, rows: int, columns: int, bits: int, low: int, high: int, library: str, fewest: str
) -> None:
    rng = np.random.default_rng(seed)
    # Some zeros, and with them now and then a whole row or column of them.
    matrix = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), size=(rows, columns)) * (rng.random((1, columns)) < 0.8)
    graph = adder_graph(matrix.astype(np.int64), low, high, search=GraphSearch(library, fewest))
    assert graph.size.search == GraphSearch(library, fewest)
    assert len(graph.outputs) == rows and graph.inputs == columns and graph.stages >= 1
    words = [np.where(matrix > 0, end, other) for end, other in ((low, high), (high, low))]
    words = np.concatenate([*words, rng.integers(low, high + 1, size=(8, columns))])
    np.testing.assert_array_equal(simulated(graph, words), words.astype(object) @ matrix.T.astype(object))


def test_range_of_a_sum_of_signed_words() -> None:
    graph = adder_graph(np.array([[3, -1]]), -4, 5)
    last = graph.adders[-1]
    assert sorted((abs(last.low), abs(last.high))) == [17, 19] and last.bits == 6
    assert (graph.low, graph.high, graph.input_bits, graph.nodes[0].signed) == (-4, 5, 4, True)
    assert adder_graph(np.array([[3, -1]]), 0, 5).input_bits == 3


def test_each_engine_has_the_graph_of_its_matrix() -> None:
    program = random_program(12, n=6, d=9, k=2, input_bits=5, state_bits=7)
    drive, solver, readout = drive_graph(program), solver_graph(program), readout_graph(program)
    assert [(g.inputs, len(g.outputs), g.low, g.high) for g in (drive, solver, readout)] == [
        (9, 6, 0, 31), (6, 6, 0, 63), (6, 2, 0, 63)
    ]  # fmt: skip
    words = np.random.default_rng(3).integers(0, 32, size=(4, 9))
    assert (simulated(drive, words) == words @ program.drive.integers.T).all()
    assert (simulated(readout, words[:, :6]) == words[:, :6] @ program.readout.integers.T).all()
    size = drive.size
    assert (size.adders, size.stages) == (len(drive.adders), drive.stages)
    assert size.adder_bits == sum(adder.bits for adder in drive.adders)
    assert size.register_bits == sum(node.bits * (node.last - node.first) for node in drive.nodes)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), bits=st.integers(1, 10), most=st.integers(1, 4))
def test_stages_hold_few_adders_and_operands_are_there(seed: int, n: int, bits: int, most: int) -> None:
    graph = solver_graph(random_program(seed, n=n, bits=bits), GraphSearch(adders_per_stage=most))
    chain = [0] * n  # adders between the last register and the node's value
    for adder in graph.adders:
        operands = (adder.left, adder.right)
        assert all(term.shift >= 0 and graph.nodes[term.node].first <= adder.stage for term in operands)
        assert all(graph.nodes[term.node].last >= adder.stage for term in operands)
        here = [chain[t.node] for t in operands if t.node >= n and graph.nodes[t.node].first == adder.stage]
        chain.append(1 + max(here, default=0))
    assert max(chain) <= most
    assert graph.stages >= FEWEST_SOLVER_STAGES
    assert all(adder.stage < graph.stages for adder in graph.adders)


def test_sharing_beats_multiplying_by_every_weight() -> None:
    program = random_program(5, n=16, bits=4)
    weights = np.abs(program.matrix.integers)
    ones = np.vectorize(lambda weight: int(weight).bit_count())(weights).sum()
    assert len(solver_graph(program).adders) < 0.7 * (ones - program.n)


@pytest.mark.parametrize("library", [DA4ML, ALKAID])
@pytest.mark.parametrize("together", [1, 2, 3, 99])
def test_rows_share_only_with_those_that_are_searched_with_them(library: str, together: int) -> None:
    """The same product; a group's graph is that of its rows, also of rows of zeros and of a group that is short."""
    program = random_program(82, n=7, bits=4)
    integers = program.matrix.integers.copy()
    integers[2], integers[:, 4] = 0, 0
    program = program.replace(matrix=replace(program.matrix, integers=integers))
    search = GraphSearch(library, rows=together)
    graph, phi = solver_graph(program, search), program.phi_range
    words = np.random.default_rng(1).integers(phi.low, phi.high + 1, size=(6, 7))
    assert (simulated(graph, words) == words @ integers.T).all()
    groups = [integers[first : first + together] for first in range(0, 7, together)]
    alone = [adder_graph(rows, phi.low, phi.high, GraphSearch(library)) for rows in groups]
    assert len(graph.adders) == sum(len(each.adders) for each in alone)
    assert Design.searched(program, schedule_unrolled(program, graph.size, 1)).solve == graph


@pytest.mark.parametrize(
    ("matrix", "bits"),
    [([[0, 0], [0, 3]], 4), ([[0, 0], [0, 0]], 4), ([[-1]], 1), ([[-7, 0], [0, -6]], 4), ([[1, 0], [1, 0]], 2)],
)
def test_zero_rows_zero_columns_and_signs(matrix: list[list[int]], bits: int) -> None:
    program = with_matrix(matrix, bits)
    words = np.random.default_rng(0).integers(0, program.state_format.max_word + 1, size=(5, program.n))
    assert (simulated(solver_graph(program), words) == words @ program.matrix.integers.T).all()


@pytest.mark.parametrize("library", [DA4ML, ALKAID])
def test_an_answer_is_not_believed(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(77, n=4)
    wrong = GraphSearch(library)(program.matrix.integers[::-1].copy(), 0, 100)
    monkeypatch.setattr(GraphSearch, "__call__", lambda self, *given: wrong)
    with pytest.raises(MondeqError, match=f"{library}'s graph computes another row 0 than the matrix"):
        solver_graph(program, GraphSearch(library))


def test_unknown_operation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    op = SimpleNamespace(addr=(0,), opcode=7, data=(0,))
    solution = SimpleNamespace(ops=[op], inp_shifts=[0], out_idxs=[], out_shifts=[], out_negs=[])
    monkeypatch.setattr("alkaid.cmvm.cmvm_solve", lambda *given, **options: [solution])
    with pytest.raises(MondeqError, match=r"alkaid used operation 7 .* \(alkaid==0.8.2\)"):
        solver_graph(random_program(78, n=4), GraphSearch(ALKAID))


@pytest.mark.parametrize("library", [DA4ML, ALKAID])
def test_without_the_library_the_remedy_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match=rf"{library} is not installed.*pip install {library}=="):
        solver_graph(random_program(79, n=4), GraphSearch(library))


@pytest.mark.parametrize("given", [{"library": "vivado"}, {"fewest": "gates"}, {"adders_per_stage": 0}, {"rows": 0}])
def test_an_unknown_search_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"expected (da4ml or alkaid|adders or stages|1 to 4|at least 1)"):
        GraphSearch(**given)


def test_a_design_is_searched_again_by_what_found_it() -> None:
    program, search = random_program(80, n=6), GraphSearch(ALKAID, FEW_STAGES, 2)
    plan = schedule_unrolled(program, solver_graph(program, search).size, 1)
    again = Schedule.from_plain(json.loads(json.dumps(plan.to_plain())))
    assert again == plan
    assert Design.searched(program, again).solve == solver_graph(program, search)
    before = plan.to_plain()  # as folders have it that were made when there was one library
    del before["solve"]["graph"]["search"]
    assert Schedule.from_plain(before).solve.graph.search == GraphSearch()
