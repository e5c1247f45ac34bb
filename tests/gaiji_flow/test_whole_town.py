"""842 vendor characters of a new town, from unmapped to every certificate, in Excel by two persons (docs/runbooks/gaiji.md)."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from extractors.sources import FolderSource
from gaiji_maps import correspondence, review, vendor_codes
from gaiji_maps.font_coverage import coverage
from gaiji_maps.making import municipal_font
from gaiji_maps.making.outline import from_font
from gaiji_maps.review import Act, Code
from gaiji_maps.standard.table import table
from municipalities.registry import get
from records.errors import UtsushiError
from simulators.vendors.vendor import Vendor
from simulators.world import town
from sync import steps
from tests.gaiji_flow.conftest import empty, make_font, stored, withheld

TOWN, CHARSET = "364894", "cp932-eudc"
STANDARD, TWINS, NOWHERE = 780, 20, 42
PEOPLE = 900


def targets() -> dict[str, str]:
    """Vendor's code → MJ name, half of them variants by selector, the last ones doubles; those that are nowhere are ``""``."""
    rng, fonts = random.Random(842), coverage()
    rows = correspondence.load(get(TOWN).folder)
    used, taken = {row.code for row in rows}, {row.target for row in rows}
    codes = [code for at in range(1880) if (code := vendor_codes.code_of(CHARSET, chr(0xE000 + at))) not in used]
    texts = {
        name: text for name in table() if name not in taken and (text := fonts.text_of(name)) and "㐀" <= text < "鿿"
    }
    variants = [name for name, text in texts.items() if len(text) > 1]
    names = rng.sample(variants, STANDARD // 2)
    names += rng.sample([name for name in texts if name not in set(names)], STANDARD - len(names))
    return dict(zip(codes, [*names, *names[:TWINS], *[""] * NOWHERE], strict=False))


def drawn(wanted: dict[str, str]) -> dict[str, str]:
    """What the vendor's font shows: the character itself, or two standard ones squeezed into one that exists nowhere."""
    texts = {code: coverage().text_of(name) or "" for code, name in wanted.items()}
    known = [text for text in texts.values() if text]
    pairs = iter(zip(known[::2], known[1::2], strict=True))
    return {code: text or "".join(next(pairs)) for code, text in texts.items()}


def vendor_of(wanted: dict[str, str], font: Path, folder: Path) -> Vendor:
    """A vendor whose residents bear every one of them; its own glyphs are numbered as ours will be."""
    home = get(TOWN).folder
    kept = (home / correspondence.MAP_FILE).read_bytes()
    with review.editing(home) as rows:
        named = dict(wanted)
        for code in [code for code, name in wanted.items() if not name]:
            outline = from_font(font, ord(vendor_codes.decoded(CHARSET, code)))
            named[code] = f"U+{municipal_font.add_glyph(home, outline, code):X}"
        municipal_font.make(home, "1.000")
        for code, target in named.items():
            key = Code("awa_csv", CHARSET, code)
            review.propose(rows, key, target, "the vendor's", Act("vendor one", date(2026, 1, 1)))
            review.confirm(rows, key, Act("vendor two", date(2026, 1, 1)))
    texts = correspondence.lookup(CHARSET, home)
    vendor = Vendor(town.build(get(TOWN), 5, PEOPLE, belongings=False), folder)
    for person, code in zip(list(vendor.town.records["resident"]), named, strict=False):
        vendor.town.change("resident", person, name=f"{texts[vendor_codes.decoded(CHARSET, code)]}本　太郎")
    vendor.full_set("resident")
    (home / correspondence.MAP_FILE).write_bytes(kept)
    for path in (home / municipal_font.GLYPHS_FOLDER).iterdir():
        path.unlink()
    (home / "municipal.ttf").unlink()
    return vendor


def filled(path: Path, wanted: dict[str, str], *, confirm: bool) -> Path:
    """What a person enters after comparing the pictures."""
    book = load_workbook(path)
    for line in book["対照表"].iter_rows(min_row=2):
        target = wanted.get(str(line[2].value))
        if target is None:
            continue
        if confirm:
            line[4].value = "確認"
        else:
            line[3].value, line[4].value = (target, "提案") if target else (None, "作字")
    book.save(path)
    return path


@pytest.mark.slow
@pytest.mark.clause("3(1)⑨", "3(1)⑩")
@pytest.mark.usefixtures("few_glyphs", "newcomer")
def test_842_characters_from_unmapped_to_every_certificate(run: Any, places: Path, tmp_path: Path) -> None:
    empty(TOWN, places)
    wanted = targets()
    font = make_font(tmp_path / "EUDC.TTE", drawn(wanted))
    vendor = vendor_of(wanted, font, tmp_path / "vendor")
    source = FolderSource(vendor.folder / "outgoing")
    with pytest.raises(UtsushiError, match="too_many_bad_rows"):
        steps.run(TOWN, "resident", full=True, source=source)

    path, of_font = str(tmp_path / "t.xlsx"), ("--font", str(font))
    first, second = ("--by", "架空　一郎"), ("--by", "架空　二子")
    assert run("export", TOWN, "--xlsx", path, *of_font)[1][0]["lines"] == 842 + 41
    filled(tmp_path / "t.xlsx", wanted, confirm=False)
    assert run("import", TOWN, "--xlsx", path, *of_font, *first)[1][0] == {
        "municipality": TOWN, "proposed": STANDARD + TWINS, "glyph_to_be_made": NOWHERE,
    }  # fmt: skip
    assert len(run("make", TOWN, "all", *of_font, "--font-version", "1.000", *first)[1]) == NOWHERE
    run("export", TOWN, "--xlsx", path)
    filled(tmp_path / "t.xlsx", wanted, confirm=True)
    exit_code, _, said = run("import", TOWN, "--xlsx", path, *first)
    assert (exit_code, said.count("nobody confirms their own")) == (1, 2 * 842)  # in JSON and for people
    assert run("import", TOWN, "--xlsx", path, *second)[1][0]["confirmed"] == 842

    steps.run(TOWN, "resident", full=True, source=source)
    assert stored(TOWN) == vendor.truth_at("resident", 1)
    assert withheld(TOWN) == 0
    assert _certificates() == len(vendor.town.active())


def _certificates() -> int:
    """Draw and check the certificate of every active resident, as issuing does; how many there were."""
    from issuance_api.checking import check
    from issuance_api.forms import Issue, Subject, page_data
    from issuance_api.model import Application, Kind
    from issuance_api.rendering import Renderer
    from issuance_api.service_hours import JST
    from records.records import Resident

    municipality, renderer, count = get(TOWN), Renderer(), 0
    for row in stored(TOWN).values():
        person = Resident.from_row(row)
        if person.resident_status == "1":
            asked = Application(
                request_id="whole-town",
                kind=Kind.RESIDENT_RECORD,
                card_serial="1",
                members=(person.addressee_number,),
            )
            issue = Issue(asked.request_id, "1", datetime(2026, 11, 24, tzinfo=JST))
            page = page_data(municipality, asked, Subject(person, (person,), whole_household=False), issue)
            check(municipality, page, renderer.render(municipality, page))
            count += 1
    return count
