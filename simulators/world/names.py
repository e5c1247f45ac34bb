"""Names of fictional people: surnames by their real frequency, given names with readings, rare characters on request."""

from __future__ import annotations

import csv
import itertools
import random
from functools import cache
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parent / "data"
MALE, FEMALE = "1", "2"


class Name(NamedTuple):
    """A piece of a name and its reading in full-width katakana."""

    text: str
    kana: str


FOREIGN = (
    ("グエン　ヴァン　アン", "NGUYEN VAN AN", "ベトナム"),
    ("チャン　ティ　マイ", "TRAN THI MAI", "ベトナム"),
    ("シルバ　マリア", "SILVA MARIA", "ブラジル"),
    ("ワン　ウェイ", "WANG WEI", "中国"),
    ("キム　ミンス", "KIM MINSU", "韓国"),
    ("サントス　ジョセ", "SANTOS JOSE", "フィリピン"),
    ("スミス　ジョン", "SMITH JOHN", "米国"),
    ("シャルマ　ラビ", "SHARMA RAVI", "ネパール"),
)


@cache
def _table(file: str) -> tuple[tuple[Name, ...], tuple[int, ...]]:
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    weights = itertools.accumulate(int(row[2]) if len(row) > 2 else 1 for row in rows)
    return tuple(Name(row[0], row[1]) for row in rows), tuple(weights)


def surname(rng: random.Random) -> Name:
    """A surname (氏), drawn by the number of its bearers."""
    names, weights = _table("surnames.csv")
    return rng.choices(names, cum_weights=weights)[0]


def given(rng: random.Random, sex: str) -> Name:
    """A given name (名)."""
    return rng.choice(_table("given_male.csv" if sex == MALE else "given_female.csv")[0])


@cache
def _bearing(base: str) -> tuple[Name, ...]:
    return tuple(name for name in _table("surnames.csv")[0] if base in name.text)


def rare_surname(rng: random.Random, rare: str) -> Name:
    """A surname written with the character ``rare`` (base and selector) in place of its common form, or built with it."""
    base = rare[0]
    if known := _bearing(base):
        name = rng.choice(known)
        return Name(name.text.replace(base, rare), name.kana)
    common = surname(rng)
    return Name(rare + common.text[-1], common.kana)
