"""Synthesis: report readers on recorded files, the cache, refusals, and the open tools on a tiny program."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from corner_programs import Corner
from random_models import random_program
from synth_stand_ins import MAPPER, ROUTER, STANDSTILL, build_folder, cells, recorded, runs, stand_in

from mondeq_hw.base import WordRange
from mondeq_hw.base.errors import EXIT_BAD_INPUT, EXIT_MISSING_TOOL, EXIT_OK, InputError, MissingToolError
from mondeq_hw.hardware.adder_graph import drive_graph, readout_graph, solver_graph
from mondeq_hw.hardware.cycles import initiation_interval
from mondeq_hw.hardware.estimate import estimate, multipliers, products
from mondeq_hw.hardware.folding import schedule, schedule_unrolled
from mondeq_hw.hardware.parts import ECP5, PARTS, ULTRASCALE_PLUS, XC7, Usage, exceeded, find_part
from mondeq_hw.hardware.schedule import EngineFolding
from mondeq_hw.synthesis import synth
from mondeq_hw.synthesis.mapping import COUNT, MAPPED
from mondeq_hw.synthesis.parsers import (
    CriticalPath,
    ReportFormatError,
    nextpnr_routed,
    vitis_hls_estimate,
    vivado_path,
    vivado_usage,
    yosys_usage,
)
from mondeq_hw.synthesis.routing import STUCK_ROUNDS, PlaceAndRoute, RouterRounds
from mondeq_hw.synthesis.synth import SynthOptions, lut_weight_bits, synthesize
from mondeq_hw.synthesis.tools import ToolFailedError, ToolRun, alone_in, nextpnr_ecp5, vitis_hls, yosys

# -- parts -----------------------------------------------------------------------


def test_part_table() -> None:
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        assert part.family in (ECP5, XC7, ULTRASCALE_PLUS)
        assert find_part(part.name.upper()) == part
        # Two flip-flops a LUT on AMD, one on ECP5.
        assert part.totals.flip_flops == part.totals.luts * (1 if part.family == ECP5 else 2)
    with pytest.raises(InputError, match="expected one of ecp5-25, "):
        find_part("ecp5-12")


def test_exceeded_names_each_resource_that_is_short() -> None:
    part = find_part("ecp5-25")
    assert exceeded(part.totals, part) == ()
    lacks = exceeded(replace(part.totals, dsps=29, block_rams=57.0), part)
    assert lacks == ("29 of 28 multipliers", "57 of 56 block RAMs")


# -- readers ---------------------------------------------------------------------


def test_yosys_cells() -> None:
    assert yosys_usage(recorded("cells_ecp5.json"), ECP5) == Usage(700 + 200 + 60, 900, 3, 5.0)
    assert yosys_usage(recorded("cells_xc7.json"), XC7) == Usage(150 + 24 + 7, 405, 2, 5.5)


@pytest.mark.parametrize("cell", ["$dlatch", "$_DLATCH_P_", "LDCE"])
def test_latch_is_refused(cell: str) -> None:
    content = json.loads(recorded("cells_ecp5.json"))
    content["design"]["num_cells_by_type"][cell] = 1
    with pytest.raises(ReportFormatError, match="latches"):
        yosys_usage(json.dumps(content), ECP5)


def test_nextpnr_report() -> None:
    routed = nextpnr_routed(recorded("routed_ecp5.json"), "ap_clk")
    assert routed.usage == Usage(1010, 900, 3, 5.0)
    assert routed.fmax_mhz == 250.0
    assert routed.path == CriticalPath("u_solve.a_q", "u_solve.b_q", 4.0, 0.75, 3.25, 1)


def test_vitis_hls_report() -> None:
    hls = vitis_hls_estimate(recorded("csynth.xml"))
    assert hls.usage == Usage(14210, 9120, 18, 18.5)
    assert hls.clock_period_ns == 4.868


def test_vivado_reports() -> None:
    assert vivado_usage(recorded("utilization_xc7.rpt")) == Usage(6120, 7744, 4, 21.5)
    assert vivado_usage(recorded("utilization_xcup.rpt")) == Usage(5001, 7012, 0, 12.0)
    slack, path = vivado_path(recorded("timing.rpt"))
    assert slack == -0.333
    assert path == CriticalPath(
        "u_solve/u_matvec/weights_q_reg[12]/C", "u_solve/u_matvec/g_pe[3].sum_q_reg[19]/D", 6.9, 2.65, 4.25, 7
    )


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda text: yosys_usage(text, ECP5), "{}"),
        (lambda text: nextpnr_routed(text, "ap_clk"), '{"fmax": {}, "utilization": {}, "critical_paths": []}'),
        (lambda text: nextpnr_routed(text, "ap_clk"), "no json"),
        (vitis_hls_estimate, "<profile/>"),
        (vitis_hls_estimate, "no xml"),
        (vivado_usage, "| CLB LUTs | 3 |"),
        (vivado_path, "No timing paths found."),
    ],
)
def test_damaged_report_is_refused(read, text: str) -> None:
    with pytest.raises(ReportFormatError, match=r"see .*\.log"):
        read(text)


# -- options ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "virtex"}, "expected one of"),
        ({"flow": "quartus"}, "expected open, vivado or vitis-hls"),
        ({"flow": "vivado"}, "use the open flow"),
        ({"speed": 9}, "expected a whole number from 6 to 8"),
        ({"clock_mhz": 0.0}, "expected 1 to 1000"),
        ({"clock_mhz": float("nan")}, "expected 1 to 1000"),
        ({"lut_weight_bits": 1}, "expected a whole number from 2 to 18"),
        ({"dsp": "some"}, "expected auto, none or all"),
        ({"dsp": "all", "lut_weight_bits": 4}, "give one"),
        ({"seeds": 0}, "expected a whole number from 1 to 100"),
        ({"part": "xc7a100t", "seeds": 2}, "only nextpnr draws them"),
    ],
)
def test_bad_option_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SynthOptions(**{"part": "ecp5-85", **options})


# -- the flow around the tools -----------------------------------------------------


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stand-ins for Yosys and nextpnr that answer with the recorded files, or as asked."""
    folder = tmp_path / "tools"
    folder.mkdir()

    def install(cells: str = recorded("cells_ecp5.json"), router: str | None = None) -> Path:
        mapper = stand_in(folder, "yosys", MAPPER.format(cells=cells))
        placer = stand_in(folder, "nextpnr-ecp5", router or ROUTER.format(routed=recorded("routed_ecp5.json")))
        monkeypatch.setattr(synth, "yosys", lambda: mapper)
        monkeypatch.setattr(synth, "nextpnr_ecp5", lambda: placer)
        return folder

    return install


