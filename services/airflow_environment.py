"""Every setting of Airflow, as environment variables, in one place.

The embedded installation (``./utsushi up``) and the containers (``docker-compose.yml``) get the same settings; what a
host decides (folders, addresses, who logs in) is a ``Host``. Secrets are never in the environment: Airflow reads them
from their files by the ``_CMD`` form of the key. Starting processes is not done here.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from municipalities.site import CHECKOUT, ensure_secret, home
from services import ports

SIMPLE_AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
FAB_AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
USERS = {"admin": "admin", "monitor": "viewer"}
PASSWORDS_FILE = "airflow.users.json"
DATABASE = "airflow"
FULL_LOAD_POOL = "full_load"
FULL_LOAD_SLOTS = 2

# What is a secret, and the file below secrets/ that holds it.
SECRET_FILES = {
    "AIRFLOW__CORE__FERNET_KEY": "airflow.fernet_key",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "airflow.database_url",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "airflow.database_url",
    "AIRFLOW__API__SECRET_KEY": "airflow.api_secret_key",
    "AIRFLOW__API_AUTH__JWT_SECRET": "airflow.jwt_secret",
}

# The same on every host. Reasons: shared/airflow.md, "measured, what to do, what bites".
COMMON = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__MP_START_METHOD": "fork",  # the preload needs it
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "1",
    "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Tokyo",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH": "0",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "240",
    "AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT": "False",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "20",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "12",
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "10",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "15",
    "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING paramiko=WARNING http.access=WARNING",
    "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
    "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
}


@dataclass(frozen=True, slots=True)
class Host:
    """What differs between hosts: where things lie, who listens where, and how people log in."""

    checkout: str
    airflow_home: str
    logs: str
    secrets: str
    listen: str
    port: int
    api_url: str
    auth_manager: str


def embedded(port: int | None = None) -> Host:
    """This machine under ``home()``; the API server on its recorded port unless ``port`` is given."""
    port = port if port is not None else ports.recorded("airflow_api")
    base = home()
    return Host(
        checkout=str(CHECKOUT),
        airflow_home=str(base / "airflow"),
        logs=str(base / "logs" / "airflow"),
        secrets=str(base / "secrets"),
        listen="127.0.0.1",
        port=port,
        api_url=f"http://127.0.0.1:{port}",
        auth_manager=SIMPLE_AUTH_MANAGER,
    )


def container() -> Host:
    """A container of ``docker-compose.yml``: fixed places, other hosts by name, accounts in Airflow's database."""
    return Host(
        checkout="/opt/utsushi",
        airflow_home="/var/lib/utsushi/airflow",
        logs="/var/lib/utsushi/logs/airflow",
        secrets="/run/secrets",
        listen="0.0.0.0",  # noqa: S104 - the networks of the compose file decide who reaches it
        port=8080,
        api_url="http://airflow-api-server:8080",
        auth_manager=FAB_AUTH_MANAGER,
    )


def settings(host: Host) -> dict[str, str]:
    """All of Airflow's environment variables for ``host``."""
    values = {
        **COMMON,
        "AIRFLOW_HOME": host.airflow_home,
        "AIRFLOW__CORE__DAGS_FOLDER": f"{host.checkout}/dags",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{host.api_url}/execution/",
        "AIRFLOW__CORE__AUTH_MANAGER": host.auth_manager,
        "AIRFLOW__API__HOST": host.listen,
        "AIRFLOW__API__PORT": str(host.port),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": host.logs,
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": f"{host.logs}/dag_processor",
    }
    for key, file in SECRET_FILES.items():
        values[f"{key}_CMD"] = f"cat {shlex.quote(f'{host.secrets}/{file}')}"
    if host.auth_manager == SIMPLE_AUTH_MANAGER:
        values["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = ",".join(f"{name}:{role}" for name, role in USERS.items())
        values["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] = f"{host.secrets}/{PASSWORDS_FILE}"
    return values


def process_environment(host: Host, outer: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of an Airflow process here: ``outer`` (default: ours) without its Airflow keys, then ours."""
    outer = os.environ if outer is None else outer
    kept = {key: value for key, value in outer.items() if not key.startswith(("AIRFLOW_", "PYTHONDONTWRITE"))}
    return {**kept, **settings(host), "PYTHONPATH": host.checkout, "UTSUSHI_HOME": str(home())}


def scheduler_path(host: Host) -> str:
    """``PYTHONPATH`` of the scheduler: with the folder whose ``airflow_local_settings`` imports before the fork."""
    return f"{host.checkout}{os.pathsep}{host.checkout}/services/preload"


def command(*arguments: str, python: str = sys.executable) -> list[str]:
    """An ``airflow`` command; run as a module, so that nothing depends on PATH."""
    return [python, "-m", "airflow", *arguments]


PROCESSES: dict[str, tuple[str, ...]] = {
    "airflow-api-server": ("api-server",),
    "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer", "--skip-serve-logs"),
}


def write_secrets(postgres_host: str, postgres_port: int) -> None:
    """Make what Airflow's keys point to: keys, the database address with its password, the users' passwords."""
    for name in ("airflow.api_secret_key", "airflow.jwt_secret"):
        ensure_secret(name)
    ensure_secret("airflow.fernet_key", _fernet_key())
    password = ensure_secret(f"{DATABASE}.password")
    url = f"postgresql+psycopg://{DATABASE}:{quote(password)}@{postgres_host}:{postgres_port}/{DATABASE}"
    _replace(home() / "secrets" / SECRET_FILES["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], url)
    users = {name: ensure_secret(f"airflow.user.{name}.password") for name in USERS}
    _replace(home() / "secrets" / PASSWORDS_FILE, json.dumps(users))


def _fernet_key() -> str:
    """A key as Fernet wants it: 32 bytes in URL-safe base64 with its padding."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode("ascii")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(part, path)
