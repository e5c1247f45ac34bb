"""The soak's observer finds what it is there for: pages of others, old versions, other imprints, serials of other issues."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime

import pikepdf
import pytest

from benchmarks.soak.observer import Versions, Wish, judge, look
from benchmarks.soak.town import Household, Person, SoakTown
from issuance_api.compiling import Compiler
from issuance_api.forms import Issue, Subject, page_data
from issuance_api.model import KOSEKI_KINDS, Application, Kind, OptionalItem
from issuance_api.rendering import form_of
from issuance_api.service_hours import JST
from records.records import IncomeTax, Resident, SealRegistration
from simulators.koseki.drawing import Wanted
from simulators.koseki.drawing import draw as drawn_extract
from simulators.koseki.registers import registers
from simulators.world.town import TAX_YEAR

SERIAL = "2026112400000001"
EVERYTHING = frozenset({OptionalItem.RELATIONSHIP, OptionalItem.REGISTERED_DOMICILE, OptionalItem.INDIVIDUAL_NUMBER})
Draw = Callable[..., bytes]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> SoakTown:
    """A small town with marks."""
    return SoakTown(tmp_path_factory.mktemp("soak"), 400)


@pytest.fixture(scope="module")
def draw(town: SoakTown) -> Draw:
    """Draws a wish as the product does, from the register as it is now."""
    compiler = Compiler()

    def drawn(wish: Wish, serial: str = SERIAL) -> bytes:
        application = Application(
            request_id="soak-0001",
            kind=wish.kind,
            card_serial="CARD",
            items=wish.items,
            fiscal_year=TAX_YEAR if wish.kind is Kind.INCOME_TAXATION else None,
        )
        issue = Issue("soak-0001", serial, datetime(2026, 11, 24, 10, tzinfo=JST))
        page = page_data(town.municipality, application, subject(town, wish), issue)
        return compiler.compile(form_of(town.municipality, wish.kind), page.json())

    return drawn


def subject(town: SoakTown, wish: Wish) -> Subject:
    """The records of a wish as they are now."""
    records, number = town.vendor.town.records, wish.applicant.addressee_number
    person = Resident.from_row(records["resident"][number,])
    printed = tuple(Resident.from_row(records["resident"][one.addressee_number,]) for one in wish.printed)
    seal, tax = records["seal"].get((number,)), records["tax"].get((number, TAX_YEAR))
    return Subject(
        person,
        printed,
        not wish.chosen,
        SealRegistration.from_row(seal) if seal else None,
        IncomeTax.from_row(tax) if tax else None,
    )


def extract(town: SoakTown, person: Person, kind: Kind, *, shown: Person | None = None) -> bytes:
    """As the 戸籍 system draws it; ``shown``: the entry of somebody else of that 戸籍 stands there."""
    head = town.name(town.households[person.household].head, 0)
    register = registers(town.municipality, town.vendor.town.active())[town.households[person.household].domicile, head]
    name = town.name(person, 0)
    wanted = Wanted(kind.value, "a" * 32, SERIAL, date(2026, 11, 24), name, person.birth_text, domicile_shown=False)
    other = register.member(town.name(shown, 0), shown.birth_text) if shown else None
    return drawn_extract(town.municipality, register, wanted, (other,) if other else None)


def couple(town: SoakTown, number: int = 0) -> tuple[Person, Person]:
    """Two of one 戸籍, who both have cards."""
    homes = [one for one in town.households if not one.renames and sum(bool(each.card) for each in one.people) > 1]
    first, second, *_ = (one for one in homes[number].people if one.card)
    return first, second


def household(town: SoakTown, number: int = 0) -> Household:
    """One of the households that fill two sheets and whose names change."""
    return [one for one in town.households if len(one.people) > 4 and one.renames][number]


def whole(town: SoakTown, number: int = 0) -> Wish:
    """世帯全員 with everything."""
    one = household(town, number)
    return Wish(Kind.RESIDENT_RECORD, one.head, one.people, EVERYTHING)


def sealed(town: SoakTown, number: int = 0) -> Person:
    """Somebody with a seal and a tax record."""
    return [one for one in town.people if one.seal and one.tax][number]


def single(town: SoakTown, kind: Kind, number: int = 0) -> Wish:
    """A certificate of one person."""
    person = sealed(town, number)
    return Wish(kind, person, (person,))


def findings(town: SoakTown, wish: Wish, pdf: bytes, versions: Versions | None = None) -> list[str]:
    """The observer's findings."""
    return judge(town, wish, versions or Versions(0), SERIAL, look(pdf))


def with_pages(pdf: bytes, *pages: tuple[bytes, int]) -> bytes:
    """A file whose pages are those of other files; ``pdf`` gives the rest."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        del document.pages[:]
        for source, number in pages:
            with pikepdf.open(io.BytesIO(source)) as other:
                document.pages.append(other.pages[number])
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


@pytest.mark.parametrize("kind", [Kind.RESIDENT_RECORD, Kind.RECORD_ITEM, Kind.SEAL_REGISTRATION, Kind.INCOME_TAXATION])
def test_a_right_certificate_is_right(town: SoakTown, draw: Draw, kind: Kind) -> None:
    wish = whole(town) if kind is Kind.RESIDENT_RECORD else single(town, kind)
    assert findings(town, wish, draw(wish)) == []


def test_another_persons_certificate_is_found(town: SoakTown, draw: Draw) -> None:
    for kind in (Kind.RECORD_ITEM, Kind.SEAL_REGISTRATION, Kind.INCOME_TAXATION):
        found = findings(town, single(town, kind), draw(single(town, kind, 1)))
        assert {"somebody else's page", "somebody is missing"} <= set(found)


def test_a_page_of_another_household_is_found(town: SoakTown, draw: Draw) -> None:
    """Published: page 2 of 3 was somebody else's."""
    own, other = draw(whole(town)), draw(whole(town, 1))
    assert "somebody else's page" in findings(town, whole(town), with_pages(own, (own, 0), (other, 1)))


