"""``benchmarks/paper.py``: what its authors recorded is reproduced, and our bound holds."""

from __future__ import annotations

import csv
import importlib
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
#: As many test images as the authors looked at; the script itself takes all of them.
IMAGES = 2560


@pytest.fixture
def script(monkeypatch):
    """Import a script of the benchmarks, which import each other by plain names."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def test_the_transition_is_at_the_recorded_place(script, shared, monkeypatch, tmp_path):
    transition, tables = script("paper_transition"), script("paper_tables")
    monkeypatch.setattr(transition, "BITS", (4, 8))
    points = transition.measure(script("published").load_published(shared))
    four, eight = points
    assert four.operator.ratio > 1 > eight.operator.ratio
    assert not four.forward_backward.converged and four.forward_backward.iterations == 2000
    assert eight.forward_backward.converged and eight.forward_backward.residual < 1e-5
    for point in points:  # the reflected form converges at both, and the compiler proves it
        assert point.row.converged and point.row_factor < 0.95
        assert 8 * point.row.iterations < eight.forward_backward.iterations
    recorded = tables.load_recorded(shared)
    for point in points:
        for key in ("delta_W_norm", "m_tilde", "L_tilde"):
            assert getattr(point.operator, key) == pytest.approx(
                recorded.value(point.bits, "quant_stats", key), rel=1e-3
            )
    transition.draw(points, tmp_path / "transition.png")
    assert (tmp_path / "transition.png").stat().st_size > 10_000


def test_recorded_violations_are_the_solvers_and_our_bound_has_none(script, shared, monkeypatch):
    displacement, tables = script("paper_displacement"), script("paper_tables")
    monkeypatch.setattr(displacement, "BITS", (12,))
    published = script("published").load_published(shared)
    (comparison,) = displacement.measure(replace(published, test=published.test.first(IMAGES)))
    recorded = tables.load_recorded(shared)
    assert comparison.as_recorded.satisfied == pytest.approx(
        recorded.value(12, "displacement", "fraction_satisfied"), abs=0.002
    )
    assert comparison.as_recorded.distance.mean() == pytest.approx(
        recorded.value(12, "displacement", "empirical_mean"), rel=0.01
    )
    assert comparison.exact.paper.violations == 0
    assert len(comparison.coarse.ours.bound) == IMAGES
    for case in (comparison.exact, comparison.fine, comparison.coarse):
        assert case.ours.violations == 0
    assert comparison.fine.posterior.violations == comparison.coarse.posterior.violations == 0
    # A bound that covers W alone does not survive a coarse drive.
    assert comparison.coarse.paper.violations > 0.9 * IMAGES


def test_tables(script, tmp_path, capsys):
    table = script("paper_tables").Table("name", "Title", ("bits", "value"), ((4, 1 / 3), (8, None)))
    table.write(tmp_path)
    assert "| 4 | 0.3333 |" in capsys.readouterr().out
    assert "| 8 |  |" in (tmp_path / "name.md").read_text()
    with (tmp_path / "name.csv").open() as stream:
        assert list(csv.reader(stream)) == [["bits", "value"], ["4", str(1 / 3)], ["8", ""]]


@pytest.mark.long
def test_retraining_is_kept_for_its_very_configuration(script, shared, tmp_path, monkeypatch):
    """Not trained twice; trained again for another number of epochs, or another seed."""
    retraining, published = script("paper_retraining"), script("published")
    model = published.load_published(shared)
    lowered, _ = published.compiled(model.model, published.LoweringOptions(2, drive_bits=4), model.calibration[:500])
    data = script("mondeq_hw.problem").mnist(shared / "data" / "mnist", "train").first(500)
    calls = []
    train = retraining.retrain
    monkeypatch.setattr(retraining, "retrain", lambda *a, **k: (calls.append(1), train(*a, **k))[1])
    first = retraining._retrained(model, lowered, data, 2, 1, 0, tmp_path)
    assert retraining._retrained(model, lowered, data, 2, 1, 0, tmp_path) == first and len(calls) == 1
    assert first.contraction_factor <= 0.95 and first.accuracy > 80
    assert retraining._retrained(model, lowered, data, 2, 2, 0, tmp_path).epochs == 2 and len(calls) == 2
    assert retraining._retrained(model, lowered, data, 2, 1, 1, tmp_path) != first and len(calls) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["retraining.json"]
