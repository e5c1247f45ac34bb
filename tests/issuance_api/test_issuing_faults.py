"""What goes wrong between a request and its page: the clock, the register, holds and nodes change while it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest
from fictional_people import CODE, FATHER, income_tax, known
from issuing_town import CARD, MOTHERS_CARD, NOW, change, fill, owner, put, states, text_of
from one_node import Hour, apply, code_of, drawing, hurried, node, standing
from psycopg.rows import dict_row

from issuance_api import release, repository
from issuance_api.model import Kind
from issuance_api.service_hours import JST
from municipalities.registry import get
from records.records import Resident
from replica import holds
from replica.connections import connect
from replica.desk import Act

ACT = Act("職員", "本人の届出")
TAX, SEAL = Kind.INCOME_TAXATION, Kind.SEAL_REGISTRATION


@pytest.fixture
def town(issuing_site: str) -> Iterator[str]:
    """A freshly filled town; gives the centre's token."""
    fill(NOW)
    yield issuing_site
    release.publish(CODE)


def fresh(at: datetime) -> None:
    """All feeds were verified a minute before ``at``."""
    change("update replica.feed_state set last_verified_at = %s", at - timedelta(minutes=1))


def enter(person: Resident) -> None:
    """As a load commits it."""
    with owner() as connection:
        put(connection, "resident", person)


@pytest.mark.fault(52, 126)
def test_one_id_for_two_people_in_one_instant_at_two_nodes_is_one_of_them_only(town: str) -> None:
    with node(town) as one, node(town) as other, ThreadPoolExecutor(2) as pool:
        for turn in range(5):
            name, start = f"request-{turn:04d}", Barrier(2)

            def ask(client: Any, card: str, name: str = name, start: Barrier = start) -> Any:
                start.wait()
                return apply(client, name, SEAL if card == CARD else Kind.RESIDENT_RECORD, card)

            answers = [pool.submit(ask, one, CARD), pool.submit(ask, other, MOTHERS_CARD)]
            codes = sorted(code_of(each.result()) for each in answers)
            assert codes == [(200, "ok"), (409, "request_conflict")]
            assert states(name).count("sent") == 1


@pytest.mark.fault(55)
def test_a_time_out_while_drawing_ends_all_of_it_and_the_next_person_gets_their_own(town: str) -> None:
    """横浜 2023-03-27: under load a time-out released the queue only, and the next request got that page."""
    with node(town) as client:
        with standing(client), hurried(client):
            late = apply(client, "request-0001", members=[FATHER.addressee_number])
        assert code_of(late) == (504, "timeout")
        assert states("request-0001") == ["accepted", "eligible", "failed"]
        members = {"members": ["000000000000102"], "card": MOTHERS_CARD}
        with ThreadPoolExecutor(2) as pool:  # both renderers: neither has anything left of the request before
            pages = [pool.submit(apply, client, f"request-1{each:03d}", **members) for each in range(4)]
            texts = [text_of(each.result().content) for each in pages]
        assert all("昭和52年8月日不詳" in text and "昭和50年2月1日" not in text for text in texts)
        again = apply(client, "request-0001", members=[FATHER.addressee_number])
        assert code_of(again) == (504, "timeout")  # given up is given up


@pytest.mark.fault(56)
def test_a_hold_committed_while_the_page_is_drawn_stops_it(town: str) -> None:
    with node(town) as client:
        with drawing(client) as answer:
            number = holds.hold_person(CODE, FATHER.addressee_number, ACT)
        assert code_of(answer.result()) == (422, "held")
        assert "sent" not in states("request-0001")
        holds.lift(CODE, number, ACT)
        assert code_of(apply(client)) == (422, "held")  # that request has ended
        assert code_of(apply(client, "request-0002")) == (200, "ok")


