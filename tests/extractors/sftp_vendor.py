"""A real SFTP server (asyncssh) in a thread, on a free port, with a host key of its own; it misbehaves on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

from municipalities.registry import VendorServer

TIMEOUT = 2.0


@dataclass
class Behaviour:
    """Bytes of a file after which the server ``stall``s or ``drop``s; names that it claims to have; how it
    lies about sizes; what was opened."""

    stall: int | None = None
    drop: int | None = None
    claims: tuple[str, ...] = ()
    size_factor: int = 1
    opened: list[str] = field(default_factory=list)
    connections: int = 0


class Files(asyncssh.SFTPServer):
    """The folder as the root, with the faults of ``behaviour``."""

    def __init__(self, chan: Any, root: Path, behaviour: Behaviour) -> None:
        super().__init__(chan, chroot=str(root).encode())
        self._behaviour = behaviour

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        async for entry in super().scandir(path):
            yield entry
        regular = asyncssh.SFTPAttrs(permissions=0o100644, size=10, atime=1, mtime=1)
        for name in self._behaviour.claims:
            yield asyncssh.SFTPName(name.encode(), attrs=regular)

    def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        self._behaviour.opened.append(path.decode())
        return super().open(path, pflags, attrs)

    def fstat(self, file_obj: Any) -> Any:
        attrs = asyncssh.SFTPAttrs.from_local(super().fstat(file_obj))
        attrs.size = (attrs.size or 0) * self._behaviour.size_factor
        return attrs

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        if self._behaviour.stall is not None and offset >= self._behaviour.stall:
            await asyncio.sleep(3600)
        if self._behaviour.drop is not None and offset >= self._behaviour.drop:
            self.connection.abort()
        data: bytes = super().read(file_obj, offset, size)
        return data


class _Server(asyncssh.SSHServer):
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def connection_made(self, conn: Any) -> None:
        self._behaviour.connections += 1


class SftpVendor:
    """A context: the server runs inside it. ``address`` is what a municipality would have in its settings."""

    def __init__(self, root: Path, keys: Path, algorithm: str = "ssh-ed25519") -> None:
        self.root = root
        self.behaviour = Behaviour()
        self._keys = keys
        self.host_key = asyncssh.generate_private_key(algorithm)
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        keys.mkdir(exist_ok=True)
        self.client_key.write_private_key(str(keys / "client"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def address(self, **changes: Any) -> VendorServer:
        """The vendor's server as we know it; ``changes`` make us know something else."""
        known: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "utsushi",
            "host_key": self.host_key.export_public_key().decode().strip(),
            "key_file": self._keys / "client",
            "timeout_seconds": TIMEOUT,
        }
        return VendorServer(**{**known, **changes})

    def __enter__(self) -> Self:
        self._thread.start()
        self._listener = self._run(self._listen())
        self.port = self._listener.get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> Any:
        authorized = self._keys / "authorized"
        self.client_key.write_public_key(str(authorized))
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.host_key],
            authorized_client_keys=str(authorized),
            server_factory=lambda: _Server(self.behaviour),
            sftp_factory=lambda chan: Files(chan, self.root, self.behaviour),
        )

    async def _close(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)
