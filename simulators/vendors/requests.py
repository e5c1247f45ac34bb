"""Resend requests (再送依頼) as a vendor reads them: strictly, and never a file that is still being written."""

from __future__ import annotations

import re
from pathlib import Path

from records.batch import FEEDS

KEYS = {"utsushi_exchange", "municipality", "feed", "from", "to"}
MOST_BYTES = 4_096
_NUMBER = re.compile(r"[0-9]{8}\Z")

Asked = tuple[str, int, int]


def waiting(folder: Path) -> list[Path]:
    """Requests that nobody has answered yet, oldest name first."""
    return sorted(folder.glob("*.req"))


def read(path: Path, municipality: str) -> Asked | None:
    """Feed, first and last number; ``None`` when the request is not for this town or not of its form."""
    data = path.read_bytes()[: MOST_BYTES + 1]
    if len(data) > MOST_BYTES or not data.isascii():
        return None
    lines = [line.split("=", 1) for line in data.decode("ascii").splitlines() if line]
    if any(len(line) != 2 for line in lines):
        return None
    values = {line[0]: line[1] for line in lines}
    if len(values) != len(lines) or KEYS - set(values) or set(values) - KEYS - {"requested_at"}:
        return None
    if not _NUMBER.match(values["from"]) or not _NUMBER.match(values["to"]):
        return None
    if (values["utsushi_exchange"], values["municipality"]) != ("1", municipality) or values["feed"] not in FEEDS:
        return None
    first, last = int(values["from"]), int(values["to"])
    return (values["feed"], first, last) if 1 <= first <= last else None
