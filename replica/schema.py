"""The whole schema of a replica database, put together: import ``metadata`` from here."""

from __future__ import annotations

from replica import guards, issuance_tables, routines, staff_tables
from replica.tables import metadata

__all__ = ["guards", "issuance_tables", "metadata", "routines", "staff_tables"]
