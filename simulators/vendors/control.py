"""Control records (制御レコード) as vendors write them: a ``.ctl`` file, or header and trailer records in the data file.

Written by ``docs/exchange_format.md``; what reads them (``extractors.exchange``) is tried with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulators.vendors.charsets import keis

EDGE_BYTES = 256
SPACE = b"\x40"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a control record says; ``rows`` are data records, ``size`` is in bytes, ``sha256`` in lower hex."""

    municipality: str
    feed: str
    kind: str
    sequence: int
    layout: str
    rows: int
    size: int
    sha256: str
    created_at: str
    latest: int | None = None


def control_file(facts: Facts) -> bytes:
    """The ``.ctl`` file."""
    lines = {
        "utsushi_exchange": "1",
        "municipality": facts.municipality,
        "feed": facts.feed,
        "kind": facts.kind,
        "sequence": f"{facts.sequence:08d}",
        "layout": facts.layout,
        "rows": str(facts.rows),
        "bytes": str(facts.size),
        "sha256": facts.sha256,
        "created_at": facts.created_at,
    }
    if facts.latest is not None:
        lines["latest_sequence"] = f"{facts.latest:08d}"
    return "".join(f"{key}={value}\n" for key, value in lines.items()).encode("ascii")


def header(facts: Facts) -> bytes:
    """The header record, 256 bytes of EBCDIK."""
    latest = "" if facts.latest is None else f"{facts.latest:08d}"
    text = (
        f"HUTSUSHI1{facts.municipality}{facts.feed.upper():8}{facts.kind.upper()}{facts.sequence:08d}"
        f"{facts.layout.upper():20}{facts.created_at:25}{latest:8}"
    )
    return _edge(text)


def trailer(facts: Facts) -> bytes:
    """The trailer record, 256 bytes of EBCDIK; ``size`` counts the data records only."""
    return _edge(f"T{facts.rows:010d}{facts.size:012d}{facts.sha256.upper()}")


def _edge(text: str) -> bytes:
    # The layout's underscore is EBCDIK too, so one byte a character.
    return keis(text).ljust(EDGE_BYTES, SPACE)
