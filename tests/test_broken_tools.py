"""A tool that fails is no mismatch, and nothing it left in a cache spoils a later run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builds import emitted
from long_set import one_in
from random_models import random_program, random_words

from mondeq_hw.base import BrokenToolError, answer, computed, digests, is_stamped, run, stamp
from mondeq_hw.cli import main
from mondeq_hw.formal import Prover, ProverFailedError
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.rtl_tests.runner import BenchResult, run_bench
from mondeq_hw.rtl_tests.simulators import SimulationError
from mondeq_hw.rtl_tests.toolchain import BUILD_VARIABLES, RuntimeObject, runtime_objects, toolchain
from mondeq_hw.synthesis.tools import SynthTool, ToolFailedError, ToolRun
from mondeq_hw.verification.csim import CSimulation, CSimulationError
from mondeq_hw.verification.verify import verify

pytestmark = pytest.mark.slow

PROGRAM = random_program(2, n=2, d=2, k=1, bits=3, iterations=3)
WORDS = random_words(3, PROGRAM, 3)
EXPECTED = GoldenModel(PROGRAM).predict_raw(WORDS)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emitted(PROGRAM, tmp_path_factory.mktemp("broken_tools") / "build")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


def simulated(build: Path, work: Path, simulator: str = "icarus") -> BenchResult:
    return run_bench(build, work, words=WORDS, simulator=simulator, tests=("back_to_back",))


def right(result: BenchResult) -> bool:
    return result.ok and np.array_equal(result.outputs, EXPECTED)


def stand_in(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of another's name, first on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


# -- simulators ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "script", "last_line"),
    [
        ("iverilog", "echo no licence >&2; exit 1", "no licence"),
        ("vvp", 'case "$*" in *-V*) echo version 11;; *) echo libvpi.so: cannot open; exit 127;; esac', "libvpi.so"),
        ("vvp", "exit 0", "no results"),
    ],
    ids=["does not compile", "does not start", "ends at once"],
)
def test_a_broken_icarus_is_no_mismatch(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, script: str, last_line: str
) -> None:
    stand_in(tmp_path / "bin", program, script, monkeypatch)
    with pytest.raises(BrokenToolError, match=last_line) as error:
        simulated(build, tmp_path / "work")
    assert error.value.exit_code == 5 and "fails on an empty module too" in str(error.value)


def test_a_broken_compiler_is_no_mismatch_on_the_command_line(
    small_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(small_build, tmp_path / "build")
    np.save(tmp_path / "words.npy", np.zeros((2, 5), dtype=np.int64))
    monkeypatch.setenv("CXXFLAGS", "--no-such-flag")  # make reads it; the C++ is compiled without make
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    capsys.readouterr()
    assert main(["verify", str(folder), "--rtl-samples", "1"]) == 5
    complaint = capsys.readouterr().err
    assert "no-such-flag" in complaint and "Traceback" not in complaint and "MISMATCH" not in complaint
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_broken_gxx_is_no_mismatch(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "bin", "g++", 'echo "cc1plus: No such file" >&2; exit 1', monkeypatch)
    with pytest.raises(BrokenToolError, match="cc1plus"):
        verify(build, WORDS, simulators=(), work=tmp_path / "work")


def test_a_program_that_does_not_start_is_no_mismatch(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler whose programs find no library."""
    script = 'while [ "$1" != -o ]; do shift; done; echo "#!/nowhere" > "$2"; chmod +x "$2"'
    stand_in(tmp_path / "bin", "g++", script, monkeypatch)
    with pytest.raises(BrokenToolError, match="does not start"):
        CSimulation(build, tmp_path / "work")


