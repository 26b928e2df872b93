"""Search of weightings: the diagonal in which a matrix has the smallest spectral norm, and that of its row sums.

``x -> log ||e^X M e^-X||_2`` is convex (Sezginer & Overton, "The largest
singular value of e^X A e^-X is convex on convex sets of commuting matrices",
IEEE TAC 1990).  With ``C = e^(-u/2) e^X M e^-X`` the barrier
``-log det(I - C'C)`` is jointly convex in ``(x, u)`` and finite exactly where
``||e^X M e^-X||^2 < e^u``, so the search is path following: Newton steps on
``t u + barrier`` with growing ``t`` (Boyd & Vandenberghe, "Convex
Optimization", section 11.3).

Everything here is floating point and proves nothing; the proof is
:mod:`mondeq_hw.proof.certify`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigvalsh

#: Weights of the objective against the barrier, per dimension: the last leaves a relative gap of 1e-3 at most.
PATH = (1.0, 8.0, 64.0, 512.0)
#: Most Newton steps on one leg of the path, and the decrement that ends it.
MAX_STEPS = 8
DECREMENT = 0.5
#: Pull of every log-weight to zero, relative to the objective, and the largest log-weight accepted:
#: both keep the weighting finite where the optimum is at infinity (a triangular matrix).
RIDGE = 1e-5
MAX_LOG_WEIGHT = 14.0
#: Steps by which a spectral radius above one is noticed without eigenvalues.
POWER_STEPS = 8
#: Rounds of balancing for the start.
BALANCING_ROUNDS = 30


def best_weighting(M: np.ndarray) -> tuple[float, np.ndarray]:
    """Minimise ``||D M D^-1||_2`` over positive diagonal ``D``.

    Parameters
    ----------
    M : ndarray (n, n)
        Finite real matrix.

    Returns
    -------
    norm : float
        The smallest norm found; never above the plain norm ``||M||_2``.
    d : ndarray (n,)
        Diagonal of ``D``, geometric mean one.
    """
    M = np.asarray(M, dtype=np.float64)
    n = len(M)
    best = (weighted_norm(M, np.zeros(n)), np.zeros(n))
    if n == 1 or best[0] == 0.0:
        return best[0], np.ones(n)
    # Without the scale of M the ridge and the tolerances mean the same for every matrix.
    unit = M / best[0]
    starts = [np.zeros(n), _balance(np.abs(unit), squared=True), _perron(np.abs(unit))]
    norm, x = min(((weighted_norm(unit, x), x) for x in starts), key=lambda pair: pair[0])
    norm, x = _follow_path(unit, norm, x)
    x = x - x.mean()
    candidate = weighted_norm(M, x)
    return (candidate, np.exp(x)) if candidate < best[0] else (best[0], np.ones(n))


def positive_vectors(magnitude: np.ndarray, shares: Iterable[float]) -> list[np.ndarray]:
    """Vectors ``v > 0`` with ``|M| v < rho v``, for values of ``rho`` between the spectral radius of ``|M|`` and one.

    ``v = (rho I - |M|)^-1 1``: positive for every such ``rho``, for reducible matrices too, and the Perron
    vector in the limit of the radius.

    Parameters
    ----------
    magnitude : ndarray (n, n)
        ``|M|``.
    shares : iterable of float
        Where each ``rho`` lies between the two, above 0 and below 1.

    Returns
    -------
    list of ndarray (n,)
        Empty where the radius is not below one.
    """
    n, v = len(magnitude), np.ones(len(magnitude))
    for _ in range(POWER_STEPS):  # min (|M| v)_i / v_i <= radius for every v > 0 (Collatz 1942)
        image = magnitude @ v
        if (image >= v).all():
            return []
        v = image + v
        v /= v.max()
    radius = float(np.abs(np.linalg.eigvals(magnitude)).max())
    if not radius < 1:
        return []
    systems = [(radius + share * (1 - radius)) * np.eye(n) - magnitude for share in shares]
    try:
        vectors = [np.linalg.solve(system, np.ones(n)) for system in systems]
    except LinAlgError:  # a radius that floating point does not tell from one
        return []
    return [v for v in vectors if np.isfinite(v).all() and v.min() > 0]


def weighted_norm(M: np.ndarray, x: np.ndarray) -> float:
    """``||e^X M e^-X||_2`` for ``X = diag(x)``."""
    B = M * np.exp(x[:, None] - x[None, :])
    n = len(B)
    top = eigvalsh(B.T @ B, subset_by_index=[n - 1, n - 1])[0]
    return float(np.sqrt(max(top, 0.0)))


def _follow_path(M: np.ndarray, norm: float, x: np.ndarray) -> tuple[float, np.ndarray]:
    best_norm, best_x = norm, x
    u = 2.0 * np.log(1.2 * norm)
    for weight in PATH:
        for _ in range(MAX_STEPS):
            moved = _newton_step(M, x, u, weight * len(M))
            if moved is None:
                break
            x, u, decrement = moved
            x = x - x.mean()
            if np.abs(x).max() > MAX_LOG_WEIGHT:
                return best_norm, best_x
            norm = weighted_norm(M, x)
            if norm < best_norm:
                best_norm, best_x = norm, x
            if decrement < DECREMENT:
                break
    return best_norm, best_x


def _objective(M: np.ndarray, x: np.ndarray, u: float, t: float) -> float:
    """``t (u + ridge) - log det(I - C'C)``; infinite outside the domain."""
    C = M * np.exp(x[:, None] - x[None, :] - 0.5 * u)
    try:
        factor = np.linalg.cholesky(np.eye(len(C)) - C.T @ C)
    except np.linalg.LinAlgError:
        return np.inf
    return t * (u + 0.5 * RIDGE * float(x @ x)) - 2.0 * float(np.log(np.diag(factor)).sum())


def _newton_step(M: np.ndarray, x: np.ndarray, u: float, t: float) -> tuple[np.ndarray, float, float] | None:
    """One damped Newton step: the new ``x`` and ``u`` and the decrement; None without progress.

    In the coordinates where the current weighting is the identity, ``F = I - C'C`` has the
    derivatives ``2 (e_i e_i' - c_i c_i')`` by ``x_i`` (``c_i`` the rows of ``C``) and ``C'C`` by
    ``u``; with ``P = F^-1``, gradient and Hessian of ``-log det F`` follow in ``O(n^3)``.
    """
    n = len(M)
    C = M * np.exp(x[:, None] - x[None, :] - 0.5 * u)
    try:
        P = cho_solve(cho_factor(np.eye(n) - C.T @ C, lower=True), np.eye(n))
    except LinAlgError:
        return None
    Q = C @ P
    R = Q @ C.T
    diagonal, squares = np.diag(P), (P**2).sum(axis=1)
    traces = 2.0 * (diagonal - np.diag(R))
    gradient = np.append(2.0 - traces + t * RIDGE * x, t - (diagonal.sum() - n))
    hessian = np.empty((n + 1, n + 1))
    cross = Q**2
    hessian[:n, :n] = 4.0 * (P**2 - cross - cross.T + R**2)
    hessian[:n, n] = hessian[n, :n] = 2.0 * (squares - diagonal - cross.sum(axis=1))
    hessian[n, n] = squares.sum() - diagonal.sum()
    hessian[np.arange(n), np.arange(n)] += t * RIDGE - 2.0 * traces
    # One common factor of all weights changes nothing; fixing it makes the Hessian regular.
    hessian[:n, :n] += 1.0 / n
    try:
        step = -cho_solve(cho_factor(hessian), gradient)
    except LinAlgError:
        return None
    slope = float(gradient @ step)
    here = _objective(M, x, u, t)
    length = min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
    for _ in range(25):
        trial_x, trial_u = x + length * step[:n], u + length * float(step[n])
        if _objective(M, trial_x, trial_u, t) <= here + 0.1 * length * slope:
            return trial_x, trial_u, -slope
        length *= 0.5
    return None


def _balance(magnitude: np.ndarray, squared: bool) -> np.ndarray:
    """Osborne's balancing: equal norms of row ``i`` and column ``i`` (1960)."""
    weight = magnitude**2 if squared else magnitude.copy()
    np.fill_diagonal(weight, 0.0)
    x = np.zeros(len(weight))
    power = 0.25 if squared else 0.5
    for _ in range(BALANCING_ROUNDS):
        scaled = weight * np.exp((x[:, None] - x[None, :]) / (0.5 if squared else 1.0))
        rows, columns = scaled.sum(axis=1) + 1e-12, scaled.sum(axis=0) + 1e-12
        x = np.clip(x + 0.5 * power * np.log(columns / rows), -20.0, 20.0)
    return x


def _perron(magnitude: np.ndarray) -> np.ndarray:
    """The optimum for a nonnegative matrix: ``d_i^2`` = left over right Perron vector (Stoer & Witzgall 1962)."""
    shifted = magnitude + 1e-6 * np.eye(len(magnitude)) + 1e-6 * magnitude.max()
    left, right = np.ones(len(shifted)), np.ones(len(shifted))
    for _ in range(100):
        left, right = shifted.T @ left, shifted @ right
        left, right = left / left.max(), right / right.max()
    return 0.5 * (np.log(left) - np.log(right))
