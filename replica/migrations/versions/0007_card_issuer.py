"""A card is its issuer and its serial."""

from __future__ import annotations

from replica.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make it."""
    run_sql("0007_card_issuer.up.sql")


def downgrade() -> None:
    """Identify cards by the serial alone again; fails where one serial is linked for two issuers."""
    run_sql("0007_card_issuer.down.sql")
