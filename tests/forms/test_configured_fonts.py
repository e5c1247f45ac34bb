"""A second standard font on plane 16, plugged in by configuration: gates, drawing and proof by outline."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fictional_people import FATHER, ISSUE, application
from glyphs_on_paper import Demand, drawn_glyphs, standard
from made_up_fonts import plane_16_font, town_of_its_own

from gaiji_maps import correspondence, glyph_shapes, review
from gaiji_maps.font_coverage import coverage
from gaiji_maps.review import Act, Code
from issuance_api import rendering
from issuance_api.checking import check
from issuance_api.forms import PageData, Subject, page_data
from issuance_api.model import Kind
from issuance_api.rendering import Renderer, versions
from municipalities.registry import Municipality
from municipalities.site import Site, site, write_site
from records.errors import CheckFailed, ConfigurationError, IssueRefused

POINTS = [0x100000 + number for number in (0, 1, 5, 0x1234, 0xFFFD)]
TEXT = "".join(map(chr, POINTS))
RENDERER = Renderer()
KINDS = pytest.mark.parametrize(
    ("file", "made"), [("gj.ttf", {}), ("gj.otf", {"cff": True}), ("gj.ttf", {"composite": True})]
)


def page_of(town: Municipality, name: str) -> PageData:
    """住民票 of one person of this name."""
    person = replace(FATHER, name=name)
    return page_data(town, application(Kind.RESIDENT_RECORD), Subject(person, (person,)), ISSUE)


def settings_of(font: Path, planes: str = "[16]") -> str:
    return f'[[fonts]]\nname = "行政事務標準文字"\npath = "{font}"\nplanes = {planes}\n'


def outlines_on(pdf: bytes) -> list[bytes]:
    return [one.outline for page in drawn_glyphs(pdf) for one in page]


def contains(drawn: list[bytes], wanted: list[bytes]) -> bool:
    """Whether the glyphs stand one after the other."""
    return any(drawn[at : at + len(wanted)] == wanted for at in range(len(drawn)))


@pytest.mark.clause("3(1)⑨", "3(1)⑩")
@KINDS
def test_the_second_font_is_drawn_beside_the_first_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, made: dict[str, bool]
) -> None:
    (tmp_path / "fonts").mkdir()
    font = plane_16_font(tmp_path / "fonts" / file, POINTS, **made)
    town = town_of_its_own(tmp_path, monkeypatch)
    with pytest.raises(IssueRefused) as refusal:
        RENDERER.render(town, page_of(town, f"山{TEXT}"))
    assert (refusal.value.code, refusal.value.place.field) == ("unmapped_character", "U+100000")
    before = versions(town.folder)

    write_site(Site(fonts=({"name": "行政事務標準文字", "path": str(font), "planes": [16]},)))
    assert coverage(town.folder).covers(TEXT)
    assert coverage().covers(TEXT)
    assert (versions(town.folder).form, versions(town.folder).font != before.font) == (before.form, True)
    page = page_of(town, f"山{TEXT}葛\U000e0102")
    pdf = RENDERER.render(town, page)
    check(town, page, pdf)
    second = Demand(font)
    wanted = [*standard().outlines("山"), *second.outlines(TEXT), *standard().outlines("葛\U000e0102")]
    assert len(set(wanted)) == len(POINTS) + 2
    assert contains(outlines_on(pdf), wanted)


@pytest.mark.fault(119)
@KINDS
def test_a_glyph_of_the_second_font_that_is_another_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, made: dict[str, bool]
) -> None:
    """The page was drawn with one state of the font; what is demanded now looks different."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    town = town_of_its_own(tmp_path, monkeypatch, settings_of(folder / file))
    plane_16_font(folder / file, POINTS, **made)
    page = page_of(town, TEXT)
    pdf = RENDERER.render(town, page)
    check(town, page, pdf)
    plane_16_font(folder / file, [POINTS[-1], *POINTS[:-1]], **made)
    with pytest.raises(CheckFailed, match="not the one"):
        check(town, page, pdf)
    redrawn = RENDERER.render(town, page)
    check(town, page, redrawn)
    assert contains(outlines_on(redrawn), Demand(folder / file).outlines(TEXT))


def test_only_the_planes_that_were_named_are_drawn_and_the_standard_font_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    font = tmp_path / "gj.ttf"
    plane_16_font(font, [0x5C71, 0x9FEE, 0xE000, 0xF0000, 0x100000])
    town = town_of_its_own(tmp_path, monkeypatch, settings_of(font))
    found = coverage(town.folder)
    assert [found.covers(one) for one in "山\u9fee\ue000\U000f0000\U00100000"] == [True, False, False, False, True]
    assert found.mj_name_of("山") == coverage().mj_name_of("山")

    other = town_of_its_own(tmp_path / "other", monkeypatch, settings_of(font, "[0, 15, 16]"))
    found = coverage(other.folder)
    assert [found.covers(one) for one in "山\u9fee\ue000\U000f0000\U00100000"] == [True, True, False, True, True]
    assert found.mj_name_of("山") == coverage().mj_name_of("山")
    page = page_of(other, "山\u9fee")
    pdf = RENDERER.render(other, page)
    check(other, page, pdf)
    assert contains(outlines_on(pdf), [*standard().outlines("山"), *Demand(font).outlines("\u9fee")])
    assert correspondence.text_of_target("MJ057449", found) == "\u9fee", "newer than IPAmj明朝, drawn by the other font"


