"""One tick of a feed in a process of its own: seconds per step and the peak of its memory, printed as JSON.

A process of its own, because peak memory belongs to a process, and because Airflow's tasks are processes too. Imports
are done before the clock starts, as the scheduler preloads them before it forks.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# What Airflow's scheduler imports before it forks its tasks (services/preload).
PRELOADED = ("great_expectations", "pandas", "pyarrow.parquet", "expectations.validate", "sync.steps")
STEPS = ("pull", "decode", "map_", "validate", "load", "verify")


def measure(home: Path, code: str, feed: str, folder: Path) -> dict[str, Any]:
    """Run one tick from ``folder`` in a new process with ``UTSUSHI_HOME=home``; ``seconds`` by step and ``peak_mib``."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tick", code, feed, str(folder)],
        env={**os.environ, "UTSUSHI_HOME": str(home)},
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _tick(code: str, feed: str, folder: Path) -> dict[str, Any]:
    for name in PRELOADED:
        importlib.import_module(name)
    from extractors.sources import FolderSource
    from sync import steps

    seconds: dict[str, float] = {}
    paths: Any = None
    for name in STEPS:
        start = time.perf_counter()
        step = getattr(steps, name)
        paths = step(code, feed, full=True, source=FolderSource(folder)) if name == "pull" else step(paths)
        seconds[name] = time.perf_counter() - start
    return {"seconds": seconds, "total": sum(seconds.values()), "peak_mib": _peak_mib(), "counts": paths}


def _peak_mib() -> float:
    """Of this program alone: what ``getrusage`` gives also counts the parent that it was forked from."""
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    print(json.dumps(_tick(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
