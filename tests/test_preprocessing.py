"""Preprocessing comes from the file or from the user; where neither says it, compile asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import Parameters, li_2026, parameters, plain, winston_kolter, write_npz, write_torch
from stand_ins import mnist as write_mnist

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Preprocessing, load, save
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig
from mondeq_hw.problem import logits

MNIST_NETWORK = parameters(seed=0, n=6, d=784, k=10, m=1.0)
SMALL = parameters(m=1.0)


def without_scale(p: Parameters) -> dict[str, np.ndarray]:
    return {key: value for key, value in plain(p).items() if key != "scale"}


def source(name: str, folder: Path) -> Any:
    """A network whose preprocessing nobody stated."""
    if name == "plain arrays":
        return write_npz(folder / "m.npz", without_scale(SMALL))
    if name == "by hand":
        return MonDEQ(SMALL.W, SMALL.U, SMALL.b, SMALL.O, SMALL.c, 1.0)
    arrays = {"reference": winston_kolter(SMALL), "li 2026": li_2026(SMALL)}[name]
    return write_torch(folder / "m.pt", arrays)


@pytest.mark.parametrize("name", ["plain arrays", "by hand", "reference", "li 2026"])
def test_compile_asks(name: str, tmp_path: Path) -> None:
    given = source(name, tmp_path)
    with pytest.raises(InputError, match=r"neither the file nor an option says .* Give input_scale") as caught:
        mondeq_hw.compile(given, tmp_path / "build", bits=5, margin=1.0)
    assert "MNIST" not in str(caught.value) and not (tmp_path / "build").exists()
    project = mondeq_hw.compile(given, tmp_path / "build", bits=5, margin=1.0, input_scale=0.5)
    stated = {"scale": 0.5, "mean": 0.0, "std": 1.0, "input_bits": 8}
    assert project.report.model["preprocessing"] == stated


def test_command_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_torch(tmp_path / "m.pt", winston_kolter(SMALL))
    assert main(["compile", str(file), "--bits", "5", "--margin", "1", "--out", str(tmp_path / "build")]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and "--input-scale" in message


@pytest.mark.parametrize(("make", "given"), [(winston_kolter, {}), (li_2026, {"data": "mnist"})])
def test_a_reference_codes_mnist_network(make: Any, given: dict[str, Any], tmp_path: Path) -> None:
    """With MNIST's data as that code prepares them; without, the question suggests it."""
    file = write_torch(tmp_path / "m.pt", make(MNIST_NETWORK))
    suggested = "input_scale=0.00392156862745098 input_mean=0.1307 input_std=0.3081"
    with pytest.raises(InputError, match=f"trained on MNIST .*{suggested}, or name MNIST's folder by data_dir"):
        mondeq_hw.compile(file, tmp_path / "build", bits=5, margin=1.0)
    write_mnist(tmp_path / "data")
    project = mondeq_hw.compile(file, tmp_path / "build", bits=5, margin=1.0, data_dir=tmp_path / "data", **given)
    assert project.report.model["preprocessing"] == {
        "scale": 1 / 255,
        "mean": 0.1307,
        "std": 0.3081,
        "input_bits": 8,
    }


def test_mnist_data_alone_say_nothing_of_other_layouts(tmp_path: Path) -> None:
    write_mnist(tmp_path / "data")
    file = write_npz(tmp_path / "m.npz", without_scale(MNIST_NETWORK))
    with pytest.raises(InputError, match="neither the file nor an option says"):
        mondeq_hw.compile(file, tmp_path / "build", bits=5, data_dir=tmp_path / "data")


