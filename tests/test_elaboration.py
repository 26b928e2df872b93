"""Wrong parameters never become hardware: no tool elaborates a module with them, and no schedule holds them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from corner_programs import CARRIED, CORNERS, hardened

from mondeq_hw.base import InputError
from mondeq_hw.boards import board_rtl
from mondeq_hw.boards.pll import Pll
from mondeq_hw.hardware import Design, Schedule
from mondeq_hw.hardware.schedule import FULL
from mondeq_hw.rtl_tests.board_runner import QUICK
from mondeq_hw.rtl_tests.simulators import Verilator

pytestmark = pytest.mark.slow

#: Of each module's source below ``hls_templates``: a parameter, values that are wrong, and the check that says so.
WRONG: dict[str, tuple[tuple[str, tuple[int, ...], str], ...]] = {
    "rtl/mondeq_delay": (("Width", (0,), "delay_width_or_depth"), ("Depth", (-1,), "delay_width_or_depth")),
    "rtl/mondeq_rom": (("Width", (0,), "rom_width_or_depth"), ("Depth", (0,), "rom_width_or_depth")),
    "rtl/mondeq_weights": (("Width", (0,), "weights_width_or_depth"), ("Depth", (0,), "weights_width_or_depth")),
    "rtl/mondeq_feedthrough": (
        ("States", (0,), "feedthrough_of_nothing"),
        ("Rows", (0,), "feedthrough_of_nothing"),
        ("Slots", (1,), "feedthrough_of_nothing"),
    ),
    "rtl/mondeq_carried": (("Shift", (-1,), "carried_sizes"), ("Simd", (0, 99), "carried_sizes")),
    "rtl/mondeq_frame_check": (("Beats", (0,), "frame_of_no_beats"), ("LoadBeats", (-1,), "frame_of_no_beats")),
    "rtl/mondeq_guard": (
        ("Results", (0,), "guard_of_nothing"),
        ("Slots", (1,), "guard_of_nothing"),
        ("Watchdog", (0,), "guard_of_nothing"),
    ),
    "rtl/mondeq_output_beat": (
        ("Words", (1,), "output_beat_of_one_word"),
        ("WordBits", (0,), "output_lane_narrower_than_its_word"),
        ("LaneBits", (1,), "output_lane_narrower_than_its_word"),
    ),
    "rtl/mondeq_end_flag": (
        ("Simd", (0, 99), "end_flag_sizes"),
        ("InputBits", (0,), "end_flag_sizes"),
        ("Depth", (0,), "end_flag_sizes"),
    ),
    "rtl/mondeq_fifo": (("Width", (0,), "fifo_width_or_depth"), ("Depth", (0, -1), "fifo_width_or_depth")),
    "rtl/mondeq_credits": (("Credits", (0,), "no_credits"),),
    "rtl/mondeq_slot_watch": (("Slots", (1, 0), "fewer_than_two_slots"),),
    "rtl/mondeq_matvec_counter": (
        ("RowGroups", (0,), "no_groups_to_count"),
        ("ColumnGroups", (0, -2), "no_groups_to_count"),
    ),
    "rtl/mondeq_adder_tree": (
        ("Inputs", (0,), "adder_tree_without_inputs"),
        ("InputBits", (0,), "adder_tree_without_inputs"),
    ),
    "rtl/mondeq_product": (
        ("WeightBits", (0,), "product_of_no_bits"),
        ("DataBits", (0,), "product_of_no_bits"),
        ("MultiplierBits", (1,), "product_of_no_multiplier"),
    ),
    "rtl/mondeq_clip": (("StateBits", (1, 0), "clip_of_no_magnitude"), ("WordBits", (0,), "clip_of_no_magnitude")),
    "rtl/mondeq_clip_lanes": (
        ("Lanes", (0, 99), "clip_beyond_the_rows"),
        ("Kinds", (0,), "clip_table"),
        ("Latency", (0,), "clip_table"),
    ),
    "rtl/mondeq_round_shift": (
        ("InBits", (0,), "round_shift_of_no_bits"),
        ("OutBits", (0,), "round_shift_of_no_bits"),
        ("Base", (-1,), "round_shift_to_the_left"),
        ("ShiftBits", (0,), "round_shift_to_the_left"),
    ),
    "rtl/mondeq_saturate": (
        ("InBits", (0,), "saturate_to_no_magnitude"),
        ("OutBits", (1,), "saturate_to_no_magnitude"),
    ),
    "rtl/mondeq_matvec": (
        ("Pe", (0,), "matvec_of_no_multipliers"),
        ("Simd", (0,), "matvec_of_no_multipliers"),
        ("Groups", (0,), "matvec_of_no_multipliers"),
        ("SumBits", (0,), "matvec_sum"),
        ("LeftShift", (-1,), "matvec_sum"),
    ),
    "rtl/mondeq_matvec_tables": (
        ("Pe", (0,), "tables_of_no_products"),
        ("TableWords", (2,), "tables_words_or_bits"),
        ("SumBits", (0,), "tables_sum"),
    ),
    "rtl/mondeq_regroup": (
        ("Words", (0,), "regroup_of_nothing"),
        ("WordBits", (0,), "regroup_of_nothing"),
        ("Banks", (0,), "regroup_of_nothing"),
        ("WriteWords", (0, 2), "regroup_beyond_the_vector"),
        ("ReadWords", (0, 2), "regroup_beyond_the_vector"),
    ),
    "rtl/mondeq_readout_control": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("Rows", (0,), "readout_of_nothing"),
        ("Depth", (0,), "readout_of_nothing"),
    ),
    "rtl/mondeq_state_trace": (
        ("Slots", (1,), "fewer_than_two_slots"),
        ("Pe", (2,), "trace_beyond_the_rows"),
        ("StateBits", (1,), "trace_beyond_the_rows"),
    ),
    "rtl/folded/mondeq_drive": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("Pe", (0, 99), "drive_folding_beyond_the_matrix"),
        ("Simd", (0, 99), "drive_folding_beyond_the_matrix"),
        ("InputBits", (0,), "drive_widths"),
        ("DriveBits", (0, 99), "drive_widths"),
        ("LeftShift", (-1,), "drive_shifts"),
        ("ShiftBits", (0,), "drive_shifts"),
        ("Straight", (1,), "straight_drive_of_some_rows"),
    ),
    "rtl/folded/mondeq_solve": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("Pe", (0, 99), "solve_folding_beyond_the_matrix"),
        ("Simd", (0, 99), "solve_folding_beyond_the_matrix"),
        ("DrivePe", (0, 99), "solve_neighbours_beyond_the_rows"),
        ("ReadoutSimd", (0, 99), "solve_neighbours_beyond_the_rows"),
        ("DriveBits", (0, 99), "solve_widths_or_iterations"),
        ("Iterations", (0,), "solve_widths_or_iterations"),
        ("FirstWarmUpdate", (-1, 1000), "solve_start_beyond_the_iterations"),
        ("LeakShift", (-1, 99), "solve_shifts"),
    ),
    "rtl/folded/mondeq_readout": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("Simd", (0, 99), "readout_folding_beyond_the_matrix"),
        ("StateBits", (1,), "readout_widths"),
        ("OutputBits", (0,), "readout_widths"),
    ),
    "rtl/unrolled/mondeq_drive": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("Simd", (0, 99), "drive_folding_beyond_the_matrix"),
        ("DriveBits", (0, 99), "drive_widths"),
        ("Stages", (0,), "drive_stages_or_shifts"),
        ("LeftShift", (-1,), "drive_stages_or_shifts"),
    ),
    "rtl/unrolled/mondeq_solve": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("DrivePe", (0, 99), "solve_neighbours_beyond_the_rows"),
        ("ReadoutSimd", (0, 99), "solve_neighbours_beyond_the_rows"),
        ("Iterations", (0,), "solve_widths_or_iterations"),
        ("FirstWarmUpdate", (-1, 1000), "solve_start_beyond_the_iterations"),
        ("Stages", (3, 0), "solve_stages_or_shifts"),
        ("LeakShift", (99,), "leak_beyond_the_row_shift"),
    ),
    "rtl/unrolled/mondeq_readout": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("StateBits", (1,), "readout_sizes"),
        ("OutputBits", (0,), "readout_sizes"),
        ("Stages", (0,), "readout_stages_or_shifts"),
    ),
    "rtl/straight/mondeq_solve": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("StateBits", (1,), "solve_widths_or_iterations"),
        ("Iterations", (0,), "solve_widths_or_iterations"),
        ("DriveBits", (99,), "solve_of_other_drive_words"),
        ("LeakShift", (1,), "straight_solve_with_leak_or_warm_start"),
        ("FirstWarmUpdate", (1,), "straight_solve_with_leak_or_warm_start"),
        ("Stages", (2, 0), "solve_stages_or_shifts"),
    ),
    "rtl/straight/mondeq_readout": (
        ("Slots", (1, 0), "fewer_than_two_slots"),
        ("StateBits", (1,), "readout_sizes"),
        ("OutputBits", (0,), "readout_sizes"),
        ("Stages", (0,), "readout_stages_or_shifts"),
    ),
    "rtl/mondeq_solve_graph": tuple(
        (name, (99,), "graph_of_another_size") for name in ("Rows", "Columns", "WordBits", "SumBits", "Stages")
    ),
    "board/mondeq_beat_packer": (
        ("WordBits", (0, 9), "packer_word_wider_than_its_bytes"),
        ("Lanes", (0, 2), "packer_beat_beyond_the_sample"),
    ),
    "board/mondeq_frame_decoder": (
        ("SampleBytes", (0, 65536), "sample_beyond_a_frame"),
        ("TimeoutClocks", (1,), "decoder_timeout"),
    ),
    "board/mondeq_frame_encoder": (
        ("OutputWords", (0, 65536), "result_beyond_a_frame"),
        ("OutputBytes", (0,), "result_beyond_a_frame"),
    ),
    "board/mondeq_line_filter": (("Depth", (0,), "line_filter_depth"),),
    "board/mondeq_packet_fifo": (
        ("Width", (0,), "packet_fifo_size"),
        ("PacketWords", (0,), "packet_fifo_size"),
        ("Packets", (0, 1), "packet_fifo_size"),
    ),
    "board/mondeq_pll": (
        ("InputDivider", (0, 129), "pll_dividers"),
        ("FeedbackDivider", (0, 81), "pll_dividers"),
        ("OutputDivider", (0, 129), "pll_dividers"),
    ),
    "board/mondeq_reset": (("Clocks", (0,), "reset_clocks"),),
    "board/mondeq_uart_rx": (("ClocksPerBit", (7,), "fewer_than_eight_clocks_per_bit"),),
    "board/mondeq_uart_tx": (("ClocksPerBit", (1,), "fewer_than_two_clocks_per_bit"),),
    "board/mondeq_uart_bridge": (
        ("ClocksPerBit", (7,), "fewer_than_eight_clocks_per_bit"),
        ("Lanes", (0, 2), "bridge_sample"),
    ),
}
CASES = [(source, *each) for source, cases in WRONG.items() for each in cases]
DEFINES = ("-DMONDEQ_TRACE", "-DMONDEQ_ASSERT")
#: A model of the ECP5's primitive, which no simulator has.
#: Constants of the package that are wrong where they are 0, and the check of the top that says so.
PACKAGE = (
    ("InputTdataBits", "stream_narrower_than_its_words"),
    ("OutputTdataBits", "stream_narrower_than_its_words"),
    ("OutputLaneBits", "stream_narrower_than_its_words"),
    ("OutputBeatWords", "guard_of_single_words"),
    ("FrameCheck", "guard_without_frames"),
    ("Watchdog", "parity_without_guard"),
)
PRIMITIVE = "(* blackbox *) module EHXPLLL (input CLKI, output CLKOP, LOCK); endmodule\n"


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By form, and each with a board."""
    folder = tmp_path_factory.mktemp("elaboration")
    corners = {"folded": CORNERS["leak_saturating"](), "unrolled": CORNERS["ring_leak"]()}
    corners |= {
        "graphs": CORNERS["graphs_everywhere"](),
        "carried": hardened(CARRIED["carried_serial"](), FULL),
        "straight": CORNERS["straight_once"](),
    }
    for form, corner in corners.items():
        corner.build(folder / form)
        board_rtl.emit(corner.program, QUICK, Pll(25.0, 1, 2, 12), folder / form)
    return {form: folder / form for form in corners}


