"""Rewrite the equilibrium as one recurrence ``s <- M phi(s) + d`` on the state ``s``.

The input preprocessing and every linear map that follows it are folded into
one drive matrix, so the hardware takes raw words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import Clip, InputError
from .model import CarriedState, MonDEQ, StoredRecurrence, monotonicity_margin
from .preprocessing import Preprocessing
from .splitting import Splitting, find_splitting


@dataclass(frozen=True)
class Recurrence:
    """``s <- (leak I + matrix) phi(s) + drive x + drive_bias``; ``y = readout prox(s) + feedthrough x + readout_bias``.

    Parameters
    ----------
    splitting : Splitting
    clip : Clip
        ``prox`` of the state's rows.
    step_size : float
        ``alpha > 0``, folded into the matrices.
    matrix : ndarray (n, n)
        What is quantised.
    drive : ndarray (n, d)
        Acts on raw input words.
    drive_bias : ndarray (n,)
    readout : ndarray (k, n)
    readout_bias : ndarray (k,)
    feedthrough : ndarray (k, d), optional
        Acts on raw input words; None where the outputs take nothing from them directly.
    carried : CarriedState, optional
        The network's.
    """

    splitting: Splitting
    clip: Clip
    step_size: float
    matrix: np.ndarray
    drive: np.ndarray
    drive_bias: np.ndarray
    readout: np.ndarray
    readout_bias: np.ndarray
    feedthrough: np.ndarray | None = None
    carried: CarriedState | None = None

    @property
    def leak_shift(self) -> int:
        """``a`` of the dyadic leak ``1 - 2**-a``; 0 means no leak."""
        return self.splitting.leak_shift(self.step_size)

    @property
    def leak(self) -> float:
        """The exact diagonal term ``1 - 2**-a`` (0 without leak)."""
        return 1.0 - 2.0**-self.leak_shift

    @property
    def iteration_matrix(self) -> np.ndarray:
        """``M = leak I + matrix``, the matrix whose contraction matters."""
        return self.matrix + self.leak * np.eye(len(self.matrix))

    def phi(self, state: np.ndarray) -> np.ndarray:
        """The iterated operator of states (.., n)."""
        return self.splitting.phi(self.clip, state)


def folded_input(model: MonDEQ) -> tuple[np.ndarray, np.ndarray]:
    """``(U', b')`` with ``U x + b = U' words + b'`` for raw input words."""
    gain, offset = _folding(model)
    return model.U * gain, model.b - model.U @ offset


def folded_output(model: MonDEQ) -> tuple[np.ndarray | None, np.ndarray]:
    """``(F', c')`` with ``F x + c = F' words + c'`` for raw input words; ``F'`` is None where the network has no F."""
    if model.F is None:
        return None, model.c
    gain, offset = _folding(model)
    return model.F * gain, model.c - model.F @ offset


def outputs_of(model: MonDEQ, equilibria: np.ndarray, words: np.ndarray) -> np.ndarray:
    """``O z + F x + c`` (samples, k) of equilibria (samples, n) and raw input words (samples, d), float64."""
    F, c = folded_output(model)
    direct = c if F is None else np.asarray(words, dtype=np.float64) @ F.T + c
    result: np.ndarray = equilibria @ model.O.T + direct
    return result


def _folding(model: MonDEQ) -> tuple[np.ndarray, np.ndarray]:
    """Of every input: what it is multiplied by raw, and what is taken off the product."""
    pre, carried = model.input_map, model.carried_words
    gain, offset = np.broadcast_to(pre.gain, (model.d,)), np.broadcast_to(pre.offset, (model.d,))
    return np.append(gain, np.ones(carried)), np.append(
        offset, np.zeros(carried)
    )  # carried words are taken as they are


def reformulate(model: MonDEQ, splitting: Splitting, step_size: float) -> Recurrence:
    """The recurrence of a network under a splitting at a step size.

    Raises
    ------
    InputError
        The step size is none of the splitting's.
    """
    splitting.leak_shift(step_size)
    U, b = folded_input(model)
    matrix, resolvent, scale = splitting.fold(model.W, step_size)
    gain = scale * resolvent
    clip = model.prox.at_step(step_size)
    F, c = folded_output(model)
    return Recurrence(splitting, clip, step_size, matrix, gain @ U, gain @ b, model.O, c, F, model.carried)


def network_of(stored: StoredRecurrence, preprocessing: Preprocessing, source: str) -> MonDEQ:
    """The network whose recurrence is the stored one: the inverse of :func:`reformulate`.

    By the Cayley transform every ``C`` with ``||C||_2 < 1`` is an exact MonDEQ.  Where
    only a weighted norm is below one, ``I - W`` is monotone in that weighting,
    and the plain margin may be negative: the certificate decides.

    Raises
    ------
    InputError
        When no network has this recurrence.
    """
    matrix, alpha = stored.matrix.values, stored.step_size
    try:
        splitting = find_splitting(stored.solver)
        W = splitting.operator_of(matrix, alpha)
    except InputError as error:
        raise InputError(f"{source}: {error.in_shell()}. Retrain the model") from None
    offset = np.broadcast_to(preprocessing.offset, stored.drive.shape[1:])
    U = splitting.injection_of(matrix, alpha, stored.drive.values) * preprocessing.inverse_gain
    F = None if stored.feedthrough is None else stored.feedthrough.values * preprocessing.inverse_gain
    return MonDEQ(
        W=W,
        U=U,
        b=splitting.injection_of(matrix, alpha, stored.drive_bias) + U @ offset,
        O=stored.readout.values,
        c=stored.readout_bias if F is None else stored.readout_bias + F @ offset,
        monotonicity_margin=monotonicity_margin(W),
        preprocessing=preprocessing,
        source=source,
        stored=stored,
        clip=stored.clip,
        F=F,
    )
