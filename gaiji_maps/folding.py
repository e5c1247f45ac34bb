"""Folding for search (検索用の同一視): 髙 is found by 高, 邊 and 邉 by 辺, ｶﾅ by かな. Never for what is stored or printed.

Kanji fold along MJ縮退マップ by the rules that say *the same character in another shape* (親字・正字, 包摂, 誤字俗字), not by
those that compare dictionaries or shapes: 土 and 士, 己, 已 and 巳 stay apart. A search is a pattern over the stored text,
so nothing folded is ever written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from gaiji_maps.standard import table as standard

# In the order in which they are asked.
RULES = (
    "family_register_parent",
    "jis_unification",
    "justice_notice_582_1",
    "civil_affairs_2842_unmarked",
    "civil_affairs_2842_vulgar",
    "civil_affairs_5202",
)
# Pairs that JIS X 0208 swapped in 1983 because they are one character (鯵 and 鰺); the map does not join all of them.
PAIRS = "鰺鯵 鶯鴬 蠣蛎 攪撹 竈竃 灌潅 諫諌 頸頚 礦砿 蘂蕊 靱靭 賤賎 壺壷 礪砺 檮梼 濤涛 邇迩 蠅蝿 檜桧 儘侭 藪薮 籠篭"
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_DROPPED = re.compile(f"[{SELECTORS}\\s]+")
_SMALL = str.maketrans("ぁぃぅぇぉっゃゅょゎゕゖ", "あいうえおつやゆよわかけ")
_SIGNS = str.maketrans("‐‑–—―−ー～〜", "ーーーーーーーーー")
_HIRAGANA = {point: point - 0x60 for point in range(0x30A1, 0x30F7)}
BLANKS = " \t\u3000\u00a0"  # what \\s means depends on a database's locale
MARKS = "゛゜\u3099\u309a"


def fold(text: str) -> str:
    """The search key of a text; ``fold(fold(x)) == fold(x)``."""
    wide = _DROPPED.sub("", unicodedata.normalize("NFKC", _DROPPED.sub("", text)))
    return "".join(map(_folded, wide.casefold()))


def pattern(text: str) -> str:
    """A regular expression (PostgreSQL's and Python's) that finds every stored text containing ``text`` up to folding.

    ``ValueError`` for a text with nothing to search for.
    """
    key = fold(text)
    if not key:
        raise ValueError("there is nothing to search for")
    between = f"[{SELECTORS}{MARKS}{BLANKS}]*"
    return between.join(_class(character) for character in key)


def _class(character: str) -> str:
    """Everything that folds to one character, as alternatives; half-width kana with marks are two characters."""
    found = sorted({character, *_unfolded().get(character, ())})
    return f"(?:{'|'.join(map(re.escape, found))})"


def _folded(character: str) -> str:
    plain = character.translate(_HIRAGANA).translate(_SMALL).translate(_SIGNS)
    return _parents().get(plain, plain)


@cache
def _parents() -> Mapping[str, str]:
    """Kanji → the one that stands for all its shapes."""
    direct = {old: new for old, new in PAIRS_}
    direct |= {base: parent for base, parent in _by_rules() if base not in direct}
    return {base: _root(base, direct) for base in direct}


PAIRS_ = tuple((pair[0], pair[1]) for pair in PAIRS.split())


def _by_rules() -> Iterator[tuple[str, str]]:
    """Base → its parent by the first rule that names another character; of several, the one that has no parent itself."""
    found: dict[str, list[str]] = defaultdict(list)
    table = standard.table()
    for rule in RULES:
        for name in table:
            row = table[name]
            bases = {text[0] for text in row.texts} | ({row.ucs} if row.ucs else set())
            for base in bases:
                found[base] += [one.character for one in row.shrinks if one.rule == rule and one.character != base]
    for base, parents in found.items():
        if parents:
            last = [one for one in parents if not found.get(one)]
            yield base, (last or parents)[0]


def _root(base: str, direct: Mapping[str, str]) -> str:
    seen = [base]
    while (parent := direct.get(seen[-1])) is not None and parent not in seen:
        seen.append(parent)
    return seen[-1] if parent is None else min(seen[seen.index(parent) :])


@cache
def _unfolded() -> Mapping[str, tuple[str, ...]]:
    """Folded character → every character of the standard list, of kana and of Latin that folds to it."""
    groups: dict[str, list[str]] = defaultdict(list)
    candidates = {*_parents(), *map(chr, (*range(0x21, 0x7F), *range(0x3041, 0x30FF), *range(0xFF01, 0xFFA0)))}
    candidates |= {chr(one) + mark for one in range(0xFF66, 0xFF9E) for mark in "ﾞﾟ"}
    candidates |= {chr(one) for one in (*range(0xF900, 0xFB00), *range(0x2F00, 0x2FD6), 0x2010, 0x2212, 0x2014, 0x2015)}
    for candidate in candidates:
        key = fold(candidate)
        if len(key) == 1 and key != candidate:
            groups[key].append(candidate)
    return {key: tuple(sorted(found)) for key, found in groups.items()}
