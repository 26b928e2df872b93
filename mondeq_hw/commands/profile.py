"""The command ``profile``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..base import InputError
from ..problem import MNIST, named
from .terminal import Build, Json


def profile_command(
    build: Build,
    data: Annotated[str | None, typer.Option("--data", metavar="digits|mnist", help="Take its test samples.")] = None,
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of MNIST's IDX files.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the profile: .svg, .png or .pdf.")] = None,
    as_json: Json = False,
) -> None:
    """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

    On the folder's own inputs, or on the test samples of a data set.
    """
    from ..project import Project

    project = Project.load(build)
    X = None
    if data is not None or data_dir is not None:
        X = named(data or MNIST, "test", data_dir).words
        if X.shape[1] != project.program.d:
            raise InputError(f"{build}: takes {project.program.d} inputs, the samples have {X.shape[1]}")
    profile = project.profile(X)
    if plot is not None:
        profile.plot(plot)
    if as_json:
        print(json.dumps(profile.to_plain(), indent=2))
        return
    print(profile.table())
    if profile.convergence is not None:
        away = profile.convergence.equilibrium_distance
        print(
            f"{profile.samples} samples: {away.mean[-1]:.4g} from the float network's equilibrium on average, "
            f"{away.largest[-1]:.4g} at most; {profile.convergence.outputs.in_words()}"
        )
