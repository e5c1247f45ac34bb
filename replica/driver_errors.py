"""Errors of the database driver, reduced to SQLSTATE and table: PostgreSQL's own texts quote rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from records.errors import DatabaseError, DatabaseUnavailable, Place

# Classes and codes that pass by themselves: connection lost, server starting or stopping, serialisation, deadlock.
TRANSIENT = ("08", "57P", "40001", "40P01", "53300", "55P03")


@contextmanager
def reduced(what: str) -> Iterator[None]:
    """Turn every driver error inside the block into ours; ``what`` names the table or the step, never a value."""
    try:
        yield
    except psycopg.Error as error:
        failure = reduce(error, what)
    else:
        return
    try:
        raise failure
    except DatabaseError:
        failure.__context__ = None  # the driver's text is not even kept beside ours
        raise


def reduce(error: psycopg.Error, what: str) -> DatabaseError:
    """Our error for a driver error."""
    state = error.sqlstate
    table = error.diag.table_name or what
    if state is None and isinstance(error, psycopg.OperationalError):
        return DatabaseUnavailable("the database can't be reached or the connection was lost", Place(field=what))
    if state is not None and state.startswith(TRANSIENT):
        return DatabaseUnavailable(f"SQLSTATE {state}", Place(field=table))
    return DatabaseError(f"SQLSTATE {state or type(error).__name__}", Place(field=table))
