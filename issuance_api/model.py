"""The typed domain operations (業務操作) that a certificate centre may ask for, and what it gets back.

These types are the interface: OpenAPI is made from them, a wire format is an adapter to them. No rules, no database.
Everything personal travels in bodies; nothing of it in paths, headers or problem texts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from issuance_api import shapes
from issuance_api.jpki.evidence import Evidence
from issuance_api.message import Message
from issuance_api.values import (
    AddresseeNumber,
    Copies,
    FiscalYear,
    IssuerSha256,
    PrefectureCode,
    RequestId,
    Serial,
    StoreCode,
    Text100,
    Text300,
)


class Kind(StrEnum):
    """証明書の種類: four from the replica, three whose PDF the 戸籍 system makes."""

    RESIDENT_RECORD = "resident_record_certificate"
    RECORD_ITEM = "record_item_certificate"
    SEAL_REGISTRATION = "seal_registration_certificate"
    INCOME_TAXATION = "income_taxation_certificate"
    FAMILY_REGISTER_ALL = "family_register_all_certificate"
    FAMILY_REGISTER_INDIVIDUAL = "family_register_individual_certificate"
    FAMILY_REGISTER_ADDRESS = "family_register_address_certificate"

    @property
    def japanese_name(self) -> str:
        """As the kiosk shows it."""
        return JAPANESE_NAMES[self]


JAPANESE_NAMES = {
    Kind.RESIDENT_RECORD: "住民票の写し",
    Kind.RECORD_ITEM: "住民票記載事項証明書",
    Kind.SEAL_REGISTRATION: "印鑑登録証明書",
    Kind.INCOME_TAXATION: "所得課税証明書",
    Kind.FAMILY_REGISTER_ALL: "戸籍全部事項証明書",
    Kind.FAMILY_REGISTER_INDIVIDUAL: "戸籍個人事項証明書",
    Kind.FAMILY_REGISTER_ADDRESS: "戸籍の附票の写し",
}
HOUSEHOLD_KINDS = frozenset({Kind.RESIDENT_RECORD, Kind.RECORD_ITEM})
KOSEKI_KINDS = frozenset({Kind.FAMILY_REGISTER_ALL, Kind.FAMILY_REGISTER_INDIVIDUAL, Kind.FAMILY_REGISTER_ADDRESS})
REPLICA_KINDS = frozenset(Kind) - KOSEKI_KINDS


class OptionalItem(StrEnum):
    """Items that the applicant may ask for (住民票の記載事項の選択)."""

    RELATIONSHIP = "relationship"
    REGISTERED_DOMICILE = "registered_domicile"
    INDIVIDUAL_NUMBER = "individual_number"
    OVERSEAS_VOTING = "overseas_voting"


HOUSEHOLD_ITEMS = frozenset(
    {OptionalItem.RELATIONSHIP, OptionalItem.REGISTERED_DOMICILE, OptionalItem.INDIVIDUAL_NUMBER}
)
ADDRESS_ITEMS = frozenset({OptionalItem.REGISTERED_DOMICILE, OptionalItem.OVERSEAS_VOTING})
ITEMS = dict.fromkeys(HOUSEHOLD_KINDS, HOUSEHOLD_ITEMS) | {Kind.FAMILY_REGISTER_ADDRESS: ADDRESS_ITEMS}


class State(StrEnum):
    """The life of a request (申請の状態); a request that a rule refuses ends as ``refused`` with its result code."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ELIGIBLE = "eligible"
    RENDERED = "rendered"
    CHECKED = "checked"
    SENT = "sent"
    PRINTED = "printed"
    ABORTED = "aborted"
    FAILED = "failed"


