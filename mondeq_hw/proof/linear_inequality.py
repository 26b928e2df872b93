"""A search for multipliers: the smallest ``rho`` at which a linear matrix inequality has a solution, in floating point.

    rho^2 [0 0; 0 L] - K' L K - sum_i t_i S_i  positive definite,    L positive definite, t > 0

For a fixed ``rho`` the largest margin of a normalised solution follows the central path (Boyd & Vandenberghe, "Convex
optimization", section 11.3); bisection finds ``rho``.  It proves nothing and needs to prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: Steps of the bisection, and of Newton's method for one factor.
BISECTIONS = 9
NEWTON_STEPS = 60
#: Growth of the path's parameter, and where it ends.
GROWTH = 4.0
LAST = 1e9
#: Largest squared gain that is tried, and the steps in which the first guess grows or falls.
LARGEST_GAIN, STEP = 1e12, 4.0
#: Largest factor that is tried.
NEARLY_ONE = 0.9999


@dataclass(frozen=True)
class Inequality:
    """The matrices of the unknowns: those of ``L`` for a factor of one, what they subtract, and those of ``t``.

    Parameters
    ----------
    kept, taken : ndarray (forms, size, size)
        ``rho^2 kept - taken`` multiplies an entry of ``L``.
    sectors : ndarray (n, size, size)
    basis : ndarray (forms, m, m)
        Of ``L``.
    """

    kept: np.ndarray
    taken: np.ndarray
    sectors: np.ndarray
    basis: np.ndarray

    @staticmethod
    def of(matrix: np.ndarray, loop: np.ndarray, reflects: bool) -> Inequality:
        """Of ``[M D]`` (n, n + m) and ``K`` (m, n + m)."""
        (n, size), m = matrix.shape, len(loop)
        pairs = [(i, j) for i in range(m) for j in range(i + 1)]
        basis = np.zeros((len(pairs), m, m))
        for index, (i, j) in enumerate(pairs):
            basis[index, i, j] = basis[index, j, i] = 1.0
        kept = np.zeros((len(pairs), size, size))
        kept[:, n : n + m, n : n + m] = basis
        taken = np.einsum("ai,fab,bj->fij", loop, basis, loop, optimize=True)
        sectors = np.zeros((n, size, size))
        for i in range(n):
            if reflects:
                sectors[i] = np.outer(matrix[i], matrix[i])
                sectors[i, i, i] -= 1.0
            else:
                sectors[i, i, :] += matrix[i]
                sectors[i, :, i] += matrix[i]
                sectors[i, i, i] -= 2.0
        return Inequality(kept, taken, sectors, basis)

    def matrices(self, factor: float) -> np.ndarray:
        """Of all unknowns, those of ``L`` first."""
        return np.concatenate([factor**2 * self.kept - self.taken, -self.sectors])

    def solve(self, factor: float) -> np.ndarray | None:
        """Unknowns of a good margin; None where there are none."""
        A, forms = self.matrices(factor), len(self.basis)
        unknowns, size = len(A), A.shape[1]
        trace = np.concatenate([np.einsum("fii->f", self.basis), np.ones(unknowns - forms)])
        m = self.basis.shape[1]
        theta = np.concatenate([(np.einsum("fii->f", self.basis) > 0) / (2 * m), np.full(unknowns - forms, 0.5)])
        theta[forms:] /= max(unknowns - forms, 1)
        Z = np.einsum("k,kij->ij", theta, A)
        t = float(np.linalg.eigvalsh(Z)[0]) - 0.1
        path, best = 10.0, None
        while path < LAST:
            theta, t = self._centre(A, trace, theta, t, path)
            if t > 0:
                best = theta
            if t + (size + m + unknowns) / path < 0:
                return None
            if t > 0 and (size + m + unknowns) / path < 0.5 * t:
                break
            path *= GROWTH
        return best

    def _centre(
        self, A: np.ndarray, trace: np.ndarray, theta: np.ndarray, t: float, path: float
    ) -> tuple[np.ndarray, float]:
        """Newton's method on ``-path t - log det(Z - t I) - log det L - sum log t_i``, the trace held."""
        forms, size = len(self.basis), A.shape[1]
        for _ in range(NEWTON_STEPS):
            inverse = np.linalg.inv(np.einsum("k,kij->ij", theta, A) - t * np.eye(size))
            form_inverse = np.linalg.inv(np.einsum("f,fij->ij", theta[:forms], self.basis))
            YA, LB = inverse @ A, form_inverse @ self.basis
            gradient = np.append(-np.einsum("kii->k", YA), np.trace(inverse) - path)
            gradient[:forms] -= np.einsum("fii->f", LB)
            gradient[forms:-1] -= 1 / theta[forms:]
            hessian = np.zeros((len(theta) + 1,) * 2)
            flat, swapped = YA.reshape(len(A), -1), YA.swapaxes(1, 2).reshape(len(A), -1)
            hessian[:-1, :-1] = flat @ swapped.T
            hessian[:forms, :forms] += LB.reshape(forms, -1) @ LB.swapaxes(1, 2).reshape(forms, -1).T
            hessian[np.arange(forms, len(theta)), np.arange(forms, len(theta))] += 1 / theta[forms:] ** 2
            hessian[:-1, -1] = hessian[-1, :-1] = -np.einsum("kij,ji->k", YA, inverse)
            hessian[-1, -1] = np.einsum("ij,ji->", inverse, inverse)
            held = np.append(trace, 0.0)
            system = np.block([[hessian, held[:, None]], [held[None, :], np.zeros((1, 1))]])
            try:
                step = np.linalg.solve(system, np.append(-gradient, 0.0))[:-1]
            except np.linalg.LinAlgError:
                break
            decrement = float(-gradient @ step)
            if not decrement > 1e-8:
                break
            length = 1.0 / (1.0 + np.sqrt(decrement)) if decrement > 0.25 else 1.0
            while not self._inside(A, theta + length * step[:-1], t + length * step[-1]):
                length /= 2
                if length < 1e-12:
                    return theta, t
            theta, t = theta + length * step[:-1], t + length * float(step[-1])
        return theta, t

    def _inside(self, A: np.ndarray, theta: np.ndarray, t: float) -> bool:
        forms = len(self.basis)
        if not (theta[forms:] > 0).all():
            return False
        try:
            np.linalg.cholesky(np.einsum("k,kij->ij", theta, A) - t * np.eye(A.shape[1]))
            np.linalg.cholesky(np.einsum("f,fij->ij", theta[:forms], self.basis))
        except np.linalg.LinAlgError:
            return False
        return True

    def split(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``L`` and ``t``."""
        forms = len(self.basis)
        return np.einsum("f,fij->ij", theta[:forms], self.basis), theta[forms:]


@dataclass(frozen=True)
class Multipliers:
    """The smallest factor found.

    Parameters
    ----------
    factor : float
    inequality : Inequality
    """

    factor: float
    inequality: Inequality

    def at(self, factor: float) -> tuple[np.ndarray, np.ndarray]:
        """``L`` and ``t`` for a factor that is no smaller."""
        theta = self.inequality.solve(factor)
        assert theta is not None
        return self.inequality.split(theta)


def best_multipliers(matrix: np.ndarray, loop: np.ndarray, reflects: bool) -> Multipliers | None:
    """The smallest factor at which the inequality has a solution, nearly; None where there is none below one.

    Parameters
    ----------
    matrix : ndarray (n, n + m)
        ``[M D]``.
    loop : ndarray (m, n + m)
        ``K``.
    reflects : bool
    """
    inequality = Inequality.of(matrix, loop, reflects)
    if inequality.solve(NEARLY_ONE) is None:
        return None
    low, high = 0.0, NEARLY_ONE
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if inequality.solve(middle) is None:
            low = middle
        else:
            high = middle
    return Multipliers(high, inequality)


@dataclass(frozen=True)
class Gain:
    """The smallest squared gain found.

    Parameters
    ----------
    square : float
    matrix, loop : ndarray
    reflects : bool
    carried : int
    """

    square: float
    matrix: np.ndarray
    loop: np.ndarray
    reflects: bool
    carried: int

    def at(self, square: float) -> tuple[np.ndarray, np.ndarray, float]:
        """``L``, ``t`` and the weight of the outputs, for a square that is no smaller."""
        inequality = _gain_inequality(self.matrix, self.loop, self.reflects, self.carried, square)
        theta = inequality.solve(1.0)
        assert theta is not None
        form, rest = inequality.split(theta)
        return form, rest[:-1], float(rest[-1])


def least_gain(matrix: np.ndarray, loop: np.ndarray, reflects: bool, carried: int) -> Gain | None:
    """The smallest squared gain from inputs to outputs at which the inequality has a solution, nearly.

    Parameters
    ----------
    matrix : ndarray (n, n + m + d)
        ``[M D]`` and the inputs' columns.
    loop : ndarray (m + k, n + m + d)
        ``K`` and the outputs' rows.
    reflects : bool
    carried : int
        ``m``.
    """

    def holds(square: float) -> bool:
        return _gain_inequality(matrix, loop, reflects, carried, square).solve(1.0) is not None

    low, high = 1.0 / STEP, 1.0
    while not holds(high):
        low, high = high, high * STEP
        if high > LARGEST_GAIN:
            return None
    while holds(low) and low > 1 / LARGEST_GAIN:
        low, high = low / STEP, low
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        if holds(middle):
            high = middle
        else:
            low = middle
    return Gain(high, matrix, loop, reflects, carried)


def _gain_inequality(matrix: np.ndarray, loop: np.ndarray, reflects: bool, carried: int, square: float) -> Inequality:
    """With one unknown more, of ``square |u|^2 - |y|^2``, whose sign is that of the sectors' multipliers."""
    (n, size), found = matrix.shape, Inequality.of(matrix, loop[:carried], reflects)
    taken = loop[carried:].T @ loop[carried:]
    taken[n + carried :, n + carried :] -= square * np.eye(size - n - carried)
    return replace(found, sectors=np.concatenate([found.sectors, taken[None]]))
