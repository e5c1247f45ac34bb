"""Asking the vendor to send files again (再送依頼)."""

from __future__ import annotations

from datetime import UTC, datetime

from extractors.exchange import REQUEST, VERSION
from extractors.sftp import SftpSource
from extractors.sources import Source
from municipalities.registry import Municipality
from records.errors import FeedError


def request_resend(municipality: Municipality, feed: str, first: int, last: int, source: Source | None = None) -> str:
    """Leave a request for the numbers ``first`` to ``last`` (both included) in the vendor's ``requests``; its name."""
    if not 1 <= first <= last <= 99_999_999:
        raise FeedError("a resend needs two numbers, the first not larger than the last")
    name = REQUEST.format(municipality=municipality.code, feed=feed, first=first, last=last)
    lines = {
        "utsushi_exchange": VERSION,
        "municipality": municipality.code,
        "feed": feed,
        "from": f"{first:08d}",
        "to": f"{last:08d}",
        "requested_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content = "".join(f"{key}={value}\n" for key, value in lines.items()).encode("ascii")
    with (source or SftpSource(municipality.vendor)).open() as session:
        session.request(name, content)
    return name
