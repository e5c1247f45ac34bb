"""Seal imprints: what is refused before it is opened, and that the others arrive bit by bit as they were sent."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors import imprint
from extractors.decode import DECODED, decode
from tests.extractors.vendor_files import LAYOUTS, Cell, batch, body, person


def png(mode: str = "1", size: tuple[int, int] = (354, 354), dpi: tuple[int, int] | None = (600, 600)) -> bytes:
    out = io.BytesIO()
    picture = Image.new(mode, size, 1 if mode == "1" else 200)
    if mode == "1":
        picture.paste(0, (20, 20, 200, 120))
    picture.save(out, "PNG", **({"dpi": dpi} if dpi else {}))
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int, inflated: int = 10_000_000) -> bytes:
    """A few kilobytes that would be a huge picture."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    density = struct.pack(">IIB", imprint.DOTS_PER_METRE, imprint.DOTS_PER_METRE, 1)
    pixels = zlib.compress(bytes(inflated), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"pHYs", density)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


GOOD = png()
HEAD = len(b"\x89PNG\r\n\x1a\n")
BAD = {
    "nothing": (b"", "not_png"),
    "a text": (b"<script>", "not_png"),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(100), "not_png"),
    "cut off": (GOOD[:-5], "damaged"),
    "half of it": (GOOD[: len(GOOD) // 2], "damaged"),
    "a flipped bit": (GOOD[:60] + bytes((GOOD[60] ^ 1,)) + GOOD[61:], "damaged"),
    "something behind its end": (GOOD + b"PK\x03\x04", "damaged"),
    "a second picture behind it": (GOOD + GOOD, "damaged"),
    "grey": (png("L"), "not_1_bit"),
    "colours": (png("RGB"), "not_1_bit"),
    "another resolution": (png(dpi=(300, 300)), "not_600_dpi"),
    "two resolutions": (png(dpi=(600, 300)), "not_600_dpi"),
    "no resolution": (png(dpi=None), "not_600_dpi"),
    "too small": (png(size=(188, 354)), "size_out_of_range"),
    "too wide": (png(size=(591, 354)), "size_out_of_range"),
    "no height": (bomb(354, 0), "size_out_of_range"),
    "a bomb by its dimensions": (bomb(50_000, 50_000), "size_out_of_range"),
    "too many bytes": (png() + bytes(imprint.MAX_BYTES), "too_large"),
    "pixels missing": (bomb(354, 354, 10), "damaged"),
}


@pytest.mark.fault(22)
@pytest.mark.parametrize("how", BAD)
def test_fault_22_what_is_no_imprint_is_refused(how: str) -> None:
    data, reason = BAD[how]
    with pytest.raises(imprint.BadImage, match=f"^{reason}$"):
        imprint.check(data)


@pytest.mark.fault(22)
def test_fault_22_a_bomb_of_text_is_refused() -> None:
    """A compressed comment that would fill the memory: Pillow's own limit on text stops it."""
    text = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(12_000_000), 9))
    with pytest.raises(imprint.BadImage):
        imprint.check(GOOD[: HEAD + 25] + text + GOOD[HEAD + 25 :])


@pytest.mark.parametrize("size", [(189, 189), (590, 590), (189, 590)])
def test_the_smallest_and_the_largest_imprint_pass(size: tuple[int, int]) -> None:
    assert imprint.check(png(size=size))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(GOOD)))
def test_junk_is_refused_and_never_anything_else(junk: bytes, at: int) -> None:
    data = GOOD[:at] + junk + GOOD[at:]
    try:
        passed = imprint.check(data)
    except imprint.BadImage:
        passed = None
    assert passed in (None, data)


@pytest.mark.parametrize("text", ["????", "AAA", "AAAA====", "AA AA", "AAAA\n", "Ａ" * 8])
def test_only_strict_base64_is_read(text: str) -> None:
    with pytest.raises(imprint.BadImage, match="not_base64"):
        imprint.decode_base64(text)


def carried(layout: str, data: bytes) -> dict[str, Cell]:
    """The cells of a picture in each vendor's way."""
    if layout == "naruto_fixed/1":
        return {"impression#@length": f"{len(data):05d}", "impression": data}
    return {"impression": base64.b64encode(data).decode()}


@pytest.mark.clause("3(1)②④⑥")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_imprints_arrive_as_they_were_sent_and_bad_ones_are_that_rows_problem(tmp_path: Path, layout: str) -> None:
    pictures = [GOOD, bomb(50_000, 50_000), png(size=(590, 590)), GOOD[:-1]]
    rows = [{**person(number), **carried(layout, picture)} for number, picture in enumerate(pictures, 1)]
    one = batch(tmp_path / "batch", layout, "seal", body(layout, "seal", [*rows, person(5)]), 5)
    decode(one)
    found = pq.read_table(one / DECODED).to_pylist()
    assert [row["impression"] for row in found] == [GOOD, None, pictures[2], None, None]
    bad = "bad_image:impression:"
    assert [row["problem"] for row in found] == [None, f"{bad}size_out_of_range", None, f"{bad}damaged", None]


@pytest.mark.parametrize("length", ["", "0", "1", "99999", "-5", "ABC"])
def test_a_wrong_length_of_a_raw_picture_gives_no_picture(tmp_path: Path, length: str) -> None:
    row: dict[str, Cell] = {**person(), "impression": GOOD, "impression#@length": length}
    one = batch(tmp_path / "batch", "naruto_fixed/1", "seal", body("naruto_fixed/1", "seal", [row]), 1)
    decode(one)
    assert pq.read_table(one / DECODED).to_pylist()[0]["impression"] is None


def test_the_largest_base64_is_not_decoded() -> None:
    with pytest.raises(imprint.BadImage, match="too_large"):
        imprint.decode_base64("A" * (imprint.MAX_BYTES * 2))
