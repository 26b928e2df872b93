"""A finished build folder as an object: the Python API of what ``compile`` made.

Every method first looks whether the files that its statement rests on are still what ``compile`` wrote: an edited
folder proves nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .base import InputError
from .config import DataOptions
from .folder import CERTIFICATE, INTEGERS, PROGRAM, RESOLVED, Build
from .program import GoldenModel, SolverProgram
from .proof import Certificate, Verdict, check, model_from_plain

if TYPE_CHECKING:
    from .boards import BitstreamOptions, BitstreamReport
    from .problem import Comparison, MonDEQ, Task
    from .profile import ComparedTrace, FloatSolver, Profile
    from .report import WrittenReport
    from .synthesis import SynthOptions, SynthReport, ToolProgress
    from .verification import VerifyReport


@dataclass(frozen=True)
class Project:
    """A finished build folder.

    Parameters
    ----------
    build : Build
        Its files.
    """

    build: Build

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Project:
        """Open a folder that ``compile`` wrote.

        Raises
        ------
        InputError
            When it is none, or its program is damaged or not the one that was compiled.
        """
        return Project(Build.load(folder))

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.build.folder

    @property
    def program(self) -> SolverProgram:
        """The integers."""
        return self.build.program

    @property
    def task(self) -> Task:
        """What the outputs stand for."""
        self.build.require_unchanged(RESOLVED)
        return self.build.task

    @cached_property
    def golden(self) -> GoldenModel:
        """The bit-exact integer model."""
        return GoldenModel(self.program)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Outputs (samples, k) as real numbers for raw inputs (samples, d)."""
        return self.golden.predict(X)

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k) for input words (samples, d)."""
        return self.golden.predict_raw(words)

    # -- beside the float network -------------------------------------------------

    def trace(self, X: np.ndarray, model: MonDEQ | None = None) -> ComparedTrace:
        """Every state on the way, for raw inputs (samples, d), beside the float solver's.

        Parameters
        ----------
        X : ndarray (samples, d)
        model : MonDEQ, optional
            The float network; that of the certificate when absent.

        Raises
        ------
        InputError
            The certificate was changed, or the network is of other sizes.
        """
        from .profile import trace

        return trace(self.program, self.golden.words(X), self._float_solver(model))

    def profile(
        self, X: np.ndarray | None = None, model: MonDEQ | None = None, targets: np.ndarray | None = None
    ) -> Profile:
        """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

        Parameters
        ----------
        X : ndarray (samples, d), optional
            Raw inputs; those in the folder's ``sim/`` when absent.
        model : MonDEQ, optional
            As of :meth:`trace`.
        targets : ndarray (samples,) or (samples, k), optional
            Of the inputs; those in ``sim/`` when both are absent.

        Raises
        ------
        InputError
            As of :meth:`trace`; or the folder's own inputs were changed, or the targets are not the task's.
        """
        from .profile import profile

        words, clipped = (self._stimulus, 0) if X is None else (self.golden.words(X), self.golden.clipped(X))
        known = self._targets(X, targets, len(words))
        return profile(self.program, words, clipped, self._float_solver(model), self.task, known)

    def compare(
        self, X: np.ndarray | None = None, targets: np.ndarray | None = None, model: MonDEQ | None = None
    ) -> Comparison | None:
        """Outputs of the integers and of the float network against targets, by the task.

        Parameters
        ----------
        X, targets, model
            As of :meth:`profile`.

        Returns
        -------
        Comparison or None
            None where there are no targets, or the float network is not known.
        """
        words = self._stimulus if X is None else self.golden.words(X)
        known, solver = self._targets(X, targets, len(words)), self._float_solver(model)
        if known is None or solver is None:
            return None
        raw = self.program.input_format.to_float(words)
        return self.task.compare(self.golden.predict(raw), solver.outputs(raw), known)

    def _targets(self, X: np.ndarray | None, targets: np.ndarray | None, samples: int) -> np.ndarray | None:
        if targets is None:
            return self.build.targets if X is None else None
        known = self.task.checked(targets, self.program.k, "targets")
        if len(known) != samples:
            raise InputError(f"{samples} inputs, but {len(known)} targets; expected one for each")
        return known

    def _float_solver(self, model: MonDEQ | None) -> FloatSolver | None:
        """None where neither the caller nor the certificate knows the network."""
        from .profile import FloatSolver

        self.build.require_unchanged(CERTIFICATE)
        file = self.folder / CERTIFICATE
        if not file.exists():
            return None
        evidence = self.build.certificate.evidence
        try:
            step_size = float(Fraction(evidence["step_size"]))
            if model is None and "operator" in evidence:
                model = model_from_plain(evidence["operator"], self.program.input_format.fractional_bits)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file}: not a certificate ({error!r}); compile again") from None
        return None if model is None else FloatSolver.of(model, self.program, step_size)

    @property
    def _stimulus(self) -> np.ndarray:
        self.build.require_unchanged("sim/*")
        return self.build.stimulus

    # -- what is proved and reported ----------------------------------------------

    @property
    def certificate(self) -> Certificate:
        """What is proved about the program.

        Raises
        ------
        InputError
            The certificate, or the hardware's integers that it is about, are not what ``compile`` wrote.
        """
        self.build.require_unchanged(CERTIFICATE, *INTEGERS)
        return self.build.certificate

    def check_certificate(self) -> Verdict:
        """Prove every proved line again, with the independent checker in a process of its own.

        The certificate must also be about the program in this folder, and the hardware must hold its integers.
        """
        digest = self.build.certificate.program_digest
        if digest != self.program.digest:
            return Verdict(False, f"it is about the program {digest}, not about {self.program.digest} in this folder")
        changed = self.build.changed_files(*INTEGERS)
        if changed:
            return Verdict(False, f"it is not about the integers in {changed[0]}, which were changed")
        return check(self.folder / CERTIFICATE)

    @property
    def report(self) -> WrittenReport:
        """The report as it was last written; its attributes have the names of ``report/report.json``.

        Raises
        ------
        InputError
            It cannot be read, or what it rests on is not what ``compile`` wrote.
        """
        from .report import read_report

        return read_report(self.build)

    def write_report(
        self,
        data: DataOptions | None = None,
        sweep: bool = True,
        progress: Callable[[str], Any] = lambda now: None,
        **options: Any,
    ) -> WrittenReport:
        """Write ``report/report.{html,md,json}`` with all that is known by now.

        Parameters
        ----------
        data : DataOptions, optional
            Data in the place of those that ``compile`` used; or its options by name, such as ``test="new.csv"``.
        sweep : bool
            Round the model to 1 to 8 bits for comparison, once a folder.
        progress : callable
            Told what is being done.

        Raises
        ------
        InputError
            A file is missing or damaged, or was changed after ``compile`` wrote it.
        """
        from .report import publish

        return publish(self.build, data or DataOptions(**options), sweep, progress)

    # -- implementations ----------------------------------------------------------

    def verify(
        self,
        X: np.ndarray | None = None,
        rtl_samples: int = 32,
        simulators: tuple[str, ...] = ("verilator",),
        netlists: tuple[str, ...] = (),
    ) -> VerifyReport:
        """Compare golden model, compiled C++ and simulated RTL, word for word.

        The program must be the one that was compiled; the sources are what is compared, whoever edited them.

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

        self.build.require_unchanged(*PROGRAM)
        words = self.build.stimulus if X is None else self.golden.words(X)
        return verify(self.folder, words, rtl_samples=rtl_samples, simulators=simulators, netlists=netlists)

    def synthesize(self, options: SynthOptions, progress: ToolProgress = lambda tool, now: None) -> SynthReport:
        """Resources and clock on a part; logs and results go to ``report/synth/PART/``.

        Raises
        ------
        InputError
            The sources are not what ``compile`` wrote, or the design does not fit the part.
        MissingToolError, ToolFailedError
        """
        from .synthesis import synthesize

        self.build.require_unchanged("rtl/*", "hls/*")
        return synthesize(self.folder, options, self.folder / "report" / "synth" / options.part, progress)

    def make_bitstream(
        self, options: BitstreamOptions, progress: ToolProgress = lambda tool, now: None
    ) -> BitstreamReport:
        """A board's bitstream, in ``bitstream/BOARD/``.

        Raises
        ------
        InputError
            The sources are not what ``compile`` wrote, or the design does not fit the board.
        MissingToolError, ToolFailedError, NotReachedError
        """
        from .boards import make_bitstream

        self.build.require_unchanged("rtl/*")
        return make_bitstream(self.folder, options, self.folder / "bitstream" / options.board, progress)