@pytest.mark.fault(57)
def test_an_import_committed_while_the_page_is_drawn_stops_it_and_the_next_shows_the_new_row(town: str) -> None:
    """足立: certificates were issued while the register was being imported."""
    with node(town) as client, connect(CODE, "loader") as loader:
        with drawing(client) as answer:
            loader.execute(
                "update replica.resident set katagaki = '見本荘101号', content_hash = 'new' where addressee_number = %s",
                (FATHER.addressee_number,),
            )
            loader.execute("update replica.feed_state set last_applied = last_applied + 1 where feed = 'resident'")
            loader.commit()
        assert code_of(answer.result()) == (409, "register_changed")
        assert "sent" not in states("request-0001")
        text = text_of(apply(client, "request-0002").content)
    assert "見本荘101号" in text
    assert "コーポ見本" not in text


@pytest.mark.fault(57)
def test_an_import_that_is_not_committed_is_not_seen_and_keeps_nobody_waiting(town: str) -> None:
    with node(town) as client, connect(CODE, "loader") as loader:
        loader.execute("update replica.resident set katagaki = '半分', content_hash = 'half'")
        response = apply(client)
        loader.rollback()
    assert "半分" not in text_of(response.content)


HOURS = [
    (datetime(2026, 11, 24, 22, 59, 59, tzinfo=JST), 200),
    (datetime(2026, 11, 24, 23, 0, 0, tzinfo=JST), 422),
    (datetime(2026, 12, 28, 22, 59, 59, tzinfo=JST), 200),
    (datetime(2026, 12, 28, 23, 0, 0, tzinfo=JST), 422),
    (datetime(2027, 1, 4, 6, 29, 59, tzinfo=JST), 422),
    (datetime(2027, 1, 4, 6, 30, 0, tzinfo=JST), 200),
]


@pytest.mark.fault(58)
@pytest.mark.clause("1(6)①")
def test_the_first_and_the_last_second_of_service(town: str) -> None:
    hour = Hour()
    with node(town, hour) as client:
        for number, (at, status) in enumerate(HOURS):
            hour.now = at
            fresh(at)
            response = apply(client, f"request-{number:04d}")
            assert response.status_code == status, at
            if status != 200:
                assert response.json()["code"] == "outside_service_hours"


@pytest.mark.fault(140)
@pytest.mark.clause("1(6)①")
def test_what_was_accepted_before_closing_is_finished_and_bears_its_own_day(town: str) -> None:
    hour = Hour(datetime(2026, 11, 24, 22, 59, 59, tzinfo=JST))
    fresh(hour.now)
    with node(town, hour) as client:
        with drawing(client) as answer:
            hour.now += timedelta(seconds=5)
        assert "令和8年11月24日" in text_of(answer.result().content)
        assert apply(client).content == answer.result().content  # its retry after closing, too
        assert code_of(apply(client, "request-0002")) == (422, "outside_service_hours")


@pytest.mark.fault(129)
def test_nodes_whose_clocks_differ_agree_about_a_request(town: str) -> None:
    """What the one has accepted the other finishes; what the one has refused the other does not issue."""
    slow, fast = Hour(NOW.replace(hour=22, minute=59, second=59)), Hour(NOW.replace(hour=23, minute=0))
    fresh(slow.now)
    with node(town, slow) as one, node(town, fast) as other:
        first = apply(one)
        assert apply(other).content == first.content
        assert code_of(apply(other, "request-0002")) == (422, "outside_service_hours")
        assert code_of(apply(one, "request-0002")) == (422, "outside_service_hours")
    assert states("request-0002") == ["accepted", "refused"]


@pytest.mark.fault(139)
@pytest.mark.parametrize("kind", [Kind.RESIDENT_RECORD, SEAL])
def test_the_day_is_japans_whatever_zone_the_clock_has(town: str, kind: Kind) -> None:
    """07:00 in Japan is still yesterday in UTC."""
    hour = Hour(datetime(2026, 11, 24, 22, 0, tzinfo=UTC))
    fresh(hour.now)
    with node(town, hour) as client:
        response = apply(client, kind=kind)
    assert "令和8年11月25日" in text_of(response.content)
    assert response.headers["utsushi-serial"].startswith("20261125")
    with owner() as connection:
        assert str(connection.execute("select issued_on from issuance.request").fetchone()) == (
            "(datetime.date(2026, 11, 25),)"
        )


