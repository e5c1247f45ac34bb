"""What the loader keeps: state of feeds, ledger, quarantine, withheld persons, removals."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make them."""
    run_sql("0002_ledger.up.sql")


def downgrade() -> None:
    """Remove them, with everything in them."""
    run_sql("0002_ledger.down.sql")
