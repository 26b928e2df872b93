"""Bad input: one message that names the remedy, the documented exit code, nothing left behind."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import li_2026, parameters, plain, winston_kolter, write_npz, write_torch
from hostile import Bad, Canary, Case, P, assert_one_message, compile_args, compile_file, content, npz
from mnist_files import write_idx, write_mnist

from mondeq_hw.cli import main


def good(folder: Path) -> Path:
    return write_npz(folder / "good.npz", plain(P))


def options(*given: str) -> Case:
    """A good model with bad options."""
    return lambda folder: compile_args(good(folder), *given)


def state_dict(make: Callable[..., dict[str, np.ndarray]], key: str, value: Any, *given: str) -> Case:
    """A reference state_dict with one key changed or left out."""

    def case(folder: Path) -> list[str]:
        arrays = {name: array for name, array in {**make(P), key: value}.items() if array is not None}
        return compile_args(write_torch(folder / "m.pt", arrays), "--bits", "5", *given)

    return case


def with_nan(array: np.ndarray, value: float = np.nan) -> np.ndarray:
    changed = array.copy()
    changed.flat[0] = value
    return changed


def truncated(share: float, write: Callable[[Path], Path]) -> Case:
    def case(folder: Path) -> list[str]:
        file = write(folder)
        content = file.read_bytes()
        file.write_bytes(content[: int(len(content) * share)])
        return compile_args(file)

    return case


def torch_object(value: Any) -> Case:
    def case(folder: Path) -> list[str]:
        torch.save(value, folder / "m.pt")
        return compile_args(folder / "m.pt")

    return case


def malicious(folder: Path) -> list[str]:
    torch.save(
        {**{key: torch.tensor(value) for key, value in plain(P).items()}, "x": Canary(folder / "canary")},
        folder / "m.pt",
    )
    return compile_args(folder / "m.pt")


def malicious_legacy(folder: Path) -> list[str]:
    (folder / "m.pt").write_bytes(pickle.dumps(Canary(folder / "canary")))
    return compile_args(folder / "m.pt")


def malicious_npz(folder: Path) -> list[str]:
    arrays = {**plain(P), "W": np.array([Canary(folder / "canary")], dtype=object)}
    np.savez(folder / "m.npz", **arrays)
    return compile_args(folder / "m.npz")


def config_file(text: str, name: str = "c.toml") -> Case:
    def case(folder: Path) -> list[str]:
        (folder / name).write_text(text)
        return compile_args(good(folder), "--config", str(folder / name))

    return case


def own(metadata: dict[str, Any]) -> Case:
    def case(folder: Path) -> list[str]:
        arrays = {key: torch.tensor(value) for key, value in plain(P).items()}
        torch.save({"format": "mondeq-hw", "version": 1, "arrays": arrays, **metadata}, folder / "m.pt")
        return compile_args(folder / "m.pt")

    return case


def existing_folder(force: bool) -> Case:
    def case(folder: Path) -> list[str]:
        (folder / "build").mkdir()
        (folder / "build" / "thesis").write_text("ten years")
        return compile_args(good(folder), "--bits", "5", *(["--force"] if force else []))

    return case


def out(place: str) -> Case:
    def case(folder: Path) -> list[str]:
        (folder / "file").write_text("")
        return ["compile", str(good(folder)), "--bits", "5", "--out", place.format(folder=folder)]

    return case


def mnist_case(change: Callable[[Path], object]) -> Case:
    def case(folder: Path) -> list[str]:
        data = folder / "data"
        data.mkdir()
        write_mnist(data)
        change(data)
        return compile_args(good(folder), "--bits", "5", "--data-dir", str(data))

    return case


IMAGES = "train-images-idx3-ubyte"

FILES = [
    Bad("missing file", lambda f: compile_args(f / "none.pt"), "no such file"),
    Bad("directory", lambda f: compile_args(f), "not a file"),
    Bad("empty file", compile_file(b""), "empty"),
    Bad("text file", compile_file(b"hello, I am a model\n"), "not a checkpoint"),
    Bad("image file", compile_file(b"\x89PNG\r\n\x1a\n" + bytes(100)), "not a checkpoint"),
    Bad("short text", compile_file(b"abc"), "not a checkpoint"),
    Bad("zip of something else", lambda f: _zip_of_text(f), "zip file without a checkpoint"),
    Bad("truncated pt", truncated(0.6, lambda f: write_torch(f / "m.pt", plain(P))), "truncated or damaged"),
    Bad("head of a pt", truncated(0.01, lambda f: write_torch(f / "m.pt", plain(P))), "truncated or damaged"),
    Bad("truncated npz", truncated(0.5, lambda f: write_npz(f / "m.npz", plain(P))), "truncated or damaged"),
    Bad("truncated safetensors", truncated(0.7, lambda f: _safetensors(f)), r"damaged \.safetensors"),
    Bad(
        "safetensors header cut", truncated(0.05, lambda f: _safetensors(f)), r"damaged \.safetensors|not a checkpoint"
    ),
    Bad("corrupted npz member", lambda f: _corrupted_npz(f), "cannot be read"),
    Bad("legacy garbage", compile_file(b"\x80\x02garbage" * 20), "refused|damaged"),
    Bad("malicious pickle", malicious, "Nothing in it was executed"),
    Bad("malicious legacy pickle", malicious_legacy, "refused|damaged"),
    Bad("malicious npz", malicious_npz, "plain numeric arrays"),
    Bad("whole module", torch_object(torch.nn.Linear(2, 2)), "state_dict"),
    Bad("list of tensors", torch_object([torch.zeros(2)]), "holds a list"),
    Bad("single tensor", torch_object(torch.zeros(2)), "holds a Tensor"),
]

KEYS = [
    Bad("unknown keys", torch_object({"fc.weight": torch.zeros(2, 2)}), r"no known checkpoint format \(keys fc.weight"),
    Bad("empty state_dict", torch_object({}), "no known checkpoint format"),
    Bad("missing U", npz(U=None), "key 'U' is missing"),
    Bad("missing b", npz(b=None), "key 'b' is missing"),
    Bad("missing O", npz(O=None), "key 'O' is missing"),
    Bad("missing c", npz(c=None), "key 'c' is missing"),
    Bad("missing A and W", npz(A=None), "key 'W' is missing"),
    Bad("missing B", npz(B=None), "key 'B' is missing"),
    Bad("missing m", npz(m=None), "key 'm' is missing; add the margin m of the training, or give --margin"),
    Bad("shape of A", npz(A=np.ones((7, 6))), r"'A' has shape \(7, 6\); expected \(any, 7\)"),
    Bad("shape of B", npz(B=np.ones((6, 7))), r"'B' has shape \(6, 7\); expected \(7, 7\)"),
    Bad("shape of W", npz(W=np.ones((7, 6))), r"'W' has shape \(7, 6\); expected \(7, 7\)"),
    Bad("shape of U", npz(U=np.ones(7)), r"'U' has shape \(7,\)"),
    Bad("convolution", npz(U=np.ones((7, 5, 3, 3))), r"'U' has shape \(7, 5, 3, 3\).*is a convolution's"),
    Bad("shape of b", npz(b=np.ones(6)), r"'b' has shape \(6,\); expected \(7\)|expected \(7"),
    Bad("shape of O", npz(O=np.ones((3, 6))), r"'O' has shape \(3, 6\); expected \(any, 7\)"),
    Bad("shape of c", npz(c=np.ones(4)), r"'c' has shape \(4,\)"),
    Bad("no outputs", npz(O=np.ones((0, 7)), c=np.ones(0)), r"'O' is empty, of shape \(0, 7\)"),
    Bad("no inputs", npz(U=np.ones((7, 0))), r"'U' is empty, of shape \(7, 0\)"),
    Bad("m is a vector", npz(m=np.ones(3)), r"'m' has shape \(3,\)"),
    Bad("W-K missing key", state_dict(winston_kolter, "Wout.bias", None, "--margin", "1"), "'Wout.bias' is missing"),
    Bad("W-K without margin", state_dict(winston_kolter, "x", np.ones(1)), "m of its training with --margin[^0-9]*$"),
    Bad("Li missing key", state_dict(li_2026, "mon.core.S", None), "'mon.core.S' is missing"),
    Bad("Li wrong shape", state_dict(li_2026, "classifier.weight", np.ones((3, 3))), r"'classifier.weight' has shape"),
    Bad("Li and a margin", state_dict(li_2026, "x", np.ones(1), "--margin", "2"), "leave --margin out"),
]

NUMBERS = [
    Bad("NaN in U", npz(U=with_nan(P.U)), "'U' holds 1 NaN"),
    Bad("infinity in c", npz(c=with_nan(P.c, np.inf)), "'c' holds 1 NaN or infinite"),
    Bad("NaN margin", npz(m=np.float64(np.nan)), "'m' holds 1 NaN"),
    Bad("negative m", npz(m=np.float64(-0.5)), "margin m is -0.5; expected a positive"),
    Bad("zero m", npz(m=np.float64(0)), "margin m is 0; expected a positive"),
    Bad("NaN m_raw", state_dict(li_2026, "mon.core.m_raw", np.float64(np.nan)), "NaN"),
    Bad("W without a margin", npz(W=3 * np.eye(7), A=None, B=None, m=None), "monotonicity margin -2"),
    Bad("W with less than m", npz(W=0.9 * np.eye(7)), "stated margin m = 0.5 is larger"),
    Bad("complex", npz(U=P.U.astype(complex)), "type complex128; expected real"),
    Bad("text array", npz(b=np.array(["a"] * 7)), "expected real numbers"),
    Bad("booleans", npz(b=np.ones(7, dtype=bool)), "expected real numbers"),
    Bad("std of zero", npz(std=np.float64(0)), "std has the entry 0"),
    Bad("std of the wrong shape", npz(std=np.ones(3)), r"std has shape \(3,\)"),
    Bad("scale of zero", npz(scale=np.float64(0)), "scale is 0"),
    Bad("NaN mean", npz(mean=np.float64(np.nan)), "mean holds 1 NaN"),
    Bad("stored input_bits", npz(input_bits=np.float64(40)), "input_bits is 40; expected a whole number from 1 to 16"),
    Bad("own version", own({"version": 99}), "checkpoint version 99; expected up to"),
    Bad("own preprocessing", own({"preprocessing": "none"}), "'preprocessing' is no object"),
    Bad("own mean", own({"preprocessing": {"mean": "dark"}}), "mean has type"),
    Bad("own margin", own({"m": "large", "arrays": {"U": torch.ones(1, 1)}}), "m has type"),
]

OPTIONS = [
    Bad("no bits", lambda f: ["compile", str(good(f)), "--out", str(f / "build")], "--bits is missing; expected"),
    Bad("bits 0", options("--bits", "0"), "expected a whole number from 1 to 18"),
    Bad("bits 19", options("--bits", "19"), "--bits is 19"),
    Bad("bits -1", options("--bits", "-1"), "--bits is -1"),
    Bad("bits text", options("--bits", "five"), "--bits is .five.; expected a whole number"),
    Bad("bits fraction", options("--bits", "4.5"), "--bits is 4.5; expected a whole number"),
    Bad("solver", options("--bits", "5", "--solver", "newton"), "peaceman-rachford or forward-backward"),
    Bad("rounding", options("--bits", "5", "--rounding", "up"), "auto, nearest, spectral or calibrated"),
    Bad("granularity", options("--bits", "5", "--granularity", "column"), "row or tensor"),
    Bad("drive bits", options("--bits", "5", "--drive-bits", "19"), "--drive-bits is 19"),
    Bad("readout bits", options("--bits", "5", "--readout-bits", "0"), "--readout-bits is 0"),
    Bad("state bits", options("--bits", "5", "--state-bits", "1"), "--state-bits is 1; expected a whole number from 2"),
    Bad("input bits", options("--bits", "5", "--input-bits", "9"), "input-bits is 9; expected 1 to 8"),
    Bad("step size", options("--bits", "5", "--step-size", "-1"), "expected a positive number"),
    Bad("step size NaN", options("--bits", "5", "--step-size", "nan"), "expected a positive number"),
    Bad("step no power", options("--bits", "5", "--solver", "forward-backward", "--step-size", "0.3"), "power of two"),
    Bad("iterations 0", options("--bits", "5", "--iterations", "0"), "1 to 65535"),
    Bad("reuse factor 0", options("--bits", "5", "--reuse-factor", "0"), "at least 1"),
    Bad("reuse factor n*n+1", options("--bits", "5", "--reuse-factor", "50"), r"1 \(fully parallel\) to 49"),
    Bad("margin 0", state_dict(winston_kolter, "m", None, "--margin", "0"), "--margin is 0; expected a positive mono"),
    Bad("margin negative", options("--bits", "5", "--margin", "-1"), "--margin is -1, but the file stores m = 0.5"),
    Bad("margin NaN", options("--bits", "5", "--margin", "nan"), "--margin is nan; expected"),
    Bad("input std", options("--bits", "5", "--input-std", "0"), "--input-std is 0"),
    Bad("calibrated without data", options("--bits", "5", "--rounding", "calibrated"), "no calibration samples"),
    Bad("calibration samples", options("--bits", "5", "--calibration-samples", "0"), "at least 1"),
    Bad("unknown option", options("--bits", "5", "--speed", "9"), "--speed"),
    Bad("unknown command", lambda f: ["compil"], "compil"),
    Bad("no model", lambda f: ["compile", "--bits", "5"], "MODEL"),
    Bad("unknown config key", config_file("bits = 5\nstate_bitz = 8\n"), "did you mean 'state_bits'"),
    Bad("malformed config", config_file("bits == 5\n"), "not valid TOML"),
    Bad("malformed json", config_file("{", "c.json"), "not valid JSON"),
    Bad("config value", config_file("bits = 99\n"), r"c\.toml: bits is 99"),
    Bad("missing config", options("--config", "/nonexistent/c.toml"), "no such file"),
    Bad("config suffix", config_file("bits: 5", "c.yaml"), "ends in .toml or .json"),
]

FOLDERS = [
    Bad("existing folder", existing_folder(False), "--force"),
    Bad("force on a foreign folder", existing_folder(True), "not a folder written by mondeq-hw"),
    Bad("out is a file", out("{folder}/file"), "not a folder"),
    Bad("out below a file", out("{folder}/file/build"), "not a writable folder"),
    Bad("out in /proc", out("/proc/build"), "cannot be|not a writable"),
    Bad("out below /dev/null", out("/dev/null/build"), "not a writable folder"),
    Bad("out without a name", out(".."), "needs the name"),
]

DATA = [
    Bad("data name", options("--bits", "5", "--data", "cifar"), "digits or mnist"),
    Bad("mnist without a folder", options("--bits", "5", "--data", "mnist"), "--data-dir.*http"),
    Bad("missing data-dir", options("--bits", "5", "--data-dir", "/nonexistent"), "no such folder.*http"),
    Bad("digits with a folder", options("--bits", "5", "--data", "digits", "--data-dir", "."), "takes no --data-dir"),
    Bad("digits have 64 pixels", options("--bits", "5", "--data", "digits"), "64 inputs, but good.npz takes 5"),
    Bad("mnist has 16 pixels here", mnist_case(lambda d: None), "16 inputs, but good.npz takes 5"),
    Bad("empty data-dir", mnist_case(lambda d: [f.unlink() for f in d.iterdir()]), "holds neither train-images"),
    Bad("IDX magic", mnist_case(lambda d: (d / IMAGES).write_bytes(b"\0\0\x0d\3" + bytes(40))), "expected 00000803"),
    Bad("truncated IDX", mnist_case(lambda d: os.truncate(d / IMAGES, 50)), "truncated or damaged"),
    Bad("no gzip", mnist_case(lambda d: (d / IMAGES).rename(d / f"{IMAGES}.gz")), "cannot be read"),
    Bad("cut gzip", mnist_case(lambda d: _cut_gzip(d)), "cannot be read"),
    Bad("fewer labels", mnist_case(lambda d: write_idx(d / "train-labels-idx1-ubyte", np.zeros(5))), "but 5 labels"),
]

UNPROVED = [
    Bad(
        "no proof",
        lambda f: compile_args(_stiff(f), "--bits", "1", "--solver", "forward-backward", "--rounding", "nearest"),
        r"no proof of convergence at 1 bits .* contraction factor is \d+\.\d+, expected below 1.*--allow-uncertified",
        3,
    ),
]


def _zip_of_text(folder: Path) -> list[str]:
    with zipfile.ZipFile(folder / "m.pt", "w") as archive:
        archive.writestr("thesis.txt", "ten years")
    return compile_args(folder / "m.pt")


def _safetensors(folder: Path) -> Path:
    from safetensors.numpy import save_file

    save_file({key: np.asarray(value) for key, value in plain(P).items()}, folder / "m.safetensors")
    return folder / "m.safetensors"


def _corrupted_npz(folder: Path) -> list[str]:
    file = write_npz(folder / "m.npz", plain(P))
    content = bytearray(file.read_bytes())
    content[content.index(b"\x93NUMPY") + 3] ^= 0xFF
    file.write_bytes(content)
    return compile_args(file)


def _cut_gzip(folder: Path) -> None:
    packed = gzip.compress((folder / IMAGES).read_bytes())
    (folder / IMAGES).unlink()
    (folder / f"{IMAGES}.gz").write_bytes(packed[: len(packed) // 2])


def _stiff(folder: Path) -> Path:
    """A network whose margin is small against its Lipschitz constant."""
    p = parameters(seed=1, n=24, m=0.05)
    return write_npz(folder / "stiff.npz", {**plain(p), "B": 4 * p.B})


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


ALL = [*FILES, *KEYS, *NUMBERS, *OPTIONS, *FOLDERS, *DATA, *UNPROVED]


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_compile(bad: Bad, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = bad.case(tmp_path)
    before = content(tmp_path)
    code, stdout, stderr = run(arguments, capsys)
    assert_one_message(bad, code, stdout, stderr)
    assert content(tmp_path) == before


def test_more_than_thirty_cases() -> None:
    assert len(ALL) >= 100
    assert len({bad.name for bad in ALL}) == len(ALL)


# -- build folders -----------------------------------------------------------------------------------


def inputs(array: Any) -> Case:
    def case(folder: Path) -> list[str]:
        np.save(folder / "x.npy", array)
        return ["predict", str(folder / "build"), str(folder / "x.npy")]

    return case


def damaged(name: str, change: Callable[[bytes], bytes | None], command: str) -> Case:
    def case(folder: Path) -> list[str]:
        file = folder / "build" / name
        changed = change(file.read_bytes())
        file.unlink()
        if changed is not None:
            file.write_bytes(changed)
        np.save(folder / "x.npy", np.zeros((1, 5)))
        return [command, str(folder / "build"), *([str(folder / "x.npy")] if command == "predict" else [])]

    return case


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _other_iterations(content: bytes) -> bytes:
    scalars = json.loads(content)
    scalars["stages"][0]["iterations"] += 1
    return json.dumps(scalars).encode()


BUILDS = [
    Bad("wrong inputs", inputs(np.zeros((2, 4))), r"shape \(2, 4\); expected \(samples, 5\)"),
    Bad("NaN inputs", inputs(np.full((2, 5), np.nan)), "NaN"),
    Bad("text inputs", inputs(np.array([["a"]])), "real numbers"),
    Bad("complex inputs", inputs(np.zeros((2, 5), complex)), "real numbers"),
    Bad("scalar inputs", inputs(np.zeros(())), r"shape \(samples, d\)"),
    Bad("no inputs at all", inputs(np.zeros((0, 5))), r"shape \(samples, d\)"),
    Bad("pickled inputs", inputs(np.array([[None]], dtype=object)), "cannot be read as .npy"),
    Bad("missing inputs", lambda f: ["predict", str(f / "build"), str(f / "none.npy")], "no such file"),
    Bad("missing build", lambda f: ["verify", str(f / "none")], "no such folder"),
    Bad("foreign build", lambda f: ["verify", str(f)], "written by 'mondeq-hw compile'"),
    Bad("simulator", lambda f: ["verify", str(f / "build"), "--simulator", "modelsim"], "verilator"),
    Bad("rtl samples", lambda f: ["verify", str(f / "build"), "--rtl-samples", "0"], "--rtl-samples is 0; expected"),
    Bad("no program", damaged("program.npz", lambda c: None, "verify"), "no such file"),
    Bad("half a program", damaged("program.npz", _half, "predict"), "cannot be read"),
    Bad("half of program.json", damaged("program.json", _half, "predict"), "cannot be read"),
    Bad("changed program", damaged("program.json", _other_iterations, "predict"), "do not match its digest"),
    Bad("no stimulus", damaged("sim/words.npy", lambda c: None, "verify"), "compile again"),
    Bad("no certificate", damaged("certificate.json", lambda c: None, "certificate"), "compile again"),
    Bad("half a certificate", damaged("certificate.json", _half, "certificate"), "compile again"),
]


@pytest.mark.parametrize("bad", BUILDS, ids=lambda bad: bad.name)
def test_build_folder(bad: Bad, small_build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(small_build, tmp_path / "build")
    arguments = bad.case(tmp_path)
    before = content(tmp_path)
    capsys.readouterr()
    code, stdout, stderr = run(arguments, capsys)
    assert_one_message(bad, code, stdout, stderr)
    assert content(tmp_path) == before


# -- through the installed program -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["malicious pickle", "bits text", "unknown command", "NaN in U"])
def test_as_a_program(name: str, tmp_path: Path) -> None:
    bad = next(bad for bad in ALL if bad.name == name)
    arguments = bad.case(tmp_path)
    before = content(tmp_path)
    done = subprocess.run([sys.executable, "-m", "mondeq_hw", *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert_one_message(bad, done.returncode, done.stdout, done.stderr)
    assert content(tmp_path) == before


def test_a_bug_asks_for_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("wires crossed")

    monkeypatch.setattr("mondeq_hw.pipeline.lowered_by", broken)
    code, stdout, stderr = run(compile_args(good(tmp_path)), capsys)
    assert code == 1
    assert "Traceback" not in stdout + stderr and stderr.count("\n") == 1
    assert "RuntimeError: wires crossed" in stderr and "report" in stderr and "MONDEQ_DEBUG=1" in stderr
    assert not (tmp_path / "build").exists()
    monkeypatch.setenv("MONDEQ_DEBUG", "1")
    with pytest.raises(RuntimeError, match="wires crossed"):
        main(compile_args(good(tmp_path)))