@pytest.mark.fault(141)
@pytest.mark.parametrize(
    ("birth", "last_day_of_14"),
    [((2011, 11, 25), (2026, 11, 24)), ((2012, 2, 29), (2027, 2, 28)), ((2012, 3, 1), (2027, 2, 28))],
)
def test_a_certificate_from_the_fifteenth_birthday_on(
    town: str, birth: tuple[int, int, int], last_day_of_14: tuple[int, int, int]
) -> None:
    enter(replace(FATHER, birth_on=known(*birth)))
    hour = Hour(datetime(*last_day_of_14, 22, 59, 59, tzinfo=JST))
    with node(town, hour) as client:
        fresh(hour.now)
        assert code_of(apply(client)) == (422, "under_15")
        hour.now = (hour.now + timedelta(days=1)).replace(hour=6, minute=30, second=0)
        fresh(hour.now)
        assert code_of(apply(client, "request-0002")) == (200, "ok")


GONE = {
    "not_a_resident": replace(FATHER, resident_status="2", removed_on=known(2026, 11, 24)),
    "move_out_filed": replace(FATHER, move_out_planned_on=known(2026, 12, 1)),
}


@pytest.mark.fault(59)
@pytest.mark.parametrize("code", GONE)
def test_who_moved_out_a_second_ago_gets_nothing(town: str, code: str) -> None:
    with node(town) as client:
        with drawing(client) as answer:
            enter(GONE[code])
        assert code_of(answer.result()) == (422, code)
        for number, kind in enumerate((Kind.RESIDENT_RECORD, Kind.RECORD_ITEM, SEAL, TAX)):
            assert code_of(apply(client, f"request-1{number:03d}", kind)) == (422, code)
        # The household without its householder, or about to lose him, gets nothing either.
        assert apply(client, "request-2000", card=MOTHERS_CARD).status_code == 422
        offered = client.post(f"/v1/{CODE}/capabilities", json={"card_serial": CARD}).json()
        assert not any(one["available"] for one in offered["kinds"] if "family_register" not in one["kind"])
    with owner() as connection:
        assert connection.execute("select sent_at from issuance.request where sent_at is not null").fetchall() == []


@pytest.mark.fault(142)
def test_a_tax_record_replaced_while_it_is_drawn_is_not_issued_from(town: str) -> None:
    with node(town) as client:
        with drawing(client, kind=TAX) as answer, owner() as connection:
            put(connection, "tax", replace(income_tax(), total_income=1))
            put(connection, "tax", replace(income_tax(), fiscal_year=2027))
        assert code_of(answer.result()) == (409, "register_changed")
        assert code_of(apply(client, "request-0002", TAX, fiscal_year=2027)) == (422, "not_the_latest_tax_year")


@pytest.mark.fault(142)
def test_the_new_tax_year_begins_on_every_node_at_once(town: str) -> None:
    """The town's setting is part of the versions: a node that still has the old year sends nothing any more."""
    newer = replace(get(CODE), issuing=replace(get(CODE).issuing, tax_year=2027))
    with node(town) as client:
        with drawing(client, kind=TAX) as answer:
            change("update issuance.release set version = 'with 2027' where component = 'configuration'")
        assert code_of(answer.result()) == (503, "node_outdated")
    release.publish(CODE)
    with node(town, town=newer) as client:
        assert code_of(apply(client, "request-0002", TAX)) == (422, "not_the_latest_tax_year")
        assert code_of(apply(client, "request-0003", TAX, fiscal_year=2027)) == (422, "no_tax_record")


