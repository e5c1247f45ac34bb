"""The embedded server on real processes: made, restarted, killed, confused by a stale pid file, silent about values."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from records.errors import ConfigurationError
from services import postgres as module
from services.postgres import BINARIES, PostgresServer, temporary_postgres
from services.postgres_user import Launcher, launcher


@pytest.fixture
def own(tmp_path: Path):
    """A server that a test may kill."""
    with temporary_postgres(tmp_path) as server:
        yield server


def _value(server: PostgresServer, query: str) -> object:
    with psycopg.connect(server.superuser_dsn) as connection:
        return connection.execute(query).fetchone()[0]


def test_it_listens_on_the_loopback_address_only_and_asks_for_a_password(own: PostgresServer) -> None:
    assert _value(own, "show listen_addresses") == "127.0.0.1"
    assert _value(own, "show unix_socket_directories") == ""
    assert _value(own, "show data_checksums") == "on"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own.dsn("postgres", password="wrong"))


def test_data_outlives_a_stop_and_a_kill(own: PostgresServer) -> None:
    with psycopg.connect(own.superuser_dsn) as connection:
        connection.execute("create table kept (number int)")
        connection.execute("insert into kept values (7)")
    port = own.port
    assert own.stop()
    assert not own.running()
    assert not own.stop()
    own.start()
    own.kill()
    assert not own.running()
    own.start()
    assert _value(own, "select number from kept") == 7
    assert own.port == port


def test_a_pid_file_whose_number_belongs_to_another_program_does_not_stop_a_start(own: PostgresServer) -> None:
    own.stop()
    lines = [str(os.getpid()), str(own.data), "1", str(own.port), "", "127.0.0.1", "0 0", "ready"]
    (own.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    assert not own.running()
    own.start()
    assert _value(own, "select 1") == 1


def test_a_second_start_finds_the_running_server(own: PostgresServer) -> None:
    twin = PostgresServer(own.folder, own.log, own.password)
    before = _value(own, "select pg_postmaster_start_time()")
    twin.start()
    assert _value(own, "select pg_postmaster_start_time()") == before


def test_a_taken_port_is_replaced(own: PostgresServer, tmp_path: Path) -> None:
    other = PostgresServer(tmp_path / "other", tmp_path / "other.log", "other", module.TEMPORARY, dies_with_us=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "port").write_text(str(own.port))
    other.start()
    try:
        assert other.port != own.port
    finally:
        other.stop()


@pytest.mark.fault(101)
def test_the_log_never_quotes_a_value(own: PostgresServer) -> None:
    """Fault 101: a cast, a constraint, a syntax error and a raised message, each with a marked person."""
    marked = "目印太郎"
    with psycopg.connect(own.superuser_dsn, autocommit=True) as connection:
        connection.execute("create table t (name text primary key, day date)")
        connection.execute("insert into t values (%s)", [marked])
        for query in (
            f"insert into t values ('{marked}')",
            f"select '{marked}'::date",
            f"selct '{marked}'",
            f"do $$ begin raise exception '{marked}'; end $$",
            f"do $$ begin raise warning '{marked}'; end $$",
        ):
            try:
                connection.execute(query)
            except psycopg.Error:
                continue
    assert marked not in own.log.read_text("utf-8")


def test_programs_that_are_not_there_are_told_by_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(BINARIES, str(tmp_path))
    with pytest.raises(ConfigurationError, match=BINARIES):
        module.binaries()


def test_an_ordinary_user_starts_it_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert launcher([]) == Launcher()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to look for another user")
def test_root_without_any_way_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ConfigurationError, match="ordinary user"):
        launcher([tmp_path / "data"])
