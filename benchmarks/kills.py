"""Commands killed with SIGKILL at random moments: nothing half-written, and the next run ends in the same bytes.

    python benchmarks/kills.py [--moments N] [--seed S] [--only compile] [--json]

``compile``, ``search``, ``qat`` and ``verify`` of small networks run once undisturbed, and then until N were killed
at a random moment of that time, with everything that they started.  ``begun`` counts the moments at which the run had
written something, be it in a cache; the others have nothing to go wrong.  ``half_written`` counts those after which a
file stood under its own name that was not whole: a build folder whose files are not those of its manifest, or JSON, a
table or a checkpoint that cannot be read.  ``differ`` counts those after which the same command, started again, did not
succeed, ended in other bytes than the undisturbed run, or left something behind; a search's journal is among the
bytes, so a point that is measured twice is a difference.  ``repeated`` counts those after which it did again an epoch
that the killed run had told as done.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from checkpoints import parameters, plain, write_npz  # noqa: E402

from mondeq_hw.base import MondeqError  # noqa: E402
from mondeq_hw.folder import Build  # noqa: E402
from mondeq_hw.problem import load  # noqa: E402

Contents = dict[str, bytes]
SAID = ("begun", "half_written", "differ", "repeated")


@dataclass(frozen=True)
class Command:
    """A command line in a folder of its own, and what makes its files whole.

    Parameters
    ----------
    arguments : tuple of str
        Behind ``mondeq-hw``; paths are relative to the folder, which holds ``model.npz``, and ``built`` for ``verify``.
    check : callable
        Raises where something in the folder is not whole.
    step : str
        Regular expression of what it prints behind each finished step, with the step's number; none where it prints
        none, or where a step that is done twice shows in the files.
    """

    arguments: tuple[str, ...]
    check: Callable[[Path], None]
    step: str = "(?!)"

    def steps(self, said: str) -> list[int]:
        """The numbers of the steps that a run told as done."""
        return [int(number) for number in re.findall(self.step, said)]


@dataclass(frozen=True)
class Run:
    """Whether a command came to its end, what it printed, and after how many seconds."""

    finished: bool
    said: str
    seconds: float


def whole_build(folder: Path) -> None:
    """A build folder is there with every file of its manifest, or not at all."""
    for name in ("built", "out"):
        if (folder / name).exists():
            changed = Build.load(folder / name).changed_files()
            if changed:
                raise ValueError(f"{name}: {changed} are not those of the manifest")


def readable(folder: Path) -> None:
    """JSON, journals and checkpoints can be read; matplotlib goes on without its list of fonts, whatever is in it."""
    for path in (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "matplotlib"):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix == ".jsonl":
                # What is behind the last newline is not there yet, and the next run drops it.
                lines = path.read_text().split("\n")[:-1]
                any(json.loads(line) is None for line in lines)
            elif path.suffix in (".pt", ".npz") and path.parent == folder:
                load(path)
        except Exception as error:
            raise ValueError(f"{path.relative_to(folder)}: {error}") from None


COMMANDS = {
    "compile": Command(("compile", "model.npz", "--bits", "4", "--out", "out", "--force"), whole_build),
    "search": Command(
        ("search", "model.npz", "--target-radius", "0.5", "--bits", "2-5", "--jobs", "1", "--out", "found"), readable
    ),
    "qat": Command(
        ("qat", "model.npz", "--data", "digits", "--bits", "3", "--epochs", "12", "--patience", "12", "--out", "q.pt"),
        readable,
        r": (\d+) of \d+, loss",
    ),
    "verify": Command(("verify", "built", "--rtl-samples", "1", "--simulator", "icarus"), whole_build),
}

#: States, inputs and outputs of a command's network, where they matter: the data's, and those that simulate fast.
SIZES = {"qat": {"n": 6, "d": 64, "k": 10}, "verify": {"n": 2, "d": 1, "k": 1}}


def prepared(folder: Path, name: str) -> Path:
    """A new folder with what the command reads."""
    folder.mkdir()
    write_npz(folder / "model.npz", plain(parameters(**SIZES.get(name, {}))))
    if name == "verify":
        run(Command(("compile", "model.npz", "--bits", "4", "--out", "built"), whole_build), folder)
    return folder


def run(command: Command, folder: Path, seconds: float | None = None) -> Run:
    """To its end; one that has not come to it within the seconds is killed, with everything that it started."""
    line = [sys.executable, "-m", "mondeq_hw", *command.arguments]
    place = {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}
    (folder / "tmp").mkdir(exist_ok=True)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    killed, began = False, time.monotonic()
    process = subprocess.Popen(line, cwd=folder, env=os.environ | place, start_new_session=True, **pipes)
    try:
        said, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, err = process.communicate()
        killed = process.returncode != 0
    took = time.monotonic() - began
    if process.returncode != 0 and not killed:
        raise MondeqError(f"{' '.join(command.arguments)} ended with {process.returncode}: {err[-500:]}")
    return Run(not killed, said, took)


def contents(folder: Path, ignored: tuple[str, ...] = ("cache/", "tmp/")) -> Contents:
    """Every file, but for caches and temporary ones; of reports of a verification what is no time."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if name.startswith(ignored):
            continue
        content = path.read_bytes()
        if path.name == "verify.json":
            report = json.loads(content)
            for backend in report["backends"]:
                del backend["seconds"]
            content = json.dumps(report).encode()
        found[name] = content
    return found


