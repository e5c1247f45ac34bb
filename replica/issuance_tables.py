"""Schemas ``issuance`` (requests and their log) and ``staff`` (cards and holds). Never a certificate's PDF.

The states of a request and the moves between them are enforced by the database: see ``routines``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Identity, Index, Integer, Sequence, Table
from sqlalchemy import Text as Text_
from sqlalchemy.dialects.postgresql import JSONB

from replica.tables import instant, metadata, one_of

ISSUANCE, STAFF = "issuance", "staff"
STATES = ("accepted", "refused", "eligible", "rendered", "checked", "sent", "printed", "aborted", "failed")
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
    one_of("state", *STATES),
    CheckConstraint(f"(finished_at is not null) = (state in {ENDS})", name="finished"),
    CheckConstraint("state not in ('sent', 'printed') or pdf_sha256 is not null", name="proved"),
    schema=ISSUANCE,
    comment="交付申請",
)
Index(None, request.c.addressee_number)
Index(None, request.c.accepted_at)

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

card = Table(
    "card",
    metadata,
    Column("serial", Text_, primary_key=True, comment="利用者証明用電子証明書の発行番号"),
    Column("addressee_number", Text_, nullable=False, comment="宛名番号"),
    Column("status", Text_, nullable=False, comment="状態"),
    instant("valid_from", "有効期間の開始", mandatory=True),
    instant("valid_until", "有効期間の満了"),
    instant("linked_at", "紐付け日時", mandatory=True),
    instant("changed_at", "状態変更日時", mandatory=True),
    one_of("status", "active", "suspended", "unlinked"),
    schema=STAFF,
    comment="個人番号カードと宛名番号の紐付け",
)
Index(None, card.c.addressee_number)

issuance_hold = Table(
    "issuance_hold",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("target_kind", Text_, nullable=False, comment="抑止対象の別"),
    Column("addressee_number", Text_, comment="宛名番号"),
    Column("registered_domicile", Text_, comment="本籍"),
    Column("family_register_head", Text_, comment="筆頭者"),
    Column("reason", Text_, nullable=False, comment="抑止の理由"),
    Column("placed_by", Text_, nullable=False, comment="抑止した職員"),
    instant("placed_at", "抑止日時", mandatory=True),
    Column("lifted_by", Text_, comment="解除した職員"),
    instant("lifted_at", "解除日時"),
    one_of("target_kind", "person", "family_register"),
    CheckConstraint(
        "case target_kind when 'person' then addressee_number is not null"
        " else addressee_number is not null or registered_domicile is not null end",
        name="target",
    ),
    schema=STAFF,
    comment="発行抑止",
)
Index("issuance_hold_open_idx", issuance_hold.c.addressee_number, postgresql_where=issuance_hold.c.lifted_at.is_(None))
