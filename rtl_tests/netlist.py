"""The netlist that synthesis left, as a design the benches can run: its cells get simulation models.

LUTs, carry chains, flip-flops and LUT memories are modelled by the files that
Yosys installs; block RAM and multiplier, which it knows as black boxes only, by
``cells/ecp5.sv``.
"""

from __future__ import annotations

import re
from pathlib import Path

from mondeq_hw.base import InputError, MissingToolError
from mondeq_hw.synthesis import NETLIST

OWN_MODELS = Path(__file__).with_name("cells") / "ecp5.sv"
#: In Yosys's share folder.
YOSYS_MODELS = ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh")

_MODULE = re.compile(r"^module\s+(\w+).*?^endmodule", re.MULTILINE | re.DOTALL)
_DELAYS = re.compile(r"^\s*specify\b.*?^\s*endspecify\b", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^\s*([A-Z]\w*) +(?:#\(|\\?\w)", re.MULTILINE)


def netlist_file(build: Path, part: str) -> Path:
    """Where ``mondeq-hw synth`` left the netlist of a part.

    Raises
    ------
    InputError
        When it did not.
    """
    folder = build / "report" / "synth"
    if (folder / part / NETLIST).is_file():
        return folder / part / NETLIST
    there = ", ".join(sorted(path.parent.name for path in folder.glob(f"*/{NETLIST}"))) or "none"
    raise InputError(
        f"part is {part!r}, of which {build} holds no netlist (it holds: {there}); run: "
        f"mondeq-hw synth {build} --part {part or 'ecp5-25'} (an ECP5 part; AMD's netlists are not simulated)"
    )


def cell_models(netlist: str, yosys_share: Path) -> str:
    """Verilog models of the cells that a netlist is made of.

    Parameters
    ----------
    netlist : str
        Verilog text.
    yosys_share : Path
        Folder that Yosys installs its cell libraries in.

    Raises
    ------
    MissingToolError
        The folder has no models.
    InputError
        A cell has none.
    """
    known: dict[str, str] = {}
    for path in (*(yosys_share / name for name in YOSYS_MODELS), OWN_MODELS):
        if not path.is_file():
            raise MissingToolError(f"{path}: no such file; expected Yosys's cell models; install Yosys again")
        # Delays are no part of the comparison, and Icarus 11 cannot read how these are written.
        text = _DELAYS.sub("", path.read_text())
        known |= {module[1]: module[0] for module in _MODULE.finditer(text)}
    needed: dict[str, str] = {}
    waiting = _cells(netlist)
    while waiting:
        name = waiting.pop()
        if name not in known:
            raise InputError(f"the netlist has a cell {name}, which has no simulation model; expected ECP5's cells")
        if name not in needed:
            needed[name] = known[name]
            waiting |= _cells(known[name])
    return "`timescale 1ns/1ps\n" + "\n\n".join(needed[name] for name in sorted(needed)) + "\n"


def _cells(verilog: str) -> set[str]:
    """Names of the cells that a Verilog text instantiates: capitals, as in every library of a vendor."""
    return {name for name in _CELL.findall(verilog) if name.upper() == name}
