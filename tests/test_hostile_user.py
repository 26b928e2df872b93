"""Wrong values and places for every command but ``compile`` (``test_bad_input.py``), and odd but good ones."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from hostile import Bad, assert_one_message, content, npz

from mondeq_hw import save
from mondeq_hw.base.errors import InputError
from mondeq_hw.cli import main
from mondeq_hw.problem import load
from mondeq_hw.verification import BackendReport, VerifyReport

P = parameters()


def line(name: str, command: str, message: str, code: int = 2) -> Bad:
    return Bad(f"{name}: {command.split()[0]}", lambda folder: command.split(), message, code)


TRAINING = [
    line("no states", "train --n 0 --out t.pt", "--n is 0; expected a whole number of at least 1"),
    line("negative states", "train --n -1 --out t.pt", "--n is -1"),
    line("more states than memory", f"train --n {10**8} --out t.pt", "not enough memory; use a smaller network"),
    line("margin zero", "train --margin 0 --out t.pt", "--margin is 0; expected a positive number"),
    line("margin NaN", "train --margin nan --out t.pt", "--margin is nan; expected a positive number"),
    line("weight decay NaN", "train --weight-decay nan --out t.pt", "--weight-decay is nan; expected a number of at"),
    line("weight decay -1", "train --weight-decay -1 --out t.pt", "--weight-decay is -1; expected a number of at"),
    line("shift", "train --shift-pixels -1 --out t.pt", "--shift-pixels is -1; expected a whole number of at least 0"),
    line("seed", "train --seed -1 --out t.pt", "--seed is -1; expected a whole number from 0 to 9223372036854775807"),
    line("seed too long", f"train --seed {10**30} --out t.pt", "--seed is 1000000000000000000000000000000"),
    line("plot suffix", "train --plot p.xyz --out t.pt", r"--plot is p\.xyz; expected .* \.svg, \.png or \.pdf"),
    line("plot below a file", "train --plot file/p.png --out t.pt", "file is not a writable folder.*--plot"),
    line("plot is a folder", "train --plot a.png --out t.pt", r"--plot is a\.png"),
    line("nowhere to write", "train --n 2 --out /proc/t.pt", "/proc.*(cannot be written|not writable).*name another"),
    line("out below a file", "train --out file/t.pt", "file is not a writable folder; name another file by --out"),
    line("seed", "qat float.pt --bits 2 --seed -1 --out q.pt", "--seed is -1"),
    line("plot suffix", "qat float.pt --bits 2 --plot p.xyz --out q.pt", r"--plot is p\.xyz"),
    line("bits 19", "qat float.pt --bits 19 --out q.pt", "--bits is 19; expected a whole number from 1 to 18"),
]
BUILDS = [
    line("seed", "synth build --part ecp5-25 --seed -1", "--seed.*0"),
    line("seed too long", f"synth build --part ecp5-25 --seed {10**20}", "--seed"),
    line("clock", "synth build --part ecp5-25 --clock nan", "--clock is nan; expected 1 to 1000"),
    line("no tool", "synth build --part xc7a35t --flow vivado", "vivado is not on PATH", 5),
    line("seed", "bitstream build --board ulx3s-25f --seed -1", "--seed"),
    line("period 0", "export hls4ml build --out h --clock-period 0", "--clock-period is 0.0; expected a positive"),
    line("period NaN", "export hls4ml build --out h --clock-period nan", "--clock-period is nan"),
    line("no form", "export", "Missing command"),
    line("out is a folder", "predict build x.npy --out a.npy", r"a\.npy: cannot be written .*name another file"),
    line("out is no array", "predict build x.npy --out a.png", r"--out is a\.png; expected .* \.npy or \.csv"),
    line("out below a file", "predict build x.npy --out file/y.npy", "file/y.npy: cannot be written"),
    line("out is a folder", "export onnx build --out a.png", r"a\.png: cannot be written"),
    line("inputs are a folder", "predict build a.png", "cannot be read as .npy"),
    line("inputs are a folder", "verify build --inputs a.png", "cannot be read as .npy"),
    line("plot is a folder", "profile build --plot a.png", "cannot be written"),
    line("plot in a new folder", "profile build --plot new/er/a.doc", "a.doc: is no picture's name"),
]
LARGE = [
    Bad("diverged weights", npz(A=P.A * 1e150), r"W has an entry of .*e\+\d+; expected at most 1.84e\+19"),
    Bad("margin out of all bounds", npz(m=np.float64(1e300)), r"W has an entry of 1e\+300"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder, a checkpoint, a file and a folder where a file belongs."""
    folder = tmp_path_factory.mktemp("made")
    assert main(["compile", str(write_npz(folder / "m.npz", plain(P))), "--bits", "3", "--out", str(folder / "b")]) == 0
    (folder / "b").rename(folder / "build")
    save(load(write_npz(folder / "f.npz", plain(parameters(n=2, d=64, k=10)))), folder / "float.pt")
    np.save(folder / "x.npy", np.zeros((1, 5)))
    (folder / "file").write_text("")
    for name in ("a.png", "a.npy"):
        (folder / name).mkdir()
    return folder


