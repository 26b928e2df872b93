"""The command ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base import replacing
from ..config import DataOptions, options_of
from .options import Build, Json, Words
from .terminal import print_json, read_inputs, taken_inputs


def predict_command(
    build: Build,
    inputs: Annotated[
        Path,
        typer.Argument(metavar="INPUTS.npy", help="Values (samples, d), before any preprocessing.", show_default=False),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.npy", help="Write the outputs (samples, k) here.")
    ] = None,
    words: Words = False,
    on_overflow: Annotated[
        str, typer.Option(metavar="error|saturate", help=options_of(DataOptions)["on_overflow"].meaning)
    ] = "error",
    as_json: Json = False,
) -> None:
    """Outputs of the integer program, the same as the hardware's; of a classifier the class first."""
    import numpy as np

    from ..project import Project

    project = Project.load(build)
    taken = taken_inputs(project, read_inputs(inputs), words, on_overflow)
    outputs = project.predict(words=taken.words)
    if out is not None:
        with replacing(out) as temporary, temporary.open("wb") as stream:
            np.save(stream, outputs)
    answers = project.task.answers(outputs)
    if as_json:
        plain = {name: answer.tolist() for name, answer in answers.items()}
        counts = {"saturated": taken.saturated, "rounded": taken.rounded}
        print_json({"certified": project.program.certified, **counts, **plain, "outputs": outputs.tolist()})
    elif out is None:
        for sample, row in enumerate(outputs):
            print(*(answer[sample] for answer in answers.values()), *(f"{value:g}" for value in row))
