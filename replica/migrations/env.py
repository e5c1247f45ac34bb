"""Alembic's entry: migrations run over the connection that ``replica.migrate`` hands in, in one transaction."""

from __future__ import annotations

from alembic import context

from replica.migrate import VERSION_SCHEMA
from replica.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    version_table_schema=VERSION_SCHEMA,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
