"""A finished build folder as an object: the Python API of what ``compile`` made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import InputError, replacing
from .folder import ADDED_LATER, CERTIFICATE, INTEGERS, PROGRAM, file_digest, read_manifest
from .program import SolverProgram

if TYPE_CHECKING:
    from .problem import MonDEQ
    from .profile import ComparedTrace, FloatSolver, Profile
    from .program import GoldenModel
    from .verification import VerifyReport

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
        from .program import GoldenModel

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
        from .profile import FloatSolver
        from .proof import model_from_plain

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
        from .verification import verify

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
        checker = Path(__file__).parent / "proof" / "check_certificate.py"
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
            if name.startswith(under or "") and name not in ADDED_LATER and file_digest(self.folder / name) != digest
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


