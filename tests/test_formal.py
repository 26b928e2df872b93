"""The RTL's units are proved by Yosys and Yices, every property of them is broken by some mistake, and nothing else is
taken for a proof.  The whole list of parameters is scripts/formal's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT
from long_set import all_but, one_in

from mondeq_hw.formal import (
    ENGINES,
    PROVED,
    REFUTED,
    UNDECIDED,
    UNITS,
    Prover,
    ProverFailedError,
    Unit,
    module_text,
    prove_build,
    prove_engines,
    prove_units,
    unit_status,
)
from mondeq_hw.formal.prover import Design, hollow, with_properties

PROPERTIES = ROOT / "hls_templates" / "formal"


#: Slow to prove, and like another one that a usual run proves: the rest is the long set.
LIKE_ANOTHER = frozenset(("packet_fifo", "frame_decoder", "unrolled/solve"))


@pytest.mark.slow
@pytest.mark.parametrize("unit", all_but(LIKE_ANOTHER, UNITS))
def test_unit_is_proved_and_its_properties_have_teeth(unit: Unit) -> None:
    (result,) = prove_units(short=True, only=(unit.name,))
    assert [case for case in result.cases if case.status != PROVED] == []
    assert result.surviving == ()
    assert result.toothless == ()
    assert result.ok and len(result.cases) == min(unit.short, len(unit.cases))


@pytest.mark.slow
@pytest.mark.parametrize("engine", one_in(3, ["folded_feedthrough", "unrolled", "straight"], str))
def test_small_core_is_the_contract_for_every_input(engine: str) -> None:
    (result,) = prove_engines((engine,))
    assert result.proof.answer.status == PROVED and result.distinct > 50
    assert [mutant for mutant in result.mutants if not mutant.broken] == []


@pytest.mark.slow
def test_mistakes_in_a_build_are_refuted_and_the_rest_is_proved(tmp_path: Path) -> None:
    ENGINES[0].build(tmp_path)
    fifo = tmp_path / "rtl" / "src" / "small_fifo.sv"
    fifo.write_text(fifo.read_text().replace("= memory[read_q]", "= memory[ready_i ? read_q : write_q]"))
    weights = tmp_path / "rtl" / "mem" / "matrix_shift.mem"
    weights.write_text(weights.read_text().replace("1", "0", 1))
    proof = prove_build(tmp_path, lambda statement: None)
    refuted = {each.subject.split(" (")[0]: each.detail for each in proof.refuted}
    assert set(refuted) == {"memories", "fifo", "the core as a whole"} and not proof.proved
    assert refuted["memories"] == "matrix_shift.mem"
    assert "data_stays" in refuted["fifo"] and "is_contract" in refuted["the core as a whole"]
    proved = {each.subject.split(" (")[0] for each in proof.statements if each.status == PROVED}
    units = {"saturate", "product", "matvec", "regroup", "readout_control", "clip_lanes"}
    assert units | {"folded/drive", "folded/solve"} < proved


def test_every_property_file_is_a_unit() -> None:
    files = PROPERTIES.rglob("*.svh")
    assert {str(file.relative_to(PROPERTIES).with_suffix("")) for file in files} == {unit.file for unit in UNITS}


def test_every_assertion_has_a_name() -> None:
    for file in PROPERTIES.rglob("*.svh"):
        text = re.sub(r"//.*", "", file.read_text())
        assert len(re.findall(r"\bassert\b", text)) == len(re.findall(r"\b\w+: assert\b", text)), file


COUNTER = """
module counter (input logic clk_i, input logic rst_ni, output logic [3:0] count_o);
  logic [3:0] count_q;
  assign count_o = count_q;
  always_ff @(posedge clk_i) if (!rst_ni) count_q <= '0; else if (count_q != 4'd9) count_q <= count_q + 1'b1;
endmodule
"""
RESET = "logic f_old = 1'b0; always_ff @(posedge clk_i) f_old <= 1'b1; always_comb if (!f_old) assume (!rst_ni);\n"


def answer(
    folder: Path, properties: str, text: str = COUNTER, top: str = "counter", free: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    prover = Prover.find()
    prover.translate([Design("design", top, (with_properties(text, RESET + properties),), {}, free=free)], folder)
    found = prover.prove("design", 3, folder)
    assert bool(found.reason) == (found.status == UNDECIDED) and bool(found.detail) == (found.status != PROVED)
    return found.status, found.broken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("always_comb if (f_old) small: assert (count_o <= 9);", (PROVED, ())),
        ("always_comb if (f_old) zero: assert (count_o == 0);", (REFUTED, ("zero",))),
        # True, but no induction of three cycles shows it; and false, but not within three cycles.
        ("always_comb if (f_old) never: assert (count_o != 15);", (UNDECIDED, ())),
        ("always_comb if (f_old) later: assert (count_o != 9);", (UNDECIDED, ())),
    ],
)
def test_answers(properties: str, expected: tuple[str, tuple[str, ...]], tmp_path: Path) -> None:
    assert answer(tmp_path, properties) == expected


HIERARCHY = COUNTER + (
    "module pair (input logic clk_i, input logic rst_ni, output logic [3:0] count_o);\n"
    "  counter u_counter (.clk_i, .rst_ni, .count_o);\nendmodule\n"
)


@pytest.mark.slow
def test_registers_of_instances_are_seen(tmp_path: Path) -> None:
    seen = (
        "(* hierconn *) logic [3:0] \\u_counter.count_q ;\nalways_comb if (f_old) small: assert (\\u_counter.count_q "
    )
    assert answer(tmp_path, seen + "<= 9);", HIERARCHY, "pair") == (PROVED, ())
    assert answer(tmp_path, seen + "== 0);", HIERARCHY, "pair") == (REFUTED, ("small",))


@pytest.mark.slow
def test_what_is_free_is_anything_and_what_is_hollow_drives_nothing(tmp_path: Path) -> None:
    small = "always_comb if (f_old) small: assert (count_o <= 9);"
    assert answer(tmp_path, small, free=("count_q",)) == (REFUTED, ("small",))
    assert answer(tmp_path, "always_comb a: assert (f_old || !rst_ni);", free=("count_q",)) == (PROVED, ())
    assert answer(tmp_path, small, HIERARCHY, "pair", ("u_counter",)) == (REFUTED, ("small",))
    ports = (
        "module counter (\n  input logic clk_i,\n  input logic rst_ni,\n  output logic [3:0] count_o\n);\nendmodule\n"
    )
    with pytest.raises(ProverFailedError, match="refused"):
        answer(tmp_path, small, hollow(ports) + HIERARCHY.removeprefix(COUNTER), "pair")


@pytest.mark.slow
def test_a_unit_of_which_something_is_free_is_not_said_to_be_right() -> None:
    """Its words may be wrong: no mutant of it is equivalent because its properties hold."""
    text = module_text("unrolled/mondeq_solve")
    assert unit_status("unrolled/solve", text, short=True) == UNDECIDED
    assert unit_status("unrolled/solve", text.replace(" && !held;", ";"), short=True) == REFUTED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ("always_comb assume (1'b0);", "cannot be decided"),  # nothing fulfils it, and so everything would be proved
        ("always_comb assert (u_nothing.count_q == 0);", "refused"),
        (
            "(* hierconn *) logic [3:0] \\u_nothing.count_q ;\nalways_comb a: assert (\\u_nothing.count_q == 0);",
            "refused",
        ),
        ("always_comb a: assert (count_o ==);", "syntax error"),
    ],
)
def test_what_is_no_property_is_no_proof(properties: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ProverFailedError, match=complaint):
        answer(tmp_path, properties)
