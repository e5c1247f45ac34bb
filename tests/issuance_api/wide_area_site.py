"""Issuing nodes with the centre's interface on free ports, and the simulated centre that asks them. Real TLS, real pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fictional_people import CODE
from issuing_town import CARD, NOW

from issuance_api.__main__ import listen
from issuance_api.app import Settings
from issuance_api.centre.settings import settings_from
from issuance_api.centre.transport import Limits
from issuance_api.serving import Centre as Door
from issuance_api.serving import Process
from municipalities.registry import get
from simulators import pki
from simulators.centre.answers import Ledger
from simulators.centre.certificates import table
from simulators.centre.client import Centre, Identity
from simulators.centre.orders import Application

RECORD = "resident_record_certificate"


@dataclass
class Town:
    """The running nodes of one town and the certificates of its centre."""

    keys: pki.Pki
    ports: list[int]
    processes: list[Process]

    def centre(self, node: int = 0, client: str = "client", code: str = CODE, **more: Any) -> Centre:
        """The centre with a line to one of the nodes."""
        identity = Identity(self.keys.named(client), self.keys.ca)
        return Centre("127.0.0.1", self.ports[node], code, identity, **more)


@contextmanager
def town(folder: Path, nodes: int = 1, limits: Limits | None = None, **settings: Any) -> Iterator[Town]:
    """Nodes that serve until the block ends; each of them finishes then."""
    keys = certificates(folder)
    here = {name: [CODE] for name in ("client", "crowd", "expired", "revoked")}
    towns = here | {"second": ["362999"]}
    centre = settings_from(table(keys, towns), folder)
    with ExitStack() as stack:
        doors = [Door(centre, [listen("127.0.0.1", 0)], limits or Limits()) for _ in range(nodes)]
        given = {"clock": lambda: NOW, "deadline_seconds": 20, **settings}
        processes = [Process(Settings((get(CODE),), **given), [listen("127.0.0.1", 0)], door) for door in doors]
        ports = [int(door.sockets[0].getsockname()[1]) for door in doors]
        for process in processes:
            stack.enter_context(running(process))
        yield Town(keys, ports, processes)


def certificates(folder: Path) -> pki.Pki:
    """The centre's clients: good ones, one for another town, one whose time is over, a revoked one, one nobody pinned."""
    keys = pki.ensure(folder / "pki", "centre", ("client", "crowd", "second", "revoked", "unpinned"))
    if not (keys.folder / "expired.pem").exists():
        keys.issue("expired", timedelta(days=-1))
        keys.revoke("revoked")
    return keys


@contextmanager
def running(process: Process) -> Iterator[None]:
    """One process in a thread."""
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        wait_until(lambda: process.listening() or not thread.is_alive())
        assert thread.is_alive()
        yield
    finally:
        process.stop()
        thread.join(60)
        assert not thread.is_alive()


def wait_until(true: Any, seconds: float = 30.0) -> None:
    """Poll until something holds; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.02)


def application(request_id: str = "request-0001", kind: str = RECORD, card: str = CARD, **more: Any) -> Application:
    """The father asks."""
    return Application(request_id, kind, card=card, **more)


def shared(ledger: Ledger, nodes: Sequence[int], site: Town) -> list[Centre]:
    """Lines to several nodes with one book of what came."""
    return [site.centre(node, ledger=ledger) for node in nodes]
