"""``mondeq-hw train`` and ``mondeq-hw qat`` end to end on the embedded digits."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mondeq_hw.base.errors import EXIT_BAD_INPUT
from mondeq_hw.cli import main
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import load, load_checkpoint
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.training.qat import certified_program
from mondeq_hw.training.train import accuracy

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    file = tmp_path_factory.mktemp("train") / "small.pt"
    options = ["--n", "12", "--epochs", "3", "--learning-rate", "0.01", "--seed", "4", "--learn-margin"]
    assert main(["train", *options, "--out", str(file), "--json"]) == 0
    return file


def test_train_writes_a_checkpoint_with_its_origin(trained):
    checkpoint = load_checkpoint(trained)
    model, training = checkpoint.model, checkpoint.training
    assert (model.n, model.d, model.k) == (12, 64, 10)
    assert model.monotonicity_margin != pytest.approx(0.5, abs=1e-6)  # learnt
    assert training.seed == 4 and training.dataset == "digits"
    assert training.metrics["test_accuracy"] == pytest.approx(accuracy(model, digits("test")))
    assert training.metrics["test_accuracy"] > 70
    assert [file.name for file in trained.parent.iterdir()] == ["small.pt"]


@pytest.mark.parametrize("method", ["straight-through", "lotion", "lotion-sampled"])
def test_qat_writes_certified_integers(trained, tmp_path, capsys, method):
    file, curves = tmp_path / "retrained.safetensors", tmp_path / "curves.svg"
    options = ["--bits", "2", "--drive-bits", "3", "--readout-bits", "4", "--epochs", "2", "--method", method]
    assert main(["qat", str(trained), *options, "--out", str(file), "--plot", str(curves), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = load(file).stored
    assert [m.word_length for m in (stored.matrix, stored.drive, stored.readout)] == [2, 3, 4]
    program, proof = certified_program(stored)
    assert proof.contraction_factor <= 0.95
    assert printed["contraction_factor"] == pytest.approx(float(proof.contraction_factor))
    golden, test = GoldenModel(program), digits("test")
    right = golden.predict_raw(golden.words(test.words)).argmax(axis=1) == test.targets
    assert printed["test_accuracy"] == pytest.approx(100 * float(np.mean(right)))
    assert printed["test_accuracy"] > 60
    assert curves.exists()
    again = ["qat", str(file), "--out", str(tmp_path / "again.pt"), "--json"]
    assert main([*again, "--bits", "2"]) == EXIT_BAD_INPUT
    assert "drive_bits is 4, but the network was retrained for 3" in capsys.readouterr().err
    assert main([*again, *options, "--epochs", "1"]) == 0  # with its own it goes on
    assert json.loads(capsys.readouterr().out)["test_accuracy"] > 60


def test_a_network_of_few_updates_compiles_without_a_flag(trained, tmp_path, capsys):
    """Every format and the number of updates are the file's."""
    file, build = tmp_path / "fast.pt", tmp_path / "build"
    lengths = ["--bits", "3", "--drive-bits", "3", "--readout-bits", "5", "--state-bits", "7", "--input-bits", "3"]
    few = ["--updates", "3", "--contraction-limit", "0.7", "--epochs", "3", "--learning-rate", "0.05"]
    assert main(["qat", str(trained), *lengths, *few, "--out", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["contraction_factor"] <= 0.7 and printed["test_accuracy"] > 60
    assert main(["compile", str(file), "--out", str(build), "--json"]) == 0
    program = SolverProgram.load(build)
    assert program.iterations == 3 and program.input_format.word_length == 3
    assert (program.state_format.word_length, program.matrix.word_length, program.drive.word_length) == (7, 3, 3)
    golden, test = GoldenModel(program), digits("test")
    right = golden.predict_raw(golden.words(test.words)).argmax(axis=1) == test.targets
    assert printed["test_accuracy"] == pytest.approx(100 * float(np.mean(right)))
    assert main(["compile", str(file), "--state-bits", "9", "--out", str(tmp_path / "other")]) == EXIT_BAD_INPUT
    assert "retrained for 7" in capsys.readouterr().err
    assert main(["compile", str(file), "--iterations", "5", "--out", str(tmp_path / "more"), "--json"]) == 0
    assert SolverProgram.load(tmp_path / "more").iterations == 5


BAD = {
    "retrain for no updates": (["qat", "MODEL", "--bits", "2", "--updates", "0"], "--updates is 0; expected a whole"),
    "retrain a one-bit state": (["qat", "MODEL", "--bits", "2", "--state-bits", "1"], "--state-bits is 1; expected"),
    "train to another suffix": (["train", "--out", "model.onnx"], "ends in .pt"),
    "train on unknown data": (["train", "--data", "cifar"], "expected digits or mnist"),
    "train without a margin": (["train", "--margin", "0"], "--margin is 0; expected a positive number"),
    "train for no epochs": (["train", "--epochs", "0"], "--epochs is 0; expected a whole number of at least 1"),
    "train with a word for a number": (["train", "--epochs", "many"], "--epochs is 'many'; expected a whole number"),
    "retrain nothing": (["qat", "missing.pt", "--bits", "2"], "no such file"),
    "retrain without bits": (["qat", "missing.pt"], "--bits"),
    "retrain by an unknown method": (["qat", "MODEL", "--bits", "2", "--method", "magic"], "straight-through"),
    "retrain at no bits": (["qat", "MODEL", "--bits", "0"], "--bits is 0; expected a whole number from 1 to 18"),
    "retrain to an impossible limit": (
        ["qat", "MODEL", "--bits", "2", "--contraction-limit", "1.2"],
        "--contraction-limit is 1.2; expected a number above 0 and below 1",
    ),
    "retrain on other data": (["qat", "MODEL", "--bits", "2", "--data", "mnist"], "--data-dir"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_message_and_leaves_nothing(trained, tmp_path, monkeypatch, capsys, what):
    monkeypatch.chdir(tmp_path)
    arguments, expected = BAD[what]
    assert main([str(trained) if word == "MODEL" else word for word in arguments]) == EXIT_BAD_INPUT
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert expected in message
    assert list(tmp_path.iterdir()) == []


def test_an_existing_checkpoint_is_not_overwritten(trained, capsys):
    before = trained.read_bytes()
    assert main(["train", "--epochs", "1", "--out", str(trained)]) == EXIT_BAD_INPUT
    assert "exists already" in capsys.readouterr().err
    assert trained.read_bytes() == before
