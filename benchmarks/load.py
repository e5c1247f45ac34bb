"""A full load of 200,000 residents from the vendor's file to verified rows, beside a bare COPY and beside pandas.

All in one run on one machine and one durable server (fsync on): our tick in a process of its own, ``COPY`` of the same
clean rows into a table with the same columns, constraints, primary key and index, logged and committed, and
``pandas.read_csv`` + ``to_sql`` of the same file (no key, no index). Memory is measured at two sizes.

The peer was corrected once: before, COPY went into a table without the second index and without the constraints, and
no side waited for the disk, so figures from then can't be compared with these.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import tick
from benchmarks.figures import Figure
from benchmarks.site import CODE, BenchmarkSite, benchmark_site

ROWS, MANY_ROWS = 200_000, 1_000_000
REPEATS = 3

Say = Callable[[str], None]


def run(say: Say, *, quick: bool = False) -> list[Figure]:
    """Measure; ``quick`` takes a tenth of the rows."""
    rows, many = (ROWS // 10, MANY_ROWS // 10) if quick else (ROWS, MANY_ROWS)
    with TemporaryDirectory(prefix="utsushi-bench-") as folder, benchmark_site(Path(folder)) as site:
        ours, copy = _ours_and_copy(site, rows, say)
        pandas_seconds = _pandas(site, rows, say)
        peak_many = _peak(site, many, say)
    total = statistics.median(one["total"] for one in ours)
    peak = max(one["peak_mib"] for one in ours)
    steps = [
        Figure(f"step {name}", statistics.median(one["seconds"][name] for one in ours), "s") for name in tick.STEPS
    ]
    return [
        Figure(f"full load of {rows:,} residents", total, "s"),
        *steps,
        Figure("bare COPY of the same rows", copy, "s"),
        Figure("full load / bare COPY", total / copy, "ratio", "<= 3"),
        Figure("pandas read_csv + to_sql", pandas_seconds, "s"),
        Figure("pandas / full load", pandas_seconds / total, "ratio", ">= 4"),
        Figure(f"peak memory at {rows:,} rows", peak, "MiB", "<= 1024"),
        Figure(f"peak memory at {many:,} rows", peak_many, "MiB", "<= 1024"),
        Figure("peak memory, many rows / fewer rows", peak_many / peak, "ratio"),
    ]


def _ours_and_copy(site: BenchmarkSite, rows: int, say: Say) -> tuple[list[dict[str, Any]], float]:
    """Our tick and the bare COPY in turn, so that both see the same weather; medians of ``REPEATS``."""
    folder = site.full_set(rows)
    ours, copies = [], []
    for number in range(REPEATS):
        say(f"full load {number + 1} of {REPEATS}")
        site.empty_replica()
        ours.append(tick.measure(site.home, CODE, "resident", folder))
        copies.append(site.bare_copy())
    return ours, statistics.median(copies)


def _pandas(site: BenchmarkSite, rows: int, say: Say) -> float:
    import pandas

    say("pandas read_csv + to_sql")
    start = time.perf_counter()
    frame = pandas.read_csv(site.data_file(rows), encoding="cp932", dtype=str, keep_default_na=False)
    with site.engine().begin() as connection:
        frame.to_sql("pandas_resident", connection, schema="replica", index=False)
    return time.perf_counter() - start


def _peak(site: BenchmarkSite, rows: int, say: Say) -> float:
    say(f"memory at {rows:,} rows")
    folder = site.full_set(rows)
    site.empty_replica()
    return float(tick.measure(site.home, CODE, "resident", folder)["peak_mib"])
