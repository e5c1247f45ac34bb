"""Whole rows through the real layouts: every item, deletes, mandatory items, keys, and the step on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from municipalities import registry
from records import dictionary
from records.batch import Manifest
from records.errors import LayoutMismatch, UnreadableKey
from transforms import mapping
from transforms.block import Block
from transforms.characters import character_table
from transforms.plan import decoded_columns, make_plan, schema
from vendor_layouts.layout import load

TOWNS = {"364894": "awa_csv/1", "362999": "naruto_fixed/1", "364991": "sudachi_csv/1"}
DATES = {"era_letter": "S500201", "era_digit": "300500201", "era_iso": "S50-02-01", "iso": "1975-02-01"}
FILLING = {"text": "山田", "kana": "ヤマダ", "digits": "12", "alnum": "A1", "year": "2026", "yen": "100", "count": "1"}


def plans(code: str, feed: str) -> Any:
    layout = load(TOWNS[code])
    return make_plan(layout.feeds[feed], layout)


def row(code: str, feed: str, **changes: object) -> dict[str, object]:
    """A good decoded row with every column filled; ``changes`` by column name (``__`` for ``#``)."""
    values: dict[str, object] = {"row_number": 1, "operation": "1", "problem": None}
    for plan in plans(code, feed):
        for name in plan.sources:
            values[name] = _value(plan)
        if plan.wording:
            values[plan.wording] = None
    return values | {name.replace("__", "#"): one for name, one in changes.items()}


def _value(plan: Any) -> object:
    kind = plan.item.type.partition(":")[0]
    if kind == "date":
        return DATES[plan.format]
    if kind == "image":
        return b"\x89PNG"
    if kind in ("code", "codes", "flag"):
        ours = {one: vendor for vendor, one in (plan.codes or {}).items()}
        first = sorted(plan.allowed)[0]
        return ours.get(first, first)
    return FILLING[kind]


def run(code: str, feed: str, *rows: dict[str, object]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        Block(decoded(code, feed, *rows), feed, plans(code, feed), table(code)).run().to_pylist()
    )
    return found


def decoded(code: str, feed: str, *rows: dict[str, object]) -> pa.RecordBatch:
    names = decoded_columns(plans(code, feed))
    types = {"row_number": pa.int64(), "impression": pa.binary()}
    arrays = [pa.array([one[name] for one in rows], types.get(name, pa.string())) for name in names]
    return pa.record_batch(arrays, names=list(names))


def table(code: str) -> Any:
    layout = load(TOWNS[code])
    return character_table(layout.charset, registry.get(code).folder, layout.system)


@pytest.mark.clause("3(1)⑪")
@pytest.mark.parametrize("code", TOWNS)
@pytest.mark.parametrize("feed", ["resident", "seal", "tax"])
def test_every_item_of_every_layout_is_mapped(code: str, feed: str) -> None:
    [mapped] = run(code, feed, row(code, feed))
    assert mapped["problem"] is None
    assert tuple(mapped) == ("row_number", "operation", *dictionary.columns(feed), "problem")
    absent = load(TOWNS[code]).absent.get(feed, {})
    for item in dictionary.items(feed):
        assert (mapped[item.columns[-1]] is None) == (item.key in absent), item.key


def test_the_town_with_two_parts_of_a_name_joins_them() -> None:
    rows = [
        row("364991", "resident", name__1=one, name__2=two) for one, two in (("山", "一"), ("山", None), (None, None))
    ]
    mapped = run("364991", "resident", *rows)
    assert [one["name"] for one in mapped] == ["山　一", "山", None]
    assert mapped[2]["problem"] == "mandatory_missing:name"


def test_a_wrong_part_leaves_no_half_a_name() -> None:
    [mapped] = run("364991", "resident", row("364991", "resident", name__1="山", name__2="\uefff"))
    assert mapped["name"] is None
    assert mapped["problem"] == "unmapped_character:name:U+EFFF"


@pytest.mark.clause("3(1)③")
def test_the_same_private_character_means_another_glyph_at_each_vendor() -> None:
    texts = {
        code: run(code, "seal", row(code, "seal", registered_on__text="\ue000"))[0]["registered_text"] for code in TOWNS
    }
    assert texts == {"364894": "\u8fbb\U000e0102", "362999": "\u845b\U000e0104", "364991": "\u9089\U000e011a"}


def test_half_width_kana_of_the_mainframe() -> None:
    [mapped] = run("362999", "resident", row("362999", "resident", name_kana="ﾋｶﾞｼ ﾊﾅｺ"))
    assert mapped["name_kana"] == "ヒガシ　ハナコ"


def test_problems_name_reason_field_and_code() -> None:
    bad = row(
        "364894", "resident", name="山\uf000", birth_on="S651301", sex="?", household_number="x", katagaki=None,
        postal_code="12345678", relationship_text="長" * 21, support_measure="2", problem="broken_encoding:katagaki",
    )  # fmt: skip
    [mapped] = run("364894", "resident", bad)
    assert sorted(mapped["problem"].split(";")) == [
        "bad_date:birth_on", "bad_number:household_number", "broken_encoding:katagaki", "too_long:postal_code",
        "too_long:relationship_text", "unknown_code:sex", "unknown_code:support_measure",
        "unmapped_character:name:U+F000",
    ]  # fmt: skip
    for name in ("name", "birth_on", "birth_on_certainty", "birth_text", "sex", "household_number"):
        assert mapped[name] is None


def test_a_broken_field_has_its_cause_only() -> None:
    bad = row(
        "364894",
        "resident",
        problem="broken_encoding:name;broken_encoding:birth_on",
        name="山\ufffd",
        birth_on="S\ufffd",
    )
    [mapped] = run("364894", "resident", bad)
    assert mapped["problem"] == bad["problem"]
    assert mapped["name"] is mapped["birth_text"] is None


@pytest.mark.fault(20)
def test_births_on_days_that_no_calendar_has_pass_and_other_dates_do_not() -> None:
    [mapped] = run("364894", "resident", row("364894", "resident", birth_on="S500230", filed_on="S500230"))
    assert (mapped["birth_on"], mapped["birth_on_certainty"], mapped["birth_text"]) == (None, "4", "昭和50年2月30日")
    assert mapped["problem"] == "bad_date:filed_on"


def test_a_delete_needs_its_key_only() -> None:
    empty = dict.fromkeys(row("364894", "resident"), None)
    left = row("364894", "resident", operation="3", name="\uf000", birth_on="nonsense")
    mapped = run("364894", "resident", empty | {"row_number": 1, "operation": "3", "addressee_number": "7"}, left)
    assert [one["problem"] for one in mapped] == [None, None]
    assert mapped[1]["name"] is None


@pytest.mark.parametrize("key", [None, "", "  ", "x7", "1" * 16])
@pytest.mark.parametrize("operation", ["1", "3"])
def test_an_unreadable_key_stops_the_file_and_names_the_row(key: str | None, operation: str) -> None:
    good = row("364894", "resident")
    with pytest.raises(UnreadableKey) as caught:
        run("364894", "resident", good, good | {"row_number": 2, "operation": operation, "addressee_number": key})
    assert (caught.value.place.row, caught.value.place.field) == (2, "addressee_number")
    assert key not in ("x7", "1" * 16) or key not in str(caught.value)


def test_the_fiscal_year_is_part_of_the_key_of_tax() -> None:
    with pytest.raises(UnreadableKey) as caught:
        run("364894", "tax", row("364894", "tax", fiscal_year="20x6"))
    assert caught.value.place.field == "fiscal_year"


def test_an_operation_that_nobody_knows() -> None:
    assert run("364894", "seal", row("364894", "seal", operation="9"))[0]["problem"] == "unknown_code:@operation"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"name": st.sampled_from(["山", "\ue000", "\uf000", "\x00", "", None])}), max_size=6)
)
def test_rows_keep_their_order_and_their_neighbours(changes: list[dict[str, Any]]) -> None:
    rows = [row("364894", "resident") | {"row_number": n} | change for n, change in enumerate(changes, 1)]
    together = run("364894", "resident", *rows)
    assert together == [run("364894", "resident", one)[0] for one in rows]
    assert [one["row_number"] for one in together] == list(range(1, len(rows) + 1))


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    manifest = Manifest("364894", "resident", "diff", 2, "awa_csv/1", "f.dat", 2, 1, "00", "", "", state="decoded")
    manifest.write(tmp_path)
    rows = [row("364894", "resident", row_number=n, name=name) for n, name in ((1, "山"), (2, "\uf000"))]
    pq.write_table(pa.Table.from_batches([decoded("364894", "resident", *rows)]), tmp_path / mapping.DECODED)
    return tmp_path


