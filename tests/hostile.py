"""Hostile input, and what a good refusal of it is: one message, nothing left behind."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkpoints import parameters, plain, write_npz

P = parameters()


#: Makes a file or folder in the given folder and returns the command line.
Case = Callable[[Path], list[str]]


@dataclass(frozen=True)
class Bad:
    """One bad input."""

    name: str
    case: Case
    message: str
    code: int = 2


def compile_file(content: bytes, name: str = "m.pt") -> Case:
    def case(folder: Path) -> list[str]:
        (folder / name).write_bytes(content)
        return compile_args(folder / name)

    return case


def compile_args(model: Path, *options: str) -> list[str]:
    return ["compile", str(model), "--out", str(model.parent / "build"), *(options or ("--bits", "5"))]


def npz(**changes: Any) -> Case:
    """The plain format with keys changed, or left out where the value is None."""

    def case(folder: Path) -> list[str]:
        arrays = {key: value for key, value in {**plain(P), **changes}.items() if value is not None}
        return compile_args(write_npz(folder / "m.npz", arrays))

    return case


class Canary:
    """Unpickling it runs a shell command."""

    def __init__(self, file: Path):
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.file}",)


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def assert_one_message(bad: Bad, code: int, stdout: str, stderr: str) -> None:
    assert code == bad.code, stderr
    assert "Traceback" not in stderr + stdout and "internal error" not in stderr
    assert re.fullmatch(f"mondeq-hw: .*({bad.message}).*\n", stderr), stderr
