"""Plants that several tests control."""

from __future__ import annotations

import numpy as np
from scipy.linalg import expm


def oscillating_masses(masses: int, inputs: int, step: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Wang & Boyd 2010: masses in a row, springs between them and to the walls, forces between neighbours."""
    K = 2 * np.eye(masses) - np.eye(masses, k=1) - np.eye(masses, k=-1)
    force = np.zeros((masses, inputs))
    for j in range(inputs):
        first = j * masses // inputs
        force[first, j], force[first + 1, j] = 1.0, -1.0
    n = 2 * masses
    generator = np.zeros((n + inputs, n + inputs))
    generator[:masses, masses:n], generator[masses:n, :masses], generator[masses:n, n:] = np.eye(masses), -K, force
    exponential = expm(step * generator)
    return exponential[:n, :n], exponential[:n, n:]
