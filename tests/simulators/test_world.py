"""A fictional town is what a register of a rural town can be: households, days, codes, sums and seals all hold together."""

from __future__ import annotations

import io
from collections import Counter
from datetime import date

import pytest
from PIL import Image

from extractors import imprint
from municipalities.registry import get
from records.batch import FEEDS
from records.check_digits import individual_number_check_digit, resident_record_code_check_digit
from records.code_lists import code_list, relationship_text, split_codes
from records.dictionary import columns, items
from records.wareki import parse
from simulators.world import samples, tax_rules, town
from simulators.world.rows import Row
from simulators.world.town import Town, years


def households(a_town: Town) -> list[list[Row]]:
    return [a_town.members(number) for number in {row["household_number"] for row in a_town.active()}]


def test_the_same_seed_gives_the_same_town_and_another_seed_another() -> None:
    one, two, three = (town.build(get("364894"), seed, 60) for seed in (5, 5, 6))
    assert one.records == two.records
    assert one.records != three.records


def test_a_town_has_as_many_active_residents_as_asked_for(a_town: Town) -> None:
    assert len(a_town.active()) == 700
    assert len(a_town.records["resident"]) > 700, "some have died or moved out and are still in the register"


def test_every_household_has_one_householder_whom_all_members_name(a_town: Town) -> None:
    for members in households(a_town):
        heads = [row for row in members if row["relationship_codes"] == "02"]
        assert len(heads) == 1
        assert {row["householder_name"] for row in members} == {heads[0]["name"]}
        assert len({row["address_lot_number"] for row in members}) == 1


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_have_the_columns_lengths_and_codes_of_the_dictionary(a_town: Town, feed: str) -> None:
    for row in a_town.records[feed].values():
        assert tuple(row) == columns(feed)
        for item in items(feed):
            value = row[item.key]
            assert value != ""
            assert value is not None or not item.mandatory or row[item.columns[-1]], item.key
            if item.type.startswith("code:") and value is not None:
                assert value in code_list(str(item.code_list))
            if item.type in ("text", "kana", "digits", "alnum", "image") and value is not None:
                assert len(value) <= item.length


def test_relationships_are_joined_codes_with_their_wording(a_town: Town) -> None:
    known = code_list("relationship")
    for row in a_town.records["resident"].values():
        assert all(code in known for code in split_codes(row["relationship_codes"]))
        assert row["relationship_text"] == relationship_text(row["relationship_codes"])


def test_days_follow_each_other_as_in_a_life(a_town: Town) -> None:
    for row in a_town.records["resident"].values():
        days = [row["birth_on"] or date(1900, 1, 1), row["became_resident_on"], row["address_settled_on"]]
        assert days == sorted(days)
        assert row["address_settled_on"] <= a_town.today
        assert row["filed_on"] >= row["changed_on"] or row["filed_on_certainty"] != "0"


def test_every_date_wording_is_one_that_the_register_writes(a_town: Town) -> None:
    for row in a_town.records["resident"].values():
        for item in items("resident"):
            if item.type == "date" and row[item.text_column] is not None:
                parse(row[item.text_column])
                assert (row[item.key] is not None) == (row[item.certainty_column] == "0")


def test_people_have_the_ages_of_a_rural_town() -> None:
    residents = town.build(get("364894"), 9, 3_000, belongings=False).active()
    ages = [years(row, town.TODAY) for row in residents]
    foreign = sum(row["resident_kind"] == "2" for row in residents) / len(residents)
    assert 0.33 <= sum(age >= 65 for age in ages) / len(ages) <= 0.45
    assert 0.07 <= sum(age < 15 for age in ages) / len(ages) <= 0.15
    assert 0.02 <= foreign <= 0.04
    assert any(row["former_surname"] for row in residents)
    assert any(row["katagaki"] for row in residents)
    assert len({row["relationship_codes"] for row in residents}) >= 10


def test_rare_characters_stand_in_three_to_five_of_a_hundred_households() -> None:
    fiction = town.build(get("364894"), 9, 6_000, belongings=False)
    targets = fiction.format.spell.targets
    surnames = [members[0]["name"].split("　")[0] for members in households(fiction)]
    share = sum(any(target in name for target in targets) for name in surnames) / len(surnames)
    assert 0.03 <= share <= 0.055


def test_numbers_have_their_check_digits_and_are_nobody_elses(a_town: Town) -> None:
    residents = a_town.records["resident"].values()
    for row in residents:
        number, code = row["individual_number"], row["resident_record_code"]
        assert individual_number_check_digit(number[:-1]) == number[-1]
        assert resident_record_code_check_digit(code[:-1]) == code[-1]
    assert len({row["individual_number"] for row in residents}) == len(residents)


def test_foreign_residents_have_western_dates_and_no_family_register(a_town: Town) -> None:
    foreign = [row for row in a_town.active() if row["resident_kind"] == "2"]
    assert foreign
    for row in foreign:
        assert row["birth_text"].startswith(str(row["birth_on"].year))
        assert (row["registered_domicile"], row["family_register_head"]) == (None, None)
        assert row["nationality"]
        assert row["residence_card_number"]
        assert row["residence_period_ends_on"] is None or row["residence_period_ends_on"] > a_town.today
    assert all(row["registered_domicile"] for row in a_town.active() if row["resident_kind"] == "1")


