"""What is prepared for containers: the site's file, and the secrets that each kind of host gets."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from municipalities.site import CHECKOUT, PostgresAddress, Site, site, write_site
from services.prepare import place_site_file

VENDOR = {"host": "127.0.0.1", "port": 22001, "user": "u", "host_key": "k", "key_file": "secrets/f"}


def test_the_shipped_site_file_is_placed(utsushi_home: Path) -> None:
    placed = place_site_file(CHECKOUT / "deploy" / "site.toml")
    assert placed == site() == Site(PostgresAddress("postgres", 5432), {})


def test_the_simulated_vendors_stay_and_real_ones_win(utsushi_home: Path, tmp_path: Path) -> None:
    write_site(Site(PostgresAddress("elsewhere", 1), {"364894": VENDOR, "362999": VENDOR}))
    given = tmp_path / "given.toml"
    given.write_text('[postgres]\nhost = "postgres"\n[vendors."364894"]\nhost = "sftp.example"\nport = 22\n')
    placed = place_site_file(given)
    assert placed.postgres == PostgresAddress("postgres", 5432)
    assert placed.vendors["364894"]["host"] == "sftp.example"
    assert placed.vendors["362999"] == VENDOR


def test_tables_of_the_issuing_are_placed_too(utsushi_home: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.toml"
    given.write_text('[postgres]\nhost = "postgres"\n[jpki]\nmode = "verified_by_centre"\n[centre]\nport = 8444\n')
    placed = place_site_file(given)
    assert (placed.jpki, placed.centre) == ({"mode": "verified_by_centre"}, {"port": 8444})


def test_secrets_are_made_once_and_sorted_by_host(
    tmp_path: Path, utsushi_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(CHECKOUT / "deploy"))
    import make_secrets

    from services.airflow_environment import SECRET_FILES

    folder = tmp_path / "secrets"
    monkeypatch.setattr(make_secrets, "FOLDER", folder)
    monkeypatch.setattr(make_secrets.os, "chown", lambda *_: None)
    make_secrets.main()
    first = {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert set(SECRET_FILES.values()) <= {str(path) for path in first}
    assert {path.name.split("_")[0] for path in (folder / "issuance").iterdir()} == {
        "issuer",
        "centre.token",
        "issue",
    }
    assert {path.name.split("_")[0] for path in (folder / "sync").iterdir()} == {"loader", "source.key"}
    assert "@postgres:5432/airflow" in first[Path("airflow.database_url")]
    assert len(base64.b64decode(first[Path("sync/source.key")], validate=True)) == 32
    said = capsys.readouterr().out
    assert not any(value in said for value in first.values())
    make_secrets.main()
    assert {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()} == first
