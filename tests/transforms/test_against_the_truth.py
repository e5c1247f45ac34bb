"""A fictional town's full set through its vendor's bytes, decode and map: every mapped row equals the town's truth."""

from __future__ import annotations

from typing import Any

import pytest

from extractors import parse_delimited, parse_fixed
from municipalities import registry
from records.batch import FEEDS
from records.dictionary import columns
from simulators.vendors.files import Change
from simulators.world.town import Town, build
from transforms.block import Block
from transforms.characters import character_table
from transforms.plan import make_plan

TOWNS = {code: build(registry.get(code), seed=7, size=120) for code in ("364894", "362999", "364991")}


def mapped(town: Town, feed: str) -> list[dict[str, Any]]:
    layout = town.format.layout
    parse = parse_fixed.parse if layout.form == "fixed" else parse_delimited.parse
    changes = [Change("1", row) for row in town.records[feed].values()]
    data = town.format.write(feed, "full", 1, changes).data
    plans = make_plan(layout.feeds[feed], layout)
    table = character_table(layout.charset, town.municipality.folder, layout.system)
    found: list[dict[str, Any]] = []
    for decoded in parse(layout, layout.feeds[feed], [data], "f.dat", "full"):
        for batch in decoded.combine_chunks().to_batches():
            found += Block(batch, feed, plans, table).run().to_pylist()
    return found


@pytest.mark.clause("3(1)①", "3(1)③", "3(1)⑪")
@pytest.mark.parametrize("code", TOWNS)
@pytest.mark.parametrize("feed", FEEDS)
def test_every_row_of_every_vendor_equals_the_truth(code: str, feed: str) -> None:
    truth = list(TOWNS[code].records[feed].values())
    rows = mapped(TOWNS[code], feed)
    assert [row["problem"] for row in rows if row["problem"]] == []
    assert [{name: row[name] for name in columns(feed)} for row in rows] == [
        {name: row[name] for name in columns(feed)} for row in truth
    ]


def test_the_towns_have_what_makes_it_hard() -> None:
    residents = [row for town in TOWNS.values() for row in town.records["resident"].values()]
    assert any("\U000e0100" <= one <= "\U000e01ef" for row in residents for one in row["name"]), "a variant"
    assert {row["resident_kind"] for row in residents} == {"1", "2"}
