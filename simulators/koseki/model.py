"""A 戸籍 as the fictional system holds it (戸籍の記録): what is printed, ready worded. How it came about is in ``stories``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry (戸籍事項 or 身分事項): its title, such as 婚姻, and its items, such as (婚姻日, 平成元年1月8日)."""

    title: str
    items: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Abode:
    """住所 with 住所を定めた日 as the 附票 words it; ``voting`` is 在外選挙人名簿登録市区町村名, or empty."""

    text: str
    since_text: str
    voting: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """戸籍に記録されている者; ``spouse`` is 夫 or 妻 while the marriage lasts, ``removed`` prints 除籍."""

    name: str
    given_kana: str
    sex: str
    born: date
    birth_text: str
    parents: tuple[Pair, ...]
    spouse: str = ""
    entries: tuple[Entry, ...] = ()
    removed: bool = False
    abodes: tuple[Abode, ...] = ()

    @property
    def given(self) -> str:
        """名 without 氏, which all members of a 戸籍 share."""
        return self.name.split("\u3000")[-1]


@dataclass(frozen=True, slots=True)
class Register:
    """One 戸籍 with its 附票: 本籍, 筆頭者, 氏の振り仮名, 戸籍事項, and everybody in it, the removed too."""

    domicile: str
    head: str
    surname_kana: str
    matters: tuple[Entry, ...]
    people: tuple[Person, ...]

    def member(self, name: str, birth_text: str) -> Person | None:
        """在籍者 of this name and day of birth; nobody who has been removed."""
        found = (one for one in self.people if (one.name, one.birth_text) == (name, birth_text) and not one.removed)
        return next(found, None)

    def version(self) -> str:
        """版: changes with every settled entry, and with nothing else."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]
