"""The real services: PostgreSQL and Airflow's four processes are started, hurt, healed, and leave nothing running."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from records.errors import UtsushiError
from services import processes, supervisor
from services.airflow_client import AirflowClient, connect
from services.processes import Record

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 20
PROCESSES = ("airflow-api-server", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("utsushi") / "home"
    before = os.environ.get("UTSUSHI_HOME")
    os.environ["UTSUSHI_HOME"] = str(folder)
    yield folder
    os.environ.pop("UTSUSHI_HOME")
    if before is not None:
        os.environ["UTSUSHI_HOME"] = before


@pytest.fixture(scope="module")
def events(home: Path) -> Iterator[list[str]]:
    """The services, running; what the supervisor says."""
    said: list[str] = []
    options = ("--without-issuance", "--limit", str(LIMIT_SECONDS))
    supervisor.start(said.append, options=options)
    yield said
    supervisor.down(said.append)


@pytest.fixture
def airflow(events: list[str]) -> Iterator[AirflowClient]:
    with connect() as client:
        yield client


def record(name: str) -> Record:
    found = processes.read(name)
    assert found is not None
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def well(name: str) -> bool:
    return any(one.name == name and one.well for one in supervisor.service_states())


def family() -> list[psutil.Process]:
    """Every process of this installation: what was recorded, and PostgreSQL."""
    found = [one for known in processes.records() for one in processes.members(known.pid, known.started)]
    return [*found, *(one for one in psutil.process_iter() if os.environ["UTSUSHI_HOME"] in " ".join(_command(one)))]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_all_services_come_up(events: list[str]) -> None:
    assert events[-1].endswith("ready")
    states = {one.name: one for one in supervisor.service_states() if not one.name.startswith("issuance-")}
    assert {"supervisor", "postgresql", *PROCESSES} <= set(states)
    assert all(one.well for one in states.values()), states


def test_a_second_start_is_refused(events: list[str]) -> None:
    with pytest.raises(UtsushiError, match="running already"):
        supervisor.start(events.append)


def test_nothing_listens_outside_the_loopback_address(events: list[str]) -> None:
    pids = {process.pid for process in family()}
    listening = [one for one in psutil.net_connections("inet") if one.status == "LISTEN" and one.pid in pids]
    assert len(listening) >= 2
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


def test_every_dag_is_there_and_feeds_wait_for_their_full_set(airflow: AirflowClient) -> None:
    from municipalities.registry import all_codes, get

    synced = {f"sync_{code}_{feed}" for code in all_codes() for feed in get(code).feeds}
    airflow.wait_for_dags(synced | {"load_full", "resend"})
    assert airflow.import_errors() == []


def test_no_password_is_in_an_environment_or_a_command_line(events: list[str], home: Path) -> None:
    secrets = [path.read_text().strip() for path in (home / "secrets").iterdir() if not path.name.endswith(".json")]
    assert len(secrets) >= 8
    for name in PROCESSES:
        process = record(name).process()
        assert process is not None
        shown = " ".join([*process.cmdline(), *process.environ().values()])
        assert not any(secret in shown for secret in secrets), name


def test_no_password_is_in_a_log(events: list[str], home: Path) -> None:
    secrets = [path.read_text().strip() for path in (home / "secrets").iterdir() if not path.name.endswith(".json")]
    for log in (home / "logs").rglob("*.log"):
        text = log.read_text("utf-8", "replace")
        assert not any(secret in text for secret in secrets), log.name


def test_a_killed_process_is_started_again(events: list[str]) -> None:
    before = record("airflow-dag-processor")
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: record("airflow-dag-processor").pid != before.pid, 15)
    wait_until(lambda: well("airflow-dag-processor"), 40)
    assert not processes.members(before.pid, before.started)


@pytest.mark.fault(46)
def test_a_hung_scheduler_is_killed_and_started_again(events: list[str], airflow: AirflowClient) -> None:
    before = record("airflow-scheduler")
    for process in processes.members(before.pid, before.started):
        process.suspend()
    wait_until(lambda: record("airflow-scheduler").pid != before.pid, LIMIT_SECONDS + 20)
    wait_until(lambda: well("airflow-scheduler"), 40)
    assert not processes.members(before.pid, before.started)


@pytest.mark.fault(37)
def test_postgresql_killed_is_started_again_and_everything_recovers(events: list[str]) -> None:
    from services.postgres import site_server

    site_server().kill()
    wait_until(lambda: site_server().running(), 30)
    wait_until(lambda: all(well(name) for name in PROCESSES), 90)


def test_down_leaves_nothing_running_and_says_so(events: list[str]) -> None:
    running = family()
    assert len(running) > 6
    assert supervisor.down(events.append) is True
    assert _left(running) == []
    assert supervisor.down(events.append) is False
    assert not any(one.well for one in supervisor.service_states())


def test_a_killed_supervisor_takes_everything_with_it(events: list[str]) -> None:
    """The second start also shows that state of the first does no harm."""
    supervisor.start(events.append, options=("--without-issuance",))
    running = family()
    os.kill(record(supervisor.SUPERVISOR).pid, signal.SIGKILL)
    wait_until(lambda: not _left(running), 40)
    assert not any(one.well for one in supervisor.service_states())


def _left(running: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in running if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
