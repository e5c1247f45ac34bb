"""The oracle: whatever happens in a town, after difference N the replica equals the truth at N, for every kind of vendor.

Random events, heartbeats and ticks; the sync is killed between any two steps and begins anew, as Airflow would.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from extractors.sources import FolderSource
from municipalities.registry import get
from records.batch import FEEDS
from simulators.vendors.vendor import Vendor
from simulators.world import events, town
from sync import steps
from tests.sync.conftest import CODES, empty, last_applied, stored

STEPS = (steps.decode, steps.map_, steps.validate, steps.load)


class Sync(RuleBasedStateMachine):
    """A town, its vendor, and the real steps on real PostgreSQL."""

    code = ""
    home = Path()

    @initialize(seed=st.integers(0, 999))
    def full_sets(self, seed: int) -> None:
        empty(self.code, self.home)
        self.folder = Path(tempfile.mkdtemp(prefix="vendor-"))
        self.vendor = Vendor(town.build(get(self.code), seed, 24), self.folder)
        for feed in FEEDS:
            self.vendor.full_set(feed)
            self.sync(feed, full=True)

    @rule(event=st.sampled_from(sorted(events.WEIGHTS, key=lambda one: one.__name__)))
    def something_happens(self, event: events.Event) -> None:
        event(self.vendor.town)

    @rule(feed=st.sampled_from(FEEDS))
    def the_vendor_writes_a_difference(self, feed: str) -> None:
        self.vendor.difference(feed)

    @rule(feed=st.sampled_from(FEEDS))
    def the_vendor_writes_a_full_set(self, feed: str) -> None:
        self.vendor.full_set(feed)

    @rule(feed=st.sampled_from(FEEDS))
    def a_tick(self, feed: str) -> None:
        self.sync(feed)

    @rule(feed=st.sampled_from(FEEDS), before=st.integers(0, len(STEPS)))
    def a_tick_that_is_killed_and_begins_anew(self, feed: str, before: int) -> None:
        paths = steps.pull(self.code, feed, source=self.source())
        for step in STEPS[:before] if paths else ():
            paths = step(paths)
        self.sync(feed)

    @invariant()
    def the_replica_is_the_truth_of_the_last_applied_number(self) -> None:
        if not hasattr(self, "vendor"):
            return
        for feed in FEEDS:
            number = last_applied(self.code, feed)
            assert number is not None
            assert differing(stored(self.code, feed), self.vendor.truth_at(feed, number)) == []

    def sync(self, feed: str, *, full: bool = False) -> None:
        steps.run(self.code, feed, full=full, source=self.source())
        assert last_applied(self.code, feed) == self.vendor.sequence[feed]

    def source(self) -> FolderSource:
        return FolderSource(self.folder / "outgoing")

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def differing(found: Any, truth: Any) -> list[str]:
    """Keys and columns in which two registers differ."""
    missing = [f"{key}: only in one" for key in set(found) ^ set(truth)]
    both = [key for key in truth if key in found]
    return missing + [f"{key} {name}" for key in both for name in truth[key] if truth[key][name] != found[key][name]]


@pytest.mark.slow
@pytest.mark.clause("3(1)①", "3(1)②", "3(1)④", "3(1)⑥", "3(1)③", "3(1)⑪")
@pytest.mark.parametrize("code", CODES)
def test_the_replica_equals_the_truth_after_every_difference(code: str, replicas: Path) -> None:
    machine = type(f"Sync{code}", (Sync,), {"code": code, "home": replicas})
    checks = list(HealthCheck)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=8, stateful_step_count=14, deadline=None, suppress_health_check=checks),
    )
