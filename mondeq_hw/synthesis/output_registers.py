"""Registers behind block RAM, moved into it.

ECP5's block RAM has a register at its outputs, from which words leave in a
fraction of the time that its cells take (clock to output 4.1 ns without and
0.7 ns with it, speed 8, as nextpnr has it).  Yosys never uses it.
Where the flip-flops that a RAM's words go to do nothing else, this pass makes
them the RAM's own: the same cycles, fewer flip-flops, a shorter path.

Source: Lattice FPGA-TN-02204, ECP5 memory usage guide, "Output Register".
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

Cell = dict[str, Any]

RAM, FLIP_FLOP = "DP16KD", "TRELLIS_FF"
#: Data width at which both ports are one: written through A, read through B on the data pins of both.
WIDEST = 36
#: What a flip-flop has to be besides: rising edge, cleared when the part wakes up, no reset of its own.
PLAIN = {"CLKMUX": "CLK", "GSR": "DISABLED", "REGSET": "RESET"}


@dataclass(frozen=True)
class ReadPort:
    """A port's data pins, and the parameters of the registers behind them.

    Parameters
    ----------
    name : str
        ``A`` or ``B``, whose clock and enable the registers get.
    pins : tuple of str
        Beginnings of the names of its outputs.
    modes : tuple of str
        Parameters that turn the registers on.
    """

    name: str
    pins: tuple[str, ...]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class Register:
    """Nets, or constants, of a register's clock and enable."""

    clock: tuple[int | str, ...]
    enable: tuple[int | str, ...]


def read_ports(ram: Cell) -> tuple[ReadPort, ...]:
    if int(ram["parameters"]["DATA_WIDTH_B"], 2) == WIDEST:
        return (ReadPort("B", ("DOA", "DOB"), ("REGMODE_A", "REGMODE_B")),)
    return tuple(ReadPort(port, (f"DO{port}",), (f"REGMODE_{port}",)) for port in "AB")


def with_output_registers(netlist: str) -> str:
    """The netlist whose block RAMs have taken the registers behind them.

    Parameters
    ----------
    netlist : str
        Of a flattened design, as Yosys' ``write_json`` leaves it.
    """
    design = json.loads(netlist)
    for module in design["modules"].values():
        if any(cell["type"] == RAM for cell in module["cells"].values()):
            _absorb(module)
    return json.dumps(design)


def _absorb(module: dict[str, Any]) -> None:
    cells: dict[str, Cell] = module["cells"]
    users = _users(module)
    for ram in [cell for cell in cells.values() if cell["type"] == RAM]:
        for port in read_ports(ram):
            behind = _behind(ram, port, users)
            kinds = {_register(cells.get(name), pin) for name, pin in behind.values()}
            register = kinds.pop() if len(kinds) == 1 else None
            if register is None or not _rises_with(ram, port, register):
                continue
            ram["parameters"] |= dict.fromkeys(port.modes, "OUTREG")
            ram["connections"][f"OCE{port.name}"] = list(register.enable)
            for output, (name, _) in behind.items():
                ram["connections"][output] = cells.pop(name)["connections"]["Q"]


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


def _behind(ram: Cell, port: ReadPort, users: dict[int, list[tuple[str, str]]]) -> dict[str, tuple[str, str]]:
    """What reads each output that is used; nothing (a pin of no cell) where several do."""
    outputs = {pin: users[bits[0]] for pin, bits in ram["connections"].items() if pin.startswith(port.pins)}
    return {pin: readers[0] if len(readers) == 1 else ("", "") for pin, readers in outputs.items() if readers}


def _register(cell: Cell | None, pin: str) -> Register | None:
    """The register that a reader of a RAM's output belongs to; None where it is no plain flip-flop's input."""
    if cell is None or cell["type"] != FLIP_FLOP or pin != "DI":
        return None
    parameters, connections = cell["parameters"], cell["connections"]
    enables = {"1": ["1"], "CE": connections.get("CE")}
    enable = enables.get(parameters["CEMUX"].strip())
    plain = all(parameters.get(key) == PLAIN[key] for key in PLAIN) and connections.get("LSR", ["0"]) == ["0"]
    return Register(tuple(connections["CLK"]), tuple(enable)) if plain and enable else None


def _rises_with(ram: Cell, port: ReadPort, register: Register) -> bool:
    clock = f"CLK{port.name}"
    return ram["parameters"][f"{clock}MUX"] == clock and tuple(ram["connections"][clock]) == register.clock
