"""What every test may use: a state folder of its own and, on demand, one real PostgreSQL per test process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A gate says the same of the same commit, on a slow machine too. HYPOTHESIS_PROFILE=explore draws fresh examples.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("SCARF_ANALYTICS", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")


@pytest.fixture
def utsushi_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh ``UTSUSHI_HOME`` for one test."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("UTSUSHI_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A real PostgreSQL server for this test process."""
    from services.postgres import temporary_postgres

    with temporary_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server
