"""What people hand over in place of a checkpoint or of data, named for what it is."""

from __future__ import annotations

import re
from pathlib import Path

from ..base import InputError

#: First bytes, and the remedy.
KINDS = {
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; run: git lfs pull",
    b"\x1f\x8b": "packed by gzip; unpack it first: gunzip",
    b"BZh": "packed by bzip2; unpack it first: bunzip2",
    b"\xfd7zXZ": "packed by xz; unpack it first: unxz",
    b"\x28\xb5\x2f\xfd": "packed by zstd; unpack it first: unzstd",
    b"7z\xbc\xaf": "packed by 7-Zip; unpack it first: 7z x",
    b"Rar!": "packed by RAR; unpack it first: unrar x",
    b"\x89HDF": "an HDF5 file (MATLAB 7.3, Keras); save it from MATLAB with -v7, or as .npz",
    b"MATLAB 7.3": "a MATLAB 7.3 file; save it from MATLAB with -v7",
}
PAGE = re.compile(rb"<[!?a-z]", re.IGNORECASE)


def refuse_mistaken(file: Path) -> None:
    """Refuse a file that is neither a checkpoint nor data, whatever its name; what cannot be read is for the reader.

    Raises
    ------
    InputError
    """
    try:
        with file.open("rb") as stream:
            head = stream.read(512)
    except OSError:
        return
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if PAGE.match(text):
        raise InputError(f"{file}: is an HTML page, not the file itself; download that (the link to its raw content)")
    for start, what in KINDS.items():
        if text.startswith(start):
            raise InputError(f"{file}: is {what}")
