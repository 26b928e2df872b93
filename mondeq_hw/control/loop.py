"""Closed loop of a compiled controller: the integers decide, the plant moves, the exact solution is kept beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..base import InputError, new_figure
from ..problem import SATURATE, MonDEQ, Parameters, logits, matrix, numbers, require_shape, whole
from ..program import GoldenModel, SolverProgram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The next state of a plant from its state and input.
Plant = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LinearPlant:
    """``x+ = A x + B u``.

    Parameters
    ----------
    A : ndarray (n, n)
    B : ndarray (n, m)
    """

    A: np.ndarray
    B: np.ndarray

    def __post_init__(self) -> None:
        for name in ("A", "B"):
            object.__setattr__(self, name, matrix(f"the plant's {name}", getattr(self, name)))

    def __call__(self, state: np.ndarray, control: np.ndarray) -> np.ndarray:
        """The next state."""
        sizes = (len(state), len(state)), (len(state), len(control))
        if (self.A.shape, self.B.shape) != sizes:
            raise InputError(
                f"the plant has shapes {self.A.shape} and {self.B.shape}; expected {sizes[0]} and {sizes[1]}, "
                f"for {len(state)} states and {len(control)} controls"
            )
        following: np.ndarray = self.A @ state + self.B @ control
        return following


class Compiled(Protocol):
    """A build folder's program: a ``Project``."""

    @property
    def program(self) -> SolverProgram:
        """What it runs."""


@dataclass(frozen=True, repr=False)
class ClosedLoop:
    """What happened, sample by sample.

    Parameters
    ----------
    words : ndarray of int64 (steps, d)
        Input words that the core got: replayed through C++ or RTL they give the same controls.
    states : ndarray (steps + 1, n)
    parameters : ndarray (steps, d)
        As asked for, before they were rounded to words and kept in their box.
    controls : ndarray (steps, k)
        Applied: the core's outputs.
    exact : ndarray (steps, k)
        Of the float problem at the parameter itself, in its box.
    outside : ndarray of bool (steps,)
        Whether any parameter lay outside its box and was taken at its edge.
    limits : ndarray (2, k)
        Hard bounds of the outputs, infinite where there are none.
    names : Parameters
    """

    words: np.ndarray
    states: np.ndarray
    parameters: np.ndarray
    controls: np.ndarray
    exact: np.ndarray
    outside: np.ndarray
    limits: np.ndarray
    names: Parameters

    def __repr__(self) -> str:
        return (
            f"ClosedLoop: {len(self.controls)} steps of {self.states.shape[1]} states and {self.controls.shape[1]} "
            f"controls\n  controls off by at most {self.largest_error:.4g}; parameters outside their box in "
            f"{self.saturated_samples} steps"
        )

    @property
    def saturated_samples(self) -> int:
        """In how many samples a parameter lay outside its box."""
        return int(self.outside.sum())

    @property
    def largest_error(self) -> float:
        """Largest ``|controls - exact|`` of any output and sample."""
        return float(np.abs(self.controls - self.exact).max())

    def settled(self, samples: int) -> np.ndarray:
        """Largest magnitude of each state (n,) in the last samples: measured on this run, where it ends; no bound.

        Raises
        ------
        InputError
            There are not so many.
        """
        if not 1 <= (whole(samples) or 0) <= len(self.states):
            raise InputError(f"samples is {samples!r}; expected a whole number from 1 to {len(self.states)}")
        return np.asarray(np.abs(self.states[-samples:]).max(axis=0))

    def plot(self, axes: np.ndarray | None = None) -> Figure:
        """States, controls beside the exact ones and their bounds, and the error, over time.

        Parameters
        ----------
        axes : array of three Axes, optional
            Drawn into; a new figure when absent.
        """
        if axes is None:
            axes = new_figure(8, 8).subplots(3, 1, sharex=True)
        if len(axes) != 3:
            raise InputError(f"axes are {len(axes)}; expected three: of states, controls and their error")
        states, controls, error = axes
        measured = np.array_equal(self.parameters, self.states[:-1])
        for index, state in enumerate(self.states.T):
            states.plot(state, label=self.names.inputs[index] if measured else f"state {index}")
        states.set_ylabel("plant state")
        states.legend(loc="upper right", fontsize="small", ncols=2)
        if self.outside.any():
            states.set_title("grey: a parameter outside its box", fontsize="small", loc="left")
        time = np.arange(len(self.controls))
        for index in range(self.controls.shape[1]):
            line = controls.step(time, self.controls[:, index], where="post", label=self.names.outputs[index])[0]
            controls.step(time, self.exact[:, index], where="post", color=line.get_color(), linestyle=":")
            for limit in self.limits[:, index]:
                if np.isfinite(limit):
                    controls.axhline(limit, color=line.get_color(), linestyle="--", linewidth=0.8)
        controls.set_ylabel("control")
        controls.set_title("dotted: exact; dashed: bounds", fontsize="small", loc="left")
        controls.legend(loc="upper right", fontsize="small")
        missed = np.abs(self.controls - self.exact)
        error.semilogy(time, np.where(missed > 0, missed, np.nan), marker=".")  # an exact control has no logarithm
        error.set_ylabel("error of the control")
        error.set_xlabel("sample")
        for moment in np.flatnonzero(self.outside):
            for panel in (states, controls, error):
                panel.axvline(moment, color="0.85", zorder=0)
        figure: Figure = states.figure
        return figure


