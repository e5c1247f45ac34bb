"""The whole way on the real parts: fictional vendors' SFTP, Airflow, the steps, PostgreSQL; green, red with its reason,
a resend, and nobody's name in any log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import supervisor
from services.airflow_client import AirflowClient, Run, connect, initialise_feeds, sync_dag_id

pytestmark = pytest.mark.slow

SIZES = {"364894": 120, "362999": 60, "364991": 60}
FEEDS = [(code, "resident") for code in SIZES]
STEPS = ("pull", "decode", "map", "validate", "load", "verify")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("utsushi") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UTSUSHI_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def airflow(home: Path) -> Iterator[AirflowClient]:
    from simulators import settings

    settings.write(settings.WorldSettings(sizes=SIZES, tick_seconds=0.0))
    said: list[str] = []
    with supervisor.services(said.append, world=True, options=("--without-issuance",)), connect() as client:
        yield client


def tick(code: str = "364894") -> int:
    """One difference of every feed; the number of the newest."""
    from simulators import commands

    return int(commands.give({"municipality": code, "do": "tick", "events": 8})["resident"])


def break_next(how: str) -> None:
    from simulators import commands

    commands.give({"municipality": "364894", "do": "break", "feed": "resident", "how": how})


def sync(airflow: AirflowClient, code: str = "364894") -> tuple[str, dict[str, str | None], Run]:
    run = airflow.wait(airflow.trigger(sync_dag_id(code, "resident")), 120)
    return run.state, airflow.task_states(run), run


def errors(home: Path, run: Run, task: str) -> list[str]:
    """The ERROR lines of a task's log, first to last, over its tries."""
    folder = home / "logs" / "airflow" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}" / f"task_id={task}"
    lines = [json.loads(line) for log in sorted(folder.glob("*.log")) for line in log.read_text("utf-8").splitlines()]
    return [line["event"] for line in lines if line["level"] == "error"]


def test_a_feed_without_a_full_set_is_red_and_says_so(airflow: AirflowClient, home: Path) -> None:
    airflow.wait_for_dags([sync_dag_id("364894", "resident")])
    airflow.set_paused(sync_dag_id("364894", "resident"), paused=False)
    state, tasks, run = sync(airflow)
    airflow.set_paused(sync_dag_id("364894", "resident"), paused=True)
    assert state == "failed"
    assert tasks["pull"] == "failed"
    assert errors(home, run, "pull")[0].startswith("not_initialised: ")


@pytest.mark.clause("3(1)①")
def test_full_sets_of_three_vendors_are_loaded(airflow: AirflowClient) -> None:
    runs = initialise_feeds(airflow, FEEDS, seconds=240)
    assert [run.state for run in runs] == ["success"] * len(FEEDS)
    assert set(airflow.task_states(runs[0]).values()) == {"success"}


@pytest.mark.clause("3(1)②④⑥")
@pytest.mark.parametrize("code", SIZES)
def test_a_difference_goes_through_all_steps(airflow: AirflowClient, code: str) -> None:
    from loaders.ledger import last_applied

    number = tick(code)
    state, tasks, _ = sync(airflow, code)
    assert state == "success"
    assert tasks == dict.fromkeys(STEPS, "success")
    assert last_applied(code, "resident") == number


@pytest.mark.clause("3(1)⑧")
def test_nothing_new_is_green_in_one_task(airflow: AirflowClient) -> None:
    state, tasks, _ = sync(airflow)
    assert state == "success"
    assert tasks == {"pull": "success", **dict.fromkeys(STEPS[1:], "skipped")}


@pytest.mark.clause("7(1)③ resend")
def test_a_gap_turns_red_with_its_reason_and_a_resend_heals_it(airflow: AirflowClient, home: Path) -> None:
    from loaders.ledger import last_applied

    break_next("lost")
    lost = tick()
    newest = tick()
    assert newest == lost + 1
    state, _, run = sync(airflow)
    assert state == "failed"
    assert errors(home, run, "pull")[0].startswith("sequence_gap: ")
    airflow.set_paused("resend", paused=False)
    form = {"municipality": "364894", "feed": "resident", "from": lost, "to": lost}
    asked = airflow.wait(airflow.trigger("resend", form), 180)
    assert asked.state == "success"
    assert set(airflow.task_states(asked).values()) == {"success"}
    assert last_applied("364894", "resident") == newest
    state, tasks, _ = sync(airflow)
    assert (state, tasks["decode"]) == ("success", "skipped")


@pytest.mark.fault(113)
def test_no_person_is_named_in_any_log_or_between_tasks(airflow: AirflowClient, home: Path) -> None:
    from simulators import store

    marked: set[str] = set()
    for code in SIZES:
        for row in store.load(code).town.records["resident"].values():
            marked |= {str(row[item]) for item in ("name", "name_kana", "resident_record_code") if row.get(item)}
    assert len(marked) > 400
    logs = [path for path in (home / "logs").rglob("*") if path.is_file()]
    texts = {path.name: path.read_text("utf-8", "replace") for path in logs}
    texts["xcom"] = _xcoms(airflow)
    texts["supervisor.json"] = (home / "supervisor.json").read_text("utf-8")
    assert "/batches/364894/resident/" in texts["xcom"]
    for name, text in texts.items():
        assert not any(one in text for one in marked), name


def _xcoms(airflow: AirflowClient) -> str:
    """Everything that tasks left for one another, as stored in Airflow's database."""
    import psycopg

    from municipalities.site import secret, site

    address = site().postgres
    dsn = f"host={address.host} port={address.port} dbname=airflow user=airflow password={secret('airflow.password')}"
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT value::text FROM xcom").fetchall()
    assert len(rows) > 20
    return "\n".join(str(value) for (value,) in rows)
