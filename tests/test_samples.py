"""Samples from files: what stands in them, how they are divided, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mondeq_hw import InputError, MissingToolError
from mondeq_hw.config import CompileConfig, DataOptions
from mondeq_hw.problem import Arrays, Samples, from_files
from mondeq_hw.steps import given_samples, samples_of

COUNT = 40


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    """Three inputs and two real targets."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 200, size=(COUNT, 3)), rng.normal(size=(COUNT, 2))


def write_csv(file: Path, columns: np.ndarray, names: str | None, delimiter: str = ",") -> Path:
    lines = [delimiter.join(map(repr, row)) for row in columns.tolist()]
    file.write_text("\n".join([*([] if names is None else [names]), *lines]) + "\n")
    return file


def write_parquet(file: Path, columns: dict[str, object]) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), file)
    return file


def read(file: Path, targets: str | None = None, **options: object) -> Arrays:
    """All samples of a file."""
    found = from_files(file, targets, None, None).train
    assert found is not None
    return found


# -- kinds of files ----------------------------------------------------------


@pytest.fixture(params=["npz", "npy", "csv", "headless csv", "parquet"])
def stored(request: pytest.FixtureRequest, table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> tuple[Path, str]:
    """The table as a file of each kind, and what names its targets."""
    X, y = table
    both, names = np.column_stack([X, y]), ("speed", "angle", "load", "force", "torque")
    if request.param == "npz":
        np.savez(tmp_path / "s.npz", X=X, y=y, mean=X.mean(axis=0))
        return tmp_path / "s.npz", "y"
    if request.param == "npy":
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / "y.npy", y)
        return tmp_path / "X.npy", str(tmp_path / "y.npy")
    if request.param == "csv":
        return write_csv(tmp_path / "s.csv", both, ",".join(names)), "force,torque"
    if request.param == "headless csv":
        return write_csv(tmp_path / "s.csv", both, None), "3,-1"
    columns = dict(zip(names, both.T, strict=True)) | {"speed": X[:, 0].astype(np.int16)}
    columns["__index_level_0__"] = np.arange(COUNT)  # as pandas writes row labels
    return write_parquet(tmp_path / "s.parquet", columns), "force, torque"


def test_every_kind_holds_the_same(stored: tuple[Path, str], table: tuple[np.ndarray, np.ndarray]) -> None:
    found = read(*stored)
    np.testing.assert_array_equal(found.inputs, table[0])
    np.testing.assert_array_equal(found.targets, table[1])


