"""The scheduler's preload really imports what tasks need: a linter that removes its imports once cost each task seconds."""

from __future__ import annotations

import subprocess
import sys

from services import airflow_environment, catalogue


def test_the_scheduler_has_the_heavy_libraries_before_it_forks(utsushi_home: object) -> None:
    services = {one.name: one for one in catalogue.airflow(airflow_environment.embedded(8123))}
    script = "import sys, airflow_local_settings as own; print(set(own.PRELOADED) <= set(sys.modules), *own.PRELOADED)"
    environment = services["airflow-scheduler"].environment
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    answer, *modules = done.stdout.split()
    assert answer == "True"
    assert {"great_expectations", "paramiko", "sync.steps", "expectations.validate"} <= set(modules)
