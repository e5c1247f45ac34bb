"""The children of a 戸籍 (子): born to it, adopted, brought along; brothers and sisters who have left; their 続柄."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from simulators.koseki.chance import years_after
from simulators.koseki.kin import Being
from simulators.koseki.law import RELATIONS_BY_MOTHER_FROM, adult_on, marriageable_on, relation
from simulators.koseki.residences import elsewhere
from simulators.koseki.stories import (
    DIVORCE,
    MONTH,
    MOTHER_ALONE,
    PREGNANCY,
    Story,
    could_be_mother,
    could_be_theirs,
    invented,
)
from simulators.world.names import FEMALE, MALE, Name

BORN, ADOPTED, STEPCHILD, BROUGHT, OUT_OF_WEDLOCK = "born", "adopted", "stepchild", "brought", "out of wedlock"
BETWEEN = timedelta(days=400)
ADOPTED_SHARE, MORE_SHARE = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Child:
    """One child: how it came, its natural parents, the day it entered unless by birth, and who it married and when."""

    being: Being
    how: str
    father: Being | None
    mother: Being | None
    relation: str = ""
    entered_on: date | None = None
    acknowledged_on: date | None = None
    left_on: date | None = None
    married: Being | None = None


def children(story: Story) -> list[Child]:
    """All children in the order of the 戸籍: by birth, those who entered later by the day of it. The law's 続柄 each."""
    known = [_known(story, one) for one in story.known]
    if _adopts(story, known):
        known[-1] = _adopted(story, known[-1].being)
    told = [*known, *_more(story, known)]
    return sorted(_numbered(story, told), key=lambda one: (one.entered_on or one.being.born, one.being.born))


def _known(story: Story, child: Being) -> Child:
    father, mother = story.parents
    if story.origin == DIVORCE:
        days = story.chance.of("brought", child.name).randint(5, 60)
        return Child(child, BROUGHT, father, mother, entered_on=story.formed_on + timedelta(days=days))
    if story.origin == MOTHER_ALONE:
        return _out_of_wedlock(story, child)
    if could_be_theirs(story, child):
        return Child(child, BORN, father, mother)
    return _adopted(story, child)


def _out_of_wedlock(story: Story, child: Being) -> Child:
    chance = story.chance
    if not chance.yes(0.5, "acknowledged", child.name):
        return Child(child, OUT_OF_WEDLOCK, None, story.head)
    father = _stranger(story, MALE, years_after(story.head.born, -3), "father", child.name)
    on = chance.day(child.born + MONTH, min(story.today, years_after(child.born, 3)), "acknowledged on", child.name)
    return Child(child, OUT_OF_WEDLOCK, father, story.head, acknowledged_on=min(on, story.today))


def _adopts(story: Story, known: list[Child]) -> bool:
    if not known or known[-1].how != BORN or not story.chance.yes(ADOPTED_SHARE, "adopts"):
        return False
    return _adoption_from(story, known[-1].being) <= story.today - MONTH


def _adoption_from(story: Story, child: Being) -> date:
    parents = [one for one in (story.head, story.partner) if one]
    return max([child.born + MONTH, story.formed_on, *(adult_on(one.born) for one in parents)])


def _adopted(story: Story, child: Being) -> Child:
    """養子: the wife's from before, or somebody else's."""
    chance, mother = story.chance, story.parents[1]
    first = _adoption_from(story, child)
    last = min(story.today, years_after(first, 8), *_ends(story))
    on = min(chance.day(first, last, "adopted", child.name), story.today)
    before = story.married_on is not None and child.born < story.married_on
    if before and mother and story.partner and could_be_mother(mother, child):
        father = _stranger(story, MALE, years_after(mother.born, -2), "father", child.name)
        return Child(child, STEPCHILD, father, mother, entered_on=on)
    surname = chance.surname("natural", child.name)
    born = years_after(child.born, -27)
    father = invented(story, surname, MALE, born, "father", child.name)
    mother = invented(story, surname, FEMALE, born, "mother", child.name)
    return Child(child, ADOPTED, father, mother, entered_on=on)


def _ends(story: Story) -> list[date]:
    ended = story.marriage_ended_on
    return [ended] if ended else []


def _stranger(story: Story, sex: str, born: date, *what: object) -> Being:
    return invented(story, story.chance.surname(*what), sex, born, *what)


def _more(story: Story, known: list[Child]) -> list[Child]:
    """Brothers and sisters whom the town does not know: married out, or living elsewhere."""
    father, mother = story.parents
    if story.origin or story.married_on is None or father is None or mother is None:
        return []
    if mother.nationality or not story.chance.yes(MORE_SHARE, "more"):
        return []
    kana = next((one.kana.split("\u3000")[0] for one in (story.head, *story.known) if one.kana), "")
    found: list[Child] = []
    for number in range(story.chance.of("how many").choice((1, 1, 2, 3))):
        born = _room(story, [*known, *found], mother, number)
        if born is not None:
            sex = story.chance.of("sex", number).choice((MALE, FEMALE))
            one = invented(story, Name(story.surname, kana), sex, born, "another", number)
            found.append(_left(story, Child(one, BORN, father, mother), number))
    return found


def _room(story: Story, so_far: list[Child], mother: Being, number: int) -> date | None:
    """A day of birth with time between it and every other's."""
    assert story.married_on is not None
    first = max(story.married_on + PREGNANCY, years_after(mother.born, 19))
    last = min(years_after(mother.born, 42), years_after(story.today, -1), *_ends(story))
    if first > last:
        return None
    born = story.chance.day(first, last, "another", number, "born")
    return born if all(abs(born - one.being.born) >= BETWEEN for one in so_far) else None


def _left(story: Story, child: Child, number: int) -> Child:
    """Grown and married, so out of the 戸籍; or unmarried in another town."""
    being, today = child.being, story.today
    first, last = years_after(being.born, 21), min(years_after(being.born, 33), today - MONTH)
    if first <= last and story.chance.yes(0.75, "leaves", number):
        sex = FEMALE if being.sex == MALE else MALE
        other = _stranger(story, sex, years_after(being.born, -1), "in-law", number)
        first = max(first, *(marriageable_on(one.born, one.sex) for one in (being, other)))
        return replace(child, married=other, left_on=story.chance.day(first, last, "left", number))
    abodes = elsewhere(story.chance, being.name, min(years_after(being.born, 18), today), today)
    return replace(child, being=replace(being, abodes=abodes))


def _numbered(story: Story, told: list[Child]) -> list[Child]:
    """続柄: among the children of the same two by sex and birth; out of wedlock among the mother's."""
    return [replace(one, relation=_relation(story, one, told)) for one in told]


def _relation(story: Story, child: Child, told: list[Child]) -> str:
    sex, born = child.being.sex, child.being.born
    if child.how == OUT_OF_WEDLOCK and born < RELATIONS_BY_MOTHER_FROM:
        return "男" if sex == MALE else "女"
    if child.how in (ADOPTED, STEPCHILD):
        return relation(story.chance.of("natural order", child.being.name).choice((0, 0, 1)), sex)
    same = [one for one in told if one.how == child.how and one.being.sex == sex]
    return relation(sum((one.being.born, one.being.name) < (born, child.being.name) for one in same), sex)
