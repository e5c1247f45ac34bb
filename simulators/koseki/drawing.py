"""Drawing an extract (証明書の作成) as the 戸籍 system does: the same order gives the same bytes."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from gaiji_maps.fonts import standard_font_path
from municipalities.registry import Municipality
from municipalities.site import CHECKOUT
from records.wareki import wareki
from simulators.koseki.registers import Member, Register

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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order asks for, as far as the page needs it."""

    kind: str
    correlation: str
    serial: str
    issued_on: date
    name: str
    domicile_shown: bool


def draw(municipality: Municipality, register: Register, wanted: Wanted) -> bytes:
    """The PDF of one extract."""
    on, issuing = wanted.issued_on, municipality.issuing
    data = {
        "title": TITLES[wanted.kind],
        "correlation_id": wanted.correlation,
        "serial": wanted.serial,
        "identity": _identity(register, wanted),
        "sections": _sections(register, wanted),
        "target": wanted.name if wanted.kind == INDIVIDUAL else None,
        "certification": CERTIFICATIONS[wanted.kind],
        "issued_text": wareki(on).translate(WIDE),
        "issued": {"year": on.year, "month": on.month, "day": on.day},
        "authority": issuing.mayor_title,
        "mayor": issuing.mayor_name,
        "seal": "/" + (municipality.folder / "official_seal.png").relative_to(CHECKOUT).as_posix(),
    }
    return _compile(data)


def _identity(register: Register, wanted: Wanted) -> list[tuple[str, str]]:
    """本籍 and 筆頭者; 戸籍の附票 leaves them out unless they are asked for (since 2022-01-11)."""
    if wanted.kind != ADDRESS:
        return [("本　籍", register.domicile.translate(WIDE)), ("氏　名", register.head)]
    if not wanted.domicile_shown:
        return [("本　籍", OMITTED), ("筆 頭 者", OMITTED)]
    return [("本　籍", register.domicile.translate(WIDE)), ("筆 頭 者", register.head)]


def _sections(register: Register, wanted: Wanted) -> list[Section]:
    people = [one for one in register.members if wanted.kind != INDIVIDUAL or one.name == wanted.name]
    if wanted.kind == ADDRESS:
        return [one for each in people for one in _residence(each, register)]
    return [one for each in people for one in _person(each)]


def _person(one: Member) -> list[Section]:
    pairs = [*_who(one), ("父", one.father), ("母", one.mother), ("続柄", one.relationship)]
    birth = [("出生日", one.birth), ("届出人", "父")]
    return [_section("戸籍に記録されている者", "", pairs), _section("身分事項", "出　生", birth)]


def _residence(one: Member, register: Register) -> list[Section]:
    history = [("住所", address) for address in register.addresses]
    return [_section("附票に記録されている者", "", _who(one)), _section("住所の履歴", "", history)]


def _who(one: Member) -> list[tuple[str, str]]:
    return [("名", one.name.split("　")[-1]), ("生年月日", one.birth)]


def _section(name: str, kind: str, items: list[tuple[str, str]]) -> Section:
    return {
        "name": name,
        "kind": kind,
        "items": [(label, text if label == "名" else text.translate(WIDE)) for label, text in items],
    }


def _compile(data: dict[str, Any]) -> bytes:
    compiler, families = _compiler()
    inputs = {"data": json.dumps(data | {"fonts": families}, ensure_ascii=False)}
    with _one_at_a_time:  # a compiler is not for several threads
        made = compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=["a-2b"])
    assert isinstance(made, bytes)
    return made


@lru_cache(maxsize=1)
def _compiler() -> tuple[Any, list[str]]:
    folders = [str(standard_font_path().parent)]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    return typst.Compiler(str(TEMPLATE), root=str(CHECKOUT), font_paths=fonts), list(fonts.families())
