"""The report of a build folder: its record, its JSON and Markdown, the curves."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import parameters, plain, write_npz
from hypothesis import given
from hypothesis import strategies as st
from random_models import random_program
from report_builds import packed, synthesised, verified

from mondeq_hw import InputError, Project
from mondeq_hw.cli import main
from mondeq_hw.config import DataOptions
from mondeq_hw.folder import Build
from mondeq_hw.folder.manifest import MANIFEST
from mondeq_hw.hardware.cycles import initiation_interval, latency
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.problem.data import digits
from mondeq_hw.report import data as report_data
from mondeq_hw.report import sweep as report_sweep
from mondeq_hw.report.collect import collect
from mondeq_hw.report.curves import Residuals, foldings, macs, residuals
from mondeq_hw.report.data import stored_model
from mondeq_hw.report.record import KINDS
from mondeq_hw.report.render import FORMATS, missing
from mondeq_hw.report.sweep import sweep_word_lengths
from mondeq_hw.synthesis.parsers import CriticalPath, Routed, yosys_usage

pytestmark = pytest.mark.slow

REPORTS = Path(__file__).parent / "synth_reports"
WRITTEN = ("report/report.html", "report/report.md", "report/report.json")


def recorded(name: str) -> str:
    return (REPORTS / name).read_text()


def content(build: Path) -> dict[str, Any]:
    return json.loads((build / "report" / "report.json").read_text())


# -- content -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bare", "full"])
def test_every_figure_has_a_kind_and_what_is_missing_a_reason(name: str, request: pytest.FixtureRequest) -> None:
    found = content(request.getfixturevalue(name))
    seen = []

    def walk(entry: Any) -> None:
        if isinstance(entry, dict):
            if entry.keys() >= {"kind", "value"}:
                assert entry.keys() == {"kind", "value", "reason", "command"}
                assert entry["kind"] in found["kinds"]
                assert (entry["value"] is None) == bool(entry["reason"])
                assert entry["command"] is None or entry["command"].startswith("mondeq-hw ")
                seen.append(entry)
            for value in entry.values():
                walk(value)
        elif isinstance(entry, list):
            for value in entry:
                walk(value)

    walk(found)
    assert len(seen) > 10
    assert set(found["kinds"]) >= set(KINDS)
    assert [entry for _, entry in missing(found)] == [entry for entry in seen if entry["value"] is None]


def test_bare_folder_says_what_it_lacks(bare: Path) -> None:
    found = content(bare)
    assert found["comparison"]["value"] is None and "--data" in found["comparison"]["reason"]
    assert found["cycles"]["simulated"]["value"] is None
    assert found["cycles"]["simulated"]["command"] == "mondeq-hw verify DIR"
    assert found["verification"]["value"] is None
    assert [part["name"] for part in found["parts"]] == ["ecp5-85", "xc7a100t"]
    for part in found["parts"]:
        assert part["estimated"]["value"]["luts"] > 0
        assert part["routed"]["value"] is None and part["speed"]["value"] is None
        assert part["routed"]["command"] == f"mondeq-hw synth DIR --part {part['name']}"
    points = found["curves"]["word_lengths"]["value"]["points"]
    assert [point["bits"] for point in points] == list(range(1, 9))
    assert {point["score"] for point in points} == {None}


@pytest.mark.parametrize("name", ["bare", "full"])
def test_the_record_is_the_file(name: str, request: pytest.FixtureRequest) -> None:
    """Key for key, through every nested record; both ways."""
    build = request.getfixturevalue(name)
    report = Project.load(build).report
    assert json.loads(json.dumps(report.to_dict())) == content(build)
    assert report.word_lengths.bits == content(build)["word_lengths"]["bits"]
    certificate = Project.load(build).certificate
    assert certificate.to_dict() == json.loads((build / "certificate.json").read_text())
    assert certificate.lines == report.certificate


def test_a_report_of_another_program_or_form_is_refused(bare: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    shutil.copytree(bare, build)
    for changes, message in (
        ({"program_digest": "0" * 64}, "run 'mondeq-hw report' again"),
        ({"iterations": "many"}, "iterations"),
    ):
        (build / "report" / "report.json").write_text(json.dumps({**content(bare), **changes}))
        with pytest.raises(InputError, match=message):
            _ = Project.load(build).report


def test_full_folder_keeps_kinds_apart(full: Path) -> None:
    project, found = Build.load(full), content(full)
    plan = collect(project).schedule
    assert found["comparison"]["kind"] == "exact" and found["comparison"]["value"]["samples"] == 360
    predicted, simulated = found["cycles"]["predicted"], found["cycles"]["simulated"]
    assert simulated["value"] == {
        "tool": "verilator 5.48.0",
        "samples": 8,
        "latency": 3308,
        "per_sample": 1146.25,
        "predicted_latency": 3308,
        "predicted_per_sample": 1146.25,
    }
    assert predicted["latency_alone"] + 1 == latency(plan, project.program.iterations)
    assert predicted["per_sample_all_iterations"] == initiation_interval(plan, project.program.iterations)
    parts = {(part["name"], part["flow"]): part for part in found["parts"]}
    assert list(parts) == [("ecp5-25", "open"), ("xc7a100t", "open"), ("xc7a100t", "vitis_hls")]
    ecp5, amd, hls = parts.values()
    assert ecp5["routed"]["value"]["fmax_mhz"] == ecp5["speed"]["value"]["clock_mhz"] == 250.0
    assert ecp5["speed"]["value"]["samples_per_second_all_iterations"] == 250e6 / predicted["per_sample_all_iterations"]
    assert ecp5["speed"]["value"]["latency_alone_us"] == predicted["latency_alone"] / 250
    assert ecp5["synthesised"]["value"]["luts"] == 960 and ecp5["routed"]["value"]["usage"]["luts"] == 1010
    assert amd["synthesised"]["value"] and amd["routed"]["reason"] == "no open place and route for xc7"
    assert "--flow vivado" in amd["routed"]["command"]
    assert hls["hls"]["kind"] == "estimated" and hls["hls"]["value"]["usage"]["luts"] == 14210
    assert hls["synthesised"]["value"] is None
    (board,) = found["boards"]
    assert (board["name"], board["clock_mhz"], board["routed"]["fmax_mhz"]) == ("ulx3s-85f", 25.0, 250.0)
    assert (board["baud"], board["line_samples_per_second"]) == (1_000_000, 1_492.5)
    assert found["verification"]["value"]["ok"] is True
    assert [backend["benches_passed"] for backend in found["verification"]["value"]["backends"]] == [0, 2]


def test_reports_are_added_in_place_and_equal_folders_give_equal_reports(full: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(full, again)
    assert main(["report", str(again)]) == 0
    for name in WRITTEN:
        assert (again / name).read_bytes() == (full / name).read_bytes()
    assert Project.load(again).build.changed_files() == ()
    leftovers = {path.name for path in (again / "report").iterdir()}
    assert leftovers == {"report.html", "report.md", "report.json", "comparison.json", "verify.json", "synth.json"} | {
        "synth",
        "word_lengths.json",
        "estimate_layer_cycles.json",
        "estimate_layer_resources.json",
        "estimate_network_performance.json",
    }


def test_a_reported_folder_can_be_compiled_again(tmp_path: Path) -> None:
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    arguments = ["compile", str(model), "--bits", "3", "--out", str(tmp_path / "build"), "--json", "--force"]
    assert main(arguments) == main(["report", str(tmp_path / "build"), "--no-sweep"]) == main(arguments) == 0


def test_reports_of_tools_are_short_to_look_at(full: Path) -> None:
    build = Build.load(full)
    routed, synthesised_only, *_ = map(repr, synthesised(build))
    assert re.fullmatch(r"SynthReport for ecp5-25: [\d.]+ MHz\n  routed: [\d,]+ LUTs, .* block RAMs", routed)
    assert "no clock\n  synthesised: " in synthesised_only
    assert "equal to the golden model\n  samples compared: c++ (256), rtl on verilator (8)" in repr(verified(build))
    assert "BitstreamReport for ulx3s-85f: mondeq.bit, 25 MHz" in repr(packed(build))


def test_markdown_holds_the_same_figures(full: Path) -> None:
    text, found = (full / "report" / "report.md").read_text(), content(full)
    assert f"{100 * found['comparison']['value']['golden']:.2f} %" in text
    assert f"{found['cycles']['predicted']['per_sample_all_iterations']:,.1f}" in text
    for part in found["parts"]:
        for kind in ("estimated", "synthesised"):
            if usage := part[kind]["value"]:
                assert f"| {part['name']} | {kind} | {usage['luts']:,} | {usage['flip_flops']:,} |" in text
    assert "| ulx3s-85f | 25.0 | 250.0 | 1,010 | 1,492 at 1000000 baud |" in text
    assert "| ecp5-25 | routed | 1,010 |" in text and "| ecp5-25 | open | 250.0 |" in text
    for point in found["curves"]["word_lengths"]["value"]["points"]:
        assert f"| {point['bits']} | {point['contraction_factor']:.4g} | proved | {point['iterations']} |" in text
    assert "nothing is claimed" in text
    assert 0 < text.index("## Not covered") < text.index("## What is proved")
    rows = [row for row in text.splitlines() if row.startswith("|")]
    assert len(rows) > 60 and all(row.endswith("|") for row in rows)


def test_json_on_stdout_is_the_file(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(bare), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and json.loads(out) == content(bare)


@given(st.floats(1e-30, 1e30))
def test_bounds_are_rounded_to_the_side_on_which_they_stay_true(value: float) -> None:
    above, below = (float(FORMATS[form](value)) for form in ("at most", "at least"))
    assert below <= value <= above
    assert above - below <= 1.1e-3 * value


def test_a_fraction_is_a_bound_too() -> None:
    assert FORMATS["at most"]("651/1000") == FORMATS["at least"]("651/1000") == "0.651"
    assert FORMATS["at most"]("1/3") == "0.3334" and FORMATS["at least"]("1/3") == "0.3333"


# -- curves --------------------------------------------------------------------


def test_residuals_are_the_traces_and_stay_below_the_certified_bound(full: Path) -> None:
    project = Project.load(full)
    curve = residuals(project.build)
    states = project.trace(project.golden.program.input_format.to_float(project.build.stimulus)).states
    weights = project.certificate.evidence["contraction"]["weights"]
    for step in (0, 3, project.program.iterations - 1):
        moved = (states[step + 1] - states[step]).astype(float)
        each = [math.sqrt(np.average(row**2, weights=weights)) for row in moved]
        assert curve.mean[step] == pytest.approx(np.mean(each))
        assert curve.worst[step] == pytest.approx(max(each))
    assert curve.envelope is not None
    assert len(curve.mean) == len(curve.worst) == len(curve.envelope) == project.program.iterations
    assert all(worst <= bound for worst, bound in zip(curve.worst, curve.envelope, strict=True))
    # The last two distances bound it, and the certificate states the last one.
    values = {line.name: line.values for line in project.certificate.lines}
    last = values["radius"]["weighted_norm"]
    rho = float(Fraction(values["contraction"]["contraction_factor"]))
    before = (last - values["iterations"]["rounding_bound"]) / rho
    assert curve.envelope[-1] == pytest.approx((last + before) / math.sqrt(sum(weights)), rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_no_folding_is_above_its_roofs(seed: int) -> None:
    program = random_program(seed, n=5 + seed, d=4 + 3 * seed, k=1 + seed, iterations=2 + 3 * seed)
    for reuse in (1, 3, program.n**2):
        plan = schedule(program, reuse)
        attained = macs(program) / initiation_interval(plan, program.iterations)
        lanes = sum(engine.pe * engine.simd for engine in (plan.drive, plan.solve, plan.readout))
        assert attained <= lanes
        assert attained <= macs(program) / max(plan.beats_per_sample, program.k)


def test_foldings_hold_this_build_and_both_ends(bare: Path) -> None:
    report = collect(Build.load(bare))
    n, d, k = report.program.n, report.program.d, report.program.k
    curve = foldings(report)
    assert curve.macs == n * d + report.program.iterations * n * n + n * k
    assert curve.this.cycles_per_product == report.schedule.solve.cycles_per_matvec
    assert curve.this.macs_per_cycle == curve.macs / report.cycles.predicted.per_sample_all_iterations
    products = [point.cycles_per_product for point in curve.others]
    assert products == sorted(products) and products[0] == 1 and products[-1] == n * n
    assert dict(curve.this.estimated)["ecp5"] == report.parts[0].estimated.value
    luts = [dict(point.estimated)["ecp5"].luts for point in curve.others]
    assert luts[0] > luts[-1]


# -- word lengths --------------------------------------------------------------


def test_the_sweep_meets_this_build(full: Path) -> None:
    """Rounded again from the certificate's float model: the same factor, iterations and accuracy."""
    found = content(full)
    sweep = found["curves"]["word_lengths"]["value"]
    here = next(point for point in sweep["points"] if point["bits"] == 4)
    claims = {line["name"]: line["values"] for line in found["certificate"]}
    assert here["contraction_factor"] == float(Fraction(claims["contraction"]["contraction_factor"]))
    assert here["iterations"] == found["iterations"]
    assert here["score"] == pytest.approx(found["comparison"]["value"]["golden"], abs=1e-12)
    assert sweep["calibration_samples"] == 1437 and sweep["test_samples"] == 360
    assert all(point["certified"] for point in sweep["points"])
    assert json.loads((full / "report" / "word_lengths.json").read_text()) == sweep


