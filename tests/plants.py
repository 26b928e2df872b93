"""The plant that several tests control, which is the benchmark's."""

from __future__ import annotations

import sys

from conftest import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from control_problems import oscillating_masses

__all__ = ["oscillating_masses"]
