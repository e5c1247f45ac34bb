"""A state folder of its own for each test, so that vaults, batches and keys never meet."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``UTSUSHI_HOME`` of one test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("UTSUSHI_HOME", str(folder))
    return folder
