"""From a story to what the 戸籍 says (戸籍の編製): which entries stand in it, which were left behind when it was made anew.

A 戸籍 that was rewritten or transferred takes over only what the law names (移記事項): births, adoptions that last,
marriages that last, and so on; who had been removed before is left out, but for 筆頭者.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import date, timedelta

from simulators.koseki import entries, residences
from simulators.koseki.chance import years_after
from simulators.koseki.children import ADOPTED, BORN, BROUGHT, OUT_OF_WEDLOCK, STEPCHILD, Child, children
from simulators.koseki.entries import Fact
from simulators.koseki.kin import Being, near
from simulators.koseki.law import adult_on, relation
from simulators.koseki.model import Abode, Entry, Pair, Person, Register
from simulators.koseki.stories import BRANCH, DIVORCE, MOTHER_ALONE, Ending, Story, keeps_married_name
from simulators.world.names import FEMALE, MALE

MUNICIPALITY = re.compile(r".+?[都道府県](?:.+?郡.+?[町村]|.+?市(?:.{1,3}区)?)")
TRANSFERRED_SHARE, ACKNOWLEDGES_SHARE = 0.14, 0.04


@dataclass(frozen=True, slots=True)
class Base:
    """The day from which this 戸籍 tells everything, and what began it."""

    on: date
    beginning: Fact


def compose(code: str, story: Story) -> Register:
    """The 戸籍 of a story in the town ``code``."""
    base = _base(code, story)
    told = children(story)
    people = [_head(story, base, told), _partner(story, base, told), *(_child(story, base, one) for one in told)]
    kana = next((one.kana.split("\u3000")[0] for one in (story.head, *story.known) if one.kana), "")
    head = story.head.name
    return Register(story.domicile, head, kana, _matters(story, base, kana), tuple(one for one in people if one))


def computerised_on(code: str) -> date:
    """The day on which the town's 戸籍 became a computerised one."""
    return date(2004, 10, 2) + timedelta(weeks=random.Random(f"computerised {code}").randint(0, 280))


def _base(code: str, story: Story) -> Base:
    computerised, chance = computerised_on(code), story.chance
    first, last = max(years_after(story.formed_on, 1), computerised), years_after(story.today, -1)
    if first <= last and chance.yes(TRANSFERRED_SHARE, "transferred"):
        on = chance.day(first, last, "transferred on")
        return Base(on, entries.transferred(on, chance.address("transferred from")))
    if story.formed_on < computerised:
        return Base(computerised, entries.rewritten(computerised))
    return Base(story.formed_on, entries.formed(story.formed_on))


def _matters(story: Story, base: Base, kana: str) -> tuple[Entry, ...]:
    found = [base.beginning]
    if keeps_married_name(story):
        found.append(entries.kept_name(story.formed_on, story.chance.surname("maiden").text))
    if kana:
        found.append(entries.surname_reading(kana))
    return tuple(one.entry for one in found)


def _told(facts: list[Fact], since: date) -> tuple[Entry, ...]:
    return tuple(one.entry for one in sorted(facts, key=lambda one: one.on) if one.moved or one.on >= since)


def _head(story: Story, base: Base, told: list[Child]) -> Person:
    ended = story.head_ended
    facts = [_birth(story, story.head, "父"), *_origin(story)]
    if story.partner and story.married_on:
        facts += _wedlock(story, base, story.head, story.partner, "head", told)
    gone = ended is not None and ended.on < base.on
    return _person(story, story.head, _ancestors(story, story.head), base, [] if gone else facts, ended)


def _partner(story: Story, base: Base, told: list[Child]) -> Person | None:
    one, ended = story.partner, story.partner_ended
    if one is None or one.nationality or story.origin or (ended and ended.on < base.on):
        return None
    facts = [_birth(story, one, "父"), *_wedlock(story, base, one, story.head, "partner", told)]
    return _person(story, one, _ancestors(story, one), base, facts, ended)


