"""The registers of the fictional 戸籍 system: they agree with the town's own people, with the law, and with themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import groupby, pairwise

import pytest
from koseki_site import CODE, DOMICILE, HEAD, book, order, wanted

from issuance_api.koseki.inspection import inspect
from municipalities.registry import get
from records import wareki
from simulators.koseki import registers as registers_module
from simulators.koseki.chance import years_after
from simulators.koseki.composing import computerised_on
from simulators.koseki.drawing import ADDRESS, ALL, INDIVIDUAL, draw
from simulators.koseki.law import adult_on, marriageable_on, relation
from simulators.koseki.model import Entry, Person, Register
from simulators.koseki.registers import Book, registers
from simulators.world import events
from simulators.world.names import FEMALE, MALE
from simulators.world.rows import Row
from simulators.world.town import Town, build

pytestmark = pytest.mark.clause("1(2)")

TOWNS = ("364894", "362999", "364991")
SEEDS = range(4)
LEAVES = {"死亡", "離婚", "婚姻"}
NOT_MOVED = {"離婚", "死亡", "分籍", "入籍", "配偶者の死亡"}
ORDER = "長二三四五六七八九十"


@cache
def town(code: str, seed: int) -> Town:
    """A town of some hundred people to whom something has happened."""
    made = build(get(code), seed, 350, belongings=False)
    events.happen(made, 120)
    return made


@cache
def told(code: str, seed: int) -> tuple[Book, list[Register]]:
    found = registers(get(code), town(code, seed).active())
    return found, [found[key] for key in found]


@pytest.fixture(params=[(code, seed) for code in TOWNS for seed in SEEDS], ids=str)
def place(request: pytest.FixtureRequest) -> tuple[str, int]:
    found: tuple[str, int] = request.param
    return found


def of(entry: Entry, label: str) -> str:
    return dict(entry.items).get(label, "")


def entry(person: Person, title: str) -> Entry | None:
    return next((one for one in person.entries if one.title == title), None)


def on(text: str) -> date:
    parts = wareki.parse(text)
    return date(parts.western_year, parts.month, parts.day)


def days(one: Entry) -> Iterator[tuple[str, date]]:
    for label, text in one.items:
        if label.endswith("日") and not text.startswith("西暦"):
            yield label, on(text)


def exact(person: Person) -> bool:
    return person.birth_text == wareki.wareki(person.born)


def since(register: Register) -> date:
    """編製日, 改製日 or 転籍日."""
    return on(register.matters[0].items[0][1])


def test_everybody_whom_the_town_has_is_in_their_register_as_the_town_writes_them(place: tuple[str, int]) -> None:
    rows = [one for one in town(*place).active() if one["resident_kind"] == "1"]
    found, _ = told(*place)
    assert len(rows) > 250
    for row in rows:
        register = found[row["registered_domicile"], row["family_register_head"]]
        assert (register.domicile, register.head) == (row["registered_domicile"], row["family_register_head"])
        person = register.member(row["name"], row["birth_text"])
        assert person is not None
        assert sum((one.name, one.birth_text) == (person.name, person.birth_text) for one in register.people) == 1
        assert person.sex == row["sex"]
        if row["name_kana"]:
            assert person.given_kana == row["name_kana"].split("\u3000")[-1]
        assert lives_at(row) == person.abodes[-1].text.split("\u3000")[0]


def lives_at(row: Row) -> str:
    return "".join(row[f"address_{part}"] or "" for part in ("prefecture", "municipality", "town", "lot_number"))


def test_the_head_comes_first_and_all_bear_one_name(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:
        assert register.people[0].name == register.head
        assert {one.name.split("\u3000")[0] for one in register.people} == {register.head.split("\u3000")[0]}
        assert any(not one.removed for one in register.people)


def test_days_are_of_their_era_not_before_birth_and_not_in_the_future(place: tuple[str, int]) -> None:
    last = town(*place).today
    for register in told(*place)[1]:
        for matter in register.matters:
            assert all(text == wareki.wareki(on(text)) for label, text in matter.items if label.endswith("日"))
        for person in register.people:
            for one in person.entries:
                for label, day in days(one) if exact(person) else ():
                    assert dict(one.items)[label] == wareki.wareki(day)
                    assert person.born <= day <= last, (one.title, label)


def test_nobody_marries_before_the_law_allows_and_both_say_the_same_day(place: tuple[str, int]) -> None:
    married = 0
    for register in told(*place)[1]:
        couple = {of(one, "婚姻日") for person in register.people for one in person.entries
                  if one.title == "婚姻" and of(one, "従前戸籍")}  # fmt: skip
        assert len(couple) <= 1
        for person in register.people:
            if (one := entry(person, "婚姻")) and exact(person):
                married += 1
                assert on(of(one, "婚姻日")) >= marriageable_on(person.born, person.sex)
    assert married > 40


def test_marks_of_husband_and_wife_are_a_pair_or_the_other_is_a_foreigner(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:
        marks = sorted(one.spouse for one in register.people if one.spouse)
        foreign = any(of(one, "配偶者の国籍") for person in register.people for one in person.entries)
        assert marks == (["夫"] if foreign else ["夫", "妻"]) or not marks
        assert not any(one.spouse for one in register.people if one.removed)


def test_children_in_wedlock_come_after_the_marriage_to_parents_of_an_age_for_it(place: tuple[str, int]) -> None:
    counted = 0
    for register in told(*place)[1]:
        by_name = {one.name.replace("\u3000", ""): one for one in register.people[:2]}
        for child in register.people[1:]:
            parents = dict(child.parents[:2])
            mother, father = by_name.get(parents["母"]), by_name.get(parents["父"])
            if mother is not None:
                counted += 1
                assert years_after(mother.born, 16) <= child.born <= years_after(mother.born, 50)
            if mother is not None and father is not None and (one := entry(mother, "婚姻")):
                assert on(of(one, "婚姻日")) < child.born
    assert counted > 30


def test_a_childs_place_among_its_brothers_or_sisters_is_counted_right(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:

        def of_whom(one: Person) -> tuple[str, str, str]:
            parents = dict(one.parents[:2])
            return parents["父"], parents["母"], one.sex

        whole = [
            one for one in register.people if "養" not in "".join(dict(one.parents)) and one is not register.people[0]
        ]
        for (_, _, sex), group in groupby(sorted(whole, key=lambda one: (*of_whom(one), one.born)), key=of_whom):
            numbers = [one.parents[2][1] for one in group if one.parents[2][1][0] in ORDER]
            assert all(number in {relation(at, sex) for at in range(10)} for number in numbers)
            ranks = [ORDER.index(number[0]) for number in numbers]
            assert all(earlier < later for earlier, later in pairwise(ranks))


def test_adopted_children_have_both_kinds_of_parents_and_older_ones_of_full_age() -> None:
    counted = 0
    for code in TOWNS:
        for seed in SEEDS:
            for register in told(code, seed)[1]:
                by_name = {one.name.replace("\u3000", ""): one for one in register.people[:2]}
                for child in register.people[1:]:
                    named = [name for label, name in child.parents if label in ("養父", "養母")]
                    adopters = [by_name[name] for name in named if name in by_name]  # others have been removed
                    if named and (one := entry(child, "養子縁組")):
                        counted += bool(adopters)
                        day = on(of(one, "縁組日"))
                        assert all(each.born < child.born and adult_on(each.born) <= day for each in adopters)
                        assert child.parents[-1] == ("続柄", "養子" if child.sex == MALE else "養女")
                        assert bool(of(one, "代諾者")) == (day < years_after(child.born, 15))
    assert counted > 20


def test_who_has_been_removed_says_why_and_nothing_happens_to_the_dead(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:
        for person in register.people:
            titles = [one.title for one in person.entries]
            if person.removed:
                assert (titles and titles[-1] in LEAVES) or person is register.people[0]
            else:
                assert "死亡" not in titles
            if dead := entry(person, "死亡"):
                died = on(of(dead, "死亡日"))
                assert all(day <= died for one in person.entries if one is not dead for _, day in days(one))
                assert on(of(dead, "届出日")) >= died


def test_a_register_made_anew_holds_only_what_the_law_lets_it_take_over(place: tuple[str, int]) -> None:
    kinds = set()
    for register in told(*place)[1]:
        first = register.matters[0].title
        kinds.add(first)
        base = since(register)
        assert first != "戸籍改製" or base == computerised_on(place[0])
        assert first != "戸籍編製" or base >= computerised_on(place[0])
        for person in register.people:
            for one in person.entries:
                if one.title in NOT_MOVED:
                    assert max(day for _, day in days(one)) >= base
            if person.removed and not person.entries:
                assert person is register.people[0]
    assert kinds == {"戸籍編製", "戸籍改製", "転籍"}


def test_a_married_name_is_kept_only_since_the_law_allows_it_and_tells_the_one_before(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:
        for one in register.matters:
            if one.title == "氏の変更":
                assert on(of(one, "氏変更日")) >= date(1976, 6, 15)
                assert dict(register.people[0].parents)["父"].startswith(of(one, "従前の氏"))


def test_residences_follow_each_other(place: tuple[str, int]) -> None:
    for register in told(*place)[1]:
        for person in register.people:
            moved = [on(one.since_text) for one in person.abodes if one.since_text]
            assert moved == sorted(moved)
            assert not person.abodes or exact(person) is False or moved[0] >= person.born


def test_there_is_every_kind_of_family() -> None:
    titles: set[str] = set()
    reasons: set[str] = set()
    for code in TOWNS:
        for seed in SEEDS:
            for register in told(code, seed)[1]:
                titles |= {one.title for person in register.people for one in person.entries}
                titles |= {one.title for one in register.matters}
                reasons |= {label for person in register.people for one in person.entries for label, _ in one.items}
    assert titles == {"出生", "婚姻", "離婚", "死亡", "配偶者の死亡", "親権", "養子縁組", "認知", "入籍", "分籍",
                      "戸籍編製", "戸籍改製", "転籍", "氏の変更", "氏の振り仮名"}  # fmt: skip
    assert {"配偶者の国籍", "離婚の調停成立日", "新本籍", "送付を受けた日", "代諾者"} <= reasons


def test_the_same_people_give_the_same_register(place: tuple[str, int]) -> None:
    again = registers(get(place[0]), reversed(town(*place).active()))
    found, _ = told(*place)
    assert {key: one.version() for key, one in again.items()} == {key: one.version() for key, one in found.items()}


def test_a_register_is_made_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    compose = registers_module.compose
    monkeypatch.setattr(
        registers_module, "compose", lambda code, story: made.append(story.head.name) or compose(code, story)
    )
    found = registers(get(CODE), town(CODE, 0).active())
    key = next(iter(found))
    assert (found[key], made) == (found[key], [key[1]])


@pytest.mark.parametrize("text", ["昭和64年1月7日", "平成元年1月8日", "平成31年4月30日", "令和元年5月1日"])
def test_days_around_a_change_of_era_are_written_as_the_law_does(text: str) -> None:
    assert wareki.wareki(on(text)) == text


def test_a_large_family_has_its_children_in_order() -> None:
    people = book(CODE)[DOMICILE, HEAD].people
    own = [one for one in people[2:] if one.given.startswith("子")]
    assert [one.given for one in own] == [f"子{number}" for number in range(1, 9)]
    assert {one.sex for one in own} == {MALE, FEMALE}


@pytest.mark.parametrize("code", TOWNS)
def test_what_is_drawn_of_any_register_passes_the_judge(code: str) -> None:
    """The largest families, rare characters, days that are known in words only, and whoever comes first."""
    found, _ = told(code, 1)
    rows = [one for one in town(code, 1).active() if one["resident_kind"] == "1"]
    rare = [one for one in rows if any(ord(character) > 0xE0000 for character in one["name"])]
    worded = [one for one in rows if one["birth_on"] is None]
    large = sorted(rows, key=lambda one: -len(found[one["registered_domicile"], one["family_register_head"]].people))
    pages = set()
    for number, one in enumerate((*rare[:2], *worded[:2], *large[:2], *rows[:2])):
        register = found[one["registered_domicile"], one["family_register_head"]]
        for kind in (ALL, INDIVIDUAL, ADDRESS):
            asked = replace(
                order(number, kind, name=one["name"], birth_text=one["birth_text"], registered_domicile=register.domicile,
                      family_register_head=register.head),
                include_domicile=number % 2 == 0, include_overseas_voting=number % 3 == 0,
            )  # fmt: skip
            pages.add(inspect(draw(get(code), register, wanted(asked)), asked, register.version())[1])
    assert rare
    assert pages >= {1, 2}
