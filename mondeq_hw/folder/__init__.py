"""The build folder on disk: it appears complete or not at all, and says what it holds.

Takes files; gives a folder with a manifest, and ``Build``, which reads it again and notices edits.
"""

from __future__ import annotations

from .build import Build
from .manifest import (
    ADDED_LATER,
    CERTIFICATE,
    INTEGERS,
    PROGRAM,
    RESOLVED,
    file_digest,
    read_manifest,
    require_this_version,
)
from .writing import check_target, writing

__all__ = [
    "ADDED_LATER",
    "CERTIFICATE",
    "INTEGERS",
    "PROGRAM",
    "RESOLVED",
    "Build",
    "check_target",
    "file_digest",
    "read_manifest",
    "require_this_version",
    "writing",
]
