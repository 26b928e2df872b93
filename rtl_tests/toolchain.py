"""The C++ toolchain of this machine: what shapes its output, and Verilator's runtime that it compiled before.

Verilator's runtime is the same for every design and most of a small one's
build, so its objects are kept, each under all that shaped it: the command make
would compile it by, compiler, environment and sources.  A damaged or foreign
object has another digest than its name says, and is compiled anew.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mondeq_hw.base import answer, digests

#: Variables that g++, the linker and make read, beside what is on their command lines.
BUILD_VARIABLES = (
    *("CXXFLAGS", "CPPFLAGS", "CFLAGS", "LDFLAGS", "LDLIBS", "LOADLIBES", "MAKEFLAGS", "OPT", "OPT_FAST"),
    *("OPT_SLOW", "OPT_GLOBAL", "CPATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "LD_LIBRARY_PATH", "LD_PRELOAD"),
    *("GCC_EXEC_PREFIX", "COMPILER_PATH", "SOURCE_DATE_EPOCH", "OBJCACHE"),
)


def toolchain() -> str:
    """Compiler, its build and the environment that it reads: a part of every key of what it made."""
    compiler = shutil.which("g++") or ""
    build = answer([compiler, "-v"]) if compiler else ""
    return repr((os.path.realpath(compiler), build, [(name, os.environ.get(name)) for name in BUILD_VARIABLES]))


@dataclass(frozen=True)
class RuntimeObject:
    """An object file of Verilator's runtime.

    Parameters
    ----------
    name : str
        ``verilated_vpi.o``
    key : str
        Of all that shapes it.
    """

    name: str
    key: str

    def restore(self, folder: Path) -> None:
        """Put it into a build folder, if it is at hand and whole."""
        for kept in self._kept():
            content = kept.read_bytes()
            if kept.name == self._file_name(content):
                (folder / self.name).write_bytes(content)
            else:
                kept.unlink(missing_ok=True)

    def keep(self, folder: Path) -> None:
        """Keep it for later builds."""
        if any(self._kept()):
            return
        content = (folder / self.name).read_bytes()
        part = _cache() / f"{self.name}.{os.getpid()}.part"
        _cache().mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(_cache() / self._file_name(content))

    def _kept(self) -> Iterator[Path]:
        return _cache().glob(f"{self._stem()}-*.o")

    def _file_name(self, content: bytes) -> str:
        return f"{self._stem()}-{hashlib.sha256(content).hexdigest()}.o"

    def _stem(self) -> str:
        return f"{Path(self.name).stem}-{self.key[:32]}"


def runtime_objects(make: list[str], environment: Mapping[str, str]) -> tuple[RuntimeObject, ...]:
    """The objects that a make command is about to compile from Verilator's own sources."""
    plan = answer([*make, "-n"], environment)
    found = []
    for line in plan.replace("\\\n", " ").splitlines():
        words = shlex.split(line) if " -c " in line and "/verilated" in line else []
        if "-o" in words and Path(words[-1]).name.startswith("verilated"):
            found.append(words)
    folders = {Path(words[-1]).parent for words in found}
    content = {folder: digests(folder, [path.name for path in folder.glob("*.[hc]*")]) for folder in folders}
    shared = toolchain()
    return tuple(
        RuntimeObject(
            words[words.index("-o") + 1],
            hashlib.sha256(repr((words, shared, content[Path(words[-1]).parent])).encode()).hexdigest(),
        )
        for words in found
    )


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "mondeq-hw" / "verilator"
