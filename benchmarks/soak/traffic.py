"""The soak's traffic: errands of clients that set out at a fixed rate, whatever the nodes are doing (open loop).

Most are plain; the others are what has gone wrong in the field: two requests in one millisecond, retries at the other
node, clients that leave in mid-answer or lose patience, cancellations, an id used again for something else.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from benchmarks.soak.asking import Answer, Asker, Way
from benchmarks.soak.ledger import FINAL, TOO_BUSY, Attempt, Entry, Ledger, Operation
from benchmarks.soak.observer import Wish
from benchmarks.soak.town import Household, Person, SoakTown
from issuance_api.model import Kind, OptionalItem
from replica import holds
from replica.desk import Act

NODES = 2
CLIENTS = 96
LATEST_SECONDS = 20.0  # an errand that can't set out by then stays at home: this machine can't send so much
PATIENCE_SECONDS = 90.0  # until a client that wants its certificate gives up for good
HOT = 10  # households that staff and the vendor are busy with
HOT_SHARE = 0.3
ITEMS = (OptionalItem.RELATIONSHIP, OptionalItem.REGISTERED_DOMICILE, OptionalItem.INDIVIDUAL_NUMBER)
KOSEKI = (Kind.FAMILY_REGISTER_ALL, Kind.FAMILY_REGISTER_INDIVIDUAL, Kind.FAMILY_REGISTER_ADDRESS)
STAFF = Act("soak", "soak")


class Wishes:
    """Draws what somebody may ask for; the hot households are those in which something happens all the time."""

    def __init__(self, town: SoakTown) -> None:
        self.town = town
        rich = sorted(town.households, key=_interest, reverse=True)
        self.hot = rich[:HOT]
        self.calm = rich[HOT:]

    def draw(self, chance: random.Random, *, hot: bool) -> Wish:
        """A wish of somebody with a card, of a kind that this person can have."""
        household = chance.choice(self.hot if hot else self.calm)
        applicant = chance.choice([one for one in household.people if one.card])
        kind = chance.choices(*zip(*_kinds(household, applicant), strict=True))[0]
        return self._of_kind(chance, kind, household, applicant)

    def of_same_person(self, chance: random.Random, wish: Wish) -> Wish:
        """Another wish with the same card."""
        household = self.town.households[wish.applicant.household]
        kind = chance.choices(*zip(*_kinds(household, wish.applicant), strict=True))[0]
        return self._of_kind(chance, kind, household, wish.applicant)

    def _of_kind(self, chance: random.Random, kind: Kind, household: Household, applicant: Person) -> Wish:
        if kind in (Kind.RESIDENT_RECORD, Kind.RECORD_ITEM):
            chosen = chance.random() < 0.4
            people = household.people
            some = sorted(chance.sample(people, chance.randint(1, len(people))), key=people.index)
            items = frozenset(one for one in ITEMS if chance.random() < 0.4)
            return Wish(kind, applicant, tuple(some) if chosen else people, items, chosen)
        domicile = kind is Kind.FAMILY_REGISTER_ADDRESS and chance.random() < 0.5
        return Wish(kind, applicant, (applicant,), frozenset({OptionalItem.REGISTERED_DOMICILE} if domicile else ()))


def _interest(household: Household) -> tuple[bool, bool, int]:
    adults = [one for one in household.people if one.card]
    return any(one.seal and one.tax for one in adults), len(adults) > 1, len(household.people)


def _kinds(household: Household, person: Person) -> list[tuple[Kind, int]]:
    """What the person can have, with weights."""
    kinds = [(Kind.RESIDENT_RECORD, 40), (Kind.RECORD_ITEM, 15)]
    kinds += [(Kind.SEAL_REGISTRATION, 20)] if person.seal else []
    kinds += [(Kind.INCOME_TAXATION, 15)] if person.tax else []
    return kinds + ([] if household.renames else [(one, 5) for one in KOSEKI])


@dataclass
class Traffic:
    """Sends the clients on their errands; ``asker`` speaks to the nodes."""

    wishes: Wishes
    asker: Asker
    ledger: Ledger
    seed: int
    code: str
    together: list[float] = field(default_factory=list)  # seconds between the two of a pair
    late: list[float] = field(default_factory=list)  # seconds by which an errand set out after its time
    stayed: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def run(self, seconds: float, rate: float) -> None:
        """Errands for ``seconds`` at ``rate`` requests a second; returns when the last client is back."""
        started = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number, (at, errand) in enumerate(self._departures(seconds, rate)):
                time.sleep(max(0.0, started + at - time.monotonic()))
                clients.submit(self._guarded, errand, random.Random(f"{self.seed}-{number}"), started + at)
                if self.errors:
                    break
        if self.errors:
            raise self.errors[0]

    def ask_again(self) -> None:
        """Everything whose end no client knows is asked for once more."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            open_ = [one for one in self.ledger if not one.known()]
            list(clients.map(self._until_definite, open_, [None] * len(open_)))

    def inquire(self, most: int) -> None:
        """What has become of some of the requests, as the town says."""
        entries = list(self.ledger)
        some = random.Random(self.seed).sample(entries, min(most, len(entries)))
        with ThreadPoolExecutor(NODES) as clients:
            list(clients.map(partial(self._inquire, detail=FINAL), some))

    def _inquire(self, entry: Entry, detail: str = "") -> Attempt:
        return self._until_answered(entry, "result", detail, partial(self.asker.result, entry.request_id))

    def _departures(self, seconds: float, rate: float) -> Sequence[tuple[float, Errand]]:
        chance, at, found = random.Random(self.seed), 0.0, []
        while at < seconds:
            errand = chance.choices(list(ERRANDS), [weight for weight, _ in ERRANDS.values()])[0]
            found.append((at, errand))
            at += ERRANDS[errand][1] / rate
        return [(at, getattr(self, f"_{errand}")) for at, errand in found]

    def _guarded(self, errand: Errand, chance: random.Random, due: float) -> None:
        late = time.monotonic() - due
        if late > LATEST_SECONDS:
            self.stayed += 1
            return
        self.late.append(late)
        try:
            errand(chance)
        except BaseException as error:
            self.errors.append(error)

    def _plain(self, chance: random.Random) -> None:
        """One certificate, then what became of it is reported, perhaps twice and at another node."""
        entry = self._open(chance, "plain")
        if self._until_definite(entry, None).answer.outcome == "certificate":
            self._report(entry, chance)

    def _same_person(self, chance: random.Random) -> None:
        """Two requests of one person in the same millisecond, at both nodes (or both at one)."""
        one = self._open(chance, "same person")
        other = self.ledger.open(self.wishes.of_same_person(chance, one.wish), "same person", *one.marks)
        self._together(chance, one, other)

    def _strangers(self, chance: random.Random) -> None:
        """Two people in the same millisecond."""
        self._together(chance, self._open(chance, "strangers"), self._open(chance, "strangers"))

    def _twins(self, chance: random.Random) -> None:
        """The same request at both nodes in the same millisecond."""
        entry = self._open(chance, "twins")
        self._together(chance, entry, entry)

    def _retry(self, chance: random.Random) -> None:
        """The answer is there, and the centre asks again at the other node."""
        entry = self._open(chance, "retry")
        node = chance.randrange(NODES)
        self._until_definite(entry, node)
        time.sleep(chance.choice((0.0, 0.0, 0.5)))
        self._until_definite(entry, 1 - node)

    def _impatient(self, chance: random.Random) -> None:
        """The centre hears nothing in time and asks the other node."""
        entry = self._open(chance, "impatient", "left")
        node = chance.randrange(NODES)
        self._apply(entry, Way(node, patience=chance.uniform(0.002, 0.08)))
        self._until_definite(entry, 1 - node)

    def _leaves(self, chance: random.Random) -> None:
        """The client is gone in mid-answer; some never come back for it."""
        entry = self._open(chance, "leaves", "left")
        node = chance.choice((None, 0, 1))
        self._apply(entry, Way(node, bites=chance.choice((0, 1, 5000, 40_000))))
        if chance.random() < 0.6:
            self._until_definite(entry, chance.choice((None, 0, 1)))

    def _forgets(self, chance: random.Random) -> None:
        """The client is gone before the answer, and nobody asks again: the request must come to its end by itself."""
        entry = self._open(chance, "forgets", "left", "forgotten")
        self._apply(entry, Way(chance.randrange(NODES), patience=chance.uniform(0.002, 0.05)))

    def _cancels(self, chance: random.Random) -> None:
        """Given up while it is under way, or just after."""
        entry = self._open(chance, "cancels", "cancelled")
        node = chance.randrange(NODES)
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(self._apply, entry, Way(node))
            time.sleep(chance.uniform(0.0, 0.12))
            self._until_answered(entry, "cancel", "", partial(self.asker.cancel, entry.request_id))
            asked.result()
        self._until_definite(entry, 1 - node)

    def _conflict(self, chance: random.Random) -> None:
        """The same id again for somebody else: refused, and nothing of the first changes."""
        entry = self._open(chance, "conflict", "conflict")
        self._until_definite(entry, None)
        other = self.wishes.draw(chance, hot=False)
        if other.applicant != entry.wish.applicant:
            self._until_answered(entry, "conflict", "", partial(self.asker.apply, entry.request_id, other))

    def _held(self, chance: random.Random) -> None:
        """A hold is placed at about the instant of the request, and lifted a moment later."""
        wish = self.wishes.draw(chance, hot=True)
        entry = self.ledger.open(wish, "held", "hot")
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(self._until_definite, entry, None)
            time.sleep(chance.uniform(0.0, 0.1))
            number = holds.hold_person(self.code, chance.choice([*wish.people]), STAFF)
            time.sleep(chance.uniform(0.0, 0.2))
            holds.lift(self.code, number, STAFF)
            asked.result()
        self._until_definite(entry, chance.randrange(NODES))

    def _open(self, chance: random.Random, errand: str, *marks: str) -> Entry:
        hot = chance.random() < HOT_SHARE
        return self.ledger.open(self.wishes.draw(chance, hot=hot), errand, *(("hot",) if hot else ()), *marks)

    def _together(self, chance: random.Random, *entries: Entry) -> None:
        """Two threads that set out at the same instant."""
        nodes = chance.choice(((0, 1), (0, 0), (1, 1), (None, None))) if entries[0] is not entries[1] else (0, 1)
        gate = threading.Barrier(len(entries))

        def go(entry: Entry, node: int | None) -> float:
            gate.wait()
            started = time.time()
            self._until_definite(entry, node)
            return started

        with ThreadPoolExecutor(len(entries)) as pool:
            started = list(pool.map(go, entries, nodes))
        self.together.append(max(started) - min(started))

    def _apply(self, entry: Entry, way: Way) -> Attempt:
        ask = self.asker.apply
        return self.ledger.attempt(entry, "apply", "", way.node, lambda: ask(entry.request_id, entry.wish, way))

    def _until_definite(self, entry: Entry, node: int | None) -> Attempt:
        """Ask until it is known what became of the request; each time the node before gave no answer, the other one."""
        deadline, pause = time.monotonic() + PATIENCE_SECONDS, 0.05
        while True:
            made = self._apply(entry, Way(node))
            if made.answer.code == TOO_BUSY:
                self._inquire(entry)
            if made.definite or entry.known() or time.monotonic() > deadline:
                return made
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
            node = 1 - node if node is not None else int(made.asked_at * 1000) % NODES

    def _report(self, entry: Entry, chance: random.Random) -> None:
        """What the printer said; a fifth is never reported."""
        outcome = chance.choices(("printed", "aborted", "print_error", None), (60, 12, 8, 20))[0]
        for detail in {"print_error": ("print_error", "printed")}.get(outcome or "", (outcome,) if outcome else ()):
            tell = partial(self.asker.report, entry.request_id, detail)
            for _ in range(1 + (chance.random() < 0.2)):
                self._until_answered(entry, "report", detail, tell)

    def _until_answered(self, entry: Entry, act: Operation, detail: str, ask: Callable[[Way], Answer]) -> Attempt:
        """Another operation, at whatever node answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            made = self.ledger.attempt(entry, act, detail, None, lambda: ask(Way()))
            nothing = made.answer.outcome == "broken" or made.answer.code == TOO_BUSY
            if not nothing or time.monotonic() > deadline:
                return made
            time.sleep(0.1)


Errand = Callable[[random.Random], None]
# Share of the errands, and how many requests each makes.
ERRANDS = {
    "plain": (46, 1),
    "same_person": (5, 2),
    "strangers": (8, 2),
    "twins": (6, 1),
    "retry": (9, 1),
    "impatient": (6, 1),
    "leaves": (7, 1),
    "forgets": (3, 1),
    "cancels": (4, 1),
    "conflict": (2, 1),
    "held": (4, 1),
}
