"""One convolutional equilibrium layer (Winston & Kolter, CRAFT, LBEN), lowered to a dense operator.

``mon.linear_module.{g, h}`` scalars; ``U.{weight, bias}`` (c, c_in, k, k); ``A.weight``, ``B.weight`` (c, c, 3, 3).
With A and B divided by their Frobenius norms and B times h, ``W = (1-m) I - g A'A + B - B'`` of circular
convolutions on the (c, s, s) state.  The prox holds the state's one-pixel border at zero, so those rows and columns
are left out: what remains is exactly the same network, of (s-2)^2 c states.  With an LBEN's ``psi`` (1, c, s, s), axes
of 1 for all, it is ``I - diag(exp(psi)) (I - W)`` in place of W.  Average pooling and the linear layer
behind it are one readout matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base import InputError
from ..checkpoint import Checkpoint
from ..coordinates import in_coordinates
from ..model import MonDEQ
from ..source import Asked, Source, parametrised
from ..spelling import LAYER, Spelled
from .winston_kolter import READOUT, usual

#: States of the largest network that is lowered; its dense matrix is this number squared.
MOST_STATES = 2000
#: Sides of the images that the reference codes train on, by their channels: MNIST and CIFAR-10.  No file stores it.
IMAGE_SIDES = {1: 28, 3: 32}


@dataclass(frozen=True)
class Geometry:
    """What the file does not say: how images become states, and states features.

    Parameters
    ----------
    image : int
        Side of the input image.
    margin : int
        Pixels of zeros around it (locuslab 1, CRAFT none).
    kernel, stride : int
        Of the convolution of the input, which is padded circularly by 1 (locuslab 1; CRAFT 1, or half the kernel).
    pool : int
        Side of the readout's average pooling (locuslab 4, CRAFT 2).
    """

    image: int
    margin: int
    kernel: int
    stride: int
    pool: int

    @property
    def padded(self) -> int:
        """Side of the image with its zeros."""
        return self.image + 2 * self.margin

    @property
    def state(self) -> int:
        """Side of the state."""
        return (self.padded + 2 - self.kernel) // self.stride + 1

    @property
    def pooled(self) -> int:
        """Side of the readout's features."""
        return self.state // self.pool

    def __str__(self) -> str:
        return f"stride {self.stride}, pooling {self.pool}"


def recognises(given: Spelled) -> bool:
    """Any layer with kernels: those that are not lowered are named when read."""
    return any(key.startswith(LAYER) and np.ndim(value) == 4 for key, value in given.arrays.items())


def read(source: Source, asked: Asked) -> Checkpoint:
    """See :class:`.Format`."""
    if LAYER + "A.weight" not in source.keys:
        kernels = sum(np.ndim(value) == 4 for value in source.spelled.arrays.values())
        raise InputError(
            f"{source.where}: a multi-tier convolutional MonDEQ ({kernels} kernels); expected one layer: a single "
            "convolution or a fully connected one"
        )
    if LAYER + "B.weight" not in source.keys:
        raise InputError(
            f"{source.where}: a convolutional layer without kernel B, such as NEMON's; expected Winston and Kolter's, "
            "or LBEN's. Save its W, with U, b, O, c"
        )
    margin = source.margin(asked.margin, LAYER + "m")
    U = source.array(LAYER + "U.weight", (None,) * 4)
    channels = len(U)
    geometry = _geometry(source, U, asked.input_side, source.array(READOUT[0], (None, None)).shape[1])
    _check_size(source, channels, geometry)
    A, B = (source.array(f"{LAYER}{name}.weight", (channels, channels, 3, 3)) for name in "AB")
    g, h = (float(source.array(LAYER + name, ())) for name in "gh")
    if g < 0:
        raise InputError(f"{source.where}: key {source.name(LAYER + 'g')!r} is {g:g}; expected a factor above zero")
    dense_A, dense_B = (_circular(kernel / np.linalg.norm(kernel), geometry.state) for kernel in (A, B))
    W = parametrised(margin, np.sqrt(g) * dense_A, h * dense_B)
    metric = _metric(source, (channels, geometry.state, geometry.state))
    if metric is not None:
        W = np.eye(len(W)) - metric[:, None] * (np.eye(len(W)) - W)
    inner = _inner(channels, geometry.state)
    readout = source.array(READOUT[0], (None, channels * geometry.pooled**2)) @ _pooling(channels, geometry)
    bias = np.repeat(source.array(LAYER + "U.bias", (channels,)), geometry.state**2)
    model = MonDEQ(
        W=W[np.ix_(inner, inner)],
        U=_input_matrix(U, geometry)[inner],
        b=bias[inner],
        O=readout[:, inner],
        c=source.array(READOUT[1], (len(readout),)),
        monotonicity_margin=margin,
        source=source.file_name,
    )
    if metric is not None:
        model = in_coordinates(model, np.sqrt(metric[inner]))
    return Checkpoint(model, usual=usual(model))


