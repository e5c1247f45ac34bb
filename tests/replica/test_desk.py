"""What staff enter, on a real database: cards, holds, registrations and incidents, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from records.errors import EntryRefused
from replica import cards, holds, incidents, registrations
from replica.cards import JST, Link
from replica.connections import connect
from replica.desk import Act
from services.postgres import PostgresServer

sys.path.insert(0, str(Path(__file__).resolve().parent))
from desk_town import CODE, DOMICILE, FIRST, HEAD, OTHER_DOMICILE, OTHER_HEAD, SECOND, THIRD, fill, request

ACT = Act("職員　一", "本人の届出")
OTHER_ACT = Act("職員　二", "紛失の連絡")
ISSUED = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 24 November, 00:30 in Japan


@pytest.fixture
def desk(replicas: PostgresServer) -> None:
    """A town of three residents."""
    fill()


def card(serial: str = "A1", person: str = FIRST, **more: object) -> Link:
    """A card that was issued on 24 November 2026."""
    return Link(serial, person, ISSUED, **more)  # type: ignore[arg-type]


@pytest.mark.clause("5(3) card management")
def test_a_card_is_linked_suspended_resumed_and_unlinked_and_the_history_says_who_and_why(desk: None) -> None:
    assert cards.link(CODE, card(), ACT)
    cards.suspend(CODE, "A1", OTHER_ACT)
    cards.resume(CODE, "A1", ACT)
    cards.unlink(CODE, "A1", OTHER_ACT)
    assert [(one.status, one.changed_by, one.change_reason) for one in cards.history(CODE, serial="A1")] == [
        ("active", "職員　一", "本人の届出"),
        ("suspended", "職員　二", "紛失の連絡"),
        ("active", "職員　一", "本人の届出"),
        ("unlinked", "職員　二", "紛失の連絡"),
    ]
    now = cards.cards(CODE, person=FIRST)[0]
    assert (now.status, now.medium, now.changed_by, now.change_reason) == ("unlinked", "card", "職員　二", "紛失の連絡")


@pytest.mark.clause("5(3) card management")
def test_a_person_has_several_certificates_and_each_its_own_state(desk: None) -> None:
    for link in (card("A1"), card("P1", medium="phone"), card("A2"), card("B1", SECOND)):
        cards.link(CODE, link, ACT)
    cards.suspend(CODE, "A1", ACT)
    found = {one.serial: (one.status, one.medium) for one in cards.cards(CODE, person=FIRST)}
    assert found == {"A1": ("suspended", "card"), "P1": ("active", "phone"), "A2": ("active", "card")}
    assert len(cards.cards(CODE)) == 4
    assert {one.serial for one in cards.history(CODE, person=FIRST)} == {"A1", "P1", "A2"}


def test_the_same_link_again_changes_nothing(desk: None) -> None:
    assert cards.link(CODE, card(), ACT)
    assert not cards.link(CODE, card(), OTHER_ACT)
    assert len(cards.history(CODE)) == 1


@pytest.mark.clause("5(3) card management", "2(1)①")
def test_a_renewed_card_takes_the_place_of_the_old_one_at_once_or_not_at_all(desk: None) -> None:
    cards.link(CODE, card("A1"), ACT)
    cards.link(CODE, card("B1", SECOND), ACT)
    cards.link(CODE, card("A2", replaces="A1"), OTHER_ACT)
    there = {one.serial: one.status for one in cards.cards(CODE)}
    assert there == {"A1": "unlinked", "A2": "active", "B1": "active"}
    for replaced in ("A1", "B1", "Z9"):
        with pytest.raises(EntryRefused, match="to be replaced"):
            cards.link(CODE, card("A3", replaces=replaced), ACT)
    assert not cards.link(CODE, card("A2", replaces="A1"), OTHER_ACT)  # said again
    with pytest.raises(EntryRefused, match="by itself"):
        cards.link(CODE, card("A2", replaces="B1"), ACT)
    assert {one.serial: one.status for one in cards.cards(CODE)} == there


REFUSED_LINKS: dict[str, tuple[Callable[[], object], Link]] = {
    "another person": (lambda: None, card("A1", SECOND)),
    "never be linked again": (lambda: cards.unlink(CODE, "A1", ACT), card()),
    "resume it": (lambda: cards.suspend(CODE, "A1", ACT), card()),
    "linked as a card": (lambda: None, card(medium="phone")),
    "no active resident": (lambda: None, card("A2", THIRD)),
    "no active resident with": (lambda: None, card("A2", "000000000009999")),
    "letters and digits": (lambda: None, card("A 2")),
    "may not be used before 2026-11-25 00:00 JST": (
        lambda: None,
        card("A2", usable_from=datetime(2026, 11, 24, 23, 59, 59, tzinfo=JST)),
    ),
}


@pytest.mark.parametrize("why", REFUSED_LINKS)
def test_a_link_that_can_not_be_is_refused_and_changes_nothing(desk: None, why: str) -> None:
    before, link = REFUSED_LINKS[why]
    cards.link(CODE, card(), ACT)
    before()
    there = cards.history(CODE)
    with pytest.raises(EntryRefused, match=why) as caught:
        cards.link(CODE, link, ACT)
    assert FIRST not in str(caught.value)
    assert cards.history(CODE) == there


def test_an_unlinked_serial_is_not_linked_to_another_person_either(desk: None) -> None:
    cards.link(CODE, card(), ACT)
    cards.unlink(CODE, "A1", ACT)
    with pytest.raises(EntryRefused, match="never be linked again"):
        cards.link(CODE, card("A1", SECOND), ACT)


def test_a_card_serves_from_the_day_in_japan_after_its_issue(desk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cards.link(CODE, card(), ACT)
    assert cards.cards(CODE)[0].usable_from == datetime(2026, 11, 25, tzinfo=JST)
    later = datetime(2026, 12, 1, 9, tzinfo=JST)
    assert cards.first_instant(CODE, card(usable_from=later)) == later


def test_a_town_may_let_a_card_serve_at_once(desk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from municipalities.registry import get

    town = get(CODE)
    at_once = replace(town, issuing=replace(town.issuing, card_usable_next_day=False))
    monkeypatch.setattr(cards, "get", lambda code: at_once)
    assert cards.first_instant(CODE, card()) == ISSUED
    with pytest.raises(EntryRefused):
        cards.first_instant(CODE, card(usable_from=ISSUED - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("states", "move"),
    [
        (("suspend",), "suspend"),
        ((), "resume"),
        (("unlink",), "suspend"),
        (("unlink",), "resume"),
        (("unlink",), "unlink"),
    ],
)
def test_a_move_that_is_not_possible_is_refused(desk: None, states: tuple[str, ...], move: str) -> None:
    cards.link(CODE, card(), ACT)
    for one in states:
        getattr(cards, one)(CODE, "A1", ACT)
    there = cards.history(CODE)
    with pytest.raises(EntryRefused, match="this card is"):
        getattr(cards, move)(CODE, "A1", ACT)
    with pytest.raises(EntryRefused, match="no card"):
        getattr(cards, move)(CODE, "Z9", ACT)
    assert cards.history(CODE) == there


@pytest.mark.parametrize(("by", "reason"), [("", "x"), (" 　", "x"), ("x", ""), ("x", "\n"), ("x" * 101, "x")])
def test_nothing_is_entered_without_a_name_and_a_reason(by: str, reason: str) -> None:
    with pytest.raises(EntryRefused):
        Act(by, reason)


@pytest.mark.clause("2(5)①", "5(2)")
def test_holds_on_people_and_registers_are_listed_with_whom_they_concern_and_lifted_with_a_reason(desk: None) -> None:
    person = holds.hold_person(CODE, FIRST, ACT)
    register = holds.hold_register(CODE, DOMICILE, HEAD, OTHER_ACT)
    whole = holds.hold_register(CODE, OTHER_DOMICILE, None, ACT)
    assert [(one.id, one.addressee_number, one.registered_domicile, one.family_register_head) for one in
            holds.holds(CODE)] == [
        (person, FIRST, None, None), (register, None, DOMICILE, HEAD), (whole, None, OTHER_DOMICILE, None),
    ]  # fmt: skip
    holds.lift(CODE, register, Act("職員　三", "戸籍を取り違えて入力したため"))
    assert [one.id for one in holds.holds(CODE)] == [person, whole]
    ended = next(one for one in holds.holds(CODE, lifted=True) if one.id == register)
    assert (ended.placed_by, ended.reason, ended.lifted_by, ended.lift_reason) == (
        "職員　二", "紛失の連絡", "職員　三", "戸籍を取り違えて入力したため",
    )  # fmt: skip
    assert ended.lifted_at is not None
    assert ended.lifted_at > ended.placed_at
    for number in (register, 9999):
        with pytest.raises(EntryRefused, match="no hold"):
            holds.lift(CODE, number, ACT)


@pytest.mark.parametrize(
    ("domicile", "head"), [(DOMICILE + " ", OTHER_HEAD), (DOMICILE, OTHER_HEAD), ("東みよし町昼間3673番地1", None)]
)
def test_a_register_that_nobody_here_has_is_a_slip_of_the_pen_unless_it_is_said(
    desk: None, domicile: str, head: str | None
) -> None:
    with pytest.raises(EntryRefused, match="exactly this"):
        holds.hold_register(CODE, domicile, head, ACT)
    assert holds.holds(CODE) == []
    holds.hold_register(CODE, domicile, head, ACT, unknown=True)
    assert len(holds.holds(CODE)) == 1


def test_a_register_is_taken_from_a_residents_record_as_it_is_written(desk: None) -> None:
    assert holds.register_of(CODE, FIRST) == (DOMICILE, HEAD)
    with pytest.raises(EntryRefused):
        holds.register_of(CODE, "000000000009999")
    with pytest.raises(EntryRefused, match="digits"):
        holds.hold_person(CODE, "１０１", ACT)


def apply(request_id: str = "registration-1", serial: str = "N1") -> int:
    """An application as a citizen makes it; its number."""
    with connect(CODE, "issuer") as issuer:
        row = issuer.execute(
            "insert into staff.registration (request_id, content_sha256, card_serial, medium, name, birth_on, address,"
            " registered_domicile, family_register_head, channel, state)"
            " values (%s, 'h', %s, 'card', '見本　三郎', %s, '大阪府大阪市北区', %s, %s, 'web', 'applied')"
            " returning id",
            (request_id, serial, date(1980, 1, 2), DOMICILE, HEAD),
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.clause("2(1)②")
def test_a_registration_is_approved_by_a_named_person_usable_days_later_and_stopped_separately(desk: None) -> None:
    number, other = apply(), apply("registration-2", "N2")
    usable_from = registrations.approve(CODE, number, "職員　一")
    approved = registrations.registration(CODE, number)
    assert approved.decided_at is not None
    assert abs(usable_from - approved.decided_at - timedelta(days=5)) < timedelta(seconds=1)
    assert (approved.state, approved.decided_by, approved.usable_from) == ("approved", "職員　一", usable_from)
    assert registrations.registration(CODE, other).state == "applied"
    registrations.stop(CODE, number, Act("職員　二", "本人の申出"))
    stopped = registrations.registration(CODE, number)
    assert (stopped.state, stopped.stopped_by, stopped.stop_reason) == ("stopped", "職員　二", "本人の申出")
    registrations.reject(CODE, other, Act("職員　二", "戸籍の記載と異なる"))
    rejected = registrations.registrations(CODE, "rejected")
    assert [(one.id, one.decided_by, one.reason) for one in rejected] == [(other, "職員　二", "戸籍の記載と異なる")]


def test_a_registration_moves_one_way(desk: None) -> None:
    number = apply()
    with pytest.raises(EntryRefused, match="is applied"):
        registrations.stop(CODE, number, ACT)
    with pytest.raises(EntryRefused, match="by must"):
        registrations.approve(CODE, number, " ")
    registrations.reject(CODE, number, ACT)
    for act in (
        lambda: registrations.approve(CODE, number, "職員"),
        lambda: registrations.reject(CODE, number, ACT),
        lambda: registrations.stop(CODE, number, ACT),
    ):
        with pytest.raises(EntryRefused, match="is rejected"):
            act()
    with pytest.raises(EntryRefused, match="no registration"):
        registrations.approve(CODE, 9999, "職員")
    assert apply("registration-3") > number  # after a rejection the person may apply again


def report(kind: str = "print_error") -> int:
    """An incident as issuing notes it; its number."""
    with connect(CODE, "issuer") as issuer:
        row = issuer.execute(
            "insert into issuance.incident (request_id, kind, code) values ('request-0001', %s, 'E-100') returning id",
            (kind,),
        ).fetchone()
    assert row is not None
    return int(row[0])


FINDING = "用紙切れ。補充後に再印刷OK"


def test_an_incident_is_closed_with_cause_finding_and_name_and_stays_on_record(desk: None) -> None:
    request()
    number = report()
    with connect(CODE, "issuer") as issuer:  # the centre says that it was printed after all
        issuer.execute("update issuance.incident set reprinted_at = now()")
    assert [one.id for one in incidents.incidents(CODE)] == [number]
    incidents.note(CODE, number, "店舗に電話で確認", "職員　一")
    incidents.close(CODE, number, cause="paper", finding=f" {FINDING} ", by="職員　二")
    assert incidents.incidents(CODE) == []
    closed = incidents.incidents(CODE, closed=True)[0]
    assert (closed.cause, closed.finding, closed.closed_by, closed.code) == ("paper", FINDING, "職員　二", "E-100")
    assert [(one.noted_by, one.note) for one in incidents.notes(CODE, number)] == [("職員　一", "店舗に電話で確認")]
    with pytest.raises(EntryRefused, match="is closed"):
        incidents.close(CODE, number, cause="paper", finding=FINDING, by="職員　二")
    with pytest.raises(EntryRefused, match="no incident"):
        incidents.close(CODE, 9999, cause="paper", finding=FINDING, by="職員　二")
    with pytest.raises(EntryRefused, match="no incident"):
        incidents.note(CODE, 9999, "x", "職員")
    with pytest.raises(EntryRefused, match="one of"):
        incidents.close(CODE, number, cause="別", finding=FINDING, by="職員　二")


@pytest.mark.parametrize(
    "finding",
    [
        "再印刷OK",
        "再印刷ＯＫ、問題ありません。",
        "再印刷 ＯＫ 　のため終了しました",
        "Reprinted, and it was OK.",
        "原因不明ですが、再度印刷できました。",
        "ああああああああああああ",
        "----------------",
        "対応済み・確認済み・解決済み・完了",
        "用紙切れ",
        "",
    ],
)
def test_that_it_was_printed_again_is_no_finding(finding: str) -> None:
    with pytest.raises(EntryRefused, match="finding"):
        incidents.sufficient(finding)


@pytest.mark.parametrize(
    "finding",
    [
        FINDING,
        "店舗の通信回線が切断されていた",
        "Paper tray was empty; refilled, printed again.",
        "プリンターのトナー切れ。交換して再印刷できました。",
    ],
)
def test_a_finding_that_says_what_was_wrong_is_taken(finding: str) -> None:
    assert incidents.sufficient(finding) == finding
