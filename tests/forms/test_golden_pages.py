"""The certificates of fixed fictional people look as they did when somebody last looked at them."""

from __future__ import annotations

import json
from functools import cache

import pytest
from drawn import GOLDEN, drawn_list, pictures
from fictional_people import golden_pages
from PIL import Image, ImageChops, ImageStat

from issuance_api.checking import check
from issuance_api.rendering import Renderer
from municipalities.registry import get

PAGES = golden_pages()
MM_TOLERANCE = 0.2
GREY_TOLERANCE = 2.0  # mean difference of grey levels: the picture was reduced to 16


@cache
def _renderer() -> Renderer:
    return Renderer()


@cache
def drawn_pdf(name: str) -> bytes:
    """The golden certificate, drawn now."""
    code, page = PAGES[name]
    return _renderer().render(get(code), page)


@pytest.mark.clause("1(2)", "2(2)②")
@pytest.mark.parametrize("name", PAGES)
def test_everything_stands_where_it_stood(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    found = drawn_list(drawn_pdf(name))
    assert [one[:2] for one in found] == [one[:2] for one in golden]
    moved = [one for one, two in zip(found, golden, strict=True) if _distance(one[2:], two[2:]) > MM_TOLERANCE]
    assert not moved


@pytest.mark.parametrize("name", PAGES)
def test_it_looks_as_it_looked(name: str) -> None:
    for number, picture in enumerate(pictures(drawn_pdf(name)), 1):
        golden = Image.open(GOLDEN / f"{name}-{number}.png").convert("L")
        assert golden.size == picture.size
        assert ImageStat.Stat(ImageChops.difference(golden, picture)).mean[0] < GREY_TOLERANCE


@pytest.mark.parametrize("name", PAGES)
def test_it_passes_the_check_before_sending(name: str) -> None:
    code, page = PAGES[name]
    check(get(code), page, drawn_pdf(name))


@pytest.mark.parametrize("name", PAGES)
def test_the_same_data_gives_the_same_bytes_also_from_another_renderer(name: str) -> None:
    code, page = PAGES[name]
    assert Renderer().render(get(code), page) == drawn_pdf(name)


def _distance(one: list[float], two: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, two, strict=True))
