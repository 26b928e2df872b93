"""The board's benches have teeth: mistakes in the serial bridge are noticed.  See ``test_rtl_mutants.py``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from corner_programs import CORNERS, slow_core
from long_set import one_in
from random_models import random_words

from mondeq_hw.rtl_tests.board_runner import QUICK, simulate_board, write_design

pytestmark = pytest.mark.slow

MAKERS = {**CORNERS, "slow_core": slow_core}


@dataclass(frozen=True)
class Mutant:
    """One mistake, the test that notices it, and the core behind it."""

    test: str
    module: str
    original: str
    mutated: str
    core: str = "single"


MUTANTS = (
    Mutant("glitches", "uart_rx", ".Depth(ClocksPerBit / 4)", ".Depth(1)"),
    Mutant("false_start", "uart_rx", "(bit_q == StartBit) && line) state_d", "1'b0) state_d"),
    Mutant("baud_rate_off", "uart_rx", "CountBits'(ClocksPerBit / 2 - 1)", "CountBits'(ClocksPerBit / 2 + 2)"),
    Mutant("no_stop_bit", "uart_rx", "assign error_o = sample &&", "assign error_o = 1'b0 && sample &&"),
    Mutant("glitches", "uart_tx", "{1'b1, data_i, 1'b0}", "{1'b0, data_i, 1'b0}"),
    Mutant("false_start", "crc32", "32'hEDB88320", "32'h04C11DB7"),
    Mutant("damaged_frame", "frame_decoder", "(crc == Residue) && inference &&", "inference &&"),
    Mutant("wrong_lengths", "frame_decoder", "!known || (length != (", "!known || (length < ("),
    Mutant("pause_inside", "frame_decoder", "(byte_valid_i || line_error_i || (state_q == Hunt))", "(state_q == Hunt)"),
    Mutant("damaged_header", "frame_decoder", "Drain;\n              answer_o = 1'b1;\n              reason_o = known",
           "Hunt;\n              answer_o = 1'b1;\n              reason_o = known"),
    Mutant("cut_short", "packet_fifo", "if (rewind_i) write_q <= commit_q;", ""),
    Mutant("flood", "frame_decoder", "refused_q <= !room_i", "refused_q <= 1'b0", "slow_core"),
    Mutant("flood", "packet_fifo", "CountBits'(Depth - PacketWords)", "CountBits'(Depth)", "slow_core"),
    Mutant("samples", "beat_packer", "if (!rst_ni || sent) beat_o", "if (!rst_ni) beat_o", "one_bit"),
    Mutant("back_to_back", "uart_bridge", ".ready_i(result_done)", ".ready_i(1'b0)"),
    Mutant("damaged_frame", "uart_bridge", "error_o <= answer &&", "error_o <= 1'b0 && answer &&"),
)  # fmt: skip


@pytest.mark.parametrize("mutant", one_in(4, MUTANTS, lambda mutant: f"{mutant.module}-{mutant.test}"))
def test_mutant_is_killed(mutant: Mutant, tmp_path: Path) -> None:
    corner = MAKERS[mutant.core]()
    build = corner.build(tmp_path / "build")
    design = tmp_path / "design"
    design.mkdir()
    write_design(build, QUICK, design)
    source = design / "board" / "src" / f"mondeq_{mutant.module}.sv"
    text = source.read_text()
    assert text.count(mutant.original) == 1, "the mutant's pattern must occur exactly once"
    source.write_text(text.replace(mutant.original, mutant.mutated))
    words = random_words(3, corner.program, 6)
    result = simulate_board(build, design, words=words, timing=QUICK, simulator="icarus", tests=[mutant.test])
    assert result.failures, f"survived {', '.join(result.passed)}"


@pytest.mark.parametrize("begins_anew", one_in(2, [False, True], str))
def test_a_frame_that_the_core_refuses_leaves_no_wrong_answer(begins_anew: bool, tmp_path: Path) -> None:
    """An upset takes TLAST from one sample: its request is lost, and the answers behind it are still its own."""
    corner = CORNERS["serial"]()
    build = corner.build(tmp_path / "build")
    design = tmp_path / "design"
    design.mkdir()
    write_design(build, QUICK, design)
    changes = {
        "beat_packer": (
            ("  assign sent =", "  int samples = 0;\n  assign sent ="),
            (
                "beat_last_o  <= last_word;",
                "beat_last_o  <= last_word && (samples != 3); samples <= samples + last_word;",
            ),
        ),
        "board": () if begins_anew else (("calm_q <= !event_frame", "calm_q <= 1'b1"),),
    }
    for module, replacements in changes.items():
        source = design / "board" / "src" / f"mondeq_{module}.sv"
        text = source.read_text()
        for original, mutated in replacements:
            assert text.count(original) == 1
            text = text.replace(original, mutated)
        source.write_text(text)
    words = random_words(3, corner.program, 6)
    result = simulate_board(build, design, words=words, timing=QUICK, simulator="icarus", tests=["samples"])
    assert result.ok == begins_anew, result.failures
