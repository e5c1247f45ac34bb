"""A volume of inquiries that no town has is an incident."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Allow it."""
    run_sql("0009_volume.up.sql")


def downgrade() -> None:
    """Know it no more; fails while there is such an incident, which nobody may delete."""
    run_sql("0009_volume.down.sql")
