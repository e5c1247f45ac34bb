"""The soak's installation: PostgreSQL that notes every commit, a loaded town, 戸籍 system, and two node processes.

The nodes are started as ``services.catalogue`` has them, killed and started again. Beside the product runs a journal of
the soak's own: a row for every ``sent``, hold, card and load, in the transaction that makes it, so that PostgreSQL's
commit timestamps give the order of events, whatever locks there are or are not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil

from benchmarks.soak.asking import HOST, JsonAsker
from benchmarks.soak.centre import CentreAsker
from benchmarks.soak.loads import Loader
from benchmarks.soak.town import CODE, SoakTown
from issuance_api import issue_record, release
from issuance_api.app import TOKEN
from municipalities.site import PostgresAddress, Site, ensure_secret, home, write_site
from replica.admin import create_database
from replica.connections import connect
from services import catalogue, ports, processes
from services.postgres import TEMPORARY, PostgresServer
from simulators import settings, store
from simulators.centre import certificates
from simulators.koseki.__main__ import NON_RESIDENTS

READY_SECONDS = 90.0
DRAIN_SECONDS = 60.0
RENDERER = "issuance_api.renderer"
SETTINGS = {"track_commit_timestamp": "on"}
OWN_PORTS = ("issuance_1", "issuance_2")
ALL_PORTS = ("issuance_api", catalogue.CENTRE, *OWN_PORTS)

JOURNAL = """
create schema journal;
create table journal.event (id bigint generated always as identity, kind text, key text, content jsonb);
create function journal.note() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into journal.event (kind, key, content) values (tg_argv[0], to_jsonb(new) ->> tg_argv[1], to_jsonb(new));
    return null;
end
$$;
create trigger journal_sent after update on issuance.request for each row
    when (new.state = 'sent' and new.sent_at is distinct from old.sent_at)
    execute function journal.note('sent', 'request_id');
create trigger journal_hold after insert or update on staff.issuance_hold for each row
    execute function journal.note('hold', 'id');
create trigger journal_card after insert or update on staff.card for each row
    execute function journal.note('card', 'serial');
create trigger journal_load_first after insert on replica.feed_state for each row
    execute function journal.note('load', 'feed');
create trigger journal_load after update on replica.feed_state for each row
    when (new.last_applied is distinct from old.last_applied) execute function journal.note('load', 'feed');
"""


@dataclass(slots=True)
class Down:
    """A node was away: killed at ``since``, ready again at ``until``."""

    node: int
    since: float
    until: float = float("inf")


@dataclass
class Nodes:
    """The two node processes. Started from one thread only: a process ends with the thread that started it."""

    services: list[catalogue.Service]
    own: tuple[int, ...]
    folder: Path
    downs: list[Down] = field(default_factory=list)
    renderer_kills: list[float] = field(default_factory=list)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start all; ``wait_for_all`` waits until they are ready."""
        self._processes = [self._started(one) for one in self.services]

    def wait_for_all(self) -> None:
        """Until all are ready."""
        for node in range(len(self.services)):
            self.wait(node)

    def kill(self, node: int) -> None:
        """kill -9, then start it again; ``wait`` for it."""
        self.downs.append(Down(node, time.time()))
        self._processes[node].kill()
        self._processes[node].wait()
        self._processes[node] = self._started(self.services[node])

    def wait(self, node: int) -> None:
        """Until a node is ready."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._ready(node):
            if time.monotonic() > deadline or self._processes[node].poll() is not None:
                raise AssertionError(f"{self.services[node].name} did not become ready")
            time.sleep(0.1)
        for one in self.downs:
            if one.node == node:
                one.until = min(one.until, time.time())

    def kill_renderer(self, node: int) -> bool:
        """kill -9 of a renderer of a node; ``False`` where there is none."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self._processes[node].pid).children(recursive=True):
                if RENDERER in " ".join(child.cmdline()):
                    child.kill()
                    self.renderer_kills.append(time.time())
                    return True
        return False

    def stop(self) -> list[int]:
        """End all politely: what was accepted is finished. Their exit codes."""
        for one in self._processes:
            one.send_signal(signal.SIGTERM)
        return [one.wait(DRAIN_SECONDS) for one in self._processes]

    def kill_all(self) -> None:
        """Whatever still runs."""
        for one in self._processes:
            if one.poll() is None:
                one.kill()
                one.wait()

    def logs(self) -> list[str]:
        """Every line that the nodes wrote."""
        return [
            line for path in sorted(self.folder.glob("issuance-*.log")) for line in path.read_text("utf-8").splitlines()
        ]

    def _started(self, service: catalogue.Service) -> subprocess.Popen[bytes]:
        command = (*service.command, "--municipalities", CODE)
        return processes.start(service.name, command, service.environment, self.folder / f"{service.name}.log")

    def _ready(self, node: int) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://{HOST}:{self.own[node]}/readyz", timeout=5, trust_env=False).status_code == 200
        return False


