"""From a checkpoint to a board's bitstream: refusals around stand-in tools, and the open tools themselves."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_models import random_model
from synth_stand_ins import MAPPER, ROUTER, STANDSTILL, build_folder, cells, recorded, runs, stand_in

import mondeq_hw
from mondeq_hw.base.errors import EXIT_BAD_INPUT, EXIT_MISSING_TOOL, EXIT_OK, InputError, MissingToolError
from mondeq_hw.boards import bitstream
from mondeq_hw.boards.bitstream import BITSTREAM, SUMMARY, BitstreamOptions, make_bitstream
from mondeq_hw.boards.board import find_board
from mondeq_hw.cli import main
from mondeq_hw.hardware.cycles import initiation_interval
from mondeq_hw.synthesis.tools import ToolFailedError, ecppack, wheel_program

pytestmark = pytest.mark.slow

PLACER = ROUTER + "pathlib.Path('mondeq.config').write_text('config')\n"
PACKER = "pathlib.Path('packed.bit').write_bytes(b'bits of ' + ' '.join(sys.argv[1:]).encode())\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stand-ins for Yosys, nextpnr and ecppack that answer with the recorded files (250 MHz), or as asked."""
    folder = tmp_path / "tools"
    folder.mkdir()

    def install(cells: str = recorded("cells_ecp5.json"), router: str | None = None, packer: str = PACKER) -> Path:
        mapper = stand_in(folder, "yosys", MAPPER.format(cells=cells))
        placer = stand_in(folder, "nextpnr-ecp5", router or PLACER.format(routed=recorded("routed_ecp5.json")))
        binder = stand_in(folder, "ecppack", packer)
        monkeypatch.setattr(bitstream, "yosys", lambda: mapper)
        monkeypatch.setattr(bitstream, "nextpnr_ecp5", lambda: placer)
        monkeypatch.setattr(bitstream, "ecppack", lambda: binder)
        return folder

    return install


def test_report_and_files(tmp_path: Path, tools) -> None:
    noted = tools()
    build, work = build_folder(tmp_path / "build"), tmp_path / "work"
    report = make_bitstream(build, BitstreamOptions("ulx3s-85f"), work)
    assert (report.clock_mhz, report.pll, report.timing.clocks_per_bit) == (25.0, None, 25)
    # 6 input bytes and 9 of the frame, 10 bits each, at 1 Mbaud.
    assert report.line_samples_per_second == pytest.approx(1e6 / 150)
    program, plan = bitstream.SolverProgram.load(build), bitstream.load_schedule(build)
    assert report.core_samples_per_second == pytest.approx(25e6 / initiation_interval(plan, program.iterations))
    assert report.program_digest == program.digest
    packed = (work / BITSTREAM).read_text()
    assert packed == f"bits of --compress --usercode {int(program.digest[:8], 16)} mondeq.config packed.bit"
    assert json.loads((work / SUMMARY).read_text()) == json.loads(json.dumps(report.to_plain()))
    assert "named_pll" not in (work / "board" / "sources.f").read_text()
    script = (work / "synth.ys").read_text()
    assert script.index("named_top.sv") < script.index("named_board_pkg.sv") < script.index("named_board.sv")
    assert '-DNAMED_MEM_DIR="rtl/mem"' in script and "-top named_board " in script
    again = make_bitstream(build, BitstreamOptions("ulx3s-85f"), work)
    assert again.from_cache and (work / BITSTREAM).read_text() == packed
    # Another baud rate is another package, hence another netlist.
    make_bitstream(build, BitstreamOptions("ulx3s-85f", baud=500_000), work)
    assert (runs(noted, "yosys"), runs(noted, "nextpnr-ecp5"), runs(noted, "ecppack")) == (3, 1, 1)


