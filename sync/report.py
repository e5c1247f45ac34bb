"""The run report: what the newest tick of each feed found, for ``./utsushi status`` and whoever asks at 3 a.m.

A report is facts only (time, outcome, reason, numbers). Reports are files, so that they can be read, and written,
while the database is down. A report that is missing or old counts as red: unknown is never green.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from municipalities.site import home
from records.errors import UtsushiError


@dataclass(frozen=True, slots=True)
class RunReport:
    """Outcome of one tick of a feed: ``outcome`` is ``ok``, ``running`` or ``failed``; ``at`` is UTC."""

    municipality: str
    feed: str
    at: str
    outcome: str
    step: str
    code: str = ""
    text: str = ""
    batches: int = 0


def path_of(municipality: str, feed: str) -> Path:
    """Where the newest report of a feed lies."""
    return home() / "reports" / municipality / f"{feed}.json"


def read(municipality: str, feed: str) -> RunReport | None:
    """The newest report, ``None`` when there has been no tick."""
    path = path_of(municipality, feed)
    return RunReport(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def write(report: RunReport) -> None:
    """Replace the newest report atomically."""
    path = path_of(report.municipality, report.feed)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(asdict(report), ensure_ascii=False), "utf-8")
    os.replace(part, path)


@contextmanager
def reporting(municipality: str, feed: str, step: str, batches: int = 0) -> Iterator[None]:
    """Report a step: an error of ours by its code and text, any other by its class alone (its text may quote rows)."""
    try:
        yield
    except UtsushiError as error:
        _write(municipality, feed, "failed", step, batches, error.code, str(error))
        raise
    except BaseException as error:
        _write(municipality, feed, "failed", step, batches, "unexpected", type(error).__name__)
        raise
    _write(municipality, feed, "running" if batches and step != "verify" else "ok", step, batches)


def _write(municipality: str, feed: str, outcome: str, step: str, batches: int, code: str = "", text: str = "") -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write(RunReport(municipality, feed, now, outcome, step, code, text, batches))
