"""The search finds what brute force finds, is honest about what it shows, and survives a kill."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from killed import CHILD
from long_set import one_in
from random_models import random_model

from mondeq_hw import InputError, Project, save
from mondeq_hw.base import open_executor
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.hardware import RESOURCE, initiation_interval, latency, load_schedule
from mondeq_hw.problem import CLASSES, data, load, network_of
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.lowered import with_state_bits
from mondeq_hw.rounding.options import NEAREST, LoweringOptions
from mondeq_hw.search.journal import JOURNAL, exclusive
from mondeq_hw.search.report import write
from mondeq_hw.search.result import SearchResult, conclusion, figure_of, front
from mondeq_hw.search.search import search
from mondeq_hw.search.settings import SearchSettings
from mondeq_hw.search.space import AXES, ERROR, INTERVAL, LATENCY, LUTS, MEMORY, Choice, Lattice, SearchPoint, Target
from mondeq_hw.training.qat import QuantizedNetwork

pytestmark = pytest.mark.slow

search_module = sys.modules[search.__module__]

SMALL = Lattice(("peaceman_rachford",), range(1, 4), range(3, 5), range(3, 5), range(6, 9))
BOTH = replace(SMALL, solvers=("peaceman_rachford", "forward_backward"))
#: Of the digits; quick to calibrate on.
SAMPLES = 100


def settings(lattice: Lattice, target: Target, **changes: Any) -> SearchSettings:
    return SearchSettings(CompileConfig(calibration_samples=SAMPLES), lattice, target, **changes)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network without data: measured in milliseconds."""
    return write_npz(tmp_path_factory.mktemp("search") / "small.npz", plain(parameters(m=0.3)))


