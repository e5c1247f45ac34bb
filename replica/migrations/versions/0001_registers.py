"""Registers (resident, seal, tax) and the household view."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    run_sql("0001_registers.up.sql")


def downgrade() -> None:
    """Remove them, with everything in them."""
    run_sql("0001_registers.down.sql")
