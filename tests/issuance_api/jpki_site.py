"""A site that verifies certificates itself, with authorities of every kind, and a kiosk in front of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fictional_people import CODE, FATHER
from issuing_town import NOW, change
from starlette.testclient import TestClient

from issuance_api.app import Settings, create_app
from issuance_api.jpki.settings import settings_from
from municipalities.registry import get
from replica import cards
from replica.desk import Act
from simulators.jpki.ca import (
    CARD_POLICY,
    PHONE_POLICY,
    PROFILES,
    SIGNING_POLICY,
    Part,
    Rank,
    TestAuthority,
    VirtualCard,
)
from simulators.jpki.responder import Responder

RECORD = "resident_record_certificate"
BEGIN = NOW.astimezone(UTC)
POINTS = tuple(x509.UniformResourceIdentifier(f"http://crl.example/{number}") for number in range(2))
ACT = Act("職員", "新規交付")


class Hour:
    """The clock of the node."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Authorities:
    """認証局: the card CA; one of its name with another key, and a stranger, neither configured; a phone CA that splits its
    list; one below a root; one for tests, configured as such; and the one that lends test cards, configured without a word.
    """

    folder: Path
    known: dict[str, TestAuthority] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = self._new("root", name="Root", rank=Rank(path_length=None))
        self._new("card")
        self._new("old")
        self._new("stranger", name="Stranger")
        self._new("phone", name="Phone CA")
        self._new("below", name="Next CA", above=root, rank=Rank(policies=(CARD_POLICY,)))
        self._new("trial", name="Trial CA")
        self._new("lent", name="Lent CA", organisation="JPKI-TEST")
        self.responders = {
            name: Responder(self.known[name], self.known["old"]) for name in ("card", "phone", "below", "root")
        }
        self.responders["phone"].parts = {f"part/{number}": Part((point,)) for number, point in enumerate(POINTS)}

    def __getitem__(self, name: str) -> TestAuthority:
        return self.known[name]

    def _new(self, key_name: str, **more: Any) -> TestAuthority:
        self.known[key_name] = made = TestAuthority(self.folder, BEGIN, key_name=key_name, **more)
        (self.folder / f"{key_name}.der").write_bytes(made.certificate.public_bytes(Encoding.DER))
        return made

    def table(self, **more: object) -> dict[str, object]:
        """``[jpki]``."""
        card, phone, below = (self.responders[name] for name in ("card", "phone", "below"))
        parts = [{"point": point.value, "address": phone.url(f"part/{number}")} for number, point in enumerate(POINTS)]
        trusted = [
            {"certificate": "card.der", "name": "card", "ocsp": card.url("ocsp"), "crl": card.url("crl")},
            {"certificate": "phone.der", "name": "phone", "crl_parts": parts},
            {"certificate": "root.der", "crl": self.responders["root"].url("crl")},
            {"certificate": "trial.der", "fictional": True},
            {"certificate": "lent.der", "crl": card.url("crl")},
        ]
        policies = {"card_policies": [CARD_POLICY], "phone_policies": [PHONE_POLICY]}
        return {
            "mode": "verify_here",
            "authorities": trusted,
            "intermediates": [{"certificate": "below.der", "ocsp": below.url("ocsp")}],
            "signing_policies": [SIGNING_POLICY],
            "seconds": 0.5,
            **policies,
            **more,
        }

    def settle(self) -> None:
        """All responders answer, nobody is revoked."""
        for one in self.responders.values():
            one.ocsp_trouble = one.crl_trouble = "none"
            one.revoked.clear()
            one.asked.clear()
        self.responders["phone"].parts = {f"part/{number}": Part((point,)) for number, point in enumerate(POINTS)}

    def close(self) -> None:
        """Stop the responders."""
        for one in self.responders.values():
            one.close()


class Kiosk:
    """A kiosk at a town that verifies itself."""

    def __init__(self, client: TestClient, authorities: Authorities, hour: Hour) -> None:
        self.client, self.authorities, self.hour = client, authorities, hour

    @property
    def responder(self) -> Responder:
        """Of the card CA."""
        return self.authorities.responders["card"]

    def forget(self) -> None:
        """As if the node had just started: no list is kept, no answer remembered."""
        service = self.client.app.state.node.service(CODE)  # type: ignore[attr-defined]
        sources = service._workshop.sources
        sources._remembered.clear()
        sources.sources[1]._kept.clear()

    def verified_now(self) -> None:
        """The feeds are as new as the clock."""
        change("update replica.feed_state set last_verified_at = %s", self.hour.now)

    def challenge(self, purpose: str = "application") -> dict[str, Any]:
        answer = self.client.post(f"/v1/{CODE}/challenges", json={"purpose": purpose})
        assert answer.status_code == 200
        return answer.json()  # type: ignore[no-any-return]

    def evidence(self, card: VirtualCard, purpose: str = "application") -> dict[str, str]:
        challenge = self.challenge(purpose)
        algorithm, signature = card.sign(base64.b64decode(challenge["challenge"]))
        values = {"certificate": encoded(card.der), "signature": encoded(signature), "algorithm": algorithm}
        return values | {"challenge_id": challenge["challenge_id"]}

    def apply(self, request_id: str, evidence: dict[str, str] | None, **more: object) -> tuple[int, str]:
        """Status, and the result code or the digest of the certificate."""
        shown = {"evidence": evidence} if evidence else {}
        body = {"request_id": request_id, "kind": RECORD, **shown, **more}
        answer = self.client.post(f"/v1/{CODE}/applications", json=body)
        good = answer.status_code == 200
        return answer.status_code, answer.headers["Utsushi-Sha256"] if good else answer.json()["code"]


@contextmanager
def kiosk_at(token: str, authorities: Authorities, **more: object) -> Iterator[Kiosk]:
    """The app with these settings."""
    jpki, hour = settings_from(authorities.table(**more), authorities.folder), Hour()
    app = create_app(Settings((get(CODE),), clock=hour, deadline_seconds=20, jpki=jpki))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False) as client:
        yield Kiosk(client, authorities, hour)


def encoded(value: bytes) -> str:
    """Base64 as it travels."""
    return base64.b64encode(value).decode("ascii")


def link(card: VirtualCard, issuer: str | None, person: str = FATHER.addressee_number, **more: Any) -> None:
    """At the desk, a month ago; the certificate was issued then."""
    issued_at = more.pop("issued_at", NOW - timedelta(days=30))
    serial = str(card.certificate.serial_number)
    cards.link(CODE, cards.Link(serial, person, issued_at, issuer_sha256=issuer, **more), ACT)


def linked(kiosk: Kiosk, name: str = "good", by: str = "card") -> VirtualCard:
    """A certificate of one of the authorities that the desk has linked to the father."""
    card = kiosk.authorities[by].issue(PROFILES[name])
    link(card, kiosk.authorities[by].key_sha256)
    return card
