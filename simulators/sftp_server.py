"""A vendor's SFTP server: its own host key, key authentication only, and nothing but outgoing files and requests.

Clients may read below ``outgoing`` and write below ``requests``, nothing else, as a vendor would allow. ``Trouble`` makes
the connection go wrong on demand.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import asyncssh

USER = "utsushi"
VISIBLE = ("outgoing", "requests")
WRITABLE = "requests"
WRITES = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC
TROUBLES = ("none", "refuse", "stall", "slow", "disconnect", "full")
SLOW_SECONDS = 1.0
STALL_SECONDS = 3_600.0


@dataclass(slots=True)
class Trouble:
    """What is wrong with the connection now.

    ``refuse`` ends every new connection, ``stall`` never answers a read, ``slow`` gives one byte a second,
    ``disconnect`` breaks off in the middle of a file, ``full`` lets nobody write.
    """

    kind: str = "none"


class _Server(asyncssh.SSHServer):
    """No passwords, whoever asks."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if self._trouble.kind == "refuse":
            conn.abort()

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False


class _Files(asyncssh.SFTPServer):
    """The vendor's folder as the root of everything."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path, trouble: Trouble) -> None:
        super().__init__(chan, chroot=os.fsencode(root))
        self._trouble = trouble

    def map_path(self, path: bytes) -> bytes:
        """Where ``path`` lies on the disk; nothing but ``outgoing`` and ``requests`` exists for clients."""
        parts = _parts(path)
        if parts and parts[0] not in VISIBLE:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return super().map_path(path)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """The entries of a directory; of the root only what clients may see."""
        async for entry in super().scandir(path):
            if _parts(path) or os.fsdecode(entry.filename) in (".", "..", *VISIBLE):
                yield entry

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & WRITES:
            self._may_write(path)
        return super().open(path, pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise asyncssh.SFTPOpUnsupported("SFTP version 3 only")

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if self._trouble.kind == "stall":
            await asyncio.sleep(STALL_SECONDS)
        if self._trouble.kind == "slow":
            await asyncio.sleep(SLOW_SECONDS)
            size = 1
        if self._trouble.kind == "disconnect" and offset:
            self.channel.get_connection().abort()
        elif self._trouble.kind == "disconnect":
            size = max(1, size // 2)
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)
        return data

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._may_write(oldpath, newpath)
        super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._may_write(oldpath, newpath)
        super().posix_rename(oldpath, newpath)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        self._may_write(path)
        super().setstat(path, attrs)

    def remove(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("nothing is removed here")

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("no directories are made here")

    def rmdir(self, path: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no directories are removed here")

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no links are made here")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPPermissionDenied("no links are made here")

    def _may_write(self, *paths: bytes) -> None:
        if self._trouble.kind == "full":
            raise asyncssh.SFTPFailure("no space left")
        if any(_parts(path)[:1] != (WRITABLE,) for path in paths):
            raise asyncssh.SFTPPermissionDenied("only requests may be written")


def _parts(path: bytes) -> tuple[str, ...]:
    """The parts of a client's path without ``/``, ``.`` and what ``..`` takes back."""
    found: list[str] = []
    for part in PurePosixPath("/", os.fsdecode(path)).parts[1:]:
        if part == "..":
            found = found[:-1]
        else:
            found.append(part)
    return tuple(found)


def ensure_key(path: Path) -> asyncssh.SSHKey:
    """The key in ``path``, made when there is none yet (Ed25519, readable by its owner only)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = asyncssh.generate_private_key("ssh-ed25519")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key())
    return asyncssh.read_private_key(path)


def public_line(key: asyncssh.SSHKey) -> str:
    """The public key as one OpenSSH line."""
    return key.export_public_key().decode().strip()


async def serve(
    root: Path,
    host_key: asyncssh.SSHKey,
    client_key: asyncssh.SSHKey,
    port: int = 0,
    trouble: Trouble | None = None,
) -> asyncssh.SSHAcceptor:
    """Serve ``root`` on 127.0.0.1; port 0 takes a free one."""
    now = trouble or Trouble()
    allowed = asyncssh.import_authorized_keys(public_line(client_key) + "\n")
    return await asyncssh.create_server(
        lambda: _Server(now),
        "127.0.0.1",
        port,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _Files(channel, root, now),
        sftp_version=3,
        allow_scp=False,
        authorized_client_keys=allowed,
    )
