"""The node's renderers (作成プロセスの組): each draws for one request at a time, over a socket of its own.

A renderer that did not give a whole answer to its job is killed and replaced, whatever the reason (it died, it hangs,
the request timed out or was given up): what it might still send belongs to nobody.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from issuance_api import metrics
from issuance_api.forms import PageData
from issuance_api.renderer.frames import HEAD, TOKEN_BYTES, BrokenFrame, Job, frame, head, page_of
from issuance_api.rendering import form_of
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT
from records.errors import UtsushiError

COMMAND = (sys.executable, "-m", "issuance_api.renderer")
START_AGAIN_SECONDS = 1.0
TRIES = 2  # the same job again gives the same bytes, so a renderer that dies is nobody's trouble

log = logging.getLogger("issuance_api")


class RendererLost(UtsushiError):
    """作成プロセスの異常終了: renderers died over this job; nothing was made."""

    code = "renderer_lost"

    def __init__(self) -> None:
        super().__init__("the renderers ended while they drew")


@dataclass(slots=True, eq=False)
class Renderer:
    """One process and our end of its socket."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def draw(self, job: bytes) -> bytes:
        """The answer to a job; ``BrokenFrame`` or ``EOFError`` when it is none."""
        token = secrets.token_bytes(TOKEN_BYTES)
        self.writer.write(frame(token, job))
        await self.writer.drain()
        length, answered = head(await self.reader.readexactly(HEAD.size))
        if answered != token:
            raise BrokenFrame("an answer to another job")
        return await self.reader.readexactly(length)

    async def end(self) -> None:
        """At once; it has nothing to finish."""
        self.writer.close()
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


class RendererPool:
    """As many renderers as were asked for; who comes later waits for one."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free: asyncio.Queue[Renderer] = asyncio.Queue()
        self._replacing: set[asyncio.Task[None]] = set()
        self._all: set[Renderer] = set()

    async def draw(self, municipality: Municipality, page: PageData) -> bytes:
        """The PDF of a page whose glyphs are known to be there, or the errors of ``frames.page_of``.

        ``RendererLost`` when renderers died over it.
        """
        job = Job(form_of(municipality, page.kind), page.json()).encode()
        for _ in range(self._count + TRIES - 1):  # all of them may have died idle, unnoticed
            with suppress(BrokenFrame, EOFError, ConnectionError):
                return page_of(await self._draw(job))
        raise RendererLost

    async def _draw(self, job: bytes) -> bytes:
        renderer = await self._free.get()
        try:
            answer = await renderer.draw(job)
        except BaseException:  # also when the request is cancelled: its answer may still be on the way
            self._replace(renderer)
            raise
        self._free.put_nowait(renderer)
        return answer

    def _replace(self, lost: Renderer) -> None:
        metrics.renderers_replaced.inc()
        log.warning("a renderer is replaced")
        task = asyncio.create_task(self._renew(lost))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _renew(self, lost: Renderer) -> None:
        self._all.discard(lost)
        await lost.end()
        while True:
            try:
                return await self.start()
            except OSError as error:  # no process can be had now: the node is smaller until there is one
                log.error("no renderer could be started: %s", type(error).__name__)
                await asyncio.sleep(START_AGAIN_SECONDS)

    async def start(self) -> None:
        """One more renderer."""
        renderer = await _started()
        self._all.add(renderer)
        self._free.put_nowait(renderer)

    async def close(self) -> None:
        """End all of them."""
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        for one in tuple(self._all):
            await one.end()


@asynccontextmanager
async def open_renderers(count: int) -> AsyncIterator[RendererPool]:
    """The pool, which ends with the block."""
    pool = RendererPool(count)
    try:
        for _ in range(count):
            await pool.start()
        yield pool
    finally:
        await pool.close()


async def _started() -> Renderer:
    """With an environment of nothing but what Python needs: no secret, no address of a database."""
    ours, theirs = socket.socketpair()
    environment = {"PYTHONPATH": str(CHECKOUT), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
    try:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            str(theirs.fileno()),
            pass_fds=(theirs.fileno(),),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    finally:
        theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours)
    return Renderer(process, reader, writer)
