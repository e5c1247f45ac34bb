"""How a 戸籍 came about (戸籍の成り立ち): who married whom and when, how it ended, which event formed the 戸籍. Invented.

What the town's register knows is kept; the rest is drawn so that it agrees with the law of its time. The children are in
``children``, the words in ``entries``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from records.wareki import wareki
from simulators.koseki.chance import Chance, years_after
from simulators.koseki.kin import DIVORCED, MARRIED, Being, Kin
from simulators.koseki.law import MARRIED_NAME_KEPT_FROM, adult_on, marriageable_on
from simulators.world.names import FEMALE, MALE, Name

MONTH, HALF_YEAR, PREGNANCY = timedelta(days=30), timedelta(days=182), timedelta(days=280)
MOTHER, FATHER = (16, 50), 17
BRANCH, DIVORCE, MOTHER_ALONE = "分籍", "離婚", "出生"


@dataclass(frozen=True, slots=True)
class Ending:
    """How somebody left a marriage: 死亡 or 離婚, and when."""

    on: date
    kind: str


@dataclass(slots=True)
class Story:
    """One 戸籍 told. ``origin`` says what formed it when it was no marriage; ``former`` is the husband before it."""

    chance: Chance
    domicile: str
    today: date
    head: Being
    partner: Being | None = None
    married_on: date | None = None
    head_ended: Ending | None = None
    partner_ended: Ending | None = None
    origin: str = ""
    former: Being | None = None
    formed_on: date = date.min
    known: tuple[Being, ...] = field(default=())

    @property
    def surname(self) -> str:
        """氏 of the 戸籍."""
        return self.head.name.split("\u3000")[0]

    @property
    def givens(self) -> frozenset[str]:
        """名 of everybody who is in the story so far."""
        people = (self.head, self.partner, self.former, *self.known)
        return frozenset(one.name.split("\u3000")[-1] for one in people if one)

    @property
    def parents(self) -> tuple[Being | None, Being | None]:
        """Father and mother of the children born to it."""
        first, second = self.head, self.partner or self.former
        return (second, first) if first.sex == FEMALE else (first, second)

    @property
    def marriage_ended_on(self) -> date | None:
        """When husband or wife died, or they parted."""
        days = [one.on for one in (self.head_ended, self.partner_ended) if one]
        return min(days, default=None)


def tell(chance: Chance, domicile: str, head_name: str, kin: Kin, today: date) -> Story:
    """The story of the 戸籍 with these members."""
    head = kin.head or _absent_head(chance, head_name, kin)
    story = Story(chance, domicile, today, head, known=kin.children)
    if kin.foreign or kin.spouse or kin.head is None:
        story.partner = kin.spouse or kin.foreign or _invented_partner(story)
        _marry(story)
        if kin.head is None:
            _end_absent(story, kin)
    else:
        _alone(story)
    return story


def could_be_theirs(story: Story, child: Being) -> bool:
    """Whether the two could be the child's parents in wedlock."""
    father, mother = story.parents
    if father is None or mother is None or story.married_on is None:
        return False
    ended = story.marriage_ended_on
    within = story.married_on + MONTH <= child.born and (ended is None or child.born <= ended)
    return within and _of_age(father, mother, child)


def could_be_mother(mother: Being, child: Being) -> bool:
    """Whether their ages allow it."""
    return years_after(mother.born, MOTHER[0]) <= child.born <= years_after(mother.born, MOTHER[1])


def invented(story: Story, surname: Name, sex: str, born: date, *what: object) -> Being:
    """Somebody whom the town's register does not know; nobody in the 戸籍 has that name already."""
    given = story.chance.given(sex, *what, other_than=story.givens)
    kana = f"{surname.kana}\u3000{given.kana}" if surname.kana else ""
    return Being(f"{surname.text}\u3000{given.text}", kana, sex, born, wareki(born))


def _of_age(father: Being, mother: Being, child: Being) -> bool:
    return could_be_mother(mother, child) and years_after(father.born, FATHER) <= child.born


def _absent_head(chance: Chance, head_name: str, kin: Kin) -> Being:
    """筆頭者 who does not live in the town: gone, or somewhere else."""
    sex = (FEMALE if kin.spouse.sex == MALE else MALE) if kin.spouse else MALE
    if kin.spouse:
        first, last = years_after(kin.spouse.born, -6), years_after(kin.spouse.born, 2)
    else:
        eldest = min(one.born for one in kin.children)
        first, last = years_after(eldest, -34), years_after(eldest, -24)
    born = chance.day(first, last, "head", "born")
    return Being(head_name, "", sex, born, wareki(born))


def _invented_partner(story: Story) -> Being:
    """Husband or wife whom the town does not know, of an age that fits the children."""
    chance, head = story.chance, story.head
    sex = FEMALE if head.sex == MALE else MALE
    offset = (-2, 6) if sex == FEMALE else (-6, 2)
    first, last = (years_after(head.born, years) for years in offset)
    if story.known:
        # No younger than the eldest child allows, and a mother no older than the youngest does.
        latest = years_after(min(one.born for one in story.known), -20)
        earliest = years_after(max(one.born for one in story.known), -44)
        last = min(last, latest)
        first = max(min(first, last), min(earliest, last)) if sex == FEMALE else min(first, last)
    born = chance.day(first, last, "partner", "born")
    kana = head.kana.split("\u3000")[0]
    return invented(story, Name(story.surname, kana), sex, born, "partner")


