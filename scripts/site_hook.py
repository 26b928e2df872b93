"""MkDocs: README and CONTRIBUTING are pages of the site too, and every page's links to them lead there.

So are the notebooks of examples/: as they are committed, without outputs, or run first where ``MONDEQ_NOTEBOOKS=run``.
Mermaid comes with the site, which fetches nothing: ``@mermaid-js/tiny`` of npm, as it was published.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
#: Files outside of docs/, and their names in the site.
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}
MERMAID = "javascripts/mermaid.js"


def on_config(config: Any) -> Any:
    config.extra_javascript.append(MERMAID)
    return config


def on_files(files: Files, config: Any) -> Files:
    (packed,) = (ROOT / "scripts" / "mermaid").glob("*.js.gz")
    files.append(File.generated(config, MERMAID, content=gzip.decompress(packed.read_bytes())))
    for name, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / name).read_text()))
    for notebook in sorted((ROOT / "examples").glob("*.ipynb")):
        for uri, content in _rendered(notebook):
            files.append(File.generated(config, uri, content=content))
    return files


def _rendered(notebook: Path) -> Iterator[tuple[str, str | bytes]]:
    """A page, and the pictures in it."""
    import nbformat
    from nbconvert import MarkdownExporter

    book, name = nbformat.read(notebook, as_version=4), notebook.stem
    book.metadata.setdefault("language_info", {"name": "python"})
    if os.environ.get("MONDEQ_NOTEBOOKS") == "run":
        from nbclient import NotebookClient

        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(book, timeout=600, resources={"metadata": {"path": folder}}).execute()
    text, resources = MarkdownExporter().from_notebook_node(book, {"unique_key": name, "output_files_dir": name})
    yield f"notebooks/{name}.md", text
    yield from ((f"notebooks/{file}", content) for file, content in resources["outputs"].items())


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
