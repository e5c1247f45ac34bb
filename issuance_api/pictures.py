"""The pictures of a finished PDF (公印・印影の画像), compared pixel by pixel with those that belong on it."""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import pikepdf
from PIL import Image

from records.errors import CheckFailed

# Digests of official seals by the bytes that stand for them in a PDF: of no person's imprint is anything remembered.
_seals: dict[tuple[bytes, ...], str] = {}


def shown(document: pikepdf.Pdf, seal: str) -> list[str]:
    """Digests of the pictures of all pages, sorted, each as often as a page names it; ``seal`` is remembered."""
    objects = [one for page in document.pages for one in page.Resources.get("/XObject", {}).values()]
    return sorted(_digest_of(one, seal) for one in objects)


def official_seal(folder: Path) -> str:
    """Digest of the municipality's official seal (公印)."""
    path = folder / "official_seal.png"
    return _official(path, path.stat().st_mtime_ns)


def imprint(png: bytes) -> str:
    """Digest of a seal's imprint (印影)."""
    return _digest(Image.open(io.BytesIO(png)).convert("RGBA"))


@lru_cache(maxsize=64)
def _official(path: Path, _changed: int) -> str:
    return _digest(Image.open(path).convert("RGBA"))


def _digest_of(picture: Any, seal: str) -> str:
    if picture.get("/Subtype") != pikepdf.Name.Image:
        raise CheckFailed("a page shows something that is no picture")
    mask = picture.get("/SMask")
    key = tuple(_key(one) for one in (picture, mask) if one is not None)
    if key in _seals:
        return _seals[key]
    image = pikepdf.PdfImage(picture).as_pil_image().convert("RGBA")
    if mask is not None:
        image.putalpha(pikepdf.PdfImage(mask).as_pil_image().convert("L"))
    found = _digest(image)
    if found == seal:
        _seals[key] = found
    return found


def _key(picture: Any) -> bytes:
    size = f"{picture.Width} {picture.Height} {picture.BitsPerComponent} {picture.get('/Decode')} "
    return hashlib.sha256(size.encode() + picture.read_raw_bytes()).digest()


def _digest(image: Image.Image) -> str:
    """Over size and what an eye sees on white paper: what lies under full transparency does not count."""
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)
    return hashlib.sha256(f"{image.size}".encode() + paper.convert("RGB").tobytes()).hexdigest()
