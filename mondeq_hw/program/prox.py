"""The nonlinearities of the recurrence ``s <- M phi(s) + d``.

``abs`` is the reflected proximal operator ``2 relu(u) - u`` of
Peaceman-Rachford splitting, ``relu`` the operator itself for
forward-backward splitting.  Each is 1-Lipschitz in every diagonally weighted
norm because it acts on one coordinate at a time and is nonexpansive there;
the certificate uses nothing else about it.  An entry needs the same two
lines in ``hls_templates/rtl/mondeq_phi.sv`` and ``hls_templates/hls/mondeq_engine.h``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PHI: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "abs": np.abs,
    "relu": lambda s: np.maximum(s, 0),
}


def equilibrium(state: np.ndarray) -> np.ndarray:
    """Network output ``z = relu(s)`` of a state, the same for both splittings."""
    return np.maximum(state, 0)
