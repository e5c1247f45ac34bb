"""Plays the kiosk (キオスク端末) against the running API: applies, keeps the PDF in a folder, reports the outcome.

This is what ``./utsushi issue`` and the demo call; a real centre comes through the wire adapter.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from issuance_api.__main__ import ADDRESS_FILE
from issuance_api.app import TOKEN
from municipalities.site import home, secret
from records.errors import CheckFailed, ConfigurationError, IssueRefused, Place, TransferError

TIMEOUT_SECONDS = 60.0


def issue(
    municipality: str,
    kind: str,
    *,
    card: str,
    members: Sequence[str] | None = None,
    items: Sequence[str] = (),
    fiscal_year: int | None = None,
    out: Path,
    outcome: str = "printed",
) -> dict[str, Any]:
    """Issue one certificate into ``out``; the row says serial, pages, file and hash.

    Raises ``IssueRefused`` with the result code and the screen's text, ``TransferError`` when the API can't be reached.
    The file's name is municipality, kind and serial of the issue: nothing of the person.
    """
    application: dict[str, Any] = {"request_id": secrets.token_hex(16), "kind": kind, "card_serial": card}
    if members is not None:
        application["members"] = list(members)
    if items:
        application["items"] = list(items)
    if kind == "income_taxation_certificate":
        application["fiscal_year"] = fiscal_year or _offered_year(municipality, card)
    with _client() as client:
        response = _post(client, f"/v1/{municipality}/applications", application)
        row = _keep(response, municipality, kind, out)
        _post(client, f"/v1/{municipality}/reports", {"request_id": application["request_id"], "outcome": outcome})
    return row | {"outcome": outcome}


def register(municipality: str, request_id: str, card: str, entered: dict[str, str]) -> dict[str, Any]:
    """利用登録申請 at the kiosk; the state as the API answers. The same application again changes nothing."""
    body = {"request_id": request_id, "card_serial": card, "channel": "kiosk", **entered}
    with _client() as client:
        answer: dict[str, Any] = _post(client, f"/v1/{municipality}/registrations", body).json()
        return answer


def capabilities(municipality: str, card: str) -> dict[str, Any]:
    """What the holder of ``card`` may have now, as the API answers."""
    with _client() as client:
        answer: dict[str, Any] = _post(client, f"/v1/{municipality}/capabilities", {"card_serial": card}).json()
        return answer


def address() -> str:
    """Base address of the running API, from the state folder."""
    path = home() / ADDRESS_FILE
    if not path.exists():
        raise ConfigurationError("the issuance API is not running: start it with ./utsushi up", Place(ADDRESS_FILE))
    where = json.loads(path.read_text("utf-8"))
    return f"http://{where['host']}:{where['port']}"


def _offered_year(municipality: str, card: str) -> int:
    return int(capabilities(municipality, card)["fiscal_year"])


@contextmanager
def _client() -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {secret(TOKEN)}"}
    with httpx.Client(base_url=address(), headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        yield client


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    try:
        response = client.post(path, json=body)
    except httpx.HTTPError as error:
        raise TransferError(f"the issuance API does not answer ({type(error).__name__})") from None
    if response.is_success:
        return response
    problem = response.json()
    refusal = IssueRefused(problem["detail"])
    refusal.code = problem["code"]
    raise refusal


def _keep(response: httpx.Response, municipality: str, kind: str, out: Path) -> dict[str, Any]:
    digest = hashlib.sha256(response.content).hexdigest()
    if digest != response.headers["Utsushi-Sha256"]:
        raise CheckFailed("the certificate was damaged on the way")
    serial = response.headers["Utsushi-Serial"]
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{municipality}_{kind}_{serial}.pdf"
    path.write_bytes(response.content)
    pages = int(response.headers["Utsushi-Pages"])
    return {"serial": serial, "pages": pages, "file": str(path), "sha256": digest}
