"""``resend``: asks the vendor to send numbers again (再送依頼), waits for them, applies and verifies them."""

from __future__ import annotations

import logging
from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Param, task

from dags.failures import told
from dags.flow import TASK_DEFAULTS, wire
from dags.towns import feed_form

log = logging.getLogger("utsushi.dags")

DOC = """
**再送依頼**

団体、業務、番号（から・まで、両端を含む）を入れて実行する。提供元に再送を依頼し、ファイルがそろうのを待ち、
適用されていない番号を順に登録して照合する。適用済みの番号は内容が同じであることを確かめ、二重には登録しない。
1時間待っても届かないときは赤になる。
"""


@told
def ask(code: str, feed: str, first: str, last: str) -> str:
    """Write the resend request; returns its name."""
    from sync import resend

    name = resend.ask(code, feed, int(first), int(last))
    log.info("再送を依頼しました resend requested: %s", name)
    return name


@told
def arrived(code: str, feed: str, first: str, last: str) -> bool:
    """Whether all of them lie at the vendor, complete."""
    from sync import resend

    return resend.arrived(code, feed, int(first), int(last))


with DAG(
    dag_id="resend",
    dag_display_name="再送依頼 resend",
    description="提供元に再送を依頼し、届いたものを適用して照合する",
    doc_md=DOC,
    tags=["連携", "再送"],
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Tokyo"),
    catchup=False,
    max_active_runs=4,
    dagrun_timeout=timedelta(hours=2),
    default_args=TASK_DEFAULTS,
    params={
        **feed_form(),
        "from": Param(type="integer", minimum=1, maximum=99999999, title="番号（から）"),
        "to": Param(type="integer", minimum=1, maximum=99999999, title="番号（まで）"),
    },
):
    form = ("{{ params.municipality }}", "{{ params.feed }}", "{{ params['from'] }}", "{{ params['to'] }}")
    asked = task(task_id="ask", task_display_name="再送依頼 ask")(ask)(*form)
    # Rescheduled, not deferred: a deferred task that is answered at once can be failed by a race in Airflow; and not
    # waiting inside the worker, so that four waiting resends cannot take all the places of the five-minute runs.
    came = task.sensor(
        task_id="arrived", task_display_name="到着待ち arrived", poke_interval=10, timeout=3600, mode="reschedule"
    )(arrived)(*form)
    first, _ = wire(form[0], form[1])
    asked >> came >> first
