"""What was in force when (時系列), in the order of the database's own commits, from the soak's journal.

The journal's rows were written in the transactions that they tell of; PostgreSQL's commit timestamps order them. Nothing
is judged here but whether something was in force at an instant, or changed between two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from benchmarks.soak.observer import Versions, Wish
from benchmarks.soak.town import Household, SoakTown

EVENTS = """
select kind, key, content, extract(epoch from pg_xact_commit_timestamp(xmin))::double precision
from journal.event order by pg_xact_commit_timestamp(xmin), id
"""
SLACK_SECONDS = 0.05  # a client's clock is read a little before and after what it measures
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Sent:
    """One ``sent``: when it was committed, and what the journal's row says."""

    at: float
    content: Mapping[str, Any]
    versions: Versions
    against: frozenset[str]  # what was in force against it: ``hold``, ``card``


@dataclass(slots=True)
class Span:
    """Something in force from ``since`` to ``until``."""

    since: float
    until: float = NEVER

    def touches(self, since: float, until: float) -> bool:
        """Whether it was in force at any instant between two."""
        return self.since <= until + SLACK_SECONDS and self.until >= since - SLACK_SECONDS

    def changed(self, since: float, until: float) -> bool:
        """Whether it began or ended between two instants."""
        return any(since - SLACK_SECONDS <= one <= until + SLACK_SECONDS for one in (self.since, self.until))


@dataclass(slots=True)
class HoldSpan(Span):
    """A hold on a person or on a 戸籍."""

    target: Mapping[str, Any] = field(default_factory=dict)

    def concerns(self, wish: Wish, household: Household, head: str | None) -> bool:
        """Whether it stops this wish: anybody printed, the applicant, or their 戸籍. ``head`` None: whoever that is."""
        if self.target["addressee_number"]:
            return self.target["addressee_number"] in wish.people
        named = self.target["family_register_head"]
        return self.target["registered_domicile"] == household.domicile and (None in (named, head) or named == head)


class Timeline:
    """All events of a soak; ``loaded`` says which versions came with which file."""

    def __init__(
        self, town: SoakTown, events: Iterable[tuple[str, str, dict[str, Any], float]],
        loaded: Mapping[tuple[str, int], Mapping[int, int]], wishes: Mapping[str, Wish],
    ) -> None:  # fmt: skip
        self.sent: dict[str, list[Sent]] = defaultdict(list)
        self.holds: dict[str, HoldSpan] = {}
        self.suspensions: dict[str, list[Span]] = defaultdict(list)
        self.loads: list[tuple[float, str, Mapping[int, int]]] = []
        self._town = town
        self._versions: dict[tuple[str, int], int] = {}
        for kind, key, content, at in events:
            if kind == "sent":
                self._send(key, content, at, wishes.get(key))
            elif kind == "load":
                self._load(key, loaded.get((key, content["last_applied"]), {}), at)
            else:
                {"hold": self._hold, "card": self._card}[kind](key, content, at)

    def held(self, wish: Wish, since: float, until: float) -> bool:
        """Whether a hold that stops this wish was in force between two instants."""
        return any(
            one.concerns(wish, self._household(wish), None) for one in self.holds.values() if one.touches(since, until)
        )

    def suspended(self, wish: Wish, since: float, until: float) -> bool:
        """Whether the card was suspended between two instants."""
        return any(one.touches(since, until) for one in self.suspensions[str(wish.applicant.card)])

    def changed(self, wish: Wish, since: float, until: float) -> bool:
        """Whether anything that the rules read about the applicant and the household changed between two instants."""
        household, number = self._household(wish), wish.applicant.number
        numbers = {"resident": household.number, "seal": number, "tax": number}
        members = {one.addressee_number for one in household.people}
        return (
            any(numbers[feed] in versions for at, feed, versions in self.loads if Span(at, at).touches(since, until))
            or any(one.changed(since, until) for one in self.suspensions[str(wish.applicant.card)])
            or any(
                one.changed(since, until)
                and (
                    one.target["addressee_number"] in members or one.target["registered_domicile"] == household.domicile
                )
                for one in self.holds.values()
            )
        )

    def _send(self, request_id: str, content: Mapping[str, Any], at: float, wish: Wish | None) -> None:
        if wish is None:
            self.sent[request_id].append(Sent(at, content, Versions(0), frozenset({"unknown"})))
            return
        household, number = self._household(wish), wish.applicant.number
        version = self._versions.get
        places = ("resident", household.number), ("seal", number), ("tax", number)
        versions = Versions(*(version(place, 0) for place in places))
        head = self._town.name(household.head, versions.resident)
        against = {"hold" for one in self.holds.values() if one.until == NEVER and one.concerns(wish, household, head)}
        against |= {"card" for one in self.suspensions[str(wish.applicant.card)] if one.until == NEVER}
        self.sent[request_id].append(Sent(at, content, versions, frozenset(against)))

    def _load(self, feed: str, versions: Mapping[int, int], at: float) -> None:
        self.loads.append((at, feed, versions))
        self._versions.update({(feed, number): version for number, version in versions.items()})

    def _hold(self, key: str, content: Mapping[str, Any], at: float) -> None:
        if content["lifted_at"]:
            self.holds[key].until = at
        else:
            self.holds[key] = HoldSpan(at, target=content)

    def _card(self, serial: str, content: Mapping[str, Any], at: float) -> None:
        if content["status"] == "active":
            for one in self.suspensions[serial]:
                one.until = min(one.until, at)
        else:
            self.suspensions[serial].append(Span(at))

    def _household(self, wish: Wish) -> Household:
        return self._town.households[wish.applicant.household]


def events(connection: psycopg.Connection) -> list[tuple[str, str, dict[str, Any], float]]:
    """The journal's rows in the order of their commits."""
    return connection.execute(EVENTS).fetchall()
