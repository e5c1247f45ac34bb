"""May this be issued (交付可否判定)? Denies by default: one named rule after another has to allow it.

Each rule is a function of the facts with its own result code and the text for the kiosk's screen. No database and no
clock here: ``Facts`` holds one consistent reading of the register, and the instant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from issuance_api.model import HOUSEHOLD_KINDS, KOSEKI_KINDS, Application, Kind, OptionalItem
from issuance_api.service_hours import JST, in_maintenance, within_hours, within_koseki_hours
from municipalities.registry import Municipality
from records.code_lists import code_list
from records.records import IncomeTax, Resident, SealRegistration
from records.wareki import DateValue, InvalidDate, parse

ACTIVE = "1"
CARD_ACTIVE = "active"
CARD_UNLINKED = "unlinked"
APPROVED = "approved"
SEAL_REGISTERED = "1"
HOUSEHOLDER = "02"
TAX_NOT_FILED = "2"
LEAST_AGE = 15
ALL_KINDS = frozenset(Kind)
PREFECTURES = tuple(one.name for one in code_list("prefecture").values())
SEAL = frozenset({Kind.SEAL_REGISTRATION})
TAX = frozenset({Kind.INCOME_TAXATION})
FEEDS = {Kind.SEAL_REGISTRATION: ("resident", "seal"), Kind.INCOME_TAXATION: ("resident", "tax")}


@dataclass(frozen=True, slots=True)
class Card:
    """利用者証明用電子証明書 linked to a person; it may be used from ``valid_from`` to before ``valid_until``."""

    addressee_number: str
    status: str
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Registration:
    """利用登録: a person who lives elsewhere and may have certificates of the 戸籍 that staff found."""

    id: int
    state: str
    name: str
    birth_on: date
    registered_domicile: str
    family_register_head: str
    usable_from: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """One consistent reading of everything that the rules ask for.

    ``household`` are the active members of the person's household; ``withheld`` pairs of (feed, 宛名番号); ``held`` the
    宛名番号 under an issuance hold; ``verified_at`` the instant of the last verified load of each feed. Service hours
    are those of ``accepted_at``: a request accepted before closing is finished.
    """

    now: datetime
    accepted_at: datetime
    municipality: Municipality
    application: Application
    card: Card | None = None
    person: Resident | None = None
    household: tuple[Resident, ...] = ()
    withheld: frozenset[tuple[str, str]] = frozenset()
    held: frozenset[str] = frozenset()
    verified_at: Mapping[str, datetime | None] | None = None
    seal: SealRegistration | None = None
    tax: IncomeTax | None = None
    registration: Registration | None = None
    register_held: bool = False
    always_open: bool = False

    @property
    def today(self) -> date:
        """The day in Japan."""
        return self.now.astimezone(JST).date()

    @property
    def kind(self) -> Kind:
        """The kind that was asked for."""
        return self.application.kind

    @property
    def non_resident(self) -> bool:
        """本籍者 who lives elsewhere: asks for a 戸籍 certificate by a registration, and is no active resident here."""
        resident = self.person is not None and self.person.resident_status == ACTIVE
        return self.kind in KOSEKI_KINDS and self.registration is not None and not resident

    @property
    def registered_domicile(self) -> str | None:
        """本籍 of the applicant: by the registration, else by the resident record."""
        if self.non_resident and self.registration is not None:
            return self.registration.registered_domicile
        return self.person.registered_domicile if self.person else None

    @property
    def whole_household(self) -> bool:
        """世帯全員: nobody was chosen, or everybody."""
        members = self.application.members
        return members is None or set(members) == {one.addressee_number for one in self.household}

    @property
    def printed(self) -> tuple[Resident, ...]:
        """The people who would stand on the certificate; empty when there is nobody."""
        if self.kind not in HOUSEHOLD_KINDS:
            return (self.person,) if self.person else ()
        chosen = self.application.members
        return tuple(one for one in self.household if chosen is None or one.addressee_number in chosen)

    @property
    def concerned(self) -> tuple[Resident, ...]:
        """Whose resident record counts: everybody printed, and the applicant; of a non-resident there is none."""
        if self.non_resident:
            return ()
        return tuple(
            {one.addressee_number: one for one in (*self.printed, *((self.person,) if self.person else ()))}.values()
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """不交付: a stable result code and the text for the screen; neither tells anything about a person."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``allows`` must be true for the certificate to go on."""

    code: str
    text: str
    kinds: frozenset[Kind]
    allows: Callable[[Facts], bool]


