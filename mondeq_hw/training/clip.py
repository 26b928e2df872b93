"""A clip on tensors: the operators that a splitting iterates, and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..base import Clip


@dataclass(frozen=True, eq=False)
class TensorClip:
    """A :class:`~mondeq_hw.base.clip.Proximal` on states (.., n), in the same arithmetic as ``Clip``.

    Parameters
    ----------
    clip : Clip
    lower, upper : Tensor (n,)
    complement : Tensor (n,)
        Bool.
    """

    clip: Clip
    lower: Tensor
    upper: Tensor
    complement: Tensor

    @staticmethod
    def of(clip: Clip, dtype: torch.dtype, device: torch.device | None = None) -> TensorClip:
        """A clip for states of this type, on this device (the CPU when absent)."""
        lower, upper = (torch.from_numpy(bound).to(device, dtype) for bound in (clip.lower, clip.upper))
        return TensorClip(clip, lower, upper, torch.from_numpy(clip.complement).to(device))

    @property
    def derivative(self) -> ClipDerivative:
        """Of both operators."""
        return ClipDerivative(self)

    def prox(self, state: Tensor) -> Tensor:
        """``prox(s)``, differentiable."""
        return state.clamp_min(0) if self.clip.is_relu else _Prox.apply(state, self)

    def reflection(self, state: Tensor) -> Tensor:
        """``2 prox(s) - s``."""
        if self.clip.is_relu:
            return state.abs()
        reflected = 2 * self.clipped(state) - state
        return torch.where(self.complement, -reflected, reflected) if self.clip.has_complements else reflected

    def clipped(self, state: Tensor) -> Tensor:
        """Every row between its bounds, complement or not."""
        return torch.clamp(state, self.lower, self.upper)


@dataclass(frozen=True, eq=False)
class ClipDerivative:
    """Derivatives of a clip's operators, zero at a kink: a splitting's ``phi`` of them is the derivative of its own."""

    of: TensorClip

    def prox(self, state: Tensor) -> Tensor:
        """0 or 1."""
        inside, outside = self._sides(state)
        return torch.where(self.of.complement, outside, inside).to(state.dtype)

    def reflection(self, state: Tensor) -> Tensor:
        """-1, 0 or 1."""
        inside, outside = self._sides(state)
        slope = inside.to(state.dtype) - outside.to(state.dtype)
        return torch.where(self.of.complement, -slope, slope)

    def _sides(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Where the clip is the identity, and where it is constant; a row that is fixed has no kink."""
        lower, upper = self.of.lower, self.of.upper
        return (state > lower) & (state < upper), (state < lower) | (state > upper) | (lower == upper)


class _Prox(torch.autograd.Function):
    """Autograd's own clamp has slope one at a bound."""

    @staticmethod
    def forward(ctx: Any, state: Tensor, clip: TensorClip) -> Tensor:
        ctx.clip = clip
        ctx.save_for_backward(state)
        clipped = clip.clipped(state)
        return torch.where(clip.complement, state - clipped, clipped)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (state,) = ctx.saved_tensors
        return gradient * ctx.clip.derivative.prox(state), None
