"""The build folder: written beside its place, moved there in one step, and read again.

A folder of the final name exists only complete.  Whatever kills the program,
at most a hidden sibling ``.NAME.tmp-*`` stays behind, which the next run
removes: the lock that its owner held on it is free then.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .program import SolverProgram
from .replacing import replacing

if TYPE_CHECKING:
    from .golden import GoldenModel
    from .model import MonDEQ
    from .profile import ComparedTrace, FloatSolver, Profile
    from .verify import VerifyReport

CERTIFICATE = "certificate.json"
MANIFEST = "manifest.json"
MANIFEST_FORMAT = "mondeq-hw project"
MANIFEST_VERSION = 1

#: What ``SolverProgram.load`` reads.
PROGRAM = ("program.json", "program.npz")
#: Where the hardware holds the program's integers.
INTEGERS = (
    "rtl/mem/",
    *(f"rtl/src/mondeq_{name}.sv" for name in ("pkg", "graph", "drive_graph", "readout_graph")),
    "hls/weights/",
    "hls/mondeq_params.h",
)

#: Files that commands other than ``compile`` may add to a finished folder, or write again.
ADDED_LATER = frozenset(
    {f"report/{name}" for name in ("verify.json", "synth.json", "word_lengths.json")}
    | {f"report/report.{suffix}" for suffix in ("json", "md", "html")}
)
#: Folders that they fill.
FILLED_LATER = ("report/synth/", "bitstream/")

#: What a disk or its rights can do to a write; any other OSError is a bug.
_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG})

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True)
class Verdict:
    """What the independent checker says of a certificate."""

    accepted: bool
    reason: str


@dataclass(frozen=True)
class Project:
    """A finished build folder.

    Parameters
    ----------
    folder : Path
    program : SolverProgram
    """

    folder: Path
    program: SolverProgram

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Project:
        """Open a folder that ``compile`` wrote.

        Raises
        ------
        InputError
            When it is none, or its program is damaged or not the one that was compiled.
        """
        path = Path(folder)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder; expected one written by 'mondeq-hw compile'")
        project = Project(path, SolverProgram.load(path))
        project.require_unchanged(*PROGRAM)
        return project

    @cached_property
    def golden(self) -> GoldenModel:
        """The bit-exact integer model."""
        from .golden import GoldenModel

        return GoldenModel(self.program)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Outputs (samples, k) as real numbers for raw inputs (samples, d)."""
        return self.golden.predict(X)

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k) for input words (samples, d)."""
        return self.golden.predict_raw(words)

    def trace(self, X: np.ndarray, model: MonDEQ | None = None) -> ComparedTrace:
        """Every state on the way, for raw inputs (samples, d), beside the float solver's.

        Parameters
        ----------
        X : ndarray (samples, d)
        model : MonDEQ, optional
            The float network; that of the certificate when absent.
        """
        from .profile import trace

        return trace(self.program, self.golden.words(X), self._float_solver(model))

    def profile(self, X: np.ndarray | None = None, model: MonDEQ | None = None) -> Profile:
        """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

        Parameters
        ----------
        X : ndarray (samples, d), optional
            Raw inputs; those in the folder's ``sim/`` when absent.
        model : MonDEQ, optional
            As of :meth:`trace`.
        """
        from .profile import profile

        words, clipped = (self.stimulus, 0) if X is None else (self.golden.words(X), self.golden.clipped(X))
        return profile(self.program, words, clipped, self._float_solver(model))

    def _float_solver(self, model: MonDEQ | None) -> FloatSolver | None:
        """None where neither the caller nor the certificate knows the network."""
        from .certificate import model_from_plain
        from .profile import FloatSolver

        if not (self.folder / CERTIFICATE).exists():
            return None
        try:
            evidence = self.certificate["evidence"]
            step_size = float(Fraction(evidence["step_size"]))
            if model is None and "operator" in evidence:
                model = model_from_plain(evidence["operator"], self.program.input_format.fractional_bits)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self.folder / CERTIFICATE}: not a certificate ({error!r}); compile again") from None
        return None if model is None else FloatSolver.of(model, self.program, step_size)

    def verify(
        self,
        X: np.ndarray | None = None,
        rtl_samples: int = 32,
        simulators: tuple[str, ...] = ("verilator",),
        netlists: tuple[str, ...] = (),
    ) -> VerifyReport:
        """Compare golden model, compiled C++ and simulated RTL, word for word.

        Parameters
        ----------
        X : ndarray (samples, d), optional
            Raw inputs; those in the folder's ``sim/`` when absent.
        rtl_samples : int
            How many of them go through the RTL simulation.
        simulators : tuple of {"verilator", "icarus"}
        netlists : tuple of str
            ECP5 parts whose netlists, left by ``mondeq-hw synth``, are simulated too.
        """
        from .verify import verify

        words = self.stimulus if X is None else self.golden.words(X)
        return verify(self.folder, words, rtl_samples=rtl_samples, simulators=simulators, netlists=netlists)

    @cached_property
    def certificate(self) -> dict[str, Any]:
        """``certificate.json``."""
        content = self._json(CERTIFICATE)
        if not isinstance(content, dict):
            raise InputError(f"{self.folder / CERTIFICATE}: not a certificate; compile again")
        return content

    def certificate_lines(self) -> list[dict[str, Any]]:
        """The certificate's claims: name, statement, values, status, source.

        Raises
        ------
        InputError
            The file is missing or not a certificate.
        """
        keys = ("statement", "values", "status", "source")
        try:
            return [{"name": line["name"], **{key: line[key] for key in keys}} for line in self.certificate["lines"]]
        except (KeyError, TypeError) as error:
            raise InputError(f"{self.folder / CERTIFICATE}: not a certificate ({error!r}); compile again") from None

    def check_certificate(self) -> Verdict:
        """Prove every proved line again, with the independent checker in a process of its own.

        The certificate must also be about the program in this folder, and the hardware must hold its integers.
        """
        digest = self.certificate.get("program_digest")
        if digest != self.program.digest:
            return Verdict(False, f"it is about the program {digest}, not about {self.program.digest} in this folder")
        changed = self.changed_files(*INTEGERS)
        if changed:
            return Verdict(False, f"it is not about the integers in {changed[0]}, which were changed")
        checker = Path(__file__).with_name("check_certificate.py")
        # Isolated: nothing but the standard library can be imported.
        command = [sys.executable, "-I", str(checker), str(self.folder / CERTIFICATE)]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        lines = (done.stdout or done.stderr).split("\n")
        reason = next((line for line in reversed(lines) if line), f"the checker ended with code {done.returncode}")
        return Verdict(done.returncode == 0, reason.removeprefix("FAIL").strip())

    @cached_property
    def report(self) -> dict[str, Any]:
        """``report/report.json``."""
        return self._json("report/report.json")

    @property
    def stimulus(self) -> np.ndarray:
        """Input words (samples, d) in ``sim/``: test images, or noise where there are none."""
        file = self.folder / "sim" / "words.npy"
        try:
            return np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{file}: cannot be read ({error}); compile again") from None

    def changed_files(self, *under: str) -> tuple[str, ...]:
        """Files that differ from what ``compile`` wrote, or are gone; a report that was written again is none.

        Parameters
        ----------
        *under : str
            Look only at these files and folders (``rtl/``).
        """
        listed = read_manifest(self.folder)
        return tuple(
            name
            for name, digest in listed.items()
            if name.startswith(under or "") and name not in ADDED_LATER and _digest(self.folder / name) != digest
        )

    def require_unchanged(self, *under: str) -> None:
        """Refuse files on which a statement rests, where they are not as ``compile`` wrote them.

        Raises
        ------
        InputError
        """
        changed = self.changed_files(*under)
        if changed:
            raise InputError(
                f"{self.folder / changed[0]}: not the file that 'mondeq-hw compile' wrote; undo the change, or compile "
                "again with --force"
            )

    def add(self, name: str, text: str) -> None:
        """Add one of :data:`ADDED_LATER` to the folder, in one step.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        with replacing(self.folder / name, "make the folder writable") as temporary:
            temporary.write_text(text)

    def _json(self, name: str) -> Any:
        file = self.folder / name
        try:
            return json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{file}: cannot be read ({error}); compile again") from None


