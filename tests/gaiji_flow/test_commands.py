"""外字の流れ by commands: red, who waits, candidates, two persons, remap, green; and what people get to sign."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest

from municipalities.registry import get
from tests.gaiji_flow.conftest import CODES, TARGET, Newcomer, make_font, stored, withheld

TOWN = "364894"
CODE = CODES[TOWN]
New = Callable[..., Newcomer]


@pytest.fixture
def vendor_font(tmp_path: Path) -> Path:
    """EUDC.TTE with 辥 at the vendor's code (drawn as the standard font does: no other font is sure to be here)."""
    return make_font(tmp_path / "EUDC.TTE", {CODE: "辥"})


@pytest.fixture
def waiting_town(newcomer: New) -> Newcomer:
    """Two persons wait for one character."""
    new = newcomer(TOWN)
    new.vendor.full_set("resident")
    new.sync(full=True)
    new.bears(2)
    new.bears(5)
    new.vendor.difference("resident")
    new.sync()
    return new


@pytest.mark.clause("3(1)⑨", "3(1)⑩")
def test_from_red_to_green_by_commands(waiting_town: Newcomer, run: Any) -> None:
    exit_code, rows, said = run("waiting", TOWN)
    assert (exit_code, rows[0]["code"], rows[0]["persons"]) == (1, CODE, 2)
    assert f"外字 {CODE} が未同定のため、2 人の証明書を交付できません" in said

    assert run("propose", TOWN, CODE, TARGET, "--by", "架空　一郎", "--how", "candidate 1")[0] == 0
    exit_code, _, said = run("confirm", TOWN, CODE, "--by", "架空 一郎")
    assert exit_code == 1
    assert "nobody confirms their own proposal" in said
    assert withheld(TOWN) == 2
    assert run("confirm", TOWN, CODE, "--by", "架空　二子")[0] == 0

    exit_code, rows, _ = run("remap", TOWN, "resident")
    assert (exit_code, rows[0]["applied"], rows[0]["released"]) == (0, 2, 2)
    assert stored(TOWN) == waiting_town.truth()
    assert (withheld(TOWN), run("waiting", TOWN)[0]) == (0, 0)


def test_a_rejected_proposal_changes_nothing_for_those_who_wait(waiting_town: Newcomer, run: Any) -> None:
    run("propose", TOWN, CODE, TARGET, "--by", "架空　一郎")
    assert run("reject", TOWN, CODE, "--by", "架空　二子")[0] == 1
    assert run("reject", TOWN, CODE, "--by", "架空　二子", "--reason", "点の数が違う")[0] == 0
    run("remap", TOWN, "resident")
    assert withheld(TOWN) == 2
    (row,) = run("list", TOWN, "--state", "rejected")[1]
    assert (row["code"], row["target"]) == (CODE, TARGET)


def test_a_glyph_that_exists_nowhere_is_made_and_stored(waiting_town: Newcomer, run: Any, vendor_font: Path) -> None:
    make = ("make", TOWN, CODE, "--font", str(vendor_font), "--font-version", "1.000", "--by", "架空　一郎")
    assert run(*make)[0] == 1  # nobody has asked for it
    assert not (get(TOWN).folder / "municipal.ttf").exists()
    assert run("propose", TOWN, CODE, "make", "--by", "架空　一郎")[0] == 0
    assert run(*make)[1][0]["target"] == "U+F0000"
    assert run("confirm", TOWN, CODE, "--by", "架空　一郎")[0] == 1
    assert run("confirm", TOWN, CODE, "--by", "架空　二子")[0] == 0
    assert run("remap", TOWN, "resident")[1][0]["released"] == 2
    assert sum(row["name"].startswith("\U000f0000田") for row in stored(TOWN).values()) == 2


