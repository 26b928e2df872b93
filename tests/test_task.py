"""What outputs stand for: a network of real outputs from data to report, and who decides."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import Parameters, parameters, plain, write_npz
from sklearn.metrics import r2_score

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Preprocessing, Project
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.problem import CLASSES, VALUES, choose_task, digits, find_task, given, load, logits, task_of
from mondeq_hw.problem.load import Checkpoint
from mondeq_hw.program import GoldenModel
from mondeq_hw.report import REPORT_HTML
from mondeq_hw.report.doubts import _doubt
from mondeq_hw.rounding import LoweringOptions, assemble, lower
from mondeq_hw.search import Lattice, SearchSettings, Target, search, to_plain
from mondeq_hw.steps import choose_data
from mondeq_hw.training import (
    Optimisation,
    QatConfig,
    Regularised,
    Sampled,
    StraightThrough,
    TrainingConfig,
    certified_program,
    normalisation,
    retrain,
    train,
)
from mondeq_hw.training.loss import Units, squared_error

pytestmark = pytest.mark.slow

#: What is said of classifiers and pictures only.
FORBIDDEN = re.compile(r"class|accura|image|label", re.IGNORECASE)

SCALE, MEAN, STD = 1 / 255, 0.5, 0.29
CALIBRATION, TESTED = 200, 300


@pytest.fixture(scope="module")
def float_network() -> Parameters:
    """Three inputs, two outputs of different size."""
    p = parameters(seed=3, n=9, d=3, k=2, m=0.8)
    return replace(p, O=p.O * np.array([[1.0], [20.0]]), c=np.array([0.5, -3.0]))


@pytest.fixture(scope="module")
def samples(float_network: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Words and noisy targets."""
    rng = np.random.default_rng(5)
    X = rng.integers(0, 256, size=(CALIBRATION + TESTED, 3))
    exact = float_network.outputs((SCALE * X - MEAN) / STD)
    return X, exact + 0.1 * exact.std(axis=0) * rng.normal(size=exact.shape)


@pytest.fixture(scope="module")
def network_file(float_network: Parameters, tmp_path_factory: pytest.TempPathFactory) -> Path:
    extra = {"scale": SCALE, "mean": np.array(MEAN), "std": np.array(STD)}
    return write_npz(tmp_path_factory.mktemp("network") / "tank.npz", {**plain(float_network), **extra})


