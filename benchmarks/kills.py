"""Commands killed with SIGKILL at random moments: nothing half-written, and the next run ends in the same bytes.

    python benchmarks/kills.py [--moments N] [--seed S] [--only compile] [--json]

``compile``, ``search``, ``qat`` and ``verify`` of small networks run once undisturbed, and then N times to a random
moment of that time, with everything that they started.  ``half_written`` counts the moments after which a file stood
under its own name that was not whole: a build folder whose files are not those of its manifest, or JSON, a table or a
checkpoint that cannot be read.  ``differ`` counts those after which the same command, started again, did not
succeed, ended in other bytes than the undisturbed run, or left something behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
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


@dataclass(frozen=True)
class Command:
    """A command line in a folder of its own, and what makes its files whole.

    Parameters
    ----------
    arguments : tuple of str
        Behind ``mondeq-hw``; paths are relative to the folder, which holds ``model.npz``, and ``built`` for ``verify``.
    check : callable
        Raises where something in the folder is not whole.
    """

    arguments: tuple[str, ...]
    check: Callable[[Path], None]


def whole_build(folder: Path) -> None:
    """A build folder is there with every file of its manifest, or not at all."""
    for name in ("built", "out"):
        if (folder / name).exists():
            changed = Build.load(folder / name).changed_files()
            if changed:
                raise ValueError(f"{name}: {changed} are not those of the manifest")


def readable(folder: Path) -> None:
    """JSON, journals and checkpoints can be read."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".jsonl":
            # What is behind the last newline is not there yet, and the next run drops it.
            lines = path.read_text().split("\n")[:-1]
            any(json.loads(line) is None for line in lines)
        elif path.suffix in (".pt", ".npz") and path.parent == folder:
            load(path)


COMMANDS = {
    "compile": Command(("compile", "model.npz", "--bits", "4", "--out", "out", "--force"), whole_build),
    "search": Command(
        ("search", "model.npz", "--target-radius", "0.5", "--bits", "2-5", "--jobs", "1", "--out", "found"), readable
    ),
    "qat": Command(
        ("qat", "model.npz", "--data", "digits", "--bits", "3", "--epochs", "12", "--patience", "12", "--out", "q.pt"),
        readable,
    ),
    "verify": Command(("verify", "built", "--rtl-samples", "3", "--simulator", "icarus"), whole_build),
}


def prepared(folder: Path, name: str) -> Path:
    """A new folder with what the command reads."""
    folder.mkdir()
    sizes = {"n": 6, "d": 64, "k": 10} if name == "qat" else {}
    write_npz(folder / "model.npz", plain(parameters(**sizes)))
    if name == "verify":
        run(Command(("compile", "model.npz", "--bits", "4", "--out", "built"), whole_build), folder)
    return folder


def run(command: Command, folder: Path, seconds: float | None = None) -> bool:
    """Whether it came to an end within the seconds; if not it is killed, with everything that it started."""
    line = [sys.executable, "-m", "mondeq_hw", *command.arguments]
    place = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}
    (folder / "tmp").mkdir(exist_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(line, cwd=folder, env=place, start_new_session=True, **quiet)
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode != 0:
        raise MondeqError(f"{' '.join(command.arguments)} ended with {process.returncode}: {err.decode()[-500:]}")
    return True


def contents(folder: Path) -> Contents:
    """Every file, but for caches and temporary ones; of reports of a verification what is no time."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if name.startswith(("cache/", "tmp/")):
            continue
        content = path.read_bytes()
        if path.name == "verify.json":
            report = json.loads(content)
            for backend in report["backends"]:
                del backend["seconds"]
            content = json.dumps(report).encode()
        found[name] = content
    return found


def fates(name: str, moments: int, delays: random.Random, work: Path) -> Iterator[str]:
    """Of each moment ``half_written``, ``differ`` or ``same``."""
    command = COMMANDS[name]
    start = prepared(work / name, name)
    undisturbed = Path(shutil.copytree(start, work / f"{name}-undisturbed"))
    began = time.monotonic()
    run(command, undisturbed)
    duration = time.monotonic() - began
    expected = contents(undisturbed)
    for moment in range(moments):
        folder = Path(shutil.copytree(start, work / f"{name}-{moment}"))
        run(command, folder, delays.uniform(0, duration))
        yield _fate(command, folder, expected)
        shutil.rmtree(folder)


def _fate(command: Command, folder: Path, expected: Contents) -> str:
    try:
        command.check(folder)
    except Exception as error:
        print(f"{command.arguments[0]}: half-written: {error}", file=sys.stderr)
        return "half_written"
    if contents(folder) == expected:
        return "same"
    try:
        run(command, folder)
        found = contents(folder)
    except MondeqError as error:
        print(f"{command.arguments[0]}: the next run: {error}", file=sys.stderr)
        return "differ"
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    if different:
        print(f"{command.arguments[0]}: the next run: other bytes in {', '.join(different)}", file=sys.stderr)
    return "differ" if different else "same"


def campaign(names: Iterable[str], moments: int, seed: int) -> dict[str, dict[str, int]]:
    """Of each command how many moments there were, and how many of each fate."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mondeq-kills-") as folder:
        for name in names:
            seen = list(fates(name, moments, random.Random(f"{seed} {name}"), Path(folder)))
            found[name] = {"moments": len(seen), **{fate: seen.count(fate) for fate in ("half_written", "differ")}}
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
