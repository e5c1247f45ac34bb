"""How much is asked (照会の量): a key that was stolen asks for more people than a town's kiosks ever do.

Counted in memory for each municipality and node, over an hour; what it comes to is an incident, never a refusal: citizens
at a copier must not pay for somebody else's attack. Who asked for whom is in the database's rows, not here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

HOUR = 3600.0


class Volume:
    """Operations that look at a person, in the last hour; ``limit`` is what a town may have in one."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=limit + 1)

    def exceeded(self) -> bool:
        """Count one more; whether the limit is passed by it. Then the counting begins anew."""
        self._times.append(self._clock())
        if len(self._times) < (self._times.maxlen or 0) or self._times[-1] - self._times[0] > HOUR:
            return False
        self._times.clear()
        return True
