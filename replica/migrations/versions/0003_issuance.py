"""Requests and their log, cards, holds."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make them."""
    run_sql("0003_issuance.up.sql")


def downgrade() -> None:
    """Remove them, with everything in them."""
    run_sql("0003_issuance.down.sql")
