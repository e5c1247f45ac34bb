"""Which kanji are one character in another shape (異体), by the official tables: made once, kept as ``folding.tsv``.

The rules are those of MJ縮退マップ that say *the same character* (親字・正字, 包摂, 誤字俗字), not those that compare
dictionaries, readings or shapes. What a search does with it is ``gaiji_maps.folding``'s matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gaiji_maps.standard.table import StandardTable

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
# 戸籍法施行規則別表第二の一: two shapes that may both stand in a given name.
GIVEN_NAMES = "亙亘 凜凛 堯尭 巖巌 晄晃 槇槙 瑤瑶 禱祷 祿禄 穰穣 萠萌 遙遥"


def parents(table: StandardTable) -> dict[str, str]:
    """Kanji → the one that stands for all its shapes; a kanji without another shape, or that stands itself, is left out."""
    direct = {pair[0]: pair[1] for pair in f"{PAIRS} {GIVEN_NAMES}".split()}
    direct |= {base: parent for base, parent in _by_rules(table) if base not in direct}
    roots = {base: _root(base, direct) for base in direct}
    return {base: root for base, root in sorted(roots.items()) if base != root}


def _by_rules(table: StandardTable) -> Iterator[tuple[str, str]]:
    """Base → its parent by the first rule that names another character; of several, the one that has no parent itself."""
    found = _named(table)
    for base, named in found.items():
        if named:
            last = [one for one in named if not found.get(one)]
            yield base, (last or named)[0]


def _named(table: StandardTable) -> Mapping[str, list[str]]:
    """Base → every other character that a rule names for one of its glyphs, in the order of the rules."""
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in table:
        row = table[name]
        bases = {text[0] for text in row.texts} | ({row.ucs} if row.ucs else set())
        for one in row.shrinks:
            if one.rule in RULES:
                for base in bases - {one.character}:
                    found[base][RULES.index(one.rule)].append(one.character)
    return {base: [one for rule in sorted(by_rule) for one in by_rule[rule]] for base, by_rule in found.items()}


def _root(base: str, direct: Mapping[str, str]) -> str:
    """Along the parents to the end; of a ring, the smallest of its members, whichever one begins with."""
    seen = [base]
    while (parent := direct.get(seen[-1])) is not None and parent not in seen:
        seen.append(parent)
    return seen[-1] if parent is None else min(seen[seen.index(parent) :])
