"""The circuit breaker (遮断器) before the 戸籍 system: after some failures in a row it is left alone for a while.

One trial is let through when the pause is over; its outcome closes the circuit or begins another pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 5
PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to ask once; what came of it is told with it. ``pause``: how many there had been when it was given."""

    pause: int
    trial: bool


class Breaker:
    """Closed, open, or half open; ``clock`` gives seconds that never go back.

    Somebody who was let through before the circuit opened may come back while it is open: their word then neither closes
    it nor makes its pause longer, because it says nothing that is newer than the failures.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pauses = 0
        self._open_until: float | None = None
        self._trying = False

    def admit(self) -> Admission | None:
        """Leave to ask the system now, or ``None``; one trial at a time when the pause is over."""
        if self._open_until is None:
            return Admission(self._pauses, trial=False)
        if self._clock() < self._open_until or self._trying:
            return None
        self._trying = True
        return Admission(self._pauses, trial=True)

    def succeeded(self, admission: Admission) -> None:
        """The system answered, whatever it said."""
        if admission.pause == self._pauses:
            self._failures, self._open_until, self._trying = 0, None, False

    def failed(self, admission: Admission) -> None:
        """The system did not answer as it should."""
        if admission.pause != self._pauses:
            return
        self._failures += 1
        self._trying = False
        if admission.trial or self._failures >= FAILURES:
            self._pauses += 1
            self._open_until = self._clock() + PAUSE_SECONDS

    def gave_up(self, admission: Admission) -> None:
        """The asking was broken off from our side: nothing is known about the system."""
        if admission.trial and admission.pause == self._pauses:
            self._trying = False
