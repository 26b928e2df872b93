"""The test of the probe: the simulator starts, and Python in it."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def starts(dut: Any) -> None:
    """Time passes."""
    await Timer(1, "ns")
