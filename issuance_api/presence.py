"""The presence of a node (ノードの在席): a session lock for as long as it lives, and its versions against the current ones.

What a killed node left unfinished is taken over because its lock is gone; what nobody asks for again is ended here, so
that every request has an end. One connection per municipality, beside the pool.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from issuance_api import statements as sql
from replica.driver_errors import reduced

BEAT_SECONDS = 2.0

log = logging.getLogger("issuance_api")
Connection = AsyncConnection[Any]

MOST_SKEW = timedelta(seconds=2)


class Presence:
    """One node in the database of one municipality.

    ``outdated`` names the components that are not the current ones; ``skewed`` says that this host's clock is not the
    database's, by which all nodes measure the service hours. ``working`` gives the request ids that the node works on now.
    """

    def __init__(
        self, code: str, conninfo: str, node: str, installed: dict[str, str], working: Callable[[], Iterable[str]]
    ) -> None:
        self.code = code
        self.outdated: list[str] = []
        self.skewed = False
        self._conninfo = conninfo
        self._values = {"node": node, "versions": Jsonb(installed)}
        self._installed = installed
        self._working = working
        self._connection: Connection | None = None

    async def beat(self, state: str = "ready") -> None:
        """Say that we live, read the current versions, and end what nobody works on; a driver error is ours."""
        with reduced("issuance.node"):
            connection = await self._open()
            current = dict(await (await connection.execute(sql.RELEASE)).fetchall())
            self.outdated = differences(self._installed, current)
            await self._compare_clocks(connection)
            values = self._values | {"state": "refused" if self.outdated else state}
            await connection.execute(sql.BEAT, values)
            await connection.execute(sql.SWEEP, self._values | {"working": list(self._working())})

    async def _compare_clocks(self, connection: Connection) -> None:
        before = wall_clock()
        row = await (await connection.execute(sql.CLOCK)).fetchone()
        skewed = row is None or not before - MOST_SKEW <= row[0] <= wall_clock() + MOST_SKEW
        if skewed != self.skewed:
            log.error("municipality %s: the clock %s", self.code, "is not the database's" if skewed else "agrees again")
        self.skewed = skewed

    async def run(self, changed: Callable[[], None]) -> None:
        """Beat until cancelled; ``changed`` is called when the versions stop or start to agree."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            before = self.outdated
            try:
                await self.beat()
            except Exception as error:
                log.error("municipality %s: no sign of life could be given (%s)", self.code, type(error).__name__)
                await self.close()
            if before != self.outdated:
                changed()

    async def close(self) -> None:
        """Give the lock back."""
        if self._connection is not None:
            await self._connection.close()
        self._connection = None

    async def _open(self) -> Connection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        self._connection = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True)
        await self._connection.execute(sql.NODE_LOCK, self._values)
        return self._connection


def wall_clock() -> datetime:
    """This host's clock, whatever clock the rules are judged by in a test."""
    return datetime.now(UTC)


def differences(installed: dict[str, str], current: dict[str, str]) -> list[str]:
    """Components whose installed version is not the current one; all of them where nothing was published."""
    return sorted(name for name in installed.keys() | current.keys() if installed.get(name) != current.get(name))
