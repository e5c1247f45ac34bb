"""Folding for search (検索用の同一視): 髙 is found by 高, 邊 and 邉 by 辺, ｶﾅ by かな. Never for what is stored or printed.

Kanji fold by a table of the release (``gaiji_maps.standard.shapes`` says by which rules): 土 and 士, 己, 已 and 巳 stay
apart. A search is a pattern over the stored text, so nothing folded is ever written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from gaiji_maps.standard.table import folding_table

SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_DROPPED = re.compile(f"[{SELECTORS}\\s]+")
_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ")
_SIGNS = str.maketrans("‐‑–—―−ー～〜", "ーーーーーーーーー")
_HIRAGANA = {point: point - 0x60 for point in range(0x30A1, 0x30F7)}
BLANKS = " \t\u3000\u00a0"  # what \\s means depends on a database's locale
STORED_MARKS = {"\u3099": "\u3099゛ﾞ", "\u309a": "\u309a゜ﾟ"}


def fold(text: str) -> str:
    """The search key of a text; ``fold(fold(x)) == fold(x)``."""
    key = _folded_once(text)
    again = _folded_once(key)
    return key if again == key else fold(again)


def _folded_once(text: str) -> str:
    """Small kana made large may join a mark that follows them (ぅ and ゛ are ゔ), so that once is not always enough."""
    wide = _DROPPED.sub("", unicodedata.normalize("NFKC", _DROPPED.sub("", text)))
    return "".join(map(_folded, wide.casefold()))


def pattern(text: str) -> str:
    """A regular expression (PostgreSQL's and Python's) that finds every stored text containing ``text`` up to folding.

    Not found are ligatures that fold to several characters (ゟ, ㍿). ``ValueError`` for nothing to search for.
    """
    key = fold(text)
    if not key:
        raise ValueError("there is nothing to search for")
    between = f"[{SELECTORS}{BLANKS}]*"
    return between.join(_class(character) for character in key)


def _class(character: str) -> str:
    """Everything that folds to one character, as alternatives; kana with a mark may be stored as two characters."""
    found = list(map(re.escape, sorted({character, *_unfolded().get(character, ())})))
    plain, mark = unicodedata.normalize("NFD", character)[:1], unicodedata.normalize("NFD", character)[1:]
    if mark in STORED_MARKS:
        found.append(f"{_class(plain)}[{STORED_MARKS[mark]}]")
    return f"(?:{'|'.join(found)})"


def _folded(character: str) -> str:
    plain = character.translate(_HIRAGANA).translate(_SMALL).translate(_SIGNS)
    return folding_table().get(plain, plain)


@cache
def _unfolded() -> Mapping[str, tuple[str, ...]]:
    """Folded character → every character of the standard list, of kana and of Latin that folds to it."""
    groups: dict[str, list[str]] = defaultdict(list)
    candidates = {
        *folding_table(),
        *folding_table().values(),
        *map(chr, (*range(0x21, 0x7F), *range(0x3041, 0x30FF), *range(0xFF01, 0xFFA0))),
    }
    candidates |= {chr(one) for one in (*range(0xF900, 0xFB00), *range(0x2F00, 0x2FD6), 0x2010, 0x2212, 0x2014, 0x2015)}
    for candidate in candidates:
        key = fold(candidate)
        if len(key) == 1 and key != candidate:
            groups[key].append(candidate)
    return {key: tuple(sorted(found)) for key, found in groups.items()}