def build_of(source: str, builds: dict[str, Path]) -> Path:
    if Path(source).name in ("mondeq_feedthrough", "mondeq_carried", "mondeq_guard"):
        return builds["carried"]
    if Path(source).name in ("mondeq_output_beat", "mondeq_end_flag"):
        return builds["graphs"]
    if "straight" in source:
        return builds["straight"]
    if "unrolled" not in source:
        return builds["unrolled" if "graph" in source else "folded"]
    return builds["unrolled" if "solve" in source else "graphs"]


def listed(build: Path) -> list[str]:
    return [
        str(build / part / line)
        for part in ("rtl", "board")
        for line in (build / part / "sources.f").read_text().split()
    ]


def verilator(files: list[str], top: str, parameters: dict[str, int]) -> subprocess.CompletedProcess[str]:
    tool = Verilator.find()
    program = str(tool.root / "bin" / "verilator") if tool.root else "verilator"
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    command = [program, "--lint-only", "--sv", "--timing", "-Wno-fatal", *DEFINES, "--top-module", top, *values]
    return subprocess.run([*command, *files], env=tool.environment(), capture_output=True, text=True)


def icarus(files: list[str], top: str, parameters: dict[str, int]) -> subprocess.CompletedProcess[str]:
    values = [f"-P{top}.{name}={value}" for name, value in parameters.items()]
    with tempfile.NamedTemporaryFile() as output:  # of /dev/null Icarus would make a program that root alone may write
        command = ["iverilog", "-g2012", "-o", output.name, *DEFINES, "-s", top, *values, *files]
        return subprocess.run(command, capture_output=True, text=True)