RULES: list[Rule] = []
AT_THE_COUNTER = "窓口でお手続きください。"


def rule(text: str, kinds: frozenset[Kind] = ALL_KINDS) -> Callable[[Callable[[Facts], bool]], Callable[[Facts], bool]]:
    """Register a rule; its name is its result code, its place in this file its order."""

    def register(allows: Callable[[Facts], bool]) -> Callable[[Facts], bool]:
        RULES.append(Rule(allows.__name__, text, kinds, allows))
        return allows

    return register


def decide(facts: Facts) -> Refusal | None:
    """The first rule that does not allow it, or ``None``; a kind that no rule knows is refused."""
    rules = [one for one in RULES if facts.kind in one.kinds]
    if not rules:
        return Refusal("kind_unknown", "この証明書は取り扱っていません。")
    return next((Refusal(one.code, one.text) for one in rules if not one.allows(facts)), None)


@rule("サービス提供時間外です（6時30分から23時まで、12月29日から1月3日までは休止）。")
def outside_service_hours(facts: Facts) -> bool:
    """Service hours and the year's end (仕様書 1(6)①); a demonstration may be open at all hours."""
    return facts.always_open or within_hours(facts.accepted_at)


@rule("ただいまメンテナンス中です。時間をおいてご利用ください。")
def maintenance(facts: Facts) -> bool:
    """Windows announced by the municipality."""
    return not in_maintenance(facts.accepted_at, facts.municipality.issuing.maintenance)


@rule("この証明書はコンビニ交付では取り扱っていません。")
def kind_not_offered(facts: Facts) -> bool:
    """The municipality lists the kinds that it issues."""
    return facts.kind.value in facts.municipality.issuing.kinds


@rule("このカードは登録されていません。" + AT_THE_COUNTER)
def card_not_linked(facts: Facts) -> bool:
    """The certificate's serial belongs to a person of this register, or to a usage registration."""
    return facts.card is not None or facts.non_resident


@rule("このカードは現在ご利用いただけません。" + AT_THE_COUNTER)
def card_not_active(facts: Facts) -> bool:
    """Neither suspended nor unlinked, not before its first instant and not after its last."""
    card = facts.card
    if facts.non_resident:
        return card is None or card.status == CARD_UNLINKED
    if card is None or card.status != CARD_ACTIVE:
        return False
    return card.valid_from <= facts.now and (card.valid_until is None or facts.now < card.valid_until)


@rule("住民登録を確認できません。" + AT_THE_COUNTER)
def not_a_resident(facts: Facts) -> bool:
    """The person is an active resident (住民状態 1); moved out, deceased and removed people are not."""
    return facts.non_resident or (facts.person is not None and facts.person.resident_status == ACTIVE)


@rule("利用登録を確認できません。" + AT_THE_COUNTER, KOSEKI_KINDS)
def registration_not_usable(facts: Facts) -> bool:
    """A non-resident's registration is approved, not stopped, and its first instant has come."""
    if not facts.non_resident or facts.registration is None:
        return True
    usable_from = facts.registration.usable_from
    return facts.registration.state == APPROVED and usable_from is not None and usable_from <= facts.now


@rule("戸籍の証明書の取扱時間外です。", KOSEKI_KINDS)
def outside_koseki_hours(facts: Facts) -> bool:
    """The 戸籍 system has hours of its own in many towns."""
    return facts.always_open or within_koseki_hours(facts.accepted_at, facts.municipality.issuing.koseki_hours)


@rule("本籍がこの市区町村にありません。本籍地の市区町村にお問い合わせください。", KOSEKI_KINDS)
def register_elsewhere(facts: Facts) -> bool:
    """The 戸籍 is kept where the 本籍 is; foreign residents have none."""
    return lies_in(facts.registered_domicile, facts.municipality)