def test_the_municipalitys_settings_name_a_font_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = town_of_its_own(tmp_path, monkeypatch, settings_of(Path("fonts/own.ttf"), "[15]"))
    (town.folder / "fonts").mkdir()
    font = plane_16_font(town.folder / "fonts" / "own.ttf", [0xF0000, 0xF0001])
    page = page_of(town, "\U000f0001\U000f0000")
    pdf = RENDERER.render(town, page)
    check(town, page, pdf)
    assert contains(outlines_on(pdf), Demand(font).outlines("\U000f0001\U000f0000"))
    assert not coverage().covers("\U000f0000"), "another municipality has nothing of it"


@pytest.mark.clause("3(1)⑨")
def test_characters_of_the_second_font_are_targets_of_the_correspondence_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By code point, or by the name that the font itself gives to its glyph."""
    font = plane_16_font(tmp_path / "gj.ttf", [0x100001, 0x100002], called="GJ{:X}")
    town = town_of_its_own(tmp_path, monkeypatch, settings_of(font))
    first, second = Act("架空　一郎", date(2026, 6, 1)), Act("架空　二子", date(2026, 6, 1))
    targets = {"F9C0": "U+100002", "F9C1": "GJ100001", "F9C2": "GJ000009", "F9C3": "U+100003"}
    for code, target in targets.items():
        key = Code(town.layout_system, "cp932-eudc", code)
        with suppress(ConfigurationError), review.editing(town.folder) as rows:
            review.propose(rows, key, target, "by eye", first)
            review.confirm(rows, key, second)
    found = correspondence.lookup("cp932-eudc", town.folder, town.layout_system)
    drawn = {code: found.get(correspondence.vendor_codes.decoded("cp932-eudc", code)) for code in targets}
    assert drawn == {"F9C0": "\U00100002", "F9C1": "\U00100001", "F9C2": None, "F9C3": None}
    shapes = [glyph_shapes.of_target(town.folder, target) for target in ("U+100002", "GJ100001")]
    assert all(shapes)
    assert shapes[0] != shapes[1]


def test_fonts_that_are_not_in_order_stop_with_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    font = plane_16_font(tmp_path / "a.ttf", POINTS)
    plane_16_font(tmp_path / "b.ttf", POINTS[:1])
    (tmp_path / "broken.ttf").write_bytes(b"no font at all")
    twice = settings_of(font) + settings_of(tmp_path / "b.ttf")
    for number, (settings, text) in enumerate(
        {
            twice: r"two fonts draw U\+100000 \(b.ttf\)",
            settings_of(tmp_path / "none.ttf"): "can't be read",
            settings_of(tmp_path / "broken.ttf"): "can't be read",
            settings_of(font, "[17]"): "planes are numbers",
            settings_of(font, "[]"): "name, path and planes",
            '[[fonts]]\nname = "x"\n': "name, path and planes",
        }.items()
    ):
        town = town_of_its_own(tmp_path / str(number), monkeypatch, settings)
        with pytest.raises(ConfigurationError, match=text):
            coverage(town.folder)


def test_two_files_of_one_family_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The renderer chooses fonts by family: which of the two it would take, nobody said."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    first = plane_16_font(tmp_path / "one" / "same.ttf", POINTS[:1])
    second = plane_16_font(tmp_path / "two" / "same.ttf", POINTS[1:])
    town = town_of_its_own(tmp_path, monkeypatch, settings_of(first) + settings_of(second))
    with pytest.raises(ConfigurationError, match="family name"):
        RENDERER.render(town, page_of(town, "山"))


def test_a_version_is_that_of_what_certificates_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town, forms = town_of_its_own(tmp_path, monkeypatch), tmp_path / "forms"
    shutil.copytree(rendering.FORMS, forms)
    monkeypatch.setattr(rendering, "FORMS", forms)
    monkeypatch.setattr(rendering, "MAIN", forms / "main.typ")
    before = versions(town.folder)
    for sheet in (forms / "proof_sheet").glob("*.typ"):
        sheet.write_text(sheet.read_text("utf-8") + "\n// other", "utf-8")
    assert versions(town.folder) == before, "no certificate is drawn by a proof sheet"
    seen = {before.form}
    for name in ("main.typ", "shared/fit.typ", "resident_record_certificate/form.typ"):
        (forms / name).write_text((forms / name).read_text("utf-8") + "\n// other", "utf-8")
        seen.add(versions(town.folder).form)
    (town.folder / "forms").mkdir()
    (town.folder / "forms" / "record_item_certificate.typ").write_text("// own", "utf-8")
    seen.add(versions(town.folder).form)
    assert len(seen) == 5
    assert versions(town.folder).font == before.font


def test_the_installations_fonts_stay_when_its_addresses_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UTSUSHI_HOME", str(tmp_path))
    fonts = ({"name": "行政事務標準文字", "path": "/somewhere/gj.ttf", "planes": [16]},)
    write_site(Site(fonts=fonts))
    write_site(replace(site(), vendors={"364894": {"host": "elsewhere", "port": 22}}))
    assert site().fonts == fonts