# -- writing ---------------------------------------------------------------------------------------


def check_target(target: Path, force: bool) -> None:
    """Refuse a place that :func:`writing` could not fill, before any work is done.

    Raises
    ------
    InputError
        The folder exists (without ``force``), is not one of ours (with it),
        or its parent cannot be written.
    """
    parent = _parent(target)
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target}: exists and is not a folder; name another one with --out")
    if target.exists():
        if not force:
            raise InputError(f"{target}: exists already; name another folder with --out, or replace it with --force")
        _check_ours(target)
    existing = parent
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{target}: cannot be made, because {existing} is not a writable folder; name another --out")


@contextmanager
def writing(target: Path, force: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``target`` when the block ends without an exception.

    Parameters
    ----------
    target : path
    force : bool
        Replace an existing project.

    Yields
    ------
    Path
        An empty folder beside ``target``.

    Raises
    ------
    InputError
        As :func:`check_target`; or the disk is full or not writable.
    """
    check_target(target, force)
    parent = _parent(target)
    made = _make_folders(parent, target)
    _remove_stale(parent, target.name)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=_prefix(target.name), dir=parent))
    except OSError as error:
        _remove_empty(made)
        raise InputError(f"{target}: cannot be written ({error.strerror}); name another folder with --out") from None
    lock = os.open(temporary, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _write_manifest(temporary)
        _move(temporary, target)
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise InputError(
            f"{target}: cannot be written ({error.strerror}); free space or name another folder with --out"
        ) from None
    finally:
        # After an exchange this is the replaced project; after a failure, the unfinished one.
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)
        if not target.exists():
            _remove_empty(made)


def read_manifest(folder: Path) -> dict[str, str]:
    """File names and their SHA-256, as ``compile`` wrote them.

    Raises
    ------
    InputError
        When the folder has no manifest of ours.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text())
        if content["format"] != MANIFEST_FORMAT or content["version"] != MANIFEST_VERSION:
            raise ValueError(f"format {content['format']!r} {content['version']!r}")
        return {str(name): str(digest) for name, digest in content["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: not a folder written by mondeq-hw ({MANIFEST}: {error})") from None


def _write_manifest(folder: Path) -> None:
    """Digest every file, flushed to disk, so that the move that follows never precedes the content."""
    files = {}
    for name in sorted(_files(folder)):
        path = folder / name
        files[name] = _digest(path)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    content = {"format": MANIFEST_FORMAT, "version": MANIFEST_VERSION, "files": files}
    with (folder / MANIFEST).open("w") as stream:
        stream.write(json.dumps(content, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def _check_ours(folder: Path) -> None:
    try:
        listed = read_manifest(folder)
    except InputError as error:
        raise InputError(f"{error}; --force replaces only such folders: name another --out") from None
    unlisted = _files(folder) - set(listed) - ADDED_LATER - {MANIFEST}
    foreign = sorted(name for name in unlisted if not name.startswith(FILLED_LATER))
    if foreign:
        raise InputError(
            f"{folder}: holds {foreign[0]}, which mondeq-hw did not write; move it away or name another --out"
        )


def _move(temporary: Path, target: Path) -> None:
    if not target.exists():
        os.rename(temporary, target)
    elif not _exchange(temporary, target):
        # No atomic exchange here: the old project is out of the way for one moment, and back on failure.
        aside = Path(tempfile.mkdtemp(prefix=_prefix(target.name), dir=temporary.parent))
        os.rename(target, aside / target.name)
        try:
            os.rename(temporary, target)
        except OSError:
            os.rename(aside / target.name, target)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step (Linux ``renameat2``); false where the system cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    failed = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(code, os.strerror(code))


def _remove_stale(parent: Path, name: str) -> None:
    """Remove temporary folders of runs that are no more: nobody holds their lock."""
    for folder in parent.glob(f"{_prefix(name)}*"):
        with suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _make_folders(parent: Path, target: Path) -> list[Path]:
    """Make the missing parents; returns those that were made, outermost first."""
    missing: list[Path] = []
    folder = parent
    while not folder.exists():
        missing.insert(0, folder)
        folder = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); name another folder with --out") from None
    return missing


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):
        for folder in reversed(list(folders)):
            folder.rmdir()


def _parent(target: Path) -> Path:
    if target.name in ("", "..", "."):
        raise InputError(f"{target}: --out needs the name of a new folder")
    return target.absolute().parent


def _prefix(name: str) -> str:
    return f".{name}.tmp-"


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