class Asked(Message):
    """Who asks (申請者): the serial that the centre has verified, or the evidence that we verify; one of them.

    With the serial the centre may say which authority gave it: two may give the same.
    """

    model_config = ConfigDict(json_schema_extra=shapes.one_way)

    card_serial: Serial | None = None
    card_issuer_sha256: IssuerSha256 | None = None
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.card_serial is None) == (self.evidence is None):
            raise ValueError("either card_serial or evidence")
        if self.card_issuer_sha256 is not None and self.card_serial is None:
            raise ValueError("card_issuer_sha256 belongs to card_serial")
        return self

    def _content(self) -> dict[str, Any]:
        """What was asked and by whom, without id and evidence; an issuer that is not known is left out, as ever."""
        unsaid = set() if self.card_issuer_sha256 else {"card_issuer_sha256"}
        return self.model_dump(mode="json", exclude={"request_id", "evidence"} | unsaid)


class Purpose(StrEnum):
    """For which operation a challenge is."""

    CAPABILITIES = "capabilities"
    APPLICATION = "application"
    REGISTRATION = "registration"


class ChallengeDemand(Message):
    """乱数の請求, before a card signs."""

    purpose: Purpose


class ChallengeResult(Message):
    """乱数: 32 bytes (base64) for the card to sign, for one attempt before ``expires_at``."""

    challenge_id: str
    challenge: str
    expires_at: datetime


class CapabilityInquiry(Asked):
    """証明書利用可否の照会: what may this person have now?"""


def _as_the_kind_has(schema: dict[str, Any]) -> None:
    """``Application._only_what_the_kind_has``, for whoever reads the schema."""
    of = schema["properties"]
    of["members"]["anyOf"][0]["uniqueItems"] = True
    del of["items"]["uniqueItems"]  # an item that is named twice is asked for
    none = {"members": shapes.NOTHING, "items": of["items"] | {"maxItems": 0}, "fiscal_year": shapes.NOTHING}
    plain = set(Kind) - HOUSEHOLD_KINDS - {Kind.FAMILY_REGISTER_ADDRESS, Kind.INCOME_TAXATION}
    year = {"fiscal_year": shapes.given(of["fiscal_year"]), "required": ["fiscal_year"]}
    choices = [
        none | _some(HOUSEHOLD_ITEMS) | {"members": of["members"], "kind": _one_of(HOUSEHOLD_KINDS)},
        none | _some(ADDRESS_ITEMS) | {"kind": _one_of({Kind.FAMILY_REGISTER_ADDRESS})},
        none | year | {"kind": _one_of({Kind.INCOME_TAXATION})},
        none | {"kind": _one_of(plain)},
    ]
    shapes.each_way(schema, choices)


def _one_of(values: Iterable[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": sorted(values)}


def _some(items: Iterable[OptionalItem]) -> dict[str, Any]:
    return {"items": {"type": "array", "items": _one_of(items), "default": []}}


class Application(Asked):
    """交付申請. ``members`` None stands for 世帯全員; only the household kinds may name members or items.

    ``copies`` is how often the kiosk will print the one PDF: it counts in the statistics, and changes no page.
    """

    model_config = ConfigDict(json_schema_extra=_as_the_kind_has)

    request_id: RequestId
    kind: Kind
    members: tuple[AddresseeNumber, ...] | None = Field(default=None, min_length=1, max_length=40)
    items: frozenset[OptionalItem] = frozenset()
    fiscal_year: FiscalYear | None = None
    store_code: StoreCode | None = None
    prefecture_code: PrefectureCode | None = None
    copies: Copies = 1

    @model_validator(mode="after")
    def _only_what_the_kind_has(self) -> Application:
        if self.members is not None and self.kind not in HOUSEHOLD_KINDS:
            raise ValueError("this kind has no members to choose")
        if not self.items <= ITEMS.get(self.kind, frozenset()):
            raise ValueError("this kind does not have these optional items")
        if (self.fiscal_year is not None) != (self.kind is Kind.INCOME_TAXATION):
            raise ValueError("fiscal_year belongs to the income taxation certificate, and must be there")
        if self.members is not None and len(set(self.members)) != len(self.members):
            raise ValueError("a member is named twice")
        return self

    def content_sha256(self) -> str:
        """Hash of what was asked and by whom, without id and evidence: the same id with another is another request."""
        content = self._content()
        content["items"] = sorted(content["items"])
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class AliveCheck(Message):
    """死活監視: can certificates of this municipality be asked for now?"""


class Alive(Message):
    """They can. That they can't is a refusal with its reason."""


class ResultInquiry(Message):
    """結果照会: how far is this request?"""

    request_id: RequestId


class Cancellation(Message):
    """取消: the centre gives the request up, whatever it has come to."""

    request_id: RequestId


def _codes_of_errors(schema: dict[str, Any]) -> None:
    """``Report._printed_has_no_error``, for whoever reads the schema."""
    printed = {"outcome": {"const": "printed"}, "error_code": shapes.NOTHING}
    shapes.each_of(schema, [printed, {"outcome": {"type": "string", "enum": ["aborted", "print_error"]}}])


class Report(Message):
    """印刷結果の通知: what became of the pages that were sent.

    ``print_error`` is an incident that staff look into; the pages may still be printed or given up afterwards.
    """

    model_config = ConfigDict(json_schema_extra=_codes_of_errors)

    request_id: RequestId
    outcome: Literal["printed", "aborted", "print_error"]
    error_code: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="センターの誤り番号")] | None = None

    @model_validator(mode="after")
    def _printed_has_no_error(self) -> Self:
        if self.outcome == "printed" and self.error_code is not None:
            raise ValueError("error_code belongs to aborted and print_error")
        return self


