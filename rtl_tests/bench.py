"""The cocotb tests: one design behind AXI4-Stream against the golden model.

Runs inside the simulator.  Everything it needs to know is in the JSON file
that the environment variable ``MONDEQ_BENCH`` names (see
:func:`mondeq_hw.rtl_tests.runner.run_bench`).  Expected words are recomputed
here from the build folder's own program; nothing is compared to a stored answer.

Every test starts with a reset of whatever state the test before left behind,
and ends by checking that no further beat comes.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from mondeq_hw.hardware import Schedule, completion_cycles, load_schedule
from mondeq_hw.program import GoldenModel, SolverProgram

from .stream import PERIOD, Beat, HangError, ProtocolError, Sink, Source, always, cycle_now, read, stalls, wait_first

#: Samples of the tests other than the back-to-back one.
FEW = 6
RESET_CYCLES = 8


@dataclass(frozen=True)
class Setup:
    """What one simulator run works on.

    Parameters
    ----------
    program : SolverProgram
    schedule : Schedule
    design : str
        ``rtl``, ``hls``, ``netlist`` or ``vendor``.
    words : ndarray of int64 (samples, d)
    seed : int
    result : Path
        Where the back-to-back test leaves the words and cycles it saw.
    """

    program: SolverProgram
    schedule: Schedule
    design: str
    words: np.ndarray
    seed: int
    result: Path

    @staticmethod
    def load() -> Setup:
        """Read the job that ``MONDEQ_BENCH`` names."""
        job = json.loads(Path(os.environ["MONDEQ_BENCH"]).read_text())
        build = Path(job["build"])
        return Setup(
            program=SolverProgram.load(build),
            schedule=load_schedule(build),
            design=job["design"],
            words=np.load(job["words"]),
            seed=job["seed"],
            result=Path(job["result"]),
        )

    @property
    def is_ours(self) -> bool:
        """Whether the schedule predicts its cycles: our RTL, and what synthesis made of it."""
        return self.design in ("rtl", "netlist")

    @cached_property
    def golden(self) -> GoldenModel:
        """The golden model of the build folder's program."""
        return GoldenModel(self.program)

    @cached_property
    def few(self) -> np.ndarray:
        """A short stimulus (FEW, d): the first samples, filled up with random ones."""
        rng = np.random.default_rng(self.seed)
        form = self.program.input_format
        fill = rng.integers(form.min_word, form.max_word + 1, size=(FEW, self.program.d))
        words = np.concatenate([self.words[:FEW], fill])[:FEW]
        if self.schedule.flags_ends:  # of every other sample one word at an end, which wide words hardly are
            ends = np.array([form.min_word, -form.max_word * form.signed, form.max_word])
            words[::2, rng.integers(self.program.d)] = rng.choice(ends, size=FEW // 2)
        return words

    @cached_property
    def sample_cycles(self) -> int:
        """Cycles from first input beat to last output beat of a lone sample that never leaves early."""
        return int(completion_cycles(self.schedule, np.array([self.program.iterations]))[0])

    @cached_property
    def patience(self) -> int:
        """Cycles without an output beat after which a design counts as hung.

        A sample can wait for the ones that the engines hold before it, and a
        stalled source takes a few times longer to deliver it.  Designs that
        another tool scheduled get a margin for its pipeline depths.
        """
        margin = 12 if self.is_ours else 60
        return margin * self.sample_cycles + 2000

    def beats(self, words: np.ndarray, with_last: bool = True) -> list[tuple[int, int]]:
        """Input beats of the samples: ``words_per_beat`` words in two's complement, little end first.

        Bits that belong to no word are random, but for lanes without one where a weight of one bit has no zero.
        """
        return self._beats(words, with_last, 0)

    def load_beats(self, state: np.ndarray) -> list[tuple[int, int]]:
        """Beats that load a carried state (m,): those of its words, with the bit above them set."""
        return self._beats(state[None], True, 1)

    def _beats(self, words: np.ndarray, with_last: bool, flag: int) -> list[tuple[int, int]]:
        per_beat, bits, junk = self.schedule.words_per_beat, self.program.input_format.word_length, self._junk
        lane, flags = self.schedule.lane_bits(self.program), int(self.program.carried is not None)
        above = self.schedule.input_tdata_bits(self.program) - per_beat * lane - flags
        beats = []
        for sample in words.tolist():
            for first in range(0, len(sample), per_beat):
                lanes = sample[first : first + per_beat]
                absent = lane * (per_beat - len(lanes))
                data = (junk.getrandbits(above) << flags | flag) << absent
                data |= junk.getrandbits(absent) if self.program.drive.word_length > 1 else 0
                for word in reversed(lanes):
                    data = data << lane | junk.getrandbits(lane - bits) << bits | word % (1 << bits)
                beats.append((data, int(with_last and first + per_beat >= len(sample))))
        return beats

    @cached_property
    def _junk(self) -> random.Random:
        return random.Random(self.seed)


@cache
def setup() -> Setup:
    """The one job of this simulator."""
    return Setup.load()


#: Whether the design checks TLAST, and the output beats of a sample.
FRAMED, BEATS = setup().schedule.framed, setup().schedule.output_beats


class Bench:
    """One test's hold on the design."""

    def __init__(self, dut: Any):
        self.dut = dut
        self.random = random.Random(setup().seed)
        self.event = getattr(dut, "event_frame_o", None)  # a vendor's design may have none
        self.error = getattr(dut, "event_error_o", None)
        bits = len(dut.s_axis_TDATA), len(dut.m_axis_TDATA)
        program = setup().program
        want = setup().schedule.input_tdata_bits(program), setup().schedule.output_tdata_bits(program)
        if bits != want:
            raise ProtocolError(f"TDATA of s_axis and m_axis have {bits} bits; the program needs {want}")
        if setup().design != "vendor" and hasattr(dut, "m_axis_TUSER") != setup().schedule.flags_ends:
            raise ProtocolError(
                f"m_axis_TUSER is {'absent' if setup().schedule.flags_ends else 'there'}; expected otherwise"
            )
        self._renew()

    def _renew(self) -> None:
        """Drivers and a model that know nothing of what was before."""
        self.source = Source(self.dut, setup().patience, self.random)
        self.sink = Sink(self.dut, setup().patience)
        self.golden = setup().golden

    @staticmethod
    async def start(dut: Any) -> Bench:
        """Start the clock and reset the design."""
        Clock(dut.ap_clk, PERIOD, "ns").start()
        bench = Bench(dut)
        await bench.reset()
        return bench

    async def reset(self) -> None:
        """Reset, with new drivers; checks that TVALID is low before and right after the release."""
        dut = self.dut
        self._hold_in_reset()
        self._renew()
        await ClockCycles(dut.ap_clk, RESET_CYCLES)
        self._expect_no_valid("in reset")
        dut.ap_rst_n.value = 1
        await RisingEdge(dut.ap_clk)
        self._expect_no_valid("at the end of reset")
        self.expect_event(False)
        read(dut.s_axis_TREADY, "s_axis_TREADY")

    async def live_reset(self, sink_ready: bool) -> None:
        """Reset for 1 to 8 cycles, for one mostly, in which the source offers anything and the sink is ready, or not.

        Nothing is looked at in the cycle after it, which may begin the next frame; what is not our schedule's has
        the quiet reset.
        """
        if not setup().is_ours:
            return await self.reset()
        dut = self.dut
        self._hold_in_reset()
        dut.m_axis_TREADY.value = int(sink_ready)
        for cycle in range(self.random.choice((1, self.random.randrange(1, RESET_CYCLES + 1)))):
            self.source.idle()
            dut.s_axis_TVALID.value = 1
            await RisingEdge(dut.ap_clk)
            if cycle:
                self._expect_no_valid("in reset")
        dut.ap_rst_n.value = 1
        self._renew()

    def _hold_in_reset(self) -> None:
        self.dut.ap_rst_n.value = 0
        if self.event is not None:
            self.dut.event_clear_i.value = 0

    def _expect_no_valid(self, when: str) -> None:
        if read(self.dut.m_axis_TVALID, "m_axis_TVALID"):
            raise ProtocolError(f"cycle {cycle_now()}: m_axis_TVALID is high {when}")

    def expect_event(self, up: bool) -> None:
        """Check whether a broken frame is reported."""
        if self.event is not None and read(self.event, "event_frame_o") != up:
            raise ProtocolError(f"cycle {cycle_now()}: event_frame_o is {int(not up)}; expected {int(up)}")
        if self.error is not None and read(self.error, "event_error_o"):
            raise ProtocolError(f"cycle {cycle_now()}: event_error_o is 1; nothing has been upset")

    async def clear_event(self) -> None:
        """Check that a broken frame is reported until it is cleared."""
        self.expect_event(True)
        if self.event is not None:
            self.dut.event_clear_i.value = 1
            await RisingEdge(self.dut.ap_clk)
            self.dut.event_clear_i.value = 0
            await RisingEdge(self.dut.ap_clk)
        self.expect_event(False)

    async def run(
        self,
        words: np.ndarray,
        source_stall: float = 0.0,
        sink_stall: float = 0.0,
        with_last: bool = True,
        blocked: int = 0,
    ) -> list[Beat]:
        """Stream samples through the design and check every beat.

        Parameters
        ----------
        words : ndarray of int64 (samples, d)
        source_stall, sink_stall : float
            Share of cycles in which that side stalls.
        with_last : bool
            Whether TLAST marks the last input beat of a sample.
        blocked : int
            Cycles that the sink refuses everything before it starts.

        Returns
        -------
        list of Beat
            The output beats.
        """
        source = stalls(self.random.getrandbits(32), source_stall) if source_stall else always()
        sink = stalls(self.random.getrandbits(32), sink_stall) if sink_stall else always()
        first = len(self.sink.beats)
        sending = cocotb.start_soon(self.source.send(setup().beats(words, with_last), source))
        try:
            if blocked:
                await self.sink.block(blocked)
            idle = {} if sink_stall else {"idle_cycles": 0}
            await self.sink.receive(first + len(words) * BEATS, sink, **idle)
        except HangError as error:
            sent, got = len(self.source.accepted), len(self.sink.beats) - first
            raise HangError(
                f"{error}; {sent} input beats were accepted and {got} of {len(words) * BEATS} output beats received"
            ) from None
        finally:
            check(words, self.sink.beats[first:], self.golden)
        await sending
        self.golden = self.golden.after(words)
        return self.sink.beats[first:]

    async def load(self, state: np.ndarray) -> None:
        """Replace the carried state (m,)."""
        await self.source.send(setup().load_beats(state), always())
        self.golden = self.golden.at(state)

    async def finish(self) -> None:
        """Check that nothing more comes."""
        await self.sink.expect_quiet(2 * setup().sample_cycles + 20)
        self.expect_event(False)


def check(words: np.ndarray, beats: list[Beat], golden: GoldenModel) -> None:
    """Compare output beats with the golden model."""
    compare(golden.predict_raw(words), beats, golden.flags(words))


def compare(outputs: np.ndarray, beats: list[Beat], flags: np.ndarray | None = None) -> None:
    """Compare output beats with the outputs (samples, k) that are expected: framing first, then every word.

    With flags (samples,) TUSER too, where the design has one.
    """
    per_beat = setup().schedule.output_beat
    expected = [row[at : at + per_beat] for row in outputs.tolist() for at in range(0, len(row), per_beat)]
    for index, (beat, values) in enumerate(zip(beats, expected, strict=False)):
        sample, place = divmod(index, BEATS)
        where, last = f"cycle {beat.cycle}, sample {sample}, output", place == BEATS - 1
        if beat.last != last:
            raise ProtocolError(
                f"{where} {place * per_beat}: TLAST is {beat.last}; expected {int(last)} ({BEATS} beats a sample)"
            )
        if flags is not None and beat.user not in (None, flags[sample]):
            raise AssertionError(f"{where} {place * per_beat}: TUSER is {beat.user}; expected {int(flags[sample])}")
        received, padding = unpacked(beat, len(values))
        for lane, (word, value) in enumerate(zip(received, values, strict=True)):
            if word != value:
                raise AssertionError(f"{where} {place * per_beat + lane}: received {word}, expected {value}")
        if padding:
            raise AssertionError(f"{where} {place * per_beat}: above its words stands {padding:#x}; expected 0")


def word_of(beat: Beat) -> int:
    """The word of a beat that has one, with its sign."""
    return unpacked(beat, 1)[0][0]


def unpacked(beat: Beat, words: int) -> tuple[list[int], int]:
    """The first words of an output beat, with their signs, and what stands above them."""
    lane = setup().schedule.output_lane_bits(setup().program)
    fields = [beat.data >> place * lane & (1 << lane) - 1 for place in range(words)]
    return [field - (field >> (lane - 1) << lane) for field in fields], beat.data >> words * lane


def _expect_cycles(accepted: int, beats: list[Beat], words: np.ndarray, golden: GoldenModel) -> None:
    """Our RTL finishes every sample in exactly the cycle that the schedule predicts."""
    if not setup().is_ours:
        return
    predicted = completion_cycles(setup().schedule, golden.iterations(words), golden.settled).tolist()
    for sample, (cycle, beat) in enumerate(zip(predicted, beats[BEATS - 1 :: BEATS], strict=True)):
        if beat.cycle - accepted != cycle:
            raise AssertionError(f"sample {sample}: finished in cycle {beat.cycle - accepted}, predicted {cycle}")


# -- tests -------------------------------------------------------------------


@cocotb.test
async def back_to_back(dut: Any) -> None:
    """Every sample without a stall: exact words in the predicted cycles."""
    bench = await Bench.start(dut)
    begin = cycle_now()
    try:
        beats = await bench.run(setup().words)
    finally:
        _record(bench, cycle_now() - begin)
    _expect_cycles(bench.source.accepted[0], beats, setup().words, setup().golden)
    await bench.finish()


def _record(bench: Bench, cycles: int) -> None:
    """Leave what came out for the process that started the simulator."""
    k, per_beat = setup().program.k, setup().schedule.output_beat
    beats = bench.sink.beats
    first = bench.source.accepted[0] if bench.source.accepted else 0
    plain = {
        "outputs": [
            [word for beat in beats[end - BEATS : end] for word in unpacked(beat, per_beat)[0]][:k]
            for end in range(BEATS, len(beats) + 1, BEATS)
        ],
        "cycles": [beat.cycle - first for beat in beats[BEATS - 1 :: BEATS]],
        "simulated_cycles": cycles,
    }
    setup().result.write_text(json.dumps(plain))


@cocotb.test
@cocotb.parametrize((("source_stall", "sink_stall"), [(0.6, 0.0), (0.0, 0.6), (0.3, 0.3), (0.75, 0.75)]))
async def random_stalls(dut: Any, source_stall: float, sink_stall: float) -> None:
    """Random stalls on either stream or both change nothing but the time."""
    bench = await Bench.start(dut)
    await bench.run(setup().few, source_stall, sink_stall)
    await bench.finish()


@cocotb.test
async def blocked_sink(dut: Any) -> None:
    """A sink that refuses everything for the time of many samples loses and changes nothing."""
    bench = await Bench.start(dut)
    # Where flags wait for their samples, as many as there is room for anywhere.
    held = setup().schedule.samples_in_flight + 2 if setup().schedule.flags_ends else FEW
    await bench.run(np.resize(setup().few, (held, setup().program.d)), blocked=held * setup().sample_cycles + 50)
    await bench.finish()


@cocotb.test
async def slow_source(dut: Any) -> None:
    """Long pauses in mid-sample and between samples: a half-delivered sample waits."""
    bench = await Bench.start(dut)
    beats = setup().beats(setup().few[:2])
    cut = bench.random.randrange(len(beats) // 2) + 1  # inside or right after the first sample
    pause = setup().sample_cycles + bench.random.randrange(40)
    await bench.source.send(beats[:cut], always())
    sending = cocotb.start_soon(bench.source.send(beats[cut:], wait_first(always(), pause)))
    await bench.sink.receive(2 * BEATS, always(), idle_cycles=0)
    check(setup().few[:2], bench.sink.beats, setup().golden)
    await sending
    await bench.finish()


@cocotb.test
async def lone_samples(dut: Any) -> None:
    """Samples with idle time between them: each takes the latency of a lone sample. A carried state is loaded anew."""
    bench = await Bench.start(dut)
    rng = np.random.default_rng(setup().seed)
    for index, sample in enumerate(setup().few):
        await _idle(bench)
        if setup().program.carried is not None and index % 2:
            form, m = setup().program.input_format, setup().program.carried_words
            await bench.load(rng.integers(form.min_word, form.max_word, size=m, endpoint=True))
        first, golden = len(bench.source.accepted), bench.golden
        beats = await bench.run(sample[None])
        _expect_cycles(bench.source.accepted[first], beats, sample[None], golden)
    await bench.finish()


@cocotb.test
async def extremes(dut: Any) -> None:
    """Samples of all the smallest and all the largest words in turn, with others between them."""
    bench = await Bench.start(dut)
    words = setup().program.input_format
    least, most = (np.full_like(setup().few[0], word) for word in (words.min_word, words.max_word))
    odd = np.arange(len(least)) % 2 == 1
    checker, other = np.where(odd, most, least), np.where(odd, least, most)
    await bench.run(np.stack([most, least, least, most, checker, most, setup().few[0], least, other]))
    await bench.finish()


@cocotb.test(skip=FRAMED)
async def input_last_is_not_framing(dut: Any) -> None:
    """Samples are counted: without TLAST on the input nothing changes."""
    bench = await Bench.start(dut)
    await bench.run(setup().few[:3], with_last=False)
    await bench.finish()


@cocotb.test(skip=not FRAMED)
async def broken_frames(dut: Any) -> None:
    """Frames that lost beats or have too many give nothing; whole ones among them are right, and in their order."""
    bench = await Bench.start(dut)
    for broken in _broken_frames(bench.random):
        await _broken_between(bench, broken)
    await bench.finish()
    for source_stall, sink_stall in ((0.0, 0.0), (0.4, 0.4)):
        await bench.reset()
        await _whole_among_broken(bench, source_stall, sink_stall)
    await bench.reset()
    # The rest of a frame that goes on too long is not waited for after a reset.
    await bench.source.send([(data, 0) for data, _ in setup().beats(setup().few[:2])], always())
    await bench.reset()
    beats = await bench.run(setup().few[2:3])
    _expect_cycles(bench.source.accepted[0], beats, setup().few[2:3], setup().golden)
    await bench.finish()


def _broken_frames(generator: random.Random) -> list[list[tuple[int, int]]]:
    """Frames of every length that may matter but the right one, of samples and of loads."""
    frames = []
    program = setup().program
    for load in (False, True) if program.carried is not None else (False,):
        whole = setup().beats(setup().few[:1])
        if load:
            whole = setup().load_beats(np.full(program.carried_words, program.input_format.max_word))
        size = len(whole)
        short = range(1, size) if size <= 8 else sorted({1, size - 1, *generator.sample(range(2, size - 1), 3)})
        for length in (*short, size + 1, size + 1 + size // 2, 2 * size, 2 * size + 1):
            data = [whole[beat % size][0] for beat in range(length)]
            frames.append([(word, int(beat == length - 1)) for beat, word in enumerate(data)])
    return frames


async def _broken_between(bench: Bench, broken: list[tuple[int, int]]) -> None:
    """A broken frame behind a sample and before one: each of these takes the time of a lone one."""
    for before in ([], broken):
        await _idle(bench)
        await _torn(bench, before)
        first, golden, sample = len(bench.source.accepted), bench.golden, setup().few[bench.random.randrange(FEW)][None]
        behind = cocotb.start_soon(_after(bench, first + setup().schedule.beats_per_sample, [] if before else broken))
        beats = await bench.run(sample)
        await behind
        _expect_cycles(bench.source.accepted[first], beats, sample, golden)
    await bench.clear_event()


async def _torn(bench: Bench, frame: list[tuple[int, int]]) -> None:
    """Send a frame with a pause before its last beat, or behind the beat that should have been the last."""
    cut = min(len(frame) - 1, setup().schedule.beats_per_sample) if frame else 0
    await bench.source.send(frame[:cut], always())
    for _ in range(4):
        bench.source.idle()
        await RisingEdge(bench.dut.ap_clk)
    await bench.source.send(frame[cut:], always())


async def _after(bench: Bench, accepted: int, frame: list[tuple[int, int]]) -> None:
    """Send a frame as soon as so many beats have been accepted."""
    await _accepted(bench, accepted)
    await bench.source.send(frame, always())


async def _idle(bench: Bench) -> None:
    """A pause, so long that the next sample begins with nothing before it."""
    # The words that the sample before leaves to this one come after its outputs.
    left = setup().schedule.carried * setup().schedule.readout.column_groups + 8
    await ClockCycles(bench.dut.ap_clk, bench.random.randrange(1, 30) + (left if setup().schedule.carried else 0))


async def _whole_among_broken(bench: Bench, source_stall: float, sink_stall: float) -> None:
    """A stream of whole and broken frames in any order."""
    frames, samples, outputs, golden = [], [], [], bench.golden
    broken = _broken_frames(bench.random)
    bench.random.shuffle(broken)
    for frame in broken:
        frames += frame
        for sample in setup().few[: bench.random.choice((0, 1, 1, 2))]:
            frames += setup().beats(sample[None])
            samples.append(sample)
            outputs += golden.predict_raw(sample[None]).tolist()
            golden = golden.after(sample[None])
    frames += setup().beats(setup().few[:1])
    samples.append(setup().few[0])
    outputs += golden.predict_raw(setup().few[:1]).tolist()
    source = stalls(bench.random.getrandbits(32), source_stall) if source_stall else always()
    sink = stalls(bench.random.getrandbits(32), sink_stall) if sink_stall else always()
    sending = cocotb.start_soon(bench.source.send(frames, source))
    try:
        await bench.sink.receive(len(outputs) * BEATS, sink)
    finally:
        compare(np.array(outputs, dtype=object), bench.sink.beats, golden.flags(np.array(samples)))
    await sending
    await bench.clear_event()
    await bench.finish()


@cocotb.test
@cocotb.parametrize(moment=["input", "pipelined", "start", "solve", "end", "output", "stalled"])
async def reset_in(dut: Any, moment: str) -> None:
    """A reset at any moment forgets everything; the samples after it are right."""
    bench = await Bench.start(dut)
    lost, kept = setup().few[: FEW // 2], setup().few[FEW // 2 :]
    beats = setup().beats(lost)
    per_sample = len(beats) // len(lost)
    tasks = [cocotb.start_soon(bench.source.send(beats, always()))]
    if moment == "input":
        await _accepted(bench, max(1, per_sample // 2))
    elif moment == "pipelined":
        tasks.append(cocotb.start_soon(bench.sink.receive(len(lost) * BEATS, always(), idle_cycles=0)))
        await _accepted(bench, per_sample + max(1, per_sample // 3))
    elif moment == "output":
        # One beat taken, the rest of the frame lost (with k = 1: between two samples).
        await bench.sink.receive(1, always(), idle_cycles=0)
    elif moment == "stalled":
        await bench.sink.block(setup().sample_cycles + 5)
    else:
        await _accepted(bench, per_sample)
        solving = int({"start": 0.0, "solve": 0.5, "end": 1.0}[moment] * (setup().sample_cycles - per_sample))
        await ClockCycles(dut.ap_clk, max(1, solving + bench.random.randrange(-3, 3)))
    for task in tasks:
        task.cancel()
    await bench.live_reset(sink_ready=moment != "stalled")
    beats_after = await bench.run(kept)
    _expect_cycles(bench.source.accepted[0], beats_after, kept, setup().golden)
    await bench.finish()


@cocotb.test
async def random_resets(dut: Any) -> None:
    """Resets in every part of a pipeline's full flow, a right sample after each; the sink is blocked across half."""
    bench = await Bench.start(dut)
    beats = setup().beats(setup().few)
    for part, sample in enumerate(setup().few):
        tasks = [
            cocotb.start_soon(bench.source.send(beats, always())),
            cocotb.start_soon(bench.sink.receive(FEW * BEATS, stalls(bench.random.getrandbits(32), 0.3))),
        ]
        await ClockCycles(dut.ap_clk, 1 + int((part + bench.random.random()) * 2 * setup().sample_cycles / FEW))
        for task in tasks:
            task.cancel()
        blocked = bench.random.randrange(1, setup().sample_cycles) if part % 2 else 0
        await bench.live_reset(sink_ready=not blocked)
        beats_after = await bench.run(sample[None], blocked=blocked)
        if not blocked:
            _expect_cycles(bench.source.accepted[0], beats_after, sample[None], setup().golden)
    await bench.finish()


async def _accepted(bench: Bench, beats: int) -> None:
    """Wait until the design has taken a number of input beats (the source counts its patience)."""
    while len(bench.source.accepted) < beats:
        await RisingEdge(bench.dut.ap_clk)