def _metric(source: Source, state: tuple[int, int, int]) -> np.ndarray | None:
    """``exp(psi)`` of an LBEN, for each state; None of a MonDEQ."""
    key = LAYER + "psi"
    if key not in source.keys:
        return None
    psi = source.array(key, (1, None, None, None))
    if any(have not in (1, want) for have, want in zip(psi.shape[1:], state, strict=True)):
        raise InputError(
            f"{source.where}: key {source.name(key)!r} has shape {psi.shape}; expected {(1, *state)}, or 1 in place of "
            "some of them. Check that all keys come from one model"
        )
    return np.exp(np.broadcast_to(psi[0], state).reshape(-1))


def _geometry(source: Source, U: np.ndarray, side: int | None, features: int) -> Geometry:
    """The one geometry of the two codes that gives the readout as many features as it has."""
    channels, image_channels, kernel = U.shape[:3]
    image = IMAGE_SIDES.get(image_channels) if side is None else side
    if U.shape[3] != kernel:
        raise InputError(f"{source.where}: a convolution of {kernel} x {U.shape[3]} kernels; expected square ones")
    if image is None:
        raise InputError(
            f"{source.where}: a convolution of {image_channels}-channel images, whose size the file does not store; "
            "give the side of these square images with --input-side"
        )
    locuslab = [Geometry(image, 1, kernel, 1, 4)] if kernel == 3 else []
    craft = [Geometry(image, 0, kernel, stride, 2) for stride in sorted({1, max(1, kernel // 2)})]
    fitting = [one for one in (*locuslab, *craft) if one.state > 2 and channels * one.pooled**2 == features]
    if len(fitting) != 1:
        found = " or ".join(map(str, fitting)) or "none"
        raise InputError(
            f"{source.where}: a convolutional MonDEQ with {features} features at its readout, which fits {found} of "
            f"the known layouts of {channels} channels, {kernel} x {kernel} kernels and {image} x {image} images; "
            "expected one of them. Images of another size: --input-side"
        )
    return fitting[0]


def _check_size(source: Source, channels: int, geometry: Geometry) -> None:
    states = channels * geometry.state**2
    if states > MOST_STATES:
        raise InputError(
            f"{source.where}: a convolutional MonDEQ of {states} states ({channels} channels of {geometry.state} x "
            f"{geometry.state}); expected at most {MOST_STATES}, which are lowered to a dense matrix"
        )


def _circular(kernel: np.ndarray, side: int, stride: int = 1, source_side: int | None = None) -> np.ndarray:
    """The matrix of a convolution whose input is padded circularly by 1.

    Parameters
    ----------
    kernel : ndarray (c, c_in, k, k)
    side : int
        Of the result.
    stride : int
    source_side : int, optional
        Of the input; ``side`` when absent.
    """
    outputs, inputs, size, _ = kernel.shape
    source_side = source_side or side
    matrix = np.zeros((outputs, side, side, inputs, source_side, source_side))
    rows = np.arange(side)
    for y in range(size):
        for x in range(size):
            from_y, from_x = ((rows * stride + offset - 1) % source_side for offset in (y, x))
            target = (slice(None), rows[:, None], rows, slice(None), from_y[:, None], from_x)
            matrix[target] += kernel[:, :, y, x]
    return matrix.reshape(outputs * side**2, inputs * source_side**2)


def _input_matrix(U: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Of images, which are zero outside."""
    full = _circular(U, geometry.state, geometry.stride, geometry.padded)
    inside = np.zeros((U.shape[1], geometry.padded, geometry.padded), dtype=bool)
    edge = slice(geometry.margin, geometry.padded - geometry.margin)
    inside[:, edge, edge] = True
    return full[:, inside.reshape(-1)]


def _inner(channels: int, side: int) -> np.ndarray:
    """Indices of the states that the border's zeros leave free."""
    free = np.zeros((channels, side, side), dtype=bool)
    free[:, 1:-1, 1:-1] = True
    return np.flatnonzero(free)


def _pooling(channels: int, geometry: Geometry) -> np.ndarray:
    """Average pooling of the state as a matrix."""
    side, pool, pooled = geometry.state, geometry.pool, geometry.pooled
    matrix = np.zeros((channels, pooled, pooled, channels, side, side))
    for channel in range(channels):
        for y in range(pooled * pool):
            for x in range(pooled * pool):
                matrix[channel, y // pool, x // pool, channel, y, x] = 1 / pool**2
    return matrix.reshape(channels * pooled**2, channels * side**2)
