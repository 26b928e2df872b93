"""The trainable network in PyTorch: an equilibrium layer with implicit differentiation.

Both splittings are one recurrence ``s <- M phi(s) + d`` (see ``reformulate``),
so one differentiable function, :func:`equilibrium`, serves them and the
quantisation-aware training alike.  Its backward pass needs the equilibrium
only, not the way there: it solves the adjoint equilibrium
(Winston & Kolter 2020, arXiv 2006.08591, section 3.5)

    t <- g + phi'(s) * (M' t),        dL/dd = t,        dL/dM = t phi(s)'

whose matrix is that of the forward recurrence, transposed, hence has the same
norm: both passes contract by the same factor.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import softplus

from ..base import RELU, Clip, InputError
from ..problem import PEACEMAN_RACHFORD, MonDEQ, Preprocessing, Splitting, find_splitting
from .clip import TensorClip
from .loss import NO_UNITS, Units

#: Updates between two looks at the residual; at small n a look costs as much as an update.
CHECK_EVERY = 4


def equilibrium(
    matrix: Tensor,
    drive: Tensor,
    splitting: Splitting,
    clip: TensorClip,
    tolerance: float = 1e-5,
    max_iterations: int = 5000,
) -> Tensor:
    """The state ``s = M phi(s) + d`` of a batch of drives, differentiable in ``matrix`` and ``drive``.

    Parameters
    ----------
    matrix : Tensor (n, n)
        ``M``; must contract, or the iteration does not settle.
    drive : Tensor (samples, n)
    splitting : Splitting
        Its ``phi`` of the clip is iterated.
    clip : TensorClip
    tolerance : float
        Largest change of an entry in one update, relative to the batch's
        largest entry, at which the forward and the adjoint iteration stop.
    max_iterations : int

    Returns
    -------
    Tensor (samples, n)

    Raises
    ------
    InputError
        When an iteration does not settle within ``max_iterations``.
    """
    return _Equilibrium.apply(matrix, drive, splitting, clip, tolerance, max_iterations)


class _Equilibrium(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        matrix: Tensor,
        drive: Tensor,
        splitting: Splitting,
        clip: TensorClip,
        tolerance: float,
        max_iterations: int,
    ) -> Tensor:
        transposed = matrix.t().contiguous()

        def update(state: Tensor) -> Tensor:
            return torch.addmm(drive, splitting.phi(clip, state), transposed)

        state = iterate(update, drive, tolerance, max_iterations)
        ctx.save_for_backward(matrix, state)
        ctx.splitting, ctx.clip, ctx.tolerance, ctx.max_iterations = splitting, clip, tolerance, max_iterations
        return state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        matrix, state = ctx.saved_tensors
        slope = ctx.splitting.phi(ctx.clip.derivative, state)
        adjoint = adjoint_equilibrium(matrix, slope, gradient.contiguous(), ctx.tolerance, ctx.max_iterations)
        return adjoint.t() @ ctx.splitting.phi(ctx.clip, state), adjoint, None, None, None, None


def adjoint_equilibrium(
    matrix: Tensor, slope: Tensor, gradient: Tensor, tolerance: float, max_iterations: int
) -> Tensor:
    """Solve ``t = g + slope * (M' t)``: what a change of the drive does to the loss.

    A change ``e`` of the drive moves the state by ``(I - M diag(slope))^-1 e``;
    ``t`` is the transpose of that matrix applied to ``g = dL/ds``.
    """

    def update(adjoint: Tensor) -> Tensor:
        return torch.addcmul(gradient, adjoint @ matrix, slope)

    return iterate(update, gradient, tolerance, max_iterations)


def iterate(update: Callable[[Tensor], Tensor], state: Tensor, tolerance: float, max_iterations: int) -> Tensor:
    """Apply ``update`` until no entry moves by more than ``tolerance`` times the largest entry, or say that it does."""
    settled, residual = settle(update, state, tolerance, max_iterations)
    if not residual <= tolerance:
        raise InputError(
            f"the equilibrium was not reached in {max_iterations} iterations (relative residual {residual:.1e}, "
            f"tolerance {tolerance:.1e}); raise the margin or max_iterations, or lower the learning rate"
        )
    return settled


def settle(
    update: Callable[[Tensor], Tensor], state: Tensor, tolerance: float, max_iterations: int
) -> tuple[Tensor, float]:
    """The last state and its relative residual as last looked at, infinite if never."""
    residual = math.inf
    for iteration in range(1, max_iterations + 1):
        updated = update(state)
        if iteration % CHECK_EVERY == 0:
            residual = float((updated - state).abs().amax()) / max(float(updated.abs().amax()), 1e-30)
            if residual <= tolerance:
                return updated, residual
        state = updated
    return state, residual


def eye_like(matrix: Tensor) -> Tensor:
    """The identity of a square matrix's size and type, where that is."""
    return torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


class MonotoneNetwork(nn.Module):
    """A MonDEQ in Winston and Kolter's parametrisation.

    ``W = (1-m) I - A'A + B - B'`` (Proposition 1 there) makes ``I - W``
    strongly monotone with margin ``m`` whatever ``A`` and ``B`` are, so plain
    gradient descent never leaves the networks whose equilibrium is unique.

    Parameters
    ----------
    n, d, k : int
        State dimension, inputs, outputs.
    margin : float
        ``m > 0``; where it starts when ``learn_margin``, else where it stays.
    learn_margin : bool
        Train ``m`` too, as the softplus of a free parameter.
    solver : {"peaceman_rachford", "forward_backward"}
    step_size : float or None
        ``alpha``; ``None`` takes the best step for the worst operator with
        the present margin and Lipschitz constant.  It moves the solver, never
        the equilibrium.
    tolerance : float
        See :func:`equilibrium`.
    max_iterations : int
    seed : int
        Of the initial weights.
    clip : Clip, optional
        The rows' proximal operators, such as ``Clip.uniform(Interval(-1, 1), n)``, the hard tanh; relu when absent.
    units : Units, optional
        Of the outputs: readout and its bias are learnt in them.
    """

    output_mean: Tensor
    output_spread: Tensor

    def __init__(
        self,
        n: int,
        d: int,
        k: int,
        margin: float = 1.0,
        learn_margin: bool = False,
        solver: str = PEACEMAN_RACHFORD,
        step_size: float | None = None,
        tolerance: float = 1e-5,
        max_iterations: int = 5000,
        seed: int = 0,
        clip: Clip | None = None,
        units: Units = NO_UNITS,
    ):
        super().__init__()
        if n < 1:
            raise InputError(f"n is {n}; expected at least 1 state")
        if clip is not None and clip.n != n:
            raise InputError(f"the clip has {clip.n} rows; expected {n}, one for each state")
        if not 0 < margin < math.inf:
            raise InputError(f"margin is {margin}; expected a positive number: without it no equilibrium is unique")
        self.splitting, self.step_size = find_splitting(solver), step_size
        self.clip = Clip.uniform(RELU, n) if clip is None else clip
        self.tolerance, self.max_iterations = tolerance, max_iterations
        generator = torch.Generator().manual_seed(seed)

        def uniform(rows: int, columns: int) -> nn.Parameter:
            return nn.Parameter((2 * torch.rand(rows, columns, generator=generator) - 1) / math.sqrt(columns))

        self.A, self.B = uniform(n, n), uniform(n, n)
        self.U, self.b = uniform(n, d), nn.Parameter(torch.zeros(n))
        self.O, self.c = uniform(k, n), nn.Parameter(torch.zeros(k))
        self.register_buffer("output_mean", units.mean, persistent=False)
        self.register_buffer("output_spread", units.spread, persistent=False)
        # The inverse of the softplus; log(expm1(m)) in a form that does not overflow.
        raw = torch.tensor(margin + math.log(-math.expm1(-margin)))
        if learn_margin:
            self.margin_raw = nn.Parameter(raw)
        else:
            self.register_buffer("margin_raw", raw)

    @property
    def margin(self) -> Tensor:
        """``m``, a scalar tensor."""
        return softplus(self.margin_raw)

    def weight(self) -> Tensor:
        """``W`` (n, n)."""
        eye = eye_like(self.A)
        return (1 - self.margin) * eye - self.A.t() @ self.A + self.B - self.B.t()

    def equilibria(self, inputs: Tensor) -> Tensor:
        """Equilibria ``z`` (samples, n) of preprocessed inputs (samples, d)."""
        W = self.weight()
        eye = eye_like(W)
        injection = torch.addmm(self.b, inputs, self.U.t())
        alpha = self.automatic_step_size(W) if self.step_size is None else self.step_size
        folded, resolvent, scale = self.splitting.fold(W, alpha, torch)
        matrix, drive = folded + self.splitting.diagonal(alpha) * eye, scale * injection @ resolvent.t()
        clip = TensorClip.of(self.clip.at_step(alpha), W.dtype, W.device)
        return clip.prox(equilibrium(matrix, drive, self.splitting, clip, self.tolerance, self.max_iterations))

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (samples, k) of preprocessed inputs (samples, d)."""
        outputs = torch.addmm(self.c, self.equilibria(inputs), self.O.t())
        return self.output_mean + self.output_spread * outputs

    @torch.no_grad()
    def automatic_step_size(self, W: Tensor) -> float:
        """Best ``alpha`` for the worst operator with margin ``m`` and Lipschitz constant ``L``.

        Peaceman-Rachford ``1 / sqrt(m L)`` (Giselsson & Boyd, arXiv 1407.6723),
        forward-backward ``m / L^2`` (Ryu & Boyd, "Primer on monotone operator methods", 2016).
        """
        margin = float(self.margin)
        lipschitz = float(torch.linalg.matrix_norm(eye_like(W) - W, 2))
        return self.splitting.best_step(margin, lipschitz)

    @torch.no_grad()
    def to_model(self, preprocessing: Preprocessing, source: str = "trained") -> MonDEQ:
        """The network as ``load`` would return it, float64."""

        def array(tensor: Tensor) -> np.ndarray:
            return tensor.detach().double().numpy()

        A, B, margin = self.A.double(), self.B.double(), softplus(self.margin_raw.double())
        W = (1 - margin) * eye_like(A) - A.t() @ A + B - B.t()
        return MonDEQ(
            W=array(W),
            U=array(self.U),
            b=array(self.b),
            O=array(self.output_spread.double().reshape(-1, 1) * self.O.double()),
            c=array(self.output_mean.double() + self.output_spread.double() * self.c.double()),
            monotonicity_margin=float(margin),
            preprocessing=preprocessing,
            source=source,
            clip=None if self.clip.is_relu else self.clip,
        )
