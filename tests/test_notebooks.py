"""The notebooks of examples/ run from end to end, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from long_set import one_in
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("file", one_in(3, NOTEBOOKS, lambda file: file.stem))
def test_a_notebook_runs_and_shows_something(file: Path, tmp_path: Path) -> None:
    book = nbformat.read(file, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "outputs are not committed"
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [set(output.get("data", {})) for cell in book.cells for output in cell.get("outputs", [])]
    assert any("text/html" in kinds for kinds in shown) and any("image/png" in kinds for kinds in shown)


def test_there_are_three() -> None:
    assert {file.stem for file in NOTEBOOKS} == {"digits", "mpc", "regression"}
