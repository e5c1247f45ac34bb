"""``./utsushi status``: every feed and every service, and exit code 1 when anything is wrong or unknown."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from command_line.output import Output
from records.errors import UtsushiError

FEED_LIMIT_MINUTES = 15


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``status``."""
    parser.add_argument("municipality", nargs="?", help="one municipality alone")


def run(options: argparse.Namespace, output: Output) -> int:
    """Print services and feeds; unknown counts as wrong."""
    from municipalities.registry import all_codes
    from services.supervisor import service_states

    services = [] if options.municipality else [state.row() for state in service_states()]
    codes = [options.municipality] if options.municipality else all_codes()
    feeds = [row for code in codes for row in _municipality(code)]
    if services:
        output.rows("services", services)
    output.rows("feeds", feeds)
    wrong = [row for row in services + feeds if not row["well"]]
    return 1 if wrong or not feeds else 0


def _municipality(code: str) -> list[dict[str, Any]]:
    from municipalities.registry import get
    from records.batch import FEEDS

    try:
        feeds = get(code).feeds
    except UtsushiError as error:
        return [_row(code, feed, well=False, reason=str(error)) for feed in FEEDS]
    return [_feed(code, feed) for feed in feeds]


def _feed(code: str, feed: str) -> dict[str, Any]:
    from loaders.ledger import overview
    from sync.report import read

    report = read(code, feed)
    try:
        facts = overview(code, feed)
    except UtsushiError as error:
        return _row(code, feed, well=False, reason=str(error))
    reason = _reason(report, facts)
    return _row(
        code,
        feed,
        well=not reason,
        reason=reason,
        last_applied=facts.last_applied,
        verified_at=facts.last_verified_at,
        withheld=facts.withheld,
        quarantined=facts.quarantined,
    )


def _reason(report: Any, facts: Any) -> str:
    """Why this feed is not well; empty when it is."""
    from municipalities.registry import get

    if report is None:
        return "no tick has run yet"
    if report.outcome == "failed":
        return f"{report.step}: {report.text}"
    age, silent = _minutes(datetime.fromisoformat(report.at)), _minutes(facts.last_applied_at)
    limit = get(report.municipality).heartbeat_limit_minutes
    reasons = {
        f"no tick for {age:.0f} minutes": age > FEED_LIMIT_MINUTES,
        "no full set has been loaded": facts.last_applied is None,
        f"no file from the vendor for {silent:.0f} minutes (limit {limit})": silent > limit,
        f"{facts.unverified} files are loaded but not verified": facts.unverified,
    }
    found = next((reason for reason, holds in reasons.items() if holds), "")
    return found or (_withheld(report, facts.withheld) if facts.withheld else "")


def _withheld(report: Any, persons: int) -> str:
    """How many persons are withheld, and for which characters."""
    from loaders.waiting import waiting

    texts = [one.alarm_text for one in waiting(report.municipality) if report.feed in one.feeds]
    return "; ".join([f"{persons} persons are withheld", *texts[:3], *(["…"] if texts[3:] else [])])


def _minutes(at: datetime | None) -> float:
    return (datetime.now(UTC) - at).total_seconds() / 60 if at is not None else 0.0


def _row(code: str, feed: str, *, well: bool, reason: str, **facts: Any) -> dict[str, Any]:
    keys = ("last_applied", "verified_at", "withheld", "quarantined")
    return {"municipality": code, "feed": feed, "well": well, **{key: facts.get(key) for key in keys}, "reason": reason}
