"""``benchmarks/seeds.py``: resumable, choices without the test set, and the documented table is its results file's."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from clusters import cluster, killed_after

from mondeq_hw.base import InputError, open_executor
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rounding.lower import lower
from mondeq_hw.rounding.options import LoweringOptions
from mondeq_hw.training.qat import certified_program, retrain

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def seeds(monkeypatch) -> ModuleType:
    """The script; scripts of the benchmarks import each other by plain names."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    torch.set_num_threads(1)
    return importlib.import_module("seeds")


@pytest.fixture
def study(seeds, tmp_path):
    """Two seeds, one word length, an epoch or two."""
    whole = seeds.digits_study(tmp_path)
    few = replace(whole.training.optimisation, epochs=2)

    def short(candidate):
        optimisation = replace(candidate.config.optimisation, epochs=2)
        return replace(candidate, config=replace(candidate.config, optimisation=optimisation))

    return replace(
        whole,
        training=replace(whole.training, n=12, optimisation=few),
        stand_in=replace(whole.stand_in, n=12, optimisation=replace(few, validation_share=0.3)),
        candidates=tuple(tuple(short(candidate) for candidate in some) for some in whole.candidates),
        seeds=(3, 4),
        bits=(2,),
    )


def without_time(results) -> set[str]:
    return {str(replace(entry, seconds=0.0) if hasattr(entry, "seconds") else entry) for entry in results.entries}


@pytest.mark.long
def test_a_killed_run_continues_and_a_finished_one_does_nothing(seeds, study, tmp_path, monkeypatch):
    calls = []

    def limited(*arguments):
        calls.append(arguments)
        if len(calls) == 7:  # four trials are to come before the twelve points are through
            raise KeyboardInterrupt
        return retrain(*arguments)

    monkeypatch.setattr(seeds, "retrain", limited)
    with pytest.raises(KeyboardInterrupt):
        seeds.run(study, seeds.Results(tmp_path / "killed.jsonl"))
    first = (tmp_path / "killed.jsonl").read_text()
    seeds.run(study, seeds.Results(tmp_path / "killed.jsonl"))
    assert (tmp_path / "killed.jsonl").read_text().startswith(first)
    assert len(calls) == 1 + 4 + 12
    assert not list(tmp_path.glob("*.state"))

    resumed = seeds.Results(tmp_path / "killed.jsonl")
    kinds = [type(entry).__name__ for entry in resumed.entries]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Floating": 3,
        "Trial": 4,
        "Choice": 3,
        "Retrained": 12,
        "Rounded": 3,
    }
    again = replace(study, folder=tmp_path / "again")
    again.folder.mkdir()
    straight = seeds.Results(tmp_path / "straight.jsonl")
    with (  # on two workers, of which one is killed: it changes the order of the lines, and nothing else
        cluster(2, BENCHMARKS) as (address, workers),
        killed_after(8, straight.file, workers[0]) as done,
        open_executor(2, address) as executor,
    ):
        seeds.run(again, straight, executor)
    assert done[0] < len(kinds)
    assert without_time(straight) == without_time(resumed)

    monkeypatch.setattr(seeds, "retrain", None)
    monkeypatch.setattr(seeds, "train", None)
    seeds.run(study, resumed)
    assert (tmp_path / "killed.jsonl").read_text().count("\n") == len(kinds)


def test_a_point_is_what_the_public_functions_give(seeds, study, tmp_path):
    results = seeds.Results(tmp_path / "points.jsonl")
    networks = seeds.Networks(study, results)
    candidate = study.candidates[0][1]
    seeds.retrain_all(networks, seeds.FINE_TUNED, [(candidate, 2, 4)])
    (point,) = seeds.Results(results.file).retrained(seeds.FINE_TUNED, candidate.method, 2)
    assert point.config.optimisation.seed == 4
    assert point.config.optimisation.learning_rate == candidate.config.optimisation.learning_rate
    options = LoweringOptions(2, drive_bits=4, readout_bits=6)
    result = retrain(lower(study.checkpoint, options, study.data.words), study.data, point.config)
    program, proof = certified_program(result.stored)
    right = GoldenModel(program).predict_raw(study.test.words).argmax(axis=1) == study.test.targets
    assert point.test_accuracy == pytest.approx(100 * float(np.mean(right)))
    assert point.contraction_factor == float(proof.contraction_factor) <= 0.95
    assert point.validation_accuracy == 100 * result.best.validation_score
    assert point.test_accuracy > 80


