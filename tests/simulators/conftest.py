"""Small fictional towns, built once a test process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from municipalities.registry import get
from simulators.vendors.vendor import Vendor
from simulators.world import town

CODES = ("364894", "362999", "364991")


@cache
def small(code: str, size: int = 700) -> town.Town:
    """A town that nobody may change."""
    return town.build(get(code), seed=3, size=size)


@pytest.fixture(params=CODES)
def a_town(request: pytest.FixtureRequest) -> town.Town:
    return small(request.param)


@pytest.fixture
def vendor_of(tmp_path: Path) -> Callable[..., Vendor]:
    """A vendor with a town of its own."""

    def make(code: str, size: int = 30, seed: int = 1) -> Vendor:
        return Vendor(town.build(get(code), seed, size), tmp_path / code)

    return make
