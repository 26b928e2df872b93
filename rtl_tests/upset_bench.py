"""The cocotb test of upsets: one bit of one register or memory word turns at a random cycle, and what becomes of it.

Runs inside the simulator (Icarus), as :mod:`.bench`, from which it takes the job and the drivers;
``benchmarks/upsets.py`` starts it.  After a reset samples flow without a stall, and a bit is turned.  Once the core is
quiet three probes follow, of a few samples each: what the last answers says whether the core has healed, is wrong for
good, or hangs.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import ArrayObject, HierarchyArrayObject, HierarchyObject, LogicObject, PackedObject
from cocotb.task import Task
from cocotb.triggers import ClockCycles, FallingEdge, First, RisingEdge

from .bench import FEW, Bench, compare, setup, word_of
from .registers import clocked
from .stream import HangError, ProtocolError, Sink, always, cycle_now

#: Classes of registers by the names of module and register; the first that fits counts, and one fits every register.
CLASSES = (
    ("guard", r"guard\."),
    ("memories' check", r"rom\.(?!memory|word_q)"),
    ("buffers' pointers", r"fifo\.(write|read|count)_q|feedthrough\.lane_q"),
    ("credits", r"credits\."),
    ("input banks' control", r"drive\.(full|write_bank|read_bank|first_command|complete)_q"),
    ("slot pointers", r"(drive|readout_control)\.slot_q|solve\.next_slot_q"),
    ("frame check", r"frame_check\."),
    ("row and column counters", r"matvec_counter\.|readout_control\.written_q"),
    (
        "solver's control",
        r"solve\.((busy|slot|ready|done|bank|changed|older|iteration|settled|waiting|valid|held)_q$)|slot_watch\.",
    ),
    ("carried state", r"carried\."),
    ("weights and constants", r"rom\.memory"),
    ("states and drives", r"regroup\.memory"),
    ("input words", r"drive\.(banks|words_q|collected_q)"),
    ("output words", r"fifo\.memory"),
    ("pipelines", r""),
)
#: What no reset writes again.
CONSTANT = "weights and constants"
#: Probes behind a flip, and the samples of each.
PROBES, PROBE = 3, 2
#: Times the cycles of a sample that a sender waits.
WAIT = 8
#: What has registers inside.
SCOPES = (HierarchyObject, HierarchyArrayObject)
HEALED, WRONG, HANG = "healed", "wrong_for_good", "hang"


def bits_of(top: Any, sources: Path) -> dict[str, list[tuple[Any, int]]]:
    """Every bit of every register, by class."""
    prefix = setup().program.name + "_"
    found: dict[str, list[tuple[Any, int]]] = {name: [] for name, _ in CLASSES}
    modules: dict[str, dict[str, set[str]]] = {}
    for path in sources.glob("*.sv"):
        modules |= clocked(path.read_text())
    for module, name, handle in _registers(top, top._def_name, modules):
        full = f"{module.removeprefix(prefix)}.{name}"
        kind = next(kind for kind, pattern in CLASSES if re.match(pattern, full))
        found[kind] += [(handle, bit) for bit in range(len(handle))]
    return {name: bits for name, bits in found.items() if bits}


def _registers(scope: Any, module: str, modules: dict[str, dict[str, set[str]]]) -> Iterator[tuple[str, str, Any]]:
    """Module, name and handle of every register, and of every word of every memory."""
    here = "" if _is_instance(scope, modules) else scope._name.split("[")[0]
    blocks, names = {here, *_blocks(scope, modules)}, modules[module]
    for child in scope:
        if isinstance(child, SCOPES):
            yield from _registers(child, child._def_name if _is_instance(child, modules) else module, modules)
        elif names.get(child._name, set()) & blocks:
            words = list(child) if isinstance(child, ArrayObject) else [child]
            yield from ((module, child._name, word) for word in words if isinstance(word, LogicObject | PackedObject))


def _blocks(scope: Any, modules: Collection[str]) -> Iterator[str]:
    """The generate blocks inside one, or inside a module, that this build has."""
    for child in scope:
        if isinstance(child, SCOPES) and not _is_instance(child, modules):
            yield child._name
            yield from _blocks(child, modules)


def _is_instance(scope: Any, modules: Collection[str]) -> bool:
    """Whether it is a module's instance, not a block: an array of blocks bears the name of the module around it."""
    return isinstance(scope, HierarchyObject) and scope._def_name in modules


