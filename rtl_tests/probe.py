"""Whose fault a failure is: the same tool is given a design that is right.

A simulator that does not build or start a module without logic says nothing
about any other design, so its failure is no mismatch.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from mondeq_hw.base import BrokenToolError

from .simulation import simulate
from .simulators import HardwareDesign, Icarus, SimulationError, Verilator

#: Nothing but a clock.
PROBE = "module mondeq_probe (input logic ap_clk);\nendmodule\n"

#: Some hundred times what it takes.
SECONDS = 120.0


@contextmanager
def design_at_fault(tool: Verilator | Icarus) -> Iterator[None]:
    """A failure in the block is the tool's own where it fails on the probe as well.

    Raises
    ------
    SimulationError
        The design is at fault.
    BrokenToolError
        The tool is.
    """
    try:
        yield
    except SimulationError as error:
        if _works(tool, repr(sorted(os.environ.items()))):
            raise
        raise BrokenToolError(
            f"{tool.name} {tool.version} fails on an empty module too, so nothing was compared; mend the tool or its "
            f"environment (mondeq-hw doctor; CXXFLAGS, LDFLAGS, LD_LIBRARY_PATH, PATH): {error}"
        ) from None


@cache
def _works(tool: Verilator | Icarus, environment: str) -> bool:
    """Once for a tool in an environment."""
    folder = Path(tempfile.mkdtemp(prefix="mondeq-probe-"))
    try:
        source = folder / "mondeq_probe.sv"
        source.write_text(PROBE)
        design = HardwareDesign(top="mondeq_probe", verilog=(source,))
        tool.build(design, folder, folder / "build.log", waves=False)
        simulate(tool, folder, folder, design, (), (), False, SECONDS, "probe_bench")
    except SimulationError:
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return True
