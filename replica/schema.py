"""The whole schema of a replica database, put together: import ``metadata`` from here."""

from __future__ import annotations

from replica import issuance_tables, routines
from replica.tables import metadata

__all__ = ["issuance_tables", "metadata", "routines"]
