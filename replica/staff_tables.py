"""Schema ``staff``: cards, issuance holds and usage registrations, and the history of cards.

What may follow what, and that a hold and an issue never cross, is enforced by the database: see ``guards``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Identity, Index, Table
from sqlalchemy import Text as Text_
from sqlalchemy.dialects.postgresql import ARRAY

from replica.tables import instant, metadata, one_of

STAFF = "staff"
CARD_STATES = ("active", "suspended", "unlinked")
REGISTRATION_STATES = ("applied", "approved", "rejected", "stopped")
MEDIA = ("card", "phone")
ISSUER = "issuer_sha256 ~ '^[0-9a-f]{64}$'"

card = Table(
    "card",
    metadata,
    Column("serial", Text_, nullable=False, comment="利用者証明用電子証明書の発行番号"),
    Column("addressee_number", Text_, nullable=False, comment="宛名番号"),
    Column("status", Text_, nullable=False, comment="状態"),
    instant("valid_from", "有効期間の開始", mandatory=True),
    instant("valid_until", "有効期間の満了"),
    instant("linked_at", "紐付け日時", mandatory=True),
    instant("changed_at", "状態変更日時", mandatory=True),
    Column("medium", Text_, nullable=False, server_default="card", comment="媒体（カード・スマートフォン）"),
    Column("issuer_sha256", Text_, comment="発行認証局の公開鍵のSHA-256"),
    Column("changed_by", Text_, comment="変更した職員"),
    Column("change_reason", Text_, comment="変更の理由"),
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    one_of("status", *CARD_STATES),
    one_of("medium", *MEDIA),
    CheckConstraint(ISSUER, name="issuer"),
    schema=STAFF,
    comment="個人番号カードと宛名番号の紐付け",
)
# Two authorities may give one serial: a certificate is its issuer's key and its serial. Where nobody knows the issuer, a
# serial is there once (``guards``).
Index("card_identity_idx", card.c.serial, card.c.issuer_sha256, unique=True, postgresql_nulls_not_distinct=True)
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
    Column("lift_reason", Text_, comment="解除の理由"),
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

card_history = Table(
    "card_history",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("serial", Text_, nullable=False, comment="利用者証明用電子証明書の発行番号"),
    Column("addressee_number", Text_, nullable=False, comment="宛名番号"),
    Column("status", Text_, nullable=False, comment="変わった後の状態"),
    Column("changed_by", Text_, comment="変更した職員"),
    Column("change_reason", Text_, comment="変更の理由"),
    instant("at", "日時", mandatory=True),
    Column("issuer_sha256", Text_, comment="発行認証局の公開鍵のSHA-256"),
    one_of("status", *CARD_STATES),
    schema=STAFF,
    comment="カードの履歴（状態が変わるたびに一行、追記のみ）",
)
Index(None, card_history.c.serial)

registration = Table(
    "registration",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="利用登録番号"),
    Column("request_id", Text_, nullable=False, unique=True, comment="申請番号（証明書交付センターの番号）"),
    Column("content_sha256", Text_, nullable=False, comment="申請内容のSHA-256"),
    Column("card_serial", Text_, nullable=False, comment="利用者証明用電子証明書の発行番号"),
    Column("issuer_sha256", Text_, comment="発行認証局の公開鍵のSHA-256"),
    Column("medium", Text_, nullable=False, comment="媒体（カード・スマートフォン）"),
    Column("name", Text_, nullable=False, comment="氏名"),
    Column("name_kana", Text_, comment="氏名の振り仮名"),
    Column("birth_on", Date, nullable=False, comment="生年月日"),
    Column("address", Text_, nullable=False, comment="現住所"),
    Column("registered_domicile", Text_, nullable=False, comment="本籍"),
    Column("family_register_head", Text_, nullable=False, comment="筆頭者"),
    Column("channel", Text_, nullable=False, comment="申請の方法"),
    Column("state", Text_, nullable=False, comment="状態"),
    instant("applied_at", "申請日時", mandatory=True),
    Column("decided_by", Text_, comment="審査した職員"),
    instant("decided_at", "審査日時"),
    Column("reason", Text_, comment="却下の理由"),
    instant("usable_from", "利用開始日時"),
    Column("stopped_by", Text_, comment="利用を停止した職員"),
    instant("stopped_at", "利用停止日時"),
    Column("stop_reason", Text_, comment="利用停止の理由"),
    one_of("medium", *MEDIA),
    one_of("channel", "kiosk", "web"),
    one_of("state", *REGISTRATION_STATES),
    CheckConstraint("(state = 'applied') = (decided_at is null)", name="decided"),
    CheckConstraint("(decided_at is null) = (decided_by is null)", name="decider"),
    CheckConstraint("state <> 'rejected' or reason is not null", name="reasoned"),
    CheckConstraint("state not in ('approved', 'stopped') or usable_from is not null", name="usable"),
    CheckConstraint("(state = 'stopped') = (stopped_at is not null)", name="stopped"),
    CheckConstraint(ISSUER, name="issuer"),
    schema=STAFF,
    comment="利用登録申請（住所地が他の市区町村にある本籍者）",
)
# One registration in force a card; an application that was rejected or stopped may be made again.
Index(
    "registration_in_force_idx",
    registration.c.card_serial,
    registration.c.issuer_sha256,
    unique=True,
    postgresql_nulls_not_distinct=True,
    postgresql_where=registration.c.state.in_(["applied", "approved"]),
)

access_log = Table(
    "access_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    instant("at", "日時", mandatory=True),
    Column("actor", Text_, nullable=False, comment="操作した職員"),
    Column("action", Text_, nullable=False, comment="操作"),
    Column("addressee_numbers", ARRAY(Text_), nullable=False, comment="表示した者の宛名番号"),
    schema=STAFF,
    comment="個人情報の参照の記録（追記のみ、検索した語は残さない）",
)
Index(None, access_log.c.at)
