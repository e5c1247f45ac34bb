"""Layouts are data, and every one is audited: nothing of the dictionary or of the vendor is forgotten silently."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from records.errors import ConfigurationError
from vendor_layouts import layout


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("name", layout.all_layouts())
def test_every_layout_passes_the_audit_for_all_feeds(name: str) -> None:
    assert set(layout.load(name).feeds) == {"resident", "seal", "tax"}


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("resident.csv", "sex,,,,,sex,", ",,,,,,", "used or ignored"),
        ("resident.csv", ",householder_name,", ",householder,", "not in the data dictionary"),
        ("resident.csv", ",era_letter,,", ",era_leter,,", "unknown format"),
        ("resident.csv", "sex,,,,,sex,", "sex,,,,,gender,", "unknown format or code table"),
        ("layout.toml", 'charset = "cp932-eudc"', 'charset = "latin-1"', "charset must be one of"),
        ("layout.toml", "header = true", "heading = true", "settings differ"),
    ],
)
def test_a_mistake_in_a_layout_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, before: str, after: str, message: str
) -> None:
    shutil.copytree(layout.ROOT / "awa_csv", tmp_path / "broken")
    path = tmp_path / "broken" / "1" / file
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    with pytest.raises(ConfigurationError, match=message):
        layout.load("broken/1")
