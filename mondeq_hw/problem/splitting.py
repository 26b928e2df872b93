"""The two splittings of the inclusion ``0 in (I - W) z - q + N(z)`` as one recurrence ``s <- M phi(s) + d``.

Everything that depends on which of them it is stands here: how the operator is
folded into ``M`` and ``d`` and found again from them, which operator ``phi``
is iterated, which step sizes are tried, and what a contraction factor implies.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np

from ..base import InputError, Proximal, States, spectral_norm

PEACEMAN_RACHFORD = "peaceman_rachford"
FORWARD_BACKWARD = "forward_backward"

#: Finest step size of forward-backward splitting, ``2^-20``: a finer one would only widen the accumulators.
MOST_LEAK = 20
#: A margin below this share of the Lipschitz constant counts as that share when a step size is chosen.
LEAST_MARGIN = 1e-6
#: Of ``I + M``; a recurrence beyond it stands for no network that floating point could name.
LARGEST_CONDITION = 1e12
#: Relative, of norms of which the order of magnitude is asked.
ROUGHLY = 1e-2
#: Leaks tried beyond the largest stable forward-backward step.
LEAK_SHIFTS_TRIED = 5


class Splitting(ABC):
    """One splitting; ``M`` is the iteration matrix, ``q`` the injection ``U x + b``, ``alpha`` the step size.

    At the equilibrium ``z = prox(s)`` and ``s = (1 - alpha) z + alpha v`` with ``v = W z + q``, for both.
    """

    #: As in options, files and reports.
    name: str
    #: Whether ``phi`` is the reflected operator ``2 prox - id``; otherwise it is ``prox``.
    reflects: bool

    @property
    def title(self) -> str:
        """The name for people, and on the command line."""
        return self.name.replace("_", "-")

    def phi(self, clip: Proximal[States], state: States) -> States:
        """The operator that is iterated, of states (.., n)."""
        return clip.reflection(state) if self.reflects else clip.prox(state)

    @abstractmethod
    def fold(self, W: Any, alpha: float, linear: ModuleType = np) -> tuple[Any, Any, float]:
        """``(matrix, resolvent, scale)`` with ``M = diagonal I + matrix`` and ``d = scale resolvent q``.

        Parameters
        ----------
        W : ndarray or Tensor (n, n)
        alpha : float
        linear : module
            ``numpy`` or ``torch``, whichever ``W`` belongs to.
        """

    @abstractmethod
    def diagonal(self, alpha: float) -> float:
        """What of ``M``'s diagonal is not in the folded matrix."""

    @abstractmethod
    def leak_shift(self, alpha: float) -> int:
        """``a`` of the dyadic diagonal ``1 - 2^-a`` that is not stored; 0 without one.

        Raises
        ------
        InputError
            The step size is none of this splitting's.
        """

    @abstractmethod
    def step_sizes(self, margin: float, lipschitz: float, octaves: Iterable[float]) -> list[float]:
        """Step sizes to try for an operator of this margin and Lipschitz constant, around the best one.

        Parameters
        ----------
        margin, lipschitz : float
        octaves : iterable of float
            Distances from the best one, where the splitting can take any step.
        """

    @abstractmethod
    def best_step(self, margin: float, lipschitz: float) -> float:
        """The best step for the worst operator of this margin and Lipschitz constant."""

    @abstractmethod
    def operator_of(self, matrix: np.ndarray, alpha: float) -> np.ndarray:
        """The ``W`` of which ``matrix`` is folded: the inverse of :meth:`fold`, in floating point.

        Raises
        ------
        InputError
            There is none that floating point could name.
        """

    @abstractmethod
    def injection_of(self, matrix: np.ndarray, alpha: float, drive: np.ndarray) -> np.ndarray:
        """The ``q`` (n, ..) of which ``drive`` (n, ..) is folded, beside ``matrix``."""

    @abstractmethod
    def scaled_fold(self) -> tuple[int, int]:
        """``(c, g)``: with ``A = alpha (I - W)``, ``(I + c A) M = I - A`` and ``(I + c A) d = g alpha q``."""

    @abstractmethod
    def implied_operator(self, factor: Fraction, alpha: Fraction) -> tuple[Fraction, Fraction]:
        """Margin and Lipschitz constant of ``I - W`` where ``M`` contracts by ``factor``, in that norm's product."""


