"""The cocotb tests of a board's design, from serial pin to serial pin, against the golden model.

Runs inside the simulator; the job is in the JSON file that ``MONDEQ_BENCH``
names (see :func:`mondeq_hw.rtl_tests.board_runner.run_board_bench`).  The
host's side is the package's own: frames come from :mod:`mondeq_hw.boards.frames`, and
where nothing is broken on purpose :class:`mondeq_hw.boards.host.SerialSolver` talks.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, Timer

from mondeq_hw.boards import (
    OVERHEAD,
    SYNC,
    WINDOW,
    Frame,
    FrameReader,
    Kind,
    Reason,
    SerialSolver,
    identity,
    pack_sample,
    unpack_result,
)
from mondeq_hw.hardware import completion_cycles, load_schedule
from mondeq_hw.program import GoldenModel, SolverProgram

from .serial_line import PERIOD_PS, SerialLine, SimulatedPort

READY, BUSY, ERROR = 0b001, 0b010, 0b100


class Setup:
    """What one simulator run works on."""

    def __init__(self, job: dict[str, Any]):
        build = Path(job["build"])
        self.program = SolverProgram.load(build)
        self.golden = GoldenModel(self.program)
        self.words: np.ndarray = np.load(job["words"])
        self.expected = self.golden.predict_raw(self.words)
        self.seed: int = job["seed"]
        self.result = Path(job["result"])
        self.clocks_per_bit: int = job["clocks_per_bit"]
        self.time_out_bits: int = -(-job["timeout_clocks"] // self.clocks_per_bit)
        self.reset_clocks: int = job["reset_clocks"]
        #: Clocks of a lone sample in the core when all iterations run.
        plan = load_schedule(build)
        self.sample_clocks = int(completion_cycles(plan, np.array([self.program.iterations]))[0])

    def request(self, index: int, sequence: int) -> Frame:
        """The request for one of the samples, counted round."""
        return Frame(Kind.INFER, sequence, pack_sample(self.program, self.words[index % len(self.words)]))

    @property
    def frame_bits(self) -> int:
        """Time of a request on the line."""
        return 10 * (len(self.request(0, 0).payload) + OVERHEAD)

    @property
    def answer_bits(self) -> int:
        """Longest time from a request's end to its answer's."""
        computing = -(-self.sample_clocks // self.clocks_per_bit)
        return self.time_out_bits + 8 * computing + 40 * self.program.k * (self.program.output_bits // 8 + 1) + 1000


@cache
def setup() -> Setup:
    """The one job of this simulator."""
    return Setup(json.loads(Path(os.environ["MONDEQ_BENCH"]).read_text()))


class Bench:
    """One test's hold on the board."""

    def __init__(self, dut: Any, stretch: float):
        self.dut = dut
        self.random = random.Random(setup().seed)
        self.line = SerialLine(dut.rx_i, dut.tx_o, setup().clocks_per_bit, stretch)
        self._reader = FrameReader()

    @staticmethod
    async def start(dut: Any, stretch: float = 1.0) -> Bench:
        """Start the clock, press and release the button, let the line be quiet."""
        Clock(dut.clk_i, PERIOD_PS, "ps").start()
        bench = Bench(dut, stretch)
        await bench.reset()
        await Timer(bench.random.randrange(PERIOD_PS), "ps")  # the host's edges are not the clock's
        return bench

    async def reset(self) -> None:
        """Press the button and release it."""
        self.dut.button_i.value = 1
        await ClockCycles(self.dut.clk_i, 6)
        self.leds(0)
        self.dut.button_i.value = 0
        await ClockCycles(self.dut.clk_i, setup().reset_clocks)
        self.leds(0)
        await ClockCycles(self.dut.clk_i, 6)
        self.leds(READY)
        assert int(self.dut.tx_o.value) == 1 and int(self.dut.high_o.value) == 1

    def leds(self, expected: int) -> None:
        """Check the lights."""
        shown = int(self.dut.led_o.value)
        assert shown == expected, f"LEDs show {shown:08b}, expected {expected:08b}"

    async def settle(self) -> None:
        """Be quiet until the board is sure to wait for a new frame."""
        await self.line.quiet(setup().time_out_bits + 20)

    async def answers(self, count: int) -> list[Frame]:
        """The next answers, and no more than those."""
        frames: list[Frame] = []
        while len(frames) < count:
            data = await self.line.read(1, setup().answer_bits)
            assert data, f"{len(frames)} of {count} answers came; unfinished: {bytes(self.line.received).hex()}"
            frames += self._reader.feed(data)
        assert not await self.line.read(1, 60), f"more came than {count} answers: {bytes(self.line.received).hex()}"
        assert not self.line.broken, "a byte came without stop bit"
        return frames

    def pending(self) -> list[Frame]:
        """Answers that came meanwhile."""
        frames = self._reader.feed(bytes(self.line.received))
        self.line.received.clear()
        return frames

    def forget(self) -> None:
        """Drop what came so far."""
        self.line.received.clear()
        self._reader.forget()

    async def ask(self, *requests: Frame) -> list[Frame]:
        """Send requests without a pause; their answers."""
        for request in requests:
            await self.line.send(request.encode())
        return await self.answers(len(requests))

    async def works(self, index: int = 0) -> None:
        """Check that a right request is answered right."""
        check_result(index, 0x5C, *await self.ask(setup().request(index, 0x5C)))
        self.leds(READY)

    async def refuses(self, reason: Reason, sequence: int | None = None) -> None:
        """Check that exactly one error answer comes, and that the light goes on."""
        (answer,) = await self.answers(1)
        assert (answer.kind, answer.payload) == (Kind.ERROR, bytes((reason,))), f"{answer}, expected {reason!r}"
        assert sequence is None or answer.sequence == sequence, f"sequence {answer.sequence}, expected {sequence}"
        self.leds(READY | ERROR)

    def solver(self, damage: Callable[[bytes], bytes] = bytes, retries: int = 3) -> Any:
        """Host software on the pins: a coroutine that makes a ``SerialSolver``."""
        port = SimulatedPort(self.line, setup().answer_bits + WINDOW * setup().frame_bits, damage)
        return bridge(lambda: SerialSolver(port, setup().program, retries))()


