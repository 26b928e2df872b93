"""How far quantisation moves the operator, measured and proved against the float model.

arXiv 2603.10562 quantises ``W`` per tensor and asks for ``||W~ - W||_2 < m``;
:func:`paper_perturbation` reproduces its figures.  :func:`displacement`
extends its bound ``||z~* - z*|| <= (||dW||_2 / m) ||z~*||`` to everything that
differs in the deployed program: drive, biases and the rounding of the state.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import Clip, combination, diagonal_plus, spectral_norm, square, with_diagonal
from ..problem import MonDEQ, folded_input, lipschitz_constant, monotonicity_margin, preactivation
from ..program import SolverProgram
from .exact import PositiveDefiniteWitness, prove_positive_definite
from .normal_cone import NormalCones

#: Grid on which a float matrix enters an exact proof; the rounding is charged to the bound.
GRID_BITS = 32
#: Relative slack between a measured extreme and the value proved, tried in this order.
SLACKS = (1e-5, 1e-4, 1e-3, 1e-2)


@dataclass(frozen=True)
class PaperPerturbation:
    """The figures of arXiv 2603.10562 for one word length, in its notation.

    Parameters
    ----------
    m, L : float
        Margin ``lambda_min(sym(I - W))`` and Lipschitz constant ``||I - W||_2``.
    delta_W_norm : float
        ``||W~ - W||_2``.
    ratio : float
        ``delta_W_norm / m``; the paper's condition is that it be below one.
    m_tilde, L_tilde : float
        Margin and Lipschitz constant of ``I - W~``.
    """

    m: float
    L: float
    delta_W_norm: float  # noqa: N815 - the name under which the paper's authors record it
    ratio: float
    m_tilde: float
    L_tilde: float


def paper_quantizer(W: np.ndarray, bits: int) -> np.ndarray:
    """The paper's quantiser: symmetric, uniform, one scale ``max|W| / (2^(bits-1) - 1)`` for the tensor."""
    top = max(1, 2 ** (bits - 1) - 1)
    scale = np.abs(W).max() / top
    return np.clip(np.rint(W / scale), -top, top) * scale if scale > 0 else np.zeros_like(W)


def compare_operators(
    W: np.ndarray, W_tilde: np.ndarray, measured: tuple[float, float] | None = None
) -> PaperPerturbation:
    """The paper's figures for any perturbed operator, in floating point; ``m`` and ``L`` where they are known."""
    (m, L), delta = measured or (monotonicity_margin(W), lipschitz_constant(W)), spectral_norm(W_tilde - W)
    return PaperPerturbation(
        m=m,
        L=L,
        delta_W_norm=delta,
        ratio=delta / m,
        m_tilde=monotonicity_margin(W_tilde),
        L_tilde=lipschitz_constant(W_tilde),
    )


def paper_perturbation(W: np.ndarray, bits: int) -> PaperPerturbation:
    """The paper's figures for its own quantiser.

    Parameters
    ----------
    W : ndarray (n, n)
    bits : int
        Word length of ``W``.
    """
    return compare_operators(W, paper_quantizer(W, bits))


# -- proofs about the float model ------------------------------------------------


@dataclass(frozen=True)
class OperatorProof:
    """``margin >= margin_bound`` and ``||I - W||_2 <= lipschitz_bound``, with witnesses.

    Parameters
    ----------
    integers : ndarray of integers (n, n)
        ``W`` rounded to the grid ``2^-GRID_BITS``; a bound charges ``n`` units for the rounding.
    margin_bound, lipschitz_bound : int
        In units of ``2^-GRID_BITS``.
    margin_witness, lipschitz_witness : PositiveDefiniteWitness
        For :func:`margin_gap` and :func:`lipschitz_gap`.
    """

    integers: np.ndarray
    margin_bound: int
    lipschitz_bound: int
    margin_witness: PositiveDefiniteWitness
    lipschitz_witness: PositiveDefiniteWitness


def margin_gap(W: np.ndarray, bound: int) -> np.ndarray:
    """``2 (I - sym(W) - (bound + n) I)`` on the grid: positive definite proves the margin."""
    A = monotone(W)
    return diagonal_plus(-2 * (bound + len(W)), combination((1, A), (1, A.T)))


def lipschitz_gap(W: np.ndarray, bound: int) -> np.ndarray:
    """``(bound - n)^2 I - (I - W)'(I - W)`` on the grid: positive definite proves the constant."""
    return with_diagonal(*_square_gap(*square(monotone(W).T), bound))


def _square_gap(others: np.ndarray, diagonal: list[int], bound: int) -> tuple[np.ndarray, list[int]]:
    """All but its diagonal, and the diagonal."""
    return -others, [(bound - len(others)) ** 2 - entry for entry in diagonal]


def monotone(W: np.ndarray) -> np.ndarray:
    """``I - W`` on the grid."""
    return diagonal_plus(1 << GRID_BITS, -W)


