"""The command line on good input: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz

from mondeq_hw import Project
from mondeq_hw.base.errors import EXIT_BAD_INPUT, EXIT_MISSING_TOOL
from mondeq_hw.base.version import __version__
from mondeq_hw.cli import main
from mondeq_hw.config import CompileConfig, options_of
from mondeq_hw.hardware import load_schedule
from mondeq_hw.pipeline import STEPS
from mondeq_hw.problem.data import digits
from mondeq_hw.problem.load import load
from mondeq_hw.problem.reference import preactivation
from mondeq_hw.program.golden import GoldenModel

pytestmark = pytest.mark.slow


@pytest.fixture
def build(digits_build: Path) -> Path:
    """The digits at 5 bits, by the command of the README."""
    return digits_build


@pytest.fixture(scope="module")
def unproved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose forward-backward iteration cannot be proved at one bit."""
    p = parameters(seed=1, n=12, m=0.05)
    return write_npz(tmp_path_factory.mktemp("unproved") / "stiff.npz", {**plain(p), "B": 2 * p.B})


def test_output_folder(build: Path) -> None:
    names = {path.name for path in build.iterdir()}
    assert names >= {
        "config.resolved.json",
        "certificate.json",
        "program.json",
        "program.npz",
        "hls",
        "rtl",
        "sim",
        "report",
        "README.md",
    }
    assert (build / "rtl" / "src").is_dir() and (build / "rtl" / "mem").is_dir()
    assert Project.load(build).build.changed_files() == ()


