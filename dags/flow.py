"""The task flow that all DAGs of a feed share: pull → decode → map → validate → load → verify.

What passes between tasks is the list of batch paths, and counts at the end. Tasks call ``sync.steps``, which is
imported when they run: a DAG file is parsed again for every task.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import task

from dags.failures import told

log = logging.getLogger("utsushi.dags")

# Made by services.airflow_bootstrap; it keeps full loads from taking all of a small machine.
FULL_LOAD_POOL = "full_load"
TASK_DEFAULTS: dict[str, Any] = {"owner": "utsushi", "retries": 2, "retry_delay": timedelta(seconds=10)}


@told
def pull(code: str, feed: str, *, full: bool = False) -> list[str]:
    """Fetch the next complete files; an empty list means that there is nothing to do."""
    from sync import steps

    paths = steps.pull(code, feed, full=full)
    if not paths:
        log.info("適用すべき新しい連携ファイルはありません（空の差分は適用済み）。nothing new, all is well")
    return paths


@told
def decode(paths: list[str]) -> list[str]:
    """Bytes to text."""
    from sync import steps

    return steps.decode(paths)


@told
def map_(paths: list[str]) -> list[str]:
    """Vendor characters, codes and dates to ours."""
    from sync import steps

    return steps.map_(paths)


@told
def validate(paths: list[str]) -> list[str]:
    """Good rows apart from bad ones."""
    from sync import steps

    return steps.validate(paths)


@told
def load(paths: list[str]) -> list[str]:
    """Into the replica."""
    from sync import steps

    return steps.load(paths)


@told
def verify(paths: list[str]) -> dict[str, int]:
    """What was written against what was read."""
    from sync import steps

    counts = steps.verify(paths)
    log.info("検証済み verified: %s", " ".join(f"{name}={count}" for name, count in counts.items()))
    return counts


LATER_STEPS = (
    ("decode", "② 復号・文字コード変換 decode", decode),
    ("map", "③ 外字・コード・日付の変換 map", map_),
    ("validate", "④ 検査 validate", validate),
    ("load", "⑤ 登録 load", load),
    ("verify", "⑥ 照合 verify", verify),
)


def wire(code: str, feed: str, *, full: bool = False, pool: str | None = None) -> tuple[Any, Any]:
    """Put the six tasks into the DAG that is being defined; returns the first and the last.

    ``code`` and ``feed`` may be templates. With nothing new the first task is green and the others are skipped.
    """
    options: dict[str, Any] = {"pool": pool} if pool else {}
    first = task.short_circuit(task_id="pull", task_display_name="① 取得 pull", **options)(pull)(code, feed, full=full)
    last = first
    for task_id, title, step in LATER_STEPS:
        last = task(task_id=task_id, task_display_name=title, **options)(step)(last)
    return first, last