class PeacemanRachford(Splitting):
    """``M = 2 V - I``, ``V = (I + alpha (I - W))^-1``: both resolvents reflected.

    Winston & Kolter 2020, section 3.3; the derivation is in ``docs/mathematics.md``.  Any step converges
    for the exact network, because ``M`` is a contraction (a Cayley transform).
    """

    name = PEACEMAN_RACHFORD
    reflects = True

    def fold(self, W: Any, alpha: float, linear: ModuleType = np) -> tuple[Any, Any, float]:
        """See :meth:`Splitting.fold`."""
        eye = _identity(W, linear)
        V = _inverse(eye + alpha * (eye - W), linear)
        return 2.0 * V - eye, V, 2.0 * alpha

    def diagonal(self, alpha: float) -> float:
        """None stands apart."""
        return 0.0

    def leak_shift(self, alpha: float) -> int:
        """No leak."""
        return 0

    def step_sizes(self, margin: float, lipschitz: float, octaves: Iterable[float]) -> list[float]:
        """Around ``1 / sqrt(m L)``."""
        return [float(self.best_step(margin, lipschitz) * 2.0**octave) for octave in octaves]

    def best_step(self, margin: float, lipschitz: float) -> float:
        """``1 / sqrt(m L)`` (Giselsson & Boyd, arXiv 1407.6723, Proposition 7)."""
        return float(1.0 / np.sqrt(max(margin, LEAST_MARGIN * lipschitz) * lipschitz))

    def operator_of(self, matrix: np.ndarray, alpha: float) -> np.ndarray:
        """``I - (V^-1 - I) / alpha`` with ``V = (I + M) / 2``: by the Cayley transform."""
        eye = np.eye(len(matrix))
        try:
            inverse = np.linalg.inv(eye + matrix)
        except np.linalg.LinAlgError:
            inverse = np.full_like(eye, np.inf)
        if not (np.isfinite(inverse).all() and _condition(eye + matrix, inverse) < LARGEST_CONDITION):
            raise InputError(
                f"an iteration matrix of norm {spectral_norm(matrix):.4g} and I + C nearly singular stand for no "
                "network; expected a norm below 1"
            )
        return eye - (2 * inverse - eye) / alpha

    def injection_of(self, matrix: np.ndarray, alpha: float, drive: np.ndarray) -> np.ndarray:
        """``d = 2 alpha V q``."""
        return np.linalg.solve(2 * alpha * ((np.eye(len(matrix)) + matrix) / 2), drive)

    def scaled_fold(self) -> tuple[int, int]:
        """``(I + A) M = I - A`` and ``(I + A) d = 2 alpha q``."""
        return 1, 2

    def implied_operator(self, factor: Fraction, alpha: Fraction) -> tuple[Fraction, Fraction]:
        """By the Cayley transform."""
        ratio = (1 + factor) / (1 - factor)
        return 1 / (alpha * ratio), ratio / alpha


class ForwardBackward(Splitting):
    """``M = (1 - alpha) I + alpha W``, ``alpha = 2^-a``: the solver of arXiv 2603.10562, section 2.

    The diagonal ``1 - alpha`` is an exact dyadic leak, so ``W`` keeps its whole word length.
    """

    name = FORWARD_BACKWARD
    reflects = False

    def fold(self, W: Any, alpha: float, linear: ModuleType = np) -> tuple[Any, Any, float]:
        """See :meth:`Splitting.fold`."""
        return alpha * W, _identity(W, linear), alpha

    def diagonal(self, alpha: float) -> float:
        """``1 - alpha``."""
        return 1.0 - alpha

    def leak_shift(self, alpha: float) -> int:
        """``a``, for a power of two."""
        shift = -np.log2(alpha)
        if shift != int(shift) or not 0 <= shift <= MOST_LEAK:
            raise InputError(
                f"step size is {alpha:g}; expected a power of two from 2^-{MOST_LEAK} to 1 for forward-backward: "
                f"{2.0 ** -np.clip(round(shift), 0, MOST_LEAK):g} is the nearest"
            )
        return int(shift)

    def step_sizes(self, margin: float, lipschitz: float, octaves: Iterable[float]) -> list[float]:
        """Powers of two from the largest step that converges, ``alpha < 2 m / L^2``, down to the smallest there is.

        ``L`` is a bound for the worst operator: where no step is small enough for that the smallest may still do.
        """
        first = max(0, int(np.floor(-np.log2(2 * max(margin, 1e-9) / lipschitz**2))))
        last = min(first + LEAK_SHIFTS_TRIED - 1, MOST_LEAK)
        return [2.0**-shift for shift in range(min(first, last), last + 1)]

    def best_step(self, margin: float, lipschitz: float) -> float:
        """``m / L^2`` (Ryu & Boyd, "Primer on monotone operator methods", 2016)."""
        return margin / lipschitz**2

    def operator_of(self, matrix: np.ndarray, alpha: float) -> np.ndarray:
        """``matrix / alpha``."""
        return matrix / alpha

    def injection_of(self, matrix: np.ndarray, alpha: float, drive: np.ndarray) -> np.ndarray:
        """``d = alpha q``."""
        return drive / alpha

    def scaled_fold(self) -> tuple[int, int]:
        """``M = I - A`` and ``d = alpha q``."""
        return 0, 1

    def implied_operator(self, factor: Fraction, alpha: Fraction) -> tuple[Fraction, Fraction]:
        """``I - M = alpha (I - W)``."""
        return (1 - factor) / alpha, (1 + factor) / alpha


SPLITTINGS: dict[str, Splitting] = {splitting.name: splitting for splitting in (PeacemanRachford(), ForwardBackward())}
SOLVERS = tuple(SPLITTINGS)


def find_splitting(name: str) -> Splitting:
    """The splitting of that name.

    Raises
    ------
    InputError
    """
    try:
        return SPLITTINGS[name]
    except (KeyError, TypeError):
        raise InputError(f"solver is {name!r}; expected one of {', '.join(SOLVERS)}") from None


def _condition(matrix: np.ndarray, inverse: np.ndarray) -> float:
    """Its order of magnitude."""
    return spectral_norm(matrix, ROUGHLY) * spectral_norm(inverse, ROUGHLY)


def _inverse(matrix: Any, linear: ModuleType) -> Any:
    if linear is np and matrix.dtype == np.float32:  # NumPy would take float64, and twice as long
        from scipy.linalg import inv  # heavy; a compilation has it already, its threads limited with the others

        return inv(matrix, overwrite_a=True, check_finite=False)
    return linear.linalg.inv(matrix)


def _identity(W: Any, linear: ModuleType) -> Any:
    return linear.eye(len(W), dtype=W.dtype, device=W.device)
