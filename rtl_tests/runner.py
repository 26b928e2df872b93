"""Run the cocotb benches on a build folder's designs.

``run_bench`` builds a design in a simulator (once for each state of its
files), starts the tests of :mod:`mondeq_hw.rtl_tests.bench` in it, and returns
what they saw.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mondeq_hw.base import InputError, MissingToolError, is_stamped, stamp
from mondeq_hw.folder import require_this_version
from mondeq_hw.hardware import TEMPLATE_NAME, Schedule, load_schedule, macro_name, module_name, verilog_defines
from mondeq_hw.program import SolverProgram
from mondeq_hw.synthesis import NETLIST, yosys_share

from .netlist import OWN_MODELS, YOSYS_MODELS, cell_models, netlist_file
from .probe import design_at_fault
from .simulation import BenchFailure, read_results, simulate
from .simulators import SIMULATORS, HardwareDesign, Icarus, Verilator
from .toolchain import toolchain

VERILOG_SUFFIXES = (".v", ".sv", ".vh", ".svh")
DESIGNS = ("rtl", "hls", "netlist", "vendor")
#: Models of the cells of a netlist, beside it.
CELLS = "cells.sv"


@dataclass(frozen=True)
class BenchResult:
    """What one run of the benches saw.

    Parameters
    ----------
    design, simulator, version : str
    outputs : ndarray of int64 (samples, k)
        Words of the back-to-back test; fewer samples when it was cut short.
    cycles : ndarray of int64 (samples,)
        Cycle of each sample's last beat, the first input beat's being 0.
    passed : tuple of str
    failures : tuple of BenchFailure
    simulated_cycles : int
        Length of the back-to-back test.
    seconds : float
        Wall time of the whole simulation, start-up included.
    log : Path
    """

    design: str
    simulator: str
    version: str
    outputs: np.ndarray
    cycles: np.ndarray
    passed: tuple[str, ...]
    failures: tuple[BenchFailure, ...]
    simulated_cycles: int
    seconds: float
    log: Path

    @property
    def ok(self) -> bool:
        """Whether tests ran and all of them passed."""
        return bool(self.passed) and not self.failures


def run_bench(
    build: Path,
    work: Path,
    *,
    words: np.ndarray,
    seed: int = 0,
    design: str = "rtl",
    part: str = "",
    vendor_sources: Sequence[Path] = (),
    top: str = "mondeq_top",
    simulator: str = "verilator",
    tests: Sequence[str] = (),
    plusargs: Sequence[str] = (),
    defines: Sequence[str] = (),
    waves: bool = False,
    time_limit: float | None = None,
) -> BenchResult:
    """Simulate a design of a build folder under the benches.

    Parameters
    ----------
    build : Path
        Folder written by ``mondeq-hw compile``.
    work : Path
        Where every simulation product goes.
    words : ndarray of int64 (samples, d)
        Input words, at least one sample.
    seed : int
        Of the stalls, pauses and fill-up samples.
    design : str
        ``rtl`` (``rtl/sources.f``), ``hls`` (its C++ behind the DPI-C shell;
        Verilator only), ``netlist`` (what synthesis for ``part`` made of the
        RTL) or ``vendor`` (``vendor_sources`` with the same ports).
    part : str
        ECP5 part of the netlist.
    vendor_sources : sequence of Path
        Verilog files in compile order; other files are memory images and are
        copied to the folder the simulation runs in.
    top : str
        Top module, for ``vendor``; Vitis HLS names it after the C++ function.
    simulator : str
        ``verilator`` or ``icarus``.
    tests : sequence of str
        Names of the tests to run; all when empty.
    plusargs, defines : sequence of str
        For the simulation and for the compiler.
    waves : bool
        Record every signal to ``waves.vcd`` beside the log.
    time_limit : float, optional
        Seconds of a processor after which the simulation is ended (a design may
        loop without time advancing); many times what it should need when absent.

    Returns
    -------
    BenchResult

    Raises
    ------
    MissingToolError, InputError
    SimulationError
        The simulator refused the design, or ended without results.
    BrokenToolError
        It does so with an empty module too.
    """
    build, work = build.resolve(), work.resolve()
    program, words, tool = checked_inputs(build, words, simulator)
    name = name_in(design, program)
    request = _Request(build, name, design, part, tuple(map(Path, vendor_sources)), top, tuple(defines), waves)
    with design_at_fault(tool):
        folder, hardware = _built(tool, request, work)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    np.save(run / "words.npy", words.astype(np.int64))
    job = {
        "build": str(build),
        "design": design,
        "words": str(run / "words.npy"),
        "seed": seed,
        "result": str(run / "result.json"),
    }
    (run / "job.json").write_text(json.dumps(job))
    for path in hardware.run_files:
        shutil.copyfile(path, run / path.name)
    start = time.perf_counter()
    limit = _time_limit(program, load_schedule(build), len(words), design) if time_limit is None else time_limit
    with design_at_fault(tool):
        simulate(tool, folder, run, hardware, tests, plusargs, waves, limit)
    seconds = time.perf_counter() - start
    passed, failures = read_results(run)
    seen = json.loads((run / "result.json").read_text()) if (run / "result.json").exists() else {}
    return BenchResult(
        design=design,
        simulator=tool.name,
        version=tool.version,
        outputs=word_array(seen.get("outputs", []), program.k),
        cycles=np.array(seen.get("cycles", []), dtype=np.int64),
        passed=passed,
        failures=failures,
        simulated_cycles=seen.get("simulated_cycles", 0),
        seconds=seconds,
        log=run / "simulation.log",
    )


def checked_inputs(
    build: Path, words: np.ndarray, simulator: str
) -> tuple[SolverProgram, np.ndarray, Verilator | Icarus]:
    """What every bench needs, found before anything is compiled."""
    if simulator not in SIMULATORS:
        raise InputError(f"simulator is {simulator!r}; expected one of {', '.join(SIMULATORS)}")
    program = SolverProgram.load(build)
    require_this_version(build)
    words = np.asarray(words)
    if words.ndim != 2 or len(words) == 0 or words.shape[1] != program.d:
        raise InputError(f"input words have shape {words.shape}; expected at least one sample of {program.d} words")
    if importlib.util.find_spec("cocotb") is None:
        raise MissingToolError("cocotb is not installed; run: pip install cocotb==2.1.0")
    return program, words, SIMULATORS[simulator]()


def word_array(rows: list[list[int]], k: int) -> np.ndarray:
    """int64 (samples, k), or Python integers where a word has more than 63 bits, as in the golden model."""
    exact = np.array(rows, dtype=object).reshape(-1, k)
    small = all(-(2**63) <= word < 2**63 for word in exact.flat)
    return exact.astype(np.int64) if small else exact


def _time_limit(program: SolverProgram, plan: Schedule, samples: int, design: str) -> float:
    """Seconds: a slow start of everything, then cycles at a rate that Icarus exceeds on large designs too."""
    cycles = program.iterations * plan.solve.cycles_per_matvec + plan.drive.cycles_per_matvec
    return 600.0 + (samples + 150) * cycles / (10 if design == "netlist" else 500)


# -- designs -------------------------------------------------------------------


def name_in(design: str, program: SolverProgram) -> str:
    """Prefix of the modules, macros and plusargs of a design: the C++ behind its shell keeps the templates'."""
    return TEMPLATE_NAME if design == "hls" else program.name