def check_result(index: int, sequence: int, answer: Frame) -> None:
    """Compare a result with the golden model."""
    expected = setup().expected[index % len(setup().words)].tolist()
    assert (answer.kind, answer.sequence) == (Kind.RESULT, sequence), f"{answer}, expected result {sequence}"
    received = unpack_result(setup().program, answer.payload)
    assert received == expected, f"sample {index}: received {received}, expected {expected}"


# -- what a host does -----------------------------------------------------------


@cocotb.test
async def samples(dut: Any) -> None:
    """The host's solver over the pins: every sample's words are the golden model's."""
    bench = await Bench.start(dut)
    solver = await bench.solver()
    received = await bridge(solver.predict_raw)(setup().words)
    setup().result.write_text(json.dumps({"outputs": received.tolist()}))
    assert (received == setup().expected).all(), f"received {received}, expected {setup().expected}"
    bench.leds(READY)


@cocotb.test
@cocotb.parametrize(stretch=[0.98, 1.02])
async def baud_rate_off(dut: Any, stretch: float) -> None:
    """A host whose clock is two per cent off."""
    bench = await Bench.start(dut, stretch)
    solver = await bench.solver(retries=0)
    assert (await bridge(solver.predict_raw)(setup().words[:3]) == setup().expected[:3]).all()


@cocotb.test
async def back_to_back(dut: Any) -> None:
    """Requests without a pause, of both kinds: every one is answered once, results in order."""
    bench = await Bench.start(dut)
    await bench.ask(Frame(Kind.IDENTIFY, 7))
    requests = [setup().request(0, 250), setup().request(1, 251), Frame(Kind.IDENTIFY, 252), setup().request(2, 253)]
    answers = await bench.ask(*requests)
    assert [a for a in answers if a.kind == Kind.IDENTITY] == [Frame(Kind.IDENTITY, 252, identity(setup().program))]
    results = [answer for answer in answers if answer.kind == Kind.RESULT]
    for index, (sequence, answer) in enumerate(zip((250, 251, 253), results, strict=True)):
        check_result(index, sequence, answer)
    bench.leds(READY)


