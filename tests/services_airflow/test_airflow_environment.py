"""Airflow's settings: complete, the same on every host, silent towards the outside, and without a secret in them."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from services import airflow_environment as environment

HOSTS = {"embedded": lambda: environment.embedded(8123), "container": environment.container}


@pytest.mark.parametrize("host", HOSTS)
def test_what_was_measured_to_be_needed_is_set(host: str, utsushi_home: Path) -> None:
    values = environment.settings(HOSTS[host]())
    needed = {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Tokyo",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "240",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "20",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "12",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "10",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "15",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
    }
    assert needed.items() <= values.items()


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_is_told_to_anyone_outside(host: str, utsushi_home: Path) -> None:
    values = environment.settings(HOSTS[host]())
    assert values["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"
    assert values["SCARF_ANALYTICS"] == values["GX_ANALYTICS_ENABLED"] == "false"
    assert values["DO_NOT_TRACK"] == "1"


def test_embedded_listens_on_the_loopback_address_only(utsushi_home: Path) -> None:
    assert environment.settings(environment.embedded(8123))["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_no_secret_is_in_the_environment(utsushi_home: Path) -> None:
    environment.write_secrets("127.0.0.1", 5432)
    values = environment.process_environment(environment.embedded(8123), {"PATH": os.environ["PATH"]})
    files = [path for path in (utsushi_home / "secrets").iterdir() if path.name != environment.PASSWORDS_FILE]
    secrets = {path.read_text() for path in files}
    assert len(secrets) == 7  # four keys, the database's address and password, and the users'
    for value in values.values():
        assert not any(secret in value for secret in secrets)


def test_airflow_finds_every_secret_by_the_command(utsushi_home: Path) -> None:
    environment.write_secrets("127.0.0.1", 5432)
    values = environment.settings(environment.embedded(8123))
    for key in environment.SECRET_FILES:
        assert key not in values
        found = subprocess.run(shlex.split(values[f"{key}_CMD"]), capture_output=True, check=True).stdout
        assert len(found) > 20
    url = subprocess.run(
        shlex.split(values["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"]), capture_output=True, check=True, text=True
    ).stdout
    assert url.startswith("postgresql+psycopg://airflow:")
    assert url.endswith("@127.0.0.1:5432/airflow")


def test_secret_files_are_for_their_owner_alone(utsushi_home: Path) -> None:
    environment.write_secrets("127.0.0.1", 5432)
    for path in (utsushi_home / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_keys_and_passwords_survive_a_restart_while_the_address_follows_the_server(utsushi_home: Path) -> None:
    environment.write_secrets("127.0.0.1", 5432)
    folder = utsushi_home / "secrets"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    environment.write_secrets("127.0.0.1", 6543)
    after = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"airflow.database_url"}
    assert after["airflow.database_url"].endswith("@127.0.0.1:6543/airflow")
    assert set(json.loads(after[environment.PASSWORDS_FILE])) == set(environment.USERS)


def test_an_outer_airflow_cannot_reach_in(utsushi_home: Path) -> None:
    outer = {"AIRFLOW__CORE__EXECUTOR": "Other", "AIRFLOW__X__Y": "1", "PYTHONDONTWRITEBYTECODE": "1", "A": "b"}
    values = environment.process_environment(environment.embedded(8123), outer)
    assert values["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert values["A"] == "b"
    assert "AIRFLOW__X__Y" not in values
    assert "PYTHONDONTWRITEBYTECODE" not in values


def test_only_the_scheduler_preloads(utsushi_home: Path) -> None:
    from services import catalogue

    paths = {one.name: one.environment["PYTHONPATH"] for one in catalogue.airflow(environment.embedded(8123))}
    assert [name for name, path in paths.items() if "services/preload" in path] == ["airflow-scheduler"]
