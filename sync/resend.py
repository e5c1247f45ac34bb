"""Asking the vendor for a resend (再送依頼) and knowing when it has come."""

from __future__ import annotations

from extractors.pull import pull
from extractors.resend import request_resend
from loaders import ledger
from municipalities.registry import get
from records.errors import FeedError, IncompleteFile
from sync.report import reporting


def ask(code: str, feed: str, first: int, last: int) -> str:
    """Write the resend request for the numbers ``first`` to ``last`` (both included); returns the request's name."""
    with reporting(code, feed, "resend"):
        return request_resend(get(code), feed, first, last)
