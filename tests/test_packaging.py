"""The wheel holds all that the source tree does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from checkpoints import parameters, plain, write_npz
from conftest import ROOT

from mondeq_hw.base.version import __version__

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the source distribution of a copy of the tree: both that a release uploads."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for file in filter(None, files.split("\0")):
        if not file.startswith(("tests/", "docs/images/", "benchmarks/", "scripts/")) and (ROOT / file).exists():
            (folder / "source" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / "source" / file)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(folder / "source")]
    subprocess.run(command, check=True, capture_output=True)
    assert (folder / f"mondeq_hw-{__version__}.tar.gz").exists()
    (built,) = folder.glob("*.whl")
    return built


def test_every_source_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    tree = {
        f"{package}/{path.relative_to(ROOT / part)}"
        for part, package in (
            ("mondeq_hw", "mondeq_hw"),
            ("export", "mondeq_hw/export"),
            ("hls_templates", "mondeq_hw/hls_templates"),
            ("rtl_tests", "mondeq_hw/rtl_tests"),
        )
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(tree) > 50
    assert tree - packed == set()
    assert {name for name in packed if name.startswith("mondeq_hw/")} == tree


def test_the_wheel_compiles_like_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    model = write_npz(tmp_path / "model.npz", plain(parameters()))
    program = "import mondeq_hw as m; print(m.load(m.examples.digits()).n, m.load(m.examples.mnist(2)).stored.matrix)"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    named = [sys.executable, "-c", program]
    said = subprocess.run(named, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment).stdout
    assert said.startswith("64 ")
    digests = []
    for name, path in (("wheel", {"PYTHONPATH": str(site)}), ("tree", {})):
        environment = {**os.environ, **path}
        where = [sys.executable, "-c", "import mondeq_hw.rtl_tests as t; print(t.__file__)"]
        found = subprocess.run(where, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment).stdout
        assert found.startswith(str(site)) is (name == "wheel")
        command = [sys.executable, "-m", "mondeq_hw", "compile", str(model), "--bits", "5", "--out", name, "--json"]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=environment)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())["files"]
        digests.append({file: digest for file, digest in manifest.items() if file != "program.npz"})
    assert digests[0] == digests[1]


def test_the_metadata_are_complete_and_their_links_lead_out(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    assert f"\nVersion: {__version__}\n" in text and "\nProject-URL: Repository, https://" in text
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(links) > 20 and all(link.startswith(("https://", "#")) for link in links)
    for link in links:
        path = re.fullmatch(r"https://github\.com/mondeq-hw/mondeq-hw/(?:blob|raw)/main/([^#]+)(?:#.*)?", link)
        assert path is None or (ROOT / path[1]).exists(), link


def test_constraints_fit_the_declared_ranges() -> None:
    """Every dependency is pinned, inside its range, and the version numbers agree."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {canonicalize_name(name): version for name, version in pins.items()}
    extras = project["optional-dependencies"]
    assert set(extras) >= {"train", "sim", "synth", "onnx", "hls4ml", "dev"}
    for text in [*project["dependencies"], *(entry for extra in extras.values() for entry in extra)]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name != "mondeq-hw":
            assert requirement.specifier.contains(pinned[name]), text
    assert pinned["torch"] == "2.13.0"
    assert project["dynamic"] == ["readme", "version"] and __version__ not in (ROOT / "pyproject.toml").read_text()


def test_scripts_start_without_a_shell_of_their_own() -> None:
    for script in ("scripts/system", "scripts/setup", "scripts/demo", "scripts/test", ".ci/run"):
        assert os.access(ROOT / script, os.X_OK)
        subprocess.run(["sh", "-n", str(ROOT / script)], check=True)