async def outcome(bench: Bench, generator: random.Random, bits: list[tuple[Any, int]], constant: bool) -> list[str]:
    """What one flip leads to: the end, whether the core reported anything, and whether a wrong word was silent."""
    await bench.reset()
    risen = cocotb.start_soon(_risen(bench))
    flow = cocotb.start_soon(_answer(bench, setup().few, risen))
    await ClockCycles(bench.dut.ap_clk, generator.randrange(1, 2 * setup().sample_cycles))
    await FallingEdge(bench.dut.ap_clk)
    handle, bit = generator.choice(bits)
    _turn(handle, bit)
    _, silent = await flow
    # Samples of their own, so that a word left from an earlier one is not right by chance.
    fresh = generator.sample(range(FEW, len(setup().words)), PROBES * PROBE)
    for probe in np.split(setup().words[fresh], PROBES):
        await _drained(bench)
        end, more = await _answer(bench, probe, risen)
        silent = silent or more
    risen.cancel()
    if constant:
        _turn(handle, bit)
    events = bench.dut.event_frame_o, bench.dut.event_error_o
    flagged = any(str(event.value) == "1" for event in events)
    return [end, *(["flagged"] if flagged else []), *(["silent"] if silent else [])]


async def _risen(bench: Bench) -> int:
    """The clock edge at which the error's event has gone up."""
    await RisingEdge(bench.dut.event_error_o)
    return cycle_now()


def _turn(handle: Any, bit: int) -> None:
    """One bit of a word; of one that an earlier flip left unknown, which hardware does not know, a bit of zero."""
    handle.value = (int(handle.value) if handle.value.is_resolvable else 0) ^ 1 << bit


async def _drained(bench: Bench) -> None:
    """A pause in which whatever comes is taken."""
    bench.dut.m_axis_TREADY.value = 1
    await ClockCycles(bench.dut.ap_clk, 3 * setup().sample_cycles)
    bench.sink = Sink(bench.dut, setup().patience)


async def _answer(bench: Bench, words: np.ndarray, risen: Task[int]) -> tuple[str, bool]:
    """What the core answers to some whole frames, which may go on from any carried state.

    With it: whether a word was wrong while the error's event was down.
    """
    bench.sink.patience = 4 * setup().sample_cycles
    bench.source.patience = WAIT * setup().sample_cycles
    beats, golden = setup().beats(words), setup().golden
    carried = setup().program.carried
    if carried is not None:
        state = np.zeros(setup().program.carried_words, dtype=np.int64)
        beats, golden = setup().load_beats(state) + beats, golden.at(state)
    expected = golden.predict_raw(words)
    sending = cocotb.start_soon(_sent(bench, beats))
    end = HEALED
    try:
        await bench.sink.receive(expected.size, always(), idle_cycles=0)
        compare(expected, bench.sink.beats)
        await bench.sink.expect_quiet(setup().sample_cycles)
    except HangError:
        end = HANG
    except AssertionError:  # a ProtocolError is one
        end = WRONG
    finally:
        bench.dut.m_axis_TREADY.value = 1
        await First(sending, ClockCycles(bench.dut.ap_clk, WAIT * setup().sample_cycles))  # no frame is left unfinished
        sending.cancel()
        bench.source.idle()
    answers = zip(bench.sink.beats, expected.reshape(-1).tolist(), strict=False)
    wrong = [beat.cycle for beat, word in answers if word_of(beat) != word]
    return end, any(not risen.done() or cycle <= risen.result() for cycle in wrong)


async def _sent(bench: Bench, beats: list[tuple[int, int]]) -> None:
    """Send as much as is taken."""
    with suppress(HangError, ProtocolError):
        await bench.source.send(beats, always())


@cocotb.test
async def upsets(dut: Any) -> None:
    """Flips in every class, counted by what became of them."""
    job = json.loads(Path(os.environ["MONDEQ_BENCH"]).read_text())
    bench = await Bench.start(dut)
    generator = random.Random(setup().seed)
    table = {}
    classes = bits_of(dut, Path(job["build"]) / "rtl" / "src")
    for handle in {id(handle): handle for bits in classes.values() for handle, _ in bits}.values():
        if not handle.value.is_resolvable:  # hardware knows no unknown values
            handle.value = generator.getrandbits(len(handle))
    for name, bits in ((name, bits) for name, bits in classes.items() if not job["classes"] or name in job["classes"]):
        counts = table[name] = Counter(flips=job["flips"], hang=0, wrong_for_good=0, healed=0, flagged=0, silent=0)
        for _ in range(job["flips"]):
            counts.update(await outcome(bench, generator, bits, name == CONSTANT))
    setup().result.write_text(json.dumps(table))
