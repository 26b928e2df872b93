"""Mutants by rule: the rules make mistakes, the campaign notices them, and what is no mistake is proved to be none."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mutation import CORES, FRAMED, Campaign, Mutation, NoDesignError, broken_frames, mutations
from mutation_campaign import Verdict, judged, recorded, run

from mondeq_hw.formal import PROVED

ENGINES = ("drive", "solve", "readout")

pytestmark = pytest.mark.slow

SOURCE = """\
module m #(
  parameter int Bits = 4 - 1  // a + b
) (input logic a);
  if (Bits < 1) begin : g_wrong
    $fatal(1, "Bits < 1");
  end
  assign b = (c == 1'b0) && !d;
  always_ff @(posedge clk) begin
    if (go) count_q <= count_q + 1'b1;
  end
endmodule
"""


def test_rules_change_what_runs_and_nothing_else() -> None:
    found = {(each.line, each.mutated.strip()) for each in mutations("rtl", "m.sv", SOURCE)}
    assert found == {
        (7, "assign b = (c != 1'b0) && !d;"),
        (7, "assign b = (c == 1'b1) && !d;"),
        (7, "assign b = (c == 1'b0) || !d;"),
        (7, "assign b = (c == 1'b0) && d;"),
        (9, "if (!(go)) count_q <= count_q + 1'b1;"),
        (9, "if (go) count_q <= count_q - 1'b1;"),
        (9, "if (go) count_q <= count_q + 1'b0;"),
        (9, "if (go) ;"),
    }
    for each in mutations("rtl", "m.sv", SOURCE):
        changed = [pair for pair in zip(SOURCE.splitlines(), each.applied(SOURCE).splitlines(), strict=True)]
        assert [i for i, (old, new) in enumerate(changed, start=1) if old != new] == [each.line]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return Campaign(tmp_path_factory.mktemp("mutation"))


def one(campaign: Campaign, kind: str, file: str, mutated: str) -> Mutation:
    found = [each for each in campaign.all() if (each.kind, each.file) == (kind, file) and mutated in each.mutated]
    assert found, f"no mutant of {file} reads {mutated!r}"
    return found[0]


def test_every_hand_written_source_is_in_the_population(campaign: Campaign) -> None:
    templates = Path(__file__).parent.parent / "hls_templates"
    written = {path.name for group in ("rtl", "board") for path in (templates / group).rglob("mondeq_*.sv")}
    # Nothing that a bench sees, and a vendor's cell.
    silent = {"mondeq_state_trace.sv", "mondeq_assert.sv", "mondeq_pll.sv"}
    population = campaign.all()
    assert written - silent <= {each.file for each in population}
    assert {"mondeq_solver.h", "mondeq_engine.h", "mondeq_top.cpp"} <= {each.file for each in population}
    assert len(set(population)) == len(population) > 1000
    forms = {name: {each.source for each in population if each.file == f"mondeq_{name}.sv"} for name in ENGINES}
    # Folded and unrolled, and but for the drive straight.
    assert {name: len(sources) for name, sources in forms.items()} == {"drive": 2, "solve": 3, "readout": 3}


def test_mistakes_are_noticed(campaign: Campaign) -> None:
    for kind, file, mutated in (
        ("rtl", "mondeq_round_shift.sv", " - OutBits'(shifted_q[0])"),
        ("hls", "mondeq_top.cpp", "beat != output_beats - 1"),
    ):
        assert campaign.killer(one(campaign, kind, file, mutated)) is not None


def test_the_shell_notices_broken_frames(campaign: Campaign) -> None:
    """No other C++ bench sends any."""
    mutant = one(campaign, "hls", "mondeq_frame.h", "at_end || (last || !framed)")
    assert campaign.killer(mutant) == f"{FRAMED}: broken frames"
    corner, whole = CORES[FRAMED](), campaign.folder / "whole"
    corner.build_cpp(whole).save(whole)
    assert broken_frames(whole, corner.schedule.words_per_beat) is None


def test_what_does_not_compile_is_no_kill(campaign: Campaign, tmp_path: Path) -> None:
    mutant = one(campaign, "rtl", "mondeq_carried.sv", "samples_q - 1'b1")
    broken = replace(mutant, mutated="  no Verilog")
    with pytest.raises(NoDesignError, match=r"mondeq_carried.sv:\d+ does not compile: no Verilog"):
        campaign.killer(broken)
    refused = list(run(campaign, [broken], tmp_path / "verdicts.jsonl"))
    assert refused == [Verdict(broken, "refused", None)]


def test_what_is_no_mistake_is_proved_to_be_none(campaign: Campaign) -> None:
    """A counter with a bit to spare; one bit short is another matter."""
    assert campaign.status(one(campaign, "rtl", "mondeq_credits.sv", "$clog2(Credits + 2)")) == PROVED
    assert campaign.status(one(campaign, "rtl", "mondeq_credits.sv", "$clog2(Credits - 1)")) != PROVED


def test_what_only_a_proof_notices_is_killed_by_it(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard's event, which no undisturbed bench sees, and which this mutant never raises."""
    mutant = one(campaign, "rtl", "mondeq_guard.sv", "!event_clear_i) && error")
    monkeypatch.setattr(Campaign, "killer", lambda self, mutation: None)
    assert judged(campaign, mutant) == Verdict(mutant, "killed", "the proof of its unit")


def test_a_campaign_goes_on_where_it_was_stopped(campaign: Campaign, tmp_path: Path) -> None:
    mutant = one(campaign, "hls", "mondeq_top.cpp", "beat != output_beats - 1")
    fate, file = Verdict(mutant, "survived", None), tmp_path / "verdicts.jsonl"
    file.write_text(json.dumps(fate.plain()) + "\n")
    assert list(run(campaign, [mutant], file)) == [fate]  # not run again: it would be killed
    assert recorded(file) == {mutant: fate}


def test_the_command_prints_its_figures(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).parent / "mutation_campaign.py"), "--json", "--seed", "9"]
    options = ["--count", "1", "--file", "mondeq_saturate.sv", "--results", str(tmp_path / "verdicts.jsonl")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    plain = json.loads(done.stdout)
    assert plain["mutants"] == 1 == plain["killed"] + plain["equivalent"] + len(plain["survivors"])
    assert len(recorded(tmp_path / "verdicts.jsonl")) == 1
