"""A serial line for cocotb: what a host's adapter does to the pins of a design, and a port for host software on it."""

from __future__ import annotations

import random
from collections import deque
from contextlib import suppress
from typing import Any

import cocotb
from cocotb.task import resume
from cocotb.triggers import Event, FallingEdge, RisingEdge, SimTimeoutError, Timer, with_timeout

#: Clock period, in picoseconds of simulated time.
PERIOD_PS = 10_000


class SerialLine:
    """Both directions of a line, 8N1.

    Parameters
    ----------
    to_board, from_board : cocotb handles
    clocks_per_bit : int
        Of the board.
    stretch : float
        Length of the host's bits relative to the board's.
    """

    def __init__(self, to_board: Any, from_board: Any, clocks_per_bit: int, stretch: float = 1.0):
        self.to_board, self.from_board = to_board, from_board
        self.bit_ps = round(clocks_per_bit * PERIOD_PS * stretch)
        self.received = bytearray()
        self.broken = 0  # received bytes without stop bit
        self._came = Event()
        self.to_board.value = 1
        cocotb.start_soon(self._watch())

    async def send(self, data: bytes, stop_bit: int = 1) -> None:
        """Send bytes; returns at the end of the last stop bit."""
        for byte in data:
            levels = (0, *((byte >> bit) & 1 for bit in range(8)), stop_bit)
            length = 0
            for index, level in enumerate(levels):
                length += 1
                if index == 9 or levels[index + 1] != level:
                    self.to_board.value = level
                    await Timer(length * self.bit_ps, "ps")
                    length = 0
        self.to_board.value = 1

    async def send_with_glitches(self, data: bytes, generator: random.Random, width_ps: int) -> None:
        """Send bytes, each bit of them with a short pulse to the other level somewhere in it."""
        for byte in data:
            for level in (0, *((byte >> bit) & 1 for bit in range(8)), 1):
                before = generator.randrange(1, self.bit_ps - width_ps)
                for value, length in ((level, before), (1 - level, width_ps), (level, self.bit_ps - width_ps - before)):
                    self.to_board.value = value
                    await Timer(length, "ps")

    async def pulse(self, length_ps: int) -> None:
        """One low pulse on an idle line."""
        self.to_board.value = 0
        await Timer(length_ps, "ps")
        self.to_board.value = 1

    async def quiet(self, bits: float) -> None:
        """Let some time pass."""
        await Timer(round(bits * self.bit_ps), "ps")

    async def read(self, size: int, time_out_bits: int) -> bytes:
        """Up to ``size`` received bytes; fewer when the time passes first, as pyserial's ``read``."""

        async def enough() -> None:
            while len(self.received) < size:
                self._came.clear()
                await self._came.wait()

        with suppress(SimTimeoutError):
            await with_timeout(enough(), time_out_bits * self.bit_ps, "ps")
        taken = bytes(self.received[:size])
        del self.received[:size]
        return taken

    async def _watch(self) -> None:
        """Receive for ever, each bit at its middle."""
        while True:
            await FallingEdge(self.from_board)
            await Timer(self.bit_ps // 2, "ps")
            bits = []
            for _ in range(9):
                await Timer(self.bit_ps, "ps")
                bits.append(int(self.from_board.value))
            if bits[8]:
                self.received.append(sum(bit << place for place, bit in enumerate(bits[:8])))
            else:
                self.broken += 1
                await RisingEdge(self.from_board)
            self._came.set()


class SimulatedPort:
    """What :class:`mondeq_hw.boards.host.SerialSolver` takes for a serial port; for use inside ``cocotb.task.bridge``.

    As with a real port, ``write`` returns before the bytes have left.

    Parameters
    ----------
    line : SerialLine
    time_out_bits : int
    damage : callable, optional
        Bytes to send in, what happens to reach the pins out.
    """

    def __init__(self, line: SerialLine, time_out_bits: int, damage: Any = bytes):
        self.line, self.time_out_bits, self.damage = line, time_out_bits, damage
        self._queue: deque[bytes] = deque()
        self._queued = Event()
        cocotb.start_soon(self._send())

    def read(self, size: int) -> bytes:
        """As pyserial's."""
        return resume(self.line.read)(size, self.time_out_bits)

    def write(self, data: bytes) -> None:
        """As pyserial's."""
        resume(self._enqueue)(self.damage(data))

    async def _enqueue(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued.set()

    async def _send(self) -> None:
        while True:
            while self._queue:
                await self.line.send(self._queue.popleft())
            self._queued.clear()
            await self._queued.wait()
