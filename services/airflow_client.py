"""Airflow's REST interface as the command line and the supervisor use it: health, log in, run a DAG, unpause it.

Only requests live here; Airflow itself is not imported. Every call has a timeout. Run states and reasons carry no
personal data, because the tasks never put any there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from municipalities.site import secret
from records.errors import ConfigurationError, UtsushiError
from services import ports

FINISHED = ("success", "failed")


class AirflowError(UtsushiError):
    """Airflow refused a request."""

    code = "airflow"


class AirflowUnreachable(AirflowError):
    """Airflow's API server gave no answer."""

    code = "airflow_unreachable"
    transient = True


@dataclass(frozen=True, slots=True)
class Run:
    """A DAG run. ``state`` is Airflow's: queued, running, success or failed."""

    dag_id: str
    run_id: str
    state: str


class AirflowClient:
    """A logged-in client; use it as a context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._user = user
        self._password = password
        self._http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def __enter__(self) -> AirflowClient:
        self.log_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def log_in(self) -> None:
        """Fetch a token; it is sent with every later request."""
        answer = self._request("POST", "/auth/token", json={"username": self._user, "password": self._password})
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None, run_id: str | None = None) -> Run:
        """Start a run; the same ``run_id`` twice is refused by Airflow."""
        body: dict[str, Any] = {"conf": dict(conf or {}), "logical_date": None}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return _run(self._request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body))

    def run(self, dag_id: str, run_id: str) -> Run:
        """The present state of a run."""
        return _run(self._request("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))

    def runs(self, dag_id: str, limit: int = 20) -> list[Run]:
        """The newest runs of a DAG, newest first."""
        query = {"order_by": "-run_after", "limit": limit}
        answer = self._request("GET", f"/api/v2/dags/{dag_id}/dagRuns", params=query)
        return [_run(one) for one in answer["dag_runs"]]

    def task_states(self, run: Run) -> dict[str, str | None]:
        """State of each task of a run."""
        answer = self._request("GET", f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances")
        return {one["task_id"]: one["state"] for one in answer["task_instances"]}

    def dag_ids(self) -> set[str]:
        """All DAGs that Airflow has parsed."""
        return {one["dag_id"] for one in self._pages("/api/v2/dags", "dags")}

    def import_errors(self) -> list[str]:
        """Files that could not be parsed."""
        return [one["filename"] for one in self._pages("/api/v2/importErrors", "import_errors")]

    def set_paused(self, dag_id: str, *, paused: bool) -> None:
        """Pause a DAG or let its schedule run."""
        self._request("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def wait(self, run: Run, seconds: float = 600.0) -> Run:
        """Wait for the end of a run; ``AirflowError`` when it takes longer than ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(AirflowUnreachable):  # the API server may be started again meanwhile; the run goes on
                now = self.run(run.dag_id, run.run_id)
                if now.state in FINISHED:
                    return now
            time.sleep(0.5)
        raise AirflowError(f"{run.dag_id} {run.run_id} has not finished after {seconds:.0f} s")

    def wait_for_dags(self, wanted: Iterable[str], seconds: float = 120.0) -> None:
        """Wait until the DAG processor has found all of ``wanted``."""
        missing = set(wanted)
        deadline = time.monotonic() + seconds
        while missing := missing - self.dag_ids():
            if time.monotonic() > deadline:
                raise AirflowError(f"not parsed after {seconds:.0f} s: {', '.join(sorted(missing))}")
            time.sleep(0.5)

    def _pages(self, path: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self._request("GET", path, params={"limit": 100, "offset": len(found)})
            found += answer[key]
            if len(found) >= answer["total_entries"] or not answer[key]:
                return found

    def _request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise AirflowUnreachable(f"{method} {path}: {type(error).__name__}") from None
        if answer.is_error:
            raise AirflowError(f"{method} {path}: HTTP {answer.status_code}")
        return dict(answer.json())


def connect() -> AirflowClient:
    """A client for this installation's Airflow as its administrator (a context manager)."""
    url = f"http://127.0.0.1:{ports.recorded('airflow_api')}"
    return AirflowClient(url, "admin", secret("airflow.user.admin.password"))


def initialise_feeds(client: AirflowClient, feeds: Iterable[tuple[str, str]], seconds: float = 1800.0) -> list[Run]:
    """Load the full set (全件) of each (municipality, feed), and let the schedules of those run that succeeded.

    Returns the finished runs in the order of ``feeds``; a failed one leaves its schedule paused.
    """
    wanted = list(feeds)
    client.wait_for_dags(["load_full", *(sync_dag_id(code, feed) for code, feed in wanted)])
    client.set_paused("load_full", paused=False)
    started = [client.trigger("load_full", {"municipality": code, "feed": feed}) for code, feed in wanted]
    finished = []
    for (code, feed), run in zip(wanted, started, strict=True):
        finished.append(client.wait(run, seconds))
        if finished[-1].state == "success":
            client.set_paused(sync_dag_id(code, feed), paused=False)
    return finished


def sync_dag_id(code: str, feed: str) -> str:
    """Name of the DAG that keeps one feed of one municipality up to date."""
    return f"sync_{code}_{feed}"


def heartbeat_ages(url: str) -> dict[str, float]:
    """Seconds since the last heartbeat of scheduler, dag_processor and triggerer; infinite when there was none."""
    answer = httpx.get(f"{url}/api/v2/monitor/health", timeout=10, trust_env=False)
    if answer.is_error:
        raise AirflowError(f"monitor/health: HTTP {answer.status_code}")
    health = answer.json()
    names = ("scheduler", "dag_processor", "triggerer")
    return {name: _age(health[name].get(f"latest_{name}_heartbeat")) for name in names}


def _age(at: str | None) -> float:
    if at is None:
        return float("inf")
    when = datetime.fromisoformat(at)
    if when.tzinfo is None:
        raise ConfigurationError("Airflow reports a heartbeat without a time zone")
    return (datetime.now(UTC) - when).total_seconds()


def _run(answer: Mapping[str, Any]) -> Run:
    return Run(answer["dag_id"], answer["dag_run_id"], answer["state"])
