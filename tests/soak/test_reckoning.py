"""The soak's reckoning finds what it is there for: one clean request has no findings, and each thing gone wrong has one."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.soak.asking import Answer
from benchmarks.soak.ledger import Attempt, Entry
from benchmarks.soak.observer import PageSight, Sight, Wish
from benchmarks.soak.reckoning import Kills, Reckoning, Records, Verdict
from benchmarks.soak.site import Down
from benchmarks.soak.timeline import Timeline
from benchmarks.soak.town import SoakTown, person_mark, version_mark
from issuance_api.model import Kind

SERIAL, OTHER = "2026112400000001", "2026112400000002"
FINISHED = datetime.fromtimestamp(15.0, UTC)
SHA, OTHER_SHA = "a" * 64, "b" * 64
OK_LINE = json.dumps({"level": "info", "message": "apply 364894 ok", "operation": "apply", "outcome": "ok"})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> SoakTown:
    """A small town with marks."""
    return SoakTown(tmp_path_factory.mktemp("soak"), 60)


@dataclass
class Case:
    """One request that was asked for at 10 and sent at 11, as everybody saw it; tests change what they like."""

    town: SoakTown
    entry: Entry
    row: dict[str, Any] | None
    chain: list[str]
    events: list[tuple[str, str, dict[str, Any], float]]
    lines: list[str] = field(default_factory=lambda: [OK_LINE, OK_LINE, "issuance_api listens on http://127.0.0.1:1"])
    more_rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    incidents: dict[str, set[str]] = field(default_factory=dict)
    more_entries: list[Entry] = field(default_factory=list)
    loaded: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)
    kills: Kills = field(default_factory=lambda: Kills([], []))

    def verdict(self) -> Verdict:
        """The reckoning of the case."""
        entries = [self.entry, *self.more_entries]
        wishes = {one.request_id: one.wish for one in entries}
        rows = self.more_rows | ({self.entry.request_id: self.row} if self.row else {})
        kept = Records(rows, {self.entry.request_id: self.chain}, self.lines, self.incidents)
        timeline = Timeline(self.town, sorted(self.events, key=lambda one: one[3]), self.loaded, wishes)
        return Reckoning(self.town, timeline, kept, self.kills).run(entries)

    def answered(self, answer: Answer, at: float = 10.0, node: int = 0) -> None:
        """One more answer to the application."""
        self.entry.attempts.append(Attempt("apply", "", node, at, at + 0.5, answer))


def issued(serial: str = SERIAL, sha256: str = SHA, sight: Sight | None = None) -> Attempt:
    """An answer with a certificate, asked for at 10."""
    seen: Future[Sight] = Future()
    if sight is not None:
        seen.set_result(sight)
    return Attempt("apply", "", 0, 10.0, 11.5, Answer("certificate", None, None, serial, sha256, 1), seen)


def page(town: SoakTown, serial: str = SERIAL, version: int = 0, person: int = 0) -> Sight:
    """What the observer saw of a tax certificate."""
    mark = version if town.households[town.people[person].household].renames else 0
    seen = PageSight(
        title="令和8年度所得課税証明書",
        names=frozenset({(person, mark)}),
        buildings=frozenset(),
        januaries=frozenset({(person, version)}),
        domiciles=frozenset(),
        numbers=(),
        serials=frozenset({serial}),
        strays=0,
        pictures=(),
    )
    return Sight(SHA, (seen,))


@pytest.fixture
def case(town: SoakTown) -> Case:
    """A clean one."""
    person = town.people[0]
    entry = Entry("soak-1", Wish(Kind.INCOME_TAXATION, person, (person,)), "plain")
    entry.attempts.append(issued(sight=page(town)))
    row = {
        "request_id": "soak-1",
        "state": "sent",
        "result_code": None,
        "kind": Kind.INCOME_TAXATION.value,
        "card_serial": person.card,
        "pdf_sha256": SHA,
        "serial": SERIAL,
    }
    return Case(
        town, entry, row, ["accepted", "eligible", "rendered", "checked", "sent"], [("sent", "soak-1", {}, 11.0)]
    )


def held(case: Case, since: float, until: float | None) -> None:
    """A hold on the applicant."""
    target = {"addressee_number": case.entry.wish.applicant.addressee_number, "registered_domicile": None}
    target["family_register_head"] = None
    number = str(since)
    case.events.append(("hold", number, target | {"lifted_at": None}, since))
    if until is not None:
        case.events.append(("hold", number, target | {"lifted_at": "x"}, until))


def test_a_clean_request_has_no_findings(case: Case) -> None:
    held(case, 1.0, 2.0)
    verdict = case.verdict()
    assert (verdict.read, verdict.certificates) == (1, 1)
    assert findings(verdict) == {}


def findings(verdict: Verdict) -> dict[str, list[str]]:
    """Reasons by sort, where there are any."""
    sorts = ("wrong", "against", "lost", "doubled", "unexplained", "leaked")
    return {sort: [reason for _, reason in getattr(verdict, sort)] for sort in sorts if getattr(verdict, sort)}


def no_row(case: Case) -> None:
    case.row = None


def sent_twice(case: Case) -> None:
    case.chain.append("sent")


def left_out_a_state(case: Case) -> None:
    case.chain.remove("checked")


def unfinished(case: Case) -> None:
    assert case.row
    case.row["state"] = "eligible"
    case.chain[2:] = []


def failed_after_it_was_handed_over(case: Case) -> None:
    assert case.row
    case.row |= {"state": "failed", "result_code": "cancelled", "finished_at": FINISHED}
    case.chain[:] = ["accepted", "failed"]


def printed_and_nobody_said_so(case: Case) -> None:
    assert case.row
    case.row["state"] = "printed"
    case.chain.append("printed")


def a_retry_with_other_bytes(case: Case) -> None:
    case.events.append(("sent", "soak-1", {}, 11.2))
    case.entry.attempts.append(issued(sha256=OTHER_SHA, sight=page(case.town)))


def handed_over_more_often_than_sent(case: Case) -> None:
    case.entry.attempts.append(issued(sight=page(case.town)))


def a_serial_of_two_requests(case: Case) -> None:
    assert case.row
    other = Entry("soak-2", case.entry.wish, "plain", attempts=[issued(sight=page(case.town))])
    case.more_entries.append(other)
    case.more_rows["soak-2"] = case.row | {"request_id": "soak-2"}


def a_row_that_nobody_asked_for(case: Case) -> None:
    assert case.row
    case.more_rows["soak-9"] = case.row | {"serial": OTHER, "pdf_sha256": OTHER_SHA}


def another_persons_page(case: Case) -> None:
    case.entry.attempts[:] = [issued(sight=page(case.town, person=1))]


def an_old_page(case: Case) -> None:
    case.loaded["tax", 2] = {0: 1}
    case.events.append(("load", "tax", {"last_applied": 2}, 10.5))


def another_serial_on_the_page(case: Case) -> None:
    case.entry.attempts[:] = [issued(sight=page(case.town, serial=OTHER))]


def a_hold_was_in_force(case: Case) -> None:
    held(case, 10.9, 12.0)


def the_card_was_suspended(case: Case) -> None:
    case.events.append(("card", str(case.entry.wish.applicant.card), {"status": "suspended"}, 10.9))


def held_without_a_hold(case: Case) -> None:
    case.answered(Answer("problem", "held"))


def an_error_of_ours(case: Case) -> None:
    case.answered(Answer("problem", "internal"))


def another_state_than_the_row_has(case: Case) -> None:
    case.entry.attempts.append(Attempt("result", "final", None, 12.0, 12.1, Answer("result", state="printed")))


def a_print_error_without_an_incident(case: Case) -> None:
    case.entry.attempts.append(Attempt("report", "print_error", None, 12.0, 12.1, Answer("result", state="sent")))


def an_incident_that_nobody_reported(case: Case) -> None:
    case.incidents["soak-1"] = {"check_failed"}


def a_connection_lost_without_a_kill(case: Case) -> None:
    case.answered(Answer("broken"))


def an_id_served_for_somebody_else(case: Case) -> None:
    case.entry.attempts.append(Attempt("conflict", "", None, 12.0, 12.1, Answer("certificate")))


def an_error_in_the_log(case: Case) -> None:
    case.lines.append(json.dumps({"level": "error", "message": "unexpected KeyError"}))


def an_alarm_of_volume_without_the_volume(case: Case) -> None:
    message = "municipality 364894: more is asked than its kiosks ever do"
    case.lines.append(json.dumps({"level": "error", "message": message}))


def no_line_in_the_log(case: Case) -> None:
    case.lines.clear()


def a_name_in_the_log(case: Case) -> None:
    case.lines.append(json.dumps({"level": "info", "message": person_mark(0) + version_mark(0)}, ensure_ascii=False))


def a_number_in_the_log(case: Case) -> None:
    number = case.entry.wish.applicant.addressee_number
    case.lines.append(json.dumps({"level": "info", "message": f"row {number}"}))


@pytest.mark.parametrize(
    ("spoil", "sort"),
    [
        (no_row, "lost"),
        (a_print_error_without_an_incident, "lost"),
        (handed_over_more_often_than_sent, "lost"),
        (sent_twice, "doubled"),
        (a_retry_with_other_bytes, "doubled"),
        (a_serial_of_two_requests, "doubled"),
        (a_row_that_nobody_asked_for, "doubled"),
        (another_persons_page, "wrong"),
        (an_old_page, "wrong"),
        (another_serial_on_the_page, "wrong"),
        (an_id_served_for_somebody_else, "wrong"),
        (a_hold_was_in_force, "against"),
        (the_card_was_suspended, "against"),
        (left_out_a_state, "unexplained"),
        (unfinished, "unexplained"),
        (failed_after_it_was_handed_over, "unexplained"),
        (printed_and_nobody_said_so, "unexplained"),
        (held_without_a_hold, "unexplained"),
        (an_error_of_ours, "unexplained"),
        (a_connection_lost_without_a_kill, "unexplained"),
        (another_state_than_the_row_has, "unexplained"),
        (an_incident_that_nobody_reported, "unexplained"),
        (an_error_in_the_log, "unexplained"),
        (an_alarm_of_volume_without_the_volume, "unexplained"),
        (no_line_in_the_log, "unexplained"),
        (a_name_in_the_log, "leaked"),
        (a_number_in_the_log, "leaked"),
    ],
    ids=lambda one: one.__name__ if callable(one) else one,
)
def test_each_thing_gone_wrong_is_found(case: Case, spoil: Callable[[Case], None], sort: str) -> None:
    spoil(case)
    assert sort in findings(case.verdict())


def test_a_request_whose_client_left_ends_for_a_reason_of_its_own_time(case: Case) -> None:
    assert case.row
    case.events.clear()
    case.row |= {"state": "refused", "result_code": "held", "pdf_sha256": None, "finished_at": FINISHED}
    case.chain[:] = ["accepted", "refused"]
    case.entry = Entry("soak-1", case.entry.wish, "forgets", frozenset({"left"}))
    case.entry.attempts.append(Attempt("apply", "", 0, 10.0, 10.1, Answer("gone")))
    held(case, 17.0, 18.0)
    assert "unexplained" in findings(case.verdict())
    held(case, 14.0, 14.5)
    assert findings(case.verdict()) == {}


def test_a_machine_that_can_not_keep_up_is_told_from_a_database_that_is_gone(case: Case) -> None:
    """Only after the wait for a connection or a lock; a retry of a failed request gets its code again at once."""
    assert case.row
    case.events.clear()
    case.row |= {"state": "failed", "result_code": "database_unavailable", "pdf_sha256": None, "finished_at": FINISHED}
    case.chain[:] = ["accepted", "failed"]
    refusal = Answer("problem", "database_unavailable")
    case.entry.attempts[:] = [Attempt("apply", "", 0, 10.0, 10.1, refusal)]
    assert "unexplained" in findings(case.verdict())
    case.entry.attempts[:] = [
        Attempt("apply", "", 0, 10.0, 15.1, refusal),
        Attempt("apply", "", 1, 16.0, 16.1, refusal),
    ]
    assert findings(case.verdict()) == {}


def test_what_has_a_reason_is_explained(case: Case) -> None:
    """A refusal while a hold was in force, a connection that a kill tore, a retry while the first was being worked on."""
    held(case, 12.0, 13.0)
    case.answered(Answer("problem", "held"), at=12.2)
    case.kills = Kills([Down(0, 14.0, 15.0)], [])
    case.answered(Answer("broken"), at=13.8)
    case.answered(Answer("problem", "request_in_progress"), at=11.0)
    verdict = case.verdict()
    assert findings(verdict) == {}
    assert verdict.refused == {"held": 1, "request_in_progress": 1}
