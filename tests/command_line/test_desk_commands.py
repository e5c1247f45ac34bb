"""The commands of the desk as the runbook has them, really run; what is refused exits 1 and says nothing of a person."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from command_line.__main__ import main
from municipalities.site import PostgresAddress, Site, site, write_site
from replica import admin
from replica.connections import connect
from services.postgres import PostgresServer
from simulators.jpki.ca import CARD_POLICY, TestAuthority

CODE = "364894"
RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "holds_cards.md"
COMMANDS = re.findall(r"^\./utsushi (.+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
DOMICILE, HEAD = "徳島県三好郡東みよし町昼間3673番地1", "見本　太郎"
RESIDENT = """
insert into replica.resident (addressee_number, resident_status, registered_domicile, family_register_head,
    household_number, resident_kind, name, birth_on_certainty, birth_text, sex, relationship_codes, relationship_text,
    householder_name, address_prefecture, address_municipality, change_reason, changed_on_certainty, changed_text,
    support_measure, issuance_stop, applied_sequence, applied_row, content_hash)
values (%s, '1', %s, %s, '1', '1', '見本　花子', '0', '令和元年5月1日', '2', '02', '世帯主', '見本　花子', '徳島県',
    '三好郡東みよし町', '12', '0', '令和2年4月1日', '0', '0', 1, 1, 'x')
"""
REGISTRATION = """
insert into staff.registration (request_id, content_sha256, card_serial, medium, name, birth_on, address,
    registered_domicile, family_register_head, channel, state)
values (%s, 'h', %s, 'card', '見本　三郎', '1980-01-02', '大阪府大阪市', %s, %s, 'web', 'applied')
"""


@pytest.fixture
def town(postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A new database with two residents, two applications for registration and an incident; the owner's connection."""
    monkeypatch.setenv("UTSUSHI_HOME", str(tmp_path))
    write_site(Site(PostgresAddress(postgres.host, postgres.port)))
    admin.create_database(postgres.superuser_dsn, CODE)
    with connect(CODE, "owner") as owner:
        owner.autocommit = True
        for number in ("000000000000101", "000000000000102"):
            owner.execute(RESIDENT, (number, DOMICILE, HEAD))
        for number in ("1", "2"):
            owner.execute(REGISTRATION, (f"registration-{number}", f"N{number}", DOMICILE, HEAD))
        owner.execute("insert into issuance.incident (kind, code) values ('print_error', 'E-100')")
        yield owner
    admin.drop_database(postgres.superuser_dsn, CODE)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]], str]:
    """Exit code, the rows and the errors of one command."""
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.clause("2(5)①", "5(2)", "5(3) card management", "2(1)②")
def test_the_runbooks_commands_do_what_it_says(town: psycopg.Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) > 20
    for one in COMMANDS:
        arguments = shlex.split(one)
        if arguments[0] == "lookup":  # nobody of that name lives here; the look-up has tests of its own
            continue
        assert run(capsys, *arguments)[0] == 0, one
        if arguments[2] in ("list", "show", "history"):
            assert main(arguments) == 0, one  # as a table, too
            assert capsys.readouterr().out
    _, holds, _ = run(capsys, "hold", CODE, "list")
    assert [(one["addressee_number"], one["registered_domicile"], one["family_register_head"]) for one in holds] == [
        ("000000000000101", None, None),
        (None, DOMICILE, HEAD),
    ]
    _, cards, _ = run(capsys, "card", CODE, "list")
    assert {one["serial"]: one["status"] for one in cards} == {
        "CARD0000000000000101": "unlinked",
        "PHONE000000000000101": "unlinked",
        "CARD0000000000000201": "active",
    }
    assert {one["serial"]: one["issuer_sha256"] for one in cards}["CARD0000000000000201"] == hashlib.sha256(
        b"1"
    ).hexdigest()
    assert cards[0]["usable_from"] == "2026-11-20 15:00:00+00:00"  # the first instant of 21 November in Japan
    _, registrations, _ = run(capsys, "registration", CODE, "list")
    assert [one["state"] for one in registrations] == ["stopped", "rejected"]
    assert run(capsys, "incident", CODE, "list")[1] == []


