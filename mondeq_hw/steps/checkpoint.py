"""A network and its preprocessing, from what was given and the options, and the options with what these decide."""

from __future__ import annotations

from typing import Any

from ..base import MOST_MATRIX_BITS, OptionError
from ..config import CheckpointOptions, CompileConfig, NetworkOptions, WordOptions
from ..hardware import RESOURCE
from ..problem import MNIST, Asked, Checkpoint, MonDEQ, Origin, check_model, load_checkpoint
from .data import data_name


def checkpoint_of(model: MonDEQ | Origin, config: NetworkOptions) -> Checkpoint:
    """A network, or a checkpoint read from its file, with the preprocessing that the options ask for.

    Raises
    ------
    InputError
        Something about the file, or nothing says what its preprocessing is.
    """
    return read_checkpoint(model, config, mnist=data_name(config) == MNIST)


def read_checkpoint(model: MonDEQ | Origin, config: CheckpointOptions, *, mnist: bool = False) -> Checkpoint:
    """As :func:`checkpoint_of`, without data, or with MNIST's: they say what a reference code's preprocessing is."""
    if isinstance(model, MonDEQ):
        check_model(model)
        checkpoint = Checkpoint(model)
    else:
        asked = Asked(config.margin, config.lipschitz_bound, config.input_side)
        checkpoint = load_checkpoint(model, asked, prefix=config.prefix, keys=config.keys)
    given = {"scale": config.input_scale, "mean": config.input_mean, "std": config.input_std, **declared_words(config)}
    return checkpoint.prepared(given, mnist=mnist)


def declared_words(options: WordOptions) -> dict[str, Any]:
    """The fields of a preprocessing by which the options declare the inputs' words; none where they do not.

    Raises
    ------
    OptionError
        A range without a word length, or two declarations.
    """
    if options.input_range is None:
        return {} if options.input_format is None else {"input_format": options.input_format}
    if options.input_format is not None:
        raise OptionError("input_range", "stands beside input_format, which has a range of its own; give one of them")
    if options.input_bits is None:
        raise OptionError("input_bits", "is missing; expected the length of the input range's words, for example 10")
    return {"input_range": options.input_range, "input_bits": options.input_bits}


def resolve(config: CompileConfig, checkpoint: Checkpoint) -> CompileConfig:
    """The options with what the checkpoint decides: a retrained network has its own word length.

    Raises
    ------
    OptionError
        Something is missing, or goes with another option only.
    """
    folded = config.strategy == RESOURCE
    others = "strategies 'unrolled' and 'straight'" if folded else "strategy 'resource'"
    for name in ("graphs", "fewest", "graph_search", "graph_rows") if folded else ("balance",):
        if getattr(config, name) != CompileConfig.model_fields[name].default:
            raise OptionError(name, f"is for the {others}; leave it out, or take another strategy")
    if config.bits is not None:
        return config
    stored = checkpoint.model.stored
    if stored is None:
        raise OptionError("bits", f"is missing; expected a whole number from 1 to {MOST_MATRIX_BITS}, for example 5")
    return config.model_copy(update={"bits": stored.matrix.word_length})