def on_grid(W: np.ndarray) -> np.ndarray:
    """The nearest integers in units of ``2^-GRID_BITS``."""
    whole = np.rint(W * 2.0**GRID_BITS)
    if np.abs(whole).max(initial=0.0) < 2.0**62:
        return whole.astype(np.int64)
    return np.array([[int(entry) for entry in row] for row in whole], dtype=object)


def prove_operator(W: np.ndarray, measured: tuple[float, float] | None = None) -> OperatorProof | None:
    """Prove margin and Lipschitz constant of a float operator, each to about 1e-5; None where the margin fails.

    Parameters
    ----------
    W : ndarray (n, n)
    measured : tuple of float, optional
        The two in floating point, where they are known.
    """
    n, unit, integers = len(W), 2.0**GRID_BITS, on_grid(W)
    m, L = measured or (monotonicity_margin(W), lipschitz_constant(W))
    squared = square(monotone(integers).T)
    for slack in SLACKS:
        lower, upper = int(m * (1 - slack) * unit) - n, int(L * (1 + slack) * unit) + n + 1
        if lower <= 0:
            return None
        margin_witness = prove_positive_definite(margin_gap(integers, lower))
        if margin_witness is None:
            continue
        lipschitz_witness = prove_positive_definite(*_square_gap(*squared, upper))
        if lipschitz_witness is not None:
            return OperatorProof(integers, lower, upper, margin_witness, lipschitz_witness)
    return None


# -- the deployed program against the float model ----------------------------------


def deployed_operator(program: SolverProgram, step_size: float) -> np.ndarray:
    """The ``W~`` of which the stored iteration matrix is the splitting, in floating point.

    Raises
    ------
    InputError
        There is none.
    """
    return program.splitting.operator_of(program.matrix.values, step_size)


def deployed_input(program: SolverProgram, step_size: float, words: np.ndarray) -> np.ndarray:
    """The ``U~ x + b~`` (samples, n) that the stored drive stands for, in floating point."""
    drive = np.ldexp(
        program.drive.apply(words.astype(np.float64)) * 2.0**program.drive_left_shift + program.drive_bias,
        -program.drive_fractional_bits,
    )
    return program.splitting.injection_of(program.matrix.values, step_size, drive.T).T


@dataclass(frozen=True)
class Displacement:
    """Distance of the deployed result from the float equilibrium, per sample, with three bounds.

    Parameters
    ----------
    distance : ndarray (samples,)
        ``||z_K - z*||_2``.
    paper_bound : ndarray (samples,)
        ``(||dW||_2 / m) ||z_K||``: covers ``dW`` only, so it can be violated.
    perturbation_bound : ndarray (samples,)
        ``(1/m) ||dW z~ + dU x + db|| + (1 + ||dW||/m) radius``: all weights, and the rounding of
        the state by the a-priori radius.
    residual_bound : ndarray (samples,)
        ``||z_K - z|| + ||e|| / m``, ``e`` the smallest change of the input with ``z = prox(W z + U x + b + e)``
        and ``z`` what of ``prox`` the word ``z_K`` stands for: a posteriori, whatever the cause.
    """

    distance: np.ndarray
    paper_bound: np.ndarray
    perturbation_bound: np.ndarray
    residual_bound: np.ndarray


def displacement(
    model: MonDEQ, program: SolverProgram, step_size: float, words: np.ndarray, states: np.ndarray, radius: float
) -> Displacement:
    """Measure the displacement and evaluate its bounds in float64.

    Parameters
    ----------
    model : MonDEQ
    program : SolverProgram
    step_size : float
    words : ndarray of int64 (samples, d)
        Input words of the program.
    states : ndarray of int64 (samples, n)
        Final states of the program.
    radius : float
        Bound on ``||s_K - s~*||_2`` for the exact equilibrium ``s~*`` of the stored integers.
    """
    raw = program.input_format.to_float(words)
    z = program.state_format.to_float(program.prox(states))
    exact = model.prox.prox(preactivation(model, raw))
    U, b = folded_input(model)
    q = raw @ U.T + b
    W_tilde = deployed_operator(program, step_size)
    figures = compare_operators(model.W, W_tilde, (model.measured_margin, model.measured_lipschitz))
    moved = z @ (W_tilde - model.W).T + deployed_input(program, step_size, words) - q
    meant = _meant(model.prox, z, program.state_format.step)
    residual = NormalCones.floating(model.prox).distance(meant, meant @ model.W.T + q - meant)
    norm = np.linalg.norm
    return Displacement(
        distance=norm(z - exact, axis=1),
        paper_bound=figures.ratio * norm(z, axis=1),
        perturbation_bound=norm(moved, axis=1) / figures.m + (1 + figures.ratio) * radius,
        residual_bound=norm(z - meant, axis=1) + norm(residual, axis=1) / figures.m,
    )


def _meant(clip: Clip, z: np.ndarray, step: float) -> np.ndarray:
    """Values of ``prox`` for words that are one up to rounding: a bound within half a step counts as reached."""
    (has_low, low), (has_high, high) = NormalCones.floating(clip).ends
    z = np.where(has_low & (z <= low + step / 2), low, z)
    return np.where(has_high & (z >= high - step / 2), high, z)
