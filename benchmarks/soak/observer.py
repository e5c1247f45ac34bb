"""The soak's observer: reads every certificate with PDFium and says whose texts, numbers and imprints stand on each page.

It shares nothing with the product's own check. ``look`` only reads; ``judge`` compares what was seen with what was asked
for and with the versions that the register had when it was sent. Findings name no person.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL import Image

from benchmarks.soak import town as soak_town
from benchmarks.soak.town import HOUSEHOLD_BASE, MARKS, VERSION_MARKS, Household, Person, SoakTown
from issuance_api.model import HOUSEHOLD_KINDS, KOSEKI_KINDS, Kind, OptionalItem
from municipalities.registry import get

PER_SHEET = 4
DOTS_PER_INCH = 600
POINTS_PER_INCH = 72
MARGIN_DOTS = 3  # drawn around a picture, whose edges need not lie on whole dots
MOST_DIFFERENT = 0.03  # share of an imprint's dots that may come out otherwise at the edges, when it is drawn
SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
SERIAL = re.compile(r"発\s*行\s*番\s*号\s*(\d{16})(?!\d)")
BUILDING = re.compile(r"写棟(\d{5})の(\d{5})号")
JANUARY = re.compile(r"川上課(\d{5})の(\d{5})番地")
DOMICILE = re.compile(r"昼間(\d{5})番地")
LONG_NUMBER = re.compile(r"\d{12,}")
TITLES = {
    Kind.RESIDENT_RECORD: re.compile(r"住民票\Z"),
    Kind.RECORD_ITEM: re.compile(r"住民票記載事項証明書\Z"),
    Kind.SEAL_REGISTRATION: re.compile(r"印鑑登録証明書\Z"),
    Kind.INCOME_TAXATION: re.compile(r"令和8年度(所得課税|非課税|所得・非課税)証明書\Z"),
    Kind.FAMILY_REGISTER_ALL: re.compile(r".*全部事項証明"),
    Kind.FAMILY_REGISTER_INDIVIDUAL: re.compile(r".*個人事項証明"),
    Kind.FAMILY_REGISTER_ADDRESS: re.compile(r".*戸籍の附票の写し"),
}
Dots = np.ndarray[Any, np.dtype[np.bool_]]
ADDRESSED = HOUSEHOLD_KINDS | {Kind.SEAL_REGISTRATION}
MAYBE_ADDRESSED = frozenset({Kind.FAMILY_REGISTER_ADDRESS})  # a page may end before the newest address
HEAD_SHOWN = frozenset({OptionalItem.RELATIONSHIP, OptionalItem.REGISTERED_DOMICILE})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is drawn, 600 dots an inch, eight dots a byte."""

    height: int
    width: int
    bits: bytes

    @classmethod
    def of(cls, dots: Dots) -> Picture:
        """From dots."""
        height, width = dots.shape
        return cls(int(height), int(width), np.packbits(dots).tobytes())

    @property
    def dots(self) -> Dots:
        """Dark dots are true."""
        flat = np.unpackbits(np.frombuffer(self.bits, "u1"), count=self.height * self.width)
        return flat.reshape(self.height, self.width).astype(bool)


@dataclass(frozen=True, slots=True)
class PageSight:
    """What stands on one page: people with the version of their name, and the rest of the marked texts."""

    title: str
    names: frozenset[tuple[int, int]]
    buildings: frozenset[tuple[int, int]]
    januaries: frozenset[tuple[int, int]]
    domiciles: frozenset[int]
    numbers: tuple[str, ...]
    serials: frozenset[str]
    strays: int
    pictures: tuple[Picture, ...]
    recorded: frozenset[int] = frozenset()  # who has an entry of their own on a page of 戸籍
    targets: frozenset[int] = frozenset()  # 対象者

    @property
    def people(self) -> frozenset[int]:
        """Whose names stand there."""
        return frozenset(person for person, _ in self.names)


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a file."""

    sha256: str
    pages: tuple[PageSight, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: ``printed`` are the people to print, in the order of the certificate."""

    kind: Kind
    applicant: Person
    printed: tuple[Person, ...]
    items: frozenset[OptionalItem] = frozenset()
    chosen: bool = False  # the members were named one by one

    @property
    def people(self) -> frozenset[str]:
        """宛名番号 of everybody whom it concerns."""
        return frozenset(one.addressee_number for one in (self.applicant, *self.printed))


@dataclass(frozen=True, slots=True)
class Versions:
    """Which version the register had of the household, the applicant's seal and the applicant's tax."""

    resident: int
    seal: int = 0
    tax: int = 0


def look(pdf: bytes) -> Sight:
    """Read a certificate; it runs in a process of its own."""
    document = pdfium.PdfDocument(pdf)
    try:
        return Sight(hashlib.sha256(pdf).hexdigest(), tuple(_page(page) for page in document))
    finally:
        document.close()


