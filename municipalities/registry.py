"""The registry of municipalities (自治体): loads and checks ``municipalities/<code>/settings.toml``.

A municipality is data; no code anywhere assumes one town. One broken folder never hides the others: ``all_codes`` only
lists, ``get`` checks one.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from datetime import datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

from municipalities.site import CHECKOUT, home, site
from records.errors import ConfigurationError, Place

JST = timezone(timedelta(hours=9), "JST")
MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\Z")
CODE = re.compile(r"[0-9]{6}\Z")
LAYOUT = re.compile(r"[a-z][a-z0-9_]*/[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class VendorServer:
    """The vendor's SFTP server. ``host_key`` is the pinned public key (OpenSSH line); key authentication only."""

    host: str
    port: int
    user: str
    host_key: str
    key_file: Path
    outgoing: str = "/outgoing/{feed}"
    requests: str = "/requests"
    timeout_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Hours (JST) of a kind of certificate, or of the 戸籍 system; within the service hours of all certificates.

    Working days are not Saturdays, Sundays, 祝日, or 12-29 to 01-03; ``closed_on`` has further days of each year (``12-28``).
    """

    opens: time = time(0, 0)
    closes: time = time.max
    working_days_only: bool = False
    closed_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Maintenance:
    """予告された休止: from ``begins_at`` to before ``ends_at``; ``kinds`` None stands for all kinds."""

    begins_at: datetime
    ends_at: datetime
    kinds: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Issuing:
    """What this municipality decides about its certificates (証明書): options, wording and who signs.

    ``certification_texts`` (認証文) has one wording per form; ``kinds`` lists what may be issued at all. What each setting
    means stands in ``docs/eligibility.md``.
    """

    mayor_title: str
    mayor_name: str
    kinds: tuple[str, ...]
    individual_number_allowed: bool
    household_members_choosable: bool
    tax_year: int
    stale_after_minutes: int
    certification_texts: dict[str, str]
    maintenance: tuple[Maintenance, ...] = ()
    maintenance_notice_days: int = 14
    hours: dict[str, OpenHours] = field(default_factory=dict)
    koseki_hours: OpenHours = OpenHours()
    not_offered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    non_resident_kinds: tuple[str, ...] | None = None
    move_in_day_allowed: bool = False
    overseas_voting_allowed: bool = False
    card_usable_next_day: bool = True  # a card serves from the day after its certificate was issued, not before
    individual_sheets: bool = False  # 住民票: one member a sheet (個人票), not four (世帯連記式)
    volume_alarm_per_hour: int = 600  # more inquiries and applications at one node are an incident (a key that was stolen?)
    registration_days: int = 5  # a usage registration may be used this many days after it was approved


@dataclass(frozen=True, slots=True)
class Municipality:
    """One municipality: code (全国地方公共団体コード, 6 digits), vendor layout, feeds, limits and issuing rules.

    ``fonts`` are the entries ``[[fonts]]`` as they stand in the file; ``municipalities.fonts`` reads them.
    """

    code: str
    name: str
    prefecture: str
    layout: str
    feeds: tuple[str, ...]
    max_bad_share: float
    heartbeat_limit_minutes: int
    issuing: Issuing
    folder: Path
    fictional: bool = False
    fonts: tuple[dict[str, Any], ...] = ()

    @property
    def vendor(self) -> VendorServer:
        """The vendor's server as this installation knows it (``site.toml``)."""
        values = site().vendors.get(self.code)
        if values is None:
            raise ConfigurationError("no vendor server is configured", Place("site.toml", field=f"vendors.{self.code}"))
        key_file = home() / str(values["key_file"])
        return VendorServer(**{**values, "key_file": key_file})

    @property
    def database(self) -> str:
        """Name of the replica database."""
        return f"replica_{self.code}"

    @property
    def layout_system(self) -> str:
        """The vendor system whose private codes this municipality's map translates."""
        return self.layout.partition("/")[0]


def root() -> Path:
    """The folder of municipalities: ``UTSUSHI_MUNICIPALITIES``, or the one of this release."""
    return Path(os.environ.get("UTSUSHI_MUNICIPALITIES") or CHECKOUT / "municipalities")


