"""The network in floating point: what every quantised version is compared with."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from ..base import Clip, InputError
from .active_set import solve_active_set
from .model import MonDEQ
from .reformulate import folded_input, outputs_of
from .splitting import PEACEMAN_RACHFORD, SPLITTINGS

#: Largest ``||z - z*||_2`` of a solution, as a share of its largest ``|v|``: what is verified of every sample.
ACCURACY = 1e-6
#: Below this share, times ``1 + L``, a residual is rounding: float64 cannot verify more of a nearly singular network.
ROUNDING = 2.0**-48
#: Relative change at which the iteration stops, and the most updates it gets.
TOLERANCE = 1e-9
LEAST_TOLERANCE = 1e-13
MAX_ITERATIONS = 4_000
BATCH = 512
#: A carried state beyond this has no bound.
DIVERGED = 1e12


class Equilibria:
    """The equilibria of a network in floating point, whatever the injections ``q = U x + b``.

    Solved by Peaceman-Rachford splitting, which converges for every monotone
    model and any step size; ``1 / sqrt(m L)`` is optimal for the worst
    operator with margin ``m`` and Lipschitz constant ``L`` (Giselsson & Boyd,
    arXiv 1407.6723, Proposition 7).  Then every sample's residual is looked at:
    ``||z - z*||_2 <= ||v - W z - q||_2 / m`` (``docs/mathematics.md``, Theorem 6).
    Samples that are not accurate to :data:`ACCURACY` are solved by active sets.
    """

    def __init__(self, model: MonDEQ):
        margin, lipschitz = model.measured_margin, model.measured_lipschitz
        self._model = model
        self._tolerance = max(LEAST_TOLERANCE, min(TOLERANCE, ACCURACY * margin / lipschitz))
        self._allowed = max(ACCURACY * margin, ROUNDING * (1 + lipschitz))
        alpha, self._matrix, self._gain = model.solver
        self._clip = model.prox.at_step(alpha)

    def preactivations(self, q: np.ndarray) -> np.ndarray:
        """``v = W z + q`` (samples, n) at the equilibria ``z = prox(v)``.

        Raises
        ------
        InputError
            A sample's equilibrium was not found.
        """
        model, drive = self._model, q @ self._gain.T
        # Batches stay in the cache, and stop as soon as their own samples have converged.
        batches = [drive[i : i + BATCH] for i in range(0, len(q), BATCH)]
        solved = [_solve(self._clip, self._matrix.T, batch, self._tolerance) for batch in batches]
        if not solved:
            return q
        v: np.ndarray = self._clip.prox(np.concatenate(solved)) @ model.W.T + q
        residual = np.linalg.norm(v - model.prox.prox(v) @ model.W.T - q, axis=1)
        for sample in np.flatnonzero(~(residual <= self._allowed * np.abs(v).max(axis=1))):
            v[sample] = _by_active_set(model, q[sample], v[sample], self._allowed, int(sample))
        return v


@threadpool_limits.wrap(limits=1, user_api="blas")
def preactivation(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """``v = W z + U x + b`` at the equilibrium ``z = prox(v)``, float64; see :class:`Equilibria`.

    Parameters
    ----------
    model : MonDEQ
    words : ndarray (samples, d)
        Raw input words, carried ones among them.

    Returns
    -------
    ndarray (samples, n)

    Raises
    ------
    InputError
        A sample's equilibrium was not found.
    """
    U, b = folded_input(model)
    return Equilibria(model).preactivations(np.asarray(words, dtype=np.float64) @ U.T + b)


def logits(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """Outputs ``O z + F x + c`` at the equilibria, float64 (samples, k); a sequence where a state is carried."""
    if model.carried is not None:
        return sequence(model, words)[1]
    return outputs_of(model, model.prox.prox(preactivation(model, words)), words)


@threadpool_limits.wrap(limits=1, user_api="blas")
def sequence(model: MonDEQ, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a network makes of samples in their order, from its initial state on.

    Parameters
    ----------
    model : MonDEQ
    raw : ndarray (samples, d)
        Raw inputs.

    Returns
    -------
    inputs : ndarray (samples, columns)
        Raw inputs, and the state carried to each.
    outputs : ndarray (samples, k)

    Raises
    ------
    InputError
        The state grows without bound.
    """
    (U, b), solver = folded_input(model), Equilibria(model)
    h = np.zeros(0) if model.carried is None else model.carried.initial
    inputs, outputs = np.zeros((len(raw), model.columns)), np.zeros((len(raw), model.k))
    for index, x in enumerate(np.asarray(raw, dtype=np.float64)):
        inputs[index] = np.append(x, h)
        v = solver.preactivations(inputs[index : index + 1] @ U.T + b)
        y = outputs_of(model, model.prox.prox(v), inputs[index : index + 1])[0]
        outputs[index], h = y[: model.k], y[model.k :]
        if not np.abs(h).max(initial=0.0) < DIVERGED:
            raise InputError(
                f"{model.source}: the carried state grows without bound (sample {index}); it is not stable"
            )
    return inputs, outputs


def _solve(clip: Clip, reflected: np.ndarray, drive: np.ndarray, tolerance: float) -> np.ndarray:
    """States that all stand still, or those after the last update."""
    state = drive
    for _ in range(MAX_ITERATIONS):
        updated = clip.reflection(state) @ reflected + drive
        change, state = np.abs(updated - state).max(axis=1), updated
        if (change <= tolerance * np.abs(state).max()).all():
            break
    return state


def _by_active_set(model: MonDEQ, q: np.ndarray, start: np.ndarray, tolerance: float, sample: int) -> np.ndarray:
    try:
        return solve_active_set(model.W, model.prox, q, start, tolerance)
    except InputError as error:
        raise InputError(f"{model.source}, sample {sample}: {error.in_shell()}") from None


def step_size(model: MonDEQ) -> float:
    """``1 / sqrt(m L)`` from the model's matrix."""
    return SPLITTINGS[PEACEMAN_RACHFORD].best_step(model.measured_margin, model.measured_lipschitz)


def state_of(clip: Clip, preactivation: np.ndarray, alpha: float) -> np.ndarray:
    """State ``s = (1 - alpha) z + alpha v`` of either splitting at the equilibrium ``z = prox(v)``.

    Forward-backward by definition; Peaceman-Rachford because there ``s - z`` is
    ``alpha`` times the normal-cone element ``v - z``.

    Parameters
    ----------
    clip : Clip
        The network's.
    preactivation : ndarray (samples, n)
    alpha : float
    """
    return (1 - alpha) * clip.prox(preactivation) + alpha * preactivation