def fates(name: str, moments: int, delays: random.Random, work: Path) -> Iterator[frozenset[str]]:
    """What is to be said of each moment: of ``begun``, ``half_written``, ``differ`` and ``repeated``."""
    command = COMMANDS[name]
    start = prepared(work / name, name)
    before = contents(start, ignored=("tmp/",))
    undisturbed = Path(shutil.copytree(start, work / f"{name}-undisturbed"))
    duration = run(command, undisturbed).seconds
    expected = contents(undisturbed)
    while moments:
        folder = Path(shutil.copytree(start, work / f"{name}-{moments}"))
        killed = run(command, folder, delays.uniform(0, duration))
        if killed.finished:  # before its moment, which is none then
            duration = min(duration, killed.seconds)
        else:
            moments -= 1
            # Where nothing is written yet, the next run would be an undisturbed one.
            begun = contents(folder, ignored=("tmp/",)) != before
            yield frozenset({"begun"} | _faults(command, folder, killed, expected) if begun else ())
        shutil.rmtree(folder)


def _faults(command: Command, folder: Path, killed: Run, expected: Contents) -> set[str]:
    name = command.arguments[0]
    try:
        command.check(folder)
    except Exception as error:
        print(f"{name}: half-written: {error}", file=sys.stderr)
        return {"half_written"}
    if contents(folder) == expected:  # killed on its way out: there is nothing to go on with
        return set()
    try:
        again = run(command, folder)
    except MondeqError as error:
        print(f"{name}: the next run: {error}", file=sys.stderr)
        return {"differ"}
    found, faults = contents(folder), set()
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if different:
        print(f"{name}: the next run: other bytes in {', '.join(different)}", file=sys.stderr)
        faults.add("differ")
    twice = set(command.steps(killed.said)) & set(command.steps(again.said))
    if twice:
        print(f"{name}: the next run: did again {sorted(twice)}", file=sys.stderr)
        faults.add("repeated")
    return faults


def campaign(names: Iterable[str], moments: int, seed: int) -> dict[str, dict[str, int]]:
    """Of each command how many moments there were, and of how many what is to be said."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mondeq-kills-") as folder:
        for name in names:
            seen = list(fates(name, moments, random.Random(f"{seed} {name}"), Path(folder)))
            counts = {word: sum(word in said for said in seen) for word in SAID}
            found[name] = {"moments": len(seen), **counts}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=50, metavar="N", help="of each command (default: 50)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--only", choices=COMMANDS, action="append", help="this command; may be repeated")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = campaign(options.only or COMMANDS, options.moments, options.seed)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, counts in found.items():
        print(f"{name}: " + ", ".join(f"{count} {fate.replace('_', ' ')}" for fate, count in counts.items()))


if __name__ == "__main__":
    main()
