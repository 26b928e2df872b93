"""A finished build folder: what stands in it, and whether it is still what ``compile`` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..base import InputError, replacing
from ..problem import InputWords, KeptInputs, Parameters, Preprocessing, Task, find_task
from ..program import SolverProgram
from ..proof import Certificate
from .manifest import ADDED_LATER, CERTIFICATE, PROGRAM, RESOLVED, file_digest, read_manifest

Resolved = TypeVar("Resolved")


@dataclass(frozen=True, repr=False)
class Build:
    """A build folder.

    Parameters
    ----------
    folder : Path
    program : SolverProgram
    """

    folder: Path
    program: SolverProgram

    def __repr__(self) -> str:
        return f"Build({str(self.folder)!r}): {self.program.in_words()}"

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Build:
        """Open a folder that ``compile`` wrote.

        Raises
        ------
        InputError
            When it is none, or its program is damaged or not the one that was compiled.
        """
        path = Path(folder)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder; expected one written by 'mondeq-hw compile'")
        build = Build(path, SolverProgram.load(path))
        build.require_unchanged(*PROGRAM)
        return build

    @cached_property
    def certificate(self) -> Certificate:
        """``certificate.json``, as it stands there."""
        return Certificate.load(self.folder / CERTIFICATE)

    @property
    def stimulus(self) -> np.ndarray:
        """Input words (samples, d) in ``sim/``: test samples, or noise where there are none."""
        return self._array("sim/words.npy")

    @property
    def targets(self) -> np.ndarray | None:
        """Targets of :attr:`stimulus`, as its task has them; None where it is noise."""
        name = "sim/targets.npy"
        return self._array(name) if (self.folder / name).exists() else None

    @cached_property
    def task(self) -> Task:
        """What the outputs stand for."""
        return self._resolved(lambda plain: find_task(plain["resolved"]["task"]))

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How the user's values become words and the network's inputs."""
        return self._resolved(lambda plain: Preprocessing.from_plain(plain["model"]["preprocessing"]))

    @cached_property
    def parameters(self) -> Parameters | None:
        """Names of a parametric problem; None of a network, and of a folder with nothing but a program."""
        if not (self.folder / RESOLVED).exists():
            return None

        def read(plain: Any) -> Parameters | None:
            named = plain["model"]["parameters"]
            return None if named is None else Parameters.from_plain(named, self.program.d, self.program.k)

        return self._resolved(read)

    @property
    def requested(self) -> dict[str, Any]:
        """The options of the compilation as they were asked for."""
        return self._resolved(lambda plain: dict(plain["requested"]))

    @property
    def kept(self) -> KeptInputs | None:
        """Which values of a sample are the inputs; None where all, as of a program alone."""
        return self.preprocessing.kept if (self.folder / RESOLVED).exists() else None

    @property
    def input_words(self) -> InputWords:
        """Which values the inputs take; of a program alone, those of its format."""
        if not (self.folder / RESOLVED).exists():
            return InputWords.kept(self.program.input_format)
        return self.preprocessing.words

    def _resolved(self, read: Callable[[Any], Resolved]) -> Resolved:
        file = self.folder / RESOLVED
        try:
            return read(json.loads(file.read_text()))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: cannot be read ({error!r}); compile again") from None

    def _array(self, name: str) -> np.ndarray:
        file = self.folder / name
        try:
            return np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{file}: cannot be read ({error}); compile again") from None

    def changed_files(self, *under: str) -> tuple[str, ...]:
        """Files that differ from what ``compile`` wrote, or are gone; a report that was written again is none.

        Parameters
        ----------
        *under : str
            Look only at files of these patterns (``rtl/*``, which has folders within too).
        """
        return tuple(
            name
            for name, digest in read_manifest(self.folder).items()
            if any(fnmatch(name, pattern) for pattern in under or ("*",))
            and name not in ADDED_LATER
            and file_digest(self.folder / name) != digest
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
        """Add one of :data:`~mondeq_hw.folder.ADDED_LATER` to the folder, in one step.

        Raises
        ------
        InputError
            The folder cannot be written.
        """
        with replacing(self.folder / name, "make the folder writable") as temporary:
            temporary.write_text(text)