@cocotb.test
async def flood(dut: Any) -> None:
    """More requests than there is room for: each is answered once, by its result or by BUSY."""
    bench = await Bench.start(dut)
    count = 24
    sending = cocotb.start_soon(bench.ask(*(setup().request(index, 100 + index) for index in range(count))))
    await bench.line.quiet(2.5 * setup().frame_bits)
    seen = int(dut.led_o.value)
    answers = {answer.sequence - 100: answer for answer in await sending}
    assert sorted(answers) == list(range(count))
    busy = Frame(Kind.ERROR, 0, bytes((Reason.BUSY,)))
    refused = [index for index, answer in answers.items() if answer.kind == Kind.ERROR]
    for index, answer in answers.items():
        if index in refused:
            assert (answer.kind, answer.payload) == (busy.kind, busy.payload)
        else:
            check_result(index, 100 + index, answer)
    # A core slower than the line must refuse at last, but never a host that keeps to its window.
    if setup().sample_clocks > 4 * setup().frame_bits * setup().clocks_per_bit:
        assert refused and min(refused) >= WINDOW and seen & BUSY
    await bench.works()


# -- what goes wrong -------------------------------------------------------------


@cocotb.test
@cocotb.parametrize(place=["sequence", "payload", "checksum"])
async def damaged_frame(dut: Any, place: str) -> None:
    """One wrong bit where it leaves the frame's end certain: that frame is refused, the ones after it are answered."""
    bench = await Bench.start(dut)
    data = bytearray(setup().request(0, 9).encode())
    end = len(data) - 4
    at = {"sequence": 2, "payload": bench.random.randrange(5, end), "checksum": bench.random.randrange(end, end + 4)}
    data[at[place]] ^= 1 << bench.random.randrange(8)
    await bench.line.send(bytes(data))
    await bench.refuses(Reason.CRC, data[2])
    await bench.line.send(bytes(data) + setup().request(1, 10).encode())
    error, result = await bench.answers(2)
    assert error == Frame(Kind.ERROR, data[2], bytes((Reason.CRC,)))
    check_result(1, 10, result)
    bench.leds(READY)


@cocotb.test
@cocotb.parametrize(place=[1, 3, 4], wrong=["bit", "frames_inside"])
async def damaged_header(dut: Any, place: int, wrong: str) -> None:
    """Kind or length wrong: one refusal, and what follows is ignored until the line is quiet, right frames too."""
    bench = await Bench.start(dut)
    data = bytearray(setup().request(0, 9).encode())
    data[place] ^= 1 << bench.random.randrange(2, 8)
    inside = setup().request(1, 10).encode()
    await bench.line.send(bytes(data) if wrong == "bit" else bytes(data[:5]) + inside + inside)
    await bench.refuses(Reason.KIND if place == 1 else Reason.LENGTH, 9)
    await bench.settle()
    await bench.works(2)


@cocotb.test
async def wrong_lengths(dut: Any) -> None:
    """Frames that are right in themselves but not of their kind's length; an empty kind with a payload."""
    bench = await Bench.start(dut)
    payload = setup().request(0, 0).payload
    for kind, wrong in ((Kind.INFER, payload[:-1]), (Kind.INFER, payload + b"\0"), (Kind.INFER, b""),
                        (Kind.IDENTIFY, b"\0"), (Kind.IDENTIFY, payload)):  # fmt: skip
        await bench.line.send(Frame(kind, 77, wrong).encode())
        await bench.refuses(Reason.LENGTH, 77)
        await bench.settle()
    await bench.works()