def _wedlock(story: Story, base: Base, one: Being, other: Being, who: str, told: list[Child]) -> list[Fact]:
    """What marriage and parenthood left on husband or wife."""
    assert story.married_on is not None
    chance, over = story.chance, story.marriage_ended_on
    former = _former_register(story, one)
    name = f"{_maiden(story, other)}{_given(other)}"
    facts = [entries.marriage(story.married_on, other, name, former, lasts=over is None or over >= base.on)]
    facts += [
        entries.adopting(each.entered_on, _name_before(each), "" if each.how == STEPCHILD else _wife_or_husband(other))
        for each in told
        if each.entered_on and _adopts(story, one, each)
    ]
    own, others = (story.head_ended, story.partner_ended) if who == "head" else (story.partner_ended, story.head_ended)
    facts += _ends(story, one, other, own, others)
    if one.sex == MALE and one.household and chance.yes(ACKNOWLEDGES_SHARE, "acknowledges", one.name):
        facts += _acknowledging(story, one)
    return facts


def _ends(story: Story, one: Being, other: Being, own: Ending | None, others: Ending | None) -> list[Fact]:
    chance = story.chance
    if own and own.kind == "死亡":
        return [entries.death(chance, one, own.on, other.plain), *_bereaved(others, own)]
    if own or (others and others.kind == "離婚"):
        on = (own or others).on  # type: ignore[union-attr]
        to = ("新本籍", chance.address("goes to")) if own else None
        return [entries.divorce(on, other, settled_in_court=chance.yes(0.2, "court"), to=to)]
    return [entries.bereaved(others.on)] if others else []


def _bereaved(others: Ending | None, own: Ending) -> list[Fact]:
    return [entries.bereaved(others.on)] if others and others.on < own.on else []


def _acknowledging(story: Story, one: Being) -> list[Fact]:
    chance = story.chance
    first, last = years_after(one.born, 24), min(years_after(one.born, 45), story.today - timedelta(days=60))
    if first > last:
        return []
    surname = chance.surname("acknowledged")
    child = f"{surname.text}{chance.given(MALE, 'acknowledged').text}"
    mother = f"{chance.address('acknowledged')}　{surname.text}{chance.given(FEMALE, 'her').text}"
    return [entries.acknowledging(chance.day(first, last, "acknowledges on"), child, mother)]


def _adopts(story: Story, one: Being, child: Child) -> bool:
    """Whether this one of the two adopts the child: nobody who is dead or gone by then, and not its own mother."""
    ended = story.head_ended if one is story.head else story.partner_ended
    if child.entered_on is None or (ended and ended.on < child.entered_on):
        return False
    return child.how == ADOPTED or (child.how == STEPCHILD and one is not child.mother)


def _name_before(child: Child) -> str:
    """The name of an adopted child until then: of its father's 氏."""
    return f"{(child.father or child.being).name.split(chr(0x3000))[0]}{_given(child.being)}"


def _given(one: Being) -> str:
    return one.name.split("\u3000")[-1]


def _wife_or_husband(other: Being) -> str:
    return "夫" if other.sex == MALE else "妻"


def _origin(story: Story) -> list[Fact]:
    """What formed a 戸籍 that no marriage formed."""
    former = _former_register(story, story.head)
    if story.origin == DIVORCE and story.former:
        court, back = story.chance.yes(0.2, "court"), f"{story.chance.address('former')}　{story.former.plain}"
        return [entries.divorce(story.formed_on, story.former, settled_in_court=court, to=("従前戸籍", back))]
    if story.origin == BRANCH:
        return [entries.branched(story.formed_on, former)]
    return [entries.mother_alone(story.formed_on, former)] if story.origin == MOTHER_ALONE else []


def _child(story: Story, base: Base, child: Child) -> Person | None:
    if child.left_on and child.left_on < base.on:
        return None
    one, since = child.being, max(base.on, child.entered_on or date.min)
    by = "母" if child.how == OUT_OF_WEDLOCK or story.chance.yes(0.15, "mother files", one.name) else "父"
    facts = [_birth(story, one, by), *_entrance(story, child), *_custody(story, child, since)]
    if child.left_on and child.married:
        facts.append(entries.married_out(child.left_on, one, child.married, story.chance.address("new", one.name)))
    ended = Ending(child.left_on, "婚姻") if child.left_on else None
    return _person(story, one, _descent(story, child), Base(since, base.beginning), facts, ended)


