"""The clients' ledger of a soak: every request with every attempt and every answer, as the clients saw them.

Nothing of the product's own records is here; ``reckoning`` compares the two.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.soak.asking import Answer
from benchmarks.soak.observer import Sight, Wish, look

WORKED_ON = "request_in_progress"
FINAL = "final"  # an inquiry after all had come to its end
TOO_BUSY = "database_unavailable"  # perhaps nothing was accepted, perhaps the request has failed: the client inquires
Operation = Literal["apply", "report", "cancel", "conflict", "result"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: what was done, when, where, and the answer. ``conflict`` is the same id for somebody else."""

    act: Operation
    detail: str
    node: int | None
    asked_at: float
    answered_at: float
    answer: Answer
    sight: Future[Sight] | None = field(default=None, repr=False)

    @property
    def definite(self) -> bool:
        """Whether the client knows from this answer what became of its request."""
        return self.answer.outcome == "certificate" or (
            self.answer.outcome == "problem" and self.answer.code not in (WORKED_ON, TOO_BUSY)
        )


@dataclass(slots=True)
class Entry:
    """One request id. ``marks`` say what the soak itself did to it: ``hot``, ``left``, ``cancelled``, ``conflict``, …"""

    request_id: str
    wish: Wish
    errand: str
    marks: frozenset[str] = frozenset()
    attempts: list[Attempt] = field(default_factory=list)

    def applied(self) -> list[Attempt]:
        """The applications, in the order of their ends."""
        return [one for one in self.attempts if one.act == "apply"]

    def others(self, act: Operation, detail: str | None = None) -> list[Attempt]:
        """Attempts of another operation."""
        return [one for one in self.attempts if one.act == act and detail in (None, one.detail)]

    def known(self) -> bool:
        """Whether a client knows what became of the request."""
        return any(one.definite for one in self.applied()) or any(
            one.answer.state in ("failed", "refused") for one in self.others("result")
        )

    def certificates(self) -> list[Attempt]:
        """Attempts that brought a certificate."""
        return [one for one in self.applied() if one.answer.outcome == "certificate"]

    @property
    def first_asked_at(self) -> float:
        """The instant of the first attempt."""
        return min(one.asked_at for one in self.attempts)


class Ledger:
    """All entries; every certificate is read at once by the observer, which is another process."""

    def __init__(self, readers: Executor) -> None:
        self.entries: dict[str, Entry] = {}
        self._readers = readers
        self._lock = threading.Lock()
        self._numbers = iter(range(10**9))

    def open(self, wish: Wish, errand: str, *marks: str) -> Entry:
        """A new request with an id of its own."""
        with self._lock:
            entry = Entry(f"soak-{next(self._numbers):08d}", wish, errand, frozenset(marks))
            self.entries[entry.request_id] = entry
        return entry

    def attempt(
        self, entry: Entry, act: Operation, detail: str, node: int | None, ask: Callable[[], Answer]
    ) -> Attempt:
        """Ask, and note when and what; the PDF itself goes to the observer and is not kept."""
        asked_at = time.time()
        answer = ask()
        answered_at = time.time()
        sight = self._readers.submit(look, answer.pdf) if answer.pdf is not None else None
        kept = Answer(answer.outcome, answer.code, answer.state, answer.serial, answer.sha256, answer.pages)
        made = Attempt(act, detail, node, asked_at, answered_at, kept, sight)
        entry.attempts.append(made)
        return made

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self.entries.values()))
