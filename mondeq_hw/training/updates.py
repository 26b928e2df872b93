"""The rounded updates of the state in a differentiable network: the contract's words, and two gradients of them.

:func:`to_equilibrium` has the gradient of the exact equilibrium, whatever the number of updates: right where the
updates settle.  :func:`through_updates` differentiates the updates themselves, straight through the rounding, as a
network needs that stops after a few.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..base import FixedPointFormat
from ..problem import Splitting
from .clip import TensorClip
from .equilibrium import settle

#: Relative residual at which the adjoint iteration stops: below what straight-through gradients are worth.
ADJOINT_TOLERANCE = 1e-3


class _Replace(torch.autograd.Function):
    """Another value, the same gradient: exactly the other value, which ``x + (y - x)`` is not in floating point."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, other: Tensor) -> Tensor:
        return other

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def replace_value(value: Tensor, other: Tensor) -> Tensor:
    """``other``, with the gradient of ``value``."""
    return _Replace.apply(value, other)


def through_updates(
    matrix: Tensor,
    drive: Tensor,
    splitting: Splitting,
    clip: TensorClip,
    state_format: FixedPointFormat,
    updates: int,
) -> Tensor:
    """The state (samples, n) after exactly so many updates; rounding has slope one, saturation none."""
    unit, top = 1 / state_format.step, state_format.max_word
    drive = drive * unit

    def rounded(accumulator: Tensor) -> Tensor:
        return replace_value(accumulator.clamp(-top, top), (accumulator.detach() + 0.5).floor().clamp(-top, top))

    words = rounded(drive)
    for _ in range(updates):
        words = rounded(torch.addmm(drive, splitting.phi(clip, words), matrix.t()))
    return words / unit


def to_equilibrium(
    matrix: Tensor,
    drive: Tensor,
    splitting: Splitting,
    clip: TensorClip,
    state_format: FixedPointFormat,
    updates: int,
) -> Tensor:
    """The state (samples, n) after at most so many updates; its gradient as if it were the exact equilibrium."""
    return _QuantizedEquilibrium.apply(matrix, drive, splitting, clip, state_format, updates)


class _QuantizedEquilibrium(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        matrix: Tensor,
        drive: Tensor,
        splitting: Splitting,
        clip: TensorClip,
        state_format: FixedPointFormat,
        iterations: int,
    ) -> Tensor:
        transposed = matrix.t().contiguous()
        # In units of the state's last place, so that rounding is one floor; a power of two changes no bit.
        unit = 1 / state_format.step
        drive = drive * unit
        top = state_format.max_word

        def rounded(accumulator: Tensor) -> Tensor:
            return accumulator.add_(0.5).floor_().clamp_(-top, top)

        words = rounded(drive.clone())
        for _ in range(iterations):
            updated = rounded(torch.addmm(drive, splitting.phi(clip, words), transposed))
            if torch.equal(updated, words):
                break
            words = updated
        ctx.save_for_backward(matrix, words)
        ctx.splitting, ctx.clip, ctx.unit, ctx.top, ctx.iterations = splitting, clip, unit, top, iterations
        return words / unit

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        matrix, words = ctx.saved_tensors
        free = (words.abs() < ctx.top).to(words.dtype)
        gradient = gradient * free
        slope = ctx.splitting.phi(ctx.clip.derivative, words) * free

        def update(adjoint: Tensor) -> Tensor:
            return torch.addcmul(gradient, adjoint @ matrix, slope)

        adjoint, _ = settle(update, gradient, ADJOINT_TOLERANCE, ctx.iterations)
        return adjoint.t() @ (ctx.splitting.phi(ctx.clip, words) / ctx.unit), adjoint, None, None, None, None
