"""Bad rows are set apart with their reasons, good ones go on, a bad file is refused; the suites fit the dictionary."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from expectations.suite import suite, views
from expectations.validate import FEW, validate
from records.batch import FEEDS, Manifest
from records.code_lists import code_list
from records.dictionary import columns, items
from records.errors import TooManyBadRows
from tests.loaders.batches import delete, row, write_batch

Make = Callable[..., tuple[dict[int, str], list[int], Manifest]]


@pytest.fixture
def outcome(tmp_path: Path) -> Make:
    """Validate rows: reasons by row number, numbers of good rows, the manifest."""

    def run(feed: str, kind: str, rows: list[dict[str, Any]]) -> tuple[dict[int, str], list[int], Manifest]:
        batch = write_batch(tmp_path, feed, kind, 1, rows)
        validate(batch)
        bad = pq.read_table(batch / "quarantine.parquet").to_pylist()
        good = pq.read_table(batch / "validated.parquet").column("row_number").to_pylist()
        return {one["row_number"]: one["reasons"] for one in bad}, good, Manifest.read(batch)

    return run


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("resident", {"name": None}, "expectation:name:mandatory"),
    ("resident", {"sex": "7"}, "expectation:sex:code_list"),
    ("resident", {"support_measure": "2"}, "expectation:support_measure:flag"),
    ("resident", {"relationship_codes": "0203040506"}, "expectation:relationship_codes:code_list"),
    ("resident", {"individual_number": "12345678901"}, "expectation:individual_number:digits"),
    ("resident", {"individual_number": "12345678901X"}, "expectation:individual_number:digits"),
    ("resident", {"postal_code": "779-250"}, "expectation:postal_code:digits"),
    ("resident", {"residence_card_number": "ＡＢ"}, "expectation:residence_card_number:alphanumeric"),
    ("resident", {"removed_text": "令和8年4月1日"}, "expectation:removed_text:resident_is_not_removed"),
    ("resident", {"resident_status": "2"}, "expectation:removed_text:removal_has_a_day"),
    ("resident", {"birth_on": None}, "expectation:@row:dates_have_a_day_iff_certain"),
    ("resident", {"birth_on_certainty": "1"}, "expectation:@row:dates_have_a_day_iff_certain"),
    ("resident", {"katagaki": "あ\nい"}, "forbidden_character:@row"),
    ("resident", {"problem": "unmapped_character:name:F040"}, "unmapped_character:name:F040"),
    ("resident", {"operation": "9"}, "unknown_code:@operation"),
    ("seal", {"impression": b"GIF89a"}, "expectation:impression:impression_is_png"),
    ("seal", {"impression": None}, "expectation:impression:mandatory"),
    ("seal", {"seal_status": "3"}, "expectation:cancelled_text:cancellation_has_a_day"),
    ("seal", {"cancelled_text": "令和8年4月1日"}, "expectation:cancelled_text:registered_seal_is_not_cancelled"),
    ("tax", {"annual_tax": 5}, "expectation:annual_tax:annual_tax_is_the_sum"),
    ("tax", {"deductions_total": 1, "basic_deduction": 2}, "expectation:deductions_total:deductions_total_is_the_sum"),
    ("tax", {"salary_receipts": -1}, "expectation:@row:amounts_not_negative"),
    ("tax", {"fiscal_year": 26}, "expectation:fiscal_year:year"),
    ("tax", {"general_dependants": -1}, "expectation:general_dependants:count"),
]


@pytest.mark.parametrize(("feed", "change", "reason"), BROKEN)
def test_each_expectation_sets_its_row_apart_and_no_other(
    outcome: Make, feed: str, change: dict[str, Any], reason: str
) -> None:
    bad, good, manifest = outcome(feed, "diff", [row(feed, 1), row(feed, 2, **change), row(feed, 3)])
    assert reason in bad[2].split(";")
    assert (list(bad), good) == ([2], [1, 3])
    assert (manifest.counts["good"], manifest.counts["bad"]) == (2, 1)


def test_every_expectation_of_the_suites_can_fail(outcome: Make) -> None:
    """Each error in the data files has a row above, or is of a kind that one above shows for another column."""
    shown = {reason.split(":")[-1] for _, _, reason in BROKEN}
    names = {check.name for feed in FEEDS for check in suite(feed).checks if check.severity == "error"}
    assert names <= shown


def test_removed_residents_and_true_sums_are_good(outcome: Make) -> None:
    removed = {"removed_text": "令和8年4月1日", "removed_on_certainty": "1", "resident_status": "2"}
    assert outcome("resident", "diff", [row("resident", 1, **removed)])[0] == {}
    levies = {"municipal_income_levy": 3, "forest_environment_tax": 2, "annual_tax": 5}
    deductions = {"basic_deduction": 430_000, "deductions_total": 430_000, "business_income": -5}
    assert outcome("tax", "diff", [row("tax", 1, **levies, **deductions)])[0] == {}


def test_of_a_delete_row_only_the_key_is_looked_at(outcome: Make) -> None:
    rows = [
        delete("resident", 1),
        {**delete("resident", 2), "sex": "7"},
        {**delete("resident", 3), "addressee_number": "x"},
    ]
    bad, good, _ = outcome("resident", "diff", rows)
    assert bad == {3: "expectation:addressee_number:digits"}
    assert good == [1, 2]


def test_doubled_keys_are_bad_in_a_full_set_and_fine_in_a_difference(outcome: Make) -> None:
    rows = [row("tax", 1), row("tax", 2), row("tax", 1), row("tax", 1, fiscal_year=2025)]
    bad, good, _ = outcome("tax", "full", rows)
    assert bad == {1: "duplicate_unique:fiscal_year", 3: "duplicate_unique:fiscal_year"}
    assert good == [2, 4]
    assert outcome("tax", "diff", rows)[1] == [1, 2, 3, 4]


def test_a_full_set_only_adds(outcome: Make) -> None:
    assert outcome("resident", "full", [row("resident", 1, operation="2")])[0] == {1: "unknown_code:@operation"}


def test_warnings_are_counted_and_hold_nothing_back(outcome: Make) -> None:
    same = {"household_number": "000000000000009", "registered_domicile": None}
    rows = [row("resident", 1, **same), row("resident", 2, **same), row("resident", 3, registered_domicile="本籍")]
    bad, _, manifest = outcome("resident", "full", rows)
    assert bad == {}
    assert manifest.warnings == ["japanese_resident_has_domicile: 2", "one_householder_per_household: 1"]


def test_too_many_bad_rows_refuse_the_whole_file_but_few_never_do(outcome: Make, tmp_path: Path) -> None:
    few = [row("resident", number, sex="7") for number in range(FEW)]
    assert len(outcome("resident", "diff", few)[0]) == FEW
    for name, change in (("found", {"sex": "7"}), ("carried", {"problem": "bad_date:birth_on"})):
        rows = [row("resident", number, **(change if number < 6 else {})) for number in range(100)]
        batch = write_batch(tmp_path / name, "resident", "full", 2, rows)
        with pytest.raises(TooManyBadRows, match="6 of 100"):
            validate(batch)
        assert not (batch / "validated.parquet").exists()
    rows = [row("resident", number, **({"sex": "7"} if number < 6 else {})) for number in range(120)]
    validate(write_batch(tmp_path / "share", "resident", "full", 3, rows))


def test_running_again_gives_the_same_files(tmp_path: Path) -> None:
    batch = write_batch(tmp_path, "resident", "full", 1, [row("resident", 1), row("resident", 2, sex="7")])
    validate(batch)
    first = {path.name: path.read_bytes() for path in batch.iterdir()}
    validate(batch)
    assert {path.name: path.read_bytes() for path in batch.iterdir()} == first


@pytest.mark.fault(113)
def test_no_value_of_a_person_leaves_in_logs_or_reasons(
    outcome: Make, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Fault 113: a marked person with bad values."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    caplog.set_level(logging.DEBUG)
    marked = {"name": "目印太郎", "individual_number": "987654X", "sex": "目"}
    bad, _, manifest = outcome("resident", "diff", [row("resident", 1, **marked), row("resident", 2)])
    logging.getLogger().removeHandler(handler)
    written = stream.getvalue() + "".join(capfd.readouterr()) + str(manifest) + bad[1]
    for value in ("目印太郎", "987654", "目"):
        assert value not in written


def test_great_expectations_never_sees_a_name_or_a_number(outcome: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    from expectations import checking

    original = checking.failures

    def spying(frame: Any, checks: Any) -> Any:
        seen.append(str(frame.to_pylist()))
        return original(frame, checks)

    monkeypatch.setattr(checking, "failures", spying)
    person = {"name": "目印太郎", "individual_number": "987654321098", "address_town": "目印町"}
    outcome("resident", "diff", [row("resident", 1, **person)])
    assert seen
    assert "000000000000" in "".join(seen)
    assert not any(value in "".join(seen) for value in ("目印", "987654", "昭和"))


@pytest.mark.parametrize("feed", FEEDS)
def test_suites_and_dictionary_agree_both_ways(feed: str) -> None:
    checks = suite(feed).checks
    derived = {one["name"] for one in suite(feed).derived}
    assert {check.column for check in checks} <= set(columns(feed)) | derived
    assert derived == {check.column for check in checks} & derived
    by_name = {(check.column, check.name): check for check in checks}
    mandatory = {column for column, name in by_name if name == "mandatory"}
    assert mandatory == {one.text_column if one.type == "date" else one.key for one in items(feed) if one.mandatory}
    for item in items(feed):
        if item.type.startswith("code:"):
            assert by_name[item.key, "code_list"].kwargs["value_set"] == list(code_list(str(item.code_list)))
        wanted = {"codes": "code_list", "digits": "digits", "alnum": "alphanumeric", "flag": "flag", "year": "year"}
        if (name := wanted.get(item.type.partition(":")[0])) is not None:
            assert (item.key, name) in by_name
        if item.type == "digits":
            assert str(item.length) in by_name[item.key, "digits"].kwargs["regex"]
    assert {name for name, view in views(feed).items() if view == "value"} <= {
        item.key for item in items(feed) if item.type.partition(":")[0] in ("code", "codes", "flag", "year", "count")
    }


@pytest.mark.parametrize("feed", FEEDS)
def test_suite_files_hold_only_known_keys(feed: str) -> None:
    text = Path("expectations/suites", f"{feed}.json").read_text("utf-8")
    for one in json.loads(text)["expectations"]:
        assert set(one) == {"type", "kwargs", "meta"}
        assert set(one["meta"]) == {"name", "severity"}
        assert one["meta"]["severity"] in ("error", "warning")
