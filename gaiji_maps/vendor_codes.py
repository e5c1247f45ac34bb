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
SELECTOR_RANGES = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))

JUKI_CODE = re.compile(r"J\+([0-9A-F]{4})\Z")
JUKI_PRIVATE = 0xF0000

CP932_USER_LEAD = range(0xF0, 0xFA)
CP932_PRIVATE = range(PRIVATE_FIRST, PRIVATE_FIRST + 1880)
KEIS_USER_LEAD = range(0x81, 0xA1)
KEIS_USER_TRAIL = range(0xA1, 0xFF)
KEIS_PRIVATE = range(PRIVATE_FIRST, PRIVATE_FIRST + 32 * 94)
# KEIS83 differs from EUC-JP here (dash); the one code that no map row may use.
KEIS_NOT_EUC = "A1BD"


class UserArea(NamedTuple):
    """Two-byte codes for a vendor's own characters: high and low bytes, and the private code point of the first."""

    first: int
    last: int
    low: int
    high: int
    private: int

    @property
    def _row(self) -> int:
        return self.high - self.low + 1

    def holds(self, code: int) -> bool:
        """Whether a two-byte code lies in the area."""
        return self.first <= code >> 8 <= self.last and self.low <= code & 0xFF <= self.high

    def has(self, character: str) -> bool:
        """Whether a character stands for a code of the area."""
        return 0 <= ord(character) - self.private < (self.last - self.first + 1) * self._row

    def character(self, code: int) -> str:
        """The private character of a code."""
        return chr(self.private + ((code >> 8) - self.first) * self._row + (code & 0xFF) - self.low)

    def code(self, character: str) -> str:
        """The code of a private character, as the vendor writes it."""
        row, column = divmod(ord(character) - self.private, self._row)
        return f"{self.first + row:02X}{self.low + column:02X}"


class Charset(NamedTuple):
    """How a charset names its characters: both functions take and give one, in Unicode also a base with a selector."""

    decode: Callable[[str], str]
    name: Callable[[str], str]


def decoded(charset: str, code: str) -> str:
    """What a vendor's code is after decoding: CP932 ``F040`` → U+E000. ``ValueError`` for no code.

    In Unicode ``U+8FBB U+E0100`` is a code as well: two code points that mean one character.
    """
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


def _decode_sequence(code: str) -> str:
    """``U+8FBB U+E0100``, a sequence of a foreign collection (Adobe-Japan1, 汎用電子); or a single code point."""
    base, _, selector = code.partition(" ")
    if not selector:
        return _decode_unicode(code)
    text = _decode_unicode(base) + _decode_unicode(selector)
    if _is_selector(text[0]) or not _is_selector(text[1]):
        raise ValueError("a sequence is a base and a variation selector")
    return text


def _name_sequence(text: str) -> str:
    return " ".join(map(_name_unicode, text))


def _is_selector(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in SELECTOR_RANGES)


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


def _areas(*areas: UserArea) -> Charset:
    """A charset whose user areas are named by their codes, and everything else by its code point."""

    def decode(code: str) -> str:
        if CODE_POINT.match(code):
            return _decode_unicode(code)
        number = int.from_bytes(bytes(_two_bytes(code)))
        area = next((one for one in areas if one.holds(number)), None)
        if area is None:
            raise ValueError("no code of a user area; other characters are named U+XXXX")
        return area.character(number)

    def name(character: str) -> str:
        area = next((one for one in areas if one.has(character)), None)
        return area.code(character) if area else _name_unicode(character)

    return Charset(decode, name)


def _decode_juki(code: str) -> str:
    match = JUKI_CODE.match(code)
    return chr(JUKI_PRIVATE + int(match[1], 16)) if match else _decode_unicode(code)


def _name_juki(character: str) -> str:
    point = ord(character)
    return (
        f"J+{point - JUKI_PRIVATE:04X}" if JUKI_PRIVATE <= point < JUKI_PRIVATE + 0xFFFE else _name_unicode(character)
    )


_KEIS_USER = UserArea(0x81, 0xA0, 0xA1, 0xFE, PRIVATE_FIRST)
_JEF_USER = UserArea(0x80, 0xA0, 0xA1, 0xFE, PRIVATE_FIRST)
_JEF_EXTENDED = UserArea(0x41, 0x7F, 0xA1, 0xFE, 0xF0000)
_IBM_USER = UserArea(0x69, 0x7F, 0x41, 0xFE, PRIVATE_FIRST)
_UNICODE = Charset(_decode_sequence, _name_sequence)

CHARSETS: dict[str, Charset] = {
    "cp932-eudc": Charset(_decode_cp932, _name_cp932),
    "keis83": Charset(_decode_keis, _name_keis),
    "keis78": _areas(_KEIS_USER),
    "jef": _areas(_JEF_USER, _JEF_EXTENDED),
    "ibm-930": _areas(_IBM_USER),
    "ibm-939": _areas(_IBM_USER),
    "utf-8": _UNICODE,
    "utf-16": _UNICODE,
    "utf-16be": _UNICODE,
    "utf-16le": _UNICODE,
    "juki-unified": Charset(_decode_juki, _name_juki),
}
