"""A build folder that somebody edited: the command whose statement rests on the file says so, and proves nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from conftest import ROOT

from mondeq_hw import InputError
from mondeq_hw.boards import BitstreamOptions
from mondeq_hw.cli import main
from mondeq_hw.export.onnx import export as export_onnx
from mondeq_hw.folder.manifest import INTEGERS
from mondeq_hw.hardware import renamed
from mondeq_hw.program.program import SolverProgram
from mondeq_hw.project import Project
from mondeq_hw.rtl_tests import run_bench
from mondeq_hw.synthesis import SynthOptions

PROGRAM = ("program.json", "program.npz")
HARDWARE = ("rtl/mem/matrix.mem", "rtl/src/model_pkg.sv", "hls/weights/drive_weights.inc", "hls/mondeq_params.h")
FIGURES = ("config.resolved.json", "report/comparison.json", "rtl/schedule.json", "sim/words.npy")
#: What each command's statement rests on.
RESTS_ON = {
    "certificate BUILD": (*PROGRAM, "certificate.json", "manifest.json", *HARDWARE),
    "certificate BUILD --json": (*PROGRAM, "certificate.json", *HARDWARE),
    "predict BUILD x.npy": PROGRAM,
    "profile BUILD": (*PROGRAM, "certificate.json", "sim/words.npy"),
    "report BUILD --no-sweep": (*PROGRAM, "certificate.json", *HARDWARE, *FIGURES),
    "synth BUILD --part ecp5-25": (*PROGRAM, "rtl/sources.f", "rtl/src/model_solve.sv", *HARDWARE),
    "bitstream BUILD --board ulx3s-25f": (*PROGRAM, "rtl/sources.f", "rtl/src/model_solve.sv", "rtl/mem/drive.mem"),
    "export onnx BUILD --out model.onnx": (*PROGRAM, "certificate.json"),
    "export hls4ml BUILD --out project": (*PROGRAM, "rtl/schedule.json"),
    "verify BUILD": PROGRAM,
}


@pytest.fixture
def build(small_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.zeros((1, 5)))
    return Path(shutil.copytree(small_build, "build"))


def edit(file: Path) -> None:
    """Change what the file says: its last hexadecimal digit, or a byte of an archive."""
    content = bytearray(file.read_bytes())
    place = max((i for i, byte in enumerate(content) if chr(byte) in "0123456789abcdef"), default=0)
    content[place] ^= 1
    file.write_bytes(content)


def run(command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(command.replace("BUILD", "build").split())
    return code, *capsys.readouterr()


@pytest.mark.parametrize("emitters", [{"emitters": "0" * 64}, {}], ids=["other", "before it was noted"])
@pytest.mark.parametrize("command", ["verify BUILD", "synth BUILD --part ecp5-25", "bitstream BUILD --board ulx3s-25f"])
def test_hardware_of_another_version_is_compiled_again(
    command: str, emitters: dict[str, str], build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any tool meets ports and parameters that it does not know."""
    noted = json.loads((build / "manifest.json").read_text())
    assert len(noted.pop("emitters")) == 64
    (build / "manifest.json").write_text(json.dumps({**noted, **emitters}))
    code, _, err = run(command, capsys)
    assert code == 2 and "its hardware was written by another version" in err and "compile again with --force" in err
    with pytest.raises(InputError, match="another version"):
        run_bench(build, Path("work"), words=np.zeros((1, 5), dtype=int))
    assert run("predict BUILD x.npy", capsys)[0] == 0


@pytest.mark.parametrize(
    ("command", "name"), [(command, name) for command, names in RESTS_ON.items() for name in names], ids=str
)
def test_an_edited_file_is_named(command: str, name: str, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "manifest.json":
        (build / name).write_text("{}")
    else:
        edit(build / name)
    before = sorted(Path().rglob("*"))
    code, out, err = run(command, capsys)
    assert code == (3 if command.startswith("certificate") and name not in (*PROGRAM, "manifest.json") else 2), err
    assert "PROVED" not in out and '"proved"' not in out
    assert err.count("\n") == 1 and "internal error" not in err
    assert (name.partition(".")[0] in err and "again" in err) or "not a folder written by" in err, err
    assert sorted(Path().rglob("*")) == before


#: What each statement of the Python API rests on, beside the program.
API_RESTS_ON: dict[str, tuple[Callable[[Project], object], tuple[str, ...]]] = {
    "certificate": (lambda project: project.certificate, ("certificate.json", *HARDWARE)),
    "trace": (lambda project: project.trace(np.zeros((1, 5))), ("certificate.json",)),
    "profile": (lambda project: project.profile(), ("certificate.json", "sim/words.npy")),
    "report": (lambda project: project.report, ("certificate.json", *HARDWARE, *FIGURES)),
    "write_report": (lambda project: project.write_report(sweep=False), ("certificate.json", *HARDWARE, *FIGURES)),
    "verify": (lambda project: project.verify(rtl_samples=1), PROGRAM),
    "synthesize": (
        lambda project: project.synthesize(SynthOptions("ecp5-25")),
        ("rtl/sources.f", "rtl/src/model_solve.sv", *HARDWARE),
    ),
    "make_bitstream": (
        lambda project: project.make_bitstream(BitstreamOptions("ulx3s-25f")),
        ("rtl/sources.f", "rtl/src/model_solve.sv", "rtl/mem/drive.mem"),
    ),
    "onnx.export": (lambda project: export_onnx(project.folder), ("certificate.json", *PROGRAM)),
}


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, (_, names) in API_RESTS_ON.items() for name in names], ids=str
)
def test_the_python_api_sees_an_edit_too(method: str, name: str, build: Path) -> None:
    """The folder was whole when it was opened; each method looks again."""
    project = Project.load(build)
    edit(build / name)
    before = {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()}
    with pytest.raises(InputError) as caught:
        API_RESTS_ON[method][0](project)
    assert name.partition(".")[0] in str(caught.value) and "again" in str(caught.value)
    assert {file: file.read_bytes() for file in Path().rglob("*") if file.is_file()} == before