def _marry(story: Story) -> None:
    """The day of the marriage: the one that the town knows, or one before the first child that could be theirs."""
    assert story.partner is not None
    head, partner = story.head, story.partner
    first = max(marriageable_on(one.born, one.sex) for one in (head, partner))
    story.married_on = first
    theirs = [one.born for one in story.known if could_be_theirs(story, one)]
    if theirs:
        last = min(theirs) - MONTH
        story.married_on = story.chance.day(max(first, years_after(last, -6)), last, "married")
    elif head.reason == MARRIED and head.known_on and head.known_on >= first:
        story.married_on = head.known_on
    else:
        last = min(story.today - MONTH, years_after(first, 12))
        story.married_on = story.chance.day(first, last, "married")
    story.formed_on = story.married_on


def _youngest(story: Story) -> date:
    theirs = [one.born for one in story.known if could_be_theirs(story, one)]
    return max([*theirs, story.married_on or date.min])


def _ending(story: Story, kind: str, earliest: date, who: str) -> Ending | None:
    """The end of the marriage after the youngest child, where there is still time for one."""
    first, last = max(_youngest(story) + HALF_YEAR, earliest), story.today - MONTH
    return Ending(story.chance.day(first, last, kind, who), kind) if first <= last else None


def _end_absent(story: Story, kin: Kin) -> None:
    """Why 筆頭者 is not in the town: dead, or living somewhere else; the same of a parent of grown brothers and sisters."""
    assert story.partner is not None
    old = years_after(story.head.born, 60)
    if old <= story.today - MONTH or kin.spouse is None:
        story.head_ended = _ending(story, "死亡", min(old, story.today - MONTH), "head")
    if kin.spouse is None and years_after(story.partner.born, 75) <= story.today:
        story.partner_ended = _ending(story, "死亡", years_after(story.partner.born, 60), "partner")


def _alone(story: Story) -> None:
    """筆頭者 without husband or wife in the town."""
    draw = story.chance.of("alone").random()
    old = years_after(story.head.born, 60) <= story.today
    if story.head.reason == DIVORCED and not story.known:
        _divorced_into(story)
    elif story.known:
        _single_parent(story, draw)
    elif story.head.sex == MALE:
        widower, divorced = (0.55, 0.8) if old else (0.0, 0.35)
        _widower_or_divorced(story, draw, widower, divorced)
    elif draw < 0.6 and marriageable_on(story.head.born, FEMALE) <= years_after(story.today, -4):
        _divorced_into(story)
    else:
        _branch(story)


def _widower_or_divorced(story: Story, draw: float, widower: float, divorced: float) -> None:
    if draw < divorced and marriageable_on(story.head.born, MALE) <= years_after(story.today, -4):
        story.partner = _invented_partner(story)
        _marry(story)
        kind, earliest = ("死亡", years_after(story.head.born, 45)) if draw < widower else ("離婚", date.min)
        story.partner_ended = _ending(story, kind, earliest, "partner")
    else:
        _branch(story)


def _single_parent(story: Story, draw: float) -> None:
    mother_can = all(could_be_mother(story.head, one) for one in story.known)
    if story.head.sex == FEMALE and mother_can and draw < 0.22:
        story.origin = MOTHER_ALONE
        story.formed_on = min(one.born for one in story.known)
    elif story.head.sex == FEMALE and draw < 0.85 and _divorced_into(story):
        return
    else:
        story.partner = _invented_partner(story)
        _marry(story)
        kind = "離婚" if draw > 0.35 else "死亡"
        story.partner_ended = _ending(story, kind, date.min, "partner")


def _divorced_into(story: Story) -> bool:
    """離婚 formed this 戸籍: it followed a marriage in that of the former husband (or wife). False where time is too short."""
    head, chance = story.head, story.chance
    partner = _invented_partner(story)
    first = max(marriageable_on(one.born, one.sex) for one in (head, partner))
    eldest = min((one.born for one in story.known), default=min(years_after(first, 8), story.today - 20 * MONTH))
    youngest = max((one.born for one in story.known), default=eldest)
    known_on = head.known_on if head.reason == DIVORCED and not story.known else None
    last = min(eldest, known_on or eldest) - MONTH
    if first > last or youngest + HALF_YEAR > story.today - 3 * MONTH:
        if not story.known:
            _branch(story)
        return False
    story.origin = DIVORCE
    story.married_on = chance.day(max(first, years_after(last, -6)), last, "married before")
    until = min(story.today - 3 * MONTH, years_after(youngest, 9))
    story.formed_on = known_on or chance.day(youngest + HALF_YEAR, until, "divorced before")
    story.former = _former(story, partner)
    return True


def _former(story: Story, partner: Being) -> Being:
    """The former husband or wife; of the same 氏 where it was kept after the divorce (戸籍法77条の2)."""
    if keeps_married_name(story):
        return partner
    return invented(story, story.chance.surname("former"), partner.sex, partner.born, "former")


def keeps_married_name(story: Story) -> bool:
    """婚氏続称: whether the name of a marriage that ended before this 戸籍 was kept, which the law allows since 1976."""
    kept = story.origin == DIVORCE and story.formed_on >= MARRIED_NAME_KEPT_FROM
    return kept and story.chance.yes(0.5, "keeps name")


def _branch(story: Story) -> None:
    """分籍 of somebody of full age who has not married."""
    grown = adult_on(story.head.born)
    story.origin, story.partner, story.married_on = BRANCH, None, None
    last = min(story.today - MONTH, years_after(grown, 25))
    story.formed_on = story.chance.day(grown, max(grown, last), "branch")