def test_targets_may_stand_anywhere_and_elsewhere(table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    X, y = table
    middle = write_csv(tmp_path / "s.csv", np.column_stack([X[:, 0], y[:, 1], X[:, 1:], y[:, 0]]), "a, u ,b,c,t")
    found = read(middle, "t,u")
    np.testing.assert_array_equal(found.inputs, X)
    np.testing.assert_array_equal(found.targets, y)
    inputs = write_csv(tmp_path / "x.csv", X, "a;b;c", ";")
    np.save(tmp_path / "y.npy", y)
    apart = read(inputs, str(tmp_path / "y.npy"))
    np.testing.assert_array_equal(apart.inputs, X)
    np.testing.assert_array_equal(apart.targets, y)


def test_a_column_of_whole_numbers_is_one_of_labels(table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    labels = np.arange(COUNT) % 3
    found = read(write_csv(tmp_path / "s.csv", np.column_stack([table[0], labels]), "\ufeffa,b,c,kind"), "kind")
    assert found.targets is not None and found.targets.dtype.kind == "i"
    np.testing.assert_array_equal(found.targets, labels)
    real = read(write_csv(tmp_path / "r.csv", np.column_stack([table[0], labels + 0.5]), "a,b,c,kind"), "kind").targets
    assert real is not None and real.dtype.kind == "f"


def test_images_become_rows(tmp_path: Path) -> None:
    images = np.arange(5 * 4 * 4).reshape(5, 4, 4)
    np.savez(tmp_path / "s.npz", images=images, labels=np.arange(5))
    found = read(tmp_path / "s.npz")
    np.testing.assert_array_equal(found.inputs, images.reshape(5, 16))
    np.testing.assert_array_equal(found.targets, np.arange(5))


# -- division ----------------------------------------------------------------


def test_an_archive_may_be_divided_already(tmp_path: Path) -> None:
    X = np.arange(30).reshape(10, 3)
    np.savez(tmp_path / "s.npz", x_train=X[:7], y_train=X[:7, 0], x_test=X[7:], y_test=X[7:, 0])
    found = samples_of(DataOptions(calibration=tmp_path / "s.npz"))
    assert found is not None and found.train is not None and found.test is not None
    np.testing.assert_array_equal(found.train.inputs, X[:7])
    np.testing.assert_array_equal(found.test.inputs, X[7:])
    np.testing.assert_array_equal(found.test.targets, X[7:, 0])
    assert "s.npz" in found.division


def test_the_user_divides(table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    X, y = table
    both = np.column_stack([X, y])
    train, test = (
        write_csv(tmp_path / f"{n}.csv", part, "a,b,c,t,u") for n, part in (("0", both[:30]), ("1", both[30:]))
    )
    found = samples_of(DataOptions(calibration=train, test=test, targets=["t", "u"]))
    assert found is not None and found.test is not None and found.train is not None
    np.testing.assert_array_equal(found.train.targets, y[:30])
    np.testing.assert_array_equal(found.test.inputs, X[30:])
    np.testing.assert_array_equal(found.test.targets, y[30:])
    alone = samples_of(DataOptions(test=test, targets="3,4"))
    assert alone is not None and alone.train is None and alone.judging.targets is not None
    np.testing.assert_array_equal(alone.judging.targets, y[30:])


def test_we_divide_the_same_way_everywhere(table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """Every fifth of NumPy's frozen permutation: written down here from its definition."""
    X, y = table
    file = write_csv(tmp_path / "s.csv", np.column_stack([X, y]), "a,b,c,t,u")
    for seed in (0, 7):
        held_out = np.random.RandomState(seed).permutation(COUNT)[::5]
        found = samples_of(DataOptions(calibration=file, targets="t,u", split_seed=seed))
        arrays = given_samples(CompileConfig(split_seed=seed), (X, y), None)
        for each in (found, arrays):
            assert each is not None and each.test is not None and each.train is not None
            np.testing.assert_array_equal(each.test.inputs, X[held_out])
            np.testing.assert_array_equal(each.test.targets, y[held_out])
            assert (len(each.train), len(each.test)) == (COUNT * 4 // 5, COUNT // 5)
            assert not {*map(tuple, each.train.inputs)} & {*map(tuple, each.test.inputs)}
            assert f"seed {seed}" in each.division


def test_without_targets_all_calibrate(table: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    found = samples_of(DataOptions(calibration=write_csv(tmp_path / "s.csv", table[0], None)))
    assert found is not None and found.test is None and found.train is not None
    assert len(found.train) == COUNT and found.judging is found.train


# -- what is refused ---------------------------------------------------------

FAULTS = {
    "ragged": ("a,b,t\n1,2,3\n1,2\n", "t", "line 3 has 2 values; expected 3"),
    "ragged without names": ("1,2,3\n\n1,2,3,4\n", "2", "line 3 has 4 values; expected 3"),
    "a word": ("a,b,t\n1,2,3\n1,many,3\n", "t", "line 3, column 1 (from 0) is 'many'; expected a number"),
    "an empty cell": ("a,b,t\n1,,3\n", "t", "line 2, column 1 (from 0) is empty"),
    "a missing value": ("a,b,t\n1,2,3\n4,nan,6\n", "t", "input 1 of sample 1 (counted from 0) is nan"),
    "an infinite target": ("a,b,t\n1,2,inf\n", "t", "target of sample 0 (counted from 0) is inf"),
    "no samples": ("a,b,t\n", "t", "holds no samples"),
    "nothing": ("", "t", "holds no samples"),
    "an unknown column": ("a,b,t\n1,2,3\n", "force", "no column 'force' for targets; it has the columns a, b, t"),
    "a column too far": ("1,2,3\n", "3", "no column '3' for targets; it has 3 columns"),
    "a column twice": ("a,b,t\n1,2,3\n", "t,2", "names a column twice"),
    "nothing but targets": ("a,b\n1,2\n", "a,b", "leaves none for the inputs"),
    "a row number": (",a,b\n0,1,2\n1,1,2\n", "b", "a column without a name"),
    "two columns of a name": ("a,a,b\n0,1,2\n", "b", "a name twice"),
    "column numbers for names": ("0,1,2\n5.5,6,7\n", "2", "counts the columns"),
    "fewer names": ("a,b\n1,2,3\n", "b", "2 names in its first line, but 3 columns"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_faulty_table_says_where(what: str, tmp_path: Path) -> None:
    content, targets, message = FAULTS[what]
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(InputError) as raised:
        read(tmp_path / "s.csv", targets)
    assert message in str(raised.value) and "s.csv" in str(raised.value)


def test_faulty_archives_and_arrays(tmp_path: Path) -> None:
    X = np.ones((4, 2))
    np.savez(tmp_path / "many.npz", a=X, b=X, y=np.ones(4))
    np.savez(tmp_path / "s.npz", X=X, y=np.ones(3))
    np.savez(tmp_path / "words.npz", X=np.array([["a"]]))
    np.savez(tmp_path / "objects.npz", X=np.array([{}]))
    np.save(tmp_path / "flat.npy", np.ones(4))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y3.npy", np.ones((4, 2, 2)))
    (tmp_path / "torn.npz").write_bytes((tmp_path / "many.npz").read_bytes()[:100])
    (tmp_path / "text.npy").write_text("1,2")
    (tmp_path / "s.xlsx").write_text("1,2")
    (tmp_path / "latin.csv").write_bytes(b"gr\xf6\xdfe,b\n1,2\n")
    cases = [
        ("many.npz", None, "no inputs named X; it has a, b, y"),
        ("s.npz", None, "4 inputs, but targets of shape (3,)"),
        ("s.npz", "z", "no array 'z' for targets; it has X, y"),
        ("words.npz", None, "expected numbers (samples, d)"),
        ("objects.npz", None, "cannot be read"),
        ("flat.npy", None, "expected numbers (samples, d)"),
        ("X.npy", "y", "is a single array; name a file of targets"),
        ("X.npy", str(tmp_path / "y3.npy"), "targets are float64 of shape (4, 2, 2)"),
        ("X.npy", str(tmp_path / "none.npy"), "none.npy: cannot be read"),
        ("torn.npz", None, "cannot be read"),
        ("text.npy", None, "cannot be read"),
        ("missing.csv", None, "cannot be read"),
        ("s.xlsx", None, ".npz, .npy, .csv, .parquet"),
        ("latin.csv", None, "cannot be read as .csv"),
    ]
    for name, targets, message in cases:
        with pytest.raises(InputError) as raised:
            read(tmp_path / name, targets)
        assert message in str(raised.value), name


def test_faulty_parquet(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("a,b")
    words = write_parquet(tmp_path / "words.parquet", {"a": [1.0, 2.0], "kind": ["x", "y"]})
    holes = write_parquet(tmp_path / "holes.parquet", {"a": [1.0, None], "b": [1, 2]})
    for file, message in ((words, "column 'kind' is string"), (holes, "column 'a' is double with 1 missing")):
        with pytest.raises(InputError) as raised:
            read(file, "0")
        assert message in str(raised.value)
    with pytest.raises(InputError, match=r"cannot be read as \.parquet"):
        read(tmp_path / "text.parquet")


def test_parquet_without_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingToolError, match=r"pip install 'mondeq-hw\[parquet\]'"):
        read(tmp_path / "s.parquet")


def test_sources_exclude_each_other(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "s.csv", np.ones((6, 2)), None)
    cases = [
        ({"targets": "y"}, "targets goes with a file of samples"),
        ({"calibration": file, "data": "digits"}, "expected one or the other"),
        (
            {"calibration": file, "test": write_csv(tmp_path / "t.csv", np.ones((6, 3)), None)},
            "expected the same number",
        ),
    ]
    for options, message in cases:
        with pytest.raises(InputError, match=message):
            samples_of(DataOptions(**options))
    with pytest.raises(InputError, match="one or the other"):
        given_samples(DataOptions(calibration=file), np.ones((3, 2)), None)
    with pytest.raises(InputError, match="1 sample cannot be divided"):
        Samples("s", Arrays(np.ones((1, 2)), np.ones(1))).divided(0)
