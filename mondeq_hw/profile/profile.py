"""What the integers of a program do on given inputs: words against their formats, and the way to the equilibrium.

Everything is counted on the words themselves, for each update that the hardware executes (a sample that has left
early counts no further).  The float solver beside them is the same splitting with the same step size, unrounded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import (
    InputError,
    card,
    data_frame,
    exact_dtype,
    inline_svg,
    new_figure,
    power_of_two,
    root_figure,
    round_shift,
    save_figure,
)
from ..problem import Comparison, Task
from ..program import SolverProgram, Trace
from ..proof import accumulator_ranges
from .record import ByUpdate, Convergence, Quantity
from .traces import FloatSolver, trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

#: Samples at a time: the states of all updates are held together.
BATCH = 128


@dataclass(frozen=True, repr=False)
class Profile:
    """See the module's text.

    Parameters
    ----------
    name : str
        Of the program.
    samples : int
    quantities : tuple of Quantity
    saturations_by_row : tuple of int (n,)
        The state's, row by row.
    iterations : tuple of int
        ``iterations[i]`` samples executed ``i`` updates.
    convergence : Convergence or None
        None where the float network is not known.
    comparison : Comparison or None
        Integers and float network against the targets; None where the one or the other is not known.
    """

    name: str
    samples: int
    quantities: tuple[Quantity, ...]
    saturations_by_row: tuple[int, ...]
    iterations: tuple[int, ...]
    convergence: Convergence | None
    comparison: Comparison | None

    def quantity(self, name: str) -> Quantity:
        """One of the quantities by its name."""
        return next(quantity for quantity in self.quantities if quantity.name == name)

    def to_plain(self) -> dict[str, Any]:
        """JSON-ready record."""
        return asdict(self)

    def table(self) -> str:
        """The quantities as text, a line each; ``unused``: leading bits that no word seen has needed."""
        rows = self._rows
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    @property
    def _rows(self) -> list[tuple[str, ...]]:
        header = ("quantity", "bits", "proved", "seen", "unused", "clipped")
        return [header, *(_cells(quantity) for quantity in self.quantities)]

    def to_frame(self) -> DataFrame:
        """A row a quantity: its format, what it holds, what is proved and seen, and how many words clipped.

        Raises
        ------
        MissingToolError
            pandas is not installed.
        """
        names = [name for name in vars(self.quantities[0]) if name != "magnitudes"]
        return data_frame({name: [getattr(each, name) for each in self.quantities] for name in names})

    def plot(self, file: str | os.PathLike[str] | None = None, *, axis: Axes | None = None) -> Figure:
        """Draw ranges and convergence (:mod:`mondeq_hw.profile.plot`).

        Parameters
        ----------
        file : path, optional
            Written, in the format of its suffix.
        axis : Axes, optional
            The ranges are drawn into it, and nothing else; :meth:`plot_convergence` draws the rest.

        Raises
        ------
        InputError
            The file cannot be written, or its suffix names no picture.
        """
        from .plot import draw_ranges, figure_of

        if axis is None:
            figure = figure_of(f"{self.name}: {self.samples} samples", self.quantities, self.convergence)
        else:
            draw_ranges(axis, self.quantities)
            figure = root_figure(axis)
        if file is not None:
            save_figure(figure, file)
        return figure

    def plot_convergence(self, axis: Axes | None = None) -> Figure:
        """Draw residuals and distances by update, beside the float network's.

        Raises
        ------
        InputError
            The float network is not known.
        """
        from .plot import draw_convergence

        if self.convergence is None:
            raise InputError("the profile has no float solver: the network is not known; profile with model=...")
        axis = new_figure(10, 3.6).subplots() if axis is None else axis
        draw_convergence(axis, self.convergence)
        return root_figure(axis)

    def __repr__(self) -> str:
        return f"Profile of {self.name}: {self.samples} samples\n  {self._summary}"

    @property
    def _summary(self) -> str:
        clipped = {each.name: each.saturations for each in self.quantities if each.saturations}
        said = "; ".join(f"{count:,} words of {name} clipped" for name, count in clipped.items()) or "nothing clipped"
        if self.convergence is None:
            return said
        away = self.convergence.equilibrium_distance
        return (
            f"{said}; {away.mean[-1]:.4g} from the float network's equilibrium on average, {away.largest[-1]:.4g} at "
            f"most; {self.convergence.outputs.in_words()}"
        )

    def _repr_html_(self) -> str:
        return card(
            "profile_card.html.j2",
            name=self.name,
            samples=self.samples,
            summary=self._summary,
            rows=self._rows,
            picture=inline_svg(self.plot()),
        )


def _cells(quantity: Quantity) -> tuple[str, ...]:
    return (
        quantity.name,
        str(quantity.bits),
        f"{quantity.proved_low}..{quantity.proved_high}",
        f"{quantity.low}..{quantity.high}",
        str(quantity.unused_bits),
        "cannot" if quantity.saturations is None else str(quantity.saturations),
    )


def profile(
    program: SolverProgram,
    words: np.ndarray,
    clipped_inputs: int,
    solver: FloatSolver | None,
    task: Task,
    targets: np.ndarray | None = None,
) -> Profile:
    """Run samples through the program and count.

    Parameters
    ----------
    program : SolverProgram
    words : ndarray of int (samples, d)
        Input words.
    clipped_inputs : int
        How many of them the input format has clipped.
    solver : FloatSolver or None
    task : Task
        Of the network.
    targets : ndarray, optional
        Of the samples, in the type of the task.
    """
    if len(words) == 0:
        raise InputError("there is no sample to profile; expected inputs of shape (samples, d), at least one")
    formats = _formats(program, task)
    batches = [_batch(program, formats, words[i : i + BATCH], solver) for i in range(0, len(words), BATCH)]
    saturations = np.sum([batch.saturations_by_row for batch in batches], axis=0)
    executed = np.concatenate([batch.iterations for batch in batches])
    clipped = {"input": clipped_inputs, "state": int(saturations.sum())}
    quantities = []
    for name, kind in formats.items():
        tallies = [batch.tallies[name] for batch in batches]
        quantities.append(
            replace(
                kind,
                low=min(tally.low for tally in tallies),
                high=max(tally.high for tally in tallies),
                magnitudes=tuple(np.sum([tally.magnitudes for tally in tallies], axis=0).tolist()),
                saturations=clipped.get(name),
            )
        )
    paths = [batch.paths for batch in batches if batch.paths]
    return Profile(
        name=program.name,
        samples=len(words),
        quantities=tuple(quantities),
        saturations_by_row=tuple(saturations.tolist()),
        iterations=tuple(np.bincount(executed, minlength=program.iterations + 1).tolist()),
        convergence=None if solver is None else _convergence(paths, task),
        comparison=None if solver is None or targets is None else task.compare(*_outputs(paths), targets),
    )


@dataclass(frozen=True)
class _Tally:
    """What is counted of some words."""

    low: int
    high: int
    magnitudes: np.ndarray


@dataclass(frozen=True)
class _Paths:
    """Lengths (updates, samples) of a batch, and the outputs (samples, k) of integers and float network."""

    residual: np.ndarray
    float_residual: np.ndarray
    distance: np.ndarray
    equilibrium_distance: np.ndarray
    outputs: np.ndarray
    float_outputs: np.ndarray


@dataclass(frozen=True)
class _Batch:
    """A few samples, counted."""

    tallies: dict[str, _Tally]
    saturations_by_row: np.ndarray
    iterations: np.ndarray
    paths: _Paths | None


def _batch(
    program: SolverProgram, formats: dict[str, Quantity], words: np.ndarray, solver: FloatSolver | None
) -> _Batch:
    seen = trace(program, words, solver)
    executed = np.arange(program.iterations + 1)[:, None] <= seen.iterations
    accumulators = _accumulators(program, seen)
    sums = np.concatenate([seen.drive[None].astype(accumulators.dtype), accumulators])
    rounded = round_shift(sums, program.matrix.shifts)
    beyond = (np.abs(rounded) > program.state_format.max_word) & executed[:, :, None]
    paths = None
    if seen.floating is not None:
        paths = _Paths(
            residual=seen.residuals,
            float_residual=seen.float_residuals,
            distance=seen.distances,
            equilibrium_distance=seen.equilibrium_distances,
            outputs=np.ldexp(seen.outputs.astype(np.float64), -program.output_fractional_bits),
            float_outputs=seen.floating.outputs,
        )
    values = {
        "input": words,
        "drive accumulator": _drive_accumulators(program, words),
        "drive": seen.drive,
        "state accumulator": accumulators[executed[1:]],
        "state": seen.states[executed],
        tuple(formats)[-1]: seen.outputs,
    }
    sizes = {name: 1 + max(-kind.lowest_word, kind.highest_word).bit_length() for name, kind in formats.items()}
    tallies = {name: _tally(array, sizes[name]) for name, array in values.items()}
    return _Batch(tallies, beyond.sum(axis=(0, 1)), seen.iterations, paths)


def _drive_accumulators(program: SolverProgram, words: np.ndarray) -> np.ndarray:
    """The sums of drive and feed-through (samples, n + k) before they are rounded."""
    injection, dtype = program.injection, _integer_type(program.drive_accumulator_bound)
    sums = injection.operator.apply(words.astype(dtype))
    return sums * power_of_two(injection.left_shift, dtype) + injection.bias.astype(dtype)


def _accumulators(program: SolverProgram, seen: Trace) -> np.ndarray:
    """The state's sums (iterations, samples, n) before they are rounded."""
    dtype = _integer_type(2 * program.accumulator_bound)
    matrix = program.stage.iteration_matrix(dtype)
    return program.phi(seen.states[:-1].astype(dtype)) @ matrix.T + seen.drive.astype(dtype)


