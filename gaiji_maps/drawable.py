"""Which code points can be one drawn character at all (描ける文字), whatever a font's cmap says.

Controls and what is invisible leave no ink, and a combining mark melts with the letter before it into a glyph that
nobody demanded. Which of the others a font has is ``font_coverage``'s matter.
"""

from __future__ import annotations

import unicodedata
from functools import cache

ALL_CODE_POINTS = 0x110000
# Controls, invisible, bidirectional and separating characters, lone surrogates, tags, interlinear marks, the
# replacement character. A test compares this with the Unicode categories Cc, Cf, Cs, Zl, Zp, Zs and with noncharacters.
FORBIDDEN_RANGES = (
    (0x0000, 0x001F), (0x007F, 0x00A0), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x1680, 0x1680),
    (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3164, 0x3164),
    (0xD800, 0xDFFF), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFF), (0x110BD, 0x110BD),
    (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE00FF), (0xE01F0,
    0xE0FFF), *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, ALL_CODE_POINTS, 0x10000)),
)  # fmt: skip

# The planes that can hold combining marks: 2 and 3 are ideographs, 4 to 13 empty, 15 and 16 private. Asking about all
# million code points would cost every process a third of a second.
_WITH_MARKS = (range(0x20000), range(0xE0000, 0xF0000))


@cache
def undrawable() -> frozenset[int]:
    """Every code point that is no character of its own on paper: forbidden ones and combining marks."""
    forbidden = {point for first, last in FORBIDDEN_RANGES for point in range(first, last + 1)}
    marks = {point for points in _WITH_MARKS for point in points if unicodedata.category(chr(point))[0] == "M"}
    return frozenset(forbidden | marks)
