"""AXI4-Stream source and sink for cocotb, with protocol checks.

Sampling and driving both happen on rising clock edges: values read there are
those before the edge (IEEE 1800 clause 4, and cocotb's Verilator main loop),
so a transfer is an edge that finds TVALID and TREADY high.  Where a side has
nothing to decide it waits for the other side's signal instead of the next
edge; a design that computes for a thousand cycles costs no Python at all.

Rules checked (Arm IHI 0051B, section 2.2): TVALID once high stays high, with
TDATA, TLAST and TUSER unchanged, until TREADY; TVALID does not wait for TREADY; TVALID
is low in reset; neither handshake signal is ever X or Z after reset.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cocotb.triggers import RisingEdge, SimTimeoutError, ValueChange, with_timeout
from cocotb.utils import get_sim_time

#: Clock period in nanoseconds of simulated time.
PERIOD = 10

#: Idle cycles after which a stalling sink stops toggling TREADY and waits for TVALID.
IDLE_CYCLES = 40


class ProtocolError(AssertionError):
    """The design broke a rule of AXI4-Stream or of its frame."""


class HangError(AssertionError):
    """The design stopped answering."""


@dataclass(frozen=True)
class Beat:
    """One accepted transfer: the cycle of its edge, TDATA as an unsigned integer, TLAST, TUSER where there is one."""

    cycle: int
    data: int
    last: int
    user: int | None = None


def cycle_now() -> int:
    """Number of the current clock cycle since time zero."""
    return round(get_sim_time("ns")) // PERIOD


def always() -> Iterator[bool]:
    """The pattern without stalls."""
    while True:
        yield True


def stalls(seed: int, share: float) -> Iterator[bool]:
    """A random pattern that is false (stalled) for a given share of the cycles, in bursts of mixed length."""
    generator = random.Random(seed)
    while True:
        for _ in range(generator.choice((1, 1, 2, 3, 9))):
            yield True
        # Expected run length above is 3.2; stalled runs are scaled to reach the share.
        for _ in range(round(generator.expovariate(1.0) * 3.2 * share / (1 - share))):
            yield False


def wait_first(pattern: Iterator[bool], cycles: int) -> Iterator[bool]:
    """A pattern that is stalled for some cycles before another one begins."""
    for _ in range(cycles):
        yield False
    yield from pattern


def read(signal: Any, name: str) -> int:
    """Value of a signal as an unsigned integer.

    Raises
    ------
    ProtocolError
        When a bit is X or Z.
    """
    value = signal.value
    try:
        return int(value)
    except ValueError:
        raise ProtocolError(f"cycle {cycle_now()}: {name} is {value}; expected only 0 and 1") from None


async def _change(signal: Any, name: str, cycles: int) -> None:
    """Wait until a low signal changes, be it to 1 or to an unknown value, which the next edge will find."""
    try:
        await with_timeout(ValueChange(signal), cycles * PERIOD, "ns")
    except SimTimeoutError:
        raise HangError(f"cycle {cycle_now()}: {name} stayed low for {cycles} cycles") from None


@dataclass
class Source:
    """Drives ``s_axis``.

    Parameters
    ----------
    dut : cocotb handle of the top module
    patience : int
        Cycles without TREADY after which the design counts as hung.
    junk : random.Random
        Fills TDATA and TLAST while TVALID is low, so that a design which
        samples them then is found out.
    accepted : list of int
        Cycle of every accepted beat.
    """

    dut: Any
    patience: int
    junk: random.Random
    accepted: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._edge = RisingEdge(self.dut.ap_clk)
        self._bits = len(self.dut.s_axis_TDATA)
        # Vendor-made interfaces may have byte qualifiers; every byte is a data byte.
        for name in ("s_axis_TKEEP", "s_axis_TSTRB"):
            qualifier = getattr(self.dut, name, None)
            if qualifier is not None:
                qualifier.value = 2 ** len(qualifier) - 1
        self.idle()

    def idle(self) -> None:
        """Take TVALID down and put junk on the payload."""
        self.dut.s_axis_TVALID.value = 0
        self.dut.s_axis_TDATA.value = self.junk.getrandbits(self._bits)
        self.dut.s_axis_TLAST.value = self.junk.getrandbits(1)

    async def send(self, beats: Iterable[tuple[int, int]], pattern: Iterator[bool]) -> None:
        """Send (data, last) pairs; ``pattern`` says in which cycles a new beat may be offered."""
        dut, edge = self.dut, self._edge
        offered = False
        for data, last in beats:
            while not next(pattern):
                if offered:
                    self.idle()
                    offered = False
                await edge
            dut.s_axis_TDATA.value = data
            dut.s_axis_TLAST.value = last
            if not offered:
                dut.s_axis_TVALID.value = 1
                offered = True
            await edge
            while not read(dut.s_axis_TREADY, "s_axis_TREADY"):
                await _change(dut.s_axis_TREADY, "s_axis_TREADY", self.patience)
                await edge
            self.accepted.append(cycle_now())
        self.idle()


@dataclass
class Sink:
    """Drives TREADY of ``m_axis``, records its beats and checks the protocol.

    Parameters
    ----------
    dut : cocotb handle of the top module
    patience : int
        Cycles without a beat after which the design counts as hung.
    beats : list of Beat
        Every accepted beat.
    """

    dut: Any
    patience: int
    beats: list[Beat] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._edge = RisingEdge(self.dut.ap_clk)
        self._held: tuple[int, ...] | None = None
        self._ready: bool | None = None
        names = ("m_axis_TKEEP", "m_axis_TSTRB")
        self._qualifiers = [(name, getattr(self.dut, name)) for name in names if hasattr(self.dut, name)]
        payload = ("TDATA", "TLAST", *(("TUSER",) if hasattr(self.dut, "m_axis_TUSER") else ()))
        self._payload = {name: getattr(self.dut, f"m_axis_{name}") for name in payload}
        self._drive(False)

    def _drive(self, ready: bool) -> None:
        if ready is not self._ready:
            self.dut.m_axis_TREADY.value = int(ready)
            self._ready = ready

    async def receive(self, count: int, pattern: Iterator[bool], idle_cycles: int = IDLE_CYCLES) -> None:
        """Accept beats until ``count`` have been recorded; ``pattern`` is TREADY, cycle by cycle.

        After ``idle_cycles`` cycles without TVALID, TREADY keeps its value
        until TVALID rises (0 with a constant pattern: nothing to toggle).

        Raises
        ------
        ProtocolError, HangError
        """
        quiet = 0
        last_beat = cycle_now()
        while len(self.beats) < count:
            self._drive(next(pattern))
            await self._edge
            if self.sample():
                quiet = 0
                if self._held is None:
                    last_beat = cycle_now()
            else:
                quiet += 1
                if quiet > idle_cycles:
                    await self.wait_valid(self.patience)
                    quiet = 0
            if cycle_now() - last_beat > self.patience and self._held is None:
                raise HangError(f"cycle {cycle_now()}: no beat on m_axis for {self.patience} cycles")

    def sample(self) -> bool:
        """At a clock edge: check the rules, record an accepted beat, return TVALID."""
        dut = self.dut
        valid = read(dut.m_axis_TVALID, "m_axis_TVALID")
        if not valid:
            if self._held is not None:
                raise ProtocolError(f"cycle {cycle_now()}: m_axis_TVALID fell before m_axis_TREADY; it must stay high")
            return False
        payload = tuple(read(signal, f"m_axis_{name}") for name, signal in self._payload.items())
        if self._held is not None and payload != self._held:
            raise ProtocolError(
                f"cycle {cycle_now()}: m_axis changed under stall from ({', '.join(self._payload)}) = {self._held} to "
                f"{payload}"
            )
        for name, signal in self._qualifiers:
            if read(signal, name) != 2 ** len(signal) - 1:
                raise ProtocolError(f"cycle {cycle_now()}: {name} is {signal.value}; expected all ones")
        if self._ready:
            self.beats.append(Beat(cycle_now(), *payload))
            self._held = None
        else:
            self._held = payload
        return True

    async def wait_valid(self, cycles: int) -> None:
        """Wait until TVALID is up, whatever TREADY is; may return at once.

        Raises
        ------
        HangError
            When it stays low for ``cycles`` cycles.
        """
        # An unresolved value would never rise; one that is up already has no edge to wait for.
        if read(self.dut.m_axis_TVALID, "m_axis_TVALID"):
            return
        await _change(self.dut.m_axis_TVALID, "m_axis_TVALID", cycles)

    async def block(self, cycles: int) -> None:
        """Hold TREADY low for some cycles and check that TVALID comes up all the same and stays."""
        self._drive(False)
        end = cycle_now() + cycles
        while cycle_now() < end:
            await self._edge
            if not self.sample():
                await self.wait_valid(self.patience)

    async def expect_quiet(self, cycles: int) -> None:
        """Hold TREADY high and check that no beat comes."""
        self._drive(True)
        await self._edge
        end = cycle_now() + cycles
        while cycle_now() < end:
            if read(self.dut.m_axis_TVALID, "m_axis_TVALID"):
                raise ProtocolError(f"cycle {cycle_now()}: a beat that no sample asked for is on m_axis")
            with suppress(HangError):
                await _change(self.dut.m_axis_TVALID, "m_axis_TVALID", end - cycle_now())
                await self._edge
