"""Which text goes where: the page data (帳票データ) of each certificate, worded and in order. No drawing, no database.

Keys of a person's cells are those that the templates in ``forms/`` name; ``PageData.texts`` is what the check looks for
on each page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from issuance_api import wording
from issuance_api.impression import Impression
from issuance_api.model import HOUSEHOLD_KINDS, Application, Kind, OptionalItem
from issuance_api.service_hours import JST
from issuance_api.tax_page import tax_page
from municipalities.registry import Municipality
from records.code_lists import label
from records.records import IncomeTax, Resident, SealRegistration
from records.wareki import wareki

JOINT_SHEET, INDIVIDUAL_SHEET = 4, 1  # people a sheet: 世帯連記式, 個人票
SHEET_NUMBER_LETTERS = 16  # hexadecimal: 64 bits, so two certificates never share one by chance
TITLES = {
    Kind.RESIDENT_RECORD: "住民票",
    Kind.RECORD_ITEM: "住民票記載事項証明書",
    Kind.SEAL_REGISTRATION: "印鑑登録証明書",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate is about: the person, the members to print (ordered), and the seal or tax record it needs."""

    person: Resident
    members: tuple[Resident, ...]
    whole_household: bool = True
    seal: SealRegistration | None = None
    tax: IncomeTax | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """The facts of one issue (発行): serial and instant, fixed when the request was accepted."""

    request_id: str
    serial: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PageData:
    """Everything that a template gets, and what the check demands: texts per page and the subject digest."""

    kind: Kind
    values: dict[str, Any]
    texts: tuple[tuple[str, ...], ...]
    digest: str

    @property
    def pages(self) -> int:
        """Sheets of the certificate."""
        return len(self.texts)

    def json(self) -> str:
        """The data as the template reads it."""
        return json.dumps(self.values, ensure_ascii=False, separators=(",", ":"))


def household_order(members: Iterable[Resident]) -> tuple[Resident, ...]:
    """世帯員の並び: householder first, then by 続柄コード, ties by 宛名番号 (標準仕様 5.2)."""
    return tuple(sorted(members, key=lambda one: (one.relationship_codes, one.addressee_number)))


def page_data(municipality: Municipality, application: Application, subject: Subject, issue: Issue) -> PageData:
    """The page data of one certificate; deterministic in its arguments."""
    kind = application.kind
    body = BUILDERS[kind](municipality, application, subject)
    values = {**body, **_common(municipality, application, subject, issue)}
    digest = _digest(municipality, subject, issue, values)
    values |= {"digest": digest, "sheet_numbers": sheet_numbers(digest, len(_bodies(kind, values)))}
    return page_of_values(kind, values)


def page_of_values(kind: Kind, values: dict[str, Any]) -> PageData:
    """The page data of values that were made here before."""
    return PageData(kind, values, _texts(kind, values), values["digest"])


def _common(municipality: Municipality, application: Application, subject: Subject, issue: Issue) -> dict[str, Any]:
    on = issue.at.astimezone(JST).date()
    issuing = municipality.issuing
    return {
        "municipality_name": municipality.name,
        "authority": {"title": issuing.mayor_title, "name": issuing.mayor_name},
        "certification": issuing.certification_texts[_certification_key(application.kind, subject)],
        "issued_on": wareki(on),
        "issued": {"year": on.year, "month": on.month, "day": on.day},
        "serial": issue.serial,
    }


def _certification_key(kind: Kind, subject: Subject) -> str:
    if kind is Kind.RESIDENT_RECORD:
        return f"{kind.value}_{'household' if subject.whole_household else 'members'}"
    return kind.value


def _digest(municipality: Municipality, subject: Subject, issue: Issue, values: dict[str, Any]) -> str:
    """The subject digest: municipality, request, person and everything printed; tells two people's pages apart."""
    parts = [municipality.code, issue.request_id, subject.person.addressee_number, values]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sheet_numbers(digest: str, sheets: int) -> list[str]:
    """照合番号 of each sheet: the beginning of the subject digest in groups, and the sheet's own number."""
    letters = digest[:SHEET_NUMBER_LETTERS].upper()
    groups = "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
    return [f"{groups}-{number}" for number in range(1, sheets + 1)]


def _household(municipality: Municipality, application: Application, subject: Subject) -> dict[str, Any]:
    with_relationship = OptionalItem.RELATIONSHIP in application.items
    return {
        "title": TITLES[application.kind],
        "per_sheet": INDIVIDUAL_SHEET if municipality.issuing.individual_sheets else JOINT_SHEET,
        "address": wording.address(subject.person),
        "householder": wording.chosen(subject.person.householder_name, with_relationship),
        "people": [_person(one, application) for one in subject.members],
    }


