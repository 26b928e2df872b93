"""Registers behind block RAM and multipliers, moved into them.

ECP5's block RAM and multipliers have registers at their outputs, from which
words leave in a fraction of the time that the cells take (a RAM's clock to
output is 4.1 ns without and 0.7 ns with it, a product takes 3.1 ns, speed 8, as
nextpnr has it).  Yosys never uses them.  Where the flip-flops that the words go
to do nothing else, this pass makes them the cell's own: the same cycles, fewer
flip-flops, a shorter path.

Source: Lattice FPGA-TN-02204, ECP5 memory usage guide, "Output Register"; FPGA-TN-02205, ECP5 sysDSP usage guide.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Cell = dict[str, Any]

RAM, MULTIPLIER, FLIP_FLOP = "DP16KD", "MULT18X18D", "TRELLIS_FF"
#: Data width at which both ports of a RAM are one: written through A, read through B on the data pins of both.
WIDEST = 36
#: What a flip-flop has to be besides: rising edge, cleared when the part wakes up, no reset of its own.
PLAIN = {"CLKMUX": "CLK", "GSR": "DISABLED", "REGSET": "RESET"}


@dataclass(frozen=True)
class Place:
    """Where a cell has a register at outputs of its own.

    Parameters
    ----------
    pins : tuple of str
        Beginnings of the names of these outputs.
    clock, enable : str
        Pins; the clock may be one that the cell already has.
    modes : mapping of str to str
        Parameters that turn the register on.
    unused : tuple of str
        Pins that are to be zero.
    """

    pins: tuple[str, ...]
    clock: str
    enable: str
    modes: Mapping[str, str]
    unused: tuple[str, ...] = ()


PRODUCT = Place(
    pins=("P",),
    clock="CLK0",
    enable="CE0",
    modes={"REG_OUTPUT_CLK": "CLK0", "REG_OUTPUT_CE": "CE0", "REG_OUTPUT_RST": "RST0", "GSR": "DISABLED"},
    unused=("RST0",),
)


@dataclass(frozen=True)
class Register:
    """Nets, or constants, of a register's clock and enable."""

    clock: tuple[int | str, ...]
    enable: tuple[int | str, ...]


def places(cell: Cell) -> tuple[Place, ...]:
    """A cell's registers; none of most."""
    if cell["type"] == MULTIPLIER:
        return (PRODUCT,)
    if cell["type"] != RAM:
        return ()
    if int(cell["parameters"]["DATA_WIDTH_B"], 2) == WIDEST:
        return (Place(("DOA", "DOB"), "CLKB", "OCEB", {"REGMODE_A": "OUTREG", "REGMODE_B": "OUTREG"}),)
    return tuple(Place((f"DO{port}",), f"CLK{port}", f"OCE{port}", {f"REGMODE_{port}": "OUTREG"}) for port in "AB")


def with_output_registers(netlist: str) -> str:
    """The netlist whose block RAMs and multipliers have taken the registers behind them.

    Parameters
    ----------
    netlist : str
        Of a flattened design, as Yosys' ``write_json`` leaves it.
    """
    design = json.loads(netlist)
    for module in design["modules"].values():
        if any(places(cell) for cell in module["cells"].values()):
            _absorb(module)
    return json.dumps(design)


def _absorb(module: dict[str, Any]) -> None:
    cells: dict[str, Cell] = module["cells"]
    users = _users(module)
    for cell, place in [(each, place) for each in cells.values() for place in places(each)]:
        behind = _behind(cell, place, users)
        kinds = {_register(cells.get(name), pin) for name, pin in behind.values()}
        register = kinds.pop() if len(kinds) == 1 else None
        if register is None or not _rises_with(cell, place, register):
            continue
        wires = {place.clock: list(register.clock), place.enable: list(register.enable)}
        wires |= {pin: ["0"] for pin in place.unused}
        cell["parameters"] |= place.modes
        cell["connections"] |= wires
        cell["port_directions"] |= dict.fromkeys(wires, "input")
        for output, (name, _) in behind.items():
            cell["connections"][output] = cells.pop(name)["connections"]["Q"]


def _users(module: dict[str, Any]) -> dict[int, list[tuple[str, str]]]:
    """Cell and pin of everything that reads a net; the module's own ports are pins of no cell."""
    users: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name, cell in module["cells"].items():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] != "output":
                for bit in bits:
                    users[bit].append((name, pin))
    for name, port in module["ports"].items():
        if port["direction"] != "input":
            for bit in port["bits"]:
                users[bit].append(("", name))
    return users


def _behind(cell: Cell, place: Place, users: dict[int, list[tuple[str, str]]]) -> dict[str, tuple[str, str]]:
    """What reads each output that is used; nothing (a pin of no cell) where several do."""
    outputs = {pin: users[bits[0]] for pin, bits in cell["connections"].items() if pin.startswith(place.pins)}
    return {pin: readers[0] if len(readers) == 1 else ("", "") for pin, readers in outputs.items() if readers}


def _register(cell: Cell | None, pin: str) -> Register | None:
    """The register that a reader of an output belongs to; None where it is no plain flip-flop's input."""
    if cell is None or cell["type"] != FLIP_FLOP or pin != "DI":
        return None
    parameters, connections = cell["parameters"], cell["connections"]
    enables = {"1": ["1"], "CE": connections.get("CE")}
    enable = enables.get(parameters["CEMUX"].strip())
    plain = all(parameters.get(key) == PLAIN[key] for key in PLAIN) and connections.get("LSR", ["0"]) == ["0"]
    return Register(tuple(connections["CLK"]), tuple(enable)) if plain and enable else None


def _rises_with(cell: Cell, place: Place, register: Register) -> bool:
    """Whether the cell has no other clock there, nor the other edge."""
    rising = cell["parameters"].get(f"{place.clock}MUX", place.clock) == place.clock
    return rising and cell["connections"].get(place.clock) in (None, list(register.clock))