@rule("届出の処理中のため、戸籍の証明書を発行できません。" + AT_THE_COUNTER, KOSEKI_KINDS)
def register_held(facts: Facts) -> bool:
    """No hold (発行抑止) concerns the 戸籍 that the registration names."""
    return not facts.register_held


@rule("在外選挙人名簿の記載は、コンビニ交付では取り扱っていません。", KOSEKI_KINDS)
def overseas_voting_not_offered(facts: Facts) -> bool:
    """Whether the 附票 may show the overseas voters' list is the municipality's decision."""
    wanted = OptionalItem.OVERSEAS_VOTING in facts.application.items
    return not wanted or facts.municipality.issuing.overseas_voting_allowed


@rule("最新の情報を確認できないため、交付できません。時間をおいてご利用ください。")
def data_not_fresh(facts: Facts) -> bool:
    """Every feed that the certificate needs was verified within the municipality's limit."""
    limit = timedelta(minutes=facts.municipality.issuing.stale_after_minutes)
    verified = facts.verified_at or {}
    feeds = () if facts.non_resident else FEEDS.get(facts.kind, ("resident",))
    instants = [verified.get(feed) for feed in feeds]
    return all(one is not None and timedelta(0) <= facts.now - one + timedelta(minutes=1) <= limit for one in instants)


@rule("15歳未満の方はご利用いただけません。")
def under_15(facts: Facts) -> bool:
    """Fifteen on the birthday. With unknown parts of the date the latest possible day counts."""
    age = applicant_age(facts)
    return age is not None and age >= LEAST_AGE


@rule("選択された方は、同じ世帯の方ではありません。", HOUSEHOLD_KINDS)
def member_not_in_household(facts: Facts) -> bool:
    """Every chosen member, and at least one, is an active member of the applicant's household."""
    members = facts.application.members
    return bool(facts.printed) and (members is None or len(facts.printed) == len(members))


@rule("世帯の一部の方の証明書は、コンビニ交付では取り扱っていません。", HOUSEHOLD_KINDS)
def members_not_choosable(facts: Facts) -> bool:
    """Whether a part of the household may be printed is the municipality's decision."""
    return facts.whole_household or facts.municipality.issuing.household_members_choosable


@rule("個人番号を記載した証明書は、コンビニ交付では取り扱っていません。", HOUSEHOLD_KINDS)
def individual_number_not_offered(facts: Facts) -> bool:
    """Whether the individual number may be printed is the municipality's decision."""
    wanted = OptionalItem.INDIVIDUAL_NUMBER in facts.application.items
    return not wanted or facts.municipality.issuing.individual_number_allowed


@rule("登録内容を確認中のため、交付できません。" + AT_THE_COUNTER)
def withheld(facts: Facts) -> bool:
    """Nobody concerned is withheld (取置): their newest change could not be applied; 世帯全員 asks for every member."""
    needed = {("resident", one.addressee_number) for one in facts.concerned}
    if facts.person and facts.kind in FEEDS:
        needed.add((FEEDS[facts.kind][-1], facts.person.addressee_number))
    return not needed & facts.withheld


@rule("証明書の発行を停止しています。" + AT_THE_COUNTER)
def held(facts: Facts) -> bool:
    """Neither the applicant, resident or not, nor anybody printed is under an issuance hold (発行抑止)."""
    people = (*facts.concerned, *((facts.person,) if facts.person else ()))
    return not {one.addressee_number for one in people} & facts.held


@rule("証明書の発行を停止しています。" + AT_THE_COUNTER)
def issuance_stopped(facts: Facts) -> bool:
    """The vendor system stops nobody concerned (発行停止)."""
    return not any(one.issuance_stop for one in facts.concerned)


@rule("コンビニ交付はご利用いただけません。" + AT_THE_COUNTER)
def support_measure(facts: Facts) -> bool:
    """支援措置: neither for the person nor for anybody of the household."""
    own = (facts.person,) if facts.person else ()
    return not any(one.support_measure for one in (*own, *facts.concerned, *facts.household))


