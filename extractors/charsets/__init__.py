"""Vendors' charsets, both ways. Private characters (外字) become U+E000 and up; what they mean is ``gaiji_maps``' matter.

``decode`` and ``encode`` work on one text, by the names that layouts use; columns of fixed records are ``host_columns``'
matter, whole files of sixteen-bit charsets ``wide``'s.
"""

from __future__ import annotations

from types import ModuleType

from extractors.charsets import cp932, host, utf8, wide

_MODULES: dict[str, ModuleType] = {"cp932-eudc": cp932, "utf-8": utf8}
WIDE = ("utf-16", "utf-16be", "utf-16le", "juki-unified")
NAMES = (*_MODULES, *host.names(), *WIDE)


class Broken(Exception):
    """Bytes that the charset does not allow; ``offset`` counts from the start of what was given."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        self.reason = reason
        super().__init__(f"{reason} at byte {offset}")


def decode(charset: str, data: bytes) -> str:
    """Text of ``data``; raises ``Broken`` with the byte offset."""
    try:
        if charset in WIDE:
            return wide.decode(charset, data)
        if charset in _MODULES:
            return str(_MODULES[charset].decode(data))
        return host.charset(charset).decode(data)
    except UnicodeDecodeError as error:
        raise Broken(error.start, error.reason) from None


def encode(charset: str, text: str) -> bytes:
    """Bytes of ``text``; raises ``UnicodeEncodeError`` for what the charset does not have."""
    if charset in WIDE:
        return wide.encode(charset, text)
    if charset in _MODULES:
        return bytes(_MODULES[charset].encode(text))
    return host.charset(charset).encode(text)
