"""Registers that block RAM and multipliers may take, and those that they must leave alone.

That the words still come in the same cycle is shown on Yosys' own netlists, in ``test_netlist.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from mondeq_hw.synthesis.output_registers import with_output_registers

#: Nets: the clock, the read enable, two outputs of the cell, two of the registers behind them.
CLOCK, ENABLE, LOW, HIGH, LATE_LOW, LATE_HIGH = range(2, 8)


def flip_flop(data: int, late: int) -> dict[str, Any]:
    return {
        "type": "TRELLIS_FF",
        "parameters": {"CEMUX": "1 ", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"},
        "port_directions": {"CLK": "input", "DI": "input", "Q": "output"},
        "connections": {"CLK": [CLOCK], "DI": [data], "Q": [late]},
    }


def design(width: int = 36) -> dict[str, Any]:
    """A RAM of which two outputs are used, each by a flip-flop."""
    pins = ("DOA0", "DOB0") if width == 36 else ("DOB0", "DOB1")
    ram = {
        "type": "DP16KD",
        "parameters": {"DATA_WIDTH_A": f"{width:032b}", "DATA_WIDTH_B": f"{width:032b}", "CLKAMUX": "CLKA",
                       "CLKBMUX": "CLKB", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"},
        "port_directions": {"CLKA": "input", "CLKB": "input", "OCEB": "input"} | dict.fromkeys(pins, "output"),
        "connections": {"CLKA": ["0"], "CLKB": [CLOCK], "OCEB": ["0"], pins[0]: [LOW], pins[1]: [HIGH]},
    }  # fmt: skip
    return used_twice(ram)


def product() -> dict[str, Any]:
    """The same of a multiplier."""
    multiplier = {
        "type": "MULT18X18D",
        "parameters": {},
        "port_directions": {"SIGNEDA": "input", "P0": "output", "P35": "output"},
        "connections": {"SIGNEDA": ["1"], "P0": [LOW], "P35": [HIGH]},
    }
    return used_twice(multiplier)


def used_twice(cell: dict[str, Any]) -> dict[str, Any]:
    cells = {"cell": cell, "low": flip_flop(LOW, LATE_LOW), "high": flip_flop(HIGH, LATE_HIGH)}
    ports = {
        "q": {"direction": "output", "bits": [LATE_LOW, LATE_HIGH]},
        "clk": {"direction": "input", "bits": [CLOCK]},
    }
    return {"modules": {"top": {"cells": cells, "ports": ports}, "LUT4": {"cells": {}, "ports": {}}}}


def absorbed(before: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = json.loads(with_output_registers(json.dumps(before)))["modules"]["top"]["cells"]
    return cells


@pytest.mark.parametrize(("width", "modes"), [(36, ("OUTREG", "OUTREG")), (18, ("NOREG", "OUTREG"))])
def test_plain_registers_move(width: int, modes: tuple[str, str]) -> None:
    (ram,) = absorbed(design(width)).values()
    assert (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"]) == modes
    outputs = [bits for pin, bits in ram["connections"].items() if pin.startswith("DO")]
    assert outputs == [[LATE_LOW], [LATE_HIGH]] and ram["connections"]["OCEB"] == ["1"]


def test_a_products_registers_move() -> None:
    (multiplier,) = absorbed(product()).values()
    wires = {"P0": [LATE_LOW], "P35": [LATE_HIGH], "CLK0": [CLOCK], "CE0": ["1"], "RST0": ["0"], "SIGNEDA": ["1"]}
    assert multiplier["connections"] == wires and multiplier["port_directions"].keys() == wires.keys()
    assert multiplier["parameters"]["REG_OUTPUT_CLK"] == "CLK0" and multiplier["parameters"]["GSR"] == "DISABLED"


@pytest.mark.parametrize(("before", "pin"), [(design(), "OCEB"), (product(), "CE0")])
def test_their_enable_moves_with_them(before: dict[str, Any], pin: str) -> None:
    for name in ("low", "high"):
        cell = before["modules"]["top"]["cells"][name]
        cell["parameters"]["CEMUX"], cell["connections"]["CE"] = "CE", [ENABLE]
        cell["port_directions"]["CE"] = "input"
    (cell,) = absorbed(before).values()
    assert cell["connections"][pin] == [ENABLE]


def read_by_another(top: dict[str, Any]) -> None:
    top["cells"]["lut"] = {"type": "LUT4", "port_directions": {"A": "input"}, "connections": {"A": [LOW]}}


def read_by_a_port(top: dict[str, Any]) -> None:
    top["ports"]["early"] = {"direction": "output", "bits": [LOW]}


def read_by_a_table(top: dict[str, Any]) -> None:
    top["cells"]["low"] = {"type": "LUT4", "port_directions": {"A": "input"}, "connections": {"A": [LOW]}}


def enabled_apart(top: dict[str, Any]) -> None:
    cell = top["cells"]["low"]
    cell["parameters"]["CEMUX"], cell["connections"]["CE"] = "CE", [ENABLE]
    cell["port_directions"]["CE"] = "input"


def disabled_by_a_net(top: dict[str, Any]) -> None:
    for name in ("low", "high"):
        cell = top["cells"][name]
        cell["parameters"]["CEMUX"], cell["connections"]["CE"] = "INV", [ENABLE]
        cell["port_directions"]["CE"] = "input"


def reset(top: dict[str, Any]) -> None:
    for name in ("low", "high"):
        top["cells"][name]["connections"]["LSR"] = [ENABLE]
        top["cells"][name]["port_directions"]["LSR"] = "input"


def wakes_up_high(top: dict[str, Any]) -> None:
    for name in ("low", "high"):
        top["cells"][name]["parameters"]["REGSET"] = "SET"


def falling_edge(top: dict[str, Any]) -> None:
    for name in ("low", "high"):
        top["cells"][name]["parameters"]["CLKMUX"] = "INV"


def memory_reads_at_the_falling_edge(top: dict[str, Any]) -> None:
    top["cells"]["cell"]["parameters"]["CLKBMUX"] = "INV"


def another_clock(top: dict[str, Any]) -> None:
    for name in ("low", "high"):
        top["cells"][name]["connections"]["CLK"] = [ENABLE]


def clocked_apart(top: dict[str, Any]) -> None:
    top["cells"]["low"]["connections"]["CLK"] = [ENABLE]


OF_ANY = (
    read_by_another,
    read_by_a_port,
    read_by_a_table,
    enabled_apart,
    disabled_by_a_net,
    reset,
    wakes_up_high,
    falling_edge,
    clocked_apart,
)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        *((design, change) for change in (*OF_ANY, memory_reads_at_the_falling_edge, another_clock)),
        *((product, change) for change in OF_ANY),
    ],
)
def test_others_stay(make: Callable[[], dict[str, Any]], change: Callable[[dict[str, Any]], None]) -> None:
    before = make()
    change(before["modules"]["top"])
    assert absorbed(before) == before["modules"]["top"]["cells"]