def test_excel_out_and_in_again(waiting_town: Newcomer, run: Any, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    path = tmp_path / "t.xlsx"
    assert run("export", TOWN, "--xlsx", str(path))[0] == 0
    book = load_workbook(path)
    line = next(line for line in book["対照表"].iter_rows(min_row=2) if line[2].value == CODE)
    assert (line[4].value, line[13].value) == ("未同定", "2")
    line[3].value, line[4].value = TARGET, "提案"
    book.save(path)
    assert run("import", TOWN, "--xlsx", str(path), "--by", "架空　一郎")[1] == [{"municipality": TOWN, "proposed": 1}]
    assert run("list", TOWN, "--state", "proposed")[1][0]["proposed_by"] == "架空　一郎"


@pytest.mark.usefixtures("few_glyphs")
def test_excel_with_the_characters_of_a_font_before_anybody_waits(
    newcomer: New, run: Any, vendor_font: Path, tmp_path: Path
) -> None:
    from openpyxl import load_workbook

    newcomer(TOWN)
    path, font = tmp_path / "t.xlsx", ("--font", str(vendor_font))
    run("export", TOWN, "--xlsx", str(path), *font)
    book = load_workbook(path)
    line = next(line for line in book["対照表"].iter_rows(min_row=2) if line[2].value == CODE)
    assert "MJ025736 辥 " in line[14].value
    line[3].value = "MJ025736"
    book.save(path)
    assert run("import", TOWN, "--xlsx", str(path), "--by", "架空　一郎")[0] == 1  # no such code, as nobody waits
    assert run("import", TOWN, "--xlsx", str(path), "--by", "架空　一郎", *font)[1][0]["proposed"] == 1


@pytest.mark.usefixtures("few_glyphs")
def test_the_proof_sheet_shows_glyphs_candidates_and_counts_but_nobody(
    waiting_town: Newcomer, run: Any, vendor_font: Path, tmp_path: Path
) -> None:
    out = tmp_path / "proof"
    exit_code, rows, said = run("proof", TOWN, "--font", str(vendor_font), "--open", "--out", str(out))
    assert (exit_code, rows[0]["characters"]) == (0, 1)
    page = (out / f"taishohyo_{TOWN}.html").read_text("utf-8")
    document = pdfium.PdfDocument(out / f"taishohyo_{TOWN}.pdf")
    text = "".join(one.get_textpage().get_text_range() for one in document)
    for shown in (CODE, "MJ025736", "未同定", "町　担当者", "確認者", "示すものではありません"):
        assert shown in page, shown
        assert shown.replace("　", "") in text.replace("　", "").replace(" ", ""), shown
    assert "2 人" in page
    people = {row["name"] for row in stored(TOWN).values()} | {row["addressee_number"] for row in stored(TOWN).values()}
    assert not any(person in page + text + said for person in people)


@pytest.mark.usefixtures("few_glyphs")
def test_identification_says_that_it_decides_nothing(waiting_town: Newcomer, run: Any, vendor_font: Path) -> None:
    exit_code, rows, said = run("identify", TOWN, "--font", str(vendor_font), "--code", CODE, "--top", "3")
    assert (exit_code, [row["rank"] for row in rows]) == (0, [1, 2, 3])
    assert {rows[0]["mj_name"], rows[1]["mj_name"]} <= {"MJ025736", "MJ058832"}
    assert "A score never decides" in said
    assert run("identify", TOWN, "--font", str(vendor_font), "--code", "F040")[0] == 1


def test_the_form_shows_the_character_and_is_no_certificate(
    waiting_town: Newcomer, run: Any, vendor_font: Path, tmp_path: Path
) -> None:
    out = tmp_path / "form.pdf"
    proof = ("form-proof", TOWN, "--code", CODE, "--font", str(vendor_font), "--out", str(out))
    run("propose", TOWN, CODE, TARGET, "--by", "架空　一郎")
    assert run(*proof)[0] == 1  # nobody has confirmed it
    run("confirm", TOWN, CODE, "--by", "架空　二子")
    assert run(*proof)[0] == 1  # nobody bears it yet: those who do are withheld
    run("remap", TOWN, "resident")
    exit_code, rows, said = run(*proof)
    assert (exit_code, rows[0]["pages"]) == (0, 2)
    texts = [page.get_textpage().get_text_range() for page in pdfium.PdfDocument(out)]
    assert CODE in texts[0]
    assert waiting_town.text + "田" in texts[1]
    assert texts[1].count("証明書ではありません") == 3
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "花子" not in said + out.name
