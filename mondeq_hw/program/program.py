"""``SolverProgram``: integers and formats, nothing else.

The only thing that the golden model and every emitter read.  It is enough on
its own to rebuild every output, and it derives (never guesses) the widths in
which no accumulator can wrap.  A program is a series of stages, today exactly
one, and a readout of the last one's equilibrium ``z`` and, with a feed-through, of
the input words ``x`` themselves (``>>r`` is round half up)::

    u_k = (sum_j feedthrough[k,j] x_j << drive_left_shift) >>r feedthrough_right_shift_k
    y_k = ((sum_i readout[k,i] z_i + u_k) << readout_left_shift_k) + readout_bias_k

``u_k`` is rounded once, to the grid of its row's sums, as the drive is to the grid
of the state's.  The state that a program may carry is stated in
:mod:`mondeq_hw.program.carried`, a warm start in :mod:`mondeq_hw.program.warm_start`, and
what a stage computes in :mod:`mondeq_hw.program.stage`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..base import (
    Clip,
    DenseOperator,
    FixedPointFormat,
    InputError,
    WordRange,
    as_lists,
    canonical_digest,
    signed_width,
    spans,
)
from ..problem import Splitting
from . import serial
from .carried import CarriedWords
from .injection import Injection
from .naming import check_name
from .stage import Stage, check_operator, check_vector
from .warm_start import WarmStart

_STAGE_FIELDS = frozenset(field.name for field in dataclasses.fields(Stage))


def convergence_in_words(certified: bool) -> str:
    """What short descriptions say of a program."""
    return "proved to converge" if certified else "NOT CERTIFIED"


@dataclass(frozen=True, repr=False)
class SolverProgram:
    """See the module's text.

    Parameters
    ----------
    name : str
        Used for titles and as the prefix of emitted modules; see :mod:`.naming`.
    stages : tuple of Stage
        One.
    readout : DenseOperator (k, n)
    readout_bias : ndarray of int64 (k,)
        On the common output grid.
    certified : bool
        Whether a contraction proof exists; every output carries the mark.
    feedthrough : DenseOperator (k, d), optional
        In words of the drive's length; none where no output takes the input directly.
    carried : CarriedWords, optional
        A state that is carried from sample to sample; its words are the last columns of drive and feed-through, and
        come of the last rows of readout and feed-through.
    warm : WarmStart, optional
        Of a program whose samples begin at the state that the one before left; not beside a carried state.
    """

    name: str
    stages: tuple[Stage, ...]
    readout: DenseOperator
    readout_bias: np.ndarray
    certified: bool
    feedthrough: DenseOperator | None = None
    carried: CarriedWords | None = None
    warm: WarmStart | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.stages) != 1:
            raise InputError(f"program: has {len(self.stages)} stages; expected one, which is what this version runs")
        check_operator("readout", self.readout, (len(self.readout.shifts), self.n))
        check_vector("readout_bias", self.readout_bias, self.rows)
        if self.carried is not None:
            self._check_carried(self.carried)
        if self.warm is not None:
            if self.carried is not None:
                raise InputError(
                    "program: carries a state, whose rate of change nobody declares, and has a warm start; expected "
                    "one of them"
                )
            self.warm.check(self.d, self.iterations)
        if self.feedthrough is not None:
            check_operator("feedthrough", self.feedthrough, (self.rows, self.columns))
            if self.feedthrough.word_length != self.drive.word_length:
                raise InputError(
                    f"program: the feed-through has words of {self.feedthrough.word_length} bits; expected "
                    f"{self.drive.word_length}, the drive's"
                )
            if self.feedthrough_right_shift.min() < 0:
                raise InputError(
                    "program: the feed-through's grid is coarser than the readout's; raise drive_left_shift"
                )

    def _check_carried(self, carried: CarriedWords) -> None:
        if self.feedthrough is None or min(self.d, self.k) < 1:
            raise InputError("program: carries a state; expected a feed-through, and inputs and outputs beside it")
        carried.check(self.input_format)
        if self.carried_shift < 0:
            raise InputError(
                "program: the outputs' grid is coarser than the carried state's; raise the readout's shifts"
            )

    def __repr__(self) -> str:
        return f"SolverProgram {self.in_words()}"

    def in_words(self) -> str:
        """Name, verdict, sizes and word lengths, in three lines."""
        verdict = convergence_in_words(self.certified)
        return (
            f"{self.name}, {verdict}\n"
            f"  {self.d} inputs, {self.n} states, {self.k} outputs; {self.solver}, at most "
            f"{self.iterations} iterations\n"
            f"  bits: iteration {self.matrix.word_length}, drive {self.drive.word_length}, readout "
            f"{self.readout.word_length}, state {self.state_format.word_length}, input {self.input_format.word_length}"
        )

    @property
    def memoryless(self) -> SolverProgram:
        """What the first sample does: carried words are inputs and outputs like others, and no sample is before it."""
        return self.replace(carried=None, warm=None)

    @property
    def starting_anew(self) -> SolverProgram:
        """The same with every sample like the first, without a warm start."""
        return self.replace(warm=None)

    @property
    def is_sequential(self) -> bool:
        """Whether what a sample gives depends on those before it."""
        return self.carried is not None or self.warm is not None

    @property
    def usual_iterations(self) -> int:
        """Updates at most of a sample that is not the first."""
        return self.iterations if self.warm is None else self.warm.iterations

    @property
    def first_warm_update(self) -> int:
        """Number of the update with which a warm start begins, so that the last one has that of all samples."""
        return self.iterations - self.usual_iterations + 1

    def replace(self, **changes: Any) -> SolverProgram:
        """The same program with other fields, its stage's among them."""
        of_stage = {name: changes.pop(name) for name in list(changes) if name in _STAGE_FIELDS}
        stages = (dataclasses.replace(self.stage, **of_stage),) if of_stage else self.stages
        return dataclasses.replace(self, **{"stages": stages, **changes})

    # -- the stage -----------------------------------------------------------

    @property
    def stage(self) -> Stage:
        """The only stage."""
        return self.stages[0]

    @property
    def n(self) -> int:
        """State dimension."""
        return self.stage.n

    @property
    def d(self) -> int:
        """Input words per sample, carried ones not counted."""
        return self.columns - self.carried_words

    @property
    def k(self) -> int:
        """Outputs per sample, carried words not counted."""
        return self.rows - self.carried_words

    @property
    def columns(self) -> int:
        """Of drive and feed-through: input words and carried ones."""
        return self.stage.d

    @property
    def rows(self) -> int:
        """Of readout and feed-through: outputs and carried words."""
        return self.readout.shape[0]

    @property
    def carried_words(self) -> int:
        """0 where no state is carried."""
        return 0 if self.carried is None else self.carried.size

    @property
    def carried_shift(self) -> int:
        """Rounding shift from the common output grid to that of the input's words."""
        return self.output_fractional_bits - self.input_format.fractional_bits

    @property
    def solver(self) -> str:
        """Name of the stage's splitting."""
        return self.stage.solver

    @property
    def splitting(self) -> Splitting:
        """Of which the stage is the recurrence."""
        return self.stage.splitting

    @property
    def clip(self) -> Clip:
        """Of the state's rows, in words of the state."""
        return self.stage.clip

    @property
    def input_format(self) -> FixedPointFormat:
        """Of an input word."""
        return self.stage.input_format

    @property
    def state_format(self) -> FixedPointFormat:
        """Of a state word."""
        return self.stage.state_format

    @property
    def drive(self) -> DenseOperator:
        """(n, d)."""
        return self.stage.drive

    @property
    def drive_bias(self) -> np.ndarray:
        """(n,)."""
        return self.stage.drive_bias

    @property
    def drive_left_shift(self) -> int:
        """Of the drive's sums."""
        return self.stage.drive_left_shift

    @property
    def drive_fractional_bits(self) -> np.ndarray:
        """Of the drive accumulator's rows (n,)."""
        return self.stage.drive_fractional_bits

    @property
    def drive_right_shift(self) -> np.ndarray:
        """Rounding shift (n,) to the state accumulator's grid."""
        return self.stage.drive_right_shift

    @property
    def matrix(self) -> DenseOperator:
        """(n, n), without the leak."""
        return self.stage.matrix

    @property
    def leak_shift(self) -> int:
        """``a``; 0 means no leak."""
        return self.stage.leak_shift

    @property
    def leak(self) -> np.ndarray:
        """Integer diagonal (n,)."""
        return self.stage.leak

    @property
    def iterations(self) -> int:
        """Updates after the start, at most."""
        return self.stage.iterations

    @cached_property
    def direct(self) -> Injection | None:
        """How a feed-through's ``u`` is made of the input words."""
        if self.feedthrough is None:
            return None
        none, left = np.zeros(self.rows, dtype=np.int64), self.drive_left_shift
        return Injection(self.feedthrough, none, left, self.feedthrough_right_shift, self.input_format)

    @cached_property
    def injection(self) -> Injection:
        """How drive and feed-through are made of the input words: the rows of both."""
        drive = self.stage.injection
        return drive if self.direct is None else drive.over(self.direct)

    @property
    def drive_sum_bound(self) -> int:
        """See :class:`Injection`."""
        return self.injection.sum_bound

    @property
    def drive_accumulator_bound(self) -> int:
        """See :class:`Injection`."""
        return self.injection.accumulator_bound

    @property
    def drive_accumulator_bits(self) -> int:
        """See :class:`Injection`."""
        return self.injection.accumulator_bits

    @property
    def drive_bits(self) -> int:
        """Width of a word handed from the drive engine to the others."""
        return self.injection.bits

    @property
    def accumulator_spans(self) -> list[tuple[int, int]]:
        """See :class:`Stage`."""
        return self.stage.accumulator_spans

    @property
    def accumulator_range(self) -> tuple[int, int]:
        """See :class:`Stage`."""
        return self.stage.accumulator_range

    @property
    def accumulator_bound(self) -> int:
        """See :class:`Stage`."""
        return self.stage.accumulator_bound

    @property
    def accumulator_bits(self) -> int:
        """See :class:`Stage`."""
        return self.stage.accumulator_bits

    @property
    def phi_range(self) -> WordRange:
        """See :class:`Stage`."""
        return self.stage.phi_range

    @property
    def prox_range(self) -> WordRange:
        """See :class:`Stage`."""
        return self.stage.prox_range

    def phi(self, state: np.ndarray) -> np.ndarray:
        """The iterated operator of state words (.., n)."""
        return self.stage.phi(state)

    def prox(self, state: np.ndarray) -> np.ndarray:
        """Equilibrium words of state words (.., n)."""
        return self.stage.prox(state)

    # -- the readout ---------------------------------------------------------

    @cached_property
    def readout_left_shift(self) -> np.ndarray:
        """Alignment (k,) of every output row to the common (finest) grid."""
        return self.readout.shifts.max() - self.readout.shifts

    @property
    def feedthrough_right_shift(self) -> np.ndarray:
        """Rounding shift (k,) from the grid of the feed-through's sums to that of the readout's; empty without one."""
        if self.feedthrough is None:
            return np.zeros(0, dtype=np.int64)
        fine = self.feedthrough.shifts + self.input_format.fractional_bits + self.drive_left_shift
        return fine - (self.state_format.fractional_bits + self.readout.shifts)

    @property
    def feedthrough_bound(self) -> list[int]:
        """Largest ``|u_k|`` over every input, per output."""
        return [0] * self.rows if self.direct is None else self.direct.bound

    @property
    def output_fractional_bits(self) -> int:
        """Fractional bits of the common output grid."""
        return int(self.readout.shifts.max()) + self.state_format.fractional_bits

    @cached_property
    def output_bound(self) -> int:
        """Bound on the magnitude of every partial sum of a ``y_k``."""
        top = self.state_format.max_word
        rows = zip(
            self.readout.absolute_row_sums(),
            self.feedthrough_bound,
            self.readout_left_shift.tolist(),
            self.readout_bias.tolist(),
            strict=True,
        )
        return max(((total * top + direct) << left) + abs(bias) for total, direct, left, bias in rows)

    @cached_property
    def output_range(self) -> tuple[int, int]:
        """Exact interval of the output words over every input and every state."""
        sums = spans(self.readout.matrix(np.int64), self.stage.spans_over_states(self.prox))
        direct = [(0, 0)] * self.k if self.direct is None else self.direct.words
        rows = list(zip(sums, direct, self.readout_left_shift.tolist(), self.readout_bias.tolist(), strict=True))
        lowest = min(((low + least) << left) + bias for (low, _), (least, _), left, bias in rows)
        return lowest, max(((high + most) << left) + bias for (_, high), (_, most), left, bias in rows)

    @property
    def output_bits(self) -> int:
        """Width of an output word ``y_k``."""
        return signed_width(*self.output_range)

    # -- serialisation -------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """The whole program as JSON-ready integers and strings."""
        plain: dict[str, Any] = as_lists(self.to_arrays())
        return plain

    def to_arrays(self) -> dict[str, Any]:
        """The same with arrays in the place of lists of integers (the certificate embeds it)."""
        return serial.to_plain(
            self.name,
            self.stages,
            self.readout,
            self.readout_bias,
            self.certified,
            self.feedthrough,
            self.carried,
            self.warm,
        )

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> SolverProgram:
        """The inverse of :meth:`to_plain`; reads older versions too.

        Raises
        ------
        KeyError, TypeError, ValueError, InputError
            An entry is missing, of another type, or breaks the contract.
        """
        return SolverProgram(**serial.from_plain(plain))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of :meth:`to_plain`."""
        return canonical_digest(self.to_arrays())

    def save(self, folder: Path) -> None:
        """Write ``program.json`` (scalars, formats, digest) and ``program.npz`` (integers)."""
        serial.write(self.to_arrays(), self.digest, folder)

    @staticmethod
    def load(folder: Path) -> SolverProgram:
        """Read what :meth:`save` wrote, in this version or an older one.

        Raises
        ------
        InputError
            When a file is missing, unreadable, of another version, or its
            digest does not match its integers.
        """
        try:
            return SolverProgram.from_plain(serial.read(folder))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}: program.json/.npz is incomplete ({error!r}); compile again") from None