@pytest.mark.clause("5(3) card management")
def test_a_site_that_verifies_links_with_the_authority_by_its_name(
    town: psycopg.Connection, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    now = datetime(2026, 11, 24, tzinfo=UTC)
    authority = TestAuthority(tmp_path / "ca", now)
    (tmp_path / "ca.der").write_bytes(authority.certificate.public_bytes(Encoding.DER))
    entry = {"name": "card-2024", "certificate": "ca.der", "crl": "http://127.0.0.1/list"}
    jpki = {"mode": "verify_here", "authorities": [entry], "card_policies": [CARD_POLICY]}
    write_site(replace(site(), jpki=jpki))
    linking = ["card", CODE, "link", "A1", "000000000000101", "--by", "職員", "--reason", "交付"]
    code, rows, err = run(capsys, *linking)
    assert (code, rows[0]["error"]) == (1, "entry_refused")
    assert "--issuer" in err
    assert run(capsys, *linking, "--issuer", "card-1999")[0] == 1
    assert run(capsys, *linking, "--issuer", "card-2024")[0] == 0
    _, found, _ = run(capsys, "card", CODE, "issuers")
    assert [(one["name"], one["issuer_sha256"]) for one in found] == [("card-2024", authority.key_sha256)]
    for look in ("list", "history"):
        assert run(capsys, "card", CODE, look, "A1")[1][0]["issuer_sha256"] == authority.key_sha256
    act = ["--by", "職員", "--reason", "紛失"]
    assert run(capsys, "card", CODE, "suspend", "A1", "--issuer", "card-2024", *act)[1][0]["status"] == "suspended"


REFUSED = {
    "another person": ["card", CODE, "link", "A1", "000000000000102", "--issued", "2026-11-20"],
    "no card": ["card", CODE, "suspend", "Z9"],
    "exactly this": ["hold", CODE, "register", DOMICILE, "--head", "見本　大郎"],
    "either": ["hold", CODE, "register"],
    "no hold": ["hold", CODE, "lift", "77"],
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_possible_is_said_without_a_person(
    town: psycopg.Connection, capsys: pytest.CaptureFixture[str], why: str
) -> None:
    act = ["--by", "職員", "--reason", "理由"]
    assert run(capsys, "card", CODE, "link", "A1", "000000000000101", "--issued", "2026-11-20", *act)[0] == 0
    code, rows, err = run(capsys, *REFUSED[why], *act)
    assert (code, rows[0]["error"]) == (1, "entry_refused")
    assert why in err
    for personal in ("000000000000101", "000000000000102", DOMICILE, "大郎", "A1"):
        assert personal not in err


@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_nobody_acts_without_name_and_reason(capsys: pytest.CaptureFixture[str], missing: str) -> None:
    given = {"--by": "職員", "--reason": "理由"}
    del given[missing]
    with pytest.raises(SystemExit) as caught:
        main(["card", CODE, "unlink", "A1", *(word for pair in given.items() for word in pair)])
    assert caught.value.code == 2


@pytest.mark.fault(152)
def test_what_somebody_wrote_is_harmless_at_a_terminal(
    town: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault 152: control characters, direction marks; and our tables' own markup."""
    reason = "[/red][bold]\x1b[31m赤\u202e逆\n次"
    assert run(capsys, "hold", CODE, "person", "000000000000101", "--by", "職員", "--reason", reason)[0] == 0
    assert main(["hold", CODE, "list"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert not {"\x1b", "\u202e"} & set(shown)
    assert "[/red]" in shown
    assert run(capsys, "hold", CODE, "list")[1][0]["reason"] == reason