Elaborator = Callable[[list[str], str, dict[str, int]], "subprocess.CompletedProcess[str]"]
TOOLS = pytest.mark.parametrize("elaborate", [verilator, icarus], ids=lambda tool: tool.__name__)


@TOOLS
@pytest.mark.parametrize("source", WRONG)
def test_default_parameters_elaborate(
    source: str, elaborate: Elaborator, builds: dict[str, Path], tmp_path: Path
) -> None:
    build = build_of(source, builds)
    (tmp_path / "primitive.v").write_text(PRIMITIVE)
    module = Path(source).name
    files = [*listed(build), *([str(tmp_path / "primitive.v")] if "pll" in source else [])]
    result = elaborate(files, module, {})
    assert "mondeq_error" not in result.stdout + result.stderr
    assert result.returncode == 0 or "pll" in source, result.stdout + result.stderr


@TOOLS
@pytest.mark.parametrize(("source", "name", "values", "error"), CASES, ids=lambda part: str(part))
def test_wrong_parameter_never_elaborates(
    source: str, name: str, values: tuple[int, ...], error: str, elaborate: Elaborator, builds: dict[str, Path]
) -> None:
    build = build_of(source, builds)
    for value in values:
        result = elaborate(listed(build), Path(source).name, {name: value})
        assert result.returncode != 0
        # Some tools stop earlier at a width or a divisor of zero.
        assert value == 0 or f"mondeq_error_{error}" in result.stdout + result.stderr


