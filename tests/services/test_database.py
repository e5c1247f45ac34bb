"""The server of an installation as commands share it: started when needed, stopped by the last, never under another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from municipalities.site import CHECKOUT, PostgresAddress, Site, site, write_site
from replica.connections import connect
from services.database import Database, database_ready
from services.postgres import SETTINGS, site_server

CODE, OTHER = "364894", "362999"
# A command that uses its town's database all the time, until its standard input ends.
COMMAND = """
import sys, threading
from replica.connections import connect
from services.database import database_ready
code = sys.argv[1]
ended = threading.Event()
with database_ready(code):
    print("in", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.05):
        with connect(code, "loader") as connection:
            connection.execute("select 1")
"""


@pytest.fixture
def own_site(utsushi_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation of its own, small; nothing of it is left running."""
    monkeypatch.setattr("services.postgres.SETTINGS", {**SETTINGS, "shared_buffers": "32MB"})
    yield utsushi_home
    site_server().stop()


def _command(code: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", COMMAND, code], env=environment, text=True, **pipes)


def _is_in(command: subprocess.Popen[str]) -> bool:
    assert command.stdout is not None
    return command.stdout.readline() == "in\n"


def _finish(command: subprocess.Popen[str]) -> int:
    command.communicate()  # closes its standard input
    return command.returncode


def test_a_command_starts_the_server_makes_its_database_and_stops_it_again(own_site: Path) -> None:
    for _ in range(2):
        with database_ready(CODE):
            assert site().postgres.port == site_server().port
            with connect(CODE, "issuer") as connection:
                assert connection.execute("select count(*) from replica.resident").fetchone() == (0,)
        assert not site_server().running()


def test_the_server_stops_when_a_command_fails(own_site: Path) -> None:
    with pytest.raises(KeyError), database_ready(CODE):
        raise KeyError
    assert not site_server().running()


def test_commands_at_once_share_the_server_and_the_last_stops_it(own_site: Path) -> None:
    """Same town and others, all from nothing; the one that started the server ends while others still work."""
    commands = [_command(code) for code in (CODE, CODE, OTHER, CODE)]
    assert all([_is_in(command) for command in commands])
    assert _finish(commands[0]) == 0
    time.sleep(0.3)
    assert site_server().running()
    assert [_finish(command) for command in commands[1:]] == [0, 0, 0]
    assert not site_server().running()


def test_a_killed_command_leaves_the_server_to_the_others_and_the_next_one_stops_it(own_site: Path) -> None:
    killed, other = _command(CODE), _command(OTHER)
    assert _is_in(killed)
    assert _is_in(other)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert _finish(other) == 0
    assert not site_server().running()


def test_a_server_that_was_there_before_stays(own_site: Path) -> None:
    server = site_server()
    server.start()
    with database_ready(CODE):
        assert site().postgres.port == server.port
    assert server.running()


def test_the_supervisor_takes_over_a_server_of_commands(own_site: Path) -> None:
    with database_ready(CODE):
        supervisors = Database()
        supervisors.start()
    assert supervisors.server.running()


def test_a_server_on_another_host_is_taken_as_it_is(utsushi_home: Path) -> None:
    """A site in containers: nothing is started here, and its address stays."""
    elsewhere = Site(PostgresAddress("postgres", 5432))
    write_site(elsewhere)
    with database_ready(CODE):
        assert site() == elsewhere
    assert not (utsushi_home / "postgres").exists()
