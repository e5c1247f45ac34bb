"""Runs of the DAGs in this process, with steps whose outcome the test decides: what turns green, red or is skipped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from records.errors import NotInitialised, TransferError, UnreadableKey

pytestmark = pytest.mark.usefixtures("airflow_database")

FEED = "sync_364894_resident"
BATCHES = ["/batches/364894/resident/00000002-aaaaaaaaaaaa", "/batches/364894/resident/00000003-bbbbbbbbbbbb"]
NAMES = ("pull", "decode", "map_", "validate", "load", "verify")
LATER = ["decode", "map", "validate", "load", "verify"]


class Steps(ModuleType):
    """Stands for ``sync.steps``: notes its calls; a step does what the test says, else hands its paths on."""

    def __init__(self) -> None:
        super().__init__("sync.steps")
        self.calls: list[tuple[Any, ...]] = []
        self.does: dict[str, Callable[..., Any]] = {"verify": lambda paths: {"batches": len(paths)}}
        for name in NAMES:
            setattr(self, name, self._step(name))

    def _step(self, name: str) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, *args, *kwargs.values()))
            return self.does.get(name, lambda paths: paths)(*args, **kwargs)

        return step


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    import sync

    fake = Steps()
    monkeypatch.setitem(sys.modules, "sync.steps", fake)
    monkeypatch.setattr(sync, "steps", fake, raising=False)
    return fake


def run(dagbag: Any, dag_id: str, **form: Any) -> tuple[str, dict[str, str], Any]:
    """State of the run, of its tasks, and the run."""
    done = dagbag.dags[dag_id].test(run_conf=form)
    return str(done.state), {one.task_id: str(one.state) for one in done.get_task_instances()}, done


def test_nothing_new_is_a_green_run_of_one_task(dagbag: Any, steps: Steps) -> None:
    steps.does["pull"] = lambda code, feed, full: []
    state, tasks, _ = run(dagbag, FEED)
    assert state == "success"
    assert tasks == {"pull": "success", **dict.fromkeys(LATER, "skipped")}
    assert steps.calls == [("pull", "364894", "resident", False)]


def test_new_files_go_through_all_steps_as_paths(dagbag: Any, steps: Steps) -> None:
    steps.does["pull"] = lambda code, feed, full: BATCHES
    state, tasks, done = run(dagbag, FEED)
    assert state == "success"
    assert set(tasks.values()) == {"success"}
    assert [call[0] for call in steps.calls] == list(NAMES)
    assert all(call[1] == BATCHES for call in steps.calls[1:])
    assert xcoms(done) == {"pull": BATCHES, **dict.fromkeys(LATER[:-1], BATCHES), "verify": {"batches": 2}}


def xcoms(done: Any) -> dict[str, Any]:
    """Everything that the tasks of a run left for one another."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(XComModel).where(XComModel.dag_id == done.dag_id, XComModel.run_id == done.run_id)
        found = session.scalars(query).all()
        return {one.task_id: XComModel.deserialize_value(one) for one in found if one.key == "return_value"}


def test_a_feed_without_a_full_set_is_red(dagbag: Any, steps: Steps) -> None:
    def pull(code: str, feed: str, full: bool) -> list[str]:
        raise NotInitialised("no full set has been loaded")

    steps.does["pull"] = pull
    state, tasks, _ = run(dagbag, FEED)
    assert state == "failed"
    assert tasks == {"pull": "failed", **dict.fromkeys(LATER, "upstream_failed")}
    assert len(steps.calls) == 1  # it cannot pass by itself, so it was not tried again


def test_a_rejected_file_stops_at_its_step(dagbag: Any, steps: Steps) -> None:
    def decode(paths: list[str]) -> list[str]:
        raise UnreadableKey("a key cannot be read")

    steps.does.update({"pull": lambda code, feed, full: BATCHES, "decode": decode})
    state, tasks, _ = run(dagbag, FEED)
    assert state == "failed"
    assert (tasks["pull"], tasks["decode"]) == ("success", "failed")
    assert [call[0] for call in steps.calls] == ["pull", "decode"]


def test_what_can_pass_by_itself_waits_for_its_next_try(dagbag: Any, steps: Steps) -> None:
    outcomes: list[Any] = [TransferError("the connection was closed"), BATCHES]

    def pull(code: str, feed: str, full: bool) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    steps.does["pull"] = pull
    state, tasks, done = run(dagbag, FEED)
    assert state == "success"
    assert set(tasks.values()) == {"success"}
    assert {one.task_id: one.try_number for one in done.get_task_instances()}["pull"] == 2


def test_load_full_takes_its_feed_from_the_form(dagbag: Any, steps: Steps) -> None:
    steps.does["pull"] = lambda code, feed, full: BATCHES[:1]
    state, _, _ = run(dagbag, "load_full", municipality="362999", feed="tax")
    assert state == "success"
    assert steps.calls[0] == ("pull", "362999", "tax", True)


def test_resend_asks_waits_and_applies(dagbag: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    import sync

    answers = [False, True]
    fake = ModuleType("sync.resend")
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(fake, "ask", lambda *form: asked.append(form) or "request", raising=False)
    monkeypatch.setattr(fake, "arrived", lambda *form: answers.pop(0), raising=False)
    monkeypatch.setitem(sys.modules, "sync.resend", fake)
    monkeypatch.setattr(sync, "resend", fake, raising=False)
    steps.does["pull"] = lambda code, feed, full: BATCHES
    state, tasks, _ = run(dagbag, "resend", **{"municipality": "364894", "feed": "seal", "from": 5, "to": 9})
    assert state == "success"
    assert set(tasks.values()) == {"success"}
    assert asked == [("364894", "seal", 5, 9)]
    assert answers == []
    assert steps.calls[0] == ("pull", "364894", "seal", False)
    assert steps.calls[-1][0] == "verify"
