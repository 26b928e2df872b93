"""Certificates changed as a careful forger would."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from mondeq_hw.base import canonical_digest

Plain = dict[str, Any]


def sealed(plain: Plain) -> Plain:
    """All digests made to fit."""
    plain["program_digest"] = canonical_digest(plain["program"])
    plain.pop("digest", None)
    return {**plain, "digest": canonical_digest(plain)}


def forged(plain: Plain, change: Callable[[Plain], None]) -> Plain:
    """A changed copy with all digests made to fit."""
    plain = copy.deepcopy(plain)
    change(plain)
    return sealed(plain)
