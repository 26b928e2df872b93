"""One run of a cocotb bench on a compiled design, in a process of its own, and what it noted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from mondeq_hw.base import computed

from .simulators import HardwareDesign, Icarus, SimulationError, Verilator, tail

#: In a failure's place of a test's name: an assertion of the design.
ASSERTION = "assertion"


@dataclass(frozen=True)
class BenchFailure:
    """A test that failed, or an assertion, and the first line of why."""

    test: str
    message: str


def simulate(
    tool: Verilator | Icarus,
    folder: Path,
    run: Path,
    design: HardwareDesign,
    tests: Sequence[str],
    plusargs: Sequence[str],
    waves: bool,
    time_limit: float,
    bench: str = "bench",
) -> None:
    """Run the tests of a bench on a compiled design, in a process of its own.

    Raises
    ------
    SimulationError
        It does not start, ends without results, or computes without end.
    BrokenToolError
        It got too little of the processor to end in time.
    """
    import find_libpython
    from cocotb_tools import config

    environment = {
        name: value
        for name, value in tool.environment().items()
        if not name.startswith(("COCOTB_", "PYTEST_")) or name == "COCOTB_TRUST_INERTIAL_WRITES"
    }
    environment |= {
        "GPI_USERS": f"{find_libpython.find_libpython()};{config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "COCOTB_TOPLEVEL": design.top,
        "COCOTB_TEST_MODULES": f"mondeq_hw.rtl_tests.{bench}",
        "COCOTB_RESULTS_FILE": str(run / "results.xml"),
        "TOPLEVEL_LANG": "verilog",
        "MONDEQ_BENCH": str(run / "job.json"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if tests:
        environment["COCOTB_TEST_FILTER"] = r"\.(" + "|".join(tests) + ")(/.*)?$"
    command = [*tool.command(folder, design, run / "waves.vcd" if waves else None), *plusargs]
    log = run / "simulation.log"
    with log.open("w") as output:
        try:
            code = computed(
                command, time_limit, cwd=run, env=environment, stdout=output, stderr=subprocess.STDOUT
            ).returncode
        except OSError as error:
            raise SimulationError(f"{command[0]} does not start: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise SimulationError(
                f"the simulation ran longer than {time_limit:g} s (log: {log}):\n{tail(log)}"
            ) from None
    if not (run / "results.xml").exists():
        raise SimulationError(f"the simulation ended with code {code} and no results (log: {log}):\n{tail(log)}")


def read_results(run: Path) -> tuple[tuple[str, ...], tuple[BenchFailure, ...]]:
    """Tests that passed, and those that did not, as cocotb noted them; behind them the assertions that failed."""
    passed, failures, log = [], [], run / "simulation.log"
    for case in ElementTree.parse(run / "results.xml").getroot().iter("testcase"):
        name = case.get("name", "")
        failure = next((child for child in case if child.tag in ("failure", "error")), None)
        if failure is None and case.find("skipped") is None:
            passed.append(name)
        elif failure is not None:
            failures.append(BenchFailure(name, failure.get("message") or (failure.text or "").strip()))
    if not passed and not failures:
        raise SimulationError(f"no test ran (log: {log}):\n{tail(log)}")
    return tuple(passed), (*failures, *_failed_assertions(log))


def _failed_assertions(log: Path) -> list[BenchFailure]:
    """Of ``mondeq_assert.sv``, each where it failed first."""
    found = re.findall(r"^assertion failed at (\d+) ns: (\S+)", log.read_text(errors="replace"), re.MULTILINE)
    return [BenchFailure(ASSERTION, f"{place} does not hold at {time} ns") for time, place in found]
