"""The command ``prove``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..base import MismatchError
from .options import Build, Json
from .terminal import print_json

if TYPE_CHECKING:
    from ..formal import Statement


def prove_command(build: Build, as_json: Json = False) -> None:
    """Prove the folder's RTL, unit by unit at its own widths, and a small core as a whole, for every input.

    What is too large is said to be undecided, and why. Writes report/formal.json into the folder.
    """
    from ..formal import REFUTED, prove_build
    from ..project import Project

    project = Project.load(build)
    proof = prove_build(project.folder, _silent if as_json else _print)
    content = {
        "folder": str(project.folder),
        "changed_files": list(project.build.changed_files()),
        **proof.to_plain(),
    }
    if as_json:
        print_json(content)
    project.build.add("report/formal.json", json.dumps(content, indent=2) + "\n")
    if wrong := [f"{each.subject}: {each.detail}" for each in proof.statements if each.status == REFUTED]:
        raise MismatchError(f"{build}: refuted: {'; '.join(wrong)}")


def _print(statement: Statement) -> None:
    detail = f" ({statement.detail})" if statement.detail else ""
    print(f"{statement.status.upper()}: {statement.subject}: {statement.claim}{detail}", flush=True)


def _silent(statement: Statement) -> None:
    pass
