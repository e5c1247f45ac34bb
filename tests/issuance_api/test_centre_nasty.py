"""The centre at its worst: at once, twice, out of order, gone, another's, hostile. Faults 52–54, 63, 65, 123, 126–128, 130."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fictional_people import CODE, FATHER, MOTHER
from issuing_town import CARD, MOTHERS_CARD, NOW, fill, owner, states, text_of
from wide_area_site import Town, application, shared, town, wait_until

from issuance_api.centre.transport import Limits
from simulators.centre import nasty, orders
from simulators.centre.answers import Fault, Issued, Ledger, Refused, WrongAnswer
from simulators.centre.client import Centre, Identity

LIMITS = Limits(head_seconds=1.0, idle_seconds=1.0, body_seconds=1.0, connections_of_client=12)
LOCK = "select issuance.lock_keys(array[%s::text])"
pytestmark = pytest.mark.clause("2(2)①")


@pytest.fixture(scope="module")
def site(issuing_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("centre"), nodes=2, limits=LIMITS) as one:
        yield one


@pytest.fixture
def line(site: Town) -> Iterator[Centre]:
    fill(NOW)
    with site.centre() as centre:
        yield centre


def raw(site: Town, node: int = 0, client: str = "client") -> nasty.RawLine:
    identity = Identity(site.keys.named(client), site.keys.ca)
    return nasty.RawLine("127.0.0.1", site.ports[node], identity)


def answered(body: bytes) -> tuple[int, str]:
    """Status of a raw answer and the code of its Fault."""
    code = re.search(rb"<faultstring>(\w+)</faultstring>", body)
    return int(body.split(b" ", 2)[1]), code[1].decode() if code else ""


@pytest.mark.fault(52, 53)
def test_the_same_order_in_one_millisecond_at_two_nodes_is_issued_once(line: Centre, site: Town) -> None:
    lines = shared(Ledger(), [0, 1, 0, 1], site)
    came = nasty.same_order_at_once(lines, application())
    issued = [one for one in came if isinstance(one, Issued)]
    refused = [one for one in came if not isinstance(one, Issued)]
    assert issued
    assert {getattr(one, "code", "") for one in refused} <= {"request_in_progress"}
    assert len({one.sha256 for one in issued}) == 1
    assert states("request-0001") == ["accepted", "eligible", "rendered", "checked", "sent"]


@pytest.mark.fault(52)
@pytest.mark.clause("1(2)")
def test_different_people_in_one_millisecond_each_get_their_own(line: Centre, site: Town) -> None:
    people = [(CARD, FATHER, MOTHER), (MOTHERS_CARD, MOTHER, FATHER)] * 4
    ledger = Ledger()
    lines = shared(ledger, [number % 2 for number in range(len(people))], site)
    asked = [
        application(f"request-{number:04d}", card=card, members=(own.addressee_number,))
        for number, (card, own, _) in enumerate(people)
    ]
    came = nasty.at_once(*(lambda at=at: lines[at].apply(asked[at]) for at in range(len(people))))
    for issued, (_, own, other) in zip(came, people, strict=True):
        assert isinstance(issued, Issued)
        assert own.name_kana is not None
        assert other.name_kana is not None
        text = text_of(issued.pdf)
        assert own.name_kana.replace("　", "") in text
        assert other.name_kana.replace("　", "") not in text


@pytest.mark.fault(53, 54)
@pytest.mark.parametrize("after", [1, 20_000])
def test_a_centre_gone_mid_answer_finds_the_same_bytes_when_it_asks_again(line: Centre, site: Town, after: int) -> None:
    """Fault 54; asked again at the other node, on a new connection."""
    taken = nasty.hang_up_mid_answer(raw(site), CODE, application(), after)
    assert len(taken) == after
    assert line.result("request-0001")["State"] == "sent"
    with site.centre(1) as other:
        again = other.apply(application())
    assert again.sha256 == line.result("request-0001")["Sha256"]
    assert states("request-0001").count("sent") == 1


@pytest.mark.fault(54)
def test_a_centre_gone_before_its_answer_is_made_finds_it_later(line: Centre, site: Town) -> None:
    with raw(site) as one:
        one.send(nasty.request(CODE, nasty.order(application())))
        wait_until(lambda: states("request-0001"))
        one.cut()
    wait_until(lambda: line.result("request-0001")["State"] == "sent")
    assert line.apply(application()).sha256 == line.result("request-0001")["Sha256"]


@pytest.mark.fault(126)
def test_the_same_id_with_another_person_or_other_content_is_refused(line: Centre) -> None:
    """Fault 126."""
    first = line.apply(application())
    for other in (application(card=MOTHERS_CARD), application(items=("relationship",)), application(members=("1",))):
        with pytest.raises(Refused) as refusal:
            line.apply(other)
        assert refusal.value.code == "request_conflict"
    assert line.apply(application()).sha256 == first.sha256


def test_reports_on_nothing_and_on_anothers_id_change_nothing(line: Centre, site: Town) -> None:
    for call in (line.result, line.cancel, lambda number: line.report(number, "printed")):
        with pytest.raises(Refused) as refusal:
            call("request-none")
        assert refusal.value.code == "not_found"
    line.apply(application())
    with site.centre(client="second", code="362999") as other_town, pytest.raises(Refused) as refusal:
        other_town.report("request-0001", "aborted")
    assert refusal.value.code == "not_found"
    assert line.result("request-0001")["State"] == "sent"


@pytest.mark.parametrize(
    ("first", "then", "allowed"),
    [
        ("printed", "printed", True),
        ("aborted", "aborted", True),
        ("printed", "aborted", False),
        ("aborted", "printed", False),
        ("print_error", "printed", True),
        ("print_error", "aborted", True),
        ("print_error", "print_error", True),
        ("printed", "print_error", True),
    ],
)
def test_reports_out_of_order_and_repeated(line: Centre, first: str, then: str, allowed: bool) -> None:
    line.apply(application())
    code = "E-1"
    once = line.report("request-0001", first, code if first == "print_error" else None)
    if allowed:
        after = line.report("request-0001", then, code if then == "print_error" else None)
        assert after["State"] == (then if then != "print_error" else once["State"])
    else:
        with pytest.raises(Refused) as refusal:
            line.report("request-0001", then)
        assert refusal.value.code == "request_conflict"
        assert line.result("request-0001")["State"] == first


def test_a_report_overtakes_its_application(line: Centre) -> None:
    """While the pages are being made nothing can have been printed."""
    with owner() as busy:
        busy.execute(LOCK, (f"person:{FATHER.addressee_number}",))
        applying = threading.Thread(target=lambda: line.apply(application()))
        applying.start()
        wait_until(lambda: len(states("request-0001")) == 2)
        with Centre(*line.address, CODE, line.identity) as other, pytest.raises(Refused) as refusal:
            other.report("request-0001", "printed")
        assert refusal.value.code == "request_conflict"
        busy.rollback()
        applying.join(20)
    assert line.result("request-0001")["State"] == "sent"


def test_cancelling_ends_the_request_for_good(line: Centre) -> None:
    line.apply(application())
    assert line.cancel("request-0001")["State"] == "aborted"
    for call in (lambda: line.apply(application()), lambda: line.report("request-0001", "printed")):
        with pytest.raises(Refused) as refusal:
            call()
        assert refusal.value.code == "request_conflict"


@pytest.mark.fault(65)
@pytest.mark.clause("4")
@pytest.mark.parametrize("case", nasty.HOSTILE)
def test_hostile_envelopes_get_a_fault_with_a_code_alone(line: Centre, case: str) -> None:
    body, code = nasty.HOSTILE[case]
    status, answer = line.exchange(body)
    assert status in (400, 413)
    assert re.sub(rb"<[^>]*>", b"", answer).split() == [b"s:Client" + code.encode()]
    assert line.alive()  # a new connection: after a Fault the old one is closed


def test_nothing_that_was_sent_is_quoted(line: Centre, caplog: pytest.LogCaptureFixture) -> None:
    marked = "辰之助-marked"
    body = orders.envelope("Application", orders.new_exchange(), {"RequestId": marked, "Kind": marked})
    with pytest.raises(Fault) as fault:
        line.ask("Application", {"RequestId": marked})
    assert (fault.value.code, fault.value.status) == ("schema", 400)
    _, answer = line.exchange(body)
    assert marked not in answer.decode() + caplog.text


@pytest.mark.parametrize(
    ("headers", "path", "expected"),
    [
        ("Content-Type: application/json", CODE, (415, "not_xml")),
        ("Content-Type: text/xml; charset=Shift_JIS", CODE, (415, "not_xml")),
        ("Content-Type: text/xml\r\nContent-Encoding: gzip", CODE, (415, "not_xml")),
        ("Content-Type: text/xml", CODE + "/more", (404, "not_found")),
        ("Content-Type: text/xml", "../" + CODE, (404, "not_found")),
    ],
)
def test_what_is_no_order_by_its_head_is_not_read(
    line: Centre, site: Town, headers: str, path: str, expected: tuple[int, str]
) -> None:
    head = f"POST /wide-area/{path} HTTP/1.1\r\nHost: a\r\n{headers}\r\nContent-Length: 10\r\n\r\n"
    with raw(site) as one:
        one.send(head.encode())
        assert answered(one.rest()) == expected
    with raw(site) as one:
        one.send(f"GET /wide-area/{CODE} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert answered(one.rest()) == (405, "method_not_allowed")


def test_a_body_that_is_announced_too_large_is_not_even_asked_for(line: Centre, site: Town) -> None:
    with raw(site) as one:
        one.send(nasty.request(CODE, b"", "Expect: 100-continue", length=10**9))
        assert answered(one.rest()) == (413, "too_large")


@pytest.mark.fault(65)
def test_a_body_without_an_end_is_cut_off(line: Centre, site: Town) -> None:
    head = f"POST /wide-area/{CODE} HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    with raw(site) as one:
        one.send(head.encode() + b"8000\r\n%s\r\n" % (b" " * 0x8000) * 3)
        assert answered(one.rest()) == (413, "too_large")


@pytest.mark.fault(65)
def test_a_body_that_drips_is_given_up(line: Centre, site: Town) -> None:
    """Fault 65: the deadline is for the whole body, a byte now and then does not help."""
    body = nasty.order(application())
    with raw(site) as one:
        one.send(nasty.request(CODE, body[:100], length=len(body)))
        dripping = threading.Thread(target=_drip, args=(one, body[100:]))
        dripping.start()
        assert answered(one.rest()) == (408, "too_slow")
        dripping.join(20)
    assert states("request-0001") == []


def _drip(line: nasty.RawLine, body: bytes) -> None:
    for at in range(len(body)):
        try:
            line.send(body[at : at + 1])
        except OSError:
            return
        threading.Event().wait(0.05)


@pytest.mark.fault(128)
def test_many_in_one_piece_are_answered_in_their_order(line: Centre, site: Town) -> None:
    """Fault 128: each answer says to which exchange it is."""
    asked = [orders.new_exchange() for _ in range(4)]
    bodies = [orders.envelope("ResultInquiry", one, {"RequestId": f"request-{one}"}) for one in asked]
    bodies[1] = orders.envelope("Application", asked[1], application().elements())
    with raw(site) as one:
        came = nasty.many_in_one_piece(one, CODE, bodies)
    assert re.findall(rb"<w:ExchangeId>(\w+)<", came) == [one.encode() for one in asked]
    assert re.findall(rb"<w:RequestId>([\w-]+)<", came)[1] == b"request-0001"


@pytest.mark.fault(128)
def test_a_line_that_is_kept_answers_each_of_its_orders(line: Centre) -> None:
    """Keep-alive: two people after each other on one connection."""
    for number, (card, own) in enumerate([(CARD, FATHER), (MOTHERS_CARD, MOTHER)] * 3):
        asked = application(f"request-{number:04d}", card=card, members=(own.addressee_number,))
        issued = line.apply(asked)
        assert own.name_kana is not None
        assert own.name_kana.replace("　", "") in text_of(issued.pdf)


def test_an_idle_line_is_closed_and_taken_up_again(line: Centre, site: Town) -> None:
    assert line.alive()
    with raw(site) as one:
        one.send(nasty.request(CODE, orders.envelope("AliveCheck", orders.new_exchange(), {})))
        assert answered(one.rest()) == (200, "")  # the rest ends, because the town hangs up
    assert line.alive()


def test_one_client_cannot_take_all_connections(line: Centre, site: Town) -> None:
    """Fault 130: beyond its number a client's connections are dropped; others still come through."""
    held: list[nasty.RawLine] = []
    try:
        alive = nasty.request(CODE, orders.envelope("AliveCheck", orders.new_exchange(), {}))
        for _ in range(LIMITS.connections_of_client + 3):
            one = raw(site, client="crowd")
            held.append(one)
            one.send(alive)
        answers = [one.some(12) for one in held]
        assert answers.count(b"HTTP/1.1 200") == LIMITS.connections_of_client
        assert line.alive()
    finally:
        for one in held:
            one.cut()