def test_constraints_hold_every_pin(tmp_path: Path, tools) -> None:
    tools()
    make_bitstream(build_folder(tmp_path / "build"), BitstreamOptions("ulx3s-85f"), tmp_path / "work")
    text = (tmp_path / "work" / "board.lpf").read_text()
    assert 'FREQUENCY PORT "clk_i" 25.0 MHZ;' in text
    located = dict(re.findall(r'^LOCATE COMP "(.+)" SITE "(.+)";$', text, re.MULTILINE))
    assert located == {pin.port: pin.site for pin in find_board("ulx3s-85f").pins}
    assert set(re.findall(r'^IOBUF PORT "(.+)" IO_TYPE=LVCMOS33 PULLMODE=', text, re.MULTILINE)) == set(located)


def test_clock_that_is_not_reached_is_refused_and_leaves_no_bitstream(tmp_path: Path, tools) -> None:
    tools()
    build, work = build_folder(tmp_path / "build"), tmp_path / "work"
    make_bitstream(build, BitstreamOptions("ulx3s-85f", clock_mhz=250.0), work)
    assert (work / BITSTREAM).exists()
    with pytest.raises(
        InputError, match=r"250\.0 MHz reached on ulx3s-85f, 260 MHz asked for \(critical path"
    ) as caught:
        make_bitstream(build, BitstreamOptions("ulx3s-85f", clock_mhz=260.0), work)
    assert "pass clock=250 or less, or try another seed" in str(caught.value)
    assert not (work / BITSTREAM).exists() and not (work / SUMMARY).exists()


