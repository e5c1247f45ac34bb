"""The table ``[jpki]`` of ``site.toml`` (本人確認の設定): who verifies, and by which authorities. Judges no certificate.

Without the table the centre verifies and passes the serial on. CA files, policy OIDs and addresses have no defaults: they
come from the operator of the certificates, never from a certificate that somebody shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509

from issuance_api.jpki.authorities import PLACE, Authority, authority, entries, flag, known
from issuance_api.jpki.certificates import Medium, Policy
from issuance_api.jpki.responders import Responders
from issuance_api.jpki.revocation import RevocationLists
from issuance_api.jpki.sources import Sources
from municipalities.site import home, site
from records.errors import ConfigurationError

OID = re.compile(r"[0-2](\.[0-9]+){2,20}")
KEYS = {
    *("mode", "production", "authorities", "intermediates", "card_policies", "phone_policies", "signing_policies"),
    *("accept_cached_minutes", "seconds", "links_without_issuer"),
}


class Mode(StrEnum):
    """Who verifies the certificate: the centre before it asks us, or we."""

    VERIFIED_BY_CENTRE = "verified_by_centre"
    VERIFY_HERE = "verify_here"


@dataclass(frozen=True, slots=True)
class Settings:
    """本人確認の設定. ``authorities``: the trusted ones, then the intermediates, with the sources of each.

    ``links_without_issuer``: whether a card that staff linked by its serial alone serves a certificate whose issuer is
    known. Not by default where we verify: another authority may give the same serial.
    """

    mode: Mode = Mode.VERIFIED_BY_CENTRE
    policy: Policy = field(default_factory=lambda: Policy((), {}))
    authorities: tuple[Authority, ...] = ()
    accept_cached_minutes: int = 0
    seconds: float = 3.0
    links_without_issuer: bool = True

    def sources(self, client: httpx.AsyncClient) -> Sources:
        """OCSP and lists of this site."""
        minutes = self.accept_cached_minutes
        lists = RevocationLists(
            {each.fingerprint: each.crl for each in self.authorities if each.crl},
            client,
            accept_cached_for_minutes=minutes,
            seconds=self.seconds,
            parts={each.fingerprint: each.parts for each in self.authorities if each.parts},
        )
        responders = {each.fingerprint: each.ocsp for each in self.authorities if each.ocsp}
        return Sources((Responders(responders, client, self.seconds), lists), minutes)


def site_settings() -> Settings:
    """The settings of this installation; paths are relative to its state folder."""
    return settings_from(site().jpki, home())


def settings_from(table: Mapping[str, Any], folder: Path) -> Settings:
    """What ``table`` says; ``ConfigurationError`` for anything unknown, missing or of another kind."""
    known(table, KEYS)
    if table.get("mode", Mode.VERIFIED_BY_CENTRE) not in list(Mode):
        raise ConfigurationError(f"mode is one of {[each.value for each in Mode]}", PLACE)
    mode = Mode(table.get("mode", Mode.VERIFIED_BY_CENTRE))
    trusted = tuple(authority(each, folder) for each in entries(table, "authorities", dict))
    between = tuple(authority(each, folder) for each in entries(table, "intermediates", dict))
    made = Settings(
        mode,
        _policy(table, trusted, between),
        (*trusted, *between),
        int(_number(table, "accept_cached_minutes", 0)),
        _number(table, "seconds", 3.0),
        flag(table, "links_without_issuer", mode is Mode.VERIFIED_BY_CENTRE),
    )
    _check(made)
    return made


def _policy(table: Mapping[str, Any], trusted: tuple[Authority, ...], between: tuple[Authority, ...]) -> Policy:
    media: dict[str, Medium] = dict.fromkeys(_oids(table, "card_policies"), "card")
    media |= dict.fromkeys(_oids(table, "phone_policies"), "phone")
    return Policy(
        tuple(each.anchor for each in trusted),
        media,
        frozenset(_oids(table, "signing_policies")),
        flag(table, "production", True),
        tuple(each.anchor for each in between),
    )


def _check(made: Settings) -> None:
    policy = made.policy
    if made.mode is Mode.VERIFY_HERE and not (policy.anchors and policy.policies):
        raise ConfigurationError("verify_here needs authorities and card_policies or phone_policies", PLACE)
    if any(not (each.asked or each.fictional or _only_above(each.certificate, policy)) for each in policy.all):
        raise ConfigurationError("each authority needs the address of its responder or of its list", PLACE)
    if policy.policies.keys() & policy.signing_policies:
        raise ConfigurationError("a policy is for signing or for authentication, not for both", PLACE)
    names = [each.name for each in made.authorities if each.name]
    if len(names) != len(set(names)) or len({each.fingerprint for each in made.authorities}) != len(made.authorities):
        raise ConfigurationError("an authority stands twice", PLACE)


def _only_above(certificate: x509.Certificate, policy: Policy) -> bool:
    """An authority above intermediates, for whose cards nobody could tell: they would be refused."""
    return any(each.certificate.issuer == certificate.subject for each in policy.intermediates)


def _oids(table: Mapping[str, Any], name: str) -> list[str]:
    found: list[str] = entries(table, name, str)
    if not all(OID.fullmatch(each) for each in found):
        raise ConfigurationError(f"{name} are object identifiers", PLACE)
    return found


def _number(table: Mapping[str, Any], name: str, default: float) -> float:
    found = table.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise ConfigurationError(f"{name} is a number", PLACE)
    return found
