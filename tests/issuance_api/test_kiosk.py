"""The kiosk against a real server over TCP, and the server as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fictional_people import CODE, FATHER
from issuing_town import CARD, NOW, change, fill, text_of

from issuance_api.__main__ import ADDRESS_FILE, listen, write_address
from issuance_api.app import Settings, create_app
from issuance_api.kiosk import capabilities, issue
from municipalities.registry import get
from municipalities.site import CHECKOUT, home
from records.errors import ConfigurationError, IssueRefused


@pytest.fixture
def kiosk(issuing_site: str) -> Iterator[None]:
    """A server on a free port at a fixed hour, announced in the state folder."""
    fill(NOW)
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(create_app(Settings((get(CODE),), clock=lambda: NOW)), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    write_address(home() / ADDRESS_FILE, *listener.getsockname()[:2])
    yield
    server.should_exit = True
    thread.join(20)
    (home() / ADDRESS_FILE).unlink()


@pytest.mark.clause("2(2)①")
@pytest.mark.parametrize("kind", ["resident_record_certificate", "income_taxation_certificate"])
def test_the_kiosk_gets_a_certificate_into_its_folder(kiosk: None, tmp_path: Path, kind: str) -> None:
    row = issue(CODE, kind, card=CARD, out=tmp_path)
    assert "辰之助" in text_of(Path(row["file"]).read_bytes())
    assert FATHER.addressee_number not in row["file"]
    assert (row["pages"], row["outcome"]) == (1, "printed")


def test_a_refusal_reaches_the_kiosk_with_code_and_text(kiosk: None, tmp_path: Path) -> None:
    change("update staff.card set status = 'suspended'")
    with pytest.raises(IssueRefused) as refusal:
        issue(CODE, "resident_record_certificate", card=CARD, out=tmp_path)
    assert refusal.value.code == "card_not_active"
    assert refusal.value.text.startswith("このカードは")
    assert not list(tmp_path.iterdir())
    assert {one["result_code"] for one in capabilities(CODE, CARD)["kinds"]} == {"card_not_active"}


def test_without_a_server_the_kiosk_says_what_to_do(utsushi_home: Path, tmp_path: Path) -> None:
    (utsushi_home / "secrets").mkdir()
    (utsushi_home / "secrets" / "centre.token").write_text("x")
    with pytest.raises(ConfigurationError, match=r"\./utsushi up"):
        issue(CODE, "resident_record_certificate", card=CARD, out=tmp_path)


def test_the_server_process_says_where_it_listens_and_stops_when_asked(issuing_site: str) -> None:
    address = home() / ADDRESS_FILE
    command = [sys.executable, "-m", "issuance_api", "--port", "0"]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert b"listens on http://127.0.0.1:" in process.stdout.readline()
        where = json.loads(address.read_text("utf-8"))
        base = f"http://{where['host']}:{where['port']}"
        assert _answer(base + "/livez").json() == {"alive": True}
        ready = _answer(base + "/readyz")
        assert ready.status_code == 503
        assert CODE not in ready.json()["unavailable"]  # the other towns have no database here
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
        address.unlink(missing_ok=True)


def _answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(url, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
