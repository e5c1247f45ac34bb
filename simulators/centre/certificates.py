"""The simulated centre's certificates (模擬センターの証明書), and how they are announced to a site: as an operator would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from municipalities.site import change_site, home
from records.errors import ConfigurationError, Place
from simulators import pki
from simulators.centre.client import Identity

FOLDER = "secrets/centre"


def prepare(codes: Sequence[str]) -> None:
    """Make what is missing and write ``[centre]`` into ``site.toml``: the centre's client may ask for ``codes``."""
    keys = pki.ensure(home() / FOLDER, "centre")
    if not (keys.folder / "crl.pem").exists():
        keys.revoke()
    made = table(keys, {"client": codes})
    change_site(lambda old: replace(old, centre=made))


def table(keys: pki.Pki, clients: dict[str, Sequence[str]]) -> dict[str, Any]:
    """The table ``[centre]``; ``clients``: which client may ask for which towns."""
    folder = keys.folder
    paths = {"server": keys.server, "authority": keys.ca, "revoked": folder / "crl.pem"}
    inside = folder.is_relative_to(home())
    named = {name: str(path.relative_to(home()) if inside else path) for name, path in paths.items()}
    allowed = [
        {"name": name, "sha256": keys.fingerprint(name), "municipalities": list(towns)}
        for name, towns in clients.items()
    ]
    return {**named, "clients": allowed}


def identity() -> Identity:
    """What the simulated centre shows at this installation."""
    keys = pki.Pki(home() / FOLDER)
    if not keys.client.exists():
        raise ConfigurationError(
            "there is no simulated certificate centre here: start with ./utsushi up --world", Place(FOLDER)
        )
    return Identity(keys.client, keys.ca)
