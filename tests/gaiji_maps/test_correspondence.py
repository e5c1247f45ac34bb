"""対照表: codes both ways, only reviewed rows, and every fault with its row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaiji_maps import vendor_codes
from gaiji_maps.correspondence import COLUMNS, MAP_FILE, load, lookup, reverse
from gaiji_maps.font_coverage import coverage
from municipalities import registry
from records.errors import ConfigurationError

GOOD = dict(
    zip(
        COLUMNS,
        ("awa_csv", "cp932-eudc", "F040", "MJ022335", "confirmed", "by hand", "a", "2026-06-01", "b", "2026-06-02", ""),
        strict=True,
    )
)


def write(folder: Path, *rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> Path:
    with (folder / MAP_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return folder


@given(st.integers(0, 1879))
def test_every_user_code_of_cp932_has_its_private_character(index: int) -> None:
    character = chr(0xE000 + index)
    code = vendor_codes.code_of("cp932-eudc", character)
    assert vendor_codes.decoded("cp932-eudc", code) == character
    assert bytes.fromhex(code).decode("cp932") == character


@given(st.integers(0, 3007))
def test_every_user_code_of_keis_has_its_private_character(index: int) -> None:
    character = chr(0xE000 + index)
    assert vendor_codes.decoded("keis83", vendor_codes.code_of("keis83", character)) == character


@given(st.characters(exclude_categories=["Cs"]))
def test_every_character_has_a_name_in_every_charset(character: str) -> None:
    for charset in vendor_codes.CHARSETS:
        name = vendor_codes.code_of(charset, character)
        assert name.isascii()
    assert vendor_codes.decoded("utf-8", vendor_codes.code_of("utf-8", character)) == character


def test_names_that_the_vendor_knows() -> None:
    assert vendor_codes.decoded("cp932-eudc", "8A8B") == "葛"
    assert vendor_codes.code_of("cp932-eudc", "\ue757") == "F9FC"
    assert vendor_codes.decoded("keis83", "A0FE") == "\uebbf"
    assert vendor_codes.decoded("keis83", "B3EB") == "葛"
    assert vendor_codes.code_of("cp932-eudc", "𠮷") == "U+20BB7"


@pytest.mark.parametrize(
    ("charset", "code"),
    [
        ("cp932-eudc", "f040"), ("cp932-eudc", "F07F"), ("cp932-eudc", "F03F"), ("cp932-eudc", "41"),
        ("cp932-eudc", "4142"), ("cp932-eudc", "FFFF"), ("keis83", "81A0"), ("keis83", "A1BD"), ("utf-8", "E000"),
        ("utf-8", "U+D800"), ("utf-8", "U+110000"),
    ],
)  # fmt: skip
def test_what_is_no_code(charset: str, code: str) -> None:
    with pytest.raises(ValueError):
        vendor_codes.decoded(charset, code)


@pytest.mark.clause("3(1)⑨")
@pytest.mark.parametrize("code", registry.all_codes())
def test_the_maps_of_the_municipalities_draw_what_they_name(code: str) -> None:
    municipality = registry.get(code)
    for row in load(municipality.folder):
        text = lookup(row.charset, municipality.folder, municipality.layout_system)[row.character]
        assert coverage(municipality.folder).mj_name_of(text) == row.target
        assert row.vendor_system == municipality.layout_system
    mapping = lookup(load(municipality.folder)[0].charset, municipality.folder)
    back = reverse(mapping)
    assert all(mapping[character] == text for text, character in back.items())


def test_an_ordinary_code_is_mapped_where_the_vendor_draws_another_glyph() -> None:
    assert lookup("cp932-eudc", registry.get("364894").folder)["葛"] == "\u845b\U000e0102"


def test_only_confirmed_rows_take_part(tmp_path: Path) -> None:
    proposed = GOOD | {"code": "F041", "state": "proposed", "confirmed_by": "", "confirmed_on": ""}
    rejected = GOOD | {"code": "F042", "state": "rejected", "reason": "another glyph"}
    assert lookup("cp932-eudc", write(tmp_path, GOOD, proposed, rejected)) == {"\ue000": "\u845b\U000e0102"}
    assert lookup("keis83", tmp_path) == {}


def test_no_map_is_an_empty_map(tmp_path: Path) -> None:
    assert load(tmp_path) == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confirmed_by": "a"}, "confirmed_by"),
        ({"confirmed_by": ""}, "confirmed_by"),
        ({"confirmed_on": "2026-6-2"}, "confirmed_by"),
        ({"state": "proposed"}, "confirmed_by"),
        ({"state": "rejected"}, "reason"),
        ({"state": "Confirmed"}, "state"),
        ({"charset": "cp932"}, "charset"),
        ({"code": "F03F"}, "code"),
        ({"target": "葛"}, "target"),
        ({"target": "U+E000"}, "target"),
        ({"proposed_by": ""}, "proposed_by"),
        ({"identified_by": ""}, "proposed_by"),
        ({"proposed_on": "yesterday"}, "proposed_by"),
    ],
)
def test_a_fault_names_row_and_field(tmp_path: Path, change: dict[str, str], field: str) -> None:
    write(tmp_path, GOOD | {"code": "F041"}, GOOD | change)
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    assert (caught.value.place.row, caught.value.place.field) == (2, field)


def test_a_code_confirmed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        load(write(tmp_path, GOOD, GOOD | {"target": "MJ022336"}))


@pytest.mark.parametrize("target", ["MJ037229", "MJ999999", "U+F0001"])
def test_a_target_that_no_font_draws_is_refused(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigurationError, match="no font"):
        lookup("cp932-eudc", write(tmp_path, GOOD | {"target": target}))


def test_private_codes_of_two_vendors_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path, GOOD, GOOD | {"vendor_system": "older", "target": "MJ025760"})
    assert lookup("cp932-eudc", tmp_path, "older") == {"\ue000": "\u8fbb\U000e0102"}
    with pytest.raises(ConfigurationError, match="several vendor systems"):
        lookup("cp932-eudc", tmp_path)


def test_wrong_columns_and_wrong_widths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="columns"):
        load(write(tmp_path, columns=COLUMNS[:-1]))
    (tmp_path / MAP_FILE).write_text(",".join(COLUMNS) + "\na,b\n", "utf-8")
    with pytest.raises(ConfigurationError, match="too few"):
        load(tmp_path)
