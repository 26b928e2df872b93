"""The command ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base import replacing
from .terminal import Build, Json, print_json, read_inputs


def predict_command(
    build: Build,
    inputs: Annotated[Path, typer.Argument(metavar="INPUTS.npy", help="Raw inputs (samples, d).", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="FILE.npy", help="Write the outputs (samples, k) here.")] = None,
    as_json: Json = False,
) -> None:
    """Outputs of the integer program, the same as the hardware's: class, then one value per output."""
    import numpy as np

    from ..project import Project

    project = Project.load(build)
    outputs = project.predict(read_inputs(inputs))
    if out is not None:
        with replacing(out) as temporary, temporary.open("wb") as stream:
            np.save(stream, outputs)
    classes = outputs.argmax(axis=1)
    if as_json:
        print_json({"certified": project.program.certified, "classes": classes.tolist(), "outputs": outputs.tolist()})
    elif out is None:
        for label, row in zip(classes, outputs, strict=True):
            print(label, *(f"{value:g}" for value in row))
