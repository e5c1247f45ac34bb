"""Vendors' charsets, both ways. Private characters (外字) become U+E000 and up; what they mean is ``gaiji_maps``' matter.

``decode`` and ``encode`` work on one text; ``columns`` decodes whole columns of fixed records.
"""

from __future__ import annotations

from types import ModuleType

from extractors.charsets import cp932, keis, utf8

_CHARSETS: dict[str, ModuleType] = {"cp932-eudc": cp932, "utf-8": utf8, "keis83": keis}


class Broken(Exception):
    """Bytes that the charset does not allow; ``offset`` counts from the start of what was given."""

    def __init__(self, offset: int, reason: str) -> None:
        self.offset = offset
        self.reason = reason
        super().__init__(f"{reason} at byte {offset}")


def decode(charset: str, data: bytes) -> str:
    """Text of ``data``; raises ``Broken`` with the byte offset."""
    try:
        return str(_CHARSETS[charset].decode(data))
    except UnicodeDecodeError as error:
        raise Broken(error.start, error.reason) from None


def encode(charset: str, text: str) -> bytes:
    """Bytes of ``text``; raises ``UnicodeEncodeError`` for what the charset does not have."""
    return bytes(_CHARSETS[charset].encode(text))
