"""What a node notices of itself and of its callers: a clock that is off, and more inquiries than a town has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fictional_people import CODE
from issuing_town import CARD, NOW, fill, owner
from one_node import apply, code_of, node
from starlette.testclient import TestClient

from issuance_api import presence
from issuance_api.volume import HOUR, Volume
from municipalities.registry import get

INCIDENTS = "select kind, request_id, closed_at from issuance.incident order by id"


@pytest.fixture
def town(issuing_site: str) -> str:
    fill(NOW)
    with owner() as connection:
        connection.execute("truncate issuance.incident cascade")
    return issuing_site


@pytest.mark.fault(28, 109, 129, 143)
@pytest.mark.parametrize("off", [timedelta(seconds=-5), timedelta(seconds=5), timedelta(hours=9)])
def test_a_node_whose_clock_is_not_the_databases_issues_nothing(
    town: str, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    """At 23:00 every node must say the same."""
    right = presence.wall_clock
    with monkeypatch.context() as patch:
        patch.setattr(presence, "wall_clock", lambda: right() + off)
        with node(town) as client:
            assert code_of(apply(client)) == (503, "clock_skewed")
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["unavailable"]) == (503, [CODE])
    with owner() as connection:
        assert connection.execute("select count(*) from issuance.request").fetchone() == (0,)


def test_a_second_is_no_skew(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = presence.wall_clock
    monkeypatch.setattr(presence, "wall_clock", lambda: right() + timedelta(seconds=1))
    with node(town) as client:
        assert apply(client).status_code == 200


@pytest.mark.fault(131)
@pytest.mark.clause("7(1)② monitoring")
def test_a_key_that_asks_for_everybody_is_an_incident(town: str) -> None:
    """A stolen key scrapes: also those inquiries count that are refused; reports do not."""
    modest = replace(get(CODE), issuing=replace(get(CODE).issuing, volume_alarm_per_hour=4))
    with node(town, town=modest) as client:
        for number in range(4):
            assert _inquire(client, f"STRANGER{number}") == 200
        for _ in range(3):
            client.post(f"/v1/{CODE}/results", json={"request_id": "request-none"})
        assert _incidents() == []
        assert apply(client).status_code == 200  # the fifth; a citizen still gets the certificate
        assert _incidents() == [("volume", None, None)]
        for number in range(12):
            _inquire(client, f"STRANGER{number}")
        assert len(_incidents()) == 1  # while nobody has looked into it, more of the same is no news


def _inquire(client: TestClient, card: str = CARD) -> int:
    return client.post(f"/v1/{CODE}/capabilities", json={"card_serial": card}).status_code


def _incidents() -> list[tuple[object, ...]]:
    with owner() as connection:
        return connection.execute(INCIDENTS).fetchall()


def test_a_volume_is_that_of_one_hour() -> None:
    now = [0.0]
    volume = Volume(3, lambda: now[0])
    assert [volume.exceeded() for _ in range(4)] == [False, False, False, True]
    for _ in range(20):
        now[0] += HOUR / 3 + 1
        assert not volume.exceeded()
