"""Pictures that are one thing to the check and another to whoever draws them (PNG chunks twice or out of order)."""

from __future__ import annotations

import struct
import zlib

import pytest

from extractors import imprint

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(side: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))


def pixels(side: int) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes(((side + 7) // 8 + 1) * side), 9))


DENSITY = chunk(b"pHYs", struct.pack(">IIB", imprint.DOTS_PER_METRE, imprint.DOTS_PER_METRE, 1))
COARSE = chunk(b"pHYs", struct.pack(">IIB", imprint.DOTS_PER_METRE // 4, imprint.DOTS_PER_METRE // 4, 1))
END = chunk(b"IEND", b"")

PICTURES = {
    "a huge header before, a good one behind": header(9_000) + DENSITY + pixels(9_000) + header(354) + END,
    "two headers at the start": header(9_000) + header(354) + DENSITY + pixels(354) + END,
    "a good header before, a huge one behind": header(354) + DENSITY + pixels(354) + header(9_000) + END,
    "two densities": header(354) + COARSE + DENSITY + pixels(354) + END,
    "the header is not first": DENSITY + header(354) + pixels(354) + END,
    "no header": DENSITY + pixels(354) + END,
    "no pixels": header(354) + DENSITY + END,
    "an end in the middle": header(354) + DENSITY + END + pixels(354) + END,
    "something between end and end of data": header(354) + DENSITY + pixels(354) + END + chunk(b"tEXt", b"a\0b"),
}


def test_the_same_picture_put_together_properly_passes() -> None:
    good = SIGNATURE + header(354) + DENSITY + pixels(354) + END
    assert imprint.check(good) == good


@pytest.mark.fault(22, 88)
@pytest.mark.parametrize("how", PICTURES)
def test_faults_22_and_88_pictures_with_two_faces_are_refused(how: str) -> None:
    with pytest.raises(imprint.BadImage, match=r"^damaged$"):
        imprint.check(SIGNATURE + PICTURES[how])
