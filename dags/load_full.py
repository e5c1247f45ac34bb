"""``load_full``: loads a full set (全件) of one feed, at set-up or to close a gap."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG

from dags.flow import FULL_LOAD_POOL, TASK_DEFAULTS, wire
from dags.towns import feed_form

DOC = """
**全件登録**（初期登録、または欠番の解消）

団体と業務を選んで実行する。提供元に置かれた最新の全件ファイルを登録し、照合まで行う。
全件より前の番号の差分は全件に含まれるため適用しない。登録後、差分連携 `sync_…` の停止を解除する。
"""

with DAG(
    dag_id="load_full",
    dag_display_name="全件登録 load_full",
    description="全件ファイルを登録する（初期登録、欠番の解消）",
    doc_md=DOC,
    tags=["連携", "全件"],
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Tokyo"),
    catchup=False,
    max_active_runs=16,
    dagrun_timeout=timedelta(hours=6),
    default_args=TASK_DEFAULTS,
    params=feed_form(),
):
    wire("{{ params.municipality }}", "{{ params.feed }}", full=True, pool=FULL_LOAD_POOL)
