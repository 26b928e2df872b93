"""The command ``profile``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..base import InputError
from ..config import DataOptions
from .options import Build, Json, takes_records


@takes_records
def profile_command(
    build: Build,
    data: DataOptions,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the profile: .svg, .png or .pdf.")] = None,
    as_json: Json = False,
) -> None:
    """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

    On the folder's own inputs, or on the test samples of a data set.
    """
    from ..project import Project
    from ..steps import named_data

    project = Project.load(build)
    samples = named_data(data, "test")
    if samples is not None and samples.d != project.program.d:
        raise InputError(f"{build}: takes {project.program.d} inputs, the samples have {samples.d}")
    profile = project.profile(None if samples is None else samples.words)
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
