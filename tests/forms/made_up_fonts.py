"""Made-up fonts and a town that may use them: nothing in them comes from a real font."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fictional_people import CODE
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

from municipalities.registry import Municipality, get
from municipalities.site import CHECKOUT

EM = 1000


def town_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str = "") -> Municipality:
    """The fictional town in a folder outside the checkout, with more at the end of its settings."""
    root = folder / "municipalities"
    shutil.copytree(CHECKOUT / "municipalities" / CODE, root / CODE)
    monkeypatch.setenv("UTSUSHI_MUNICIPALITIES", str(root))
    monkeypatch.setenv("UTSUSHI_HOME", str(folder / "home"))
    if settings:
        path = root / CODE / "settings.toml"
        path.write_text(path.read_text("utf-8") + "\n" + settings, "utf-8")
    return get(CODE)


def plane_16_font(
    path: Path, code_points: Sequence[int], *, cff: bool = False, composite: bool = False, called: str = "g{:X}"
) -> Path:
    """A font in which every character is another little stairs; composites are a stairs and a bar beside it."""
    names = {code_point: called.format(code_point) for code_point in code_points}
    glyphs: dict[str, Any] = {".notdef": _drawn([], cff)}
    for number, name in enumerate(names.values(), 1):
        glyphs[f"{name}.part" if composite else name] = _drawn(_stairs(number), cff)
        if composite:
            pen = TTGlyphPen(glyphs)
            pen.addComponent(f"{name}.part", (0.5, 0, 0, 0.5, 17 * number, 0))
            pen.addComponent(f"{name}.part", (0.25, 0, 0, 0.25, 600, 11 * number))
            glyphs[name] = pen.glyph()
    family = f"Made Up {path.stem}"
    _save(path, family, glyphs, names, cff)
    return path


def _stairs(number: int) -> list[tuple[int, int]]:
    """The bits of a number as steps."""
    points, x = [(50, 0)], 50
    for bit in f"{number:08b}":
        y = 300 + 300 * int(bit)
        points += [(x, y), (x + 80, y)]
        x += 80
    return [*points, (x, 0)]


def _drawn(points: list[tuple[int, int]], cff: bool) -> Any:
    pen = T2CharStringPen(EM, None) if cff else TTGlyphPen(None)
    if points:
        pen.moveTo(points[0])
        for point in points[1:]:
            pen.lineTo(point)
        if cff:
            pen.curveTo((600, -40), (200, -80), points[0])
        pen.closePath()
    return pen.getCharString() if cff else pen.glyph()


def _save(path: Path, family: str, glyphs: Mapping[str, Any], names: Mapping[int, str], cff: bool) -> None:
    builder = FontBuilder(EM, isTTF=not cff)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(dict(names))
    if cff:
        builder.setupCFF(family.replace(" ", ""), {}, glyphs, {})
    else:
        builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (EM, 0)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    named = {"familyName": family, "styleName": "Regular", "fullName": family, "psName": family.replace(" ", "")}
    builder.setupNameTable({**named, "uniqueFontIdentifier": family, "version": "Version 1.000"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
