"""Outputs stay what they are: see :mod:`golden_record`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_record import CASES, RECORD, Case, record

pytestmark = pytest.mark.slow

#: Proved by multipliers that a search found in floating point, whose last digits are the machine's.
SEARCHED = ("gain", "robustness", "output_distance")
EXPECTED = json.loads(RECORD.read_text())
#: Calibrated, and the other solver; the rest, above all the networks of MNIST's size, is the long set.
USUAL = ("digits_5", "digits_8_forward_backward")


def named(case: Case) -> Any:
    """A case as a parameter."""
    return pytest.param(case, id=case.name, marks=[] if case.name in USUAL else [pytest.mark.long])


@pytest.mark.parametrize("case", [named(case) for case in CASES])
def test_outputs_are_what_they_were(case: Case, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shared = request.getfixturevalue("shared") if case.needs_shared else tmp_path
    found, expected = record(case.compile(shared, tmp_path / "build")), EXPECTED[case.name]
    lines, wanted = found.pop("certificate"), dict(expected).pop("certificate")
    assert found == {key: value for key, value in expected.items() if key != "certificate"}
    assert lines.keys() == wanted.keys()
    for name, (status, values) in wanted.items():
        assert lines[name][0] == status, name
        if name == "output_distance_found":
            # Where a climb ends hangs on the last digits of its slopes.
            climbed, samples = lines[name][1]["largest"], lines[name][1].get("calibrated", 0.0)
            assert samples == pytest.approx(values.get("calibrated", 0.0), rel=1e-6)
            assert (np.array(climbed) >= samples).all()
            assert (np.array(climbed) <= lines["output_distance"][1]["bounds"]).all()
        elif status == "measured":
            assert _floats(lines[name][1]) == pytest.approx(_floats(values), rel=1e-6), name
        elif name in SEARCHED:
            words = 0 if name == "output_distance" else 2
            assert _floats(lines[name][1]) == pytest.approx(_floats(values), rel=1e-3, abs=words), name
            assert lines[name][1].get("methods") == values.get("methods"), name
        else:
            assert lines[name][1] == values, name


def _floats(values: Any, path: str = "") -> dict[str, float]:
    if isinstance(values, str):
        return {}
    if not isinstance(values, dict | list):
        return {path: float(values)}
    items = values.items() if isinstance(values, dict) else enumerate(values)
    return {key: item for name, value in items for key, item in _floats(value, f"{path}/{name}").items()}
