"""The vendor's bytes of each batch, encrypted: from them any row can be mapped again after a gaiji was decided.

AES-256-GCM in chunks of 1 MiB; each chunk's number and whether it is the last are authenticated, so nothing can be
cut off, swapped or joined unseen. The key is the secret ``source.key`` of the synchronisation host.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from municipalities.site import ensure_secret, secret
from records.errors import Place, UtsushiError

SOURCE = "source.enc"
CHUNK = 1 << 20
_MAGIC = b"UTSUSHI1"
_TAG = 16


class VaultError(UtsushiError):
    """The stored bytes are damaged, or the key is not the one they were stored with."""

    code = "vault"


class Writer:
    """Encrypts what is written into ``path``; the file appears under its name only when it is closed without error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cipher = AESGCM(_key(create=True))
        self._prefix = secrets.token_bytes(8)
        self._number = 0
        self._pending = bytearray()
        self._part = path.with_name(path.name + ".part")
        self._file = self._part.open("wb")
        self._file.write(_MAGIC + self._prefix)

    def write(self, data: bytes) -> None:
        """Take more bytes."""
        self._pending += data
        while len(self._pending) > CHUNK:
            self._seal(bytes(self._pending[:CHUNK]), last=False)
            del self._pending[:CHUNK]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._seal(bytes(self._pending), last=True)
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            os.replace(self._part, self._path)
        else:
            self._part.unlink()

    def _seal(self, data: bytes, *, last: bool) -> None:
        nonce = self._prefix + self._number.to_bytes(4, "big")
        self._file.write(self._cipher.encrypt(nonce, data, b"last" if last else b"more"))
        self._number += 1


def read(path: Path) -> Iterator[bytes]:
    """The stored bytes in chunks of up to 1 MiB; ``VaultError`` when one was changed, cut off or moved."""
    cipher = AESGCM(_key(create=False))
    with path.open("rb") as file:
        head = file.read(len(_MAGIC) + 8)
        if head[: len(_MAGIC)] != _MAGIC:
            raise VaultError("not a stored source", Place(path.name))
        number, sealed = 0, file.read(CHUNK + _TAG)
        if not sealed:
            raise VaultError("damaged: cut off after its head", Place(path.name))
        while sealed:
            following = file.read(CHUNK + _TAG)
            nonce = head[len(_MAGIC) :] + number.to_bytes(4, "big")
            try:
                yield cipher.decrypt(nonce, sealed, b"more" if following else b"last")
            except InvalidTag:
                raise VaultError("damaged, or stored with another key", Place(path.name, row=number)) from None
            number, sealed = number + 1, following


def _key(*, create: bool) -> bytes:
    name = "source.key"
    value = ensure_secret(name, base64.b64encode(secrets.token_bytes(32)).decode()) if create else secret(name)
    return base64.b64decode(value)
