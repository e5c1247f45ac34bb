"""CP932 with the user area (EUDC) F040–F9FC ↔ U+E000–U+E757, as Windows does it.

Python's own codec accepts bytes that no Japanese system sends (80, A0, FD, FE, FF): they are errors here. 398 codes stand
for characters that Windows itself writes otherwise (374 NEC-selected IBM extensions ED40–EEFC, 9 of NEC row 13, 15 of the
IBM extensions); they are decoded and counted by ``doubled``. Python would write ED/EE where Windows writes FA–FC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

STRAY = {"\x80": "80", "\xa0": "A0", "\uf8f0": "A0", "\uf8f1": "FD", "\uf8f2": "FE", "\uf8f3": "FF"}
Flags = npt.NDArray[np.bool_]

# First bytes of doubled codes.
_POSSIBLE = np.isin(np.arange(256), (0x87, 0xED, 0xEE, 0xFA))
IBM_EXTENSIONS = range(0xFA, 0xFD)
_STRAY = re.compile("[" + "".join(STRAY) + "]")


def decode(data: bytes) -> str:
    """Strict; ``UnicodeDecodeError`` also for bytes that only Python accepts."""
    text = data.decode("cp932")
    if any(mark in text for mark in STRAY):  # six quick searches; the regular expression is slow on megabytes
        stray = next(_STRAY.finditer(text))
        start = len(text[: stray.start()].encode("cp932"))
        raise UnicodeDecodeError("cp932-eudc", data, start, start + 1, "stray byte")
    return text


def decode_column(column: pa.Array) -> tuple[pa.Array, int]:
    """A column of CP932 bytes (Arrow type ``string``, unchecked) as text, and how many codes in it are ``doubled``.

    As strict as ``decode``. The values have no line feed, so one keeps them apart meanwhile: it is no second byte, and
    a value that is cut stays an error of its own.
    """
    bare = column.buffers()[2]
    if bare is None or bare.to_pybytes().isascii():
        return column, 0
    lines = pc.binary_join_element_wise(column, "\n", "", null_handling="replace", null_replacement="")
    data = lines.buffers()[2].to_pybytes()
    text = decode(data).encode("utf-8", "surrogatepass")
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) - np.arange(len(column))
    bounds = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    decoded = pa.StringArray.from_buffers(len(column), pa.py_buffer(bounds), pa.py_buffer(text.translate(None, b"\n")))
    return (pc.if_else(column.is_valid(), decoded, None) if column.null_count else decoded), doubled(data)


def decode_leniently(data: bytes) -> str:
    """As ``decode``, with U+FFFD for what is broken, so that the field it stands in can be named."""
    return _STRAY.sub("\ufffd", data.decode("cp932", "replace"))


def encode(text: str) -> bytes:
    """Strict; private characters U+E000–U+E757 become their user codes."""
    if stray := _STRAY.search(text):
        raise UnicodeEncodeError("cp932-eudc", text, stray.start(), stray.end(), "stray character")
    return b"".join(_as_windows().get(character) or character.encode("cp932") for character in text)


def doubled(data: bytes) -> int:
    """How many codes of ``data`` do not come back the same (NEC row 13, NEC-selected IBM extensions …)."""
    codes = np.frombuffer(data, np.uint8)
    lead, pair = _tables()
    at = np.flatnonzero(_POSSIBLE[codes[:-1]])
    at = at[pair[codes[at].astype(np.uint16) << 8 | codes[at + 1]]]
    return int(np.count_nonzero(_begins_character(codes, at, lead)))


def _begins_character(codes: npt.NDArray[np.uint8], at: npt.NDArray[np.intp], lead: Flags) -> Flags:
    """A byte begins a character when an even number of possible first bytes stands right before it."""
    begins = np.ones(len(at), np.bool_)
    inside, back = np.arange(len(at)), 1
    while len(inside):
        before = at[inside] - back
        inside = inside[(before >= 0) & lead[codes[before]]]
        begins[inside] ^= True
        back += 1
    return begins


@cache
def _tables() -> tuple[Flags, Flags]:
    """Which bytes may begin a two-byte code, and which codes are doubled, as Python's codec has them."""
    lead, pair = np.zeros(256, np.bool_), np.zeros(65536, np.bool_)
    lead[0x81:0xA0] = lead[0xE0:0xFD] = True
    for code, character in _two_bytes(np.flatnonzero(lead).tolist()):
        pair[int.from_bytes(code, "big")] = encode(character) != code
    return lead, pair


@cache
def _as_windows() -> dict[str, bytes]:
    """The IBM extensions FA40–FC4B that Windows writes by these codes and Python by those of NEC."""
    codes = _two_bytes(IBM_EXTENSIONS)
    return {character: code for code, character in codes if 0xED <= character.encode("cp932")[0] <= 0xEE}


def _two_bytes(leads: Iterable[int]) -> Iterator[tuple[bytes, str]]:
    """All two-byte codes with these first bytes and their characters."""
    for high in leads:
        for low in range(0x40, 0xFD):
            text = bytes((high, low)).decode("cp932", "ignore")
            if len(text) == 1 and len(text.encode("cp932")) == 2:
                yield bytes((high, low)), text
