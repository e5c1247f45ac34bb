"""The vendor's SFTP server: pinned host key, key authentication only, time limits on everything.

Each failure becomes one word of the error tree; paramiko's own texts can hold names of keys and paths and stay out.
"""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko

from extractors.sources import CHUNK, MAX_FILE_BYTES, Entry, is_exchange_name
from municipalities.registry import VendorServer
from records.errors import AuthenticationRefused, ConfigurationError, HostKeyMismatch, Place, TransferError

MAX_ENTRIES = 1_000_000


class SftpSource:
    """One vendor's server."""

    def __init__(self, server: VendorServer) -> None:
        self._server = server

    @contextmanager
    def open(self) -> Iterator[SftpSession]:
        """Connect, prove who the server is before anything is said about us, and open one channel."""
        if not self._server.key_file.is_file():
            raise ConfigurationError("our private key for this vendor is missing", Place(self._server.key_file.name))
        with _failures("connect"):
            client = _connect(self._server)
        try:
            with _failures("open a channel"):
                channel = client.open_sftp()
                channel.get_channel().settimeout(self._server.timeout_seconds)  # type: ignore[union-attr]
            yield SftpSession(channel, self._server)
        finally:
            client.close()


class SftpSession:
    """An open channel; see ``sources.Session``."""

    def __init__(self, channel: paramiko.SFTPClient, server: VendorServer) -> None:
        self._channel = channel
        self._server = server

    def entries(self, feed: str) -> list[Entry]:
        """Regular files of the exchange pattern in the feed's outgoing directory."""
        found: list[Entry] = []
        with _failures("list the directory"):
            for number, entry in enumerate(self._channel.listdir_iter(self._outgoing(feed)), 1):
                if number > MAX_ENTRIES:
                    raise TransferError(f"more than {MAX_ENTRIES} entries in the directory")
                if is_exchange_name(entry.filename) and stat.S_ISREG(entry.st_mode or 0):
                    found.append(Entry(entry.filename, f"{entry.st_size}-{entry.st_mtime}"))
        return found

    def read(self, feed: str, name: str) -> Iterator[bytes]:
        """The file's bytes as they come, without prefetching (the size that the server tells is not trusted)."""
        place, taken = Place(name), 0
        with _failures("read", place), self._channel.open(f"{self._outgoing(feed)}/{name}", "rb") as file:
            while chunk := file.read(CHUNK):
                taken += len(chunk)
                if taken > MAX_FILE_BYTES:
                    raise TransferError("the file is larger than any exchange file may be", place)
                yield chunk

    def request(self, name: str, content: bytes) -> None:
        """Write under another name, then rename: the vendor never sees half a request."""
        target = f"{self._server.requests}/{name}"
        with _failures("write the request", Place(name)):
            with self._channel.open(target + ".part", "wb") as file:
                file.write(content)
            self._channel.posix_rename(target + ".part", target)

    def _outgoing(self, feed: str) -> str:
        return self._server.outgoing.format(feed=feed)


def _connect(server: VendorServer) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    kind, _, rest = server.host_key.partition(" ")
    name = server.host if server.port == 22 else f"[{server.host}]:{server.port}"
    key = paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0]))
    client.get_host_keys().add(name, kind, key)
    limit = server.timeout_seconds
    try:
        client.connect(
            server.host,
            server.port,
            server.user,
            key_filename=str(server.key_file),
            allow_agent=False,
            look_for_keys=False,
            timeout=limit,
            banner_timeout=limit,
            auth_timeout=limit,
            channel_timeout=limit,
        )
    except BaseException:
        client.close()
        raise
    return client


@contextmanager
def _failures(doing: str, place: Place | None = None) -> Iterator[None]:
    """paramiko's and the socket's errors in our words."""
    try:
        yield
    except paramiko.BadHostKeyException:
        raise HostKeyMismatch("the server's host key is not the pinned one; do not continue") from None
    except paramiko.AuthenticationException:
        raise AuthenticationRefused("the vendor's server refused our key") from None
    except paramiko.SSHException as error:
        if "not found in known_hosts" in str(error):
            raise HostKeyMismatch("the server shows a host key of another type than the pinned one") from None
        raise TransferError(f"could not {doing}: {type(error).__name__}", place) from None
    except FileNotFoundError:
        raise TransferError(f"could not {doing}: not there", place) from None
    except TimeoutError:
        raise TransferError(f"could not {doing}: no answer in time", place) from None
    except (OSError, EOFError) as error:
        raise TransferError(f"could not {doing}: {type(error).__name__}", place) from None