def test_every_step_and_a_closing_table(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    assert main(["compile", str(model), "--bits", "6", "--out", str(tmp_path / "build")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    steps = re.findall(r"^  (\w+) +\d+\.\d\d s$", out, re.MULTILINE)
    assert tuple(steps) == STEPS
    table = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in out.splitlines()[len(STEPS) :])
    report = Project.load(tmp_path / "build").report
    assert table["certified"] == "yes"
    assert table["network"] == "5 inputs, 7 states, 3 outputs"
    assert table["bits"].startswith("iteration 6, ")
    assert table["accuracy"].startswith("not available: no labelled test samples")
    assert table["iterations"].startswith(f"{report.iterations} at most")


def test_json_alone_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    assert main(["compile", str(model), "--bits", "6", "--out", str(tmp_path / "build"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    content = json.loads(out)
    assert content["certified"] is True
    assert content["word_lengths"]["bits"] == 6
    assert content["comparison"]["value"] is None and content["comparison"]["reason"]


def test_accuracy_is_the_golden_models_on_test_images(build: Path, digits_model: Path) -> None:
    """Recomputed here from the folder and from the float network."""
    test = digits("test")
    accuracy = Project.load(build).report.to_dict()["comparison"]["value"]
    predicted = Project.load(build).predict(test.words).argmax(axis=1)
    model = load(digits_model)
    floating = (np.maximum(preactivation(model, test.words), 0) @ model.O.T + model.c).argmax(axis=1)
    assert accuracy == {
        "samples": 360,
        "golden": pytest.approx((predicted == test.targets).mean()),
        "floating": pytest.approx((floating == test.targets).mean()),
        "agreement": pytest.approx((predicted == floating).mean()),
    }
    assert accuracy["golden"] >= 0.97


def test_resolved_configuration_leaves_nothing_open(build: Path) -> None:
    content = json.loads((build / "config.resolved.json").read_text())
    program = Project.load(build).program
    resolved = content["resolved"]
    assert content["requested"]["bits"] == 5 and content["requested"]["drive_bits"] is None
    assert None not in resolved.values()
    assert resolved["rounding"] == "calibrated" and resolved["data"] == "digits"
    assert resolved["calibration_samples"] == 1437
    assert resolved["drive_bits"] == program.drive.word_length
    assert resolved["state_bits"] == program.state_format.word_length
    assert resolved["iterations"] == program.iterations
    assert resolved["schedule"] == json.loads((build / "rtl" / "schedule.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", content["tools"]["python"])
    assert content["tools"]["mondeq-hw"] == __version__


def test_options_reach_the_program(tmp_path: Path) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    options = {
        "solver": "forward-backward",
        "rounding": "nearest",
        "granularity": "tensor",
        "drive-bits": "9",
        "readout-bits": "7",
        "state-bits": "14",
        "input-bits": "6",
        "step-size": "0.125",
        "reuse-factor": "3",
        "input-beat": "3",
        "framing": "count",
    }
    given = [text for key, value in options.items() for text in (f"--{key}", value)]
    assert main(["compile", str(model), "--bits", "11", "--out", str(tmp_path / "build"), "--json", *given]) == 0
    project = Project.load(tmp_path / "build")
    program = project.program
    assert program.solver == "forward_backward" and program.leak_shift == 3
    assert (program.matrix.word_length, program.drive.word_length, program.readout.word_length) == (11, 9, 7)
    assert (program.state_format.word_length, program.input_format.word_length) == (14, 6)
    assert np.ptp(program.matrix.shifts) == np.ptp(program.drive.shifts) == 0
    assert project.report.rounding == "nearest"
    assert project.report.schedule.reuse_factor == 3
    assert project.report.schedule.solve.cycles_per_matvec <= 3
    plan = load_schedule(project.folder)
    assert not plan.framed and plan.words_per_beat == 3


@pytest.mark.usefixtures("icarus")
def test_unrolled_strategy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    out = tmp_path / "build"
    given = ["--strategy", "unrolled", "--graphs", "drive,readout", "--reuse-factor", "1", "--out", str(out)]
    given += ["--harden", "control"]
    assert main(["compile", str(model), "--bits", "6", "--json", *given]) == 0
    printed = json.loads(capsys.readouterr().out)
    resolved = json.loads((out / "config.resolved.json").read_text())
    report = Project.load(out).report.to_dict()
    assert resolved["requested"]["strategy"] == resolved["resolved"]["strategy"] == "unrolled"
    assert resolved["requested"]["graphs"] == ["drive", "readout"]
    schedule, counted = report["schedule"], report["resources"]["estimated"]
    assert schedule["strategy"] == "unrolled"
    for engine in ("drive", "solve", "readout"):
        assert counted[f"{engine}_graph_adders"] == schedule[engine]["graph"]["adders"] > 0
        assert counted[f"{engine}_multipliers"] == 0
    assert counted["weight_bits"] == 0
    assert [choice["name"] for choice in printed["graphs"]] == ["drive", "readout"]
    assert all(choice["unrolled"] and choice["asked"] and choice["searched"] for choice in printed["graphs"])
    text = (out / "report" / "report.md").read_text()
    assert f"graph of {counted['solve_graph_adders']} adders" in text
    for choice in printed["graphs"]:
        assert f"The {choice['name']} is a graph of {counted[choice['name'] + '_graph_adders']} adders" in text
        assert f"{choice['folded_luts']} LUTs folded, {choice['graph_luts']} as a graph." in text
    assert main(["verify", str(out), "--rtl-samples", "2", "--simulator", "icarus"]) == 0


def test_choice_of_graphs_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    (tmp_path / "options.toml").write_text('bits = 4\nstrategy = "unrolled"\ngraphs = ["drive", "readout"]\n')
    config = ["--config", str(tmp_path / "options.toml")]
    assert main(["compile", str(model), *config, "--graphs", "auto", "--out", str(tmp_path / "a")]) == 0
    graphs = Project.load(tmp_path / "a").report.graphs
    assert not any(choice.asked for choice in graphs)
    printed = capsys.readouterr().out
    for choice in graphs:
        assert choice.unrolled == (choice.searched and choice.graph_luts <= choice.folded_luts)
        assert f"estimated {choice.folded_luts} LUTs folded" in printed
    assert main(["compile", str(model), *config, "--out", str(tmp_path / "b")]) == 0
    assert [choice.unrolled for choice in Project.load(tmp_path / "b").report.graphs] == [True, True]
    assert "adders, as asked: estimated" in capsys.readouterr().out
    assert main(["compile", str(model), *config, "--graphs", "none", "--out", str(tmp_path / "c")]) == 0
    drive, readout = Project.load(tmp_path / "c").report.graphs
    assert not drive.unrolled and not readout.unrolled
    text = (tmp_path / "c" / "report" / "report.md").read_text()
    assert f"The drive is folded, as asked: estimated {drive.folded_luts} LUTs folded, at least" in text


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        ("solver", "--graphs is 'solver'; expected auto, none, or a list of drive and readout"),
        ("drive,", "--graphs is 'drive,'; expected auto, none"),
        ("readout", "--graphs is for the strategies 'unrolled' and 'straight'"),
        ("none", "--graphs is for the strategies 'unrolled' and 'straight'"),
    ],
)
def test_refused_graphs(graphs: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    given = ["--graphs", graphs, "--out", str(tmp_path / "build")]
    assert main(["compile", str(model), "--bits", "6", *given]) == EXIT_BAD_INPUT
    assert message in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_unrolled_without_da4ml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    given = ["--strategy", "unrolled", "--out", str(tmp_path / "build")]
    assert main(["compile", str(model), "--bits", "6", *given]) == EXIT_MISSING_TOOL
    assert "pip install da4ml" in capsys.readouterr().err
    assert not (tmp_path / "build").exists()


def test_preprocessing_overrides(tmp_path: Path) -> None:
    """The folded drive must do what the same preprocessing inside the checkpoint does."""
    p = parameters()
    bare = write_npz(tmp_path / "bare.npz", plain(p))
    stored = write_npz(tmp_path / "stored.npz", {**plain(p), "scale": 0.01, "mean": 0.5, "std": 0.25})
    given = ["--input-scale", "0.01", "--input-mean", "0.5", "--input-std", "0.25"]
    for model, options in ((bare, given), (stored, []), (bare, [])):
        out = tmp_path / f"{model.stem}{len(options)}"
        assert main(["compile", str(model), "--bits", "6", "--out", str(out), "--json", *options]) == 0
    programs = [Project.load(tmp_path / name).program for name in ("bare6", "stored0", "bare0")]
    for left, right, same in ((0, 1, True), (0, 2, False)):
        equal = np.array_equal(programs[left].drive.values, programs[right].drive.values)
        assert equal is same


def test_equal_inputs_give_equal_files(build: Path, digits_model: Path, tmp_path: Path) -> None:
    assert main(["compile", str(digits_model), "--bits", "5", "--out", str(tmp_path / "again"), "--json"]) == 0
    again = json.loads((tmp_path / "again" / "manifest.json").read_text())["files"]
    first = json.loads((build / "manifest.json").read_text())["files"]
    different = {name for name in first.keys() | again.keys() if first.get(name) != again.get(name)}
    # A zip file holds the time it was made at; its arrays are compared by the program's digest.
    assert different <= {"program.npz"}
    assert Project.load(build).program.digest == Project.load(tmp_path / "again").program.digest


def test_stimulus_and_expected_outputs(build: Path) -> None:
    words, expected, labels = (np.load(build / "sim" / f"{name}.npy") for name in ("words", "expected", "targets"))
    test = digits("test").first(256)
    np.testing.assert_array_equal(words, test.words)
    np.testing.assert_array_equal(labels, test.targets)
    np.testing.assert_array_equal(GoldenModel(Project.load(build).program).predict_raw(words), expected)


def test_readme_and_report_are_about_this_program(build: Path) -> None:
    program = Project.load(build).program
    readme, report = (build / "README.md").read_text(), (build / "report" / "report.md").read_text()
    assert str(program.state_format) in readme and "mondeq-hw verify" in readme
    assert "Certified" in readme and "NOT CERTIFIED" not in readme + report
    assert program.digest in report and "simulated" in report and "measured" in report
    for line in Project.load(build).certificate.lines:
        assert line.statement.replace("|", "\\|") in report
    for row in report.splitlines():  # every table is whole
        assert not row.startswith("| ") or row.endswith("|")


# -- not certified ---------------------------------------------------------------------


def test_refusal_names_the_smallest_certified_word_length(
    unproved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--solver", "forward-backward", "--rounding", "nearest", "--out", str(tmp_path / "build"), "--json"]
    assert main(["compile", str(unproved), "--bits", "1", *options]) == 3
    message = capsys.readouterr().err
    factor = float(re.search(r"contraction factor is (\d+\.\d+)", message)[1])  # type: ignore[index]
    smallest = int(re.search(r"[Uu]se --bits (\d+), the smallest certified", message)[1])  # type: ignore[index]
    assert factor >= 1
    assert not (tmp_path / "build").exists()
    assert main(["compile", str(unproved), "--bits", str(smallest - 1), *options]) == 3
    assert main(["compile", str(unproved), "--bits", str(smallest), *options]) == 0


def test_allow_uncertified_marks_every_output(
    unproved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    options = ["--solver", "forward-backward", "--rounding", "nearest", "--out", str(build), "--allow-uncertified"]
    assert main(["compile", str(unproved), "--bits", "1", *options]) == 0
    assert "NO (--allow-uncertified)" in capsys.readouterr().out
    assert Project.load(build).program.certified is False
    assert Project.load(build).report.certified is False
    assert "NOT CERTIFIED" in (build / "README.md").read_text()
    assert "NOT CERTIFIED" in (build / "report" / "report.md").read_text()
    for source in [*(build / "hls").glob("mondeq_params.h"), *(build / "rtl" / "src").glob("*_pkg.sv")]:
        assert re.search("not certified|uncertified", source.read_text(), re.IGNORECASE), source
    assert main(["certificate", str(build)]) == 3
    assert "--allow-uncertified" in capsys.readouterr().err
    np.save(tmp_path / "x.npy", np.zeros((1, 5)))
    assert main(["predict", str(build), str(tmp_path / "x.npy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["certified"] is False


# -- other commands --------------------------------------------------------------------


def test_predict(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = digits("test").first(20)
    np.save(tmp_path / "x.npy", test.words)
    expected = Project.load(build).predict(test.words)
    assert main(["predict", str(build), str(tmp_path / "x.npy")]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(row[0]) for row in rows] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose(np.array(rows, dtype=float)[:, 1:], expected, rtol=1e-4, atol=1e-4)
    assert main(["predict", str(build), str(tmp_path / "x.npy"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == expected.tolist()
    assert main(["predict", str(build), str(tmp_path / "x.npy"), "--out", str(tmp_path / "y.npy")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)


def test_certificate(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(build, tmp_path / "build")
    assert main(["certificate", str(tmp_path / "build")]) == 0
    out = capsys.readouterr().out
    for line in Project.load(build).certificate.lines:
        assert f"{line.status.upper()}: {line.statement}" in out
    assert "accepted" in out.splitlines()[-1]
    file = tmp_path / "build" / "certificate.json"
    content = json.loads(file.read_text())
    line = next(line for line in content["lines"] if line["name"] == "iterations")
    line["values"]["iterations"] += 1
    file.write_text(json.dumps(content))
    assert main(["certificate", str(tmp_path / "build"), "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out)["accepted"] is False
    assert "rejected" in err


def test_certificate_of_another_program(build: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    assert main(["compile", str(model), "--bits", "6", "--out", str(tmp_path / "build"), "--json"]) == 0
    shutil.copy(build / "certificate.json", tmp_path / "build" / "certificate.json")
    capsys.readouterr()
    assert main(["certificate", str(tmp_path / "build")]) == 3
    assert "it is about the program" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.usefixtures("icarus")
def test_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal as compiled; after an edit of a weight memory, exit code 4 and the place.

    On Icarus, which starts quickly; what verify does on Verilator is tested beside it.
    """
    model = write_npz(tmp_path / "model.npz", plain(parameters(n=3, k=2)))
    build = tmp_path / "build"
    assert main(["compile", str(model), "--bits", "6", "--harden", "full", "--out", str(build), "--json"]) == 0
    capsys.readouterr()
    assert "`--harden full`" in (build / "README.md").read_text()
    np.save(tmp_path / "x.npy", np.arange(15).reshape(3, 5))
    options = ["--inputs", str(tmp_path / "x.npy"), "--rtl-samples", "2", "--simulator", "icarus"]
    assert main(["verify", str(build), *options, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["ok"] is True and content["samples"] == 3
    assert [(backend["name"], backend["samples"]) for backend in content["backends"]] == [
        ("c++", 3),
        ("rtl on icarus", 2),
    ]
    assert json.loads((build / "report" / "verify.json").read_text()) == content
    assert main(["verify", str(build), *options, "--data", "digits"]) == 2
    assert "give one" in capsys.readouterr().err

    memory = build / "rtl" / "mem" / "matrix.mem"
    first, rest = memory.read_text().split("\n", 1)
    memory.write_text(f"{int(first, 16) ^ 1:0{len(first)}x}\n{rest}")
    assert main(["verify", str(build), "--rtl-samples", "2", "--simulator", "icarus"]) == 4
    out, err = capsys.readouterr()
    assert "MISMATCH" in out and "changed since it was compiled: rtl/mem/matrix.mem" in out
    assert re.search(r"sample \d+.*iteration \d+.*row \d+", err), err
    # What verify adds does not make the folder foreign.
    assert main(["compile", str(model), "--bits", "6", "--out", str(build), "--force", "--json"]) == 0


def test_verify_without_a_compiler(
    build: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["verify", str(build)]) == 5
    assert "g++" in capsys.readouterr().err
    assert main(["doctor"]) == 5
    assert "apt-get install g++" in capsys.readouterr().out


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "verilator" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], f"mondeq-hw {__version__}"),
        (["--help"], "compile"),
        ([], "compile"),
        (["compile", "--help"], "--allow-uncertified"),
        (["verify", "-h"], "--rtl-samples"),
    ],
)
def test_help_and_version(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("compile --st", {"--state-bits", "--step-size", "--strategy"}),
        ("compile model.pt --solver ", {"peaceman-rachford", "forward-backward"}),
        ("qat model.pt --method lo", {"lotion", "lotion-sampled"}),
    ],
)
def test_completion(words: str, offered: set[str]) -> None:
    count = words.count(" ") + 1
    asked = {"_MONDEQ_HW_COMPLETE": "complete_bash", "COMP_WORDS": f"mondeq-hw {words}", "COMP_CWORD": f"{count}"}
    command = [sys.executable, "-m", "mondeq_hw"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **asked})
    assert offered <= set(done.stdout.split()), done


def test_every_option_of_compile_has_its_default_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--help"]) == 0
    shown = " ".join(re.sub("[│╭╮╰╯]", "", capsys.readouterr().out).split())
    for option in options_of(CompileConfig).values():
        if option.shown_default:
            assert re.search(rf"default: \(?{re.escape(option.shown_default)}", shown), option


def test_help_imports_no_heavy_library() -> None:
    """What makes the start quick, without a clock."""
    program = (
        "import sys; from mondeq_hw.cli import main; code = main(['--help']); "
        "heavy = {'torch', 'scipy', 'sklearn', 'flint', 'joblib', 'matplotlib'} & set(sys.modules); "
        "sys.exit(code or ' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_npz_needs_no_torch(tmp_path: Path) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    program = (
        "import sys; sys.modules['torch'] = None; from mondeq_hw.cli import main; "
        f"sys.exit(main(['compile', {str(model)!r}, '--bits', '5', '--out', {str(tmp_path / 'build')!r}, '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
