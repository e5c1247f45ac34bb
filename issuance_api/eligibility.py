"""May this be issued (交付可否判定)? Denies by default: one named rule after another has to allow it.

Each rule is a function of the facts with its own result code and the text for the kiosk's screen. No database and no
clock here: ``facts`` are one consistent reading of the register, and the instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from issuance_api.facts import ACTIVE, Facts, applicant_age, lies_in
from issuance_api.model import HOUSEHOLD_KINDS, KOSEKI_KINDS, REPLICA_KINDS, Kind, OptionalItem
from issuance_api.service_hours import in_maintenance, within_hours, within_open_hours
from municipalities.registry import OpenHours
from records.records import Resident
from records.wareki import DateValue

CARD_ACTIVE = "active"
CARD_UNLINKED = "unlinked"
APPROVED = "approved"
SEAL_REGISTERED = "1"
HOUSEHOLDER = "02"
TAX_NOT_FILED = "2"
MOVE_IN, NAME_CHANGE = "10", "16"
FORMER_SURNAME, COMMON_NAME = "4", "5"  # 登録印氏名区分
PART_OF_HOUSEHOLD = "members"  # in ``not_offered``: what is no item of the page
LEAST_AGE = 15
ALL_KINDS = frozenset(Kind)
SEAL = frozenset({Kind.SEAL_REGISTRATION})
TAX = frozenset({Kind.INCOME_TAXATION})
ITEM_KINDS = HOUSEHOLD_KINDS | {Kind.FAMILY_REGISTER_ADDRESS}
ALWAYS = OpenHours()
FEEDS = {Kind.SEAL_REGISTRATION: ("resident", "seal"), Kind.INCOME_TAXATION: ("resident", "tax")}


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


def _offered(not_offered: Mapping[str, tuple[str, ...]], facts: Facts, item: str) -> bool:
    """Whether the municipality's list of what a kind does not have leaves the item in."""
    return item not in not_offered.get(facts.kind.value, ())


def _moved_in(person: Resident, facts: Facts) -> bool:
    """The newest change is a 転入 that was filed or took effect today, or nobody knows when."""
    days = (person.changed_on, person.filed_on, person.became_resident_on)
    known = {day.on for day in days if day is not None and day.on is not None}
    return person.change_reason == MOVE_IN and (not known or facts.today in known)


def _renamed_since(person: Resident, registered_on: DateValue) -> bool:
    if person.change_reason != NAME_CHANGE:
        return False
    registered, renamed = registered_on.on, person.changed_on.on
    return registered is None or renamed is None or registered < renamed


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
    """Windows announced by the municipality, for all kinds or for some."""
    return not in_maintenance(facts.accepted_at, facts.municipality.issuing.maintenance, facts.kind.value)


@rule("この証明書はコンビニ交付では取り扱っていません。")
def kind_not_offered(facts: Facts) -> bool:
    """The municipality lists the kinds that it issues."""
    return facts.kind.value in facts.municipality.issuing.kinds


@rule("この証明書の取扱時間外です。", REPLICA_KINDS)
def outside_kind_hours(facts: Facts) -> bool:
    """A kind may have hours and days of its own."""
    hours = facts.municipality.issuing.hours.get(facts.kind.value, ALWAYS)
    return facts.always_open or within_open_hours(facts.accepted_at, hours)


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
    """The 戸籍 system has hours and days of its own in many towns, and the 附票 perhaps others."""
    issuing = facts.municipality.issuing
    hours = issuing.hours.get(facts.kind.value, issuing.koseki_hours)
    return facts.always_open or within_open_hours(facts.accepted_at, hours)


@rule("この証明書は、住民登録がある方だけがご利用いただけます。", KOSEKI_KINDS)
def not_offered_to_non_residents(facts: Facts) -> bool:
    """Which certificates a registered 本籍者 who lives elsewhere may have is the municipality's decision."""
    kinds = facts.municipality.issuing.non_resident_kinds
    return not facts.non_resident or kinds is None or facts.kind.value in kinds


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
    issuing = facts.municipality.issuing
    offered = issuing.overseas_voting_allowed and _offered(issuing.not_offered, facts, OptionalItem.OVERSEAS_VOTING)
    return OptionalItem.OVERSEAS_VOTING not in facts.application.items or offered


@rule("本籍・筆頭者を記載した証明書は、コンビニ交付では取り扱っていません。", ITEM_KINDS)
def registered_domicile_not_offered(facts: Facts) -> bool:
    """Whether 本籍・筆頭者 may be printed is the municipality's decision, for each kind."""
    item = OptionalItem.REGISTERED_DOMICILE
    return item not in facts.application.items or _offered(facts.municipality.issuing.not_offered, facts, item)


@rule("世帯主・続柄を記載した証明書は、コンビニ交付では取り扱っていません。", HOUSEHOLD_KINDS)
def relationship_not_offered(facts: Facts) -> bool:
    """Whether 世帯主・続柄 may be printed is the municipality's decision, for each kind."""
    item = OptionalItem.RELATIONSHIP
    return item not in facts.application.items or _offered(facts.municipality.issuing.not_offered, facts, item)


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
    """Whether a part of the household may be printed is the municipality's decision, for each kind."""
    issuing = facts.municipality.issuing
    offered = issuing.household_members_choosable and _offered(issuing.not_offered, facts, PART_OF_HOUSEHOLD)
    return facts.whole_household or offered


@rule("個人番号を記載した証明書は、コンビニ交付では取り扱っていません。", HOUSEHOLD_KINDS)
def individual_number_not_offered(facts: Facts) -> bool:
    """Whether the individual number may be printed is the municipality's decision, for each kind."""
    issuing, item = facts.municipality.issuing, OptionalItem.INDIVIDUAL_NUMBER
    offered = issuing.individual_number_allowed and _offered(issuing.not_offered, facts, item)
    return item not in facts.application.items or offered


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


@rule("転入の届出の当日は、交付できません。翌日以降にご利用ください。", REPLICA_KINDS)
def moved_in_today(facts: Facts) -> bool:
    """On the day of moving in (転入), or of its filing, nobody concerned gets one; a town may allow it."""
    allowed = facts.municipality.issuing.move_in_day_allowed
    return allowed or not any(_moved_in(one, facts) for one in facts.concerned)


@rule("世帯の情報を確認できないため、交付できません。" + AT_THE_COUNTER, HOUSEHOLD_KINDS)
def household_inconsistent(facts: Facts) -> bool:
    """Exactly one householder, and every member names this householder."""
    heads = [one for one in facts.household if one.relationship_codes == HOUSEHOLDER]
    return len(heads) == 1 and {one.householder_name for one in facts.household} == {heads[0].name}


@rule("印鑑登録を確認できません。" + AT_THE_COUNTER, SEAL)
def seal_not_registered(facts: Facts) -> bool:
    """The seal is registered: neither suspended nor cancelled."""
    return facts.seal is not None and facts.seal.seal_status == SEAL_REGISTERED and facts.seal.cancelled_on is None


@rule("氏名が変わったため、印鑑登録を確認できません。" + AT_THE_COUNTER, SEAL)
def seal_of_a_former_name(facts: Facts) -> bool:
    """The name changed (氏名変更) after the seal was registered, or the 旧氏 or 通称 that it shows is registered no more."""
    seal, person = facts.seal, facts.person
    if seal is None or person is None:
        return False
    shown = {FORMER_SURNAME: person.former_surname, COMMON_NAME: person.common_name}
    return shown.get(seal.name_form, person.name) is not None and not _renamed_since(person, seal.registered_on)


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
