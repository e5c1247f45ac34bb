"""Who looked at whom."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make it."""
    run_sql("0006_access_log.up.sql")


def downgrade() -> None:
    """Remove it, with everything in it."""
    run_sql("0006_access_log.down.sql")
