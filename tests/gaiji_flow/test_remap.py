"""再変換: rows that waited for a character go in from the stored source; nothing older, nothing else, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from extractors.sources import FolderSource
from gaiji_maps import review
from gaiji_maps.review import Act, Code
from loaders import remap as loaders_remap
from loaders.waiting import bearers, waiting
from municipalities.registry import get
from municipalities.site import home
from sync import remap, steps
from tests.gaiji_flow.conftest import CODES, TARGET, Newcomer, stored, withheld
from vendor_layouts.layout import load

New = Callable[..., Newcomer]


def identify(code: str) -> None:
    """Two people agree what the vendor's code is."""
    layout = load(get(code).layout)
    key = Code(layout.system, layout.charset, CODES[code])
    with review.editing(get(code).folder) as rows:
        review.propose(rows, key, TARGET, "by hand", Act("架空　一郎", date(2026, 6, 1)))
    with review.editing(get(code).folder) as rows:
        review.confirm(rows, key, Act("架空　二子", date(2026, 6, 2)))


@pytest.mark.fault(17)
@pytest.mark.clause("3(1)⑨", "3(1)⑩")
@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("kind", ["full", "diff"])
def test_from_red_to_green_for_every_vendor_and_kind_of_file(newcomer: New, code: str, kind: str) -> None:
    new = newcomer(code)
    if kind == "diff":
        new.vendor.full_set("resident")
        new.sync(full=True)
    people = [new.bears(2), new.bears(5)]
    new.vendor.full_set("resident") if kind == "full" else new.vendor.difference("resident")
    new.sync(full=True)
    (found,) = waiting(code)
    assert (found.code, found.feeds, found.persons, found.rows) == (new.vendor_code, ("resident",), 2, 2)
    assert found.alarm_text.startswith(f"外字 {new.vendor_code} が未同定のため、2 人の証明書を交付できません")
    assert withheld(code) == 2
    assert stored(code) != new.truth()

    assert remap.remap(code, "resident") == {"waiting": 2, "applied": 0, "released": 0}
    identify(code)
    assert remap.remap(code, "resident") == {"waiting": 2, "applied": 2, "released": 2}
    assert stored(code) == new.truth()
    assert (waiting(code), withheld(code)) == ([], 0)
    assert all(stored(code)[key]["name"].startswith(new.text) for key in people)
    assert bearers(code, [new.text, new.text[0]])[new.text] == 2
    assert remap.remap(code, "resident") == {"waiting": 0, "applied": 0, "released": 0}
    assert list((home() / "remap").rglob("*.parquet")) == []


def test_the_next_difference_follows_as_if_nothing_had_been(newcomer: New) -> None:
    new = newcomer("364894")
    new.vendor.full_set("resident")
    new.sync(full=True)
    key = new.bears(3)
    new.vendor.difference("resident")
    new.sync()
    identify("364894")
    remap.remap("364894", "resident")
    new.vendor.town.change("resident", key, katagaki="二階")
    new.vendor.difference("resident")
    assert new.sync()["written"] == 1
    assert stored("364894") == new.truth()


def test_only_the_newest_of_several_waiting_rows_is_applied(newcomer: New) -> None:
    new = newcomer("364894")
    new.vendor.full_set("resident")
    new.sync(full=True)
    key = new.bears(3)
    for place in ("一階", "二階"):
        new.vendor.town.change("resident", key, katagaki=place)
        new.vendor.difference("resident")
        new.sync()
    assert waiting("364894")[0].rows == 3  # the first difference has two rows of this person
    identify("364894")
    assert remap.remap("364894", "resident") == {"waiting": 1, "applied": 1, "released": 1}
    assert stored("364894")[key]["katagaki"] == "二階"
    assert stored("364894") == new.truth()


def test_a_newer_row_with_another_fault_keeps_the_older_one_out(newcomer: New) -> None:
    """The older row could be applied now, but the register says something newer that can't be read: withheld."""
    new = newcomer("364894")
    new.vendor.full_set("resident")
    new.sync(full=True)
    key = new.bears(3)
    new.vendor.difference("resident")
    new.sync()
    before = stored("364894")[key]
    new.vendor.town.change("resident", key, katagaki="二階")
    new.vendor.break_next("resident", "unknown_code")
    new.vendor.difference("resident")
    new.sync()
    identify("364894")
    counts = remap.remap("364894", "resident")
    assert (counts["applied"], counts["released"]) == (0, 0)
    assert stored("364894")[key] == before
    assert withheld("364894") == 1


def test_a_row_that_waits_for_two_characters_goes_in_with_the_second(newcomer: New) -> None:
    new = newcomer("364894")
    new.vendor.full_set("resident")
    new.sync(full=True)
    new.bears(3)
    new.bears(4)
    new.vendor.break_next("resident", "unmapped_gaiji")
    new.vendor.difference("resident")
    new.sync()
    assert remap.remap("364894", "resident")["applied"] == 0
    identify("364894")
    assert remap.remap("364894", "resident")["released"] == 2


def test_a_file_that_is_loaded_meanwhile_is_not_overwritten(newcomer: New, monkeypatch: pytest.MonkeyPatch) -> None:
    new = newcomer("364894")
    new.vendor.full_set("resident")
    new.sync(full=True)
    key = new.bears(3)
    new.vendor.difference("resident")
    new.sync()
    identify("364894")
    really = loaders_remap.apply

    def apply_after_a_sync(batches: Sequence[Path]) -> dict[str, int]:
        new.vendor.town.change("resident", key, katagaki="二階")
        new.vendor.difference("resident")
        new.sync()
        return really(batches)

    monkeypatch.setattr(loaders_remap, "apply", apply_after_a_sync)
    assert remap.remap("364894", "resident") == {"waiting": 1, "applied": 0, "released": 0}
    assert stored("364894")[key]["katagaki"] == "二階"
    assert stored("364894") == new.truth()


def test_without_the_stored_source_it_says_what_to_do(newcomer: New) -> None:
    new = newcomer("364894")
    new.bears(3)
    new.vendor.full_set("resident")
    new.sync(full=True)
    identify("364894")
    for source in Path(home() / "batches" / "364894").rglob("source.enc"):
        source.unlink()
    with pytest.raises(remap.SourceGone, match="full set"):
        remap.remap("364894", "resident")
    assert withheld("364894") == 1


def test_a_record_of_two_keys_waits_and_goes_in_like_any_other(newcomer: New) -> None:
    """A person has several tax records, by year: each waits for itself."""
    new = newcomer("364894")
    source = FolderSource(new.vendor.folder / "outgoing")
    new.vendor.break_next("tax", "unmapped_gaiji")
    new.vendor.full_set("tax")
    steps.run("364894", "tax", full=True, source=source)
    (found,) = waiting("364894")
    assert (found.feeds, found.persons) == (("tax",), 1)
    identify("364894")
    assert remap.remap("364894", "resident") == {"waiting": 0, "applied": 0, "released": 0}
    assert remap.remap("364894", "tax") == {"waiting": 1, "applied": 1, "released": 1}
    assert bearers("364894", [new.text])[new.text] == 1
    assert withheld("364894") == 0
