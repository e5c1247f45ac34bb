"""The table ``[centre]`` of ``site.toml`` (センターとの接続の設定): our certificate, the centre's CA, who may ask for which town.

    [centre]
    server = "secrets/centre/server.pem"      # our certificate, with its key unless ``key`` names it
    authority = "secrets/centre/ca.pem"       # whose certificates a client may have
    revoked = "secrets/centre/crl.pem"    # list of revoked ones (CRL), read again when it changes
    port = 8444                               # where to listen, unless the command line says it
    clients = [{ name = "centre", sha256 = "…", municipalities = ["364894"] }]

Paths are relative to the state folder. Without the table nothing listens for the centre.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from municipalities.site import home, site
from records.errors import ConfigurationError, Place

PLACE = Place("site.toml", field="centre")
KEYS = {"server", "key", "authority", "revoked", "port", "clients"}
CLIENT_KEYS = {"name", "sha256", "municipalities"}
PORTS = range(1, 65_536)
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CentreSettings:
    """``clients``: SHA-256 of a client's certificate (DER) to the codes of the towns that it may ask for."""

    server: Path
    key: Path | None
    authority: Path
    revoked: Path | None
    clients: Mapping[str, frozenset[str]]
    port: int | None = None


def site_settings() -> CentreSettings | None:
    """The settings of this installation; None where it has no such table."""
    table = site().centre
    return settings_from(table, home()) if table else None


def settings_from(table: Mapping[str, Any], folder: Path) -> CentreSettings:
    """What ``table`` says; ``ConfigurationError`` for anything unknown or missing, a file too."""
    if unknown := set(table) - KEYS:
        raise ConfigurationError(f"unknown keys {sorted(unknown)}", PLACE)
    key, revoked = (_file(table, name, folder) if name in table else None for name in ("key", "revoked"))
    server, authority = (_file(table, name, folder) for name in ("server", "authority"))
    port = table.get("port")
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or port not in PORTS):
        raise ConfigurationError("port is a number", PLACE)
    return CentreSettings(server, key, authority, revoked, _clients(table.get("clients", [])), port)


def _file(table: Mapping[str, Any], name: str, folder: Path) -> Path:
    path = folder / str(table.get(name, ""))
    if not path.is_file():
        raise ConfigurationError(f"{name} is not a file", PLACE)
    return path


def _clients(entries: Any) -> dict[str, frozenset[str]]:
    if not isinstance(entries, list) or not entries or not all(isinstance(one, dict) for one in entries):
        raise ConfigurationError("clients is a list of tables, and not empty", PLACE)
    clients = {str(one.get("sha256", "")).lower().replace(":", ""): _towns(one) for one in entries}
    if len(clients) != len(entries):
        raise ConfigurationError("a client is named twice", PLACE)
    if not all(SHA256.fullmatch(one) for one in clients):
        raise ConfigurationError("sha256 of a client is 64 hexadecimal digits", PLACE)
    return clients


def _towns(client: Mapping[str, Any]) -> frozenset[str]:
    towns = client.get("municipalities")
    if set(client) - CLIENT_KEYS or not isinstance(towns, list) or not towns:
        raise ConfigurationError(f"a client has the keys {sorted(CLIENT_KEYS)}, and at least one municipality", PLACE)
    return frozenset(map(str, towns))