def _person(person: Resident, application: Application) -> dict[str, Any]:
    foreign = wording.is_foreign(person)
    items = application.items
    return {
        "foreign": foreign,
        "name": wording.name(person),
        "name_kana": wording.item(person.name_kana),
        "other_name": wording.other_name(person),
        "birth": wording.day(person.birth_on),
        "sex": label("sex", person.sex),
        "relationship": wording.chosen(person.relationship_text, OptionalItem.RELATIONSHIP in items),
        "individual_number": wording.chosen(person.individual_number, OptionalItem.INDIVIDUAL_NUMBER in items),
        "became_resident": wording.day(person.became_resident_on),
        "address_settled": wording.day(person.address_settled_on),
        **(_former_addresses(person) if application.kind is Kind.RESIDENT_RECORD else {}),
        **(_foreign_items(person) if foreign else _domicile(person, items)),
    }


def _former_addresses(person: Resident) -> dict[str, str]:
    """Only the copy of the record (写し) has them."""
    return {
        "address_before_move_in": wording.item(person.address_before_move_in),
        "previous_address": wording.item(person.previous_address),
    }


def _domicile(person: Resident, items: frozenset[OptionalItem]) -> dict[str, str]:
    wanted = OptionalItem.REGISTERED_DOMICILE in items
    return {
        "registered_domicile": wording.chosen(person.registered_domicile, wanted),
        "family_register_head": wording.chosen(person.family_register_head, wanted),
    }


def _foreign_items(person: Resident) -> dict[str, str]:
    return {
        "nationality": wording.item(person.nationality),
        "article_30_45_kind": wording.item(person.article_30_45_kind),
        "residence_status": wording.item(person.residence_status),
        "residence_period": wording.item(person.residence_period),
        "residence_period_ends": wording.day(person.residence_period_ends_on),
        "residence_card_number": wording.item(person.residence_card_number),
    }


def _seal(municipality: Municipality, application: Application, subject: Subject) -> dict[str, Any]:
    person, seal = subject.person, subject.seal
    if seal is None:
        raise ValueError("a seal registration certificate needs the seal")
    return {
        "title": TITLES[application.kind],
        "name": wording.name(person),
        "name_kana": wording.item(person.name_kana),
        "other_name_label": wording.other_name_label(person),
        "other_name": wording.other_name(person),
        "birth": wording.day(person.birth_on),
        "address": wording.address(person),
        "impression": Impression.read(seal.impression).values(),
    }


def _tax(municipality: Municipality, application: Application, subject: Subject) -> dict[str, Any]:
    if subject.tax is None:
        raise ValueError("an income taxation certificate needs the tax record")
    return tax_page(municipality, subject.person, subject.tax)


Builder = Callable[[Municipality, Application, Subject], dict[str, Any]]
BUILDERS: dict[Kind, Builder] = {
    Kind.RESIDENT_RECORD: _household,
    Kind.RECORD_ITEM: _household,
    Kind.SEAL_REGISTRATION: _seal,
    Kind.INCOME_TAXATION: _tax,
}


def _texts(kind: Kind, values: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """What each page must show, with repetitions: a value printed twice is demanded twice."""
    every = ["発行番号", values["serial"], "照合番号", values["municipality_name"]]
    closing = [values["certification"], values["issued_on"], values["authority"]["title"], values["authority"]["name"]]
    bodies = _bodies(kind, values)
    pages = len(bodies)
    bodies[-1] += closing
    numbers = sheet_numbers(values["digest"], pages)
    return tuple((*body, *every, numbers[at], f"{at + 1}／{pages}") for at, body in enumerate(bodies))


def _bodies(kind: Kind, values: dict[str, Any]) -> list[list[str]]:
    """The texts between head and foot of each sheet."""
    return _household_texts(values) if kind in HOUSEHOLD_KINDS else [_single_texts(values)]


def _household_texts(values: dict[str, Any]) -> list[list[str]]:
    people: Sequence[dict[str, Any]] = values["people"]
    heading = [values["title"], values["address"], values["householder"]]
    size = values["per_sheet"]
    sheets = [people[start : start + size] for start in range(0, len(people), size)]
    return [heading + [text for one in sheet for text in _cells(one)] for sheet in sheets]


def _cells(cells: dict[str, Any]) -> list[str]:
    return [text for text in cells.values() if isinstance(text, str)]


def _single_texts(values: dict[str, Any]) -> list[str]:
    """Texts of a one-page certificate: its plain values and those of its tables."""
    body_only = {key: value for key, value in values.items() if key not in COMMON_KEYS}
    tables = [entry for value in body_only.values() if isinstance(value, list) for entry in value]
    return [*_cells(body_only), *(text for entry in tables for text in (entry["name"], entry["text"]))]


COMMON_KEYS = frozenset({"municipality_name", "certification", "issued_on", "serial", "digest", "sheet_numbers"})
