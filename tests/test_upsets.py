"""Upsets: an unprotected core breaks, a hardened one heals; what its watchdog waits for; a state is forgotten."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corner_programs import CORNERS, hardened, starting_warm
from random_models import random_program, random_words

from mondeq_hw.base import InputError
from mondeq_hw.hardware import ECP5, estimate
from mondeq_hw.hardware.cycles import completion_cycles, watchdog_cycles
from mondeq_hw.hardware.folding import schedule
from mondeq_hw.hardware.rtl import memory_sizes
from mondeq_hw.hardware.schedule import CONTROL, FULL, HARDENINGS, NONE
from mondeq_hw.program import GoldenModel
from mondeq_hw.proof import error_bound, prove_contraction, updates_to_forget
from mondeq_hw.rtl_tests.registers import clocked

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import upsets  # noqa: E402

CLASSES = ("buffers' pointers", "slot pointers")


@pytest.mark.slow
def test_a_hardened_core_heals() -> None:
    """The short campaign, with teeth: what nothing protects is wrong for good, or hangs."""
    corner = upsets.cores()["unrolled"]
    none = upsets.campaign(corner, 4, 0, CLASSES)
    assert all(table["healed"] < 4 and not table["flagged"] for table in none.values())
    control = upsets.campaign(hardened(corner), 4, 0, CLASSES)
    assert tuple(none) == tuple(control) == CLASSES
    assert all(table["healed"] == table["flagged"] == 4 for table in control.values())
    assert upsets.merged([none, control])["slot pointers"]["flips"] == 8


def test_a_wire_of_this_build_is_no_register() -> None:
    """What is a register in one build only has the block that clocks it; a turned bit of a wire would stay so."""
    templates = ROOT / "hls_templates" / "rtl"
    regroup = clocked((templates / "mondeq_regroup.sv").read_text())["mondeq_regroup"]
    assert {name: regroup[name] for name in ("bank", "write_row")} == {"bank": {"g_address"}, "write_row": {"g_write"}}
    assert regroup["memory"] == {"g_chunk", "g_narrow", "g_lane"} and not {"high", "enable"} & set(regroup)
    fifo = clocked((templates / "mondeq_fifo.sv").read_text())["mondeq_fifo"]
    assert {*fifo} == {"memory", "write_q", "read_q", "count_q"} and {*map(tuple, fifo.values())} == {("",)}
    lines = ("if (A) begin : g_a", "if (B) begin", "x <= 1;", "end", "y[2] <= x;", "end", "z <= y;")
    nested = "\n".join(("module m;", *lines, "endmodule"))
    assert clocked(nested) == {"m": {"x": {"g_a"}, "y": {"g_a"}, "z": {""}}}


@pytest.mark.slow
@pytest.mark.long
def test_a_bit_of_a_pipeline_is_gone_with_its_samples() -> None:
    """A flip of seed 0 turned a wire, and every later sample took the words of another."""
    (counts,) = upsets.campaign(hardened(upsets.cores()["unrolled"]), 40, 0, ["pipelines"]).values()
    assert counts["healed"] == counts["flips"] == 40


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("core", ["folded", "carried"])
def test_the_number_of_a_slot_that_there_is_not_is_an_error(core: str) -> None:
    """Three slots have two bits: one turned bit in four or so names a fourth, which no pointer leaves by itself."""
    (counts,) = upsets.campaign(hardened(upsets.cores()[core]), 60, 5, ["slot pointers"]).values()
    assert counts["healed"] == counts["flips"] == 60


def test_published_flips_add_up_and_are_shown() -> None:
    """The page's tables: each flip has one fate; what the page says of protection; a panel shows each."""
    found = upsets.read(ROOT / "benchmarks" / "results" / "upsets.json")
    assert tuple(found) == HARDENINGS
    for counts in (counts for classes in found.values() for counts in classes.values()):
        assert sum(counts[fate] for fate in upsets.FATES) == counts["flips"] > 0
    weights = ("weights and constants",)
    for harden in (CONTROL, FULL):
        assert not any(counts["hang"] for counts in found[harden].values())
        assert not any(counts["wrong_for_good"] for name, counts in found[harden].items() if name not in weights)
    assert all(found[FULL][name]["flagged"] == found[FULL][name]["flips"] for name in weights)
    assert not any(found[FULL][name]["silent"] for name in weights)
    assert upsets.table(found).count("\n") == 1 + sum(map(len, found.values()))
    panels = upsets.plot(found).axes
    assert [panel.get_title() for panel in panels] == [f"--harden {name}" for name in HARDENINGS]
    bars = len({name for classes in found.values() for name in classes}) * len(upsets.FATES)
    assert [len(panel.patches) for panel in panels] == [bars] * len(panels)