@rule("転出の届出があるため、交付できません。" + AT_THE_COUNTER)
def move_out_filed(facts: Facts) -> bool:
    """転出: refused from the notice on, also before the moving day, for the whole household."""
    people = facts.household if facts.kind in HOUSEHOLD_KINDS else facts.concerned
    return not any(one.move_out_planned_on or one.removed_on for one in people)


@rule("世帯の情報を確認できないため、交付できません。" + AT_THE_COUNTER, HOUSEHOLD_KINDS)
def household_inconsistent(facts: Facts) -> bool:
    """Exactly one householder, and every member names this householder."""
    heads = [one for one in facts.household if one.relationship_codes == HOUSEHOLDER]
    return len(heads) == 1 and {one.householder_name for one in facts.household} == {heads[0].name}


@rule("印鑑登録を確認できません。" + AT_THE_COUNTER, SEAL)
def seal_not_registered(facts: Facts) -> bool:
    """The seal is registered: neither suspended nor cancelled."""
    return facts.seal is not None and facts.seal.seal_status == SEAL_REGISTERED and facts.seal.cancelled_on is None


@rule("最新年度以外の証明書は、コンビニ交付では取り扱っていません。", TAX)
def not_the_latest_tax_year(facts: Facts) -> bool:
    """Only the newest fiscal year."""
    return facts.application.fiscal_year == facts.municipality.issuing.tax_year


@rule("この年度の課税情報を確認できません。" + AT_THE_COUNTER, TAX)
def no_tax_record(facts: Facts) -> bool:
    """There is a record of exactly this person and year."""
    tax, person = facts.tax, facts.person
    if tax is None or person is None:
        return False
    return (tax.addressee_number, tax.fiscal_year) == (person.addressee_number, facts.application.fiscal_year)


@rule("1月1日に住民登録がないため、交付できません。その日の住所地の市区町村にお問い合わせください。", TAX)
def not_resident_on_january_1(facts: Facts) -> bool:
    """The address of 1 January lies in this municipality (地方税法第318条)."""
    return facts.tax is not None and facts.municipality.name in facts.tax.address_on_january_1


@rule("所得の申告が確認できません。" + AT_THE_COUNTER, TAX)
def income_not_filed(facts: Facts) -> bool:
    """Filed, or a dependant of somebody who did."""
    return facts.tax is not None and facts.tax.filing_kind != TAX_NOT_FILED


@rule("証明書の発行を停止しています。" + AT_THE_COUNTER, TAX)
def tax_issuance_stopped(facts: Facts) -> bool:
    """The vendor system does not stop the tax certificate."""
    return facts.tax is not None and not facts.tax.issuance_stop


def lies_in(domicile: str | None, municipality: Municipality) -> bool:
    """Whether a 本籍 lies in the municipality: its name stands at the start, after 都道府県 and 郡 where they are written."""
    if domicile is None:
        return False
    rest = domicile.removeprefix(municipality.prefecture)
    if rest == domicile and rest.startswith(PREFECTURES):
        return False
    return re.match(rf"([^0-9０-９]{{1,5}}郡)?{re.escape(municipality.name)}", rest) is not None


def latest_birthday(birth: DateValue) -> date | None:
    """The latest day that a date of birth can mean: 昭和50年月日不詳 → 1975-12-31; ``None`` when nothing is known."""
    if birth.on is not None:
        return birth.on
    try:
        parts = parse(birth.text)
    except InvalidDate:
        return None
    if not parts.western_year:
        return None
    month = parts.month or 12
    following = date(parts.western_year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)


def applicant_age(facts: Facts) -> int | None:
    """申請者の年齢 in full years, at least; None where nothing of the date of birth is known."""
    if facts.non_resident and facts.registration is not None:
        return age_on(facts.today, facts.registration.birth_on)
    latest = latest_birthday(facts.person.birth_on) if facts.person else None
    return None if latest is None else age_on(facts.today, latest)


def age_on(day: date, birthday: date) -> int:
    """Full years on ``day``; a birthday on 29 February is kept on 1 March in common years."""
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))
