"""The command line among other programs: pipes, interruptions, logs, narrow terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer
from command_lines import COMPILER

from mondeq_hw.base import AS_LINES, progress_bar
from mondeq_hw.cli import main

COMMANDS = [name for name in COMPILER.commands if name != "export"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_its_default_beside_it(name: str) -> None:
    command = COMPILER.commands[name]
    context = typer.Context(command, info_name=name)
    for each in command.params:
        if each.param_type_name == "option" and each.name != "help":
            shown = each.get_help_record(context)[1]
            assert re.search(r"default: .|required", shown), (each.name, shown)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_quiet_or_verbose_and_takes_o_beside_out(name: str) -> None:
    flags = {flag for each in COMPILER.commands[name].params for flag in each.opts}
    assert {"--quiet", "-q", "--verbose", "-v"} <= flags
    assert ("--out" in flags) is ("-o" in flags)


def test_quiet_prints_nothing_and_json_its_object(small_build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certificate", str(small_build), "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["certificate", str(small_build), "--quiet", "--json"]) == 0
    assert capsys.readouterr().out.startswith("{")
    assert main(["certificate", "nowhere", "--quiet"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(["certificate", str(small_build), "-q", "-v"]) == 2


def test_verbose_shows_the_warnings_of_libraries_and_lines(
    small_build: Path, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def warn(*_: object) -> object:
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        seen.append(AS_LINES.get())
        raise KeyboardInterrupt

    monkeypatch.setattr("mondeq_hw.project.Project.load", warn)
    for flag in ("--verbose", "--quiet"):
        assert main(["certificate", str(small_build), flag]) == 130
    assert seen == [True, False]
    assert [str(each.message) for each in recwarn if each.category is DeprecationWarning] == ["old"]


def test_a_closed_pipe_is_no_error(small_build: Path) -> None:
    """As of ``mondeq-hw certificate build | head -0``: exit code of SIGPIPE, and no message."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mondeq_hw", "certificate", str(small_build)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    ("arguments", "function", "kept"),
    [
        (
            ["compile", "m.npz", "--bits", "5", "--out", "b"],
            "mondeq_hw.pipeline.compile",
            "nothing was written, and b",
        ),
        (["search", "m.npz", "--out", "s"], "mondeq_hw.search.search_word_lengths", "kept in s: the same command"),
        (["qat", "m.pt", "--bits", "2", "--out", "q.pt"], "mondeq_hw.learning.qat_with", "kept in q.pt.state"),
    ],
)
def test_an_interruption_says_what_is_kept(
    arguments: list[str], function: str, kept: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(function, interrupted)
    assert main(arguments) == 130
    assert kept in capsys.readouterr().err


def test_a_search_fits_80_columns_and_its_log_has_few_lines(
    digits_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = ["--bits", "2-4", "--drive-bits", "4", "--readout-bits", "4", "--state-bits", "8-9"]
    target = ["--target-accuracy", "80", "--calibration-samples", "100", "--jobs", "1"]
    assert main(["search", str(digits_model), "--out", str(tmp_path / "s"), *lengths, *target]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(number for number, line in enumerate(lines) if "distance" in line)
    assert any(line.startswith("WINNER") for line in lines)
    assert max(map(len, lines[start : start + 12])) <= 80
    assert all(line.startswith("points: ") for line in lines[:start]) and start <= 12


def test_a_failed_search_leaves_no_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(tmp_path / "nothing.pt"), "--target-accuracy", "90"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "nothing.pt" in said.err


def test_a_log_gets_a_line_each_time_or_after_a_share(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("points", 0.5) as told:
        for done in range(11):
            told(done, 10, "")
    assert capsys.readouterr().out.splitlines() == ["points: 0 of 10", "points: 5 of 10", "points: 10 of 10"]
