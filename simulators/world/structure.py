"""Who lives together (世帯の構成): relationships, sexes, ages and family registers of one household to be, without names.

The weights give the age pyramid of a rural town: about four in ten are 65 or older, one in ten is a child.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from simulators.world.names import FEMALE, MALE

# Whose 戸籍 a member is in: the householder's couple, their parents, a married child's couple, a father's who is no longer
# there (brothers and sisters who have not married), or one of their own.
COUPLE, PARENTS, YOUNG, SIBLINGS, ALONE = "couple", "parents", "young", "siblings", "alone"


class Member(NamedTuple):
    """One person to be: relationship codes (続柄), sex, age, and the family register they are in."""

    relationship: str
    sex: str
    age: int
    register: str = COUPLE
    foreign: bool = False


Members = list[Member]


def members(rng: random.Random) -> Members:
    """One household, householder first."""
    return rng.choices(list(KINDS), cum_weights=_CUMULATIVE)[0](rng)


def _elder(rng: random.Random) -> Members:
    age = _elder_age(rng)
    sex = FEMALE if rng.random() < (0.5 if age < 72 else 0.78) else MALE
    return [Member("02", sex, age)]


def _single(rng: random.Random) -> Members:
    return [Member("02", MALE if rng.random() < 0.6 else FEMALE, round(rng.triangular(18, 69, 54)))]


def _elder_couple(rng: random.Random) -> Members:
    head = Member("02", MALE if rng.random() < 0.95 else FEMALE, min(_elder_age(rng), 92))
    return [head, _partner(rng, head)]


def _elders_with_child(rng: random.Random) -> Members:
    head = Member("02", MALE if rng.random() < 0.6 else FEMALE, _elder_age(rng))
    partner = [_partner(rng, head)] if rng.random() < 0.55 else []
    return [head, *partner, Member("20", rng.choice((MALE, MALE, FEMALE)), max(22, head.age - rng.randint(25, 35)))]


def _couple(rng: random.Random) -> Members:
    head = Member("02", MALE if rng.random() < 0.9 else FEMALE, rng.randint(24, 68))
    return [head, _partner(rng, head)]


def _family(rng: random.Random) -> Members:
    head = Member("02", MALE if rng.random() < 0.92 else FEMALE, rng.randint(27, 58))
    partner = _partner(rng, head)
    return [head, partner, *_children(rng, min(head.age, partner.age))]


def _parent(rng: random.Random) -> Members:
    head = Member("02", FEMALE if rng.random() < 0.82 else MALE, rng.randint(26, 56))
    return [head, *_children(rng, head.age)]


def _three_generations(rng: random.Random) -> Members:
    """The middle generation heads the household."""
    head, partner, *children = _family(rng)
    mother = min(head.age + rng.randint(22, 32), 99)
    in_law = rng.random() < 0.12 and head.sex == MALE
    parents = [Member("1252" if in_law else "52", FEMALE, mother, ALONE if in_law else PARENTS)]
    if not in_law and rng.random() < 0.5:
        parents.insert(0, Member("51", MALE, min(mother + rng.randint(0, 5), 99), PARENTS))
    return [head, partner, *children, *parents]


def _elders_with_young_family(rng: random.Random) -> Members:
    """The eldest generation heads the household; a married child and grandchildren live there too."""
    head = Member("02", MALE, rng.randint(56, 84))
    partner = [_partner(rng, head)] if rng.random() < 0.75 else []
    child = Member("20", MALE, max(24, head.age - rng.randint(24, 33)), YOUNG)
    young = Member("2012", FEMALE, max(20, child.age + rng.randint(-5, 3)), YOUNG)
    grandchildren = [one._replace(relationship="2020", register=YOUNG) for one in _children(rng, young.age)]
    return [head, *partner, child, young, *grandchildren]


def _siblings(rng: random.Random) -> Members:
    head = Member("02", rng.choice((MALE, FEMALE)), rng.randint(30, 88), SIBLINGS)
    code, sex = rng.choice((("84", FEMALE), ("74", MALE)))
    return [head, Member(code, sex, max(18, head.age - rng.randint(1, 9)), SIBLINGS)]


def _unfiled(rng: random.Random) -> Members:
    head = Member("02", rng.choice((MALE, FEMALE)), rng.randint(25, 70))
    code, sex = ("14", FEMALE) if head.sex == MALE else ("13", MALE)
    return [head, Member(code, sex, max(19, head.age + rng.randint(-6, 4)), ALONE)]


def _lodger(rng: random.Random) -> Members:
    head = Member("02", rng.choice((MALE, FEMALE)), rng.randint(40, 85))
    return [head, Member(rng.choice(("96", "99")), rng.choice((MALE, FEMALE)), rng.randint(19, 70), ALONE)]


def _partner(rng: random.Random, head: Member) -> Member:
    sex, code = (FEMALE, "12") if head.sex == MALE else (MALE, "11")
    age = head.age + rng.randint(-6, 2) if head.sex == MALE else head.age + rng.randint(-2, 6)
    return Member(code, sex, max(19, age), foreign=sex == FEMALE and rng.random() < 0.012)


def _children(rng: random.Random, parent_age: int) -> Members:
    """One to three children of a parent of that age, the eldest first; grown ones have mostly left."""
    ages, age = [], parent_age - rng.randint(22, 33)
    for _ in range(rng.choice((1, 1, 2, 2, 2, 3))):
        ages.append(age)
        age -= rng.randint(1, 5)
    stay = [age for age in ages if age >= 0 and (age < 19 or rng.random() < 0.4)]
    return [Member("20", rng.choice((MALE, FEMALE)), age) for age in stay or [max(0, min(ages[0], 17))]]


def _elder_age(rng: random.Random) -> int:
    return round(rng.triangular(62, 101, 71))


KINDS: dict[Callable[[random.Random], Members], int] = {
    _elder: 18,
    _single: 15,
    _elder_couple: 21,
    _elders_with_child: 12,
    _couple: 6,
    _family: 14,
    _parent: 5,
    _three_generations: 6,
    _elders_with_young_family: 4,
    _siblings: 1,
    _unfiled: 1,
    _lodger: 1,
}
_CUMULATIVE = [sum(list(KINDS.values())[: number + 1]) for number in range(len(KINDS))]