@pytest.fixture(scope="module")
def exhausted(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Every point of a small lattice of the digits; the target is reached by some of them."""
    folder = tmp_path_factory.mktemp("exhausted") / "search"
    return search(digits_model, settings(SMALL, Target(0.985), exhaustive=True), folder)


def accuracy_of(project: Project, kept: bool) -> float:
    """Of every other test image, by the finished project."""
    test = data.digits("test")
    words, labels = test.words[int(kept) :: 2], test.targets[int(kept) :: 2]
    return float((project.predict(words).argmax(axis=1) == labels).mean())


# -- points ------------------------------------------------------------------


@pytest.mark.parametrize(
    "choice",
    [
        Choice("peaceman_rachford", 2, 4, 3, 7),
        pytest.param(Choice("forward_backward", 3, 3, 4, 8), marks=pytest.mark.long),
    ],
)
def test_a_point_is_what_compile_makes(choice: Choice, digits_model: Path, tmp_path: Path) -> None:
    lattice = Lattice((choice.solver,), *(range(getattr(choice, axis), getattr(choice, axis) + 1) for axis in AXES))
    found = search(digits_model, settings(lattice, Target(0.5)), tmp_path / "search")
    (point,) = found.points
    write(found, tmp_path / "search")
    build = str(tmp_path / "build")
    assert main(["compile", str(digits_model), "--config", f"{tmp_path}/search/winner.json", "--out", build]) == 0
    project = Project.load(build)
    lines = {line.name: line.values for line in project.certificate.lines}
    assert point.choice == choice and point.proved
    proved = Fraction(lines["contraction"]["contraction_factor"])
    assert point.contraction_factor == float(proved)
    assert point.radius == lines["radius"]["two_norm"]
    assert point.iterations == project.program.iterations
    assert found.proved_distance == tuple(lines["output_distance"]["bounds"])
    assert point.score == accuracy_of(project, kept=False)
    sizes = project.report.sizes
    n, d, k = sizes.n, sizes.d, sizes.k
    stored = n * n * choice.bits + n * d * choice.drive_bits + k * n * choice.readout_bits + n * choice.state_bits
    assert point.memory_bits == stored
    assert found.judgement is not None
    assert found.judgement.selection_score == point.score
    assert found.judgement.kept_score == accuracy_of(project, kept=True)
    assert found.judgement.selection_samples + found.judgement.kept_samples == len(data.digits("test"))
    whole = project.report.comparison.value.floating
    assert (found.judgement.selection_float + found.judgement.kept_float) / 2 == pytest.approx(whole)


def test_shared_lowering_is_the_lowering(digits_model: Path) -> None:
    model, images = load(digits_model), data.digits("train").words[:SAMPLES]
    options = LoweringOptions(3, drive_bits=4, readout_bits=4)
    shared = with_state_bits(lower(model, replace(options, state_bits=12), images), 7)
    own = lower(model, replace(options, state_bits=7), images)
    assert shared.state_format == own.state_format
    np.testing.assert_array_equal(shared.quantized.matrix.integers, own.quantized.matrix.integers)
    np.testing.assert_array_equal(shared.quantized.readout_bias, own.quantized.readout_bias)


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that plain rounding to few bits deprives of its proof."""
    return write_npz(tmp_path_factory.mktemp("search") / "fragile.npz", plain(parameters(seed=1, m=0.02)))


def fragile_settings(radius: float, bits: range) -> SearchSettings:
    base = CompileConfig(rounding=NEAREST, granularity="tensor")
    lattice = Lattice(("forward_backward",), bits, *[range(8, 9)] * 2, range(24, 26))
    return SearchSettings(base, lattice, Target(radius=radius), exhaustive=True)


def test_what_is_not_proved_never_wins(fragile: Path, tmp_path: Path) -> None:
    found = search(fragile, fragile_settings(1e6, range(2, 6)), tmp_path / "search")
    unproved = [point for point in found.points if not point.proved]
    assert unproved and all(point.radius is None for point in unproved)
    assert found.winner is not None and found.winner.proved
    assert min(point.memory_bits for point in unproved) < found.winner.memory_bits
    model = load(fragile)
    for point in found.points:
        words = {name: getattr(point.choice, name) for name in ("solver", *AXES)}
        options = LoweringOptions(**words, rounding=NEAREST, granularity="tensor")
        # A proof that says nothing counts as none.
        assert lower(model, options).proof is not None or not point.proved


# -- foldings ------------------------------------------------------------------


@pytest.fixture(scope="module")
def folded(digits_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SearchResult, int]:
    """A lattice of all axes that is searched whole, and how many points were measured for it."""
    lattice = Lattice(
        *(("peaceman_rachford",), range(2, 4), range(4, 5), range(4, 5), range(7, 9)),
        **{"input_bits": range(3, 5), "iterations": (6, 9), "reuse_factor": (16, 64), "input_beat": (3, 8)},
    )
    wanted = settings(lattice, Target(luts=9000), minimise=ERROR, exhaustive=True)
    folder, measured = tmp_path_factory.mktemp("folded") / "search", []
    with pytest.MonkeyPatch.context() as patch:
        original = search_module._point
        patch.setattr(search_module, "_point", lambda *given: measured.append(given) or original(*given))
        found = search(digits_model, wanted, folder)
    write(found, folder)
    return folder, found, len(measured)


def test_integers_are_measured_once_and_folded_many_times(folded: tuple[Path, SearchResult, int]) -> None:
    _, found, measured = folded
    assert len(found.points) == 2**6 and measured == 2**4 == len({point.choice.integers for point in found.points})
    by_integers: dict[Choice, list[SearchPoint]] = {}
    for point in found.points:
        by_integers.setdefault(point.choice.integers, []).append(point)
        assert point.iterations == point.choice.iterations
    for points in by_integers.values():
        assert len({(point.score, point.distance, point.radius, point.memory_bits) for point in points}) == 1
        assert len({(point.latency_cycles, point.estimated_luts) for point in points}) == len(points) == 4


def test_the_winner_of_a_budget_compiles_to_what_the_search_says(
    folded: tuple[Path, SearchResult, int], digits_model: Path, tmp_path: Path
) -> None:
    folder, found, _ = folded
    winner = found.winner
    within = [point for point in found.points if point.proved and point.estimated_luts <= 9000]
    assert winner in within and len(within) < len(found.points)
    assert winner is not None and winner.score == max(point.score or 0.0 for point in within)
    build = tmp_path / "build"
    assert main(["compile", str(digits_model), "--config", f"{folder}/winner.json", "--out", str(build)]) == 0
    project, plan = Project.load(build), load_schedule(build)
    choice = winner.choice
    assert (project.program.iterations, project.program.input_format.word_length) == (
        choice.iterations,
        choice.input_bits,
    )
    assert (plan.reuse_factor, plan.words_per_beat) == (choice.reuse_factor, choice.input_beat)
    assert latency(plan, project.program.iterations) == winner.latency_cycles
    assert initiation_interval(plan, project.program.iterations) == winner.interval_cycles


def test_balances_are_of_the_resource_strategy_and_a_fixed_time_of_all(digits_model: Path, tmp_path: Path) -> None:
    """What has the shortest answer compiles to it, each strategy's."""
    words = ["--bits", "3", "--drive-bits", "4", "--readout-bits", "4", "--state-bits", "8", "--iterations", "6"]
    foldings = ["--strategy", "resource,unrolled", "--balance", "throughput,latency"]
    shared = ["--adders-per-stage", "2", "--fixed-time", "--minimise", "latency", "--target-radius", "9"]
    asked = [*words, *foldings, *shared, "--solver", "peaceman-rachford", "--calibration-samples", str(SAMPLES)]
    out = tmp_path / "search"
    assert main(["search", str(digits_model), *asked, "--exhaustive", "--jobs", "1", "--out", str(out)]) == 0
    points = json.loads((out / "search.json").read_text())["points"]
    found = {(each["strategy"], each["balance"]): each for each in points}
    assert set(found) == {(RESOURCE, "throughput"), (RESOURCE, "latency"), ("unrolled", "throughput")}
    balanced, not_balanced = found[RESOURCE, "latency"], found[RESOURCE, "throughput"]
    assert balanced["latency_cycles"] < not_balanced["latency_cycles"]
    assert balanced["estimated_luts"] > not_balanced["estimated_luts"]
    winner = json.loads((out / "winner.json").read_text())
    for (strategy, balance), point in found.items():
        (tmp_path / "point.json").write_text(json.dumps({**winner, "strategy": strategy, "balance": balance}))
        build = tmp_path / f"{strategy}-{balance}"
        told = ["--config", str(tmp_path / "point.json"), "--out", str(build)]
        assert main(["compile", str(digits_model), *told]) == 0
        plan = load_schedule(build)
        assert plan.fixed_time
        assert latency(plan, 6) == point["latency_cycles"] and initiation_interval(plan, 6) == point["interval_cycles"]
    assert load_schedule(tmp_path / "resource-latency").solve.adders == 2


def test_the_front_is_what_nothing_beats(folded: tuple[Path, SearchResult, int]) -> None:
    folder, found, _ = folded

    def beaten(point: SearchPoint) -> bool:
        return any(
            other.proved
            and other.score >= point.score  # type: ignore[operator]
            and other.estimated_luts <= point.estimated_luts
            and (other.score, other.estimated_luts) != (point.score, point.estimated_luts)
            for other in found.points
        )

    unbeaten = {(p.score, p.estimated_luts) for p in found.points if p.proved and not beaten(p)}
    assert {(point.score, point.estimated_luts) for point in front(found)} == unbeaten
    assert json.loads((folder / "search.json").read_text())["front"] == [
        {**point.to_plain(), "reached": found.settings.target.reached_by(point)} for point in front(found)
    ]
    (axis,) = found.plot_front().axes
    (steps,) = (line for line in axis.lines if line.get_label() == "Pareto front")
    assert set(zip(steps.get_ydata(), steps.get_xdata(), strict=True)) >= unbeaten
    assert sum(len(each.get_offsets()) for each in axis.collections) == len(found.points)


@pytest.mark.parametrize("minimise", [ERROR, LATENCY, INTERVAL])
def test_a_walk_sees_what_the_lattice_has(
    minimise: str, folded: tuple[Path, SearchResult, int], digits_model: Path, tmp_path: Path
) -> None:
    folder, whole, _ = folded
    target = Target(score=None if minimise == ERROR else 0.95, luts=9000)
    wanted = replace(whole.settings, target=target, minimise=minimise, exhaustive=False)
    (tmp_path / "search").mkdir()
    shutil.copy(folder / JOURNAL, tmp_path / "search" / JOURNAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_point", None)  # the journal has them all
        found = search(digits_model, wanted, tmp_path / "search")
    everything = {point.choice: point for point in whole.points}
    assert all(everything[point.choice] == point for point in found.points)
    assert found.winner is not None and target.reached_by(found.winner)
    beside = found.settings.lattice.shorter(found.winner.choice)
    beside += found.settings.lattice.longer(found.winner.choice) if minimise == ERROR else []
    for choice in found.settings.lattice.folded(beside):
        other = everything[choice]
        assert not target.reached_by(other) or other.cost(minimise) > found.winner.cost(minimise)


# -- strategies --------------------------------------------------------------


def test_exhaustive_is_exhaustive(exhausted: SearchResult) -> None:
    points = {point.choice: point for point in exhausted.points}
    every = product(SMALL.solvers, SMALL.bits, SMALL.drive_bits, SMALL.readout_bits, SMALL.state_bits)
    assert set(points) == {Choice(*each) for each in every}
    reached = [p for p in points.values() if p.proved and p.score is not None and p.score >= 0.985]
    assert 0 < len(reached) < len(points)
    assert exhausted.winner in reached
    assert exhausted.winner.memory_bits == min(point.memory_bits for point in reached)


@pytest.mark.parametrize("minimise", one_in(2, [LUTS, MEMORY], str))
def test_descent_ends_in_a_local_minimum(
    minimise: str, exhausted: SearchResult, digits_model: Path, tmp_path: Path
) -> None:
    found = search(digits_model, settings(SMALL, Target(0.985), minimise=minimise), tmp_path / "search")
    everything = {point.choice: point for point in exhausted.points}
    assert all(everything[point.choice] == point for point in found.points)
    assert len(found.points) < len(everything)
    assert found.winner is not None and found.winner.score is not None and found.winner.score >= 0.985
    measured = {point.choice for point in found.points}
    for axis in AXES:
        shorter = replace(found.winner.choice, **{axis: getattr(found.winner.choice, axis) - 1})
        if shorter in everything:
            assert shorter in measured
            reaches = (everything[shorter].score or 0) >= 0.985 and everything[shorter].proved
            assert not reaches or everything[shorter].cost(minimise) > found.winner.cost(minimise)
    assert "heuristic" in conclusion(found) and "heuristic" not in conclusion(exhausted)


def fake_point(choice: Choice, accuracy: Callable[[Choice], float]) -> SearchPoint:
    memory = 100 * choice.bits + 10 * choice.drive_bits + 5 * choice.readout_bits + choice.state_bits
    return SearchPoint(choice, True, 0.5, 10, 0.2, 0.1, accuracy(choice), None, memory, memory, memory, memory)


@pytest.mark.parametrize("least", [(1, 1, 1, 2), (3, 2, 4, 5), (5, 5, 5, 9), (2, 5, 1, 9)])
def test_descent_finds_the_corner_of_a_box(
    least: tuple[int, ...], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accuracy(choice: Choice) -> float:
        return float(all(getattr(choice, axis) >= at for axis, at in zip(AXES, least, strict=True)))

    def measure(experiment: object, choices: tuple[Choice, ...]) -> list[SearchPoint]:
        return [fake_point(choice, accuracy) for choice in choices]

    monkeypatch.setattr(search_module, "measure", measure)
    monkeypatch.setattr(search_module, "open_experiment", lambda *_: FakeExperiment())
    monkeypatch.setattr(search_module, "_judge", lambda *_: None)
    monkeypatch.setattr(search_module, "_distance_of", lambda *_: None)
    lattice = Lattice(("peaceman_rachford",), range(1, 6), range(1, 6), range(1, 6), range(2, 10))
    found = search(small, settings(lattice, Target(0.5)), tmp_path / "search")
    assert found.winner is not None
    assert found.winner.choice == Choice("peaceman_rachford", *least)


class FakeExperiment:
    """Stands for a model and its data where points are made up."""

    key = "fake"
    model = data = type("Named", (), {"source": "fake", "name": "fake", "task": CLASSES})()


def test_progress_counts_down(small: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = settings(Lattice(BOTH.solvers, range(2, 6), *[range(6, 9)] * 3), Target(radius=10.0))
    found = search(small, target, tmp_path / "search", observe=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert all(done <= total for done, total in seen)
    assert seen[-1][0] == len(found.points)
    remaining = [total - done for done, total in seen]
    assert remaining == sorted(remaining, reverse=True)


def test_processes_change_nothing(small: Path, tmp_path: Path) -> None:
    wanted = settings(Lattice(BOTH.solvers, range(2, 6), *[range(7, 9)] * 2, range(6, 9)), Target(radius=5.0))
    for jobs in (1, 2):
        with open_executor(jobs) as executor:
            write(search(small, wanted, tmp_path / str(jobs), executor), tmp_path / str(jobs))
    for name in RESULTS:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_what_is_proved_of_the_outputs_is_shown_and_a_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A small radius of a coarse network is no accuracy: what its winner is worth stands beside it."""
    save(random_model(np.random.default_rng(0), 4, 2, 2), tmp_path / "model.pt")
    ranges = ["--bits", "3-5", "--drive-bits", "9", "--readout-bits", "9", "--state-bits", "14"]
    command = ["search", str(tmp_path / "model.pt"), *ranges, "--solver", "peaceman-rachford", "--jobs", "1"]
    assert main([*command, "--target-radius", "0.1", "--out", str(tmp_path / "radius")]) == 0
    proved = r"at most (\S+) from the float network, every input: proved"
    shown = re.search(f"Output distance of the winner: {proved}", said(capsys))
    found = json.loads((tmp_path / "radius" / "search.json").read_text())
    assert shown is not None and float(shown[1]) == pytest.approx(max(found["proved_distance"]), rel=1e-3)
    assert found["winner"]["proved_distance"] is None and found["winner"]["distance"] <= max(found["proved_distance"])
    wanted = max(found["proved_distance"]) / 4
    target = ["--target-proved-distance", str(wanted), "--out", str(tmp_path / "proved")]
    assert main([*command, *target]) == 0
    closer = json.loads((tmp_path / "proved" / "search.json").read_text())
    assert closer["winner"]["proved_distance"] == max(closer["proved_distance"]) <= wanted
    assert closer["winner"]["bits"] > found["winner"]["bits"]
    assert "outputs proved within" in said(capsys)
    assert main([*command, "--target-proved-distance", "1e-9", "--out", str(tmp_path / "none")]) == 6
    assert re.search(f"Nearest: .* outputs {proved}", capsys.readouterr().err)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


# -- the journal -------------------------------------------------------------

COMMAND = ["--target-radius", "0.5", "--bits", "2-5", "--state-bits", "6-10", "--jobs", "1", "--json"]
RESULTS = ("search.json", "points.csv", "points.sqlite", "winner.json", "search.png", "front.png")


@pytest.fixture(scope="module")
def whole(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command leaves that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole") / "search"
    assert main(["search", str(small), *COMMAND, "--out", str(folder)]) == 0
    return folder


@pytest.mark.parametrize(
    ("moment", "finished", "number"),
    [
        pytest.param(("mondeq_hw.search.search", "lower", 1), 0, signal.SIGKILL, marks=pytest.mark.long),
        pytest.param(("mondeq_hw.search.search", "lower", 7), 6, signal.SIGKILL, marks=pytest.mark.long),
        (("os", "fsync", 9), 9, signal.SIGKILL),
        pytest.param(("os", "replace", 2), None, signal.SIGKILL, marks=pytest.mark.long),
        (("mondeq_hw.search.search", "lower", 7), 6, signal.SIGTERM),
    ],
    ids=["first", "seventh", "append", "results", "term"],
)
def test_killed_and_continued(
    moment: tuple[str, str, int], finished: int | None, number: signal.Signals, small: Path, whole: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    run = ["search", str(small), *COMMAND, "--out", str(killed)]
    child = [sys.executable, "-c", CHILD, *map(str, moment), number.name, *run]
    code = subprocess.run(child, capture_output=True, timeout=300).returncode
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 143)
    before = (killed / JOURNAL).read_text().splitlines()
    lines = (whole / JOURNAL).read_text().splitlines()
    assert before == lines[: len(lines) if finished is None else finished]
    assert not (killed / "search.json").exists()
    measured = count_measured(["search", str(small), *COMMAND, "--out", str(killed)])
    assert len(before) + measured == len(lines)
    assert (killed / JOURNAL).read_text().splitlines() == lines
    for name in RESULTS:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert {path.name for path in killed.iterdir()} == {JOURNAL, *RESULTS}


def test_workers_end_with_a_killed_search(digits_model: Path, tmp_path: Path) -> None:
    out, journal = str(tmp_path / "search"), tmp_path / "search" / JOURNAL
    command = ["search", str(digits_model), "--target-accuracy", "99.9", "--jobs", "2", "--out", out]
    with subprocess.Popen([sys.executable, "-m", "mondeq_hw", *command], stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 1)
        workers = children(process.pid)
        process.kill()
    assert len(workers) >= 2
    wait_until(lambda: not any(running(worker) for worker in workers))
    before = journal.read_bytes()
    assert all(line.endswith(b"}}\n") for line in before.splitlines(keepends=True))


def wait_until(condition: Callable[[], bool]) -> None:
    """Give up after a time that is long on any machine."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError


def children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found


def running(process: int) -> bool:
    """A zombie has ended; where nobody reaps orphans it stays."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def count_measured(command: list[str]) -> int:
    """Points that a run measures."""
    done = 0
    original = search_module._point

    def counted(*arguments: Any) -> SearchPoint:
        nonlocal done
        done += 1
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "_point", counted)
        assert main(command) == 0
    return done


def test_points_of_other_searches_are_not_taken(small: Path, tmp_path: Path, capsys: Any) -> None:
    run = ["search", str(small), *COMMAND, "--out", str(tmp_path / "search")]
    first = count_measured(run)
    assert first > 0 and count_measured(run) == 0
    assert count_measured([*run, "--target-radius", "0.4"]) < first  # another target, the same points
    assert count_measured([*run, "--granularity", "tensor"]) > 0
    assert count_measured(run) == 0
    other = write_npz(tmp_path / "small.npz", plain(parameters(seed=1, m=0.3)))
    assert count_measured(["search", str(other), *run[2:]]) > 0


def test_an_unfinished_or_damaged_line_is_measured_again(small: Path, whole: Path, tmp_path: Path) -> None:
    run = ["search", str(small), *COMMAND, "--out", str(tmp_path / "search")]
    shutil.copytree(whole, tmp_path / "search")
    journal = tmp_path / "search" / JOURNAL
    content = journal.read_bytes()
    journal.write_bytes(content[:-20])
    assert count_measured(run) == 1
    assert journal.read_bytes() == content
    results = {name: (tmp_path / "search" / name).read_bytes() for name in RESULTS}
    for damage in ((b'"proved"', b'"prov'), (b'"proved": true', b'"proved": false'), (b"{", b"[")):
        assert damage[0] in content
        journal.write_bytes(content.replace(*damage, 1))
        assert count_measured(run) == 1
        assert results == {name: (tmp_path / "search" / name).read_bytes() for name in RESULTS}


def test_one_search_at_a_time(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "search", "key"),
        pytest.raises(InputError, match="another search"),
        exclusive(tmp_path / "search", "key"),
    ):
        pass
    with exclusive(tmp_path / "search", "key") as journal:
        assert journal.read() == []


# -- results -----------------------------------------------------------------


def test_files_agree(digits_model: Path, tmp_path: Path) -> None:
    lattice = Lattice(BOTH.solvers, range(2, 4), range(3, 5), range(4, 5), range(8, 9))
    found = search(digits_model, settings(lattice, Target(0.9)), tmp_path)
    write(found, tmp_path)
    report = json.loads((tmp_path / "search.json").read_text())
    assert found.winner is not None
    assert report["winner"] == report["best"] == {**found.winner.to_plain(), "reached": True}
    assert [(p["solver"], p["bits"]) for p in report["sweep"]] == list(product(lattice.solvers, lattice.bits))
    assert {(p["drive_bits"], p["readout_bits"], p["state_bits"]) for p in report["sweep"]} == {(4, 4, 8)}
    with (tmp_path / "points.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    shown = [{key: "" if value is None else str(value) for key, value in point.items()} for point in report["points"]]
    assert shown == rows
    assert all(point in report["points"] for point in [*report["sweep"], *report["shorter"]])
    accuracy, factor = figure_of(found).axes
    for axis, key in ((accuracy, "score"), (factor, "contraction_factor")):
        for solver in BOTH.solvers:
            line = next(line for line in axis.lines if line.get_label() == solver.replace("_", "-"))
            drawn = dict(zip(line.get_xdata(), line.get_ydata(), strict=True))
            assert drawn == {p["bits"]: p[key] for p in report["sweep"] if p["solver"] == solver}


def test_unproved_points_are_hollow(fragile: Path, tmp_path: Path) -> None:
    found = search(fragile, fragile_settings(1e-9, range(1, 6)), tmp_path / "search")
    assert {point.proved for point in found.sweep} == {True, False}
    factor, radius = figure_of(found).axes
    dots = [line for line in factor.lines if line.get_marker() == "o"]
    hollow = [line.get_markerfacecolor() == "white" for line in dots]
    assert hollow == [not point.proved for point in found.sweep]
    assert len([line for line in radius.lines if line.get_marker() == "o"]) == len(dots)


def test_unreachable(digits_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "search"
    run = ["search", str(digits_model), "--bits", "2-3", "--drive-bits", "4", "--readout-bits", "4", "--out", str(out)]
    run += ["--state-bits", "8", "--calibration-samples", str(SAMPLES), "--solver", "peaceman-rachford", "--jobs", "1"]
    assert main([*run, "--target-accuracy", "90"]) == 0
    assert "--config" in capsys.readouterr().out
    assert (out / "winner.json").exists()
    assert main([*run, "--target-accuracy", "100"]) == 6
    message = capsys.readouterr().err
    assert "100 %" in message and "Nearest" in message and "/4/4/8 bits" in message
    report = json.loads((out / "search.json").read_text())
    assert report["winner"] is None and not (out / "winner.json").exists()
    assert report["best"]["score"] == max(point["score"] for point in report["points"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no target given"),
        (["--target-accuracy", "0.98"], "expected percent"),
        (["--target-accuracy", "101"], "expected percent"),
        (["--target-accuracy", "nan"], "expected percent"),
        (["--target-radius", "0"], "positive"),
        (["--target-radius", "inf"], "positive"),
        (["--target-radius", "1", "--bits", "0-3"], "--bits is '0-3'"),
        (["--target-radius", "1", "--bits", "5-3"], "--bits is '5-3'"),
        (["--target-radius", "1", "--bits", "few"], "--bits is 'few'"),
        (["--target-radius", "1", "--state-bits", "1-8"], "within 2-32"),
        (["--target-radius", "1", "--solver", "newton"], "--solver is 'newton'"),
        (["--target-radius", "1", "--minimise", "watts"], "--minimise is 'watts'"),
        (["--minimise", "error", "--target-radius", "1"], "there are none"),
        (["--minimise", "latency", "--target-luts", "9"], "no target given"),
        (["--target-radius", "1", "--target-luts", "0"], "--target-luts is 0"),
        (["--target-radius", "1", "--target-interval", "inf"], "--target-interval is inf"),
        (["--target-radius", "1", "--iterations", "0-3"], "--iterations is '0-3'"),
        (["--target-radius", "1", "--bits", "3-"], "--bits is '3-'"),
        (["--target-radius", "1", "--iterations", "3-"], "--iterations is '3-'"),
        (["--target-radius", "1", "--reuse-factor", "1,,2"], "--reuse-factor is '1,,2'"),
        (["--target-radius", "1", "--reuse-factor", "1-999999999"], "at most 4096"),
        (["--target-radius", "1", "--reuse-factor", "1,99999"], "reuse-factor goes up to 99999"),
        (["--target-radius", "1", "--input-beat", "1,99999"], "input-beat goes up to 99999"),
        (["--target-radius", "1", "--input-bits", "4-18"], "input-bits goes up to 18"),
        (["--target-radius", "1", "--input-bits", "4-5", "--input-range", "0,1"], "one length"),
        (["--target-radius", "1", "--strategy", "rolled"], "--strategy is 'rolled'"),
        (["--target-radius", "1", "--jobs", "0"], "--jobs is 0"),
        (["--target-radius", "1", "--rounding", "up"], "--rounding is 'up'"),
        (["--target-radius", "1", "--rounding", "calibrated"], "calibration samples"),
        (["--target-accuracy", "98"], "needs test samples"),
        (["--target-accuracy", "98", "--data-dir", "nowhere"], "nowhere"),
        (["--target-accuracy", "98", "--data", "digits"], "64 inputs"),
    ],
)
def test_bad_input(
    given: list[str], message: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", str(small), *given, "--out", str(tmp_path / "search")]) == 2
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "search").glob("*.json*")) or (tmp_path / "search" / JOURNAL).read_text() == ""


def test_bad_places(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1").write_text("ten years of work")
    (tmp_path / "file").write_text("")
    for name in ("thesis", "file", "file/search", "/proc/search"):
        assert main(["search", str(small), "--target-radius", "1", "--out", str(tmp_path / name)]) == 2
        assert "--out" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1"]


def test_retrained_networks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = random_model(np.random.default_rng(0), 5, 4, 3)
    lowered = lower(network, LoweringOptions(4, rounding=NEAREST))
    retrained = network_of(QuantizedNetwork(lowered, iterations=9).stored(), network.preprocessing, "retrained")
    save(retrained, tmp_path / "retrained.pt")
    command = ["search", str(tmp_path / "retrained.pt"), "--target-radius", "1", "--out", str(tmp_path / "search")]
    assert main(command) == 2
    assert "word lengths are fixed" in capsys.readouterr().err
