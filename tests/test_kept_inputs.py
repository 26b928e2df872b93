"""Networks on fewer inputs: which are kept, whole samples everywhere, files, retraining and bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mondeq_hw
from mondeq_hw.base import InputError
from mondeq_hw.cli import main
from mondeq_hw.problem import KeptInputs, MonDEQ, Preprocessing, load, logits, on_fewer_inputs, save
from mondeq_hw.problem.data import named

RNG = np.random.default_rng(3)
N, D, K = 6, 12, 3
KEPT = 7


def network(**changes: Any) -> MonDEQ:
    parts = {
        "W": 0.3 * RNG.standard_normal((N, N)) / N,
        "U": RNG.standard_normal((N, D)),
        "b": RNG.standard_normal(N),
        "O": RNG.standard_normal((K, N)),
        "c": np.zeros(K),
        "monotonicity_margin": 0.5,
        "preprocessing": Preprocessing(scale=1 / 16, mean=np.linspace(0, 1, D), input_bits=4),
    }
    return MonDEQ(**{**parts, **changes})


def words(samples: int = 200, still: tuple[int, ...] = ()) -> np.ndarray:
    drawn = RNG.integers(0, 16, size=(samples, D))
    drawn[:, list(still)] = 5
    return drawn


def test_what_never_moves_is_left_out_and_nothing_changes() -> None:
    model, still = network(), (0, 3, 4, 10, 11)
    raw = words(still=still)
    fewer = on_fewer_inputs(model, raw, KEPT)
    assert fewer.d == KEPT and fewer.kept == KeptInputs(D, (1, 2, 5, 6, 7, 8, 9))
    np.testing.assert_allclose(logits(fewer, fewer.inputs_of(raw)), logits(model, raw), atol=1e-9)


def test_the_inputs_that_are_left_out_move_the_drive_least() -> None:
    model, raw = network(), words()
    x = model.input_map.apply(raw)
    kept = on_fewer_inputs(model, raw, KEPT).kept
    moved = [np.square((x[:, [j]] - x[:, j].mean()) @ model.U[:, [j]].T).sum() for j in range(D)]
    assert kept is not None and set(kept.places) == set(np.argsort(moved)[-KEPT:].tolist())


def test_twice_is_once_and_a_range_of_each_input_follows() -> None:
    raw = words()
    ends = (np.arange(D, dtype=float), np.arange(D, dtype=float) + 15)
    ranged = network(preprocessing=Preprocessing(1, input_range=ends, input_bits=4))
    twice = on_fewer_inputs(on_fewer_inputs(ranged, raw, 9), raw[:, list(range(9))], 5)
    assert twice.kept is not None and twice.kept.given == D
    low = twice.input_map.input_range[0]
    np.testing.assert_array_equal(low, np.array(twice.kept.places))
    values = raw + ends[0]
    np.testing.assert_array_equal(twice.input_map.words.raw(twice.inputs_of(values)).raw, twice.inputs_of(raw))


@pytest.mark.parametrize("count", [0, D + 1])
def test_a_count_that_there_is_not(count: int) -> None:
    with pytest.raises(InputError, match=f"inputs is {count}; expected 1 to {D}"):
        on_fewer_inputs(network(), words(), count)


def test_outputs_that_take_inputs_directly_are_refused() -> None:
    with pytest.raises(InputError, match="take its inputs directly"):
        on_fewer_inputs(network(F=np.ones((K, D))), words(), KEPT)


@pytest.mark.parametrize(
    "plain", [3, {}, {"given": 4, "places": []}, {"given": 4, "places": [4]}, {"given": 4, "places": [1, 1]},
              {"given": 4, "places": [-1]}, {"given": "x", "places": [1]}]
)  # fmt: skip
def test_kept_inputs_that_are_none(plain: Any) -> None:
    with pytest.raises(InputError, match=r"kept inputs are .* some, none twice"):
        KeptInputs.from_plain(plain, "model.pt")


def test_a_file_that_keeps_another_number_than_it_takes(tmp_path: Path) -> None:
    fewer = on_fewer_inputs(network(), words(), KEPT)
    wrong = replace(fewer, preprocessing=replace(fewer.input_map, kept=KeptInputs(D, (1, 2))))
    save(wrong, tmp_path / "wrong.pt")
    with pytest.raises(InputError, match=f"keeps 2 inputs of a sample; expected {KEPT}"):
        load(tmp_path / "wrong.pt")


def test_a_file_of_either_kind_remembers_them(tmp_path: Path) -> None:
    fewer = on_fewer_inputs(network(), words(), KEPT)
    for name in ("fewer.pt", "fewer.safetensors"):
        save(fewer, tmp_path / name)
        assert load(tmp_path / name).kept == fewer.kept
    other = replace(fewer.input_map, kept=KeptInputs(D + 1, fewer.input_map.kept.places))
    assert replace(fewer, preprocessing=other).digest() != fewer.digest()


def test_retrained_on_fewer_inputs_whole_samples_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """qat, compile, predict, compare and their commands take what the data set has; the core takes the kept words."""
    start, file, folder = (tmp_path / name for name in ("small.pt", "fewer.pt", "build"))
    save(
        network(
            U=RNG.standard_normal((N, 64)),
            O=RNG.standard_normal((10, N)),
            c=np.zeros(10),
            preprocessing=Preprocessing(1 / 16, input_bits=5),
        ),
        start,
    )
    trained = mondeq_hw.qat(start, file, bits=3, inputs=40, epochs=2, patience=2, shift_pixels=1, data="digits")
    assert trained.model.d == 40 and trained.model.stored is not None
    project = mondeq_hw.compile(file, folder, data="digits", calibration_samples=50)
    assert project.program.d == 40 and "40 of a sample's 64 values" in (folder / "report" / "report.md").read_text()
    comparison = project.report.comparison.value
    assert comparison is not None and 100 * comparison.golden == pytest.approx(trained.metrics["test_accuracy"])

    whole = named("digits", None).judging.inputs[:9]
    kept = project.preprocessing.kept
    np.testing.assert_array_equal(project.predict(whole), project.predict(kept.of(whole)))
    np.save(tmp_path / "whole.npy", whole)
    capsys.readouterr()
    assert main(["predict", str(folder), str(tmp_path / "whole.npy")]) == 0
    assert len(capsys.readouterr().out.split()) >= 9
    with pytest.raises(InputError, match=r"expected \(samples, 40\) or \(samples, 64\), of which it takes 40"):
        project.predict(whole[:, :50])
    assert main(["profile", str(folder), "--data", "digits"]) == 0

    # Once more, and on fewer still: images are shifted whole.
    again = mondeq_hw.qat(
        file, tmp_path / "again.pt", bits=3, inputs=30, epochs=1, patience=1, shift_pixels=1, data="digits"
    )
    places = again.model.kept
    assert places is not None and again.model.d == 30 and places.given == 64 and set(places.places) < set(kept.places)


def test_retrained_integers_on_fewer_inputs_are_the_same_integers(tmp_path: Path, digits_model: Path) -> None:
    mondeq_hw.qat(digits_model, tmp_path / "all.pt", bits=3, epochs=1, patience=1, data="digits")
    model, raw = load(tmp_path / "all.pt"), named("digits", None).train.inputs
    fewer = on_fewer_inputs(model, raw, 48)
    assert fewer.kept is not None and fewer.stored is not None and model.stored is not None
    columns = model.stored.drive.integers[:, list(fewer.kept.places)]
    np.testing.assert_array_equal(fewer.stored.drive.integers, columns)
    outputs, before = logits(fewer, fewer.inputs_of(raw)), logits(model, raw)
    assert (outputs.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.95
