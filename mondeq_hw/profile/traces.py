"""The integers of a program on given inputs, update by update, and beside them the same splitting unrounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import (
    InputError,
    data_frame,
    new_figure,
    root_figure,
)
from ..problem import MonDEQ, Recurrence, logits, outputs_of, preactivation, reformulate, state_of
from ..program import GoldenModel, SolverProgram, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame


@dataclass(frozen=True)
class FloatTrace:
    """The float solver on the same samples.

    Parameters
    ----------
    states : ndarray of float (iterations + 1, samples, n)
        Update for update beside the integers'.
    equilibrium : ndarray of float (samples, n)
        Where they converge to.
    outputs : ndarray of float (samples, k)
        At the equilibrium.
    """

    states: np.ndarray
    equilibrium: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, repr=False)
class ComparedTrace(Trace):
    """The integers of every update, and the float solver beside them.

    Parameters
    ----------
    step : float
        Value of one unit of a state word.
    floating : FloatTrace or None
        None where the float network is not known.
    """

    step: float
    floating: FloatTrace | None

    @property
    def values(self) -> np.ndarray:
        """States (iterations + 1, samples, n) as real numbers."""
        return self.states.astype(np.float64) * self.step

    @property
    def residuals(self) -> np.ndarray:
        """``||s+ - s||_2`` of each update (iterations, samples)."""
        return lengths(np.diff(self.values, axis=0))

    @property
    def float_residuals(self) -> np.ndarray:
        """The same of the float solver."""
        return lengths(np.diff(self._floating.states, axis=0))

    @property
    def distances(self) -> np.ndarray:
        """Integer state from the float state after the same update (iterations + 1, samples)."""
        return lengths(self.values - self._floating.states)

    @property
    def equilibrium_distances(self) -> np.ndarray:
        """Integer state from the float network's equilibrium (iterations + 1, samples)."""
        return lengths(self.values - self._floating.equilibrium)

    def __repr__(self) -> str:
        if self.floating is None:
            return f"{super().__repr__()}\n  the float network is not known"
        away = self.equilibrium_distances[-1]
        return f"{super().__repr__()}\n  at the end {away.max():.4g} at most from the float network's equilibrium"

    def to_frame(self) -> DataFrame:
        """A row a sample and update: whether it was executed, its residual, saturations, and distances where known.

        Raises
        ------
        MissingToolError
            pandas is not installed.
        """
        updates, samples, _ = self.states.shape
        update, sample = (each.ravel() for each in np.indices((updates, samples)))
        first = np.full((1, samples), np.nan)
        columns: dict[str, Any] = {
            "sample": sample,
            "update": update,
            "executed": update <= self.iterations[sample],
            "residual": np.vstack([first, self.residuals]).ravel(),
            "saturations": self.saturations.ravel(),
        }
        if self.floating is not None:
            columns |= {
                "float_residual": np.vstack([first, self.float_residuals]).ravel(),
                "distance": self.distances.ravel(),
                "equilibrium_distance": self.equilibrium_distances.ravel(),
            }
        return data_frame(columns)

    def plot(self, axis: Axes | None = None) -> Figure:
        """Draw the residual of each update, and the distance to the float network's equilibrium where it is known.

        Parameters
        ----------
        axis : Axes, optional
            Drawn into; a new figure when absent.
        """
        from matplotlib.ticker import MaxNLocator

        axis = new_figure(7, 3.5).subplots() if axis is None else axis
        lines = [("change of the integer state", self.residuals, 1)]
        if self.floating is not None:
            lines.append(("integer state from the float equilibrium", self.equilibrium_distances, 0))
        for color, (label, lengths, start) in enumerate(lines):
            shown = np.where(lengths > 0, lengths, np.nan)  # zeros have no logarithm
            updates = np.arange(start, start + len(lengths))
            axis.semilogy(updates, shown, color=f"C{color}", alpha=min(1.0, 3 / lengths.shape[1]), linewidth=0.8)
            mean = np.where(lengths.any(axis=1), lengths.mean(axis=1), np.nan)
            axis.semilogy(updates, mean, color=f"C{color}", label=label)
        axis.set(xlabel="update (0: start)", ylabel="Euclidean length")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
        return root_figure(axis)

    @property
    def _floating(self) -> FloatTrace:
        if self.floating is None:
            raise InputError("the trace has no float solver: the network is not known; trace with model=...")
        return self.floating


@dataclass(frozen=True)
class FloatSolver:
    """A float network and the recurrence of which a program stores the integers.

    Parameters
    ----------
    model : MonDEQ
    recurrence : Recurrence
    """

    model: MonDEQ
    recurrence: Recurrence

    @staticmethod
    def of(model: MonDEQ, program: SolverProgram, step_size: float) -> FloatSolver:
        """The program's splitting of the network.

        Raises
        ------
        InputError
            The network has other sizes than the program.
        """
        sizes, expected = (model.n, model.d, model.k), (program.n, program.d, program.k)
        if sizes != expected:
            raise InputError(
                f"{model.source}: has {sizes} states, inputs and outputs, the program {expected}; "
                "give the network that it was compiled from"
            )
        return FloatSolver(model, reformulate(model, program.splitting, step_size))

    def run(self, raw: np.ndarray, iterations: int) -> FloatTrace:
        """Start and updates for raw inputs (samples, d)."""
        recurrence = self.recurrence
        drive = raw @ recurrence.drive.T + recurrence.drive_bias
        states = [drive]
        for _ in range(iterations):
            states.append(recurrence.phi(states[-1]) @ recurrence.iteration_matrix.T + drive)
        v = preactivation(self.model, raw)
        outputs = outputs_of(self.model, self.model.prox.prox(v), raw)
        return FloatTrace(np.stack(states), state_of(self.model.prox, v, recurrence.step_size), outputs)

    def outputs(self, raw: np.ndarray) -> np.ndarray:
        """Outputs (samples, k) at the equilibrium, of raw inputs (samples, d)."""
        return logits(self.model, raw)


def trace(program: SolverProgram, words: np.ndarray, solver: FloatSolver | None) -> ComparedTrace:
    """Every update of every sample, beside the float solver's.

    Parameters
    ----------
    program : SolverProgram
    words : ndarray of int (samples, d)
        Input words.
    solver : FloatSolver or None
    """
    integers = GoldenModel(program).trace(words)
    raw = program.input_format.to_float(words)
    floating = None if solver is None else solver.run(raw, program.iterations)
    return ComparedTrace(**vars(integers), step=program.state_format.step, floating=floating)


def lengths(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)