@pytest.mark.parametrize("bad", [*TRAINING, *BUILDS], ids=lambda bad: bad.name)
def test_one_message_and_nothing_left(
    bad: Bad, made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    before = content(made)
    capsys.readouterr()
    code = main(bad.case(made))
    assert_one_message(bad, code, *capsys.readouterr())
    assert content(made) == before


@pytest.mark.parametrize("bad", LARGE, ids=lambda bad: bad.name)
def test_numbers_that_no_grid_holds(bad: Bad, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(bad.case(tmp_path))
    assert_one_message(bad, code, *capsys.readouterr())


@pytest.mark.parametrize(
    ("n", "d", "k", "bits", "zero"),
    [(1, 1, 1, 1, ""), (1, 3, 2, 16, ""), (2, 1, 1, 3, ""), (2, 2, 2, 2, "U"), (2, 2, 2, 2, "O"), (2, 2, 2, 2, "A")],
)
def test_the_smallest_networks(n: int, d: int, k: int, bits: int, zero: str, tmp_path: Path) -> None:
    """One state, input or output, and matrices of zeros, go through every command that needs no simulator."""
    arrays = plain(parameters(n=n, d=d, k=k))
    arrays |= {zero: np.zeros_like(arrays[zero])} if zero else {}
    build = str(tmp_path / "build")
    assert main(["compile", str(write_npz(tmp_path / "m.npz", arrays)), "--bits", str(bits), "--out", build]) == 0
    np.save(tmp_path / "x.npy", np.zeros((2, d)))
    assert main(["certificate", build]) == 0
    assert main(["predict", build, str(tmp_path / "x.npy")]) == 0
    assert main(["profile", build]) == 0
    assert main(["report", build, "--no-sweep"]) == 0
    assert main(["export", "onnx", build, "--out", str(tmp_path / "m.onnx")]) == 0


@pytest.mark.usefixtures("icarus")
def test_names_with_spaces_and_letters_of_other_alphabets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Relative, as they are typed."""
    (tmp_path / "två ord").mkdir()
    monkeypatch.chdir(tmp_path / "två ord")
    write_npz(Path("сеть 1.npz"), plain(P))
    np.save("x é.npy", np.zeros((1, 5)))
    assert main(["compile", "сеть 1.npz", "--bits", "3", "--out", "der Bau"]) == 0
    assert main(["verify", "der Bau", "--rtl-samples", "1", "--simulator", "icarus"]) == 0
    assert main(["report", "der Bau", "--no-sweep"]) == 0
    assert main(["export", "onnx", "der Bau", "--out", "ü.onnx"]) == 0
    assert main(["predict", "der Bau", "x é.npy", "--out", "é.npy"]) == 0
    assert np.load("é.npy").shape == (1, 3)
    assert sorted(path.name for path in Path().iterdir()) == ["der Bau", "x é.npy", "é.npy", "ü.onnx", "сеть 1.npz"]


def test_outputs_as_a_table(made: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(10).reshape(2, 5))
    for name in ("y.csv", "y.npy"):
        assert main(["predict", str(made / "build"), str(tmp_path / "x.npy"), "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "y.csv").read_text().startswith("y0,y1,y2\n")
    table = np.loadtxt(tmp_path / "y.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table, np.load(tmp_path / "y.npy"))


def test_missing_folders_are_made(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build, x, new = str(made / "build"), str(made / "x.npy"), tmp_path / "new"
    train = ["train", "--n", "2", "--epochs", "1", "--json", "--plot"]
    commands = {
        "a/y.npy": ["predict", build, x, "--out"],
        "b/c/y.csv": ["predict", build, x, "--out"],
        "d/p.svg": ["profile", build, "--plot"],
        "e/f/b.onnx": ["export", "onnx", build, "--out"],
        "h/i/t.pt": [*train, str(new / "g/t.png"), "--out"],
        "j/k/build": ["compile", str(made / "m.npz"), "--bits", "3", "--out"],
    }
    for name, command in commands.items():
        assert main([*command, str(new / name)]) == 0
    assert all((new / name).exists() for name in (*commands, "g/t.png"))


@pytest.mark.parametrize("command", ["report", "verify"])
def test_a_folder_that_cannot_be_written_takes_no_result_away(
    command: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder in the place of the file, which not even root replaces; the simulations are other tests' business."""
    build = tmp_path / "build"
    shutil.copytree(made / "build", build)
    name = {"report": "report.html", "verify": "verify.json"}[command]
    (build / "report" / name).mkdir()
    found = VerifyReport("", True, 7, (BackendReport("c++", "g++ 12", 7, 0, (), (), None, 0.0, None, None),), ())
    monkeypatch.setattr("mondeq_hw.verification.verify", lambda *arguments, **options: found)
    options = {"report": ["--no-sweep"], "verify": []}[command]
    for as_json in ([], ["--json"]):
        assert main([command, str(build), *options, *as_json]) == 2
        out, error = capsys.readouterr()
        assert f"{name}: cannot be written" in error and "make the folder writable" in error
        if as_json:
            assert json.loads(out)
        else:
            assert {"report": "# Report: ", "verify": "g++ 12"}[command] in out


def test_a_failed_write_keeps_the_old_file(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.pt"
    network = load(made / "m.npz")
    save(network, file)
    before = content(tmp_path)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.save", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device.; name another file"):
        save(network, file)
    assert content(tmp_path) == before


def test_control_c_while_training(tmp_path: Path) -> None:
    """Exit code 130, no traceback, and a state that the next run continues from."""
    command = [sys.executable, "-m", "mondeq_hw", "train", "--n", "4", "--out", "t.pt", "--json", "--epochs"]
    process = subprocess.Popen([*command, "100000", "--patience", "100000"], cwd=tmp_path, stderr=subprocess.PIPE)
    while not (tmp_path / "t.pt.state").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        err == b"mondeq-hw: interrupted; every whole epoch is kept in t.pt.state: the same command goes on from there\n"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"t.pt.state"}


def test_control_c_while_the_program_loads() -> None:
    code = "import sys; from unittest import mock; sys.modules['mondeq_hw.cli'] = None\n"
    code += "from mondeq_hw import __main__ as program\n"
    code += "with mock.patch('builtins.__import__', side_effect=KeyboardInterrupt): print(program.run())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("130\n", "")


def test_json_stays_json(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["certificate"], ["profile"], ["predict", str(made / "x.npy")], ["report", "--no-sweep"]):
        capsys.readouterr()
        assert main([command[0], str(made / "build"), *command[1:], "--json"]) == 0
        json.loads(capsys.readouterr().out)
