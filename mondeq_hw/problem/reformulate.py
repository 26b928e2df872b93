"""Rewrite the equilibrium as one recurrence ``s <- M phi(s) + d`` on the state ``s``.

The input preprocessing and every linear map that follows it are folded into
one drive matrix, so the hardware takes raw words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import InputError
from .model import MonDEQ, Preprocessing, StoredRecurrence, monotonicity_margin

PEACEMAN_RACHFORD = "peaceman_rachford"
FORWARD_BACKWARD = "forward_backward"
SOLVERS = (PEACEMAN_RACHFORD, FORWARD_BACKWARD)

#: Of ``I + C``; a recurrence beyond it stands for no network that floating point could name.
LARGEST_CONDITION = 1e12


@dataclass(frozen=True)
class Recurrence:
    """``s <- (leak I + matrix) phi(s) + drive x + drive_bias``; ``y = readout relu(s) + readout_bias``.

    Parameters
    ----------
    solver : str
        ``peaceman_rachford`` or ``forward_backward``.
    phi : str
        Key of :data:`mondeq_hw.program.prox.PHI`.
    step_size : float
        ``alpha > 0``, folded into the matrices.
    leak_shift : int
        ``a`` of the dyadic leak ``1 - 2**-a``; 0 means no leak.
    matrix : ndarray (n, n)
        What is quantised: ``C = 2V - I`` (reflected) or ``alpha W``.
    drive : ndarray (n, d)
        Acts on raw input words.
    drive_bias : ndarray (n,)
    readout : ndarray (k, n)
    readout_bias : ndarray (k,)
    """

    solver: str
    phi: str
    step_size: float
    leak_shift: int
    matrix: np.ndarray
    drive: np.ndarray
    drive_bias: np.ndarray
    readout: np.ndarray
    readout_bias: np.ndarray

    @property
    def leak(self) -> float:
        """The exact diagonal term ``1 - 2**-a`` (0 without leak)."""
        return 1.0 - 2.0**-self.leak_shift

    @property
    def iteration_matrix(self) -> np.ndarray:
        """``M = leak I + matrix``, the matrix whose contraction matters."""
        return self.matrix + self.leak * np.eye(len(self.matrix))


def phi_of(solver: str) -> str:
    """Key of :data:`mondeq_hw.program.prox.PHI` that a solver iterates."""
    return "relu" if solver == FORWARD_BACKWARD else "abs"


def folded_input(model: MonDEQ) -> tuple[np.ndarray, np.ndarray]:
    """``(U', b')`` with ``U x + b = U' words + b'`` for raw input words."""
    pre = model.preprocessing
    std = np.broadcast_to(pre.std, (model.d,))
    mean = np.broadcast_to(pre.mean, (model.d,))
    return model.U * (pre.scale / std), model.b - model.U @ (mean / std)


def peaceman_rachford(model: MonDEQ, step_size: float) -> Recurrence:
    """The reflected form ``s <- C|s| + 2 alpha V (U x + b)``, ``V = (I + alpha (I - W))^-1``.

    Winston & Kolter 2020, section 3.3, with both resolvents reflected; the
    derivation is in ``docs/mathematics.md``.  Any ``step_size > 0`` converges
    for the exact network because ``C = 2V - I`` is a contraction.
    """
    eye = np.eye(model.n)
    V = np.linalg.inv(eye + step_size * (eye - model.W))
    U, b = folded_input(model)
    gain = 2.0 * step_size * V
    return Recurrence(PEACEMAN_RACHFORD, "abs", step_size, 0, 2.0 * V - eye, gain @ U, gain @ b, model.O, model.c)


def forward_backward(model: MonDEQ, leak_shift: int) -> Recurrence:
    """The paper's solver ``s <- (1-alpha) relu(s) + alpha (W relu(s) + U x + b)``, ``alpha = 2**-leak_shift``.

    arXiv 2603.10562, section 2.  The diagonal ``1 - alpha`` is an exact
    dyadic leak, so ``W`` keeps its whole word length.
    """
    alpha = 2.0**-leak_shift
    U, b = folded_input(model)
    return Recurrence(
        FORWARD_BACKWARD, "relu", alpha, leak_shift, alpha * model.W, alpha * U, alpha * b, model.O, model.c
    )


def network_of(stored: StoredRecurrence, preprocessing: Preprocessing, source: str) -> MonDEQ:
    """The network whose recurrence is the stored one: the inverse of the two functions above.

    ``I - W = (1/alpha) (I - C)(I + C)^-1`` for Peaceman-Rachford: by the
    Cayley transform every ``C`` with ``||C||_2 < 1`` is an exact MonDEQ.  Where
    only a weighted norm is below one, ``I - W`` is monotone in that weighting,
    and the plain margin may be negative: the certificate decides.

    Raises
    ------
    InputError
        When no network has this recurrence.
    """
    matrix, drive, alpha = stored.matrix.values, stored.drive.values, stored.step_size
    eye = np.eye(len(matrix))
    if stored.solver == FORWARD_BACKWARD:
        W, gain = matrix / alpha, alpha * eye
    elif stored.solver == PEACEMAN_RACHFORD and np.linalg.cond(eye + matrix) < LARGEST_CONDITION:
        V = (eye + matrix) / 2
        W, gain = eye - (np.linalg.inv(V) - eye) / alpha, 2 * alpha * V
    else:
        raise InputError(
            f"{source}: solver {stored.solver!r} with an iteration matrix of norm {np.linalg.norm(matrix, 2):.4g} and "
            f"I + C nearly singular; expected {' or '.join(SOLVERS)}, and a norm below 1. Retrain the model"
        )
    std = np.broadcast_to(preprocessing.std, drive.shape[1:])
    mean = np.broadcast_to(preprocessing.mean, drive.shape[1:])
    U = np.linalg.solve(gain, drive) * (std / preprocessing.scale)
    return MonDEQ(
        W=W,
        U=U,
        b=np.linalg.solve(gain, stored.drive_bias) + U @ (mean / std),
        O=stored.readout.values,
        c=stored.readout_bias,
        monotonicity_margin=monotonicity_margin(W),
        preprocessing=preprocessing,
        source=source,
        stored=stored,
    )
