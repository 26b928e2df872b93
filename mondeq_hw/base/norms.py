"""The largest singular value of a matrix: by a whole decomposition, or by Lanczos' method where that takes long."""

from __future__ import annotations

import numpy as np

#: Rows from which on Lanczos' method is the faster one.
LARGE = 384
#: Relative residual at which it stops; the error of the norm goes with its square.
TOLERANCE = 1e-8
#: Dimension of its subspace.
SUBSPACE = 24
SEED = 0


def spectral_norm(matrix: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """``||M||_2`` in floating point; Lanczos' residual is relative to it."""
    if min(matrix.shape) < LARGE or not np.isfinite(matrix).all() or not matrix.any():
        return float(np.linalg.norm(matrix, 2))
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh  # heavy, and for large matrices only

    columns = matrix.shape[1]
    precision = np.result_type(matrix, np.float32)  # that of the matrix
    square = LinearOperator((columns, columns), matvec=lambda v: matrix.T @ (matrix @ v), dtype=precision)
    start = np.random.default_rng(SEED).normal(size=(columns,)).astype(precision)
    try:
        top = eigsh(square, k=1, which="LA", tol=tolerance, v0=start, ncv=SUBSPACE, return_eigenvectors=False)[0]
    except ArpackError:
        return float(np.linalg.norm(matrix, 2))
    return float(np.sqrt(max(top, 0.0)))