def all_codes() -> tuple[str, ...]:
    """Codes of all municipalities that have a folder, sorted; their content is not checked here."""
    return tuple(sorted(path.name for path in root().iterdir() if path.is_dir() and CODE.match(path.name)))


def get(code: str) -> Municipality:
    """One municipality, checked; ``ConfigurationError`` names the file and the key."""
    path = root() / code / "settings.toml"
    if not CODE.match(code) or not path.exists():
        raise ConfigurationError(f"there is no municipality with this code; known: {', '.join(all_codes())}")
    with path.open("rb") as file:
        try:
            values = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(str(error), Place(f"{code}/settings.toml")) from None
    return _municipality(code, path.parent, values)


def _municipality(code: str, folder: Path, values: dict[str, Any]) -> Municipality:
    place = f"{code}/settings.toml"
    issuing = values.pop("issuing", None)
    if not isinstance(issuing, dict):
        raise ConfigurationError("the table [issuing] is missing", Place(place))
    issuing["kinds"] = tuple(issuing.get("kinds", ()))
    issuing |= _issuing_rules(place, issuing)
    values["feeds"] = tuple(values.get("feeds", ()))
    values["fonts"] = tuple(values.get("fonts", ()))
    _audit(place, Municipality, {**values, "code": code, "folder": folder, "issuing": issuing})
    _audit(place, Issuing, issuing)
    if not LAYOUT.match(values["layout"]) or not 0 <= values["max_bad_share"] <= 1:
        raise ConfigurationError("layout must be system/version and max_bad_share a share", Place(place))
    return Municipality(code=code, folder=folder, issuing=Issuing(**issuing), **values)


def _issuing_rules(place: str, issuing: dict[str, Any]) -> dict[str, Any]:
    """Hours, windows and what is not offered, of ``[issuing]``, checked; ``ConfigurationError`` names the key."""
    kinds = issuing.get("non_resident_kinds")
    return {
        "maintenance": tuple(_maintenance(place, one) for one in issuing.get("maintenance", ())),
        "koseki_hours": _hours(place, issuing.get("koseki_hours", {})),
        "hours": {kind: _hours(place, one) for kind, one in issuing.get("hours", {}).items()},
        "not_offered": {kind: tuple(items) for kind, items in issuing.get("not_offered", {}).items()},
        "non_resident_kinds": None if kinds is None else tuple(kinds),
    }


def _hours(place: str, values: dict[str, Any]) -> OpenHours:
    _audit(place, OpenHours, values)
    made = OpenHours(**{**values, "closed_on": tuple(values.get("closed_on", ()))})
    if not made.opens < made.closes or not all(MONTH_DAY.match(day) for day in made.closed_on):
        raise ConfigurationError("hours open before they close; closed_on has days such as 12-28", Place(place))
    return made


def _maintenance(place: str, values: dict[str, Any]) -> Maintenance:
    where = Place(place, field="issuing.maintenance")
    if not {"from", "to"} <= set(values) <= {"from", "to", "kinds"}:
        raise ConfigurationError("a window has from, to and perhaps kinds", where)
    begins_at, ends_at = (_instant(values[key], where) for key in ("from", "to"))
    if not begins_at < ends_at:
        raise ConfigurationError("a window begins before it ends", where)
    kinds = values.get("kinds")
    return Maintenance(begins_at, ends_at, None if kinds is None else tuple(kinds))


def _instant(value: object, where: Place) -> datetime:
    """An instant of TOML, or as text; Japanese time where no offset is given."""
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ConfigurationError("an instant is written like 2026-11-24T10:00", where) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=JST)


def _audit(place: str, kind: type, values: dict[str, Any]) -> None:
    """Every key of the file is used, and every setting without a default is there."""
    known = {one.name: one for one in fields(kind)}
    for key in values:
        if key not in known:
            raise ConfigurationError("unknown setting", Place(place, field=key))
    for name, one in known.items():
        if name not in values and one.default is one.default_factory:
            raise ConfigurationError("setting is missing", Place(place, field=name))