def test_what_is_cancelled_while_it_is_drawn_is_not_sent(town: str) -> None:
    with node(town) as client:
        with drawing(client) as answer:
            cancelled = client.post(f"/v1/{CODE}/cancellations", json={"request_id": "request-0001"})
            assert (cancelled.json()["state"], cancelled.json()["result_code"]) == ("failed", "cancelled")
        assert answer.result().status_code == 409
        assert states("request-0001") == ["accepted", "eligible", "failed"]
        found = client.post(f"/v1/{CODE}/results", json={"request_id": "request-0001"}).json()
        assert (found["state"], found["result_code"]) == ("failed", "cancelled")


@pytest.mark.fault(68)
def test_a_hold_on_the_wrong_register_is_taken_back_and_its_people_are_served_again(town: str) -> None:
    with node(town) as client:
        domicile, head = FATHER.registered_domicile, FATHER.family_register_head
        assert domicile is not None
        number = holds.hold_register(CODE, domicile, head, ACT)
        assert code_of(apply(client)) == (422, "held")
        holds.lift(CODE, number, Act("職員", "別の戸籍に対する入力の誤り"))
        assert code_of(apply(client, "request-0002")) == (200, "ok")
    (kept,) = holds.holds(CODE, lifted=True)
    assert (kept.id, kept.lift_reason) == (number, "別の戸籍に対する入力の誤り")


@pytest.mark.fault(109, 129, 143)
@pytest.mark.parametrize("off", [timedelta(hours=-9), timedelta(hours=-1), timedelta(hours=2), timedelta(days=1)])
def test_a_node_whose_clock_is_far_off_issues_nothing(town: str, off: timedelta) -> None:
    """The register's last look at the vendor lies in its future, or too long ago."""
    hour = Hour(NOW.replace(hour=15) + off)
    fresh(NOW.replace(hour=15))
    with node(town, hour, always_open=True) as client:
        assert code_of(apply(client)) == (422, "data_not_fresh")


@pytest.mark.fault(102)
def test_no_setting_and_no_lock_of_a_request_stays_on_its_connection(town: str) -> None:
    left = (
        "select (select jsonb_object_agg(name, setting) from pg_settings where setting <> reset_val) as settings,"
        " session_user || current_user as role,"
        " (select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory') as locks"
    )

    async def look(pool: Any) -> dict[str, Any]:
        async with pool.connection() as connection:
            return dict(await (await connection.execute(left)).fetchone())

    with psycopg.connect(repository.issuer_conninfo(get(CODE)), row_factory=dict_row) as new:
        as_new = new.execute(left).fetchone()
    with node(town) as client:
        change("update staff.card set status = 'suspended' where serial = %s", MOTHERS_CARD)
        assert code_of(apply(client)) == (200, "ok")
        assert code_of(apply(client, "request-0002", card=MOTHERS_CARD)) == (422, "card_not_active")
        pool = client.app.state.node.services[CODE].repository._pool  # type: ignore[attr-defined]
        assert client.portal is not None
        for _ in range(pool.get_stats()["pool_size"]):
            assert client.portal.call(look, pool) == as_new


@pytest.mark.fault(42)
def test_when_all_connections_are_taken_it_says_so_and_goes_on_when_they_are_free(
    town: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_CONNECTIONS", 1)
    monkeypatch.setattr(repository, "POOL_TIMEOUT_SECONDS", 0.3)

    async def take(pool: Any) -> Any:
        return await pool.getconn()

    async def give(pool: Any, connection: Any) -> None:
        await pool.putconn(connection)

    with node(town) as client:
        assert client.portal is not None
        pool = client.app.state.node.services[CODE].repository._pool  # type: ignore[attr-defined]
        taken = client.portal.call(take, pool)
        response = apply(client)
        client.portal.call(give, pool, taken)
        assert code_of(response) == (503, "database_unavailable")
        assert states("request-0001") == []
        assert code_of(apply(client)) == (200, "ok")
