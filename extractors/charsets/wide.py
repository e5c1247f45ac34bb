"""Sixteen-bit charsets of whole files (16ビット文字コード): UTF-16, and 住基ネット統一文字, which is **not** Unicode.

A file is turned into UTF-8 as it is read, so that everything after works on one form; what is broken becomes U+FFFD, and
half a unit at the end of a file is an error with its offset. 住基ネット統一文字 are read through the standard table only: an
unknown code becomes a private character of plane 15 and is reported by its own name (``J+845B``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from gaiji_maps.standard import table as standard
from records.errors import BrokenEncoding, LayoutMismatch, Place

BOM, REPLACEMENT = "\ufeff", "\ufffd"
UNIT = 2
UTF_16 = ("utf-16", "utf-16be", "utf-16le")
PRIVATE = 0xF0000  # J+XXXX that the table does not know is U+F0000 + XXXX
# The kanji of 住基ネット統一文字; everything else in sixteen bits is as in Unicode (kana, letters, signs).
KANJI = ((0x3400, 0x4DFF), (0x4E00, 0x9FFF), (0xAAA0, 0xD6FF), (0xF900, 0xFAFF))
HIGH, LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)
_LONE = re.compile("[\ud800-\udfff]")

Read = Callable[[bytes], str]


def transcoded(charset: str, chunks: Iterable[bytes], file: str) -> Iterator[bytes]:
    """The file as UTF-8, pairs of surrogates never parted. ``BrokenEncoding`` for half a unit at its end."""
    read, pending = _reader(charset), b""
    for number, data in enumerate(_whole_units(chunks, file)):
        units = pending + data
        if number == 0 and charset in UTF_16:
            read, units = _by_mark(charset, units, file)
        keep = len(units) - (UNIT if _ends_in_half_a_pair(charset, read, units) else 0)
        pending = units[keep:]
        yield _LONE.sub(REPLACEMENT, read(units[:keep])).replace(BOM, REPLACEMENT).encode("utf-8")
    if pending:
        yield REPLACEMENT.encode("utf-8")


def decode(charset: str, data: bytes) -> str:
    """Text of whole units; ``UnicodeDecodeError`` with the offset of the first broken one."""
    if len(data) % UNIT:
        raise UnicodeDecodeError(charset, data, len(data) - 1, len(data), "half a unit")
    text = _reader(charset)(data)
    for match in _LONE.finditer(text):
        start = UNIT * (match.start() + sum(ord(one) > 0xFFFF for one in text[: match.start()]))
        raise UnicodeDecodeError(charset, data, start, start + UNIT, "half a surrogate pair")
    return text


def encode(charset: str, text: str) -> bytes:
    """Bytes of ``text`` without a byte order mark; ``UnicodeEncodeError`` for what the charset does not have."""
    if charset != "juki-unified":
        return text.encode("utf-16-le" if charset == "utf-16le" else "utf-16-be")
    out, at = bytearray(), 0
    longest, codes = _juki_back()
    while at < len(text):
        part = next((text[at : at + size] for size in range(longest, 0, -1) if text[at : at + size] in codes), None)
        if part is None:
            raise UnicodeEncodeError(charset, text, at, at + 1, "no such character")
        out += codes[part].to_bytes(UNIT, "big")
        at += len(part)
    return bytes(out)


@cache
def juki_table() -> dict[int, str]:
    """住基ネット統一文字コード → text (base, or base and selector): of kanji by the standard table, of the rest as Unicode."""
    table = standard.table()
    found = {
        code: chr(code) for code in range(0x20, 0xFFFE) if not _is_kanji(code) and code not in HIGH and code not in LOW
    }
    for first, last in KANJI:
        for code in range(first, last + 1):
            name = table.by_resident_network_code(f"{code:04X}")
            texts = table[name].texts if name else ()
            found[code] = texts[0] if texts else chr(PRIVATE + code)
    return found | {code: chr(code) for code in (0x09, 0x0A, 0x0D)}


@cache
def _juki_back() -> tuple[int, dict[str, int]]:
    codes: dict[str, int] = {}
    for code, text in juki_table().items():
        codes.setdefault(text, code)
    return max(map(len, codes)), codes


def _is_kanji(code: int) -> bool:
    return any(first <= code <= last for first, last in KANJI)


def _reader(charset: str) -> Read:
    if charset == "juki-unified":
        return _read_juki
    return _read_utf16_le if charset == "utf-16le" else _read_utf16_be


def _read_utf16_be(data: bytes) -> str:
    return data.decode("utf-16-be", "surrogatepass")


def _read_utf16_le(data: bytes) -> str:
    return data.decode("utf-16-le", "surrogatepass")


def _read_juki(data: bytes) -> str:
    table = juki_table()
    units = (int.from_bytes(data[at : at + UNIT], "big") for at in range(0, len(data), UNIT))
    return "".join(table.get(unit, REPLACEMENT) for unit in units)


def _by_mark(charset: str, data: bytes, file: str) -> tuple[Read, bytes]:
    """The byte order mark at a file's beginning decides where the charset leaves it open, and must not contradict it."""
    mark = {b"\xfe\xff": "utf-16be", b"\xff\xfe": "utf-16le"}.get(data[:UNIT])
    if charset == "utf-16" and mark is None:
        raise LayoutMismatch("the byte order mark is missing", Place(file, offset=0))
    if mark is not None and charset not in ("utf-16", mark):
        raise LayoutMismatch("the byte order mark is the other one", Place(file, offset=0))
    return _reader(mark or charset), data[UNIT if mark else 0 :]


def _ends_in_half_a_pair(charset: str, read: Read, data: bytes) -> bool:
    if charset == "juki-unified" or len(data) < UNIT:
        return False
    last = int.from_bytes(data[-UNIT:], "little" if read is _read_utf16_le else "big")
    return last in HIGH


def _whole_units(chunks: Iterable[bytes], file: str) -> Iterator[bytes]:
    odd, size = b"", 0
    for chunk in chunks:
        size += len(chunk)
        data = odd + chunk
        even = len(data) // UNIT * UNIT
        odd = data[even:]
        if even:
            yield data[:even]
    if odd:
        raise BrokenEncoding("the file ends in half a unit of sixteen bits", Place(file, offset=size - 1))
