"""Asking the vendor for a resend (再送依頼), and knowing when it has come."""

from __future__ import annotations

from extractors.pull import available
from extractors.resend import request_resend
from extractors.sources import Source
from municipalities.registry import get
from sync.report import reporting


def ask(code: str, feed: str, first: int, last: int, source: Source | None = None) -> str:
    """Leave a resend request for the numbers ``first`` to ``last`` (both included); returns the request's name."""
    with reporting(code, feed, "resend"):
        return request_resend(get(code), feed, first, last, source)


def arrived(code: str, feed: str, first: int, last: int, source: Source | None = None) -> bool:
    """Whether all these numbers lie at the vendor now. Whether they are whole is found when they are pulled."""
    return set(range(first, last + 1)) <= available(get(code), feed, source)
