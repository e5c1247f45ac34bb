"""The vendors' side of the charsets: CP932 with its user area, KEIS83 with shifts, EBCDIK, kanji of 1978. Encoding only.

Written from the published tables for itself: what reads these bytes (``extractors.charsets``) is tried with it and must
not share a mistake with it.
"""

from __future__ import annotations

import re
from functools import cache

PRIVATE_FIRST = 0xE000
CP932_USER_CODES, KEIS_USER_CODES = 1_880, 32 * 94
TO_TWO, TO_ONE = b"\x0a\x42", b"\x0a\x41"
_PRIVATE = re.compile("[\ue000-\uf8ff]")

# Runs of EBCDIK: first byte, then the characters from there on.
_RUNS = {
    0x40: " ｡｢｣､･ｦｧｨｩ",
    0x4B: ".<(+|&ｪｫｬｭｮｯ",
    0x58: "ｰ",
    0x5A: "!¥*);",
    0x60: "-/",
    0x6B: ",%_>?",
    0x7A: ":#@'=\"",
    0x81: "ｱｲｳｴｵｶｷｸｹｺ",
    0x8C: "ｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉ",
    0x9D: "ﾊﾋﾌ",
    0xA2: "ﾍﾎﾏﾐﾑﾒﾓﾔﾕ",
    0xAC: "ﾖﾗﾘﾙ",
    0xBA: "ﾚﾛﾜﾝ",
    0xBE: "ﾞﾟ",
    0xC1: "ABCDEFGHI",
    0xD1: "JKLMNOPQR",
    0xE2: "STUVWXYZ",
    0xF0: "0123456789",
}
EBCDIK = {character: first + at for first, run in _RUNS.items() for at, character in enumerate(run)}


def cp932(text: str) -> bytes:
    """Text with private characters as F040–F9FC; ``UnicodeEncodeError`` for what the vendor can't have."""
    if not _PRIVATE.search(text):
        return text.encode("cp932")
    return b"".join(_cp932(character) for character in text)


def _cp932(character: str) -> bytes:
    """U+E000 + n is the n-th of 188 codes a row from F040; low byte 7F is left out."""
    number = ord(character) - PRIVATE_FIRST
    if 0 <= number < CP932_USER_CODES:
        low = number % 188 + 0x40
        return bytes((0xF0 + number // 188, low + (low >= 0x7F)))
    return character.encode("cp932")


def keis(text: str) -> bytes:
    """Mixed text: EBCDIK where it has the character, else two bytes between shifts; it ends in one-byte mode."""
    out, two = bytearray(), False
    for character in text:
        code = _keis(character)
        if (len(code) == 2) != two:
            two = not two
            out += TO_TWO if two else TO_ONE
        out += code
    return bytes(out + (TO_ONE if two else b""))


@cache
def _keis(character: str) -> bytes:
    number = ord(character) - PRIVATE_FIRST
    if 0 <= number < KEIS_USER_CODES:
        return bytes((0x81 + number // 94, 0xA1 + number % 94))
    if character == "　":
        return b"\x40\x40"
    if character == "—":
        return b"\xa1\xbd"
    if character in EBCDIK:
        return bytes((EBCDIK[character],))
    code = character.encode("euc_jp")
    if len(code) != 2 or code[0] < 0xA1:
        raise UnicodeEncodeError("keis83", character, 0, 1, "not in JIS X 0208")
    return code


# What 1983 swapped between the levels, and the four characters whose old forms only JEF is known to have.
_SWAPPED = "鰺鯵鶯鴬蠣蛎攪撹竈竃灌潅諫諌頸頚礦砿蘂蕊靱靭賤賎壺壷礪砺檮梼濤涛邇迩蠅蝿檜桧儘侭藪薮籠篭"
_PARTNER = {one: _SWAPPED[at ^ 1] for at, one in enumerate(_SWAPPED)}
_OLD_FORMS = dict(zip("堯槇遙瑤", "尭槙遥瑶", strict=True))


def kanji_of_1978(character: str, charset: str) -> bytes:
    """The two-byte code of a kanji in ``keis78`` or ``jef``; ``UnicodeEncodeError`` for what 1978 did not have."""
    modern = _PARTNER.get(character, character)
    if charset == "jef":
        modern = _OLD_FORMS.get(modern, modern)
    code = modern.encode("euc_jp")
    gone = character in _OLD_FORMS.values() or character in "凜熙" or (charset == "keis78" and character in _OLD_FORMS)
    if gone or len(code) != 2:
        raise UnicodeEncodeError(charset, character, 0, 1, "not known in 1978")
    return code
