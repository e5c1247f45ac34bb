"""The circuit breaker (遮断器) before the 戸籍 system: after some failures in a row it is left alone for a while.

One trial is let through when the pause is over; its outcome closes the circuit or begins another pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 5
PAUSE_SECONDS = 30.0


class Breaker:
    """Closed, open, or half open; ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._trying = False

    def lets_through(self) -> bool:
        """Whether the system may be asked now; a trial counts as asked."""
        if self._open_until is None:
            return True
        if self._clock() < self._open_until or self._trying:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """The system answered, whatever it said."""
        self._failures, self._open_until, self._trying = 0, None, False

    def failed(self) -> None:
        """The system did not answer as it should."""
        self._failures += 1
        self._trying = False
        if self._open_until is not None or self._failures >= FAILURES:
            self._open_until = self._clock() + PAUSE_SECONDS

    def gave_up(self) -> None:
        """The asking was broken off from our side: nothing is known about the system."""
        self._trying = False
