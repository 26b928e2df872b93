"""The documentation as a machine reads it: pages, their blocks, and what a comment says about a block.

How to write a page is in CONTRIBUTING.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from conftest import ROOT
from markdown_it import MarkdownIt
from markdown_it.token import Token

PAGES = tuple(sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]))
SHELL, PYTHON, OUTPUT = "sh", "python", "text"
_DIRECTIVE = re.compile(r"^(not run|before|in tests|exit code|tolerance): (.+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the directives of the HTML comment before it."""

    page: Path
    line: int
    language: str
    code: str
    reason: str | None = None
    """Why it is not run."""
    before: str = ""
    """Commands that make the stand-ins which it needs, one a line."""
    changes: tuple[tuple[str, str], ...] = ()
    """What the test writes in place of what the page says."""
    exit_code: int = 0
    output: str | None = None
    """What the page shows that it prints."""
    tolerance: float = 0.05
    """Share by which its numbers may be off."""

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block, without comments."""
        return commands_of(self.code)

    def reduced(self) -> str:
        """The code with the changes made; each must change something."""
        code = self.code
        for old, new in self.changes:
            assert old in code, f"{self.place}: 'in tests' replaces {old!r}, which is not there"
            code = code.replace(old, new)
        return code


def commands_of(code: str) -> list[str]:
    """One command a line; comments are gone."""
    lines = code.replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"(^|\s)#.*", "", line).strip())]


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; a ``text`` block straight after code is what that code prints."""
    found: list[Block] = []
    stream = tokens(page)
    for before, token in zip([None, *stream], stream, strict=False):
        if token.type != "fence":
            continue
        assert token.map is not None
        language, line = token.info.strip(), token.map[0] + 1
        assert language, f"{page.name}:{line}: a fence without a language; output and the like are 'text'"
        if language == OUTPUT:
            if before is not None and before.type == "fence" and found and found[-1].language in (SHELL, PYTHON):
                found[-1] = Block(**{**vars(found[-1]), "output": token.content})
            continue
        comment = before.content if before is not None and before.type == "html_block" else ""
        found.append(_directed(Block(page, line, language, token.content), comment))
    return found


def _directed(block: Block, comment: str) -> Block:
    given: dict[str, object] = {}
    for line in comment.strip().removeprefix("<!--").removesuffix("-->").strip().splitlines():
        directive = _DIRECTIVE.match(line.strip())
        assert directive, f"{block.place}: the comment before it says {line!r}; CONTRIBUTING.md lists what it may say"
        name, value = directive.groups()
        if name == "not run":
            given["reason"] = value
        elif name == "before":
            given["before"] = f"{given.get('before', '')}{value}\n"
        elif name == "exit code":
            given["exit_code"] = int(value)
        elif name == "tolerance":
            given["tolerance"] = float(value)
        else:
            old, arrow, new = value.partition(" -> ")
            assert arrow, f"{block.place}: 'in tests' says {value!r}; expected OLD -> NEW"
            given["changes"] = (*given.get("changes", ()), (old, new))  # type: ignore[misc]
    return Block(**{**vars(block), **given})


def indented(page: Path) -> list[str]:
    """The lines of a page's indented blocks: formulas and the like."""
    return [line for token in tokens(page) if token.type == "code_block" for line in token.content.splitlines()]


def spans(page: Path) -> Iterator[str]:
    """The ``code`` in a page's running text."""
    return (token.content for token in _inline(page) if token.type == "code_inline")


def links(page: Path) -> list[str]:
    """Where a page's links and pictures lead."""
    found = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in _inline(page)]
    return sorted({target for target in found if target})


def anchors(page: Path) -> set[str]:
    """The headings of a page as its links name them."""
    stream = tokens(page)
    titles = [after.content for token, after in pairwise(stream) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _inline(page: Path) -> Iterator[Token]:
    return (child for token in tokens(page) for child in token.children or ())


_NUMBER = r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?:/\d+)?(?!\w)"
_PIECE = re.compile(
    rf"(?P<gap>\s*\[\.\.\.[^\]]*\]\s*)|(?P<version>\d+\.\d+\.\d+\S*)|(?P<time>[\d.]+ s\b)|(?P<number>{_NUMBER})"
)
_ANY = {"gap": r"[\s\S]*?", "gap and white space": r"(?:[\s\S]*?\s)?", "version": r"\d+\.\d+\S*", "time": r"[\d.]+\s+s"}


def difference(shown: str, printed: str, tolerance: float) -> str | None:
    """What a page shows and was not printed; None if they agree.

    White space counts as one blank, ``[...]`` stands for anything, versions and times are any, and other numbers agree
    to that share: floating-point sums, and with them trained weights, depend on the processor.
    """
    pattern, wanted = _pattern(shown.strip())
    found = re.fullmatch(pattern, printed.strip())
    if found is None:
        lines = shown.strip().splitlines()
        starts = (_pattern("\n".join(lines[: end + 1]))[0] for end in range(len(lines)))
        wrong = (line for line, start in zip(lines, starts, strict=True) if not re.match(start, printed.strip()))
        return next(wrong, "nothing more behind its last line")
    for number, shown_number in zip(found.groups(), wanted, strict=True):
        if abs(_value(number) - _value(shown_number)) > tolerance * abs(_value(shown_number)):
            return f"{shown_number} where {number} was printed"
    return None


def _pattern(shown: str) -> tuple[str, list[str]]:
    """The regular expression of a shown text, and the numbers that its groups are compared with."""
    pattern, numbers, end = "", [], 0
    for piece in _PIECE.finditer(shown):
        pattern += _literal(shown[end : piece.start()])
        end = piece.end()
        if piece["number"]:
            numbers.append(piece["number"])
            pattern += f"({_NUMBER})"
        else:
            pattern += _ANY["gap and white space" if piece[0][-1].isspace() else piece.lastgroup or ""]
    return pattern + _literal(shown[end:]), numbers


def _literal(text: str) -> str:
    return r"\s+".join(re.escape(part) for part in re.split(r"\s+", text))


def _value(number: str) -> float:
    numerator, _, denominator = number.replace(",", "").partition("/")
    return float(numerator) / float(denominator or 1)
