"""The kiosk as ``./utsushi issue`` plays it, against a real server over TLS; and the server as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fictional_people import CODE, FATHER
from issuing_town import CARD, NOW, change, fill, text_of
from wide_area_site import application, running

from command_line.__main__ import main
from issuance_api.__main__ import ADDRESS_FILE, listen, write_address
from issuance_api.app import Settings
from issuance_api.centre.settings import site_settings
from issuance_api.serving import Centre, Process
from municipalities.registry import get
from municipalities.site import CHECKOUT, change_site, home
from records.errors import ConfigurationError
from simulators.centre.answers import Refused
from simulators.centre.certificates import prepare
from simulators.centre.kiosk import capabilities, centre, issue


@pytest.fixture
def kiosk(issuing_site: str) -> Iterator[None]:
    """A server on free ports at a fixed hour, announced in the state folder, with the simulated centre's certificates."""
    fill(NOW)
    prepare([CODE])
    settings = site_settings()
    assert settings is not None
    door = Centre(settings, [listen("127.0.0.1", 0)])
    process = Process(Settings((get(CODE),), clock=lambda: NOW), [listen("127.0.0.1", 0)], door)
    write_address(home() / ADDRESS_FILE, "127.0.0.1", 1, door.sockets[0].getsockname()[1])
    with running(process):
        yield
    (home() / ADDRESS_FILE).unlink()


@pytest.mark.clause("2(2)①")
@pytest.mark.parametrize("kind", ["resident_record_certificate", "income_taxation_certificate"])
def test_the_kiosk_gets_a_certificate_into_its_folder(kiosk: None, tmp_path: Path, kind: str) -> None:
    year = 2026 if kind.startswith("income") else None
    row = issue(CODE, application(kind=kind, fiscal_year=year), tmp_path)
    assert "辰之助" in text_of(Path(row["file"]).read_bytes())
    assert FATHER.addressee_number not in row["file"]
    assert (row["pages"], row["outcome"]) == (1, "printed")


def test_a_refusal_reaches_the_kiosk_with_code_and_text(kiosk: None, tmp_path: Path) -> None:
    change("update staff.card set status = 'suspended'")
    with pytest.raises(Refused) as refusal:
        issue(CODE, application(), tmp_path)
    assert refusal.value.code == "card_not_active"
    assert refusal.value.text.startswith("このカードは")
    assert not list(tmp_path.iterdir())
    assert {one["Code"] for one in capabilities(CODE, CARD)["Offer"]} == {"card_not_active"}


@pytest.mark.clause("2(2)①")
def test_the_command_issues_asks_again_reports_and_cancels(
    kiosk: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*arguments: str) -> dict[str, str]:
        assert main(["issue", *arguments, "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    ask = (CODE, "resident_record_certificate", "--card", CARD, "--out", str(tmp_path))
    first = command(*ask, "--outcome", "none")
    again = command(*ask, "--outcome", "print_error", "--request", first["request"])
    assert again["sha256"] == first["sha256"]
    assert command("report", first["request"], "--of", CODE, "--outcome", "printed")["state"] == "printed"
    other = command(*ask, "--outcome", "none")
    assert command("cancel", other["request"], "--of", CODE)["end"] == "cancelled"
    assert main(["issue", "report", other["request"], "--of", CODE, "--outcome", "printed"]) == 1
    assert "request_conflict" in capsys.readouterr().err


def test_the_tax_year_is_asked_for_where_none_is_given(kiosk: None, tmp_path: Path) -> None:
    ask = [CODE, "income_taxation_certificate", "--card", CARD, "--out", str(tmp_path)]
    assert main(["issue", *ask]) == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_server_or_a_centre_the_kiosk_says_what_to_do(utsushi_home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\./utsushi up"):
        issue(CODE, application(), tmp_path)
    write_address(utsushi_home / ADDRESS_FILE, "127.0.0.1", 1)
    with pytest.raises(ConfigurationError, match=r"\[centre\]"):
        issue(CODE, application(), tmp_path)
    write_address(utsushi_home / ADDRESS_FILE, "127.0.0.1", 1, 2)
    with pytest.raises(ConfigurationError, match="--world"):
        issue(CODE, application(), tmp_path)


@pytest.mark.parametrize("with_centre", [True, False])
def test_the_server_process_says_where_it_listens_and_stops_when_asked(issuing_site: str, with_centre: bool) -> None:
    address = home() / ADDRESS_FILE
    prepare([CODE])
    ports = ["--port", "0", *(["--centre-port", "0"] if with_centre else [])]
    process = subprocess.Popen(
        [sys.executable, "-m", "issuance_api", *ports],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert b"listens on http://127.0.0.1:" in process.stdout.readline()
        where = json.loads(address.read_text("utf-8"))
        base = f"http://{where['host']}:{where['port']}"
        assert _answer(base + "/livez").json() == {"alive": True}
        ready = _answer(base + "/readyz")
        assert ready.status_code == 503
        assert CODE not in ready.json()["unavailable"]  # the other towns have no database here
        assert (where["centre_port"] is not None) == with_centre
        if with_centre:
            with centre(CODE) as line:
                assert line.alive()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        address.unlink(missing_ok=True)


def test_a_port_for_the_centre_without_its_table_is_a_mistake(issuing_site: str) -> None:
    change_site(lambda old: replace(old, centre={}))
    command = [sys.executable, "-m", "issuance_api", "--port", "0", "--centre-port", "0", "--no-address-file"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "[centre]" in done.stderr


def _answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
