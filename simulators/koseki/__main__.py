"""``python -m simulators.koseki``: the 戸籍 system of all fictional towns on one free port, announced in ``site.toml``.

It follows the towns' own state, which the vendors' process keeps; people who live elsewhere are in ``non_residents.json``.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict, replace
from functools import lru_cache

import uvicorn

from municipalities.registry import all_codes, get
from municipalities.site import change_site, home
from simulators import pki, settings, store
from simulators.koseki.registers import Book, non_residents, registers
from simulators.koseki.server import System

FOLDER = "secrets/koseki"
NON_RESIDENTS = "non_residents.json"


def main() -> None:
    """Make the certificates, announce the address, serve."""
    keys = pki.ensure(home() / FOLDER, "koseki")
    listener = socket.create_server((pki.LOOPBACK, 0))
    url = f"https://{pki.LOOPBACK}:{listener.getsockname()[1]}"
    system = {"url": url, "ca": f"{FOLDER}/{keys.ca.name}", "client": f"{FOLDER}/{keys.client.name}"}
    change_site(lambda old: replace(old, koseki=dict.fromkeys(all_codes(), system)))
    _write_non_residents()
    config = uvicorn.Config(
        System(book).app(),
        log_level="warning",
        ssl_certfile=keys.server,
        ssl_ca_certs=str(keys.ca),
        ssl_cert_reqs=2,  # a client without a certificate of this CA is refused
    )
    sys.stderr.write("ready\n")
    uvicorn.Server(config).run(sockets=[listener])


def book(code: str) -> Book:
    """The registers of a town as its newest state has them; each is made when it is asked for."""
    path = store.path(code)
    return _book(code, path.stat().st_mtime_ns) if path.exists() else registers(get(code), ())


@lru_cache(maxsize=3)
def _book(code: str, _changed: int) -> Book:
    return registers(get(code), store.peek(code).town.active())


def _write_non_residents() -> None:
    people = [{"municipality": code, **asdict(one)} for code in all_codes() for one in non_residents(get(code))]
    settings.folder().mkdir(parents=True, exist_ok=True)
    part = settings.folder() / f"{NON_RESIDENTS}.part"
    part.write_text(json.dumps(people, ensure_ascii=False, default=str), "utf-8")
    os.replace(part, settings.folder() / NON_RESIDENTS)


if __name__ == "__main__":
    main()
