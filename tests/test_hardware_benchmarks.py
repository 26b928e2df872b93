"""The hardware benchmarks in a reduced form: small programs through every tool that they use."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from random_models import random_program

from mondeq_hw.base.errors import InputError
from mondeq_hw.folder.writing import writing
from mondeq_hw.hardware import ENGINES, Design, rtl
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.problem.model import MonDEQ

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PROGRAM = random_program(3, n=6, d=5, k=3, iterations=7)


@pytest.fixture
def script(monkeypatch):
    """Import a script of the benchmarks, which import each other by plain names."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_folding_against_its_bound(script, tmp_path):
    folding = script("folding")
    assert folding.reuse_factors(64) == [4096, 1024, 256, 64, 16]
    assert folding.reuse_factors(100)[0] == 10_000 and folding.reuse_factors(100)[-1] == 25
    serial, fast = folding.measure(PROGRAM, 36, None), folding.measure(PROGRAM, 3, tmp_path)
    assert serial.bounds == (30, 7 * 36, 18) and serial.simulated is None
    assert 1 <= serial.interval_ratio < 1.2  # the start, one command a row, is not in the bound
    assert fast.simulated.simulated == fast.simulated.predicted
    assert fast.latency > sum(fast.bounds) and fast.depth > 0
    lines = folding.table(PROGRAM, [serial, fast]).markdown().splitlines()
    assert len(lines) == 6 and "1.0000" in lines[-1] and "1.0000" not in lines[-2]


@pytest.mark.long
def test_strategies_are_simulated_and_mapped(script, tmp_path):
    strategies = script("strategies")
    plans = strategies.plans(PROGRAM, (), ((), ENGINES))
    assert [plan.strategy for plan in plans] == ["resource"] * (len(plans) - 2) + ["unrolled"] * 2
    assert [plan.drive.graph is None for plan in plans] == [True] * (len(plans) - 1) + [False]
    assert [plan.reuse_factor for plan in strategies.plans(PROGRAM, (4,), ((),))[:-1]] == [4]
    pace = strategies.unrolled_pace(PROGRAM, plans[-2])
    assert pace == pytest.approx(strategies.initiation_interval(plans[-2], 7) / 7, abs=0.5)
    engine = strategies.measure(PROGRAM, plans[-1], tmp_path, 4)
    assert engine.simulated.simulated == engine.simulated.predicted
    assert engine.cells.luts > engine.plan.solve.graph.adder_bits and engine.cells.dsps == 0
    assert strategies.table(PROGRAM, [engine, engine]).rows[1][-1] == "1.000"


def test_solvers_reach_the_same_proved_error(script, digits_model):
    cycles, solvers = script("solver_cycles"), script("solvers")
    model: MonDEQ = script("mondeq_hw.problem").load(digits_model)
    lowered = cycles.lowered_for_both(model, 8)
    ((target, reuse, costs),) = points = cycles.measure(lowered, [1.0], [64])
    for solver, cost in costs.items():
        proof, iterations = lowered[solver].proof, cost.program.iterations
        assert solvers.radius(cost.program, proof, iterations) <= target
        assert solvers.radius(cost.program, proof, iterations - 1) > target
        assert cost.interval >= iterations * reuse
    fast, slow = costs["peaceman_rachford"], costs["forward_backward"]
    assert slow.interval > 2 * fast.interval
    assert cycles.table(points, 8).rows[0][-2] == f"{slow.interval / fast.interval:.1f}"


