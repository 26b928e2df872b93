"""The command ``profile``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..config import DataOptions
from .options import Build, Json, Words, takes_records
from .terminal import print_comparison


@takes_records
def profile_command(
    build: Build,
    data: DataOptions,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the profile: .svg, .png or .pdf.")] = None,
    words: Words = False,
    as_json: Json = False,
) -> None:
    """Ranges of all words against their formats, what saturates, and the way to the equilibrium.

    On the folder's own inputs, or on the test samples of the data that are named.
    """
    from ..project import Project
    from ..steps import samples_of

    project = Project.load(build)
    samples = samples_of(data)
    if samples is None:
        profile = project.profile()
    else:
        judging = samples.for_inputs(project.program.d, str(build), project.preprocessing.kept).judging
        given = {"words": judging.inputs} if words else {"X": judging.inputs, "on_overflow": data.on_overflow}
        profile = project.profile(targets=judging.targets, **given)
    if plot is not None:
        profile.plot(plot)
    if as_json:
        print(json.dumps(profile.to_plain(), indent=2))
        return
    print(profile.table())
    if samples is not None:
        print(samples.in_words())
    if profile.convergence is not None:
        away = profile.convergence.equilibrium_distance
        exact = "float network" if project.parameters is None else "exact problem"
        print(
            f"{profile.samples} samples: {away.mean[-1]:.4g} from the {exact}'s equilibrium on average, "
            f"{away.largest[-1]:.4g} at most; {profile.convergence.outputs.in_words()}"
        )
    if profile.comparison is not None:
        print_comparison(project.task, profile.comparison)
