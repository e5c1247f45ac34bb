"""Working ahead (先読み): blocks of rows on a few threads, in order, with flat memory. Arrow, hashing and files free the lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def ahead(work: Callable[[In], Out], values: Iterable[In], width: int = 2) -> Iterator[Out]:
    """``map`` on ``width`` threads, in order, never more than ``width`` results ahead (memory stays flat)."""
    with ThreadPoolExecutor(width) as pool:
        waiting: deque[Future[Out]] = deque()
        for value in values:
            waiting.append(pool.submit(work, value))
            if len(waiting) > width:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
