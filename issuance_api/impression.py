"""The registered seal's imprint (印影) as it is printed: the same pixels, in true size."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from records.errors import CheckFailed

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
DOTS_PER_INCH = 600  # as the register keeps imprints
MM_PER_INCH = 25.4
LEAST_MM, MOST_MM = 7.5, 25.5  # 8 to 25 mm, with a border of some dots
BIT_DEPTH = 1


@dataclass(frozen=True, slots=True)
class Impression:
    """A 1-bit PNG; width and height in pixels at 600 dpi."""

    png: bytes
    width: int
    height: int

    @classmethod
    def read(cls, png: bytes) -> Impression:
        """The imprint in ``png``; ``CheckFailed`` unless it is a 1-bit PNG of a seal's size."""
        if len(png) < 29 or png[:8] != PNG_SIGNATURE or png[12:16] != b"IHDR":
            raise CheckFailed("the imprint is no PNG")
        width, height, depth = struct.unpack(">IIB", png[16:25])
        if depth != BIT_DEPTH:
            raise CheckFailed("the imprint is not a 1-bit image")
        if not all(LEAST_MM <= in_mm(side) <= MOST_MM for side in (width, height)):
            raise CheckFailed("the imprint is smaller or larger than a seal can be")
        return cls(png, width, height)

    def values(self) -> dict[str, Any]:
        """As the template reads it: bytes as numbers (Typst has no base64), size in mm."""
        return {"png": list(self.png), "width_mm": in_mm(self.width), "height_mm": in_mm(self.height)}


def in_mm(pixels: int) -> float:
    """Length in mm of ``pixels`` at 600 dpi, to a thousandth."""
    return round(pixels / DOTS_PER_INCH * MM_PER_INCH, 4)
