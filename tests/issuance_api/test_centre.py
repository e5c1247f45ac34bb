"""The wide-area adapter from end to end: the simulated centre over mutual TLS, nodes, a real register, real pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fictional_people import CHILD, FATHER, MOTHER
from issuing_town import CARD, NOW, fill, states, text_of
from wide_area_site import RECORD, Town, application, town

from simulators.centre.answers import Refused
from simulators.centre.client import Centre

WHOLE_LIFE = ["accepted", "eligible", "rendered", "checked", "sent", "printed"]
KINDS = {
    RECORD: {"items": ("relationship", "registered_domicile", "individual_number")},
    "record_item_certificate": {"items": ("relationship",)},
    "seal_registration_certificate": {},
    "income_taxation_certificate": {"fiscal_year": 2026},
}


@pytest.fixture(scope="module")
def site(issuing_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("centre"), nodes=2) as one:
        yield one


@pytest.fixture
def line(site: Town) -> Iterator[Centre]:
    """A line to the first node of a freshly filled town."""
    fill(NOW)
    with site.centre() as centre:
        yield centre


@pytest.mark.clause("1(2)", "2(2)①", "4")
@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_each_kind_goes_its_whole_way(line: Centre, kind: str) -> None:
    issued = line.apply(application(kind=kind, **KINDS[kind]))
    assert "辰之助" in text_of(issued.pdf)
    assert line.report("request-0001", "printed")["State"] == "printed"
    result = line.result("request-0001")
    assert (result["Serial"], result["Sha256"], result["Pages"]) == (issued.serial, issued.sha256, str(issued.pages))
    assert states("request-0001") == WHOLE_LIFE


@pytest.mark.clause("2(2)①")
def test_the_centre_learns_what_can_be_had(line: Centre) -> None:
    assert line.alive()
    answer = line.capabilities(CARD)
    assert {one["Available"] for one in answer["Offer"]} == {"true"}
    people = [FATHER, MOTHER, CHILD]
    assert answer["Member"] == [{"AddresseeNumber": one.addressee_number, "Name": one.name} for one in people]
    nobody = line.capabilities("NOBODY")
    assert {one["Code"] for one in nobody["Offer"]} == {"card_not_linked"}
    assert "Member" not in nobody


@pytest.mark.clause("2(2)①")
def test_a_refusal_is_an_answer_with_code_and_text(line: Centre) -> None:
    with pytest.raises(Refused) as refusal:
        line.apply(application(card="NOBODY"))
    assert refusal.value.code == "card_not_linked"
    assert "カード" in refusal.value.text
    assert line.result("request-0001")["EndCode"] == "card_not_linked"
