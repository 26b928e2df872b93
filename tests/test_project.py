"""A build folder appears complete or not at all."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from random_models import random_program, random_words

from mondeq_hw import InputError, Project
from mondeq_hw.folder.manifest import MANIFEST, read_manifest
from mondeq_hw.folder.writing import check_target, writing
from mondeq_hw.program.golden import GoldenModel
from mondeq_hw.program.program import SolverProgram


def write(target: Path, program: SolverProgram, force: bool = False) -> None:
    with writing(target, force) as folder:
        program.save(folder)
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text("text")


def test_complete_and_alone(tmp_path: Path) -> None:
    program = random_program(0)
    target = tmp_path / "a" / "b" / "build"
    write(target, program)
    assert [path.name for path in target.parent.iterdir()] == ["build"]
    assert set(read_manifest(target)) == {"program.json", "program.npz", "sub/file"}
    project = Project.load(target)
    assert project.program.digest == program.digest
    assert project.build.changed_files() == ()
    assert target.stat().st_mode & 0o777 == 0o777 & ~os.umask(os.umask(0o022))


def test_predictions_are_the_golden_models(tmp_path: Path) -> None:
    program = random_program(3)
    write(tmp_path / "build", program)
    project = Project.load(tmp_path / "build")
    words = random_words(0, program, 11)
    golden = GoldenModel(program)
    np.testing.assert_array_equal(project.predict_raw(words), golden.predict_raw(words))
    np.testing.assert_array_equal(project.predict(words), golden.predict(words))
    np.testing.assert_array_equal(project.trace(words).states, golden.trace(words).states)


class BrokenWriteError(Exception):
    """Stands for any error in the middle of writing."""


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("error", [BrokenWriteError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_after_a_failure(tmp_path: Path, existing: bool, error: type[BaseException]) -> None:
    target = tmp_path / "new" / "build"
    if existing:
        write(target, random_program(0))
        before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    with pytest.raises(error), writing(target, force=existing) as folder:
        (folder / "half").write_text("half")
        raise error
    if existing:
        assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
        assert [path.name for path in target.parent.iterdir()] == ["build"]
    else:
        assert not list(tmp_path.iterdir())


def test_a_full_disk_is_bad_input_and_a_bug_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="free space"), writing(tmp_path / "build"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(FileNotFoundError), writing(tmp_path / "build"):
        raise FileNotFoundError(errno.ENOENT, "No such file", "template")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("exchange", [True, False])
def test_force_replaces_the_whole(tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not exchange:  # a system without renameat2
        monkeypatch.setattr(sys.modules["mondeq_hw.folder.writing"], "_exchange", lambda one, other: False)
    target = tmp_path / "build"
    write(target, random_program(0))
    inode = target.stat().st_ino
    new = random_program(1)
    with writing(target, force=True) as folder:
        new.save(folder)
    assert target.stat().st_ino != inode
    assert Project.load(target).program.digest == new.digest
    assert {path.name for path in target.iterdir()} == {"program.json", "program.npz", MANIFEST}
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_the_old_project_returns_when_the_move_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "build"
    old = random_program(0)
    write(target, old)
    monkeypatch.setattr(sys.modules["mondeq_hw.folder.writing"], "_exchange", lambda one, other: False)
    rename = os.rename

    def failing(source: Path, destination: Path) -> None:
        if Path(destination) == target and Path(source).name.startswith(".build.tmp-"):
            raise OSError(errno.EIO, "Input/output error")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(InputError, match="Input/output error"):
        write(target, random_program(1), force=True)
    assert Project.load(target).program.digest == old.digest
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_without_force_nothing_is_touched(tmp_path: Path) -> None:
    write(tmp_path / "build", random_program(0))
    before = (tmp_path / "build").stat()
    with pytest.raises(InputError, match="replace it with force"):
        write(tmp_path / "build", random_program(1))
    assert (tmp_path / "build").stat() == before


@pytest.mark.parametrize("manifest", [None, "{}", "[]", "no json", '{"format": "other", "version": 1, "files": {}}'])
def test_force_spares_foreign_folders(tmp_path: Path, manifest: str | None) -> None:
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter1").write_text("ten years of work")
    if manifest is not None:
        (target / MANIFEST).write_text(manifest)
    with pytest.raises(InputError, match="name another out"):
        write(target, random_program(0), force=True)
    assert (target / "chapter1").read_text() == "ten years of work"


def test_force_spares_foreign_files_in_our_folder(tmp_path: Path) -> None:
    target = tmp_path / "build"
    write(target, random_program(0))
    (target / "report").mkdir()
    (target / "report" / "verify.json").write_text("{}")  # what verify adds is ours
    check_target(target, force=True)
    (target / "sub" / "notes").write_text("mine")
    with pytest.raises(InputError, match="sub/notes"):
        write(target, random_program(1), force=True)


def test_stale_folders_go_and_running_ones_stay(tmp_path: Path) -> None:
    stale = tmp_path / ".build.tmp-dead"
    stale.mkdir()
    (stale / "half").write_text("half")
    other = tmp_path / ".build2.tmp-x"
    other.mkdir()
    with writing(tmp_path / "build") as first:
        with writing(tmp_path / "build") as second:
            assert first.exists() and second.exists() and first != second
        assert first.exists()
        (tmp_path / "build").rename(tmp_path / "elsewhere")
    assert {path.name for path in tmp_path.iterdir()} == {"build", "elsewhere", ".build2.tmp-x"}


@pytest.mark.parametrize("name", ["/proc/build", "/dev/null/build", "file/build", "file", "link", ".", ".."])
def test_impossible_places(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(InputError):
        write(tmp_path / name, random_program(0))
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}


def test_changes_are_noticed(tmp_path: Path) -> None:
    target = tmp_path / "build"
    write(target, random_program(0))
    (target / "sub" / "file").write_text("Text")
    assert Project.load(target).build.changed_files() == ("sub/file",)
    (target / "sub" / "file").unlink()
    assert Project.load(target).build.changed_files() == ("sub/file",)


def test_tampered_programs_do_not_load(tmp_path: Path) -> None:
    target = tmp_path / "build"
    write(target, random_program(0))
    scalars = json.loads((target / "program.json").read_text())
    for changes in ({"certified": not scalars["certified"]}, {"version": 99}, {"digest": "0" * 64}):
        (target / "program.json").write_text(json.dumps({**scalars, **changes}))
        with pytest.raises(InputError, match="compile again"):
            Project.load(target)
    with pytest.raises(InputError, match="no such folder"):
        Project.load(tmp_path / "none")