def judge(town: SoakTown, wish: Wish, versions: Versions, serial: str, sight: Sight) -> list[str]:
    """What is wrong with the pages for this wish, sent when the register had ``versions``."""
    household = town.households[wish.applicant.household]
    sheets = _sheets(wish, household, len(sight.pages))
    if len(sheets) != len(sight.pages):
        return ["number of pages"]
    found: list[str] = []
    for page, sheet in zip(sight.pages, sheets, strict=True):
        found += _whose(town, wish, page, sheet)
        found += _which_version(wish, household, versions, page)
        found += _pictures(wish, versions, page)
        if page.serials != {serial}:
            found.append("serial of another issue")
    if wish.kind in KOSEKI_KINDS:
        found += _entries(wish, household, sight)
    return sorted(set(found))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Whom one page must name, whom it may name, and whose particulars it has."""

    needed: frozenset[int]
    allowed: frozenset[int]
    own: frozenset[int] = frozenset()


def _whose(town: SoakTown, wish: Wish, page: PageSight, sheet: _Sheet) -> Iterator[str]:
    """Texts of others, and texts that are missing."""
    home = wish.applicant.household
    if not TITLES[wish.kind].match(page.title):
        yield "another kind of certificate"
    if page.strays:
        yield "half a name"
    if page.people - sheet.allowed or {number for number, _ in page.buildings} - {home}:
        yield "somebody else's page"
    if sheet.needed - page.people:
        yield "somebody is missing"
    if page.domiciles != ({home} if _domicile_shown(wish) else set()):
        yield "another domicile"
    shown = sheet.own if OptionalItem.INDIVIDUAL_NUMBER in wish.items else ()
    if _numbers(town, page) != {town.people[one].individual_number for one in shown}:
        yield "another individual number"
    if wish.kind not in MAYBE_ADDRESSED and bool(page.buildings) != (wish.kind in ADDRESSED):
        yield "the address is missing, or one is shown"
    taxed = {wish.applicant.number} if wish.kind is Kind.INCOME_TAXATION else set()
    if {person for person, _ in page.januaries} != taxed:
        yield "somebody else's tax"


def _entries(wish: Wish, household: Household, sight: Sight) -> Iterator[str]:
    """Who has an entry of their own in an extract; others of the 戸籍 may be named in it, as spouse or parent."""
    recorded = frozenset(person for page in sight.pages for person in page.recorded)
    if recorded - _wanted(wish, household):
        yield "somebody else's page"
    if _wanted(wish, household) - recorded:
        yield "somebody is missing"
    if wish.kind is Kind.FAMILY_REGISTER_ADDRESS and not any(page.buildings for page in sight.pages):
        yield "the address is missing, or one is shown"
    target = {wish.applicant.number} if wish.kind is Kind.FAMILY_REGISTER_INDIVIDUAL else set()
    if any(page.targets != target for page in sight.pages):
        yield "another target"


def _which_version(wish: Wish, household: Household, versions: Versions, page: PageSight) -> Iterator[str]:
    """Texts that the register did not have at that instant; 戸籍 is another system, and stays as it was at first."""
    if wish.kind in KOSEKI_KINDS:
        versions = Versions(0)
    mark = versions.resident % VERSION_MARKS if household.renames else 0
    shown = (page.names, {mark}), (page.buildings, {versions.resident}), (page.januaries, {versions.tax})
    if any({version for _, version in pairs} - current for pairs, current in shown):
        yield "stale"


def _pictures(wish: Wish, versions: Versions, page: PageSight) -> Iterator[str]:
    """The imprint of exactly this person and version, drawn; on other certificates none."""
    if wish.kind is not Kind.SEAL_REGISTRATION:
        if page.pictures:
            yield "a picture too many"
    elif len(page.pictures) != 1 or not alike(page.pictures[0], wish.applicant.number, versions.seal):
        yield "another imprint"


def alike(picture: Picture, person: int, version: int) -> bool:
    """Whether a drawn picture is the imprint: of its size, and dark where it is dark, a dot's shift allowed."""
    wanted = _dots(soak_town.imprint(person, version))
    height, width = wanted.shape
    drawn = picture.dots
    if not all(0 <= one <= 2 * MARGIN_DOTS + 2 for one in (drawn.shape[0] - height, drawn.shape[1] - width)):
        return False
    shifts = ((y, x) for y in range(drawn.shape[0] - height + 1) for x in range(drawn.shape[1] - width + 1))
    return any(float(np.mean(drawn[y : y + height, x : x + width] != wanted)) <= MOST_DIFFERENT for y, x in shifts)


@lru_cache(maxsize=256)
def _dots_of(png: bytes) -> Any:
    with Image.open(io.BytesIO(png)) as picture:
        return ~np.asarray(picture.convert("1"))


def _dots(png: bytes) -> Dots:
    dots: Dots = _dots_of(png)
    return dots