@TOOLS
@pytest.mark.parametrize(("constant", "error"), PACKAGE)
def test_a_package_that_contradicts_itself(
    constant: str, error: str, elaborate: Elaborator, builds: dict[str, Path], tmp_path: Path
) -> None:
    files = listed(builds["carried"])
    package = Path(files[0])
    (tmp_path / "pkg.sv").write_text(re.sub(rf"int {constant} = \d+", f"int {constant} = 0", package.read_text()))
    result = elaborate([str(tmp_path / "pkg.sv"), *files[1:]], "mondeq_top", {})
    assert result.returncode != 0 and f"mondeq_error_{error}" in result.stdout + result.stderr


def test_every_check_is_tested() -> None:
    written = {
        (str(file.relative_to(ROOT / "hls_templates")).split(".")[0], error)
        for kind in ("rtl", "board")
        for file in (ROOT / "hls_templates" / kind).rglob("*.sv*")
        for error in re.findall(r"mondeq_error_(\w+)", file.read_text())
    }
    tested = {(source.replace("solve_graph", "graph"), error) for source, _, _, error in CASES}
    assert written - tested == {("rtl/mondeq_top", error) for _, error in PACKAGE}
    assert tested <= written


def test_every_module_with_parameters_is_checked() -> None:
    for kind in ("rtl", "board"):
        for file in (ROOT / "hls_templates" / kind).rglob("mondeq_*.sv"):
            text = file.read_text()
            assert not re.search(r"^  parameter ", text, re.MULTILINE) or "mondeq_error_" in text, file


@pytest.mark.parametrize(
    ("corner", "changes"),
    [
        ("serial", {"slots": 1}),
        ("serial", {"slots": 0}),
        ("serial", {"drive.pe": 99}),
        ("serial", {"drive.simd": 0}),
        ("serial", {"solve.pe": 99}),
        ("serial", {"solve.simd": 99}),
        ("serial", {"readout.simd": 99}),
        ("serial", {"readout.pe": 2}),
        ("serial", {"solve.rows": 99}),
        ("graphs_everywhere", {"drive.pe": 1}),
        ("straight_tables", {"drive.pe": 1}),
        ("straight_tables", {"readout.pe": 1}),
        ("straight_tables", {"output_beat": 1}),
        ("straight_tables", {"straight": 0}),
        ("serial", {"straight": 1}),
        ("graphs_everywhere", {"readout.simd": 1}),
        ("graphs_everywhere", {"solve.graph.stages": 3}),
        ("graphs_everywhere", {"drive.graph.stages": 0}),
        ("graphs_everywhere", {"readout.graph.stages": 0}),
    ],
)
def test_no_schedule_holds_what_does_not_elaborate(corner: str, changes: dict[str, int]) -> None:
    plan = CORNERS[corner]().schedule
    assert Schedule.from_plain(json.loads(json.dumps(plan.to_plain()))) == plan
    for place, value in changes.items():
        plain = plan.to_plain()
        *path, last = place.split(".")
        entry = plain
        for key in path:
            entry = entry[key]
        assert entry[last] != value
        entry[last] = value
        with pytest.raises(InputError):
            Schedule.from_plain(plain)


def test_a_graph_of_another_schedule_is_refused() -> None:
    corner = CORNERS["ring_full"]()
    design = Design.searched(corner.program, corner.schedule)
    assert design.solve is not None and design.solve.size == corner.schedule.solve.graph
    with pytest.raises(InputError, match="solve: its graph is None"):
        replace(design, solve=None)