def test_more_seeds_leave_what_all_seeds_share(seeds, study, tmp_path):
    """Fine-tuning has one start, so that its rounding alone is one point."""
    results = seeds.Results(tmp_path / "points.jsonl")
    for some in (study, replace(study, seeds=(5, 6))):
        for seed in some.seeds:
            seeds.rounded(seeds.Networks(some, results), seeds.FINE_TUNED, 2, seed)
    assert [(entry.bits, entry.seed) for entry in results.entries] == [(2, 3)]


def test_choices_are_the_best_on_validation_images_and_see_no_others(seeds, study, tmp_path, monkeypatch):
    results = seeds.Results(tmp_path / "choices.jsonl")
    monkeypatch.setattr(seeds, "golden_accuracy", None)
    chosen = seeds.choose(seeds.Networks(study, results), study.candidates[0], 3)
    trials = [entry for entry in results.entries if isinstance(entry, seeds.Trial)]
    assert [trial.bits for trial in trials] == [3, 3]
    best = max(trials, key=lambda trial: trial.validation_accuracy)
    assert chosen.config.optimisation.learning_rate == best.config.optimisation.learning_rate
    assert {trial.config.optimisation.validation_share for trial in trials} == {0.3}
    # What is written down stays, whatever the candidates are later.
    other = (replace(study.candidates[0][0], config=replace(chosen.config, iterations=3)),)
    assert seeds.choose(seeds.Networks(study, seeds.Results(results.file)), other, 3) == chosen


def test_a_foreign_line_is_refused(seeds, tmp_path):
    file = tmp_path / "seeds.jsonl"
    file.write_text('{"kind": "choice", "method": "lotion"}\n')
    with pytest.raises(InputError, match="line 1: not a result"):
        seeds.Results(file)


# -- the committed results -----------------------------------------------------------------------------


@pytest.mark.parametrize("bits, least", [(4, 98.3), (3, 98.3), (2, 98.3), (1, 98.0)])
def test_the_figures_are_reached(seeds, bits, least):
    """Straight-through, on average over at least five seeds; from scratch with at most 0.2 points less."""
    results = seeds.Results(seeds.RESULTS)
    for mode, target in ((seeds.FINE_TUNED, least), (seeds.FROM_SCRATCH, least - 0.2)):
        points = results.retrained(mode, "straight-through", bits)
        assert len({point.seed for point in points}) == len(points) >= 5
        assert np.mean([point.test_accuracy for point in points]) >= target


def test_every_point_is_proved_narrow_and_made_as_was_chosen(seeds):
    results = seeds.Results(seeds.RESULTS)
    points = [entry for entry in results.entries if isinstance(entry, seeds.Retrained)]
    for point in points:
        assert point.contraction_factor <= 0.95 and point.drive_bits <= 4 and point.readout_bits <= 6
        chosen = results.choice(point.method, point.bits)
        same_seed = replace(point.config, optimisation=replace(point.config.optimisation, seed=0))
        assert same_seed == chosen.config
    for method in ("straight-through", "lotion", "lotion-sampled"):  # side by side
        seen = {(point.mode, point.bits, point.seed) for point in points if point.method == method}
        assert seen == {(point.mode, point.bits, point.seed) for point in points}


def test_the_documented_tables_are_those_of_the_results_file(seeds):
    tables = importlib.import_module("seeds_tables")
    page = (ROOT / "docs" / "training.md").read_text()
    results = seeds.Results(seeds.RESULTS)
    assert results.entries
    assert tables.document(results, page) == page
    with pytest.raises(InputError, match="no part between"):
        tables.document(results, "a page without markers")


def test_the_plot_is_drawn_from_the_results_file(seeds, tmp_path):
    tables = importlib.import_module("seeds_tables")
    tables.draw(seeds.Results(seeds.RESULTS), tmp_path / "seeds.png")
    assert (tmp_path / "seeds.png").stat().st_size > 10_000


def test_speed_of_workers_is_counted_in_rounds(seeds, study, tmp_path, monkeypatch):
    workers = importlib.import_module("workers")
    monkeypatch.setattr(workers, "EXECUTORS", (("one", 1, {}), ("other", 2, {})))
    starts = workers.tasks(study, 4, tmp_path)
    assert len({start.seed for start in starts}) == 4
    times = workers.measured(study, starts, rounds=2)
    assert len(times) == 2 and all(len(each) == 2 and min(each) > 0 for each in times)
    assert workers.table([[6.0, 4.0], [6.0, 3.0], [5.0, 2.0]]).rows == (
        ("one", 1, "1.00", "100%"),
        ("other", 2, "2.00", "100%"),
    )
