"""A network's integers as the options ask for them."""

from __future__ import annotations

from ..config import CompileConfig
from ..problem import MonDEQ
from ..rounding import Lowered, LoweringOptions, lower, with_proved_range, without_saturation
from .data import Data


def lowering_options(config: CompileConfig) -> LoweringOptions:
    """The options that concern the integers."""
    names = LoweringOptions.__dataclass_fields__
    return LoweringOptions(**{name: getattr(config, name) for name in names})


def lowered_by(model: MonDEQ, config: CompileConfig, data: Data) -> Lowered:
    """A network's integers as the options ask for them.

    Raises
    ------
    InputError
        An option that the network's integers contradict, or a range of the state that nothing proves.
    """
    lowered = lower(model, lowering_options(config), data.calibration)
    if model.parameters is None and model.stored is None and config.state_bits is None:
        lowered = with_proved_range(lowered, keep_length=False)
    if config.state_range == "box":
        return without_saturation(lowered, data.task, keep_length=config.state_bits is not None)
    return lowered
