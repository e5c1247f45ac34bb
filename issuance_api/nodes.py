"""One issuing node (発行ノード): the services of its municipalities, opened and closed together, and its presence.

A municipality whose current versions are not what this host has installed is not served; a node that could serve none
refuses to start. Versions that change while it runs make it retire: what was accepted is finished, then it ends.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from issuance_api import offer
from issuance_api.installed import installed
from issuance_api.jpki.fetching import new_client
from issuance_api.jpki.settings import Mode
from issuance_api.jpki.settings import Settings as Jpki
from issuance_api.jpki.sources import Sources
from issuance_api.making import KosekiSystem
from issuance_api.presence import Presence
from issuance_api.refusals import ClockSkewed, NodeOutdated, NotFound
from issuance_api.renderer.pool import open_renderers
from issuance_api.repository import issuer_conninfo, open_repository
from issuance_api.service import IssuingService, Workshop
from issuance_api.service_hours import Clock, system_clock
from municipalities.registry import Municipality
from records.errors import ConfigurationError, UtsushiError

RENDERERS = 2
GOODBYE_SECONDS = 5.0

log = logging.getLogger("issuance_api")


def _nothing() -> None:
    """Nobody has to be told."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one process is made of; tests pass their own clock."""

    municipalities: tuple[Municipality, ...]
    clock: Clock = system_clock
    renderers: int = RENDERERS
    deadline_seconds: float = 30.0
    always_open: bool = False  # for demonstrations: no service hours
    koseki: Mapping[str, KosekiSystem] = field(default_factory=dict)  # by municipality code
    jpki: Jpki = field(default_factory=Jpki)
    node: str = field(default_factory=lambda: secrets.token_hex(8))  # this process, in the rows that it works on
    retire: Callable[[], None] = _nothing  # called when the node's versions are no longer the current ones


class Node:
    """Services and presences by municipality code."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services: dict[str, IssuingService] = {}
        self.presences: dict[str, Presence] = {}

    def service(self, code: str) -> IssuingService:
        """The service of a municipality; ``NotFound``, ``NodeOutdated`` where another version is current, ``ClockSkewed``."""
        presence = self.presences.get(code)
        if presence is not None and presence.outdated:
            raise NodeOutdated
        if presence is not None and presence.skewed:
            raise ClockSkewed
        if code not in self.services:
            raise NotFound
        return self.services[code]

    async def unavailable(self) -> list[str]:
        """Codes of the municipalities that can't be served now: outdated, not configured, clock off, or no database."""
        codes = [one.code for one in self.settings.municipalities]
        return [code for code in codes if not await self._available(code)]

    async def _available(self, code: str) -> bool:
        known = code in self.services and not self.presences[code].outdated and not self.presences[code].skewed
        return known and await self.services[code].repository.answers()

    async def open(self, one: Municipality, workshop: Workshop, stack: AsyncExitStack) -> None:
        """Serve one municipality; its trouble is not the others'."""
        try:
            offer.check(one)
            repository = await stack.enter_async_context(
                open_repository(one, self.settings.node, self.settings.jpki.links_without_issuer)
            )
            service = IssuingService(one, repository, workshop)
            conninfo = issuer_conninfo(one)
            presence = Presence(one.code, conninfo, self.settings.node, installed(one), lambda: service.working)
        except ConfigurationError as error:
            log.error("municipality %s is not served: %s", one.code, error)
            return
        await service.warm()
        stack.push_async_callback(self._leave, presence)
        self.presences[one.code], self.services[one.code] = presence, service
        try:
            await presence.beat()
        except UtsushiError as error:  # the database is down: it is asked again when it is needed
            log.error("municipality %s: no sign of life could be given (%s)", one.code, error.code)
        if presence.outdated:
            log.error("municipality %s is not served: not the current version: %s", one.code, presence.outdated)

    async def _leave(self, presence: Presence) -> None:
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await presence.beat("stopped")
                await presence.close()
        except (TimeoutError, UtsushiError) as error:
            log.error("municipality %s: the node could not say goodbye (%s)", presence.code, type(error).__name__)

    def watch(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start the beats; the first change of versions retires the node."""
        return [group.create_task(one.run(self.settings.retire)) for one in self.presences.values()]


async def _sources(jpki: Jpki, stack: AsyncExitStack) -> Sources | None:
    """Where revocation is asked, with connections that end with the node; None where the centre verifies."""
    if jpki.mode is not Mode.VERIFY_HERE:
        return None
    return jpki.sources(await stack.enter_async_context(new_client()))


@asynccontextmanager
async def open_node(settings: Settings) -> AsyncIterator[Node]:
    """A node with everything warm. ``ConfigurationError`` when none of its municipalities may be served."""
    node = Node(settings)
    async with AsyncExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(settings.renderers, "check"))
        workshop = Workshop(
            await stack.enter_async_context(open_renderers(settings.renderers)),
            executor,
            settings.clock,
            settings.deadline_seconds,
            settings.always_open,
            settings.koseki,
            settings.jpki,
            await _sources(settings.jpki, stack),
        )
        for one in settings.municipalities:
            await node.open(one, workshop, stack)
        outdated = {name for one in node.presences.values() for name in one.outdated}
        if node.presences and all(one.outdated for one in node.presences.values()):
            raise ConfigurationError(f"this host does not have the current version of: {', '.join(sorted(outdated))}")
        async with asyncio.TaskGroup() as group:
            beats = node.watch(group)
            try:
                yield node
            finally:
                for beat in beats:
                    beat.cancel()
