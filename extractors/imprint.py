"""Seal imprints (印影) as vendors send them: a 1-bit PNG at 600 dpi in true size, checked before it is decompressed.

The picture is hostile until proved otherwise: its header is read first, and only a small 1-bit greyscale picture is opened.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib

from PIL import Image

MAX_BYTES = 16_384
DOTS_PER_METRE = 23_622  # 600 dpi, as PNG's pHYs chunk writes it
MIN_MM, MAX_MM = 8, 25
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")


class BadImage(Exception):
    """The picture is not a seal imprint; the text says why, without showing it."""


def decode_base64(text: str) -> bytes:
    """Bytes of a base64 field; ``BadImage`` when it is not strict base64 or too long."""
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise BadImage("too_large")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadImage("not_base64") from None
    if base64.b64encode(data).decode() != text:  # Python also takes padding where none belongs
        raise BadImage("not_base64")
    return data


def check(data: bytes) -> bytes:
    """``data`` itself when it is a whole 1-bit PNG of 8 to 25 mm at 600 dpi; else ``BadImage``."""
    if len(data) > MAX_BYTES:
        raise BadImage("too_large")
    chunks = _chunks(data)
    width, height = _size(chunks.get(b"IHDR", b""))
    if chunks.get(b"pHYs") != struct.pack(">IIB", DOTS_PER_METRE, DOTS_PER_METRE, 1):
        raise BadImage("not_600_dpi")
    for dots in (width, height):
        if not MIN_MM <= dots / DOTS_PER_METRE * 1000 <= MAX_MM:
            raise BadImage("size_out_of_range")
    _open(data)
    return data


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Chunks by type, with every checksum compared and nothing behind the end."""
    if not data.startswith(_SIGNATURE):
        raise BadImage("not_png")
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if data[at + 8 + length : at + 12 + length] != zlib.crc32(kind + body).to_bytes(4, "big"):
            raise BadImage("damaged")
        # A second header would be another picture to whoever draws it than the one that was checked here.
        if (kind in found and kind != b"IDAT") or (kind == b"IHDR") != (not found) or b"IEND" in found:
            raise BadImage("damaged")
        found[kind] = body
        at += 12 + length
    if at != len(data) or b"IEND" not in found:
        raise BadImage("damaged")
    return found


def _size(header: bytes) -> tuple[int, int]:
    if len(header) != _HEADER.size:
        raise BadImage("damaged")
    width, height, depth, colour, *_ = _HEADER.unpack(header)
    if depth != 1 or colour not in (0, 3):
        raise BadImage("not_1_bit")
    return width, height


def _open(data: bytes) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, zlib.error, Image.DecompressionBombError):
        raise BadImage("damaged") from None