@dataclass(frozen=True)
class _Request:
    """What is to be compiled."""

    build: Path
    name: str
    design: str
    part: str
    vendor_sources: tuple[Path, ...]
    top: str
    defines: tuple[str, ...]
    waves: bool

    def files(self) -> dict[str, Path]:
        """Every file that the compiled simulation depends on, by the name it has in the copy."""
        if self.design == "vendor":
            return {str(path): path for path in self.vendor_sources}
        if self.design == "netlist":
            models = (*(yosys_share() / name for name in YOSYS_MODELS), OWN_MODELS)
            return {path.name: path for path in (netlist_file(self.build, self.part), *models) if path.is_file()}
        folder = self.build / self.design
        return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def digest(self, *more: str) -> str:
        """SHA-256 over everything that the compiled simulation depends on."""
        total = hashlib.sha256(repr((self.name, self.top, self.defines, self.waves, more)).encode())
        for name, path in self.files().items():
            total.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def _check(request: _Request, simulator: str) -> None:
    if request.design not in DESIGNS:
        raise InputError(f"design is {request.design!r}; expected one of {', '.join(DESIGNS)}")
    if request.design == "vendor":
        for path in request.vendor_sources:
            if not path.is_file():
                raise InputError(f"{path}: no such file; expected a source of the vendor's design")
        if not any(path.suffix in VERILOG_SUFFIXES for path in request.vendor_sources):
            raise InputError("design 'vendor' has no Verilog file; name its sources")
        return
    if request.design == "netlist":
        return  # the netlist is looked for when its files are
    if request.design == "hls" and simulator != "verilator":
        raise InputError(f"design 'hls' calls C++ through DPI-C, which {simulator} lacks; use verilator")
    needed = request.build / {"rtl": "rtl/sources.f", "hls": "hls/dpi/mondeq_dpi_top.sv"}[request.design]
    if not needed.is_file():
        raise InputError(f"{needed}: no such file; expected a folder written by 'mondeq-hw compile'")