def simulate(
    project: Compiled | SolverProgram,
    problem: MonDEQ,
    plant: Plant,
    start: np.ndarray,
    steps: int,
    *,
    parameter: Callable[[np.ndarray, int], np.ndarray] = lambda state, step: state,
    disturbances: np.ndarray | None = None,
) -> ClosedLoop:
    """Run the golden model of a controller in the loop with a plant.

    Parameters
    ----------
    project : Project or SolverProgram
        What ``compile`` returned, or its program.
    problem : MonDEQ
        What it was compiled from; gives the parameters' box and the exact solution.
    plant : callable
        ``(state, control) -> next state``; :class:`LinearPlant` for a linear one.
    start : ndarray (n,)
    steps : int
    parameter : callable
        ``(state, step) -> theta``; the state itself when absent.
    disturbances : ndarray (steps, n), optional
        Added to each next state.

    Raises
    ------
    InputError
        A size does not fit, the problem is another than was compiled, or the state is no longer finite.  What plant or
        parameter raise themselves is raised as it is.
    """
    program = _program(project, problem)
    golden, inputs = GoldenModel(program), problem.input_map.words
    for name, called in (("plant", plant), ("parameter", parameter)):
        if not callable(called):
            raise InputError(
                f"{name} is a {type(called).__name__}; expected a function, or LinearPlant(A, B) for a plant"
            )
    count = whole(steps)
    if count is None or count < 1:
        raise InputError(f"steps is {steps!r}; expected a whole number, at least 1")
    state = numbers("start", start, 1)
    pushes = np.zeros((count, len(state))) if disturbances is None else numbers("disturbances", disturbances, 2)
    require_shape("disturbances", pushes, (count, len(state)), f", for {count} steps and {len(state)} states")
    states, parameters, words, controls = [state], [], [], []
    for step in range(count):
        # Copies: what is a function of the user's may change what it gets, and what it gave before.
        theta = numbers(f"the parameter at step {step}", parameter(state.copy(), step), 1)
        why = (
            "" if len(theta) == program.d else f": one for each of {', '.join(_names(problem).inputs)}; see parameter="
        )
        require_shape(f"the parameter at step {step}", theta, (program.d,), why)
        raw = inputs.raw(theta[None], SATURATE).raw
        control, word = golden.predict(raw)[0], golden.words(raw)
        golden = golden.after(word)
        following = numbers(f"after step {step} the plant's state", plant(state.copy(), control.copy()), 1)
        require_shape(f"after step {step} the plant's state", following, state.shape, ", as it began")
        state = following + pushes[step]
        parameters.append(theta)
        words.append(word[0])
        controls.append(control)
        states.append(state)
    asked = np.array(parameters)
    inside = inputs.within(asked)
    return ClosedLoop(
        words=np.array(words),
        states=np.array(states),
        parameters=asked,
        controls=np.array(controls),
        exact=logits(problem, inputs.unrounded(inside)),
        outside=(inside != asked).any(axis=1),
        limits=_limits(problem),
        names=_names(problem),
    )


def _program(project: Compiled | SolverProgram, problem: MonDEQ) -> SolverProgram:
    """The program, where the problem is its own as far as that can be seen."""
    program = getattr(project, "program", project)
    if not isinstance(program, SolverProgram) or not isinstance(problem, MonDEQ):
        raise InputError(
            f"project is a {type(project).__name__}, problem a {type(problem).__name__}; expected what compile "
            "returned, and the MonDEQ that it was given"
        )
    certificate = getattr(project, "certificate", None)
    if (problem.d, problem.k, problem.n) != (program.d, program.k, program.n) or (
        certificate is not None and certificate.model_digest != problem.digest()
    ):
        raise InputError("problem is another than the one that was compiled; give that")
    return program


def _names(problem: MonDEQ) -> Parameters:
    return problem.parameters or Parameters.named(None, problem.d, None, problem.k)


def _limits(problem: MonDEQ) -> np.ndarray:
    """Bounds (2, k) of the outputs that show one clipped row and nothing else; infinite of the others."""
    limits = np.array([[-np.inf], [np.inf]]).repeat(problem.k, axis=1)
    clip = problem.prox
    for index, row in enumerate(problem.O):
        shown = np.flatnonzero(row)
        direct = problem.F is not None and problem.F[index].any()
        if len(shown) == 1 and not direct and not clip.complement[shown[0]]:
            ends = row[shown[0]] * np.array([clip.lower[shown[0]], clip.upper[shown[0]]]) + problem.c[index]
            limits[:, index] = np.sort(ends)
    return limits
