"""A simulated 戸籍 system on a free port, with a town of a few invented registers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import uvicorn

from issuance_api.koseki.breaker import Breaker
from issuance_api.koseki.client import HttpsKosekiSystem, KosekiAddress
from issuance_api.koseki.order import Order, RegisterSubject
from municipalities.registry import get
from records.wareki import wareki
from simulators import pki
from simulators.koseki.drawing import Wanted
from simulators.koseki.model import Register
from simulators.koseki.registers import Book, non_residents, registers
from simulators.koseki.server import System
from simulators.world.names import FEMALE, MALE
from simulators.world.rows import Row, day, row, worded

CODE = "364894"
HEAD = "渡邉\U000e0110　辰之助"
DOMICILE = "徳島県三好郡東みよし町昼間3673番地1"


def family(code: str, domicile: str, head: str, children: int) -> list[Row]:
    """A couple of the town and their children, a year and a half apart."""
    surname = head.split("\u3000", maxsplit=1)[0]
    husband = resident(code, domicile, head, head, "昭和50年2月1日", date(1975, 2, 1), "02", MALE)
    wife = resident(code, domicile, head, f"{surname}\u3000花子", "昭和52年3月4日", date(1977, 3, 4), "12", FEMALE)
    made = [husband, wife]
    for number in range(1, children + 1):
        born = date(1999, 11, 8) + timedelta(days=560 * number)
        made.append(
            resident(
                code, domicile, head, f"{surname}\u3000子{number}", wareki(born), born, "20", (MALE, FEMALE)[number % 2]
            )
        )
    return made


def resident(
    code: str, domicile: str, head: str, name: str, birth: str, born: date, relationship: str, sex: str
) -> Row:
    """One resident, as the town's register has them."""
    days = {**day("address_settled_on", born), **day("became_resident_on", born)}
    lives = {"address_prefecture": "徳島県", "address_municipality": "三好郡東みよし町", "address_town": "加茂",
             "address_lot_number": "1番地"}  # fmt: skip
    return row(
        "resident", **worded("birth_on", born, "0", birth), **days, **lives, name=name, sex=sex, resident_kind="1",
        relationship_codes=relationship, household_number=head, registered_domicile=domicile, family_register_head=head,
        addressee_number=f"{code}{name}",
    )  # fmt: skip


@cache
def book(code: str) -> Book:
    """A large family, one at the same 本籍, one of the same 氏, another, and the town's people who live elsewhere."""
    rows = family(code, DOMICILE, HEAD, 8) + family(code, DOMICILE, "別人\u3000一郎", 8)
    rows += family(code, "徳島県三好郡東みよし町足代1番地", f"{HEAD[:2]}\U000e0110\u3000虎之助", 7)
    return registers(get(code), rows)


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


def register_of(one: Order) -> Register:
    """The register that an order is about."""
    return book(CODE)[one.subject.registered_domicile, one.subject.family_register_head]


def wanted(one: Order) -> Wanted:
    """The order as the system understands it."""
    return Wanted(
        one.kind, one.correlation_id, one.serial, one.issued_on, one.subject.name, one.subject.birth_text,
        one.include_domicile, one.include_overseas_voting,
    )  # fmt: skip