@pytest.mark.slow
def test_no_wrong_weight_is_silent() -> None:
    """With parity every flip of a memory is reported, and before a word that it made wrong."""
    found = upsets.campaign(hardened(upsets.cores()["carried"], FULL), 6, 0, ["weights and constants"])
    ((_, counts),) = found.items()
    assert counts["wrong_for_good"] and counts["flagged"] == 6 and not counts["silent"] and not counts["hang"]


@pytest.mark.parametrize("name", CORNERS)
def test_watchdog_waits_for_the_slowest(name: str) -> None:
    """No output is later after the one before than the bound, nor the first after its sample; nor is it far off."""
    program, plan = CORNERS[name]().program, CORNERS[name]().schedule
    bound = watchdog_cycles(plan, program.iterations)
    lone = int(completion_cycles(plan, np.array([program.iterations]))[0])
    mixed = np.random.default_rng(0).integers(0, program.iterations, size=40, endpoint=True)
    for counts in (np.full(40, program.iterations), mixed):
        assert np.diff(completion_cycles(plan, counts)).max() <= bound
    assert lone - plan.beats_per_sample < bound < 3 * lone + 60


def test_the_estimate_counts_guard_and_parity() -> None:
    """As Yosys does for the folded core (ECP5): 94 LUTs, 20 carries, 31 flip-flops; then 61 and 50."""
    corner = upsets.cores()["folded"]
    none, control, full = (estimate(corner.program, hardened(corner, name).schedule, ECP5, 8) for name in HARDENINGS)
    assert 60 <= control.luts - none.luts <= 180 and 25 <= control.flip_flops - none.flip_flops <= 40
    assert 45 <= full.luts - control.luts <= 130 and 40 <= full.flip_flops - control.flip_flops <= 65


@pytest.mark.parametrize("name", ["tables_ternary", "banked"])
def test_every_word_of_a_memory_has_an_odd_number_of_ones(name: str, tmp_path: Path) -> None:
    """Below its parity it is the word of an unprotected build; sizes are those that the estimate counts."""
    plain, full = (hardened(CORNERS[name](), harden).build(tmp_path / harden) for harden in (NONE, FULL))
    corner = CORNERS[name]()
    sizes = memory_sizes(corner.program, corner.schedule)
    memories = sorted((plain / "rtl" / "mem").iterdir())
    assert len(memories) == len(sizes) > 3
    found = []
    for memory in memories:
        words = [int(word, 16) for word in memory.read_text().split()]
        odd = [int(word, 16) for word in (full / "rtl" / "mem" / memory.name).read_text().split()]
        assert all(word.bit_count() % 2 == 1 for word in odd)
        parity = {above ^ word for above, word in zip(odd, words, strict=True)} - {0}
        assert len(parity) <= 1 and all(bit.bit_count() == 1 and bit > max(words) for bit in parity)
        found.append(len(words))
    assert sorted(found) == sorted(depth for _, depth in sizes)


def test_counted_beats_cannot_begin_anew() -> None:
    plan = schedule(random_program(3), 4)
    with pytest.raises(InputError, match="take framing tlast, or harden none"):
        replace(plan, framed=False, harden="control")
    with pytest.raises(InputError, match="harden is 'both'; expected none, control, full"):
        replace(plan, harden="both")


@pytest.mark.parametrize("seed", [2, 5, 8])
def test_a_contraction_forgets_an_upset_of_the_state(seed: int) -> None:
    """So many updates bring the flipped state as near to the others as rounding lets two runs be; before, it is not."""
    program = random_program(seed, n=6, d=4, k=2, bits=6, state_bits=14, iterations=99)
    proof = prove_contraction(program.matrix, program.leak_shift)
    assert proof is not None
    updates = updates_to_forget(program, proof)
    assert 0 < updates <= 99
    bound, words = error_bound(program, proof), random_words(seed, program, 1)
    rounding = bound.rounding / (1 - proof.contraction_factor)
    state, flip = GoldenModel(program).final_states(words)[0], 1 << (program.state_format.word_length - 1)
    after = GoldenModel(starting_warm(program, updates), state).final_states(words)[0]
    for row in range(program.n):
        upset = state.copy()
        upset[row] += -flip if upset[row] >= 0 else flip  # the sign's bit turns
        healed = GoldenModel(starting_warm(program, updates), upset).final_states(words)[0]
        assert proof.metric.norm_up([int(step) for step in healed - after]) <= 2.5 * rounding
        assert proof.metric.norm_up([int(step) for step in upset - state]) > 2.5 * rounding
