"""The documentation as a site: built without a warning, and every link of every page leads to a file of the site."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from conftest import ROOT
from pages import PAGES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def name_in_site(page: Path) -> str:
    return "" if page.name == "README.md" else f"{page.stem.lower()}/"


def test_every_page_is_there_and_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text()
    for page in PAGES:
        title = page.read_text().split("\n", 1)[0].removeprefix("# ").replace("`", "")
        text = (site / name_in_site(page) / "index.html").read_text()
        heading = re.search(r"<h1[^>]*>(.*?)<", text)
        assert heading is not None and unescape(heading[1]).strip() == title
        assert f'<a href="{name_in_site(page) or "."}" class="md-nav__link' in home, page.name


def test_links_and_pictures_lead_to_files_of_the_site(site: Path) -> None:
    for page in site.rglob("index.html"):
        article = re.search(r"<article.*?</article>", page.read_text(), re.DOTALL)
        assert article is not None
        for link in re.findall(r'(?:href|src)="([^"#]+)', article[0]):
            if not re.match(r"(https?|mailto):", link):
                target = (page.parent / link).resolve()
                assert (target / "index.html" if target.is_dir() else target).is_file(), f"{page}: {link}"


def test_nothing_is_fetched(site: Path) -> None:
    for page in site.rglob("index.html"):
        assert not re.findall(r'<(?:link|script)[^>]*(?:href|src)="(?:https?:)?//', page.read_text())


def test_notebooks_are_pages(site: Path) -> None:
    for notebook in (ROOT / "examples").glob("*.ipynb"):
        cells = json.loads(notebook.read_text())["cells"]
        title = next(line for cell in cells for line in cell["source"] if line.startswith("# ")).removeprefix("# ")
        page = unescape((site / "notebooks" / notebook.stem / "index.html").read_text())
        assert title.strip() in page and page.count('<div class="highlight">') == sum(
            cell["cell_type"] == "code" for cell in cells
        )


def test_diagrams_are_drawn_by_what_comes_with_the_site(site: Path) -> None:
    """Where no Mermaid is there already, the theme fetches one."""
    page = site / "architecture" / "index.html"
    assert '<pre class="mermaid">' in page.read_text()
    script = re.search(r'<script src="([^"]*mermaid[^"]*)"', page.read_text())
    assert script is not None
    assert 'globalThis["mermaid"]' in (page.parent / script[1]).read_text()


def test_code_in_tables_has_no_backslash_before_a_bar(site: Path) -> None:
    assert "row|tensor" in (site / "commands" / "index.html").read_text()