@pytest.fixture(scope="module")
def build(
    network_file: Path, samples: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """Compiled on arrays, with all curves."""
    X, y = samples
    folder = tmp_path_factory.mktemp("values") / "build"
    pair = (X[CALIBRATION:], y[CALIBRATION:])
    mondeq_hw.compile(network_file, folder, bits=6, calibration=X[:CALIBRATION], test=pair)
    assert main(["report", str(folder)]) == 0
    return Project.load(folder)


@pytest.fixture(scope="module")
def without_data(network_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("bare") / "build"
    assert main(["compile", str(network_file), "--bits", "6", "--task", "values", "--out", str(folder)]) == 0
    assert main(["report", str(folder), "--no-sweep"]) == 0
    return Project.load(folder)


# -- the texts ---------------------------------------------------------------


def visible(page: str) -> str:
    """What a page says: text, and what a screen reader reads; no style, no markup."""
    page = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    spoken = " ".join(re.findall(r'(?:aria-label|alt|title|data-path)="([^"]*)"', page))
    return re.sub(r"<[^>]*>", " ", page) + spoken


@pytest.mark.parametrize("name", ["build", "without_data"])
def test_no_text_speaks_of_classes(name: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(name).folder
    texts = [folder / file for file in ("report/report.json", "report/report.md", "README.md", "config.resolved.json")]
    found = [
        (text.name, match)
        for text in texts
        for match in re.findall(f".*?{FORBIDDEN.pattern}.*", text.read_text(), re.I)
    ]
    found += [("page", match) for match in FORBIDDEN.findall(visible((folder / REPORT_HTML).read_text()))]
    assert found == []
    assert "R squared" in (folder / REPORT_HTML).read_text()


def test_closing_lines_speak_of_no_class(
    network_file: Path, build: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, inputs = str(build.folder), tmp_path / "inputs.npy"
    np.save(inputs, build.build.stimulus[:2])
    commands = [
        ["compile", str(network_file), "--bits", "6", "--task", "values", "--out", str(tmp_path / "build")],
        ["profile", folder],
        ["predict", folder, str(inputs)],
        ["predict", folder, str(inputs), "--json"],
        ["certificate", folder],
        ["search", str(network_file), "--target-radius", "1", "--bits", "6", "--task", "values"],
    ]
    commands[-1] += ["--state-bits", "12", "--jobs", "1", "--out", str(tmp_path / "search")]
    for command in commands:
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert printed and not FORBIDDEN.search(printed), command
    assert not FORBIDDEN.search((tmp_path / "search" / "search.json").read_text())


def test_predict_prints_outputs_alone(build: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "inputs.npy", build.build.stimulus[:3])
    assert main(["predict", str(build.folder), str(tmp_path / "inputs.npy")]) == 0
    printed = np.array([line.split() for line in capsys.readouterr().out.splitlines()], dtype=float)
    np.testing.assert_allclose(printed, build.predict(build.build.stimulus[:3]), rtol=1e-5)


def test_the_certificate_makes_no_claim_about_classes(build: Project) -> None:
    assert not [line.name for line in build.certificate.lines if "class" in line.name]
    assert build.check_certificate().accepted


# -- the figures -------------------------------------------------------------


def test_figures_are_numpys(build: Project, float_network: Parameters, samples: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = samples[0][CALIBRATION:], samples[1][CALIBRATION:]
    integers = build.predict_raw(X) / 2.0**build.program.output_fractional_bits
    floating = float_network.outputs((SCALE * X - MEAN) / STD)
    found = json.loads((build.folder / "report/report.json").read_text())
    assert found["task"] == "values" and build.task is VALUES
    value = found["comparison"]["value"]
    assert value["samples"] == TESTED
    for name, outputs in (("golden", integers), ("floating", floating)):
        np.testing.assert_allclose(value[name]["r_squared"], r2_score(y, outputs, multioutput="raw_values"), rtol=1e-6)
        np.testing.assert_allclose(value[name]["error"]["rms"], np.sqrt(((outputs - y) ** 2).mean(axis=0)), rtol=1e-6)
        np.testing.assert_allclose(value[name]["error"]["largest"], np.abs(outputs - y).max(axis=0), rtol=1e-6)
    away = integers - floating
    np.testing.assert_allclose(value["difference"]["rms"], np.sqrt((away**2).mean(axis=0)), rtol=1e-5)
    np.testing.assert_allclose(value["difference"]["largest"], np.abs(away).max(axis=0), rtol=1e-5)
    assert min(value["golden"]["r_squared"]) > 0.97


def test_every_output_has_its_line_in_the_texts(build: Project) -> None:
    found = json.loads((build.folder / "report/report.json").read_text())["comparison"]["value"]
    markdown, page = ((build.folder / "report" / f"report.{suffix}").read_text() for suffix in ("md", "html"))
    for index in range(2):
        row = [f"{found['golden']['r_squared'][index]:.4f}", f"{found['golden']['error']['rms'][index]:.4g}"]
        assert f"| {index} | {row[0]} | {row[1]} |" in markdown
        place = f"comparison/value/golden/error/rms/{index}"
        assert re.search(f'data-path="{place}">{re.escape(row[1])}<', page)


def test_the_sweep_scores_by_r_squared(build: Project) -> None:
    found = json.loads((build.folder / "report/report.json").read_text())
    points = found["curves"]["word_lengths"]["value"]["points"]
    here = next(point for point in points if point["bits"] == 6)
    outputs = build.predict(build.build.stimulus)
    # The sweep has the 256 samples of the folder.
    assert here["score"] == pytest.approx(min(r2_score(build.build.targets, outputs, multioutput="raw_values")))
    assert points[0]["score"] < here["score"]


def test_outputs_are_drawn_against_targets(build: Project, without_data: Project) -> None:
    curve = json.loads((build.folder / "report/report.json").read_text())["curves"]["outputs"]["value"]
    np.testing.assert_array_equal(curve["targets"], build.build.targets)
    np.testing.assert_array_equal(curve["outputs"], build.predict(build.build.stimulus))
    page = (build.folder / REPORT_HTML).read_text()
    assert all(f'aria-label="{title}' in page for title in ("Outputs against targets", "Outputs less targets"))
    bare = json.loads((without_data.folder / "report/report.json").read_text())
    assert bare["curves"]["outputs"]["value"] is None and bare["comparison"]["value"] is None


def test_profile_measures_the_distance_of_outputs(build: Project, float_network: Parameters) -> None:
    X = build.build.stimulus
    convergence = build.profile().convergence
    away = build.predict(X) - float_network.outputs((SCALE * X - MEAN) / STD)
    assert convergence is not None
    np.testing.assert_allclose(convergence.outputs.rms, np.sqrt((away**2).mean(axis=0)), rtol=1e-4)
    np.testing.assert_allclose(convergence.outputs.largest, np.abs(away).max(axis=0), rtol=1e-4)


def test_search_raises_r_squared(network_file: Path, samples: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    X, y = samples
    lattice = Lattice(("peaceman_rachford",), range(2, 7), range(6, 7), range(6, 7), range(10, 13))
    settings = SearchSettings(CompileConfig(), lattice, Target(score=0.98))
    pair = (X[CALIBRATION:], y[CALIBRATION:])
    found = search(network_file, settings, tmp_path / "search", calibration=X[:CALIBRATION], test=pair)
    assert found.task is VALUES and found.winner is not None and found.judgement is not None
    options = asdict(found.winner.choice)
    built = mondeq_hw.compile(network_file, tmp_path / "build", **options, calibration=X[:CALIBRATION], test=pair)
    for first, score in ((0, found.judgement.selection_score), (1, found.judgement.kept_score)):
        half = slice(CALIBRATION + first, None, 2)
        assert score == pytest.approx(min(r2_score(y[half], built.predict(X[half]), multioutput="raw_values")))
    assert found.winner.score == found.judgement.selection_score >= 0.98
    assert "R squared of 0.98" in to_plain(found)["conclusion"]


def test_constant_targets_have_a_number() -> None:
    targets = np.array([[2.0, 2.0], [2.0, 2.0]])
    fit = VALUES.compare(np.array([[2.0, 2.0], [2.0, 2.5]]), targets, targets).golden
    assert fit.r_squared == (1.0, 0.0) and fit.score == 0.0


def test_values_that_all_miss_more_than_their_mean_are_doubted() -> None:
    """One bad output is a network that was trained so; the published collision-avoidance network has one."""
    targets = np.array([[0.0, 1.0], [2.0, 5.0], [4.0, 3.0]])
    for outputs, doubted in ((targets, False), (targets * [1, -1], False), (-targets, True)):
        found = VALUES.compare(targets, outputs, targets)
        doubt = _doubt(found, 2)
        assert (doubt is not None) == doubted
    assert doubt is not None and f"R squared {max(found.floating.r_squared):.3g}" in doubt


# -- who decides -------------------------------------------------------------


def network(k: int, task: str | None = None) -> MonDEQ:
    p = parameters(k=k)
    return MonDEQ(p.W, p.U, p.b, p.O, p.c, p.m, Preprocessing(1 / 255), task=task)


LABELS, REAL = np.array([0, 1, 1]), np.zeros((3, 2))


@pytest.mark.parametrize(
    "asked, stored, k, targets, expected",
    [
        ("values", "classes", 2, LABELS, VALUES),
        (None, "values", 2, LABELS, VALUES),
        (None, "classes", 2, None, CLASSES),
        (None, None, 2, LABELS, CLASSES),
        (None, None, 2, REAL, VALUES),
        (None, None, 2, None, CLASSES),
        (None, None, 1, None, VALUES),
        (None, None, 1, LABELS, VALUES),
    ],
)
def test_the_nearest_to_the_user_decides(asked, stored, k, targets, expected) -> None:
    assert choose_task(asked, network(k, stored), targets) is expected


def test_unknown_or_impossible_tasks_are_refused(float_network: Parameters, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="task is 'control'; expected classes or values"):
        find_task("control")
    with pytest.raises(InputError, match=r"needs at least 2\. Give task values"):
        choose_task("classes", network(1), None)
    with pytest.raises(InputError, match="task is 'control'; expected classes or values"):
        CompileConfig(task="control")
    file = write_npz(tmp_path / "m.npz", {**plain(float_network), "task": np.array("control")})
    with pytest.raises(InputError, match=r"m\.npz: task is 'control'"):
        load(file)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_checkpoint_keeps_the_task(suffix: str, tmp_path: Path) -> None:
    for task in (None, "values"):
        mondeq_hw.save(network(3, task), tmp_path / f"m{suffix}")
        assert load(tmp_path / f"m{suffix}").task == task
    write_npz(tmp_path / "m.npz", {**plain(parameters()), "task": np.array("values")})
    assert load(tmp_path / "m.npz").task == "values"


def test_targets_must_be_those_of_the_task(samples: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = samples[0][:10], samples[1][:10]
    model = replace(network(2), U=np.ones((7, 3)), preprocessing=Preprocessing(1 / 255))
    cases = [
        ({"task": "classes"}, {"test": (X, y)}, "expects one integer label a sample"),
        ({"task": "values"}, {"test": (X, np.zeros(10, dtype=int))}, r"real numbers \(samples, 2\)"),
        ({}, {"test": (X, np.full((10, 2), np.nan))}, "not finite"),
        ({}, {"test": (X, np.full(10, 2))}, "3 classes, but the model has 2 outputs"),
        ({}, {"test": (X, y[:9])}, "10 inputs, but targets of shape"),
        ({}, {"test": X}, "expected a pair of arrays"),
        ({}, {"test": (X / 255, y)}, "whole numbers"),
        ({}, {"calibration": X[:, :2]}, "a sample has 2 inputs"),
        ({}, {"calibration": X + 200}, "lie outside, .* expected whole numbers from 0 to 255"),
        ({"data": "digits"}, {"calibration": X}, "one or the other"),
    ]
    for options, arrays, message in cases:
        with pytest.raises(InputError, match=message):
            choose_data(CompileConfig(**options), Checkpoint(model), **arrays)


# -- training ----------------------------------------------------------------


def made_samples(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three 8-bit sensors; a product, and a fold that a relu can draw."""
    X = np.random.default_rng(seed).integers(0, 256, size=(count, 3))
    a, b, c = X.T / 255
    return X, np.column_stack([a * b, 5 * np.abs(a - c)])


@pytest.fixture(scope="module")
def trained() -> MonDEQ:
    data = given("train", *made_samples(1500, 0))
    config = TrainingConfig(n=16, margin=1.0, optimisation=Optimisation(12, 128, 0.02, patience=12))
    return train(config, data, normalisation(data, 1 / 255, 8)).model


def test_training_learns_values(trained: MonDEQ) -> None:
    X, y = made_samples(400, 1)
    assert trained.task == "values" and trained.k == 2
    assert VALUES.score(logits(trained, X), y) > 0.9


@pytest.mark.parametrize("learner", [StraightThrough, Regularised, Sampled])
def test_retraining_learns_values(trained: MonDEQ, learner: type) -> None:
    data, (X, y) = given("train", *made_samples(1500, 0)), made_samples(400, 1)
    lowered = lower(trained, LoweringOptions(bits=2, drive_bits=4, readout_bits=6, rounding="nearest"))
    config = QatConfig(Optimisation(8, 128, 0.02, patience=8))
    result = retrain(lowered, data, config, learner)
    program, _ = certified_program(result.stored)
    rounded = assemble(lowered.quantized, lowered.input_format, lowered.state_format, 64, certified=False)
    before, after = (VALUES.score(GoldenModel(each).predict(X), y) for each in (rounded, program))
    assert after > max(before, 0.7)


def test_drawn_values_have_the_variance_of_the_loss() -> None:
    """``E (dL/dy)^2`` over drawn targets is the curvature of the squared error, 2/k an output."""
    outputs = torch.zeros(20_000, 4, requires_grad=True)
    spread = torch.tensor([1.0, 10.0, 0.1, 3.0])
    loss = squared_error(Units(torch.zeros(4), spread))
    drawn = loss.drawn(outputs, torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(loss.mean(outputs, drawn) * len(outputs), outputs)
    np.testing.assert_allclose((gradient**2).mean(dim=0), 2 / 4 / spread**2, rtol=0.05)


def test_labels_are_classes_and_rows_are_values() -> None:
    assert task_of(digits("test").targets) is CLASSES
    assert task_of(np.zeros((4, 1))) is task_of(np.zeros(4)) is VALUES


# -- whether outputs say anything ----------------------------------------------------------


def test_outputs_that_say_no_more_than_a_constant() -> None:
    """Of a classifier only the order counts: logits of the wrong size with the right classes are no constant."""
    floating = np.array([[0.0, 1.0], [3.0, 0.0], [0.0, 3.0], [2.0, 0.0], [1.0, 0.0]])
    constant = np.tile(floating.mean(axis=0), (5, 1))
    half = np.column_stack([floating[:, 0], constant[:, 1]])
    for task, large, mixed in (("classes", [True, True], [True, True]), ("values", [False, False], [True, False])):
        informed = find_task(task).informed
        assert informed(floating, floating).all() and not informed(constant, floating).any()
        assert informed(9 * floating, floating).tolist() == large
        assert informed(half, floating).tolist() == mixed
        assert not informed(9 * floating[::-1], floating).any()
    assert find_task("values").informed(1e200 * floating, 1e200 * floating).all()
