"""Vendors' files: what is written is what the receiving side reads, and each way to go wrong is found for what it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import charsets
from extractors.charsets import keis as receiving_keis
from extractors.exchange import FileName, parse_control_file, parse_edges
from extractors.pull import pull
from extractors.sources import FolderSource
from municipalities.registry import get
from records import date_codes, wareki
from records.batch import FEEDS
from records.errors import SequenceConflict, SequenceGap, UtsushiError, WrongMunicipality
from simulators.vendors import charsets as vendors_charsets
from simulators.vendors import dates, mischief
from simulators.vendors.bulk import write_benchmark_set
from simulators.vendors.control import Facts, control_file, header, trailer
from simulators.vendors.vendor import Vendor
from simulators.world import events
from tests.simulators.conftest import CODES, small
from tests.simulators.receiving import applied, received, values
from transforms.kana import to_full_width
from vendor_layouts.layout import load

NewVendor = Callable[..., Vendor]

ORDINARY = st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc", "Co"))


def has(charset: str) -> Callable[[str], bool]:
    def check(character: str) -> bool:
        try:
            return charsets.decode(charset, charsets.encode(charset, character)) == character
        except (UnicodeEncodeError, charsets.Broken):
            return False

    return check


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(ORDINARY.filter(has("cp932-eudc")), st.integers(0xE000, 0xE757).map(chr))))
def test_cp932_of_the_vendors_is_read_as_it_was_written(text: str) -> None:
    assert charsets.decode("cp932-eudc", vendors_charsets.cp932(text)) == text


KEIS = "".join(
    chr(point) for point in sorted({int(one) for one in receiving_keis.two_byte()}) if 0x3000 <= point < 0xE000
)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(KEIS + "".join(vendors_charsets.EBCDIK)) | st.integers(0xE000, 0xEBBF).map(chr)))
def test_keis_of_the_vendors_is_read_as_it_was_written(text: str) -> None:
    assert charsets.decode("keis83", vendors_charsets.keis(text)).rstrip(" ") == text.rstrip(" ")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("\ue000", "F040"),
        ("\ue03f", "F080"),
        ("\ue0bb", "F0FC"),
        ("\ue0bc", "F140"),
        ("\ue757", "F9FC"),
        ("亜", "889F"),
    ],
)
def test_cp932_codes_by_hand(text: str, code: str) -> None:
    assert vendors_charsets.cp932(text).hex().upper() == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("A1", "C1F1"),
        ("亜", "0A42B0A10A41"),
        ("A亜1", "C10A42B0A10A41F1"),
        ("　", "0A4240400A41"),
        ("\ue000\uebbf", "0A4281A1A0FE0A41"),
        ("ｱﾞ", "81BE"),
    ],
)
def test_keis_codes_by_hand(text: str, code: str) -> None:
    assert vendors_charsets.keis(text).hex().upper() == code


@settings(max_examples=200, deadline=None)
@given(st.dates(min_value=wareki.SOLAR_CALENDAR_FROM, max_value=date(2099, 12, 31)), st.booleans())
def test_date_codes_mean_the_day_that_was_written(on: date, western: bool) -> None:
    wording = wareki.western(on) if western else wareki.wareki(on)
    for style in ("era_letter", "era_digit", "era_iso"):
        parts = date_codes.parse(dates.date_code(wording, style), style)
        assert (wareki.wording(parts), wareki.value(parts).on) == (wording, on)


@pytest.mark.parametrize(
    ("wording", "codes"),
    [
        ("昭和50年2月1日", ("S500201", "300500201", "S50-02-01")),
        ("昭和50年2月日不詳", ("S500200", "300500200", "S50-02-00")),
        ("昭和50年月日不詳", ("S500000", "300500000", "S50-00-00")),
        ("年月日不詳", ("0000000", "000000000", "0000-00-00")),
        ("令和元年5月1日", ("R010501", "500010501", "R01-05-01")),
        ("明治45年7月30日", ("M450730", "100450730", "M45-07-30")),
        ("1975年2月1日", ("W19750201", "019750201", "1975-02-01")),
    ],
)
def test_date_codes_by_hand(wording: str, codes: tuple[str, str, str]) -> None:
    assert tuple(dates.date_code(wording, style) for style in ("era_letter", "era_digit", "era_iso")) == codes


def test_half_width_kana_comes_back() -> None:
    import pyarrow as pa

    kana = ["ガギグゲゴ　パピプペポ", "ヴァヂヅー", "アイウエオ　ンヲヰ".replace("ヰ", "")]
    assert to_full_width(pa.array([dates.half_width(one) for one in kana])).to_pylist() == kana


def test_control_records_say_what_they_are_made_of() -> None:
    created, digest = "2026-11-23T09:00:00+09:00", "ab" * 32
    facts = Facts("362999", "tax", "diff", 7, "naruto_fixed/1", 3, 1234, digest, created, 9)
    for read in (parse_control_file(control_file(facts), "x.ctl"), parse_edges(header(facts), trailer(facts), "x.dat")):
        assert read.name == FileName("362999", "tax", "diff", 7)
        assert (read.layout, read.rows, read.bytes, read.sha256) == ("naruto_fixed/1", 3, 1234, digest)
        assert (read.created_at, read.latest_sequence) == (created, 9)


@pytest.mark.clause("3(1)①", "3(1)②", "3(1)③", "3(1)⑪")
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("feed", FEEDS)
def test_full_sets_and_differences_are_received_as_the_truth(
    vendor_of: NewVendor, utsushi_home: Path, code: str, feed: str
) -> None:
    vendor = vendor_of(code, 60)
    vendor.full_set(feed)
    rows = received(vendor, feed, 0)
    assert [row["problem"] for row in rows if row["problem"]] == []
    assert values(feed, rows) == list(vendor.truth_at(feed, 1).values())
    for event in events.ALL.values():
        event(vendor.town)
    vendor.difference(feed)
    vendor.tick(20)
    rows = received(vendor, feed, 1)
    assert [row["problem"] for row in rows if row["problem"]] == []
    assert applied(feed, dict(vendor.truth_at(feed, 1)), rows) == vendor.truth_at(feed, 3)


INCOMPLETE = ["truncated", "wrong_hash", "wrong_count", "no_control", "control_only", "slow_upload"]
BATCH = {
    **dict.fromkeys(INCOMPLETE, "incomplete_file"),
    "other_municipality": "wrong_municipality",
    "wrong_layout": "control_record_invalid",
    **dict.fromkeys(
        ["wrong_feed", "column_more", "column_fewer", "row_number_doubled", "open_quote"], "layout_mismatch"
    ),
    "bad_key": "unreadable_key",
}
ROW = {
    "half_shift": "broken_encoding",
    "unmapped_gaiji": "unmapped_character",
    "missing_sequence": "missing_sequence",
    "control_character": "forbidden_character",
    "bidi_character": "forbidden_character",
    "unknown_code": "unknown_code",
    "bad_date": "bad_date",
    "bad_number": "bad_number",
    **dict.fromkeys(["broken_image", "grey_image", "huge_image", "image_bomb"], "bad_image"),
}
HARMLESS = {"formula", "absent_deleted", "twice"}
LATER = {"lost", "late", "half_upload"}
ELSEWHERE = {"conflict", "foreign_file", "wrong_charset"}


def test_every_kind_of_mischief_is_tried() -> None:
    assert {*BATCH, *ROW, *HARMLESS, *LATER, *ELSEWHERE} == set(mischief.KINDS)


def possible(kinds: Iterable[str]) -> list[tuple[str, str, str]]:
    """Municipality, feed and kind, where the format can go wrong that way."""
    return [(code, feed, how) for code in CODES for feed in FEEDS for how in kinds if can_be(code, feed, how)]


def can_be(code: str, feed: str, how: str) -> bool:
    try:
        mischief.check(load(get(code).layout), feed, how)
    except ValueError:
        return False
    return True


def broken(vendor_of: NewVendor, code: str, feed: str, how: str) -> Vendor:
    """A vendor whose second file of ``feed``, with five rows, is spoilt."""
    vendor = vendor_of(code, 30)
    vendor.full_set(feed)
    vendor.break_next(feed, how)
    for row in list(vendor.town.records[feed].values())[:5]:
        vendor.town.put(feed, row)
    vendor.difference(feed)
    return vendor


@pytest.mark.parametrize(("code", "feed", "how"), possible(BATCH))
def test_a_bad_file_is_refused_and_whole_when_sent_again(
    vendor_of: NewVendor, utsushi_home: Path, code: str, feed: str, how: str
) -> None:
    vendor = broken(vendor_of, code, feed, how)
    with pytest.raises(UtsushiError) as refused:
        received(vendor, feed, 1)
    assert refused.value.code == BATCH[how]
    vendor.deliver(vendor.file(feed, 2))
    shutil.rmtree(utsushi_home / "batches", ignore_errors=True)
    assert [row["problem"] for row in received(vendor, feed, 1)] == [None] * 5


@pytest.mark.parametrize(("code", "feed", "how"), possible(ROW))
def test_a_bad_row_is_marked_and_its_neighbours_are_not(
    vendor_of: NewVendor, utsushi_home: Path, code: str, feed: str, how: str
) -> None:
    vendor = broken(vendor_of, code, feed, how)
    *good, bad = received(vendor, feed, 1)
    assert [row["problem"] for row in good] == [None] * 4
    assert bad["problem"].split(":")[0] == ROW[how]


@pytest.mark.parametrize("code", CODES)
def test_text_that_looks_like_a_formula_is_only_text(vendor_of: NewVendor, utsushi_home: Path, code: str) -> None:
    vendor = broken(vendor_of, code, "resident", "formula")
    last = received(vendor, "resident", 1)[-1]
    assert (last["name"].split("　")[0], last["problem"]) == ("=1+1", None)


@pytest.mark.parametrize("code", CODES)
def test_a_wrong_charset_marks_every_row(vendor_of: NewVendor, utsushi_home: Path, code: str) -> None:
    rows = received(broken(vendor_of, code, "resident", "wrong_charset"), "resident", 1)
    assert all("broken_encoding:name" in row["problem"] for row in rows)


@pytest.mark.parametrize("how", sorted(LATER))
@pytest.mark.parametrize("code", CODES)
def test_what_comes_later_is_not_there_yet(vendor_of: NewVendor, utsushi_home: Path, code: str, how: str) -> None:
    vendor = broken(vendor_of, code, "resident", how)
    assert received(vendor, "resident", 1) == []
    if how == "lost":
        vendor.difference("resident")
        with pytest.raises(SequenceGap):
            received(vendor, "resident", 1)
        request(vendor, "resident", 2, 2)
        assert vendor.answer_requests() == 1
    vendor.finish_uploads()
    assert len(received(vendor, "resident", 1)) == 5


@pytest.mark.parametrize("code", CODES)
def test_a_number_with_other_content_and_another_towns_file(
    vendor_of: NewVendor, utsushi_home: Path, code: str
) -> None:
    vendor = broken(vendor_of, code, "resident", "conflict")
    known = {1: "0" * 64}
    with pytest.raises(SequenceConflict):
        pull(get(code), "resident", last_applied=1, known=known, source=FolderSource(vendor.folder / "outgoing"))
    vendor = broken(vendor_of, code, "seal", "foreign_file")
    with pytest.raises(WrongMunicipality):
        received(vendor, "seal", 1)


def test_a_heartbeat_that_is_to_be_spoilt_gets_a_row_that_has_not_changed(
    vendor_of: NewVendor, utsushi_home: Path
) -> None:
    vendor = vendor_of("364894")
    vendor.full_set("resident")
    vendor.break_next("resident", "unmapped_gaiji")
    vendor.difference("resident")
    (row,) = received(vendor, "resident", 1)
    assert row["problem"].startswith("unmapped_character:name")
    assert vendor.truth_at("resident", 2) == vendor.truth_at("resident", 1)


def test_unknown_mischief_is_refused(vendor_of: NewVendor) -> None:
    vendor = vendor_of("364894")
    with pytest.raises(KeyError):
        vendor.break_next("resident", "meteor")
    with pytest.raises(ValueError, match="can't happen"):
        vendor.break_next("tax", "broken_image")


def request(vendor: Vendor, feed: str, first: int, last: int, **other: Any) -> Path:
    code = vendor.town.municipality.code
    values = {"utsushi_exchange": "1", "municipality": code, "feed": feed, "from": f"{first:08d}", "to": f"{last:08d}"}
    text = "".join(f"{key}={value}\n" for key, value in {**values, **other}.items())
    path = vendor.folder / "requests" / f"{code}_{feed}_resend_{first:08d}_{last:08d}.req"
    path.write_text(text, "ascii")
    return path


def test_a_resend_brings_the_same_bytes(vendor_of: NewVendor) -> None:
    vendor = vendor_of("362999")
    vendor.full_set("tax")
    vendor.tick(3)
    folder = vendor.folder / "outgoing" / "tax"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    asked = request(vendor, "tax", 1, 99_999_999)
    assert vendor.answer_requests() == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert asked.with_suffix(".done").exists()
    assert vendor.answer_requests() == 0


@pytest.mark.parametrize(
    "other",
    [
        {"municipality": "364894"},
        {"feed": "koseki"},
        {"from": "1"},
        {"from": "00000002"},
        {"more": "x"},
        {"to": "１２３４５６７８"},
    ],
)
def test_a_request_that_is_not_of_its_form_is_refused_and_harms_nothing(vendor_of: NewVendor, other: Any) -> None:
    vendor = vendor_of("362999")
    vendor.full_set("tax")
    path = vendor.folder / "requests" / "362999_tax_resend_00000001_00000001.req"
    values = {"utsushi_exchange": "1", "municipality": "362999", "feed": "tax", "from": "00000001", "to": "00000001"}
    path.write_text("".join(f"{key}={value}\n" for key, value in {**values, **other}.items()), "utf-8")
    assert vendor.answer_requests() == 1
    assert path.with_suffix(".refused").exists()


def test_the_state_is_kept_before_anything_is_delivered(vendor_of: NewVendor) -> None:
    vendor = vendor_of("364894")
    seen: list[list[str]] = []
    folder = vendor.folder / "outgoing" / "seal"
    vendor.keep = lambda: seen.append(sorted(path.name for path in folder.iterdir()))
    vendor.full_set("seal")
    vendor.tick(0)
    assert [len(names) for names in seen] == [0, 2], "data and control record of the full set, before the tick"


@pytest.mark.parametrize("code", CODES)
def test_rare_characters_leave_the_vendor_as_private_codes(code: str) -> None:
    fiction = small(code)
    spell, charset = fiction.format.spell, fiction.format.layout.charset
    private = [target for target in spell.targets if ord(spell(target)[0]) in range(0xE000, 0xF900)]
    assert private
    for target in private:
        assert len(spell(target)) == 1
        encoded = charsets.encode(charset, spell(f"{target}田"))
        assert charsets.decode(charset, encoded) == spell(f"{target}田")


def test_a_variant_that_the_vendor_has_no_code_for_is_not_cut_in_two() -> None:
    spell = small("364991").format.spell
    for target in spell.targets:
        other = f"{target[0]}\U000e01ef"
        assert spell(other) == other


@pytest.mark.parametrize("code", CODES)
def test_a_benchmark_set_is_a_full_set_of_people_with_different_numbers(
    utsushi_home: Path, tmp_path: Path, code: str
) -> None:
    from extractors.decode import decode
    from transforms.mapping import map_batch

    path = write_benchmark_set(tmp_path, get(code), 4_321)
    assert path.name == f"{code}_resident_full_00000001.dat"
    (batch,) = pull(get(code), "resident", last_applied=None, known={}, source=FolderSource(tmp_path), full=True)
    decode(batch)
    map_batch(batch)
    import pyarrow.parquet as pq

    table = pq.read_table(batch / "mapped.parquet")
    assert table.num_rows == len(set(table["addressee_number"].to_pylist())) == 4_321
    assert table["problem"].null_count == 4_321
    assert len(set(table["name"].to_pylist())) > 1_000
