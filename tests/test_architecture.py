"""Who may import whom: import-linter's contracts in pyproject.toml hold the order of the wings, without exceptions.

What they cannot say is said here: another wing is entered through its face, by the names in its ``__all__``, and no
modules import each other in a circle, a wing's face and its rooms included.
"""

from __future__ import annotations

import ast
import graphlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = "mondeq_hw"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's Python files as a wheel lays them out, with export and rtl_tests inside."""
    place = tmp_path_factory.mktemp("installed")
    for name, folder in {PACKAGE: PACKAGE, **SETTINGS["setuptools"]["package-dir"]}.items():
        for file in (ROOT / folder).rglob("*.py"):
            copy = place / name.replace(".", "/") / file.relative_to(ROOT / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    return place


@pytest.fixture
def edited(installed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed, tmp_path / "edited"))


def lint(place: Path) -> str:
    """What import-linter finds broken in a copy of the package; empty where every contract is kept."""
    command = [sys.executable, "-c", LINT, str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


@dataclass(frozen=True)
class Import:
    """One imported name; ``module`` is where it stands, or the name itself where that is a module."""

    importer: str
    module: str
    name: str


def modules(place: Path) -> dict[str, Path]:
    """Files by dotted name; a package's is its ``__init__.py``."""
    files = sorted(place.rglob("*.py"))
    return {".".join(file.relative_to(place).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(place: Path) -> Iterator[Import]:
    """All imports of the package by itself: inside functions and for annotations too."""
    files = modules(place)
    for importer, file in files.items():
        package = importer.split(".") if file.name == "__init__.py" else importer.split(".")[:-1]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from (Import(importer, alias.name, "") for alias in node.names if alias.name in files)
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(package[: len(package) - node.level + 1]) + "." if node.level else ""
                module = f"{base}{node.module or ''}".removesuffix(".")
                if module in files:
                    yield from (Import(importer, module, alias.name) for alias in node.names)


def wing(module: str) -> str:
    return ".".join(module.split(".")[:2])


def names_in_all(file: Path) -> list[str]:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def face_breaches(place: Path) -> list[str]:
    """Imports of another wing's rooms, or of what its face does not offer."""
    files = modules(place)
    public = {module: names_in_all(file) for module, file in files.items() if module == wing(module)}

    def offered(found: Import) -> bool:
        if files[found.module].name != "__init__.py":  # a wing of one room
            return found.module in public and not found.name.startswith("_")
        return found.name in public.get(found.module, ())

    crossing = (found for found in imports(place) if wing(found.importer) != wing(found.module) != PACKAGE)
    return [f"{found.importer} imports {found.module}: {found.name}" for found in crossing if not offered(found)]


def circle(place: Path) -> list[str]:
    """Modules that import each other, one after the other; none where there is no circle."""
    files = modules(place)
    graph: dict[str, set[str]] = {module: set() for module in files}
    for found in imports(place):
        own_room = f"{found.module}.{found.name}"
        inside = wing(found.importer) == wing(found.module) and own_room in files
        graph[found.importer].add(own_room if inside else found.module)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def add(place: Path, module: str, line: str) -> None:
    """Let a module import something more, inside a function."""
    file = modules(place)[f"{PACKAGE}.{module}"]
    file.write_text(f"{file.read_text()}\n\ndef added() -> None:\n    {line}\n")


def test_the_order_of_the_wings(installed: Path) -> None:
    assert lint(installed) == ""


def test_there_are_no_exceptions() -> None:
    contracts = SETTINGS["importlinter"]["contracts"]
    assert {contract["type"] for contract in contracts} == {"layers", "acyclic_siblings", "protected", "forbidden"}
    assert not any(key.startswith(("ignore", "skip", "allow_indirect")) for contract in contracts for key in contract)
    assert not SETTINGS["importlinter"].get("exclude_type_checking_imports")


def test_wings_are_entered_through_their_faces(installed: Path) -> None:
    assert face_breaches(installed) == []


def test_no_modules_import_each_other(installed: Path) -> None:
    assert circle(installed) == []


def below(arrows: dict[str, set[str]], wing: str) -> set[str]:
    return arrows[wing].union(*(below(arrows, other) for other in arrows[wing]))


def test_the_picture_is_that_of_the_sources(installed: Path) -> None:
    """Its arrows are the imports between wings, less those that follow from others."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    drawn = {
        (start, end)
        for start, ends in re.findall(r"^    (\w+) --> ([\w &]+)$", page, re.MULTILINE)
        for end in ends.split(" & ")
    }
    arrows: dict[str, set[str]] = {wing(module).rpartition(".")[2]: set() for module in modules(installed)}
    for found in imports(installed):
        start, end = wing(found.importer), wing(found.module)
        if start != end and PACKAGE not in (start, end):
            arrows[start.rpartition(".")[2]].add(end.rpartition(".")[2])
    least = {
        (start, end)
        for start, ends in arrows.items()
        for end in ends
        if not any(end in below(arrows, other) for other in ends)
    }
    assert drawn == {arrow for arrow in least if arrow[0] != "__main__"}


def test_the_page_names_every_room(installed: Path) -> None:
    """In its wing's table, or with its wing's name before it."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    tables = dict(re.findall(r"^### `(\w+)/`: .*?\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL))
    for module, file in modules(installed).items():
        _, house, *room = *module.split("."), ""
        if file.name in ("__init__.py", "__main__.py") or house == "commands":
            continue
        named = f"`{file.name}`" in tables.get(house, "") or f"`{house}/{file.name}`" in page
        assert named or (room == [""] and f"`{file.name}`" in page), f"docs/architecture.md does not name {file.name}"


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("problem.containers", "from ..export import onnx", "wings"),
        ("program.golden", "from ..proof import certify", "wings"),
        ("report.collect", "from ..project import Project", "wings"),
        ("search.search", "from ..report import EXACT", "wings"),
        ("folder.build", "from ..verification import verify", "wings"),
        ("base.clip", "import mondeq_hw.problem", "wings"),
        ("profile.plot", "from .profile import Profile", "circle"),
        ("proof.exact", "from .certify import certify", "circle"),
        ("boards.bitstream", "from ..rtl_tests import run_bench", "runner"),
        ("rtl_tests.runner", "from .bench import extremes", "bench"),
    ],
)
def test_a_wrong_import_breaks_a_contract(module: str, line: str, contract: str, edited: Path) -> None:
    add(edited, module, line)
    broken = lint(edited)
    assert any("BROKEN" in row and contract in row for row in broken.splitlines()), broken


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("verification.verify", "from ..rtl_tests.bench import extremes"),
        ("rounding.lower", "from ..proof.contraction import prove_contraction"),
        ("rounding.lower", "from ..proof import contraction"),
        ("commands.verify", "from ..hardware.rtl import emit"),
        ("cli", "from .commands.terminal import console"),
        ("project", "from .folder import manifest"),
        ("report.collect", "from ..steps import _identifier"),
    ],
)
def test_a_room_of_another_wing_is_closed(module: str, line: str, edited: Path) -> None:
    add(edited, module, line)
    (found,) = face_breaches(edited)
    assert found.startswith(f"mondeq_hw.{module} imports mondeq_hw.")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("proof.exact", "from . import certify"),
        ("proof.exact", "from ..proof import check"),
        ("base.clip", "import mondeq_hw"),
    ],
)
def test_a_circle_through_a_face_is_seen(module: str, line: str, edited: Path) -> None:
    add(edited, module, line)
    assert f"mondeq_hw.{module}" in circle(edited)
