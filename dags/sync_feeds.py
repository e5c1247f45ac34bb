"""One DAG per municipality and feed, every five minutes: the run's state is the sync monitor (連携監視)."""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, get_parsing_context

from dags.flow import TASK_DEFAULTS, wire
from dags.towns import FEED_NAMES, known_feeds, name_of

DOC = """
**{name} {feed_name}の差分連携**（5分ごと）

| 表示 | 意味 |
| --- | --- |
| 緑、①だけ実行 | 新しい連携ファイルはない（空の差分＝生存確認は適用済み） |
| 緑、⑥まで実行 | 新しい連携ファイルを登録し、照合まで終わった |
| 赤 | 赤いタスクのログの最初の ERROR 行が理由。直るまで次の回も赤になる |

初期登録は `load_full`、再送の依頼は `resend` で行う。初期登録が済むまでこの DAG は停止している。
"""


def sync_dag(code: str, feed: str) -> None:
    """Define the DAG of one feed."""
    name, feed_name = name_of(code), FEED_NAMES[feed]
    with DAG(
        dag_id=f"sync_{code}_{feed}",
        dag_display_name=f"連携 {name} {feed_name}",
        description=f"{name}（{code}）の{feed_name}の差分を5分ごとに取り込む",
        doc_md=DOC.format(name=name, feed_name=feed_name),
        tags=["連携", code, feed],
        schedule="*/5 * * * *",
        start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Tokyo"),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=30),
        is_paused_upon_creation=True,
        default_args=TASK_DEFAULTS,
    ):
        wire(code, feed)


# Parsed for one task, the file builds that one DAG alone.
wanted = get_parsing_context().dag_id
for municipality, feed in known_feeds():
    if wanted in (None, f"sync_{municipality}_{feed}"):
        sync_dag(municipality, feed)
