"""The judge of an extract (戸籍証明書PDFの検査): hostile until every page shows this order and nothing else.

Structure first (``structure``), then the pages are written anew (``rewriting``); the new file is read back with PDFium
(``reading``), and what each page shows is compared with the order here.
"""

from __future__ import annotations

import re

from issuance_api.koseki.order import KosekiHostile, KosekiMismatch, Order
from issuance_api.koseki.reading import Seen, fold, read
from issuance_api.koseki.rewriting import PAINTING, SHOWING, rewrite
from issuance_api.koseki.structure import open_strictly
from records.errors import Place
from records.wareki import wareki

__all__ = ["MOST_BYTES", "fold", "inspect"]

ALL = "family_register_all_certificate"
INDIVIDUAL = "family_register_individual_certificate"
ADDRESS = "family_register_address_certificate"
TITLES = {ALL: "全部事項証明", INDIVIDUAL: "個人事項証明", ADDRESS: "戸籍の附票の写し"}
CERTIFICATIONS = {
    ALL: "これは、戸籍に記録されている事項の全部を証明した書面である。",
    INDIVIDUAL: "これは、戸籍中の一部の者について記録されている事項の全部を証明した書面である。",
    ADDRESS: "この写しは、戸籍の附票の原本と相違ないことを証明する。",
}
# Labels of the agreed layout (docs/koseki_interface.md), folded.
DOMICILE, TARGET, SERIAL, VERSION = "本籍", "対象者", "発行番号", "版"
NAME, READING, BIRTH, REMOVED = "【名】", "【名の振り仮名】", "【生年月日】", "除籍"
RECORDED = {ALL: "戸籍に記録されている者", INDIVIDUAL: "戸籍に記録されている者", ADDRESS: "附票に記録されている者"}
HEADS = {ALL: "氏名", INDIVIDUAL: "氏名", ADDRESS: "筆頭者"}
OMITTED = "【省略】"
OVERSEAS_VOTING = "在外選挙"
NUMBERING = re.compile(r"[（(]([0-9]{1,2})の([0-9]{1,2})[)）]")
CORRELATION = re.compile(r"[0-9a-f]{32}\Z")
ANY_CORRELATION = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
A_VERSION = re.compile(r"[0-9A-Za-z-]{1,40}\Z")
MOST_BYTES = 8 << 20


def inspect(pdf: bytes, order: Order, version: str) -> tuple[bytes, int]:
    """The clean file of the extract and its pages; ``KosekiHostile`` or ``KosekiMismatch`` when it is not exactly this order's.

    ``version`` (版) is the state of the register that the answer says it was made from; every page must say the same.
    Errors of the libraries are not passed on: they may quote the page.
    """
    try:
        return _inspect(pdf, order, version)
    except (KosekiHostile, KosekiMismatch):
        raise
    except Exception as error:
        failure = KosekiHostile(f"the document can't be read ({type(error).__name__})")
    raise failure


def _inspect(pdf: bytes, order: Order, version: str) -> tuple[bytes, int]:
    if len(pdf) > MOST_BYTES:
        raise KosekiHostile("the file is too large")
    if order.kind not in TITLES or not CORRELATION.match(order.correlation_id):
        raise KosekiHostile("the order itself is not possible")
    if not A_VERSION.match(version):
        raise KosekiMismatch("the answer does not say from which state of the register it is")
    with open_strictly(pdf) as document:
        clean = rewrite(document, order)
        without_text, only_text = (rewrite(document, order, one) for one in (SHOWING, PAINTING))
    seen = read(clean, without_text, only_text)
    for number, page in enumerate(seen, 1):
        _check_page(page, order, version, Place(field=f"page {number}"))
        if NUMBERING.findall(page.text) != [(str(len(seen)), str(number))]:
            raise KosekiMismatch("the numbers of the pages are not in order", Place(field=f"page {number}"))
    _check_subject("\n".join(page.text for page in seen), order)
    _check_certified(seen[-1], order)
    return clean, len(seen)


