"""Who may ask for which town: pinned, valid, not revoked, and settled before anything of the body is read. Fault 127."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fictional_people import CODE
from issuing_town import NOW, fill, owner
from wide_area_site import Town, application, certificates, town

from issuance_api.centre.doorkeeper import Doorkeeper, Unwelcome
from issuance_api.centre.settings import settings_from
from municipalities.site import Site, site, write_site
from records.errors import ConfigurationError, TransferError
from simulators import pki
from simulators.centre import nasty, orders
from simulators.centre.answers import Fault, Refused
from simulators.centre.certificates import prepare, table
from simulators.centre.client import Centre, Identity

pytestmark = pytest.mark.clause("2(2)①", "4")


@pytest.fixture(scope="module")
def centre_town(issuing_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("centre")) as one:
        yield one


@pytest.fixture
def here(centre_town: Town) -> Town:
    fill(NOW)
    centre_town.keys.revoke("revoked")
    return centre_town


def requests() -> int:
    with owner() as connection:
        row = connection.execute("select count(*) from issuance.request").fetchone()
    assert row
    return int(row[0])


@pytest.mark.fault(127)
@pytest.mark.parametrize(
    ("client", "code"), [("unpinned", CODE), ("revoked", CODE), ("second", CODE), ("client", "999999")]
)
def test_another_than_the_pinned_one_of_this_town_is_refused(
    here: Town, client: str, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with here.centre(client=client, code=code) as line, pytest.raises(Fault) as fault:
        line.apply(application())
    assert (fault.value.code, fault.value.status) == ("not_authorised", 403)
    assert requests() == 0
    reasons = {"unpinned": "not_pinned", "revoked": "revoked", "second": "other_municipality"}
    assert reasons.get(client, "other_municipality") in caplog.text


@pytest.mark.parametrize("client", ["expired", "stranger"])
def test_a_certificate_that_tls_refuses_gets_no_answer(here: Town, client: str, tmp_path: Path) -> None:
    if client == "stranger":
        identity = Identity(pki.ensure(tmp_path / "other", "other").client, here.keys.ca)
    else:
        identity = Identity(here.keys.named(client), here.keys.ca)
    try:
        with nasty.RawLine("127.0.0.1", here.ports[0], identity) as line:
            line.send(nasty.request(CODE, nasty.order(application())))
            assert line.rest() == b""
    except (ssl.SSLError, ConnectionError):
        pass  # already in the handshake
    assert requests() == 0


def test_the_refusal_comes_before_the_body(here: Town) -> None:
    identity = Identity(here.keys.named("second"), here.keys.ca)
    with nasty.RawLine("127.0.0.1", here.ports[0], identity) as line:
        line.send(nasty.request(CODE, b"", "Expect: 100-continue", length=1000))
        answer = line.rest()
    assert answer.startswith(b"HTTP/1.1 403")
    assert re.search(rb"connection: close", answer, re.IGNORECASE)


def test_who_is_revoked_on_an_open_line_is_refused_with_the_next_order(here: Town) -> None:
    with here.centre() as line:
        assert line.alive()
        here.keys.revoke("client")
        with pytest.raises(Fault, match="not_authorised"):
            line.alive()
        here.keys.revoke()
        assert line.alive()


@pytest.mark.parametrize("how", ["outdated", "another authority's", "garbage", "gone"])
def test_a_list_that_cannot_be_used_refuses_everybody(here: Town, tmp_path: Path, how: str) -> None:
    path = here.keys.folder / "crl.pem"
    if how == "outdated":
        here.keys.revoke(valid=timedelta(days=-1))
    elif how == "gone":
        path.unlink()
    else:
        other = pki.ensure(tmp_path / "other", "centre").revoke().read_bytes()  # a CA of the same name
        path.write_bytes(other if how == "another authority's" else b"garbage")
    with here.centre() as line, pytest.raises(Fault, match="not_authorised"):
        line.alive()


def test_a_certificate_that_expires_on_an_open_line_is_refused(here: Town) -> None:
    now = [datetime.now(UTC)]
    keeper = Doorkeeper(settings_from(table(here.keys, {"client": [CODE]}), here.keys.folder), lambda: now[0])
    der = ssl.PEM_cert_to_DER_cert(here.keys.client.read_text().split("-----BEGIN PRIVATE")[0].strip())
    keeper.admit(der, CODE)
    now[0] += timedelta(days=4000)
    with pytest.raises(Unwelcome, match="not_valid_now"):
        keeper.admit(der, CODE)
    with pytest.raises(Unwelcome, match="not_pinned"):
        keeper.admit(None, CODE)


def test_a_resumed_session_is_judged_by_the_certificate_that_it_began_with(here: Town) -> None:
    context = Identity(here.keys.client, here.keys.ca).context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    body = nasty.request(CODE, orders.envelope("AliveCheck", orders.new_exchange(), {}))
    session: ssl.SSLSession | None = None
    for expected in (b"HTTP/1.1 200", b"HTTP/1.1 403"):
        plain = socket.create_connection(("127.0.0.1", here.ports[0]), 10)
        with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as line:
            line.sendall(body)
            assert line.recv(12) == expected
            session = line.session
        here.keys.revoke("client")


def test_the_simulated_centre_announces_itself(utsushi_home: Path) -> None:
    write_site(Site())
    prepare([CODE])
    first = site()
    settings = settings_from(first.centre, utsushi_home)
    keys = pki.Pki(utsushi_home / "secrets" / "centre")
    assert settings.clients == {keys.fingerprint(): frozenset({CODE})}
    assert settings.revoked == keys.folder / "crl.pem"
    prepare([CODE])
    assert site() == first
    Doorkeeper(settings)


WRONG: dict[str, Any] = {
    "unknown": {"ports": 1},
    "no port": {"port": 0},
    "a port in words": {"port": "8444"},
    "no file": {"server": "nowhere.pem"},
    "no authority": {"authority": ""},
    "no clients": {"clients": []},
    "not a list": {"clients": {"sha256": "0" * 64}},
    "not a hash": {"clients": [{"name": "a", "sha256": "abc", "municipalities": [CODE]}]},
    "no towns": {"clients": [{"name": "a", "sha256": "0" * 64, "municipalities": []}]},
    "more": {"clients": [{"name": "a", "sha256": "0" * 64, "municipalities": [CODE], "all": True}]},
    "twice": {"clients": [{"name": "a", "sha256": "0" * 64, "municipalities": [CODE]}] * 2},
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_that_are_wrong_are_said_to_be(tmp_path: Path, case: str) -> None:
    keys = certificates(tmp_path)
    good = table(keys, {"client": [CODE]})
    settings_from(good, tmp_path)
    with pytest.raises(ConfigurationError, match=r"site\.toml"):
        settings_from(good | WRONG[case], tmp_path)


def test_a_list_of_another_authority_is_noticed_at_the_start(tmp_path: Path) -> None:
    keys = certificates(tmp_path)
    good = table(keys, {"client": [CODE]})
    (keys.folder / "crl.pem").write_bytes(pki.ensure(tmp_path / "other", "centre").revoke().read_bytes())
    with pytest.raises(ConfigurationError, match=r"crl\.pem"):
        Doorkeeper(settings_from(good, tmp_path))


def test_without_a_list_nothing_is_looked_up(tmp_path: Path) -> None:
    keys = certificates(tmp_path)
    values = table(keys, {"revoked": [CODE]})
    del values["revoked"]
    der = ssl.PEM_cert_to_DER_cert(keys.named("revoked").read_text().split("-----BEGIN PRIVATE")[0].strip())
    Doorkeeper(settings_from(values, tmp_path)).admit(der, CODE)


@pytest.mark.fault(127)
def test_a_town_that_is_pinned_but_not_served_is_unknown(here: Town) -> None:
    with here.centre(client="second", code="362999") as line, pytest.raises(Refused) as refusal:
        line.alive()
    assert refusal.value.code == "not_found"


def test_a_town_whose_server_is_down_is_said_to_be(here: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = int(nobody.getsockname()[1])
    identity = Identity(here.keys.client, here.keys.ca)
    with Centre("127.0.0.1", port, CODE, identity) as line, pytest.raises(TransferError):
        line.alive()
