"""Which engines become graphs: those that were asked for, or those that the estimates favour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program

from mondeq_hw.hardware import unroll
from mondeq_hw.hardware.adder_graph import GraphSize, drive_graph, readout_graph, solver_graph
from mondeq_hw.hardware.cycles import latency
from mondeq_hw.hardware.design import Design
from mondeq_hw.hardware.estimate import drive_usage, readout_usage
from mondeq_hw.hardware.folding import schedule_unrolled
from mondeq_hw.hardware.graph_search import GraphSearch
from mondeq_hw.hardware.parts import ECP5
from mondeq_hw.hardware.unroll import GraphDecision, fewest_adders, unrolled
from mondeq_hw.program.program import SolverProgram

PROGRAM = random_program(2, n=6, d=5, k=3, bits=3, drive_bits=3, readout_bits=3)


def luts(program: SolverProgram, reuse: int | None) -> dict[str, tuple[int, int]]:
    """Of each engine, folded and as its graph."""

    def both(usage: Any, **graph: GraphSize) -> tuple[int, int]:
        plans = (schedule_unrolled(program, solver_graph(program).size, reuse, **sizes) for sizes in ({}, graph))
        folded, unrolled = (usage(program, plan, ECP5, 8).luts for plan in plans)
        return folded, unrolled

    return {
        "drive": both(drive_usage, drive=drive_graph(program).size),
        "readout": both(readout_usage, readout=readout_graph(program).size),
    }


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 10),
    bits=st.integers(1, 9),
    reuse=st.none() | st.just(1),
    iterations=st.integers(1, 9),
)
def test_auto_takes_the_smaller_form(seed: int, n: int, bits: int, reuse: int | None, iterations: int) -> None:
    program = random_program(seed, n=n, d=7, k=3, drive_bits=bits, readout_bits=bits, iterations=iterations)
    design, choices = unrolled(program, "auto", reuse)
    for choice, (folded, graph) in zip(choices, luts(program, reuse).values(), strict=True):
        assert choice.unrolled == (graph <= folded) and not choice.asked
        assert choice.folded_luts == folded
        assert choice.graph_luts == graph if choice.searched else folded < choice.graph_luts <= graph
        assert (getattr(design.schedule, choice.name).graph is not None) == choice.unrolled


def test_both_forms_are_chosen() -> None:
    """Fully parallel engines of few bits become graphs, engines of few multipliers do not."""
    program = random_program(2, n=8, d=8, k=4, drive_bits=5, readout_bits=5, iterations=1)
    assert [choice.unrolled for choice in unrolled(program, "auto", 1)[1]] == [True, True]
    assert [choice.unrolled for choice in unrolled(program, "auto", 64)[1]] == [False, False]


@pytest.mark.parametrize("graphs", [(), ("drive",), ("readout",), ("readout", "drive")])
def test_what_is_asked_for_is_done(graphs: tuple[str, ...]) -> None:
    design, choices = unrolled(PROGRAM, graphs)
    sizes = {"drive": drive_graph(PROGRAM).size, "readout": readout_graph(PROGRAM).size}
    for choice in choices:
        folded, graph = luts(PROGRAM, None)[choice.name]
        wanted = choice.name in graphs
        assert getattr(design.schedule, choice.name).graph == (sizes[choice.name] if wanted else None)
        assert choice == GraphDecision(choice.name, wanted, True, folded, choice.graph_luts, wanted)
        assert choice.graph_luts == graph if wanted else choice.graph_luts <= graph


def test_few_stages_instead_of_few_adders() -> None:
    program = random_program(2, n=16, d=12, k=4, drive_bits=4, iterations=4)
    engines = ("drive", "readout")
    few, shallow = (unrolled(program, engines, search=GraphSearch(fewest=fewest))[0] for fewest in ("adders", "stages"))
    for engine in ("drive", "solve", "readout"):
        adders, stages = (getattr(design.schedule, engine).graph for design in (few, shallow))
        assert stages.stages < adders.stages and adders.adders < stages.adders
    assert latency(shallow.schedule, 4) < latency(few.schedule, 4)
    assert Design.searched(program, shallow.schedule) == shallow


def test_no_search_where_it_cannot_win(monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(4, n=32, d=60, k=5, drive_bits=6, readout_bits=8, iterations=30)

    def searched(program: SolverProgram) -> Any:
        raise AssertionError("da4ml was asked")

    monkeypatch.setattr(unroll, "drive_graph", searched)
    drive, _ = unrolled(program)[1]
    assert not drive.searched and not drive.unrolled and drive.graph_luts > drive.folded_luts


def test_large_matrices_are_searched_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    program = random_program(2, n=8, d=8, k=4, drive_bits=5, readout_bits=5, iterations=1)
    monkeypatch.setattr(unroll, "LARGEST_SEARCH", 63)
    drive, readout = unrolled(program, "auto", 1)[1]
    assert (drive.searched, drive.unrolled) == (False, False) and drive.graph_luts <= drive.folded_luts
    assert readout.searched and readout.unrolled
    assert unrolled(program, ("drive",), 1)[1][0].unrolled


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 16), d=st.integers(1, 16), bits=st.integers(1, 12))
def test_no_graph_has_fewer_adders(seed: int, n: int, d: int, bits: int) -> None:
    program = random_program(seed, n=n, d=d, drive_bits=bits)
    assert fewest_adders(program.drive.integers) <= len(drive_graph(program).adders)


def test_more_information_needs_more_adders() -> None:
    rng = np.random.default_rng(1)
    found = [fewest_adders(rng.integers(-(2**bits), 2**bits, size=(100, 784))) for bits in (1, 3, 7)]
    assert 3000 < found[0] < found[1] < found[2]
    assert fewest_adders(np.ones((100, 784), dtype=np.int64)) == 0


def test_the_matrix_of_another_program_is_another_graph() -> None:
    other = replace(PROGRAM, readout=replace(PROGRAM.readout, integers=-PROGRAM.readout.integers))
    graphs = readout_graph(PROGRAM), readout_graph(other)
    assert graphs[0].negative != graphs[1].negative or graphs[0].adders != graphs[1].adders
