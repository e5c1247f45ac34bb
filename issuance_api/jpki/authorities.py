"""The authorities of ``[jpki]`` (認証局の設定): certificate files, and where each publishes revocation. Judges nothing.

Files, addresses and distribution points come from the operator of the certificates; what a certificate says about
addresses is never followed, it only chooses among these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from issuance_api.jpki.certificates import PARSER_ERRORS, Anchor
from issuance_api.jpki.revocation import Source, fingerprint
from records.errors import ConfigurationError, Place

PLACE = Place("site.toml", field="jpki")
URL = re.compile(r"https?://\S+")
NAME = re.compile(r"[0-9A-Za-z_-]{1,40}")
KEYS = {"name", "certificate", "ocsp", "crl", "crl_parts", "fictional"}
PART_KEYS = {"point", "address", "file"}


@dataclass(frozen=True, slots=True)
class Authority:
    """認証局, trusted or between a trusted one and the cards; ``parts``: the list of each distribution point."""

    name: str | None
    anchor: Anchor
    ocsp: str | None = None
    crl: str | None = None
    parts: dict[x509.GeneralName, Source] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate."""
        return fingerprint(self.anchor.certificate)

    @property
    def key_sha256(self) -> str:
        """SHA-256 (hex) of the public key: with a serial it identifies a card."""
        key = self.anchor.certificate.public_key()
        return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def authority(entry: Mapping[str, Any], folder: Path) -> Authority:
    """One entry of ``authorities`` or ``intermediates``; paths are relative to ``folder``."""
    known(entry, KEYS)
    name, parts = entry.get("name"), _parts(entry, folder)
    if name is not None and not NAME.fullmatch(str(name)):
        raise ConfigurationError("a name has letters, digits, _ and -", PLACE)
    for key in ("ocsp", "crl"):
        if key in entry and not URL.fullmatch(str(entry[key])):
            raise ConfigurationError(f"{key} is an address", PLACE)
    if "crl" in entry and parts:
        raise ConfigurationError("an authority has one list or parts of it, not both", PLACE)
    asked = "ocsp" in entry or "crl" in entry or bool(parts)
    anchor = Anchor(_certificate(folder / str(entry.get("certificate", ""))), flag(entry, "fictional", False), asked)
    return Authority(name, anchor, entry.get("ocsp"), entry.get("crl"), parts)


def _parts(entry: Mapping[str, Any], folder: Path) -> dict[x509.GeneralName, Source]:
    made: dict[x509.GeneralName, Source] = {}
    for one in entries(entry, "crl_parts", dict):
        known(one, PART_KEYS)
        point = _point(str(one.get("point", "")))
        if point in made or ("address" in one) == ("file" in one):
            raise ConfigurationError("each distribution point stands once, with an address or a file", PLACE)
        if "address" in one and not URL.fullmatch(str(one["address"])):
            raise ConfigurationError("address is an address", PLACE)
        made[point] = str(one["address"]) if "address" in one else folder / str(one["file"])
    return made


def _point(text: str) -> x509.GeneralName:
    """A URI as it stands in the certificates, or a directory name (RFC 4514: CN=...,O=JPKI,C=JP)."""
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    try:
        name = x509.Name.from_rfc4514_string(text)
    except ValueError:
        raise ConfigurationError("point is a URI or a directory name", PLACE) from None
    if not list(name):
        raise ConfigurationError("point is missing", PLACE)
    return x509.DirectoryName(name)


def _certificate(path: Path) -> x509.Certificate:
    """From a file, DER or PEM."""
    try:
        raw = path.read_bytes()
        pem = raw.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(raw) if pem else x509.load_der_x509_certificate(raw)
    except (OSError, *PARSER_ERRORS):
        raise ConfigurationError("this is not the file of a certificate", Place(path.name, field="jpki")) from None


def entries(table: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    """The list ``name``, empty where there is none."""
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
        raise ConfigurationError(f"{name} is a list", PLACE)
    return found


def flag(table: Mapping[str, Any], name: str, default: bool) -> bool:
    """True or false."""
    found = table.get(name, default)
    if not isinstance(found, bool):
        raise ConfigurationError(f"{name} is true or false", PLACE)
    return found


def known(table: Mapping[str, Any], keys: set[str]) -> None:
    """Nothing else stands in ``table``."""
    if unknown := set(table) - keys:
        raise ConfigurationError(f"unknown keys {sorted(unknown)}", PLACE)