def test_one_number_for_each_input(tmp_path: Path) -> None:
    """In the API, on the command line, in a file of numbers and in TOML: the same integers as of the file's own."""
    scale, mean, std = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.linspace(-1, 1, 5), np.linspace(0.5, 2, 5)
    bare = write_npz(tmp_path / "bare.npz", without_scale(SMALL))
    stated = write_npz(tmp_path / "m.npz", {**plain(SMALL), "scale": scale, "mean": mean, "std": std})

    def integers(project: mondeq_hw.Project) -> tuple[Any, Any]:
        return project.program.drive.integers.tolist(), project.program.drive_bias.tolist()

    expected = integers(mondeq_hw.compile(stated, tmp_path / "stated", bits=5))
    arrays = {"input_scale": scale, "input_mean": mean, "input_std": std}
    assert integers(mondeq_hw.compile(bare, tmp_path / "api", bits=5, **arrays)) == expected

    np.save(tmp_path / "std.npy", std)
    lists = {key: ",".join(map(str, array.tolist())) for key, array in arrays.items()}
    options = ["--input-scale", lists["input_scale"], f"--input-mean={lists['input_mean']}"]
    command = ["compile", str(bare), "--bits", "5", *options, "--input-std", str(tmp_path / "std.npy"), "--json"]
    assert main([*command, "--out", str(tmp_path / "command")]) == 0
    assert integers(mondeq_hw.Project.load(tmp_path / "command")) == expected

    toml = "bits = 5\n" + "".join(f"{key} = {array.tolist()}\n" for key, array in arrays.items())
    (tmp_path / "c.toml").write_text(toml)
    assert main(["compile", str(bare), "--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "toml")]) == 0
    assert integers(mondeq_hw.Project.load(tmp_path / "toml")) == expected
    written = json.loads((tmp_path / "toml" / "config.resolved.json").read_text())
    assert written["requested"]["input_mean"] == mean.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_scale": "0.1,0.2"}, r"scale has shape \(2,\); expected one number or \(5,\)"),
        ({"input_scale": "0.1,-0.2,1,1,1"}, "input_scale is .*; expected a positive number, one for each input"),
        ({"input_std": [1.0, 0.0, 1, 1, 1]}, "input_std is .*; expected a positive number"),
        ({"input_mean": "dark"}, "input_mean is 'dark'; expected a finite number, one for each input"),
        ({"input_mean": [0.0, float("nan")]}, "input_mean is .*expected a finite number"),
        ({"input_mean": "none.npy"}, r"none\.npy: cannot be read as \.npy"),
        ({"input_mean": [[0.1]]}, "input_mean is .*expected a finite number"),
    ],
)
def test_vectors_that_are_none(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    file = write_npz(tmp_path / "m.npz", plain(SMALL))
    with pytest.raises(InputError, match=message):
        mondeq_hw.compile(file, tmp_path / "build", bits=5, **options)


def test_a_mean_without_a_scale_still_asks(tmp_path: Path) -> None:
    file = write_torch(tmp_path / "m.pt", winston_kolter(SMALL))
    with pytest.raises(InputError, match="Give input_scale"):
        mondeq_hw.compile(file, tmp_path / "build", bits=5, margin=1.0, input_mean=0.5)
    stored = write_npz(tmp_path / "m.npz", {**without_scale(SMALL), "mean": np.float64(0.5)})
    with pytest.raises(InputError, match="has mean, but not scale"):
        load(stored)


def test_unknown_stays_unknown_in_the_own_format(tmp_path: Path) -> None:
    model = load(winston_kolter(SMALL), margin=1.0)
    assert model.preprocessing is None
    save(model, tmp_path / "m.pt")
    assert load(tmp_path / "m.pt").preprocessing is None
    save(load(winston_kolter(SMALL), margin=1.0, preprocessing=Preprocessing(0.5, np.ones(5))), tmp_path / "n.pt")
    again = load(tmp_path / "n.pt").preprocessing
    assert again is not None and again.to_plain() == {"scale": 0.5, "mean": [1.0] * 5, "std": 1.0, "input_bits": 8}


def test_a_vector_of_scales_survives_the_own_format_and_onnx(tmp_path: Path) -> None:
    from mondeq_hw.export.onnx import float_model, write

    scale = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    model = load(plain(SMALL), preprocessing=Preprocessing(scale, 0.2, 0.7))
    save(model, tmp_path / "m.safetensors")
    write(float_model(model), tmp_path / "m.onnx")
    for file in ("m.safetensors", "m.onnx"):
        assert load(tmp_path / file).digest() == model.digest()


def test_config_keeps_plain_numbers() -> None:
    config = CompileConfig(bits=5, input_mean=np.array([0.1, 0.2]), input_scale=np.float32(0.5))
    assert config.input_mean == (0.1, 0.2) and config.input_scale == 0.5 and type(config.input_scale) is float


# -- implausible networks ----------------------------------------------------


@pytest.mark.long
def test_a_wrong_margin_is_noticed(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained with margin 20: the message proposes no number, and the number it once proposed raises a warning."""
    monkeypatch.setattr("mondeq_hw.proof.ellipsoid.MOST_ROWS", 0)  # how near it is proved to be is not asked here
    file = shared / "checkpoints" / "craft" / "mon_h40_m20.0.pt"
    command = ["compile", str(file), "--bits", "5", "--data-dir", str(shared / "data" / "mnist")]
    assert main([*command, "--out", str(tmp_path / "none")]) == 2
    message = capsys.readouterr().err
    assert "give the m of its training with --margin" in message
    assert not any(character.isdigit() for character in message.partition(".pt: ")[2])
    for margin, share, warned in (("1", 0.288, True), ("20", 0.956, False)):
        out = str(tmp_path / margin)
        assert main([*command, "--margin", margin, "--calibration-samples", "50", "--out", out]) == 0
        captured = capsys.readouterr()
        report = mondeq_hw.Project.load(out).report
        assert report.comparison.value.floating == pytest.approx(share, abs=0.002)
        assert (len(report.warnings) == 1) == warned == ("warning: the float network itself" in captured.err)
        assert ("**Warning:**" in (tmp_path / margin / "report" / "report.md").read_text()) == warned


def test_a_margin_that_nothing_has_judged_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, inputs = write_torch(tmp_path / "m.pt", winston_kolter(SMALL)), tmp_path / "X.npy"
    np.save(inputs, np.arange(40 * SMALL.U.shape[1]).reshape(40, -1) % 256)
    command = [
        "compile",
        str(file),
        "--bits",
        "6",
        "--margin",
        "1",
        "--input-scale",
        "0.004",
        "--calibration",
        str(inputs),
    ]
    assert main([*command, "--out", str(tmp_path / "build")]) == 0
    assert "nothing shows that --margin 1 is that of its training" in capsys.readouterr().err
    model = load(file, margin=1.0, preprocessing=Preprocessing(0.004))
    np.save(tmp_path / "y.npy", logits(model, np.load(inputs)).argmax(axis=1))
    assert main([*command, "--targets", str(tmp_path / "y.npy"), "--out", str(tmp_path / "judged")]) == 0
    assert "warning" not in capsys.readouterr().err


@pytest.mark.long
def test_the_published_collision_avoidance_network_on_its_table(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HCAS of CRAFT, margin 20: real inputs, five real scores of which the largest is the advice. One score is worse
    than its mean, as its loss was not symmetric, and no reason for doubt; with another margin all are far off."""
    table = np.load(shared / "checkpoints" / "craft" / "hcas.npz")
    chosen = np.random.default_rng(0).permutation(len(table["X"]))[:1500]
    X, y = table["X"][chosen], table["y"][chosen]
    options = {"input_range": (0.0, 1.0), "input_bits": 12, "input_mean": table["mean"], "input_std": table["std"]}
    options |= {"bits": 8, "calibration": X[:100], "test": (X[300:], y[300:])}
    file = shared / "checkpoints" / "craft" / "HCAS_p0_t0_mon_h100_m20.0.pt"
    monkeypatch.setattr("mondeq_hw.proof.ellipsoid.MOST_ROWS", 0)  # how near it is proved to be is not asked here
    right = mondeq_hw.compile(file, tmp_path / "right", margin=20.0, **options)
    assert right.report.warnings == () and right.report.task == "values"
    found = right.report.comparison.value
    assert found.floating.r_squared[0] > 0.4 and min(found.floating.r_squared) < 0
    assert (right.predict(X[300:]).argmax(axis=1) == y[300:].argmax(axis=1)).mean() == pytest.approx(0.896, abs=0.02)
    assert max(found.difference.rms) < 0.2 * min(found.floating.error.rms)
    wrong = mondeq_hw.compile(file, tmp_path / "wrong", margin=1.0, **options)
    assert wrong.program.certified and "every output of the float network" in wrong.report.warnings[0]
