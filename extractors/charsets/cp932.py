"""CP932 with the user area (EUDC) F040–F9FC ↔ U+E000–U+E757, as Windows does it.

Python's own codec accepts bytes that no Japanese system sends (80, A0, FD, FE, FF) and the 398 doubled codes, which do
not come back the same. The stray bytes are errors here; doubled codes are decoded and counted by ``doubled``.
"""

from __future__ import annotations

import re

STRAY = {"\x80": "80", "\xa0": "A0", "\uf8f0": "A0", "\uf8f1": "FD", "\uf8f2": "FE", "\uf8f3": "FF"}
_STRAY = re.compile("[" + "".join(STRAY) + "]")
_LEAD = frozenset(range(0x81, 0xA0)) | frozenset(range(0xE0, 0xFD))


def decode(data: bytes) -> str:
    """Strict; ``UnicodeDecodeError`` also for bytes that only Python accepts."""
    text = data.decode("cp932")
    if any(mark in text for mark in STRAY):  # six quick searches; the regular expression is slow on megabytes
        stray = next(_STRAY.finditer(text))
        start = len(text[: stray.start()].encode("cp932"))
        raise UnicodeDecodeError("cp932-eudc", data, start, start + 1, "stray byte")
    return text


def decode_leniently(data: bytes) -> str:
    """As ``decode``, with U+FFFD for what is broken, so that the field it stands in can be named."""
    return _STRAY.sub("\ufffd", data.decode("cp932", "replace"))


def encode(text: str) -> bytes:
    """Strict; private characters U+E000–U+E757 become their user codes."""
    if stray := _STRAY.search(text):
        raise UnicodeEncodeError("cp932-eudc", text, stray.start(), stray.end(), "stray character")
    return text.encode("cp932")


def doubled(data: bytes) -> bool:
    """Whether ``data`` holds a code that does not come back the same (NEC row 13, NEC-selected IBM extensions …)."""
    return decode(data).encode("cp932") != data
