"""The growth of the compiler: the docs' table is the results file; and every command of the docs is one that exists."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import all as every  # noqa: E402
import fast  # noqa: E402
import growth  # noqa: E402

NUMBER = r"\d[\d,]*(?:\.\d+)?"


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(NUMBER, text)]


def test_every_command_of_the_docs_names_a_script_and_a_results_file_of_its_own() -> None:
    found = every.shown(every.pages())
    assert len(found) > 10
    assert all((ROOT / figures.arguments[0]).is_file() for figures in found)
    assert len({figures.results for figures in found}) == len(found)
    assert any(figures.arguments[:1] == ("benchmarks/growth.py",) for figures in found)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of a project of its own, beside an empty folder of benchmarks."""
    monkeypatch.setattr(every, "ROOT", tmp_path)
    monkeypatch.setattr(every, "RESULTS", tmp_path / "results")
    (tmp_path / "benchmarks").mkdir()
    return tmp_path / "README.md"


def test_a_run_leaves_what_was_printed_and_its_commit(page: Path, tmp_path: Path) -> None:
    (tmp_path / "benchmarks" / "one.py").write_text("import sys; print(sys.argv[1:]); sys.exit(len(sys.argv) > 2)")
    page.write_text(
        "# Title\n\n```sh\npython benchmarks/one.py DIR   # comment\n```\n\n`python benchmarks/one.py a b`\n"
    )
    good, bad = every.shown([page])
    assert (good.section, good.arguments, good.commit) == ("Title", ("benchmarks/one.py", "DIR"), "")
    assert every.run(good, "abc", tmp_path) == 0 and good.commit == "abc"
    assert str(tmp_path) in good.results.read_text()
    assert every.run(bad, "abc", tmp_path) != 0 and not bad.results.exists()


def test_what_stands_before_a_command_is_run_before_it(page: Path, small_build: Path, tmp_path: Path) -> None:
    (tmp_path / "benchmarks" / "one.py").write_text("import os, sys; sys.exit(not os.path.exists('m.onnx'))")
    page.write_text(
        "```sh\nmondeq-hw compile DIR/m.pt \\\n    --bits 5 --out b\n```\n\n"
        "```sh\nmondeq-hw export onnx DIR --out m.onnx  # comment\npython benchmarks/one.py\n```\n"
    )
    (figures,) = every.shown([page])
    assert figures.before == (("export", "onnx", "DIR", "--out", "m.onnx"),)
    assert every.run(figures, "abc", tmp_path / "nothing") == 2 and not figures.results.exists()
    assert every.run(figures, "abc", small_build) == 0 and figures.commit == "abc"


def test_the_table_of_the_docs_is_the_results_file() -> None:
    page, results = (ROOT / "docs" / "benchmarks.md").read_text(), json.loads(growth.RESULTS.read_text())
    rows = re.findall(
        r"^\| ([\d,]+) \| ([\d.,]+) \| ([\d.,]+) \| ([\d,]+) \|$", page.split("## Growth")[1], flags=re.MULTILINE
    )
    shown = [numbers(" ".join(row)) for row in rows]
    rows = zip(*(results[key] for key in ("n", "processor_seconds", "seconds", "peak_mb")), strict=True)
    assert shown == [[n, round(processor, 1), round(wall, 1), round(peak)] for n, processor, wall, peak in rows]


#: Scripts whose printed table is the one that the page shows below their command.
SHOWN = (
    "certified",
    "folding",
    "gallery",
    "golden_speed",
    "graph_searches",
    "graph_sizes",
    "matvec",
    "solver_cycles",
    "strategies",
    "workers",
)


@pytest.mark.parametrize("script", SHOWN)
def test_the_figures_of_the_docs_are_those_that_were_printed(script: str) -> None:
    """Each number of the first table below a command, of all commands that stand before the same table together."""
    commands = [figures for figures in every.shown(every.pages()) if Path(figures.arguments[0]).stem == script]
    assert commands and all(figures.commit for figures in commands)
    printed: dict[str, set[float]] = {}
    for figures in commands:
        page = (ROOT / figures.page).read_text().replace("\\\n", " ")
        table = re.search(
            r"(^\|.*\n)+", page[page.index(f"python {' '.join(figures.arguments)}") :], flags=re.MULTILINE
        )
        if table is None:  # a list of commands, for example
            continue
        printed.setdefault(table[0], set()).update(numbers(figures.results.read_text()))
    assert printed
    for table, known in printed.items():
        cells = [cell.strip() for row in table.splitlines()[2:] for cell in row.strip("|").split("|")]
        shown = [number for cell in cells if re.fullmatch(NUMBER, cell) for number in numbers(cell)]
        assert len(shown) >= 5 and not set(shown) - known, f"{script}: nobody printed {sorted(set(shown) - known)}"


@pytest.mark.long
def test_prints_what_it_measured(tmp_path: Path) -> None:
    assert np.linalg.eigvalsh(np.eye(9) - (growth.network(9).W + growth.network(9).W.T) / 2)[0] >= 1 - 1e-9
    command = [sys.executable, BENCHMARKS / "growth.py", "--n", "8", "--json"]
    paths = ["--out", tmp_path / "growth.png", "--results", tmp_path / "growth.json"]
    printed = json.loads(subprocess.run([*command, *paths], check=True, capture_output=True, text=True).stdout)
    assert printed["n"] == [8] and printed["seconds"][0] > 0 and printed["peak_mb"][0] > 10
    assert json.loads((tmp_path / "growth.json").read_text()) == printed and (tmp_path / "growth.png").stat().st_size


def test_the_fast_corner_of_the_docs_is_the_results_file() -> None:
    page, results = (ROOT / "docs" / "benchmarks.md").read_text(), fast.last_results()
    assert set(results) <= set(fast.TARGETS) and results
    section = page.split("## The fast corner")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| ")][1:] == fast.table(results)
    assert all((each["clock_mhz"] is None) == (each["reason"] is not None) for each in results.values())
