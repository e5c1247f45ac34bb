"""Why a hold was lifted, notes on incidents, and what of an incident never changes."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make them."""
    run_sql("0005_desk.up.sql")


def downgrade() -> None:
    """Remove them, with everything in them."""
    run_sql("0005_desk.down.sql")