@pytest.mark.parametrize(
    "end",
    [
        "kill -9 $$",
        "echo 'g++: fatal error: Killed signal terminated program cc1plus' >&2; exit 1",
        "echo '/tmp/x.s: No space left on device' >&2; exit 1",
    ],
    ids=["killed", "memory", "disk"],
)
def test_a_compiler_that_the_machine_ended_is_no_mismatch(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Of a large program alone: the probe compiles."""
    script = f'case "$*" in *mondeq_tb.cpp*) {end};; *) exec {shutil.which("g++")} "$@";; esac'
    stand_in(tmp_path / "bin", "g++", script, monkeypatch)
    with pytest.raises(BrokenToolError, match=r"ended by the machine, so nothing was compared"):
        CSimulation(build, tmp_path / "work")


def test_a_simulation_that_the_machine_ended_is_no_mismatch(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f'case "$*" in *-V*) exec {shutil.which("vvp")} "$@";; *) kill -9 $$;; esac'
    stand_in(tmp_path / "bin", "vvp", script, monkeypatch)
    with pytest.raises(BrokenToolError, match=r"ended by the machine, .*code -9"):
        simulated(build, tmp_path / "work")


def test_a_program_without_a_processor_is_not_one_without_an_end() -> None:
    """Seconds are those of the processor; the busy machine is one that gives none."""
    assert computed(["sh", "-c", "echo done"], 10.0, stdout=subprocess.PIPE, text=True).stdout == "done\n"
    with pytest.raises(subprocess.TimeoutExpired):
        computed(["sh", "-c", "while :; do :; done"], 1.0)
    with pytest.raises(BrokenToolError, match=r"sleep did not end in 2 s, .* less than 0\.1 s of a processor"):
        computed(["sleep", "60"], 0.1)


def test_what_ends_a_program_early_ends_all_that_it_started(tmp_path: Path) -> None:
    """Also what it has to remove first, as compilers their temporary files."""
    scratch = tmp_path / "scratch"
    script = f"trap 'rm {scratch}; exit 1' TERM; touch {scratch}; sleep 300 & echo $!; wait"
    with (tmp_path / "said").open("w") as said, pytest.raises(subprocess.TimeoutExpired):
        run(["sh", "-c", script], 3.0, stdout=said)
    child = int((tmp_path / "said").read_text())
    assert not scratch.exists()
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_closed_terminal_unwinds_the_stack_and_nohup_is_kept(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    try:
        signal.signal(number, signal.SIG_DFL)
        assert main(["--version"]) == 0
        with pytest.raises(SystemExit) as left:
            signal.raise_signal(number)
        assert left.value.code == 128 + number
        signal.signal(number, signal.SIG_IGN)
        assert main(["--version"]) == 0 and signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_control_c_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(folder: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mondeq_hw.project.Project.load", interrupted)
    assert main(["prove", "build"]) == 130
    assert "interrupted; nothing half-written stays" in capsys.readouterr().err


def test_tools_that_do_not_start_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that is missing, for one: no traceback, wherever the tool is asked or run."""
    nothing = tmp_path / "nothing"
    nothing.write_text("#!/nowhere\n")
    nothing.chmod(0o755)
    assert answer([str(nothing)]) == ""
    with pytest.raises(ToolFailedError, match="yosys does not start: No such file") as failed:
        ToolRun(SynthTool("yosys", (str(nothing),), "", "(x)"), (), (), ()).execute(tmp_path, lambda *_: None)
    assert failed.value.exit_code == 5
    prover = Prover(str(nothing), str(nothing), str(tmp_path), None)
    with pytest.raises(ProverFailedError, match="nothing does not start: No such file") as refused:
        prover.translate((), tmp_path)
    assert refused.value.exit_code == 5


def test_a_gxx_that_does_not_start_is_no_mismatch(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "bin", "g++", "", monkeypatch)
    (tmp_path / "bin" / "g++").write_text("#!/nowhere\n")
    with pytest.raises(BrokenToolError, match="does not start"):
        CSimulation(build, tmp_path / "work")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rtl/src/mondeq_top.sv", "endmodule", "endmodul"),
        ("rtl/src/mondeq_top.sv", "module mondeq_top", "module other"),
    ],
    ids=["syntax", "no top"],
)
def test_a_wrong_design_is_the_designs_fault(build: Path, tmp_path: Path, file: str, old: str, new: str) -> None:
    folder = shutil.copytree(build, tmp_path / "build")
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    with pytest.raises(SimulationError) as error:
        simulated(folder, tmp_path / "work")
    assert error.value.exit_code == 4


