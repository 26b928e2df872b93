"""The command ``export onnx``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .errors import MissingToolError

export_app = typer.Typer(name="export", help="Write a program or a network for other tools.", no_args_is_help=True)


@export_app.callback()
def _group() -> None:
    """Write a program or a network for other tools."""


@export_app.command("onnx")
def onnx_command(
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
    margin: Annotated[
        float | None, typer.Option(metavar="X", help="Monotonicity margin m, for checkpoints that do not store it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write; by default the network's name and .onnx.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")] = False,
) -> None:
    """Write an ONNX model that onnxruntime runs; 'compile' reads the integer and the float form again."""
    try:
        from .export import onnx
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is missing; install it: pip install 'mondeq-hw[onnx]'") from None

    model = onnx.export(source, form, margin)
    file = Path(f"{model.graph.name}.onnx") if out is None else out
    onnx.write(model, file)
    facts = {"file": str(file), **onnx.summary(model)}
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        for name, text in facts.items():
            print(f"{name:<24}{text}")
