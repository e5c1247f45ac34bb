"""One issuing process (発行プロセス): the JSON interface and the centre's, on ports of their own, over one node.

The node opens before anything listens and closes when both have finished what they had accepted. Whatever ends one of
them ends the process.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from socket import socket

import uvicorn

from issuance_api.app import create_app
from issuance_api.centre.doorkeeper import Doorkeeper
from issuance_api.centre.endpoint import WideArea
from issuance_api.centre.settings import CentreSettings
from issuance_api.centre.transport import CentreServer, Limits, server_context
from issuance_api.nodes import Settings

GRACE_SECONDS = 40  # longer than a request's deadline: what was accepted is finished


@dataclass(frozen=True, slots=True)
class Centre:
    """The centre's side: who may ask, where it listens, what it may take."""

    settings: CentreSettings
    sockets: Sequence[socket]
    limits: Limits = field(default_factory=Limits)


class _Plain(uvicorn.Server):
    """uvicorn's server; signals are the process's own business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured here."""
        yield


class Process:
    """The servers of one process; ``run`` returns when all has been finished."""

    def __init__(self, settings: Settings, sockets: Sequence[socket], centre: Centre | None = None) -> None:
        self._app = create_app(replace(settings, retire=self.stop))
        config = uvicorn.Config(
            self._app, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=GRACE_SECONDS
        )
        self._loop_factory = config.get_loop_factory()
        self._servers: list[tuple[uvicorn.Server, list[socket]]] = [(_Plain(config), list(sockets))]
        if centre is not None:
            self._servers.append((self._centre(centre), list(centre.sockets)))

    def run(self) -> None:
        """Serve until told to stop; ``ConfigurationError`` when this host may serve no municipality."""
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(self.serve())

    def listening(self) -> bool:
        """Whether all servers take requests."""
        return all(server.started for server, _ in self._servers)

    def stop(self) -> None:
        """Take nothing more, finish what was accepted. May be called from any thread."""
        for server, _ in self._servers:
            server.should_exit = True

    async def serve(self) -> None:
        """As ``run``, on a loop that is there."""
        self._hear_signals()
        async with self._app.router.lifespan_context(self._app), asyncio.TaskGroup() as group:
            for server, sockets in self._servers:
                group.create_task(self._one(server, sockets))

    async def _one(self, server: uvicorn.Server, sockets: list[socket]) -> None:
        try:
            await server.serve(sockets)
        finally:
            self.stop()

    def _centre(self, centre: Centre) -> CentreServer:
        settings = centre.settings
        context = server_context(settings.server, settings.authority, settings.key)
        app = WideArea(lambda: self._app.state.node, Doorkeeper(settings), centre.limits)
        return CentreServer(app, context, centre.limits, GRACE_SECONDS)

    def _hear_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