def test_report_keeps_estimated_synthesised_and_routed_apart(tmp_path: Path, tools) -> None:
    tools()
    build = build_folder(tmp_path / "build")
    said: list[tuple[str, str]] = []
    report = synthesize(build, SynthOptions("ecp5-85"), tmp_path / "work", lambda *now: said.append(now))
    program = random_program(3, n=8, d=6, k=3, bits=4, iterations=5)
    plan = schedule(program, 4)
    assert report.estimated == estimate(program, plan, ECP5, 8)
    assert report.synthesised == Usage(960, 900, 3, 5.0)
    assert report.routed is not None and report.routed.usage == Usage(1010, 900, 3, 5.0)
    assert report.samples_per_second == 250e6 / initiation_interval(plan, 5)
    assert report.program_digest == program.replace(name="named").digest
    assert ("nextpnr-ecp5", "Routing") in said
    assert (tmp_path / "work" / "nextpnr-ecp5.log").read_text() == "Info: Routing\n"
    plain = json.loads(json.dumps(report.to_plain()))
    assert plain["routed"]["path"]["start"] == "u_solve.a_q"
    assert plain["hls"] is None and "Vitis HLS" in plain["reasons"]["hls"]
    assert plain["part"]["totals"]["block_rams"] == 208
    places = [(item["engine"], item["weight_bits"], item["place"]) for item in plain["products"]]
    assert places == [("drive", 6, "LUTs"), ("solver", 4, "LUTs"), ("readout", 6, "LUTs")]


