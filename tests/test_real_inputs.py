"""Values in the user's units: declared by format or range, refused or counted where no word stands for them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import write_npz
from random_models import random_model

import mondeq_hw
from mondeq_hw import InputError, MonDEQ, Preprocessing, load, save
from mondeq_hw.base import InputWarning
from mondeq_hw.boards import SerialSolver
from mondeq_hw.cli import main
from mondeq_hw.problem import InputWords, logits, own_format
from mondeq_hw.problem.checkpoint import Training
from mondeq_hw.program import GoldenModel

SIGNED = Preprocessing(0.5, 0.1, 0.7, input_format="ap_fixed<10,3>")
RANGED = Preprocessing(1.0, input_bits=9, input_range=([-1.0, 0.0, 2.0, -4.0, 0.5], [1.0, 5.0, 2.5, -2.0, 0.5]))
LOWS, HIGHS = RANGED.input_range


@pytest.fixture(scope="module")
def network() -> MonDEQ:
    """Of five real inputs, whose words nobody has declared."""
    return replace(random_model(np.random.default_rng(3), 6, 5, 3, margin=0.8), preprocessing=None)


@pytest.fixture(scope="module")
def model_file(network: MonDEQ, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("real") / "model.pt"
    save(network, file)
    return file


OPTIONS: dict[str, Any] = {"bits": 10, "drive_bits": 12, "readout_bits": 12, "state_bits": 16, "task": "values"}


@pytest.fixture(scope="module")
def ranged(network: MonDEQ, tmp_path_factory: pytest.TempPathFactory) -> mondeq_hw.Project:
    """With a range of its own for each input, and test samples in the user's units."""
    folder = tmp_path_factory.mktemp("ranged") / "build"
    X = np.random.default_rng(0).uniform(LOWS, HIGHS, size=(60, 5))
    y = logits(replace(network, preprocessing=Preprocessing(1.0, 1.0, 1.0)), X + 1)
    return mondeq_hw.compile(
        network, folder, calibration=X, test=(X, y), input_range=(LOWS, HIGHS), input_bits=9, **OPTIONS
    )


# -- declared ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments,shown,low,high",
    [
        (["--input-range", "-1,1", "--input-bits", "10"], "real numbers from -1 to 1 in 10 bits; x = value", -511, 511),
        (
            ["--input-format", "ap_fixed<10,3>", "--input-mean", "0.1", "--input-std", "0.5"],
            "multiples of 0.0078125 from -4 to 3.9921875 (ap_fixed<10,3>); x = (value - 0.1) / 0.5", -512, 511,
        ),
        (
            ["--input-format", "ap_fixed< 10, 3 >", "--input-bits", "6", "--input-scale", "2"],
            "multiples of 0.0078125 from -4 to 3.9921875 (ap_fixed<10,3>); x = 2 * value", -32, 31,
        ),
        (
            ["--input-range", "-1,0,0,-3,0:1,5,1,3,255", "--input-bits", "8"],
            "real numbers each of a range of its own within -3 to 255 in 8 bits; x = value", -127, 127,
        ),
        (["--input-format", "ap_ufixed<8,8>"], "whole numbers from 0 to 255 (ap_ufixed<8,8>); x = value", 0, 255),
    ],
)  # fmt: skip
def test_compile_says_what_the_inputs_are(
    arguments: list[str], shown: str, low: int, high: int, model_file: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    build = tmp_path / "build"
    assert main(["compile", str(model_file), "--bits", "9", "--out", str(build), *arguments]) == 0
    assert shown in " ".join(capsys.readouterr().out.split())
    project = mondeq_hw.Project.load(build)
    assert project.report.inputs == shown and f"Inputs: {shown}." in (build / "report" / "report.md").read_text()
    program = project.program
    assert project.check_certificate().accepted
    stimulus = np.load(build / "sim" / "words.npy")
    assert program.input_format.min_word <= stimulus.min() and stimulus.max() <= program.input_format.max_word
    raw = project.raw_inputs(project.preprocessing.words.within(np.full((1, 5), -1e9)), "saturate")
    assert project.golden.words(raw.raw).min() == low and program.input_format.max_word == high
    assert main(["certificate", str(build)]) == 0
    assert f"inputs: {shown}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["--input-range", "-1,1"], "--input-bits is missing; expected the length of the input range's words"),
        (["--input-range", "1,-1", "--input-bits", "8"], "goes from 1 to -1; expected finite, rising numbers"),
        (["--input-range", "1,2,3", "--input-bits", "8"], "--input-range is '1,2,3'; expected two numbers"),
        (["--input-range", "0,0,0:1,1", "--input-bits", "8"], "expected"),
        (["--input-range", "0,0,0:1,1,1", "--input-bits", "8"], "input range has shape (3,); expected () or (5,)"),
        (["--input-format", "float"], "input format is 'float'; expected ap_fixed<W,I> or ap_ufixed<W,I>"),
        (["--input-format", "ap_fixed<8,2,AP_TRN,AP_WRAP>"], "rounded by AP_RND and saturated by AP_SAT"),
        (["--input-format", "ap_fixed<64,2>"], "of up to 32 bits"),
        (["--input-format", "ap_fixed<8,2>", "--input-range", "0,1", "--input-bits", "8"], "give one of them"),
    ],
)  # fmt: skip
def test_wrong_declarations(
    arguments: list[str], message: str, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model_file), "--bits", "9", "--out", str(tmp_path / "build"), *arguments]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "build").exists()


