"""Plays the kiosk (キオスク端末) through the simulated centre: applies, keeps the PDF in a folder, reports the outcome.

This is what ``./utsushi issue`` and the demo call. Nothing of the person is in a file's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from municipalities.site import home
from records.errors import ConfigurationError, Place
from simulators.centre.answers import Issued
from simulators.centre.certificates import identity
from simulators.centre.client import Centre
from simulators.centre.orders import Application

ADDRESS_FILE = "issuance_api.json"
NOTHING = "none"  # no report: the request stays open, as when a kiosk breaks down
PRINT_ERROR = "print_error"
PRINT_ERROR_CODE = "E-100"
ENTERED = {
    "name": "Name",
    "name_kana": "NameKana",
    "birth_on": "BirthOn",
    "address": "Address",
    "registered_domicile": "RegisteredDomicile",
    "family_register_head": "FamilyRegisterHead",
}


def issue(municipality: str, application: Application, out: Path, outcome: str = "printed") -> dict[str, Any]:
    """Issue one certificate into ``out`` and report ``outcome``; the row says request, serial, pages, file and hash.

    The same application again is a retry. The tax year is asked for where none is given. ``Refused`` has the result code
    and the screen's text.
    """
    with centre(municipality) as town:
        issued = town.apply(application)
        row = _keep(issued, municipality, application.kind, out)
        if outcome != NOTHING:
            report(municipality, issued.request_id, outcome, town)
    return row | {"outcome": outcome}


def report(municipality: str, request_id: str, outcome: str, town: Centre | None = None) -> dict[str, Any]:
    """Report what became of the pages; the request as the town has it then."""
    code = PRINT_ERROR_CODE if outcome == PRINT_ERROR else None
    if town is not None:
        return town.report(request_id, outcome, code)
    with centre(municipality) as called:
        return called.report(request_id, outcome, code)


def cancel(municipality: str, request_id: str) -> dict[str, Any]:
    """Give a request up; as the town has it then."""
    with centre(municipality) as town:
        return town.cancel(request_id)


def offered_year(municipality: str, card: str) -> int:
    """The fiscal year of which a tax certificate can be had."""
    return int(capabilities(municipality, card)["FiscalYear"])


def capabilities(municipality: str, card: str) -> dict[str, Any]:
    """What the holder of ``card`` may have now."""
    with centre(municipality) as town:
        return town.capabilities(card)


def register(municipality: str, request_id: str, card: str, entered: Mapping[str, str]) -> dict[str, Any]:
    """利用登録申請 at the kiosk; the state as the town answers. The same application again changes nothing."""
    values = {ENTERED[name]: value for name, value in entered.items()}
    ordered = {element: values[element] for element in ENTERED.values() if element in values}
    with centre(municipality) as town:
        return town.register(request_id, {"CardSerial": card, **ordered, "Channel": "kiosk"})


@contextmanager
def centre(municipality: str) -> Iterator[Centre]:
    """A line from the simulated centre to the nodes of this installation."""
    host, port = address()
    with Centre(host, port, municipality, identity()) as one:
        yield one


def address() -> tuple[str, int]:
    """Where this installation's nodes listen for the centre, from the state folder."""
    path = home() / ADDRESS_FILE
    if not path.exists():
        raise ConfigurationError("the issuance API is not running: start it with ./utsushi up", Place(ADDRESS_FILE))
    where = json.loads(path.read_text("utf-8"))
    if where["centre_port"] is None:
        raise ConfigurationError(
            "nothing listens for the centre: [centre] is missing in site.toml", Place(ADDRESS_FILE)
        )
    return str(where["host"]), int(where["centre_port"])


def _keep(issued: Issued, municipality: str, kind: str, out: Path) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{municipality}_{kind}_{issued.serial}.pdf"
    path.write_bytes(issued.pdf)
    return {
        "request": issued.request_id,
        "serial": issued.serial,
        "pages": issued.pages,
        "file": str(path),
        "sha256": issued.sha256,
    }
