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

from issuance_api.jpki.certificates import PARSER_ERRORS, Anchor, Medium, Policy
from issuance_api.jpki.responders import Responders
from issuance_api.jpki.revocation import RevocationLists, fingerprint
from issuance_api.jpki.sources import Sources
from municipalities.site import home, site
from records.errors import ConfigurationError, Place

PLACE = Place("site.toml", field="jpki")
OID = re.compile(r"[0-2](\.[0-9]+){2,20}")
URL = re.compile(r"https?://\S+")
KEYS = {
    *("mode", "production", "authorities", "card_policies", "phone_policies", "signing_policies"),
    *("accept_cached_minutes", "seconds"),
}
AUTHORITY_KEYS = {"certificate", "ocsp", "crl", "fictional"}


class Mode(StrEnum):
    """Who verifies the certificate: the centre before it asks us, or we."""

    VERIFIED_BY_CENTRE = "verified_by_centre"
    VERIFY_HERE = "verify_here"


@dataclass(frozen=True, slots=True)
class Settings:
    """本人確認の設定. ``responders`` and ``lists``: fingerprint of the CA certificate to the address."""

    mode: Mode = Mode.VERIFIED_BY_CENTRE
    policy: Policy = field(default_factory=lambda: Policy((), {}))
    responders: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    accept_cached_minutes: int = 0
    seconds: float = 3.0

    def sources(self, client: httpx.AsyncClient) -> Sources:
        """OCSP and lists of this site."""
        minutes = self.accept_cached_minutes
        lists = RevocationLists(self.lists, client, accept_cached_for_minutes=minutes, seconds=self.seconds)
        return Sources((Responders(self.responders, client, self.seconds), lists), minutes)


def site_settings() -> Settings:
    """The settings of this installation; paths are relative to its state folder."""
    return settings_from(site().jpki, home())


def settings_from(table: Mapping[str, Any], folder: Path) -> Settings:
    """What ``table`` says; ``ConfigurationError`` for anything unknown, missing or of another kind."""
    _known(table, KEYS)
    if table.get("mode", Mode.VERIFIED_BY_CENTRE) not in list(Mode):
        raise ConfigurationError(f"mode is one of {[each.value for each in Mode]}", PLACE)
    entries = [_authority(each, folder) for each in _list(table, "authorities", dict)]
    media: dict[str, Medium] = dict.fromkeys(_oids(table, "card_policies"), "card")
    media |= dict.fromkeys(_oids(table, "phone_policies"), "phone")
    anchors = tuple(anchor for anchor, _, _ in entries)
    signing = frozenset(_oids(table, "signing_policies"))
    made = Settings(
        Mode(table.get("mode", Mode.VERIFIED_BY_CENTRE)),
        Policy(anchors, media, signing, _flag(table, "production", True)),
        {fingerprint(anchor.certificate): url for anchor, url, _ in entries if url},
        {fingerprint(anchor.certificate): url for anchor, _, url in entries if url},
        int(_number(table, "accept_cached_minutes", 0)),
        _number(table, "seconds", 3.0),
    )
    _check(made)
    return made


def _check(made: Settings) -> None:
    if made.mode is Mode.VERIFY_HERE and not (made.policy.anchors and made.policy.policies):
        raise ConfigurationError("verify_here needs authorities and card_policies or phone_policies", PLACE)
    asked = made.responders.keys() | made.lists.keys()
    if any(fingerprint(each.certificate) not in asked for each in made.policy.anchors if not each.fictional):
        raise ConfigurationError("each authority needs the address of its responder or of its list", PLACE)
    if made.policy.policies.keys() & made.policy.signing_policies:
        raise ConfigurationError("a policy is for signing or for authentication, not for both", PLACE)


def _authority(entry: Mapping[str, Any], folder: Path) -> tuple[Anchor, str | None, str | None]:
    _known(entry, AUTHORITY_KEYS)
    for name in ("ocsp", "crl"):
        if name in entry and not URL.fullmatch(str(entry[name])):
            raise ConfigurationError(f"{name} is an address", PLACE)
    certificate = _certificate(folder / str(entry.get("certificate", "")))
    return Anchor(certificate, _flag(entry, "fictional", False)), entry.get("ocsp"), entry.get("crl")


def _certificate(path: Path) -> x509.Certificate:
    """From a file, DER or PEM."""
    try:
        raw = path.read_bytes()
        pem = raw.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
    except (OSError, *PARSER_ERRORS):
        raise ConfigurationError("this is not the file of a certificate", Place(path.name, field="jpki")) from None


def _oids(table: Mapping[str, Any], name: str) -> list[str]:
    found: list[str] = _list(table, name, str)
    if not all(OID.fullmatch(each) for each in found):
        raise ConfigurationError(f"{name} are object identifiers", PLACE)
    return found


def _list(table: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
        raise ConfigurationError(f"{name} is a list", PLACE)
    return found


def _flag(table: Mapping[str, Any], name: str, default: bool) -> bool:
    found = table.get(name, default)
    if not isinstance(found, bool):
        raise ConfigurationError(f"{name} is true or false", PLACE)
    return found


def _number(table: Mapping[str, Any], name: str, default: float) -> float:
    found = table.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise ConfigurationError(f"{name} is a number", PLACE)
    return found


def _known(table: Mapping[str, Any], keys: set[str]) -> None:
    if unknown := set(table) - keys:
        raise ConfigurationError(f"unknown keys {sorted(unknown)}", PLACE)