def test_wrong_cpp_is_the_designs_fault(build: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(build, tmp_path / "build")
    (folder / "hls" / "mondeq_top.cpp").write_text("int nothing;\n")
    with pytest.raises(CSimulationError):
        CSimulation(folder, tmp_path / "work")


# -- what is kept ----------------------------------------------------------------


DAMAGES: dict[str, Callable[[Path], object]] = {
    "foreign": lambda path: path.write_bytes(b"\x7fELF other"),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", one_in(3, list(DAMAGES), str))
def test_damaged_products_are_made_anew(build: Path, work: Path, damage: str) -> None:
    first = simulated(build, work)
    assert right(first)
    folder = first.log.parent.parent
    DAMAGES[damage](folder / "simulation.vvp")
    assert right(simulated(build, work))
    DAMAGES[damage](next((folder / "design" / "mem").glob("*")))
    assert right(simulated(build, work))


def test_a_damaged_executable_is_compiled_anew(build: Path, tmp_path: Path) -> None:
    np.testing.assert_array_equal(CSimulation(build, tmp_path).predict_raw(WORDS), EXPECTED)
    (program,) = (path for path in tmp_path.iterdir() if not path.suffix)
    program.write_bytes(b"")
    np.testing.assert_array_equal(CSimulation(build, tmp_path).predict_raw(WORDS), EXPECTED)


def test_flags_of_one_run_do_not_reach_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that want a sanitizer's library do not link without it, so they have another key."""
    (tmp_path / "Vtop.mk").write_text(
        "CXX = g++\n"
        "verilated.o: $(SOURCES)/verilated.cpp\n\t$(CXX) $(CXXFLAGS) -I. -c -o $@ $<\n"
        "verilated_vpi.o: $(SOURCES)/verilated_vpi.cpp verilated.o\n\t$(CXX) -c -o $@ $<\n"
        "top.o: top.cpp\n\t$(CXX) -c -o $@ $<\n"
    )
    sources = tmp_path / "include"
    sources.mkdir()
    for name in ("verilated.cpp", "verilated.h", "verilated_vpi.cpp"):
        (sources / name).write_text("")
    make = ["make", "-C", str(tmp_path), "-f", "Vtop.mk", f"SOURCES={sources}", "verilated_vpi.o"]

    def keys() -> dict[str, str]:
        return {item.name: item.key for item in runtime_objects(make, dict(os.environ))}

    plain = keys()
    assert set(plain) == {"verilated.o", "verilated_vpi.o"} and keys() == plain
    with monkeypatch.context() as scope:
        scope.setenv("CXXFLAGS", "-fsanitize=address")
        assert keys()["verilated.o"] != plain["verilated.o"]
    (sources / "verilated.h").write_text("// another version")
    assert all(key != plain[name] for name, key in keys().items())


def test_a_damaged_runtime_is_compiled_again(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert right(simulated(build, tmp_path / "work", "verilator"))
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mondeq-hw" / "verilator"
    copy = shutil.copytree(kept, tmp_path / "cache" / "mondeq-hw" / "verilator")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    whole = {path: path.read_bytes() for path in copy.glob("verilated_threads-*.o")}
    assert whole
    for path in whole:
        path.write_bytes(b"")
    assert right(simulated(build, tmp_path / "later", "verilator"))
    assert any(path.exists() and path.read_bytes() == content for path, content in whole.items())


def test_an_object_is_its_digests_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "verilated.o").write_bytes(b"object")
    item = RuntimeObject("verilated.o", "0" * 64)
    item.keep(tmp_path)
    (kept,) = (tmp_path / "cache").rglob("*.o")
    (tmp_path / "new").mkdir()
    item.restore(tmp_path / "new")
    assert (tmp_path / "new" / "verilated.o").read_bytes() == b"object"
    kept.write_bytes(b"objecT")
    (tmp_path / "other").mkdir()
    item.restore(tmp_path / "other")
    assert not (tmp_path / "other" / "verilated.o").exists() and not kept.exists()


@pytest.mark.parametrize("name", BUILD_VARIABLES)
def test_the_toolchain_is_its_environment_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    before = toolchain()
    assert toolchain() == before
    monkeypatch.setenv(name, "/nowhere")
    assert toolchain() != before


def test_a_stamp_holds_while_key_and_bytes_do(tmp_path: Path) -> None:
    record, product = tmp_path / "record.json", tmp_path / "product"
    assert not is_stamped(record, "key", tmp_path, ["product"])
    product.write_text("1")
    stamp(record, "key", tmp_path, ["product"])
    assert is_stamped(record, "key", tmp_path, ["product"]) and not is_stamped(record, "yek", tmp_path, ["product"])
    assert json.loads(record.read_text())["written"] == digests(tmp_path, ["product"])
    for damage in (lambda: product.write_text("2"), product.unlink, lambda: record.write_text("{")):
        damage()
        assert not is_stamped(record, "key", tmp_path, ["product"])
