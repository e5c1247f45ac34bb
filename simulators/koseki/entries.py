"""The words of entries (記載例): each event as the computerised 戸籍 lists it, item by item. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from records.wareki import wareki, western
from simulators.koseki.chance import Chance
from simulators.koseki.children import Child
from simulators.koseki.kin import Being
from simulators.koseki.law import adult_on
from simulators.koseki.model import Entry, Pair
from simulators.world.names import MALE

REWRITTEN = "平成6年法務省令第51号附則第2条第1項による改製"


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry and its day; ``moved`` (移記) when a new 戸籍 takes it over from the one before."""

    on: date
    entry: Entry
    moved: bool = False


def fact(on: date, title: str, *items: Pair, moved: bool = False) -> Fact:
    """An entry of these items, empty ones left out."""
    return Fact(on, Entry(title, tuple((label, text) for label, text in items if text)), moved)


def formed(on: date) -> Fact:
    """戸籍編製."""
    return fact(on, "戸籍編製", ("編製日", wareki(on)))


def rewritten(on: date) -> Fact:
    """戸籍改製: the paper 戸籍 became a computerised one."""
    return fact(on, "戸籍改製", ("改製日", wareki(on)), ("改製事由", REWRITTEN))


def transferred(on: date, old_domicile: str) -> Fact:
    """転籍 from another municipality."""
    return fact(on, "転籍", ("転籍日", wareki(on)), ("従前本籍", old_domicile))


def kept_name(on: date, old_surname: str) -> Fact:
    """氏の変更: the married name was kept after a divorce."""
    items = (("氏変更日", wareki(on)), ("氏変更の事由", "戸籍法77条の2の届出"), ("従前の氏", old_surname))
    return fact(on, "氏の変更", *items, moved=True)


def surname_reading(kana: str) -> Fact:
    """氏の振り仮名, recorded since 2025-05-26."""
    return fact(date.max, "氏の振り仮名", ("氏の振り仮名", kana), moved=True)


def birth(chance: Chance, one: Being, by: str, at: str, today: date) -> Fact:
    """出生; where the day is known in words only, so is the rest."""
    day = ("出生日", one.birth_text)
    if one.birth_text != wareki(one.born):
        return fact(one.born, "出生", day, ("出生地", at), moved=True)
    filed = min(today, one.born + timedelta(days=chance.of("filed", one.name).randint(1, 13)))
    items = [day, ("出生地", at), ("届出日", wareki(filed)), ("届出人", by)]
    received = filed + timedelta(days=chance.of("received", one.name).randint(2, 9))
    if chance.yes(0.25, "elsewhere", one.name) and received <= today:
        place = chance.place("filed at", one.name)
        items += [("送付を受けた日", wareki(received)), ("受理者", f"{place}長")]
    return fact(one.born, "出生", *items, moved=True)


def marriage(on: date, other: Being, name: str, former_register: str, *, lasts: bool) -> Fact:
    """婚姻 that formed the 戸籍, ``name`` being the other's until then; a foreigner's country and day of birth too."""
    items = [("婚姻日", wareki(on)), ("配偶者氏名", foreign_name(other) if other.nationality else name)]
    if other.nationality:
        items += [("配偶者の国籍", country(other.nationality)), ("配偶者の生年月日", f"西暦{western(other.born)}")]
    return fact(on, "婚姻", *items, ("従前戸籍", former_register), moved=lasts)


def married_out(on: date, one: Being, other: Being, new_domicile: str) -> Fact:
    """婚姻 by which a child left the 戸籍."""
    husband = one if one.sex == MALE else other
    taken = husband is one and new_domicile.endswith("1番地")
    name = "夫の氏" if (husband is one) == (not taken) else "妻の氏"
    items = (("婚姻日", wareki(on)), ("配偶者氏名", other.plain), ("新本籍", new_domicile), ("称する氏", name))
    return fact(on, "婚姻", *items)


