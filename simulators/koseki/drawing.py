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
TITLES = {
    "family_register_all_certificate": "戸籍全部事項証明書",
    "family_register_individual_certificate": "戸籍個人事項証明書",
    "family_register_address_certificate": "戸籍の附票の写し",
}


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
    people = [one for one in register.members if wanted.kind != TITLES_INDIVIDUAL or one.name == wanted.name]
    address = wanted.kind == "family_register_address_certificate"
    parts = [_residence(one, register) if address else _person(one) for one in people]
    data = {
        "title": TITLES[wanted.kind],
        "correlation": wanted.correlation,
        "serial": wanted.serial,
        "domicile": register.domicile,
        "domicile-shown": wanted.domicile_shown or not address,
        "head": register.head,
        "parts": parts,
        "certification": "これは、戸籍に記録されている事項の全部を証明した書面である。"
        if wanted.kind == "family_register_all_certificate"
        else "これは、戸籍の附票又は戸籍に記録されている事項を証明した書面である。",
        "issued_on": wareki(wanted.issued_on),
        "issued": {"year": wanted.issued_on.year, "month": wanted.issued_on.month, "day": wanted.issued_on.day},
        "authority": f"{municipality.issuing.mayor_title}　{municipality.issuing.mayor_name}",
        "office": municipality.name,
        "seal": "/" + (municipality.folder / "official_seal.png").relative_to(CHECKOUT).as_posix(),
    }
    return _compile(data)


TITLES_INDIVIDUAL = "family_register_individual_certificate"


def _person(one: Member) -> dict[str, Any]:
    pairs = (
        ("名", one.name),
        ("生年月日", one.birth),
        ("父", one.father),
        ("母", one.mother),
        ("続柄", one.relationship),
    )
    return {"heading": "戸籍に記録されている者", "items": [{"name": name, "text": text} for name, text in pairs]}


def _residence(one: Member, register: Register) -> dict[str, Any]:
    pairs = [("名", one.name), *(("住所", address) for address in register.addresses)]
    return {"heading": "附票に記録されている者", "items": [{"name": name, "text": text} for name, text in pairs]}


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
