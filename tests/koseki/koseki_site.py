"""A simulated 戸籍 system on a free port, with a town of a few invented registers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import uvicorn

from issuance_api.koseki.breaker import Breaker
from issuance_api.koseki.client import HttpsKosekiSystem, KosekiAddress
from issuance_api.koseki.order import Order, RegisterSubject
from municipalities.registry import get
from simulators import pki
from simulators.koseki.registers import Member, Register, non_residents, registers
from simulators.koseki.server import System

CODE = "364894"
HEAD = "渡邉\U000e0110　辰之助"
DOMICILE = "徳島県三好郡東みよし町昼間3673番地1"


def book(code: str) -> dict[tuple[str, str], Register]:
    """A large family, another one, and the town's people who live elsewhere."""
    family = tuple(Member(f"渡邉\U000e0110　子{n}", "平成1年2月3日", HEAD, "母", "長男") for n in range(1, 9))
    head = Member(HEAD, "昭和50年2月1日", "父", "母", "長男")
    own = Register(DOMICILE, HEAD, (head, *family), ("徳島県三好郡東みよし町加茂1番地",))
    other = Register(
        "徳島県三好郡東みよし町足代1番地",
        "別人　一郎",
        (Member("別人　一郎", "昭和1年1月1日", "父", "母", "長男"),) * 9,
        ("別の町",),
    )
    return {(one.domicile, one.head): one for one in (own, other)} | registers(get(code), ())


@dataclass
class Running:
    """The system and how to reach it."""

    system: System
    address: KosekiAddress

    def client(self, breaker: Breaker | None = None) -> HttpsKosekiSystem:
        """Our side."""
        return HttpsKosekiSystem(CODE, self.address, breaker)


@contextmanager
def koseki_system(folder: Path) -> Iterator[Running]:
    """The system until the block ends."""
    keys = pki.ensure(folder)
    system = System(book)
    config = uvicorn.Config(
        system.app(), port=0, log_level="error", ssl_certfile=keys.server, ssl_ca_certs=str(keys.ca), ssl_cert_reqs=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Running(system, KosekiAddress(f"https://127.0.0.1:{port}", keys.ca, keys.client))
    server.should_exit = True
    thread.join(20)


def order(number: int = 1, kind: str = "family_register_all_certificate", **subject: str) -> Order:
    """An order of the head of the large family."""
    given = {
        "name": HEAD,
        "birth_text": "昭和50年2月1日",
        "registered_domicile": DOMICILE,
        "family_register_head": HEAD,
    }
    return Order(
        request_id=f"request-{number:04d}",
        correlation_id=f"{number:032x}",
        kind=kind,
        subject=RegisterSubject(**(given | subject)),
        members="person" if "individual" in kind else "whole",
        include_domicile=True,
        include_overseas_voting=False,
        issued_on=date(2026, 11, 24),
        serial=f"20261124{number:08d}",
    )


def elsewhere(number: int = 1) -> Order:
    """An order of somebody who lives elsewhere."""
    one = non_residents(get(CODE))[0]
    return order(
        number, name=one.name, birth_text="昭和55年4月2日", registered_domicile=one.registered_domicile,
        family_register_head=one.family_register_head,
    )  # fmt: skip
