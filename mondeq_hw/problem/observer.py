"""A controller of a state that is not measured: a linear observer estimates it, as a carried state.

With the measurement ``y``, the estimate ``x`` and the controller's output ``u`` of that (Luenberger's observer;
Kalman's is the one whose gain comes of a Riccati equation)::

    x+ = A x + B u + L (y - C x)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import InputError
from .arrays import Array, matrix, pair, require_shape
from .model import CarriedState, MonDEQ
from .parameters import Parameters
from .preprocessing import Preprocessing


def observed(controller: MonDEQ, A: np.ndarray, B: np.ndarray, observer: tuple[Array, Array]) -> MonDEQ:
    """The controller with its state's observer: the measurement is its first parameter, the estimate is carried.

    Parameters
    ----------
    controller : MonDEQ
        Whose first parameters are the state.
    A : ndarray (n, n)
    B : ndarray (n, m)
    observer : pair of arrays (p, n) and (n, p)
        ``C`` of ``y = C x``, and the gain ``L``.

    Raises
    ------
    InputError
        A shape, or an estimate whose error does not vanish.
    """
    given = zip(("C", "L"), pair("observer", observer), strict=True)
    C, L = (matrix(f"observer's {name}", each) for name, each in given)
    n, measured = len(A), len(C)
    require_shape("observer's C", C, (measured, n), f", for {n} states")
    require_shape("observer's L", L, (n, measured), f", for {n} states and {measured} measurements")
    closed = A - L @ C
    radius = float(np.abs(np.linalg.eigvals(closed)).max())
    if not radius < 1:
        raise InputError(f"the observer's A - L C has the spectral radius {radius:.4g}; expected below 1: another L")
    words, names = controller.input_map.words, controller.parameters
    if words.low is None or words.high is None or names is None:
        raise InputError(f"{controller.source}: is no parametric problem; expected one of states, as from_mpc makes it")
    centre, half = C @ (words.low + words.high)[:n] / 2, np.abs(C) @ (words.high - words.low)[:n] / 2
    box = np.append(centre - half, words.low[n:]), np.append(centre + half, words.high[n:])
    F = np.zeros((controller.k, controller.d)) if controller.F is None else controller.F
    law = np.vstack([F, B @ F])  # of state and reference
    own = np.vstack([np.zeros((controller.k, measured + n)), np.hstack([L, closed])])
    return replace(
        controller,
        U=np.hstack([np.zeros((controller.n, measured)), controller.U[:, n:], controller.U[:, :n]]),
        O=np.vstack([controller.O, B @ controller.O]),
        c=np.append(controller.c, B @ controller.c),
        F=np.hstack([own[:, :measured], law[:, n:], own[:, measured:] + law[:, :n]]),
        preprocessing=Preprocessing(scale=1.0, input_bits=words.format.word_length, input_range=box),
        parameters=Parameters((*(f"y{i}" for i in range(measured)), *names.inputs[n:]), names.outputs),
        carried=CarriedState.starting(np.zeros(n)),
    )