class RegistrationApplication(Asked):
    """利用登録申請 of a person whose 本籍 is here and whose address is elsewhere; staff compare it with the 戸籍."""

    request_id: RequestId
    name: Text100
    name_kana: Text100 | None = None
    birth_on: date
    address: Text300
    registered_domicile: Text300
    family_register_head: Text100
    channel: Literal["kiosk", "web"]

    def content_sha256(self) -> str:
        """Hash of what was applied for and by whom, without the id and the evidence."""
        content = self._content()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class RegistrationResult(Message):
    """利用登録の状態."""

    request_id: RequestId
    state: Literal["applied", "approved", "rejected", "stopped"]
    usable_from: datetime | None = None
    text: str


class MemberChoice(Message):
    """A member whom the kiosk may offer."""

    addressee_number: AddresseeNumber
    name: str


class Capability(Message):
    """Whether one kind can be had now; otherwise the result code and the text for the screen.

    ``optional_items`` and ``members_choosable``: what the municipality lets the applicant choose for this kind.
    """

    kind: Kind
    name: str
    available: bool
    result_code: str | None = None
    text: str | None = None
    optional_items: tuple[OptionalItem, ...] = ()
    members_choosable: bool = False


class MaintenanceNotice(Message):
    """休止の予告: from ``begins_at`` to before ``ends_at`` these kinds can't be had."""

    kinds: tuple[Kind, ...]
    begins_at: datetime
    ends_at: datetime


class Capabilities(Message):
    """利用可否の回答. ``optional_items`` are those that any kind has; ``maintenance`` what is announced, the next first."""

    kinds: tuple[Capability, ...]
    members: tuple[MemberChoice, ...]
    optional_items: tuple[OptionalItem, ...]
    fiscal_year: int
    maintenance: tuple[MaintenanceNotice, ...] = ()


class Result(Message):
    """状態の回答; ``pdf_sha256`` is there once a certificate was sent."""

    request_id: RequestId
    state: State
    result_code: str | None = None
    issue_serial: str | None = None
    pages: int | None = None
    pdf_sha256: str | None = None


class Problem(Message):
    """problem+json (RFC 9457). ``detail`` is for people and free of personal data; ``code`` is stable."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """A finished certificate, in memory only."""

    pdf: bytes
    sha256: str
    serial: str
    pages: int


@dataclass(frozen=True, slots=True)
class Versions:
    """With what a certificate was drawn, so that it can be drawn again: hashes of templates and fonts."""

    form: str
    font: str