def test_cache_is_keyed_by_sources_options_versions_and_results(tmp_path: Path, tools) -> None:
    noted = tools()
    build, work = build_folder(tmp_path / "build"), tmp_path / "work"

    def count(**options: int) -> tuple[int, int]:
        synthesize(build, SynthOptions("ecp5-85", **options), work)
        return runs(noted, "yosys"), runs(noted, "nextpnr-ecp5")

    assert count() == (2, 1)  # Yosys maps the design, and then writes what has become of it
    assert synthesize(build, SynthOptions("ecp5-85"), work).from_cache
    assert count() == (2, 1)
    # Another speed grade needs another placement of the same netlist; another weight file needs both.
    assert count(speed=6) == (2, 2)
    # The netlist comes out the same here, so it is not placed again.
    assert count(speed=6, lut_weight_bits=2) == (3, 2)
    memory = build / "rtl" / "mem" / "matrix.mem"
    memory.write_text(memory.read_text().replace(memory.read_text()[0], "f", 1) + "\n")
    assert count(speed=6, lut_weight_bits=2)[0] == 4
    (work / "routed.json").write_text("{}")
    before = runs(noted, "nextpnr-ecp5")
    assert count(speed=6, lut_weight_bits=2) == (4, before + 1)


#: Nextpnr that says what it was told: places without a report, routes with one.
TELLING = """print("Info: Max frequency for clock 'ap_clk': 91.30 MHz (FAIL at 150.00 MHz)")
arguments = dict(zip(sys.argv, [*sys.argv[1:], '']))
wanted = arguments.get('--write')
pathlib.Path(wanted or arguments['--report']).write_text('"target_freq": "150000000.000000"' if wanted else '{}')
open('told', 'a').write(' '.join(sys.argv[1:]) + chr(10))
"""


def told(folder: Path, usage: Usage, clock_mhz: float, script: str = TELLING) -> list[dict[str, str]]:
    """What nextpnr is told, run by run, and not again."""
    runs = PlaceAndRoute(stand_in(folder, "nextpnr-ecp5", script), ("--85k",), usage, clock_mhz, "ap_clk", "-seed3")
    (folder / "netlist.json").write_text("{}")
    assert not runs.execute(folder, synth.silent) and runs.execute(folder, synth.silent)
    assert (folder / "routed-seed3.json").exists()
    lines = (folder / "told").read_text().splitlines()
    return [dict(pairwise((*line.split(), ""))) for line in lines]


def test_a_part_with_room_takes_one_run_with_the_first_router(tmp_path: Path) -> None:
    (once,) = told(tmp_path, Usage(5000, 0, 32, 0), 150.0)
    assert once["--freq"] == "150" and int(once["--placer-heap-timingweight"]) > 10
    assert not {"--router", "--no-route", "--tmg-ripup"} & set(once)


@pytest.mark.parametrize("usage", [Usage(50_000, 0, 0, 0), Usage(5000, 0, 33, 0)])
@pytest.mark.parametrize(("asked", "routed"), [(150.0, "91.3"), (80.0, "80")])
def test_a_crowded_part_is_routed_for_what_placing_reached(
    usage: Usage, asked: float, routed: str, tmp_path: Path
) -> None:
    """By the second router, which rips up wires that miss the clock: of one beyond reach it would not end."""
    place, route = told(tmp_path, usage, asked)
    assert place["--freq"] == f"{asked:g}" and "--no-route" in place and "--report" not in place
    assert place["--router"] == "router2" and "--tmg-ripup" in place
    assert ("--placer-heap-alpha" in place) == (usage.luts > 30_000)
    assert route["--freq"] == routed and {"--no-pack", "--no-place"} <= set(route)
    # Nextpnr keeps its settings in the netlist, and believes that.
    aimed = (tmp_path / route["--json"]).read_text()
    assert aimed == f'"target_freq": "{float(routed) * 1e6:.6f}"'
    assert not any(option.startswith("--placer") for option in route)


#: A router that ends only when it is asked for less than 90 MHz, and says how it is getting on.
STUCK = f"{TELLING}{STANDSTILL}if float(arguments['--freq']) > 90 and not wanted: standstill()\n"


def test_a_router_that_is_stuck_is_asked_for_less(tmp_path: Path) -> None:
    """And not again, when the same is asked for another time."""
    place, first, second = told(tmp_path, Usage(50_000, 0, 0, 0), 150.0, STUCK)
    assert "--no-route" in place
    assert (float(first["--freq"]), float(second["--freq"])) == (91.3, pytest.approx(0.95 * 91.3, abs=1e-3))
    assert (tmp_path / second["--json"]).read_text() == f'"target_freq": "{0.95 * 91.3e6:.6f}"'
    assert (tmp_path / "nextpnr-ecp5-seed3.stuck.json").exists() and (tmp_path / "nextpnr-ecp5-95-seed3.log").exists()


