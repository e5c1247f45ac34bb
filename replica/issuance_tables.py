"""Schema ``issuance``: requests, their log, incidents, and the nodes that serve. Never a certificate's PDF.

The states of a request and the moves between them are enforced by the database: see ``routines``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Table,
)
from sqlalchemy import Text as Text_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from replica.tables import instant, metadata, one_of

ISSUANCE = "issuance"
STATES = ("accepted", "refused", "eligible", "rendered", "checked", "sent", "printed", "aborted", "failed")
CAUSES = ("paper", "printer", "network", "centre", "koseki_system", "ours", "applicant")
ENDS = ("refused", "printed", "aborted", "failed")

issue_serial = Sequence("issue_serial", schema=ISSUANCE, metadata=metadata)

request = Table(
    "request",
    metadata,
    Column("request_id", Text_, primary_key=True, comment="申請番号（証明書交付センターの番号）"),
    Column("content_sha256", Text_, nullable=False, comment="申請内容のSHA-256"),
    Column("kind", Text_, nullable=False, comment="証明書の種類"),
    Column("options", JSONB, nullable=False, comment="記載事項の選択"),
    Column("card_serial", Text_, comment="利用者証明用電子証明書の発行番号"),
    Column("addressee_number", Text_, comment="宛名番号"),
    Column("household_number", Text_, comment="世帯番号"),
    Column("store_code", Text_, comment="店舗コード"),
    Column("prefecture_code", Text_, comment="店舗の都道府県コード"),
    Column("state", Text_, nullable=False, comment="状態"),
    Column("result_code", Text_, comment="結果コード"),
    instant("accepted_at", "受付日時", mandatory=True),
    instant("eligible_at", "交付可否の確認日時"),
    instant("rendered_at", "作成日時"),
    instant("checked_at", "検査日時"),
    instant("sent_at", "送信日時"),
    instant("finished_at", "終了日時"),
    Column("serial_number", BigInteger, unique=True, comment="発行番号"),
    Column("issued_on", Date, comment="発行年月日"),
    Column("pdf_sha256", Text_, comment="証明書PDFのSHA-256"),
    Column("page_count", Integer, comment="枚数"),
    Column("form_version", Text_, comment="様式の版"),
    Column("font_version", Text_, comment="書体の版"),
    Column("record_sha256", Text_, comment="証明した記録のSHA-256"),
    Column("node", Text_, comment="処理したノード"),
    Column("correlation_id", Text_, comment="戸籍システムへの照会番号"),
    Column("subjects", ARRAY(Text_), comment="申請者と証明書に載る者の宛名番号"),
    Column("registers", ARRAY(Text_), comment="関係する戸籍（本籍、U+001F、筆頭者）"),
    Column("registration_id", BigInteger, comment="利用登録番号"),
    Column("configuration_version", Text_, comment="設定の版"),
    Column("card_issuer_sha256", Text_, comment="発行認証局の公開鍵のSHA-256"),
    Column("copies", Integer, nullable=False, server_default="1", comment="部数"),
    Column("applicant_age", Integer, comment="申請者の年齢（交付の日現在、統計用）"),
    one_of("state", *STATES),
    CheckConstraint(f"(finished_at is not null) = (state in {ENDS})", name="finished"),
    CheckConstraint("state not in ('sent', 'printed') or pdf_sha256 is not null", name="proved"),
    CheckConstraint(
        "state not in ('eligible', 'rendered', 'checked', 'sent', 'printed')"
        " or coalesce(cardinality(subjects), 0) + coalesce(cardinality(registers), 0) > 0",
        name="concerned",
    ),
    schema=ISSUANCE,
    comment="交付申請",
)
Index(None, request.c.addressee_number)
Index(None, request.c.accepted_at)
Index(
    "request_unfinished_idx",
    request.c.accepted_at,
    postgresql_where=request.c.state.in_(["accepted", "eligible", "rendered", "checked"]),
)

issue_log = Table(
    "issue_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("request_id", Text_, ForeignKey(request.c.request_id), nullable=False, comment="申請番号"),
    Column("state", Text_, nullable=False, comment="移った先の状態"),
    Column("result_code", Text_, comment="結果コード"),
    instant("at", "日時", mandatory=True),
    one_of("state", *STATES),
    schema=ISSUANCE,
    comment="発行記録（状態が移るたびに一行、追記のみ）",
)
Index(None, issue_log.c.request_id)

issue_record = Table(
    "issue_record",
    metadata,
    Column("request_id", Text_, ForeignKey(request.c.request_id), primary_key=True, comment="申請番号"),
    Column("cipher", LargeBinary, nullable=False, comment="証明した記録（暗号化）"),
    instant("kept_at", "記録日時", mandatory=True),
    schema=ISSUANCE,
    comment="証明した記録（同じ証明書を再現して検証するため。PDFではない）",
)

incident = Table(
    "incident",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("request_id", Text_, ForeignKey(request.c.request_id), comment="申請番号"),
    Column("kind", Text_, nullable=False, comment="事故の種類"),
    Column("code", Text_, comment="センターの誤り番号"),
    instant("reported_at", "報告日時", mandatory=True),
    instant("reprinted_at", "再印刷できたとの報告日時"),
    Column("cause", Text_, comment="原因の区分"),
    Column("finding", Text_, comment="調査の結果"),
    Column("closed_by", Text_, comment="終結した職員"),
    instant("closed_at", "終結日時"),
    one_of("kind", "print_error", "aborted", "check_failed", "koseki_mismatch", "koseki_hostile", "timeout", "volume"),
    one_of("cause", *CAUSES),
    CheckConstraint(
        "closed_at is null or (closed_by is not null and cause is not null and length(btrim(finding)) >= 10)",
        name="finding",
    ),
    schema=ISSUANCE,
    comment="事故の記録（職員が原因を調べて終結するまで開いたまま）",
)
Index("incident_open_idx", incident.c.reported_at, postgresql_where=incident.c.closed_at.is_(None))

incident_note = Table(
    "incident_note",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("incident_id", BigInteger, ForeignKey(incident.c.id), nullable=False, comment="事故の番号"),
    Column("noted_by", Text_, nullable=False, comment="記入した職員"),
    Column("note", Text_, nullable=False, comment="経過"),
    instant("noted_at", "記入日時", mandatory=True),
    schema=ISSUANCE,
    comment="事故の調査の経過（追記のみ）",
)
Index(None, incident_note.c.incident_id)

challenge = Table(
    "challenge",
    metadata,
    Column("id", Text_, primary_key=True, comment="識別番号"),
    Column("challenge", LargeBinary, nullable=False, comment="乱数"),
    Column("purpose", Text_, nullable=False, comment="用途"),
    instant("issued_at", "発行日時", mandatory=True),
    instant("expires_at", "期限", mandatory=True),
    instant("consumed_at", "使用日時"),
    schema=ISSUANCE,
    comment="本人確認の乱数（一回限り）",
)

node = Table(
    "node",
    metadata,
    Column("node_id", Text_, primary_key=True, comment="ノード"),
    instant("started_at", "開始日時", mandatory=True),
    instant("seen_at", "最後に確認した日時", mandatory=True),
    Column("state", Text_, nullable=False, comment="状態"),
    Column("versions", JSONB, nullable=False, comment="使っている版"),
    one_of("state", "starting", "ready", "refused", "draining", "stopped"),
    schema=ISSUANCE,
    comment="発行サーバーのノード",
)

release = Table(
    "release",
    metadata,
    Column("component", Text_, primary_key=True, comment="部品"),
    Column("version", Text_, nullable=False, comment="現在の版"),
    instant("set_at", "設定日時", mandatory=True),
    Column("set_by", Text_, nullable=False, comment="設定した者"),
    one_of("component", "program", "form", "font", "map", "schema", "configuration"),
    schema=ISSUANCE,
    comment="現在の版（ノードの版がこれと違えば発行しない）",
)