def test_the_step_writes_the_same_again(batch: Path) -> None:
    mapping.map_batch(batch)
    first = (batch / mapping.MAPPED).read_bytes()
    mapping.map_batch(batch)
    assert (batch / mapping.MAPPED).read_bytes() == first
    assert pq.read_schema(batch / mapping.MAPPED).equals(schema("resident"))
    assert Manifest.read(batch).counts == {"rows_with_problems": 1}
    assert sorted(path.name for path in batch.iterdir()) == ["batch.json", mapping.DECODED, mapping.MAPPED]


def test_an_empty_difference_is_an_empty_file(batch: Path) -> None:
    nothing = decoded("364894", "resident")
    pq.write_table(pa.Table.from_batches([nothing]), batch / mapping.DECODED)
    mapping.map_batch(batch)
    assert pq.read_table(batch / mapping.MAPPED).num_rows == 0


def test_blocks_are_mapped_one_after_the_other(batch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping.map_batch(batch)
    whole = pq.read_table(batch / mapping.MAPPED)
    monkeypatch.setattr(mapping, "BLOCK_ROWS", 1)
    mapping.map_batch(batch)
    assert pq.read_table(batch / mapping.MAPPED).equals(whole)
    assert pq.ParquetFile(batch / mapping.MAPPED).num_row_groups == 2


def test_columns_of_another_layout_are_refused(batch: Path) -> None:
    pq.write_table(pq.read_table(batch / mapping.DECODED).drop_columns(["name"]), batch / mapping.DECODED)
    with pytest.raises(LayoutMismatch, match="name"):
        mapping.map_batch(batch)
    assert not (batch / mapping.MAPPED).exists()


def test_the_file_of_an_unreadable_key_is_named(batch: Path) -> None:
    pq.write_table(
        pa.Table.from_batches([decoded("364894", "resident", row("364894", "resident", addressee_number="x"))]),
        batch / mapping.DECODED,
    )
    with pytest.raises(UnreadableKey) as caught:
        mapping.map_batch(batch)
    assert caught.value.place.file == "f.dat"