def _integer_type(bound: int) -> type:
    """int64, or Python integers where it is too narrow."""
    return object if exact_dtype(bound) is object else np.int64


def _tally(words: np.ndarray, sizes: int) -> _Tally:
    flat = words.ravel()
    if flat.dtype == object:
        lengths = np.array([abs(int(word)).bit_length() for word in flat])
    else:
        lengths = np.searchsorted(2 ** np.arange(63), np.abs(flat), side="right")
    return _Tally(int(flat.min()), int(flat.max()), np.bincount(lengths, minlength=sizes))


def _convergence(batches: Sequence[_Paths], task: Task) -> Convergence:
    def by_update(name: str) -> ByUpdate:
        lengths = np.concatenate([getattr(batch, name) for batch in batches], axis=1)
        return ByUpdate(tuple(lengths.mean(axis=1).tolist()), tuple(lengths.max(axis=1).tolist()))

    names = ("residual", "float_residual", "distance", "equilibrium_distance")
    return Convergence(**{name: by_update(name) for name in names}, outputs=task.agreement(*_outputs(batches)))


def _outputs(batches: Sequence[_Paths]) -> tuple[np.ndarray, np.ndarray]:
    """Of integers and float network, all samples together."""
    integers, floating = (
        np.concatenate([getattr(batch, name) for batch in batches]) for name in ("outputs", "float_outputs")
    )
    return integers, floating


