"""The commands ``train`` and ``qat``; a run that was killed continues when it is started again."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import PICTURES, InputError, require_place
from ..config import DeviceOptions, QatConfig, QatOptions, TrainingConfig, TrainingData
from .options import ConfigFile, Json, takes_records
from .terminal import interruptible, print_table

if TYPE_CHECKING:
    from ..learning import TrainedNetwork

Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the training curves: .svg, .png or .pdf.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write: .pt or .safetensors.")]


@takes_records
def train_command(
    config: TrainingConfig,
    data: TrainingData,
    place: DeviceOptions,
    out: Out = Path("model.pt"),
    plot: Plot = None,
    file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Train a float MonDEQ: a classifier, or a network of real outputs."""
    from ..learning import train_with

    _check_plot(plot)
    with _interruptible(out):
        trained = train_with(config, data, out, progress=not as_json, place=place)
    _finish(trained, plot, as_json)


@takes_records
def qat_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Float checkpoint.", show_default=False)],
    options: QatOptions,
    config: QatConfig,
    place: DeviceOptions,
    out: Out = Path("retrained.pt"),
    plot: Plot = None,
    file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Retrain a MonDEQ on the integers that the hardware stores."""
    from ..learning import qat_with

    _check_plot(plot)
    with _interruptible(out):
        trained = qat_with(model, options, config, out, progress=not as_json, place=place)
    _finish(trained, plot, as_json)


def _interruptible(out: Path) -> AbstractContextManager[None]:
    from ..learning import state_file

    return interruptible(f"every whole epoch is kept in {state_file(out)}: the same command goes on from there")


def _check_plot(plot: Path | None) -> None:
    """Refuse before hours of training what could not be drawn after them."""
    if plot is not None and (plot.suffix not in PICTURES or plot.is_dir()):
        raise InputError(f"--plot is {plot}; expected a file whose name ends in .svg, .png or .pdf")
    if plot is not None:
        require_place(plot, "name another file by --plot")


def _finish(trained: TrainedNetwork, plot: Path | None, as_json: bool) -> None:
    if plot is not None:
        trained.plot(plot)
    metrics = trained.metrics
    if as_json:
        of_run = {"checkpoint": str(trained.file), "epochs": len(trained.history), **metrics}
        print(json.dumps({**of_run, "data": trained.data, "test": trained.tested}))
        return
    print(f"{trained.file}: " + ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in metrics.items()))
    print(f"tested on {trained.data}")
    print_table(trained.table)
