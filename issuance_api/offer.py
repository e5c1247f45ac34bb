"""What a municipality offers (取扱い): options of each kind, announced windows, and whether its settings make sense.

Whether a person may have a certificate is decided in ``eligibility``; here is what a kiosk may show before it asks.
"""

from __future__ import annotations

from datetime import datetime

from issuance_api.eligibility import PART_OF_HOUSEHOLD
from issuance_api.model import HOUSEHOLD_KINDS, ITEMS, KOSEKI_KINDS, Kind, MaintenanceNotice, OptionalItem
from issuance_api.service_hours import announced
from municipalities.registry import Issuing, Municipality
from records.errors import ConfigurationError, Place


def optional_items(issuing: Issuing, kind: Kind) -> tuple[OptionalItem, ...]:
    """記載事項の選択 that this kind has here."""
    whole = {
        OptionalItem.INDIVIDUAL_NUMBER: issuing.individual_number_allowed,
        OptionalItem.OVERSEAS_VOTING: issuing.overseas_voting_allowed,
    }
    left_out = issuing.not_offered.get(kind.value, ())
    return tuple(
        one for one in OptionalItem if one in ITEMS.get(kind, ()) and whole.get(one, True) and one not in left_out
    )


def members_choosable(issuing: Issuing, kind: Kind) -> bool:
    """世帯の一部: whether members of the household may be chosen for this kind."""
    left_out = issuing.not_offered.get(kind.value, ())
    return kind in HOUSEHOLD_KINDS and issuing.household_members_choosable and PART_OF_HOUSEHOLD not in left_out


def notices(issuing: Issuing, now: datetime) -> tuple[MaintenanceNotice, ...]:
    """予告: windows of kinds that are offered, as long before as the municipality announces them."""
    found = []
    for one in announced(now, issuing.maintenance, issuing.maintenance_notice_days):
        kinds = tuple(kind for kind in Kind if kind in issuing.kinds and (one.kinds is None or kind in one.kinds))
        if kinds:
            found.append(MaintenanceNotice(kinds=kinds, begins_at=one.begins_at, ends_at=one.ends_at))
    return tuple(found)


def check(municipality: Municipality) -> None:
    """Every kind and item that the settings name exists; ``ConfigurationError`` names the setting."""
    issuing = municipality.issuing
    named = {
        "kinds": issuing.kinds,
        "hours": tuple(issuing.hours),
        "not_offered": tuple(issuing.not_offered),
        "maintenance": tuple(kind for one in issuing.maintenance for kind in one.kinds or ()),
    }
    for setting, kinds in named.items():
        if not set(kinds) <= {kind.value for kind in Kind}:
            raise _wrong(municipality, setting, "there is no such kind")
    if not set(issuing.non_resident_kinds or ()) <= {kind.value for kind in KOSEKI_KINDS}:
        raise _wrong(municipality, "non_resident_kinds", "only certificates of the 戸籍 are for non-residents")
    for kind, items in issuing.not_offered.items():
        choices = {one.value for one in ITEMS.get(Kind(kind), ())}
        if not set(items) <= choices | ({PART_OF_HOUSEHOLD} if Kind(kind) in HOUSEHOLD_KINDS else set()):
            raise _wrong(municipality, "not_offered", "this kind has no such option")


def _wrong(municipality: Municipality, setting: str, why: str) -> ConfigurationError:
    return ConfigurationError(why, Place(f"{municipality.code}/settings.toml", field=f"issuing.{setting}"))