def test_the_python_api_checks_the_certificate_against_the_hardware(build: Path) -> None:
    project = Project.load(build)
    assert project.check_certificate().accepted
    edit(build / "rtl/mem/matrix.mem")
    verdict = project.check_certificate()
    assert not verdict.accepted and "rtl/mem/matrix.mem" in verdict.reason


@pytest.mark.parametrize("command", RESTS_ON)
def test_another_program_in_the_folder(command: str, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Complete and consistent, with a digest of its own; but nothing else in the folder is about it."""
    program = SolverProgram.load(build)
    integers = program.matrix.integers.copy()
    integers[0, 0] = -integers[0, 0] or 1
    program.replace(matrix=replace(program.matrix, integers=integers)).save(build)
    code, out, err = run(command, capsys)
    assert code == 2 and "PROVED" not in out and "compile again" in err, err


def test_an_uncertified_folder_is_no_exception(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    p = parameters(seed=1, n=12, m=0.05)
    model = write_npz(tmp_path / "stiff.npz", {**plain(p), "B": 2 * p.B})
    options = "--bits 1 --solver forward-backward --rounding nearest --allow-uncertified --force --json"
    assert main(["compile", str(model), "--out", "build", *options.split()]) == 0
    code, out, err = run("certificate BUILD", capsys)
    assert code == 3 and "nothing proves convergence" in err
    assert "PROVED: No accumulator wraps" in out and "NOT COVERED: The recurrence contracts by rho" in out
    for name in ("certificate.json", "rtl/mem/matrix.mem"):
        shutil.copytree(build, "edited", dirs_exist_ok=True)
        edit(Path("edited", name))
        assert main(["certificate", "edited"]) == 2
        out, err = capsys.readouterr()
        assert out == "" and name in err


@pytest.mark.parametrize("text", ["null", "[1, 2]", "3"])
def test_a_program_that_is_no_object(text: str, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "program.json").write_text(text)
    code, _, err = run("predict BUILD x.npy", capsys)
    assert code == 2 and "compile again" in err


def test_a_comparison_is_about_the_files_that_were_compared(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edit after ``verify`` takes its verdict out of the report."""
    stale = {"program_digest": Project.load(build).program.digest, "ok": True, "backends": []}
    sources = {"rtl/src/model_solve.sv": "0" * 64}
    (build / "report" / "verify.json").write_text(json.dumps({**stale, "sources": sources}))
    assert run("report BUILD --no-sweep", capsys)[0] == 0
    verification = json.loads((build / "report" / "report.json").read_text())["verification"]
    assert verification["value"] is None
    assert verification["reason"] == "rtl/src/model_solve.sv was changed after the comparison"


def test_every_generated_hardware_file_counts_as_integers(tmp_path: Path) -> None:
    """Whatever is no copy of a hand-written file has to be listed; three adder graphs make the most files."""
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    options = "--bits 5 --strategy unrolled --graphs drive,readout --json"
    assert main(["compile", str(model), "--out", str(tmp_path / "build"), *options.split()]) == 0
    templates = ROOT / "hls_templates"
    written = {renamed(file.read_text(), "model").encode() for file in (templates / "rtl").rglob("*.sv")}
    written |= {file.read_bytes() for file in (templates / "hls").iterdir()}
    build = tmp_path / "build"
    sources = [file for some in ("rtl/src/*", "hls/*.h", "hls/weights/*") for file in build.glob(some)]
    generated = {file.relative_to(build).as_posix() for file in sources if file.read_bytes() not in written}
    assert generated >= {f"rtl/src/model_{engine}_graph.sv" for engine in ("drive", "solve", "readout")}
    assert [name for name in generated if not any(fnmatch(name, pattern) for pattern in INTEGERS)] == []
