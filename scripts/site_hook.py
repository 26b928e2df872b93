"""MkDocs: README and CONTRIBUTING are pages of the site too, and every page's links to them lead there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
#: Files outside of docs/, and their names in the site.
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}


def on_files(files: Files, config: Any) -> Files:
    for name, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / name).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    outside = page.file.src_uri in PAGES.values()
    for name, uri in PAGES.items():
        markdown = markdown.replace(f"]({'' if outside else '../'}{name}", f"]({uri}")
    if outside:
        markdown = markdown.replace("](docs/", "](")
    # GitHub wants a bar in a table's code escaped, Python-Markdown shows the backslash.
    return re.sub(r"^\|.*$", lambda row: re.sub(r"`[^`]*`", _bars, row[0]), markdown, flags=re.MULTILINE)


def _bars(code: re.Match[str]) -> str:
    return code[0].replace(r"\|", "|")