def _check_page(page: Seen, order: Order, version: str, place: Place) -> None:
    if page.inkless:
        raise KosekiHostile("a page has text that is not to be seen", place)
    if set(ANY_CORRELATION.findall(page.text)) != {order.correlation_id} or not _says(page, SERIAL, order.serial):
        raise KosekiMismatch("a page is not of this order", place)
    if TITLES[order.kind] not in page.text.splitlines()[0]:
        raise KosekiMismatch("a page is not of this kind", place)
    if not all(_says_once(page, *one) for one in _identity(order)):
        raise KosekiMismatch("a page is of another register", place)
    if not _says_once(page, VERSION, version):
        raise KosekiMismatch("a page is from another state of the register", place)
    if order.kind == INDIVIDUAL and not _says_once(page, TARGET, order.subject.name):
        raise KosekiMismatch("a page is of another person", place)


def _check_subject(text: str, order: Order) -> None:
    """Over all pages: the person is there once and has not been removed, and nothing that was not asked for."""
    found = _subject(order).findall(text)
    if len(found) != 1:
        raise KosekiMismatch("the person is not on the pages, or more than once")
    if REMOVED in found[0]:
        raise KosekiMismatch("the person has been removed from the register")
    if order.kind == INDIVIDUAL and (text.count(NAME) != 1 or text.count(RECORDED[order.kind]) != 1):
        raise KosekiMismatch("somebody else is on the pages of one person")
    if order.kind == ADDRESS and not order.include_overseas_voting and OVERSEAS_VOTING in text:
        raise KosekiMismatch("在外選挙 is shown though it was not asked for")
    if order.kind == ADDRESS and not order.include_domicile and "【本籍】" in text:
        raise KosekiMismatch("本籍 is shown though it was not asked for")


def _subject(order: Order) -> re.Pattern[str]:
    """A section of this person: its head, 除籍 if it says so, 名, its reading if it has one, and 生年月日.

    The head of the section may be broken into lines. What it says of being removed is the group.
    """
    given = order.subject.name.split("\u3000")[-1]
    head = _loosely(RECORDED[order.kind])
    reading = rf"(?:{_loosely(READING)}[\u3041-\u30ff\n]*\n)?"
    who = f"{_loosely(NAME + given)}\n{reading}{_loosely(BIRTH + order.subject.birth_text)}"
    return re.compile(rf"{head}((?:\n|{_loosely(REMOVED)})*){who}(?:\n|【|\Z)")


def _check_certified(last: Seen, order: Order) -> None:
    """認証文, 交付年月日 in the right era, and a seal on the last page (大阪 2019, 岡山 2023: without)."""
    if not _line(CERTIFICATIONS[order.kind], r"(?:^|\n)").search(last.text):
        raise KosekiHostile("the last page does not certify what was asked for")
    if not _line(wareki(order.issued_on), r"(?:^|\n)").search(last.text):
        raise KosekiHostile("the last page is not of today")
    if last.seals < 1:
        raise KosekiHostile("the last page has no seal")


def _identity(order: Order) -> list[tuple[str, str]]:
    """本籍 and 筆頭者 as every page must show them; 戸籍の附票 leaves them out unless they are asked for."""
    shown = order.kind != ADDRESS or order.include_domicile
    values = (order.subject.registered_domicile, order.subject.family_register_head) if shown else (OMITTED, OMITTED)
    return list(zip((DOMICILE, HEADS[order.kind]), values, strict=True))


def _says(page: Seen, label: str, value: str) -> bool:
    """Whether the label stands in a line, and the whole value and nothing else after it."""
    return _line(f"{label}{value}", "").search(page.text) is not None


def _says_once(page: Seen, label: str, value: str) -> bool:
    """Whether one line alone begins with the label, and the whole value and nothing else stands after it."""
    begins = rf"(?:^|\n){_loosely(label)}"
    return (
        len(re.findall(begins, page.text)) == 1 and _line(f"{label}{value}", r"(?:^|\n)").search(page.text) is not None
    )


def _line(wanted: str, before: str) -> re.Pattern[str]:
    """The text up to the end of a line; a long value may go on in the next line."""
    return re.compile(f"{before}{_loosely(wanted)}(?:\n|\\Z)")


def _loosely(wanted: str) -> str:
    return r"\n?".join(map(re.escape, fold(wanted)))