def _sheets(wish: Wish, household: Household, pages: int) -> Sequence[_Sheet]:
    """What each page must be; as many as the certificate must have, where that is known."""
    if wish.kind in HOUSEHOLD_KINDS:
        head = {household.head.number} if wish.items & HEAD_SHOWN else set()
        numbers = [one.number for one in wish.printed]
        sheets = [frozenset(numbers[at : at + PER_SHEET]) for at in range(0, len(numbers), PER_SHEET)]
        return [_Sheet(one | head, one | head, one) for one in sheets]
    if wish.kind in (Kind.SEAL_REGISTRATION, Kind.INCOME_TAXATION):
        own = frozenset({wish.applicant.number})
        return [_Sheet(own, own)]
    everybody = frozenset(one.number for one in household.people)
    head_always = wish.kind is not Kind.FAMILY_REGISTER_ADDRESS
    return [_Sheet(frozenset({household.head.number} if head_always else ()), everybody)] * pages


def _wanted(wish: Wish, household: Household) -> frozenset[int]:
    """Who must have an entry of their own in an extract of 戸籍."""
    if wish.kind is Kind.FAMILY_REGISTER_INDIVIDUAL:
        return frozenset({wish.applicant.number})
    return frozenset(one.number for one in household.people)


def _domicile_shown(wish: Wish) -> bool:
    """本籍 stands on the page: always on 戸籍, otherwise when it was asked for."""
    always = wish.kind in (Kind.FAMILY_REGISTER_ALL, Kind.FAMILY_REGISTER_INDIVIDUAL)
    return always or OptionalItem.REGISTERED_DOMICILE in wish.items


def _numbers(town: SoakTown, page: PageSight) -> set[str]:
    """個人番号 of anybody of the town, wherever they stand in a row of digits."""
    return {run[at : at + 12] for run in page.numbers for at in range(len(run) - 11)} & town.individual_numbers


def _page(page: Any) -> PageSight:
    shown = _text(page)
    lines = ["".join(line.split()) for line in shown.splitlines()]
    flat = "".join(lines)
    names = [(_person(one[0], one[1]), _version(one[2])) for one in _name().findall(flat)]
    marks = sum(one in _all_signs() for one in flat)
    return PageSight(
        title=next((line for line in lines if line), ""),
        names=frozenset(names),
        buildings=frozenset(_pairs(BUILDING, flat)),
        januaries=frozenset(_pairs(JANUARY, flat)),
        domiciles=frozenset(int(one) - HOUSEHOLD_BASE for one in DOMICILE.findall(flat)),
        numbers=tuple(run for line in lines for run in LONG_NUMBER.findall(line)),
        serials=frozenset(SERIAL.findall(shown)),
        strays=marks - 3 * len(names),
        pictures=tuple(_drawn(page)),
        recorded=frozenset(_after("【名】", flat)),
        targets=frozenset(_after("対象者[^【】]{0,8}?", flat)),
    )


def _after(label: str, flat: str) -> Iterator[int]:
    """People whose given name stands right after a label."""
    return (_person(one[0], one[1]) for one in re.findall(label + _name().pattern, flat))


def _text(page: Any) -> str:
    """The page's text without selectors, figures as ASCII."""
    text = page.get_textpage()
    try:
        return SELECTORS.sub("", text.get_text_range()).translate(DIGITS)
    finally:
        text.close()


def _pairs(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    return ((int(one), int(version)) for one, version in pattern.findall(text))


@lru_cache(maxsize=1)
def _name() -> re.Pattern[str]:
    return re.compile(f"([{soak_town.person_signs()}])([{soak_town.person_signs()}])([{soak_town.version_signs()}])")


@lru_cache(maxsize=1)
def _all_signs() -> frozenset[str]:
    return frozenset(soak_town.person_signs() + soak_town.version_signs())


def _person(first: str, second: str) -> int:
    signs = soak_town.person_signs()
    return signs.index(first) * MARKS + signs.index(second)


def _version(sign: str) -> int:
    return soak_town.version_signs().index(sign)


def _drawn(page: Any) -> Iterator[Picture]:
    """Every picture but the official seal, as the page draws it."""
    width, height = page.get_size()
    for one in page.get_objects(filter=(pdfium.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=8):
        if _is_official_seal(one.get_bitmap(render=False).to_numpy()):
            continue
        left, bottom, right, top = one.get_bounds()
        margin = MARGIN_DOTS * POINTS_PER_INCH / DOTS_PER_INCH
        crop = tuple(side - margin for side in (left, bottom, width - right, height - top))
        shown = page.render(scale=DOTS_PER_INCH / POINTS_PER_INCH, crop=crop, grayscale=True).to_numpy()
        yield Picture.of(np.asarray(shown).squeeze() < 128)


def _is_official_seal(pixels: Any) -> bool:
    official = _official_seal()
    return pixels.shape == official.shape and bool((pixels == official).all() or (pixels[..., ::-1] == official).all())


@lru_cache(maxsize=1)
def _official_seal() -> Any:
    with Image.open(get(soak_town.CODE).folder / "official_seal.png") as picture:
        return np.asarray(picture.convert("RGB"))
