"""The DAG files as Airflow parses them: one DAG per municipality and feed, whatever one town's settings look like."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from municipalities.registry import all_codes, get, root
from municipalities.site import CHECKOUT

STEPS = ["pull", "decode", "map", "validate", "load", "verify"]


def test_all_files_are_parsed_without_errors(dagbag: Any) -> None:
    assert dagbag.import_errors == {}


@pytest.mark.clause("3(1)⑧")
@pytest.mark.parametrize("code", all_codes())
def test_each_municipality_is_checked_every_five_minutes(dagbag: Any, code: str) -> None:
    for feed in get(code).feeds:
        dag = dagbag.dags[f"sync_{code}_{feed}"]
        assert dag.timetable.expression == "*/5 * * * *"
        assert str(dag.timezone) == "Asia/Tokyo"
        assert dag.max_active_runs == 1
        assert dag.dagrun_timeout == timedelta(minutes=30)
        assert dag.catchup is False
        assert [task.task_id for task in dag.topological_sort()] == STEPS
        assert get(code).name in dag.dag_display_name
        assert get(code).name in dag.doc_md


def test_there_is_no_other_dag(dagbag: Any) -> None:
    synced = {f"sync_{code}_{feed}" for code in all_codes() for feed in get(code).feeds}
    assert set(dagbag.dags) == synced | {"load_full", "resend"}


def test_what_can_pass_by_itself_is_tried_again(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        for task in dag.tasks:
            assert task.retries >= 2, task.task_id
            assert task.retry_delay <= timedelta(seconds=60)


def test_forms_offer_every_municipality_and_feed(dagbag: Any) -> None:
    for dag_id in ("load_full", "resend"):
        params = dagbag.dags[dag_id].params
        assert params.get_param("municipality").schema["enum"] == list(all_codes())
        assert params.get_param("feed").schema["enum"] == ["resident", "seal", "tax"]
    assert set(dagbag.dags["resend"].params) == {"municipality", "feed", "from", "to"}


@pytest.mark.clause("7(1)③ resend")
def test_resend_asks_then_waits_then_applies(dagbag: Any) -> None:
    dag = dagbag.dags["resend"]
    assert [task.task_id for task in dag.topological_sort()] == ["ask", "arrived", *STEPS]


@pytest.mark.fault(112)
@pytest.mark.parametrize("damage", ["not toml at all [", "", 'name = 5\nfeeds = "resident"', "layout = []"])
def test_one_broken_town_stays_visible_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    towns = tmp_path / "municipalities"
    for code in all_codes():
        shutil.copytree(root() / code, towns / code)
    broken, *well = all_codes()
    (towns / broken / "settings.toml").write_text(damage, "utf-8")
    monkeypatch.setenv("UTSUSHI_MUNICIPALITIES", str(towns))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(CHECKOUT / "dags"), safe_mode=True)
    assert bag.import_errors == {}
    for code in well:
        assert get(code).name in bag.dags[f"sync_{code}_resident"].dag_display_name
    for feed in ("resident", "seal", "tax"):
        assert f"sync_{broken}_{feed}" in bag.dags


def test_parsed_for_one_task_only_its_own_dag_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    code = all_codes()[0]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", f"sync_{code}_seal")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_TASK_ID", "pull")
    from airflow.dag_processing.dagbag import DagBag

    assert set(DagBag(str(CHECKOUT / "dags" / "sync_feeds.py")).dags) == {f"sync_{code}_seal"}


def test_the_pool_of_full_loads_is_the_one_that_is_made() -> None:
    from dags.flow import FULL_LOAD_POOL
    from services import airflow_environment

    assert FULL_LOAD_POOL == airflow_environment.FULL_LOAD_POOL
