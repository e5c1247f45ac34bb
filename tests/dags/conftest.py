"""Airflow for the DAG tests: its environment is set before anything imports it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any

import pytest

from municipalities.site import CHECKOUT

AIRFLOW_HOME = tempfile.mkdtemp(prefix="utsushi-airflow-")
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
os.environ.update(
    {
        "AIRFLOW_HOME": AIRFLOW_HOME,
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Tokyo",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(CHECKOUT),
    }
)


def parse() -> Any:
    """The DAG files as Airflow's DAG processor sees them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(CHECKOUT / "dags"), safe_mode=True)


@pytest.fixture(scope="session")
def dagbag() -> Any:
    return parse()


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's metadata database for runs inside this process."""
    from airflow.cli import cli_parser

    from services.airflow_environment import FULL_LOAD_POOL

    parser = cli_parser.get_parser()
    for arguments in (["db", "migrate"], ["pools", "set", FULL_LOAD_POOL, "1", "tests"]):
        options = parser.parse_args(arguments)
        options.func(options)
