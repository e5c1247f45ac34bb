"""A difference of 100 changes costs the same in a town of 14,000 and in a city of 1,000,000."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import tick
from benchmarks.figures import Figure
from benchmarks.site import CODE, benchmark_site

TOWN, CITY, CHANGES = 14_000, 1_000_000, 100
REPEATS = 7

Say = Callable[[str], None]


def run(say: Say, *, quick: bool = False) -> list[Figure]:
    """Measure; ``quick`` takes a city of a tenth."""
    sizes = (TOWN, CITY // 10 if quick else CITY)
    town, city = (_difference(size, say) for size in sizes)
    return [
        Figure(f"difference of {CHANGES} in a town of {sizes[0]:,}", town, "s"),
        Figure(f"difference of {CHANGES} in a city of {sizes[1]:,}", city, "s"),
        Figure("city / town", city / town, "ratio", "<= 1.3"),
    ]


def _difference(size: int, say: Say) -> float:
    """Median seconds of a whole tick (pull to verify) with ``CHANGES`` changes, after the full set was loaded."""
    with TemporaryDirectory(prefix="utsushi-bench-") as folder, benchmark_site(Path(folder)) as site:
        say(f"full set of {size:,}")
        tick.measure(site.home, CODE, "resident", site.full_set(size))
        site.analyse()
        seconds = []
        for number in range(2, REPEATS + 3):
            say(f"difference {number - 1} of {REPEATS + 1}")
            seconds.append(tick.measure(site.home, CODE, "resident", site.difference(size, number, CHANGES))["total"])
    return float(statistics.median(seconds[1:]))
