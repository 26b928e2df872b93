"""The options of ``train`` and ``qat``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat
from pydantic.dataclasses import dataclass
from pydantic.json_schema import SkipJsonSchema

from ..base import RELU, Interval, OptionError
from ..program import MOST_ITERATIONS
from .compile import InputOptions, NetworkOptions, Solver
from .options import STRICT, MatrixBits, Options, PositiveFloat, PositiveInt, explained, names_the_option, option

NotNegative = Annotated[FiniteFloat, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(gt=0, lt=1)]


@explained
@dataclass(frozen=True, config=STRICT)
class Optimisation:
    """How a network is trained, float or on its integers: Adam, the learning rate falling to zero by a cosine.

    Weight decay is decoupled (Loshchilov & Hutter, arXiv 1711.05101).
    """

    _naming = names_the_option

    epochs: Annotated[PositiveInt, option("N", "Epochs at most.")]
    batch_size: Annotated[PositiveInt, option("N", "Samples a step.")]
    learning_rate: Annotated[PositiveFloat, option("X", "Of Adam, at the start; in levels for qat.")]
    patience: Annotated[PositiveInt, option("N", "Epochs without a better one after which to stop.")]
    weight_decay: Annotated[NotNegative, option("X", "Decoupled weight decay.")] = 0.0
    validation_share: Annotated[
        FiniteFloat,
        Field(ge=0, lt=1, description="Part of the training set that selects the epoch to keep; 0: none, the last is."),
    ] = 0.1
    shift_pixels: Annotated[
        Annotated[int, Field(ge=0)],
        option("N", "Move training images by up to so many pixels, at random; they must be square."),
    ] = 0
    seed: Annotated[Annotated[int, Field(ge=0, le=2**63 - 1)], option("N", "Of everything random.")] = 0


@explained
@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """A float network and its optimisation; see :class:`~mondeq_hw.training.equilibrium.MonotoneNetwork`."""

    _naming = names_the_option

    n: Annotated[PositiveInt, option("N", "State dimension.")] = 64
    margin: Annotated[PositiveFloat, option("X", "Monotonicity margin m, or where it starts.")] = 0.5
    learn_margin: Annotated[bool, option("", "Train the margin too.")] = False
    solver: Annotated[Solver, Field(description="Of the equilibrium, in training.")] = "peaceman_rachford"
    tolerance: Annotated[PositiveFloat, Field(description="Relative residual of the equilibrium.")] = 1e-4
    activation: Annotated[
        Interval, SkipJsonSchema(), Field(description="Proximal operator of every row: RELU, Interval(0, 6), ...")
    ] = RELU
    optimisation: Optimisation = Optimisation(
        epochs=40, batch_size=64, learning_rate=3e-3, patience=20, weight_decay=0.1
    )


@explained
@dataclass(frozen=True, config=STRICT)
class QatConfig:
    """How to retrain on the stored integers.

    A penalty pulls ``||M||_2`` below ``hinge_start``; only epochs whose proved contraction factor is within the limit
    are kept.
    """

    _naming = names_the_option

    optimisation: Optimisation = Optimisation(epochs=12, batch_size=128, learning_rate=0.02, patience=12)
    contraction_limit: Annotated[Share, option("X", "Largest proved contraction factor.")] = 0.95
    hinge_room: Annotated[
        FiniteFloat, Field(ge=0, lt=1, description="How far below the limit the penalty on the norm begins.")
    ] = 0.05
    hinge_weight: Annotated[FiniteFloat, Field(ge=0, description="Of that penalty.")] = 30.0
    updates: Annotated[
        Annotated[int, Field(ge=1, le=MOST_ITERATIONS)] | None,
        option("N", "Train through exactly so many updates, which the hardware then takes.", unset="the certificate's"),
    ] = None
    iterations: Annotated[
        PositiveInt, Field(description="Updates of a training step, fewer where every state is fixed earlier.")
    ] = 24

    def __post_init__(self) -> None:
        if self.hinge_start <= 0:
            raise OptionError(
                "hinge_room", f"is {self.hinge_room}; expected less than contraction_limit, {self.contraction_limit}"
            )

    @property
    def hinge_start(self) -> float:
        """``||M||_2`` above which the penalty pulls."""
        return self.contraction_limit - self.hinge_room


class DeviceOptions(Options):
    """Where a training runs."""

    device: Annotated[
        Literal["cpu", "cuda", "auto"],
        option("NAME", "Where training runs: cpu, cuda, or auto, which is cuda where there is one."),
    ] = "cpu"


class TrainingData(InputOptions):
    """The data of ``train``; the digits where none are named."""

    task: Annotated[
        Literal["classes", "values"] | None,
        option("classes|values", "What the outputs stand for.", unset="classes if targets are one integer a sample"),
    ] = None


class QatOptions(NetworkOptions):
    """What ``qat`` starts from: the network, its data and the word lengths of its integers."""

    bits: Annotated[MatrixBits, option("N", "Word length of the iteration matrix, 1 to 18.")]
    drive_bits: Annotated[MatrixBits, option("N", "Word length of the drive matrix, 1 to 18.")] = 4
    readout_bits: Annotated[MatrixBits, option("N", "Word length of the readout matrix, 1 to 18.")] = 6
    state_bits: Annotated[
        Annotated[int, Field(ge=2, le=32)] | None,
        option("N", "Word length of the state, 2 to 32.", unset="the larger of 12 and bits + 4"),
    ] = None
    inputs: Annotated[
        PositiveInt | None,
        option("N", "Inputs that stay, those that move the states most; no other is streamed.", unset="all"),
    ] = None
    method: Annotated[
        Literal["straight-through", "lotion", "lotion-sampled"],
        option("NAME", "straight-through, lotion or lotion-sampled."),
    ] = "straight-through"
