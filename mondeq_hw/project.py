"""A finished build folder as an object: the Python API of what ``compile`` made.

Every method first looks whether the files that its statement rests on are still what ``compile`` wrote: an edited
folder proves nothing.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from .base import InputError
from .boards import BitstreamOptions
from .config import BitstreamKeywords, CompileConfig, DataKeywords, DataOptions, SynthKeywords, by_name, spelled_out
from .folder import CERTIFICATE, INTEGERS, PROGRAM, RESOLVED, Build, require_this_version
from .problem import ERROR, Preprocessing, RawInputs
from .program import GoldenModel, SolverProgram
from .proof import Certificate, Verdict, check, differences, model_from_plain
from .synthesis import SynthOptions

if TYPE_CHECKING:
    from .boards import BitstreamReport
    from .control import LinearPlant, LoopProof
    from .problem import Comparison, MonDEQ, Origin, Parameters, Task
    from .profile import ComparedTrace, FloatSolver, Profile
    from .report import WrittenReport
    from .synthesis import SynthReport, ToolProgress
    from .verification import VerifyReport


@dataclass(frozen=True, repr=False)
class Project:
    """A finished build folder.

    Parameters
    ----------
    build : Build
        Its files.
    """

    build: Build

    def __repr__(self) -> str:
        return f"Project({str(self.folder)!r}): {self.program.in_words()}"

    def _repr_html_(self) -> str:
        from .report import project_card

        return project_card(self.build)

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

    @property
    def parameters(self) -> Parameters | None:
        """Names of a parametric problem's parameters and outputs; None of a network."""
        self.build.require_unchanged(RESOLVED)
        return self.build.parameters

    @cached_property
    def golden(self) -> GoldenModel:
        """The bit-exact integer model."""
        return GoldenModel(self.program)

    @property
    def preprocessing(self) -> Preprocessing:
        """How values become words and the network's inputs."""
        self.build.require_unchanged(RESOLVED)
        return self.build.preprocessing

    def raw_inputs(self, X: np.ndarray, on_overflow: str = ERROR) -> RawInputs:
        """Values as the raw inputs of the program, and how many saturated or were rounded to its grid.

        Parameters
        ----------
        X : ndarray (samples, d), or of any shape with d numbers a sample
            Values in the user's units, before any preprocessing; or whole samples, of which the network keeps d values.
        on_overflow : {"error", "saturate"}
            What becomes of a value that no word stands for.

        Raises
        ------
        InputError
            There is such a value, or the values are no finite numbers.
        """
        values, d = np.asarray(X), self.program.d
        self.build.require_unchanged(RESOLVED)
        kept = self.build.kept
        size = math.prod(values.shape[1:])
        if values.ndim < 2 or size not in (d, d if kept is None else kept.given):
            takes = "" if kept is None else f" or (samples, {kept.given}), of which it takes {d}"
            raise InputError(f"inputs have shape {values.shape}; expected (samples, {d}){takes}")
        values = values.reshape(len(values), size)
        return self.build.input_words.raw(values if kept is None else kept.of(values), on_overflow)

    def predict(
        self, X: np.ndarray | None = None, *, words: np.ndarray | None = None, on_overflow: str = ERROR
    ) -> np.ndarray:
        """Outputs (samples, k) as real numbers.

        Parameters
        ----------
        X, on_overflow
            As of :meth:`raw_inputs`; values that saturate are counted in a warning.
        words : ndarray of int (samples, d), optional
            Input words of the hardware, in the place of values.

        Raises
        ------
        InputError
            As of :meth:`raw_inputs`; or values and words were given, or neither.
        """
        outputs = self.predict_raw(self._words(X, words, on_overflow)[0])
        return np.ldexp(outputs.astype(np.float64), -self.program.output_fractional_bits)

    def predict_raw(self, words: np.ndarray) -> np.ndarray:
        """Output words (samples, k) for input words (samples, d)."""
        return self.golden.predict_raw(words)

    def _words(self, X: np.ndarray | None, words: np.ndarray | None, on_overflow: str) -> tuple[np.ndarray, int]:
        """Input words of values or words, and how many values were clipped."""
        if words is not None:
            if X is not None:
                raise InputError("inputs were given as values and as words; expected one of the two")
            return self.golden.checked(words), 0
        if X is None:
            raise InputError("no inputs were given; expected values (X) or words")
        taken = self.raw_inputs(X, on_overflow).announced()
        clipped = taken.outside | self.golden.clips(taken.raw)  # by the leading bits that are kept, too
        return self.golden.words(taken.raw), int(clipped.sum())

    # -- beside the float network -------------------------------------------------

    def trace(
        self,
        X: np.ndarray | None = None,
        model: MonDEQ | None = None,
        *,
        words: np.ndarray | None = None,
        on_overflow: str = ERROR,
    ) -> ComparedTrace:
        """Every state on the way, beside the float solver's.

        Parameters
        ----------
        X, words, on_overflow
            As of :meth:`predict`.
        model : MonDEQ, optional
            The float network; that of the certificate when absent.

        Raises
        ------
        InputError
            As of :meth:`predict`; or the certificate was changed, or the network is of other sizes.
        """
        from .profile import trace

        return trace(self.program, self._words(X, words, on_overflow)[0], self._float_solver(model))

    def profile(
        self,
        X: np.ndarray | None = None,
        model: MonDEQ | None = None,
        targets: np.ndarray | None = None,
        *,
        words: np.ndarray | None = None,
        on_overflow: str = ERROR,
    ) -> Profile:
        """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

        Parameters
        ----------
        X, words, on_overflow
            As of :meth:`predict`; the folder's ``sim/`` where neither values nor words are given.
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

        own = X is None and words is None
        seen, clipped = (self._stimulus, 0) if own else self._words(X, words, on_overflow)
        known = self._targets(own, targets, len(seen))
        return profile(self.program, seen, clipped, self._float_solver(model), self.task, known)

    def compare(
        self,
        X: np.ndarray | None = None,
        targets: np.ndarray | None = None,
        model: MonDEQ | None = None,
        *,
        words: np.ndarray | None = None,
        on_overflow: str = ERROR,
    ) -> Comparison | None:
        """Outputs of the integers and of the float network against targets, by the task.

        Parameters
        ----------
        X, targets, model, words, on_overflow
            As of :meth:`profile`.

        Returns
        -------
        Comparison or None
            None where there are no targets, or the float network is not known.
        """
        own = X is None and words is None
        seen = self._stimulus if own else self._words(X, words, on_overflow)[0]
        known, solver = self._targets(own, targets, len(seen)), self._float_solver(model)
        if known is None or solver is None:
            return None
        raw = self.program.input_format.to_float(seen)
        return self.task.compare(self.golden.predict(raw), solver.outputs(raw), known)

    def _targets(self, own: bool, targets: np.ndarray | None, samples: int) -> np.ndarray | None:
        if targets is None:
            return self.build.targets if own else None
        known = self.task.checked(targets, self.program.k, "targets")
        if len(known) != samples:
            raise InputError(f"{samples} inputs, but {len(known)} targets; expected one for each")
        return known

    def _float_solver(self, model: MonDEQ | None) -> FloatSolver | None:
        """None where neither the caller nor the certificate knows the network."""
        from .profile import FloatSolver

        if self.program.carried is not None:
            raise InputError(
                f"{self.folder}: carries a state from sample to sample, beside which trace, profile and compare run no "
                "float network; project.golden.trace(words) has the integers alone"
            )
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

    def certify_closed_loop(self, plant: LinearPlant) -> LoopProof:
        """Prove an ultimate bound of the controller's loop with a linear plant; see :mod:`mondeq_hw.control`.

        Raises
        ------
        InputError
            The plant has other sizes than the controller, or the certificate was changed.
        """
        from .control import certify_closed_loop

        self.build.require_unchanged(CERTIFICATE, RESOLVED, *INTEGERS)
        return certify_closed_loop(self.build, plant)

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

    def check_model(self, model: MonDEQ | Origin) -> Verdict:
        """Whether the certificate is about this float network: the integers that it holds of it, and its digest.

        Parameters
        ----------
        model : MonDEQ, path, torch.nn.Module or state_dict
            Read with the options of the compilation.

        Raises
        ------
        InputError
            It cannot be read, or the certificate is not what ``compile`` wrote.
        """
        from .steps import checkpoint_of

        self.build.require_unchanged(RESOLVED)
        options = {name: value for name, value in self.build.requested.items() if value is not None}
        network = checkpoint_of(model, CompileConfig(**options)).model
        other = differences(self.certificate, network, self.program)
        return Verdict(
            not other, "; ".join(other) or f"the certificate is about this network, digest {network.digest()}"
        )

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

    @spelled_out(DataOptions)
    def write_report(
        self,
        data: DataOptions | None = None,
        sweep: bool = True,
        progress: Callable[[str], Any] = lambda now: None,
        **options: Unpack[DataKeywords],
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

        named = data or by_name({"data": DataOptions}, options, "write_report")["data"]
        published = publish(self.build, named, sweep, progress)
        published.write(self.build)
        return published.report

    # -- implementations ----------------------------------------------------------

    def verify(
        self,
        X: np.ndarray | None = None,
        rtl_samples: int = 32,
        simulators: tuple[str, ...] = ("verilator",),
        netlists: tuple[str, ...] = (),
        *,
        exact_widths: bool = False,
        words: np.ndarray | None = None,
        on_overflow: str = ERROR,
    ) -> VerifyReport:
        """Compare golden model, compiled C++ and simulated RTL, word for word.

        The program must be the one that was compiled; the sources are what is compared, whoever edited them.

        Parameters
        ----------
        X, words, on_overflow
            As of :meth:`predict`; the folder's ``sim/`` where neither values nor words are given.
        rtl_samples : int
            How many of them go through the RTL simulation.
        simulators : tuple of {"verilator", "icarus"}
        netlists : tuple of str
            ECP5 parts whose netlists, left by ``mondeq-hw synth``, are simulated too.
        exact_widths : bool
            Also the C++ with the types that a synthesiser gets.
        """
        from .verification import verify

        self.build.require_unchanged(*PROGRAM)
        require_this_version(self.folder)
        own = X is None and words is None
        seen = self.build.stimulus if own else self._words(X, words, on_overflow)[0]
        return verify(
            self.folder,
            seen,
            rtl_samples=rtl_samples,
            simulators=simulators,
            netlists=netlists,
            exact_widths=exact_widths,
        )

    @spelled_out(SynthOptions)
    def synthesize(
        self,
        options: SynthOptions | None = None,
        progress: ToolProgress = lambda tool, now: None,
        **keywords: Unpack[SynthKeywords],
    ) -> SynthReport:
        """Resources and clock on a part; logs and results go to ``report/synth/PART/``, and the report reads them.

        Parameters
        ----------
        options : SynthOptions, optional
            All at once; otherwise by name, ``part="ecp5-85"`` at least.
        progress : callable
            Told which tool does what.

        Raises
        ------
        InputError
            The sources are not what ``compile`` wrote, or the design does not fit the part.
        MissingToolError, ToolFailedError
        """
        from .synthesis import synthesize

        asked = options or by_name({"options": SynthOptions}, keywords, "synthesize")["options"]
        self.build.require_unchanged("rtl/*", "hls/*")
        require_this_version(self.folder)
        result = synthesize(self.folder, asked, self.folder / "report" / "synth" / asked.part, progress)
        content = json.dumps(result.to_plain(), indent=2) + "\n"
        self.build.add("report/synth.json", content)
        self.build.add(f"report/synth/{asked.part}/{asked.flow}.json", content)
        return result

    @spelled_out(BitstreamOptions)
    def make_bitstream(
        self,
        options: BitstreamOptions | None = None,
        progress: ToolProgress = lambda tool, now: None,
        **keywords: Unpack[BitstreamKeywords],
    ) -> BitstreamReport:
        """A board's bitstream, in ``bitstream/BOARD/``.

        Parameters
        ----------
        options : BitstreamOptions, optional
            All at once; otherwise by name, ``board="ulx3s-85f"`` at least.
        progress : callable
            Told which tool does what.

        Raises
        ------
        InputError
            The sources are not what ``compile`` wrote, or the design does not fit the board.
        MissingToolError, ToolFailedError, NotReachedError
        """
        from .boards import make_bitstream

        asked = options or by_name({"options": BitstreamOptions}, keywords, "make_bitstream")["options"]
        self.build.require_unchanged("rtl/*")
        require_this_version(self.folder)
        return make_bitstream(self.folder, asked, self.folder / "bitstream" / asked.board, progress)