# -- formats -----------------------------------------------------------------


def _formats(program: SolverProgram, task: Task) -> dict[str, Quantity]:
    """Every quantity with its format and its proved range, nothing counted yet."""
    ranges, state, inputs = accumulator_ranges(program), program.state_format, program.input_format
    rows, integer_bits = "bits, a scale a row", program.output_bits - program.output_fractional_bits
    widths = {
        "drive accumulator": (f"{program.drive_accumulator_bits} {rows}", program.drive_accumulator_bits),
        "drive": (f"{program.drive_bits} {rows}", program.drive_bits),
        "state accumulator": (f"{program.accumulator_bits} {rows}", program.accumulator_bits),
        task.outputs: (f"ap_fixed<{program.output_bits},{integer_bits}>", program.output_bits),
    }
    proved = {**{name.replace("_", " "): bounds for name, bounds in ranges.items()}, task.outputs: ranges["output"]}
    quantities = [_uncounted("input", str(inputs), *[(inputs.min_word, inputs.max_word)] * 2)]
    for name, (text, bits) in widths.items():
        quantities.append(_uncounted(name, text, (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), proved[name]))
    quantities.insert(4, _uncounted("state", str(state), (state.min_word, state.max_word), _reach(program)))
    return {quantity.name: quantity for quantity in quantities}


def _uncounted(name: str, text: str, words: tuple[int, int], proved: tuple[int, int]) -> Quantity:
    return Quantity(name, text, *words, *proved, low=0, high=0, magnitudes=(), saturations=None)


def _reach(program: SolverProgram) -> tuple[int, int]:
    """Smallest and largest word that a row could reach if it were not clipped now."""
    rows = list(zip(program.accumulator_spans, program.matrix.shifts.tolist(), strict=True))
    rounded = [((low + half) >> g, (high + half) >> g) for (low, high), g in rows for half in ((1 << g) >> 1,)]
    return min(low for low, _ in rounded), max(high for _, high in rounded)
