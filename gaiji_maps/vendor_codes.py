"""Names of vendors' character codes (外字コード): ``F040``, ``81A1``, ``U+E000`` ↔ the character after decoding.

The map and every message use the vendor's own name, because that is what the vendor's staff can look up. Whole files
are decoded in ``extractors``; here it is one code at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

PRIVATE_FIRST = 0xE000
TWO_BYTES = re.compile(r"[0-9A-F]{4}\Z")
CODE_POINT = re.compile(r"U\+([0-9A-F]{4,6})\Z")

CP932_USER_LEAD = range(0xF0, 0xFA)
CP932_PRIVATE = range(PRIVATE_FIRST, PRIVATE_FIRST + 1880)
KEIS_USER_LEAD = range(0x81, 0xA1)
KEIS_USER_TRAIL = range(0xA1, 0xFF)
KEIS_PRIVATE = range(PRIVATE_FIRST, PRIVATE_FIRST + 32 * 94)
# KEIS83 differs from EUC-JP here (dash); the one code that no map row may use.
KEIS_NOT_EUC = "A1BD"


class Charset(NamedTuple):
    """How a charset names its characters: both functions take and give one character."""

    decode: Callable[[str], str]
    name: Callable[[str], str]


def decoded(charset: str, code: str) -> str:
    """The character that a vendor's code has after decoding: CP932 ``F040`` → U+E000. ``ValueError`` for no code."""
    return CHARSETS[charset].decode(code)


def code_of(charset: str, character: str) -> str:
    """The vendor's code of a decoded character; ``U+XXXX`` where the charset has none."""
    return CHARSETS[charset].name(character)


def _decode_cp932(code: str) -> str:
    high, low = _two_bytes(code)
    if high in CP932_USER_LEAD:
        if not (0x40 <= low <= 0xFC and low != 0x7F):
            raise ValueError("no code of the user area F040-F9FC")
        return chr(PRIVATE_FIRST + (high - 0xF0) * 188 + low - (0x41 if low >= 0x80 else 0x40))
    return _single(bytes((high, low)), "cp932")


def _name_cp932(character: str) -> str:
    if ord(character) in CP932_PRIVATE:
        high, rest = divmod(ord(character) - PRIVATE_FIRST, 188)
        return f"{0xF0 + high:02X}{rest + (0x41 if rest >= 0x3F else 0x40):02X}"
    return _encoded(character, "cp932")


def _decode_keis(code: str) -> str:
    high, low = _two_bytes(code)
    if high in KEIS_USER_LEAD:
        if low not in KEIS_USER_TRAIL:
            raise ValueError("no code of the user area 81A1-A0FE")
        return chr(PRIVATE_FIRST + (high - 0x81) * 94 + low - 0xA1)
    if code == KEIS_NOT_EUC:
        raise ValueError("A1BD is not mapped by name")
    return _single(bytes((high, low)), "euc_jp")


def _name_keis(character: str) -> str:
    if ord(character) in KEIS_PRIVATE:
        high, low = divmod(ord(character) - PRIVATE_FIRST, 94)
        return f"{0x81 + high:02X}{0xA1 + low:02X}"
    return _encoded(character, "euc_jp")


def _decode_unicode(code: str) -> str:
    match = CODE_POINT.match(code)
    if match is None or int(match[1], 16) > 0x10FFFF or 0xD800 <= int(match[1], 16) <= 0xDFFF:
        raise ValueError("no code point")
    return chr(int(match[1], 16))


def _name_unicode(character: str) -> str:
    return f"U+{ord(character):04X}"


def _two_bytes(code: str) -> tuple[int, int]:
    if not TWO_BYTES.match(code):
        raise ValueError("no two-byte code in upper-case hexadecimal")
    high, low = bytes.fromhex(code)
    return high, low


def _single(code: bytes, codec: str) -> str:
    """One character for two bytes that come back the same; doubled codes of CP932 would make the name ambiguous."""
    text = code.decode(codec)
    if len(text) != 1 or text.encode(codec) != code:
        raise ValueError("no single character, or not the code that comes back")
    return text


def _encoded(character: str, codec: str) -> str:
    try:
        return character.encode(codec).hex().upper()
    except UnicodeEncodeError:
        return _name_unicode(character)


CHARSETS: dict[str, Charset] = {
    "cp932-eudc": Charset(_decode_cp932, _name_cp932),
    "keis83": Charset(_decode_keis, _name_keis),
    "utf-8": Charset(_decode_unicode, _name_unicode),
}
