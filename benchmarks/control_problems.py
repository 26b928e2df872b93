"""The control problems of ``mpc.py``: plants, weights, bounds, as in the publications they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import expm

from mondeq_hw import MonDEQ, from_qp
from mondeq_hw.hardware import ECP5, MULTIPLIER_BITS
from mondeq_hw.problem import condensed

#: Longer states would take two multipliers a product.
PORT = MULTIPLIER_BITS[ECP5]


@dataclass(frozen=True)
class ControlProblem:
    """A plant and its controller.

    Parameters
    ----------
    name : str
    A, B : ndarray
        Discrete time.
    weights : pair of ndarray
        ``Q`` and ``R``.
    horizon : int
    x_box : ndarray (n,)
        Half widths of the measured state's box.
    u_limit : ndarray (m,)
    x_limit : ndarray (n,) or None
        Soft bounds of predicted states.
    soft : float or None
    bits : int
        Of the iteration matrix.
    state_bits : int
    transient : float
        What the finite number of updates may add to the proved radius, a share of the input's range.
    """

    name: str
    A: np.ndarray
    B: np.ndarray
    weights: tuple[np.ndarray, np.ndarray]
    horizon: int
    x_box: np.ndarray
    u_limit: np.ndarray
    bits: int
    state_bits: int
    x_limit: np.ndarray | None = None
    soft: float | None = None
    transient: float = 5e-4
    #: The readout of an input is exact.
    readout_bits: int = 12

    def arguments(self) -> dict[str, Any]:
        """Of :func:`mondeq_hw.from_qp`."""
        bounds = {} if self.x_limit is None else {"x_bounds": (-self.x_limit, self.x_limit), "soft": self.soft}
        return condensed(
            self.A, self.B, *self.weights, self.horizon, x_box=(-self.x_box, self.x_box),
            u_bounds=(-self.u_limit, self.u_limit), **bounds,
        )  # fmt: skip

    @property
    def width(self) -> float:
        """Range of an input, the narrowest: what errors are a share of."""
        return float(2 * self.u_limit.min())

    def network(self) -> MonDEQ:
        """The equilibrium network that solves it."""
        return from_qp(**self.arguments(), source=self.name)


def discrete(A: np.ndarray, B: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Zero-order hold."""
    n, m = B.shape
    generator = np.zeros((n + m, n + m))
    generator[:n, :n], generator[:n, n:] = A, B
    exponential = expm(step * generator)
    return exponential[:n, :n], exponential[:n, n:]


def oscillating_masses(count: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Wang & Boyd 2010: masses in a row, springs between them and to the walls, forces between neighbours."""
    K = 2 * np.eye(count) - np.eye(count, k=1) - np.eye(count, k=-1)
    force = np.zeros((count, inputs))
    for j in range(inputs):
        first = j * count // inputs
        force[first, j], force[first + 1, j] = 1.0, -1.0
    A = np.block([[np.zeros((count, count)), np.eye(count)], [-K, np.zeros((count, count))]])
    return discrete(A, np.vstack([np.zeros((count, inputs)), force]), 0.5)


def masses(
    count: int, inputs: int, horizon: int, weight: float, bits: int, soft: float | None = None,
    transient: float = 5e-4, state_bits: int = PORT,
) -> ControlProblem:  # fmt: skip
    """Oscillating masses."""
    n = 2 * count
    limit = None if soft is None else np.where(np.arange(n) < count, 2.0, np.inf)
    return ControlProblem(
        f"{count} masses, horizon {horizon}" + ("" if soft is None else ", soft states"),
        *oscillating_masses(count, inputs),
        (np.eye(n), weight * np.eye(inputs)), horizon, np.ones(n), np.full(inputs, 0.5),
        bits, state_bits, limit, soft, transient,
    )  # fmt: skip


def double_integrator() -> ControlProblem:
    """The textbook's."""
    A, B = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.5], [1.0]])
    return ControlProblem(
        "double integrator, horizon 10", A, B, (np.eye(2), np.eye(1)), 10, np.array([5.0, 2.0]), np.ones(1), 11, 20,
        transient=5e-3,
    )  # fmt: skip