def rtl_design(name: str, folder: Path, defines: tuple[str, ...]) -> HardwareDesign:
    """The emitted SystemVerilog, in the order of its ``sources.f``, with its assertions."""
    names = (folder / "sources.f").read_text(errors="replace").split()
    missing = [file for file in names if not (folder / file).is_file()]
    if missing:
        raise InputError(f"rtl/sources.f names missing files: {', '.join(missing)}; compile again")
    return HardwareDesign(
        top=module_name(name, "top"),
        verilog=tuple(folder / file for file in names),
        defines=defines,
        verilog_defines=(*verilog_defines(name, str(folder / "mem")), macro_name(name, "ASSERT")),
    )


def _netlist_design(name: str, folder: Path, defines: tuple[str, ...]) -> HardwareDesign:
    return HardwareDesign(top=module_name(name, "top"), verilog=(folder / CELLS, folder / NETLIST), defines=defines)


def _hls_design(name: str, folder: Path, defines: tuple[str, ...]) -> HardwareDesign:
    from mondeq_hw.hardware import include_folders

    shell = folder / "dpi"
    return HardwareDesign(
        top=module_name(name, "top"),
        verilog=tuple(sorted(shell.glob("*.sv"))),  # the package sorts before the module
        cpp=(shell / "mondeq_dpi.cpp", folder / "mondeq_top.cpp"),
        include_dirs=(folder, *include_folders()),
        defines=defines,
    )


def _vendor_design(sources: tuple[Path, ...], top: str, defines: tuple[str, ...]) -> HardwareDesign:
    verilog = tuple(path.resolve() for path in sources if path.suffix in VERILOG_SUFFIXES)
    return HardwareDesign(
        top=top,
        # Headers are found by `include.
        verilog=tuple(path for path in verilog if path.suffix in (".v", ".sv")),
        include_dirs=tuple(dict.fromkeys(path.parent for path in verilog)),
        defines=defines,
        run_files=tuple(path for path in sources if path.suffix not in VERILOG_SUFFIXES),
    )


# -- build and run ---------------------------------------------------------------


def _built(tool: Verilator | Icarus, request: _Request, work: Path) -> tuple[Path, HardwareDesign]:
    """Compile a copy of the design, unless an earlier call left the same one whole."""
    _check(request, tool.name)
    key = request.digest(tool.version, toolchain())
    folder = work / f"{request.design}-{tool.name}-{key[:16]}"
    copy, record, products = folder / "design", folder / "built.json", ("design", tool.product)
    whole = is_stamped(record, key, folder, products)
    if not whole:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _copy_sources(request, copy)
    if request.design == "vendor":
        hardware = _vendor_design(request.vendor_sources, request.top, request.defines)
    else:
        hardware = {"rtl": rtl_design, "hls": _hls_design, "netlist": _netlist_design}[request.design](
            request.name, copy, request.defines
        )
    if not whole:
        tool.build(hardware, folder, folder / "build.log", request.waves)
        stamp(record, key, folder, products)
    return folder, hardware


def _copy_sources(request: _Request, copy: Path) -> None:
    if request.design == "netlist":
        copy.mkdir()
        netlist = netlist_file(request.build, request.part).read_text()
        (copy / NETLIST).write_text(netlist)
        (copy / CELLS).write_text(cell_models(netlist, yosys_share()))
    elif request.design != "vendor":
        shutil.copytree(request.build / request.design, copy)
