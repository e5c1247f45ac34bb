"""Schema ``replica``: the registers, built from the data dictionary, and what the loader keeps about them.

Every column carries its Japanese name as a comment. The tables of issuing and of the staff are in
``issuance_tables``; views, functions and triggers in ``routines``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.types import TypeEngine

from records.batch import FEEDS
from records.dictionary import Item, items, key_items

SCHEMA = "replica"
NAMES = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
}
metadata = MetaData(naming_convention=NAMES)

TABLE_NAMES = {"resident": "住民", "seal": "印鑑登録", "tax": "所得課税"}
SYSTEM_COLUMNS = ("applied_sequence", "applied_row", "content_hash", "updated_at")


def instant(name: str, comment: str, *, mandatory: bool = False) -> Column[Any]:
    """A column for an instant (with time zone)."""
    default = func.now() if mandatory else None
    return Column(name, DateTime(timezone=True), nullable=not mandatory, server_default=default, comment=comment)


def one_of(column: str, *values: str) -> CheckConstraint:
    """``column`` holds one of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


def _columns(item: Item) -> list[Column[Any]]:
    mandatory, name = item.mandatory, item.japanese_name
    if item.type == "date":
        certainty = Column(item.certainty_column, Text, nullable=not mandatory, comment=f"{name}（不詳の別）")
        wording = Column(item.text_column, Text, nullable=not mandatory, comment=f"{name}（表示）")
        return [Column(item.key, Date, comment=name), certainty, wording]
    return [Column(item.key, _type(item), primary_key=item.is_key, nullable=not mandatory, comment=name)]


def _type(item: Item) -> TypeEngine[Any]:
    if item.type in ("year", "yen", "count"):
        return BigInteger()
    return LargeBinary() if item.type == "image" else Text()


def _register(record: str) -> Table:
    columns = [column for item in items(record) for column in _columns(item)]
    for column in columns:
        if column.primary_key:
            column.autoincrement = False
    return Table(
        record,
        metadata,
        *columns,
        Column("applied_sequence", BigInteger, nullable=False, comment="最後に反映した連番"),
        Column("applied_row", BigInteger, nullable=False, comment="連携ファイル内の行番号"),
        Column("content_hash", LargeBinary, nullable=False, comment="内容のSHA-256"),
        instant("updated_at", "反映日時", mandatory=True),
        schema=SCHEMA,
        comment=TABLE_NAMES[record],
    )


REGISTERS: dict[str, Table] = {record: _register(record) for record in FEEDS}
Index(None, REGISTERS["resident"].c.household_number)

feed_state = Table(
    "feed_state",
    metadata,
    Column("feed", Text, primary_key=True, comment="連携業務"),
    Column("last_applied", BigInteger, nullable=False, comment="最終反映連番"),
    Column("last_sha256", Text, nullable=False, comment="最終反映ファイルのSHA-256"),
    instant("last_applied_at", "最終反映日時", mandatory=True),
    instant("last_verified_at", "最終照合日時"),
    one_of("feed", *FEEDS),
    schema=SCHEMA,
    comment="連携業務ごとの反映状態",
)

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("feed", Text, nullable=False, comment="連携業務"),
    Column("kind", Text, nullable=False, comment="全件・差分の別"),
    Column("sequence", BigInteger, nullable=False, comment="連番"),
    Column("sha256", Text, nullable=False, comment="連携ファイルのSHA-256"),
    Column("file", Text, nullable=False, comment="連携ファイル名"),
    Column("rows", BigInteger, nullable=False, comment="データ件数"),
    Column("bytes", BigInteger, nullable=False, comment="バイト数"),
    Column("state", Text, nullable=False, comment="状態"),
    Column("rejection_code", Text, comment="却下コード"),
    Column("rejection_text", Text, comment="却下理由"),
    Column("rows_written", BigInteger, nullable=False, server_default=text("0"), comment="登録・更新件数"),
    Column("rows_deleted", BigInteger, nullable=False, server_default=text("0"), comment="削除件数"),
    Column("rows_quarantined", BigInteger, nullable=False, server_default=text("0"), comment="隔離件数"),
    Column("created_at", DateTime(timezone=True), nullable=False, comment="ファイル作成日時"),
    Column("pulled_at", DateTime(timezone=True), nullable=False, comment="取得日時"),
    instant("loaded_at", "反映日時"),
    instant("verified_at", "照合日時"),
    instant("rejected_at", "却下日時"),
    UniqueConstraint("feed", "sequence", "sha256"),
    one_of("feed", *FEEDS),
    one_of("kind", "full", "diff"),
    one_of("state", "loaded", "verified", "rejected"),
    CheckConstraint("(state = 'rejected') = (rejection_code is not null)", name="rejection"),
    schema=SCHEMA,
    comment="連携台帳",
)

Index("batch_unverified_idx", batch.c.feed, batch.c.sequence, postgresql_where=batch.c.state == text("'loaded'"))

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True, comment="識別番号"),
    Column("batch_id", BigInteger, ForeignKey(batch.c.id), nullable=False, comment="連携台帳の識別番号"),
    Column("feed", Text, nullable=False, comment="連携業務"),
    Column("sequence", BigInteger, nullable=False, comment="連番"),
    Column("row_number", BigInteger, nullable=False, comment="連携ファイル内の行番号"),
    Column("addressee_number", Text, nullable=False, comment="宛名番号"),
    Column("record_key", Text, nullable=False, comment="記録のキー"),
    Column("reasons", Text, nullable=False, comment="隔離理由"),
    instant("quarantined_at", "隔離日時", mandatory=True),
    instant("resolved_at", "解消日時"),
    one_of("feed", *FEEDS),
    schema=SCHEMA,
    comment="隔離した行",
)
Index(
    "quarantine_open_idx",
    quarantine.c.feed,
    quarantine.c.addressee_number,
    postgresql_where=quarantine.c.resolved_at.is_(None),
)
Index(None, quarantine.c.batch_id)

withheld = Table(
    "withheld",
    metadata,
    Column("feed", Text, primary_key=True, comment="連携業務"),
    Column("addressee_number", Text, primary_key=True, comment="宛名番号"),
    Column("sequence", BigInteger, nullable=False, comment="連番"),
    Column("reason", Text, nullable=False, comment="取置の理由"),
    instant("since", "取置の開始日時", mandatory=True),
    one_of("feed", *FEEDS),
    schema=SCHEMA,
    comment="取置（最新の異動を反映できず交付できない人）",
)

removed = Table(
    "removed",
    metadata,
    Column("feed", Text, primary_key=True, comment="連携業務"),
    Column("record_key", Text, primary_key=True, comment="記録のキー"),
    Column("sequence", BigInteger, nullable=False, comment="削除した連番"),
    one_of("feed", *FEEDS),
    schema=SCHEMA,
    comment="照合を待つ削除（照合が済むと消える）",
)


def key_columns(record: str) -> tuple[str, ...]:
    """Key columns of a register, in order."""
    return tuple(item.key for item in key_items(record))
