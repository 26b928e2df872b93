"""A killed compiler leaves a complete build folder, or none."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from checkpoints import parameters, plain, write_npz
from killed import CHILD
from long_set import one_in

from mondeq_hw.base import replacing
from mondeq_hw.folder import Build
from mondeq_hw.folder.manifest import MANIFEST

pytestmark = pytest.mark.slow

#: Around every step that touches the disk: the first, middle and last file, the manifest, the move, the removal.
#: Every second one is always tried.
MOMENTS = [
    ("tempfile", "mkdtemp", 1),
    ("mondeq_hw.pipeline", "emit_hls", 1),
    ("mondeq_hw.folder.writing", "_move", 1),
    ("mondeq_hw.pipeline", "emit_rtl", 1),
    ("os", "fsync", 20),
    ("os", "fsync", 1),
    ("shutil", "rmtree", 1),
    ("mondeq_hw.pipeline", "write_report", 1),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network: these tests are about the folder."""
    return write_npz(tmp_path_factory.mktemp("kill") / "model.npz", plain(parameters()))


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module("kills")


def command(model: Path, out: Path) -> list[str]:
    return ["compile", str(model), "--bits", "4", "--out", str(out), "--force"]


def killed_at(moment: tuple[str, str, int], number: signal.Signals, model: Path, out: Path) -> int:
    module, name, count = moment
    arguments = [sys.executable, "-c", CHILD, module, name, str(count), number.name, *command(model, out)]
    return subprocess.run(arguments, capture_output=True, timeout=120).returncode


def assert_complete(folder: Path) -> None:
    assert Build.load(folder).changed_files() == ()
    names = {path.name for path in folder.iterdir()}
    assert names >= {"program.json", "program.npz", "certificate.json", "config.resolved.json", "hls", "rtl", "sim"}
    assert names >= {"report", "README.md", MANIFEST}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "build")


@pytest.fixture(scope="module")
def compiled(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is there before a folder is replaced."""
    out = tmp_path_factory.mktemp("compiled") / "build"
    assert main_in_process(model, out) == 0
    return out


def shown(moment: tuple[str, str, int]) -> str:
    return "-".join(map(str, moment))


#: Into a new folder in the middle, in place of another one at every third moment; the rest is the long set.
KILLED = [
    *(
        pytest.param(at, False, marks=[] if at[1] == "emit_rtl" else pytest.mark.long, id=f"new-{shown(at)}")
        for at in MOMENTS
    ),
    *(pytest.param(at.values[0], True, marks=at.marks, id=f"replace-{at.id}") for at in one_in(3, MOMENTS, shown)),
]


@pytest.mark.parametrize(("moment", "existing"), KILLED)
def test_sigkill(moment: tuple[str, str, int], existing: bool, model: Path, compiled: Path, tmp_path: Path) -> None:
    out = tmp_path / "build"
    if existing:
        shutil.copytree(compiled, out)
        before = (out / MANIFEST).stat().st_ino
    code = killed_at(moment, signal.SIGKILL, model, out)
    finished = moment[1] == "rmtree"  # by then the folder is in its place
    if code == 0:
        # A first compile has nothing to remove, so the last moment never comes.
        assert finished and not existing
    else:
        assert code == -signal.SIGKILL
    if existing:
        assert ((out / MANIFEST).stat().st_ino == before) is not finished
    else:
        assert out.exists() is finished
    if out.exists():
        assert_complete(out)
    # The next run clears what the killed one left, and succeeds.
    assert main_in_process(model, out) == 0
    assert_complete(out)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("moment", "number", "code"),
    [
        (MOMENTS[1], signal.SIGTERM, 143),
        (MOMENTS[2], signal.SIGINT, 130),
        pytest.param(MOMENTS[2], signal.SIGTERM, 143, marks=pytest.mark.long),
        (MOMENTS[4], signal.SIGTERM, 143),
        pytest.param(MOMENTS[4], signal.SIGINT, 130, marks=pytest.mark.long),
    ],
)
def test_signals_clean_up(
    moment: tuple[str, str, int], number: signal.Signals, code: int, model: Path, tmp_path: Path
) -> None:
    assert killed_at(moment, number, model, tmp_path / "new" / "build") == code
    assert list(tmp_path.iterdir()) == []


#: A writer that is killed in the middle of a file.
HALF = """
import os, signal, sys
from pathlib import Path
from mondeq_hw.base import replacing
with replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_text("before")
    assert subprocess.run([sys.executable, "-c", HALF, str(file)]).returncode == -signal.SIGKILL
    assert file.read_text() == "before" and len(list(tmp_path.iterdir())) == 2
    with replacing(file) as temporary:
        temporary.write_text("whole")
    assert file.read_text() == "whole" and list(tmp_path.iterdir()) == [file]
    with pytest.raises(ValueError, match="stop"), replacing(file) as temporary:
        temporary.write_text("half")
        raise ValueError("stop")
    assert file.read_text() == "whole" and list(tmp_path.iterdir()) == [file]


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    file, seen = tmp_path / "state", []

    def write(number: int) -> None:
        with replacing(file) as temporary:
            assert temporary.read_text() == ""
            temporary.write_text(str(number))
            time.sleep(0.002)
            assert temporary.read_text() == str(number)
            seen.append(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert sorted(seen) == list(range(40))
    assert file.read_text() == str(seen[-1]) and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "name", ["compile", "search", *(pytest.param(name, marks=pytest.mark.long) for name in ("qat", "verify"))]
)
def test_sigkill_at_any_time(name: str, kills: ModuleType) -> None:
    """The real program; ``benchmarks/kills.py`` by hand tries more moments."""
    found = kills.campaign([name], 1, seed=3)[name]
    assert found.pop("begun") in (0, 1)
    assert found == {"moments": 1, "half_written": 0, "differ": 0, "repeated": 0}


def test_the_campaign_counts_what_is_done_twice(kills: ModuleType) -> None:
    told = kills.COMMANDS["qat"].steps("3 bits: 1 of 12, loss 2.7987, validation 8.33 %\n3 bits: 12 of 12, loss 2.5\n")
    assert told == [1, 12]
    assert kills.COMMANDS["compile"].steps("") == []


def test_the_campaign_sees_what_is_not_whole(kills: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "fontlist.json").write_text("")
    kills.readable(tmp_path)
    (tmp_path / "search.json").write_text('{"half": ')
    with pytest.raises(ValueError, match=r"search\.json: Expecting value"):
        kills.readable(tmp_path)
    out = tmp_path / "out"
    assert main_in_process(write_npz(tmp_path / "m.npz", plain(parameters())), out) == 0
    kills.whole_build(tmp_path)
    os.truncate(out / "certificate.json", 10)
    with pytest.raises(ValueError, match=r"certificate\.json"):
        kills.whole_build(tmp_path)


def main_in_process(model: Path, out: Path) -> int:
    from mondeq_hw.cli import main

    return main([*command(model, out), "--json"])
