"""What statistics of issuing count: copies, and how old the applicant was."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make it."""
    run_sql("0008_statistics.up.sql")


def downgrade() -> None:
    """Remove it."""
    run_sql("0008_statistics.down.sql")