def test_seals_are_true_size_pictures_that_no_two_people_share(a_town: Town) -> None:
    registered = list(a_town.records["seal"].values())
    pictures = [row["impression"] for row in registered]
    assert len(set(pictures)) == len(pictures)
    for picture in pictures[:80]:
        imprint.check(picture)
        with Image.open(io.BytesIO(picture)) as opened:
            millimetres = opened.width / 600 * 25.4
            black = 1 - sum(opened.convert("L").histogram()[128:]) / (opened.width * opened.height)
        assert 11.9 <= millimetres <= 18.1
        assert 0.08 <= black <= 0.5
    adults = [row for row in a_town.active() if years(row, a_town.today) >= 18]
    in_force = sum(row["seal_status"] == "1" for row in registered)
    assert 0.5 <= in_force / len(adults) <= 0.68
    assert all((row["seal_status"] == "1") == (row["cancelled_on"] is None) for row in registered)


def test_the_taxes_are_sums_of_what_they_are_made_of(a_town: Town) -> None:
    filed = [row for row in a_town.records["tax"].values() if row["filing_kind"] == "1"]
    for row in filed:
        incomes = ("salary_income", "miscellaneous_income", "business_income", "farm_income", "real_estate_income")
        deductions = [item.key for item in items("tax") if item.key.endswith("_deduction")]
        taxes = [
            item.key for item in items("tax") if item.key.endswith("_levy") or item.key == "forest_environment_tax"
        ]
        assert row["total_income"] == sum(row[key] or 0 for key in incomes)
        assert row["deductions_total"] == sum(row[key] or 0 for key in deductions)
        assert row["taxable_income"] == max(0, row["total_income"] - row["deductions_total"]) // 1000 * 1000
        assert row["annual_tax"] == sum(row[key] for key in taxes)
        assert row["municipal_income_levy"] in (0, row["taxable_income"] * 6 // 10_000 * 100)
        assert row["prefectural_income_levy"] in (0, row["taxable_income"] * 4 // 10_000 * 100)
        per_capita = (
            row["municipal_per_capita_levy"],
            row["prefectural_per_capita_levy"],
            row["forest_environment_tax"],
        )
        assert per_capita in ((3_000, 1_000, 1_000), (0, 0, 0))
    kinds = Counter(row["filing_kind"] for row in a_town.records["tax"].values())
    exempt = sum(row["annual_tax"] == 0 for row in filed) / len(filed)
    assert kinds["3"] > kinds["2"] > 0
    assert 0.1 < exempt < 0.45


def test_dependants_are_people_of_the_household_with_little_income(a_town: Town) -> None:
    number = ["general_dependants", "specific_dependants", "elderly_dependants", "dependants_under_16"]
    taxes = {key[0]: row for key, row in a_town.records["tax"].items()}
    for members in households(a_town):
        rows = [taxes[one["addressee_number"]] for one in members if one["addressee_number"] in taxes]
        counted = sum(row[name] or 0 for row in rows for name in number)
        little = [row for row in rows if (row["total_income"] or 0) <= tax_rules.DEPENDANT_LIMIT]
        children = [one for one in members if one["addressee_number"] not in taxes]
        assert counted <= len(little) + len(children)
        assert sum(row["filing_kind"] == "3" for row in rows) <= len(rows) - 1 if rows else True


@pytest.mark.parametrize(
    ("receipts", "income"),
    [
        (0, 0),
        (650_000, 0),
        (1_900_000, 1_250_000),
        (3_000_000, 2_020_000),
        (5_000_000, 3_560_000),
        (9_000_000, 7_050_000),
    ],
)
def test_salary_income_by_the_table_of_the_law(receipts: int, income: int) -> None:
    assert tax_rules.salary_income(receipts) == income


def test_who_is_exempt() -> None:
    assert tax_rules.levies(380_000, 430_000, 1)["annual_tax"] == 0
    assert tax_rules.levies(450_000, 430_000, 1)["annual_tax"] == 5_000
    assert tax_rules.levies(2_000_000, 1_000_000, 1)["annual_tax"] == 60_000 + 40_000 + 5_000
    assert tax_rules.levies(1_350_000, 730_000, 2, protected=True)["annual_tax"] == 0


def test_the_samples_are_people_to_whom_a_certificate_may_be_issued(a_town: Town) -> None:
    found = samples.samples(a_town)
    assert {kind for one in found for kind in one.kinds} == {
        "resident_record_certificate",
        "record_item_certificate",
        "seal_registration_certificate",
        "income_taxation_certificate",
        "family_register_all_certificate",
        "family_register_individual_certificate",
        "family_register_address_certificate",
    }
    assert len({one.card for one in found}) == len(found)
    reasons = {one.why for one in found}
    assert {"外国人住民", "旧氏併記", "印鑑登録", "課税", "非課税"} <= reasons
