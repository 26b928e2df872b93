"""What a build folder holds, and the digest of every file as ``compile`` wrote it."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from ..base import InputError, canonical_digest, digests

CERTIFICATE = "certificate.json"
#: The options as asked for and as chosen, the task among them.
RESOLVED = "config.resolved.json"
MANIFEST = "manifest.json"
MANIFEST_FORMAT = "mondeq-hw project"
MANIFEST_VERSION = 1

#: Sources that hardware is made of, and by: benches fit what these wrote.
EMITTERS = ("hls_templates", "hardware")

#: What ``SolverProgram.load`` reads.
PROGRAM = ("program.json", "program.npz")
#: Where the hardware holds the program's integers: patterns, for the modules have the program's name as prefix.
INTEGERS = ("rtl/mem/*", "rtl/src/*_pkg.sv", "rtl/src/*_graph.sv", "hls/weights/*", "hls/mondeq_params.h")

#: Files that commands other than ``compile`` may add to a finished folder, or write again.
ADDED_LATER = frozenset(
    {f"report/{name}" for name in ("verify.json", "synth.json", "word_lengths.json")}
    | {f"report/report.{suffix}" for suffix in ("json", "md", "html")}
)
#: Folders that they fill.
FILLED_LATER = ("report/synth/", "bitstream/")


def read_manifest(folder: Path) -> dict[str, str]:
    """File names and their SHA-256, as ``compile`` wrote them.

    Raises
    ------
    InputError
        When the folder has no manifest of ours.
    """
    return _read(folder)[0]


def _read(folder: Path) -> tuple[dict[str, str], str | None]:
    """Files and their digests, and that of what emitted the hardware, where it was noted."""
    try:
        content = json.loads((folder / MANIFEST).read_text())
        if content["format"] != MANIFEST_FORMAT or content["version"] != MANIFEST_VERSION:
            raise ValueError(f"format {content['format']!r} {content['version']!r}")
        return {str(name): str(digest) for name, digest in content["files"].items()}, content.get("emitters")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: not a folder written by mondeq-hw ({MANIFEST}: {error})") from None


def write_manifest(folder: Path) -> None:
    """Digest every file, flushed to disk, so that the move that follows never precedes the content."""
    listed = {}
    for name in sorted(files_of(folder)):
        path = folder / name
        listed[name] = file_digest(path)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    content = {"format": MANIFEST_FORMAT, "version": MANIFEST_VERSION, "emitters": emitters_digest(), "files": listed}
    with (folder / MANIFEST).open("w") as stream:
        stream.write(json.dumps(content, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


@cache
def emitters_digest() -> str:
    """SHA-256 of what this version emits hardware from."""
    found = {package: digests(Path(str(files("mondeq_hw." + package))), ["."]) for package in EMITTERS}
    sources = {
        package: {name: digest for name, digest in each.items() if "__pycache__" not in name}
        for package, each in found.items()
    }
    return canonical_digest(sources)


def require_this_version(folder: Path) -> None:
    """Refuse hardware of another version, which benches and board shells of this one need not fit.

    A folder without a manifest, of parts that somebody put together, is taken as it is.

    Raises
    ------
    InputError
    """
    if not (folder / MANIFEST).exists():
        return
    _, emitters = _read(folder)
    if emitters != emitters_digest():
        raise InputError(
            f"{folder}: its hardware was written by another version of mondeq-hw, whose ports and parameters may be "
            "others; compile again with --force"
        )


def check_ours(folder: Path) -> None:
    try:
        listed = read_manifest(folder)
    except InputError as error:
        raise InputError(f"{error.in_shell()}; --force replaces only such folders: name another --out") from None
    unlisted = files_of(folder) - set(listed) - ADDED_LATER - {MANIFEST}
    foreign = sorted(name for name in unlisted if not name.startswith(FILLED_LATER))
    if foreign:
        raise InputError(
            f"{folder}: holds {foreign[0]}, which mondeq-hw did not write; move it away or name another --out"
        )


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def file_digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
