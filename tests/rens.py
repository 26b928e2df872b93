"""Recurrent equilibrium networks for tests, and their equations as they stand."""

from __future__ import annotations

import numpy as np

from mondeq_hw import MonDEQ, load
from mondeq_hw.problem import Preprocessing

Arrays = dict[str, np.ndarray]
#: Of 12 bits in steps of 1/256; the words are whole numbers.
PREPROCESSING = Preprocessing(1 / 256, input_format="ap_fixed<12,12>")


def ren(seed: int = 1, m: int = 4, n: int = 6, d: int = 2, k: int = 2) -> Arrays:
    """Explicit parameters as RobustNeuralNetworks.jl names them; stable without its equilibrium layer."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(m, m))
    return {
        "A": 0.7 * A / np.abs(np.linalg.eigvals(A)).max(),
        "B1": 0.3 * rng.normal(size=(m, n)),
        "B2": rng.normal(size=(m, d)),
        "C1": 0.4 * rng.normal(size=(n, m)),
        "D11": 0.5 * np.tril(rng.normal(size=(n, n)), -1),
        "D12": rng.normal(size=(n, d)),
        "C2": rng.normal(size=(k, m)),
        "D21": rng.normal(size=(k, n)),
        "D22": rng.normal(size=(k, d)),
        "bx": 0.1 * rng.normal(size=m),
        "bv": 0.3 * rng.normal(size=n),
        "by": rng.normal(size=k),
    }


def network(seed: int = 1) -> MonDEQ:
    """One of them, its inputs words."""
    return load(ren(seed), preprocessing=PREPROCESSING)


def simulated(p: Arrays, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and states (before each sample), row by row of a strictly lower triangular ``D11``."""
    x, outputs, states = p.get("x0", np.zeros(len(p["A"]))), [], []
    for sample in u:
        states.append(x)
        v, w = p["C1"] @ x + p["D12"] @ sample + p["bv"], np.zeros(len(p["bv"]))
        for i in range(len(w)):
            w[i] = max(0.0, v[i] + p["D11"][i] @ w)
        outputs.append(p["C2"] @ x + p["D21"] @ w + p["D22"] @ sample + p["by"])
        x = p["A"] @ x + p["B1"] @ w + p["B2"] @ sample + p["bx"]
    return np.array(outputs), np.array(states)


def words(seed: int, samples: int, d: int = 2) -> np.ndarray:
    """Of about one unit each."""
    return np.clip(np.rint(256 * np.random.default_rng(seed).normal(size=(samples, d))), -2000, 2000).astype(np.int64)
