"""The commands ``export onnx`` and ``export hls4ml``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..base import MissingToolError
from ..config import CheckpointOptions
from .loudness import Command, audible
from .options import Json, takes_records

export_app = typer.Typer(name="export", help="Write a program or a network for other tools.")


@export_app.callback()
def _group() -> None:
    """Write a program or a network for other tools."""


@export_app.command("onnx", cls=Command)
@audible
@takes_records
def onnx_command(
    *,
    source: Annotated[
        Path,
        typer.Argument(metavar="BUILD", help="Build folder; with --form float the checkpoint.", show_default=False),
    ],
    form: Annotated[
        str,
        typer.Option(
            metavar="integer|qdq|float",
            help="Bit-exact integers; QuantizeLinear/DequantizeLinear; or the trained network.",
        ),
    ] = "integer",
    checkpoint: CheckpointOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write; by default the network's name and .onnx."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write an ONNX model that onnxruntime runs; 'compile' reads the integer and the float form again."""
    try:
        from ..export import onnx
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is missing; install it: pip install 'mondeq-hw[onnx]'") from None

    model = onnx.export(source, form, checkpoint)
    file = Path(f"{model.graph.name}.onnx") if out is None else out
    onnx.write(model, file)
    _show({"file": str(file), **onnx.summary(model)}, as_json)


@export_app.command("hls4ml", cls=Command)
@audible
def hls4ml_command(
    source: Annotated[Path, typer.Argument(metavar="BUILD", help="Build folder.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to make.", show_default=False)],
    backend: Annotated[str, typer.Option(metavar="Vitis|Vivado", help="Of hls4ml.")] = "Vitis",
    io_type: Annotated[
        str, typer.Option(metavar="io_parallel|io_stream", help="Ports of the top function.")
    ] = "io_parallel",
    output: Annotated[
        str, typer.Option(metavar="outputs|equilibrium", help="Result: y, or the equilibrium z.")
    ] = "outputs",
    part: Annotated[str | None, typer.Option(metavar="NAME", help="FPGA part; by default hls4ml's.")] = None,
    clock_period: Annotated[float, typer.Option(metavar="NS", help="Clock period.")] = 5.0,
    force: Annotated[bool, typer.Option("--force", help="Replace a folder that this command wrote.")] = False,
    as_json: Json = False,
) -> None:
    """Write an hls4ml project; with other layers around it, use MonDEQLayer of mondeq_hw.export.hls4ml in Python."""
    from ..export import hls4ml

    layer = hls4ml.MonDEQLayer.from_build(source, output)
    _show(hls4ml.write_project(layer, out, backend, io_type, part, clock_period, force), as_json)


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        for name, text in facts.items():
            print(f"{name:<24}{text}")
