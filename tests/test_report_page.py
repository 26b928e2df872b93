"""The report as a page: one file, well-formed, every number that of the JSON."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from checkpoints import parameters, plain, write_npz
from playwright.sync_api import Browser, sync_playwright

from mondeq_hw.cli import main

Media = Literal["print", "screen"]
Scheme = Literal["dark", "light"]
XLINK = "{http://www.w3.org/1999/xlink}href"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="session")
def unrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other strategy, from a model whose name is not fit for HTML."""
    folder = tmp_path_factory.mktemp("unrolled")
    model = write_npz(folder / "<b>&'x.npz", plain(parameters(seed=2, n=6)))
    options = ["--bits", "4", "--strategy", "unrolled", "--out", str(folder / "build"), "--json"]
    assert main(["compile", str(model), *options]) == 0
    assert main(["report", str(folder / "build"), "--no-sweep"]) == 0
    return folder / "build"


@pytest.fixture(params=["bare", "full", "unrolled"])
def build(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def page(build: Path) -> str:
    return (build / "report" / "report.html").read_text()


def tree(build: Path) -> ElementTree.Element:
    """The page is XML too, so that a strict parser proves every element closed."""
    return ElementTree.fromstring(page(build).removeprefix("<!DOCTYPE html>\n"))


def at(content: Any, path: str) -> Any:
    for key in path.split("/"):
        if isinstance(content, dict):
            content = content[key]
        else:
            named = [entry for entry in content if isinstance(entry, dict) and entry.get("name") == key]
            content = named[0] if named else content[int(key)]
    return content


def test_well_formed_and_self_contained(build: Path) -> None:
    text = page(build)
    assert text.startswith("<!DOCTYPE html>\n<html lang=")
    root = tree(build)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"script", "link", "iframe", "img", "image", "object", "embed", "base", "form"}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in ("href", XLINK, "src", "srcset", "action", "poster", "data"):
                assert value.startswith("#"), value
            assert not name.startswith("on")
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    assert re.sub(r'xmlns(:\w+)?="[^"]*"', "", text).count("://") == 0
    assert len(text) < 600_000


def test_identifiers_are_unique_and_found(build: Path) -> None:
    names = [element.attrib["id"] for element in tree(build).iter() if "id" in element.attrib]
    assert len(names) == len(set(names))
    wanted = re.findall(r'(?:href="#|url\(#)([^")]+)', page(build))
    assert wanted and set(wanted) <= set(names)


def test_every_number_is_the_jsons(build: Path) -> None:
    content = json.loads((build / "report" / "report.json").read_text())
    marked = list(tree(build).iter("data"))
    assert len(marked) > 60
    for element in marked:
        value = at(content, element.attrib["data-path"])
        assert element.attrib["value"] == (value if isinstance(value, str) else repr(value))
        text = (element.text or "").replace(",", "")
        shown = Fraction(text.removesuffix(" %")) / (100 if text.endswith(" %") else 1)
        exact = Fraction(value)
        # Half a unit of the last digit that is shown, a whole one for bounds.
        digits = len(text.removesuffix(" %").partition(".")[2].partition("e")[0])
        unit = Fraction(1, 10**digits) / (100 if text.endswith(" %") else 1)
        assert abs(shown - exact) <= max(unit, abs(exact) / 1000), (element.attrib, text)


def test_plots_with_words_for_them(build: Path) -> None:
    figures = list(tree(build).iter("figure"))
    titles = [figure.findtext("h3") for figure in figures]
    lines = json.loads((build / "certificate.json").read_text())["lines"]
    sampled = any(line["name"] == "robustness" and line["status"] == "proved" for line in lines)
    assert titles == [
        "Residual by iteration",
        "Contraction and accuracy by word length",
        *(["Classes that stay"] if sampled else []),
        "Resources by folding",
        "Roofline of multiply-accumulates per cycle",
    ]
    for figure in figures:
        plot = figure.find(f"{SVG}svg")
        assert plot is not None
        assert plot.attrib["role"] == "img" and re.search(r"\d", plot.attrib["aria-label"])
        assert "width" not in plot.attrib and plot.attrib["viewBox"]
        assert len(list(plot.iter(f"{SVG}path"))) > 10
        caption = figure.find("figcaption")
        assert caption is not None and len("".join(caption.itertext()).split()) > 5


def test_colours_are_the_pages(build: Path) -> None:
    """Whatever is drawn follows the page into dark mode and onto paper."""
    for plot in tree(build).iter(f"{SVG}svg"):
        drawn = ElementTree.tostring(plot, encoding="unicode")
        assert set(re.findall(r"#[0-9a-fA-F]{6}\b", drawn)) <= {"#ffffff"}
        assert "var(--ink)" in drawn
    assert "prefers-color-scheme: dark" in page(build) and "@media print" in page(build)


