"""Every figure of the docs from one script at one commit: which command makes it, and at which commit it was last made.

    python benchmarks/all.py                          # list them; runs nothing
    python benchmarks/all.py --run [WORD ...] [--shared DIR]

The commands are those that the pages show, read from the pages themselves, and before them those of ``mondeq-hw`` that
stand in the same block.  ``--run`` takes those that contain one of the words, all of them without a word (hours), and
leaves what each printed in ``benchmarks/results/docs/``, the commit in its first line.  A working tree that is not
clean is refused: its figures would be of no commit.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "docs"
COMMAND = re.compile(r"python (benchmarks/\S+\.py[^#`]*)")
PREPARATION = re.compile(r"^mondeq-hw ([^#]*)")
#: What the commands write themselves.
MADE = (":!benchmarks/results", ":!docs/images")


@dataclass(frozen=True)
class Figures:
    """What one command prints, and where the docs show it.

    Parameters
    ----------
    page, section : str
    arguments : tuple of str
        The script and its options.
    before : tuple of tuple of str
        Arguments of ``mondeq-hw``, of the commands above it in its block.
    """

    page: str
    section: str
    arguments: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()

    @property
    def command(self) -> str:
        """As the page has it."""
        return shlex.join(("python", *self.arguments))

    @property
    def results(self) -> Path:
        """What it printed when it was last run by this script."""
        script, *options = self.arguments
        words = [Path(script).stem, *(word.strip("-") for word in options if word != "DIR")]
        return RESULTS / (re.sub(r"[^\w.]+", "_", "_".join(words)) + ".txt")

    @property
    def commit(self) -> str:
        """Of that run; empty where there was none."""
        return self.results.read_text().split("\n", 1)[0].removeprefix("commit ") if self.results.exists() else ""


def pages() -> list[Path]:
    """README and docs."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown(pages: Sequence[Path]) -> list[Figures]:
    """The commands of pages, each once, in the order of the pages."""
    found: dict[tuple[str, ...], Figures] = {}
    for page in pages:
        section, fenced, before = "", False, list[tuple[str, ...]]()
        for line in page.read_text().replace("\\\n", " ").splitlines():
            if line.lstrip().startswith("```"):
                fenced, before = not fenced, []
            elif not fenced and line.startswith("#"):
                section = line.strip("# ")
            if fenced and (preparation := PREPARATION.match(line)):
                before.append(tuple(shlex.split(preparation[1])))
            for match in COMMAND.finditer(line):
                arguments = tuple(shlex.split(match[1]))
                place = page.relative_to(ROOT).as_posix()
                found.setdefault(arguments, Figures(place, section, arguments, tuple(before)))
    return list(found.values())


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def run(figures: Figures, commit: str, shared: Path) -> int:
    """Run one command, behind what stands before it, and keep what it printed, where all ended well."""

    def called(arguments: Sequence[str], **streams: Any) -> subprocess.CompletedProcess[str]:
        given = [word.replace("DIR", str(shared), 1) if re.match(r"DIR(/|$)", word) else word for word in arguments]
        return subprocess.run([sys.executable, *given], cwd=ROOT, text=True, **streams)

    for preparation in figures.before:
        force = ("--force",) if preparation[0] == "compile" else ()
        if (code := called(("-m", "mondeq_hw", *preparation, *force), stdout=subprocess.DEVNULL).returncode) != 0:
            return code
    done = called(figures.arguments, stdout=subprocess.PIPE)
    if done.returncode == 0:
        RESULTS.mkdir(parents=True, exist_ok=True)
        figures.results.write_text(f"commit {commit}\n{figures.command}\n\n{done.stdout}")
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", nargs="*", metavar="WORD", help="run the commands that contain one of the words")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="what DIR stands for on the pages")
    options = parser.parse_args()
    listed = shown(pages())
    if options.run is None:
        head = git("rev-parse", "--short", "HEAD")
        for figures in listed:
            made = figures.commit or "never by this script"
            state = " (this commit)" if made == head else ""
            print(f"{figures.page}, {figures.section}\n    {figures.command}\n    {made}{state}")
        return 0
    if git("status", "--porcelain", "--untracked-files=no", "--", ".", *MADE):
        print("the working tree has changes that are in no commit; commit or stash them first", file=sys.stderr)
        return 2
    commit = git("rev-parse", "--short", "HEAD")
    chosen = [f for f in listed if not options.run or any(word in f.command for word in options.run)]
    failed = [figures.command for figures in chosen if run(figures, commit, options.shared)]
    for command in failed:
        print(f"failed: {command}", file=sys.stderr)
    return int(bool(failed) or not chosen)


if __name__ == "__main__":
    raise SystemExit(main())
