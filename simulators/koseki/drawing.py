"""Drawing an extract (証明書の作成) as the 戸籍 system does: the same order on the same register gives the same bytes."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from gaiji_maps.fonts import form_fonts
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT
from records.wareki import wareki
from simulators.koseki.model import Abode, Entry, Pair, Person, Register
from simulators.world.names import MALE

_one_at_a_time = threading.Lock()
TEMPLATE = Path(__file__).parent / "extract.typ"
ALL = "family_register_all_certificate"
INDIVIDUAL = "family_register_individual_certificate"
ADDRESS = "family_register_address_certificate"
TITLES = {ALL: "全部事項証明", INDIVIDUAL: "個人事項証明", ADDRESS: "戸籍の附票の写し"}
CERTIFICATIONS = {
    ALL: "これは、戸籍に記録されている事項の全部を証明した書面である。",
    INDIVIDUAL: "これは、戸籍中の一部の者について記録されている事項の全部を証明した書面である。",
    ADDRESS: "この写しは、戸籍の附票の原本と相違ないことを証明する。",
}
OMITTED = "【省略】"
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")  # 戸籍 is written with full-width figures
Section = dict[str, Any]
Lines = list[list[Pair]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order asks for, as far as the page needs it; ``name`` and ``birth`` say whose 個人事項 it is."""

    kind: str
    correlation: str
    serial: str
    issued_on: date
    name: str
    birth: str
    domicile_shown: bool
    voting_shown: bool = False


def draw(
    municipality: Municipality, register: Register, wanted: Wanted, people: tuple[Person, ...] | None = None
) -> bytes:
    """The PDF of one extract; ``people`` are shown in place of whoever should be."""
    made = _compile(municipality, _data(municipality, register, wanted, people), format="pdf", pdf_standards=["a-2b"])
    assert isinstance(made, bytes)
    return made


def picture(municipality: Municipality, register: Register, wanted: Wanted) -> bytes:
    """The first page of an extract as a picture (PNG)."""
    made = _compile(municipality, _data(municipality, register, wanted, None), format="png", ppi=110)
    return made[0] if isinstance(made, list) else bytes(made)


def _data(
    municipality: Municipality, register: Register, wanted: Wanted, people: tuple[Person, ...] | None
) -> dict[str, Any]:
    on, issuing = wanted.issued_on, municipality.issuing
    return {
        "title": TITLES[wanted.kind],
        "correlation_id": wanted.correlation,
        "serial": wanted.serial,
        "version": register.version(),
        "identity": _identity(register, wanted),
        "sections": _sections(register, wanted, _people(register, wanted) if people is None else people),
        "target": wanted.name if wanted.kind == INDIVIDUAL else None,
        "certification": CERTIFICATIONS[wanted.kind],
        "issued_text": wareki(on).translate(WIDE),
        "issued": {"year": on.year, "month": on.month, "day": on.day},
        "authority": issuing.mayor_title,
        "mayor": issuing.mayor_name,
        "seal": "/" + (municipality.folder / "official_seal.png").relative_to(CHECKOUT).as_posix(),
    }


def _identity(register: Register, wanted: Wanted) -> list[Pair]:
    """本籍 and 筆頭者; 戸籍の附票 leaves them out unless they are asked for (since 2022-01-11)."""
    if wanted.kind != ADDRESS:
        return [("本　籍", register.domicile.translate(WIDE)), ("氏　名", register.head)]
    if not wanted.domicile_shown:
        return [("本　籍", OMITTED), ("筆 頭 者", OMITTED)]
    return [("本　籍", register.domicile.translate(WIDE)), ("筆 頭 者", register.head)]


def _people(register: Register, wanted: Wanted) -> tuple[Person, ...]:
    """Whom the kind shows: everybody, or the person alone."""
    if wanted.kind != INDIVIDUAL:
        return register.people
    person = register.member(wanted.name, wanted.birth)
    return (person,) if person else ()


def _sections(register: Register, wanted: Wanted, people: tuple[Person, ...]) -> list[Section]:
    if wanted.kind == ADDRESS:
        return [one for each in people if each.abodes for one in _residence(each, wanted.voting_shown)]
    return [*_entries("戸籍事項", register.matters), *(one for each in people for one in _person(each))]


def _person(one: Person) -> list[Section]:
    born: list[Pair] = [("生年月日", one.birth_text)]
    if one.spouse:
        born.append(("配偶者区分", one.spouse))
    kana: Lines = [[("名の振り仮名", one.given_kana)]] if one.given_kana else []
    lines = [[("名", one.given)], *kana, born, *([pair] for pair in one.parents)]
    return [_section("戸籍に記録されている者", "", lines, one.removed), *_entries("身分事項", one.entries)]


def _entries(name: str, entries: tuple[Entry, ...]) -> list[Section]:
    return [
        _section(name if number == 0 else "", _spaced(one.title), [[pair] for pair in one.items])
        for number, one in enumerate(entries)
    ]


def _spaced(title: str) -> str:
    return f"{title[0]}　　{title[1]}" if len(title) == 2 else title


def _residence(one: Person, voting_shown: bool) -> list[Section]:
    sex: list[Pair] = [("性別", "男" if one.sex == MALE else "女")]
    who: Lines = [[("名", one.given)], [("生年月日", one.birth_text)], sex]
    places = [_section("" if number else "住所", "", _abode(each)) for number, each in enumerate(one.abodes)]
    voting: Lines = [[("在外選挙人名簿登録市区町村名", each.voting)] for each in one.abodes if each.voting]
    voting = voting or [[("在外選挙人名簿登録市区町村名", "記載なし")]]
    shown = [_section("在外選挙", "", voting)] if voting_shown else []
    return [_section("附票に記録されている者", "", who, one.removed), *places, *shown]


def _abode(one: Abode) -> Lines:
    return [[("住所", one.text)], [("住所を定めた日", one.since_text)]]


def _section(name: str, kind: str, lines: Lines, removed: bool = False) -> Section:
    shown = [[(label, text if label == "名" else text.translate(WIDE)) for label, text in line] for line in lines]
    return {"name": name, "kind": kind, "removed": removed, "lines": shown}


def _compile(municipality: Municipality, data: dict[str, Any], **wanted: Any) -> Any:
    with _one_at_a_time:  # a compiler is not for several threads
        compiler, families = _compiler(municipality.folder)
        inputs = {"data": json.dumps(data | {"fonts": families}, ensure_ascii=False)}
        return compiler.compile(sys_inputs=inputs, **wanted)


@lru_cache(maxsize=8)
def _compiler(folder: Path) -> tuple[Any, list[str]]:
    """The town's fonts: standard first, then its own, which draws what no standard font has."""
    folders = list(dict.fromkeys(str(one.path.parent) for one in form_fonts(folder)))
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    standard = [one for one in fonts.families() if "IPAmj" in one]
    families = [*standard, *(one for one in fonts.families() if one not in standard)]
    return typst.Compiler(str(TEMPLATE), root=str(CHECKOUT), font_paths=fonts), families
