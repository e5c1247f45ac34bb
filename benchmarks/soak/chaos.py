"""What happens to a soak while its clients ask: holds, suspended cards, differences loading, kill -9 of nodes and renderers.

Staff and the vendor are busy above all with the hot households, which many requests are for. Who was killed when, and
which version came with which file, is kept for the reckoning.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.soak.site import SoakSite
from benchmarks.soak.town import CODE, Household
from benchmarks.soak.traffic import NODES, STAFF, Wishes
from replica import cards, holds

LOADED_AT_ONCE = 4
CALM_SHARE = 0.15


@dataclass
class Chaos:
    """Runs until ``over``; ``kill_nodes`` is for the thread that started the nodes."""

    site: SoakSite
    wishes: Wishes
    seed: int
    over: threading.Event = field(default_factory=threading.Event)
    loaded: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    flips: int = 0
    suspensions: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _versions: dict[tuple[str, int], int] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Staff and the vendor begin."""
        work = (self._hold, self._hold, self._hold_register, self._suspend, self._load)
        self._threads = [
            threading.Thread(target=self._guarded, args=(one, random.Random(f"{self.seed}-{number}")))
            for number, one in enumerate(work)
        ]
        for one in self._threads:
            one.start()

    def join(self) -> None:
        """Wait for their ends; what went wrong there is raised here."""
        for one in self._threads:
            one.join()
        if self.errors:
            raise self.errors[0]

    def kill_nodes(self, seconds: float, node_every: float, renderer_every: float) -> None:
        """For ``seconds``, or until it is over: a node in turn, and between them renderers. Then all chaos ends."""
        timer = threading.Timer(seconds, self.over.set)
        timer.start()
        try:
            self._kill_nodes(node_every, renderer_every)
        finally:
            timer.cancel()
            self.over.set()

    def _kill_nodes(self, node_every: float, renderer_every: float) -> None:
        nodes, node_at, renderer_at, turn = self.site.nodes, time.monotonic() + node_every, time.monotonic(), 0
        while not self.over.wait(0.1):
            now = time.monotonic()
            if now >= renderer_at + renderer_every:
                renderer_at = now
                nodes.kill_renderer(turn % NODES)
                turn += 1
            if now >= node_at:
                node = len(nodes.downs) % NODES
                nodes.kill(node)
                nodes.wait(node)
                node_at = time.monotonic() + node_every

    def _guarded(self, work: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            work(chance)
        except BaseException as error:
            self.errors.append(error)
            self.over.set()

    def _turns(self, chance: random.Random, low: float, high: float) -> Iterator[None]:
        while not self.over.wait(chance.uniform(low, high)):
            yield

    def _hold(self, chance: random.Random) -> None:
        for _ in self._turns(chance, 0.05, 0.4):
            person = chance.choice(self._household(chance).people)
            number = holds.hold_person(CODE, person.addressee_number, STAFF)
            self._lift(number, chance)

    def _hold_register(self, chance: random.Random) -> None:
        """Without 筆頭者, or with it where the household keeps its names."""
        for _ in self._turns(chance, 0.1, 0.8):
            household = self._household(chance)
            head = None if household.renames or chance.random() < 0.5 else self.site.town.name(household.head, 0)
            number = holds.hold_register(CODE, household.domicile, head, STAFF)
            self._lift(number, chance)

    def _lift(self, number: int, chance: random.Random) -> None:
        self.over.wait(chance.uniform(0.01, 0.5))
        holds.lift(CODE, number, STAFF)
        self.flips += 1

    def _suspend(self, chance: random.Random) -> None:
        for _ in self._turns(chance, 0.1, 0.8):
            card = chance.choice([one.card for one in self._household(chance).people if one.card])
            cards.suspend(CODE, card, STAFF)
            self.over.wait(chance.uniform(0.01, 0.5))
            cards.resume(CODE, card, STAFF)
            self.suspensions += 1

    def _load(self, chance: random.Random) -> None:
        for _ in self._turns(chance, 0.2, 1.2):
            feed = chance.choices(("resident", "seal", "tax"), (6, 2, 1))[0]
            versions = dict(self._next(feed, one) for one in self._whom(chance, feed))
            self.loaded[feed, self.site.loader.load(feed, versions)] = versions

    def _whom(self, chance: random.Random, feed: str) -> set[int]:
        """Households, or people with a seal or a tax record: some of those who have one."""
        found: set[int] = set()
        while len(found) < LOADED_AT_ONCE:
            household = self._household(chance)
            if feed == "resident":
                found.add(household.number)
            else:
                found.update(one.number for one in household.people if getattr(one, feed))
        return found

    def _next(self, feed: str, number: int) -> tuple[int, int]:
        self._versions[feed, number] = self._versions.get((feed, number), 0) + 1
        return number, self._versions[feed, number]

    def _household(self, chance: random.Random) -> Household:
        return chance.choice(self.wishes.calm if chance.random() < CALM_SHARE else self.wishes.hot)
