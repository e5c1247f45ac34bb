"""The composition of a form (様式の構成): in which order it draws its own words and the values that it is given.

Learned once for each shape of page data (how many people, of which kind, which tables) by drawing the form with a
character of its own in the place of every value. No value of anybody is used or kept for it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pikepdf

from issuance_api.drawn import Drawn, embedded_fonts, pages_drawn
from issuance_api.forms import PageData
from issuance_api.model import Kind
from issuance_api.outlines import Outlines, outlines_of
from issuance_api.rendering import Renderer, form_of
from municipalities.registry import Municipality
from records.errors import CheckFailed

Key = tuple[str | int, ...]
Words = tuple[bytes, ...]  # outlines of the form's own words
Pieces = tuple[tuple[Words | None, Key, float], ...]  # words or else the place of a value, and the height
# Characters of CJK Extension A, which no form writes its own words with.
TOKENS = range(0x3400, 0x4DB6)
NO_VALUES = frozenset({"digest", "impression", "issued"})  # not texts, or not drawn
ISSUED = {"year": 2000, "month": 1, "day": 1}
DIGEST = "0" * 64
# A square of 8 × 8 black pixels: the place of an imprint.
SQUARE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000008000000080100000000ec7483260000000b494441"
    "54789c63604005000010000139bd8f650000000049454e44ae426082"
)

_renderer = Renderer()


def expected(municipality: Municipality, page: PageData, demanded: Outlines) -> list[Drawn]:
    """What each page draws, in order, as this form draws these values; heights are those of the cells."""
    return [_filled(pieces, page.values, demanded) for pieces in _composed(municipality, page)]


def _filled(pieces: Pieces, values: dict[str, Any], demanded: Outlines) -> Drawn:
    filled = Drawn()
    for words, key, height in pieces:
        outlines = demanded.of_text(_value(values, key)) if words is None else words
        filled.outlines += outlines
        filled.heights += [height] * len(outlines)
    return filled


def _composed(municipality: Municipality, page: PageData) -> tuple[Pieces, ...]:
    form = form_of(municipality, page.kind)
    template = form.root / form.template.removeprefix("/")
    shape = json.dumps(_shape(page.values), sort_keys=True)
    return _learn(_ByFolder(municipality), page.kind, shape, template, template.stat().st_mtime_ns)


def _shape(values: Any) -> Any:
    """The structure without any text of it, and without what is not drawn as text."""
    if isinstance(values, dict):
        return {key: _shape(one) for key, one in values.items() if key not in NO_VALUES}
    if isinstance(values, list):
        return [_shape(one) for one in values]
    return "" if isinstance(values, str) else values


class _ByFolder:
    """A municipality as part of a key: its folder says all."""

    def __init__(self, municipality: Municipality) -> None:
        self.municipality = municipality

    def __hash__(self) -> int:
        return hash(self.municipality.folder)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByFolder) and self.municipality.folder == other.municipality.folder


@lru_cache(maxsize=512)
def _learn(by: _ByFolder, kind: Kind, shape: str, _template: Path, _changed: int) -> tuple[Pieces, ...]:
    demanded = outlines_of(by.municipality.folder)
    values = json.loads(shape)
    keys = list(_keys(values, ()))
    tokens = list(islice(_tokens(demanded), len(keys)))
    for key, (token, _) in zip(keys, tokens, strict=True):
        _put(values, key, token)
    meaning = {outline: key for key, (_, outline) in zip(keys, tokens, strict=True)}
    values |= {"digest": DIGEST, "issued": ISSUED}
    if kind is Kind.SEAL_REGISTRATION:
        values["impression"] = {"png": list(SQUARE), "width_mm": 10.0, "height_mm": 10.0}
    pdf = _renderer.compile(by.municipality, PageData(kind, values, (), DIGEST))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        pages = pages_drawn(document, embedded_fonts(document))
    return tuple(tuple(_pieces(page, meaning)) for page in pages)


def _pieces(page: Drawn, meaning: dict[bytes, Key]) -> Iterator[tuple[Words | None, Key, float]]:
    """Values one by one, the words between them together as far as they stand at one height."""
    drawn = zip(page.outlines, page.heights, strict=True)
    for (key, height), run in groupby(drawn, lambda one: (meaning.get(one[0], ()), one[1])):
        outlines = tuple(outline for outline, _ in run)
        yield from [(None, key, height)] * len(outlines) if key else [(outlines, (), height)]


def _tokens(demanded: Outlines) -> Iterator[tuple[str, bytes]]:
    """Characters with one outline each, no two alike."""
    seen = {b""}
    for code_point in TOKENS:
        try:
            outline = demanded.demanded(chr(code_point))
        except CheckFailed:  # in none of the fonts
            continue
        if outline not in seen:
            seen.add(outline)
            yield chr(code_point), outline
    raise CheckFailed("the form has more values than can be told apart")


def _keys(values: Any, before: Key) -> Iterator[Key]:
    """The places of all texts."""
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    for key, one in pairs:
        if isinstance(one, str):
            yield (*before, key)
        elif isinstance(one, dict | list):
            yield from _keys(one, (*before, key))


def _put(values: Any, key: Key, text: str) -> None:
    for one in key[:-1]:
        values = values[one]
    values[key[-1]] = text


def _value(values: Any, key: Key) -> str:
    for one in key:
        values = values[one]
    return str(values)
