"""The rules against the published conditions, written again from the requirements as a table; random facts are tried on both.

``eligibility_cases`` makes facts from plain choices; ``CONDITIONS`` says from the choices alone, and not from anything of
the program, what must be so. Only what keeps every condition may be allowed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from eligibility_cases import ADDRESS, HOUSEHOLD, KOSEKI, SEAL_KIND, TAX, Case, asked_items, draw, facts_of, left_out
from hypothesis import given, settings
from hypothesis import strategies as st

from issuance_api.eligibility import RULES, decide
from issuance_api.model import Kind


def outsider(case: Case) -> bool:
    return case.kind in KOSEKI and case.registration is not None and case.status != "1"


def there(case: Case) -> set[str]:
    """Who is in the household now."""
    if case.household == "empty":
        return set()
    return {"mother", "child"} | ({"father"} if case.status in ("1", None) else set())


def printed(case: Case) -> set[str]:
    if case.kind not in HOUSEHOLD:
        return {"father"} if case.status else set()
    wanted = {None: there(case), "everybody": {"father", "mother", "child"}, "stranger": set()}
    return wanted.get(case.members, {case.members}) & there(case)


def concerned(case: Case) -> set[str]:
    return set() if outsider(case) else printed(case) | ({"father"} if case.status else set())


def hours_fit(case: Case, *, opens: float, closes: float, workdays: bool) -> bool:
    return opens <= case.hour + 0.25 < closes and (not workdays or case.day == "workday")


def own_hours_fit(case: Case, otherwise: bool) -> bool:
    own = {None: otherwise, "all_day": True, "mornings": hours_fit(case, opens=8, closes=10, workdays=False)}
    return case.demonstration or own[case.own_hours]


def has(case: Case, item: str) -> bool:
    """Asked for, and not among what the town gives for this kind."""
    return item in asked_items(case) and item in left_out(case)


def some_of_the_household(case: Case) -> bool:
    chosen = {"everybody": {"father", "mother", "child"}, "father": {"father"}, "mother": {"mother"}}
    return case.members is not None and chosen.get(case.members, {"stranger"}) != there(case)


def feeds(case: Case) -> set[str]:
    return {"resident"} | {SEAL_KIND: {"seal"}, TAX: {"tax"}}.get(case.kind, set())


def fresh(case: Case) -> bool:
    bad = {"all": None, "no_resident": "resident", "future": "resident"}.get(
        case.fresh, case.fresh.removeprefix("old_")
    )
    return outsider(case) or bad not in feeds(case)


def old_enough(case: Case) -> bool:
    """``month_unknown`` is 2011: fifteen on 31 December at the latest."""
    return case.registration_adult if outsider(case) else case.status is not None and case.birth == "adult"


def withheld(case: Case) -> bool:
    feed, who = case.withheld or (None, None)
    return (feed == "resident" and who in concerned(case)) or (
        feed in feeds(case) - {"resident"} and case.status is not None
    )


def registered(case: Case) -> bool:
    return not outsider(case) or (case.registration == "approved" and case.registration_from == "past")


def card_good(case: Case) -> bool:
    if outsider(case):
        return case.card in (None, "unlinked")
    return (case.card, case.card_from) == ("active", "past") and case.card_until != "past"


def seal_of_today(case: Case) -> bool:
    """The father has neither 旧氏 nor 通称 registered; the seal is of 2004."""
    return case.status is not None and case.seal is not None and case.imprint == "2" and (
        case.renamed != "after" or bool(case.moved_in and case.moved_in[0] == "father"))  # fmt: skip


def came_today(case: Case) -> bool:
    return bool(case.moved_in) and case.moved_in[0] in concerned(case) and case.moved_in[1] in ("today", "unknown")


def leaves(case: Case) -> bool:
    return (
        case.moving_out in (there(case) if case.kind in HOUSEHOLD else concerned(case)) and case.moving_out is not None
    )


def household_fits(case: Case) -> bool:
    return "father" in there(case) and case.household == "good"


everybody, household, koseki = set(one.value for one in Kind), HOUSEHOLD, KOSEKI
CONDITIONS: dict[str, tuple[set[str], Callable[[Case], bool]]] = {
    "outside_service_hours": (
        everybody,
        lambda c: c.demonstration or (c.day != "year_end" and 6.5 <= c.hour + 0.25 < 23),
    ),
    "maintenance": (everybody, lambda c: c.window not in ("all", "this")),
    "kind_not_offered": (everybody, lambda c: c.kind_offered),
    "outside_kind_hours": (everybody - koseki, lambda c: own_hours_fit(c, True)),
    "outside_koseki_hours": (
        koseki,
        lambda c: own_hours_fit(c, not c.office_hours or hours_fit(c, opens=8.5, closes=17, workdays=True)),
    ),
    "card_not_linked": (everybody, lambda c: c.card is not None or outsider(c)),
    "card_not_active": (everybody, card_good),
    "not_a_resident": (everybody, lambda c: outsider(c) or c.status == "1"),
    "registration_not_usable": (koseki, registered),
    "not_offered_to_non_residents": (koseki, lambda c: not outsider(c) or c.non_residents != "none"),
    "register_elsewhere": (
        koseki,
        lambda c: c.registration_here if outsider(c) else c.status and c.domicile_here is True,
    ),
    "register_held": (koseki, lambda c: not c.register_held),
    "overseas_voting_not_offered": (
        koseki,
        lambda c: not has(c, "overseas_voting") and (c.flags or "overseas_voting" not in asked_items(c)),
    ),
    "registered_domicile_not_offered": (household | {ADDRESS}, lambda c: not has(c, "registered_domicile")),
    "relationship_not_offered": (household, lambda c: not has(c, "relationship")),
    "individual_number_not_offered": (
        household,
        lambda c: not has(c, "individual_number") and (c.flags or "individual_number" not in asked_items(c)),
    ),
    "data_not_fresh": (everybody, fresh),
    "under_15": (everybody, old_enough),
    "member_not_in_household": (
        household,
        lambda c: bool(printed(c)) and len(printed(c)) == {None: len(printed(c)), "everybody": 3}.get(c.members, 1),
    ),
    "members_not_choosable": (
        household,
        lambda c: not some_of_the_household(c) or (c.flags and c.left_out != "members"),
    ),
    "withheld": (everybody, lambda c: not withheld(c)),
    "held": (everybody, lambda c: c.held not in concerned(c) | ({"father"} if c.status else set())),
    "issuance_stopped": (everybody, lambda c: c.stopped not in concerned(c)),
    "support_measure": (
        everybody,
        lambda c: c.supported not in concerned(c) | there(c) | ({"father"} if c.status else set()),
    ),
    "move_out_filed": (everybody, lambda c: not leaves(c)),
    "moved_in_today": (everybody - koseki, lambda c: c.move_in_allowed or not came_today(c)),
    "household_inconsistent": (household, household_fits),
    "seal_not_registered": ({SEAL_KIND}, lambda c: c.seal == "1"),
    "seal_of_a_former_name": ({SEAL_KIND}, seal_of_today),
    "not_the_latest_tax_year": ({TAX}, lambda c: c.year_asked == 2026),
    "no_tax_record": ({TAX}, lambda c: c.tax == "own" and c.status is not None),
    "not_resident_on_january_1": ({TAX}, lambda c: c.tax is not None and c.tax_here),
    "income_not_filed": ({TAX}, lambda c: c.tax is not None and c.filed),
    "tax_issuance_stopped": ({TAX}, lambda c: c.tax is not None and not c.tax_stopped),
}


def broken(case: Case) -> set[str]:
    """The conditions that this case does not keep."""
    return {name for name, (kinds, holds) in CONDITIONS.items() if case.kind in kinds and not holds(case)}


def compare(case: Case) -> str | None:
    """The code of the refusal, after both were compared."""
    refusal, wrong = decide(facts_of(case)), broken(case)
    found = refusal.code if refusal else None
    if found is None:
        assert wrong == set(), case
    else:
        assert found in wrong, case
        order = [one.code for one in RULES]
        assert found == min(wrong, key=order.index), case
    return found


@pytest.mark.clause("1(2)")
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_only_what_keeps_every_published_condition_is_allowed(data: st.DataObject) -> None:
    compare(draw(lambda options: data.draw(st.sampled_from(options))))


@pytest.mark.clause("1(2)")
def test_every_rule_decides_and_every_kind_is_allowed_somewhere() -> None:
    chance = random.Random("交付可否")
    found: Counter[str | None] = Counter()
    allowed = set()
    for _ in range(6000):
        case = draw(chance.choice)
        found[compare(case)] += 1
        allowed |= {case.kind} if broken(case) == set() else set()
    assert set(found) == {one.code for one in RULES} | {None}
    assert allowed == {one.value for one in Kind}
    assert set(CONDITIONS) == {one.code for one in RULES}
