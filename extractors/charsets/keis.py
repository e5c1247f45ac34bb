"""KEIS83 of Hitachi mainframes, one of the ``host`` charsets, under names of its own: control records are written in it."""

from __future__ import annotations

from extractors.charsets import host
from extractors.charsets.host import INVALID, Codes
from extractors.charsets.host_columns import Bytes, Decoded
from extractors.charsets.host_columns import decode_column as _decode_column

__all__ = ["INVALID", "decode", "decode_column", "encode", "one_byte", "two_byte"]


def one_byte() -> Codes:
    """EBCDIK: code point of each byte, ``INVALID`` where there is none."""
    return host.charset("keis83").one


def two_byte() -> Codes:
    """Code point of each two-byte code, ``INVALID`` where there is none."""
    return host.charset("keis83").two


def decode(data: bytes) -> str:
    """A mixed text (混在); ``UnicodeDecodeError`` with the offset of the first broken byte."""
    return host.charset("keis83").decode(data)


def encode(text: str) -> bytes:
    """A mixed text: characters of EBCDIK as one byte, all others between shifts."""
    return host.charset("keis83").encode(text)


def decode_column(column: Bytes, kind: str) -> Decoded:
    """Decode a column of fixed fields of KEIS83."""
    return _decode_column(host.charset("keis83"), column, kind)