def aircraft() -> ControlProblem:
    """AFTI-16 (Kapasouris, Athans, Stein 1988): longitudinal, elevator and flaperon, angles in degrees."""
    A = np.array(
        [
            [-0.0151, -60.5651, 0.0, -32.174],
            [-0.0001, -1.3411, 0.9929, 0.0],
            [0.00018, 43.2541, -0.86939, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ]
    )
    B = np.array([[-2.516, -13.136], [-0.1689, -0.2514], [-17.251, -1.5766], [0.0, 0.0]])
    weights = (np.diag([1e-4, 100.0, 1e-3, 100.0]), 0.01 * np.eye(2))
    return ControlProblem(
        "AFTI-16, horizon 10",
        *discrete(A, B, 0.05),
        weights,
        10,
        np.array([10.0, 0.5, 10.0, 10.0]),
        np.full(2, 25.0),
        18,
        32,
    )


def quadrotor() -> ControlProblem:
    """TinyMPC's own (``examples/problem_data/quadrotor_50hz_params.hpp``, 0.0.8): a Crazyflie about hover at 50 Hz.

    Position, attitude, velocity, rates; thrusts of four rotors, bounds and horizon of its hovering example; the box is
    one of ours about the states from which that starts.
    """
    step, n = 0.02, 12
    A, B = np.eye(n), np.zeros((n, 4))
    A[[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]] = [step] * 3 + [step / 2] * 3
    A[[0, 1], [4, 3]], A[[6, 7], [4, 3]] = [0.003924, -0.003924], [0.3924, -0.3924]
    A[[0, 1], [10, 9]], A[[6, 7], [10, 9]] = [0.0000131, -0.0000131], [0.001962, -0.001962]
    B[:] = [
        [-0.0000181, 0.0000199, 0.0000182, -0.0000200],
        [0.0000180, 0.0000198, -0.0000180, -0.0000198],
        [0.0008409, 0.0008409, 0.0008409, 0.0008409],
        [-0.0275355, -0.0303234, 0.0275663, 0.0302926],
        [-0.0276707, 0.0304278, 0.0277570, -0.0305141],
        [0.0019748, -0.0007224, -0.0027844, 0.0015320],
        [-0.0036193, 0.0039800, 0.0036306, -0.0039912],
        [0.0036016, 0.0039663, -0.0036057, -0.0039623],
        [0.0840857, 0.0840857, 0.0840857, 0.0840857],
        [-5.5070921, -6.0646807, 5.5132527, 6.0585201],
        [-5.5341404, 6.0855684, 5.5513900, -6.1028180],
        [0.3949542, -0.1444728, -0.5568752, 0.3063938],
    ]
    weights = np.diag([100, 100, 100, 4, 4, 400, 4, 4, 4, 2.0408163, 2.0408163, 4]), 4.0 * np.eye(4)
    box = np.array([1.0, 1.0, 1.0, 0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0])
    return ControlProblem("quadrotor, horizon 10", A, B, weights, 10, box, np.full(4, 0.5), 18, 32)


#: By the name that ``mpc.py --problem`` takes.
PROBLEMS: dict[str, Callable[[], ControlProblem]] = {
    "integrator": double_integrator,
    "masses4": lambda: masses(4, 2, 10, 1.0, 10, transient=6e-3),
    "masses6": lambda: masses(6, 3, 10, 0.1, 11, transient=2e-3),
    "masses4-soft": lambda: masses(4, 2, 10, 1.0, 12, soft=0.1, transient=8e-4),
    # With 18 bits the radius is 7.5 times the largest error; two multipliers a product are worth 5.
    "masses6-soft": lambda: masses(6, 3, 10, 1.0, 13, soft=0.1, state_bits=21),
    "masses4-30": lambda: masses(4, 2, 30, 1.0, 12, transient=2e-3),
    "masses6-30": lambda: masses(6, 3, 30, 1.0, 13, transient=2e-3),
    "aircraft": aircraft,
    "quadrotor": quadrotor,
}
