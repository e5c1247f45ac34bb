"""One node on the town's database with a clock that the test turns and renderers that it stops, for injecting faults."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
from fictional_people import CODE
from issuing_town import CARD, NOW, states
from starlette.testclient import TestClient

from issuance_api.app import Settings, create_app
from issuance_api.model import Kind
from municipalities.registry import Municipality, get

PATIENCE_SECONDS = 20.0


class Hour:
    """The clock of a node."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def node(
    token: str, hour: Hour | None = None, town: Municipality | None = None, **settings: Any
) -> Iterator[TestClient]:
    """A node that lives until the block ends."""
    app = create_app(Settings((town or get(CODE),), clock=hour or Hour(), **settings))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False) as client:
        yield client


def apply(
    client: TestClient,
    request_id: str = "request-0001",
    kind: Kind = Kind.RESIDENT_RECORD,
    card: str = CARD,
    **more: Any,
) -> httpx.Response:
    """One application."""
    year = {"fiscal_year": 2026} if kind is Kind.INCOME_TAXATION else {}
    body = {"request_id": request_id, "kind": kind.value, "card_serial": card} | year | more
    return client.post(f"/v1/{CODE}/applications", json=body)


def code_of(response: httpx.Response) -> tuple[int, str]:
    """Status and result code."""
    return response.status_code, response.json()["code"] if response.status_code != 200 else "ok"


@contextmanager
def standing(client: TestClient) -> Iterator[None]:
    """All renderers of the node stand still while the block runs."""
    service = client.app.state.node.services[CODE]  # type: ignore[attr-defined]
    pids = [one.process.pid for one in service._workshop.renderers._all]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def hurried(client: TestClient, seconds: float = 2.5) -> Iterator[None]:
    """Applications that come while the block runs have so little time."""
    service = client.app.state.node.services[CODE]  # type: ignore[attr-defined]
    workshop = service._workshop
    service._workshop = replace(workshop, deadline_seconds=seconds)
    try:
        yield
    finally:
        service._workshop = workshop


@contextmanager
def drawing(client: TestClient, request_id: str = "request-0001", **asked: Any) -> Iterator[Future[httpx.Response]]:
    """An application whose page is being drawn while the block runs, and finished after it."""
    with ThreadPoolExecutor(1) as pool:
        with standing(client):
            answer = pool.submit(apply, client, request_id, **asked)
            wait_for(request_id, "eligible")
            yield answer
        answer.result(PATIENCE_SECONDS)


def wait_for(request_id: str, state: str) -> None:
    """Until the request has been in this state."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while state not in states(request_id):
        assert time.monotonic() < deadline
        time.sleep(0.01)
