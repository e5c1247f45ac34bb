"""Names and control records of exchange files (連携ファイル), as ``docs/exchange_format.md`` describes them.

A control record is read strictly: unknown, doubled or missing keys are errors, and so is anything that contradicts
the file's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from extractors import charsets
from records.batch import FEEDS, Kind
from records.errors import ControlRecordInvalid, Place

NAME = re.compile(r"([0-9]{6})_(resident|seal|tax)_(full|diff)_([0-9]{8})\.dat\Z")
REQUEST = "{municipality}_{feed}_resend_{first:08d}_{last:08d}.req"
EDGE_BYTES = 256
VERSION = "1"
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_NUMBER = re.compile(r"[0-9]{1,12}\Z")
_SEQUENCE = re.compile(r"[0-9]{8}\Z")
# datetime.fromisoformat alone takes week dates and any character between date and time.
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})\Z"
)
_MAX_CONTROL_BYTES = 4096
REQUIRED = frozenset(
    ("utsushi_exchange", "municipality", "feed", "kind", "sequence", "layout", "rows", "bytes", "sha256", "created_at")
)
OPTIONAL = frozenset(("latest_sequence",))


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a ``.dat`` file says."""

    municipality: str
    feed: str
    kind: Kind
    sequence: int

    def __str__(self) -> str:
        return f"{self.municipality}_{self.feed}_{self.kind}_{self.sequence:08d}.dat"

    @property
    def control(self) -> str:
        """Name of the control file that belongs to it."""
        return str(self).removesuffix(".dat") + ".ctl"


@dataclass(frozen=True, slots=True)
class Control:
    """The control record (制御レコード): identity, ``rows`` (data records), ``bytes`` and ``sha256`` (lower hex)."""

    name: FileName
    layout: str
    rows: int
    bytes: int
    sha256: str
    created_at: str
    latest_sequence: int | None = None


def parse_name(name: str) -> FileName | None:
    """The parts of a ``.dat`` file's name; ``None`` for any other name, which is never touched."""
    match = NAME.match(name)
    if match is None or match[2] not in FEEDS:
        return None
    kind: Kind = "full" if match[3] == "full" else "diff"
    return FileName(match[1], match[2], kind, int(match[4]))


def parse_control_file(data: bytes, file: str) -> Control:
    """Read a ``.ctl`` file (ASCII ``key=value`` lines); ``ControlRecordInvalid`` names what is wrong."""
    if len(data) > _MAX_CONTROL_BYTES or not data.isascii():
        raise ControlRecordInvalid("the control file must be ASCII and at most 4096 bytes", Place(file))
    values: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii").split("\n"), 1):
        text = line.removesuffix("\r")
        if not text:
            continue
        key, separator, value = text.partition("=")
        if not separator or key in values or key not in REQUIRED | OPTIONAL:
            raise ControlRecordInvalid(
                "a line is not key=value, or its key is unknown or doubled", Place(file, row=number)
            )
        values[key] = value
    return _control(values, file)


def format_control_file(control: Control) -> bytes:
    """The ``.ctl`` file for ``control``."""
    name = control.name
    latest = [] if control.latest_sequence is None else [f"latest_sequence={control.latest_sequence:08d}"]
    lines = [
        f"utsushi_exchange={VERSION}",
        f"municipality={name.municipality}",
        f"feed={name.feed}",
        f"kind={name.kind}",
        f"sequence={name.sequence:08d}",
        f"layout={control.layout}",
        f"rows={control.rows}",
        f"bytes={control.bytes}",
        f"sha256={control.sha256}",
        f"created_at={control.created_at}",
        *latest,
    ]
    return "".join(line + "\n" for line in lines).encode("ascii")


def parse_edges(header: bytes, trailer: bytes, file: str) -> Control:
    """Read the header and trailer records (EBCDIK, 256 bytes each) of a file that carries its own control record."""
    head, tail = _edge(header, "H", file), _edge(trailer, "T", file)
    if head[1:9] != "UTSUSHI1":
        raise ControlRecordInvalid("the header does not say UTSUSHI1", Place(file, offset=1))
    if head[88:].strip() or tail[87:].strip():
        raise ControlRecordInvalid("there must be spaces after the last item of header and trailer", Place(file))
    latest = head[80:88].strip()
    values = {
        "utsushi_exchange": VERSION,
        "municipality": head[9:15],
        "feed": head[15:23].strip().lower(),
        "kind": head[23:27].lower(),
        "sequence": head[27:35],
        "layout": head[35:55].strip().lower(),
        "created_at": head[55:80].rstrip(),
        "rows": tail[1:11],
        "bytes": tail[11:23],
        "sha256": tail[23:87].lower(),
        **({"latest_sequence": latest} if latest else {}),
    }
    return _control(values, file)


def format_edges(control: Control) -> tuple[bytes, bytes]:
    """Header and trailer records for ``control``."""
    name = control.name
    latest = f"{control.latest_sequence:08d}" if control.latest_sequence is not None else ""
    head = (
        f"HUTSUSHI1{name.municipality}{name.feed.upper():8}{name.kind.upper()}{name.sequence:08d}"
        f"{control.layout.upper():20}{control.created_at:25}{latest:8}"
    )
    tail = f"T{control.rows:010d}{control.bytes:012d}{control.sha256.upper()}"
    one, two = (charsets.encode("keis83", text.ljust(EDGE_BYTES)) for text in (head, tail))
    return one, two


def _edge(record: bytes, mark: str, file: str) -> str:
    try:
        text = charsets.decode("keis83", record)
    except charsets.Broken as error:
        place = Place(file, offset=error.offset)
        raise ControlRecordInvalid(f"the {mark} record is not EBCDIK", place) from None
    if len(text) != EDGE_BYTES or text[0] != mark:
        raise ControlRecordInvalid(f"there is no {mark} record of {EDGE_BYTES} bytes", Place(file))
    return text


def _control(values: dict[str, str], file: str) -> Control:
    if missing := sorted(REQUIRED - set(values)):
        raise ControlRecordInvalid(f"missing: {', '.join(missing)}", Place(file))
    checks: dict[str, Any] = {
        "utsushi_exchange": values["utsushi_exchange"] == VERSION,
        "feed": values["feed"] in FEEDS,
        "kind": values["kind"] in ("full", "diff"),
        "municipality": re.match(r"[0-9]{6}\Z", values["municipality"]),
        "sequence": _SEQUENCE.match(values["sequence"]) and int(values["sequence"]) > 0,
        "latest_sequence": _SEQUENCE.match(values.get("latest_sequence", "00000000")),
        "rows": _NUMBER.match(values["rows"]),
        "bytes": _NUMBER.match(values["bytes"]),
        "sha256": _HEX.match(values["sha256"]),
        "created_at": _instant(values["created_at"]),
    }
    for key, good in checks.items():
        if not good:
            raise ControlRecordInvalid("the value is not of its form", Place(file, field=key))
    kind: Kind = "full" if values["kind"] == "full" else "diff"
    name = FileName(values["municipality"], values["feed"], kind, int(values["sequence"]))
    latest = int(values["latest_sequence"]) if "latest_sequence" in values else None
    if latest is not None and latest < name.sequence:
        raise ControlRecordInvalid("it is smaller than the file's own number", Place(file, field="latest_sequence"))
    rows, size = int(values["rows"]), int(values["bytes"])
    return Control(name, values["layout"], rows, size, values["sha256"], values["created_at"], latest)


def _instant(text: str) -> bool:
    if _INSTANT.match(text) is None:
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