def divorce(on: date, other: Being, *, settled_in_court: bool, to: Pair | None = None) -> Fact:
    """離婚; ``to`` is where the one who leaves goes: 入籍戸籍, 新本籍, or 従前戸籍 seen from there."""
    days: list[Pair] = [("離婚日", wareki(on))]
    if settled_in_court:
        days = [("離婚の調停成立日", wareki(on - timedelta(days=7))), ("届出日", wareki(on)), ("届出人", "妻")]
    return fact(on, "離婚", *days, ("配偶者氏名", other.plain), *([to] if to else []))


def custody(on: date, child: Being, parent: str, since: date) -> Fact:
    """親権: which parent a child under age stays with."""
    items = (("親権者を定めた日", wareki(on)), ("親権者", parent), ("届出人", "父母"))
    return fact(on, "親権", *items, moved=adult_on(child.born) > since)


def death(chance: Chance, one: Being, on: date, by: str) -> Fact:
    """死亡."""
    rng = chance.of("death", one.name)
    hour = f"{rng.choice(('午前', '午後'))}{rng.randint(1, 11)}時{rng.randint(1, 59)}分"
    filed = on + timedelta(days=rng.randint(1, 6))
    items = (("死亡日", wareki(on)), ("死亡時分", hour), ("死亡地", chance.place("dies", one.name)))
    return fact(on, "死亡", *items, ("届出日", wareki(filed)), ("届出人", f"親族{by}"))


def bereaved(on: date) -> Fact:
    """配偶者の死亡."""
    return fact(on, "配偶者の死亡", ("配偶者の死亡日", wareki(on)))


def adoption(child: Child, parents: list[Being], former_register: str) -> Fact:
    """養子縁組 on the child; somebody under fifteen is spoken for."""
    assert child.entered_on is not None
    on = child.entered_on
    young = (on - child.being.born).days < 15 * 365.25
    speaks = ("親権者母" if child.how == "stepchild" else "親権者父母") if young else ""
    names = [("養父氏名" if one.sex == MALE else "養母氏名", one.plain) for one in parents]
    items = (("縁組日", wareki(on)), *names, ("代諾者", speaks), ("従前戸籍", former_register))
    return fact(on, "養子縁組", *items, moved=True)


def adopting(on: date, child: str, together: str) -> Fact:
    """養子縁組 on who adopts; ``child`` is the name until then."""
    return fact(on, "養子縁組", ("縁組日", wareki(on)), ("共同縁組者", together), ("養子氏名", child))


def acknowledged(on: date, father: Being, register: str) -> Fact:
    """認知 on the child."""
    return fact(
        on, "認知", ("認知日", wareki(on)), ("認知者氏名", father.plain), ("認知者の戸籍", register), moved=True
    )


def acknowledging(on: date, child: str, register: str) -> Fact:
    """認知 on the father."""
    return fact(on, "認知", ("認知日", wareki(on)), ("認知した子の氏名", child), ("認知した子の戸籍", register))


def brought_along(on: date, former_register: str, under_fifteen: bool) -> Fact:
    """入籍 of a child into its mother's (or father's) 戸籍 after a divorce."""
    by = (("届出人", "親権者母"),) if under_fifteen else ()
    items = (("届出日", wareki(on)), ("入籍事由", "母の氏を称する入籍"), *by, ("従前戸籍", former_register))
    return fact(on, "入籍", *items)


def branched(on: date, former_register: str) -> Fact:
    """分籍."""
    return fact(on, "分籍", ("分籍日", wareki(on)), ("従前戸籍", former_register))


def mother_alone(on: date, former_register: str) -> Fact:
    """入籍 of an unmarried mother into a 戸籍 of her own, by the birth of her child."""
    return fact(on, "入籍", ("入籍日", wareki(on)), ("入籍事由", "子の出生届出"), ("従前戸籍", former_register))


def foreign_name(one: Being) -> str:
    """A foreigner's name as entries write it: グエン，ヴァンアン."""
    family, _, given = (one.kana or one.name).replace(" ", "\u3000").partition("\u3000")
    return f"{family}，{given.replace(chr(0x3000), '')}" if given else family


def country(nationality: str) -> str:
    """国籍 as entries write it."""
    return nationality if nationality.endswith("国") else f"{nationality}国"