def test_rounds_that_leave_fewer_wires_are_no_standstill() -> None:
    def judged(rounds: RouterRounds, overused: int, late: int = 0) -> bool:
        return rounds(f"Info:     iter=7 wires=9 overused={overused} overuse=9 tmgfail={late} archfail=NA")

    falling, standing = RouterRounds(), RouterRounds()
    assert not any(judged(falling, 10_000 - 9 * number) for number in range(1000))
    assert not any(judged(standing, 1, 999) for _ in range(STUCK_ROUNDS))
    assert judged(standing, 0, 1100) and not judged(standing, 0, 100)
    assert not standing("Info: Routing globals...")


@pytest.mark.parametrize(
    ("without", "complaint"), [("ap_clk", "log has no clock ap_clk"), ("target_freq", "does not say what clock")]
)
def test_a_placement_without_a_clock_is_an_error(without: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ReportFormatError, match=complaint):
        told(tmp_path, Usage(50_000, 0, 0, 0), 150.0, TELLING.replace(without, "other"))


def test_several_seeds_report_the_median_clock_and_the_spread(tmp_path: Path, tools) -> None:
    noted = tools()
    build, work = build_folder(tmp_path / "build"), tmp_path / "work"
    report = synthesize(build, SynthOptions("ecp5-85", seeds=5), work)
    assert runs(noted, "nextpnr-ecp5") == 5
    assert [(each.seed, each.fmax_mhz) for each in report.placements] == [
        (1, 250.0), (2, 246.0), (3, 253.0), (4, 249.0), (5, 245.0)
    ]  # fmt: skip
    assert report.routed is not None and report.routed.fmax_mhz == 249.0
    assert report.samples_per_second == 249e6 / report.cycles_per_sample
    # Two more seeds are two more runs, and the lower of the two in the middle counts.
    report = synthesize(build, SynthOptions("ecp5-85", seed=4, seeds=4), work)
    assert runs(noted, "nextpnr-ecp5") == 7
    assert [each.fmax_mhz for each in report.placements] == [249.0, 245.0, 252.0, 248.0]
    assert report.routed is not None and report.routed.fmax_mhz == 248.0
    assert not report.from_cache
    assert synthesize(build, SynthOptions("ecp5-85", seeds=7), work).from_cache


def test_cache_does_not_outlive_the_tools_version(tmp_path: Path) -> None:
    tool = stand_in(tmp_path, "tool", "pathlib.Path('out').write_text('1')\n")
    assert not ToolRun(tool, (), (), ("out",)).execute(tmp_path, synth.silent)
    assert ToolRun(tool, (), (), ("out",)).execute(tmp_path, synth.silent)
    assert not ToolRun(replace(tool, version="1.1"), (), (), ("out",)).execute(tmp_path, synth.silent)


def test_failed_run_is_not_cached(tmp_path: Path) -> None:
    tool = stand_in(tmp_path, "tool", "pathlib.Path('out').write_text('1'); print('ERROR: syntax'); sys.exit(1)\n")
    for _ in range(2):
        with pytest.raises(ToolFailedError, match=r"tool failed: ERROR: syntax; see .*tool\.log"):
            ToolRun(tool, (), (), ("out",)).execute(tmp_path, synth.silent)
    assert runs(tmp_path, "tool") == 2


def test_tool_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    tool = stand_in(tmp_path, "tool", "")
    with pytest.raises(ToolFailedError, match="tool wrote no out"):
        ToolRun(tool, (), (), ("out",)).execute(tmp_path, synth.silent)


@pytest.mark.parametrize("find", [yosys, nextpnr_ecp5])
def test_missing_open_tool_names_the_remedy(find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingToolError, match=r"not installed; pip install .*\[synth\]"):
        find()


def test_a_native_nextpnr_is_taken_where_it_is_asked_for(
    tmp_path: Path, tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the wheel's, which is not run then; and what is said where there is none."""
    noted = tools(cells(LUT4=500))
    build, options = build_folder(tmp_path / "build"), SynthOptions("ecp5-25", nextpnr="path")
    (tmp_path / "native").mkdir()
    native = stand_in(tmp_path / "native", "nextpnr-ecp5", ROUTER.format(routed=recorded("routed_ecp5.json")))
    with monkeypatch.context() as patched:
        patched.setattr(synth, "native_nextpnr_ecp5", lambda: replace(native, version="0.4"))
        report = synthesize(build, options, tmp_path / "work")
    assert ("nextpnr-ecp5", "0.4") in report.tools and runs(noted, "nextpnr-ecp5") == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"nextpnr-ecp5 is not installed; put a build .* on PATH"):
        synthesize(build, options, tmp_path / "work")
    with pytest.raises(InputError, match="xc7a100t is not routed by nextpnr"):
        SynthOptions("xc7a100t", nextpnr="path")


