"""A user's own samples end to end: train, compile, profile, verify, report, search and retrain on files and arrays.

Every figure is computed again here, from the outputs alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score

import mondeq_hw
from mondeq_hw import Project, load
from mondeq_hw.base.errors import EXIT_BAD_INPUT
from mondeq_hw.cli import main
from mondeq_hw.problem import logits
from mondeq_hw.verification import VerifyReport

pytestmark = pytest.mark.slow

COUNT = 600
NAMES = "speed,angle,load,force,torque,gear"
TARGETS = ["--targets", "force,torque"]
#: The samples that judge, from the definition: every fifth of NumPy's frozen permutation.
HELD_OUT = np.random.RandomState(0).permutation(COUNT)[::5]
KEPT = np.setdiff1d(np.arange(COUNT), HELD_OUT)


def samples() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three 8-bit sensors; two values of very different units, and three classes."""
    X = np.random.default_rng(0).integers(0, 256, size=(COUNT, 3))
    a, b, c = X.T / 255
    values = np.column_stack([0.5 * a * b, 1000 + 50 * np.abs(a - c)])
    return X, values, (a + b > c).astype(int) + (a > 0.6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as files of every kind."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    folder, (X, values, classes) = tmp_path_factory.mktemp("data"), samples()
    table = np.column_stack([X, values, classes])
    (folder / "s.csv").write_text("\n".join([NAMES, *(",".join(map(repr, row)) for row in table.tolist())]))
    parquet.write_table(pyarrow.table(dict(zip(NAMES.split(","), table.T, strict=True))), folder / "s.parquet")
    np.savez(folder / "s.npz", X=X, y=values, gear=classes)
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", values)
    np.save(folder / "test_X.npy", X[HELD_OUT])
    np.save(folder / "test_y.npy", values[HELD_OUT])
    return folder


@pytest.fixture(scope="module")
def network(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A network trained on the table's values, and what the command said of it."""
    file = tmp_path_factory.mktemp("network") / "model.pt"
    options = ["--n", "10", "--margin", "1", "--epochs", "15", "--batch-size", "32", "--learning-rate", "0.03"]
    npz = ["--calibration", str(folder / "s.npz")]
    return file, printed(["train", *npz, *options, "--out", str(file), "--plot", str(file.with_suffix(".svg"))])


def printed(command: list[str], capture: list[str] | None = None) -> dict[str, Any]:
    """What a command says with ``--json``."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as stream:
        assert main([*command, "--json"]) == 0
    return json.loads(stream.getvalue())


def check_fit(fit: dict[str, Any], outputs: np.ndarray, targets: np.ndarray, rtol: float = 1e-6) -> None:
    """Figures by output against those of scikit-learn and NumPy."""
    np.testing.assert_allclose(fit["r_squared"], r2_score(targets, outputs, multioutput="raw_values"), rtol=rtol)
    np.testing.assert_allclose(fit["error"]["rms"], np.sqrt(((outputs - targets) ** 2).mean(axis=0)), rtol=rtol)
    np.testing.assert_allclose(fit["error"]["largest"], np.abs(outputs - targets).max(axis=0), rtol=rtol)


def check_comparison(found: dict[str, Any], golden: np.ndarray, floating: np.ndarray, targets: np.ndarray) -> None:
    assert found["samples"] == len(targets)
    check_fit(found["golden"], golden, targets)
    check_fit(found["floating"], floating, targets, rtol=1e-4)  # the certificate keeps the float network on a grid
    away = golden - floating
    np.testing.assert_allclose(found["difference"]["rms"], np.sqrt((away**2).mean(axis=0)), rtol=1e-2)
    np.testing.assert_allclose(found["difference"]["largest"], np.abs(away).max(axis=0), rtol=1e-2)


def test_training_learns_values_of_any_unit(network: tuple[Path, dict[str, Any]]) -> None:
    file, said = network
    X, values, _ = samples()
    model = load(file)
    assert model.task == "values" and (model.d, model.k) == (3, 2)
    assert said["test"]["samples"] == COUNT // 5 and "seed 0" in said["data"]
    check_fit(said["test"]["floating"], logits(model, X[HELD_OUT]), values[HELD_OUT])
    assert said["test_r_squared"] == min(said["test"]["floating"]["r_squared"]) > 0.9
    np.testing.assert_allclose(model.preprocessing.mean, X[KEPT].mean(axis=0))
    np.testing.assert_allclose(model.preprocessing.std, X[KEPT].std(axis=0))
    assert file.with_suffix(".svg").exists()


SOURCES = {
    "csv": ["--calibration", "s.csv", *TARGETS],
    "parquet": ["--calibration", "s.parquet", "--targets", "3,4"],
    "npz": ["--calibration", "s.npz"],
    "npy": ["--calibration", "X.npy", "--targets", "y.npy"],
}


def placed(options: list[str], folder: Path) -> list[str]:
    """Options with the paths of their files; of a table without the classes."""
    return [str(folder / option) if (folder / option).is_file() else option for option in options]


@pytest.fixture(scope="module")
def build(folder: Path, network: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    out = tmp_path_factory.mktemp("npz") / "build"
    command = ["compile", str(network[0]), "--bits", "6", *placed(SOURCES["npz"], folder), "--out", str(out)]
    said = printed(command)
    assert said["data"] == "s.npz" and said["division"] == "every fifth of a shuffled order, seed 0"
    assert said["calibration_samples"] == COUNT * 4 // 5
    return Project.load(out)


def test_compile_compares_on_the_samples_held_out(build: Project, network: tuple[Path, dict[str, Any]]) -> None:
    X, values, _ = samples()
    found = build.report.to_dict()["comparison"]["value"]
    check_comparison(found, build.predict(X[HELD_OUT]), logits(load(network[0]), X[HELD_OUT]), values[HELD_OUT])
    assert min(found["golden"]["r_squared"]) > 0.85


def test_files_arrays_keywords_and_toml_are_one_interface(
    folder: Path, network: tuple[Path, dict[str, Any]], build: Project, tmp_path: Path
) -> None:
    X, values, _ = samples()
    model, wanted = network[0], build.program.digest
    npy = placed(SOURCES["npy"], folder)
    assert main(["compile", str(model), "--bits", "6", *npy, "--out", str(tmp_path / "npy")]) == 0
    (tmp_path / "c.toml").write_text(f'bits = 6\ncalibration = "{npy[1]}"\ntargets = "{npy[3]}"\n')
    assert main(["compile", str(model), "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "toml")]) == 0
    mondeq_hw.compile(model, tmp_path / "arrays", bits=6, calibration=(X, values))
    mondeq_hw.compile(model, tmp_path / "keywords", bits=6, calibration=folder / "s.npz", targets="y")
    pair = (X[HELD_OUT], values[HELD_OUT])
    apart = mondeq_hw.compile(model, tmp_path / "apart", bits=6, calibration=build_order(X), test=pair)
    assert apart.program.digest == wanted
    for name in ("npy", "toml", "arrays", "keywords"):
        project = Project.load(tmp_path / name)
        assert project.program.digest == wanted, name
        assert project.report.comparison == build.report.comparison


def build_order(X: np.ndarray) -> np.ndarray:
    """The training samples in the order of the division."""
    order = np.random.RandomState(0).permutation(COUNT)
    return X[order[np.arange(COUNT) % 5 != 0]]


def test_another_seed_divides_differently(folder: Path, network: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    npz = placed(SOURCES["npz"], folder)
    out = tmp_path / "build"
    said = printed(["compile", str(network[0]), "--bits", "6", *npz, "--split-seed", "3", "--out", str(out)])
    X, values, _ = samples()
    held_out = np.random.RandomState(3).permutation(COUNT)[::5]
    check_fit(said["comparison"]["value"]["golden"], Project.load(out).predict(X[held_out]), values[held_out])
    assert said["division"].endswith("seed 3")


@pytest.mark.parametrize("what", ["own division", "by the user", "folder"])
def test_profile_measures_against_targets_and_float_network(
    what: str, folder: Path, build: Project, network: tuple[Path, dict[str, Any]]
) -> None:
    X, values, _ = samples()
    options = {
        "own division": SOURCES["npz"],
        "by the user": ["--test", "test_X.npy", "--targets", "test_y.npy"],
        "folder": [],
    }
    said = printed(["profile", str(build.folder), *placed(options[what], folder)])
    floating = logits(load(network[0]), X[HELD_OUT])
    check_comparison(said["comparison"], build.predict(X[HELD_OUT]), floating, values[HELD_OUT])


def test_predict_reads_tables(folder: Path, build: Project, tmp_path: Path) -> None:
    X, _, _ = samples()
    (tmp_path / "X.csv").write_text("\n".join(["speed,angle,load", *(",".join(map(str, row)) for row in X[:4])]))
    np.savez(tmp_path / "X.npz", X=X[:4])
    for name in ("X.csv", "X.npz"):
        said = printed(["predict", str(build.folder), str(tmp_path / name)])
        np.testing.assert_array_equal(said["outputs"], build.predict(X[:4]))


def test_verify_says_what_the_equal_outputs_are_worth(
    folder: Path, build: Project, network: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The simulation itself is other tests' business."""
    X, values, _ = samples()
    seen = {}

    def verify(build: Path, words: np.ndarray, **options: Any) -> VerifyReport:
        seen["words"] = words
        return VerifyReport("", True, len(words), (), ())

    monkeypatch.setattr("mondeq_hw.verification.verify", verify)
    monkeypatch.setattr("mondeq_hw.folder.Build.add", lambda *arguments: None)
    said = printed(["verify", str(build.folder), *placed(SOURCES["npz"], folder)])
    np.testing.assert_array_equal(seen["words"], X[HELD_OUT])
    floating = logits(load(network[0]), X[HELD_OUT])
    check_comparison(said["comparison"], build.predict(X[HELD_OUT]), floating, values[HELD_OUT])


def test_report_takes_data_of_its_own(
    folder: Path, build: Project, network: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    X, values, _ = samples()
    npz = ["--test", str(folder / "s.npz"), "--test-targets", "y"]
    said = printed(["report", str(build.folder), *npz])
    assert said["data"] == "s.npz" and said["sizes"]["d"] == 3
    check_comparison(said["comparison"]["value"], build.predict(X), logits(load(network[0]), X), values)
    points = said["curves"]["outputs"]["value"]
    np.testing.assert_array_equal(points["targets"], values[:256])
    np.testing.assert_array_equal(points["outputs"], build.predict(X[:256]))
    np.testing.assert_allclose(points["floating"], logits(load(network[0]), X[:256]), rtol=1e-4, atol=1e-4)
    lengths = said["curves"]["word_lengths"]["value"]
    assert (lengths["calibration_samples"], lengths["test_samples"]) == (0, COUNT)
    page = (build.folder / "report" / "report.html").read_text()
    for title in ("Outputs against targets", "Outputs less targets", "Outputs against the float", "Outputs less those"):
        assert f'aria-label="{title}' in page
    again = printed(["report", str(build.folder)])
    assert again["comparison"]["value"]["samples"] == COUNT // 5
    assert again["curves"]["word_lengths"]["value"]["test_samples"] == COUNT // 5


def test_search_raises_the_worst_r_squared(folder: Path, network: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    X, values, _ = samples()
    lengths = ["--bits", "4-6", "--drive-bits", "6", "--readout-bits", "8", "--state-bits", "12"]
    out = tmp_path / "search"
    target = ["--target-r-squared", "0.8", "--solver", "peaceman-rachford", *lengths, "--jobs", "1", "--out", str(out)]
    said = printed(["search", str(network[0]), *placed(SOURCES["npz"], folder), *target])
    assert said["data"] == "s.npz" and said["winner"]["score"] >= 0.8
    winner = Project.load(compiled(network[0], out / "winner.json", tmp_path))
    kept = HELD_OUT[1::2]
    floating = logits(load(network[0]), X[kept])
    check_comparison(said["judgement"]["kept"], winner.predict(X[kept]), floating, values[kept])
    assert said["judgement"]["kept_score"] == min(said["judgement"]["kept"]["golden"]["r_squared"])


def compiled(model: Path, config: Path, folder: Path) -> Path:
    assert main(["compile", str(model), "--config", str(config), "--out", str(folder / "winner")]) == 0
    return folder / "winner"


def test_retraining_on_values(folder: Path, network: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    X, values, _ = samples()
    npz, out = placed(SOURCES["npz"], folder), tmp_path / "retrained.pt"
    options = ["--bits", "3", "--epochs", "4", "--batch-size", "32", "--out", str(out)]
    said = printed(["qat", str(network[0]), *npz, *options])
    project = mondeq_hw.compile(out, tmp_path / "build", calibration=X)
    floating = logits(load(network[0]), X[HELD_OUT])
    check_comparison(said["test"], project.predict(X[HELD_OUT]), floating, values[HELD_OUT])
    assert said["test_r_squared"] == min(said["test"]["golden"]["r_squared"]) > 0.8
    assert load(out).task == "values"


# -- classes -----------------------------------------------------------------


def test_classes_of_a_table(folder: Path, tmp_path: Path) -> None:
    """Three inputs, three classes, from a column of a table that holds other columns too."""
    X, _, classes = samples()
    data = ["--calibration", str(folder / "s.npz"), "--targets", "gear"]
    model, out = tmp_path / "gear.pt", tmp_path / "build"
    options = ["--n", "10", "--margin", "1", "--epochs", "10", "--batch-size", "32", "--learning-rate", "0.03"]
    said = printed(["train", *data, *options, "--out", str(model)])
    right = logits(load(model), X[HELD_OUT]).argmax(axis=1) == classes[HELD_OUT]
    assert said["test_accuracy"] == pytest.approx(100 * right.mean()) and right.mean() > 0.85
    built = printed(["compile", str(model), "--bits", "5", *data, "--out", str(out)])["comparison"]["value"]
    golden = Project.load(out).predict(X[HELD_OUT]).argmax(axis=1) == classes[HELD_OUT]
    assert built["golden"] == pytest.approx(golden.mean()) and built["floating"] == pytest.approx(right.mean())
    assert printed(["profile", str(out), *data])["comparison"] == built
    retrained = printed(["qat", str(model), "--bits", "2", *data, "--epochs", "3", "--out", str(tmp_path / "q.pt")])
    assert retrained["test"]["golden"] > 0.8 and load(tmp_path / "q.pt").task == "classes"


# -- what is refused ---------------------------------------------------------

BAD = {
    "a ragged table": (["compile", "MODEL", "--bits", "6", "--calibration", "ragged.csv"], "line 3 has 2 values"),
    "a missing value": (["compile", "MODEL", "--bits", "6", "--calibration", "nan.csv"], "is nan, not finite"),
    "another width": (["compile", "MODEL", "--bits", "6", "--calibration", "s.csv"], "6 inputs, but model.pt takes 3"),
    "an unknown column": (["profile", "BUILD", "--test", "s.csv", "--targets", "power"], "no column 'power'"),
    "too few columns": (["verify", "BUILD", "--test", "s.npz", "--targets", "gear"], "expects real numbers"),
    "no targets to train on": (["train", "--calibration", "X.npy"], "no train samples with targets"),
    "no targets to retrain on": (["qat", "MODEL", "--bits", "3", "--calibration", "X.npy"], "samples with targets"),
    "no data to retrain on": (["qat", "MODEL", "--bits", "3"], "name them by --calibration"),
    "no targets to search by": (
        ["search", "MODEL", "--target-r-squared", "0.9", "--calibration", "X.npy"],
        "needs test samples with targets",
    ),
    "tests without targets": (["compile", "MODEL", "--bits", "6", "--test", "X.npy"], "no test samples with targets"),
    "targets of nothing": (["report", "BUILD", "--targets", "y"], "--targets goes with a file"),
    "two sources": (["profile", "BUILD", "--data", "digits", "--test", "s.npz"], "one or the other"),
    "labels for values": (["train", "--calibration", "s.npz", "--task", "classes"], "one integer label a sample"),
    "no such file": (["train", "--calibration", "none.csv", "--targets", "y"], "cannot be read"),
    "a seed that is none": (["train", "--calibration", "s.npz", "--split-seed", "-1"], "--split-seed is -1"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_data_is_one_message_and_leaves_nothing(
    what: str,
    folder: Path,
    network: tuple[Path, dict[str, Any]],
    build: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "ragged.csv").write_text("1,2,3\n1,2,3\n1,2\n")
    (folder / "nan.csv").write_text("a,b,c\n1,2,3\n1,nan,3\n")
    monkeypatch.chdir(tmp_path)
    words, message = BAD[what]
    places = {"MODEL": str(network[0]), "BUILD": str(build.folder)}
    assert main(placed([places.get(word, word) for word in words], folder)) == EXIT_BAD_INPUT
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
