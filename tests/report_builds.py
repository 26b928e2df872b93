"""Build folders whose reports hold little, and all there can be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from checkpoints import parameters, plain, write_npz
from synth_stand_ins import recorded

from mondeq_hw.boards.bitstream import BitstreamOptions, BitstreamReport
from mondeq_hw.boards.board import find_board
from mondeq_hw.boards.board_rtl import line_timing
from mondeq_hw.cli import main
from mondeq_hw.folder import Build
from mondeq_hw.hardware.estimate import products
from mondeq_hw.hardware.parts import find_part
from mondeq_hw.report.collect import collect
from mondeq_hw.synthesis.parsers import nextpnr_routed, vitis_hls_estimate, yosys_usage
from mondeq_hw.synthesis.synth import Placement, SynthOptions, SynthReport
from mondeq_hw.verification.verify import BackendReport, ComparedCycles, VerifyReport


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without images, simulation or synthesis."""
    folder = tmp_path_factory.mktemp("bare")
    model = write_npz(folder / "model.npz", plain(parameters()))
    assert main(["compile", str(model), "--bits", "6", "--out", str(folder / "build"), "--json"]) == 0
    assert main(["report", str(folder / "build")]) == 0
    return folder / "build"


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory, digits_model: Path) -> Path:
    """With all there can be; what tools would say is made of the records that they are stored from."""
    build = tmp_path_factory.mktemp("full") / "build"
    assert main(["compile", str(digits_model), "--bits", "4", "--out", str(build), "--json"]) == 0
    project = Build.load(build)
    project.add("report/verify.json", json.dumps(verified(project).to_plain()))
    for result in synthesised(project):
        place = build / "report" / "synth" / result.part.name
        place.mkdir(parents=True, exist_ok=True)
        for name in ("report/synth.json", f"report/synth/{result.part.name}/{result.options.flow}.json"):
            project.add(name, json.dumps(result.to_plain()))
    place = build / "bitstream" / "ulx3s-85f"
    place.mkdir(parents=True)
    (place / "bitstream.json").write_text(json.dumps(packed(project).to_plain()))
    assert main(["report", str(build)]) == 0
    return build


def packed(project: Build) -> BitstreamReport:
    return BitstreamReport(
        program_digest=project.program.digest,
        options=BitstreamOptions("ulx3s-85f"),
        board=find_board("ulx3s-85f"),
        pll=None,
        timing=line_timing(25e6, 1_000_000),
        clock_mhz=25.0,
        tools=(("yosys", "0.70"),),
        synthesised=yosys_usage(recorded("cells_ecp5.json"), "ecp5"),
        routed=nextpnr_routed(recorded("routed_ecp5.json"), "ap_clk"),
        core_samples_per_second=21_441.0,
        line_samples_per_second=1_492.5,
        file="mondeq.bit",
        sha256="ab" * 32,
        from_cache=False,
    )


def verified(project: Build) -> VerifyReport:
    rtl = BackendReport(
        name="rtl on verilator",
        tool="verilator 5.48.0",
        samples=8,
        wrong_samples=0,
        tests_passed=("back_to_back", "extremes"),
        tests_failed=(),
        cycles=ComparedCycles(3308, 3308, 1146.25, 1146.25),
        seconds=1.5,
        mismatch=None,
        log=None,
    )
    cpp = replace(rtl, name="c++", tool="g++ 12", samples=256, tests_passed=(), cycles=None)
    return VerifyReport(project.program.digest, True, 256, (cpp, rtl), ())


def synthesised(project: Build) -> list[SynthReport]:
    """Routed on an ECP5, synthesised only for an AMD part, estimated by Vitis HLS for the same part."""
    report = collect(project)
    ecp5 = SynthReport(
        program_digest=project.program.digest,
        options=SynthOptions("ecp5-25"),
        part=find_part("ecp5-25"),
        schedule=report.schedule,
        tools=(("yosys", "0.70"), ("nextpnr-ecp5", "0.11")),
        products=products(project.program, report.schedule, 8),
        estimated=report.parts[0].estimated.value,  # type: ignore[arg-type]
        hls=None,
        synthesised=yosys_usage(recorded("cells_ecp5.json"), "ecp5"),
        routed=nextpnr_routed(recorded("routed_ecp5.json"), "ap_clk"),
        placements=(Placement(1, 250.0),),
        reasons=(("hls", "Vitis HLS was not run"),),
        cycles_per_sample=1166.0,
        from_cache=False,
    )
    no_router = "no open place and route for xc7"
    amd = replace(
        ecp5,
        options=SynthOptions("xc7a100t"),
        part=find_part("xc7a100t"),
        tools=(("yosys", "0.70"),),
        synthesised=yosys_usage(recorded("cells_xc7.json"), "xc7"),
        routed=None,
        placements=(),
        reasons=(("hls", "Vitis HLS was not run"), ("routed", no_router)),
    )
    hls = replace(
        amd,
        options=SynthOptions("xc7a100t", "vitis_hls"),
        hls=vitis_hls_estimate(recorded("csynth.xml")),
        synthesised=None,
        reasons=(("synthesised", "no logic synthesis"), ("routed", "no logic synthesis")),
    )
    return [ecp5, amd, hls]
