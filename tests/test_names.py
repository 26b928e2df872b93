"""A name is the prefix of a build's SystemVerilog: two cores live in one design, and every command finds them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from corner_programs import CORNERS, Corner
from random_models import random_words

import mondeq_hw
from mondeq_hw.base import InputError
from mondeq_hw.cli import main
from mondeq_hw.hardware import renamed, verilog_defines
from mondeq_hw.program import GoldenModel, name_of
from mondeq_hw.project import Project
from mondeq_hw.rtl_tests import run_bench
from mondeq_hw.verification import verify

pytestmark = pytest.mark.slow

SAMPLES = 9


def called(corner: str, name: str) -> Corner:
    original = CORNERS[corner]()
    return Corner(original.program.replace(name=name), original.schedule)


def beats(corner: Corner, words: np.ndarray) -> list[str]:
    """Input beats of samples, as ``$readmemh`` reads them."""
    bits, per_beat = corner.program.input_format.word_length, corner.schedule.words_per_beat
    padded = np.zeros((len(words), corner.schedule.beats_per_sample * per_beat), dtype=np.int64)
    padded[:, : words.shape[1]] = words
    groups = padded.reshape(-1, per_beat).tolist()
    return [f"{sum(word << (lane * bits) for lane, word in enumerate(group)):x}" for group in groups]


def sources(build: Path) -> list[Path]:
    return [build / "rtl" / line for line in (build / "rtl" / "sources.f").read_text().split()]


@pytest.mark.parametrize(("outer", "simulator"), [("alpha", "verilator"), ("beta", "icarus")])
def test_two_cores_in_one_design(outer: str, simulator: str, tmp_path: Path) -> None:
    """One folded, one unrolled, of other sizes and memories: each computes its own program beside the other."""
    cores = {"alpha": called("serial", "alpha"), "beta": called("graph_drive", "beta")}
    assert cores["alpha"].program.n != cores["beta"].program.n
    (inner,) = set(cores) - {outer}
    builds = {name: corner.build(tmp_path / name) for name, corner in cores.items()}
    files = [path for build in builds.values() for path in sources(build)]
    modules = [re.findall(r"^(?:module|package) (\w+)", path.read_text(), re.MULTILINE) for path in files]
    assert len({name for names in modules for name in names}) == len([name for names in modules for name in names])
    played = random_words(5, cores[inner].program, SAMPLES)
    image = tmp_path / "beats.mem"
    image.write_text("\n".join(beats(cores[inner], played)) + "\n")
    defines = [
        *(define for name, build in builds.items() for define in verilog_defines(name, str(build / "rtl" / "mem"))),
        *(f"OUTER={outer}_top", f"OUTER_PACKAGE={outer}_pkg", f"INNER={inner}_top", f"INNER_PACKAGE={inner}_pkg"),
        *(f"BEATS={len(image.read_text().split())}", f"RESULTS={SAMPLES * cores[inner].program.k}"),
        f"FRAME={cores[inner].schedule.beats_per_sample}",
    ]
    words = random_words(3, cores[outer].program, SAMPLES)
    result = run_bench(
        builds[outer],
        tmp_path / "work",
        words=words,
        design="vendor",
        vendor_sources=[*files, ROOT / "tests" / "pair.sv", image],
        top="pair",
        defines=defines,
        simulator=simulator,
    )
    assert result.ok, result.failures
    assert (result.outputs == GoldenModel(cores[outer].program).predict_raw(words)).all()
    written = np.loadtxt(result.log.parent / "inner.txt", dtype=np.int64).reshape(SAMPLES, -1)
    assert (written == GoldenModel(cores[inner].program).predict_raw(played)).all()


def test_a_build_keeps_nothing_of_the_templates_names(tmp_path: Path) -> None:
    build = called("graphs_everywhere", "gamma").build(tmp_path)
    for path in sources(build):
        assert path.name.startswith("gamma_")
        assert not re.search(r"mondeq_|MONDEQ_", path.read_text()), path


def test_only_whole_prefixes_are_renamed() -> None:
    text = "mondeq_top `MONDEQ_MEM_DIR mondeq-hw not_mondeq_top xMONDEQ_A mondeq_hw $mondeq"
    assert renamed(text, "a1") == "a1_top `A1_MEM_DIR mondeq-hw not_mondeq_top xMONDEQ_A a1_hw $mondeq"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("digits", "digits"),
        ("mon_h40_m20.0", "mon_h40_m20_0"),
        ("HCAS net", "hcas_net"),
        ("2bit", "mondeq_2bit"),
        ("", "mondeq"),
        ("__", "mondeq"),
        ("Ünder", "nder"),
        ("x" * 80, "x" * 48),
    ],
)
def test_name_of_a_file(text: str, name: str) -> None:
    assert name_of(text) == name
    assert CORNERS["single"]().program.replace(name=name).name == name


@pytest.mark.parametrize("name", ["Digits", "2bit", "a-b", "", "a b", "top\n", "x" * 49, "a.b"])
def test_a_name_that_is_no_prefix(
    name: str, digits_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "build")
    if name:
        assert main(["compile", str(digits_model), "--bits", "5", "--name", name, "--out", out]) == 2
        assert "lower-case" in capsys.readouterr().err
    with pytest.raises(InputError, match="lower-case"):
        CORNERS["single"]().program.replace(name=name)


def test_every_command_finds_the_name(small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text('name = "left"\nbits = 3\n')
    options = ["--config", str(tmp_path / "c.toml"), "--out", str(tmp_path / "left"), "--reuse-factor", "7"]
    assert main(["compile", str(small_model), *options]) == 0
    right = mondeq_hw.compile(small_model, tmp_path / "right", bits=3, name="right")
    assert right.program.name == "right" and right.report.name == "right"
    assert (tmp_path / "left" / "rtl" / "src" / "left_top.sv").is_file()
    assert "left_top" in (tmp_path / "left" / "README.md").read_text()
    default = mondeq_hw.compile(small_model, tmp_path / "default", bits=3)
    assert default.program.name == name_of(small_model.stem)
    left = Project.load(tmp_path / "left")
    assert verify(left.folder, left.build.stimulus, simulators=()).ok  # the RTL of names: above
    assert not left.build.changed_files()
