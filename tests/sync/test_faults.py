"""What goes wrong at the vendors, on the real steps and a real database: nothing lost, nothing twice, the report says so,
and it recovers by itself or by the documented action.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from extractors.sources import FolderSource
from loaders import ledger
from records.errors import (
    FeedSilent,
    IncompleteFile,
    NotInitialised,
    SequenceConflict,
    SequenceGap,
    StoredRejection,
    UtsushiError,
    WrongMunicipality,
)
from simulators.vendors.vendor import Vendor
from simulators.world import events
from sync import report, resend, steps
from tests.sync.conftest import CODES, last_applied, stored
from tests.sync.test_oracle import differing

NewVendor = Callable[..., Vendor]
CODE = "364894"


def source(vendor: Vendor) -> FolderSource:
    return FolderSource(vendor.folder / "outgoing")


def tick(vendor: Vendor, feed: str = "resident", *, full: bool = False) -> dict[str, int]:
    return steps.run(vendor.town.municipality.code, feed, full=full, source=source(vendor))


def started(new_vendor: NewVendor, code: str = CODE, feed: str = "resident") -> Vendor:
    """A vendor whose full set has been loaded."""
    vendor = new_vendor(code)
    vendor.full_set(feed)
    tick(vendor, feed, full=True)
    return vendor


def assert_true(vendor: Vendor, feed: str, number: int) -> None:
    code = vendor.town.municipality.code
    assert last_applied(code, feed) == number
    assert differing(stored(code, feed), vendor.truth_at(feed, number)) == []


def assert_red(vendor: Vendor, feed: str, code: str) -> None:
    told = report.read(vendor.town.municipality.code, feed)
    assert told is not None
    assert (told.outcome, told.code) == ("failed", code)


def test_nothing_is_loaded_before_a_full_set_and_the_report_says_why(new_vendor: NewVendor) -> None:
    vendor = new_vendor(CODE)
    with pytest.raises(NotInitialised):
        tick(vendor)
    assert_red(vendor, "resident", "not_initialised")


@pytest.mark.clause("3(1)⑧", "7(1)③ monitoring")
def test_a_heartbeat_is_applied_in_the_first_step_and_is_green(new_vendor: NewVendor) -> None:
    vendor = started(new_vendor)
    vendor.difference("resident")
    assert steps.pull(CODE, "resident", source=source(vendor)) == []
    assert_true(vendor, "resident", 2)
    told = report.read(CODE, "resident")
    assert told is not None
    assert told.outcome == "ok"


TRANSFER = {
    "truncated": "incomplete_file",
    "wrong_hash": "incomplete_file",
    "no_control": "incomplete_file",
    "other_municipality": "wrong_municipality",
}


@pytest.mark.parametrize("how", TRANSFER)
@pytest.mark.parametrize("code", CODES)
def test_a_file_that_is_not_whole_or_not_ours_changes_nothing_until_it_comes_again(
    new_vendor: NewVendor, code: str, how: str
) -> None:
    vendor = started(new_vendor, code)
    vendor.break_next("resident", how)
    vendor.tick(4)
    with pytest.raises(IncompleteFile if TRANSFER[how] == "incomplete_file" else WrongMunicipality):
        tick(vendor)
    assert_red(vendor, "resident", TRANSFER[how])
    assert_true(vendor, "resident", 1)
    vendor.deliver(vendor.file("resident", 2))
    tick(vendor)
    assert_true(vendor, "resident", 2)


REJECTED = {
    "wrong_count": "incomplete_file",
    "column_more": "layout_mismatch",
    "row_number_doubled": "layout_mismatch",
    "bad_key": "unreadable_key",
}


@pytest.mark.parametrize("how", REJECTED)
@pytest.mark.parametrize("code", CODES)
def test_a_file_with_wrong_content_is_rejected_whole_and_good_files_before_it_are_loaded(
    new_vendor: NewVendor, code: str, how: str
) -> None:
    vendor = started(new_vendor, code)
    events.move_in(vendor.town)
    vendor.difference("resident")
    vendor.break_next("resident", how)
    events.move_in(vendor.town)
    vendor.difference("resident")
    events.move_in(vendor.town)
    vendor.difference("resident")
    with pytest.raises(StoredRejection):
        tick(vendor)
    assert_red(vendor, "resident", REJECTED[how])
    assert_true(vendor, "resident", 2)
    vendor.deliver(vendor.file("resident", 3))
    tick(vendor)
    assert_true(vendor, "resident", 4)


@pytest.mark.fault(8)
@pytest.mark.clause("7(1)③ resend")
def test_a_gap_stops_the_feed_names_the_number_and_a_resend_closes_it(new_vendor: NewVendor) -> None:
    vendor = started(new_vendor)
    vendor.skip("resident")
    vendor.tick(3)
    vendor.tick(3)
    with pytest.raises(SequenceGap, match="number 2 is missing"):
        tick(vendor)
    assert_red(vendor, "resident", "sequence_gap")
    assert not resend.arrived(CODE, "resident", 2, 2, source(vendor))
    (vendor.folder / "requests" / f"{CODE}_resident_resend_00000002_00000002.req").write_text(
        f"utsushi_exchange=1\nmunicipality={CODE}\nfeed=resident\nfrom=00000002\nto=00000002\n", "ascii"
    )
    assert vendor.answer_requests() == 1
    assert resend.arrived(CODE, "resident", 2, 2, source(vendor))
    tick(vendor)
    assert_true(vendor, "resident", 3)


def test_a_full_set_closes_a_gap_only_when_that_is_asked_for(new_vendor: NewVendor) -> None:
    vendor = started(new_vendor)
    vendor.skip("resident")
    vendor.tick(3)
    vendor.full_set("resident")
    with pytest.raises(SequenceGap):
        tick(vendor)
    tick(vendor, full=True)
    assert_true(vendor, "resident", 3)


def test_the_same_file_twice_does_nothing_and_another_content_under_its_number_is_red(new_vendor: NewVendor) -> None:
    vendor = started(new_vendor)
    vendor.tick(3)
    tick(vendor)
    vendor.deliver(vendor.file("resident", 2))
    assert tick(vendor) == {"batches": 0}
    changed = vendor.town.format.write("resident", "diff", 2, [])
    vendor.deliver(changed)
    with pytest.raises(SequenceConflict):
        tick(vendor)
    assert_red(vendor, "resident", "sequence_conflict")
    assert_true(vendor, "resident", 2)


ROWS = {"unmapped_gaiji": "unmapped_character", "unknown_code": "unknown_code"}


@pytest.mark.fault(17)
@pytest.mark.parametrize("how", ROWS)
@pytest.mark.parametrize("code", CODES)
def test_a_bad_row_withholds_its_person_the_rest_goes_on_and_a_good_row_releases_them(
    new_vendor: NewVendor, code: str, how: str
) -> None:
    vendor = started(new_vendor, code)
    for row in vendor.town.active()[:12]:
        vendor.town.change("resident", (row["addressee_number"],), postal_code=None)
    last = vendor.town.pending["resident"][-1].row["addressee_number"]
    vendor.break_next("resident", how)
    vendor.difference("resident")
    tick(vendor)
    facts = ledger.overview(code, "resident")
    assert (facts.last_applied, facts.withheld, facts.quarantined) == (2, 1, 1)
    assert reasons(code) == [(last, ROWS[how])]
    vendor.town.change("resident", (last,), postal_code=None)
    vendor.difference("resident")
    tick(vendor)
    assert ledger.overview(code, "resident").withheld == 0
    assert_true(vendor, "resident", 3)


def test_a_deletion_of_somebody_who_is_not_there_is_told(new_vendor: NewVendor) -> None:
    vendor = started(new_vendor)
    events.move_in(vendor.town)
    vendor.break_next("resident", "absent_deleted")
    vendor.difference("resident")
    tick(vendor)
    assert ("999999999999999", "delete_absent") in reasons(CODE)
    assert_true(vendor, "resident", 2)


def test_an_unknown_municipality_is_an_error_of_ours() -> None:
    with pytest.raises(UtsushiError):
        steps.run("999999", "resident")


def reasons(code: str) -> list[tuple[str, str]]:
    """Person and first reason word of the rows in quarantine."""
    from replica.connections import connect

    with connect(code, "console") as connection:
        rows = connection.execute(
            "select addressee_number, reasons from replica.quarantine where resolved_at is null order by 1"
        ).fetchall()
    return [(number, why.split(":")[0].split(";")[0]) for number, why in rows]


@pytest.mark.fault(87)
def test_a_vendor_that_falls_silent_while_its_server_is_well_turns_red(
    new_vendor: NewVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from replica.connections import connect

    vendor = started(new_vendor)
    monkeypatch.setattr("extractors.pull.SftpSource", lambda server: source(vendor))
    monkeypatch.setattr("municipalities.registry.Municipality.vendor", None)
    assert steps.pull(CODE, "resident") == []
    with connect(CODE, "owner") as connection:
        connection.execute("update replica.feed_state set last_applied_at = now() - interval '31 minutes'")
    with pytest.raises(FeedSilent):
        steps.pull(CODE, "resident")
    assert_red(vendor, "resident", "feed_silent")
