"""The network in floating point: what every quantised version is compared with."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from .model import MonDEQ, lipschitz_constant, monotonicity_margin
from .reformulate import folded_input

#: Relative change at which the iteration stops, and the most updates it gets.
TOLERANCE = 1e-9
MAX_ITERATIONS = 20_000
BATCH = 512


@threadpool_limits.wrap(limits=1, user_api="blas")
def preactivation(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """``v = W z + U x + b`` at the equilibrium ``z = relu(v)``, float64.

    Solved by Peaceman-Rachford splitting, which converges for every monotone
    model and any step size; ``1 / sqrt(m L)`` is optimal for the worst
    operator with margin ``m`` and Lipschitz constant ``L`` (Giselsson & Boyd,
    arXiv 1407.6723, Proposition 7).

    Parameters
    ----------
    model : MonDEQ
    words : ndarray (samples, d)
        Raw input words.

    Returns
    -------
    ndarray (samples, n)
    """
    alpha = step_size(model)
    V = np.linalg.inv(np.eye(model.n) + alpha * (np.eye(model.n) - model.W))
    reflected = (2 * V - np.eye(model.n)).T
    U, b = folded_input(model)
    q = np.asarray(words, dtype=np.float64) @ U.T + b
    # Batches stay in the cache, and stop as soon as their own samples have converged.
    states = [_solve(reflected, 2 * alpha * (q[i : i + BATCH] @ V.T)) for i in range(0, len(q), BATCH)]
    z = np.maximum(np.concatenate(states), 0) if states else np.zeros_like(q)
    return z @ model.W.T + q


def logits(model: MonDEQ, words: np.ndarray) -> np.ndarray:
    """``O relu(v) + c`` at the equilibrium, float64 of shape (samples, k)."""
    return np.maximum(preactivation(model, words), 0) @ model.O.T + model.c


def _solve(reflected: np.ndarray, drive: np.ndarray) -> np.ndarray:
    state = drive
    for _ in range(MAX_ITERATIONS):
        updated = np.abs(state) @ reflected + drive
        change, state = np.abs(updated - state).max(), updated
        if change <= TOLERANCE * np.abs(state).max():
            break
    return state


def step_size(model: MonDEQ) -> float:
    """``1 / sqrt(m L)`` from the model's matrix."""
    margin, lipschitz = monotonicity_margin(model.W), lipschitz_constant(model.W)
    return 1.0 / np.sqrt(max(margin, 1e-6 * lipschitz) * lipschitz)


def state_of(preactivation: np.ndarray, alpha: float) -> np.ndarray:
    """State ``s = (1 - alpha) relu(v) + alpha v`` of either splitting at the equilibrium.

    Forward-backward by definition; Peaceman-Rachford because there
    ``s = relu(v) - relu(-s)`` with ``relu(-s) = alpha relu(-v)``.
    """
    return (1 - alpha) * np.maximum(preactivation, 0) + alpha * preactivation