def test_in_a_file_and_in_python(model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("bits = 9\ninput_range = [[-1, 0, 0, -3, 0], 4]\ninput_bits = 8\n")
    out = tmp_path / "a"
    assert main(["compile", str(model_file), "--config", str(tmp_path / "c.toml"), "--out", str(out), "--json"]) == 0
    ends = (np.array([-1, 0, 0, -3, 0]), 4)
    other = mondeq_hw.compile(model_file, tmp_path / "b", bits=9, input_range=ends, input_bits=8)
    np.save(tmp_path / "ends.npy", [[-1, 0, 0, -3, 0], [4] * 5])
    third = mondeq_hw.compile(model_file, tmp_path / "c", bits=9, input_range=str(tmp_path / "ends.npy"), input_bits=8)
    assert mondeq_hw.Project.load(out).program.digest == other.program.digest == third.program.digest


# -- off the grid of a declared format ---------------------------------------------

#: Not one of them is a multiple of 1/128; the nearest that there are, by hand.
BETWEEN = np.array([[0.3, -0.7, 1.001, 3.99, -3.999], [0.25, 0.1, 0.0, 1.5, -4.0]])
NEAREST = np.array([[38, -90, 128, 511, -512], [32, 13, 0, 192, -512]]) / 128
GRID = "expected multiples of 0.0078125 from -4 to 3.9921875 (ap_fixed<10,3>)"
FIRST = "6 of 10 values are no words, the first 0.3 (input 0 of sample 0, from 0)"


@pytest.fixture(scope="module")
def on_a_grid(network: MonDEQ, tmp_path_factory: pytest.TempPathFactory) -> mondeq_hw.Project:
    folder = tmp_path_factory.mktemp("grid") / "build"
    return mondeq_hw.compile(network, folder, input_format="ap_fixed<10,3>", **OPTIONS)


@pytest.mark.parametrize("method", ["predict", "trace", "profile", "compare", "verify"])
def test_python_refuses_what_is_off_the_grid(method: str, on_a_grid: mondeq_hw.Project) -> None:
    with pytest.raises(InputError) as caught:
        getattr(on_a_grid, method)(BETWEEN)
    said = str(caught.value)
    assert FIRST in said and GRID in said and "on_overflow saturate takes" in said


def test_python_rounds_and_counts_where_asked(on_a_grid: mondeq_hw.Project) -> None:
    said = "^of 10 input values, 6 rounded to its grid$"
    with pytest.warns(InputWarning, match=said):
        outputs = on_a_grid.predict(BETWEEN, on_overflow="saturate")
    np.testing.assert_array_equal(outputs, on_a_grid.predict(NEAREST))
    with pytest.warns(InputWarning, match=said):
        states = on_a_grid.trace(BETWEEN, on_overflow="saturate").states
    np.testing.assert_array_equal(states, on_a_grid.trace(NEAREST).states)
    with pytest.warns(InputWarning, match="of 10 input values, 1 saturated to the input's range and 5 rounded"):
        on_a_grid.predict(np.where(BETWEEN == 0.3, 4.0, BETWEEN), on_overflow="saturate")


@pytest.mark.parametrize("command", ["predict", "verify", "profile", "report"])
def test_commands_refuse_what_is_off_the_grid(
    command: str, on_a_grid: mondeq_hw.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "s.npz", X=BETWEEN, y=np.zeros((2, 3)))
    file = str(tmp_path / "s.npz")
    given = {
        "predict": [file],
        "verify": ["--inputs", file],
        "profile": ["--test", file],
        "report": ["--test", file, "--no-sweep"],
    }[command]
    assert main([command, str(on_a_grid.folder), *given]) == 2
    error = capsys.readouterr().err
    assert FIRST in error and GRID in error and "--on-overflow saturate" in error
    if command == "verify":
        return  # simulations are other tests' business
    assert main([command, str(on_a_grid.folder), *given, "--on-overflow", "saturate", "--json"]) == 0
    out, error = capsys.readouterr()
    assert "of 10 input values, 6 rounded to its grid" in error
    assert json.loads(out).get("rounded", 6) == 6


def test_samples_off_the_grid(
    network: MonDEQ, model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of compile and of training alike: an error that counts, or rounded, counted and written down."""
    X = np.random.default_rng(0).uniform(-1, 1, size=(50, 5))
    np.savez(tmp_path / "s.npz", X=X, y=X[:, :3])
    data = ["--calibration", str(tmp_path / "s.npz"), "--input-format", "ap_fixed<10,3>"]
    command = ["compile", str(model_file), "--bits", "10", *data, "--out", str(tmp_path / "build")]
    for refused in (command, ["train", *data, "--n", "4", "--out", str(tmp_path / "m.pt")]):
        assert main(refused) == 2
        error = capsys.readouterr().err
        assert "s.npz (train): 200 of 200 values are no words" in error
        assert GRID in error and "--input-range" in error and "--on-overflow saturate" in error
    assert main([*command, "--on-overflow", "saturate"]) == 0
    out, error = capsys.readouterr()
    said = "of 250 input values, 250 rounded to its grid"
    assert said in " ".join(out.split()) and "s.npz (test): of 50 input values, 50 rounded" in error
    project = mondeq_hw.Project.load(tmp_path / "build")
    assert project.report.overflow == said and said in (tmp_path / "build/report/report.md").read_text()
    rounded = np.floor(X * 128 + 0.5) / 128
    same = mondeq_hw.compile(
        network, tmp_path / "same", bits=10, input_format="ap_fixed<10,3>", calibration=(rounded, X[:, :3])
    )
    assert same.program.digest == project.program.replace(name=same.program.name).digest


# -- changes of the input -----------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "size", "raw", "text"),
    [
        (InputWords.over(-2.0, 3.0, 11), 0.25, 0.25 * 2046 / 5, "0.25"),
        (InputWords.over([0.0, 0.0, 2.0], [4.0, 4.0, 2.0], 8), 1.0, 255 / 4, "1"),
        (InputWords.over([0.0, -1.0], [1.0, 1.0], 9), 0.1, 51.0, "0.1 of its range"),
        (SIGNED.words, 0.5, 0.5, "0.5"),
    ],
)
def test_a_change_is_of_the_users_units_or_of_ranges_that_differ(
    words: InputWords, size: float, raw: float, text: str
) -> None:
    assert words.raw_change(size) == pytest.approx(raw) and words.change_in_words(raw) == text


def test_the_certificate_counts_changes_in_the_users_units(
    network: MonDEQ, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(network, tmp_path / "model.pt")
    X = np.random.default_rng(2).uniform(-1, 1, size=(40, 5))
    np.savez(tmp_path / "s.npz", X=X, y=np.arange(40) % 3)
    options = ["--input-range", "-1,1", "--input-bits", "10", "--eps", "0.01", "--eps-two", "0.5"]
    data = ["--calibration", str(tmp_path / "s.npz"), "--out", str(tmp_path / "build")]
    assert main(["compile", str(tmp_path / "model.pt"), "--bits", "9", *options, *data]) == 0
    assert "if no input moves by over 0.01," in capsys.readouterr().out
    project = mondeq_hw.Project.load(tmp_path / "build")
    line, gain = (project.certificate.line(name).values for name in ("robustness", "gain"))
    assert line["infinity_norm"]["eps"] == pytest.approx([5.11]) and line["two_norm"]["eps"] == pytest.approx([255.5])
    told = project.report.changes
    assert told.infinity_norm.eps == pytest.approx([0.01]) and told.two_norm.eps == pytest.approx([0.5])
    for norm, moves in (("infinity_norm", told.infinity_norm), ("two_norm", told.two_norm)):
        assert moves.quantiles == pytest.approx([raw / 511 for raw in line[norm]["quantiles"]])
        assert moves.shares == pytest.approx([held / line["samples"] for held in line[norm]["certified"]])
        assert moves.gains == pytest.approx([511 * most for most in gain[norm]])
    text = (tmp_path / "build" / "report" / "report.md").read_text()
    assert "differ by one in the 2-norm (in the inputs' units)" in text


# -- used --------------------------------------------------------------------------


def test_values_go_to_the_nearest_word(network: MonDEQ, ranged: mondeq_hw.Project) -> None:
    """By the formula of the documentation, input by input."""
    X = np.random.default_rng(1).uniform(LOWS, HIGHS, size=(40, 5))
    with np.errstate(invalid="ignore"):
        share = (X - (LOWS + HIGHS) / 2) / (HIGHS - LOWS) * 510
    words = np.where(LOWS == HIGHS, 0, np.floor(share + 0.5)).astype(int)
    expected = ranged.golden.predict_raw(words) * 2.0**-ranged.program.output_fractional_bits
    np.testing.assert_array_equal(ranged.predict(X), expected)
    np.testing.assert_array_equal(ranged.predict(words=words), expected)
    assert not ranged.trace(X).states.shape[1] - 40
    np.testing.assert_array_equal(ranged.trace(X).states, ranged.trace(words=words).states)
    floating = logits(replace(network, preprocessing=RANGED), RANGED.words.unrounded(X))
    assert np.abs(ranged.predict(X) - floating).max() < 0.05
    comparison = ranged.report.comparison.value
    assert comparison.scores[0] > 0.99 and comparison.scores[1] > 0.999


@pytest.fixture(scope="module")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of ``small_build``: whole numbers of eight bits."""
    file = tmp_path_factory.mktemp("pixels") / "X.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, size=(7, 5)).astype(float))
    return file


def with_a_300(X: np.ndarray) -> np.ndarray:
    return np.where(np.arange(X.size).reshape(X.shape) == 3, 300, X)


FAULTS = {
    "divided by 255": (lambda X: X / 255, "values are no words, the first 0."),
    "standardised": (lambda X: (X - X.mean()) / X.std(), "values lie outside, from -"),
    "negative": (lambda X: -1 - X, "35 of 35 values lie outside, from -"),
    "300 in 8 bits": (with_a_300, "1 of 35 values lie outside, from 300 to 300"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("command", ["predict", "verify", "profile"])
def test_what_was_taken_silently_is_refused(
    name: str, command: str, pixels: Path, small_build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, message = FAULTS[name]
    file = tmp_path / "X.npy"
    np.save(file, change(np.load(pixels)))
    given = {"predict": [str(file)], "verify": ["--inputs", str(file)], "profile": ["--calibration", str(file)]}[
        command
    ]
    assert main([command, str(small_build), *given]) == 2
    error = capsys.readouterr().err
    assert message in error and "expected whole numbers from 0 to 255 (ap_ufixed<8,8>)" in error
    assert "--on-overflow saturate" in error


@pytest.mark.parametrize("name", FAULTS)
def test_what_saturates_is_counted(
    name: str, pixels: Path, small_build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X = FAULTS[name][0](np.load(pixels))
    np.save(tmp_path / "X.npy", X)
    project = mondeq_hw.Project.load(small_build)
    clipped = np.clip(np.floor(X + 0.5), 0, 255)
    beyond = int(((np.floor(X + 0.5) < 0) | (np.floor(X + 0.5) > 255)).sum())
    off_grid = int(((np.abs(X - np.rint(X)) > 0) & (np.floor(X + 0.5) == clipped)).sum())
    arguments = ["predict", str(small_build), str(tmp_path / "X.npy"), "--on-overflow", "saturate", "--json"]
    assert main(arguments) == 0
    out, error = capsys.readouterr()
    found = json.loads(out)
    assert (found["saturated"], found["rounded"]) == (beyond, off_grid)
    assert f"of 35 input values, {beyond or off_grid} " in error
    np.testing.assert_array_equal(found["outputs"], project.predict(clipped))
    with pytest.warns(UserWarning, match="of 35 input values"):
        np.testing.assert_array_equal(project.predict(X, on_overflow="saturate"), project.predict(clipped))
    with pytest.warns(UserWarning, match="of 35 input values"):
        assert project.profile(X, on_overflow="saturate").quantity("input").saturations == beyond


def test_words_by_name(pixels: Path, small_build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X = np.load(pixels)
    np.save(tmp_path / "words.npy", X.astype(np.uint8))
    assert main(["predict", str(small_build), str(pixels)]) == 0
    values = capsys.readouterr().out
    assert main(["predict", str(small_build), str(tmp_path / "words.npy"), "--words"]) == 0
    assert capsys.readouterr().out == values
    assert main(["predict", str(small_build), str(pixels), "--words"]) == 2
    assert "input words are float64 from" in capsys.readouterr().err
    project = mondeq_hw.Project.load(small_build)
    for wrong in ({}, {"X": X, "words": X.astype(int)}):
        with pytest.raises(InputError, match="expected"):
            project.predict(**wrong)
    with pytest.raises(InputError, match="on_overflow is 'wrap'; expected error or saturate"):
        project.predict(X, on_overflow="wrap")
    with pytest.raises(InputError, match=r"inputs have shape \(7, 4\); expected \(samples, 5\)"):
        project.predict(X[:, 1:])


def test_calibration_beyond_the_declared_range_is_refused(network: MonDEQ, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 of 10 values lie outside, from 1.5 to 1.5; expected real .* declare its"):
        X = np.zeros((2, 5))
        X[1, 2] = 1.5
        mondeq_hw.compile(network, tmp_path / "b", bits=9, input_range=(-1, 1), input_bits=8, calibration=X)


def test_a_board_takes_the_same_values(ranged: mondeq_hw.Project) -> None:
    golden, words = GoldenModel(ranged.program), ranged.preprocessing.words
    solver = object.__new__(SerialSolver)  # the line itself has tests of its own
    solver.program, solver.inputs, solver.predict_raw = ranged.program, words, golden.predict_raw
    X = np.random.default_rng(4).uniform(LOWS, HIGHS, size=(9, 5))
    np.testing.assert_array_equal(solver.predict(X), ranged.predict(X))
    with pytest.raises(InputError, match="lie outside"):
        solver.predict(X + 10)
    assert InputWords.kept(ranged.program.input_format).format == ranged.program.input_format


# -- stored ------------------------------------------------------------------------


@pytest.mark.parametrize("preprocessing", [SIGNED, RANGED], ids=["format", "range"])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".npz"])
def test_files_keep_what_was_declared(
    preprocessing: Preprocessing, suffix: str, network: MonDEQ, tmp_path: Path
) -> None:
    model = replace(network, preprocessing=preprocessing)
    if suffix == ".npz":
        stated = {key: np.array(value) for key, value in preprocessing.to_plain().items()}
        file = write_npz(tmp_path / "m.npz", {**{key: getattr(model, key) for key in ("W", *"UbOc")}, **stated})
    else:
        file = tmp_path / f"m{suffix}"
        save(model, file)
    again = load(file)
    assert again.preprocessing is not None and again.preprocessing.to_plain() == preprocessing.to_plain()
    assert again.digest() == model.digest() != network.digest()
    raw = np.array([[3, -2, 5, 0, 1]])
    np.testing.assert_array_equal(logits(again, raw), logits(model, raw))


def test_readers_of_before_do_not_mistake_it(network: MonDEQ) -> None:
    versions = [own_format(replace(network, preprocessing=each), Training())[1]["version"] for each in (SIGNED, RANGED)]
    assert versions == [4, 4]
    whole = replace(network, preprocessing=Preprocessing(0.5))
    assert own_format(whole, Training())[1]["version"] == 1


def test_signed_programs_are_compiled_again_from_onnx(network: MonDEQ, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from mondeq_hw.export import onnx

    first = mondeq_hw.compile(replace(network, preprocessing=SIGNED), tmp_path / "a", **OPTIONS, input_bits=8)
    onnx.write(onnx.export(tmp_path / "a"), tmp_path / "a.onnx")
    second = mondeq_hw.compile(tmp_path / "a.onnx", tmp_path / "b", task="values", iterations=first.program.iterations)
    words = np.random.default_rng(0).integers(-128, 128, size=(20, 5))
    np.testing.assert_array_equal(first.predict_raw(words), second.predict_raw(words))
    np.testing.assert_array_equal(second.predict(words / 32), first.predict(words / 32))
    again = load(tmp_path / "a.onnx")
    save(again, tmp_path / "again.pt")
    assert load(tmp_path / "again.pt").stored.input_format == first.program.input_format


@pytest.mark.slow
def test_trained_on_real_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(300, 3))
    np.savez(tmp_path / "data.npz", X=X, y=(X[:, 0] > X[:, 1]).astype(int))
    data = ["--calibration", str(tmp_path / "data.npz")]
    out = ["--out", str(tmp_path / "m.pt"), "--epochs", "3", "--n", "6", "--json"]
    assert main(["train", *data, *out]) == 2
    assert "declare them by --input-range" in capsys.readouterr().err
    assert main(["train", *data, *out, "--input-range", "-2,2", "--input-bits", "8"]) == 0
    assert load(tmp_path / "m.pt").preprocessing.words.ends == (-127, 127)
    retrained = ["qat", str(tmp_path / "m.pt"), *data, "--bits", "4", "--epochs", "1", "--out", str(tmp_path / "q.pt")]
    assert main([*retrained, "--json"]) == 0
    assert main(["compile", str(tmp_path / "q.pt"), *data, "--out", str(tmp_path / "b"), "--json"]) == 0
    project = mondeq_hw.Project.load(tmp_path / "b")
    assert project.program.input_format.signed and project.predict(X[:5]).shape == (5, 2)