@pytest.mark.parametrize("flow", ["vivado", "vitis_hls"])
def test_missing_amd_tool_names_the_remedy(flow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    build = build_folder(tmp_path / "build")
    with pytest.raises(MissingToolError, match=r"not on PATH; .*settings64\.sh"):
        synthesize(build, SynthOptions("xc7a100t", flow=flow), tmp_path / "work")


# -- designs that do not fit ---------------------------------------------------------


def test_design_that_does_not_fit_names_the_folding_that_would(tmp_path: Path, tools) -> None:
    noted = tools(cells(LUT4=5_000, MULT18X18D=400))
    program = random_program(3, n=24, d=30, k=3, bits=12, iterations=4)
    plan = schedule(program, 2)
    build = Corner(program, plan).build(tmp_path / "build")
    with pytest.raises(InputError, match=r"reuse_factor 2\) does not fit ecp5-85: 400 of 156 multipliers") as caught:
        synthesize(build, SynthOptions("ecp5-85"), tmp_path / "work")
    assert "an estimate says that reuse_factor=" in str(caught.value)
    reuse = int(str(caught.value).split("reuse_factor=")[1].split()[0])
    here, there = (estimate(program, schedule(program, factor), ECP5, 8).dsps for factor in (2, reuse))
    assert reuse > 2 and 400 * there / here <= 156
    assert runs(noted, "nextpnr-ecp5") == 0


def test_design_that_no_folding_fits_names_larger_parts(tmp_path: Path, tools) -> None:
    tools(cells(DP16KD=100))
    program = random_program(3, n=2, d=3, k=1, bits=4, iterations=2)
    build = Corner(program, schedule(program, 4)).build(tmp_path / "build")
    with pytest.raises(InputError, match=r"no reuse_factor makes it fit; take a larger part \(ecp5-45, ecp5-85\)"):
        synthesize(build, SynthOptions("ecp5-25"), tmp_path / "work")


def test_graphs_that_do_not_fit_are_to_be_folded(tmp_path: Path, tools) -> None:
    tools(cells(LUT4=26_000))
    program = random_program(3, n=12, d=40, k=5, bits=4, drive_bits=6, readout_bits=6, iterations=20)
    sizes = {"drive": drive_graph(program).size, "readout": readout_graph(program).size}
    plan = schedule_unrolled(program, solver_graph(program).size, **sizes)
    build = Corner(program, plan).build(tmp_path / "build")
    with pytest.raises(InputError, match="an estimate says that graphs readout would fit") as caught:
        synthesize(build, SynthOptions("ecp5-25"), tmp_path / "work")
    assert "26000 of 24288 LUTs" in str(caught.value)
    tools(cells(LUT4=60_000))
    with pytest.raises(InputError, match="an estimate says that strategy resource reuse_factor"):
        synthesize(build, SynthOptions("ecp5-25"), tmp_path / "other")


def test_placer_without_room_is_a_design_that_does_not_fit(tmp_path: Path, tools) -> None:
    complaint = "ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'DP16KD'"
    tools(router=f"print({complaint!r}); sys.exit(255)\n")
    with pytest.raises(InputError, match=r"does not fit ecp5-85: ERROR: Unable to place cell"):
        synthesize(build_folder(tmp_path / "build"), SynthOptions("ecp5-85"), tmp_path / "work")


def test_other_failure_of_the_placer_is_not_about_room(tmp_path: Path, tools) -> None:
    tools(router="print('ERROR: bad netlist'); sys.exit(255)\n")
    with pytest.raises(ToolFailedError, match=r"bad netlist; see .*nextpnr-ecp5\.log"):
        synthesize(build_folder(tmp_path / "build"), SynthOptions("ecp5-85"), tmp_path / "work")


def test_products_follow_the_option() -> None:
    program = random_program(1, n=8, d=6, k=3, bits=4, drive_bits=2, readout_bits=9)
    plan = schedule(program, 16)

    def places(lut_weight_bits: int) -> list[str]:
        return [item.place for item in products(program, plan, lut_weight_bits)]

    assert places(2) == ["multiplexers", "DSPs", "DSPs"]
    assert places(4) == places(8) == ["multiplexers", "LUTs", "DSPs"]
    assert places(16) == ["multiplexers", "LUTs", "LUTs"]
    dsps = estimate(program, plan, ECP5, 4).dsps
    assert dsps == sum(item.lanes for item in products(program, plan, 4) if item.place == "DSPs") > 0
    solver, readout = solver_graph(program).size, readout_graph(program).size
    unrolled = schedule_unrolled(program, solver)
    assert [item.engine for item in products(program, unrolled, 8)] == ["drive", "readout"]
    unrolled = schedule_unrolled(program, solver, readout=readout)
    assert [item.engine for item in products(program, unrolled, 8)] == ["drive"]


def test_dsps_are_for_wide_weights_as_long_as_the_part_has_them() -> None:
    program = random_program(1, n=40, d=6, k=3, bits=8, drive_bits=3, readout_bits=10)

    def bits(dsp: str | None, part: str, reuse_factor: int) -> int:
        options = SynthOptions(part, dsp=dsp)
        return lut_weight_bits(program, schedule(program, reuse_factor), find_part(part), options)

    assert [bits(dsp, "ecp5-85", 40) for dsp in (None, "none", "all", "auto")] == [8, 18, 2, 7]
    # 1,600 products of 8 bits are too many for it, those of 10 bits are not.
    assert bits("auto", "ecp5-85", 1) == 8


def test_estimate_falls_with_the_reuse_factor() -> None:
    program = random_program(1, n=40, d=64, k=5, bits=6, iterations=10)
    for family in (ECP5, XC7):
        usages = [estimate(program, schedule(program, reuse), family, 8) for reuse in (10, 40, 400, 1600)]
        assert all(a.luts > b.luts and a.flip_flops > b.flip_flops for a, b in pairwise(usages))
        assert all(usage.dsps == 0 for usage in usages)
    plan = schedule(program, 40)
    in_dsps = estimate(program, plan, ECP5, 2)
    lanes = [fold.pe * fold.simd for fold in (plan.drive, plan.solve, plan.readout)]
    assert in_dsps.dsps == sum(lanes)


@pytest.mark.parametrize(
    "low, high, counts",
    [
        (-(2**17), 2**17 - 1, (1, 1, 1)),
        (0, 2**17 - 1, (1, 1, 1)),
        (0, 2**18 - 1, (2, 1, 1)),  # 18 bits, and a sign bit before them
        (-(2**19), 2**19 - 1, (2, 1, 1)),
        (-(2**25), 2**25 - 1, (2, 2, 1)),
        (-(2**31), 2**31 - 1, (2, 2, 2)),
        (0, 2**34, (3, 2, 2)),
    ],
)
def test_words_wider_than_a_multiplier_take_several(low: int, high: int, counts: tuple[int, ...]) -> None:
    assert tuple(multipliers(WordRange(low, high), family) for family in (ECP5, XC7, ULTRASCALE_PLUS)) == counts


def test_multipliers_of_a_core_of_long_states_are_as_many_as_yosys_takes() -> None:
    """Yosys maps a controller of these sizes to 298 MULT18X18D."""
    program = random_program(
        1, n=60, d=8, k=2, bits=12, drive_bits=16, readout_bits=12, input_bits=12, input_signed=True,
        state_bits=20, state_integer_bits=5,
    )  # fmt: skip
    fold = EngineFolding(rows=60, columns=60, pe=12, simd=12)
    plan = replace(
        schedule(program, 25), drive=EngineFolding(60, 8, 1, 8), solve=fold, readout=EngineFolding(2, 60, 1, 1)
    )
    assert sum(item.lanes for item in products(program, plan, 8)) == 153
    assert estimate(program, plan, ECP5, 8).dsps == 298


# -- AMD's tools ----------------------------------------------------------------------


def on_path(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport os, pathlib, sys\nargs = sys.argv[1:]\n{script}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def test_vivado_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = {name: recorded(source) for name, source in (
        ("utilization_synth.rpt", "utilization_xc7.rpt"), ("utilization.rpt", "utilization_xc7.rpt"),
        ("timing.rpt", "timing.rpt"),
    )}  # fmt: skip
    script = (
        f"print('Vivado v2024.1')\nif '-source' in args:\n  for n, t in {reports!r}.items(): open(n, 'w').write(t)\n"
    )
    on_path(tmp_path / "bin", "vivado", script, monkeypatch)
    work = tmp_path / "work"
    report = synthesize(build_folder(tmp_path / "build"), SynthOptions("xc7a100t", "vivado"), work)
    assert report.tools == (("vivado", "2024.1"),)
    assert report.routed is not None
    assert report.routed.fmax_mhz == pytest.approx(1e3 / (1e3 / 150 + 0.333))
    tcl = (work / "vivado.tcl").read_text()
    assert "synth_design -top named_top -part xc7a100tcsg324-1 -mode out_of_context" in tcl
    assert "create_clock -name ap_clk -period 6.667" in tcl
    assert 'list "NAMED_MEM_DIR=\\"[pwd]/rtl/mem\\"" "NAMED_LUT_WEIGHT_BITS=8" "NAMED_MULTIPLIER_BITS=25" ]' in tcl
    listed = tcl.split("[list ")[1].split("]")[0].split()
    assert listed[0] == "rtl/src/named_pkg.sv" and all((work / name).is_file() for name in listed)


@pytest.mark.parametrize("name", ["vitis_hls", "vitis-run"])
def test_vitis_hls_flow(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both names of the tool; the build folder's own script is given the part and the clock."""
    script = f"""print('v2024.2')
if args[-1].endswith('.tcl'):
  assert pathlib.Path(args[-1]).is_file() and os.environ['MONDEQ_PART'] == 'xczu7ev-ffvc1156-2-e'
  assert os.environ['MONDEQ_STEPS'] == 'csynth' and os.environ['MONDEQ_CLOCK_PERIOD'] == '5.000'
  target = pathlib.Path('mondeq_vitis/solution/syn/report')
  target.mkdir(parents=True)
  (target / 'csynth.xml').write_text({recorded("csynth.xml")!r})
"""
    on_path(tmp_path / "bin", name, script, monkeypatch)
    build = build_folder(tmp_path / "build")
    (build / "hls").mkdir()
    (build / "hls" / "vitis_hls.tcl").write_text("exit\n")
    assert vitis_hls().version == "2024.2"
    report = synthesize(build, SynthOptions("xczu7ev", "vitis_hls", clock_mhz=200.0), tmp_path / "work")
    assert report.hls is not None and report.hls.usage.luts == 14210
    assert report.synthesised is None and report.routed is None and report.samples_per_second is None
    assert "no logic synthesis" in dict(report.reasons)["routed"]


# -- command line -------------------------------------------------------------------


def test_command(tmp_path: Path, tools, capsys: pytest.CaptureFixture[str]) -> None:
    from mondeq_hw.cli import main

    tools()
    build = build_folder(tmp_path / "build")
    (build / "report").mkdir()
    assert main(["synth", str(build), "--part", "ECP5-85", "--clock", "120"]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "250.0 MHz reached, 120 MHz aimed at" in printed
    assert "u_solve.a_q -> u_solve.b_q" in printed
    written = json.loads((build / "report" / "synth.json").read_text())
    assert written["routed"]["fmax_mhz"] == 250.0
    assert (build / "report" / "synth" / "ecp5-85" / "yosys.log").is_file()
    assert main(["synth", str(build), "--part", "ecp5-85", "--clock", "120", "--json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out) == {**written, "from_cache": True}
    assert main(["synth", str(build), "--part", "ecp5-85", "--seeds", "3"]) == EXIT_OK
    assert "that is the median of 3 placements, 246.0 to 253.0 MHz" in capsys.readouterr().out


def test_command_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mondeq_hw.cli import main

    build = build_folder(tmp_path / "build")
    assert main(["synth", str(build), "--part", "z80"]) == EXIT_BAD_INPUT
    assert main(["synth", str(tmp_path / "none"), "--part", "ecp5-25"]) == EXIT_BAD_INPUT
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["synth", str(build), "--part", "xc7a35t", "--flow", "vivado"]) == EXIT_MISSING_TOOL
    assert "Traceback" not in capsys.readouterr().err


# -- the open tools themselves --------------------------------------------------------


def test_tiny_program_through_yosys_and_nextpnr(tmp_path: Path) -> None:
    build, work = build_folder(tmp_path / "build", n=4, d=3, k=2, bits=3), tmp_path / "work"
    report = synthesize(build, SynthOptions("ecp5-25", clock_mhz=120.0), work)
    assert report.synthesised is not None and report.routed is not None and report.routed.path is not None
    assert report.synthesised.flip_flops == report.routed.usage.flip_flops > 100
    assert 0 < report.synthesised.luts <= 1.5 * report.routed.usage.luts
    # Weights of up to 8 bits are in LUTs, and nothing else wants a multiplier.
    assert report.routed.usage.dsps == 0
    assert report.routed.fmax_mhz == pytest.approx(1e3 / report.routed.path.delay, rel=1e-3)
    assert ".u_" in f".{report.routed.path.start}"
    available = {name: entry["available"] for name, entry in json.loads((work / "routed.json").read_text())[
        "utilization"].items()}  # fmt: skip
    held = (available["TRELLIS_COMB"], available["TRELLIS_FF"], available["MULT18X18D"], available["DP16KD"])
    assert Usage(*held) == find_part("ecp5-25").totals
    assert synthesize(build, SynthOptions("ecp5-25", clock_mhz=120.0), work).from_cache


def mapped_memories(build: Path, work: Path, lut_weight_bits: int = 8) -> dict[str, int]:
    """Cell types after Yosys' memory mapping, the script's own options up to there."""
    work.mkdir()
    options = SynthOptions("ecp5-85", lut_weight_bits=lut_weight_bits)
    program = synth.SolverProgram.load(build)
    flow = synth._Flow(build, program, synth.load_schedule(build), options, find_part("ecp5-85"), work, synth.silent)
    script = flow._yosys_script(flow._snapshot("rtl"))
    early = script.replace(f" -json {MAPPED}", " -run :map_gates")
    assert early != script
    (work / "early.ys").write_text(f"{early}select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr\n{COUNT}\n")
    ToolRun(yosys(), ("-s", "early.ys"), (), ("cells.json",)).execute(work, synth.silent)
    return json.loads((work / "cells.json").read_text())["design"]["num_cells_by_type"]


def test_no_latch_and_weights_in_block_ram(tmp_path: Path) -> None:
    program = random_program(5, n=32, d=64, k=10, bits=6, iterations=8)
    plan = schedule(program, 128)
    found = mapped_memories(Corner(program, plan).build(tmp_path / "build"), tmp_path / "work")
    assert "$mem_v2" not in found and "MULT18X18D" not in found
    bits = program.n * (program.n * program.matrix.word_length + program.d * program.drive.word_length)
    assert found["DP16KD"] * 18 * 1024 >= bits, "the weights of solver and drive are in block RAM"


def test_wide_weights_use_the_devices_multipliers(tmp_path: Path) -> None:
    program = random_program(5, n=6, d=5, k=2, bits=9, drive_bits=4, readout_bits=4, iterations=3)
    plan = schedule(program, 6)
    build = Corner(program, plan).build(tmp_path / "build")
    assert mapped_memories(build, tmp_path / "dsp")["MULT18X18D"] >= plan.solve.pe * plan.solve.simd
    assert "MULT18X18D" not in mapped_memories(build, tmp_path / "lut", lut_weight_bits=9)


def test_one_run_at_a_time_in_a_folder(tmp_path: Path, tools) -> None:
    """What a second one would overwrite is the first one's; when that has ended it may."""
    noted, build, work = tools(), build_folder(tmp_path / "build"), tmp_path / "work"
    with alone_in(work), pytest.raises(InputError, match=r"work: another run .* wait until it ends"):
        synthesize(build, SynthOptions("ecp5-85"), work)
    assert runs(noted, "nextpnr-ecp5") == 0
    assert synthesize(build, SynthOptions("ecp5-85"), work).routed is not None


def test_a_run_that_wrote_nothing_leaves_no_folder(tmp_path: Path) -> None:
    """An earlier run's folder, or what this one wrote, stays."""
    work = tmp_path / "report" / "work"
    with alone_in(work):
        pass
    assert not any(tmp_path.iterdir())
    with alone_in(work):
        (work / "log").write_text("")
    with pytest.raises(KeyError), alone_in(work):
        raise KeyError
    assert {file.name for file in work.iterdir()} == {"lock", "log"}


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"), alone_in(tmp_path / "file" / "work"):
        pass
