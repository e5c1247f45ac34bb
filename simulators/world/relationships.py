"""続柄 seen from somebody else: when the householder dies or leaves, the others' relationships are written anew."""

from __future__ import annotations

from simulators.world.names import MALE
from simulators.world.rows import Row

HOUSEHOLDER, RELATION = "02", "96"
SPOUSES = ("11", "12")
_ORDER = ("11", "12", "20", "2012", "51", "52")


def heir(rows: list[Row], ages: dict[str, int]) -> Row:
    """Who becomes householder: the spouse, else a grown child, a parent, the eldest of the rest."""

    def rank(row: Row) -> tuple[bool, int, int]:
        code, age = row["relationship_codes"], ages[row["addressee_number"]]
        return age < 18, _ORDER.index(code) if code in _ORDER else len(_ORDER), -age

    return min(rows, key=rank)


def seen_from(new: Row, old: Row, other: Row, ages: dict[str, int]) -> str:
    """The codes of ``other`` for the new householder, who so far had a relationship to the ``old`` one."""
    via, code = str(new["relationship_codes"]), str(other["relationship_codes"])
    if via in SPOUSES:
        return _from_spouse(via, code)
    if via == "20":
        return _from_child(new, old, other, ages)
    return RELATION


def _from_spouse(via: str, code: str) -> str:
    """A child stays a child; the late husband's mother is 夫の母; the wife's own mother was 妻の母 and is 母."""
    if code.startswith("20"):
        return code
    if code.startswith(via):
        return code[2:]
    if code in ("51", "52", "71", "74", "81", "84"):
        return ("11" if via == "12" else "12") + code
    return RELATION


def _from_child(new: Row, old: Row, other: Row, ages: dict[str, int]) -> str:
    code = str(other["relationship_codes"])
    parents = {"11": "51", "12": "52"}
    if code in parents:
        return parents[code]
    if code == "20":
        older = ages[other["addressee_number"]] > ages[new["addressee_number"]]
        return ("71" if older else "74") if other["sex"] == MALE else ("81" if older else "84")
    if code in ("2011", "2012", "2020"):
        return code[2:]
    if code in ("51", "52"):
        return ("51" if old["sex"] == MALE else "52") + code
    return "52" + code[2:] if code.startswith("12") and len(code) == 4 else RELATION