@pytest.mark.parametrize("plan", [{"output_beat": 2}, {"flags_ends": True}])
def test_what_the_boards_frames_cannot_hold_is_refused(plan: dict[str, Any], tmp_path: Path) -> None:
    build = build_folder(tmp_path / "build")
    file = build / "rtl" / "schedule.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **plan}))
    with pytest.raises(InputError, match=r"compile it with.* for a board"):
        make_bitstream(build, BitstreamOptions("ulx3s-85f"), tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_packer_that_fails_leaves_no_bitstream(tmp_path: Path, tools) -> None:
    tools(packer=PACKER + "print('ERROR: disk'); sys.exit(1)\n")
    with pytest.raises(ToolFailedError, match=r"ecppack failed: ERROR: disk; see .*ecppack\.log"):
        make_bitstream(build_folder(tmp_path / "build"), BitstreamOptions("ulx3s-85f"), tmp_path / "work")
    assert not (tmp_path / "work" / BITSTREAM).exists()


def test_design_that_does_not_fit_is_refused(tmp_path: Path, tools) -> None:
    tools(cells(DP16KD=100))
    with pytest.raises(InputError, match="does not fit ecp5-25: 100 of 56 block RAMs"):
        make_bitstream(build_folder(tmp_path / "build"), BitstreamOptions("ulx3s-25f"), tmp_path / "work")
    tools(router="print('ERROR: Unable to place cell x'); sys.exit(1)\n")
    with pytest.raises(InputError, match="does not fit ecp5-85: ERROR: Unable to place"):
        make_bitstream(build_folder(tmp_path / "build"), BitstreamOptions("ulx3s-85f"), tmp_path / "work")


def test_a_router_that_is_stuck_is_stopped(tmp_path: Path, tools) -> None:
    """And not started again, when the same is asked for another time."""
    noted = tools(router=f"{STANDSTILL}standstill()\n")
    build, work = build_folder(tmp_path / "build"), tmp_path / "work"
    for _ in range(2):
        with pytest.raises(InputError, match=r"nextpnr-ecp5\.log: wires .* on ulx3s-85f; .* pass another seed"):
            make_bitstream(build, BitstreamOptions("ulx3s-85f"), work)
    assert runs(noted, "nextpnr-ecp5") == 1 and not (work / BITSTREAM).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--board", "de10"], "board is 'de10'; expected one of ulx3s-25f, ulx3s-45f, ulx3s-85f"),
        (["--clock", "nan"], "--clock is nan; expected a positive number"),
        (["--clock", "3"], "no PLL setting makes 3 MHz of 25 MHz"),
        (["--baud", "4000000"], "lower --baud or raise --clock"),
        (["--lut-weight-bits", "1"], "--lut-weight-bits is 1; expected a whole number from 2 to 18"),
    ],
)
def test_bad_options(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = build_folder(tmp_path / "build")
    board = [] if "--board" in options else ["--board", "ulx3s-85f"]
    assert main(["bitstream", str(build), *board, *options]) == EXIT_BAD_INPUT
    assert message in capsys.readouterr().err
    assert not (build / "bitstream").exists()


def test_missing_tool_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = build_folder(tmp_path / "build")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(MissingToolError, match=r"ecppack is not installed; pip install .*\[synth\]"):
        ecppack()
    assert main(["bitstream", str(build), "--board", "ulx3s-85f"]) == EXIT_MISSING_TOOL


def test_command(tmp_path: Path, tools, capsys: pytest.CaptureFixture[str]) -> None:
    tools()
    build = build_folder(tmp_path / "build")
    assert main(["bitstream", str(build), "--board", "ULX3S-85F", "--clock", "100", "--baud", "2000000"]) == EXIT_OK
    printed = capsys.readouterr().out
    assert "clock: 100 MHz (PLL of 25 MHz), 250.0 MHz reached" in printed
    assert "1,010 of 83,640 LUTs" in printed
    assert main(["bitstream", str(build), "--board", "ulx3s-85f", "--clock", "100", "--baud", "2000000", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((build / "bitstream" / "ulx3s-85f" / SUMMARY).read_text())
    assert printed["from_cache"] and printed["timing"]["clocks_per_bit"] == 50


@pytest.mark.long
def test_checkpoint_to_bitstream(tmp_path: Path) -> None:
    """Nothing but the command line and pip's tools; the file is unpacked again and read."""
    model = tmp_path / "model.pt"
    mondeq_hw.save(random_model(np.random.default_rng(1), n=4, d=3, k=2), model)
    build = tmp_path / "build"
    compiled = ["compile", str(model), "--bits", "3", "--rounding", "nearest", "--out", str(build)]
    assert main(compiled) == EXIT_OK
    command = ["bitstream", str(build), "--board", "ulx3s-25f", "--clock", "50"]
    assert main(command) == EXIT_OK
    work = build / "bitstream" / "ulx3s-25f"
    report = json.loads((work / SUMMARY).read_text())
    # nextpnr derives the clock of its own from the PLL's parameters.
    (clock,) = json.loads((work / "routed.json").read_text())["fmax"].values()
    assert clock["constraint"] == report["clock_mhz"] == 50 and clock["achieved"] >= 50
    placed = re.findall(r"pin '(.+)\$tr_io' constrained to Bel", (work / "nextpnr-ecp5.log").read_text())
    assert sorted(placed) == sorted(pin.port for pin in find_board("ulx3s-25f").pins)
    data = (work / BITSTREAM).read_bytes()
    assert data.startswith(b"\xff\x00Part: LFE5U-25F-6CABGA381\x00")
    # Project Trellis reads it (checksums too), and packs what it read to the same bytes.
    read = trellis("ecpunpack", work, BITSTREAM, "unpacked.config")
    mark = f"set USERCODE to 0x{int(report['program_digest'][:8], 16):08x}"
    assert all(text in read for text in ("device ID: 0x41111043", mark, "program DONE")), read
    unpacked, packed = (work / "unpacked.config").read_text(), (work / "mondeq.config").read_text()
    system = "".join(re.findall(r"^\.sysconfig .*\n", packed, re.MULTILINE))
    (work / "unpacked.config").write_text(unpacked.replace("\n", f"\n{system}", 1))
    usercode = str(int(report["program_digest"][:8], 16))
    trellis("ecppack", work, "--compress", "--usercode", usercode, "unpacked.config", "again.bit")
    assert (work / "again.bit").read_bytes() == data
    # A replaced project may have been through this.
    assert main([*compiled, "--force"]) == EXIT_OK


def trellis(name: str, folder: Path, *arguments: str) -> str:
    """Run one of Project Trellis' programs; what it prints."""
    program = wheel_program(f"yowasp-{name}")
    assert program is not None
    done = subprocess.run((program, *arguments), cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
