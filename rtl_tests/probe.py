"""Whose fault a failure is: the same tool is given something that is right.

A tool that does not build or start the least there is says nothing about any
design, so its failure is no mismatch.  Nor does one that the machine left
without memory, disk or processor.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

from mondeq_hw.base import BrokenToolError, MondeqError

from .simulation import simulate
from .simulators import HardwareDesign, Icarus, SimulationError, Verilator

#: Nothing but a clock.
PROBE = "module mondeq_probe (input logic ap_clk);\nendmodule\n"

#: Some hundred times what it takes.
SECONDS = 120.0

#: What tools say, or what is said of them, when the machine ends them: the large ones alone, so that no probe tells.
ENDED_BY_THE_MACHINE = re.compile(
    r"ended? with code -(9|15)\b|failed with code -(9|15)\b|Killed signal|internal compiler error|memory exhausted"
    r"|No space left on device|Disk quota exceeded|[Cc]annot allocate memory|[Oo]ut of memory|Too many open files"
)


@contextmanager
def at_fault(
    failure: type[MondeqError], works: Callable[[], bool], tool: str, probe: str, variables: str
) -> Iterator[None]:
    """A failure in the block is the tool's own where it fails on a probe as well, or where the machine ended it.

    Parameters
    ----------
    failure : class
        What is raised where the design is at fault, and is raised again.
    works : callable
        Whether the tool builds and starts the probe.
    tool, probe, variables : str
        The tool, what the probe is, and which variables of the environment shape the tool: for the message.

    Raises
    ------
    BrokenToolError
        The tool is at fault.
    """
    try:
        yield
    except failure as error:
        if ENDED_BY_THE_MACHINE.search(error.in_shell()):
            raise BrokenToolError(f"{tool} was ended by the machine, so nothing was compared: {error}") from None
        if works():
            raise
        raise BrokenToolError(
            f"{tool} fails on {probe} too, so nothing was compared; mend the tool or its environment (mondeq-hw "
            f"doctor; {variables}): {error}"
        ) from None


def design_at_fault(tool: Verilator | Icarus) -> AbstractContextManager[None]:
    """:func:`at_fault` of a simulator, whose probe is an empty module."""
    return at_fault(
        SimulationError,
        lambda: _works(tool, repr(sorted(os.environ.items()))),
        f"{tool.name} {tool.version}",
        "an empty module",
        "CXXFLAGS, LDFLAGS, LD_LIBRARY_PATH, PATH",
    )


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