def test_an_answer_to_another_order_is_not_believed(line: Centre) -> None:
    """What the town must never do, the centre notices: fault 123."""
    from simulators.centre.answers import Expected, read

    exchange = orders.new_exchange()
    status, body = line.exchange(orders.envelope("AliveCheck", exchange, {}))
    assert read(body, status, Expected("AliveCheck", exchange, CODE, None))["ResultCode"] == "ok"
    for wrong in (
        Expected("AliveCheck", orders.new_exchange(), CODE, None),
        Expected("AliveCheck", exchange, "362999", None),
        Expected("AliveCheck", exchange, CODE, "request-0001"),
        Expected("Cancel", exchange, CODE, None),
    ):
        with pytest.raises(WrongAnswer):
            read(body, status, wrong)


def test_what_was_accepted_is_finished_when_a_node_is_told_to_stop(issuing_site: str, tmp_path: Path) -> None:
    fill(NOW)
    came: list[Issued] = []
    with town(tmp_path) as short, short.centre() as line:
        with owner() as busy:
            busy.execute(LOCK, (f"person:{FATHER.addressee_number}",))
            applying = threading.Thread(target=lambda: came.append(line.apply(application())))
            applying.start()
            wait_until(lambda: len(states("request-0001")) == 2)
            short.processes[0].stop()
            wait_until(lambda: not _accepts(short))
            busy.rollback()
        applying.join(20)
    assert came[0].pages == 1
    assert states("request-0001")[-1] == "sent"


def _accepts(site: Town) -> bool:
    from records.errors import TransferError

    try:
        with site.centre() as probe:
            return probe.alive()
    except TransferError:
        return False
