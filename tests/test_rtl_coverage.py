"""What scripts/coverage makes of Verilator's file; the measurement is by hand."""

from __future__ import annotations

from pathlib import Path

from rtl_coverage import Place, places, reached, summary

FORMS = "mondeq_fifo=mondeq_fifo.sv;mondeq_solve=folded/mondeq_solve.sv;"


def entry(page: str, file: str, line: int, what: str, count: int, **more: str) -> str:
    fields = {"page": page, "f": f"{FORMS}/{file}", "l": str(line), "n": "0", "o": what, "h": "top.u", **more}
    return "C '" + "".join(f"\x01{key}\x02{value}" for key, value in fields.items()) + f"' {count}"


def test_places_of_a_file(tmp_path: Path) -> None:
    data = tmp_path / "core.dat"
    data.write_text(
        "\n".join(
            (
                "# SystemC::Coverage-3",
                entry("v_line/mondeq_fifo", "mondeq_fifo.sv", 3, "block", 7, S="3-4,6"),
                entry("v_branch/mondeq_solve", "mondeq_solve.sv", 8, "if", 0, S="9"),
                entry("v_branch/mondeq_solve", "mondeq_solve.sv", 8, "else", 2, S="10"),
                entry("v_toggle/mondeq_fifo", "mondeq_fifo.sv", 5, "count_q[0]", 1),
                entry("v_line/mondeq_pkg", "mondeq_pkg.sv", 1, "block", 0),
            )
        )
    )
    found = dict(places(data))
    assert found[Place("lines", "folded/mondeq_solve.sv", 9, "")] == 0
    assert {place.line for place in found if place.source == "mondeq_fifo.sv" and place.kind == "lines"} == {3, 4, 6}
    said = summary(reached([data]))
    assert said["lines"] == {"all": 5, "reached": 4} and said["left"] == ["folded/mondeq_solve.sv:9"]
    assert said["branches"] == {"all": 3, "reached": 2} and said["bits"] == {"all": 1, "reached": 1}
    more = tmp_path / "other.dat"
    more.write_text(entry("v_branch/mondeq_solve", "mondeq_solve.sv", 8, "if", 5, S="9"))
    assert summary(reached([data, more]))["left"] == []
