"""Loading on the real database: nothing lost, nothing twice, nothing half (faults 9, 10, 23, 24, 26, 27)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loaders import ledger
from loaders.load import load
from loaders.verify import verify
from records.batch import Manifest
from records.errors import (
    NotInitialised,
    SequenceConflict,
    SequenceGap,
    VerificationFailed,
)
from replica.connections import connect
from services.postgres import PostgresServer
from tests.loaders.batches import CODE, delete, row

Apply = Callable[..., Path]
Query = Callable[..., list[Any]]
NAMES = "select addressee_number::bigint, name from replica.resident order by 1"
BAD = {"problem": "unmapped_character:name:F040"}


def _residents(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [row("resident", number, **changes) for number in numbers]


@pytest.mark.clause("3(1)①")
@pytest.mark.parametrize("feed", ["resident", "seal", "tax"])
def test_a_full_set_fills_an_empty_register(apply: Apply, query: Query, feed: str) -> None:
    batch = apply(feed, "full", 1, [row(feed, number) for number in range(1, 6)])
    assert query(f"select count(*) from replica.{feed}") == [5]
    manifest = Manifest.read(batch)
    assert (manifest.state, manifest.counts["written"]) == ("verified", 5)
    assert sorted(path.name for path in batch.iterdir()) == ["batch.json", "source.enc"]
    facts = ledger.overview(CODE, feed)
    assert (facts.last_applied, facts.last_sha256, facts.unverified) == (1, manifest.sha256, 0)
    assert facts.last_verified_at is not None


@pytest.mark.clause("3(1)②④⑥")
def test_a_difference_inserts_replaces_and_deletes(apply: Apply, query: Query) -> None:
    apply("resident", "full", 1, _residents(1, 2, 3))
    changed = row("resident", 2, operation="2", name="変更後")
    batch = apply("resident", "diff", 2, [changed, delete("resident", 3), row("resident", 4)])
    assert query(NAMES) == [(1, "見本1"), (2, "変更後"), (4, "見本4")]
    assert query("select applied_sequence from replica.resident order by addressee_number") == [1, 2, 2]
    counts = Manifest.read(batch).counts
    assert (counts["written"], counts["deleted"], counts["quarantined"]) == (2, 1, 0)


def test_heartbeats_move_the_number_on(apply: Apply) -> None:
    apply("resident", "full", 1, _residents(1))
    batch = apply("resident", "diff", 2, [])
    assert ledger.last_applied(CODE, "resident") == 2
    assert Manifest.read(batch).state == "verified"


@pytest.mark.fault(9)
def test_the_same_file_twice_changes_nothing(apply: Apply, query: Query, tmp_path: Path) -> None:
    """Fault 9."""
    apply("resident", "full", 1, _residents(1))
    apply("resident", "diff", 2, [row("resident", 1, operation="2", name="二")])
    before = query("select xmin::text from replica.resident")
    again = tmp_path / "again"
    again.mkdir()
    from expectations.validate import validate
    from tests.loaders.batches import write_batch

    batch = write_batch(again, "resident", "diff", 2, [row("resident", 1, operation="2", name="二")])
    validate(batch)
    load(batch)
    verify(batch)
    assert query("select xmin::text from replica.resident") == before
    assert ledger.last_applied(CODE, "resident") == 2


@pytest.mark.fault(27)
def test_a_resend_that_overlaps_what_was_applied(apply: Apply, query: Query, tmp_path: Path) -> None:
    """Fault 27: numbers 2 to 4 come again after 3; what was applied stays as it is, the missing one goes in."""
    files = {number: [row("resident", 1, operation="2", name=f"第{number}版")] for number in (2, 3, 4)}
    apply("resident", "full", 1, _residents(1))
    for number in (2, 3):
        apply("resident", "diff", number, files[number])
    from expectations.validate import validate
    from tests.loaders.batches import write_batch

    written = []
    for number, rows in files.items():
        batch = write_batch(tmp_path / "resent", "resident", "diff", number, rows)
        validate(batch)
        load(batch)
        verify(batch)
        written.append(query("select applied_sequence, name from replica.resident"))
    assert written == [[(3, "第3版")], [(3, "第3版")], [(4, "第4版")]]
    assert query("select sequence, state from replica.batch order by 1") == [(n, "verified") for n in (1, 2, 3, 4)]
    assert ledger.last_applied(CODE, "resident") == 4


@pytest.mark.fault(10)
def test_the_same_number_with_other_content_is_refused(apply: Apply, validated: Apply, query: Query) -> None:
    """Fault 10."""
    apply("resident", "full", 1, _residents(1))
    apply("resident", "diff", 2, [row("resident", 2)])
    other = validated("resident", "diff", 2, [row("resident", 3)], salt="other")
    with pytest.raises(SequenceConflict):
        load(other)
    assert query("select count(*) from replica.resident") == [2]


@pytest.mark.fault(8, 11, 26)
def test_a_gap_a_missing_start_and_an_overtaken_file(apply: Apply, validated: Apply, query: Query) -> None:
    """Faults 8, 11, 26: a full set closes a gap; differences before it are overtaken and change nothing."""
    first = validated("resident", "diff", 1, [row("resident", 9)])
    with pytest.raises(NotInitialised):
        load(first)
    apply("resident", "full", 1, _residents(1))
    gap = validated("resident", "diff", 3, [row("resident", 9)])
    with pytest.raises(SequenceGap, match="number 2 is expected"):
        load(gap)
    apply("resident", "full", 5, _residents(1, 2))
    late = validated("resident", "diff", 4, [row("resident", 9)])
    load(late)
    verify(late)
    assert Manifest.read(late).warnings
    assert query("select count(*) from replica.resident") == [2]
    apply("resident", "diff", 6, [row("resident", 3)])
    assert query("select count(*) from replica.resident") == [3]


@pytest.mark.fault(24)
def test_the_last_of_several_changes_of_one_record_counts(apply: Apply, query: Query) -> None:
    """Fault 24: changed twice; made and deleted; deleted and made again."""
    apply("resident", "full", 1, _residents(1, 2))
    rows = [
        row("resident", 1, operation="2", name="一回目"),
        row("resident", 1, operation="2", name="二回目"),
        row("resident", 3),
        delete("resident", 3),
        delete("resident", 2),
        row("resident", 2, name="戻る"),
    ]
    batch = apply("resident", "diff", 2, rows)
    assert query(NAMES) == [(1, "二回目"), (2, "戻る")]
    assert Manifest.read(batch).counts["quarantined"] == 0


@pytest.mark.fault(23)
def test_a_delete_for_somebody_who_is_not_there_is_set_apart(apply: Apply, query: Query) -> None:
    """Fault 23."""
    apply("resident", "full", 1, _residents(1))
    batch = apply("resident", "diff", 2, [delete("resident", 7), row("resident", 2)])
    assert query("select reasons, row_number from replica.quarantine") == [("delete_absent", 1)]
    assert query("select addressee_number::bigint, reason from replica.withheld") == [(7, "delete_absent")]
    assert query("select count(*) from replica.resident") == [2]
    assert Manifest.read(batch).counts["quarantined"] == 1


def test_a_bad_row_withholds_its_person_until_a_good_newer_row(apply: Apply, query: Query) -> None:
    apply("resident", "full", 1, _residents(1, 2, 3))
    apply("resident", "diff", 2, [row("resident", 1, operation="2", name="読めず", **BAD), row("resident", 4)])
    assert query(NAMES)[0] == (1, "見本1")
    assert query("select addressee_number::bigint, sequence, reason from replica.withheld") == [
        (1, 2, "unmapped_character:name:F040")
    ]
    apply("resident", "diff", 3, [row("resident", 2, operation="2", name="別人")])
    assert ledger.overview(CODE, "resident").withheld == 1
    apply("resident", "diff", 4, [row("resident", 1, operation="2", name="読めた")])
    facts = ledger.overview(CODE, "resident")
    assert (facts.withheld, facts.quarantined) == (0, 0)
    assert query("select resolved_at is not null from replica.quarantine") == [True]


@pytest.mark.parametrize(("order", "withheld"), [(["bad", "good"], 0), (["good", "bad"], 1)])
def test_within_one_file_the_later_row_decides(apply: Apply, order: list[str], withheld: int) -> None:
    apply("resident", "full", 1, _residents(1, 2))
    rows = [row("resident", 1, operation="2", **(BAD if one == "bad" else {})) for one in order]
    apply("resident", "diff", 2, rows)
    assert ledger.overview(CODE, "resident").withheld == withheld


def test_the_delete_of_somebody_whose_insert_was_bad_is_no_lost_change(apply: Apply) -> None:
    apply("resident", "full", 1, _residents(1))
    apply("resident", "diff", 2, [row("resident", 5, **BAD)])
    apply("resident", "diff", 3, [delete("resident", 5)])
    facts = ledger.overview(CODE, "resident")
    assert (facts.withheld, facts.quarantined) == (0, 0)


def test_another_year_of_the_same_person_does_not_lift(apply: Apply) -> None:
    apply("tax", "full", 1, [row("tax", 1)])
    apply("tax", "diff", 2, [row("tax", 1, operation="2", fiscal_year=2026, **BAD)])
    apply("tax", "diff", 3, [row("tax", 1, fiscal_year=2025)])
    assert ledger.overview(CODE, "tax").withheld == 1
    apply("tax", "diff", 4, [row("tax", 1, operation="2", fiscal_year=2026)])
    assert ledger.overview(CODE, "tax").withheld == 0


@pytest.mark.fault(26)
def test_a_full_set_in_the_middle_of_differences(apply: Apply, query: Query) -> None:
    """Fault 26: replaces, adds, removes what is missing, repairs what was tampered with, settles the quarantine."""
    apply("resident", "full", 1, _residents(1, 2, 3, 4, *range(10, 110)))
    apply("resident", "diff", 2, [row("resident", 4, operation="2", **BAD)])
    with connect(CODE, "owner") as connection:
        connection.execute("update replica.resident set name = '改竄' where addressee_number::bigint = 1")
    rows = [*_residents(1, 4, 5, *range(10, 110)), row("resident", 3, name="新"), row("resident", 2, **BAD)]
    batch = apply("resident", "full", 3, rows)
    assert query(NAMES)[:5] == [(1, "見本1"), (2, "見本2"), (3, "新"), (4, "見本4"), (5, "見本5")]
    assert query("select addressee_number::bigint from replica.withheld") == [2]
    assert Manifest.read(batch).counts["written"] == 3  # 1 repaired, 3 changed, 5 new; the others were not touched
    rows = [*_residents(1, 3, 4, 5, *range(10, 109))]
    batch = apply("resident", "full", 4, rows)
    assert Manifest.read(batch).counts["deleted"] == 2
    assert ledger.overview(CODE, "resident").withheld == 0


def test_batches_may_all_be_loaded_before_the_first_is_verified(
    replica: PostgresServer, validated: Apply, query: Query
) -> None:
    batches = [
        validated("resident", "full", 1, _residents(1, 2, 3)),
        validated("resident", "diff", 2, [row("resident", 1, operation="2", name="二"), row("resident", 4)]),
        validated("resident", "diff", 3, [delete("resident", 1), delete("resident", 4), row("resident", 2, name="三")]),
        validated("resident", "diff", 4, [row("resident", 1, name="四")]),
    ]
    for batch in batches:
        load(batch)
    assert ledger.overview(CODE, "resident").unverified == 4
    for batch in batches:
        verify(batch)
    assert ledger.overview(CODE, "resident").unverified == 0
    assert query("select count(*) from replica.removed") == [0]


def test_verifying_finds_what_was_lost_changed_or_left(replica: PostgresServer, validated: Apply, query: Query) -> None:
    load(full := validated("resident", "full", 1, _residents(1, 2, 3)))
    verify(full)
    batch = validated("resident", "diff", 2, [row("resident", 1, name="二"), delete("resident", 3), row("resident", 5)])
    load(batch)
    for damage, message in (
        ("delete from replica.resident where addressee_number::bigint = 5", "1 records are missing"),
        ("update replica.resident set katagaki = 'x' where addressee_number::bigint = 1", "1 have other content"),
        (
            "insert into replica.resident select (jsonb_populate_record(r, jsonb_build_object('addressee_number',"
            " '000000000000003'))).* from replica.resident r where addressee_number::bigint = 2",
            "1 were not deleted",
        ),
    ):
        with connect(CODE, "owner") as connection:
            connection.execute("create table public.kept as select * from replica.resident")
            connection.execute(damage.encode())
        with pytest.raises(VerificationFailed, match=message):
            verify(batch)
        with connect(CODE, "owner") as connection:
            connection.execute("truncate replica.resident")
            connection.execute("insert into replica.resident select * from public.kept")
            connection.execute("drop table public.kept")
    verify(batch)


@pytest.mark.parametrize(
    "damage",
    [
        "delete from replica.resident where addressee_number::bigint = 2",
        "update replica.resident set sex = '2' where addressee_number::bigint = 2",
        "update replica.resident set name = 'x', content_hash = sha256('x') where addressee_number::bigint = 2",
    ],
)
def test_verifying_a_full_set_finds_any_damage(replica: PostgresServer, validated: Apply, damage: str) -> None:
    load(batch := validated("resident", "full", 1, _residents(1, 2, 3)))
    with connect(CODE, "owner") as connection:
        connection.execute(damage.encode())
    with pytest.raises(VerificationFailed):
        verify(batch)
    assert ledger.overview(CODE, "resident").unverified == 1


def test_verify_before_load_is_refused(replica: PostgresServer, validated: Apply) -> None:
    with pytest.raises(VerificationFailed, match="not been loaded"):
        verify(validated("resident", "full", 1, _residents(1)))


def test_rejections_are_kept_and_never_overwrite_what_was_applied(apply: Apply, validated: Apply, query: Query) -> None:
    batch = apply("resident", "full", 1, _residents(1))
    refused = validated("resident", "diff", 2, [row("resident", 2)])
    for path in (refused, refused, batch):
        manifest = Manifest.read(path)
        manifest.rejection = {"code": "too_many_bad_rows", "text": "too many"}
        ledger.record_rejection(manifest)
    assert query("select sequence, state, rejection_code from replica.batch order by 1") == [
        (1, "verified", None),
        (2, "rejected", "too_many_bad_rows"),
    ]
    assert set(ledger.known_hashes(CODE, "resident")) == {1}
    load(refused)
    assert query("select state from replica.batch order by sequence") == ["verified", "loaded"]
    assert set(ledger.known_hashes(CODE, "resident")) == {1, 2}


@pytest.mark.fault(21)
def test_seals_of_unknown_people_are_a_warning(apply: Apply) -> None:
    """Fault 21."""
    apply("resident", "full", 1, _residents(1))
    full = apply("seal", "full", 1, [row("seal", 1), row("seal", 8)])
    assert Manifest.read(full).counts["orphans"] == 1
    assert "belong to nobody" in json.loads((full / "batch.json").read_text())["warnings"][0]
    difference = apply("seal", "diff", 2, [row("seal", 9), row("seal", 1, operation="2")])
    assert Manifest.read(difference).counts["orphans"] == 1


@pytest.mark.fault(101)
def test_errors_name_no_one(replica: PostgresServer, validated: Apply) -> None:
    """Fault 101: a row that breaks a constraint is told by SQLSTATE and table only."""
    from records.errors import DatabaseError

    batch = validated("resident", "full", 1, _residents(1, name="目印太郎"))
    with connect(CODE, "owner") as connection:
        connection.execute("alter table replica.resident add constraint refuse check (name <> '目印太郎')")
    try:
        with pytest.raises(DatabaseError) as caught:
            load(batch)
    finally:
        with connect(CODE, "owner") as connection:
            connection.execute("alter table replica.resident drop constraint refuse")
    assert str(caught.value) == "database: SQLSTATE 23514 (field resident)"
    assert caught.value.__context__ is None
    assert "目印太郎" not in replica.log.read_text("utf-8")
