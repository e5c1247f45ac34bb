"""Rules of the law (民法) as they were in force: 婚姻適齢 and 成年, both changed on 2022-04-01, and since when others are."""

from __future__ import annotations

from datetime import date

from simulators.koseki.chance import years_after
from simulators.world.names import MALE

REFORM_ON = date(2022, 4, 1)
RELATIONS_BY_MOTHER_FROM = date(2004, 11, 1)  # since then a child out of wedlock is 長男, before it was 男
MARRIED_NAME_KEPT_FROM = date(1976, 6, 15)  # 婚氏続称
NUMBERS = ("長", "二", "三", "四", "五", "六", "七", "八", "九", "十")


def marriageable_on(born: date, sex: str) -> date:
    """婚姻適齢: 18, and until the reform 16 for women."""
    grown = years_after(born, 18)
    if sex == MALE:
        return grown
    sixteen = years_after(born, 16)
    return sixteen if sixteen < REFORM_ON else grown


def adult_on(born: date) -> date:
    """成年: 20 until the reform, 18 since; who was between the two became adult on that day."""
    twenty = years_after(born, 20)
    return twenty if twenty < REFORM_ON else max(REFORM_ON, years_after(born, 18))


def relation(order: int, sex: str) -> str:
    """続柄 of the child that is number ``order`` (from 0) of its sex: 長男, 二男, 三女."""
    return NUMBERS[order] + ("男" if sex == MALE else "女")
