"""What a tool left behind, and whether it still is what the tool left.

Products are used again only under the key of everything that shaped them, and
only while their bytes are the same: a damaged or foreign one is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from .replacing import replacing


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files, and of every file in folders, that exist."""
    found = {}
    for name in names:
        path = folder / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found[str(file.relative_to(folder))] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def is_stamped(record: Path, key: str, folder: Path, names: Iterable[str]) -> bool:
    """Whether ``record`` says that these files, as they are now, were made under ``key``."""
    try:
        content = json.loads(record.read_text())
        return bool(content["key"] == key and content["written"] == digests(folder, names))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def stamp(record: Path, key: str, folder: Path, names: Iterable[str]) -> None:
    """Note the key and the digests of what was made."""
    with replacing(record) as temporary:
        temporary.write_text(json.dumps({"key": key, "written": digests(folder, names)}, indent=2) + "\n")
