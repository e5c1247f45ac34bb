"""The preview of a form: drawn for sample people, drawn again at a save, and a mistake is shown where it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from command_line import forms
from command_line.__main__ import main
from municipalities.registry import get
from municipalities.site import CHECKOUT

CODE, KIND = "364991", "resident_record_certificate"
PNG = b"\x89PNG"
ORDER = "first.slice(0, 2) + own + first.slice(2)"


@pytest.fixture
def own_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a town that has a form of its own; gives the form's file."""
    shutil.copytree(CHECKOUT / "municipalities" / CODE, tmp_path / CODE)
    monkeypatch.setenv("UTSUSHI_MUNICIPALITIES", str(tmp_path))
    return tmp_path / CODE / "forms" / f"{KIND}.typ"


@pytest.mark.clause("2(2)②")
def test_a_save_shows_at_once_and_a_mistake_with_its_message(own_form: Path) -> None:
    with TestClient(forms.app(get(CODE), KIND)) as browser:
        first = browser.get("/version").text
        assert browser.get("/").text.count("<img") >= 3
        before = browser.get("/0/0.png").content
        assert before.startswith(PNG)
        assert browser.get("/9/0.png").status_code == 404
        good = own_form.read_text("utf-8")
        assert ORDER in good
        own_form.write_text(good.replace(ORDER, "first + own"), "utf-8")
        assert browser.get("/version").text != first
        assert browser.get("/0/0.png").content != before
        own_form.write_text(good + "\n#nobody-knows-this()\n", "utf-8")
        page = browser.get("/").text
        assert "<pre>" in page
        assert "nobody-knows-this" in page


@pytest.mark.parametrize("kind", ["seal_registration_certificate", "income_taxation_certificate"])
def test_once_writes_pictures(tmp_path: Path, kind: str) -> None:
    assert main(["forms", "preview", kind, "--once", "--out", str(tmp_path)]) == 0
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) >= 2
    assert all(one.read_bytes().startswith(PNG) for one in pictures)