@dataclass
class SoakSite:
    """Everything that runs; ``town`` is as it was first loaded."""

    town: SoakTown
    nodes: Nodes
    loader: Loader
    asker: CentreAsker


@contextmanager
def soak_site(folder: Path, residents: int, *, durable: bool) -> Iterator[SoakSite]:
    """The installation, which ends with the block."""
    with ExitStack() as stack:
        stack.enter_context(_environment(folder / "home"))
        server = PostgresServer(
            folder / "postgres",
            folder / "postgres.log",
            "soak-superuser",
            SETTINGS if durable else {**TEMPORARY, **SETTINGS},
            dies_with_us=True,
        )
        server.start()
        stack.callback(server.stop)
        write_site(Site(PostgresAddress(server.host, server.port)))
        create_database(server.superuser_dsn, CODE)
        with connect(CODE, "owner") as connection:
            connection.execute(JOURNAL.encode())
        loader = stack.enter_context(Loader(folder / "vendor", residents))
        token = ensure_secret(TOKEN)
        ensure_secret(issue_record.KEY)
        release.publish(CODE)
        certificates.prepare([CODE])
        claimed = {name: ports.claim(name) for name in ALL_PORTS}
        own = tuple(claimed[name] for name in OWN_PORTS)
        nodes = Nodes(catalogue.issuance_nodes(claimed, always_open=True, centre=True), own, folder / "logs")
        stack.callback(nodes.kill_all)
        nodes.start()
        town = SoakTown(folder / "shadow", residents)
        _koseki(stack, town)
        _cards(town)
        loader.wait()
        nodes.wait_for_all()
        json_asker = JsonAsker(token, claimed["issuance_api"], own)
        yield SoakSite(town, nodes, loader, CentreAsker(claimed[catalogue.CENTRE], certificates.identity(), json_asker))


@contextmanager
def _environment(state: Path) -> Iterator[None]:
    before = os.environ.get("UTSUSHI_HOME")
    os.environ["UTSUSHI_HOME"] = str(state)
    try:
        yield
    finally:
        os.environ.pop("UTSUSHI_HOME")
        if before is not None:
            os.environ["UTSUSHI_HOME"] = before


def _koseki(stack: ExitStack, town: SoakTown) -> None:
    """The 戸籍 system of the town as it was at first, in a process of its own."""
    settings.folder().mkdir(parents=True, exist_ok=True)
    store.save(CODE, town.vendor)
    command = (sys.executable, "-m", "simulators.koseki")
    process = processes.start(catalogue.KOSEKI, command, catalogue.plain_environment(), home() / "koseki.log")
    stack.callback(_end, process)
    deadline = time.monotonic() + READY_SECONDS
    while not (settings.folder() / NON_RESIDENTS).exists():
        if time.monotonic() > deadline or process.poll() is not None:
            raise AssertionError("the 戸籍 system did not start")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _cards(town: SoakTown) -> None:
    rows = [(one.card, one.addressee_number, datetime(2020, 1, 1, tzinfo=UTC)) for one in town.people if one.card]
    with connect(CODE, "owner") as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into staff.card (serial, addressee_number, status, valid_from) values (%s, %s, 'active', %s)", rows
        )
