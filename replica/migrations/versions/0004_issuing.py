"""Holds, cards and registrations guarded by the database; incidents, nodes, releases."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make them."""
    run_sql("0004_issuing.up.sql")


def downgrade() -> None:
    """Remove them, with everything in them."""
    run_sql("0004_issuing.down.sql")
