"""Register values as a certificate words them (表記): addresses, omitted and empty items, amounts, names of both kinds.

Text in, text out; register text is never normalised. Where a wording stands on the page is said by ``forms``.
"""

from __future__ import annotations

from records.records import Resident
from records.wareki import DateValue

EMPTY = "【空欄】"  # the register has nothing there
OMITTED = "【省略】"  # the applicant did not ask for it
NOT_FILED = "＊＊＊＊＊"  # 未申告の被扶養者: no amount is known
FOREIGN = "2"
SPACE = "\u3000"


def item(value: str | None) -> str:
    """An item that always stands on the page."""
    return value if value is not None else EMPTY


def chosen(value: str | None, wanted: bool) -> str:
    """An item that the applicant may choose."""
    return item(value) if wanted else OMITTED


def day(value: DateValue | None) -> str:
    """A date in its printed wording (和暦, 不詳 and western dates as the register has them)."""
    return value.text if value is not None else EMPTY


def address(person: Resident) -> str:
    """住所 with 方書: prefecture, municipality, town, lot number, and after a wide space the building."""
    parts = (person.address_prefecture, person.address_municipality, person.address_town, person.address_lot_number)
    joined = "".join(part for part in parts if part)
    return joined + (SPACE + person.katagaki if person.katagaki else "")


def name(person: Resident) -> str:
    """氏名; a foreign resident's roman name stands before the name in kanji where both are registered."""
    if person.name_roman and person.name_roman not in person.name:
        return f"{person.name_roman}（{person.name}）"
    return person.name


def is_foreign(person: Resident) -> bool:
    """外国人住民."""
    return person.resident_kind == FOREIGN


def other_name_label(person: Resident) -> str:
    """旧氏 for Japanese, 通称 for foreign residents."""
    return "通称（振り仮名）" if is_foreign(person) else "旧氏（振り仮名）"


def other_name(person: Resident) -> str:
    """旧氏 or 通称 with its 振り仮名 in brackets."""
    foreign = is_foreign(person)
    text = person.common_name if foreign else person.former_surname
    kana = person.common_name_kana if foreign else person.former_surname_kana
    return item(f"{text}（{kana}）" if text and kana else text)


def yen(value: int | None) -> str:
    """An amount with separators; a loss with △, as tax papers write it; 0 where there is none."""
    amount = value or 0
    return f"△{-amount:,}" if amount < 0 else f"{amount:,}"


def people(value: int | None) -> str:
    """A number of people."""
    return f"{value or 0}人"
