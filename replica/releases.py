"""The current versions (現在の版) that the database demands of every issuing node. Written as the owner.

Whoever installs a release publishes it here; a node whose own versions differ refuses to issue.
"""

from __future__ import annotations

from collections.abc import Mapping

from replica.connections import connect
from replica.driver_errors import reduced

PUBLISH = """
insert into issuance.release (component, version, set_at, set_by) values (%s, %s, clock_timestamp(), %s)
on conflict (component) do update set version = excluded.version, set_at = excluded.set_at, set_by = excluded.set_by
where issuance.release.version <> excluded.version
"""
CURRENT = "select component, version from issuance.release"


def publish(code: str, versions: Mapping[str, str], by: str) -> list[str]:
    """Make ``versions`` (component → version) the current ones; the components that changed."""
    with reduced("issuance.release"), connect(code, "owner") as connection:
        return [
            component
            for component, version in sorted(versions.items())
            if connection.execute(PUBLISH, (component, version, by)).rowcount
        ]


def current(code: str) -> dict[str, str]:
    """Component → version, as the database demands it now."""
    with reduced("issuance.release"), connect(code, "owner") as connection:
        return dict(connection.execute(CURRENT).fetchall())
