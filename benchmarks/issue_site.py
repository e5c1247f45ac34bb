"""An installation for the issuing benchmark: PostgreSQL with durable settings, a fictional town, server processes.

The servers run with a clock that stands at noon, because outside service hours nothing is issued.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn

from issuance_api import issue_record, release
from issuance_api.__main__ import listen
from issuance_api.app import TOKEN, Settings, create_app
from issuance_api.forms import JOINT_SHEET, household_order
from issuance_api.service_hours import JST
from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, ensure_secret, write_site
from records.records import Resident
from replica.admin import create_database
from replica.connections import connect
from services.postgres import PostgresServer, temporary_postgres
from simulators.world.samples import _may_be_issued, _serial
from simulators.world.town import Town, build

CODE = "364894"
PROCESSES = 2
START_SECONDS = 60.0
NOON = datetime.now(JST).replace(month=6, day=15, hour=12, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Applicant:
    """A householder whose household fits one sheet, with the serial of a card."""

    card: str
    person: Resident
    household: tuple[Resident, ...]


@dataclass(frozen=True, slots=True)
class IssueSite:
    """The running servers and who may apply there."""

    address: str
    token: str
    applicants: tuple[Applicant, ...]

    def client(self) -> httpx.Client:
        """A client of its own; the kernel gives each new connection to one of the processes."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=60, trust_env=False)


@contextmanager
def issue_site(folder: Path, residents: int) -> Iterator[IssueSite]:
    """The installation, which ends with the block."""
    with ExitStack() as stack:
        postgres = stack.enter_context(temporary_postgres(folder / "postgres", durable=True))
        _environment(stack, folder / "home")
        applicants = _prepare(postgres, residents)
        token = ensure_secret(TOKEN)
        ensure_secret(issue_record.KEY)
        release.publish(CODE)
        port = _free_port()
        for _ in range(PROCESSES):
            stack.enter_context(_server(port))
        site = IssueSite(f"http://127.0.0.1:{port}", token, applicants)
        _wait(site)
        yield site


def _environment(stack: ExitStack, home: Path) -> None:
    before = os.environ.get("UTSUSHI_HOME")
    os.environ["UTSUSHI_HOME"] = str(home)
    stack.callback(_restore, before)


def _restore(before: str | None) -> None:
    os.environ.pop("UTSUSHI_HOME", None)
    if before is not None:
        os.environ["UTSUSHI_HOME"] = before


def _prepare(postgres: PostgresServer, residents: int) -> tuple[Applicant, ...]:
    write_site(Site(PostgresAddress(postgres.host, postgres.port)))
    create_database(postgres.superuser_dsn, CODE)
    town = build(get(CODE), 7, residents)
    applicants = tuple(_applicants(town))
    with connect(CODE, "owner") as connection:
        _copy(connection, list(town.records["resident"].values()))
        _enter(connection, applicants)
    with connect(CODE, "owner") as connection:
        connection.execute("analyze")
    return applicants


def _applicants(town: Town) -> Iterator[Applicant]:
    for row in town.active():
        if row["relationship_codes"] != "02" or not _may_be_issued(town, row):
            continue
        household = household_order(Resident.from_row(one) for one in town.members(row["household_number"]))
        if len(household) == JOINT_SHEET:
            yield Applicant(_serial(CODE, row["addressee_number"]), Resident.from_row(row), household)


def _copy(connection: psycopg.Connection, rows: list[Mapping[str, Any]]) -> None:
    columns = [*rows[0], "applied_sequence", "applied_row", "content_hash"]
    statement = f"copy replica.resident ({', '.join(columns)}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for number, row in enumerate(rows, 1):
            copy.write_row((*row.values(), 1, number, b"benchmark"))


def _enter(connection: psycopg.Connection, applicants: tuple[Applicant, ...]) -> None:
    connection.execute(
        "insert into replica.feed_state (feed, last_applied, last_sha256, last_verified_at)"
        " values ('resident', 1, 'benchmark', %s)",
        (NOON,),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into staff.card (serial, addressee_number, status, valid_from) values (%s, %s, 'active', %s)",
            [(one.card, one.person.addressee_number, datetime(2020, 1, 1, tzinfo=UTC)) for one in applicants],
        )


def _free_port() -> int:
    listener = listen("127.0.0.1", 0)
    try:
        return int(listener.getsockname()[1])
    finally:
        listener.close()


@contextmanager
def _server(port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.issue_site", str(port)], cwd=get(CODE).folder.parent.parent
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(site: IssueSite) -> None:
    """Until a row of new connections all found a server that is ready."""
    deadline = time.monotonic() + START_SECONDS
    ready = 0
    while ready < 8 * PROCESSES:
        if time.monotonic() > deadline:
            raise TimeoutError("the servers did not start")
        try:
            with site.client() as client:
                answer = json.loads(client.get("/readyz").content)["ready"]
        except httpx.HTTPError:
            answer = False
        ready = ready + 1 if answer else 0
        time.sleep(0.01 if answer else 0.2)


def serve(port: int) -> None:
    """One server process."""
    app = create_app(Settings((get(CODE),), clock=lambda: NOON))
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listen("127.0.0.1", port)])


if __name__ == "__main__":
    serve(int(sys.argv[1]))
