"""Once a hold, a suspension, a stop or a load is committed, no certificate against it is ever sent (design: what must never be).

Two nodes and many threads on a PostgreSQL that notes when each transaction was committed; the guards are also taken
away, to see that this test would notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from fictional_people import CODE
from issuing_town import owner
from starlette.testclient import TestClient
from storm import JOURNAL, Koseki, Storm, clock, judge

from issuance_api import issue_record, release, statements
from issuance_api.app import TOKEN, Settings, create_app
from municipalities.registry import get
from municipalities.site import PostgresAddress, Site, ensure_secret, write_site
from replica import admin
from services.postgres import TEMPORARY, PostgresServer

SETTINGS = {**TEMPORARY, "track_commit_timestamp": "on", "shared_buffers": "64MB"}
ASKS = 120
ALLOWED = {200, 409, 422}


@pytest.fixture(scope="module")
def scratch_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of its own that notes the instant of every commit, and an installation on it."""
    folder = tmp_path_factory.mktemp("scratch")
    server = PostgresServer(folder / "postgres", folder / "postgres.log", "scratch", SETTINGS, dies_with_us=True)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("UTSUSHI_HOME", str(tmp_path_factory.mktemp("home")))
            write_site(Site(PostgresAddress(server.host, server.port)))
            yield server
    finally:
        server.stop()


@pytest.fixture
def scratch(scratch_server: PostgresServer) -> Iterator[None]:
    """A fresh database with the journal."""
    admin.create_database(scratch_server.superuser_dsn, CODE)
    ensure_secret(issue_record.KEY)
    release.publish(CODE)
    with owner() as connection:
        connection.execute(JOURNAL.encode())
    yield
    admin.drop_database(scratch_server.superuser_dsn, CODE)


@contextmanager
def two_nodes() -> Iterator[list[TestClient]]:
    """Two apps, as two hosts would run them."""
    header = {"Authorization": f"Bearer {ensure_secret(TOKEN)}"}
    now = clock()
    with ExitStack() as stack:
        settings = [Settings((get(CODE),), clock=now, koseki={CODE: Koseki()}) for _ in range(2)]
        clients = [TestClient(create_app(one), headers=header, raise_server_exceptions=False) for one in settings]
        yield [stack.enter_context(one) for one in clients]


@pytest.mark.fault(53, 56, 57, 100)
@pytest.mark.clause("2(5)①", "5(2)", "5(3) card management")
def test_nothing_is_ever_sent_against_what_was_committed_before(scratch: None) -> None:
    """Faults 53, 56 and 57, at random, in the order of the database's own commits."""
    with two_nodes() as nodes:
        storm = Storm(nodes, seed=1)
        storm.run(ASKS)
    violations, counts = judge(storm)
    statuses = Counter(answer.status_code for _, answer in storm.answers)
    reasons = Counter(answer.json()["code"] for _, answer in storm.answers if answer.status_code != 200)
    assert set(statuses) <= ALLOWED, reasons
    assert violations == []
    # It was a storm: certificates were sent, and refused for each of the reasons.
    assert counts["sent"] >= ASKS // 6
    assert {"held", "card_not_active"} <= set(reasons), reasons
    assert min(counts[one] for one in ("hold", "card", "resident")) >= 15, counts
    with owner() as connection:
        open_ = "select count(*) from issuance.request where state not in ('sent', 'refused', 'failed')"
        assert connection.execute(open_).fetchone() == (0,)


def without_locks(patch: pytest.MonkeyPatch) -> None:
    """The hold's guard dropped, and the call that takes the locks removed."""
    patch.setattr(statements, "LOCK_KEYS", "select 1")
    with owner() as connection:
        connection.execute("drop trigger request_guard_sent on issuance.request")


def without_import_lock(patch: pytest.MonkeyPatch) -> None:
    """A load commits whenever it likes."""
    with owner() as connection:
        connection.execute("drop trigger feed_state_lock_import on replica.feed_state")


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [(without_locks, {"hold", "card"}), (without_import_lock, {"stale"})],
    ids=["no locks", "no import lock"],
)
def test_this_test_notices_when_a_guard_is_gone(
    scratch: None, monkeypatch: pytest.MonkeyPatch, sabotage: object, seen: set[str]
) -> None:
    sabotage(monkeypatch)  # type: ignore[operator]
    found: set[str] = set()
    with two_nodes() as nodes:
        for seed in range(8):
            storm = Storm(nodes, seed)
            storm.run(ASKS // 2)
            found |= set(judge(storm)[0])
            if seen <= found:
                break
    assert seen <= found
