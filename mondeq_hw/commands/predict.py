"""The command ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base import InputError, replacing
from ..config import DataOptions, options_of
from .options import Build, Json, Words
from .terminal import print_json, read_inputs, taken_inputs

if TYPE_CHECKING:
    import numpy as np

    from ..project import Project


def predict_command(
    build: Build,
    inputs: Annotated[
        Path,
        typer.Argument(metavar="INPUTS.npy", help="Values (samples, d), before any preprocessing.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the outputs (samples, k) here: .npy or .csv."),
    ] = None,
    words: Words = False,
    on_overflow: Annotated[
        str, typer.Option(metavar="error|saturate", help=options_of(DataOptions)["on_overflow"].meaning)
    ] = "error",
    as_json: Json = False,
) -> None:
    """Outputs of the integer program, the same as the hardware's; of a classifier the class first."""
    from ..project import Project

    if out is not None and out.suffix not in (".npy", ".csv"):
        raise InputError(f"--out is {out}; expected a name that ends in .npy or .csv")
    project = Project.load(build)
    taken = taken_inputs(project, read_inputs(inputs), words, on_overflow)
    outputs = project.predict(words=taken.words)
    if out is not None:
        _write(out, outputs, _names(project))
    answers = project.task.answers(outputs)
    if as_json:
        plain = {name: answer.tolist() for name, answer in answers.items()}
        counts = {"saturated": taken.saturated, "rounded": taken.rounded}
        print_json({"certified": project.program.certified, **counts, **plain, "outputs": outputs.tolist()})
    elif out is None:
        for sample, row in enumerate(outputs):
            print(*(answer[sample] for answer in answers.values()), *(f"{value:g}" for value in row))


def _names(project: Project) -> list[str]:
    """What the outputs are called."""
    named = project.parameters
    return [f"y{place}" for place in range(project.program.k)] if named is None else list(named.outputs)


def _write(file: Path, outputs: np.ndarray, names: list[str]) -> None:
    import numpy as np

    with replacing(file) as temporary, temporary.open("wb") as stream:
        if file.suffix == ".npy":
            np.save(stream, outputs)
        else:
            stream.write(f"{','.join(names)}\n".encode())
            np.savetxt(stream, outputs, fmt="%.17g", delimiter=",")