def test_pages_in_another_order_or_missing_are_found(town: SoakTown, draw: Draw) -> None:
    own = draw(whole(town))
    assert findings(town, whole(town), with_pages(own, (own, 1), (own, 0))) != []
    assert findings(town, whole(town), with_pages(own, (own, 0))) == ["number of pages"]


@pytest.mark.parametrize("kind", sorted(KOSEKI_KINDS))
def test_a_right_extract_is_right_and_another_registers_is_found(town: SoakTown, kind: Kind) -> None:
    one, stranger = couple(town)[0], couple(town, 1)[0]
    wish = Wish(kind, one, (one,))
    assert findings(town, wish, extract(town, one, kind)) == []
    assert "somebody else's page" in findings(town, wish, extract(town, stranger, kind))


def test_an_entry_of_somebody_else_of_the_same_register_is_found(town: SoakTown) -> None:
    """A spouse may be named in one's own entry, and has none on the page."""
    one, spouse = couple(town)
    wish = Wish(Kind.FAMILY_REGISTER_INDIVIDUAL, one, (one,))
    theirs = findings(town, wish, extract(town, spouse, Kind.FAMILY_REGISTER_INDIVIDUAL))
    assert {"another target", "somebody else's page", "somebody is missing"} <= set(theirs)
    swapped = findings(town, wish, extract(town, one, Kind.FAMILY_REGISTER_INDIVIDUAL, shown=spouse))
    assert {"somebody else's page", "somebody is missing"} <= set(swapped)
    short = findings(
        town, Wish(Kind.FAMILY_REGISTER_ALL, one, (one,)), extract(town, one, Kind.FAMILY_REGISTER_ALL, shown=one)
    )
    assert "somebody is missing" in short


def test_a_member_who_was_not_asked_for_is_found(town: SoakTown, draw: Draw) -> None:
    everybody = whole(town)
    some = Wish(everybody.kind, everybody.applicant, everybody.printed[:3], EVERYTHING, chosen=True)
    assert "number of pages" in findings(town, some, draw(everybody))
    two = Wish(everybody.kind, everybody.applicant, everybody.printed[:2], EVERYTHING, chosen=True)
    assert "somebody else's page" in findings(town, two, draw(some))


def test_another_kind_and_items_that_were_not_asked_for_are_found(town: SoakTown, draw: Draw) -> None:
    wish = whole(town)
    items = Wish(Kind.RECORD_ITEM, wish.applicant, wish.printed, EVERYTHING)
    assert "another kind of certificate" in findings(town, wish, draw(items))
    bare = Wish(wish.kind, wish.applicant, wish.printed)
    assert {"another domicile", "another individual number"} <= set(findings(town, bare, draw(wish)))


def test_the_serial_of_another_issue_is_found(town: SoakTown, draw: Draw) -> None:
    wish = whole(town)
    assert findings(town, wish, draw(wish, "2026112400000002")) == ["serial of another issue"]


def test_an_old_version_is_found(town: SoakTown, draw: Draw) -> None:
    """Printed before a load that was committed before it was sent; and the same page is right where nothing was loaded."""
    wish, before = whole(town, 2), draw(whole(town, 2))
    number = wish.applicant.household
    town.change_household(number, 1)
    try:
        after = draw(wish)
        assert findings(town, wish, after, Versions(1)) == []
        assert findings(town, wish, before, Versions(1)) == ["stale"]
        assert findings(town, wish, after, Versions(0)) == ["stale"]
    finally:
        town.change_household(number, 0)


def test_an_old_imprint_and_an_old_tax_record_are_found(town: SoakTown, draw: Draw) -> None:
    seal, tax = single(town, Kind.SEAL_REGISTRATION, 2), single(town, Kind.INCOME_TAXATION, 2)
    assert findings(town, seal, draw(seal), Versions(0, seal=1)) == ["another imprint"]
    assert findings(town, tax, draw(tax), Versions(0, tax=1)) == ["stale"]


def test_an_imprint_of_somebody_else_beside_the_right_texts_is_found(town: SoakTown, draw: Draw) -> None:
    wish, other = single(town, Kind.SEAL_REGISTRATION), single(town, Kind.SEAL_REGISTRATION, 1)
    records = town.vendor.town.records["seal"]
    own = records[wish.applicant.addressee_number,]
    stranger = records[other.applicant.addressee_number,]
    town.vendor.town.put("seal", {**own, "impression": stranger["impression"]})
    try:
        assert findings(town, wish, draw(wish)) == ["another imprint"]
    finally:
        town.vendor.town.put("seal", own)
