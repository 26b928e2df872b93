"""Foldings cover the matrices, the knob does what it says, the cycle model is sane at its edges."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_program

from mondeq_hw.base.errors import InputError
from mondeq_hw.hardware import rtl
from mondeq_hw.hardware.adder_graph import GraphSize, solver_graph
from mondeq_hw.hardware.cycles import (
    _Clock,
    busy_cycles,
    completion_cycles,
    initiation_interval,
    latency,
    mac_bounds,
    pipeline_depth,
)
from mondeq_hw.hardware.drive import with_drive
from mondeq_hw.hardware.estimate import drive_usage
from mondeq_hw.hardware.folding import (
    LATENCY,
    MAX_GROWTH,
    MAX_IDLE,
    MAX_WASTE,
    _beats,
    _fold_solve,
    commensurate,
    padding,
    schedule,
    schedule_unrolled,
)
from mondeq_hw.hardware.parts import ECP5
from mondeq_hw.hardware.schedule import (
    DRIVE_DEPTH,
    DRIVE_GRAPH_DEPTH,
    READOUT_DEPTH,
    READOUT_GRAPH_DEPTH,
    RING_DEPTH,
    SOLVE_DEPTH,
    EngineFolding,
    Schedule,
)
from mondeq_hw.hardware.tables import tables
from mondeq_hw.program import MOST_ITERATIONS
from mondeq_hw.program.program import SolverProgram

sizes = st.integers(1, 24)


def engines(plan: Schedule) -> tuple[EngineFolding, EngineFolding, EngineFolding]:
    return plan.drive, plan.solve, plan.readout


@given(rows=sizes, columns=sizes, data=st.data())
def test_groups_cover_every_row_and_column(rows: int, columns: int, data: st.DataObject) -> None:
    fold = EngineFolding(rows, columns, data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns)))
    assert (fold.row_groups - 1) * fold.pe < rows <= fold.row_groups * fold.pe
    assert (fold.column_groups - 1) * fold.simd < columns <= fold.column_groups * fold.simd
    assert fold.cycles_per_matvec == fold.row_groups * fold.column_groups
    assert 2 ** (fold.tree_levels - 1) < fold.simd <= 2**fold.tree_levels


@settings(deadline=None, max_examples=30)
@given(n=sizes, d=sizes, k=st.integers(1, 12), iterations=st.integers(1, 20), data=st.data())
def test_the_knob(n: int, d: int, k: int, iterations: int, data: st.DataObject) -> None:
    program = random_program(0, n=n, d=d, k=k, iterations=iterations)
    reuse = data.draw(st.integers(1, n * n))
    plan = schedule(program, reuse)
    assert plan.reuse_factor == reuse
    assert plan.solve.cycles_per_matvec <= reuse
    # Nothing smaller would do, but for a folding that wastes its multipliers.
    for pe in range(1, n + 1):
        for simd in range(1, n + 1):
            fold = EngineFolding(n, n, pe, simd)
            if fold.cycles_per_matvec <= reuse and fold.multipliers < plan.solve.multipliers:
                start = 1 + 1 / (iterations * fold.column_groups)
                assert padding(fold) * start > 1 + MAX_WASTE >= padding(plan.solve)
                assert plan.solve.multipliers <= MAX_GROWTH * fold.multipliers
    # The other engines are not the bottleneck; one output word a cycle is the stream's own limit.
    solving = iterations * plan.solve.cycles_per_matvec
    assert plan.drive.cycles_per_matvec <= solving
    assert plan.readout.cycles_per_matvec <= max(solving, k)
    assert (plan.drive.rows, plan.drive.columns, plan.readout.rows, plan.readout.columns) == (n, d, k, n)
    assert plan.readout.pe == 1
    assert plan.words_per_beat * (plan.beats_per_sample - 1) < d <= plan.words_per_beat * plan.beats_per_sample
    assert plan.slots >= 3
    assert Schedule.from_plain(plan.to_plain()) == plan


def test_extreme_foldings() -> None:
    program = random_program(0, n=7)
    serial, parallel = schedule(program, 49).solve, schedule(program, 1).solve
    assert (serial.pe, serial.simd) == (1, 1)
    assert (parallel.pe, parallel.simd) == (7, 7)
    assert schedule(program) == schedule(program, 7)


@pytest.mark.parametrize("reuse", [0, -1, 37, 2.0, True, "4"])
def test_bad_reuse_factor_is_refused_with_its_range(reuse: object) -> None:
    with pytest.raises(InputError, match=r"reuse_factor is .*expected .*1 \(fully parallel\) to 36"):
        schedule(random_program(0, n=6), reuse)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pe", "simd"), [(0, 1), (1, 0), (4, 1), (1, 6)])
def test_bad_folding_is_refused(pe: int, simd: int) -> None:
    with pytest.raises(InputError, match="expected 1 x 1 to 3 x 5"):
        EngineFolding(3, 5, pe, simd)


@pytest.mark.parametrize("broken", [{}, {"reuse_factor": 1, "slots": 3, "drive": 1, "solve": 1, "readout": 1}])
def test_broken_plain_schedule_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(InputError, match="compile again"):
        Schedule.from_plain(broken)


def test_commensurate() -> None:
    assert commensurate(6, 3) and commensurate(3, 6) and commensurate(5, 5)
    assert not commensurate(6, 4)


@settings(deadline=None, max_examples=60)
@given(n=sizes, d=sizes, k=st.integers(1, 9), data=st.data())
def test_cycle_model(n: int, d: int, k: int, data: st.DataObject) -> None:
    program = random_program(0, n=n, d=d, k=k)
    plan = schedule(program, data.draw(st.integers(1, n * n)))
    iterations = np.array(data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=20)))
    cycles = completion_cycles(plan, iterations)
    assert cycles.shape == iterations.shape
    # Samples leave in order, k words each, and never before their work can be done.
    assert (np.diff(cycles) >= k).all()
    work = iterations * plan.solve.cycles_per_matvec + plan.solve.row_groups
    assert (cycles >= plan.drive.cycles_per_matvec + work + plan.readout.cycles_per_matvec).all()
    # Others in the pipeline never make a sample faster (and a job that has begun is finished, so they may delay it).
    assert (cycles >= [latency(plan, int(count)) - 1 for count in iterations]).all()
    assert cycles[0] <= latency(plan, int(iterations[0])) - 1 + int(iterations[0]) * plan.solve.cycles_per_matvec
    # One more update is at least one more product for the last sample.
    longer = iterations.copy()
    longer[-1] += 1
    assert completion_cycles(plan, longer)[-1] >= cycles[-1]


def test_lone_sample_is_the_sum_of_its_parts() -> None:
    plan = Schedule(
        reuse_factor=4,
        drive=EngineFolding(4, 6, 2, 3),
        solve=EngineFolding(4, 4, 2, 2),
        readout=EngineFolding(3, 4, 1, 4),
        slots=3,
    )
    drive = 1 + 2 * 2 - 1 + DRIVE_DEPTH + 2
    start = 2 + SOLVE_DEPTH + 1
    update = 2 * 2 + SOLVE_DEPTH + 1
    readout = 3 - 1 + READOUT_DEPTH + 2
    assert latency(plan, 5) == 1 + drive + start + 5 * update + readout


@settings(deadline=None, max_examples=40)
@given(n=sizes, d=sizes, k=st.integers(1, 12), iterations=st.integers(1, 20), data=st.data())
def test_slowest_engine_is_busy_in_any_folding(n: int, d: int, k: int, iterations: int, data: st.DataObject) -> None:
    plan = schedule(random_program(0, n=n, d=d, k=k, iterations=iterations), data.draw(st.integers(1, n * n)))
    assert initiation_interval(plan, iterations) <= (1 + MAX_IDLE) * busy_cycles(plan, iterations)


def test_interval_of_samples_that_leave_in_bunches() -> None:
    """The interval is never below what the slowest engine needs, wherever the bunches lie."""
    program = random_program(0, n=20, d=30, k=10, iterations=30)
    for reuse in (10, 20, 40, 100, 400):
        plan = schedule(program, reuse)
        assert initiation_interval(plan, 30) >= 0.9995 * busy_cycles(plan, 30)
        completed = completion_cycles(plan, np.full(1000, 30))
        assert initiation_interval(plan, 30) == pytest.approx((completed[-1] - completed[199]) / 800, rel=0.01)


@settings(deadline=None, max_examples=40)
@given(n=sizes, d=sizes, slots=st.integers(2, 9), data=st.data())
def test_whole_rounds_at_once_change_nothing(n: int, d: int, slots: int, data: st.DataObject) -> None:
    folds = [data.draw(st.integers(1, n)) for _ in range(4)]
    drive, solve = EngineFolding(n, d, folds[0], 1), EngineFolding(n, n, folds[1], folds[2])
    plan = Schedule(1, drive, solve, EngineFolding(3, n, 1, folds[3]), slots)
    iterations = np.array(data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=30)))
    leaping = completion_cycles(plan, iterations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Clock, "_repeated", lambda clock, choice, rounds: choice)
        np.testing.assert_array_equal(completion_cycles(plan, iterations), leaping)


def test_the_most_iterations() -> None:
    """A plan for two states, found among dozens of them, each with thousands of updates a sample."""
    plan = schedule(random_program(0, n=2, d=4, k=2, iterations=MOST_ITERATIONS))
    interval = initiation_interval(plan, MOST_ITERATIONS)
    assert 0.999 <= interval / busy_cycles(plan, MOST_ITERATIONS) <= 1 + MAX_IDLE
    update = plan.solve.cycles_per_matvec + plan.update_depth
    assert latency(plan, MOST_ITERATIONS) == latency(plan, 1) + (MOST_ITERATIONS - 1) * update


@pytest.mark.parametrize("adders", (1, 2, 3))
@pytest.mark.parametrize("fixed_time", (False, True))
def test_fewer_registers_take_fewer_cycles(adders: int, fixed_time: bool) -> None:
    """Of a tree every so many levels has one, of which the accumulation is the last; rounding is an addition, too."""
    program = random_program(0, n=40, d=30, k=5, iterations=7)
    plain, plan = (
        schedule(program, 20, adders=each, fixed_time=fixed) for each, fixed in ((1, False), (adders, fixed_time))
    )
    fewer = {
        name: (level := getattr(plain, name).tree_levels) + 1 - -(-(level + 1) // adders)
        for name in ("drive", "solve", "readout")
    }
    update = fewer["solve"] + (adders > 1) + 2 * fixed_time
    assert plain.update_depth - plan.update_depth == update
    assert latency(plain, 7) - latency(plan, 7) == fewer["drive"] + fewer["readout"] + 8 * update
    assert Schedule.from_plain(plan.to_plain()) == plan
    # An early exit is nobody's where the time is fixed.
    early = completion_cycles(plan, np.array([3, 7, 1]))
    assert (early == completion_cycles(plan, np.array([7, 7, 7]))).all() == fixed_time


@pytest.mark.parametrize(
    ("n", "d", "k", "iterations", "reuse"),
    [
        (90, 12, 3, 42, 60),
        (60, 8, 2, 38, 30),
        (40, 30, 4, 9, 50),
        (24, 6, 6, 200, 24),
        (12, 40, 1, 3, 12),
        (5, 2, 5, 3, 1),
    ],
)
def test_balanced_for_latency(n: int, d: int, k: int, iterations: int, reuse: int) -> None:
    """No other folding of drive and readout of as many multipliers answers much sooner, nor the one for throughput."""
    program = random_program(0, n=n, d=d, k=k, iterations=iterations)
    plain, plan = schedule(program, reuse), schedule(program, reuse, balance=LATENCY)
    assert plan.solve == plain.solve and latency(plan, iterations) <= latency(plain, iterations)
    most = plan.drive.multipliers + plan.readout.multipliers

    def waits(other: Schedule) -> int:
        return other.drive.cycles_per_matvec + other.drive_depth + other.readout.cycles_per_matvec + other.readout_depth

    others = [
        replace(plan, drive=EngineFolding(n, d, pe, beat), readout=EngineFolding(k, n, 1, simd))
        for beat in _beats(d, None)
        for pe in range(1, min(n, most // beat) + 1)
        for simd in range(1, min(n, most - pe * beat) + 1)
    ]
    assert waits(plan) - min(map(waits, others)) <= 0.02 * latency(plan, iterations)


def test_slow_drive_sets_the_pace() -> None:
    plan = schedule(random_program(0, n=16, d=8, k=4), 64)
    slow = Schedule(64, EngineFolding(16, 8, 1, 1), plan.solve, plan.readout, plan.slots)
    assert initiation_interval(slow, 1) == busy_cycles(slow, 1) == 16 * 8


def test_interleaving_fills_the_pipeline_gaps() -> None:
    program = random_program(0, n=16, d=8, k=4, iterations=10)
    plan = schedule(program, 4)
    assert initiation_interval(plan, 10) < 0.6 * initiation_interval(replace(plan, slots=2), 10)


# -- how close the engines are to their limits --------------------------------------


def up_to_four_columns(program: SolverProgram) -> list[Schedule]:
    """Every folding that some reuse factor gives, from one multiplier to as many as ``n`` rows x 4 columns."""
    n, first = program.n, {}
    for reuse in sorted({-(-n * n // multipliers) for multipliers in range(1, 4 * n + 1)}):
        first.setdefault(_fold_solve(n, reuse, program.iterations), reuse)
    return [schedule(program, reuse) for fold, reuse in first.items() if fold.multipliers <= 4 * n]


@pytest.mark.parametrize(
    ("n", "d", "k", "iterations"),
    [(100, 784, 10, 60), (100, 784, 10, 12), (128, 64, 10, 8), (87, 200, 10, 20), (74, 30, 3, 5)],
)
def test_whole_range_of_foldings_is_near_its_limit(n: int, d: int, k: int, iterations: int) -> None:
    plans = up_to_four_columns(random_program(0, n=n, d=d, k=k, iterations=iterations))
    assert len(plans) > 20
    assert plans[-1].solve.multipliers == 1 and max(plan.solve.multipliers for plan in plans) > 3 * n
    for plan in plans:
        bounds = mac_bounds(plan, iterations)
        assert initiation_interval(plan, iterations) <= 1.05 * max(bounds), plan
        assert latency(plan, iterations) <= 1.10 * sum(bounds) + pipeline_depth(plan, iterations), plan


@settings(deadline=None, max_examples=40)
@given(n=sizes, d=sizes, k=st.integers(1, 12), iterations=st.integers(1, 20), data=st.data())
def test_small_networks_lose_no_more_than_padding_and_start(
    n: int, d: int, k: int, iterations: int, data: st.DataObject
) -> None:
    """No rectangle of multipliers tiles every small matrix: what is lost then is what the folding says, and no more."""
    plan = schedule(random_program(0, n=n, d=d, k=k, iterations=iterations), data.draw(st.integers(1, n * n)))
    bounds = mac_bounds(plan, iterations)
    start = 1 + 1 / (iterations * plan.solve.column_groups)
    waste = max(padding(plan.drive), padding(plan.solve) * start, padding(plan.readout))
    assert initiation_interval(plan, iterations) <= 1.005 * waste * max(bounds)
    assert latency(plan, iterations) <= waste * sum(bounds) + pipeline_depth(plan, iterations)


# -- unrolled --------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 16), d=sizes, k=st.integers(1, 9), iterations=st.integers(1, 16), data=st.data())
def test_unrolled_keeps_its_slowest_engine_busy(n: int, d: int, k: int, iterations: int, data: st.DataObject) -> None:
    program = random_program(0, n=n, d=d, k=k, iterations=iterations)
    graph = solver_graph(program).size
    reuse = data.draw(st.none() | st.just(1) | st.integers(1, n * n))
    drive, readout = (data.draw(st.none() | st.builds(graph_of, st.integers(1, 12))) for _ in range(2))
    plan = schedule_unrolled(program, graph, reuse, drive, readout)
    folded = schedule_unrolled(program, graph, reuse)
    assert plan.words_per_beat == folded.words_per_beat and plan.beats_per_sample == folded.beats_per_sample
    assert (plan.drive.graph, plan.readout.graph) == (drive, readout)
    assert plan.strategy == "unrolled" and plan.solve.graph == graph
    assert (plan.solve.cycles_per_matvec, plan.solve.row_groups) == (1, 1)
    assert plan.drive.cycles_per_matvec <= folded.drive.cycles_per_matvec <= max(iterations * plan.reuse_factor, 1)
    assert Schedule.from_plain(plan.to_plain()) == plan
    # The ring takes the start and every update in one cycle each.
    bound = max(1 + iterations, plan.drive.cycles_per_matvec, plan.readout.cycles_per_matvec)
    assert initiation_interval(plan, iterations) <= 1.05 * bound


def test_unrolled_takes_a_word_a_cycle_by_default() -> None:
    program = random_program(0, n=12, d=40, k=3, iterations=8)
    plan = schedule_unrolled(program, solver_graph(program).size)
    assert plan.reuse_factor == 5
    assert plan.drive.cycles_per_matvec <= 40 and plan.drive.pe * plan.drive.simd == 12


def test_lone_sample_in_the_ring() -> None:
    plan = Schedule(
        reuse_factor=1,
        drive=EngineFolding(4, 6, 4, 3),
        solve=EngineFolding(4, 4, 4, 4, GraphSize(adders=9, stages=5, adder_bits=90, register_bits=200)),
        readout=EngineFolding(3, 4, 1, 4),
        slots=3,
    )
    drive = 1 + 2 - 1 + DRIVE_DEPTH + 2
    update = 5 + RING_DEPTH + 1
    readout = 1 + 3 - 1 + READOUT_DEPTH + 2
    assert latency(plan, 6) == 1 + drive + 7 * update + readout


def graph_of(stages: int) -> GraphSize:
    return GraphSize(adders=9, stages=stages, adder_bits=90, register_bits=200)


def test_lone_sample_through_graphs_only() -> None:
    plan = Schedule(
        reuse_factor=1,
        drive=EngineFolding(4, 6, 4, 2, graph_of(7)),
        solve=EngineFolding(4, 4, 4, 4, graph_of(5)),
        readout=EngineFolding(3, 4, 1, 4, graph_of(6)),
        slots=3,
    )
    beats, drive = 3, DRIVE_GRAPH_DEPTH + 7
    update = 5 + RING_DEPTH + 1
    readout = 1 + 3 - 1 + READOUT_GRAPH_DEPTH + 6
    assert latency(plan, 6) == beats + 1 + drive + 7 * update + readout
    assert latency(plan, 6) <= sum(mac_bounds(plan, 6)) + pipeline_depth(plan, 6) <= latency(plan, 6) + 1


def test_unrolled_refuses_a_bad_reuse_factor() -> None:
    program = random_program(0, n=6)
    with pytest.raises(InputError, match="reuse_factor is 37"):
        schedule_unrolled(program, solver_graph(program).size, 37)


@settings(deadline=None, max_examples=40)
@given(n=sizes, d=st.integers(1, 40), iterations=st.integers(1, 6), data=st.data())
def test_drive_takes_beats_of_the_width_asked_for(n: int, d: int, iterations: int, data: st.DataObject) -> None:
    program = random_program(0, n=n, d=d, k=3, iterations=iterations)
    beat = data.draw(st.integers(1, d))
    plan = schedule(program, data.draw(st.integers(1, n * n)), beat)
    assert plan.words_per_beat == beat and plan.beats_per_sample == -(-d // beat)
    solving = iterations * plan.solve.cycles_per_matvec
    assert plan.drive.cycles_per_matvec <= max(solving, plan.beats_per_sample)
    if solving < plan.beats_per_sample:  # a beat in every cycle
        others = max(solving + plan.solve.row_groups, plan.readout.cycles_per_matvec)
        assert initiation_interval(plan, iterations) <= max(plan.beats_per_sample, others) * (1 + MAX_IDLE)


@pytest.mark.parametrize("beat", [0, 6, True, 2.0])
def test_a_beat_beyond_the_sample_is_refused(beat: int) -> None:
    program = random_program(0, n=4, d=5)
    with pytest.raises(InputError, match=r"input_beat is .*; expected .* 1 to 5"):
        schedule(program, 4, beat)
    with pytest.raises(InputError, match="input_beat is"):
        schedule_unrolled(program, solver_graph(program).size, input_beat=beat)


def test_tables_where_they_are_the_smaller_share() -> None:
    """784 binary pixels and ternary weights; eight-bit inputs have no table that a block RAM holds."""
    few = random_program(1, n=100, d=784, k=10, drive_bits=2, input_bits=1, iterations=1)
    plan = schedule(few, 1, 49)
    tabled = with_drive(few, plan)
    assert tabled == replace(plan, drive=replace(plan.drive, table_words=5)) == with_drive(few, plan, "tables")
    assert with_drive(few, plan, "multiply") == plan
    usage, multiplied = (drive_usage(few, each, ECP5, 8) for each in (tabled, plan))
    assert usage.luts < multiplied.luts / 4 and usage.block_rams < multiplied.block_rams / 2
    assert plan.drive_depth - tabled.drive_depth == 2  # 49 products or 10 words of tables to add up
    wide = random_program(2, n=8, d=16, input_bits=8)
    assert with_drive(wide, schedule(wide)) == schedule(wide)


def test_tables_hold_every_sum() -> None:
    program = random_program(17, n=7, d=8, drive_bits=3, input_bits=2, input_signed=True)
    fold = EngineFolding(7, 8, 3, 3, table_words=2)
    (pair, single), words = tables(program.injection, fold), (0, 1, -2, -1)  # by their bits
    assert pair.shape == (3, 3, 16, 3) and single.shape == (3, 3, 4, 3)
    for row, column in product(range(7), range(8)):
        group, lane, step, place = row // 3, row % 3, column // 3, column % 3
        table, shift = (single, 0) if place == 2 else (pair, 2 * place)
        for bits, word in enumerate(words):
            assert table[group, step, bits << shift, lane] == program.drive.integers[row, column] * word


def test_what_tables_leave_to_the_biases_is_exact_beyond_64_bits() -> None:
    injection = random_program(17, n=7, d=8, drive_bits=3, input_bits=2, input_signed=True).injection
    fold = EngineFolding(7, 8, 3, 3, table_words=2)
    least = [sum(min(-2 * x, x) for x in row) for row in injection.operator.integers.tolist()]
    expected = [bias + (sums << 62) for bias, sums in zip(injection.bias.tolist(), least, strict=True)]
    assert rtl.table_biases(replace(injection, left_shift=62), fold).tolist() == expected


@pytest.mark.parametrize(("input_bits", "reuse"), [(12, 1), (8, 300)])
def test_tables_too_deep_are_refused(input_bits: int, reuse: int) -> None:
    program = random_program(3, n=20, d=5, input_bits=input_bits, iterations=1)
    with pytest.raises(InputError, match=r"a table has .* words, expected at most 16384; lower input_bits"):
        with_drive(program, schedule(program, reuse, 1), "tables")


@pytest.mark.parametrize(("graph", "words"), [(None, 3), (None, -1), (None, "1"), (GraphSize(1, 1, 1, 1), 1)])
def test_bad_tables_are_refused(graph: GraphSize | None, words: Any) -> None:
    with pytest.raises(InputError, match="folding has tables of"):
        EngineFolding(3, 5, 3, 2, graph, words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_beat": 0}, "output_beat is 0; expected a whole number of words, 1 to 3"),
        ({"output_beat": 4}, "1 to 3"),
        ({"output_beat": True}, "output_beat is True"),
        ({"output_beat": 2, "harden": "control"}, "an upset would shift them"),
        ({"flags_ends": True, "harden": "full"}, "flag.saturation out, or take .*harden none"),
    ],
)
def test_output_streams_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    plan = schedule(random_program(2, n=6, d=5, k=3, bits=3, iterations=4))
    with pytest.raises(InputError, match=message):
        replace(plan, **changes)
    beats = replace(plan, output_beat=2, flags_ends=True)
    assert Schedule.from_plain(beats.to_plain()) == beats and beats.output_beats == 2
    assert (completion_cycles(beats, np.full(5, 4)) == completion_cycles(plan, np.full(5, 4))).all()


@pytest.mark.parametrize("parity", (False, True))
@pytest.mark.parametrize("bits", (1, 3, 8, 9, 16, 17, 32, 33, 63, 70))
def test_a_weight_file_holds_the_lanes_little_end_first(
    bits: int, parity: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = 2 ** (min(bits, 63) - 1)
    rows = np.random.default_rng(bits).integers(-top, top, (7, 5))
    rows[0], rows[1] = -top, top - 1
    words = [sum((lane % 2**bits) << place * bits for place, lane in enumerate(row)) for row in rows.tolist()]
    digits = -(-(5 * bits + parity) // 4)
    odd = [word + (parity and word.bit_count() % 2 == 0) * 2 ** (5 * bits) for word in words]
    expected = [f"{word:0{digits}x}" for word in odd]
    assert rtl._Memory(rows, bits).lines(parity) == expected
    monkeypatch.setattr(rtl, "PACKED_BITS", 11 * bits)
    assert rtl._Memory(rows, bits).lines(parity) == expected
