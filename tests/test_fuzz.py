"""The fuzzing benchmark for some seconds: a case is checked, journalled and not run again, and a difference is seen."""

from __future__ import annotations

import sys
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from clusters import cluster, killed_after
from random_models import random_program

from mondeq_hw.base import open_executor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import fuzz  # noqa: E402

pytestmark = pytest.mark.slow


def test_a_case_is_checked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a simulator that is wrong here; the RTL, which comes before it, is right."""
    right = fuzz.simulator.sequence
    monkeypatch.setattr(
        fuzz.simulator,
        "sequence",
        lambda *args: [each._replace(outputs=[0] * len(each.outputs)) for each in right(*args)],
    )
    journal, amounts = tmp_path / "fuzz.jsonl", fuzz.Amounts(vectors=0, simulated=20, rtl=6)
    (outcome,) = fuzz.run(2, 1.0, amounts, journal)
    assert outcome.counts == {"rtl on icarus": 6}
    assert outcome.mismatch is not None and "simulator: sample" in outcome.mismatch
    journal.open("a").write('{"seed": 2, "case": 1')  # cut off
    assert fuzz.recorded(journal) == [outcome] == fuzz.run(2, 0.0, amounts, journal)
    found = fuzz.summary([outcome])
    assert found["equal"] == outcome.counts and len(found["mismatches"]) == 1


def test_a_simulator_that_fails_is_no_mismatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its case counts for nothing, and is run again."""

    def late(*args: object, **options: object) -> None:
        raise fuzz.SimulationError("the simulation ran longer than 1 s")

    journal, amounts = tmp_path / "fuzz.jsonl", fuzz.Amounts(vectors=0, simulated=5, rtl=6)
    with monkeypatch.context() as patched:
        patched.setattr(fuzz, "run_bench", late)
        (failed,) = fuzz.run(2, 0.01, amounts, journal)
    assert failed.failure == "the simulation ran longer than 1 s" and not failed.counts
    found = fuzz.summary([failed])
    assert not found["mismatches"] and len(found["failures"]) == 1
    (again,) = fuzz.run(2, 0.01, amounts, journal)
    counts = {"rtl on icarus": 6, "simulator": 5, "checker": 1, "exact solution": fuzz.SOLVED}
    assert again.counts == counts and again.failure is None
    assert fuzz.run(2, 0.0, amounts, journal) == [again]


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_every_kind_is_checked_and_its_certificate_too(kind: str) -> None:
    """By all but hardware; the first case of its kind that no warm start and no bound refuses."""
    campaign = fuzz.Campaign(11, "here", fuzz.Amounts(vectors=0, simulated=20, rtl=0))
    found = next(each for each in map(partial(fuzz.checked, campaign), count()) if each.kind == kind and each.counts)
    assert found.mismatch is None and found.failure is None
    solved = {} if kind == "recurrent network" else {"exact solution": fuzz.SOLVED}
    assert found.counts == {"simulator": 20, "checker": 1, **solved}


def test_an_output_beyond_its_bound_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = fuzz.logits
    monkeypatch.setattr(fuzz, "logits", lambda *args: exact(*args) * 1.5 + 1e3)
    campaign = fuzz.Campaign(11, "here", fuzz.Amounts(vectors=0, simulated=5, rtl=0))
    found = next(each for each in map(partial(fuzz.checked, campaign), count()) if each.kind == "problem")
    assert found.mismatch is not None and "farther from the exact one than was proved" in found.mismatch


@pytest.mark.long
def test_a_worker_that_is_killed_costs_its_cases_and_nothing_else(tmp_path: Path) -> None:
    amounts, alone, together = fuzz.Amounts(0, 5, 0), tmp_path / "alone.jsonl", tmp_path / "together.jsonl"
    cases = fuzz.run(2, 0.05, amounts, alone, jobs=2)
    with (
        cluster(2, ROOT / "benchmarks", ROOT / "tests") as (address, workers),
        killed_after(1, together, workers[0]) as done,
        open_executor(2, address) as executor,
    ):
        fuzz.run(2, 0.05, amounts, together, executor, jobs=2)
    assert len(cases) == 4 > done[0] and not any(case.mismatch for case in cases)
    assert sorted(together.read_text().splitlines()) == sorted(alone.read_text().splitlines())


def test_words_are_of_every_kind() -> None:
    program = random_program(3)
    words, form = fuzz.words_of(np.random.default_rng(0), program, 400), program.input_format
    assert words.min() == form.min_word and words.max() == form.max_word
    assert (np.isin(words, (form.min_word, form.max_word)).all(axis=1)).sum() > 20
    assert ((words == 0).sum(axis=1) >= 3).sum() > 10