def test_the_certificates_float_model_is_the_trained_one(bare: Path) -> None:
    """Preprocessing and all: it gives the outputs of the network written out by hand."""
    p = parameters()
    project = Build.load(bare)
    model = stored_model(project, collect(project))
    words = project.stimulus[:5]
    np.testing.assert_allclose(model.W, p.W, atol=2**-32)
    inputs = plain(p)
    scale, mean, std = (
        float(inputs.get(key, default)) for key, default in (("scale", 1 / 255), ("mean", 0), ("std", 1))
    )
    wanted = ((scale * words - mean) / std) @ p.U.T + p.b
    np.testing.assert_allclose(words @ model.U.T + model.b, wanted, atol=1e-4)
    np.testing.assert_allclose(model.O, p.O, atol=1e-6)
    np.testing.assert_allclose(model.c, p.c, atol=1e-6)


def test_a_known_sweep_is_not_run_again(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_sweep, "lower", lambda *arguments: pytest.fail("rounded again"))
    assert main(["report", str(full)]) == 0
    assert content(full)["curves"]["word_lengths"]["value"] is not None


def test_without_the_images_the_folders_own_samples_serve(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Build.load(full)
    seen = {}

    def gone(*arguments: Any) -> Any:
        raise InputError("no such folder")

    def noted(model: Any, options: Any, calibration: np.ndarray) -> Any:
        seen["calibration"] = calibration
        raise InputError("enough")

    monkeypatch.setattr(report_data, "choose_data", gone)
    monkeypatch.setattr(report_sweep, "lower", noted)
    with pytest.raises(InputError, match="enough"):
        sweep_word_lengths(project, collect(project), DataOptions())
    train = digits("train").words
    np.testing.assert_array_equal(seen["calibration"], train[: len(seen["calibration"])])
    with pytest.raises(InputError, match="no such folder"):
        sweep_word_lengths(project, collect(project), DataOptions(data_dir=Path("/nowhere")))


def rewrite(build: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """``config.resolved.json`` as another version might have written it."""
    resolved = json.loads((build / "config.resolved.json").read_text())
    change(resolved)
    (build / "config.resolved.json").write_text(json.dumps(resolved))
    listed = json.loads((build / MANIFEST).read_text())
    listed["files"]["config.resolved.json"] = hashlib.sha256(json.dumps(resolved).encode()).hexdigest()
    (build / MANIFEST).write_text(json.dumps(listed))


@pytest.mark.parametrize("name", ["model.parameters", "resolved.division", "resolved.overflow", "resolved.graphs"])
def test_a_folder_of_an_earlier_version_is_compiled_again(
    name: str, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each key was added at some time: without it the folder is an older one."""
    shutil.copytree(bare, tmp_path / "build")
    part, key = name.split(".")
    rewrite(tmp_path / "build", lambda plain: plain[part].pop(key))
    assert main(["report", str(tmp_path / "build"), "--no-sweep"]) == 2
    error = capsys.readouterr().err
    assert f"of another version of mondeq-hw ({name}); compile again" in error


def test_when_other_word_lengths_cannot_be_tried(
    bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest of the report does not depend on them; images that were asked for must be there."""
    project = Build.load(bare)
    report = collect(project)
    retrained = replace(report.origin, resolved=replace(report.origin.resolved, rounding="retrained"))
    with pytest.raises(InputError, match="retrained"):
        sweep_word_lengths(project, replace(report, origin=retrained), DataOptions())
    with pytest.raises(InputError, match="no such folder"):
        sweep_word_lengths(project, report, DataOptions(data_dir=tmp_path / "mnist"))
    without = Build(project.folder, project.program)
    without.__dict__["certificate"] = replace(project.certificate, evidence={})
    with pytest.raises(InputError, match="no margin was proved"):
        sweep_word_lengths(without, report, DataOptions())
    build = tmp_path / "build"
    shutil.copytree(bare, build)
    rewrite(build, lambda plain: plain["resolved"].update(rounding="retrained"))
    (build / "report" / "word_lengths.json").unlink()
    assert main(["report", str(build)]) == 0
    lengths = content(build)["curves"]["word_lengths"]
    assert lengths["value"] is None and "retrained" in lengths["reason"]
    assert main(["report", str(build), "--data-dir", str(tmp_path)]) == 2
    assert "holds neither" in capsys.readouterr().err


# -- damage --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report/verify.json", "{"),
        ("report/verify.json", '{"program_digest": "x"}'),
        ("report/synth.json", "[]"),
        ("report/comparison.json", '{"kind": 3}'),
        ("report/word_lengths.json", '{"points": 1}'),
        ("config.resolved.json", "null"),
    ],
)
def test_damaged_files_are_named(
    name: str, text: str, bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = tmp_path / "build"
    shutil.copytree(bare, build)
    (build / name).write_text(text)
    before = {file: (build / file).read_bytes() for file in WRITTEN}
    assert main(["report", str(build)]) == 2
    out, err = capsys.readouterr()
    assert name in err and "again" in err and out == ""
    assert {file: (build / file).read_bytes() for file in WRITTEN} == before


def test_results_of_another_program_are_not_shown(full: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    shutil.copytree(full, build)
    stale = [build / "report" / "verify.json", *(build / "report").rglob("synth*.json")]
    for file in [*stale, *(build / "bitstream").rglob("bitstream.json")]:
        file.write_text(json.dumps({**json.loads(file.read_text()), "program_digest": "0" * 64}))
    shutil.rmtree(build / "report" / "synth")
    report = collect(Build.load(build))
    assert report.verification.value is None and "another program" in str(report.verification.reason)
    assert report.cycles.simulated.value is None
    assert [part.flow for part in report.parts] == ["none", "none"]
    assert report.boards == ()


def test_records_survive_their_files() -> None:
    """What ``synth`` writes is read back whole, a design without registers included."""
    routed = Routed(yosys_usage(recorded("cells_ecp5.json"), "ecp5"), 100.0, None)
    path = CriticalPath("a", "b", 3.0, 1.0, 2.0, 4)
    from pydantic import TypeAdapter

    for one in (routed, replace(routed, path=path)):
        assert TypeAdapter(Routed).validate_python(json.loads(json.dumps(asdict(one)))) == one


def test_without_a_proof_there_is_no_envelope(tmp_path: Path) -> None:
    p = parameters(seed=1, n=12, m=0.05)
    model = write_npz(tmp_path / "stiff.npz", {**plain(p), "B": 2 * p.B})
    options = ["--solver", "forward-backward", "--rounding", "nearest", "--allow-uncertified", "--json"]
    assert main(["compile", str(model), "--bits", "1", "--out", str(tmp_path / "build"), *options]) == 0
    assert main(["report", str(tmp_path / "build")]) == 0
    found = content(tmp_path / "build")
    assert Residuals(**found["curves"]["residuals"]["value"]).envelope is None
    points = found["curves"]["word_lengths"]["value"]["points"]
    assert points[0]["certified"] is False and points[0]["contraction_factor"] >= 1
    assert points[-1]["certified"] is True and points[-1]["contraction_factor"] < 1
    page = (tmp_path / "build" / "report" / "report.html").read_text()
    assert "NOT CERTIFIED" in page and "Proved to converge" not in page
    assert "NOT CERTIFIED" in (tmp_path / "build" / "report" / "report.md").read_text()