def _entrance(story: Story, child: Child) -> list[Fact]:
    chance, one, on = story.chance, child.being, child.entered_on
    if child.how in (ADOPTED, STEPCHILD):
        parents = [each for each in (story.head, story.partner) if each and _adopts(story, each, child)]
        natural = child.father or one
        former = f"{chance.address('natural', one.name)}　{natural.plain}"
        return [entries.adoption(child, sorted(parents, key=lambda each: each.sex), former)]
    if child.how == BROUGHT and on and story.former:
        former = f"{chance.address('former')}　{story.former.plain}"
        return [entries.brought_along(on, former, on < years_after(one.born, 15))]
    if child.acknowledged_on and child.father:
        register = f"{chance.address('acknowledges', one.name)}　{child.father.plain}"
        return [entries.acknowledged(child.acknowledged_on, child.father, register)]
    return []


def _custody(story: Story, child: Child, since: date) -> list[Fact]:
    """親権 of those under age when their parents parted."""
    ended = story.partner_ended if story.partner_ended and story.partner_ended.kind == "離婚" else None
    on = story.formed_on if child.how == BROUGHT else ended.on if ended and child.how == BORN else None
    if on is None or adult_on(child.being.born) <= on:
        return []
    return [entries.custody(on, child.being, "父" if story.head.sex == MALE else "母", since)]


def _birth(story: Story, one: Being, by: str) -> Fact:
    here = one in story.known and story.chance.yes(0.7, "born here", one.name)
    town = MUNICIPALITY.match(story.domicile) if here else None
    at = town[0] if town else story.chance.place("born", one.name)
    return entries.birth(story.chance, one, by, at, story.today)


def _ancestors(story: Story, one: Being) -> tuple[Pair, ...]:
    """父母との続柄 of husband or wife: parents of the name that they had before."""
    chance, surname = story.chance, _maiden(story, one)
    order = chance.of("order", one.name).choice((0, 0, 0, 1, 1, 2))
    father = chance.given(MALE, "father of", one.name, other_than=story.givens)
    mother = chance.given(FEMALE, "mother of", one.name, other_than=story.givens)
    return (("父", f"{surname}{father.text}"), ("母", f"{surname}{mother.text}"), ("続柄", relation(order, one.sex)))


def _maiden(story: Story, one: Being) -> str:
    own = one is story.head and not keeps_married_name(story)
    return story.surname if own else story.chance.surname("maiden").text


def _former_register(story: Story, one: Being) -> str:
    """従前戸籍: 本籍 and 筆頭者 of the parents' 戸籍."""
    return f"{story.chance.address('home of', one.name)}　{dict(_ancestors(story, one))['父']}"


def _descent(story: Story, child: Child) -> tuple[Pair, ...]:
    father = "" if child.how == OUT_OF_WEDLOCK and not child.acknowledged_on else _parent(child.father)
    found: list[Pair] = [("父", father), ("母", _parent(child.mother)), ("続柄", child.relation)]
    if child.how in (ADOPTED, STEPCHILD):
        for each in sorted((each for each in (story.head, story.partner) if each), key=lambda each: each.sex):
            if _adopts(story, each, child):
                found.append(("養父" if each.sex == MALE else "養母", each.plain))
        found.append(("続柄", "養子" if child.being.sex == MALE else "養女"))
    return tuple(found)


def _parent(one: Being | None) -> str:
    if one is None:
        return ""
    return entries.foreign_name(one) if one.nationality else one.plain


def _person(
    story: Story, one: Being, parents: tuple[Pair, ...], base: Base, facts: list[Fact], ended: Ending | None
) -> Person:
    wed = one in (story.head, story.partner) and story.partner is not None
    lasts = wed and story.marriage_ended_on is None and not story.origin
    return Person(
        name=one.name,
        given_kana="" if ended else one.kana.split("\u3000")[-1],
        sex=one.sex,
        born=one.born,
        birth_text=one.birth_text,
        parents=parents,
        spouse=("夫" if one.sex == MALE else "妻") if lasts else "",
        entries=_told(facts, base.on),
        removed=ended is not None,
        abodes=_abodes(story, one, base, ended),
    )


def _abodes(story: Story, one: Being, base: Base, ended: Ending | None) -> tuple[Abode, ...]:
    """住所 since the 附票 began; nobody who was removed before it stands in it."""
    if ended and ended.on < base.on:
        return ()
    last = ended.on if ended else story.today
    grown = min(max(years_after(one.born, 20), years_after(base.on, -3)), last)
    all_of_them = one.abodes or residences.elsewhere(story.chance, one.name, grown, last)
    following = [near(each.since_text) for each in all_of_them[1:]]
    return tuple(one for one, until in zip(all_of_them, [*following, date.max], strict=True) if until >= base.on)