@cocotb.test
async def cut_short(dut: Any) -> None:
    """A frame that ends too early, anywhere, is given up after the time-out, and leaves nothing behind."""
    bench = await Bench.start(dut)
    data = setup().request(0, 33).encode()
    size = len(data)
    for cut in sorted({1, 2, 3, 5, 6, size // 2, size - 5, size - 4, size - 1}):
        await bench.line.send(data[:cut])
        assert not await bench.line.read(1, setup().time_out_bits - 15), "given up before the time-out"
        await bench.refuses(Reason.TIMEOUT, 33 if cut > 2 else None)
        await bench.works(cut)


@cocotb.test
async def pause_inside(dut: Any) -> None:
    """A host that pauses for less than the time-out between any two bytes is waited for."""
    bench = await Bench.start(dut)
    data = setup().request(1, 34).encode()
    cuts = sorted({0, 1, 4, 5, len(data) // 2, len(data) - 4, len(data) - 1, len(data)})
    for begin, end in pairwise(cuts):
        await bench.line.quiet(setup().time_out_bits - 15)
        await bench.line.send(data[begin:end])
    check_result(1, 34, *await bench.answers(1))


@cocotb.test
async def lost_byte(dut: Any) -> None:
    """A byte is lost in a stream of frames: nothing wrong comes out, and after a pause all is well."""
    bench = await Bench.start(dut)
    data = setup().request(0, 1).encode()
    for lost in (0, 1, 4, len(data) // 2, len(data) - 1):
        await bench.line.send(data[:lost] + data[lost + 1 :] + setup().request(1, 2).encode())
        await bench.settle()
        bench.leds(READY | ERROR)
        answers = bench.pending()
        assert answers and all(answer.kind == Kind.ERROR for answer in answers), answers
        await bench.works(lost)


@cocotb.test
async def stray_bytes(dut: Any) -> None:
    """Bytes outside of a frame, alone or before one: refused once, and nothing in them is taken for a frame."""
    bench = await Bench.start(dut)
    await bench.line.send(b"\x00")
    await bench.refuses(Reason.STRAY)
    await bench.settle()
    await bench.line.send(b"\x5a" + setup().request(0, 1).encode() + b"\xff" + Frame(Kind.IDENTIFY, 3).encode())
    await bench.refuses(Reason.STRAY)
    await bench.settle()
    await bench.works(1)


@cocotb.test
async def no_stop_bit(dut: Any) -> None:
    """A byte without stop bit, between frames and inside one, and a line that is held low."""
    bench = await Bench.start(dut)
    data = setup().request(0, 60).encode()
    for before in (b"", data[:3], data[: len(data) // 2], data[:-1]):
        await bench.line.send(before)
        await bench.line.send(b"\xa5", stop_bit=0)
        await bench.line.send(data)  # ignored: the line was not quiet
        await bench.refuses(Reason.LINE, 60 if len(before) > 2 else None)
        await bench.settle()
        await bench.works(1)
    await bench.line.pulse(3 * setup().time_out_bits * bench.line.bit_ps)
    await bench.refuses(Reason.LINE)
    await bench.settle()
    await bench.works(2)


@cocotb.test
async def glitches(dut: Any) -> None:
    """Pulses shorter than a quarter bit, on the idle line and in every bit of a frame, are not seen."""
    bench = await Bench.start(dut)
    width = (setup().clocks_per_bit // 4 - 1) * PERIOD_PS
    for _ in range(20):
        await bench.line.pulse(width)
        await bench.line.quiet(bench.random.random())
    await bench.line.quiet(1)
    await bench.line.send_with_glitches(setup().request(0, 90).encode(), bench.random, width)
    check_result(0, 90, *await bench.answers(1))
    bench.leds(READY)


@cocotb.test
async def false_start(dut: Any) -> None:
    """A low pulse shorter than half a bit is no start bit, even right before a frame."""
    bench = await Bench.start(dut)
    for pause in (0.7, 1.0, 1.5, 3.2):
        await bench.line.pulse(bench.line.bit_ps * 3 // 8)
        await bench.line.quiet(pause)
        await bench.works()


@cocotb.test
@cocotb.parametrize(moment=["request", "core", "answer"])
async def reset_in(dut: Any, moment: str) -> None:
    """The button in the middle of anything: all is forgotten, and the next request is answered."""
    bench = await Bench.start(dut)
    data = setup().request(0, 5).encode()
    await bench.line.send(data[: len(data) // 2] if moment == "request" else data)
    if moment == "core":
        await ClockCycles(dut.clk_i, setup().sample_clocks // 2)
    elif moment == "answer":
        await bench.line.read(3, setup().answer_bits)
    await bench.reset()
    await bench.line.quiet(12)
    bench.forget()
    await bench.works(1)


@cocotb.test
async def noisy_line(dut: Any) -> None:
    """A host on a line that damages, drops and doubles bytes gets every result right in the end."""
    bench = await Bench.start(dut)
    noisy = False

    def damage(data: bytes) -> bytes:
        if not noisy or bench.random.random() < 0.5:
            return data
        at = bench.random.randrange(len(data))
        middle = bench.random.choice((b"", data[at : at + 1] * 2, bytes((SYNC,)), bytes((data[at] ^ 0x10,))))
        return data[:at] + middle + data[at + 1 :]

    solver = await bench.solver(damage, retries=20)
    noisy = True
    words = setup().words[:4]
    assert (await bridge(solver.predict_raw)(words) == setup().expected[: len(words)]).all()