def test_tables_have_headers_and_scroll_on_a_phone(build: Path) -> None:
    root = tree(build)
    tables = list(root.iter("table"))
    framed = [table for box in root.iter("div") if box.get("class") == "scroll" for table in box.findall("table")]
    assert tables and tables == framed
    for table in tables:
        assert [cell.attrib.get("scope") for cell in table.find("thead").iter("th")]  # type: ignore[union-attr]
        assert all(cell.attrib.get("scope") for cell in table.iter("th"))
    assert root.find("head/meta[@name='viewport']") is not None


def test_claims_kinds_and_gaps_are_all_there(build: Path) -> None:
    content = json.loads((build / "report" / "report.json").read_text())
    words = " ".join("".join(tree(build).itertext()).split())
    for line in content["certificate"]:
        assert " ".join(line["statement"].split()) in words
    for meaning in content["kinds"].values():
        assert meaning in words
    for part in content["parts"]:
        if part["routed"]["value"] is None:
            assert part["routed"]["reason"] in words
    assert "nothing is claimed" in words
    headings = [heading.get("id") for heading in tree(build).iter("h2")]
    assert headings.index("limits") < headings.index("certificate")
    assert "Proved to converge for every input" in words
    assert content["name"] in words


def test_the_name_of_a_model_is_text(unrolled: Path) -> None:
    assert tree(unrolled).findtext("body/header/div/h1") == "b_x"
    assert any((code.text or "").endswith("<b>&'x.npz") for code in tree(unrolled).iter("code"))
    assert "adders that takes a product every cycle" in page(unrolled)


def test_no_badge_without_a_value(build: Path) -> None:
    for tile in (each for each in tree(build).iter("div") if each.get("class") == "tile"):
        badges = [each for each in tile.iter("span") if (each.get("class") or "").startswith("kind")]
        assert bool(badges) == any(each.tag == "data" for each in tile.iter()), "".join(tile.itertext())
    for row in tree(build).iter("tr"):
        if any(cell.get("colspan") == "4" for cell in row.iter("td")):
            assert not [each for each in row.iter("span") if (each.get("class") or "").startswith("kind")]


# -- in a browser ------------------------------------------------------------

#: Elements that stick out of the page to the right, unless they are in a box that scrolls.
BEYOND = """() => [...document.querySelectorAll("body *")].filter((each) => !each.closest("svg")
  && !each.parentElement.closest(".scroll")
  && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((each) => each.outerHTML)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window; its own driver has no browser with it."""
    chromium = shutil.which("chromium")
    if chromium is None and not os.environ.get("MONDEQ_REQUIRE_TOOLS"):
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@dataclass(frozen=True)
class Seen:
    """What is wrong with a page at one width, and how bright it is on average, 0 to 1."""

    overflow: int
    beyond: tuple[str, ...]
    console: tuple[str, ...]
    brightness: float


def seen(browser: Browser, file: Path, width: int, scheme: Scheme, medium: Media = "screen") -> Seen:
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    view.emulate_media(media=medium, color_scheme=scheme)
    messages: list[str] = []
    view.on("console", lambda message: messages.append(message.text))
    view.on("pageerror", lambda error: messages.append(str(error)))
    view.goto(file.as_uri())
    root = "document.documentElement"
    picture = plt.imread(io.BytesIO(view.screenshot(full_page=True)), format="png")
    found = Seen(
        view.evaluate(f"{root}.scrollWidth - {root}.clientWidth"),
        tuple(view.evaluate(BEYOND)),
        tuple(messages),
        float(picture[..., :3].mean()),
    )
    view.close()
    return found


@pytest.mark.parametrize(
    ("width", "scheme", "medium", "brightness"),
    [  # a phone by day and by night, a tablet, a desk, and a sheet of paper, which is white whatever the screen is
        pytest.param(360, "light", "screen", (0.8, 1), marks=pytest.mark.long),
        (360, "dark", "screen", (0, 0.35)),
        pytest.param(768, "light", "screen", (0.8, 1), marks=pytest.mark.long),
        (1280, "light", "screen", (0.8, 1)),
        (794, "dark", "print", (0.85, 1)),
    ],
)
def test_nothing_overflows_and_the_console_is_silent(
    browser: Browser, bare: Path, full: Path, width: int, scheme: Scheme, medium: Media, brightness: tuple[float, float]
) -> None:
    for build in (bare, full):
        found = seen(browser, build / "report" / "report.html", width, scheme, medium)
        assert (found.overflow, found.beyond, found.console) == (0, (), ())
        assert brightness[0] < found.brightness < brightness[1]


def test_what_overflows_and_what_fails_is_seen(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><p style='width: 500px'>too wide<script>console.error('oh'); throw Error('no')</script>"
    )
    found = seen(browser, bad, 360, "light")
    assert found.overflow > 100 and len(found.beyond) == 1 and found.console[0] == "oh" and "no" in found.console[1]
