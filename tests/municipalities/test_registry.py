"""The registry loads data, audits every key, and one broken town never hides the others."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from municipalities import registry
from municipalities.site import PostgresAddress, Site, ensure_secret, home, site, write_site
from records.check_digits import is_municipality_code
from records.errors import ConfigurationError


@pytest.fixture
def towns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "towns"
    for code in registry.all_codes():
        shutil.copytree(registry.root() / code, folder / code)
    monkeypatch.setenv("UTSUSHI_MUNICIPALITIES", str(folder))
    return folder


@pytest.mark.clause("1(6)②", "6(4)④")
@pytest.mark.parametrize("code", registry.all_codes())
def test_every_shipped_municipality_loads_and_its_code_has_the_right_check_digit(code: str) -> None:
    assert registry.get(code).code == code
    assert is_municipality_code(code)


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("max_bad_share = 0.05", "max_bad_shares = 0.05", "max_bad_shares"),
        ("max_bad_share = 0.05", "", "max_bad_share"),
        ("individual_number_allowed", "individual_number", "individual_number"),
    ],
)
def test_a_setting_that_is_misspelt_or_missing_is_named(towns: Path, before: str, after: str, field: str) -> None:
    path = towns / "364894" / "settings.toml"
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        registry.get("364894")
    assert caught.value.place.field == field
    assert registry.get("362999").name == "阿波中央市"


WINDOW = (
    'maintenance = [{from = "2026-12-05T22:00", to = 2026-12-06T06:30:00+09:00, kinds = ["a"]},'
    ' {from = 2026-12-07T00:00:00, to = "2026-12-08T00:00"}]'
)


@pytest.mark.clause("1(6)①")
def test_hours_windows_and_options_are_read(towns: Path) -> None:
    more = """
hours = {seal_registration_certificate = {opens = 08:30:00, closes = 19:00:00, closed_on = ["12-28"]}}
not_offered = {record_item_certificate = ["individual_number"]}
non_resident_kinds = ["family_register_all_certificate"]
"""
    change(towns, "maintenance = []", WINDOW + more)
    issuing = registry.get("364894").issuing
    begin, end = datetime(2026, 12, 5, 22, tzinfo=registry.JST), datetime(2026, 12, 6, 6, 30, tzinfo=registry.JST)
    assert issuing.maintenance[0] == registry.Maintenance(begin, end, ("a",))
    assert issuing.maintenance[1].kinds is None
    assert issuing.maintenance[1].begins_at == datetime(2026, 12, 7, tzinfo=registry.JST)
    assert issuing.hours["seal_registration_certificate"].closed_on == ("12-28",)
    assert issuing.not_offered == {"record_item_certificate": ("individual_number",)}
    assert issuing.non_resident_kinds == ("family_register_all_certificate",)


@pytest.mark.parametrize(
    "wrong",
    [
        'maintenance = [{from = "2026-12-05T22:00"}]',
        'maintenance = [{from = "2026-12-05T22:00", to = "2026-12-05T22:00"}]',
        'maintenance = [{from = "tomorrow", to = "2026-12-05T22:00"}]',
        'maintenance = [{from = "2026-12-05T22:00", to = "2026-12-06T22:00", kind = "a"}]',
        "maintenance = []\nhours = {a = {opens = 19:00:00, closes = 08:00:00}}",
        'maintenance = []\nhours = {a = {closed_on = ["12/28"]}}',
        "maintenance = []\nhours = {a = {open = 08:00:00}}",
    ],
)
def test_hours_and_windows_that_make_no_sense_are_refused(towns: Path, wrong: str) -> None:
    change(towns, "maintenance = []", wrong)
    with pytest.raises(ConfigurationError):
        registry.get("364894")


def change(towns: Path, before: str, after: str) -> None:
    path = towns / "364894" / "settings.toml"
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def test_an_unknown_code_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="364894"):
        registry.get("131016")


def test_the_site_file_survives_a_round_trip(utsushi_home: Path) -> None:
    vendor = {"host": "127.0.0.1", "port": 2222, "user": 'a"b\\c', "host_key": "ssh-ed25519 AAAA", "key_file": "k"}
    write_site(Site(PostgresAddress("127.0.0.1", 6543), {"364894": vendor}))
    assert site() == Site(PostgresAddress("127.0.0.1", 6543), {"364894": vendor})
    assert registry.get("364894").vendor.key_file == home() / "k"


def test_a_secret_is_made_once_and_only_its_owner_reads_it(utsushi_home: Path) -> None:
    first = ensure_secret("some.password")
    assert ensure_secret("some.password") == first
    assert (utsushi_home / "secrets" / "some.password").stat().st_mode & 0o077 == 0