@pytest.mark.long
def test_one_matrix_through_three_tools(script, tmp_path):
    matvec = script("matvec")
    array = matvec.folded(PROGRAM, 6, tmp_path / "folded")
    graph, theirs = matvec.unrolled(PROGRAM, tmp_path / "graph"), matvec.da4ml_verilog(PROGRAM, tmp_path / "da4ml")
    assert array.cycles == 6 and graph.cycles == theirs.cycles == 1
    # The same search, so about the same logic; nothing was optimised away.
    assert 0.7 < graph.cells.luts / theirs.cells.luts < 1.3 and graph.cells.luts > 100
    programs = [
        matvec.mondeq_cpp(PROGRAM, tmp_path / "cpp"),
        matvec.hls4ml_cpp(PROGRAM, tmp_path / "hls4ml", "Latency"),
        matvec.da4ml_cpp(PROGRAM, tmp_path / "da4ml-cpp"),
    ]
    logic, software = matvec.tables(PROGRAM, [array, graph, theirs], programs)
    assert logic.rows[2][-1] == "1.00" and logic.rows[-1][3] == matvec.NO_LUTS
    assert software.rows[1][-1] == "1.00" and len(software.rows) == 3


def test_a_wrong_product_is_found(script, tmp_path, monkeypatch):
    matvec = script("matvec")
    timed = matvec._timed
    other = random_program(4, n=6, d=5, k=3, iterations=7)
    monkeypatch.setattr(matvec, "_timed", lambda name, program, *rest: timed(name, other, *rest))
    with pytest.raises(RuntimeError, match="another product than NumPy"):
        matvec.mondeq_cpp(PROGRAM, tmp_path)


def test_own_figures_beside_published_ones(script, tmp_path, monkeypatch):
    accelerators = script("accelerators")
    plan = schedule(PROGRAM, 6)
    build = tmp_path / "build"
    with writing(build) as folder:
        PROGRAM.save(folder)
        rtl.emit(Design(PROGRAM, plan), folder)
        (folder / "report").mkdir()
    usage = {"luts": 500, "flip_flops": 300, "dsps": 0, "block_rams": 2.0}
    routed = {"usage": usage, "fmax_mhz": 100.0}
    synth = {"routed": routed, "options": {"part": "ecp5-85", "speed": 8}, "samples_per_second": 1e6}
    (build / "report" / "synth.json").write_text(json.dumps(synth))
    comparison = SimpleNamespace(value=SimpleNamespace(golden=0.9871))
    for data, refused in (("digits", True), ("mnist", False)):
        report = SimpleNamespace(data=data, comparison=comparison)
        monkeypatch.setattr(accelerators.Project, "report", property(lambda self, report=report: report))
        if refused:
            with pytest.raises(InputError, match="accuracy on MNIST and routed figures"):
                accelerators.ours(build)
    own = accelerators.ours(build)
    assert (own.accuracy, own.luts, own.clock_mhz) == (98.71, 500, 100.0)
    assert own.latency_ns == 10 * accelerators.latency(plan, PROGRAM.iterations)
    rows = accelerators.table([own]).rows
    assert len(rows) == 1 + len(accelerators.PUBLISHED) and rows[0][9:11] == ("1", "1")
    assert all(each.source.startswith("arXiv ") for each in accelerators.PUBLISHED)
    assert accelerators.table([]).rows[0][9:11] == (None, None)


def test_libraries_that_search_graphs_side_by_side(script, tmp_path):
    searches = script("graph_searches")
    times = searches.seconds(PROGRAM, 2)
    rows = searches.table(PROGRAM, times, tmp_path).rows
    assert [row[:2] for row in rows] == [
        ("da4ml", "adders"), ("alkaid", "adders"), ("da4ml", "stages"), ("alkaid", "stages")
    ]  # fmt: skip
    assert rows[0][-1] == "1.00" and all(row[2] <= row[4] and row[6] > 0 for row in rows)


def test_what_drive_and_readout_would_cost_as_graphs(script):
    rows = script("graph_sizes").table(PROGRAM, ("matrix", "readout", "drive")).rows
    assert [row[1] for row in rows] == ["6 x 6", "3 x 6", "6 x 5"]
    assert rows[0][3] == len(script("mondeq_hw.hardware").solver_graph(PROGRAM).adders)
    assert rows[0][5:] == (None, None)
    assert rows[1][5] * rows[1][6] >= 3 * 6 and rows[2][5] * rows[2][6] >= 6 * 5
