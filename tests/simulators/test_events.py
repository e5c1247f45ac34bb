"""Whatever happens in a town, its register stays one that can exist, and the truth of every number is kept."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from municipalities.registry import get
from records.batch import FEEDS
from simulators.vendors.vendor import Vendor
from simulators.world import events, relationships, town
from simulators.world.history import History
from simulators.world.town import Town

NewVendor = Callable[..., Vendor]


def sound(a_town: Town) -> None:
    """What must hold whatever happened."""
    for number in {row["household_number"] for row in a_town.active()}:
        members = a_town.members(number)
        heads = [row["name"] for row in members if row["relationship_codes"] == "02"]
        assert len(heads) == 1
        assert {row["householder_name"] for row in members} == {heads[0]}
    for row in a_town.records["resident"].values():
        assert (row["resident_status"] == "1") == (row["removed_on"] is None)
        seal = a_town.records["seal"].get((row["addressee_number"],))
        assert seal is None or row["resident_status"] == "1" or seal["seal_status"] != "1"
    for feed in ("seal", "tax"):
        assert all((key[0],) in a_town.records["resident"] for key in a_town.records[feed])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), names=st.lists(st.sampled_from(sorted(events.ALL)), max_size=30))
def test_any_stream_of_events_leaves_a_sound_register(seed: int, names: list[str]) -> None:
    fiction = town.build(get("364991"), seed, 20)
    for name in names:
        events.ALL[name](fiction)
        sound(fiction)


def test_the_same_seed_gives_the_same_events() -> None:
    towns = [town.build(get("364894"), 4, 40) for _ in range(2)]
    for one in towns:
        events.happen(one, 60)
    assert towns[0].records == towns[1].records
    assert towns[0].pending == towns[1].pending


@pytest.mark.parametrize("name", sorted(events.ALL))
def test_every_kind_of_event_leaves_after_images_of_what_it_changed(name: str) -> None:
    fiction = town.build(get("364894"), 8, 150)
    before = {feed: dict(rows) for feed, rows in fiction.records.items()}
    for _ in range(3):
        events.ALL[name](fiction)
    changed = {
        (feed, key)
        for feed in FEEDS
        for key in before[feed].keys() | fiction.records[feed].keys()
        if before[feed].get(key) is not fiction.records[feed].get(key)
    }
    sent = {(feed, town.key_of(feed, one.row)) for feed in FEEDS for one in fiction.pending[feed]}
    assert changed
    assert changed <= sent


def test_june_brings_a_new_year_for_everybody_and_keeps_the_old() -> None:
    fiction = town.build(get("364894"), 8, 60)
    events.june_tax_day(fiction)
    rows = [change.row for change in fiction.pending["tax"]]
    assert len(rows) > 30
    assert {row["fiscal_year"] for row in rows} == {town.TAX_YEAR + 1}
    assert {key[1] for key in fiction.records["tax"]} == {town.TAX_YEAR, town.TAX_YEAR + 1}


@pytest.mark.parametrize(
    ("new", "other", "codes"),
    [
        (("12", "2", 70), ("20", "1", 40), "20"),
        (("12", "2", 50), ("52", "2", 80), "1152"),
        (("12", "2", 50), ("1252", "2", 80), "52"),
        (("20", "1", 40), ("12", "2", 70), "52"),
        (("20", "1", 40), ("2012", "2", 38), "12"),
        (("20", "1", 40), ("20", "2", 44), "81"),
        (("20", "1", 40), ("2020", "2", 3), "20"),
        (("20", "1", 40), ("99", "2", 30), "96"),
    ],
)
def test_relationships_as_the_new_householder_sees_them(new: Any, other: Any, codes: str) -> None:
    def person(number: str, facts: tuple[str, str, int]) -> dict[str, str]:
        return {"addressee_number": number, "relationship_codes": facts[0], "sex": facts[1]}

    old = person("0", ("02", "1", 75))
    ages = {"1": new[2], "2": other[2]}
    assert relationships.seen_from(person("1", new), old, person("2", other), ages) == codes


def test_the_truth_of_each_number_is_kept_and_costs_only_what_changed(vendor_of: NewVendor) -> None:
    vendor = vendor_of("364894", 60)
    kept: dict[tuple[str, int], Any] = {}
    for feed in FEEDS:
        vendor.full_set(feed)
        kept[feed, 1] = dict(vendor.town.records[feed])
    for number in range(2, 30):
        vendor.tick(4)
        kept.update({(feed, number): dict(vendor.town.records[feed]) for feed in FEEDS})
    for (feed, number), truth in kept.items():
        assert vendor.truth_at(feed, number) == truth
    with pytest.raises(KeyError):
        vendor.truth_at("tax", 30)


def test_a_history_of_heartbeats_is_small() -> None:
    rows = town.build(get("364894"), 1, 300).records["resident"]
    history = History("resident", rows)
    before = len(pickle.dumps(history))
    for _ in range(500):
        history.add([])
    assert len(pickle.dumps(history)) < before * 1.05


def test_a_town_that_was_stored_goes_on_as_if_it_had_not_been() -> None:
    one = town.build(get("362999"), 4, 40)
    events.happen(one, 20)
    two = pickle.loads(pickle.dumps(one))
    for fiction in (one, two):
        events.happen(fiction, 40)
    assert one.records == two.records
    assert one.pending == two.pending
