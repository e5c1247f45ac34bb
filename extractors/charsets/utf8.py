"""UTF-8 with variation selectors and private characters as they are; a byte order mark inside a file is an error."""

from __future__ import annotations

BOM = "\ufeff"


def decode(data: bytes) -> str:
    """Strict: no overlong forms, no surrogates, no byte order mark."""
    text = data.decode("utf-8")
    if BOM in text:
        start = data.index(BOM.encode())
        raise UnicodeDecodeError("utf-8", data, start, start + 3, "byte order mark")
    return text


def decode_leniently(data: bytes) -> str:
    """As ``decode``, with U+FFFD for what is broken."""
    return data.decode("utf-8", "replace").replace(BOM, "\ufffd")


def encode(text: str) -> bytes:
    """Strict."""
    if BOM in text:
        start = text.index(BOM)
        raise UnicodeEncodeError("utf-8", text, start, start + 1, "byte order mark")
    return text.encode("utf-8")
