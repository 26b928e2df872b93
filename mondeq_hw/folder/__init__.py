"""The build folder on disk: it appears complete or not at all, and says what it holds.

Takes files; gives a folder with a manifest, and its integrity later on.
"""

from __future__ import annotations

from .manifest import ADDED_LATER, CERTIFICATE, INTEGERS, PROGRAM, file_digest, read_manifest
from .writing import check_target, writing

__all__ = [
    "ADDED_LATER",
    "CERTIFICATE",
    "INTEGERS",
    "PROGRAM",
    "check_target",
    "file_digest",
    "read_manifest",
    "writing",
]
