"""The command ``certificate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..base import MismatchError, NotCertifiedError
from .options import Build, Json
from .terminal import print_json


def certificate_command(
    build: Build,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare the certificate with this checkpoint: is it about this network?"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print what is proved about the program, and prove it again with the independent checker."""
    from ..project import Project
    from ..proof import for_reading

    project = Project.load(build)
    verdict = project.check_certificate()
    certified = project.program.certified and verdict.accepted
    # Without a proof the checker has stopped at that mark; the lines are shown all the same.
    lines = project.certificate.lines if certified or not project.program.certified else ()
    same = None if model is None else project.check_model(model)
    if as_json:
        plain, inputs = [vars(line) for line in lines], project.preprocessing.in_words()
        about = {} if same is None else {"model": vars(same)}
        print_json(
            {
                "certified": certified,
                "accepted": verdict.accepted,
                "reason": verdict.reason,
                "inputs": inputs,
                **about,
                "lines": plain,
            }
        )
    else:
        if lines:
            print(f"inputs: {project.preprocessing.in_words()}")
        for line in lines:
            print(f"{line.status.upper()}: {line.statement}")
            for key, value in line.values.items():
                print(f"    {key} = {for_reading(value)}")
            print(f"    [{line.source}]")
        if lines:
            print(verdict.reason)
        if same is not None and same.accepted:
            print(f"{model}: {same.reason}")
    if same is not None and not same.accepted:
        raise MismatchError(f"{build}: the certificate is not about {model}: {same.reason}")
    if not project.program.certified:
        raise NotCertifiedError(
            f"{build}: nothing proves convergence, it was compiled with --allow-uncertified; compile without it",
            None,
            None,
        )
    if not verdict.accepted:
        raise NotCertifiedError(f"{build}: the certificate is rejected: {verdict.reason}; compile again", None, None)
